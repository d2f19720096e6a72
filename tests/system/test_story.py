"""The story: a technician's work of a morning, a pharmacist's answer, and its way back."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

IDENTIFYING = re.compile(r"999\D{0,3}\d{3}\D{0,3}\d{4}")


def open_row(page: Page, what: str, *, without: str = "Cannot tell") -> str:
    """Open the first line of the list that says *what*; the patient's name."""
    row = page.get_by_role("row").filter(has_text=what)
    row = row.filter(has_not_text=without).first
    name = row.locator("[data-open]").inner_text()
    row.locator("[data-open]").click()
    expect(page.locator(".cf-id__name")).to_have_text(name)
    return name


def open_form(place: Locator, summary: str) -> Locator:
    """Open the form behind *summary*, behind "More" if it is there."""
    wanted = place.locator("details.cf-act", has=place.page.locator("summary", has_text=summary))
    if not wanted.first.locator("> summary").is_visible():
        place.locator("details.cf-more > summary").first.click()
    wanted.first.locator("> summary").click()
    return wanted.first


def progress(page: Page) -> tuple[int, int]:
    """Lines decided, lines in all."""
    found = re.search(r"(\d+) of (\d+) decided", page.locator(".cf-progress").inner_text())
    assert found
    return int(found[1]), int(found[2])


def test_a_morning(people: Any) -> None:
    technician = people.sign_in("tess")

    # Today's work for two practices.
    expect(technician.get_by_role("heading", level=1)).to_have_text("Today")
    data = technician.locator(".cf-strip__data").inner_text()
    assert len(data.split(": ", 1)[1].split(", ")) == 2, data
    places = technician.get_by_label("Practice").locator("option").all_inner_texts()
    assert len(places) == 3

    # An overdue methotrexate test: its reasons, its medicines on a time line.
    technician.get_by_label("Kind").select_option("monitoring")
    technician.get_by_role("button", name="Show").click()
    expect(technician.get_by_role("link", name="Remove filter: Kind: Monitoring")).to_be_visible()
    patient = open_row(technician, "Methotrexate: blood tests overdue")
    case = technician.url
    card = technician.locator(".cf-card", has_text="Methotrexate: blood tests overdue")
    reasons = card.locator(".cf-reasons").inner_text()
    assert re.search(r"last done|none on record", reasons)
    assert "every 12 weeks" in reasons
    assert "version 1" in card.inner_text()
    drawing = technician.locator("svg.cf-timeline")
    expect(drawing).to_be_visible()
    assert "Methotrexate 2.5mg tablets" in (drawing.text_content() or "")
    assert "overdue" in (drawing.locator("desc").text_content() or "")

    # Booked; the medicine is still being issued, so it is handed over as well.
    form = open_form(card, "Record test booked")
    form.get_by_label("Date of the test").fill("2026-12-01")
    form.get_by_role("button", name="Record test booked").click()
    expect(technician.get_by_text("Recorded: test booked.")).to_be_visible()
    expect(card).to_contain_text("Test booked by Tess Technician")
    form = open_form(card, "Hand over to pharmacist")
    assert "Methotrexate" in form.get_by_label("What you ask").input_value()
    assert patient.split(",")[0] not in form.get_by_label("What you ask").input_value()
    form.get_by_role("button", name="Send question").click()
    expect(technician.get_by_text("Handed over to the pharmacist.")).to_be_visible()

    # The pharmacist reads it with its evidence, and answers.
    pharmacist = people.sign_in("phil")
    pharmacist.get_by_role("link", name="Questions").click()
    question = pharmacist.locator(".cf-question", has_text=patient).filter(has_text="Methotrexate")
    question.get_by_text(re.compile("^Evidence")).click()
    expect(question.locator(".cf-reasons").first).to_be_visible()
    if not question.get_by_label("Your answer").is_visible():
        question.locator("details.cf-act > summary").click()
    question.get_by_label("Your answer").fill("No more until the result is in. I rang the patient.")
    question.get_by_label("What Tess Technician is to do").fill("Look for the result on Wednesday.")
    question.get_by_role("button", name="Send answer to Tess Technician").click()
    expect(pharmacist.get_by_text("Answer sent.")).to_be_visible()

    # The technician sees the answer come back, and takes it up.
    technician.goto("/?view=answered")
    assert open_row(technician, "Methotrexate") == patient
    assert technician.url == case
    expect(card).to_contain_text("No more until the result is in.")
    expect(card).to_contain_text("Look for the result on Wednesday.")
    card.get_by_role("button", name="Take up this answer").click()
    expect(technician.get_by_text("Answer taken up.")).to_be_visible()
    technician.goto("/?view=answered")
    expect(technician.get_by_role("link", name=patient)).to_have_count(0)

    assert not [t for t in people.titles if IDENTIFYING.search(t) or patient in t]
    assert not [a for a in people.addresses if IDENTIFYING.search(a)]
    surname = patient.split(",")[0].lower()
    assert not [a for a in people.addresses if surname in a.lower()]
    log = people.service.log.read_text()
    assert not IDENTIFYING.search(log)
    assert surname not in log.lower()


def test_a_letter_from_first_line_to_last(people: Any) -> None:
    technician = people.sign_in("tess")
    technician.get_by_role("link", name="Letters").click()
    links = technician.locator("table[data-rows] [data-open]")
    for href in links.evaluate_all("links => links.map(link => link.href)"):
        technician.goto(href)
        same = technician.locator("#same .cf-line")
        if same.count() > 1 and technician.locator(".cf-group .cf-line").count():
            break
    decided, lines = progress(technician)
    assert decided == 0
    assert lines == technician.locator(".cf-line").count(), "each line is on the page"
    assert technician.get_by_role("button", name="Finish this letter").count() == 0
    sheet = technician.locator("[data-sheet]")
    assert sheet.locator("mark").count() > 0

    # Only the same lines can be finished by a technician, alone or together.
    others = technician.locator(".cf-group .cf-line")
    assert others.locator("button", has_text="Confirm").count() == 0
    technician.locator("#same > summary").click()
    together = technician.get_by_role("button", name=re.compile(r"^Confirm these \d+ lines"))
    number = int(re.findall(r"\d+", together.inner_text())[0])
    together.click()
    expect(technician.get_by_text(f"{number} lines confirmed as the same.")).to_be_visible()
    assert progress(technician)[0] == number

    # One is asked of the ward, the rest are handed over, each with its drafted words.
    for index in range(technician.locator(".cf-line").count()):
        line = technician.locator(".cf-line").nth(index)
        if "cf-line--decided" in (line.get_attribute("class") or ""):
            continue
        if not line.is_visible():
            technician.locator("#same > summary").click()
        line.scroll_into_view_if_needed()
        if index == 0:
            form = open_form(line, "Query the ward")
            assert len(form.get_by_label("What you ask the ward").input_value()) > 40
            form.get_by_label("Look again on").fill("2026-11-25")
            form.get_by_role("button", name="Query the ward").click()
        else:
            form = open_form(line, "Hand over to")
            assert "Discharge letter" in form.get_by_label("What you ask").input_value()
            form.get_by_role("button", name="Send question").click()
        expect(technician.locator(".cf-notice").first).to_be_visible()
    assert progress(technician) == (lines, lines)

    # Now, and only now, it can be finished.
    technician.get_by_role("button", name="Finish this letter").click()
    expect(technician.get_by_text("Letter finished.")).to_be_visible()


class Hands:
    """A person at the page: every click and every key that they need is counted."""

    def __init__(self) -> None:
        self.clicks = 0
        self.keys = 0

    def click(self, what: Locator) -> None:
        self.clicks += 1
        what.click()

    def type(self, what: Locator, words: str) -> None:
        self.keys += len(words)
        what.fill(words)


STARTED = (
    "Nitrofurantoin 100mg modified-release capsules, ONE twice a day for 3 days",
    "Cyclizine 50mg tablets, ONE three times a day",
    "Nystatin 100,000units/ml oral suspension, 1ml four times a day for 7 days",
    "Hyoscine butylbromide 10mg tablets, ONE four times a day when required",
)
"""What the letter of twelve lines starts."""


def letter_of_twelve(page: Page) -> None:
    """Add a letter of twelve lines about a patient of the demo, and open it.

    One item is stopped, one is left out, one has another dose, the others are as the GP list has them,
    and what is wanting to twelve is new.
    """
    page.goto("/?kind=monitoring")
    cases = page.locator("[data-open]").evaluate_all("links => links.map(link => link.href)")
    for href in dict.fromkeys(href.split("#")[0].split("?")[0] for href in cases):
        page.goto(f"{href}ward-list/")
        rows = page.locator("main section").first.locator("tbody tr")
        held = rows.evaluate_all(
            "rows => rows.map(row => [...row.cells].slice(0, 2).map(cell => cell.innerText.trim()))"
        )
        if not 12 - len(STARTED) <= len(held) <= 11:
            continue
        practice = page.locator(".cf-id dd").nth(2).inner_text()
        kept = [f"- {product}, {dose}" for product, dose in held[2:]]
        kept[0] = f"{kept[0].rsplit(',', 1)[0]}, FOUR times a day"
        lines = [
            "Invented Hospital",
            f"Patient: {page.locator('.cf-id__name').inner_text()}",
            f"NHS number: {page.locator('#nhs-number').inner_text()}",
            f"Date of birth: {page.locator('.cf-id dd').first.inner_text().split(' (')[0]}",
            "Date of discharge: 20 November 2026",
            "",
            "Medicines on discharge",
            *kept,
            *(f"- {started} - new" for started in STARTED[: 12 - len(held)]),
            "",
            "Medicines stopped",
            f"- {held[0][0]} - due to dizziness",
        ]
        page.goto("/letters/")
        page.locator("summary", has_text="Add a letter").click()
        page.get_by_label("Practice it came to").select_option(label=practice)
        text = "\n".join(lines).encode()
        page.locator("#letter").set_input_files(
            {"name": "letter.txt", "mimeType": "text/plain", "buffer": text}
        )
        page.get_by_role("button", name="Take in this letter").click()
        if page.locator(".cf-progress").count() and progress(page) == (0, 12):
            return
    raise AssertionError("no patient of the demo has a list of which twelve lines can be made")


def test_the_clicks_and_keys_of_a_letter_are_few(people: Any) -> None:
    """Each line is dealt with: the same confirmed, what is missing asked, the rest handed over.

    The figures stand in docs/how-to/reconcile-a-letter.md.
    """
    technician = people.sign_in("tess")
    letter_of_twelve(technician)
    lines = progress(technician)[1]
    assert lines == 12
    hands = Hands()
    together = technician.get_by_role("button", name=re.compile(r"^Confirm (these|this)"))
    if together.count():
        hands.click(technician.locator("#same > summary"))
        hands.click(together.first)
    while (open_ := technician.locator(".cf-line:not(.cf-line--decided)")).count():
        line = open_.first
        if not line.is_visible():
            hands.click(technician.locator("#same > summary"))
        line.scroll_into_view_if_needed()
        confirm = line.get_by_role("button", name=re.compile("^Confirm"))
        if confirm.count():
            hands.click(confirm.first)
        elif (asks := line.locator("details[data-hand-over]")).count():
            hands.click(asks.locator("> summary"))
            more = asks.locator("summary", has_text="Ask about other lines as well")
            if more.count():
                hands.click(more)
                every = asks.locator("[data-tick-all]")
                boxes = asks.locator("input[type=checkbox]")
                for box in [every] if every.count() else boxes.all():
                    hands.click(box)
            hands.click(asks.get_by_role("button", name="Send question"))
        else:
            form = line.locator("details.cf-act", has_text="Query the ward").first
            if not form.locator("> summary").is_visible():
                hands.click(line.locator("details.cf-more > summary").first)
            hands.click(form.locator("> summary"))
            hands.click(form.get_by_role("button", name="Query the ward"))
        expect(technician.locator(".cf-notice").first).to_be_visible()
    hands.click(technician.get_by_role("button", name="Finish this letter"))
    expect(technician.get_by_text("Letter finished.")).to_be_visible()
    print(f"{lines} lines: {hands.clicks} clicks, {hands.keys} keys")
    assert hands.clicks <= 2 * lines
    assert hands.keys == 0


def test_a_crafted_request_does_not_finish_a_changed_line(people: Any) -> None:
    """What the page does not offer, the service refuses as well; what was typed is kept."""
    technician = people.sign_in("tess")
    technician.get_by_role("link", name="Letters").click()
    links = technician.locator("table[data-rows] [data-open]")
    for href in links.evaluate_all("links => links.map(link => link.href)"):
        technician.goto(href)
        line = technician.locator("#changed .cf-line, #missing .cf-line").first
        if line.count():
            break
    before = progress(technician)
    form = open_form(line, "Query the ward")
    form.get_by_label("Look again on").fill("2026-11-26")
    form.locator("textarea").fill("Kept words")
    form.locator("form").evaluate(
        "form => { form.action = form.action.replace('query_ward', 'approve_change') }"
    )
    with technician.expect_response(lambda response: "approve_change" in response.url) as answer:
        form.get_by_role("button", name="Query the ward").click()
    assert answer.value.status == 422
    expect(technician.locator(".nhsuk-error-summary")).to_contain_text("not open to a technician")
    assert progress(technician) == before
    people.complaints.clear()  # the browser says that the refusal was a 422


def test_a_patient_is_found_by_number_and_the_number_stays_out_of_the_address(people: Any) -> None:
    technician = people.sign_in("tess")
    technician.locator("[data-open]").first.click()
    number = technician.locator("#nhs-number").inner_text()
    name = technician.locator(".cf-id__name").inner_text()
    technician.get_by_role("link", name="Patients").click()
    technician.get_by_label("NHS number").fill(number)
    technician.get_by_role("button", name="Find").click()
    expect(technician.locator(".cf-results")).to_contain_text(name)
    assert technician.url.endswith("/patients/")
    technician.get_by_label("NHS number").fill("999 000 0000")
    technician.get_by_role("button", name="Find").click()
    expect(technician.locator(".cf-empty")).to_contain_text("has the NHS number 999 000 0000")
    assert not [a for a in people.addresses if IDENTIFYING.search(a)]


def test_the_lead_sees_counts_and_no_patient(people: Any) -> None:
    lead = people.sign_in("lena")
    expect(lead.get_by_role("heading", level=1)).to_have_text("Team")
    assert lead.locator("main table", has_text="Letters late").locator("tbody tr").count() == 2
    assert lead.get_by_role("link", name="Patients").count() == 0

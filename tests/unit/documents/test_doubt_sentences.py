"""Sentences that seem to say more than they do: no line is made of them, and nothing is lost."""

from __future__ import annotations

import pytest

from counterfoil.documents import Letter, read_text

HEAD = (
    "Discharge summary\nAmina SAMPLE   NHS 999 000 0026   DOB 14/03/1948\nDischarged 12/11/2026\n\n"
)
LIST = "\n\nMedications on discharge\nOmeprazole 20mg once daily\nBisoprolol 2.5mg once daily\n"
FORMS = {
    "beside a list": "Hospital course\n{told}" + LIST,
    "running text": "Dear Doctor\n\nShe was looked after on our ward for four days. {told}\n",
}
both = pytest.mark.parametrize("form", FORMS)


def letter(told: str, form: str = "beside a list") -> Letter:
    return read_text(HEAD + FORMS[form].format(told=told))


def states(found: Letter) -> dict[str, str | None]:
    return {
        line.product.ingredients[0]: line.stated
        for line in found.lines
        if line.product.ingredients[0] not in ("omeprazole", "bisoprolol")
    }


def shown(found: Letter) -> str:
    """What a person is shown beside the lines, on one line."""
    return " ".join(" ".join(span.text for span in found.unread).split())


@both
@pytest.mark.parametrize(
    "told",
    [
        "No reason was found to stop amlodipine.",
        "There was no need to stop amlodipine.",
        "Amlodipine was to be stopped but was left on.",
        "Amlodipine was nearly stopped.",
        "Amlodipine was almost stopped.",
        "Amlodipine stopped? Please advise.",
        "Amlodipine has been discontinued on the ward in error and was put back.",
        "Amlodipine was stopped by mistake.",
        "Amlodipine was inadvertently stopped.",
        "Amlodipine was neither increased nor stopped.",
        "The plan to have amlodipine stopped was abandoned.",
    ],
)
def test_what_was_not_done_or_was_undone_makes_no_line(told: str, form: str) -> None:
    found = letter(told, form)
    assert states(found) == {}
    assert "mlodipine" in shown(found)


@both
@pytest.mark.parametrize(
    ("told", "state"),
    [
        ("Amlodipine had to be stopped.", "stopped"),
        ("Amlodipine was stopped because of ankle swelling.", "stopped"),
        ("Amlodipine was stopped as it was not tolerated.", "stopped"),
        ("Amlodipine was stopped and should not be restarted.", "stopped"),
        ("Amlodipine was increased to 10mg once daily as she had almost no effect.", "changed"),
    ],
)
def test_the_plain_forms_are_read(told: str, state: str, form: str) -> None:
    found = letter(told, form)
    assert states(found) == {"amlodipine": state}
    assert not any("asked of" in line.reason for line in found.lines)


@pytest.mark.parametrize(
    "told",
    [
        "Amlodipine to be stopped.",
        "Amlodipine 5mg once daily to be stopped.",
        "To stop amlodipine.",
        "Amlodipine is to be stopped.",
    ],
)
def test_what_is_asked_of_the_practice_is_still_seen_as_asked(told: str) -> None:
    [line] = [x for x in letter(told).lines if "mlodipine" in x.drug_text]
    assert line.stated == "stopped"
    assert "asked of the practice" in line.reason


@both
def test_a_medicine_nobody_knows_keeps_what_was_done_to_it(form: str) -> None:
    told = "Gentamicin was stopped after 3 days and amoxicillin 500mg three times a day started for five days."
    found = letter(told, form)
    assert "stopped" not in states(found).values()
    if form == "running text":
        assert states(found) == {"amoxicillin": "new"}
    else:
        assert "amoxicillin" in shown(found)


@both
def test_a_word_behind_its_own_medicine_is_not_said_of_the_next(form: str) -> None:
    found = letter("Furosemide IV stopped and amlodipine 10 mg once daily.", form)
    assert "stopped" not in states(found).values()
    assert not any(m.stated == "stopped" and "amlodipine" in m.ingredients for m in found.mentions)


@both
def test_a_word_before_two_medicines_is_said_of_both(form: str) -> None:
    found = letter("We stopped aspirin and amlodipine.", form)
    assert states(found) == {"aspirin": "stopped", "amlodipine": "stopped"}


def test_substituted_for_stands_for_the_new_one() -> None:
    told = "Amlodipine 10mg once daily was substituted for ramipril."
    assert states(letter(told, "running text")) == {"amlodipine": "new", "ramipril": "stopped"}
    told = "Ramipril was substituted by amlodipine 10mg once daily."
    assert states(letter(told, "running text")) == {"amlodipine": "new", "ramipril": "stopped"}


def test_a_dose_behind_the_one_that_went_may_be_of_the_other() -> None:
    found = letter("Aspirin instead of clopidogrel 75 mg daily was started.", "running text")
    assert states(found) == {"aspirin": "new", "clopidogrel": "stopped"}
    assert all(line.dose.status == "unread" for line in found.lines)


@both
@pytest.mark.parametrize(
    "told",
    [
        "Ramipril to be replaced by candesartan 8mg once daily.",
        "Ramipril could be replaced by candesartan 8mg once daily.",
    ],
)
def test_a_plan_to_replace_is_no_stop(told: str, form: str) -> None:
    assert states(letter(told, form)) == {}


def test_what_gave_way_to_something_given_there_was_not_stopped() -> None:
    told = "Clopidogrel 75mg daily was given instead of aspirin."
    assert states(letter(told, "running text")) == {}


@both
@pytest.mark.parametrize(
    "told",
    [
        "His wife's metoprolol was stopped.",
        "Her mother’s usual amlodipine was stopped.",
        "Her mother died after ramipril was doubled.",
        "Another patient's amlodipine was stopped.",
    ],
)
def test_medicines_of_others_make_neither_line_nor_mention(told: str, form: str) -> None:
    found = letter(told, form)
    assert states(found) == {}
    assert found.mentions == ()


def test_what_the_family_tells_is_of_the_patient() -> None:
    told = "Her daughter confirms that amlodipine was stopped."
    assert states(letter(told)) == {"amlodipine": "stopped"}


def test_a_stop_that_the_list_contradicts_is_seen_on_its_line() -> None:
    told = "Candesartan 8mg once daily was substituted for bisoprolol."
    [line] = [x for x in letter(told).lines if x.drug_text.startswith("Bisoprolol")]
    assert line.stated is None
    assert line.conflicts == (
        "The list has it to be taken; elsewhere the letter says “bisoprolol”.",
    )


@both
@pytest.mark.parametrize(
    "told",
    [
        "Amlodipine has been dropped.",
        "We took her off amlodipine.",
        "Amlodipine is now 5mg.",
        "She now takes amlodipine 5mg once daily.",
        "- Come off amlodipine",
        "- Amlodipine up to 10mg",
        "- Amlodipine can go up to 10mg",
        "There was talk of stopping amlodipine.",
        "Amlodipine suits her.",
        "Her usual amlodipine is with her.",
    ],
)
def test_no_sentence_about_a_medicine_is_lost(told: str, form: str) -> None:
    found = letter(told, form)
    heard = any("amlodipine" in line.product.ingredients for line in found.lines)
    assert heard or "mlodipine" in shown(found)


@pytest.mark.parametrize(
    ("told", "conflict"),
    [
        ("Bisoprolol has been dropped.", True),
        ("We took her off bisoprolol.", True),
        ("Bisoprolol is now 5mg.", True),
        ("She now takes bisoprolol 5mg once daily.", True),
        ("- Come off bisoprolol", True),
        ("- Bisoprolol can go up to 5mg", True),
        ("Bisoprolol suits her.", False),
    ],
)
def test_a_line_says_what_else_is_said_of_its_medicine(told: str, conflict: bool) -> None:
    [line] = [x for x in letter(told).lines if x.drug_text.startswith("Bisoprolol")]
    assert told.strip("-. ") in (" ".join(line.conflicts) if conflict else line.left_over)


@pytest.mark.parametrize(
    "told",
    [
        "She remains on bisoprolol 2.5mg once daily.",
        "She was taking bisoprolol 2.5mg on admission.",
        "She was given IV bisoprolol in resus.",
        "Bisoprolol was started last year.",
        "She had a rash with bisoprolol-induced dermatitis.",
        "Digoxin level 1.1, urea 11.2 and creatinine 90.",
    ],
)
def test_what_is_understood_marks_no_line(told: str) -> None:
    found = letter(told)
    assert all((x.left_over, x.conflicts) == ("", ()) for x in found.lines)
    assert not any("was not understood" in span.why for span in found.unread)


def test_history_and_others_mark_no_line() -> None:
    found = read_text(HEAD + "Past medical history\nBisoprolol suits her.\n" + LIST)
    assert all(x.left_over == "" for x in found.lines)
    assert not found.unread
    found = letter("His wife's bisoprolol was stopped.")
    assert all(x.left_over == "" for x in found.lines)
    assert [span.why for span in found.unread] == ["a medicine of somebody else"]


def test_two_medicines_on_a_line_of_which_one_is_the_same() -> None:
    found = read_text(
        HEAD + "Medicines on discharge\nRamipril 2.5 mg once a day, amlodipine same\n"
    )
    assert [(x.drug_text, x.stated) for x in found.lines] == [
        ("Ramipril 2.5 mg", None),
        ("amlodipine", "continued"),
    ]


def test_a_heading_of_stops_with_one_that_goes_on() -> None:
    found = read_text(
        HEAD + "Medicines on discharge\nRamipril 5 mg once a day\n"
        "Stopped: Naproxen (AKI); Lansoprazole continues\n"
    )
    one, two, three = found.lines
    assert (one.stated, two.stated, two.reason, two.conflicts) == (None, "stopped", "AKI", ())
    assert (three.drug_text, bool(three.conflicts)) == ("Lansoprazole", True)


@pytest.mark.parametrize(
    "told", ["was stopped, then restarted at 5mg", "was stopped on day 2, restarted"]
)
def test_stopped_and_begun_again_is_for_a_person(told: str) -> None:
    [line] = letter(f"Amlodipine {told}.", "running text").lines
    assert (line.stated, bool(line.conflicts)) == ("on_hold", True)


@pytest.mark.parametrize(
    ("told", "state", "against"),
    [
        ("Stopped on day 2, restarted", "on_hold", True),
        ("held for contrast, restarted 12/11", "on_hold", True),
        ("stopped due to AKI, restarted 12/11", "on_hold", True),
        ("stopped 3 days then restart", "on_hold", False),
        ("held, to be restarted when stable", "on_hold", False),
        ("stopped, not to be restarted", "stopped", False),
        ("stopped due to AKI, do not restart", "stopped", False),
    ],
)
def test_a_stop_and_a_restart_in_a_list(told: str, state: str, against: bool) -> None:
    [line] = read_text(HEAD + f"Discharge medicines\nAmlodipine 5mg OD - {told}\n").lines
    assert (line.stated, bool(line.conflicts)) == (state, against)
    assert bool(line.restart) or against or state == "stopped"


def test_what_was_begun_again_at_another_dose_contradicts_the_list() -> None:
    [line] = [
        x
        for x in letter("Bisoprolol was stopped, then restarted at 5mg.").lines
        if x.drug_text.startswith("Bisoprolol")
    ]
    assert line.conflicts
    assert shown(letter("Amlodipine was stopped, then restarted.")).startswith("Amlodipine")


@both
@pytest.mark.parametrize(
    "told",
    [
        "We were minded to stop amlodipine.",
        "She asked us to stop amlodipine.",
        "It was felt unwise to stop amlodipine.",
    ],
)
def test_a_stop_that_nobody_decided_makes_no_line(told: str, form: str) -> None:
    found = letter(told, form)
    assert states(found) == {}
    assert "amlodipine" in shown(found)


def test_a_stop_that_was_decided_does() -> None:
    for told in ("The decision was made to stop amlodipine.", "We decided to stop amlodipine."):
        assert states(letter(told, "running text")) == {"amlodipine": "stopped"}


@pytest.mark.parametrize("told", ["nearly stopped", "stopped in error, put back"])
def test_an_item_of_a_list_that_was_not_stopped_after_all_is_for_a_person(told: str) -> None:
    [line] = read_text(HEAD + f"Discharge medicines\nAmlodipine 5mg OD - {told}\n").lines
    assert line.conflicts

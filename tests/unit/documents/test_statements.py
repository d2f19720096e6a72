"""What running text says was done: what becomes a line, what joins the list's, and what makes none."""

from __future__ import annotations

import pytest

from counterfoil.documents import Letter, read_text

HEAD = (
    "Discharge summary\nAmina SAMPLE   NHS 999 000 0026   DOB 14/03/1948\nDischarged 12/11/2026\n\n"
)
LIST = "\n\nMedications on discharge\nRamipril 5mg once daily\nBisoprolol 2.5mg once daily\n"


def letter(told: str, listed: str = LIST) -> Letter:
    return read_text(f"{HEAD}Hospital course\n{told}{listed}")


def states(found: Letter) -> dict[str, str | None]:
    return {line.product.ingredients[0]: line.stated for line in found.lines}


def test_a_sentence_and_the_list_are_one_line() -> None:
    found = letter("Her ramipril was reduced from 10mg to 5mg because of a low blood pressure.")
    assert states(found) == {"ramipril": "changed", "bisoprolol": None}
    line = found.lines[0]
    assert (line.was, line.dose_text, line.conflicts) == ("10mg", "5mg once daily", ())
    assert "low blood pressure" in line.reason


def test_a_sentence_and_the_list_that_differ_are_a_conflict() -> None:
    found = letter("Her ramipril was reduced from 5mg to 2.5mg.")
    [line] = [x for x in found.lines if x.product.ingredients == ("ramipril",)]
    assert line.conflicts == ("One place gives “5mg once daily”, another “2.5mg”.",)


def test_what_is_stopped_in_the_text_and_taken_in_the_list_stays_to_be_seen() -> None:
    found = letter("Her ramipril was stopped.")
    assert states(found)["ramipril"] is None
    assert [(m.ingredients, m.stated) for m in found.mentions] == [(("ramipril",), "stopped")]


@pytest.mark.parametrize(
    "told",
    [
        "She was started on amlodipine 5mg in 2019.",
        "Amlodipine was tried last year and stopped by her GP.",
        "She was given IV furosemide 40mg, which was then stopped.",
        "Amlodipine was not started.",
        "If her blood pressure rises, start amlodipine 5mg.",
        "Please consider starting amlodipine 5mg daily.",
        "GP to start amlodipine 5mg daily in two weeks.",
        "Her husband was started on amlodipine 5mg daily.",
        "Amlodipine was held on arrival and restarted the next day.",
        "She completed a course of amoxicillin 500mg three times a day.",
    ],
)
def test_history_advice_and_what_is_over_make_no_line(told: str) -> None:
    assert set(states(letter(told))) == {"ramipril", "bisoprolol"}


def test_a_plain_request_is_a_line_that_says_it_was_asked() -> None:
    found = letter("Please start amlodipine 5mg once daily.", listed="")
    [line] = found.lines
    assert (line.stated, line.dose_text) == ("new", "5mg once daily")
    assert line.comment == "asked of the practice: Please"


def test_a_medicine_started_on_the_ward_and_on_no_list_is_shown_and_not_taken() -> None:
    found = letter("She was started on doxycycline 100mg once daily.")
    assert set(states(found)) == {"ramipril", "bisoprolol"}
    assert any("doxycycline" in span.text for span in found.unread)


def test_an_amount_without_a_known_medicine_is_shown() -> None:
    found = letter("She goes home with Zarquavine 5mg twice a day.")
    assert any("Zarquavine" in span.text for span in found.unread)


def test_lines_below_the_allergies_are_medicines_where_they_have_a_dose() -> None:
    found = read_text(f"{HEAD}Allergies: penicillin\nRamipril 5mg once daily\nLatex\n")
    assert [line.drug_text for line in found.lines] == ["Ramipril 5mg"]
    assert "penicillin" in found.allergies[0].text


CLINIC = (
    "Pain Clinic\nRe: Amina Sample DOB 14/03/1948 NHS 999 000 0026, seen in clinic on 5 Nov 2026\n\n"
    "Dear Doctor\n\nShe takes pregabalin 150 mg bd and amitriptyline 25 mg nocte. "
)


def test_what_is_asked_for_a_listed_medicine_is_never_passed_over() -> None:
    """The list alone would say that nothing changes."""
    found = read_text(
        f"{CLINIC}I would like her pregabalin to come down by 75 mg each week, and her amitriptyline "
        "to go up to 50 mg nocte."
    )
    for name in ("pregabalin", "amitriptyline"):
        [line] = [
            x for x in found.lines if x.product.ingredients == (name,) and x.dose.status == "read"
        ]
        assert any("Elsewhere the letter says" in text for text in line.conflicts), line


def test_what_may_become_of_a_listed_medicine_stands_beside_it() -> None:
    found = letter("Please consider stopping bisoprolol if her pulse is below 50.")
    [line] = [x for x in found.lines if x.product.ingredients == ("bisoprolol",)]
    assert (line.stated, line.conflicts) == (None, ())
    assert "consider stopping bisoprolol" in line.comment


def test_an_amount_to_another_beside_a_word_of_change_is_no_range() -> None:
    found = read_text(
        f"{HEAD}Drug          Change       Details\nBisoprolol    increased    2.5mg to 5mg once daily\n"
        "Furosemide    reduced      to 20mg once daily (was 40mg)\n"
    )
    assert [(x.stated, x.dose.status) for x in found.lines] == [
        ("changed", "partial"),
        ("changed", "read"),
    ]


@pytest.mark.parametrize(
    "plan",
    [
        "Switch ramipril to losartan 50 mg daily",
        "Up-titrate ramipril to 10 mg daily",
        "Ramipril can be stopped",
        "To convert ramipril to losartan next week",
    ],
)
def test_a_plan_of_a_clinic_contradicts_its_list_of_before(plan: str) -> None:
    found = read_text(
        "Cardiology Clinic letter\nRe: Amina Sample, DOB 14/03/1948, NHS 999 000 0026. "
        f"Clinic date 9 November 2026\n\nCurrent medication: ramipril 5 mg daily\n\nPlan\n- {plan}\n"
    )
    listed = [x for x in found.lines if x.text.startswith("ramipril 5 mg")]
    assert not listed or listed[0].conflicts, "a list of before is never passed for one of after"


def test_a_further_medicine_of_an_enumeration_is_not_lost() -> None:
    found = letter("", "Usual medicines: bisoprolol and omeprazole as at home, ramipril too.\n")
    shown = " ".join([x.text for x in found.lines] + [x.text for x in found.unread])
    for name in ("bisoprolol", "omeprazole", "ramipril"):
        assert name in shown

"""What forbids a plain *same*: changes not understood, two lists of one letter, ends, remarks."""

from __future__ import annotations

from datetime import date

import pytest

from counterfoil.documents import Setting, read_text
from counterfoil.foundation.days import to_day
from counterfoil.reconciliation import Outcome, OutcomeLine, reconcile
from counterfoil.records.patient import PatientRecord
from counterfoil.records.rows import Plan
from made_up_patient import COMMON, PATIENT

HEAD = """Invented Hospital
Patient: Amina Sample
NHS number: 999 000 0026   DOB: 14/03/1948
Discharged: 20 November 2026

"""
LIST = "Medicines on discharge\n"
RAMIPRIL = ("Ramipril 5mg capsules", "One daily")
BISOPROLOL = ("Bisoprolol 2.5mg tablets", "One daily")
AMLODIPINE = ("Amlodipine 10mg tablets", "One daily")
PREDNISOLONE = ("Prednisolone 5mg tablets", "Six daily")


def outcome(
    letter: str,
    *plans: tuple[str, str],
    setting: Setting = "discharge",
) -> Outcome:
    rows = tuple(
        Plan(
            plan_id=f"g{number}",
            patient_id="p1",
            product_text=product,
            dose_text=dose,
            plan_type="repeat",
            status="active",
            status_inferred=False,
            start_date=date(2024, 5, 1),
            **COMMON,
        )
        for number, (product, dose) in enumerate(plans or (RAMIPRIL, BISOPROLOL, AMLODIPINE))
    )
    as_of = to_day(date(2026, 11, 20))
    return reconcile(
        read_text(HEAD + letter + "\n"), PatientRecord(PATIENT, plans=rows), as_of, setting
    )


def about(found: Outcome, name: str) -> OutcomeLine:
    hits = [x for x in found.lines if x.plans and x.plans[0].text.lower().startswith(name)]
    assert len(hits) == 1
    return hits[0]


# -- a list, and changes that say otherwise -----------------------------------------


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("Bisoprolol: no longer", "bisoprolol"),
        ("Bisoprolol - finished", "bisoprolol"),
        ("Bisoprolol 5mg", "bisoprolol"),
        ("Ramipril: 10mg from tomorrow", "ramipril"),
    ],
)
def test_what_stands_among_the_changes_is_not_passed_over(said: str, name: str) -> None:
    letter = f"{LIST}Bisoprolol 2.5mg OD\nRamipril 5mg OD\n\nChanges\n{said}"
    found = outcome(letter)
    assert about(found, name).cls == "conflict"
    other = "ramipril" if name == "bisoprolol" else "bisoprolol"
    assert about(found, other).cls == "same"


def test_a_clinics_old_list_does_not_hide_its_change() -> None:
    letter = (
        "Current medication\nBisoprolol 2.5mg OD\nRamipril 5mg OD\n\n"
        "Changes made today\nBisoprolol 5mg od from today"
    )
    found = outcome(letter, setting="outpatient")
    assert about(found, "bisoprolol").cls in ("conflict", "changed")
    assert about(found, "ramipril").cls == "same"


def test_a_change_that_says_no_change_is_the_same() -> None:
    letter = f"{LIST}Bisoprolol 2.5mg OD\n\nChanges\nBisoprolol: unchanged"
    assert about(outcome(letter), "bisoprolol").cls == "same"


# -- two lists in one letter ---------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ("Previous medication", "Current medication"),
        ("Home medicines", "Take home medicines"),
        ("What she was on before", "What she is on now"),
        ("Old list:", "New list:"),
    ],
)
def test_two_lists_are_not_added_up(before: str, now: str) -> None:
    letter = f"{before}\nRamipril 5mg OD\n\n{now}\nBisoprolol 2.5mg OD\nRamipril 2.5mg OD"
    line = about(outcome(letter), "ramipril")
    assert line.cls in ("conflict", "changed")
    assert "7.5" not in line.found
    letter = f"{before}\nRamipril 2.5mg OD\n\n{now}\nRamipril 2.5mg tablets OD"
    assert about(outcome(letter), "ramipril").cls != "same"


@pytest.mark.parametrize(
    "between", ["", "Bisoprolol 2.5mg OD\n", "Evening\n", "\nPage 2 of 3\nAmina Sample\n\n"]
)
def test_two_strengths_of_one_list_are_added_up(between: str) -> None:
    letter = f"{LIST}Ramipril 5mg OD\n{between}Ramipril 2.5mg OD"
    assert about(outcome(letter), "ramipril").found == "dose up, 5 mg to 7.5 mg a day"


# -- a course against a repeat -------------------------------------------------------


@pytest.mark.parametrize(
    "dose",
    [
        "30mg od for 7 days then stop",
        "30mg od until 27/11/2026",
        "30mg od last dose 22 Nov",
        "30mg OD for 7 days",
        "30mg od x 5/7",
        "30mg od 7 days",
        "5mg tablets 6 OM 7/7 then stop",
    ],
)
def test_an_end_on_one_list_only_is_a_change(dose: str) -> None:
    line = about(outcome(f"{LIST}Prednisolone {dose}", PREDNISOLONE), "prednisolone")
    assert (line.cls, line.subclass) == ("changed", "duration")
    assert "an end" in line.found


@pytest.mark.parametrize("dose", ["30mg OD", "30mg daily, ongoing", "30mg daily 28 days supplied"])
def test_a_line_without_an_end_stays_the_same(dose: str) -> None:
    assert about(outcome(f"{LIST}Prednisolone {dose}", PREDNISOLONE), "prednisolone").cls == "same"


def test_ends_on_both_lists_are_compared() -> None:
    plan = ("Prednisolone 5mg tablets", "Six daily for 7 days")
    for words, cls in (("for 7 days", "same"), ("for 5 days", "changed")):
        line = about(outcome(f"{LIST}Prednisolone 30mg daily {words}", plan), "prednisolone")
        assert line.cls == cls


def test_a_bare_length_may_be_the_supply_and_is_looked_at() -> None:
    head = "| Medicine | Dose | Frequency | Duration |\n|---|---|---|---|\n"
    line = about(outcome(f"{LIST}{head}| Ramipril 5mg | 5mg | OD | 14 days |"), "ramipril")
    assert (line.cls, line.owner) == ("same", "pharmacist")
    assert any("supply or the course" in why.text for why in line.why)
    line = about(outcome(f"{LIST}Ramipril 5mg OD 28 days"), "ramipril")
    assert (line.cls, line.owner) == ("same", "pharmacist")


def test_a_range_is_no_end() -> None:
    plan = ("Codeine 30mg tablets", "1 to 2 tablets up to four times a day when required")
    words = "Codeine 30mg tablets 1 to 2 tablets up to four times a day when required"
    assert about(outcome(f"{LIST}{words}", plan), "codeine").cls == "same"


# -- words beside the dose -----------------------------------------------------------


@pytest.mark.parametrize(
    "words", ["(crossed out)", "- refused", "- for mother", "x", "- now felodipine", "- finished"]
)
def test_a_line_that_is_taken_back_is_not_the_same(words: str) -> None:
    line = about(outcome(f"{LIST}Amlodipine 10mg OD {words}"), "amlodipine")
    assert (line.cls, line.subclass) == ("conflict", "list v narrative")


@pytest.mark.parametrize(
    ("words", "owner"),
    [
        ("(while on steroids only)", "pharmacist"),
        ("- cover only", "pharmacist"),
        ("(with food)", "technician"),
        ("- Angina", "technician"),
        ("- Blister pack", "technician"),
        ("- for blood pressure", "technician"),
    ],
)
def test_a_remark_that_is_not_known_to_be_harmless_is_looked_at(words: str, owner: str) -> None:
    line = about(outcome(f"{LIST}Amlodipine 10mg OD {words}"), "amlodipine")
    assert (line.cls, line.owner) == ("same", owner)

"""After a decision: does a later record show it, not yet, or something else?"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from counterfoil.documents import read_text
from counterfoil.foundation.days import to_day
from counterfoil.reconciliation import reconcile, verify
from counterfoil.records.patient import PatientRecord
from counterfoil.records.rows import Plan
from made_up_patient import COMMON, PATIENT

LETTER = """Northgate Hospital
Discharge summary
Patient: SAMPLE, Amina   Date of birth: 14/03/1948   NHS number: 999 000 0026
Discharged: 17/11/2026

MEDICINES CHANGED
Ramipril 5mg capsules, ONE in the morning (was 2.5mg)

MEDICINES STARTED
Sertraline 50mg tablets, ONE in the morning

MEDICINES STOPPED
Naproxen 500mg tablets: kidney injury

MEDICINES CONTINUED UNCHANGED
Amlodipine 5mg tablets, ONE in the morning
"""


DISCHARGED = to_day(date(2026, 11, 17))


def plan(plan_id: str, product: str, dose: str, **more: Any) -> Plan:
    return Plan(
        plan_id=plan_id,
        patient_id="p1",
        product_text=product,
        dose_text=dose,
        plan_type="repeat",
        status=more.pop("status", "active"),
        status_inferred=False,
        start_date=more.pop("start_date", date(2024, 5, 1)),
        **more,
        **COMMON,
    )


RAMIPRIL = plan("ram", "Ramipril 2.5mg capsules", "One To Be Taken Each Morning")
NAPROXEN = plan("nap", "Naproxen 500mg tablets", "One To Be Taken Twice A Day")
AMLODIPINE = plan("aml", "Amlodipine 5mg tablets", "One To Be Taken Each Morning")
BISOPROLOL = plan("bis", "Bisoprolol 2.5mg tablets", "One To Be Taken Each Morning")
BEFORE = (RAMIPRIL, NAPROXEN, AMLODIPINE, BISOPROLOL)
LATER = {"start_date": date(2026, 11, 20)}


def ended(one: Plan) -> Plan:
    return replace(one, status="ended", end_date=date(2026, 11, 20))


RAMIPRIL_5 = plan("ram5", "Ramipril 5mg capsules", "One To Be Taken Each Morning", **LATER)
RAMIPRIL_10 = plan("ram10", "Ramipril 10mg capsules", "One To Be Taken Each Morning", **LATER)
SERTRALINE = plan("ser", "Sertraline 50mg tablets", "One To Be Taken Each Morning", **LATER)


def record(*plans: Plan) -> PatientRecord:
    return PatientRecord(PATIENT, plans=plans)


def outcome(*plans: Plan) -> Any:
    return reconcile(read_text(LETTER), record(*plans), DISCHARGED)


def line(drug: str) -> dict[str, Any]:
    [found] = [
        one
        for one in outcome(*BEFORE).lines
        if any(drug in item.text for item in (*one.letter_lines, *one.plans))
    ]
    return found.to_json()


@pytest.mark.parametrize(
    ("drug", "expected", "after", "state"),
    [
        ("Ramipril", "the_letter", BEFORE, "outstanding"),
        ("Ramipril", "the_letter", (ended(RAMIPRIL), RAMIPRIL_5, *BEFORE[1:]), "verified"),
        ("Ramipril", "the_letter", (ended(RAMIPRIL), RAMIPRIL_10, *BEFORE[1:]), "conflict"),
        ("Ramipril", "the_letter", BEFORE[1:], "conflict"),
        ("Ramipril", "as_before", BEFORE, "verified"),
        ("Ramipril", "as_before", (ended(RAMIPRIL), RAMIPRIL_5, *BEFORE[1:]), "conflict"),
        ("Sertraline", "the_letter", BEFORE, "outstanding"),
        ("Sertraline", "the_letter", (*BEFORE, SERTRALINE), "verified"),
        ("Sertraline", "as_before", BEFORE, "verified"),
        ("Sertraline", "as_before", (*BEFORE, SERTRALINE), "conflict"),
        ("Naproxen", "item_ended", BEFORE, "outstanding"),
        ("Naproxen", "item_ended", (RAMIPRIL, ended(NAPROXEN), *BEFORE[2:]), "verified"),
        ("Naproxen", "as_before", BEFORE, "verified"),
        ("Naproxen", "as_before", (RAMIPRIL, ended(NAPROXEN), *BEFORE[2:]), "conflict"),
        ("Amlodipine", "the_letter", BEFORE, "verified"),
        ("Amlodipine", "the_letter", (RAMIPRIL, NAPROXEN, BISOPROLOL), "conflict"),
        ("Bisoprolol", "as_before", BEFORE, "verified"),
        ("Bisoprolol", "item_ended", BEFORE, "outstanding"),
        ("Bisoprolol", "item_ended", (*BEFORE[:3], ended(BISOPROLOL)), "verified"),
        ("Bisoprolol", "as_before", BEFORE[:3], "conflict"),
    ],
)
def test_each_decision_is_seen_in_the_next_record(
    drug: str, expected: Any, after: tuple[Plan, ...], state: str
) -> None:
    found = verify(line(drug), outcome(*after), record(*after), expected)
    assert found.state == state, found.text
    assert found.text


def test_a_letter_that_is_refused_now_cannot_be_told() -> None:
    other = PatientRecord(replace(PATIENT, nhs_number="9990000034"), plans=BEFORE)
    after = reconcile(read_text(LETTER), other, DISCHARGED)
    assert verify(line("Ramipril"), after, other, "the_letter").state == "cannot_tell"

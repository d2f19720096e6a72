"""A plan that no line of the letter holds, though its words name it: never said to be left unmentioned."""

from __future__ import annotations

from datetime import date

import pytest

from counterfoil.documents import read_text
from counterfoil.reconciliation import reconcile
from counterfoil.reconciliation.model import OutcomeLine
from counterfoil.records.patient import PatientRecord
from counterfoil.records.rows import Plan
from made_up_patient import COMMON, PATIENT

HEAD = "{kind}\nPatient: Amina Sample\nNHS number: 999 000 0026   DOB: 14/03/1948\n{day}: 20 November 2026\n\n"
ITEMS = [("Ramipril 5mg capsules", "One daily"), ("Amlodipine 10mg tablets", "One daily")]


def of_amlodipine(
    told: str, kind: str = "Discharge summary", day: str = "Discharged"
) -> OutcomeLine:
    plans = tuple(
        Plan(
            plan_id=f"g{n}", patient_id="p1", product_text=product, dose_text=dose,
            plan_type="repeat", status="active", status_inferred=False,
            start_date=date(2024, 5, 1), **COMMON,
        )
        for n, (product, dose) in enumerate(ITEMS)
    )  # fmt: skip
    letter = read_text(HEAD.format(kind=kind, day=day) + told)
    assert letter.as_of is not None
    found = reconcile(letter, PatientRecord(PATIENT, plans=plans), letter.as_of)
    [line] = [x for x in found.lines if any("Amlodipine" in p.text for p in x.plans)]
    return line


def words(line: OutcomeLine) -> str:
    return " ".join(why.text for why in line.why)


@pytest.mark.parametrize(
    "told",
    [
        "Amlodipine has been dropped.",
        "We took her off amlodipine.",
        "She was given amlodipine 10mg in resus.",
    ],
)
def test_a_missing_item_that_is_named_is_said_to_be_named(told: str) -> None:
    line = of_amlodipine(
        f"Hospital course\n{told}\n\nMedicines on discharge\nRamipril 5mg once daily\n"
    )
    assert line.cls == "missing"
    assert "does not mention" not in words(line) + line.proposal
    assert f"“{told}”" in words(line)
    assert any(why.source.startswith("letter ") for why in line.why)


def test_a_missing_item_that_is_not_named_is_said_to_be_silent_about() -> None:
    line = of_amlodipine("Medicines on discharge\nRamipril 5mg once daily\n")
    assert "does not mention it" in words(line)


def test_a_clinic_leaves_no_item_alone_that_it_names_and_nobody_understood() -> None:
    told = "Current medication: ramipril 5mg once daily\n\nWe took her off amlodipine.\n"
    line = of_amlodipine(told, "Cardiology clinic letter", "Clinic date")
    assert line.cls == "missing"
    told = "Current medication: ramipril 5mg once daily\n\nShe is well.\n"
    line = of_amlodipine(told, "Cardiology clinic letter", "Clinic date")
    assert (line.cls, line.subclass) == ("done", "left as it is")

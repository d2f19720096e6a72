"""The JSON of an outcome against its published schema."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema

from counterfoil.reconciliation import reconcile_file
from counterfoil.reconciliation.knowledge import data
from counterfoil.records.patient import PatientRecord
from counterfoil.records.rows import Patient, Plan
from support import ROOT

SCHEMA: dict[str, Any] = json.loads(
    (ROOT / "docs/reference/reconcile.schema.json").read_text("utf-8")
)
LETTERS = Path(__file__).parent / "letters"
COMMON: dict[str, Any] = {"practice": "X00001", "source_system": "csv", "source_id": "1"}


def record() -> PatientRecord:
    patient = Patient(
        patient_id="p1",
        person_id="q1",
        nhs_number="9990000026",
        nhs_status="verified",
        given_name="Amina",
        family_name="Sample",
        birth_date=date(1948, 3, 14),
        birth_precision="day",
        sex="female",
        registration_type="regular",
        is_test=True,
        is_sensitive=False,
        **COMMON,
    )
    plan = Plan(
        plan_id="a",
        patient_id="p1",
        product_text="Ramipril 5mg capsules",
        dose_text="One daily",
        plan_type="repeat",
        status="active",
        status_inferred=False,
        **COMMON,
    )
    return PatientRecord(patient, plans=(plan,))


def test_example_and_real_outcomes_fit() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for example in SCHEMA["examples"]:
        jsonschema.validate(example, SCHEMA)
    for path in sorted(p for p in LETTERS.iterdir() if p.suffix != ".toml"):
        outcome = reconcile_file(path, record())
        jsonschema.validate(json.loads(json.dumps(outcome.to_json())), SCHEMA)


def test_the_page_names_every_class_subclass_and_owner() -> None:
    page = (ROOT / "docs/reference/reconcile.md").read_text("utf-8")
    for cls, names in data()["subclass"].items():
        row = next(line for line in page.splitlines() if line.startswith(f"| {cls} "))
        assert all(name in row for name in names)
        assert data()["owner"][cls] in row

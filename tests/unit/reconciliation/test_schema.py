"""The JSON of an outcome against its published schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from counterfoil.reconciliation import reconcile_file
from counterfoil.reconciliation.knowledge import data
from counterfoil.records.patient import PatientRecord
from counterfoil.records.rows import Plan
from made_up_patient import COMMON, PATIENT
from support import ROOT

SCHEMA: dict[str, Any] = json.loads(
    (ROOT / "docs/reference/reconcile.schema.json").read_text("utf-8")
)
LETTERS = Path(__file__).parent / "letters"


def record() -> PatientRecord:
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
    return PatientRecord(PATIENT, plans=(plan,))


@pytest.mark.slow
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

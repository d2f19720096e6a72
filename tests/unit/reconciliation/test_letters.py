"""Letters written by hand in many styles, each with the class a careful reader gives every line."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path

import pytest

from counterfoil.documents import read
from counterfoil.foundation.days import to_date
from counterfoil.reconciliation import Outcome, OutcomeLine, reconcile_file
from counterfoil.records.patient import PatientRecord
from counterfoil.records.rows import Plan
from made_up_patient import COMMON, PATIENT

LETTERS = Path(__file__).parent / "letters"
CASES = sorted(p for p in LETTERS.iterdir() if p.suffix != ".toml")


def record(plans: list[list[str]]) -> PatientRecord:
    rows = tuple(
        Plan(
            plan_id=plan_id,
            patient_id="p1",
            product_text=product,
            dose_text=dose,
            plan_type="repeat",
            status="active",
            status_inferred=False,
            start_date=date(2024, 5, 1),
            **COMMON,
        )
        for plan_id, product, dose in plans
    )
    return PatientRecord(PATIENT, plans=rows)


def found(outcome: Outcome, words: str) -> OutcomeLine:
    hits = [
        line
        for line in outcome.lines
        if any(words.lower() in item.text.lower() for item in line.letter_lines)
    ]
    assert hits, f"no line with {words}: {[i.text for x in outcome.lines for i in x.letter_lines]}"
    return hits[0]


@pytest.mark.parametrize("path", CASES, ids=[p.stem for p in CASES])
def test_letter_is_read_as_a_careful_reader_does(path: Path) -> None:
    key = tomllib.loads(path.with_suffix(".toml").read_text())
    letter = read(path)
    assert letter.as_of is not None
    assert to_date(letter.as_of) == key["discharged"]
    assert letter.full_list == key.get("full_list")
    assert len(letter.on_admission) == key.get("admission", len(letter.on_admission))
    outcome = reconcile_file(path, record(key["plans"]))
    assert outcome.status == "done", outcome.reason
    got = {}
    wanted = {}
    for words, cls, subclass in key["lines"]:
        line = found(outcome, words)
        got[words] = (line.cls, line.subclass if subclass else "")
        wanted[words] = (cls, subclass)
    assert got == wanted
    missing = {p.id for line in outcome.lines if line.cls == "missing" for p in line.plans}
    assert missing == set(key["missing"])
    assert sum(1 for line in outcome.lines if line.letter_lines) <= len(key["lines"])


@pytest.mark.parametrize("path", CASES, ids=[p.stem for p in CASES])
def test_every_line_and_plan_once_with_reasons_and_places(path: Path) -> None:
    key = tomllib.loads(path.with_suffix(".toml").read_text())
    letter = read(path)
    for line in letter.lines:
        assert letter.text[line.start : line.end] == line.text
    outcome = reconcile_file(path, record(key["plans"]))
    lines = [i.id for x in outcome.lines for i in x.letter_lines]
    plans = [i.id for x in outcome.lines for i in x.plans]
    assert sorted(lines) == sorted(line.id for line in letter.lines)
    assert sorted(plans) == sorted(p[0] for p in key["plans"])
    assert all(x.why and x.proposal and x.owner for x in outcome.lines)

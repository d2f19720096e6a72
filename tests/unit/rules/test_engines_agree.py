"""The set engine and the day-by-day reference give the same truth, patient by patient."""

from __future__ import annotations

import pyarrow as pa
import pytest
from cases import AS_OF, CODES, DRUGS, Draw, FakeSets

from counterfoil.records import schema
from counterfoil.records.patient import PatientRecord
from counterfoil.rules.engines.duckdb import Engine
from counterfoil.rules.engines.prepare import TABLES
from counterfoil.rules.history import history
from counterfoil.rules.model import Rule
from counterfoil.rules.reference import Reference

SETS = FakeSets()


def tables_of(people: list[dict[str, list[dict[str, object]]]]) -> dict[str, pa.Table]:
    return {
        name: schema.from_rows(name, [row for person in people for row in person[name]])
        for name in TABLES
    }


def check(seed: int, rules: int, people: int) -> tuple[int, int]:
    """Compare engine and reference for one draw: truth values compared, and how many not false."""
    draw = Draw(seed)
    drawn = [draw.rule(i) for i in range(rules)]
    records = [draw.record(str(i)) for i in range(people)]
    continues = draw.often(0.5)
    extra = [draw.random.randrange(AS_OF - 1100, AS_OF + 300) for _ in range(6)]
    tables = tables_of(records)
    weak = frozenset(draw.random.sample([*DRUGS, *CODES], draw.one(0, 0, 1, 2)))
    gates = {"X00001": weak} if weak else None
    with Engine(tables, SETS, AS_OF, threads=1, gates=gates) as engine:
        rows = engine.spans(drawn, continues=continues).table.to_pylist()
    compared = held = 0
    for patient_id in map(str, range(people)):
        record = PatientRecord.from_tables(tables, patient_id)
        reference = Reference(history(record, AS_OF), SETS, AS_OF if continues else None, weak)
        for rule in drawn:
            spans = [s for s in rows if s["rule"] == rule.id and s["patient_id"] == patient_id]
            more, true = _check_one(rule, spans, reference, [*extra, AS_OF, AS_OF + 1])
            compared, held = compared + more, held + true
    return compared, held


def _check_one(
    rule: Rule, spans: list[dict[str, int]], reference: Reference, extra: list[int]
) -> tuple[int, int]:
    edges = {
        day + step
        for s in spans
        for day in (s["since"], s["until"])
        for step in (-1, 0)
        if AS_OF - 1500 < day < AS_OF + 400
    }
    compared = held = 0
    for day in sorted(edges | set(extra)):
        here: dict[str, int] = next((s for s in spans if s["since"] <= day < s["until"]), {})
        at_risk = reference.expression(rule, rule.at_risk, day)
        for column, expected in (("v", reference.rule(rule, day)), ("r", at_risk)):
            assert here.get(column, 0) == expected, (rule.id, day, column)
            compared, held = compared + 1, held + (expected > 0)
    return compared, held


@pytest.mark.parametrize("seed", range(20))
def test_duckdb_equals_the_reference_on_240_generated_cases(seed: int) -> None:
    """20 draws of three rules and four records: every edge of a span, the days beside it, others."""
    compared, held = check(seed, rules=3, people=4)
    assert compared > 100
    assert held > 10, "a draw in which nothing holds shows nothing"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 1100))
def test_duckdb_equals_the_reference_on_2400_generated_cases(seed: int) -> None:
    compared, _ = check(seed, rules=4, people=6)
    assert compared > 100

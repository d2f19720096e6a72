"""The set engine and the day-by-day reference give the same truth, patient by patient."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest
from cases import AS_OF, FakeSets, records, rules
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from counterfoil.records import schema
from counterfoil.records.patient import PatientRecord
from counterfoil.rules.engines.duckdb import Engine
from counterfoil.rules.history import history
from counterfoil.rules.model import Rule
from counterfoil.rules.reference import Reference

SETS = FakeSets()


def tables_of(people: list[dict[str, list[dict[str, object]]]]) -> dict[str, pa.Table]:
    return {
        name: schema.from_rows(name, [row for person in people for row in person[name]])
        for name in ("patient", "issue", "plan", "coded_entry", "problem")
    }


def check(
    rules_: list[Rule],
    people: list[dict[str, list[dict[str, object]]]],
    extra: list[int],
    continues: bool,
) -> int:
    """Compare the engine with the reference; how many truth values were compared."""
    numbered = [replace(rule, id=f"made.up{i}") for i, rule in enumerate(rules_)]
    tables = tables_of(people)
    with Engine(tables, SETS, AS_OF, threads=1) as engine:
        rows = engine.spans(numbered, continues=continues).table.to_pylist()
    compared = 0
    for person in people:
        patient_id = str(person["patient"][0]["patient_id"])
        record = PatientRecord.from_tables(tables, patient_id)
        reference = Reference(history(record, AS_OF), SETS, AS_OF if continues else None)
        for rule in numbered:
            spans = [s for s in rows if s["rule"] == rule.id and s["patient_id"] == patient_id]
            compared += _check_one(rule, spans, reference, extra)
    return compared


def _check_one(
    rule: Rule, spans: list[dict[str, int]], reference: Reference, extra: list[int]
) -> int:
    edges = {
        day + step
        for s in spans
        for day in (s["since"], s["until"])
        for step in (-1, 0)
        if AS_OF - 1500 < day < AS_OF + 400
    }
    compared = 0
    for day in sorted(edges | set(extra)):
        here: dict[str, int] = next((s for s in spans if s["since"] <= day < s["until"]), {})
        for column, expression in (("v", rule.when), ("r", rule.at_risk)):
            expected = reference.expression(rule, expression, day)
            assert here.get(column, 0) == expected, (rule.id, day, column)
            compared += 1
    return compared


@settings(
    max_examples=60,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    rules_=st.lists(rules(), min_size=2, max_size=2),
    people=st.tuples(*[records(str(i)) for i in range(2)]),
    extra=st.lists(st.integers(AS_OF - 1100, AS_OF + 300), min_size=4, max_size=4),
    continues=st.booleans(),
)
def test_duckdb_equals_the_reference_on_240_generated_cases(
    rules_: list[Rule],
    people: tuple[dict[str, list[dict[str, object]]], ...],
    extra: list[int],
    continues: bool,
) -> None:
    """60 draws of two rules and two records, at every edge of a span and at other days."""
    assert check(rules_, list(people), [*extra, AS_OF, AS_OF + 1], continues) > 0


@pytest.mark.slow
@settings(
    max_examples=500,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    rules_=st.lists(rules(), min_size=2, max_size=2),
    people=st.tuples(*[records(str(i)) for i in range(2)]),
    extra=st.lists(st.integers(AS_OF - 1100, AS_OF + 300), min_size=4, max_size=4),
    continues=st.booleans(),
)
def test_duckdb_equals_the_reference_on_2000_generated_cases(
    rules_: list[Rule],
    people: tuple[dict[str, list[dict[str, object]]], ...],
    extra: list[int],
    continues: bool,
) -> None:
    assert check(rules_, list(people), [*extra, AS_OF, AS_OF + 1], continues) > 0

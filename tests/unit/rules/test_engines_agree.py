"""The set engine and the day-by-day reference give the same truth, patient by patient."""

from __future__ import annotations

import pyarrow as pa
from cases import AS_OF, FakeSets, records, rules
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from counterfoil.foundation.days import FOREVER
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


def engine_values(spans: list[dict[str, object]], patient_id: str, day: int, column: str) -> object:
    return next(
        (
            s[column]
            for s in spans
            if s["patient_id"] == patient_id and s["since"] <= day < s["until"]
        ),
        0,
    )


def check(
    rule: Rule, people: list[dict[str, list[dict[str, object]]]], extra: list[int], continues: bool
) -> int:
    tables = tables_of(people)
    with Engine(tables, SETS, AS_OF, threads=1) as engine:
        spans = engine.spans([rule], continues=continues).table.to_pylist()
    compared = 0
    for person in people:
        patient_id = str(person["patient"][0]["patient_id"])
        record = PatientRecord.from_tables(tables, patient_id)
        reference = Reference(history(record, AS_OF), SETS, AS_OF if continues else None)
        edges = {
            day + step
            for s in spans
            if s["patient_id"] == patient_id
            for day in (s["since"], s["until"])
            for step in (-1, 0)
            if AS_OF - 1500 < day < AS_OF + 400
        }
        for day in sorted(edges | set(extra)):
            if day == FOREVER:
                continue
            for column, expression in (("v", rule.when), ("r", rule.at_risk)):
                expected = reference.expression(rule, expression, day)
                found = engine_values(spans, patient_id, day, column)
                assert found == expected, (patient_id, day, column)
                compared += 1
    return compared


@settings(
    max_examples=200,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    rule=rules(),
    people=st.tuples(*[records(str(i)) for i in range(2)]),
    extra=st.lists(st.integers(AS_OF - 1100, AS_OF + 300), min_size=4, max_size=4),
    continues=st.booleans(),
)
def test_duckdb_equals_the_reference_on_generated_rules_and_records(
    rule: Rule,
    people: tuple[dict[str, list[dict[str, object]]], ...],
    extra: list[int],
    continues: bool,
) -> None:
    assert check(rule, list(people), [*extra, AS_OF, AS_OF + 1], continues) > 0

"""When it happened, and when it was recorded: last March's list as it was known last March."""

from __future__ import annotations

from datetime import date

import pytest
from cases import AS_OF, Draw, FakeSets
from people import People
from test_engines_agree import tables_of

from counterfoil.foundation.days import to_date, to_day
from counterfoil.records.patient import PatientRecord
from counterfoil.rules import explain, load, run
from counterfoil.rules.engines.duckdb import Engine
from counterfoil.rules.history import history
from counterfoil.rules.reference import Reference

RULES = {rule.id: rule for rule in load()}
NSAID = RULES["safety.nsaid_65_no_gastroprotection"]
MARCH = date(2026, 3, 31)


def late() -> People:
    """Naproxen in March; omeprazole issued in March and entered in May; one withdrawn in June."""
    people = People()
    people.patient("a")
    people.issued("a", "Naproxen 500mg tablets", date(2026, 3, 1), date(2026, 3, 1))
    people.issued("a", "Omeprazole 20mg gastro-resistant capsules", date(2026, 3, 5),
                  date(2026, 3, 5), recorded_on=date(2026, 5, 2))  # fmt: skip
    people.patient("b")
    people.issued("b", "Naproxen 500mg tablets", date(2026, 3, 1), date(2026, 3, 1),
                  deleted_on=date(2026, 6, 1))  # fmt: skip
    return people


def on_list(known: date | None) -> dict[str, str]:
    day = None if known is None else to_day(known)
    found = run(late().tables(), [NSAID], to_day(MARCH), known_on=day)
    return {f.patient_id: f.state for f in found}


@pytest.mark.slow
def test_what_was_entered_later_was_not_known() -> None:
    assert on_list(MARCH) == {"a": "open", "b": "open"}
    assert on_list(date(2026, 5, 1)) == {"a": "open", "b": "open"}
    assert on_list(date(2026, 5, 2)) == {"b": "open"}


@pytest.mark.slow
def test_what_was_withdrawn_later_was_still_there() -> None:
    assert on_list(date(2026, 5, 31)) == {"b": "open"}
    assert on_list(date(2026, 6, 1)) == {}
    assert on_list(None) == {"b": "open"}, "without the second clock, as at the day asked about"


def test_an_explanation_keeps_to_what_was_known() -> None:
    record = PatientRecord.from_tables(late().tables(), "a")
    then, _ = explain(record, NSAID, to_day(MARCH), known_on=to_day(MARCH))
    now, _ = explain(record, NSAID, to_day(MARCH), known_on=to_day(date(2026, 7, 1)))
    assert (then, now) == (2, 0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_engine_and_reference_agree_on_what_was_known(seed: int) -> None:
    draw, sets = Draw(seed), FakeSets()
    rules, records = [draw.rule(i) for i in range(2)], [draw.record(str(i)) for i in range(4)]
    for record in records:
        for rows in record.values():
            for row in rows:
                if draw.often(0.4):
                    row["recorded_on"] = to_date(AS_OF - draw.random.randrange(-60, 300))
                if draw.often(0.2):
                    row["deleted_on"] = to_date(AS_OF - draw.random.randrange(-60, 300))
    tables, known = tables_of(records), AS_OF - draw.one(-30, 0, 60)
    with Engine(tables, sets, AS_OF, 1, known_on=known) as engine:
        spans = engine.spans(rules).table.to_pylist()
    for key in map(str, range(4)):
        reference = Reference(history(PatientRecord.from_tables(tables, key), AS_OF, known), sets)
        for rule in rules:
            mine = [s for s in spans if s["rule"] == rule.id and s["patient_id"] == key]
            for day in [AS_OF, AS_OF - 90, *(s["since"] for s in mine if s["since"] > 18_000)]:
                here = next((s["v"] for s in mine if s["since"] <= day < s["until"]), 0)
                assert here == reference.rule(rule, day)

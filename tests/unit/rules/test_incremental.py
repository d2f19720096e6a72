"""After a delta, or on a later day, looking at few patients again equals looking at all."""

from __future__ import annotations

from typing import Any

import pytest
from cases import AS_OF, CODES, DRUGS, Draw, FakeSets
from test_engines_agree import tables_of

from counterfoil.rules.incremental import State, full, run_again, update
from counterfoil.rules.run import run

SETS = FakeSets()
PRACTICES = ("X00001", "X00002")


def population(draw: Draw, people: int) -> list[dict[str, list[dict[str, Any]]]]:
    """People of two practices."""
    found = []
    for n in range(people):
        record = draw.record(str(n))
        for rows in record.values():
            for row in rows:
                row["practice"] = PRACTICES[n % 2]
        found.append(record)
    return found


def same(one: State, other: State) -> None:
    for spans in ("now", "ahead"):
        assert getattr(one, spans).table.to_pylist() == getattr(other, spans).table.to_pylist()
    assert one.wakes.to_pylist() == other.wakes.to_pylist()


def check(seed: int, people: int = 10) -> int:
    """One draw: some people's rows change, days pass, gates turn; how many spans there are."""
    draw = Draw(seed)
    rules = [draw.rule(i) for i in range(3)]
    before = population(draw, people)
    later = AS_OF + draw.one(0, 0, 1, 7, 40)
    gates = [
        {p: frozenset(draw.random.sample([*DRUGS, *CODES], draw.one(0, 1))) for p in PRACTICES}
        for _ in range(2)
    ]
    if draw.often(0.6):
        gates[1] = gates[0]
    touched = draw.random.sample(range(people), 2)
    after = list(before)
    for n in touched:
        fresh = population(draw, people)[n]
        after[n] = fresh if draw.often(0.7) else {table: [] for table in fresh}
    state = full(tables_of(before), rules, AS_OF, SETS, gates[0])
    stale = [(PRACTICES[n % 2], str(n)) for n in touched]
    found = update(state, tables_of(after), rules, later, stale, SETS, gates[1])
    same(found, full(tables_of(after), rules, later, SETS, gates[1]))
    return int(found.now.table.num_rows)


@pytest.mark.parametrize("seed", range(4))
def test_a_delta_and_some_days_equal_a_full_run(seed: int) -> None:
    assert check(seed) > 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 130))
def test_a_delta_and_some_days_equal_a_full_run_in_the_long_run(seed: int) -> None:
    check(seed)


def test_without_a_new_row_or_a_new_day_nobody_is_looked_at() -> None:
    draw = Draw(5)
    rules, people = [draw.rule(i) for i in range(2)], tables_of(population(draw, 6))
    state = full(people, rules, AS_OF, SETS)
    nothing = {name: table.slice(0, 0) for name, table in people.items()}
    same(update(state, nothing, rules, AS_OF, [], SETS), state)


def test_another_rule_or_an_earlier_day_is_worked_out_from_nothing() -> None:
    draw = Draw(6)
    rules, people = [draw.rule(i) for i in range(2)], tables_of(population(draw, 6))
    state = full(people, rules, AS_OF, SETS)
    same(update(state, people, rules, AS_OF - 9, [], SETS), full(people, rules, AS_OF - 9, SETS))
    same(update(state, people, rules[:1], AS_OF, [], SETS), full(people, rules[:1], AS_OF, SETS))


def test_findings_after_a_delta_equal_those_of_everybody() -> None:
    from people import People
    from test_run import AS_OF as DAY
    from test_run import RULES, steady

    from counterfoil.foundation.days import to_day

    rules, day = list(RULES.values())[:8], to_day(DAY)
    people: People = steady()
    before = run(people.tables(), rules, day)
    people.issued("n3", "Naproxen 500mg tablets", DAY, DAY)
    people.tested("m1", "fbc", DAY)
    touched = [("X00001", "n3"), ("X00001", "m1")]
    assert run_again(before, people.tables(), rules, day, touched) == run(
        people.tables(), rules, day
    )

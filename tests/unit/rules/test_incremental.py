"""After a delta, or on a later day, looking at few patients again equals looking at all."""

from __future__ import annotations

from typing import Any

import pytest
from cases import AS_OF, CODES, DRUGS, Draw, FakeSets
from test_engines_agree import tables_of

from counterfoil.foundation.days import FOREVER
from counterfoil.rules import incremental
from counterfoil.rules.incremental import State, full, renew, update, work
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
    wakes, whole = (
        {(w["practice"], w["patient_id"]): (w["day"], w["turns"]) for w in state.wakes.to_pylist()}
        for state in (one, other)
    )
    never = (FOREVER, FOREVER)
    for who in {*wakes, *whole}:
        (day, turns), (wanted, latest) = wakes.get(who, never), whole.get(who, never)
        assert day == wanted
        # Who has no finding may keep a day that has passed; it is never one that is too late.
        assert turns <= latest
        assert turns == latest or turns <= one.as_of


class NamedSets(FakeSets):
    """Sets that can be said in words too."""

    def title(self, name: str) -> str:
        return name.capitalize()


NAMED: Any = NamedSets()


class Drawn:
    """One draw: some people's rows change, days pass, gates turn."""

    def __init__(self, seed: int, people: int, turning: bool = True) -> None:
        draw = Draw(seed)
        self.rules = [draw.rule(i) for i in range(3)]
        before = population(draw, people)
        self.later = AS_OF + draw.one(0, 0, 1, 7, 40)
        self.gates = [
            {p: frozenset(draw.random.sample([*DRUGS, *CODES], draw.one(0, 1))) for p in PRACTICES}
            for _ in range(2)
        ]
        if draw.often(0.6) or not turning:
            self.gates[1] = self.gates[0]
        touched = draw.random.sample(range(people), 2)
        after = list(before)
        for n in touched:
            fresh = population(draw, people)[n]
            after[n] = fresh if draw.often(0.7) else {table: [] for table in fresh}
        self.before, self.after = tables_of(before), tables_of(after)
        self.touched = [(PRACTICES[n % 2], str(n)) for n in touched]


def check(seed: int, people: int = 10) -> int:
    """States of one draw; how many spans there are."""
    d = Drawn(seed, people)
    state = full(d.before, d.rules, AS_OF, SETS, d.gates[0])
    found = update(state, d.after, d.rules, d.later, d.touched, SETS, d.gates[1])
    same(found, full(d.after, d.rules, d.later, SETS, d.gates[1]))
    return int(found.now.table.num_rows)


def check_findings(seed: int, people: int = 24) -> tuple[int, int]:
    """Findings of one draw, in two steps: how many were taken from before, and how many there are."""
    d = Drawn(seed, people, turning=False)
    done = work(d.before, d.rules, AS_OF, NAMED, d.gates[0])
    found = kept = 0
    for day in (d.later, d.later + 1):
        done = renew(done, d.after, d.rules, day, d.touched, NAMED, d.gates[1])
        whole = work(d.after, d.rules, day, NAMED, d.gates[1])
        same(done.state, whole.state)
        for one, other in zip(done.findings, whole.findings, strict=True):
            assert one.to_json() == other.to_json()
            assert [r.cause for r in one.reasons] == [r.cause for r in other.reasons]
        found, kept = found + len(done.findings), kept + len(done.findings) - done.explained
    return found, kept


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_delta_and_some_days_equal_a_full_run(seed: int) -> None:
    assert check(seed) > 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 130))
def test_a_delta_and_some_days_equal_a_full_run_in_the_long_run(seed: int) -> None:
    check(seed)


@pytest.mark.slow
def test_findings_after_a_delta_and_some_days_equal_those_of_a_full_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Reasons word for word, though most were told on an earlier day and not worked out again."""
    monkeypatch.setattr(incremental, "MOST", 0)
    seen = [check_findings(seed) for seed in range(200, 202)]
    assert sum(found for found, _ in seen) > 30
    assert sum(kept for _, kept in seen) > 5


@pytest.mark.slow
def test_findings_after_a_delta_and_some_days_equal_those_of_a_full_run_in_the_long_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(incremental, "MOST", 0)
    assert sum(kept for _, kept in (check_findings(seed) for seed in range(303, 312))) > 30


@pytest.mark.slow
def test_without_a_new_row_or_a_new_day_nobody_is_looked_at() -> None:
    draw = Draw(5)
    rules, people = [draw.rule(i) for i in range(2)], tables_of(population(draw, 6))
    state = full(people, rules, AS_OF, SETS)
    nothing = {name: table.slice(0, 0) for name, table in people.items()}
    same(update(state, nothing, rules, AS_OF, [], SETS), state)


@pytest.mark.slow
def test_another_rule_or_an_earlier_day_is_worked_out_from_nothing() -> None:
    draw = Draw(6)
    rules, people = [draw.rule(i) for i in range(2)], tables_of(population(draw, 6))
    state = full(people, rules, AS_OF, SETS)
    same(update(state, people, rules, AS_OF - 9, [], SETS), full(people, rules, AS_OF - 9, SETS))
    same(update(state, people, rules[:1], AS_OF, [], SETS), full(people, rules[:1], AS_OF, SETS))


@pytest.mark.slow
def test_findings_of_shipped_rules_after_a_delta_equal_those_of_everybody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from people import People
    from test_run import AS_OF as DAY
    from test_run import RULES, steady

    from counterfoil.foundation.days import to_day
    from counterfoil.rules.sets import TerminologySets

    monkeypatch.setattr(incremental, "MOST", 0)
    rules, day, sets = list(RULES.values())[:8], to_day(DAY), TerminologySets()
    people: People = steady()
    done = work(people.tables(), rules, day, sets)
    assert list(done.findings) == run(people.tables(), rules, day)
    people.issued("n3", "Naproxen 500mg tablets", DAY, DAY)
    people.tested("m1", "fbc", DAY)
    touched = [("X00001", "n3"), ("X00001", "m1")]
    done = renew(done, people.tables(), rules, day, touched, sets)
    assert list(done.findings) == run(people.tables(), rules, day)
    assert 0 < done.explained < len(done.findings)
    for later in (1, 2, 30):
        done = renew(done, people.tables(), rules, day + later, (), sets)
        assert list(done.findings) == run(people.tables(), rules, day + later)


@pytest.mark.slow
def test_where_many_were_touched_everybody_is_looked_at() -> None:
    d = Drawn(7, 10, turning=False)
    done = work(d.before, d.rules, AS_OF, NAMED)
    assert renew(done, d.after, d.rules, AS_OF, d.touched, NAMED).looked_at is None
    assert renew(done, d.before, d.rules, AS_OF, [], NAMED).looked_at == frozenset()

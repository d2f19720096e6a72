"""Rules over a population by the day-by-day reference: the engine that others are checked against.

It asks every patient about every day, one rule at a time, and is slow: for a few hundred patients.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from types import TracebackType

import pyarrow as pa

from counterfoil.foundation.days import FOREVER, birthday
from counterfoil.records.patient import PatientRecord
from counterfoil.rules import facts
from counterfoil.rules.engines.duckdb import Engine, Spans, Tables
from counterfoil.rules.engines.prepare import Gates
from counterfoil.rules.facts import Codes, Drugs, Fact, Length, Window
from counterfoil.rules.history import BEFORE, Sets, history
from counterfoil.rules.model import FALSE, Rule
from counterfoil.rules.reference import Reference

AT_ONCE = 500
"""Patients whose records are held at a time."""

COLUMNS = pa.schema(
    [(name, pa.string()) for name in ("rule", "practice", "patient_id", "person_id")]
    + [(name, pa.int64()) for name in ("since", "until")]
    + [(name, pa.int32()) for name in ("v", "r")]
)


class ByDay:
    """One population, asked day by day: gives what the other engines give, in the same order.

    As :class:`counterfoil.rules.engines.duckdb.Engine`, which only reads the records for it.
    """

    def __init__(
        self,
        tables: Tables,
        sets: Sets,
        as_of: int,
        *,
        known_on: int | None = None,
        gates: Gates | None = None,
        patients: Iterable[tuple[str, str]] | None = None,
    ) -> None:
        self.as_of, self.known_on, self.sets = as_of, known_on, sets
        self._gates = gates or {}
        self._rows = Engine(tables, sets, as_of, patients=patients)

    def __enter__(self) -> ByDay:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._rows.__exit__(kind, error, trace)

    def spans(self, rules: Sequence[Rule], *, continues: bool = False) -> Spans:
        """Every span of every rule over the whole history: see the DuckDB engine."""
        found: list[tuple[int, str, str, str, int, int, int, int]] = []
        for record in self._records():
            patient = record.patient
            seen = history(record, self.as_of, self.known_on)
            gated = frozenset(self._gates.get(patient.practice, ()))
            ahead = self.as_of if continues else None
            reference = Reference(seen, self.sets, ahead, gated)
            for n, rule in enumerate(rules):
                names = (n, patient.practice, patient.patient_id, patient.person_id)
                found += [(*names, *span) for span in _spans(reference, rule, self.as_of)]
        rows = sorted(found)
        columns = [[rules[row[0]].id for row in rows]]
        columns += [[row[i] for row in rows] for i in range(1, 8)]  # type: ignore[misc]
        return Spans(pa.table(columns, schema=COLUMNS), self.as_of, continues)

    def records(
        self, patients: Set[tuple[str, str]], *, read: bool = False
    ) -> dict[tuple[str, str], PatientRecord]:
        """The records of patients given by practice and patient id."""
        return self._rows.records(patients)

    def _records(self) -> Iterator[PatientRecord]:
        everyone = self._rows.fetch(
            "SELECT practice, patient_id FROM src_patient ORDER BY practice, patient_id"
        ).to_pylist()
        keys = [(row["practice"], row["patient_id"]) for row in everyone]
        for start in range(0, len(keys), AT_ONCE):
            yield from self.records(set(keys[start : start + AT_ONCE])).values()


def _spans(reference: Reference, rule: Rule, as_of: int) -> Iterator[tuple[int, int, int, int]]:
    """One rule for one patient as rows (since, until, v, r), on the days where either is not false."""
    drivers = [rule.clause(name).fact for name in rule.drivers]
    if not any(_named(reference, fact) for fact in drivers):
        return
    first = reference.earliest - 1
    last = _last(reference, drivers, as_of)
    if _any(reference, drivers, last):
        last = _last(reference, [clause.fact for clause in rule.clauses], as_of)
    if _any(reference, drivers, first) and reference.history.birth:
        # Without a beginning: before the first row only an age can turn.
        first = min(reference.history.birth[0], first)
    since, now = BEFORE, (FALSE, FALSE)
    for day in range(first, last + 1):
        value = FALSE, FALSE
        # A rule loads only if nothing holds without a driver.
        if _any(reference, drivers, day):
            value = reference.rule(rule, day), reference.expression(rule, rule.at_risk, day)
        if value != now:
            if now != (FALSE, FALSE):
                yield since, day, *now
            since, now = BEFORE if day == first else day, value
    if now != (FALSE, FALSE):
        yield since, FOREVER, *now


def _named(reference: Reference, fact: Fact) -> bool:
    """Whether anything on record is of the sets that a driver names: else it never holds."""
    seen, sets = reference.history, reference.sets
    drugs, codes = facts.sets_of(fact)
    if not drugs and not codes:
        return True
    sources: list[facts.Source] = [*map(Drugs, drugs), *map(Codes, codes)]
    if any(map(reference.rows, sources)):
        return True
    plans = any(
        sets.truth(n, p.code, p.text) is not False
        for n in drugs
        for p in (*seen.elsewhere, *seen.plans)
    )
    return plans or any(
        sets.allergen(n, a.code, a.text) is not False for n in drugs for a in seen.allergies
    )


def _any(reference: Reference, parts: Sequence[Fact], day: int) -> bool:
    return any(reference.fact(part, day) != FALSE for part in parts)


def _last(reference: Reference, asked: Sequence[Fact], as_of: int) -> int:
    """A day after which none of these facts turns any more."""
    seen = reference.history
    parts = [part for fact in asked for part in facts.parts(fact)]
    turns = [as_of, *(day for day in seen.registered if day < FOREVER)]
    for part in parts:
        if isinstance(part, facts.Age) and seen.birth:
            turns.append(birthday(seen.birth[1], part.at_least))
        if isinstance(part, facts.Supplied):
            turns += [until for _, until, _ in reference.covered(part.drugs, part.unknown_for)]
        window = getattr(part, "window", None)
        if isinstance(window, Window):
            turns += [day for day in (window.first, window.end) if day is not None]
            turns += [as_of + 366] if window.qof_year else []
    return max(turns) + sum(_days(part) for part in parts) + 1


def _days(thing: object) -> int:
    """No fewer days than all the lengths that a fact itself speaks of."""
    match thing:
        case Length(months, days):
            return 31 * months + days
        case facts.ByValue():
            return 31 * thing.most
        case facts.Window(back, ago):
            return _days(back) + _days(ago)
        case facts.Due():
            longest = [thing.every, *(part.every for part in thing.sooner)]
            return thing.grace + sum(_days(part) for part in longest)
        case facts.NotFollowed():
            return thing.within + _days(thing.back)
        case None:
            return 0
        case _:
            return sum(_days(v) for v in vars(thing).values() if isinstance(v, Length | Window))

"""What a change of a rule does: who would enter, who would leave, because of which clause."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from counterfoil.records.patient import PatientRecord
from counterfoil.rules.engines.duckdb import Engine, Tables
from counterfoil.rules.engines.prepare import Gates
from counterfoil.rules.explain import HOLDS, Explainer
from counterfoil.rules.history import history
from counterfoil.rules.model import FALSE, Rule
from counterfoil.rules.reference import Reference
from counterfoil.rules.run import when_spans
from counterfoil.rules.sets import TerminologySets

STATES = {0: "clear", 1: "cannot_tell", 2: "open"}


@dataclass(frozen=True)
class Because:
    """A clause that answers differently, or is only in one of the two: what it says of the patient.

    ``before`` and ``after``: whether it holds (None: cannot tell); "" where the clause is not there.
    """

    clause: str
    before: bool | str | None
    after: bool | str | None
    text: str


@dataclass(frozen=True)
class Moved:
    """One patient whose standing under a rule differs between two versions of it."""

    practice: str
    patient_id: str
    person_id: str
    before: str
    after: str
    because: tuple[Because, ...]

    @property
    def change(self) -> str:
        """``enters`` the list, ``leaves`` it, or ``stays`` on it in another state."""
        if self.before == "clear":
            return "enters"
        return "leaves" if self.after == "clear" else "stays"

    def to_json(self) -> dict[str, Any]:
        """The row of ``rules diff``."""
        return {
            "change": self.change,
            "practice": self.practice,
            "patient_id": self.patient_id,
            "person_id": self.person_id,
            "before": self.before,
            "after": self.after,
            "because": [
                {"clause": b.clause, "before": b.before, "after": b.after, "text": b.text}
                for b in self.because
            ],
        }


@dataclass(frozen=True)
class Difference:
    """Two versions of a rule over one population: the patients on the list, and who moves."""

    before: int
    after: int
    moved: tuple[Moved, ...]


def difference(
    tables: Tables,
    old: Rule,
    new: Rule,
    as_of: int,
    sets: TerminologySets | None = None,
    gates: Gates | None = None,
) -> Difference:
    """Who would enter and who would leave the list on *as_of* if *new* stood for *old*, and why.

    On the list is who meets the rule or of whom it cannot be told. Movers are in order of practice
    and patient id.
    """
    sets = sets or TerminologySets()
    with Engine(tables, sets, as_of, gates=gates) as engine:
        was, now = (_standing(engine, rule, as_of) for rule in (old, new))
        moved = [key for key in sorted({*was, *now}) if was.get(key, FALSE) != now.get(key, FALSE)]
        records = engine.records({(practice, patient) for practice, patient, _ in moved})
    rows = []
    for practice, patient, person in moved:
        gated = frozenset((gates or {}).get(practice, ()))
        record = records[practice, patient]
        key = (practice, patient, person)
        rows.append(
            Moved(
                practice,
                patient,
                person,
                STATES[was.get(key, FALSE)],
                STATES[now.get(key, FALSE)],
                tuple(_because(record, old, new, as_of, sets, gated)),
            )
        )
    return Difference(len(was), len(now), tuple(rows))


def _standing(engine: Engine, rule: Rule, as_of: int) -> dict[tuple[str, str, str], int]:
    return {
        (s["practice"], s["patient_id"], s["person_id"]): s["v"]
        for s in when_spans(engine.spans([rule]))
        if s["since"] <= as_of < s["until"]
    }


def _because(
    record: PatientRecord,
    old: Rule,
    new: Rule,
    as_of: int,
    sets: TerminologySets,
    gated: frozenset[str],
) -> Iterator[Because]:
    """The clauses that answer differently; where none does, the expression itself."""
    reference = Reference(history(record, as_of), sets, gated=gated)
    explainer = Explainer(reference, sets, as_of)
    before, after = ({r.clause: r for r in explainer.reasons(rule)} for rule in (old, new))
    found = False
    for name in dict.fromkeys([*before, *after]):
        one, other = before.get(name), after.get(name)
        if one is not None and other is not None and one.holds == other.holds:
            continue
        found = True
        said = other or one
        assert said is not None
        yield Because(
            name, "" if one is None else one.holds, "" if other is None else other.holds, said.text
        )
    if not found:
        was, now = (HOLDS[reference.rule(rule, as_of)] for rule in (old, new))
        yield Because("when", was, now, "the same clauses are joined in another way")

"""Before a set changes: who would enter each rule, who would leave it, and by which codes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from counterfoil.records.patient import PatientRecord
from counterfoil.rules.engines.duckdb import Engine, Spans, Tables
from counterfoil.rules.model import TRUE, Rule
from counterfoil.rules.run import when_spans
from counterfoil.rules.sets import TerminologySets

Key = tuple[str, str, str]
"""Rule, practice, patient."""


@dataclass(frozen=True, slots=True)
class Cause:
    """A product or code that one version of a set holds and the other does not.

    ``change`` is ``added`` or ``removed``; ``unsure`` where a name leaves it open in one of them.
    ``rows`` counts the patient's rows with it, ``latest`` is the day of the last (ISO).
    """

    set: str
    change: str
    code: str | None
    text: str
    rows: int
    latest: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """One patient whose standing under one rule would change.

    ``before`` and ``after`` are ``open``, ``cannot_tell`` or ``clear``; ``at_risk_before`` and
    ``at_risk_after`` whether the patient counts in the rule's denominator.
    """

    rule: str
    practice: str
    patient_id: str
    person_id: str
    before: str
    after: str
    at_risk_before: bool
    at_risk_after: bool
    causes: tuple[Cause, ...]

    @property
    def enters(self) -> bool:
        """Whether the patient enters the rule's list."""
        return self.after != "clear" and self.before == "clear"

    @property
    def leaves(self) -> bool:
        """Whether the patient leaves the rule's list."""
        return self.after == "clear" and self.before != "clear"

    def to_json(self) -> dict[str, Any]:
        """The row of ``terminology effect``."""
        return {
            "rule": self.rule,
            "practice": self.practice,
            "patient_id": self.patient_id,
            "person_id": self.person_id,
            "change": "enters" if self.enters else "leaves" if self.leaves else "stays",
            "before": self.before,
            "after": self.after,
            "at_risk_before": self.at_risk_before,
            "at_risk_after": self.at_risk_after,
            "causes": [
                {
                    "set": c.set,
                    "change": c.change,
                    "code": c.code,
                    "text": c.text,
                    "rows": c.rows,
                    "latest": c.latest,
                }
                for c in self.causes
            ],
        }


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change of sets would do to one rule, in numbers; the patients are in ``changes``."""

    rule: str
    open_before: int
    open_after: int
    cannot_tell_before: int
    cannot_tell_after: int
    at_risk_before: int
    at_risk_after: int
    enters: int
    leaves: int


@dataclass(frozen=True, slots=True)
class Preview:
    """The rules that read a changed set, and every patient whose standing changes."""

    effects: tuple[Effect, ...]
    changes: tuple[Change, ...]


def preview(
    tables: Tables,
    rules: Sequence[Rule],
    as_of: int,
    old_sets: TerminologySets,
    new_sets: TerminologySets,
) -> Preview:
    """What changes on *as_of* for the rules that read a set in which the two differ.

    *tables* are canonical tables or scans of published snapshots. Patients whose standing and
    place in the denominator stay the same are not listed. Order: rule, practice, patient.
    """
    concerned = [r for r in rules if _differ(r, old_sets, new_sets)]
    if not concerned:
        return Preview((), ())
    with Engine(tables, old_sets, as_of) as engine:
        before = _standing(engine.spans(concerned), as_of)
    with Engine(tables, new_sets, as_of) as engine:
        after = _standing(engine.spans(concerned), as_of)
        moved = [k for k in before.keys() | after.keys() if _of(before, k) != _of(after, k)]
        records = engine.records({(practice, patient) for _, practice, patient in moved})
    by_id = {r.id: r for r in concerned}
    order = {r.id: i for i, r in enumerate(concerned)}
    changes = []
    for key in sorted(moved, key=lambda k: (order[k[0]], k[1], k[2])):
        rule, practice, patient = key
        record = records[practice, patient]
        old, new = _of(before, key), _of(after, key)
        causes = tuple(_causes(by_id[rule], record, old_sets, new_sets))
        changes.append(
            Change(
                rule,
                practice,
                patient,
                record.patient.person_id,
                old[0],
                new[0],
                old[1],
                new[1],
                causes,
            )
        )
    return Preview(tuple(_effect(r.id, before, after, changes) for r in concerned), tuple(changes))


def _differ(rule: Rule, old: TerminologySets, new: TerminologySets) -> bool:
    return any(old.get(name) != new.get(name) for name in rule.drug_sets | rule.code_sets)


_CLEAR = ("clear", False)


def _of(standing: dict[Key, tuple[str, bool]], key: Key) -> tuple[str, bool]:
    return standing.get(key, _CLEAR)


def _standing(spans: Spans, as_of: int) -> dict[Key, tuple[str, bool]]:
    """For every patient of a rule on the day: the state, and whether at risk."""
    found: dict[Key, tuple[str, bool]] = {}
    for row in spans.table.to_pylist():
        if row["since"] <= as_of < row["until"]:
            key = (row["rule"], row["practice"], row["patient_id"])
            found[key] = ("clear", row["r"] == TRUE)
    for row in when_spans(spans):
        if row["since"] <= as_of < row["until"]:
            key = (row["rule"], row["practice"], row["patient_id"])
            state = "open" if row["v"] == TRUE else "cannot_tell"
            found[key] = (state, _of(found, key)[1])
    return found


def _effect(
    rule: str,
    before: dict[Key, tuple[str, bool]],
    after: dict[Key, tuple[str, bool]],
    changes: Sequence[Change],
) -> Effect:
    def count(standing: dict[Key, tuple[str, bool]]) -> Counter[str]:
        mine = [value for (name, _, _), value in standing.items() if name == rule]
        return Counter([s for s, _ in mine] + ["at_risk" for _, risk in mine if risk])

    was, now = count(before), count(after)
    mine = [c for c in changes if c.rule == rule]
    return Effect(
        rule,
        was["open"],
        now["open"],
        was["cannot_tell"],
        now["cannot_tell"],
        was["at_risk"],
        now["at_risk"],
        sum(c.enters for c in mine),
        sum(c.leaves for c in mine),
    )


def _causes(
    rule: Rule, record: PatientRecord, old: TerminologySets, new: TerminologySets
) -> Iterator[Cause]:
    """The patient's products and codes on which the two versions of the rule's sets differ."""
    for name in sorted(rule.drug_sets):
        seen: dict[tuple[str | None, str], list[str]] = {}
        for issue in record.issues:
            seen.setdefault((issue.product_code, issue.product_text), []).append(
                issue.issued_on.isoformat()
            )
        for plan in record.plans:
            seen.setdefault((plan.product_code, plan.product_text), [])
        for (code, text), days in sorted(seen.items(), key=str):
            was, now = old.truth(name, code, text), new.truth(name, code, text)
            if was != now:
                yield Cause(name, _change(was, now), code, text, len(days), max(days, default=None))
    for name in sorted(rule.code_sets):
        there: dict[str, tuple[str, list[str]]] = {}
        for entry in record.entries:
            code = entry.code or entry.local_code
            if code is not None:
                day = "" if entry.happened_on is None else entry.happened_on.isoformat()
                there.setdefault(code, (entry.term or "", []))[1].append(day)
        for problem in record.problems:
            if problem.code is not None:
                day = "" if problem.onset_on is None else problem.onset_on.isoformat()
                there.setdefault(problem.code, (problem.term or "", []))[1].append(day)
        gone, added = old.codes(name) - new.codes(name), new.codes(name) - old.codes(name)
        for code, (term, days) in sorted(there.items()):
            if code in gone or code in added:
                change = "added" if code in added else "removed"
                yield Cause(name, change, code, term, len(days), max(days) or None)


def _change(was: bool | None, now: bool | None) -> str:
    if was is None or now is None:
        return "unsure"
    return "added" if now else "removed"

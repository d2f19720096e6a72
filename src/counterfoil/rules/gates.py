"""Gates: whether a set may be trusted to show that something is absent, practice by practice.

A set that is implausibly rare in a practice, beside practices on other clinical systems or beside
published figures, is *rare* there. Its presence still counts; its absence is *cannot tell*. A gate
is a practice-level input of the rules with a version: it changes only by a new decision with its
figures, never because one patient's data came or went (there is slack between turning rare and
turning plausible again, and the evidence must be more than chance).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from counterfoil.foundation.days import to_date
from counterfoil.rules import facts, model
from counterfoil.rules.facts import Fact
from counterfoil.rules.model import FALSE, TRUE, UNKNOWN, Expression, Rule, truth

if TYPE_CHECKING:
    from counterfoil.rules.prevalence import Prevalence, Published

Status = Literal["plausible", "rare", "unknown"]

RARE_BELOW = 0.4
"""A set is rare where it finds less than this share of what it finds elsewhere. A figure of ours:
practices differ twofold by age and area; the published case (proton pump inhibitors, 7.9% against
34%) is at 0.23."""
PLAUSIBLE_ABOVE = 0.5
"""A rare set is plausible again only above this share."""
LEAST_EXPECTED = 10
"""Patients that the set ought to find before its rarity can be judged."""
LEAST_PATIENTS = 1000
"""Patients of other systems, together, before they can be compared with."""
_CERTAIN = 3.09
"""Standard deviations of a one-sided chance of one in a thousand."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a decision rests on: patients found here, and what was expected by which comparison.

    ``shared`` is set where the practice alone is too small, and all practices of its system were
    taken together. ``expected_share`` is per patient.
    """

    patients: int
    found: int
    shared: bool
    compared_with: str
    expected_share: float | None
    source: str


@dataclass(frozen=True, slots=True)
class Gate:
    """The standing of one set in one practice. ``version`` rises when the status or set changes."""

    name: str
    practice: str
    system: str
    set_version: str
    status: Status
    version: int
    as_of: str
    figures: Figures
    why: str

    def to_json(self) -> dict[str, Any]:
        """The gate as plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Gate:
        """The gate that :meth:`to_json` wrote."""
        return cls(**{**data, "figures": Figures(**data["figures"])})


@dataclass(frozen=True, slots=True)
class Change:
    """A gate that is new or has another status than before, for people to see."""

    before: Gate | None
    after: Gate


def decide(
    measured: Iterable[Prevalence],
    as_of: int,
    *,
    before: Iterable[Gate] = (),
    published: Mapping[str, Published] | None = None,
) -> list[Gate]:
    """The gates of every set and practice measured, ordered by set and practice.

    *before* are the gates now in force; one that nothing new is known about stays as it is.
    *published* figures count only where their status is ``read``.
    """
    rows = list(measured)
    earlier = {(g.name, g.practice): g for g in before}
    gates = []
    for row in rows:
        old = earlier.get((row.name, row.practice))
        status, figures, why = _judge(row, rows, (published or {}).get(row.name), old)
        gate = Gate(
            row.name,
            row.practice,
            row.system,
            row.version,
            status,
            1,
            to_date(as_of).isoformat(),
            figures,
            why,
        )
        if old is not None:
            same = old.status == status and old.set_version == row.version
            gate = replace(gate, version=old.version if same else old.version + 1)
        gates.append(gate)
    return sorted(gates, key=lambda g: (g.name, g.practice))


def changes(before: Iterable[Gate], after: Iterable[Gate]) -> list[Change]:
    """The gates that turned rare or plausible; a first one that is plausible is no change."""
    earlier = {(g.name, g.practice): g for g in before}
    found = []
    for gate in after:
        old = earlier.get((gate.name, gate.practice))
        if (old.status if old else "plausible") != gate.status and "rare" in (
            gate.status,
            old.status if old else "",
        ):
            found.append(Change(old, gate))
    return found


def weak_sets(gates: Iterable[Gate]) -> dict[str, frozenset[str]]:
    """By practice, the sets whose absence shows nothing there."""
    found: dict[str, set[str]] = {}
    for gate in gates:
        if gate.status == "rare":
            found.setdefault(gate.practice, set()).add(gate.name)
    return {practice: frozenset(names) for practice, names in found.items()}


def absences(rule: Rule) -> dict[str, frozenset[str]]:
    """The clauses of a rule's *when* that rest on something being absent, and their sets.

    A clause under *not* rests on the absence of its sets; an overdue test on that of the test.
    """
    found: dict[str, set[str]] = {}
    for name, asserted in _polarity(rule.when, True):
        names = _absent(rule.clause(name).fact, asserted)
        if names:
            found.setdefault(name, set()).update(names)
    return {name: frozenset(names) for name, names in found.items()}


def weaken(
    rule: Rule, values: Mapping[str, int], weak: frozenset[str]
) -> tuple[int, tuple[str, ...]]:
    """The truth of *when* once absences by weak sets are unknown, and the sets that made it so.

    *values* are the truths of the rule's clauses for one patient. A truth is never made stronger:
    what was false stays false, what held may become unknown.
    """
    given = dict(values)
    was = truth(rule.when, given)
    sets: set[str] = set()
    for name, names in absences(rule).items():
        mine = names & weak
        overdue = isinstance(rule.clause(name).fact, facts.Due)
        if mine and given[name] == (TRUE if overdue else FALSE):
            given[name] = UNKNOWN
            sets |= mine
    now = min(was, truth(rule.when, given))
    return now, tuple(sorted(sets)) if now != was else ()


def cause(names: Iterable[str], title: Mapping[str, str] | None = None) -> str:
    """Why an answer cannot be told, for the finding."""
    words = ", ".join((title or {}).get(name, name) for name in names)
    return f"known to be coded poorly at this practice: {words}"


def _polarity(expression: Expression, asserted: bool) -> Iterable[tuple[str, bool]]:
    match expression:
        case model.Is(name):
            yield name, asserted
        case model.Not(inner):
            yield from _polarity(inner, not asserted)
        case model.All(parts) | model.Some(parts):
            for part in parts:
                yield from _polarity(part, asserted)


def _absent(fact: Fact, asserted: bool) -> set[str]:
    if isinstance(fact, facts.Due):
        return {fact.tests} if asserted else set()
    if asserted:
        return set()
    drugs, codes = facts.sets_of(fact)
    return drugs | codes


def _judge(
    row: Prevalence, rows: list[Prevalence], figure: Published | None, old: Gate | None
) -> tuple[Status, Figures, str]:
    """The status by every comparison there is; the worst counts."""
    alike = [r for r in rows if r.name == row.name]
    comparisons = []
    others = [r for r in alike if r.system != row.system]
    if sum(r.patients for r in others) >= LEAST_PATIENTS:
        share = sum(r.found for r in others) / sum(r.patients for r in others)
        systems = ", ".join(sorted({r.system for r in others}))
        comparisons.append((share, f"practices on {systems}", "the same run"))
    if figure is not None and figure.status == "read":
        comparisons.append((figure.low / 10_000, "published figures", figure.source))
    same = [r for r in alike if r.system == row.system]
    answers = [_compare(row, same, old, *each) for each in comparisons]
    known = [a for a in answers if a[0] != "unknown"]
    if not known:
        return _unknown(row, old, answers)
    return min(known, key=lambda a: a[0] != "rare")


def _unknown(
    row: Prevalence, old: Gate | None, answers: list[tuple[Status, Figures, str]]
) -> tuple[Status, Figures, str]:
    if old is not None and old.set_version == row.version and old.status != "unknown":
        return old.status, old.figures, old.why
    if answers:
        return answers[0]
    figures = Figures(row.patients, row.found, False, "", None, "")
    return (
        "unknown",
        figures,
        "nothing to compare with: no other clinical system, no published figure",
    )


def _compare(
    row: Prevalence, same: list[Prevalence], old: Gate | None, share: float, what: str, source: str
) -> tuple[Status, Figures, str]:
    patients, found, shared = row.patients, row.found, False
    if patients * share < LEAST_EXPECTED:
        patients, found = sum(r.patients for r in same), sum(r.found for r in same)
        shared = True
    figures = Figures(patients, found, shared, what, round(share, 6), source)
    where = f"the practices on {row.system}" if shared else "this practice"
    says = (
        f"{_percent(found, patients)} of the patients of {where} ({found:,} of {patients:,}), "
        f"against {100 * share:.2f}% by {what}"
    )
    if patients * share < LEAST_EXPECTED:
        return "unknown", figures, f"too few patients to judge: {says}"
    was_rare = old is not None and old.status == "rare" and old.set_version == row.version
    if was_rare and found <= PLAUSIBLE_ABOVE * share * patients:
        return "rare", figures, says
    if not was_rare and _most(found, patients) < RARE_BELOW * share:
        return "rare", figures, says
    return "plausible", figures, says


def _most(found: int, patients: int) -> float:
    """The highest share that *found* of *patients* may come from, but for one chance in a thousand.

    Wilson's upper bound.
    """
    z2 = _CERTAIN * _CERTAIN
    share = found / patients
    middle = share + z2 / (2 * patients)
    spread = _CERTAIN * math.sqrt(share * (1 - share) / patients + z2 / (4 * patients * patients))
    return (middle + spread) / (1 + z2 / patients)


def _percent(found: int, patients: int) -> str:
    return f"{100 * found / patients:.2f}%" if patients else "none"

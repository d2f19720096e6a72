"""Before a rule changes: who would enter its list at the user's practices, and who would leave it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from counterfoil import rules
from counterfoil.foundation import days
from counterfoil.records.schema import TABLES
from counterfoil.service.accounts.models import User
from counterfoil.service.casework import clock, scope, sets_in_use
from counterfoil.service.organisations.models import Organisation
from counterfoil.service.records import reading
from counterfoil.service.records.models import PersonIndex
from counterfoil.service.rulebook import force

SHOWN = 200
"""Patients named at the most; the counts are of all."""
LISTED = ("open", "cannot_tell")


@dataclass(frozen=True)
class Moved:
    """One patient whose standing would change, and why, in the words of the rule that holds."""

    name: str
    practice: str
    before: str
    after: str
    why: tuple[str, ...]


@dataclass
class Preview:
    """What a change would do. ``before`` and ``after`` count patients by state; ``moved`` are those
    whose state differs, those who enter first; ``more`` how many are not named."""

    practices: list[str] = field(default_factory=list)
    before: dict[str, int] = field(default_factory=dict)
    after: dict[str, int] = field(default_factory=dict)
    enters: int = 0
    leaves: int = 0
    moved: list[Moved] = field(default_factory=list)
    more: int = 0


def preview(user: User, organisation: str, rule: rules.Rule) -> Preview:
    """Run the rule in force and *rule* over the published records within the user's reach.

    Only practices of the organisation whose patients the user sees are looked at.
    """
    found = Preview()
    moved: list[tuple[bool, str, Moved]] = []
    mine = scope.practices(user).order_by("name")
    for place in mine:
        if organisation not in (place.pk, place.parent_id):
            continue
        _at(place, rule, found, moved)
    moved.sort(key=lambda row: (not row[0], row[1]))
    found.moved = [row for _, _, row in moved[:SHOWN]]
    found.more = max(0, len(moved) - SHOWN)
    return found


def _at(
    place: Organisation, rule: rules.Rule, found: Preview, moved: list[tuple[bool, str, Moved]]
) -> None:
    with reading.leased(place.pk) as row:
        opened = reading.opened(row)
        if row is None or opened is None:
            return
        day = days.to_day(clock.today())
        tables = {name: opened.scan(name) for name in TABLES}
        in_force = [r for r in force.at(place.pk, clock.today()).rules if r.id == rule.id]
        sets, weak = sets_in_use.sets_on(clock.today()), sets_in_use.weak()
        old = _by_patient(rules.run(tables, in_force, day, sets, weak) if in_force else [])
        new = _by_patient(rules.run(tables, [rule], day, sets, weak))
    found.practices.append(place.name)
    for states, counted in ((old, found.before), (new, found.after)):
        for one in states.values():
            counted[one.state] = counted.get(one.state, 0) + 1
    changed = [p for p in {*old, *new} if _state(old, p) != _state(new, p)]
    names = _names(place, changed)
    for patient in changed:
        before, after = _state(old, patient), _state(new, patient)
        enters = after in LISTED and before not in LISTED
        leaves = before in LISTED and after not in LISTED
        found.enters += enters
        found.leaves += leaves
        said = new.get(patient) or old[patient]
        why = tuple(r.text for r in said.reasons if r.holds is not False)[:3]
        name = names.get(patient, "")
        moved.append((enters, name, Moved(name, place.name, before, after, why)))


def _by_patient(found: Iterable[rules.Finding]) -> dict[str, rules.Finding]:
    return {one.patient_id: one for one in found}


def _state(found: dict[str, rules.Finding], patient: str) -> str:
    return found[patient].state if patient in found else "clear"


def _names(place: Organisation, patients: list[str]) -> dict[str, str]:
    named: dict[str, str] = {}
    for start in range(0, len(patients), 500):
        rows = PersonIndex.objects.filter(
            practice=place, patient_id__in=patients[start : start + 500]
        )
        named |= {r.patient_id: f"{r.family_name.upper()}, {r.given_name}" for r in rows}
    return named

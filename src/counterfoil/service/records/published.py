"""What the command line's audits read: every published snapshot, held while the block runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from counterfoil.foundation.days import words
from counterfoil.foundation.errors import DataError
from counterfoil.records.patient import PatientRecord
from counterfoil.records.schema import empty
from counterfoil.rules import Finding as Found
from counterfoil.rules import Rule
from counterfoil.rules.sets import TerminologySets, wrong_sets
from counterfoil.service.casework import intake, sets_in_use
from counterfoil.service.casework.models import Finding
from counterfoil.service.organisations.models import Organisation
from counterfoil.service.records import reading
from counterfoil.service.records.models import Snapshot
from counterfoil.service.rulebook import force


@dataclass(frozen=True)
class InUse:
    """Practices whose rules are the same: their tables, the rules, the sets and the gates."""

    tables: dict[str, Any]
    rules: list[Rule]
    sets: TerminologySets
    weak: dict[str, frozenset[str]]
    left_out: tuple[str, ...] = ()
    """Rules that are not run, and why: an own text that cannot be read, a set that is not there."""


def rules_at(practice: str, as_of: date) -> list[Rule]:
    """The rules in force at a practice and the shipped measures, by id."""
    found = [*force.at(practice, as_of).rules, *force.measures()]
    return sorted(found, key=lambda rule: rule.id)


@dataclass(frozen=True)
class Published:
    """The published snapshots of some practices."""

    snapshots: tuple[Snapshot, ...]

    @property
    def tables(self) -> dict[str, Any]:
        """The files of every table, or empty tables where nothing is published."""
        found = reading.store().tables([row.snapshot_id for row in self.snapshots])
        return {name: scan or empty(name) for name, scan in found.items()}

    @property
    def tables_by_code(self) -> dict[str, Any]:
        """The same rows, by code where they are kept so, and without where each came from."""
        found = reading.store().tables_by_code([row.snapshot_id for row in self.snapshots])
        return {name: scan or empty(name) for name, scan in found.items()}

    def in_use(self, as_of: date, given: Sequence[Rule] | None = None) -> list[InUse]:
        """What published findings rest on: each practice's own rules in force, sets and gates.

        Practices with the same rules stand together. Measures, which make no finding, are shipped.
        *given* rules take the place of all of them.
        """
        sets, weak = sets_in_use.sets_on(as_of), sets_in_use.weak()
        groups: dict[tuple[tuple[str, int, str], ...], list[Snapshot]] = {}
        found: dict[tuple[tuple[str, int, str], ...], list[Rule]] = {}
        said: dict[tuple[tuple[str, int, str], ...], list[str]] = {}
        for row in self.snapshots:
            rules = given if given is not None else rules_at(row.practice_id, as_of)
            wrong = {rule.id: wrong_sets(rule, sets.chosen) for rule in rules}
            broken = {} if given is not None else force.at(row.practice_id, as_of).broken
            left_out = [str(problem) for found_ in wrong.values() for problem in found_]
            left_out += [f"{text} The shipped rule stands in for it." for text in broken.values()]
            rules = [rule for rule in rules if not wrong[rule.id]]
            key = tuple((rule.id, rule.version, rule.text) for rule in rules)
            groups.setdefault(key, []).append(row)
            found[key] = list(rules)
            said.setdefault(key, []).extend(left_out)
        return [
            InUse(
                Published(tuple(rows)).tables,
                found[key],
                sets,
                weak,
                tuple(dict.fromkeys(said[key])),
            )
            for key, rows in groups.items()
        ]

    def of(self, practice: str) -> Published:
        """One practice of these."""
        return Published(tuple(row for row in self.snapshots if row.practice_id == practice))

    @property
    def parents(self) -> dict[str, str]:
        """The PCN of each practice that has one."""
        rows = Organisation.objects.filter(pk__in=[s.practice_id for s in self.snapshots])
        return {row.pk: row.parent_id for row in rows if row.parent_id}

    @property
    def said(self) -> str:
        """Whose data, as at when, in words."""
        if not self.snapshots:
            return "nothing has been imported yet"
        return "; ".join(
            f"{s.practice_id} as at {words(s.data_as_at.date())}" for s in self.snapshots
        )

    def records(self, patient_id: str) -> list[PatientRecord]:
        """The records with this patient id, one a practice at most."""
        found = []
        for snapshot in self.snapshots:
            try:
                found.append(reading.store().patient(snapshot.snapshot_id, patient_id))
            except KeyError:
                continue
        return found

    def identified(self, found: Sequence[Found]) -> list[dict[str, Any]]:
        """The engine's findings as rows, with the identity casework gives them and the approval."""
        episodes = {}
        people = {one.person_id for one in found}
        for row in Finding.objects.filter(kind=Finding.Kind.RULE).order_by("episode"):
            if row.person_id in people:
                over = row.state == Finding.State.CLEAR
                episodes[row.person_id, row.rule, row.subject] = row.episode + (1 if over else 0)
        approved = {
            s.practice_id: intake.approved_rules(Organisation.objects.get(pk=s.practice_id))
            for s in self.snapshots
        }
        rows = []
        for one in found:
            episode = episodes.get((one.person_id, one.rule, one.subject), 1)
            rows.append(
                {
                    "finding_id": intake.finding_id(one.person_id, one.rule, one.subject, episode),
                    "approved": (one.rule, str(one.version)) in approved[one.practice],
                    **one.to_json(),
                }
            )
        return rows


@contextmanager
def published(practice: str | None = None) -> Iterator[Published]:
    """The published snapshots of one practice, or of all of them."""
    codes = (
        [practice]
        if practice
        else list(
            Snapshot.objects.filter(published=True)
            .order_by("practice_id")
            .values_list("practice_id", flat=True)
        )
    )
    with ExitStack() as stack:
        rows = [stack.enter_context(reading.leased(code)) for code in codes]
        there = tuple(row for row in rows if row is not None)
        if practice and not there:
            raise DataError.at("--practice", f"nothing has been imported for {practice} yet")
        yield Published(there)

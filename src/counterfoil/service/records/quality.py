"""The data quality of a practice's published record: worked out once a snapshot, then kept.

Kept with the snapshot's row, because at full size it takes seconds and its files never change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from counterfoil.foundation.days import to_day
from counterfoil.records import quality as counting
from counterfoil.rules import gates, prevalence
from counterfoil.service.casework import clock, from_rules, sets_in_use
from counterfoil.service.records import reading
from counterfoil.service.records.models import Snapshot


@dataclass(frozen=True)
class Quality:
    """What is known of one practice's published record, as plain data.

    ``loaded`` counts, by table, the rows or resources of the last load. ``rare`` are sets that find
    implausibly few of the practice's patients.
    """

    practice: str
    practice_name: str
    snapshot: str
    format: str
    data_as_at: date
    loaded_on: date | None
    loaded: tuple[dict[str, Any], ...]
    rejected: tuple[dict[str, Any], ...]
    notes: tuple[str, ...]
    tables: tuple[dict[str, Any], ...]
    late: tuple[str, ...]
    rare: tuple[dict[str, Any], ...]
    unjudged: int
    """Sets that could not be compared with anything."""

    def to_json(self) -> dict[str, Any]:
        """The JSON of ``counterfoil record quality``."""
        return {
            "practice": self.practice,
            "snapshot": self.snapshot,
            "format": self.format,
            "data_as_at": self.data_as_at.isoformat(),
            "loaded": list(self.loaded),
            "rejected": list(self.rejected),
            "notes": list(self.notes),
            "tables": list(self.tables),
            "late": list(self.late),
            "rare_sets": list(self.rare),
            "sets_not_judged": self.unjudged,
        }


def of_practices(codes: Sequence[str]) -> list[Quality]:
    """The quality of each of these practices that has a published record, in order of name."""
    rows = Snapshot.objects.filter(practice__in=codes, published=True)
    return [_of(row) for row in rows.select_related("practice").order_by("practice__name")]


def _of(row: Snapshot) -> Quality:
    said = row.quality
    if not said or said.get("version") != VERSION:
        said = _work_out(row)
        Snapshot.objects.filter(pk=row.pk).update(quality=said)
    return Quality(
        practice=row.practice_id,
        practice_name=row.practice.name,
        snapshot=row.snapshot_id,
        format=row.format,
        data_as_at=row.data_as_at.date(),
        loaded_on=row.published_at.date() if row.published_at else None,
        loaded=tuple(said["loaded"]),
        rejected=tuple(said["rejected"]),
        notes=tuple(said["notes"]),
        tables=tuple(said["tables"]),
        late=tuple(said["late"]),
        rare=tuple(said["rare"]),
        unjudged=said["unjudged"],
    )


VERSION = 1
"""Of the form in which a snapshot's quality is kept."""


def _work_out(row: Snapshot) -> dict[str, Any]:
    as_of = min(row.as_of, clock.today())
    lease = reading.take_lease(row.snapshot_id)
    try:
        opened = reading.store().open(row.snapshot_id)
        manifest = opened.manifest
        tables = counting.assess(opened, as_of)
        rare, unjudged = _rare_sets(row, as_of)
    finally:
        lease.delete()
    return {
        "version": VERSION,
        "loaded": [
            {"table": name, **counts}
            for name, counts in manifest["tables"].items()
            if any(counts.values())
        ],
        "rejected": [
            {"table": table, "reason": reason, "count": count}
            for table, reason, count in counting.rejected_by_reason(manifest)
        ],
        "notes": list(manifest.get("notes", ())),
        "tables": [one.to_json() for one in tables if one.rows or one.withdrawn],
        "late": [one.table for one in counting.late_tables(tables)],
        "rare": rare,
        "unjudged": unjudged,
    }


def _rare_sets(row: Snapshot, as_of: date) -> tuple[list[dict[str, Any]], int]:
    """The sets of the shipped rules that find implausibly few here, beside every other practice."""
    rules, sets = from_rules.shipped(), sets_in_use.sets_on(as_of)
    others = Snapshot.objects.filter(published=True).order_by("practice_id")
    ids = [one.snapshot_id for one in others]
    leases = [reading.take_lease(each) for each in ids]
    try:
        measured = prevalence.prevalence(
            reading.store().tables_by_code(ids),
            sets,
            to_day(as_of),
            drug_sets=frozenset().union(*(rule.drug_sets for rule in rules)),
            code_sets=frozenset().union(*(rule.code_sets for rule in rules)),
        )
    finally:
        for lease in leases:
            lease.delete()
    found = gates.decide(measured, to_day(as_of), published=prevalence.published())
    mine = [gate for gate in found if gate.practice == row.practice_id]
    rare = [
        {"set": gate.name, "title": sets.title(gate.name), "why": gate.why}
        for gate in mine
        if gate.status == "rare"
    ]
    return rare, sum(gate.status == "unknown" for gate in mine)

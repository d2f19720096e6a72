"""The account of a message: every resource is loaded, merged, not carried or rejected; none is lost."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from counterfoil.records.importers.bundle import Bundle, Resource
from counterfoil.records.load import Reject, ResourceCount, TableCount
from counterfoil.records.schema import TABLES


@dataclass
class Ledger:
    """Rows by table, and what became of each resource."""

    bundle: Bundle
    practice: str
    source_system: str
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {t: [] for t in TABLES})
    rejects: list[Reject] = field(default_factory=list)
    _notes: Counter[str] = field(default_factory=Counter)
    _became: Counter[tuple[str, str]] = field(default_factory=Counter)
    _tables: Counter[tuple[str, str]] = field(default_factory=Counter)
    _keys: set[tuple[str, str]] = field(default_factory=set)
    _settled: set[str] = field(default_factory=set)

    def common(self, resource: Resource, recorded_on: date | None = None) -> dict[str, Any]:
        """The common columns of a row made from *resource*."""
        return {
            "practice": self.practice,
            "source_system": self.source_system,
            "source_id": resource.id or resource.path,
            "source_place": self.bundle.place(resource.path),
            "recorded_on": recorded_on,
        }

    def loaded(self, resource: Resource, table: str, *rows: dict[str, Any]) -> None:
        """*resource* makes these rows of *table*; a key that is taken already rejects it."""
        keys = [(table, str(row[TABLES[table].key])) for row in rows]
        if len(set(keys)) < len(keys) or self._keys.intersection(keys):
            self.rejected(resource, table, "its id is that of an earlier row")
            return
        self._keys.update(keys)
        self.rows[table].extend(rows)
        self._settle(resource, "loaded", table)

    def has(self, table: str, key: str) -> bool:
        """Whether a row of this key was made already."""
        return (table, key) in self._keys

    def rejected(self, resource: Resource, table: str, reason: str) -> None:
        """*resource* would belong to *table* and is not loaded."""
        own = reason.removeprefix(f"{resource.path}.")
        self.rejects.append(Reject(table, self.bundle.place(resource.path), own))
        self._settle(resource, "rejected", table)

    def merged(self, resource: Resource) -> None:
        """*resource* added to rows that others made."""
        self._settle(resource, "merged")

    def not_carried(self, resource: Resource, reason: str) -> None:
        """*resource* holds nothing that the record has a place for."""
        self._settle(resource, "not_carried")
        self.note(f"{resource.kind}: not carried, {reason}")

    def ignore(self, resource: Resource) -> None:
        """*resource* is none of the source: the reader put it there."""
        self._settled.add(resource.path)

    def note(self, text: str) -> None:
        """A sentence for the report; the same one several times is counted."""
        self._notes[text] += 1

    def _settle(self, resource: Resource, became: str, table: str | None = None) -> None:
        if resource.path in self._settled:
            raise AssertionError(f"{resource.path} was accounted for twice")
        self._settled.add(resource.path)
        self._became[resource.kind, became] += 1
        if table is not None:
            self._tables[table, became] += 1

    @property
    def notes(self) -> list[str]:
        """The notes, each with how often it holds."""
        return [f"{count} × {text}" for text, count in sorted(self._notes.items())]

    @property
    def resources(self) -> dict[str, ResourceCount]:
        """What became of the resources of each type; a resource left over is a defect."""
        left = [r.path for r in self.bundle.resources if r.path not in self._settled]
        if left:
            raise AssertionError(f"not accounted for: {left[:3]}")
        return {
            kind: ResourceCount(
                read=sum(n for (k, _), n in self._became.items() if k == kind),
                loaded=self._became[kind, "loaded"],
                merged=self._became[kind, "merged"],
                not_carried=self._became[kind, "not_carried"],
                rejected=self._became[kind, "rejected"],
            )
            for kind in sorted({kind for kind, _ in self._became})
        }

    @property
    def counts(self) -> dict[str, TableCount]:
        """Resources by the table they belong to."""
        counts = {}
        for table in TABLES:
            loaded, rejected = self._tables[table, "loaded"], self._tables[table, "rejected"]
            counts[table] = TableCount(loaded + rejected, loaded, rejected)
        return counts

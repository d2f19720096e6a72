"""What a load says of itself, for people and machines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Anomaly:
    """Something odd that does not stop a load: what, how often, and a few places."""

    what: str
    count: int
    examples: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """``{"what", "count", "examples"}``."""
        return {"what": self.what, "count": self.count, "examples": list(self.examples)}

    def __str__(self) -> str:
        shown = f" ({', '.join(self.examples)})" if self.examples else ""
        return f"{self.what}: {self.count:,}{shown}"


@dataclass(frozen=True)
class LoadReport:
    """The outcome of one load.

    ``why`` says by what the kind was known. ``tables`` counts rows by table: read from the files
    and loaded. ``already`` is set when the same content had been loaded before and nothing changed.
    ``in_use`` is the name of the release of this role that is in use now.
    """

    kind: str
    title: str
    why: str
    name: str
    version: str
    date: str | None
    already: bool
    in_use: str | None
    files: tuple[dict[str, Any], ...] = ()
    tables: dict[str, dict[str, int]] = field(default_factory=dict)
    anomalies: tuple[Anomaly, ...] = ()
    notes: tuple[str, ...] = ()
    attribution: str = ""

    def to_json(self) -> dict[str, Any]:
        """The object ``counterfoil terminology load --format json`` prints."""
        return {
            "kind": self.kind,
            "title": self.title,
            "why": self.why,
            "name": self.name,
            "version": self.version,
            "date": self.date,
            "already": self.already,
            "in_use": self.in_use,
            "files": [dict(f) for f in self.files],
            "tables": {name: dict(counts) for name, counts in self.tables.items()},
            "anomalies": [a.to_json() for a in self.anomalies],
            "notes": list(self.notes),
            "attribution": self.attribution,
        }

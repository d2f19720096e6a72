"""What an importer hands over: canonical tables, and an account of everything it read.

A load is all or nothing. Either the importer raises :class:`~counterfoil.foundation.errors.DataError`
and there is no load, or every row or resource of the source is counted in it: loaded, or rejected
with its place and a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from counterfoil.records.schema import TABLES, empty

PATIENT_TABLES = tuple(
    name for name, table in TABLES.items() if any(c.name == "patient_id" for c in table.columns)
)
"""The tables whose rows belong to a patient, in the order of the contract."""


@dataclass(frozen=True)
class TableCount:
    """What became of a table's source rows or resources: ``read == loaded + rejected``."""

    read: int
    loaded: int
    rejected: int


@dataclass(frozen=True)
class ResourceCount:
    """What became of the resources of one type in a message.

    ``loaded`` resources made rows of their own; ``merged`` ones added to the row of another
    (a Medication names the product of a plan); ``not_carried`` ones hold nothing that the record
    has a place for (a Practitioner). ``read`` is the sum of the four.
    """

    read: int = 0
    loaded: int = 0
    merged: int = 0
    not_carried: int = 0
    rejected: int = 0


@dataclass(frozen=True)
class Reject:
    """A source row that was not loaded. ``place`` names file and row or JSON path."""

    table: str
    place: str
    reason: str


@dataclass(frozen=True)
class Made:
    """A column that is worked out of columns ``of`` the same rows."""

    of: tuple[str, ...]
    work: Callable[[pa.Table], pa.Array]


@dataclass(frozen=True)
class Staged:
    """A table too large for memory: SQL that names files, which any DuckDB connection can run.

    ``sql`` gives rows in any order, with the columns of the schema but for those that are ``made``
    afterwards: what follows from other columns need not be carried through a sort. ``rows`` are all
    of them, ``held`` those that the source has not withdrawn.
    """

    sql: str
    rows: int
    held: int
    made: Mapping[str, Made] = field(default_factory=dict)

    def needed(self, columns: Sequence[str]) -> list[str]:
        """The columns to be selected for these, made ones among them."""
        own = [name for name in columns if name not in self.made]
        more = [each for name in columns if name in self.made for each in self.made[name].of]
        return list(dict.fromkeys([*own, *more]))

    def complete(self, rows: pa.Table, columns: Sequence[str]) -> pa.Table:
        """These columns of rows that hold what is :meth:`needed` for them."""
        found = {
            name: self.made[name].work(rows) if name in self.made else rows[name]
            for name in columns
        }
        return pa.table(found)


@dataclass(frozen=True)
class Load:
    """The canonical tables of one import, and the account of it.

    ``tables`` holds every table of the schema, possibly empty. ``counts`` are in the source's own
    rows or resources; one resource may make several rows (a blood pressure and its two values).
    ``scope`` says what the load replaces when it is merged: the whole ``practice``, one
    ``patient``, or with ``delta`` the rows of the same key. ``covers`` are the tables the format
    carries at all. ``data_as_at`` is the newest day the source vouches for; ``None`` where it does
    not say. ``notes`` are plain sentences for whoever imported it, without identifiers.

    ``withdrawn`` names, by table, the keys of rows that the source deleted, with the first day on
    which it no longer held them: for formats that send a key and nothing else; a patient withdrawn
    so is withdrawn with all their rows. ``staged`` are tables too large for memory; ``tables`` then
    holds an empty table of that name. ``kept`` is whatever must live as long as their files.
    """

    format: str
    practice: str
    tables: dict[str, pa.Table]
    counts: dict[str, TableCount]
    rejects: list[Reject] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    scope: str = "practice"
    covers: frozenset[str] = frozenset(TABLES)
    data_as_at: date | None = None
    resources: dict[str, ResourceCount] = field(default_factory=dict)
    withdrawn: Mapping[str, Mapping[str, date]] = field(default_factory=dict)
    staged: Mapping[str, Staged] = field(default_factory=dict)
    kept: object = None

    @property
    def rows(self) -> dict[str, int]:
        """Rows in each table."""
        found = {name: table.num_rows for name, table in self.tables.items()}
        return found | {name: staged.rows for name, staged in self.staged.items()}

    def to_json(self, snapshot: str | None = None) -> dict[str, object]:
        """The JSON of ``counterfoil import``; ``docs/reference/import.schema.json`` describes it."""
        return {
            "format": self.format,
            "practice": self.practice,
            "snapshot": snapshot,
            "tables": {
                name: {"read": c.read, "loaded": c.loaded, "rejected": c.rejected}
                for name, c in self.counts.items()
            },
            "rows": self.rows,
            "resources": {
                kind: {
                    "read": c.read,
                    "loaded": c.loaded,
                    "merged": c.merged,
                    "not_carried": c.not_carried,
                    "rejected": c.rejected,
                }
                for kind, c in sorted(self.resources.items())
            },
            "rejects": [
                {"table": r.table, "place": r.place, "reason": r.reason} for r in self.rejects
            ],
            "notes": list(self.notes),
            "data_as_at": self.data_as_at.isoformat() if self.data_as_at else None,
        }


def of_tables(practice: str, tables: Mapping[str, pa.Table], format: str = "synthetic") -> Load:
    """A load of tables that are canonical already, each row counted as read and loaded.

    Tables that are not given are empty. Raises ``ValueError`` where a table's columns are not
    those of the schema: that is a fault of the caller, not of anybody's data.
    """
    whole = {name: tables.get(name, empty(name)) for name in TABLES}
    for name, table in whole.items():
        if table.schema.names != TABLES[name].arrow.names:
            raise ValueError(f"the columns of {name} are not those of the schema")
        whole[name] = table.cast(TABLES[name].arrow)
    return Load(
        format=format,
        practice=practice,
        tables=whole,
        counts={n: TableCount(t.num_rows, t.num_rows, 0) for n, t in whole.items()},
        data_as_at=newest_day(whole),
    )


def newest_day(tables: Mapping[str, pa.Table]) -> date | None:
    """The newest ``recorded_on`` of any row; where no row has one, the newest issue."""
    days = [
        pc.max(table["recorded_on"]).as_py()
        for table in tables.values()
        if "recorded_on" in table.column_names and table.num_rows
    ]
    known: list[date] = [d for d in days if d is not None]
    if not known and "issue" in tables and tables["issue"].num_rows:
        known = [pc.max(tables["issue"]["issued_on"]).as_py()]
    return max(known, default=None)

"""What a practice's record lacks: rows without a day, a code or a unit, and how new each table is.

Counts, never a judgement: whoever reads them knows what the practice's system sends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import duckdb

from counterfoil.foundation.database import connect
from counterfoil.records.scan import Scan
from counterfoil.records.schema import TABLES
from counterfoil.records.snapshot import Snapshot

LATE_DAYS = 14
"""A table whose newest row is so much older than the newest of all is named as late. A limit of
this software: a practice issues and files every working day."""

DAILY = ("issue", "coded_entry")
"""Tables in which every practice has something new every working day."""

MOST_REASONS = 200
"""Reasons that are listed one by one; what is rarer is counted together."""


@dataclass(frozen=True)
class _Asked:
    """What is asked of a table: the column that says when, what has a code, what has a unit."""

    day: str | None = None
    code: str | None = None
    value: str | None = None


_ASKED = {
    "organisation": _Asked(),
    "patient": _Asked(day="registered_from"),
    "plan": _Asked(day="start_date", code="product_code"),
    "issue": _Asked(day="issued_on", code="product_code"),
    "coded_entry": _Asked(day="happened_on", code="code", value="value"),
    "problem": _Asked(day="onset_on", code="code"),
    "allergy": _Asked(day="onset_on", code="substance_code"),
    "recall": _Asked(day="due_on", code="what_code"),
    "admission": _Asked(day="admitted_on"),
    "document": _Asked(day="received_at"),
    "request": _Asked(day="received_at"),
    "request_item": _Asked(code="product_code"),
    "dispense": _Asked(day="handed_over_at"),
}


@dataclass(frozen=True)
class TableQuality:
    """One table of a record.

    ``rows`` are in force, ``withdrawn`` ones are not among them. Of those in force ``undated`` have
    no day, ``uncoded`` no code, ``unitless`` a value but no unit, and ``incomparable`` a unit that
    is not known, so that their values cannot be compared; ``None`` where a table has no such
    column. ``ahead`` are dated after the day asked about; ``newest`` is the newest day up to it,
    ``entered`` the newest on which anything was entered.
    """

    table: str
    rows: int
    withdrawn: int
    undated: int | None
    uncoded: int | None
    unitless: int | None
    incomparable: int | None
    ahead: int
    newest: date | None
    entered: date | None

    def to_json(self) -> dict[str, Any]:
        """The counts as plain data; days as ISO text."""
        found = asdict(self)
        for name in ("newest", "entered"):
            found[name] = found[name].isoformat() if found[name] else None
        return found


def assess(snapshot: Snapshot, as_of: date) -> list[TableQuality]:
    """Every table of a snapshot, counted as it stands on *as_of*."""
    with connect() as db:
        return [_assess(db, snapshot.scan(name), as_of) for name in TABLES]


def _assess(db: duckdb.DuckDBPyConnection, scan: Scan, as_of: date) -> TableQuality:
    asked = _ASKED[scan.table]
    if not scan:
        return TableQuality(scan.table, 0, 0, None, None, None, None, 0, None, None)
    day = f"CAST({asked.day} AS DATE)" if asked.day else "CAST(NULL AS DATE)"
    until = f"DATE '{as_of.isoformat()}'"
    code = f"count(*) FILTER ({asked.code} IS NULL)" if asked.code else "NULL"
    bare = odd = "NULL"
    if asked.value:
        bare = f"count(*) FILTER ({asked.value} IS NOT NULL AND unit_text IS NULL)"
        odd = f"count(*) FILTER ({asked.value} IS NOT NULL AND unit_text IS NOT NULL AND unit_ucum IS NULL)"
    units = ["unit_text", "unit_ucum"] if asked.value else []
    wanted = [asked.day, asked.code, asked.value, *units, "recorded_on", "deleted_on"]
    columns = [column for column in wanted if column]
    row = db.execute(
        f"SELECT count(*), {f'count(*) FILTER ({asked.day} IS NULL)' if asked.day else 'NULL'}, "
        f"{code}, {bare}, {odd}, count(*) FILTER ({day} > {until}), "
        f"max({day}) FILTER ({day} <= {until}), max(recorded_on) FILTER (recorded_on <= {until}) "
        f"FROM ({scan.sql(columns)}) WHERE deleted_on IS NULL"
    ).fetchall()[0]
    gone = db.execute(
        f"SELECT count(*) FROM ({scan.sql(['deleted_on'])}) WHERE deleted_on IS NOT NULL"
    ).fetchall()[0][0]
    rows, undated, uncoded, unitless, incomparable, ahead, newest, entered = row
    return TableQuality(
        scan.table, rows, gone, undated, uncoded, unitless, incomparable, ahead, newest, entered
    )


def late_tables(tables: Iterable[TableQuality]) -> list[TableQuality]:
    """The tables that fill every day and have had nothing for :data:`LATE_DAYS` before the newest
    of all: a feed that stopped, while the others went on."""
    known = [one for one in tables if one.table in DAILY and one.newest is not None]
    last = max((one.newest for one in known if one.newest), default=None)
    if last is None:
        return []
    return [one for one in known if one.newest and (last - one.newest).days >= LATE_DAYS]


def rejected_by_reason(manifest: Mapping[str, Any]) -> list[tuple[str, str, int]]:
    """What a load rejected, as table, reason and how many, the most first."""
    counted = Counter((each["table"], each["reason"]) for each in manifest.get("rejects", ()))
    ordered = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    found = [(table, reason, count) for (table, reason), count in ordered[:MOST_REASONS]]
    if rest := sum(count for _, count in ordered[MOST_REASONS:]):
        found.append(("", "other reasons", rest))
    return found

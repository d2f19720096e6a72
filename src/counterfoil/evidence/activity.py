"""The activity table: the typed work log that the service exports and evidence and workforce read.

One row is one thing that happened to one task at one moment. It names tasks and cases by their ids
and nobody by name; who did it is not in it, only the role. ``docs/reference/activity.md`` states
the same columns.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

import pyarrow as pa
import pyarrow.parquet as pq

from counterfoil.evidence.series import NUMBER, read_text
from counterfoil.foundation.days import to_day
from counterfoil.foundation.errors import DataError, Problem

What = Literal[
    "arrived", "opened", "acted", "handed_over", "replied", "done", "reopened", "cleared"
]
"""``cleared``: the record shows that there is nothing left to do, and nobody ended it by hand."""
WHATS: tuple[str, ...] = get_args(What)
DAY_OF_MINUTES = 24 * 60

SCHEMA = pa.schema(
    [
        pa.field("activity_id", pa.string(), nullable=False),
        pa.field("at", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("what", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("practice", pa.string(), nullable=False),
        pa.field("site", pa.string()),
        pa.field("role", pa.string()),
        pa.field("minutes", pa.float64()),
        pa.field("task_id", pa.string(), nullable=False),
        pa.field("case_id", pa.string()),
        pa.field("finding_id", pa.string()),
    ]
)
NEEDED = tuple(field.name for field in SCHEMA if not field.nullable)


@dataclass(frozen=True, slots=True)
class Activity:
    """One row of the work log.

    ``kind`` is what kind of task it is (``letter``, ``monitoring``, ``request`` ...), ``practice``
    the ODS code of the practice whose work it is, ``site`` where it was done, ``role`` who did it
    (None: the service itself). ``minutes`` are active minutes put down to this row; None means not
    measured, which is not 0. ``task_id`` is the letter, the finding or the request item.
    """

    activity_id: str
    at: datetime
    what: What
    kind: str
    practice: str
    task_id: str
    site: str | None = None
    role: str | None = None
    minutes: float | None = None
    case_id: str | None = None
    finding_id: str | None = None

    @property
    def day(self) -> int:
        """The day number of ``at``, in UTC."""
        return to_day(self.at.astimezone(UTC).date())


COLUMNS = tuple(field.name for field in fields(Activity))


def to_arrow(rows: Iterable[Activity]) -> pa.Table:
    """Rows as the canonical table."""
    return pa.Table.from_pylist([asdict(row) for row in rows], schema=SCHEMA)


def from_arrow(table: pa.Table, place: str = "activity") -> list[Activity]:
    """The rows of a table in order of time, each checked; ``DataError`` names every wrong row."""
    missing = [name for name in NEEDED if name not in table.column_names]
    if missing:
        raise DataError.at(place, "these columns are needed", ", ".join(missing))
    present = [name for name in SCHEMA.names if name in table.column_names]
    raw = ((f"{place}, row {i}", row) for i, row in enumerate(table.select(present).to_pylist(), 1))
    return _checked(raw, place)


def read(path: Path) -> list[Activity]:
    """The activity table of a ``.csv`` or ``.parquet`` file, in order of time.

    ``DataError`` names every wrong row: file, row, column, what was expected.
    """
    if path.suffix == ".parquet":
        try:
            table = pq.read_table(path)
        except (OSError, pa.ArrowException) as error:
            found = str(error).splitlines()[0][:100]
            raise DataError.at(str(path.name), "a Parquet file is needed", found) from None
        return from_arrow(table, path.name)
    return _checked(_csv(path), path.name)


def write(rows: Iterable[Activity], path: Path) -> None:
    """Write rows as a ``.csv`` or ``.parquet`` file, in order of time."""
    ordered = sorted(rows, key=_order)
    if path.suffix == ".parquet":
        pq.write_table(to_arrow(ordered), path)
        return
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(SCHEMA.names)
        for row in ordered:
            values = {**asdict(row), "at": row.at.astimezone(UTC).isoformat()}
            writer.writerow(["" if values[n] is None else values[n] for n in SCHEMA.names])


def _csv(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    reader = csv.reader(io.StringIO(read_text(path), newline=""))
    try:
        header = [cell.strip() for cell in next(reader, [])]
        missing = [name for name in NEEDED if name not in header]
        if missing:
            raise DataError.at(
                f"{path.name}, row 1", "these columns are needed", ", ".join(missing)
            )
        for cells in reader:
            if any(cells):
                row = {
                    name: cell.strip() or None
                    for name, cell in zip(header, cells, strict=False)
                    if name in COLUMNS
                }
                yield f"{path.name}, row {reader.line_num}", row
    except csv.Error as error:
        place = f"{path.name}, row {reader.line_num}"
        raise DataError.at(place, "CSV is needed", str(error)) from None


def _checked(raw: Iterable[tuple[str, Mapping[str, Any]]], place: str) -> list[Activity]:
    problems: list[Problem] = []
    found: list[Activity] = []
    seen: set[str] = set()
    for where, row in raw:
        one = _row(where, row, problems)
        if one is None:
            continue
        if one.activity_id in seen:
            problems.append(Problem(f"{where}, activity_id", "each row has an id of its own"))
        seen.add(one.activity_id)
        found.append(one)
    found.sort(key=_order)
    problems.extend(_order_problems(found, place))
    if problems:
        raise DataError(*problems)
    return found


def _row(where: str, row: Mapping[str, Any], problems: list[Problem]) -> Activity | None:
    before = len(problems)
    for name in NEEDED:
        if name != "at" and not isinstance(row.get(name), str):
            problems.append(Problem(f"{where}, {name}", "a text is needed", _shown(row.get(name))))
    for name in ("site", "role", "case_id", "finding_id"):
        if not isinstance(row.get(name), str | None):
            problems.append(Problem(f"{where}, {name}", "a text or nothing", _shown(row.get(name))))
    what = row.get("what")
    if isinstance(what, str) and what not in WHATS:
        problems.append(Problem(f"{where}, what", f"one of {', '.join(WHATS)}", _shown(what)))
    at, minutes = _time(row.get("at")), row.get("minutes")
    if at is None:
        expected = "a time with its offset, such as 2026-11-20T09:30:00+00:00"
        problems.append(Problem(f"{where}, at", expected, _shown(row.get("at"))))
    if isinstance(minutes, str) and NUMBER.fullmatch(minutes):
        minutes = float(minutes)
    if minutes is not None and (
        not isinstance(minutes, int | float) or not 0 <= minutes <= DAY_OF_MINUTES
    ):
        expected = f"active minutes from 0 to {DAY_OF_MINUTES}, or nothing where not measured"
        problems.append(Problem(f"{where}, minutes", expected, _shown(minutes)))
    if len(problems) > before:
        return None
    values: dict[str, Any] = {name: row.get(name) for name in COLUMNS}
    return Activity(**{**values, "at": at, "minutes": minutes})


def _time(value: Any) -> datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime) or value.tzinfo is None:
        return None
    return value.astimezone(UTC)


def _shown(value: Any) -> str:
    return "nothing" if value is None else str(value)[:40]


def _order(row: Activity) -> tuple[datetime, str]:
    return row.at, row.activity_id


def _order_problems(rows: Iterable[Activity], place: str) -> Iterator[Problem]:
    """What happened to a task before it arrived, where its arrival is in the table."""
    arrived: dict[str, datetime] = {}
    rows = list(rows)
    for row in rows:
        if row.what == "arrived":
            arrived.setdefault(row.task_id, row.at)
    for row in rows:
        if row.what == "done" and row.at < arrived.get(row.task_id, row.at):
            yield Problem(
                f"{place}, activity {json.dumps(row.activity_id)}",
                "a task is done after it arrived, not before",
            )

"""Series of dated values from files."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

from counterfoil.evidence.spc import LARGEST
from counterfoil.foundation.days import parse_day
from counterfoil.foundation.errors import DataError, Problem

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
SHOWN = 40


def read_text(path: Path) -> str:
    """A file of UTF-8 text; ``DataError`` where there is none, with a byte order mark left out."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError.at(f"{path.name}, byte {error.start}", "text in UTF-8 is needed") from None
    except IsADirectoryError:
        raise DataError.at(str(path), "a file is needed", "a folder") from None
    except OSError as error:
        raise DataError.at(str(path), "a file that can be read", error.strerror or "") from None


def read(path: Path) -> list[tuple[int, float]]:
    """(day, value) of a CSV file with the columns ``date`` (ISO) and ``value``, in file order.

    Other columns are not looked at. ``DataError`` names every wrong row: a date that is none, a
    value that is blank or no number, a date that stands twice.
    """
    name = path.name
    rows = csv.reader(io.StringIO(read_text(path), newline=""))
    problems: list[Problem] = []
    points: list[tuple[int, float]] = []
    seen: dict[int, int] = {}
    try:
        header = [cell.strip().lower() for cell in next(rows, [])]
        if "date" not in header or "value" not in header:
            raise DataError.at(
                f"{name}, row 1", "the columns date and value are needed", ", ".join(header)[:SHOWN]
            )
        at = header.index("date"), header.index("value")
        for cells in rows:
            if any(cell.strip() for cell in cells):
                found = _point(cells, at, f"{name}, row {rows.line_num}", problems)
                if found is not None and found[0] in seen:
                    problems.append(
                        Problem(
                            f"{name}, row {rows.line_num}, date",
                            "each date may stand once",
                            f"the date of row {seen[found[0]]} again",
                        )
                    )
                elif found is not None:
                    seen[found[0]] = rows.line_num
                    points.append(found)
    except csv.Error as error:
        raise DataError.at(f"{name}, row {rows.line_num}", "CSV is needed", str(error)) from None
    if problems:
        raise DataError(*problems)
    if not points:
        raise DataError.at(name, "a chart needs at least one point", "no rows")
    return points


def _point(
    cells: list[str], at: tuple[int, int], place: str, problems: list[Problem]
) -> tuple[int, float] | None:
    date_text, value_text = (cells[i].strip() if i < len(cells) else "" for i in at)
    day: int | None = None
    try:
        day = parse_day(date_text)
    except ValueError:
        problems.append(
            Problem(f"{place}, date", "a date such as 2026-06-14 is needed", date_text[:SHOWN])
        )
    if not NUMBER.fullmatch(value_text) or abs(float(value_text)) > LARGEST:
        expected = "a number is needed; where nothing was measured, leave the row out"
        problems.append(Problem(f"{place}, value", expected, value_text[:SHOWN] or "nothing"))
        return None
    return None if day is None else (day, float(value_text))

"""A column of text into a column of canonical values, at the speed of Arrow.

The whole column is cast at once. Only where that fails is it gone through cell by cell, so that
each cell that cannot be read is known by its row.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from counterfoil.records.importers.shown import EARLIEST, LATEST
from counterfoil.records.schema import ARROW_TYPES

EXPECTED = {
    "text": "text",
    "date": "a date written 2026-06-14",
    "time": "a time written 2026-06-14T14:30:00Z",
    "dec": "a number with at most 18 digits before and 6 after the point",
    "int": "a whole number",
    "bool": "true or false",
}

_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z", re.ASCII)
_INT = re.compile(r"[+-]?\d{1,18}\Z", re.ASCII)
_DEC = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,2})?\Z", re.ASCII)
_BOOL = {
    "true": True,
    "t": True,
    "yes": True,
    "y": True,
    "1": True,
    "false": False,
    "f": False,
    "no": False,
    "n": False,
    "0": False,
}
_LARGEST = Decimal(10) ** 18


def column(strings: pa.Array, kind: str) -> tuple[pa.Array, list[int]]:
    """The values of *strings* as the canonical type *kind*, and the indices that are not such.

    Missing cells stay missing. Cells that cannot be read are missing in the result.
    """
    if kind == "text":
        return strings, []
    try:
        if kind == "int" and not _all(pc.match_substring_regex(strings, r"^[+-]?\d{1,18}$")):
            raise pa.ArrowInvalid("not whole numbers")
        return strings.cast(ARROW_TYPES[kind]), []
    except pa.ArrowInvalid:
        return _cell_by_cell(strings, kind)


def usual_days(days: pa.Array) -> tuple[pa.Array, int]:
    """Days outside the usual range as missing, and how many there were."""
    odd = pc.or_(
        pc.less(days, pa.scalar(EARLIEST, pa.date32())),
        pc.greater(days, pa.scalar(LATEST, pa.date32())),
    )
    count = pc.sum(odd).as_py() or 0
    return (pc.if_else(odd, pa.scalar(None, pa.date32()), days), count) if count else (days, 0)


def _all(flags: pa.Array) -> bool:
    return pc.all(flags).as_py() is not False


def _cell_by_cell(strings: pa.Array, kind: str) -> tuple[pa.Array, list[int]]:
    parse = _PARSERS[kind]
    values: list[Any] = []
    bad = []
    for index, text in enumerate(strings.to_pylist()):
        try:
            values.append(None if text is None else parse(text))
        except (ValueError, OverflowError, InvalidOperation):
            values.append(None)
            bad.append(index)
    return pa.array(values, ARROW_TYPES[kind]), bad


def parse_date(text: str) -> date:
    """An ISO day; ``ValueError`` otherwise."""
    if not _DATE.match(text):
        raise ValueError("not an ISO date")
    return date.fromisoformat(text)


def parse_decimal(text: str) -> Decimal:
    """A number that the record can hold exactly; ``ValueError`` otherwise."""
    if not _DEC.match(text):
        raise ValueError("not a number")
    value = Decimal(text)
    if abs(value) >= _LARGEST:
        raise ValueError("too large")
    exact = value.quantize(Decimal("0.000001"))
    if exact != value:
        raise ValueError("too many decimal places")
    return exact


def parse_time(text: str) -> datetime:
    """An ISO time; without a zone it is UTC. ``ValueError`` otherwise."""
    value = datetime.fromisoformat(text)
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def _parse_int(text: str) -> int:
    if not _INT.match(text):
        raise ValueError("not a whole number")
    return int(text)


def _parse_bool(text: str) -> bool:
    try:
        return _BOOL[text.lower()]
    except KeyError:
        raise ValueError("not true or false") from None


_PARSERS: dict[str, Callable[[str], Any]] = {
    "date": parse_date,
    "time": parse_time,
    "dec": parse_decimal,
    "int": _parse_int,
    "bool": _parse_bool,
}

"""What the page on data quality shows of one practice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from counterfoil.service.casework.shapes import DataAsAt
from counterfoil.service.records.quality import Quality

FORMATS = {
    "csv": "CSV template",
    "emis": "EMIS extract",
    "fhir": "FHIR bundle",
    "gpconnect": "GP Connect",
    "systmone": "SystmOne extract",
    "synthetic": "made-up record",
}
"""The formats of imports, in words."""

TABLES = {
    "coded_entry": "coded entries",
    "dispense": "dispensing events",
    "request_item": "request items",
    "allergy": "allergies",
}


@dataclass(frozen=True)
class Line:
    """One table: counts as text, with the share where there is one; ``late`` where it stopped."""

    name: str
    rows: str
    undated: str
    uncoded: str
    unitless: str
    incomparable: str
    newest: date | None
    entered: date | None
    ahead: int
    late: bool


@dataclass(frozen=True)
class Shown:
    """One practice."""

    name: str
    code: str
    format: str
    data_as_at: date
    loaded_on: date | None
    loaded: tuple[dict[str, Any], ...]
    read: int
    rejected: int
    reasons: tuple[dict[str, Any], ...]
    notes: tuple[str, ...]
    lines: tuple[Line, ...]
    rare: tuple[dict[str, Any], ...]
    unjudged: int


def practice(one: Quality) -> Shown:
    """A practice's quality as the page shows it."""
    return Shown(
        name=one.practice_name,
        code=one.practice,
        format=FORMATS.get(one.format, one.format),
        data_as_at=one.data_as_at,
        loaded_on=one.loaded_on,
        loaded=tuple({**each, "name": words(each["table"])} for each in one.loaded),
        read=sum(each["read"] for each in one.loaded),
        rejected=sum(each["rejected"] for each in one.loaded),
        reasons=tuple({**each, "name": words(each["table"])} for each in one.rejected),
        notes=one.notes,
        lines=tuple(_line(each, one.late) for each in one.tables),
        rare=one.rare,
        unjudged=one.unjudged,
    )


def without(practices: Sequence[DataAsAt], found: Sequence[Quality]) -> list[str]:
    """Practices whose record was never imported, by name."""
    there = {one.practice for one in found}
    return [one.practice_name for one in practices if one.practice_code not in there]


def words(table: str) -> str:
    """A table's name as people say it: coded entries, plans."""
    return TABLES.get(table, table.replace("_", " ") + "s" if table else "")


def _line(each: dict[str, Any], late: Sequence[str]) -> Line:
    rows = each["rows"]
    return Line(
        name=words(each["table"]),
        rows=f"{rows:,}",
        undated=_share(each["undated"], rows),
        uncoded=_share(each["uncoded"], rows),
        unitless=_share(each["unitless"], rows),
        incomparable=_share(each["incomparable"], rows),
        newest=_day(each["newest"]),
        entered=_day(each["entered"]),
        ahead=each["ahead"],
        late=each["table"] in late,
    )


def _share(count: int | None, rows: int) -> str:
    """A count with its share of the rows: 1,204 (3%); a dash where the question does not arise."""
    if count is None:
        return "\N{EN DASH}"
    if not count or not rows:
        return "0"
    share = 100 * count / rows
    return f"{count:,} ({'under 1' if share < 1 else f'{share:.0f}'}%)"


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None

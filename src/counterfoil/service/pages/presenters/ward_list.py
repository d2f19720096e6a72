"""The GP list for a ward: groups of rows in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from counterfoil.foundation.days import to_day
from counterfoil.reconciliation import WardItem, ward_list
from counterfoil.records.patient import PatientRecord
from counterfoil.service.pages import words

TITLES = {
    "current": "In force",
    "acute": "Issued once, last 90 days",
    "ended": "Ended, last 90 days",
}


@dataclass(frozen=True)
class Row:
    """One medicine: what is prescribed, when it was last issued, and what an admitting team asks about."""

    product: str
    dose: str
    issued: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """Rows of one kind, in order."""

    title: str
    rows: tuple[Row, ...]


def groups(record: PatientRecord, today: date) -> tuple[Group, ...]:
    """The list as the page and the paper show it; kinds without an item are left out."""
    items = ward_list(record, to_day(today))
    found = ((title, [i for i in items if i.kind == kind]) for kind, title in TITLES.items())
    return tuple(Group(title, tuple(map(_row, rows))) for title, rows in found if rows)


def _row(item: WardItem) -> Row:
    issued = words.day_words(item.last_issued) if item.last_issued else "no issue recorded"
    if item.quantity and item.last_issued:
        issued += f", {item.quantity}"
    notes = []
    if item.high_risk:
        notes.append("High-risk medicine")
    if item.suspended:
        notes.append("Suspended in the GP record")
    if item.kind == "ended" and item.ended_on:
        notes.append(f"Ended {words.day_words(item.ended_on)}")
    if item.long_ago:
        notes.append("Not issued for two supply lengths: may not be taken")
    return Row(item.product, item.dose or "no directions recorded", issued, tuple(notes))

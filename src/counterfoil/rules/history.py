"""One patient's record as the rules see it on a day: what was issued, coded, measured, and when.

Used by the day-by-day reference and by the explanations; the set engines have their own view of
the same rows. Rows after ``as_of`` are not there; neither are rows that were withdrawn, or issues
cancelled, on or before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol

from counterfoil.foundation.days import FOREVER, birthday, to_date, to_day
from counterfoil.records.patient import PatientRecord
from counterfoil.records.rows import Row

BEFORE = -100_000
"""A day before any record: stands for "no beginning"."""


class Sets(Protocol):
    """What the rules ask of terminology: membership, by the names of sets."""

    def truth(self, drug_set: str, code: str | None, text: str) -> bool | None:
        """Whether a product, as sent, belongs to the drug set; None: its name leaves it open."""

    def codes(self, code_set: str) -> frozenset[str]:
        """The codes of a code set."""


@dataclass(frozen=True, slots=True)
class Issue:
    """A prescription issued: the day, the product as sent, and the row."""

    day: int
    code: str | None
    text: str
    row: str


@dataclass(frozen=True, slots=True)
class Period:
    """Something in force from *since* up to, not including, *until*."""

    since: int
    until: int
    code: str | None
    text: str
    row: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A coded entry or problem. It happened on a day from *low* to *high*, both included."""

    low: int
    high: int
    code: str
    value: int | None
    comparator: str
    unit: str | None
    has_text: bool
    table: str
    row: str


@dataclass(frozen=True)
class History:
    """One registration of one person, cut off at a day."""

    registered: tuple[int, int]
    birth: tuple[int, int] | None
    issues: tuple[Issue, ...]
    hospital: tuple[Period, ...]
    dose_changes: tuple[Issue, ...]
    entries: tuple[Entry, ...]

    def age_reached(self, years: int) -> tuple[int, int] | None:
        """The first and the last day on which the patient may turn *years*; None: not known."""
        if self.birth is None:
            return None
        return birthday(self.birth[0], years), birthday(self.birth[1], years)


def span_of(day: date | None, precision: str) -> tuple[int, int] | None:
    """The first and last day that a date of this precision may mean; None where it is not known."""
    if day is None or precision == "unknown":
        return None
    if precision == "month":
        first = day.replace(day=1)
        after = date(first.year + first.month // 12, first.month % 12 + 1, 1)
        return to_day(first), to_day(after) - 1
    if precision == "year":
        return to_day(date(day.year, 1, 1)), to_day(date(day.year, 12, 31))
    return to_day(day), to_day(day)


def micro(value: Decimal | None) -> int | None:
    """A result's value in millionths, the whole number that engines compare."""
    return None if value is None else int(value.scaleb(6))


def history(record: PatientRecord, as_of: int) -> History:
    """The record as it stood on *as_of* (a day number)."""
    today = to_date(as_of)

    def there(row: Row) -> bool:
        return row.deleted_on is None or row.deleted_on > today

    patient = record.patient
    ends = [to_day(d) for d in (patient.registered_to, patient.death_date) if d is not None]
    start = BEFORE if patient.registered_from is None else to_day(patient.registered_from)
    birth = span_of(patient.birth_date, patient.birth_precision)
    return History(
        registered=(start, min(ends, default=FOREVER)),
        birth=birth,
        issues=tuple(
            Issue(to_day(i.issued_on), i.product_code, i.product_text, i.issue_id)
            for i in record.issues
            if there(i)
            and i.issued_on <= today
            and (i.cancelled_on is None or i.cancelled_on > today)
        ),
        hospital=tuple(
            Period(
                BEFORE if p.start_date is None else to_day(p.start_date),
                FOREVER if p.end_date is None or p.end_date > today else to_day(p.end_date),
                p.product_code,
                p.product_text,
                p.plan_id,
            )
            for p in record.plans
            if there(p)
            and p.plan_type == "hospital"
            and (p.end_date or p.status == "active")
            and (p.start_date is None or p.start_date <= today)
        ),
        dose_changes=tuple(
            Issue(to_day(p.dose_changed_on), p.product_code, p.product_text, p.plan_id)
            for p in record.plans
            if there(p) and p.dose_changed_on is not None and p.dose_changed_on <= today
        ),
        entries=tuple(
            sorted(
                (*_entries(record, there, as_of), *_problems(record, there, as_of)),
                key=lambda e: (e.low, e.high, e.table, e.row),
            )
        ),
    )


def _entries(record: PatientRecord, there: object, as_of: int) -> list[Entry]:
    result = []
    for e in record.entries:
        dated = span_of(e.happened_on, e.precision)
        code = e.code or e.local_code
        if dated is None or code is None or dated[0] > as_of or not there(e):  # type: ignore[operator]
            continue
        result.append(
            Entry(
                dated[0],
                dated[1],
                code,
                micro(e.value),
                e.comparator or "",
                e.unit_ucum,
                bool(e.value_text),
                "coded_entry",
                e.entry_id,
            )
        )
    return result


def _problems(record: PatientRecord, there: object, as_of: int) -> list[Entry]:
    result = []
    for p in record.problems:
        if p.code is None or p.onset_on is None or not there(p):  # type: ignore[operator]
            continue
        day = to_day(p.onset_on)
        if day <= as_of:
            result.append(Entry(day, day, p.code, None, "", None, False, "problem", p.problem_id))
    return result

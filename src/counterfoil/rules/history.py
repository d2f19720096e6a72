"""One patient's record as the rules see it on a day: what was issued, coded, measured, and when.

Used by the day-by-day reference and by the explanations; the set engines have their own view of
the same rows. Rows after ``as_of`` are not there; neither are rows that were withdrawn, or issues
cancelled, on or before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol

from counterfoil.foundation.days import FOREVER, birthday, to_date, to_day
from counterfoil.records import rows
from counterfoil.records.patient import PatientRecord

BEFORE = -100_000
"""A day before any record: stands for "no beginning"."""

NOT_ISSUED_HERE = ("hospital", "other")
"""Types of plan whose drug somebody else may supply: no issue here is no sign that it is not taken.
Extracts of some systems have no type for what a hospital supplies, and it comes as *other*."""

LARGEST = 10**15
"""The greatest result, in millionths, that is believed: a thousand million. Beyond it a value is
taken for a mistake and not compared."""


class Sets(Protocol):
    """What the rules ask of terminology and of the dose reader, by the names of sets."""

    def truth(self, drug_set: str, code: str | None, text: str) -> bool | None:
        """Whether a product, as sent, belongs to the drug set; None: its name leaves it open."""

    def codes(self, code_set: str) -> frozenset[str]:
        """The codes of a code set."""

    def ingredients(self, code: str | None, text: str) -> tuple[str, ...]:
        """The ingredients of a product, as sent."""

    def allergen(self, drug_set: str, code: str | None, text: str) -> bool | None:
        """Whether a substance, as sent, is of the drug set; None: what was sent leaves it open."""

    def daily(
        self, drug_set: str, code: str | None, text: str, dose: str | None, unit: str
    ) -> tuple[int, int] | None:
        """The least and most a day of the drug set's ingredients, in millionths of *unit*."""


@dataclass(frozen=True, slots=True)
class Issue:
    """A prescription issued: the day, the product as sent, the quantity in millionths, the row."""

    day: int
    code: str | None
    text: str
    row: str
    quantity: int | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan in force from *since* up to, not including, *until*."""

    since: int
    until: int
    code: str | None
    text: str
    row: str
    dose: str | None = None
    problem: str | None = None
    """The code of the problem it is linked to."""
    kind: str = ""


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


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem: when it began and ended, as far as that is recorded."""

    onset: int | None
    ended: int | None
    past: bool
    code: str
    row: str


@dataclass(frozen=True, slots=True)
class Allergy:
    """An active allergy or intolerance, on record from *since*."""

    since: int
    code: str | None
    text: str
    row: str


@dataclass(frozen=True, slots=True)
class Happening:
    """A stay or a document: what (``admitted``, ``discharged``, ``document``), which kind, when."""

    what: str
    which: str
    day: int
    row: str


@dataclass(frozen=True)
class History:
    """One registration of one person, cut off at a day."""

    registered: tuple[int, int]
    birth: tuple[int, int] | None
    issues: tuple[Issue, ...]
    elsewhere: tuple[Plan, ...]
    """What somebody else supplies, or may."""
    dose_changes: tuple[Issue, ...]
    entries: tuple[Entry, ...]
    sex: str = "unknown"
    plans: tuple[Plan, ...] = ()
    problems: tuple[Problem, ...] = ()
    allergies: tuple[Allergy, ...] = ()
    happenings: tuple[Happening, ...] = ()
    supplies: tuple[rows.Issue, ...] = ()
    """The issues as rows, for what they cover."""

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
    """A number in millionths, the whole number that engines compare; None for one not believed."""
    if value is None or abs(value) >= LARGEST // 10**6:
        return None
    return int(value.scaleb(6))


def history(record: PatientRecord, as_of: int, known_on: int | None = None) -> History:
    """The record as it stood on *as_of* (a day number): rows dated later are not there.

    Withdrawn rows are left out as at *as_of*; with *known_on*, as at that day, and what was entered
    after it is not there either: the second clock.
    """
    today, known = to_date(as_of), to_date(as_of if known_on is None else known_on)

    def there(row: rows.Row) -> bool:
        if known_on is not None and row.recorded_on is not None and row.recorded_on > known:
            return False
        return row.deleted_on is None or row.deleted_on > known

    patient = record.patient
    ends = [to_day(d) for d in (patient.registered_to, patient.death_date) if d is not None]
    start = BEFORE if patient.registered_from is None else to_day(patient.registered_from)
    registered = (start, min(ends, default=FOREVER)) if there(patient) else (FOREVER, FOREVER)
    issues = [
        i
        for i in record.issues
        if there(i) and i.issued_on <= today and (i.cancelled_on is None or i.cancelled_on > today)
    ]
    problems = [p for p in record.problems if there(p)]
    codes = {p.problem_id: p.code for p in problems}
    plans = [p for p in record.plans if there(p)]
    return History(
        registered=registered,
        birth=span_of(patient.birth_date, patient.birth_precision),
        issues=tuple(
            Issue(
                to_day(i.issued_on),
                i.product_code,
                i.product_text,
                i.issue_id,
                micro(i.quantity),
                i.quantity_unit,
            )
            for i in issues
        ),
        elsewhere=tuple(
            _plan(p, codes, as_of)
            for p in plans
            if p.plan_type in NOT_ISSUED_HERE and _in_force(p, today)
        ),
        dose_changes=tuple(
            Issue(to_day(p.dose_changed_on), p.product_code, p.product_text, p.plan_id)
            for p in plans
            if p.dose_changed_on is not None and p.dose_changed_on <= today
        ),
        entries=tuple(
            sorted(
                (*_entries(record, there, as_of), *_problems(problems, as_of)),
                key=lambda e: (e.low, e.high, e.table, e.row),
            )
        ),
        sex=patient.sex,
        plans=tuple(
            _plan(p, codes, as_of)
            for p in plans
            if p.plan_type != "hospital" and _in_force(p, today)
        ),
        problems=tuple(_problem(p, today) for p in problems if p.code and _begun(p, today)),
        allergies=tuple(
            Allergy(
                BEFORE if a.onset_on is None else to_day(a.onset_on),
                a.substance_code,
                a.substance_text,
                a.allergy_id,
            )
            for a in record.allergies
            if there(a) and a.status == "active" and (a.onset_on is None or a.onset_on <= today)
        ),
        happenings=tuple(h for h in _happenings(record, there) if h.day <= as_of),
        supplies=tuple(issues),
    )


def _in_force(plan: rows.Plan, today: date) -> bool:
    return (plan.end_date is not None or plan.status == "active") and (
        plan.start_date is None or plan.start_date <= today
    )


def _plan(plan: rows.Plan, codes: Mapping[str, str | None], as_of: int) -> Plan:
    end = None if plan.end_date is None else to_day(plan.end_date)
    return Plan(
        BEFORE if plan.start_date is None else to_day(plan.start_date),
        FOREVER if end is None or end > as_of else end,
        plan.product_code,
        plan.product_text,
        plan.plan_id,
        plan.dose_text or None,
        codes.get(plan.problem_id or ""),
        plan.plan_type,
    )


def _begun(problem: rows.Problem, today: date) -> bool:
    return problem.onset_on is None or problem.onset_on <= today


def _problem(problem: rows.Problem, today: date) -> Problem:
    ended = problem.ended_on if problem.ended_on and problem.ended_on <= today else None
    return Problem(
        None if problem.onset_on is None else to_day(problem.onset_on),
        None if ended is None else to_day(ended),
        problem.status == "past" and problem.ended_on is None,
        problem.code or "",
        problem.problem_id,
    )


def _happenings(record: PatientRecord, there: Callable[[rows.Row], bool]) -> Iterator[Happening]:
    for stay in record.admissions:
        if there(stay):
            for what, day in (("admitted", stay.admitted_on), ("discharged", stay.discharged_on)):
                if day is not None:
                    yield Happening(what, stay.kind, to_day(day), stay.admission_id)
    for letter in record.documents:
        if there(letter):
            about = letter.event_on or letter.received_at.date()
            yield Happening("document", letter.kind, to_day(about), letter.document_id)


def _entries(record: PatientRecord, there: Callable[[rows.Row], bool], as_of: int) -> list[Entry]:
    result = []
    for e in record.entries:
        dated = span_of(e.happened_on, e.precision)
        code = e.code or e.local_code
        if dated is None or code is None or dated[0] > as_of or not there(e):
            continue
        result.append(
            Entry(
                dated[0],
                dated[1],
                code,
                micro(e.value),
                e.comparator or "",
                e.unit_ucum,
                bool(e.value_text) or e.value is not None,
                "coded_entry",
                e.entry_id,
            )
        )
    return result


def _problems(problems: list[rows.Problem], as_of: int) -> Iterator[Entry]:
    for p in problems:
        if p.code is not None and p.onset_on is not None and to_day(p.onset_on) <= as_of:
            day = to_day(p.onset_on)
            yield Entry(day, day, p.code, None, "", None, False, "problem", p.problem_id)

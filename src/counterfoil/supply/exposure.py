"""For how long issues cover a person: spans, the end of cover, early and late, adherence.

All of it is about supply: issued is not dispensed, dispensed is not taken. Rules and worked
examples: the notes on repeats, sections 1.2 and 1.6 (read November 2026). Days are whole days
since 1970-01-01; a span is half-open.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import ceil, floor
from typing import Literal, TypeAlias

from counterfoil.dosage import Dose, ProductLike, read
from counterfoil.foundation.days import to_day
from counterfoil.records.rows import Issue
from counterfoil.supply.quantities import DayRange, daily_use_why, supply_days

Timing: TypeAlias = Literal[
    "early", "due", "late", "missed_cycle", "lapsed", "not_late", "cannot_tell"
]

LAPSED_DAYS = 180
"""Policy default: practices use 6 or 12 months."""
DUE_DAYS = 7
"""Policy default: early and late begin more than this many days from the end of cover."""
CARRY_SUPPLIES = Fraction(1)
"""Policy default: at most one extra supply is carried over."""


@dataclass(frozen=True, slots=True)
class Supplied:
    """One issue and how long it lasts. ``days`` is ``None`` where unknown, for ``reason``."""

    issue_id: str
    start: int
    days: DayRange | None
    reason: str | None = None
    mismatch: str | None = None


@dataclass(frozen=True, slots=True)
class CoveredSpan:
    """Days covered without a gap: from ``since`` until ``until_low`` at the least.

    ``until_high`` is ``None`` where no end can be told.
    """

    since: int
    until_low: int
    until_high: int | None
    issues: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a person's issues of one medicine cover.

    ``covered_until_low`` is ``None`` where the latest issue's length is unknown (or there is no
    issue); ``covered_until_high`` is ``None`` there too, and where no upper limit can be told.
    ``unknown_reasons`` say which issues could not be counted and why.
    """

    spans: tuple[CoveredSpan, ...]
    covered_until_low: int | None
    covered_until_high: int | None
    unknown_reasons: tuple[str, ...]
    supplies: tuple[Supplied, ...] = ()


@lru_cache(maxsize=65536)
def _read(text: str, product: str) -> Dose:
    return read(text, product or None)


def supplied(issue: Issue, dose: Dose | None = None, product: ProductLike = None) -> Supplied:
    """How long one issue lasts.

    *dose* and *product* stand in for the issue's own words where given. A length that cannot be
    worked out falls back to the one the source states, and is marked as stated.
    """
    start = to_day(issue.valid_from or issue.issued_on)
    if dose is None and issue.dose_text:
        dose = (
            _read(issue.dose_text, issue.product_text)
            if product is None
            else read(issue.dose_text, product)
        )
    reason: str | None
    if dose is None:
        use, reason = None, "no dose is recorded"
    else:
        use, reason = daily_use_why(dose, issue.quantity_unit, product or issue.product_text)
    if use is not None and (issue.quantity is None or issue.quantity <= 0):
        use, reason = None, "no quantity is recorded"
    if use is not None and issue.quantity is not None:
        days = supply_days(issue.quantity, use)
        return Supplied(issue.issue_id, start, days, None, _mismatch(days, issue.supply_days))
    if issue.supply_days is not None and issue.supply_days > 0:
        stated = Fraction(issue.supply_days)
        return Supplied(issue.issue_id, start, DayRange(stated, stated, True), reason)
    return Supplied(issue.issue_id, start, None, reason)


def _mismatch(days: DayRange, stated: int | None) -> str | None:
    if stated is None or stated <= 0 or days.low - 1 <= stated <= (days.high or stated) + 1:
        return None
    return f"the quantity lasts {floor(days.low)} days at this dose, {stated} are stated"


def live(issues: Iterable[Issue], as_of: int, merge_same_day: bool = False) -> list[Issue]:
    """Issues that count on *as_of*: not cancelled, not withdrawn, not dated later; in order.

    With *merge_same_day* identical issues of one plan on one day count once (a policy).
    """
    kept: list[Issue] = []
    seen: set[tuple[object, ...]] = set()
    for issue in sorted(
        issues, key=lambda i: (i.valid_from or i.issued_on, i.issued_on, i.issue_id)
    ):
        if issue.cancelled_on is not None and to_day(issue.cancelled_on) <= as_of:
            continue
        if issue.deleted_on is not None and to_day(issue.deleted_on) <= as_of:
            continue
        if to_day(issue.valid_from or issue.issued_on) > as_of:
            continue
        key = (
            issue.plan_id,
            issue.valid_from or issue.issued_on,
            issue.quantity,
            issue.product_text,
        )
        if merge_same_day and issue.plan_id is not None and key in seen:
            continue
        seen.add(key)
        kept.append(issue)
    return kept


def covered(
    issues: Iterable[Issue],
    as_of: int,
    *,
    dose: Dose | None = None,
    product: ProductLike = None,
    carry: Fraction = CARRY_SUPPLIES,
    merge_same_day: bool = False,
) -> Coverage:
    """What the issues of one medicine cover, as known on *as_of*.

    *issues* are of one plan, or of plans for the same medicine. Each begins when it is issued (or
    valid), what is left of the one before is carried over, *carry* supplies at the most.
    """
    supplies = [supplied(i, dose, product) for i in live(issues, as_of, merge_same_day)]
    return cover(supplies, carry)


def cover(supplies: Sequence[Supplied], carry: Fraction = CARRY_SUPPLIES) -> Coverage:
    """As :func:`covered`, from supplies already worked out, in order of start."""
    spans: list[CoveredSpan] = []
    reasons: list[str] = []
    low: Fraction | None = None
    high: Fraction | None = None
    open_end = False
    unsure = False
    last_known = True
    for supply in supplies:
        if supply.days is None:
            reasons.append(f"issue {supply.issue_id}: {supply.reason}")
            last_known, unsure = False, True
            continue
        last_known = True
        start = Fraction(supply.start)
        gap = low is None or start > low
        low = start + _carried(low, start, supply.days.low * carry) + supply.days.low
        if supply.days.high is None:
            open_end, high = True, None
        elif (gap and not open_end) or not open_end:
            high = start + _carried(high, start, supply.days.high * carry) + supply.days.high
        else:
            open_end, high = False, start + supply.days.high * (1 + carry)
        until_high = None if open_end or high is None else ceil(high)
        if gap or not spans:
            spans.append(CoveredSpan(supply.start, floor(low), until_high, (supply.issue_id,)))
        else:
            last = spans[-1]
            spans[-1] = CoveredSpan(
                last.since, floor(low), until_high, (*last.issues, supply.issue_id)
            )
    if low is None or not last_known:
        return Coverage(tuple(spans), None, None, tuple(reasons), tuple(supplies))
    end_high = None if open_end or high is None or unsure else ceil(high)
    return Coverage(tuple(spans), floor(low), end_high, tuple(reasons), tuple(supplies))


def _carried(end: Fraction | None, start: Fraction, most: Fraction) -> Fraction:
    if end is None or end <= start:
        return Fraction(0)
    return min(end - start, most)


def covered_until(
    issues: Iterable[Issue], as_of: int, dose: Dose | None = None, product: ProductLike = None
) -> tuple[int | None, int | None]:
    """The first day no longer covered: at the least, and at the most."""
    coverage = covered(issues, as_of, dose=dose, product=product)
    return coverage.covered_until_low, coverage.covered_until_high


def days_left(coverage: Coverage, on: int) -> tuple[int, int | None] | None:
    """Days of cover left on a day (negative: since when there is none); ``None`` if unknown."""
    if coverage.covered_until_low is None:
        return None
    high = coverage.covered_until_high
    return coverage.covered_until_low - on, None if high is None else high - on


def timing(
    coverage: Coverage, on: int, due_days: int = DUE_DAYS, lapsed_days: int = LAPSED_DAYS
) -> Timing:
    """Whether a request on a day is early, due or late.

    Where the ends of the range disagree it cannot be told; a medicine taken when needed is never
    late (``not_late``), but is early while even full use would leave more than *due_days*.
    """
    left = days_left(coverage, on)
    if left is None:
        return "cannot_tell"
    low, high = left
    if high is None:
        return "early" if low > due_days else "not_late"
    last = next((s.days for s in reversed(coverage.supplies) if s.days is not None), None)
    length = last.low if last is not None else Fraction(0)
    states = {_state(n, length, due_days, lapsed_days) for n in (low, high)}
    return states.pop() if len(states) == 1 else "cannot_tell"


def _state(left: int, length: Fraction, due_days: int, lapsed_days: int) -> Timing:
    if left > due_days:
        return "early"
    if left >= -due_days:
        return "due"
    if left < -lapsed_days:
        return "lapsed"
    return "missed_cycle" if left < -length else "late"


@dataclass(frozen=True, slots=True)
class Ratio:
    """A share from ``low`` to ``high``. ``high`` ``None``: no upper limit can be told."""

    low: Fraction
    high: Fraction | None


def pdc(supplies: Sequence[Supplied], since: int, until: int) -> Ratio | None:
    """Proportion of the days in ``[since, until)`` that were covered, overlaps moved forward.

    Never above 1. ``None`` where a supply's length is unknown, or none is given.
    """
    if until <= since or not supplies or any(s.days is None for s in supplies):
        return None
    total = Fraction(until - since)
    first, last = Fraction(since), Fraction(until)

    def days(most: bool) -> Fraction:
        end = first
        seen = Fraction(0)
        for supply in supplies:
            assert supply.days is not None
            length = supply.days.high if most else supply.days.low
            start = max(Fraction(supply.start), end)
            end = last if length is None else start + length
            seen += max(Fraction(0), min(end, last) - max(start, first))
        return seen

    return Ratio(min(Fraction(1), days(False) / total), min(Fraction(1), days(True) / total))


def mpr(supplies: Sequence[Supplied], since: int, until: int) -> Ratio | None:
    """Medication possession ratio: days supplied in ``[since, until)`` by its length, not capped.

    ``None`` where a supply's length is unknown, or none is given.
    """
    if until <= since or not supplies or any(s.days is None for s in supplies):
        return None
    inside = [s.days for s in supplies if since <= s.start < until and s.days is not None]
    total = Fraction(until - since)
    low = sum((d.low for d in inside), Fraction(0)) / total
    if any(d.high is None for d in inside):
        return Ratio(low, None)
    return Ratio(low, sum((d.high for d in inside if d.high is not None), Fraction(0)) / total)

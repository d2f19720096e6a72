"""One amount and what belongs to it, made into a step."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from counterfoil.dosage import items as k
from counterfoil.dosage.cursor import MASS
from counterfoil.dosage.items import DAILY, Item, Limit, Often, Quantity
from counterfoil.dosage.model import NO_FIXED_DOSE, Step

ONE = Fraction(1)
_BY_VERB = {"nebulise": "nebulised", "inhale": "inhaled"}
_PARTING = frozenset(",;/.-")
_HOURS = {
    "morning": range(5, 12),
    "noon": range(12, 14),
    "afternoon": range(12, 18),
    "evening": range(16, 22),
    "night": range(19, 24),
    "bedtime": range(19, 24),
}
WEEK = Fraction(7)
ONCE_ONLY = "once only"
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_PLAIN_COUNT = frozenset({None, "tablet", "capsule", "sachet", "suppository", "lozenge"})


class Unsettled(Exception):  # noqa: N818 - an outcome, not a fault
    """The items do not settle one dose; the message says why, for a person."""


@dataclass
class Clause:
    """Items of one amount (or of none), by kind."""

    items: list[Item] = field(default_factory=list)
    joined: bool = False

    def of(self, kind: str) -> list[Item]:
        """The items of one kind, in order."""
        return [i for i in self.items if i.kind == kind]

    def has(self, kind: str) -> bool:
        """Whether there is one of a kind."""
        return any(i.kind == kind for i in self.items)


def times_or(items: list[Item], at: int) -> bool:
    kinds = {k.TIME, k.MANNER}
    return 0 < at < len(items) - 1 and items[at - 1].kind in kinds and items[at + 1].kind in kinds


def clause_of(clause: Clause, on_named_day: bool) -> Step:
    """The step that a clause says."""
    amounts = clause.of(k.AMOUNT)
    quantity: Quantity | None = amounts[0].value if amounts else None
    when: list[str] = []
    times = _times(clause, when, on_named_day)
    _check_or(clause)
    for item in clause.of(k.MANNER):
        if item.value.endswith("each meal") and times is not None and times.high < 2:
            raise Unsettled("with each meal, but not so often")
        if item.value not in when:
            when.append(item.value)
    duration = _one(clause, k.DURATION, "two lengths of time are written")
    directed = clause.of(k.DIRECTED)
    single = clause.has(k.SINGLE)
    if single and times is not None and times.high != 1:
        raise Unsettled("a single dose, and how often besides")
    once = clause.has(k.STAT) or (single and times is None)
    if once:
        times = _once(times, duration, clause)
        when.append(ONCE_ONLY)
    open_ended = any(i.value != "as directed" for i in directed)
    if open_ended or (directed and (quantity is None or times is None) and not clause.has(k.PRN)):
        when.append(NO_FIXED_DOSE)
        when.extend(sorted({i.value for i in directed} - {"as directed"}))
    elif directed and quantity is None and times is None:
        when.append(NO_FIXED_DOSE)
    prn = clause.of(k.PRN)
    if prn and times is not None:
        _check_prn(clause)
    again = clause.of(k.AGAIN)
    when.extend(i.value for i in again)
    limit = _one(clause, k.MAXIMUM, "two maximums are written")
    if again and (times is not None or not (prn or limit is not None)):
        raise Unsettled("what is repeated is not clear")
    unit = quantity.unit if quantity else None
    most: Fraction | None = None
    most_unit: str | None = None
    if limit is not None:
        times, most, most_unit = _limited(limit, quantity, times)
        daily = times is not None and times.high == times.days == 1
        if daily and quantity is not None and most is not None and most > quantity.high:
            raise Unsettled("the maximum does not fit how often")
        if not prn and _more_than(quantity, times, most, most_unit):
            raise Unsettled("the amounts written add to more than the maximum")
        if unit is None and quantity is not None and most_unit in _PLAIN_COUNT:
            unit = most_unit
    route = _same(clause, k.ROUTE)
    if route is None:
        verbs = {i.value for i in clause.of(k.VERB)}
        route = next((said for verb, said in _BY_VERB.items() if verb in verbs), None)
    return Step(
        low=quantity.low if quantity else None,
        high=quantity.high if quantity else None,
        unit=unit,
        times_low=times.low if times else None,
        times_high=times.high if times else None,
        per_days=times.days if times else None,
        as_needed=bool(prn or again),
        as_needed_for=_needed_for(clause, prn) if prn or again else None,
        route=route,
        site=_same(clause, k.SITE),
        when=tuple(when),
        duration_days=ONE if once else (duration[0] if duration else None),
        max_per_day=most,
        max_unit=most_unit,
    )


def _more_than(
    quantity: Quantity | None, times: Often | None, most: Fraction | None, unit: str | None
) -> bool:
    """Whether even the least a day is over the maximum. "Every 4 hours" is the least gap: no."""
    if quantity is None or times is None or most is None or times.interval:
        return False
    if None in (quantity.low, times.low) or quantity.unit != unit:
        return False
    assert quantity.low is not None
    assert times.low is not None
    return quantity.low * times.low / times.days > most


def _one(clause: Clause, kind: str, problem: str) -> Any:
    found = clause.of(kind)
    if len({i.value for i in found}) > 1:
        raise Unsettled(problem)
    return found[0].value if found else None


def _same(clause: Clause, kind: str) -> str | None:
    values = list(dict.fromkeys(i.value for i in clause.of(kind)))
    if not values:
        return None
    if kind == k.ROUTE and len(values) > 1:
        raise Unsettled("two routes are written")
    if kind == k.SITE and len(values) > 1:
        sides = {"left eye", "right eye"}
        if sides & set(values) or any("nostril" in v or "ear" in v for v in values):
            raise Unsettled("two places are written")
        return " and ".join(values)
    return str(values[0])


def _needed_for(clause: Clause, prn: list[Item]) -> str | None:
    said = [i.value for i in prn if i.value] + [i.value for i in clause.of(k.INDICATION)]
    said = [w for w in said if not any(w != other and w in other.split() for other in said)]
    return " and ".join(dict.fromkeys(said)) or None


def _check_prn(clause: Clause) -> None:
    """ "1 puff twice a day and when required": some of it regular, how much a day is not said."""
    kinds = [i.kind for i in clause.items if i.kind not in (k.HARMLESS, k.VERB, k.MARK)]
    for before, kind in itertools.pairwise(kinds):
        if kind == k.PRN and before in (k.AND, k.OR):
            raise Unsettled("whether all of it or a part is only when needed is not clear")


def _once(times: Often | None, duration: Any, clause: Clause) -> Often:
    if duration is not None and duration[0] != 1:
        raise Unsettled("one dose only, with a length of time")
    if times is not None and not (times.low == times.high == 1 and times.days == 1):
        raise Unsettled("one dose only, and how often besides")
    if clause.has(k.FREQUENCY) and clause.has(k.STAT):
        raise Unsettled("one dose only, and how often besides")
    return Often(ONE, ONE, ONE)


def _check_or(clause: Clause) -> None:
    items = clause.items
    for n, item in enumerate(items):
        if item.kind == k.OR and not times_or(items, n):
            near = {items[m].kind for m in (n - 1, n + 1) if 0 <= m < len(items)}
            if not near <= {k.PRN, k.INDICATION, k.DIRECTED, k.HARMLESS, k.MANNER, k.SITE, k.ROUTE}:
                raise Unsettled("what the or stands between is not clear")


def _times(clause: Clause, when: list[str], on_named_day: bool) -> Often | None:
    """How often: frequencies, times of day and days of the week, which must agree."""
    slots = _slots(clause)
    when.extend(slots)
    _check_meals(clause)
    rate = _rate([i.value for i in clause.of(k.FREQUENCY)])
    counts = clause.of(k.COUNT)
    for item in counts:
        low, high = item.value
        if slots and not (low == high == len(slots)):
            raise Unsettled("how many times does not fit the times of day")
        if not slots and not (clause.has(k.WEEKDAYS) and low == high == 1):
            raise Unsettled("how many times, but not in what time")
    if (
        rate is not None
        and rate.interval
        and (rate.label.endswith(("hour", "hours")) or " to " in rate.label)
    ):
        when.append(rate.label)
    days = _weekdays(clause)
    if slots:
        rate = _with_slots(rate, len(slots))
    if days:
        when.extend(dict.fromkeys(days))
        rate = _with_days(rate, Fraction(len(days)))
    a_week = clause.of(k.DAYS_A_WEEK)
    if a_week:
        if days and len(days) != a_week[0].value:
            raise Unsettled("the days of the week do not fit their number")
        if not days:
            if rate is not None and rate.days != ONE:
                raise Unsettled("days a week and another interval")
            rate = _with_days(rate, a_week[0].value)
            when.append(f"{a_week[0].value} days a week")
    if rate is None and on_named_day:
        rate = Often(ONE, ONE, ONE)
    if rate is None and clause.has(k.REPLACE):
        raise Unsettled("when it is changed is not said")
    return rate


def _check_meals(clause: Clause) -> None:
    """ "After meals and at night": more than once a day, however often meals are."""
    if clause.has(k.FREQUENCY):
        return
    if clause.has(k.TIME) and any(" and at " in str(i.value) for i in clause.of(k.MANNER)):
        raise Unsettled("how often is not clear: at meals, and at a time besides")
    said = [i for i in clause.items if i.kind not in (k.HARMLESS, k.VERB, k.PRN)]
    for n in range(1, len(said) - 1):
        before, link, after = said[n - 1 : n + 2]
        linked = link.kind == k.AND or (link.kind == k.MARK and link.value in _PARTING)
        if not linked:
            continue
        own = n > 1 and said[n - 2].kind == k.TIME  # "in the morning after food and at night"
        first = before.kind == k.MANNER and after.kind == k.TIME and not own
        second = before.kind == k.TIME and after.kind == k.MANNER
        if (first and str(before.value).endswith(("meals", "food"))) or (
            second and str(after.value).endswith("meals")
        ):
            raise Unsettled("how often is not clear: at meals, and at a time besides")


def _slots(clause: Clause) -> list[str]:
    """The times of day, each once; what stands between two of them must say how they go together."""
    slots: list[str] = []
    gap = ""
    times = len(clause.of(k.TIME))
    counted = any(i.value.low == i.value.high == times for i in clause.of(k.FREQUENCY))
    for item in clause.items:
        if item.kind == k.OR:
            gap = "or"
        elif item.kind == k.AND:
            gap = "and"
        elif item.kind == k.MARK and item.value in _PARTING:
            gap = gap or ","
        elif item.kind == k.TIME:
            label = _time_label(item, counted and times > 1)
            if slots and gap == "or":
                slots[-1] = f"{slots[-1]} or {label}"
            elif not slots or gap == "and":
                if slots and (_same_time(slots[-1], label) or _within(slots[-1], label)):
                    raise Unsettled("whether two times of day are one is not clear")
                slots.append(label)
            else:
                _add_slot(slots, label, gap)
            gap = ""
    if len(set(slots)) != len(slots):
        raise Unsettled("a time of day is written twice")
    return slots


def _time_label(item: Item, counted: bool) -> str:
    if isinstance(item.value, str):
        return item.value
    label, hour = item.value
    if not (hour >= 6 or hour == 0 or counted):
        raise Unsettled(f"{label} may be a time or an amount")
    return str(label)


def _add_slot(slots: list[str], label: str, gap: str) -> None:
    """A time after another, with a comma or nothing between them."""
    if _same_time(slots[-1], label):
        slots[-1] = max(slots[-1], label, key=len)
    elif _within(slots[-1], label):
        if gap == ",":
            raise Unsettled("whether two times of day are one is not clear")
        slots[-1] = label
    elif gap == "," or (":" in label and ":" in slots[-1]):
        slots.append(label)
    else:
        raise Unsettled("what stands between two times of day is not clear")


def _within(slot: str, clock: str) -> bool:
    """Whether a clock time falls in a named part of the day: "in the morning (8am)"."""
    hours = _HOURS.get(slot)
    return hours is not None and ":" in clock and int(clock[:2]) in hours


def _same_time(one: str, other: str) -> bool:
    """Two ways to say one time: "in the morning before breakfast", "at night at bedtime"."""
    pairs = (("morning", "breakfast"), ("night", "bedtime"), ("evening", "evening meal"), ("morning", "waking"), ("evening", "dinner"), ("noon", "lunch"))  # fmt: skip
    return one == other or any(
        (a in one and b in other) or (b in one and a in other) for a, b in pairs
    )


def _weekdays(clause: Clause) -> tuple[str, ...]:
    days: list[str] = []
    excluded = clause.has(k.EXCEPT)
    if excluded:
        _check_except(clause)
    for item in clause.of(k.WEEKDAYS):
        days.extend(item.value)
    if not days:
        if excluded:
            raise Unsettled("except when?")
        return ()
    if excluded:
        if days == ["methotrexate day"]:
            return ("except on methotrexate day",) * 6
        if any(d not in WEEKDAYS for d in days):
            raise Unsettled("except when?")
        return tuple(d for d in WEEKDAYS if d not in days)
    if any(d not in WEEKDAYS for d in days):
        raise Unsettled("which days is not clear")
    if len(set(days)) != len(days):
        raise Unsettled("a day of the week is written twice")
    return tuple(d for d in WEEKDAYS if d in days)


def _check_except(clause: Clause) -> None:
    """ "Except" stands straight before its days, after something that is every day."""
    kinds = [i.kind for i in clause.items if i.kind not in (k.MARK, k.HARMLESS, k.AND, k.VERB)]
    at = kinds.index(k.EXCEPT)
    after = kinds[at + 1 :]
    daily = any(i.kind == k.FREQUENCY and i.value.days == 1 for i in clause.items)
    timed = k.TIME in kinds[:at] or (daily and k.FREQUENCY in kinds[:at])
    if kinds.count(k.EXCEPT) > 1 or k.WEEKDAYS in kinds[:at] or not timed:
        raise Unsettled("except when?")
    if not after or after[0] != k.WEEKDAYS:
        raise Unsettled("except when?")


def _with_slots(rate: Often | None, slots: int) -> Often:
    count = Fraction(slots)
    if rate is None or (rate.bare and rate.days == ONE):
        return Often(count, count, ONE)
    if rate.days == ONE:
        if rate.low == rate.high == count:
            return rate
        if rate.low is not None and rate.low <= count <= rate.high and rate.interval:
            raise Unsettled("how often does not fit the times of day")
        raise Unsettled("how often does not fit the times of day")
    if rate.low == rate.high == 1:
        return rate._replace(low=count, high=count, bare=False)
    raise Unsettled("how often does not fit the times of day")


def _with_days(rate: Often | None, days: Fraction) -> Often:
    if rate is None:
        return Often(days, days, WEEK)
    if rate.days == ONE:
        low = None if rate.low is None else rate.low * days
        return Often(low, rate.high * days, WEEK)
    if rate.days == WEEK:
        if rate.bare and days == 1:
            return Often(days, days, WEEK)
        if not rate.bare and rate.low == rate.high == days:
            return rate
        raise Unsettled("how often does not fit the days of the week")
    if days == 1 and rate.low == rate.high == 1:
        return rate
    raise Unsettled("how often does not fit the days of the week")


def _rate(rates: list[Often]) -> Often | None:
    """One frequency out of all that are written; they must say the same."""
    merged: Often | None = None
    for rate in rates:
        merged = rate if merged is None else _merge(merged, rate)
    return merged


def _merge(one: Often, other: Often) -> Often:
    if (one.low, one.high, one.days) == (other.low, other.high, other.days):
        return one if not one.bare else other
    for capped, cap in ((one, other), (other, one)):
        if capped.interval and capped.days == ONE and cap.low is None and cap.days == ONE:
            return capped._replace(low=None, high=min(capped.high, cap.high))
    for ranged, exact in ((one, other), (other, one)):
        if ranged.interval and " to " in ranged.label and exact.low == exact.high:
            rate = exact.high / exact.days
            low = (ranged.low or ranged.high) / ranged.days
            if low <= rate <= ranged.high / ranged.days and exact.days > 1:
                return exact
    for general, exact in ((one, other), (other, one)):
        if general.bare and general.days == exact.days:
            if general.label == DAILY and exact.high != 1:
                break
            return exact
    raise Unsettled("how often is written in two ways that differ")


def _limited(
    limit: Limit, quantity: Quantity | None, times: Often | None
) -> tuple[Often | None, Fraction | None, str | None]:
    """A maximum as a cap on the times, or as an amount a day."""
    if limit.times:
        if times is None:
            return Often(None, limit.value, ONE), None, None
        if times.days != ONE or limit.value > times.high:
            raise Unsettled("the maximum does not fit how often")
        return times._replace(low=None, high=min(times.high, limit.value)), None, None
    unit = quantity.unit if quantity else None
    if limit.unit == "dose" and quantity is not None and unit in MASS:
        return times, limit.value * quantity.high, unit
    if limit.unit in (None, "dose") and unit != "dose" and quantity is not None:
        single = quantity.high == 1
        if not single and (limit.unit == "dose" or unit not in _PLAIN_COUNT):
            raise Unsettled("whether the maximum counts doses or units is not clear")
        return times, limit.value, unit
    if quantity is None:
        raise Unsettled("a maximum without an amount")
    if unit is None and limit.unit in _PLAIN_COUNT:
        return times, limit.value, limit.unit
    return times, limit.value, limit.unit

"""One amount and what belongs to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from counterfoil.dosage import items as k
from counterfoil.dosage.items import DAILY, Item, Limit, Often, Quantity
from counterfoil.dosage.model import NO_FIXED_DOSE, Step

ONE = Fraction(1)
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
_TIMING = frozenset({k.TIME, k.WEEKDAYS, k.FREQUENCY, k.STAT, k.DAYS_A_WEEK})
COUNTED = frozenset(
    [
        "tablet",
        "capsule",
        "puff",
        "drop",
        "spray",
        "sachet",
        "patch",
        "suppository",
        "pessary",
        "lozenge",
        "pastille",
        "ampoule",
        "vial",
        "nebule",
        "inhalation",
        "dose",
        "spoonful",
        "applicatorful",
        "scoop",
    ]
)
"""Units that a bare number after "1 tablet in the morning" goes on counting."""
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


def split(items: list[Item]) -> tuple[list[Clause], bool]:
    """The clauses of a segment, and whether they follow one another in time."""
    amounts = [n for n, i in enumerate(items) if i.kind == k.AMOUNT]
    _check_bare(items, amounts)
    if len(amounts) < 2:
        return [Clause(list(items))], False
    if any(i.kind == k.ALTERNATING for i in items):
        return _alternating(items), False
    if any(i.kind == k.OR and not _times_or(items, n) for n, i in enumerate(items)):
        raise Unsettled("two amounts with or between them")
    shared, groups = _grouped(items, amounts)
    clauses = [Clause(g) for g in groups]
    timed = any(i.kind in (k.TIME, k.WEEKDAYS) for i in items[: amounts[0]])
    for clause, at in zip(clauses, amounts, strict=True):
        clause.joined = _and_before(items, at)
        if not timed and at + 1 < len(items) and items[at + 1].kind in (k.AND, k.OR):
            raise Unsettled("what belongs to an amount is not clear")
    sequential = _spread(clauses, items)
    _share(shared, clauses)
    for clause in clauses:
        if not any(i.kind in _TIMING or i.kind == k.PRN for i in clause.items) and not (
            sequential and clause.has(k.DURATION)
        ):
            raise Unsettled("two amounts are written and what belongs to which is not clear")
    _fill_other_days(clauses)
    _fill_units(clauses)
    return clauses, sequential


def _check_bare(items: list[Item], amounts: list[int]) -> None:
    """A bare number at the very end needs "take" or a time of day before it."""
    said = [n for n, i in enumerate(items) if i.kind not in (k.MARK, k.HARMLESS)]
    for at in amounts:
        place = said.index(at)
        if items[at].value.bare and place == len(said) - 1 and place > 0:
            before = items[said[place - 1]].kind
            if before not in (k.VERB, k.TIME, k.AND, k.NAME, k.WEEKDAYS):
                raise Unsettled("what the last number counts is not clear")


def _and_before(items: list[Item], at: int) -> bool:
    """Whether "and" joins the amount at a place to what stands before it."""
    for item in reversed(items[:at]):
        if item.kind == k.AND:
            return True
        if item.kind not in (k.MARK, k.VERB, k.HARMLESS, k.TIME):
            return False
    return False


def _times_or(items: list[Item], at: int) -> bool:
    kinds = {k.TIME, k.MANNER}
    return 0 < at < len(items) - 1 and items[at - 1].kind in kinds and items[at + 1].kind in kinds


def _grouped(items: list[Item], amounts: list[int]) -> tuple[list[Item], list[list[Item]]]:
    lead = items[: amounts[0]]
    if any(i.kind in (k.TIME, k.WEEKDAYS) for i in lead):
        return _timing_first(items, amounts)
    groups = [
        items[start:stop] for start, stop in zip(amounts, [*amounts[1:], len(items)], strict=True)
    ]
    return lead, groups


def _timing_first(items: list[Item], amounts: list[int]) -> tuple[list[Item], list[list[Item]]]:
    """ "Morning 1, night 2": each amount takes the times before it."""
    first = next(n for n, i in enumerate(items) if i.kind in (k.TIME, k.WEEKDAYS))
    shared = items[:first]
    groups: list[list[Item]] = []
    start = first
    for n, at in enumerate(amounts):
        stop = at + 1
        limit = amounts[n + 1] if n + 1 < len(amounts) else len(items)
        while stop < limit and items[stop].kind not in _TIMING:
            stop += 1
        if n + 1 == len(amounts):
            if any(i.kind in _TIMING for i in items[stop:]):
                raise Unsettled("two amounts are written and what belongs to which is not clear")
            stop = len(items)
        groups.append(items[start:stop])
        start = stop
    return shared, groups


def _spread(clauses: list[Clause], items: list[Item]) -> bool:
    """Hand out what stands once for all amounts; whether the clauses follow in time."""
    last = clauses[-1]
    durations = [c.has(k.DURATION) for c in clauses]
    sequential = False
    if any(durations):
        if durations == [False] * (len(clauses) - 1) + [True]:
            for clause in clauses[:-1]:
                clause.items.extend(last.of(k.DURATION))
        elif all(durations[:-1]) and not any(i.kind == k.AND for i in items):
            sequential = True
        else:
            raise Unsettled("how long each amount goes on is not clear")
    elif clauses[0].has(k.STAT) and not any(c.has(k.STAT) for c in clauses[1:]):
        if clauses[0].has(k.TIME):
            raise Unsettled("whether one dose only counts for every amount is not clear")
        sequential = True
    if not sequential:
        _spread_prn(clauses)
        _tell_apart(clauses)
        if any(c.has(k.MAXIMUM) for c in clauses):
            raise Unsettled("two amounts are written with one maximum")
    for kind in (k.ROUTE, k.SITE):
        holders = [c for c in clauses if c.has(kind)]
        if len(holders) == 1 and holders[0] in (clauses[0], last):
            for clause in clauses:
                if clause is not holders[0]:
                    clause.items.extend(holders[0].of(kind))
    return sequential


def _spread_prn(clauses: list[Clause]) -> None:
    holders = [c for c in clauses if c.has(k.PRN)]
    if not holders or len(holders) == len(clauses):
        return
    for clause in holders:
        kinds = [i.kind for i in clause.items if i.kind in _TIMING or i.kind == k.PRN]
        if kinds != [k.PRN]:
            raise Unsettled("which of the amounts is only when needed is not clear")


def _tell_apart(clauses: list[Clause]) -> None:
    """Amounts at the same time need times, days or places of their own: "1 bd 2 tds" has none."""
    mixed = [c.has(k.FREQUENCY) or c.has(k.PRN) for c in clauses]
    if any(mixed) and not all(_joined(c) for c in clauses[1:]):
        raise Unsettled("two amounts are written and how they go together is not clear")
    named = [c for c in clauses if not c.has(k.PRN) or c.has(k.WEEKDAYS)]
    if len({c.has(k.WEEKDAYS) for c in named}) > 1:
        raise Unsettled("whether the days of the week count for every amount is not clear")
    longer = [c for c in clauses if any(i.value.days > 1 for i in c.of(k.FREQUENCY))]
    timed = [c for c in clauses if c.has(k.FREQUENCY) or c.has(k.WEEKDAYS) or c.has(k.PRN)]
    if longer and len(timed) != len(clauses):
        raise Unsettled("whether how often counts for every amount is not clear")
    plain = [
        c
        for c in clauses
        if not (c.has(k.TIME) or c.has(k.WEEKDAYS) or c.has(k.SITE) or c.has(k.PRN))
    ]
    if len(plain) > 1:
        raise Unsettled("two amounts are written and how they go together is not clear")


def _joined(clause: Clause) -> bool:
    """Whether an "and" stands before the clause's amount."""
    return clause.joined


def _share(shared: list[Item], clauses: list[Clause]) -> None:
    rates = [i for i in shared if i.kind in (k.FREQUENCY, k.COUNT)]
    for item in rates:
        if item.kind == k.FREQUENCY:
            often: Often = item.value
            fits = often.bare and often.days == ONE
            if not fits and often.days == ONE and often.low == often.high:
                fits = often.high == sum(max(1, len(c.of(k.TIME))) for c in clauses)
            if fits:
                continue
        raise Unsettled("how often does not fit the amounts")
    rest = [i for i in shared if i not in rates]
    for clause in clauses:
        clause.items[:0] = rest


def _fill_other_days(clauses: list[Clause]) -> None:
    """ "5mg on Monday and 3mg on other days"; "except" works the same way."""
    open_clause = None
    named: list[str] = []
    for clause in clauses:
        days = [d for i in clause.of(k.WEEKDAYS) for d in i.value]
        if "other days" in days:
            if open_clause is not None or len(days) > 1:
                raise Unsettled("which are the other days is not clear")
            open_clause = clause
        elif days:
            named.extend(days)
    if open_clause is None:
        return
    if not named or len(set(named)) != len(named) or any(d not in WEEKDAYS for d in named):
        raise Unsettled("which are the other days is not clear")
    rest = tuple(d for d in WEEKDAYS if d not in named)
    open_clause.items = [
        i._replace(value=rest) if i.kind == k.WEEKDAYS else i for i in open_clause.items
    ]


def _fill_units(clauses: list[Clause]) -> None:
    """ "1 tablet in the morning and 2 at night": the later amounts count the same thing."""
    units = [c.of(k.AMOUNT)[0].value.unit for c in clauses]
    if None not in units or set(units) == {None}:
        return
    if units[0] not in COUNTED or set(units) != {None, units[0]}:
        raise Unsettled("the unit of one of the amounts is not clear")
    for clause in clauses:
        clause.items = [
            i._replace(value=i.value._replace(unit=units[0])) if i.kind == k.AMOUNT else i
            for i in clause.items
        ]


def _alternating(items: list[Item]) -> list[Clause]:
    """ "1 tablet alternating with 2 tablets": each every other day."""
    amounts = [i for i in items if i.kind == k.AMOUNT]
    others = [i for i in items if i.kind not in (k.AMOUNT, k.ALTERNATING)]
    rates: list[Item] = [i for i in others if i.kind == k.FREQUENCY]
    if len(amounts) != 2 or any(i.kind == k.WEEKDAYS for i in others):
        raise Unsettled("what alternates is not clear")
    for item in rates:
        often: Often = item.value
        if not (often.low == often.high == 1 and often.days in (1, 2)):
            raise Unsettled("what alternates is not clear")
    if sum(1 for i in others if i.kind == k.TIME) > 1:
        raise Unsettled("what alternates is not clear")
    rest = [i for i in others if i.kind != k.FREQUENCY]
    every_other = Item(k.FREQUENCY, 0, 0, Often(ONE, ONE, Fraction(2), False, True), "")
    clauses = [Clause([a, every_other, *rest]) for a in amounts]
    _fill_units(clauses)
    return clauses


# -- one clause to one step ------------------------------------------------------------------------


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
    again = clause.of(k.AGAIN)
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
        if unit is None and quantity is not None and most_unit in _PLAIN_COUNT:
            unit = most_unit
    return Step(
        low=quantity.low if quantity else None,
        high=quantity.high if quantity else None,
        unit=unit,
        times_low=times.low if times else None,
        times_high=times.high if times else None,
        per_days=times.days if times else None,
        as_needed=bool(prn or again),
        as_needed_for=_needed_for(clause, prn) if prn or again else None,
        route=_same(clause, k.ROUTE),
        site=_same(clause, k.SITE),
        when=tuple(when),
        duration_days=ONE if once else (duration[0] if duration else None),
        max_per_day=most,
        max_unit=most_unit,
    )


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
    return " and ".join(dict.fromkeys(said)) or None


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
        if item.kind == k.OR and not _times_or(items, n):
            near = {items[m].kind for m in (n - 1, n + 1) if 0 <= m < len(items)}
            if not near <= {k.PRN, k.INDICATION, k.DIRECTED, k.HARMLESS, k.MANNER, k.SITE, k.ROUTE}:
                raise Unsettled("what the or stands between is not clear")


def _times(clause: Clause, when: list[str], on_named_day: bool) -> Often | None:
    """How often: frequencies, times of day and days of the week, which must agree."""
    slots = _slots(clause)
    when.extend(slots)
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


def _slots(clause: Clause) -> list[str]:
    """The times of day, each once; what stands between two of them must say how they go together."""
    slots: list[str] = []
    gap = ""
    for item in clause.items:
        if item.kind == k.OR:
            gap = "or"
        elif item.kind == k.AND:
            gap = "and"
        elif item.kind == k.MARK and item.value in _PARTING:
            gap = gap or ","
        elif item.kind == k.TIME:
            label = _time_label(item)
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


def _time_label(item: Item) -> str:
    if isinstance(item.value, str):
        return item.value
    label, hour = item.value
    if not (hour >= 6 or hour == 0):
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
    elif gap == ",":
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
        if times.days != ONE:
            raise Unsettled("the maximum does not fit how often")
        return times._replace(low=None, high=min(times.high, limit.value)), None, None
    unit = quantity.unit if quantity else None
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

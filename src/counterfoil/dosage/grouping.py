"""Which items belong to which amount, and whether amounts hold together or in turn."""

from __future__ import annotations

from fractions import Fraction

from counterfoil.dosage import items as k
from counterfoil.dosage.clauses import ONE, WEEKDAYS, Clause, Unsettled, times_or
from counterfoil.dosage.items import Item, Often

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


def split(items: list[Item]) -> tuple[list[Clause], bool]:
    """The clauses of a segment, and whether they follow one another in time."""
    amounts = [n for n, i in enumerate(items) if i.kind == k.AMOUNT]
    _check_bare(items, amounts)
    if len(amounts) < 2:
        if amounts:
            _check_lone(items, amounts[0])
        return [Clause(list(items))], False
    if any(i.kind == k.ALTERNATING for i in items):
        return _alternating(items), False
    if any(i.kind == k.OR and not times_or(items, n) for n, i in enumerate(items)):
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


def _check_lone(items: list[Item], at: int) -> None:
    """ "In the morning and 20mg at midday": the amount of the morning is not written."""
    before = [i.kind for i in items[:at] if i.kind not in (k.MARK, k.VERB, k.HARMLESS)]
    timed = k.TIME in before or k.WEEKDAYS in before
    if timed and before[-1] == k.AND and any(i.kind in _TIMING for i in items[at:]):
        raise Unsettled("a time is written without its amount")


def _and_before(items: list[Item], at: int) -> bool:
    """Whether "and" joins the amount at a place to what stands before it."""
    for item in reversed(items[:at]):
        if item.kind == k.AND:
            return True
        if item.kind not in (k.MARK, k.VERB, k.HARMLESS, k.TIME):
            return False
    return False


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
            if len({c.of(k.AMOUNT)[0].value.unit for c in clauses} - {None}) > 1:
                raise Unsettled("how amounts in different units follow one another is not clear")
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
    if _times_twice(clauses):
        raise Unsettled("two amounts are written for one time of day")
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


def _times_twice(clauses: list[Clause]) -> bool:
    """Whether two amounts stand at the same time of the same days and place."""
    seen: set[tuple[object, ...]] = set()
    for clause in clauses:
        days = tuple(d for i in clause.of(k.WEEKDAYS) for d in i.value)
        places = tuple(i.value for i in clause.of(k.SITE))
        for time in {str(i.value) for i in clause.of(k.TIME)}:
            if (time, days, places) in seen:
                return True
            seen.add((time, days, places))
    return False


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

"""Words that mean something only with the words around them: every, for, on, at, a ..."""

from __future__ import annotations

from fractions import Fraction

from counterfoil.dosage import items as k
from counterfoil.dosage.cursor import (
    AFTER_ON,
    DAY,
    HALF,
    HOUR,
    MASS,
    MEASURED,
    ROMAN,
    SHORTHAND,
    SLASHED_DAYS,
    TIMES,
    Span,
)
from counterfoil.dosage.items import Quantity
from counterfoil.dosage.lexicon import LEXICON, longest
from counterfoil.dosage.scanner import Particle, Scanner
from counterfoil.dosage.words import days_words

_ABOUT = frozenset({"about", "approximately", "approx", "a", "at"})
_FLUIDS = frozenset({"water", "juice", "milk", "fluid", "liquid", "squash"})


def every_(s: Scanner, at: int) -> int:
    phrase = longest(LEXICON.main, s.tokens, at)
    day = longest(LEXICON.main, s.tokens, at + 1)
    if day and day[1][0] == "weekday":
        return _shift(s, at, s.phrase(at + 1, *day))
    nxt = s.tokens[at + 1] if at + 1 < s.n else None
    if nxt is not None and nxt.kind == "frac":
        top, bottom = nxt.low.split("/")
        if bottom == "24" and 0 < int(top) <= 24:
            return s.every_hours(at, at + 2, Fraction(int(top)), Fraction(int(top)))
        if bottom in SLASHED_DAYS and int(top) > 0:
            return s.interval(
                at, at + 2, Fraction(int(top)), Fraction(int(top)), SLASHED_DAYS[bottom]
            )
    span = s.span(at + 1)
    if span:
        period = longest(LEXICON.period, s.tokens, span[2])
        if period and (not phrase or period[0] >= phrase[0]) and period[1][1] >= HOUR:
            if span[3] == "slashed":
                return at
            return s.interval(at, period[0], span[0], span[1], period[1][1])
    return at


def for_(s: Scanner, at: int) -> int:
    phrase = longest(LEXICON.main, s.tokens, at)
    if phrase and phrase[1][0] not in ("intro", "connector") and phrase[0] - at > 1:
        return at
    i = at + 1
    upto = False
    if s.low(i) == "up" and s.low(i + 1) == "to":
        i, upto = i + 2, True
    elif s.low(i) in ("max", "maximum"):
        i, upto = i + (2 if s.low(i + 1) == "of" else 1), True
    elif s.low(i) == "at" and s.low(i + 1) == "least":
        i += 2
    while s.low(i) in (
        "the",
        "a",
        "next",
        "first",
        "another",
        "further",
        "about",
        "just",
        "one",
        "only",
    ):
        if s.low(i) in ("one", "a") and longest(LEXICON.period, s.tokens, i + 1):
            break
        if s.low(i) == "one":
            break
        i += 1
    token = s.tokens[i] if i < s.n else None
    if token is not None and token.kind == "frac":
        top, bottom = token.low.split("/")
        if bottom in SLASHED_DAYS and int(top) > 0:
            days = int(top) * SLASHED_DAYS[bottom]
            return s.add(k.DURATION, at, i + 1, (days, upto), f"for {days_words(days)}")
        return at
    if s.low(i) == "a" or (s.low(i) == "" and False):
        span: Span | None = (DAY, DAY, i + 1, "word")
    elif s.low(i - 1) in ("a", "the", "next", "first", "another", "further") and longest(
        LEXICON.period, s.tokens, i
    ):
        span = (DAY, DAY, i, "word")
    else:
        span = s.span(i)
    if span is None:
        return at
    number = span[2]
    if s.low(number) in ("more", "further", "consecutive", "additional", "full", "whole"):
        number += 1
    period = longest(LEXICON.period, s.tokens, number)
    if not period or s.low(number) == "hourly":
        return at
    days = span[1] * period[1][1]
    if period[1][1] < 1 and (days.denominator != 1 or span[0] != span[1]):
        return at
    end = period[0]
    off = longest(LEXICON.main, s.tokens, end)
    if off and off[1] == ("cycle_off", "off") and span[0] == span[1]:
        return s.add(k.CYCLE_OFF, at, off[0], days, f"{days_words(days)} without")
    if s.low(end) in ("only", "course"):
        end += 1
    elif s.low(end) == "in" and s.low(end + 1) == "total":
        end += 2
    return s.add(k.DURATION, at, end, (days, upto or span[0] != span[1]), f"for {days_words(days)}")


def _total(s: Scanner, at: int) -> int:
    """ "total of 7 days", "course of 7 days": a length of time."""
    end = for_(s, at + 1) if s.low(at + 1) == "of" else at
    return _shift(s, at, end) if end > at + 1 else at


def _in(s: Scanner, at: int) -> int:
    """ "in 125 ml of water": what it is mixed with."""
    span = s.span(at + (2 if s.low(at + 1) in _ABOUT else 1))
    unit = longest(LEXICON.unit, s.tokens, span[2]) if span else None
    if unit is None or unit[1][1] != "ml":
        return at
    end = unit[0] + (s.low(unit[0]) == "of")
    while s.low(end) in ("cold", "warm", "still"):
        end += 1
    return s.add(k.HARMLESS, at, end + 1) if s.low(end) in _FLUIDS else at


def _now(s: Scanner, at: int) -> int:
    """ "2 tablets now, then ...": one dose."""
    before = s.out[-1].kind if s.out else ""
    follow = at + 1 + (s.low(at + 1) in (",", "."))
    then = longest(LEXICON.main, s.tokens, follow) if s.low(follow) != "and" else None
    if before in (k.AMOUNT, k.EQUIVALENT) and then and then[1] == ("then", "then"):
        return s.add(k.STAT, at, at + 1, "stat", "one dose, once")
    return at


def _eye_short(s: Scanner, at: int) -> int:
    """ "BE", "LE", "RE": an eye, beside drops or an eye product only."""
    if s.eye or any(i.kind == k.AMOUNT and i.value.unit in ("drop", "cm", "spray") for i in s.out):
        return at
    found = longest(LEXICON.main, s.tokens, at)
    return at if found and found[0] - at > 1 else s.unknown(at)


def _after(s: Scanner, at: int) -> int:
    phrase = longest(LEXICON.main, s.tokens, at)
    if phrase:
        return at
    span = s.span(at + 1)
    if s.low(at + 1) in ("a", "one") and longest(LEXICON.period, s.tokens, at + 2):
        span = (DAY, DAY, at + 2, "word")
    if span is None or span[0] != span[1]:
        return at
    period = longest(LEXICON.period, s.tokens, span[2])
    if not period or period[1][1] < 1:
        return at
    days = span[1] * period[1][1]
    return s.add(k.AFTER, at, period[0], days, f"after {days_words(days)}")


def _on(s: Scanner, at: int) -> int:
    phrase = longest(LEXICON.main, s.tokens, at)
    if phrase and phrase[0] - at > 1:
        return at
    i = at + 1
    if s.low(i) in ("a", "each", "every"):
        i += 1
    day = longest(LEXICON.main, s.tokens, i)
    if day and day[1][0] == "weekday":
        return s.phrase(i, *day) if i == at else _shift(s, at, s.phrase(i, *day))
    if s.low(i) in ("day", "days"):
        return _shift(s, at, _day_number(s, i)) if _is_day_number(s, i) else at
    if not _may_be_night(s):
        return at
    nxt = s.tokens[at + 1] if at + 1 < s.n else None
    if nxt is None or nxt.kind == "sym" or nxt.low in AFTER_ON:
        return s.add(k.TIME, at, at + 1, "night", "time: night")
    if nxt.kind in ("num", "word") and s.span(at + 1):
        span = s.span(at + 1)
        assert span is not None
        unit = s.unit_at(span[2])
        follow = longest(LEXICON.main, s.tokens, unit[0] if unit else span[2])
        if follow and follow[1][0] == "time":
            return s.add(k.TIME, at, at + 1, "night", "time: night")
    if phrase is None and longest(LEXICON.main, s.tokens, at + 1):
        follow = longest(LEXICON.main, s.tokens, at + 1)
        assert follow is not None
        if follow[1][0] in ("prn", "harmless", "intro", "then", "directed", "indication"):
            return s.add(k.TIME, at, at + 1, "night", "time: night")
    return at


def _may_be_night(s: Scanner) -> bool:
    """Whether "on" may be "every night" here: after an amount, its route or place, or "om and"."""
    for item in reversed(s.out):
        if item.kind in (k.ROUTE, k.SITE):
            continue
        if item.kind == k.AND:
            return len(s.out) > 1 and s.out[-2].kind == k.TIME and s.out[-1] is item
        return item.kind in (k.AMOUNT, k.EQUIVALENT)
    return False


def _shift(s: Scanner, at: int, end: int) -> int:
    """Let the last item begin at *at*."""
    if s.out:
        s.out[-1] = s.out[-1]._replace(first=at)
    return end


def _is_day_number(s: Scanner, at: int) -> bool:
    return s.span(at + 1) is not None


def _day_number(s: Scanner, at: int) -> int:
    if s.low(at) not in ("day", "days", "week", "weeks"):
        return at
    span = s.span(at + 1)
    if span is None:
        return at
    lo, hi, end, _ = span
    if s.low(end) in ("and", "&", ",") and lo == hi:
        second = s.value(end + 1)
        unit = s.unit_at(second[1]) if second else None
        if second and second[0] == hi + 1 and not unit and s.low(at) in ("days", "weeks"):
            hi, end = second[0], second[1]
    if lo.denominator != 1 or hi.denominator != 1 or lo < 1:
        return at
    if s.unit_at(end) or s.low(end) in TIMES:
        return at
    first, last = int(lo), int(hi)
    if s.low(at) in ("week", "weeks"):
        first, last = 7 * (first - 1) + 1, 7 * last
    heads = s.low(end) == ":"
    label = f"day {first}" if first == last else f"days {first} to {last}"
    return s.add(k.DAY_NUMBER, at, end + heads, (first, last, heads), label)


def _at(s: Scanner, at: int) -> int:
    phrase = longest(LEXICON.main, s.tokens, at)
    if phrase and phrase[0] - at > 1:
        return at
    if at + 1 < s.n and s.tokens[at + 1].kind in ("num", "clock"):
        end = s.clock(at, at + 1, sure=True)
        while (
            end > at
            and s.low(end) in ("and", "&", ",")
            and end + 1 < s.n
            and s.tokens[end + 1].kind in ("num", "clock")
            and (
                s.tokens[end + 1].kind == "clock"
                or s.glued(end + 2)
                or len(s.low(end + 1)) == len(s.low(at + 1)) == 4
            )
        ):
            s.add(k.AND, end, end + 1)
            more = s.clock(end + 1, end + 1, sure=True)
            if more == end + 1:
                s.out.pop()
                break
            end = more
        return end
    return at


def _a(s: Scanner, at: int) -> int:
    phrase = longest(LEXICON.main, s.tokens, at)
    if phrase:
        return at
    if s.low(at + 1) in ("half", "quarter"):
        span = s.span(at)
        return s.amount(at, span) if span else at
    if s.low(at) == "an" and s.low(at + 1) == "hour":
        return s.gap(at, at + 2, DAY, DAY, HOUR)
    span = s.span(at + 1)
    if span:
        period = longest(LEXICON.period, s.tokens, span[2])
        off = longest(LEXICON.main, s.tokens, period[0]) if period else None
        if off and off[1] == ("cycle_off", "off"):
            return _shift(s, at, s.led_by_number(at + 1, span))
    week = longest(LEXICON.period, s.tokens, at + 1)
    off = longest(LEXICON.main, s.tokens, week[0]) if week else None
    if week and off and off[1] == ("cycle_off", "off"):
        return s.add(k.CYCLE_OFF, at, off[0], week[1][1], f"{days_words(week[1][1])} without")
    sized = s.sized_form(at + 1)
    unit = s.unit_at(at + 1)
    if (unit and unit[1] not in MASS) or sized:
        return s.amount(at, (DAY, DAY, at + 1, "word"))
    return at


def _half(s: Scanner, at: int) -> int:
    if s.low(at + 1) in ("an", "a") and s.low(at + 2) in ("hour", "hr"):
        return s.gap(at, at + 3, HALF, HALF, HOUR)
    return at


def _roman(s: Scanner, at: int) -> int:
    raw = s.raw(at, at + 1)
    if s.low(at) in ("t", "tt", "ttt") and not raw.isupper():
        return at
    low = high = Fraction(ROMAN[s.low(at)])
    after = at + 1
    if at + 1 < s.n and s.raw(at, at + 2).lower() in ("i-ii", "ii-iii"):
        high, after = low + 1, at + 2
    unit = longest(LEXICON.unit, s.tokens, after)
    countable = unit is not None and unit[1][1] not in MEASURED
    if countable or s.low(after) in SHORTHAND:
        end = unit[0] if unit and countable else after
        name = unit[1][1] if unit and countable else None
        return s.amount_item(at, end, Quantity(low, high, name, None, False, "roman"))
    return at


def _alternating(s: Scanner, at: int) -> int:
    if s.low(at + 1) == "with":
        return s.add(k.ALTERNATING, at, at + 2, None, "on alternate days with")
    return at


def _dated(s: Scanner, at: int) -> int:
    i = at + 1
    if s.low(at) in ("starting", "start", "commencing") and s.low(i) in ("on", "from"):
        i += 1
    if i < s.n and s.tokens[i].kind == "date":
        word = "until" if s.low(at) == "until" else "from"
        label = f"{word} {s.low(i)}"
        return s.add(k.MANNER, at, i + 1, label, label)
    return at


def _from(s: Scanner, at: int) -> int:
    return _dated(s, at)


def _every_hours(s: Scanner, at: int) -> int:
    """ "q6h", "q4-6h", "q 8 h"."""
    span = s.span(at + 1)
    if (
        span
        and span[0] is not None
        and s.low(span[2]) in ("h", "hrs", "hr", "hours", "hourly", "hrly")
    ):
        return s.every_hours(at, span[2] + 1, span[0], span[1])
    return at


PARTICLES: dict[str, Particle] = {
    "every": every_,
    "total": _total,
    "course": _total,
    "in": _in,
    "into": _in,
    "with": _in,
    "now": _now,
    **dict.fromkeys(("be", "le", "re"), _eye_short),
    "each": every_,
    "for": for_,
    "after": _after,
    "on": _on,
    "at": _at,
    "a": _a,
    "an": _a,
    "half": _half,
    "alternating": _alternating,
    "alternate": _alternating,
    "day": _day_number,
    "days": _day_number,
    "week": _day_number,
    "weeks": _day_number,
    "from": _from,
    "starting": _from,
    "until": _dated,
    "q": _every_hours,
    **dict.fromkeys(ROMAN, _roman),
}

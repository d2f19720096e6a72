"""Phrases of the lexicon to items, one handler a category."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from counterfoil.dosage import items as k
from counterfoil.dosage.amounts import often_label
from counterfoil.dosage.cursor import DAY, OPEN, TIMES, WEEKDAYS, Span
from counterfoil.dosage.drugname import name_end
from counterfoil.dosage.items import DAILY, Change, Item, Limit, Often, Quantity
from counterfoil.dosage.lexicon import LEXICON, longest
from counterfoil.dosage.particles import PARTICLES, every_, for_
from counterfoil.dosage.product import View
from counterfoil.dosage.scanner import Handler, Scanner
from counterfoil.dosage.tokens import Token
from counterfoil.dosage.words import amount_words, days_words, figure


def _simple(kind: str, label: str = "") -> Handler:
    def handle(s: Scanner, at: int, end: int, value: Any) -> int:
        return s.add(kind, at, end, value, label.format(value) if label else "")

    return handle


_DAILY = frozenset({"daily", "dialy", "daiy", "dayly"})
_LEANING = frozenset({"a", "per", "/", "in"})
_LEANED_ON = frozenset({k.AMOUNT, k.EQUIVALENT, k.VERB, k.ROUTE, k.SITE, k.MARK})
"""What "a day" or "per week" may follow: it is how often only beside an amount."""


def _per(s: Scanner, at: int, end: int, value: Any) -> int:
    if s.low(at) in _LEANING and s.out and s.out[-1].kind not in _LEANED_ON:
        return s.add(k.UNKNOWN, at, end, s.raw(at, end), "")
    often = Often(DAY, DAY, value, True, False, DAILY if s.low(at) in _DAILY | _LEANING else "")
    return s.add(k.FREQUENCY, at, end, often, often_label(often))


def _frequency(s: Scanner, at: int, end: int, value: Any) -> int:
    times, days = value
    low: Fraction | None = times
    if s.low(end) in ("-", "or", "/", "to") and days == DAY:
        second = longest(LEXICON.main, s.tokens, end + 1)
        if second and second[1][0] == "frequency" and second[1][1][1] == DAY:
            if second[1][1][0] <= times:
                return s.add(k.UNKNOWN, at, second[0], s.raw(at, second[0]), "")
            end, times = second[0], second[1][1][0]
    often = Often(low, times, days, False, days != DAY or times > 4)
    return s.add(k.FREQUENCY, at, end, often, often_label(often))


def _count(s: Scanner, at: int, end: int, value: Any) -> int:
    lo = hi = value
    if s.low(end) in ("or", "to", "-", "/") or (s.low(end) == "and" and s.low(end + 1) == "/"):
        after = end + 1
        second = longest(LEXICON.main, s.tokens, after)
        if second and second[1][0] == "count" and second[1][1] > lo:
            hi, end = second[1][1], second[0]
        else:
            number = s.value(after)
            if number and s.low(number[1]) in TIMES and number[0] > lo:
                hi, end = number[0], number[1] + 1
    found = longest(LEXICON.main, s.tokens, end)
    if found and found[1][0] == "per":
        return s.often(at, found[0], lo, hi, found[1][1], "word")
    if found and found[1][0] == "frequency" and lo == hi == 1:
        return at if s.low(at) == "" else _frequency(s, at, found[0], found[1][1])
    if s.low(end) in ("every", "each"):
        mark = len(s.out)
        done = every_(s, end)
        if done > end and len(s.out) == mark + 1 and s.out[-1].kind == k.FREQUENCY:
            often: Often = s.out.pop().value
            if lo == hi == 1:
                return s.add(k.FREQUENCY, at, done, often, often.label)
            if often.low == often.high:
                return s.often(at, done, lo, hi, often.days / often.high, "word")
        del s.out[mark:]
    return s.add(k.COUNT, at, end, (lo, hi), "how many times")


def _time(s: Scanner, at: int, end: int, value: Any) -> int:
    return s.add(k.TIME, at, end, value, f"time: {value}")


def _alternate_time(s: Scanner, at: int, end: int, value: Any) -> int:
    """ "Every other night": every two days, and when."""
    often = Often(DAY, DAY, Fraction(2), False, True)
    s.add(k.FREQUENCY, at, end - 1, often, "every 2 days")
    return s.add(k.TIME, end - 1, end, value, f"time: {value}")


def _off_days(s: Scanner, at: int, end: int, value: Any) -> int:
    return s.add(k.CYCLE_OFF, at, end, value, f"{days_words(value)} without")


def _weekday(s: Scanner, at: int, end: int, value: Any) -> int:
    if s.low(end) in ("to", "-"):
        second = longest(LEXICON.main, s.tokens, end + 1)
        if second and second[1][0] == "weekday":
            first, last = WEEKDAYS.index(value), WEEKDAYS.index(second[1][1])
            if last > first:
                days = WEEKDAYS[first : last + 1]
                return s.add(k.WEEKDAYS, at, second[0], days, f"{days[0]} to {days[-1]}")
            return s.add(k.UNKNOWN, at, second[0], s.raw(at, second[0]), "")
    return s.add(k.WEEKDAYS, at, end, (value,), f"on {value}")


def _directed(s: Scanner, at: int, end: int, value: Any) -> int:
    return s.add(k.DIRECTED, at, end, value, f"{value}: no amount of its own")


def _prn(s: Scanner, at: int, end: int, value: Any) -> int:
    s.add(k.PRN, at, end, None, "only when needed")
    what = longest(LEXICON.nouns, s.tokens, end)
    if what and not longest(LEXICON.main, s.tokens, end):
        words = " ".join(s.raw(end, what[0]).lower().split())
        return s.add(k.INDICATION, end, what[0], words, f"what it is for: {words}")
    return end


def _prn_for(s: Scanner, at: int, end: int, value: Any) -> int:
    return s.add(k.PRN, at, end, value, f"only when needed, for {value}")


def _then(s: Scanner, at: int, end: int, value: Any) -> int:
    if value in ("increase_by", "decrease_by"):
        return _change_by(s, at, end, 1 if value == "increase_by" else -1)
    if value == "unfixed_change":
        words = s.raw(at, end).lower().split()
        while words[0] in ("and", "then"):
            words = words[1:]
        return s.add(k.UNFIXED, at, end, " ".join(words), "a later change that is not fixed")
    if value == "stop":
        return s.add(k.STOP, at, end, None, "then stop")
    if all(t.kind == "sym" for t in s.tokens[end:]):
        if s.low(end - 1) in ("continue", "maintenance"):
            return s.add(k.HARMLESS, at, end)
        if s.low(end - 1) == "then":
            return s.add(k.UNKNOWN, at, end, s.raw(at, end), "")
    return s.add(k.THEN, at, end, value, "next step")


def _change_by(s: Scanner, at: int, end: int, sign: int) -> int:
    mark = len(s.out)
    span = s.span(end)
    if span is None:
        return s.add(k.UNKNOWN, at, end, s.raw(at, end), "")
    after = s.amount(end, span)
    made = s.out[mark:]
    del s.out[mark:]
    if len(made) != 1 or made[0].kind != k.AMOUNT or made[0].value.low != made[0].value.high:
        return s.add(k.UNKNOWN, at, after, s.raw(at, after), "")
    quantity: Quantity = made[0].value
    days = _step_length(s, after)
    if days is None:
        return s.add(k.UNKNOWN, at, after, s.raw(at, after), "")
    after, every_days = days
    target, stops, daily, after = _target(s, after)
    change = Change(sign, quantity, every_days, target, stops, daily)
    word = "up" if sign > 0 else "down"
    label = f"{word} by {amount_words(quantity.low, quantity.high, quantity.unit)} every {days_words(every_days)}"
    return s.add(k.CHANGE_BY, at, after, change, label)


def _step_length(s: Scanner, at: int) -> tuple[int, Fraction] | None:
    mark = len(s.out)
    end = s.one(at) if at < s.n else at
    made = s.out[mark:]
    del s.out[mark:]
    if len(made) == 1 and made[0].kind == k.FREQUENCY:
        often: Often = made[0].value
        if often.low == often.high == 1 and often.days >= 1:
            return end, often.days
    if len(made) == 1 and made[0].kind == k.TIME and made[0].value in ("night", "morning"):
        return end, DAY
    return None


def _target(s: Scanner, at: int) -> tuple[Quantity | None, bool, bool, int]:
    """The amount it ends at, whether it stops there, whether "a day" is said, and the place after."""
    while s.low(at) in (",", ";", "-"):
        at += 1
    found = longest(LEXICON.until, s.tokens, at)
    if not found:
        return None, False, False, at
    if found[1][1] == "until_stopped":
        return None, True, False, found[0]
    mark = len(s.out)
    span = s.span(found[0])
    if span is None:
        return None, False, False, at
    end = s.amount(found[0], span)
    made = s.out[mark:]
    del s.out[mark:]
    if len(made) != 1 or made[0].kind != k.AMOUNT or made[0].value.low != made[0].value.high:
        return None, False, False, at
    tail = longest(LEXICON.main, s.tokens, end)
    daily = False
    if tail and tail[1][0] in ("per", "frequency", "count"):
        length = _step_length(s, end)
        daily = length is not None and length[1] == DAY
        end = length[0] if length is not None and daily else end
    again = longest(LEXICON.until, s.tokens, end)
    if again and again[1][1] == "until_stopped":
        return made[0].value, True, daily, again[0]
    return made[0].value, False, daily, end


def _cycle(s: Scanner, at: int, end: int, value: Any) -> int:
    if value == "on":
        return at
    if value in ("repeat", "subsequent"):
        mark = len(s.out)
        done = _again(s, at, end, "repeat")
        if len(s.out) == mark + 1 and s.out[-1].kind == k.AGAIN:
            return done
        del s.out[mark:]
    return s.add(k.CYCLE_WORD, at, end, value, "repeated")


def _maximum(s: Scanner, at: int, end: int, value: Any) -> int:
    start = end
    while s.low(start) in (":", "-", "=", "of"):
        start += 1
    if s.low(start) == "up" and s.low(start + 1) == "to":
        start += 2
    found = longest(LEXICON.main, s.tokens, start)
    if found and found[1][0] == "frequency" and found[1][1][1] == DAY:
        limit = Limit(found[1][1][0], None, True)
        return s.add(k.MAXIMUM, at, found[0], limit, f"at most {figure(limit.value)} times a day")
    if found and found[1][0] == "count":
        per = longest(LEXICON.main, s.tokens, found[0])
        if per and per[1][0] == "per":
            return _limit(s, at, per[0], found[1][1], None, True, per[1][1])
    if start < s.n and s.tokens[start].kind == "frac" and s.low(start).endswith("/24"):
        stop = start + 1 + (s.low(start + 1) in ("h", "hr", "hrs", "hour", "hours"))
        return _limit(s, at, stop, Fraction(s.low(start)[:-3]), None, False, DAY)
    span = s.span(start)
    if span is None:
        return s.add(k.UNKNOWN, at, end, s.raw(at, end), "")
    return _maximum_number(s, at, start, span)


def _maximum_number(s: Scanner, at: int, start: int, span: Span) -> int:
    lo, hi, end, _ = span
    times = False
    unit: str | None = None
    if s.low(end) in TIMES or (s.low(end) == "x" and s.low(end + 1) == "daily"):
        times, end = True, end + 1
    else:
        got = s.unit_at(end)
        if got:
            end, unit = got
    if lo != hi:
        return s.add(k.UNKNOWN, at, end, s.raw(at, end), "")
    if s.low(end) in ("total", "only"):
        end += 1
    per = longest(LEXICON.main, s.tokens, end)
    if s.low(end) in OPEN and per is None:
        return s.add(k.UNKNOWN, at, end, s.raw(at, end), "")
    if per and per[1][0] == "per":
        return _limit(s, at, per[0], hi, unit, times, per[1][1])
    period = longest(LEXICON.period, s.tokens, end)
    after = longest(LEXICON.main, s.tokens, period[0]) if period else None
    if after and after[1][0] == "per":
        return s.add(k.UNKNOWN, at, after[0], s.raw(at, after[0]), "")
    if period and unit is None and not times and period[1][1] >= 1:
        days = hi * period[1][1]
        return s.add(k.DURATION, at, period[0], (days, True), f"for up to {days_words(days)}")
    words = s.raw(at, end)
    return s.add(k.AMBIGUOUS, at, end, f'"{words}" does not say in what time', "in what time?")


def _limit(
    s: Scanner, at: int, end: int, value: Fraction, unit: str | None, times: bool, days: Fraction
) -> int:
    if days != DAY:
        return s.add(k.UNKNOWN, at, end, s.raw(at, end), "")
    what = f"{figure(value)} times" if times else amount_words(value, value, unit)
    return s.add(k.MAXIMUM, at, end, Limit(value, unit, times), f"at most {what} a day")


def _upto(s: Scanner, at: int, end: int, value: Any) -> int:
    if value == "at_least":
        return _at_least(s, at, end)
    mark = len(s.out)
    maximum = longest(LEXICON.main, s.tokens, end)
    if maximum and maximum[1][0] == "maximum":
        return _maximum(s, at, maximum[0], None)
    after = s.one(end) if end < s.n else end
    made = s.out[mark:]
    del s.out[mark:]
    if not made:
        return s.add(k.UNKNOWN, at, end, s.raw(at, end), "")
    first = made[0]
    if first.kind == k.AMOUNT and len(made) == 1:
        quantity: Quantity = first.value
        if s.has_amount():
            span = s.span(end)
            if span:
                return _maximum_number(s, at, end, span)
        return s.amount_item(at, after, quantity._replace(low=None))
    if first.kind == k.FREQUENCY and len(made) == 1:
        often: Often = first.value
        if not often.interval or often.days == DAY:
            often = often._replace(low=None, bare=False)
            return s.add(k.FREQUENCY, at, after, often, often_label(often))
    if first.kind == k.DURATION and len(made) == 1:
        days = first.value[0]
        return s.add(k.DURATION, at, after, (days, True), f"for up to {days_words(days)}")
    return s.add(k.UNKNOWN, at, end, s.raw(at, end), "")


def _at_least(s: Scanner, at: int, end: int) -> int:
    mark = len(s.out)
    after = s.one(end) if end < s.n else end
    made = s.out[mark:]
    del s.out[mark:]
    if (
        len(made) == 1
        and made[0].kind in (k.MANNER, k.TIME)
        and isinstance(made[0].value, str)
        and made[0].value[0].isdigit()
        and ":" not in made[0].value
    ):
        return s.add(made[0].kind, at, after, f"at least {made[0].value}", "when")
    if len(made) == 1 and made[0].kind == k.HARMLESS:
        return s.add(k.HARMLESS, at, after)
    span = s.span(end)
    if span:
        period = longest(LEXICON.period, s.tokens, span[2])
        if period:
            tail = longest(LEXICON.main, s.tokens, period[0])
            if tail and tail[1] == ("repeat_dose", "between"):
                return s.add(k.HARMLESS, at, tail[0])
    return s.add(k.UNKNOWN, at, end, s.raw(at, end), "")


def _replace_patch(s: Scanner, at: int, end: int, value: Any) -> int:
    return s.add(k.REPLACE, at, end, None, "a new one at each interval")


def _again(s: Scanner, at: int, end: int, value: Any) -> int:
    if value == "between":
        return s.add(k.UNKNOWN, at, end, s.raw(at, end), "")
    span = s.span(end)
    if span is None:
        return s.add(k.UNKNOWN, at, end, s.raw(at, end), "")
    period = longest(LEXICON.period, s.tokens, span[2])
    if not period:
        return s.add(k.UNKNOWN, at, end, s.raw(at, end), "")
    after = period[0]
    tail = longest(LEXICON.main, s.tokens, after)
    if tail and tail[1] == ("repeat_dose", "between"):
        return s.add(k.HARMLESS, at, tail[0], None, "gap between doses")
    if "repeat" in s.raw(at, end).lower() and period[1][1] < 1:
        gap = days_words(span[1] * period[1][1])
        return s.add(k.AGAIN, at, after, f"may be repeated after {gap}", "may be repeated")
    return s.add(k.UNKNOWN, at, after, s.raw(at, after), "")


def _days_word(s: Scanner, at: int, end: int, value: Any) -> int:
    if value == "weekdays":
        return s.add(k.WEEKDAYS, at, end, WEEKDAYS[:5], "Monday to Friday")
    if value == "weekends":
        return s.add(k.WEEKDAYS, at, end, WEEKDAYS[5:], "Saturday and Sunday")
    if value == "first day":
        return s.add(k.DAY_NUMBER, at, end, (1, 1, False), "day 1")
    if value == "except":
        return s.add(k.EXCEPT, at, end, None, "except on")
    if value == "methotrexate day":
        return s.add(k.WEEKDAYS, at, end, ("methotrexate day",), "the day of methotrexate")
    return s.add(k.WEEKDAYS, at, end, ("other days",), "the other days of the week")


def _connector(s: Scanner, at: int, end: int, value: Any) -> int:
    if value == "x":
        return _x(s, at, end)
    return s.add(k.AND if value == "and" else k.OR, at, end, value)


def _x(s: Scanner, at: int, end: int) -> int:
    token = s.tokens[end] if end < s.n else None
    if token is not None and token.kind == "frac":
        return for_(s, at)
    span = s.span(end)
    if span and span[0] == span[1]:
        period = longest(LEXICON.period, s.tokens, span[2])
        if period and period[1][1] >= 1:
            return for_(s, at)
        per = longest(LEXICON.main, s.tokens, span[2])
        if per and per[1][0] == "per" and s.has_amount():
            return s.often(at, per[0], span[1], span[1], per[1][1], span[3])
    if token is None or s.low(at) == "*":
        return s.add(k.MARK, at, end, s.low(at))
    return s.add(k.UNKNOWN, at, end, s.raw(at, end), "")


def _intro(s: Scanner, at: int, end: int, value: Any) -> int:
    first = end
    nouns: list[str] = []
    while True:
        found = longest(LEXICON.nouns, s.tokens, end)
        if not found:
            break
        nouns.append(s.raw(end, found[0]).lower())
        end = found[0]
        joined = end
        while s.low(joined) in (",", "/", "and", "or", "&", "the", "your"):
            joined += 1
        if joined > end and longest(LEXICON.nouns, s.tokens, joined):
            end = joined
            continue
        if not longest(LEXICON.nouns, s.tokens, end):
            break
    if end == first:
        if s.low(at) == "for":
            return at
        return s.add(k.UNKNOWN, at, end, s.raw(at, end), "")
    what = " ".join(s.raw(first, end).lower().split())
    return s.add(k.INDICATION, at, end, what, f"what it is for: {what}")


_MONTH = re.compile(r"(jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec)[a-z]*")


def _note(s: Scanner, at: int, end: int, value: Any) -> int:
    """A remark of the practice with its date: "dose increased 3/4/24", "bloods due May 2025"."""
    if s.low(end) in ("on", "in", "by", ":"):
        end += 1
    if end < s.n and s.tokens[end].kind == "date":
        end += 1
    elif _MONTH.fullmatch(s.low(end)):
        end += 1
        if re.fullmatch(r"(20)?[2-4]\d", s.low(end)):
            end += 1
    elif re.fullmatch(r"0?[1-9]|1[0-2]", s.low(end)) and re.fullmatch(r"20[2-4]\d", s.low(end + 2)):
        if s.low(end + 1) == "/":
            end += 3
    elif re.fullmatch(r"20[2-4]\d", s.low(end)):
        end += 1
    return s.add(k.HARMLESS, at, end)


def _junk(s: Scanner, at: int, end: int, value: Any) -> int:
    return s.add(k.JUNK, at, end, None, "no instruction")


def _ambiguous(s: Scanner, at: int, end: int, value: Any) -> int:
    one, _, other = value.partition(" or ")
    return s.ambiguous(at, end, one, other)


PHRASES: dict[str, Handler] = {
    "verb": _simple(k.VERB),
    "per": _per,
    "frequency": _frequency,
    "count": _count,
    "time": _time,
    "manner": _simple(k.MANNER, "{}"),
    "prn": _prn,
    "prn_for": _prn_for,
    "stat": _simple(k.STAT, "one dose, once"),
    "single": _simple(k.SINGLE, "as a single dose"),
    "directed": _directed,
    "route": _simple(k.ROUTE, "route: {}"),
    "site": _simple(k.SITE, "where: {}"),
    "amount_word": _simple(k.MANNER, "{}"),
    "course": _simple(k.HARMLESS),
    "weekday": _weekday,
    "then": _then,
    "cycle_off": _cycle,
    "off_days": _off_days,
    "alternate_time": _alternate_time,
    "maximum": _maximum,
    "upto": _upto,
    "replace": _replace_patch,
    "repeat_dose": _again,
    "days_word": _days_word,
    "connector": _connector,
    "intro": _intro,
    "harmless": _simple(k.HARMLESS),
    "note": _note,
    "junk": _junk,
    "ambiguous": _ambiguous,
}


Scanner.phrases.update(PHRASES)
Scanner.particles.update(PARTICLES)


def scan(tokens: list[Token], text: str, view: View | None = None) -> list[Item]:
    """All items of a text, in order; every token belongs to exactly one."""
    scanner = Scanner(tokens, text)
    scanner.eye = view is not None and view.eye
    end, ours = name_end(scanner, view)
    if end:
        words = scanner.raw(0, end)
        scanner.add(k.NAME, 0, end, None if ours else words, "name of a medicine")
    return scanner.scan(end)

"""Tokens to items: the productions of the grammar, one method each, no backtracking over text."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import Any, ClassVar, TypeAlias

from counterfoil.dosage import items as k
from counterfoil.dosage.amounts import Amounts
from counterfoil.dosage.cursor import (
    AMPM,
    DAY,
    FORMS,
    HOUR,
    MARKS,
    MASS,
    OPEN,
    SLASHED_DAYS,
    TIMES,
    WEEK,
    Span,
)
from counterfoil.dosage.items import Item, Often
from counterfoil.dosage.lexicon import LEXICON, longest
from counterfoil.dosage.words import days_words, figure

Handler: TypeAlias = "Callable[[Scanner, int, int, Any], int]"
Particle: TypeAlias = "Callable[[Scanner, int], int]"


MAX_DEPTH = 4
"""Deeper nesting is no dose, and would make the time grow with the square of the length."""


class Scanner(Amounts):
    """Reads one token list into items. ``unread`` words become ``UNKNOWN`` items."""

    phrases: ClassVar[dict[str, Handler]] = {}
    """What to do with an entry of the lexicon, by category."""
    depth = 0
    """How many items are being read inside one another ("up to at least ...")."""
    particles: ClassVar[dict[str, Particle]] = {}
    """What to do with words that need the words around them."""

    # -- the loop ------------------------------------------------------------------------------

    def scan(self, at: int = 0) -> list[Item]:
        """All items from a place on, in order; every token belongs to exactly one."""
        while at < self.n:
            at = self.one(at)
        return self.out

    def unknown(self, at: int) -> int:
        """Append one token as not understood."""
        return self.add(k.UNKNOWN, at, at + 1, self.raw(at, at + 1), "")

    def one(self, at: int) -> int:
        """Read one item at *at*; return the place after it, which is always further on."""
        if self.depth >= MAX_DEPTH:
            return self.unknown(at)
        self.depth += 1
        end = self.item(at)
        self.depth -= 1
        return end if end > at else self.unknown(at)

    def item(self, at: int) -> int:
        """Read one item at *at*, or return *at* where no production takes it."""
        token = self.tokens[at]
        phrase = longest(LEXICON.main, self.tokens, at)
        if token.kind in ("num", "vulgar", "clock", "date", "frac"):
            if phrase and phrase[0] - at > 1:
                return self.phrase(at, *phrase)
            return self.figures(at)
        special = self.particles.get(token.low)
        if special is not None:
            end = special(self, at)
            if end > at:
                return end
        if phrase and (phrase[0] - at > 1 or token.low not in LEXICON.numbers):
            end = self.phrase(at, *phrase)
            if end > at:
                return end
        span = self.span(at)
        if span:
            return self.led_by_number(at, span)
        if token.low in OPEN:
            return self.bracket(at)
        if token.low in MARKS:
            return self.add(k.MARK, at, at + 1, token.low)
        return self.unit_first(at)

    # -- figures -------------------------------------------------------------------------------

    def figures(self, at: int) -> int:
        """An item that begins with a figure."""
        token = self.tokens[at]
        if token.kind == "date":
            return self.add(k.UNKNOWN, at, at + 1, self.raw(at, at + 1), "")
        if token.kind == "clock":
            return self.clock(at, at, sure=True)
        if token.kind == "frac":
            end = self.slashed(at)
            if end > at:
                return end
        if token.kind == "num" and len(token.low) == 4 and self._is_clock(at):
            return self.clock_or_unknown(at)
        span = self.span(at)
        if span is None:
            return self.add(k.UNKNOWN, at, at + 1, self.raw(at, at + 1), "")
        return self.led_by_number(at, span)

    def _is_clock(self, at: int) -> bool:
        """ "0800", or "1400" after "100mg": four figures that can only be a time."""
        figures = self.low(at)
        if not figures.isdigit() or self.unit_at(at + 1):
            return False
        before = self.out[-1] if self.out else None
        dosed = before is not None and before.kind == k.AMOUNT and before.value.unit in MASS
        return figures[0] == "0" or (dosed and figures[2:] in ("00", "15", "30", "45"))

    def clock_or_unknown(self, at: int) -> int:
        """ "0800": nothing else is written with a zero before it."""
        end = self.clock(at, at, sure=True)
        return end if end > at else self.unknown(at)

    def unit_first(self, at: int) -> int:
        """ "Tabs 2 QDS": the unit before its number."""
        unit = longest(LEXICON.unit, self.tokens, at)
        span = (
            self.span(unit[0]) if unit and unit[1][1] in FORMS and not self.has_amount() else None
        )
        if unit and span and self.unit_at(span[2]) is None and span[1] <= 10:
            mark = len(self.out)
            end = self.led_by_number(unit[0], span)
            made = self.out[mark:]
            if len(made) == 1 and made[0].kind == k.AMOUNT and made[0].value.bare:
                value = made[0].value._replace(unit=unit[1][1])
                del self.out[mark:]
                return self.amount_item(at, end, value)
            del self.out[mark:]
        return self.unknown(at)

    def slashed(self, at: int) -> int:
        """ "5/7", "2/52", "3/12" as lengths of time; "4/24" as every 4 hours."""
        top, bottom = self.low(at).split("/")
        if bottom in SLASHED_DAYS and int(top) > 0:
            days = int(top) * SLASHED_DAYS[bottom]
            return self.add(k.DURATION, at, at + 1, (days, False), f"for {days_words(days)}")
        if bottom == "24" and 0 < int(top) <= 24 and self.low(at - 1) in ("every",):
            return self.every_hours(at, at + 1, Fraction(int(top)), Fraction(int(top)))
        return at

    def clock(self, first: int, at: int, sure: bool) -> int:
        """A clock time at *at*; *first* is where the item begins ("at")."""
        token = self.tokens[at]
        end = at + 1
        if token.kind == "clock":
            hour, minute = token.low.split(":")
        elif token.kind == "num":
            hour, _, minute = token.low.partition(".")
            if not minute and len(hour) == 4 and (sure or self.low(end) in ("hrs", "hours", "h")):
                hour, minute = hour[:2], hour[2:]
            elif not minute:
                minute = "00"
        else:
            return first
        if not hour.isdigit():
            return first
        h = int(hour)
        m = int(minute) if len(minute) == 2 else 99
        marked = False
        if self.low(end) in AMPM:
            if not 1 <= h <= 12:
                return first
            h = h % 12 + (12 if self.low(end) == "pm" else 0)
            end += 1
            marked = True
        elif self.low(end) in ("oclock",) and h <= 12:
            return first
        elif self.low(end) in ("hrs", "hours", "h") and len(token.low) > 2:
            end += 1
            marked = True
        if not (marked or token.kind == "clock" or len(token.low) == 4) or h > 23 or m > 59:
            return first
        label = f"{h:02d}:{m:02d}"
        return self.add(k.TIME, first, end, label if sure else (label, int(h % 12)), f"at {label}")

    def led_by_number(self, at: int, span: Span) -> int:
        """What a number begins: an amount, a frequency, a length of time or a clock time."""
        lo, hi, end, written = span
        low = self.low(end)
        if low in AMPM and lo == hi and written == "figure":
            return self.hour_or_amount(at, end, hi)
        if low in ("hrs", "hours") and len(self.low(at)) == 4 and self.tokens[at].kind == "num":
            done = self.clock(at, at, sure=True)
            if done > at:
                return done
        if low in TIMES:
            return self.times(at, end + 1, lo, hi, written)
        if low == "x":
            done = self.multiplied(at, end, lo, hi, written)
            if done > at:
                return done
        if low == "off" and lo == hi:
            done = self.same_off(at, end, hi)
            if done > at:
                return done
        found = longest(LEXICON.period, self.tokens, end)
        if low == "d" and self.glued(end) and lo == hi and self.out:
            found = (end + 1, ("period", DAY))
        if found:
            done = self.length_of_time(at, end, found, lo, hi)
            if done > at:
                return done
        if (
            low in ("weekly", "monthly", "fortnightly", "yearly", "wkly", "mthly", "quarterly")
            and hi != 1
        ):
            every = {
                "weekly": "weeks",
                "wkly": "weeks",
                "fortnightly": "fortnights",
                "monthly": "months",
                "mthly": "months",
                "quarterly": "quarters",
            }.get(low, "years")
            count = figure(hi) if lo == hi else f"{figure(lo)} to {figure(hi)}"
            return self.ambiguous(
                at, end + 1, f"every {count} {every}", f"{count} each time, {low}"
            )
        return self.amount(at, span)

    def same_off(self, at: int, end: int, count: Fraction) -> int:
        """ "21 days on, 7 off": the length of time is the one before."""
        on = next((i for i in reversed(self.out) if i.kind == k.CYCLE_ON), None)
        if on is None:
            return at
        for place in range(on.first, on.last):
            period = longest(LEXICON.period, self.tokens, place)
            if period:
                days = count * period[1][1]
                return self.add(k.CYCLE_OFF, at, end + 1, days, f"{days_words(days)} without")
        return at

    def hour_or_amount(self, at: int, end: int, value: Fraction) -> int:
        """ "8am" with no "at": a clock time only where it cannot be a number of tablets."""
        before = self.out[-1] if self.out else None
        glued = self.glued(end)
        if glued and (
            (before is not None and self._told_from_amount(before)) or self.low(end + 1) == ":"
        ):
            done = self.clock(at, at, sure=True)
            if done > at:
                return done
        if (
            glued
            and before is not None
            and (
                before.kind in (k.TIME, k.AND, k.OR, k.MARK)
                or (before.kind == k.AMOUNT and before.value.unit is not None)
                or before.kind == k.FREQUENCY
            )
        ):
            done = self.clock(at, at, sure="." in self.low(at))
            if done > at:
                return done
        half = self.low(end)
        return self.ambiguous(
            at, end + 1, f"{figure(value)} in the {'morning' if half == 'am' else 'evening'}",
            f"at {figure(value)}{half}",
        )  # fmt: skip

    def _told_from_amount(self, before: Item) -> bool:
        """Whether "2pm" can only be a time: after "40mg", or in a list of clock times."""
        if before.kind == k.AMOUNT:
            return before.value.unit in MASS
        if before.kind not in (k.TIME, k.AND, k.MARK):
            return False
        clock = False
        for item in reversed(self.out):
            if item.kind == k.TIME and not clock:
                clock = not isinstance(item.value, str) or ":" in item.value or item.value == "noon"
                if not clock:
                    return False
            if item.kind in (k.AMOUNT, k.THEN):
                return item.kind == k.AMOUNT and clock and item.value.unit is not None
        return False

    def times(self, at: int, end: int, lo: Fraction, hi: Fraction, written: str) -> int:
        """ "3 times" and what it is per."""
        found = longest(LEXICON.main, self.tokens, end)
        if found and found[1][0] == "per":
            return self.often(at, found[0], lo, hi, found[1][1], written)
        if self.low(end) == "every" or self.low(end) == "each":
            span = self.span(end + 1)
            if span:
                period = longest(LEXICON.period, self.tokens, span[2])
                if period and span[0] == span[1]:
                    return self.often(at, period[0], lo, hi, span[1] * period[1][1], written)
        if found and found[1][0] in ("manner",) and "meal" in str(found[1][1]):
            return at
        return self.add(k.UNKNOWN, at, end, self.raw(at, end), "")

    # -- lengths of time -----------------------------------------------------------------------

    def length_of_time(
        self, at: int, end: int, found: tuple[int, Any], lo: Fraction, hi: Fraction
    ) -> int:
        """A number with hours, days, weeks ...: an interval, a duration, a gap before food."""
        after, (_, days) = found
        word = self.low(end)
        if word in ("hourly", "hrly"):
            return self.every_hours(at, after, lo, hi)
        if days < DAY:
            return self.gap(at, after, lo, hi, days)
        per = longest(LEXICON.main, self.tokens, after)
        if days == DAY and per and per[1] == ("per", WEEK) and lo == hi and hi <= 7:
            return self.add(k.DAYS_A_WEEK, at, per[0], hi, f"on {figure(hi)} days a week")
        if (
            days == DAY
            and lo == hi
            and self.raw(after, min(after + 4, self.n))
            .lower()
            .startswith(("out of 7", "out of seven", "of the week", "in 7"))
        ):
            width = 3 if self.low(after) in ("out", "of") else 2
            return self.add(k.DAYS_A_WEEK, at, after + width, hi, f"on {figure(hi)} days a week")
        total_lo, total = lo * days, hi * days
        off = longest(LEXICON.main, self.tokens, after)
        if off and off[1] == ("cycle_off", "off") and lo == hi:
            return self.add(k.CYCLE_OFF, at, off[0], total, f"{days_words(total)} without")
        if off and off[1] == ("cycle_off", "on") and lo == hi:
            return self.add(k.CYCLE_ON, at, off[0], total, f"{days_words(total)} with")
        if word == "nights":
            return at
        if self.low(after) == "course":
            after += 1
        if self.low(after) in (
            "ago",
            "old",
            "before",
            "after",
            "prior",
            "per",
            "supply",
            "apart",
            "post",
        ):
            return at
        if self.out and self.out[-1].kind not in (
            k.FREQUENCY, k.TIME, k.MARK, k.PRN, k.MANNER, k.ROUTE, k.WEEKDAYS, k.SITE, k.HARMLESS, k.DIRECTED, k.THEN, k.MAXIMUM, k.EQUIVALENT
        ):  # fmt: skip
            return at
        if not self.out and self.low(after) in ("supply",):
            return at
        return self.add(
            k.DURATION, at, after, (total, total_lo != total), f"for {days_words(total)}"
        )

    def every_hours(self, at: int, end: int, lo: Fraction, hi: Fraction) -> int:
        """Every *lo* to *hi* hours."""
        return self.interval(at, end, lo, hi, HOUR)

    def interval(self, at: int, end: int, lo: Fraction, hi: Fraction, unit: Fraction) -> int:
        """Every *lo* to *hi* lengths of *unit* days."""
        if lo <= 0:
            return self.add(k.UNKNOWN, at, end, self.raw(at, end), "")
        return self.add(k.FREQUENCY, at, end, every(lo, hi, unit), every(lo, hi, unit).label)

    def gap(self, at: int, after: int, lo: Fraction, hi: Fraction, unit: Fraction) -> int:
        """ "30 minutes before food", "1 hour before bed"; other hours are not a dose's own."""
        found = longest(LEXICON.main, self.tokens, after)
        word = "minutes" if unit < HOUR else "hours"
        count = figure(hi) if lo == hi else f"{figure(lo)} to {figure(hi)}"
        name = f"{count} {word if hi != 1 else word[:-1]}"
        if found and found[1][0] == "prn_for" and self.low(after) in ("before", "after"):
            return self.add(
                k.PRN, at, found[0], found[1][1], f"only when needed, for {found[1][1]}"
            )
        if found and found[1][0] in ("manner", "time"):
            what = str(found[1][1])
            if what == "bedtime" and self.low(after) == "before":
                return self.add(k.TIME, at, found[0], f"{name} before bedtime", "when")
            if what == "waking" and self.low(after) == "after":
                return self.add(k.TIME, at, found[0], f"{name} after waking", "when")
            if what.startswith(("before ", "after ")):
                kind = k.MANNER if found[1][0] == "manner" else k.TIME
                return self.add(kind, at, found[0], f"{name} {what}", "when")
        if self.low(after) == "apart":
            return self.add(k.HARMLESS, at, after + 1, None)
        return at

    def bracket(self, at: int) -> int:
        """A bracket: an equivalent of the amount before, a side, an indication, or a mere mark."""
        close = OPEN[self.low(at)]
        if self.has_amount():
            end = self.equivalent(at)
            if end > at:
                return end
        side = {"r": "right", "l": "left"}.get(self.low(at + 1))
        place = self.low(at + 3)
        if side and self.low(at + 2) == close and place in ("eye", "ear"):
            return self.add(k.SITE, at, at + 4, f"{side} {place}", f"where: {side} {place}")
        what = longest(LEXICON.nouns, self.tokens, at + 1)
        if what and self.low(what[0]) == close:
            words = " ".join(self.raw(at + 1, what[0]).lower().split())
            return self.add(k.INDICATION, at, what[0] + 1, words, f"what it is for: {words}")
        return self.add(k.MARK, at, at + 1, self.low(at))

    # -- phrases -------------------------------------------------------------------------------

    def phrase(self, at: int, end: int, entry: tuple[str, Any]) -> int:
        """An item that the lexicon names."""
        category, value = entry
        return self.phrases[category](self, at, end, value)


@lru_cache(maxsize=1024)
def every(lo: Fraction, hi: Fraction, unit: Fraction) -> Often:
    """Every *lo* to *hi* lengths of *unit* days, as times per days.

    Hours that divide a day, and ranges of hours, become times a day; others one time per length.
    """
    word = {HOUR: "hour", DAY: "day", WEEK: "week"}.get(unit, "month" if unit > 14 else "fortnight")
    count = figure(hi) if lo == hi else f"{figure(lo)} to {figure(hi)}"
    label = f"every {count} {word}{'' if hi == 1 else 's'}"
    short, long = lo * unit, hi * unit
    if long <= 1:
        return Often(1 / long, 1 / short, DAY, False, True, label)
    if short == long:
        return Often(DAY, DAY, long, False, True, label)
    return Often(DAY, long / short, long, False, True, label)

"""Productions for amounts: a number with its unit, strength, multiple or equivalent."""

from __future__ import annotations

from fractions import Fraction

from counterfoil.dosage import items as k
from counterfoil.dosage.arithmetic import convert
from counterfoil.dosage.cursor import DAY, FORMS, MASS, MEASURED, OPEN, TIMES, WEEK, Cursor, Span
from counterfoil.dosage.items import Often, Quantity
from counterfoil.dosage.lexicon import LEXICON, longest
from counterfoil.dosage.words import amount_words, days_words, figure

_FEW = frozenset({"tablet", "capsule", "sachet", "patch", "suppository", "puff", "spray"})
_ROUTE_WORDS = {
    "vaginal": "vaginal", "sublingual": "sublingual", "sl": "sublingual", "buccal": "buccal",
}  # fmt: skip
"""Words between a number and its unit that say the route: "one vaginal tablet"."""
MANY = 20
"""More of a counted form than this at one time is left to a person."""


class Amounts(Cursor):
    """Reads amounts."""

    inside = False
    """Whether an amount in brackets is being read: those do not nest."""
    eye = False
    """Whether the product is for the eye."""

    def led_by_number(self, at: int, span: Span) -> int:
        """What a number begins; the scanner knows."""
        raise NotImplementedError

    def amount(self, at: int, span: Span) -> int:
        """A number or range with the unit that follows it."""
        lo, hi, end, written = span
        while self.low(end) in ("of", "x") and longest(LEXICON.unit, self.tokens, end + 1):
            end += 1
        if written in ("half", "slashed", "vulgar") and self.low(end) in ("a", "an"):
            end += 1
        elif (
            written in ("half", "slashed", "vulgar")
            and self.low(end) == "of"
            and self.low(end + 1) in ("a", "an", "one", "1")
        ):
            end += 2
        sized = self.sized_form(end)
        if sized:
            stop, size, unit, form = sized
            if form == "spoonful" or (form == "dose" and lo == hi == 1):
                return self.amount_item(
                    at, stop, Quantity(lo * size, hi * size, unit, None, False, written)
                )
            if form == "dose":
                return self.ambiguous(at, stop, "so many at each time", "so many in all")
            return self.amount_item(at, stop, Quantity(lo, hi, form, (size, unit), False, written))
        unit_at = self.unit_at(end)
        if unit_at is None:
            if end < self.n and self.tokens[end].kind == "num" and not self._counts(end, written):
                return self.add(k.UNKNOWN, at, end, self.raw(at, end), "")
            return self.bare_amount(at, end, lo, hi, written)
        stop, unit = unit_at
        if unit == "dose" and written in ("half", "vulgar", "slashed"):
            return self.ambiguous(at, stop, "a part of one dose", "a part of the usual dose")
        if unit in MASS:
            if lo == hi and self.low(stop) in ("-", "to") and written == "figure":
                other = self.value(stop + 1)
                again = self.unit_at(other[1]) if other else None
                most = convert(other[0], again[1], unit) if other and again else None
                if again and most is not None and most > lo:
                    return self.measured(at, again[0], lo, most, unit, "figure")
            return self.measured(at, stop, lo, hi, unit, written)
        if (
            written == "slashed"
            and self.low(stop - 1).endswith("s")
            and not self.low(end).startswith("a")
        ):
            top = self.low(at).replace("/", " or ")
            return self.ambiguous(at, stop, f"{top} {unit}s", f"a fraction of a {unit}")
        route = _ROUTE_WORDS.get(self.low(end)) if stop - end > 1 else None
        done = self.amount_item(at, stop, Quantity(lo, hi, unit, None, False, written))
        return self.add(k.ROUTE, done, done, route, f"route: {route}") if route else done

    def _counts(self, at: int, written: str) -> bool:
        """Whether the number at *at* is how often or when, after an amount ("one 3 times")."""
        span = self.span(at) if written in ("word", "dashed") else None
        if span is None:
            return False
        follow = self.low(span[2])
        if follow in TIMES or follow in ("hourly", "hrly") or (follow == "x" and span[3] != "word"):
            return True
        period = longest(LEXICON.period, self.tokens, span[2])
        return period is not None and self.low(period[0]) in ("before", "after")

    def measured(
        self, at: int, stop: int, lo: Fraction, hi: Fraction, unit: str, written: str
    ) -> int:
        """A weight, volume or number of units; a form after it makes it a strength."""
        if (
            self.low(stop) in ("/", "per")
            and self.low(stop + 1)
            not in (
                "day",
                "24",
                "week",
                "dose",
            )
            and not longest(LEXICON.main, self.tokens, stop)
        ):
            return self.per_something(at, stop, lo, hi, unit, written)
        if written == "half" and self.form_at(stop) is None:
            return self.ambiguous(at, stop, f"half of {unit}", "half a tablet")
        form = self.form_at(stop)
        if form and unit != "ml":
            if lo != hi and not (self.low(at + 1) != "-" and written == "word"):
                return self.ambiguous(
                    at, form[0], "a range", f"a number of {form[1]}s of one strength"
                )
            if form[1] in ("dose", "injection", "spoonful"):
                return self.amount_item(at, form[0], Quantity(lo, hi, unit, None, False, written))
            if self.low(stop) in ("neb", "nebs"):
                self.amount_item(at, stop, Quantity(lo, hi, unit, None, False, written))
                return self.add(k.ROUTE, stop, form[0], "nebulised", "route: nebulised")
            return self.amount_item(
                at, form[0], Quantity(lo, hi, unit, None, False, f"strength {form[1]}")
            )
        if form and form[1] == "spoonful":
            return self.amount_item(at, form[0], Quantity(lo, hi, unit, None, False, written))
        return self.amount_item(at, stop, Quantity(lo, hi, unit, None, False, written))

    def per_something(
        self, at: int, stop: int, lo: Fraction, hi: Fraction, unit: str, written: str
    ) -> int:
        """ "25 micrograms/hour patch" is a strength; "15mg/kg" is not an amount that can be read."""
        after = stop + 1
        if self.low(after) in ("hour", "hr", "h", "actuation") or self.low(after) == "hours":
            form = self.form_at(after + 1)
            if form and form[1] in ("patch", "puff"):
                return self.amount_item(
                    at,
                    form[0],
                    Quantity(Fraction(1), Fraction(1), form[1], (hi, unit), False, "strength"),
                )
        return self.add(
            k.UNKNOWN, at, min(after + 1, self.n), self.raw(at, min(after + 1, self.n)), ""
        )

    def form_at(self, at: int) -> tuple[int, str] | None:
        """A dose form at *at*, adjectives passed over: "dispersible tablets"."""
        while True:
            adjective = longest(LEXICON.adjective, self.tokens, at)
            if not adjective:
                break
            unit = longest(LEXICON.unit, self.tokens, adjective[0])
            again = longest(LEXICON.adjective, self.tokens, adjective[0])
            if not unit and not again:
                return None
            at = adjective[0]
        unit = longest(LEXICON.unit, self.tokens, at)
        if unit and unit[1][1] in FORMS:
            return unit[0], unit[1][1]
        return None

    def sized_form(self, at: int) -> tuple[int, Fraction, str, str] | None:
        """ "5ml spoonful", "500 mg tablets", "25 micrograms/hour patch" after a number."""
        if at >= self.n or self.tokens[at].kind != "num":
            return None
        size = self.plain_value(at)
        if size is None:
            return None
        unit = longest(LEXICON.unit, self.tokens, size[1])
        if not unit or unit[1][1] not in MEASURED:
            return None
        end = unit[0]
        if self.low(end) == "/" and self.low(end + 1) in ("hour", "hr", "h"):
            end += 2
        form = self.form_at(end)
        if form is None:
            return None
        return form[0], size[0], unit[1][1], form[1]

    def unit_at(self, at: int) -> tuple[int, str] | None:
        unit = longest(LEXICON.unit, self.tokens, at)
        if unit:
            if unit[1][1] == "tablet" and self.low(unit[0]) == "/" and self.low(unit[0] + 1) == "s":
                return unit[0] + 2, "tablet"
            return unit[0], unit[1][1]
        end = at
        while True:
            adjective = longest(LEXICON.adjective, self.tokens, end)
            if not adjective:
                break
            end = adjective[0]
        if end > at:
            unit = longest(LEXICON.unit, self.tokens, end)
            if unit:
                return unit[0], unit[1][1]
        low = self.low(at)
        if low == "t" and self.glued(at):
            return at + 1, "tablet"
        return None

    def bare_amount(self, at: int, end: int, lo: Fraction, hi: Fraction, written: str) -> int:
        """A number without a unit."""
        if written == "slashed":
            words = self.low(at)
            return self.ambiguous(at, end, words.replace("/", " or "), "a fraction")
        if hi > 10:
            return self.add(k.UNKNOWN, at, end, self.raw(at, end), "")
        return self.amount_item(at, end, Quantity(lo, hi, None, None, False, written))

    def amount_item(self, at: int, end: int, value: Quantity) -> int:
        """Append an amount; one in brackets straight after another is its equivalent."""
        if value.high <= 0 or (value.unit in _FEW and value.high > MANY):
            return self.add(k.UNKNOWN, at, end, self.raw(at, end), "")
        self.add(
            k.AMOUNT, at, end, value, "amount: " + amount_words(value.low, value.high, value.unit)
        )
        done = self.equivalent(end)
        return done if done > end else end

    def equivalent(self, at: int) -> int:
        """ "(500mg)", "= 15 mg" after an amount."""
        opened = self.low(at)
        if self.inside:
            return at
        if opened in OPEN:
            start, close = at + 1, OPEN[opened]
        elif opened == "=":
            start, close = at + 1, ""
        else:
            return at
        if self.low(start) in ("=", "as", "ie"):
            start += 1
        if self.low(start) == "total" and self.low(start + 1) == "dose":
            start += 2
        span = self.span(start)
        if span is None:
            return at
        mark = len(self.out)
        self.inside = True
        end = self.led_by_number(start, span)
        self.inside = False
        made = self.out[mark:]
        del self.out[mark:]
        if len(made) != 1 or made[0].kind != k.AMOUNT or made[0].value.bare:
            return at
        if close:
            if self.low(end) in ("dose", "in", "total") and self.low(end + 1) == close:
                end += 1
            if self.low(end) != close:
                return at
            end += 1
        quantity: Quantity = made[0].value
        label = "the same as " + amount_words(quantity.low, quantity.high, quantity.unit)
        return self.add(k.EQUIVALENT, at, end, quantity, label)

    def multiplied(self, at: int, end: int, lo: Fraction, hi: Fraction, written: str) -> int:
        """ "2 x 5ml", "3 x daily", "1 x tablet"."""
        after = end + 1
        found = longest(LEXICON.main, self.tokens, after)
        often = bool(found and found[1][0] == "per") or self.low(after) in ("day", "week")
        if often and not self.has_amount() and self.takes_amount():
            stop = found[0] if found else after + 1
            return self.ambiguous(at, stop, f"{figure(hi)} times", f"{figure(hi)} at one time")
        if found and found[1][0] == "per":
            return self.often(at, found[0], lo, hi, found[1][1], written)
        if self.low(after) in ("day", "week"):
            days = DAY if self.low(after) == "day" else WEEK
            return self.often(at, after + 1, lo, hi, days, written)
        if self.low(after) in TIMES:
            return at
        unit = longest(LEXICON.unit, self.tokens, after)
        if unit:
            return self.amount_item(at, unit[0], Quantity(lo, hi, unit[1][1], None, False, written))
        second = self.value(after)
        if second is None:
            if found and found[1][0] in ("frequency", "verb", "time"):
                return self.amount_item(at, after, Quantity(lo, hi, None, None, False, written))
            return at
        size, then, _ = second
        if self.low(then) in TIMES:
            return self.amount_item(at, after, Quantity(lo, hi, None, None, False, written))
        unit = longest(LEXICON.unit, self.tokens, then)
        if not unit or unit[1][1] not in MEASURED:
            return self.add(k.UNKNOWN, at, then, self.raw(at, then), "")
        form = self.form_at(unit[0])
        if form and form[1] != "spoonful":
            value = Quantity(lo, hi, form[1], (size, unit[1][1]), False, written)
            return self.amount_item(at, form[0], value)
        stop = form[0] if form else unit[0]
        spoon = form is not None or unit[1][1] == "ml"
        value = Quantity(lo * size, hi * size, unit[1][1], None, not spoon, written)
        return self.amount_item(at, stop, value)

    def often(
        self, at: int, end: int, lo: Fraction, hi: Fraction, days: Fraction, written: str
    ) -> int:
        """A number of times per length of time."""
        if written in ("spaced", "dashed") and not self.has_amount() and self.takes_amount():
            words = f"{figure(lo)} to {figure(hi)} times"
            return self.ambiguous(at, end, words, f"{figure(lo)}, and {figure(hi)} times")
        if lo.denominator != 1 or hi.denominator != 1 or hi == 0:
            return self.add(k.UNKNOWN, at, end, self.raw(at, end), "")
        label = Often(lo, hi, days)
        return self.add(k.FREQUENCY, at, end, label, often_label(label))

    def has_amount(self) -> bool:
        """Whether an amount stands before, in the same step."""
        for item in reversed(self.out):
            if item.kind in (k.AMOUNT, k.THEN):
                return bool(item.kind == k.AMOUNT)
        return False

    def takes_amount(self) -> bool:
        return not any(i.kind == k.VERB and i.value in ("apply", "use", "wash") for i in self.out)


def often_label(often: Often) -> str:
    high = figure(often.high)
    count = {"1": "once", "2": "twice"}.get(high, f"{high} times")
    if often.low is None:
        count = f"up to {high} times"
    elif often.low != often.high:
        count = f"{figure(often.low)} to {high} times"
    return f"{count} in {days_words(often.days)}"

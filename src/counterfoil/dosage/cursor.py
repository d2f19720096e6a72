"""A place in a token list: numbers and ranges of numbers, and the items made so far."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any, TypeAlias

from counterfoil.dosage import items as k
from counterfoil.dosage.items import Item
from counterfoil.dosage.lexicon import LEXICON
from counterfoil.dosage.tokens import Token

HALF = Fraction(1, 2)
DAY = Fraction(1)
HOUR = Fraction(1, 24)
WEEK = Fraction(7)
_VULGAR = {
    "¼": Fraction(1, 4),
    "½": HALF,
    "¾": Fraction(3, 4),
    "⅓": Fraction(1, 3),
    "⅔": Fraction(2, 3),
    "⅛": Fraction(1, 8),
}
SLASHED_DAYS = {"7": DAY, "52": WEEK, "12": Fraction(487, 16)}
MEASURED = frozenset({"mg", "microgram", "nanogram", "g", "ml", "litre", "unit", "mmol"})
MASS = frozenset({"mg", "microgram", "nanogram", "g", "unit", "mmol", "ml"})
TIMES = frozenset({"times", "time", "tims", "tiems"})
AMPM = frozenset({"am", "pm"})
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
OPEN = {"(": ")", "[": "]"}
MARKS = frozenset(".,;:-()[]/|*#!\"'`~_<>…")
ROMAN = {"i": 1, "ii": 2, "iii": 3, "t": 1, "tt": 2, "ttt": 3}
SHORTHAND = frozenset({"od", "bd", "tds", "qds", "bid", "tid", "qid", "nocte", "mane", "om", "prn"})
AFTER_ON = frozenset({"prn", "and", "for", "then", "as", "when", "if", "only", "by", "with"})
FORMS = frozenset(
    {"tablet", "capsule", "sachet", "patch", "suppository", "pessary", "ampoule", "vial", "nebule",
     "lozenge", "spoonful", "puff", "injection", "syringe", "pen", "film", "plaster", "dose"}
)  # fmt: skip

Span: TypeAlias = tuple[Fraction, Fraction, int, str]
"""A number or range: low, high, the token after it, and how it was written."""


@lru_cache(maxsize=4096)
def _number(text: str) -> Fraction:
    return Fraction(text.replace(",", ""))


class Cursor:
    """A token list, its text, and the items read from it so far."""

    def __init__(self, tokens: list[Token], text: str) -> None:
        self.tokens = tokens
        self.text = text
        self.n = len(tokens)
        self.out: list[Item] = []

    def low(self, at: int) -> str:
        """The word at a place, empty past the end."""
        return self.tokens[at].low if at < self.n else ""

    def glued(self, at: int) -> bool:
        """Whether the token at *at* follows the one before it without a space."""
        return 0 < at < self.n and self.tokens[at].start == self.tokens[at - 1].end

    def raw(self, first: int, last: int) -> str:
        """The text of some tokens, as written."""
        if first >= last or first >= self.n:
            return ""
        return self.text[self.tokens[first].start : self.tokens[last - 1].end]

    def add(self, kind: str, first: int, last: int, value: Any = None, label: str = "") -> int:
        """Append an item and return the place after it."""
        self.out.append(Item(kind, first, last, value, label or k.LABELS.get(kind, kind)))
        return last

    def ambiguous(self, first: int, last: int, one: str, other: str) -> int:
        """Append an item that can be read two ways."""
        words = self.raw(first, last)
        return self.add(
            k.AMBIGUOUS,
            first,
            last,
            f'"{words}" can be read two ways: {one}, or {other}',
            "two ways",
        )

    def value(self, at: int) -> tuple[Fraction, int, str] | None:
        """One number, in figures, words or fractions; with "ONE (1)" read once."""
        got = self.plain_value(at)
        if got is None:
            return None
        value, end, written = got
        if self.low(end) in OPEN and self.low(end + 2) == OPEN[self.low(end)]:
            again = self.plain_value(end + 1)
            if again and again[1] == end + 2 and again[0] == value:
                end += 3
        return value, end, written

    def plain_value(self, at: int) -> tuple[Fraction, int, str] | None:
        if at >= self.n:
            return None
        token = self.tokens[at]
        if token.kind == "num":
            if token.low.endswith(".000"):
                return None  # one, or a thousand in the continental way
            value = _number(token.low)
            return (*self._and_a_half(value, at + 1), "figure")
        if token.kind == "vulgar":
            return _VULGAR[token.low], at + 1, "vulgar"
        if token.kind == "frac":
            top, bottom = token.low.split("/")
            if bottom in ("2", "3", "4") and 0 < int(top) < int(bottom):
                return Fraction(int(top), int(bottom)), at + 1, "slashed"
            return None
        if token.kind != "word":
            return None
        return self._word_value(at)

    def _word_value(self, at: int) -> tuple[Fraction, int, str] | None:
        low = self.low(at)
        if low in ("half", "quarter"):
            return (HALF if low == "half" else Fraction(1, 4)), at + 1, "half"
        if low in ("a", "an") and self.low(at + 1) in ("half", "quarter"):
            return (HALF if self.low(at + 1) == "half" else Fraction(1, 4)), at + 2, "half"
        if low in ("three", "3") and self.low(at + 1) in ("quarters", "quarter"):
            return Fraction(3, 4), at + 2, "half"
        group = self._below_thousand(at)
        if group is None:
            return None
        value, end = group
        if self.low(end) == "thousand":
            value, end = value * 1000, end + 1
            joined = self.low(end) == "and"
            rest = self._below_thousand(end + joined)
            if rest is not None and (joined or rest[0] >= 100):
                value, end = value + rest[0], rest[1]
        return (*self._and_a_half(value, end), "word")

    def _below_thousand(self, at: int) -> tuple[Fraction, int] | None:
        """ "seven", "twenty-five", "two hundred and fifty"."""
        small = self._below_hundred(at)
        if small is None:
            return None
        value, end = small
        if self.low(end) == "hundred" and value < 100:
            value, end = value * 100, end + 1
        if self.low(end - 1) == "hundred" and self.low(end) == "and":
            rest = self._below_hundred(end + 1)
            if rest is not None and rest[0] < 100:
                return value + rest[0], rest[1]
        return value, end

    def _below_hundred(self, at: int) -> tuple[Fraction, int] | None:
        value = LEXICON.numbers.get(self.low(at))
        if value is None:
            return None
        end = at + 1
        if 20 <= value < 100:
            joined = self.low(end) == "-" and self.glued(end) and self.glued(end + 1)
            follow = LEXICON.numbers.get(self.low(end + joined))
            if follow is not None and 0 < follow < 10:
                return value + follow, end + joined + 1
        return value, end

    def _and_a_half(self, value: Fraction, at: int) -> tuple[Fraction, int]:
        if value.denominator != 1:
            return value, at
        token = self.tokens[at] if at < self.n else None
        if token is not None and token.kind == "vulgar":
            return value + _VULGAR[token.low], at + 1
        if token is not None and token.kind == "frac" and token.low in ("1/2", "1/4", "3/4"):
            top, bottom = token.low.split("/")
            return value + Fraction(int(top), int(bottom)), at + 1
        if self.low(at) in ("and", "&"):
            at2 = at + 2 if self.low(at + 1) == "a" else at + 1
            low = self.low(at2)
            if low in ("half", "1/2", "½") and not (low == "half" and self._new_half(at2)):
                return value + HALF, at2 + 1
            if low in ("quarter", "1/4", "¼"):
                return value + Fraction(1, 4), at2 + 1
            if low == "three" and self.low(at2 + 1) == "quarters":
                return value + Fraction(3, 4), at2 + 2
        return value, at

    def _new_half(self, at: int) -> bool:
        """Whether "half" at *at* begins an amount of its own ("half a tablet", "half at night")."""
        after = self.low(at + 1)
        return after in ("a", "an", "at", "in", "of") and self.low(at - 1) != "a"

    def span(self, at: int) -> Span | None:
        """A number or a range of numbers."""
        if self.low(at) == "between":
            first = self.value(at + 1)
            if first and self.low(first[1]) == "and":
                second = self.value(first[1] + 1)
                if second and second[0] > first[0]:
                    return first[0], second[0], second[1], first[2]
            return None
        first = self.value(at)
        if first is None:
            return None
        value, end, written = first
        low = self.low(end)
        if low in ("-", "to", "or"):
            second = self.value(end + 1)
            if second and second[0] > value:
                how = second[2] if written == "slashed" else written
                if low == "-":
                    how = "dashed" if self.glued(end) else "spaced"
                return value, second[0], second[1], how
            if second and low in ("-", "or"):
                return None if second[0] == value else (value, value, end, written)
        return value, value, end, written

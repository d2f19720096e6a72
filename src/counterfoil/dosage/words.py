"""Numbers, amounts and lengths of time in plain English."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

MONTH = Fraction(487, 16)
YEAR = MONTH * 12
_NO_PLURAL = frozenset({"mg", "ml", "g", "mmol", "cm"})
_PLURALS = {
    "patch": "patches",
    "suppository": "suppositories",
    "pessary": "pessaries",
    "fingertip_unit": "fingertip units",
}
_HALVES = {
    Fraction(1, 2): "1/2",
    Fraction(1, 4): "1/4",
    Fraction(3, 4): "3/4",
    Fraction(1, 3): "1/3",
    Fraction(2, 3): "2/3",
}


@lru_cache(maxsize=4096)
def figure(value: Fraction) -> str:
    """A number in figures: whole, decimal where it ends, else a fraction."""
    if value.denominator == 1:
        return str(value.numerator)
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest == 1:
        return f"{float(value):.9f}".rstrip("0")
    return f"{value.numerator}/{value.denominator}"


def unit_words(unit: str, many: bool) -> str:
    """A unit in words, in the singular or plural."""
    if unit in _NO_PLURAL:
        return unit
    if not many:
        return unit.replace("_", " ")
    return _PLURALS.get(unit, unit + "s")


def amount_words(low: Fraction | None, high: Fraction, unit: str | None) -> str:
    """An amount at one time: "1 to 2 tablets", "up to 4 puffs"."""
    count = figure(high)
    if low is None:
        count = f"up to {count}"
    elif low != high:
        count = f"{figure(low)} to {count}"
    if unit is None:
        return count
    return f"{count} {unit_words(unit, high > 1)}"


def days_words(days: Fraction) -> str:
    """A length of time: "1 day", "2 weeks", "3 months"."""
    for size, word in ((YEAR, "year"), (MONTH, "month"), (Fraction(7), "week")):
        if days >= size and (days / size).denominator == 1 and not (word == "week" and days == 7):
            count = days / size
            return f"{count} {word}{'' if count == 1 else 's'}"
    if days < 1:
        hours = days * 24
        if hours.denominator == 1:
            return f"{hours} hour{'' if hours == 1 else 's'}"
        minutes = hours * 60
        if minutes.denominator == 1:
            return f"{minutes} minute{'' if minutes == 1 else 's'}"
    return f"{figure(days)} day{'' if days == 1 else 's'}"

"""Strengths as a release codes them: exact numbers, and a normal form in which equals are equal."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

from counterfoil.terminology.strengths import UNITS

_BASE: dict[str, tuple[Fraction, str]] = {
    "kg": (Fraction(10**9), "microgram"),
    "g": (Fraction(10**6), "microgram"),
    "mg": (Fraction(1000), "microgram"),
    "microgram": (Fraction(1), "microgram"),
    "micrograms": (Fraction(1), "microgram"),
    "nanogram": (Fraction(1, 1000), "microgram"),
    "litre": (Fraction(1000), "ml"),
    "ml": (Fraction(1), "ml"),
    "microlitre": (Fraction(1, 1000), "ml"),
    "nanolitre": (Fraction(1, 10**6), "ml"),
    "mol": (Fraction(1000), "mmol"),
    "mmol": (Fraction(1), "mmol"),
    "micromol": (Fraction(1, 1000), "mmol"),
    "mega u": (Fraction(10**6), "unit"),
    "GBq": (Fraction(10**6), "kBq"),
    "MBq": (Fraction(1000), "kBq"),
    "kBq": (Fraction(1), "kBq"),
}
_PERCENT = {
    "%w/v": (Fraction(10**4), "microgram", "ml"),
    "%w/w": (Fraction(1, 100), "microgram", "microgram"),
    "%v/v": (Fraction(1, 100), "ml", "ml"),
}
"""One per cent: 1 g in 100 ml, 1 g in 100 g, 1 ml in 100 ml."""


def exact(value: Fraction) -> str:
    """A number as text that ``Fraction`` reads back: a decimal where one is exact, else ``1/3``."""
    rest, places = value.denominator, 0
    while rest % 10 == 0 or rest % 2 == 0 or rest % 5 == 0:
        rest //= 10 if rest % 10 == 0 else 2 if rest % 2 == 0 else 5
        places += 1
    if rest != 1:
        return str(value)
    if not places:
        return str(value.numerator)
    digits = str(value.numerator * 10**places // value.denominator).rjust(places + 1, "0")
    return f"{digits[:-places]}.{digits[-places:]}".rstrip("0").rstrip(".")


@lru_cache(maxsize=65_536)
def number(text: str) -> Fraction:
    """The exact value of a release's number: ``23.2``, ``5``, ``1E-3``."""
    return Fraction(text)


@lru_cache(maxsize=4096)
def _base(unit: str) -> tuple[Fraction, str]:
    """The factor and the base unit of a plain unit; a unit that is not known is its own base.

    A count may stand before it: ``24 hours`` is 24 times ``hour``.
    """
    count, _, word = unit.strip().partition(" ")
    if word and count.isdigit():
        factor, base = _base(word)
        return int(count) * factor, base
    unit = unit.strip()
    known = UNITS.get(unit.lower(), unit)
    return _BASE.get(unit) or _BASE.get(known) or (Fraction(1), known)


@lru_cache(maxsize=65_536)
def normal(
    numerator: str | None,
    unit: str | None,
    denominator: str | None = None,
    denominator_unit: str | None = None,
) -> tuple[str, str] | None:
    """A strength as one exact amount and one unit, equal for equal strengths however coded.

    3 mg in 1 ml and 6 mg in 2 ml are both ``("3000", "microgram/ml")``; 1 g is ``("1000000",
    "microgram")``. None where it states no amount or unit, or nothing can be divided by it. Units
    and IU count as one unit, as in the names of products.
    """
    if numerator is None or unit is None:
        return None
    value = number(numerator)
    below, below_unit = Fraction(1), ""
    if unit in _PERCENT:
        factor, top, below_unit = _PERCENT[unit]
    else:
        top_text, slash, bottom_text = unit.partition("/")
        factor, top = _base(top_text)
        if slash:
            below, below_unit = _base(bottom_text)
    value *= factor
    if denominator is not None or denominator_unit is not None:
        if below_unit or denominator_unit is None:
            return None
        factor, below_unit = _base(denominator_unit)
        below = number(denominator or "1") * factor
    if not below:
        return None
    return exact(value / below), f"{top}/{below_unit}" if below_unit else top

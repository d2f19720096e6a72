"""Quantities in the unit of the dose, and how much is used a day."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from counterfoil.dosage import Dose, ProductLike, Step, convert, sites, step_per_day
from counterfoil.dosage.lexicon import LEXICON, longest
from counterfoil.dosage.product import View, view_of
from counterfoil.dosage.tokens import tokenise

COUNTED = frozenset(
    {"tablet", "capsule", "sachet", "patch", "plaster", "suppository", "pessary", "lozenge",
     "pastille", "ampoule", "vial", "nebule", "syringe", "pen", "enema", "film"}
)  # fmt: skip
"""Units of a quantity that a dose without a unit ("one daily") can only be counting."""

_MASS = frozenset({"mg", "microgram", "nanogram", "g"})


@dataclass(frozen=True, slots=True)
class Range:
    """Units a day, from ``low`` to ``high``, in the unit of the quantity."""

    low: Fraction
    high: Fraction


@dataclass(frozen=True, slots=True)
class DayRange:
    """How many days something lasts. ``high`` ``None``: no limit can be told (taken when needed).

    ``stated`` is true where the source said the length and it was not worked out.
    """

    low: Fraction
    high: Fraction | None
    stated: bool = False


@lru_cache(maxsize=4096)
def unit_of(text: str | None) -> str | None:
    """The unit that a quantity's words name: ``"tablet(s)"``, ``"mls"``; ``None`` where unknown."""
    if not text or len(text) > 200:
        return None
    tokens = tokenise(text, LEXICON.ranged)
    found = longest(LEXICON.unit, tokens, 0)
    if found is None or found[0] != len(tokens):
        return None
    return str(found[1][1])


@lru_cache(maxsize=4096)
def read_quantity(text: str) -> tuple[Fraction, str | None] | None:
    """A quantity with its unit: ``"28 tablet(s)"``, ``"2 x 28"``, ``"100 mls"``.

    ``None`` where the words are not wholly understood; the unit is ``None`` where none is written.
    """
    if len(text) > 200:
        return None
    tokens = tokenise(text, LEXICON.ranged)
    if not tokens or tokens[0].kind != "num":
        return None
    value = Fraction(tokens[0].low.replace(",", ""))
    at = 1
    if len(tokens) > 2 and tokens[1].low in ("x", "*") and tokens[2].kind == "num":
        value *= Fraction(tokens[2].low.replace(",", ""))
        at = 3
    if at == len(tokens):
        return value, None
    found = longest(LEXICON.unit, tokens, at)
    if found is None or found[0] != len(tokens):
        return None
    return value, str(found[1][1])


def _per_unit(step: Step, unit: str, view: View | None) -> tuple[Fraction | None, str | None]:
    """How many units of the quantity one unit of the dose is, or why that cannot be told."""
    if step.unit is None:
        if unit in COUNTED:
            return Fraction(1), None
        return None, f"the dose has no unit and the quantity is in {unit}"
    same = convert(Fraction(1), step.unit, unit)
    if same is not None:
        return same, None
    if unit == "dose" and step.unit in ("puff", "spray", "inhalation"):
        return Fraction(1), None
    if step.unit in _MASS and view is not None and len(view.ingredients) == 1:
        strength = view.strengths[0] if view.strengths else None
        if strength is not None and strength.unit in _MASS:
            mass = convert(Fraction(1), step.unit, strength.unit)
            counted = strength.denominator is None and unit == view.unit_dose
            liquid = strength.denominator_unit == unit == "ml"
            if mass is not None and (counted or liquid):
                return mass * (strength.denominator or 1) / strength.numerator, None
    return None, f"the dose is in {step.unit} and the quantity in {unit}"


def daily_use_why(
    dose: Dose, quantity_unit: str | None, product: ProductLike = None
) -> tuple[Range | None, str | None]:
    """Units used a day in the unit of the quantity, or why that is not known.

    As-needed doses range from nothing. "In each eye" counts twice. Source: notes on repeats 1.2.
    """
    if dose.status != "read":
        return None, "the dose is not read"
    if dose.per_day is None:
        return None, dose.reasons[-1] if dose.reasons else "the dose has no amount a day"
    view = view_of(product)
    unit = unit_of(quantity_unit)
    if unit is None and quantity_unit is None and view is not None:
        unit = view.unit_dose or None
    if unit is None:
        return None, "the unit of the quantity is not known"
    low = high = Fraction(0)
    for step in dose.steps:
        amount, why = step_per_day(step)
        if amount is None:
            return None, why
        one, why = _per_unit(step, unit, view)
        if one is None:
            return None, why
        fewest, most = sites(step)
        low += amount.low * one * fewest
        high += amount.high * one * most
    if high <= 0:
        return None, "the dose is nothing"
    return Range(low, high), None


def daily_use(dose: Dose, quantity_unit: str | None, product: ProductLike = None) -> Range | None:
    """As :func:`daily_use_why`, without the reason."""
    return daily_use_why(dose, quantity_unit, product)[0]


def supply_days(quantity: Fraction | Decimal | int, use: Range) -> DayRange:
    """How many days *quantity* lasts at *use*; no upper limit where the use may be nothing."""
    amount = Fraction(quantity)
    return DayRange(amount / use.high, amount / use.low if use.low > 0 else None)

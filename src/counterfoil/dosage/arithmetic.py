"""Amounts a day in exact fractions, and the comparison of two doses."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal, TypeAlias

from counterfoil.dosage.model import Amount, Dose, Step
from counterfoil.dosage.product import ProductLike, View, view_of

Comparison: TypeAlias = Literal[
    "equal", "up", "down", "overlaps", "schedule_only", "not_comparable"
]

ZERO = Fraction(0)
_MASS = {
    "nanogram": Fraction(1, 1000),
    "microgram": Fraction(1),
    "mg": Fraction(1000),
    "g": Fraction(10**6),
    "kg": Fraction(10**9),
}
_VOLUME = {"ml": Fraction(1), "litre": Fraction(1000)}
_SAME_UNIT = {"actuation": "puff", "inhalation": "puff"}


def convert(value: Fraction, unit: str | None, to: str | None) -> Fraction | None:
    """*value* in another unit of the same kind; ``None`` where that has no meaning."""
    unit = _SAME_UNIT.get(unit, unit) if unit else unit
    to = _SAME_UNIT.get(to, to) if to else to
    if unit == to:
        return value
    for table in (_MASS, _VOLUME):
        if unit in table and to in table:
            return value * table[unit] / table[to]
    return None


def step_per_day(step: Step) -> tuple[Amount | None, str | None]:
    """The amount a day while the step holds, or why there is none.

    A cycle counts over its whole length. A medicine taken when needed ranges from nothing to its
    maximum. "Up to" has nothing as its low end.
    """
    if step.no_fixed_dose:
        return None, "no fixed dose: the text leaves it to somebody else"
    if step.high is None:
        return None, "the amount is not stated"
    most = step.max_per_day
    if most is not None and step.max_unit != step.unit:
        most = convert(most, step.max_unit, step.unit)
        if most is None:
            return None, "the maximum is stated in another unit"
    if step.times_high is None or step.per_days is None:
        if not step.as_needed:
            return None, "how often is not stated"
        if most is None:
            return None, "taken when needed, and no maximum is stated"
        return Amount(ZERO, most, step.unit), None
    high = step.high * step.times_high / step.per_days
    low = ZERO
    if not step.as_needed and step.low is not None and step.times_low is not None:
        low = step.low * step.times_low / step.per_days
    if most is not None:
        low, high = min(low, most), min(high, most)
    if step.cycle_days is not None and step.duration_days is not None:
        share = step.duration_days / step.cycle_days
        low, high = low * share, high * share
    return Amount(low, high, step.unit), None


def per_day(steps: tuple[Step, ...]) -> tuple[Amount | None, str | None]:
    """The amount a day of steps that hold at the same time, or why there is none.

    Steps that follow one another are never averaged: they have no amount a day in common.
    """
    if not steps:
        return None, None
    if any(s.sequence != steps[0].sequence for s in steps):
        return None, "the amount a day differs from step to step"
    low = high = ZERO
    unit = steps[0].unit
    for step in steps:
        amount, why = step_per_day(step)
        if amount is None:
            return None, why
        least = convert(amount.low, amount.unit, unit)
        most = convert(amount.high, amount.unit, unit)
        if least is None or most is None:
            return None, "the amounts are in different units"
        low, high = low + least, high + most
    return Amount(low, high, unit), None


def sites(step: Step) -> tuple[int, int]:
    """To how many places the amount goes: 2 for "each eye", 1 or 2 for "affected eyes"."""
    site = step.site or ""
    if site.startswith(("both ", "each ")):
        return 2, 2
    if site in ("affected eyes", "affected ears"):
        return 1, 2
    return 1, 1


def ingredient_per_day(
    dose: Dose, product: ProductLike
) -> dict[str, tuple[Fraction, Fraction, str]] | None:
    """Amount a day of each ingredient: low, high, unit. ``None`` where it cannot be told.

    Facts: the dose as read, and the strength of the product. Places are counted ("each eye").
    """
    view = view_of(product)
    if dose.status != "read" or dose.per_day is None or view is None or not view.ingredients:
        return None
    totals: dict[str, tuple[Fraction, Fraction, str]] = {}
    for step in dose.steps:
        amount, _ = step_per_day(step)
        if amount is None:
            return None
        least, most = sites(step)
        for name, index in ((n, i) for i, n in enumerate(view.ingredients)):
            one = _one_unit(view, index, amount.unit)
            if one is None:
                return None
            size, unit = one
            low, high, _unit = totals.get(name, (ZERO, ZERO, unit))
            totals[name] = (low + amount.low * least * size, high + amount.high * most * size, unit)
    return totals


def _one_unit(view: View, index: int, unit: str | None) -> tuple[Fraction, str] | None:
    """How much of an ingredient one *unit* of the dose holds."""
    strength = view.strengths[index] if index < len(view.strengths) else None
    if unit in _MASS or unit in ("unit", "mmol"):
        if len(view.ingredients) != 1:
            return None
        if strength is not None and strength.unit in _MASS and unit in _MASS:
            return _MASS[unit] / _MASS[strength.unit], strength.unit
        return Fraction(1), unit
    if strength is None or unit is None:
        return None
    below, below_unit = strength.denominator, strength.denominator_unit
    if below is None:
        return (strength.numerator, strength.unit) if view.counts(unit) else None
    if below_unit == "ml":
        volume = convert(Fraction(1), unit, "ml")
        return None if volume is None else (strength.numerator * volume / below, strength.unit)
    if below_unit == "dose" and unit in ("puff", "dose", "spray", "inhalation"):
        return strength.numerator / below, strength.unit
    if below_unit == "hour" and unit == "patch":
        return None
    return None


def _schedule(step: Step) -> tuple[object, ...]:
    return (
        step.low, step.high, step.unit, step.times_low, step.times_high, step.per_days,
        step.as_needed, step.site, step.max_per_day, frozenset(step.when), step.cycle_days,
    )  # fmt: skip


def _same_steps(one: Dose, other: Dose) -> bool:
    def key(dose: Dose) -> list[tuple[object, ...]]:
        return [(s.sequence, s.duration_days, *_schedule(s)) for s in dose.steps]

    return key(one) == key(other)


def compare(one: Dose, other: Dose) -> Comparison:
    """How *other* differs from *one* in the amount a day.

    ``up``/``down``: wholly above or below. ``overlaps``: ranges that share values and are not the
    same. ``schedule_only``: the same amount a day, taken differently. ``not_comparable``: a dose
    that is not read, has no fixed amount a day, or is in another unit. Convert to ingredients
    first (:func:`ingredient_per_day`) where the products differ.
    """
    if one.status != "read" or other.status != "read":
        return "not_comparable"
    if any(s.no_fixed_dose for s in one.steps + other.steps):
        return "not_comparable"
    a, b = one.per_day, other.per_day
    if a is None or b is None:
        return "equal" if _same_steps(one, other) else "not_comparable"
    low, high = convert(b.low, b.unit, a.unit), convert(b.high, b.unit, a.unit)
    if low is None or high is None or _places(one) != _places(other):
        return "not_comparable"
    if (low, high) == (a.low, a.high):
        same = {_schedule(s) for s in one.steps} == {_schedule(s) for s in other.steps}
        return "equal" if same else "schedule_only"
    if low > a.high:
        return "up"
    if high < a.low:
        return "down"
    return "overlaps"


def _places(dose: Dose) -> set[tuple[int, int]]:
    return {sites(s) for s in dose.steps}

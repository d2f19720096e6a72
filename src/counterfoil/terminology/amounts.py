"""Whether the amounts of a text are the strengths that a product states, exactly, in any unit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from counterfoil.terminology.model import Product, Strength
from counterfoil.terminology.reading import Amount, Reading, volumes_of

if TYPE_CHECKING:
    from counterfoil.terminology.stated import Stated

DROPS = frozenset({"eye drops", "ear drops", "nasal drops"})
_SINGLE_USE = frozenset(
    {"injection", "infusion", "emulsion for injection", "emulsion for infusion"}
)


Same = Callable[[Amount, Strength], bool]


def states_strengths(reading: Reading, stated: Stated) -> bool:
    """Whether each strength of a generic is stated, and nothing else is."""
    product = stated.product
    wanted = [s for s in product.strengths if s is not None]
    amounts = reading.amounts
    if len(amounts) != len(wanted):
        return False
    bare = [a for a in amounts if a.unit is None]
    if bare and len(bare) != len(amounts):
        return False
    if bare and len(wanted) == 1 and not reading.every_brand:
        return False  # of a part of all products, another may be meant
    same = _same(reading, product)
    if len(wanted) == 1:
        return same(amounts[0], wanted[0]) or any(same(amounts[0], s) for s in stated.also)
    given = _by_ingredient(reading)
    return all(
        given.get(ingredient) is not None and same(given[ingredient], strength)
        for ingredient, strength in zip(product.ingredients, product.strengths, strict=True)
        if strength is not None
    )


def _by_ingredient(reading: Reading) -> dict[str, Amount]:
    """Each ingredient's amount: the one that stands after it, else by the order of the text."""
    names, amounts = reading.ingredients, reading.amounts
    if len(reading.drugs) == len(amounts) == len(names):
        owners = [max((d.at for d in reading.drugs if d.at < a.at), default=-1) for a in amounts]
        if len(set(owners)) == len(owners) and -1 not in owners:
            by_place = {d.at: d.ingredients[0] for d in reading.drugs}
            return {by_place[at]: a for at, a in zip(owners, amounts, strict=True)}
    return dict(zip(names, amounts, strict=False))


def states_of_brand(reading: Reading, stated: Stated) -> bool:
    """A brand's text may state what its name states, or what its generic's does, in any order."""
    amounts = reading.amounts
    if not amounts:
        return not stated.reading.amounts
    same = _same(reading, stated.product)
    generic = [s for s in stated.product.strengths if s is not None]
    if _paired(amounts, generic, same):
        return True
    own = [s for a in stated.reading.amounts if (s := as_printed(a)) is not None]
    return any(
        _paired(amounts, strengths, same) for strengths in (own, *([s] for s in stated.also))
    )


def as_printed(amount: Amount) -> Strength | None:
    """The amount as a strength, its unit empty where the text gives none."""
    return Strength(amount.value, amount.unit or "", amount.below, amount.below_unit)


def _paired(amounts: Sequence[Amount], strengths: Sequence[Strength], same: Same) -> bool:
    left = list(strengths)
    for amount in amounts:
        partner = next((s for s in left if same(amount, s)), None)
        if partner is None:
            return False
        left.remove(partner)
    return not left


def _same(reading: Reading, product: Product) -> Same:
    volumes = volumes_of(reading)
    single_use = product.form == "nebuliser liquid" or (
        product.form in _SINGLE_USE and product.unit_dose == "dose"
    )
    if product.device == "oral syringe":
        single_use = True
    elif not product.form and product.level == "VMP":
        single_use = " for injection" in product.name

    def same(amount: Amount, strength: Strength) -> bool:
        if amount.unit is None or not strength.unit:
            return amount.value == strength.numerator and amount.below is None
        given = amount.strength()
        if given is None:
            return False
        if given.denominator is None:
            return _without_denominator(given, strength, product, single_use)
        if single_use and strength.denominator is not None:
            if given.key != strength.key:
                return False
            if amount.bare and not volumes and strength.denominator == 1:
                return "/ml" in product.name  # of a bottle, not a container of 1ml
            stated = volumes if amount.bare else {given.denominator}
            return strength.denominator in stated or (
                strength.denominator in volumes and given.denominator == 1
            )
        return given.key == strength.key or _alike_percent(given, strength)

    return same


def _without_denominator(
    given: Strength, strength: Strength, product: Product, single_use: bool
) -> bool:
    if strength.denominator is None:
        return given.key == strength.key or _alike_percent(given, strength)
    if _alike_percent(given, strength):
        return True
    understood = (
        strength.denominator_unit in ("dose", "hour", "application")
        or single_use
        or product.form.endswith((" sachet", "enema"))
        or (product.form in DROPS and strength.denominator == 1)
    )
    return understood and given.numerator_key == strength.numerator_key


def _alike_percent(one: Strength, other: Strength) -> bool:
    """1% is 10 mg in 1 g or in 1 ml."""
    if "%" not in (one.unit, other.unit):
        return False
    return (percent := _percent(one)) is not None and percent == _percent(other)


def _percent(strength: Strength) -> Fraction | None:
    if strength.unit == "%":
        return strength.numerator
    value, unit, below = strength.key
    if unit != "microgram":
        return None
    if below == "ml":
        return value / 10_000
    return value * 100 if below == "microgram" else None

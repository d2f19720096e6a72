"""Which product a reading fits: exact strength, form, route, release, salt, device and brand.

Every test here can only rule a product out. A product is named only where exactly one is left and
every word of the text was read; what had to be taken from the formulary instead of the text is
given as a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from counterfoil.terminology.model import Product, Strength
from counterfoil.terminology.names import (
    RELEASE_SUFFIXES,
    brand_head,
    only_releases,
    usual_salts,
)
from counterfoil.terminology.reading import Amount, Reading

_DROPS = frozenset({"eye drops", "ear drops", "nasal drops"})
_TOPICAL = frozenset(
    {"cream", "ointment", "gel", "nasal spray", "shampoo", "eye ointment", "lotion"}
)
_TELLING = frozenset({"sugar free", "unit dose", "preservative free"})
_NEVER_ADDED = frozenset({"cfc free", "unit dose", "preservative free"})
_DEFAULT_ROUTES: dict[str, frozenset[str]] = {
    "tablet": frozenset({"oral"}),
    "capsule": frozenset({"oral"}),
    "cream": frozenset({"topical"}),
    "ointment": frozenset({"topical"}),
    "gel": frozenset({"topical", "transdermal"}),
}


@dataclass(slots=True)
class Stated:
    """A product with what its own name states, read by the reader of this room."""

    product: Product
    reading: Reading
    head: str = ""
    released: frozenset[str] = frozenset()
    releases: frozenset[str] = frozenset()
    volume: Fraction | None = None
    also: tuple[Strength, ...] = ()

    @classmethod
    def of(cls, product: Product, reading: Reading, also: tuple[Strength, ...] = ()) -> Stated:
        """*product* with its own name's *reading*, and other ways of stating its strength."""
        words, released = brand_head(product.brand or "")
        volumes = [a.value for a in reading.packs if a.unit == "ml"]
        parts = frozenset(product.release.split()) if product.release else frozenset()
        return cls(
            product,
            reading,
            " ".join(words),
            released,
            parts | frozenset(reading.releases),
            volumes[0] if volumes else None,
            also,
        )


@dataclass(slots=True)
class Fit:
    """The products left, and what was taken from the formulary to get there."""

    found: list[Product] = field(default_factory=list)
    possible: tuple[Product, ...] = ()
    assumed: list[str] = field(default_factory=list)
    other_flavour: bool = False


def fit_generic(reading: Reading, family: Sequence[Stated]) -> Fit:
    """The generic products of *family* (all with the reading's ingredients) that it fits."""
    shaped = [s for s in family if _shape(reading, s.product)]
    fit = Fit(possible=tuple(s.product for s in shaped))
    strong = [s for s in shaped if _strength(reading, s)]
    salted = [s for s in strong if _salts(reading, s.product, strong)]
    qualified = [s for s in salted if _qualifiers(reading, s.product)]
    if not reading.forms and not reading.releases and len(qualified) > 1:
        fit.found = [s.product for s in _by_volume(reading, qualified)]
        return fit
    released = [s for s in qualified if frozenset(s.product.release.split()) == reading.releases]
    if not released and not reading.releases:
        released = [s for s in qualified if _never_plain(s.product)]
        if released:
            word = released[0].product.release
            fit.assumed.append(f"release not stated: this drug and form is always {word}")
    fit.found = [s.product for s in _by_volume(reading, released)]
    if any("cfc free" in p.qualifiers - reading.qualifiers for p in fit.found):
        fit.assumed.append("CFC free not stated")
    if fit.found and any(a.unit is None for a in reading.amounts):
        fit.assumed.append("units not stated: those of the product's name")
    _note_form(reading, fit)
    return fit


def fit_brand(reading: Reading, family: Sequence[Stated]) -> Fit:
    """The brands of *family* (all with the reading's brand name) that it fits."""
    named = set(reading.ingredients)
    shaped = [
        s
        for s in family
        if named <= set(s.product.ingredients)
        and _brand_release(reading, s)
        and _brand_shape(reading, s)
    ]
    fit = Fit(possible=tuple(s.product for s in shaped))
    left = [s for s in shaped if _brand_strength(reading, s)]
    if not reading.amounts and any(s.reading.amounts for s in shaped):
        return fit  # one of them needs a strength: a name without one does not mean the other
    left = [s for s in left if _brand_salts(reading, s.product)]
    same = [s for s in left if s.reading.flavours == reading.flavours]
    fit.other_flavour = not same
    left = same or left
    left = [s for s in left if not reading.device_name or _device_name(s) == reading.device_name]
    left = _nearest(reading, left)
    left = _by_volume(reading, left)
    fit.found = [s.product for s in left]
    _note_form(reading, fit)
    return fit


def _device_name(stated: Stated) -> str | None:
    return stated.reading.device_name


def _nearest(reading: Reading, left: list[Stated]) -> list[Stated]:
    """Of several, those whose names state just the text's devices and release, then its form."""
    if len(left) < 2:
        return left
    same = [
        s
        for s in left
        if s.reading.device_name == reading.device_name
        and s.reading.devices == reading.devices
        and s.reading.releases == reading.releases
    ]
    left = same or left
    said = reading.qualifiers & _TELLING
    left = [s for s in left if s.reading.qualifiers & _TELLING == said] or left
    form = reading.words.get("form")
    return [s for s in left if s.reading.words.get("form") == form] or left


def _by_volume(reading: Reading, left: list[Stated]) -> list[Stated]:
    volumes = {a.value for a in reading.packs if a.unit == "ml"}
    if not volumes:
        return left
    return [s for s in left if s.volume is None or s.volume in volumes or _content(s) in volumes]


def _content(stated: Stated) -> Fraction | None:
    """The volume of a single-use container, where the strength states it (40mg/0.4ml)."""
    strength = stated.product.strengths[0]
    return strength.denominator if strength is not None else None


def _note_form(reading: Reading, fit: Fit) -> None:
    if not reading.forms and len(fit.found) == 1:
        fit.assumed.append(f"form not stated: the formulary has it as {fit.found[0].form} only")


# --- form, route, device -----------------------------------------------------------------------


def _shape(reading: Reading, product: Product) -> bool:
    return _form(reading, product) and _route(reading, product) and _device(reading, product)


def _brand_shape(reading: Reading, stated: Stated) -> bool:
    product, own = stated.product, stated.reading
    if not product.form:  # the generic's name was not understood: its own words have to agree
        if reading.forms and not any(a & b for a in reading.forms for b in own.forms):
            return False
    elif reading.forms and not any(product.form in forms for forms in reading.forms):
        return False
    routes = reading.routes
    if routes and product.route and product.route not in routes and "oral" not in routes:
        return False
    if reading.qualifiers & _NEVER_ADDED - product.qualifiers:
        return False
    return not (reading.devices and own.devices) or bool(reading.devices & own.devices)


def _form(reading: Reading, product: Product) -> bool:
    if not all(product.form in forms for forms in reading.forms):
        return False
    if product.form.endswith(" sachet") and reading.forms:
        return "sach" in reading.words.get("form", "")
    return True


def _route(reading: Reading, product: Product) -> bool:
    routes = reading.routes
    if routes:
        if product.route in routes:
            return True
        return product.form == "injection" and bool(routes & {"subcutaneous", "intramuscular"})
    if not reading.forms or any("pessary" in forms for forms in reading.forms):
        return True
    return product.route in _DEFAULT_ROUTES.get(product.form, {product.route})


def _device(reading: Reading, product: Product) -> bool:
    return not reading.devices or not product.device or product.device in reading.devices


# --- release -----------------------------------------------------------------------------------


def _never_plain(product: Product) -> bool:
    """Whether this drug in this form is listed as made with this one release only."""
    return only_releases().get((product.ingredients, product.form)) == product.release


def _brand_release(reading: Reading, stated: Stated) -> bool:
    if not reading.releases:
        return not stated.released
    said = {_SAME_SUFFIX.get(w, w) for w in reading.release_words} & _SUFFIXES
    if said and stated.released and not said & stated.released:
        return False
    return reading.releases <= stated.releases


_SAME_SUFFIX = {"pr": "prolonged release", "p r": "prolonged release"}
_SUFFIXES = frozenset(RELEASE_SUFFIXES) - {"mr"}


# --- qualifiers and salts ----------------------------------------------------------------------


def _qualifiers(reading: Reading, product: Product) -> bool:
    said, own = reading.qualifiers, product.qualifiers
    if "sugar free" in said ^ own or ("cfc free" in said and "cfc free" not in own):
        return False
    if product.form in _DROPS:
        if "unit dose" in said ^ own:
            return False
        return "unit dose" in said or "preservative free" not in said ^ own
    if product.route == "inhaled":
        return "with device" not in said ^ own
    if "unit dose" in said ^ own:
        return False
    return "preservative free" not in said - own


def _said(reading: Reading, ingredient: str) -> set[str]:
    return {s for d in reading.drugs if ingredient in d.ingredients for s in d.salts}


def _salts(reading: Reading, product: Product, rivals: Sequence[Stated]) -> bool:
    for place, ingredient in enumerate(product.ingredients):
        own = set(product.salts[place].split()) if product.salts else set()
        said = {word for salt in _said(reading, ingredient) for word in salt.split()}
        if not said:
            others = {s.product.salts[place] if s.product.salts else "" for s in rivals}
            if own and (len(others) > 1 or not _usual(ingredient, own, unsaid=True)):
                return False
            continue
        if own and not own & said and not own <= _PLAIN_SALTS:
            return False
        if own - said and not _usual(ingredient, own - said):
            return False
        if not _usual(ingredient, said - own):
            return False
    return True


_PLAIN_SALTS = frozenset({"human", "980", "base", "hydrate"})


def _brand_salts(reading: Reading, product: Product) -> bool:
    for place, ingredient in enumerate(product.ingredients):
        said = {word for salt in _said(reading, ingredient) for word in salt.split()}
        own = set(product.salts[place].split()) if product.salts else set()
        if not _usual(ingredient, said - own):
            return False
    return True


def _usual(ingredient: str, salts: set[str], unsaid: bool = False) -> bool:
    return all((ingredient, salt) in usual_salts(unsaid) for salt in salts)


# --- strength ----------------------------------------------------------------------------------

Same = Callable[[Amount, Strength], bool]


def _strength(reading: Reading, stated: Stated) -> bool:
    product = stated.product
    wanted = [s for s in product.strengths if s is not None]
    amounts = reading.amounts
    if len(amounts) != len(wanted):
        return False
    bare = [a for a in amounts if a.unit is None]
    if bare and (len(wanted) == 1 or len(bare) != len(amounts)):
        return False
    same = _same(reading, product)
    if len(wanted) == 1:
        return any(same(amounts[0], strength) for strength in (wanted[0], *stated.also))
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


def _brand_strength(reading: Reading, stated: Stated) -> bool:
    """A brand's text may state what its name states, or what its generic's does, in any order."""
    amounts = reading.amounts
    if not amounts:
        return not stated.reading.amounts
    same = _same(reading, stated.product)
    own = [s for a in stated.reading.amounts if (s := _printed(a)) is not None]
    generic = [s for s in stated.product.strengths if s is not None]
    also = [[strength] for strength in stated.also]
    return any(_paired(amounts, strengths, same) for strengths in (own, generic, *also))


def _printed(amount: Amount) -> Strength | None:
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
    volumes = {a.value for a in reading.packs if a.unit == "ml"}
    single_use = product.form == "nebuliser liquid" or (
        product.form == "injection" and product.unit_dose == "dose"
    )

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
        strength.denominator_unit in ("dose", "hour")
        or single_use
        or product.form.endswith(" sachet")
        or (product.form in _DROPS and strength.denominator == 1)
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


def drop_tube_sizes(reading: Reading) -> None:
    """A lone weight after the strength of a cream or spray is the tube's, not a strength."""
    forms = {form for forms in reading.forms for form in forms}
    if len(reading.amounts) > 1 and forms & _TOPICAL:
        kept = [a for a in reading.amounts if not (a.unit == "g" and a.below is None)]
        if kept:
            reading.packs += [a for a in reading.amounts if a not in kept]
            reading.amounts = kept

"""Which product a reading fits: exact strength, form, route, release, salt, device and brand.

Every test here can only rule a product out. A product is named only where exactly one is left and
every word of the text was read; what had to be taken from the formulary instead of the text is
given as a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from counterfoil.terminology.amounts import (
    DROPS,
    as_printed,
    states_of_brand,
    states_strengths,
)
from counterfoil.terminology.ids import is_own_id
from counterfoil.terminology.model import Product
from counterfoil.terminology.names import (
    RELEASE_SUFFIXES,
    only_releases,
    usual_salts,
    words_of,
)
from counterfoil.terminology.reading import Reading, volumes_of
from counterfoil.terminology.stated import Stated

_TOPICAL = frozenset(
    {"cream", "ointment", "gel", "nasal spray", "shampoo", "eye ointment", "eye gel", "lotion"}
    | {"enema", "foam enema"}
)
TOLD = frozenset(
    {"sugar free", "preservative free", "unit dose", "cfc free", "paediatric", "with device"}
)
_NEVER_ADDED = frozenset({"cfc free", "unit dose", "preservative free"})
_BY_NEEDLE = frozenset({"parenteral", "subcutaneous", "intramuscular", "intravenous"})
_CONTAINERS = frozenset({"vial", "ampoule", "bottle", "bag", ""})
_SOLID = frozenset({"tablet", "oral lyophilisate", "oral film", "lozenge", "chewing gum"})
_DEFAULT_ROUTES: dict[str, frozenset[str]] = {
    "tablet": frozenset({"oral"}),
    "capsule": frozenset({"oral"}),
    "cream": frozenset({"topical"}),
    "ointment": frozenset({"topical"}),
    "gel": frozenset({"topical", "transdermal"}),
}


@dataclass(slots=True)
class Fit:
    """The products left, and what was taken from the formulary to get there."""

    found: list[Product] = field(default_factory=list)
    possible: tuple[Product, ...] = ()
    assumed: list[str] = field(default_factory=list)
    other_flavour: bool = False


def fit_generic(reading: Reading, family: Sequence[Stated]) -> Fit:
    """The generic products of *family* (all with the reading's ingredients) that it fits.

    A form that stands for one route by default (a cream is for the skin) stands for another where
    no product of the default route has the strength.
    """
    fit = _fit_generic(reading, [s for s in family if _shape(reading, s.product)])
    if fit.found or reading.routes or not reading.forms:
        return fit
    elsewhere = _fit_generic(reading, [s for s in family if _shape(reading, s.product, True)])
    routes = {p.route for p in elsewhere.found}
    if len(routes) != 1:
        return fit
    elsewhere.assumed.append(f"route not stated: in this form and strength only {routes.pop()}")
    return elsewhere


def _fit_generic(reading: Reading, shaped: Sequence[Stated]) -> Fit:
    fit = Fit(possible=tuple(s.product for s in shaped))
    strong = [s for s in shaped if states_strengths(reading, s)]
    salted = [s for s in strong if salts_agree(reading, s.product, strong, shaped)]
    if not (reading.forms or reading.releases or reading.listed):
        kinds = {(s.product.form, s.product.release) for s in salted}
        if len(kinds) > 1 and reading.every_brand:  # sugar free tells a melt from a tablet to none
            fit.found = [s.product for s in _by_volume(reading, salted)]
            return fit
    qualified = [s for s in salted if _qualifiers(reading, s.product)]
    if not reading.forms and not reading.releases and len(qualified) > 1:
        fit.found = [s.product for s in _by_volume(reading, qualified)]
        return fit
    released = _released(reading, qualified, shaped, fit)
    if not released and reading.listed:
        released = _released(reading, _sugar_free(reading, salted, fit), shaped, fit)
    fit.found = [s.product for s in _closest(reading, _by_volume(reading, released))]
    _note_assumed(reading, fit, shaped)
    return fit


def _released(
    reading: Reading, qualified: Sequence[Stated], shaped: Sequence[Stated], fit: Fit
) -> list[Stated]:
    """Those with the release that is stated, or with none; or the one that is never plain.

    The older lists leave a release out of combinations, and of what is no tablet or capsule, where
    none of the shape is plain.
    """
    released = [s for s in qualified if frozenset(s.product.release.split()) == reading.releases]
    if released or reading.releases:
        return released
    released = [s for s in qualified if _never_plain(s.product)]
    if not released and reading.listed and all(s.product.release for s in shaped):
        released = [
            s
            for s in qualified
            if len(s.product.ingredients) > 1 or s.product.form not in ("tablet", "capsule")
        ]
    if released:
        word = released[0].product.release
        fit.assumed.append(f"release not stated: this drug and form is always {word}")
    return released


def _sugar_free(reading: Reading, salted: Sequence[Stated], fit: Fit) -> list[Stated]:
    """A drug made only with sugar or only without: the older lists say one, the name the other."""
    other = replace(reading, qualifiers=reading.qualifiers ^ {"sugar free"})
    unsaid = reading.amounts and "sugar free" in other.qualifiers
    found = [
        s for s in salted if _qualifiers(other, s.product) and (unsaid or s.product.form in _SOLID)
    ]
    if found:
        fit.assumed.append("sugar free on one side only: it is made in no other way")
    return found


def _note_assumed(reading: Reading, fit: Fit, shaped: Sequence[Stated]) -> None:
    if any("cfc free" in p.qualifiers - reading.qualifiers for p in fit.found):
        fit.assumed.append("CFC free not stated")
    if fit.found and any(a.unit is None for a in reading.amounts):
        fit.assumed.append("units not stated: those of the product's name")
    product = fit.found[0] if len(fit.found) == 1 else None
    if product is not None and (reading.listed or not is_own_id(product.id)):
        own = {word for salt in product.salts for word in salt.split()}
        said = {w for d in reading.drugs for salt in d.salts for w in salt.split()}
        if own - said:
            fit.assumed.append(f"salt not stated: {' '.join(sorted(own - said))}")
    _note_form(reading, fit)


def _closest(reading: Reading, left: list[Stated]) -> list[Stated]:
    """Of several that fit, those that say just what the text says: qualifiers, container, unit."""
    if len(left) < 2 or not reading.forms:
        return left
    in_percent = any(a.unit == "%" for a in reading.amounts)
    form = words_of(reading.words.get("form", ""))
    for same in (
        lambda s: s.product.qualifiers & TOLD == reading.qualifiers & TOLD,
        lambda s: "solvent" in s.product.name or not with_diluent(reading),
        lambda s: "with applicator" not in s.product.qualifiers ^ reading.qualifiers,
        lambda s: any(x is not None and x.unit == "%" for x in s.product.strengths) == in_percent,
        lambda s: {as_printed(a) for a in reading.amounts} == set(s.product.strengths),
        lambda s: s.product.device in reading.devices or not (s.product.device or reading.devices),
        lambda s: ("emulsion" in s.product.form) == ("emulsion" in form),
        lambda s: _begin(form, words_of(s.reading.words.get("form", ""))),
        lambda s: len(s.reading.words.get("form", "").split()) <= len(form),
    ):
        left = [s for s in left if same(s)] or left
    own = [s for s in left if is_own_id(s.product.id)]
    containers = {s.product.device for s in left}
    return own if len(own) == 1 and containers <= _CONTAINERS and len(containers) > 1 else left


def with_diluent(reading: Reading) -> bool:
    """Whether the text says that a powder comes with what it is dissolved in (``Vl + Dil``)."""
    return not {"dil", "diluent", "solv", "solvent"}.isdisjoint(words_of(reading.text))


def _begin(short: Sequence[str], full: Sequence[str]) -> bool:
    """Whether the words of a form, shortened or not, are those (``liq`` is ``liquid``)."""
    return len(short) == len(full) and all(map(str.startswith, full, short))


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
    left = [s for s in shaped if states_of_brand(reading, s)]
    if not reading.amounts and any(s.reading.amounts for s in shaped):
        if not (reading.listed or reading.every_brand):
            return fit  # one of them needs a strength: a name without one does not mean the other
        alike = shaped if reading.listed else [s for s in family if _brand_shape(reading, s)]
        if len({s.product.vmp_id for s in alike}) == 1 and shaped:
            left = shaped
            fit.assumed.append("strength not stated: this brand has one only")
        elif not reading.listed:
            return fit
    alone = _by_volume(reading, shaped)
    if not left and reading.listed and len({s.product.vmp_id for s in alone}) == 1:
        left = [s for s in alone if not s.reading.amounts and s.product.level == "AMP"]
        if left:
            fit.assumed.append("strength not compared: this brand states none and is one product")
    left = [s for s in left if _brand_salts(reading, s.product) and _brand_words(reading, s)]
    same = [s for s in left if s.reading.flavours == reading.flavours]
    fit.other_flavour = not same
    left = same or left
    left = [s for s in left if not reading.device_name or _device_name(s) == reading.device_name]
    left = _nearest(reading, left)
    left = _by_volume(reading, left)
    fit.found = [s.product for s in left]
    _note_form(reading, fit)
    return fit


def agrees_as_a_whole(
    reading: Reading, stated: Stated, said: Callable[[str, Product], bool]
) -> bool:
    """Whether form, route, release, device and volume of a listed text agree with one whole name.

    ``said`` tells whether the words of a form stand in the product's name as they are.
    """
    product = stated.product
    words = reading.words.get("form", "")
    own_forms = {product.form}.union(*stated.forms)
    if product.level == "AMP":  # a brand's melt is called a tablet, its suspension a solution
        own_forms = own_forms.union(*(kind for kind in _OF_A_BRAND if kind & own_forms))
    called = all(forms & own_forms for forms in reading.forms)
    if reading.forms and not called and not said(words, product):
        return False
    routes = reading.routes
    needle = product.route in _BY_NEEDLE and routes & _BY_NEEDLE
    elsewhere = product.route and product.route not in routes and not needle
    if routes and elsewhere and not said(reading.words.get("route", words), product):
        return False
    own = frozenset(product.release.split()) | stated.released
    releases = own if stated.understood else stated.releases | own
    told = reading.releases <= releases or said(reading.words.get("release", ""), product)
    if not told or (own and not reading.releases and product.level == "VMP"):
        return False
    added = reading.qualifiers & _NEVER_ADDED - product.qualifiers
    if added and added - stated.reading.qualifiers:
        return False
    if reading.devices and not reading.devices & (stated.reading.devices | {product.device}):
        return False
    if reading.flavours and not reading.flavours & stated.reading.flavours:
        return False
    volumes = volumes_of(reading)
    if not volumes or stated.volume in volumes:
        return True
    brand = product.level == "AMP" and bool(reading.forms)
    return stated.volume is None and (brand or bool(reading.amounts))


_OF_A_BRAND = (
    frozenset({"tablet", "oral lyophilisate"}),
    frozenset({"oral solution", "oral suspension", "oral liquid"}),
)


def every_strength(reading: Reading, stated: Stated) -> bool:
    """Whether the text states each strength that the name or its generic does, and no other."""
    generic = sum(s is not None for s in stated.product.strengths)
    count = len(reading.amounts)
    same = count == generic or count == len(stated.reading.amounts)
    return same and count > 0 and states_of_brand(reading, stated)


def _device_name(stated: Stated) -> str | None:
    return stated.reading.device_name


def _nearest(reading: Reading, left: list[Stated]) -> list[Stated]:
    """Of several, those whose names state just the text's devices and release, then its form.

    A name without a device does not mean the one of several forms whose own name has none.
    """
    if len(left) < 2:
        return left
    told = reading.listed or reading.forms or reading.devices or reading.device_name
    any_device = not told and len({s.product.form for s in left}) > 1
    same = [
        s
        for s in left
        if s.reading.releases == reading.releases
        and (
            any_device
            or (
                s.reading.device_name == reading.device_name
                and s.reading.devices == reading.devices
            )
        )
    ]
    left = same or left
    said = reading.qualifiers & TOLD
    left = [s for s in left if s.reading.qualifiers & TOLD == said] or left
    if any_device:
        return left
    form = words_of(reading.words.get("form", ""))
    return [s for s in left if _begin(form, words_of(s.reading.words.get("form", "")))] or left


def _by_volume(reading: Reading, left: list[Stated]) -> list[Stated]:
    volumes = volumes_of(reading)
    if not volumes:
        return left
    exact = [s for s in left if s.volume in volumes or _content(s) in volumes]
    return exact or [s for s in left if s.volume is None]


def _content(stated: Stated) -> Fraction | None:
    """The volume of a single-use container, where the strength states it (40mg/0.4ml)."""
    strength = next(iter(stated.product.strengths), None)
    return strength.denominator if strength is not None else None


def _note_form(reading: Reading, fit: Fit) -> None:
    if not reading.forms and len(fit.found) == 1:
        fit.assumed.append(f"form not stated: the formulary has it as {fit.found[0].form} only")


# --- form, route, device -----------------------------------------------------------------------


def _shape(reading: Reading, product: Product, any_route: bool = False) -> bool:
    routed = any_route or _route(reading, product)
    return routed and _form(reading, product) and _device(reading, product)


def _brand_shape(reading: Reading, stated: Stated) -> bool:
    product, own = stated.product, stated.reading
    if not _brand_form(reading, stated):
        return False
    routes = reading.routes
    if routes and product.route and product.route not in routes and "oral" not in routes:
        return False
    if reading.qualifiers & _NEVER_ADDED - product.qualifiers:
        return False
    return not (reading.devices and own.devices) or bool(reading.devices & own.devices)


def _brand_form(reading: Reading, stated: Stated) -> bool:
    """By the generic's form, or by what the brand calls itself (a syrup that is a suspension)."""
    if not reading.forms:
        return not reading.listed or stated.product.level == "AMP" or not stated.forms
    form = stated.product.form
    called = any(a & b for a in reading.forms for b in stated.forms)
    if not form:  # the generic's name was not understood: its own words have to agree
        return called or (reading.listed and not stated.forms)
    if reading.listed:
        return called or all(form in forms for forms in reading.forms)
    return any(form in forms for forms in reading.forms)


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
        return product.route in _BY_NEEDLE and bool(routes & _BY_NEEDLE)
    if not reading.forms or any("pessary" in forms for forms in reading.forms):
        return True
    return product.route in _DEFAULT_ROUTES.get(product.form, {product.route})


def _device(reading: Reading, product: Product) -> bool:
    if "refill" in reading.devices and product.form.startswith("injection"):
        return product.form == "injection refill"
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
    if "sugar free" in said ^ own:
        return False
    if "cfc free" in said - own and product.route == "inhaled":
        return False
    if product.form in DROPS:
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


def salts_agree(
    reading: Reading, product: Product, rivals: Sequence[Stated], shaped: Sequence[Stated]
) -> bool:
    """Whether the salts said and those of the name are the same, or leave out what is usual.

    The older lists name a product of their day: there a salt that no product of the drug in this
    form states, said on one side only, does not tell two products apart; nor where none says that
    its strength is the base's.
    """
    for ingredient in product.ingredients:
        own = _own_salts(product, ingredient)
        said = {word for salt in _said(reading, ingredient) for word in salt.split()}
        said.difference_update(ingredient.split())  # valproate sodium
        others = {frozenset(_own_salts(s.product, ingredient)) for s in rivals}
        if not said:
            alone = len(others) == 1 and (
                reading.listed
                or _usual(ingredient, own, unsaid=True)
                or not is_own_id(product.id)  # the release has the drug with this salt only
            )
            if own and not alone:
                return False
            continue
        if own and not own & said and not own <= _PLAIN_SALTS:
            return False
        if not (reading.listed or _usual(ingredient, own - said)):
            return False
        told = {w for s in shaped for w in _own_salts(s.product, ingredient)}
        elsewhere = reading.listed and not (said - own) & told and "base" not in told
        if not (elsewhere or _usual(ingredient, said - own)):
            return False
    return True


def _own_salts(product: Product, ingredient: str) -> set[str]:
    if not product.salts:
        return set()
    return set(product.salts[product.ingredients.index(ingredient)].split())


_PLAIN_SALTS = frozenset({"human", "980", "base", "hydrate"})


def _brand_salts(reading: Reading, product: Product) -> bool:
    return reading.listed or all(
        _usual(i, {w for salt in _said(reading, i) for w in salt.split()} - _own_salts(product, i))
        for i in product.ingredients
    )


def _brand_words(reading: Reading, stated: Stated) -> bool:
    """Whether salts and drug groups said beside a brand alone are what it names or is made of."""
    product = stated.product
    if reading.group is not None and not set(reading.group.value.split("|")) & {
        *product.ingredients
    }:
        return False
    if reading.drugs or not reading.loose_salts:
        return True
    own = {
        w for name in (product.name, *product.ingredients, *product.salts) for w in words_of(name)
    }
    return all(own.intersection(salt.split()) for _, _, salt in reading.loose_salts)


def _usual(ingredient: str, salts: set[str], unsaid: bool = False) -> bool:
    return all((ingredient, salt) in usual_salts(unsaid) for salt in salts)


def drop_tube_sizes(reading: Reading) -> None:
    """A lone weight after the strength of a cream, spray or dose is the tube's, not a strength."""
    forms = {form for forms in reading.forms for form in forms}
    of_percent = any(a.unit == "%" for a in reading.amounts)
    by_dose = any(a.below_unit in ("dose", "application") for a in reading.amounts)
    if len(reading.amounts) > 1 and (of_percent or by_dose or forms & _TOPICAL):
        kept = [a for a in reading.amounts if not (a.unit == "g" and a.below is None)]
        if kept:
            reading.packs += [a for a in reading.amounts if a not in kept]
            reading.amounts = kept

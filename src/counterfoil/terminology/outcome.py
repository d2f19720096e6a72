"""From a reading and the products it fits to the match that is shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from counterfoil.terminology.ids import own_id
from counterfoil.terminology.matching import Fit
from counterfoil.terminology.model import Match, MatchLevel, Product, Strength
from counterfoil.terminology.names import groups_of_drugs
from counterfoil.terminology.reading import Reading

_NAMED = 3


def of_product(
    text: str,
    product: Product,
    read: dict[str, str],
    reasons: Sequence[str] = (),
    brand: str | None = None,
) -> Match:
    """The match of *text* with one product."""
    return Match(
        text=text,
        level=product.level,
        product=product,
        id=product.id,
        name=product.name,
        ingredients=product.ingredients,
        strengths=product.strengths,
        form=product.form,
        route=product.route,
        release=product.release,
        brand=product.brand or brand,
        device=product.device,
        read=read,
        reasons=tuple(reasons),
        flags=product.flags,
        drug_class=product.drug_class,
        brand_matters=product.brand_matters,
        possible=(product,),
    )


def nothing(text: str, reading: Reading, reason: str, conflict: bool = False) -> Match:
    """No match: the reason, and the words that stand in the way."""
    reasons = [*reading.reasons, reason]
    if reading.others:
        reasons.append(f"not in the formulary: {', '.join(reading.others)}")
    if reading.unread:
        reasons.append(f"not read: {' '.join(reading.unread)}")
    return Match(text, "none", read=dict(reading.words), reasons=tuple(reasons), conflict=conflict)


def outcome(
    text: str,
    reading: Reading,
    fit: Fit,
    family: Sequence[Product],
    by_id: Callable[[str], Product | None],
) -> Match:
    """One product where one is left and all was read; else how far the reading reached."""
    read = dict(reading.words)
    complete = not reading.unread
    reasons = [*reading.reasons, *(fit.assumed if len(fit.found) == 1 else ())]
    if complete and len(fit.found) == 1 and not fit.other_flavour:
        return of_product(text, fit.found[0], read, reasons)
    generics = {p.vmp_id for p in fit.found}
    if complete and reading.brands and len(generics) == 1:
        other = fit.other_flavour
        why = "flavour not stated, or not held" if other else "several presentations fit"
        reasons.append(f"brand read, generic given: {why} ({_some(fit.found)})")
        product = by_id(generics.pop())
        if product is not None:
            return of_product(text, product, read, reasons, brand=fit.found[0].brand)
    if not complete:
        reasons.append(f"not read: {' '.join(reading.unread)}")
    elif fit.found:
        reasons.append(f"several products fit: {_some(fit.found)}")
    else:
        reasons.append(_why_none(reading, fit))
    return _partial(text, reading, fit, family, complete, read, reasons)


def _some(products: Sequence[Product]) -> str:
    names = "; ".join(p.name for p in products[:_NAMED])
    return names if len(products) <= _NAMED else f"{names}; and {len(products) - _NAMED} more"


def _why_none(reading: Reading, fit: Fit) -> str:
    if not reading.amounts:
        return "no strength stated"
    if not fit.possible:
        return "the formulary has no product of this drug in this form, route or release"
    return "the formulary has no product of this drug with this strength, salt and release"


def _partial(
    text: str,
    reading: Reading,
    fit: Fit,
    family: Sequence[Product],
    complete: bool,
    read: dict[str, str],
    reasons: list[str],
) -> Match:
    ingredients = _ingredients(reading, family)
    if not ingredients:
        return Match(text, "none", read=read, reasons=tuple(reasons))
    known = complete and bool(family) and ingredients[0] not in groups_of_drugs()
    level: MatchLevel = "VTM" if known else "ingredients"
    name = " / ".join(i.capitalize() for i in ingredients)
    possible = fit.possible
    brand = next((p.brand for p in (fit.found or family) if p.brand), None)
    return Match(
        text=text,
        level=level,
        id=own_id("VTM", name) if known else None,
        name=name,
        ingredients=ingredients,
        strengths=_strengths(reading, ingredients),
        form=_form(reading),
        route=_route(reading, possible or family),
        release=" ".join(sorted(reading.releases)) or None,
        brand=brand if reading.brands else None,
        device=reading.device_name or next(iter(reading.devices), None),
        read=read,
        reasons=tuple(reasons),
        **_of_possible(possible or tuple(family)),
        possible=possible,
    )


def _of_possible(products: Sequence[Product]) -> dict[str, Any]:
    classes = {p.drug_class for p in products}
    return {
        "flags": frozenset(f for p in products for f in p.flags),
        "drug_class": classes.pop() if len(classes) == 1 else None,
        "brand_matters": any(p.brand_matters for p in products),
    }


def _ingredients(reading: Reading, family: Sequence[Product]) -> tuple[str, ...]:
    """As a product of the family orders them; as read where the formulary has no such product."""
    orders = {p.ingredients for p in family}
    if len({frozenset(o) for o in orders}) == 1:
        return next(iter(sorted(orders)))
    if reading.ingredients or not orders:
        return reading.ingredients
    groups = [name for name, members in groups_of_drugs().items() if _all_in(orders, members)]
    return (groups[0],) if groups else ()


def _all_in(orders: set[tuple[str, ...]], members: frozenset[str]) -> bool:
    return all(set(order) <= members for order in orders)


def _strengths(reading: Reading, ingredients: tuple[str, ...]) -> tuple[Strength | None, ...]:
    """The amounts as read, where there is one for each ingredient in a known order."""
    if len(reading.amounts) != len(ingredients):
        return ()
    if len(ingredients) > 1 and tuple(reading.ingredients) != ingredients:
        return ()
    return tuple(a.strength() for a in reading.amounts)


def _form(reading: Reading) -> str | None:
    if not reading.forms:
        return None
    left = frozenset.intersection(*reading.forms)
    return next(iter(left)) if len(left) == 1 else None


def _route(reading: Reading, products: Sequence[Product]) -> str | None:
    if len(reading.routes) == 1:
        return next(iter(reading.routes))
    routes = {p.route for p in products}
    return routes.pop() if len(routes) == 1 else None

"""What the reader of a dose needs to know about the product, from whoever describes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Protocol, TypeAlias, runtime_checkable


class StrengthLike(Protocol):
    """A strength: ``numerator`` ``unit``, in one unit dose or per ``denominator``."""

    @property
    def numerator(self) -> Fraction: ...
    @property
    def unit(self) -> str: ...
    @property
    def denominator(self) -> Fraction | None: ...
    @property
    def denominator_unit(self) -> str | None: ...


@runtime_checkable
class DescribedProduct(Protocol):
    """A product or a match of the terminology room."""

    @property
    def name(self) -> str | None: ...
    @property
    def ingredients(self) -> tuple[str, ...]: ...
    @property
    def strengths(self) -> Sequence[StrengthLike | None]: ...
    @property
    def form(self) -> str | None: ...
    @property
    def route(self) -> str | None: ...
    @property
    def flags(self) -> frozenset[str]: ...


ProductLike: TypeAlias = DescribedProduct | str | None

WEEKLY = "weekly"
"""The flag of a product that is taken once a week."""

_COUNTED = {
    "tablet": "tablet",
    "capsule": "capsule",
    "caplet": "tablet",
    "sachet": "sachet",
    "patch": "patch",
    "plaster": "plaster",
    "suppositor": "suppository",
    "pessar": "pessary",
    "lozenge": "lozenge",
    "pastille": "pastille",
    "enema": "enema",
    "nebule": "nebule",
    "nebuliser": "nebule",
    "granules": "sachet",
    "wafer": "film",
    "film": "film",
}
_LIQUIDS = ("solution", "suspension", "liquid", "syrup", "elixir", "linctus", "emulsion", "mixture")


@dataclass(frozen=True, slots=True)
class View:
    """A product as the reader sees it.

    ``kind`` is the sort of form: ``tablet``, ``capsule`` ... (the unit it is counted in),
    ``liquid``, ``inhaler``, ``drops``, ``spray``, ``injection``, ``cream``, ``device`` or empty.
    ``unit_dose`` is the unit a bare number counts, empty where it counts none.
    """

    name: str
    kind: str
    unit_dose: str
    eye: bool
    insulin: bool
    weekly: bool
    ingredients: tuple[str, ...] = ()
    strengths: tuple[StrengthLike | None, ...] = ()

    def counts(self, unit: str) -> bool:
        """Whether *unit* is one unit dose of this product."""
        return unit == self.unit_dose or unit == "dose"


def _kind(form: str) -> tuple[str, str]:
    """The sort of form and the unit it is counted in."""
    form = form.lower()
    if "inject" in form or "pre-filled" in form or "pen" in form.split() or "cartridge" in form:
        return "injection", ""
    if "inhal" in form or "evohaler" in form or "accuhaler" in form or "turbohaler" in form:
        return "inhaler", "puff" if "capsule" not in form else "capsule"
    if "drop" in form and "oral" not in form:
        return "drops", "drop"
    if "spray" in form:
        return "spray", "spray"
    if "nebuliser" in form:
        return "nebule", "nebule"
    for word, unit in _COUNTED.items():
        if word in form and not ("granules" in form and "sachet" not in form):
            return unit, unit
    if any(
        word in form
        for word in (
            "cream",
            "ointment",
            "gel",
            "lotion",
            "shampoo",
            "paste",
            "foam",
            "bath",
            "scalp",
        )
    ):
        return "cream", ""
    if any(word in form for word in _LIQUIDS) or "drops" in form:
        return "liquid", ""
    return "", ""


def _weekly(name: str, ingredients: tuple[str, ...], flags: frozenset[str]) -> bool:
    if WEEKLY in flags:
        return True
    words = name.lower()
    if any("methotrexate" in i for i in ingredients) or "methotrexate" in words:
        return True
    return ("alendron" in words and "70mg" in words.replace(" ", "")) or (
        "risedron" in words and "35mg" in words.replace(" ", "")
    )


@lru_cache(maxsize=20000)
def _from_name(name: str) -> View:
    match: DescribedProduct | None = None
    try:
        from counterfoil.terminology import formulary

        found = formulary().match(name)
        match = found if found.level != "none" else None
    except ImportError:
        match = None
    if match is not None and (match.form or match.ingredients):
        return _described(match, name)
    kind, unit = _kind(name)
    return View(
        name=name,
        kind=kind,
        unit_dose=unit,
        eye="eye" in name.lower().split(),
        insulin="insulin" in name.lower(),
        weekly=_weekly(name, (), frozenset()),
    )


def _described(product: DescribedProduct, name: str) -> View:
    form = product.form or ""
    kind, unit = _kind(form or name)
    return View(
        name=name,
        kind=kind,
        unit_dose=unit,
        eye=product.route == "ocular" or "eye" in form.split(),
        insulin="insulin" in product.flags or any("insulin" in i for i in product.ingredients),
        weekly=_weekly(name, product.ingredients, product.flags),
        ingredients=product.ingredients,
        strengths=tuple(product.strengths),
    )


def view_of(product: ProductLike) -> View | None:
    """The product as the reader sees it; ``None`` where none is given.

    A name alone is looked up in the formulary; where that does not know it, the words of the name
    still tell the form.
    """
    if product is None or isinstance(product, View):
        return product
    if isinstance(product, str):
        name = " ".join(product.split())
        return _from_name(name[:300]) if name else None
    return _described(product, product.name or "")

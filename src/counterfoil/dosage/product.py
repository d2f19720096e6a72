"""What the reader of a dose needs to know about the product, from whoever describes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Protocol, TypeAlias, runtime_checkable

from counterfoil.dosage.model import MONTH


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
    ``unit_dose`` is the unit a bare number counts, empty where it counts none. ``interval``: the one
    interval in days at which the product is taken (a week, a month), where it is known.
    """

    name: str
    kind: str
    unit_dose: str
    eye: bool
    insulin: bool
    interval: Fraction | None
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


_GUARDED = (
    # word of the name or ingredient, strengths in mg (any where empty), sort of form, days
    ("methotrexate", (), "", 7),
    ("alendron", (70,), "", 7),
    ("fosamax once weekly", (), "", 7),
    ("fosavance", (), "", 7),
    ("risedron", (35,), "", 7),
    ("semaglutide", (), "injection", 7),
    ("dulaglutide", (), "injection", 7),
    ("tirzepatide", (), "injection", 7),
    ("bydureon", (), "", 7),
    ("ibandron", (150,), "", MONTH),
)
"""Medicines with one interval longer than a day, by name and strength. Methotrexate, alendronic acid
70 mg, risedronate 35 mg and semaglutide: the reconciliation notes, section 5.2, read November 2026.
The others: recalled, from the licensed doses; the guard only ever asks a person to look.
"""
_OTHER_STRENGTHS = ("alendron", "risedron", "semaglutide")
"""Of these the guarded strength or form counts, whatever flag the product carries."""


def _interval(
    name: str,
    kind: str,
    ingredients: tuple[str, ...],
    strengths: Sequence[StrengthLike | None],
    flags: frozenset[str],
) -> Fraction | None:
    """The one interval the product is taken at, in days, where there is one."""
    words = " ".join((name.lower(), *ingredients))
    close = words.replace(" ", "")
    for word, sizes, form, days in _GUARDED:
        if word not in words or (form and kind != form):
            continue
        stated = {s.numerator for s in strengths if s is not None and s.unit == "mg"}
        named = any(f"{size}mg" in close for size in sizes)
        if not sizes or named or stated & {Fraction(size) for size in sizes}:
            return Fraction(days)
    if WEEKLY in flags and not any(word in words for word in _OTHER_STRENGTHS):
        return Fraction(7)
    return None


_told: list[bool] = []
"""Whether terminology knows that another release empties the cache below."""


@lru_cache(maxsize=20000)
def _from_name(name: str) -> View:
    match: DescribedProduct | None = None
    try:
        from counterfoil.terminology import forget_on_use, formulary

        if not _told:
            forget_on_use(_from_name.cache_clear)
            _told.append(True)
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
        interval=_interval(name, kind, (), (), frozenset()),
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
        interval=_interval(name, kind, product.ingredients, product.strengths, product.flags),
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

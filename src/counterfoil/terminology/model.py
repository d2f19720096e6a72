"""What a drug name means: strengths, products, and the outcome of reading a name."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

ProductLevel = Literal["VMP", "AMP"]
MatchLevel = Literal["AMP", "VMP", "VTM", "ingredients", "none"]

_MASS = {
    "kg": Fraction(10**9),
    "g": Fraction(10**6),
    "mg": Fraction(1000),
    "microgram": Fraction(1),
    "nanogram": Fraction(1, 1000),
}
_VOLUME = {"litre": Fraction(1000), "ml": Fraction(1), "microlitre": Fraction(1, 1000)}


def plain_number(value: Fraction) -> str:
    """A number as a label writes it: ``2.5``, ``1000``; ``1/3`` where no decimal is exact."""
    if value.denominator == 1:
        return str(value.numerator)
    denominator = value.denominator
    places = 0
    while denominator % 10 == 0 or denominator % 2 == 0 or denominator % 5 == 0:
        denominator //= 10 if denominator % 10 == 0 else 2 if denominator % 2 == 0 else 5
        places += 1
    if denominator != 1:
        return str(value)
    return f"{float(value):.{places}f}".rstrip("0")


def _key(
    value: Fraction, kind: str, below: Fraction | None, below_kind: str | None
) -> tuple[Fraction, str, str]:
    if kind in _MASS:
        value, kind = value * _MASS[kind], "microgram"
    elif kind in _VOLUME:
        value, kind = value * _VOLUME[kind], "ml"
    if below_kind == "application":  # a measure of foam or gel is called a dose, too
        below_kind = "dose"
    if below is None:
        return value, kind, ""
    if below_kind in _MASS:
        below, below_kind = below * _MASS[below_kind], "microgram"
    elif below_kind in _VOLUME:
        below, below_kind = below * _VOLUME[below_kind], "ml"
    return value / below, kind, below_kind or ""


@dataclass(frozen=True, slots=True)
class Strength:
    """An exact strength: 500 mg, or 250 mg in 5 ml, or 25 microgram an hour.

    ``unit`` is ``mg``, ``microgram``, ``nanogram``, ``g``, ``unit``, ``mmol``, ``ml``, ``microlitre`` or
    ``%``.
    ``denominator_unit`` is ``ml``, ``mg``, ``g``, ``dose``, ``hour`` or None; where it is None the
    strength is that of one unit dose (one tablet, one capsule).
    """

    numerator: Fraction
    unit: str
    denominator: Fraction | None = None
    denominator_unit: str | None = None
    _known: tuple[Fraction, str, str] | None = field(
        default=None, init=False, repr=False, compare=False
    )

    @property
    def key(self) -> tuple[Fraction, str, str]:
        """Equal for equal strengths however written: 1 g = 1000 mg, 5 mg/5 ml = 1 mg/1 ml."""
        known = self._known
        if known is None:
            known = _key(self.numerator, self.unit, self.denominator, self.denominator_unit)
            object.__setattr__(self, "_known", known)
        return known

    @property
    def numerator_key(self) -> tuple[Fraction, str]:
        """The amount alone in base units, for a single-use syringe or sachet."""
        if self.unit in _MASS:
            return self.numerator * _MASS[self.unit], "microgram"
        if self.unit in _VOLUME:
            return self.numerator * _VOLUME[self.unit], "ml"
        return self.numerator, self.unit

    def __str__(self) -> str:
        text = f"{plain_number(self.numerator)}{self.unit}"
        if self.denominator is None:
            return text
        below = "" if self.denominator == 1 else plain_number(self.denominator)
        return f"{text}/{below}{self.denominator_unit}"


@dataclass(frozen=True, slots=True)
class Product:
    """A product of the formulary: a VMP (generic) or an AMP (a brand of one).

    ``strengths`` stands parallel to ``ingredients``; None where the name states none. ``qualifiers``
    are the words of the name that make it a product of its own without changing drug, strength or
    form (``sugar free``, ``cfc free``, ``preservative free``); ``salts``, parallel to
    ``ingredients``, the salt its name states (empty where it states none). ``brand_matters`` means
    that a change of brand is a change for the patient. ``dmd_id`` is set when a dm+d release has
    been linked.
    """

    id: str
    name: str
    level: ProductLevel
    vmp_id: str
    brand: str | None
    ingredients: tuple[str, ...]
    strengths: tuple[Strength | None, ...]
    form: str
    route: str
    release: str
    device: str
    unit_dose: str
    drug_class: str
    brand_matters: bool
    flags: frozenset[str] = frozenset()
    cd_schedule: str = ""
    dmd_id: str | None = None
    qualifiers: frozenset[str] = frozenset()
    salts: tuple[str, ...] = ()
    supplier: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """What one text was read as, and how far.

    ``level`` says how much is known: a brand (AMP), a product (VMP), one drug with its route and
    release as far as stated (VTM), a set of drugs (ingredients), or nothing. ``product`` is set at
    AMP and VMP only. ``read`` gives, for each thing found, the words it was taken from. ``reasons``
    say what was not read, assumed or corrected; a match with no reasons consumed every word.
    ``possible`` are the formulary's products that agree with what was read of drug, form, route,
    release and brand; ``flags``, ``drug_class`` and ``brand_matters`` come from the product, else
    from these (the class only where they share one). ``conflict`` is set when the code and the
    words, or two of the words, name different drugs.
    """

    text: str
    level: MatchLevel
    product: Product | None = None
    id: str | None = None
    name: str | None = None
    ingredients: tuple[str, ...] = ()
    strengths: tuple[Strength | None, ...] = ()
    form: str | None = None
    route: str | None = None
    release: str | None = None
    brand: str | None = None
    device: str | None = None
    read: dict[str, str] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    flags: frozenset[str] = frozenset()
    drug_class: str | None = None
    brand_matters: bool = False
    possible: tuple[Product, ...] = ()
    conflict: bool = False

    def to_json(self) -> dict[str, Any]:
        """The object ``counterfoil terminology match`` prints for this text."""
        return {
            "text": self.text,
            "level": self.level,
            "id": self.id,
            "name": self.name,
            "ingredients": list(self.ingredients),
            "strengths": [None if s is None else str(s) for s in self.strengths],
            "form": self.form,
            "route": self.route,
            "release": self.release,
            "brand": self.brand,
            "device": self.device,
            "read": dict(self.read),
            "reasons": list(self.reasons),
        }

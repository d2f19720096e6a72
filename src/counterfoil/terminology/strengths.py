"""Strengths as text: units in any spelling to one spelling, amounts as exact fractions."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from counterfoil.terminology.model import Strength

UNITS = {
    "mg": "mg",
    "mgs": "mg",
    "milligram": "mg",
    "milligrams": "mg",
    "g": "g",
    "gm": "g",
    "gram": "g",
    "grams": "g",
    "microgram": "microgram",
    "micrograms": "microgram",
    "microg": "microgram",
    "microgm": "microgram",
    "mcg": "microgram",
    "mcgs": "microgram",
    "ug": "microgram",
    "µg": "microgram",
    "μg": "microgram",
    "nanogram": "nanogram",
    "nanograms": "nanogram",
    "nanog": "nanogram",
    "ng": "nanogram",
    "unit": "unit",
    "units": "unit",
    "iu": "unit",
    "u": "unit",
    "mmol": "mmol",
    "ml": "ml",
    "mls": "ml",
    "microlitre": "microlitre",
    "microlitres": "microlitre",
    "litre": "litre",
    "l": "litre",
    "%": "%",
    "dose": "dose",
    "actuation": "dose",
    "puff": "dose",
    "drop": "drop",
    "application": "application",
    "applic": "application",
    "hour": "hour",
    "hours": "hour",
    "hr": "hour",
    "hrs": "hour",
    "h": "hour",
}

_UNIT = "|".join(sorted((re.escape(u) for u in UNITS), key=len, reverse=True))
_STRENGTH = re.compile(
    rf"(?P<value>\d[\d,]*(?:\.\d+)?)(?:-(?P<high>\d+(?:\.\d+)?))?\s*(?P<unit>{_UNIT})"
    rf"(?:\s*/\s*(?P<below>\d[\d,]*(?:\.\d+)?)?\s*(?P<below_unit>{_UNIT}))?$"
)


_MILLIONS = re.compile(
    r"(?<![\d.,])(\d+(?:\.\d+)?) ?(?:million|mega|m) ?(?=(?:units?|u|iu)\b)", re.IGNORECASE
)


def in_units(text: str) -> str:
    """*text* with millions written out: ``13.4million units`` is ``13,400,000units``."""
    return _MILLIONS.sub(lambda found: f"{int(Decimal(found[1]) * 1_000_000):,}", text)


@lru_cache(maxsize=20_000)
def number(text: str) -> Fraction:
    """The exact value of ``1,000`` or ``2.5``."""
    return Fraction(text.replace(",", ""))


@lru_cache(maxsize=20_000)
def parse_strength(text: str) -> Strength | None:
    """The strength *text* states (``250mg/5ml``), or None where it is not one.

    A range (``3.1-3.7g/5ml``) is read as its upper end: it names a product, it is not dosed by.
    """
    found = _STRENGTH.match(text.strip().lower())
    if found is None:
        return None
    below_unit = found["below_unit"]
    return Strength(
        number(found["high"] or found["value"]),
        UNITS[found["unit"]],
        number(found["below"] or "1") if below_unit else None,
        UNITS[below_unit] if below_unit else None,
    )

"""Units of results: the text GP systems write, to UCUM where it can be known.

Values are compared only in equal units, or in units that :func:`factor` converts: a change of
prefix of one quantity, never between kinds of quantity (HbA1c in % is not HbA1c in mmol/mol, and
mg/dL is not mmol/L).
"""

from __future__ import annotations

import csv
import io
import re
from fractions import Fraction
from functools import lru_cache
from importlib import resources

_SIGNS = str.maketrans({"μ": "u", "µ": "u", "²": "2", "×": "x", "⁹": "*9", "·": ".", "−": "-"})
_SPACE = re.compile(r"\s+")

_BASES: dict[str, tuple[str, Fraction]] = {
    "g/L": ("mass concentration", Fraction(1)),
    "g/dL": ("mass concentration", Fraction(10)),
    "mg/L": ("mass concentration", Fraction(1, 1000)),
    "mg/dL": ("mass concentration", Fraction(1, 100)),
    "mg/mL": ("mass concentration", Fraction(1)),
    "ug/L": ("mass concentration", Fraction(1, 10**6)),
    "ng/mL": ("mass concentration", Fraction(1, 10**6)),
    "ng/L": ("mass concentration", Fraction(1, 10**9)),
    "pg/mL": ("mass concentration", Fraction(1, 10**9)),
    "mmol/L": ("substance concentration", Fraction(1)),
    "umol/L": ("substance concentration", Fraction(1, 10**3)),
    "nmol/L": ("substance concentration", Fraction(1, 10**6)),
    "pmol/L": ("substance concentration", Fraction(1, 10**9)),
    "kg": ("mass", Fraction(1)),
    "g": ("mass", Fraction(1, 1000)),
    "[lb_av]": ("mass", Fraction(45359237, 10**8)),
    "[stone_av]": ("mass", 14 * Fraction(45359237, 10**8)),
    "L": ("volume", Fraction(1)),
    "mL": ("volume", Fraction(1, 1000)),
    "m": ("length", Fraction(1)),
    "cm": ("length", Fraction(1, 100)),
    "[IU]/L": ("international units", Fraction(1)),
    "m[IU]/L": ("international units", Fraction(1, 1000)),
    "[IU]/mL": ("international units", Fraction(1000)),
    "U/L": ("enzyme units", Fraction(1)),
    "kU/L": ("enzyme units", Fraction(1000)),
    "U/mL": ("enzyme units", Fraction(1000)),
}


@lru_cache(maxsize=1)
def _table() -> dict[str, str]:
    text = (resources.files("counterfoil.knowledge") / "units.csv").read_text(encoding="utf-8")
    table = {row["text"]: row["ucum"] for row in csv.DictReader(io.StringIO(text))}
    return table | {normal(ucum): ucum for ucum in table.values()}


def normal(text: str) -> str:
    """*text* without the differences that do not matter: case, spaces, the micro sign, a final dot."""
    return _SPACE.sub("", text.translate(_SIGNS)).lower().rstrip(".")


@lru_cache(maxsize=8192)
def to_ucum(text: str | None) -> str | None:
    """The UCUM unit that *text* means, or None: not known, so values cannot be compared.

    Case does not count, because GP systems do not keep it (``G/L`` is grams, never giga). The
    temperature of an enzyme test (``IU/L 37C``) is a remark, not another unit. What is no unit
    (``Banana`` stands in a public test record) is None, however often it occurs.
    """
    if text is None:
        return None
    return _table().get(normal(text))


def factor(from_ucum: str, to_ucum: str) -> Fraction | None:
    """What a value in the first unit is multiplied by to be in the second; None: not comparable.

    International units per litre and enzyme units per litre of one enzyme test are not made equal
    here: a rule that takes both for ALT says so itself.
    """
    if from_ucum == to_ucum:
        return Fraction(1)
    one, other = _BASES.get(from_ucum), _BASES.get(to_ucum)
    if one is None or other is None or one[0] != other[0]:
        return None
    return one[1] / other[1]


def hba1c_to_ifcc(percent: Fraction) -> Fraction:
    """HbA1c in mmol/mol from a DCCT percentage, unrounded: 10.93 x percent - 23.5.

    Source (recalled): the IFCC-NGSP master equation in the form UK laboratories publish.
    """
    return Fraction(1093, 100) * percent - Fraction(47, 2)


__all__ = ["factor", "hba1c_to_ifcc", "normal", "to_ucum"]

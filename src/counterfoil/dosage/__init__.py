"""What a dose instruction says: text to structured dose and back, and the amount a day.

A dose is read right or left to a person. Every word must be understood by the grammar or belong
to a harmless list; where two readings differ the text stays unread and both are shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from counterfoil.dosage.arithmetic import (
    Comparison,
    compare,
    convert,
    ingredient_per_day,
    per_day,
    sites,
    step_per_day,
)
from counterfoil.dosage.fhir import from_fhir, to_fhir
from counterfoil.dosage.model import NO_FIXED_DOSE, Amount, Dose, Status, Step, Word
from counterfoil.dosage.product import DescribedProduct, ProductLike
from counterfoil.dosage.reader import Coded, read
from counterfoil.dosage.render import render, render_step, render_steps

__all__ = [
    "NO_FIXED_DOSE",
    "Amount",
    "Coded",
    "Comparison",
    "DescribedProduct",
    "Dose",
    "ProductLike",
    "Status",
    "Step",
    "Word",
    "compare",
    "convert",
    "from_fhir",
    "ingredient_per_day",
    "per_day",
    "read",
    "read_lines",
    "render",
    "render_step",
    "render_steps",
    "sites",
    "step_per_day",
    "to_fhir",
]


def read_lines(lines: Iterable[str], product: str | None = None) -> Iterator[dict[str, Any]]:
    """For the command line: a dose text a line, a JSON object a line.

    A tab and a product name after the text inform its reading; *product* is for lines without one.
    """
    for line in lines:
        text, _, name = line.rstrip("\r\n").partition("\t")
        yield read(text, name.strip() or product).to_json()

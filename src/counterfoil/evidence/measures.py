"""Measures: what is counted, of what, in which unit, and which way is better. Data, not code.

The definitions are the files of ``knowledge/measures``; the arithmetic is in
:mod:`counterfoil.evidence.weekly`.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, get_args

from counterfoil.evidence.spc import Improvement
from counterfoil.foundation.errors import DataError

TEXTS = ("id", "title", "numerator", "denominator", "unit", "limits", "source", "status")


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure's definition. ``smallest_change`` is the smallest change that matters, None where
    no source gives one: a protocol then has to say its own. ``status`` of the source: ``read``,
    ``recalled``, or ``own`` where the definition is the project's."""

    id: str
    version: int
    title: str
    numerator: str
    denominator: str
    unit: str
    improvement: Improvement
    smallest_change: float | None
    limits: str
    source: str
    status: str


@lru_cache
def all_measures() -> dict[str, Measure]:
    """Every measure that comes with the package, by id."""
    folder = resources.files("counterfoil.knowledge") / "measures"
    found = [
        _measure(tomllib.loads(file.read_text("utf-8")), file.name)
        for file in folder.iterdir()
        if file.name.endswith(".toml")
    ]
    return {one.id: one for one in sorted(found, key=lambda one: one.id)}


def measure(name: str) -> Measure:
    """One measure; ``DataError`` names those there are."""
    known = all_measures()
    if name not in known:
        raise DataError.at("measure", f"one of {', '.join(known)} is needed", name[:40])
    return known[name]


def _measure(raw: dict[str, Any], place: str) -> Measure:
    for key in TEXTS:
        if not isinstance(raw.get(key), str) or not raw[key].strip():
            raise DataError.at(f"{place}, {key}", "a text is needed")
    if raw.get("improvement") not in get_args(Improvement):
        raise DataError.at(f"{place}, improvement", "increase, decrease or neutral is needed")
    if raw["status"] not in ("read", "recalled", "own"):
        raise DataError.at(f"{place}, status", "read, recalled or own is needed")
    change = raw.get("smallest_change")
    return Measure(
        **{key: raw[key].strip() for key in TEXTS},
        version=int(raw["version"]),
        improvement=raw["improvement"],
        smallest_change=None if change is None else float(change),
    )

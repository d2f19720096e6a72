"""What else is known of a drug: which monitoring it falls under, and which names look like it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from rapidfuzz import process
from rapidfuzz.distance import OSA

from counterfoil.terminology.model import Product

_LETTERS_A_LETTER = 3
_MOST_LETTERS = 3
_SHORTEST = 6


@dataclass(frozen=True, slots=True)
class MonitoringGroup:
    """A group of drugs that one monitoring schedule is published for, with its source.

    It says that a schedule exists, not what it asks: that is for a rule, and for local advice.
    """

    name: str
    ingredients: frozenset[str]
    routes: frozenset[str]
    status: str
    source: str


@dataclass(frozen=True, slots=True)
class LookAlike:
    """A drug name so near another that one may be read for the other: ``letters`` apart."""

    name: str
    letters: int


@lru_cache(maxsize=1)
def monitoring_groups() -> tuple[MonitoringGroup, ...]:
    """The groups of ``knowledge/monitoring_groups.csv``, in its order."""
    path = resources.files("counterfoil.knowledge") / "monitoring_groups.csv"
    return tuple(
        MonitoringGroup(
            row["group"],
            frozenset(row["ingredients"].split("|")),
            frozenset(row["routes"].split("|")),
            row["status"],
            row["source"],
        )
        for row in csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")))
    )


def monitoring_of(product: Product) -> tuple[MonitoringGroup, ...]:
    """The groups that one of *product*'s ingredients by its route falls under."""
    return tuple(
        group
        for group in monitoring_groups()
        if group.ingredients.intersection(product.ingredients) and product.route in group.routes
    )


def look_alikes(name: str, names: Iterable[str]) -> tuple[LookAlike, ...]:
    """Those of *names* that look like the drug *name*, nearest first.

    A fact of the spellings alone: names that begin with the same letter and differ by one letter
    in three, three at most. It is no list of errors that have happened.
    """
    if len(name) < _SHORTEST:
        return ()
    reach = min(len(name) // _LETTERS_A_LETTER, _MOST_LETTERS)
    others = [other for other in names if other[:1] == name[:1] and other != name]
    near = process.extract(name, others, scorer=OSA.distance, score_cutoff=reach, limit=None)
    found = (LookAlike(other, letters) for other, letters, _ in near)
    return tuple(sorted(found, key=lambda alike: (alike.letters, alike.name)))

"""The policy of the checks: figures and words from ``knowledge/repeats.toml``, or a practice's own."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class Policy:
    """Figures in days unless named otherwise; see the comments of the file for each."""

    version: str
    due: int
    due_controlled: int
    review_grace: int
    lapsed: int
    discharge: int
    controlled_supply: int
    quantity_tolerance: int
    cycles: tuple[int, ...]
    erd_most_days: int
    erd_change_free_months: int
    erd_admission_free_months: int
    erd_review_within_months: int
    erd_most_items: int
    erd_excluded_classes: frozenset[str]
    erd_excluded_flags: frozenset[str]
    erd_excluded_ingredients: frozenset[str]
    notes: tuple[tuple[str, tuple[str, ...]], ...]


@cache
def load_policy() -> Policy:
    """The default policy of the project."""
    text = (files("counterfoil.knowledge") / "repeats.toml").read_text("utf-8")
    data = tomllib.loads(text)
    days, erd = data["days"], data["erd"]
    return Policy(
        version=data["version"],
        due=days["due"],
        due_controlled=days["due_controlled"],
        review_grace=days["review_grace"],
        lapsed=days["lapsed"],
        discharge=days["discharge"],
        controlled_supply=days["controlled_supply"],
        quantity_tolerance=days["quantity_tolerance"],
        cycles=tuple(days["cycles"]),
        erd_most_days=erd["most_days"],
        erd_change_free_months=erd["change_free_months"],
        erd_admission_free_months=erd["admission_free_months"],
        erd_review_within_months=erd["review_within_months"],
        erd_most_items=erd["most_items_to_begin"],
        erd_excluded_classes=frozenset(erd["excluded_classes"]),
        erd_excluded_flags=frozenset(erd["excluded_flags"]),
        erd_excluded_ingredients=frozenset(erd["excluded_ingredients"]),
        notes=tuple((kind, tuple(words)) for kind, words in data["notes"].items()),
    )

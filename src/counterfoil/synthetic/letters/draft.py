"""A letter being decided: its items, what has been altered, and what its author tends to say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from counterfoil.synthetic.letters.model import Item
from counterfoil.synthetic.lists import Option, options

CHANGE_SAID, START_SAID, STOP_SAID = 0.39, 0.49, 0.57
"""How often a letter gives the reason for a change of dose, a start and a stop: Shah 2018 EJHP."""

HIGH_RISK = frozenset(
    ["methotrexate", "lithium", "amiodarone", "doac", "warfarin", "insulin_basal", "insulin_rapid"]
)


@dataclass(slots=True)
class Draft:
    """One letter being decided: the items by plan, and what is said besides."""

    rng: np.random.Generator
    items: list[Item]
    groups: list[str]
    extra: list[Item]
    unnamed: list[Item]
    touched: set[int]
    allergies: tuple[str, ...] = ()
    hidden: list[Item] = field(default_factory=list)

    def free(self, fits: Callable[[int], bool] = lambda _: True) -> list[int]:
        """Places of items not yet altered that fit, in random order."""
        open_to = [i for i, item in enumerate(self.items) if item.expected == "same"]
        found = [i for i in open_to if i not in self.touched and fits(i)]
        return [found[i] for i in self.rng.permutation(len(found))]

    def siblings(self, place: int) -> list[tuple[float, Option]]:
        """Other strengths of an item's drug, where the list holds the drug once at one a time."""
        item = self.items[place]
        drug = item.gp_product.split()[0]
        alone = sum(other.gp_product.startswith(drug) for other in self.items) == 1
        return _siblings(item) if alone and item.amount == "1" else []

    def alter(self, place: int, **changes: object) -> None:
        """Change an item once."""
        self.touched.add(place)
        if changes.get("expected", "same") != "same":
            changes.setdefault("also", ())
        self.items[place] = replace(self.items[place], **changes)  # type: ignore[arg-type]


Story = Callable[[Draft], None]


def _milligrams(strength: str) -> float | None:
    """A plain strength in milligrams; ``None`` for anything less simple."""
    for unit, factor in (("microgram", 0.001), ("mg", 1.0), ("g", 1000.0)):
        figure = strength.removesuffix(unit)
        if strength.endswith(unit) and figure.replace(".", "", 1).isdigit():
            return float(figure) * factor
    return None


def _option(item: Item) -> Option | None:
    for option in options():
        if option.product == item.gp_product and option.group != "acute":
            return option
    return None


def _siblings(item: Item) -> list[tuple[float, Option]]:
    """Other strengths of the same drug and form, with how many times as strong each is."""
    mine = _option(item)
    if mine is None:
        return []
    own = _milligrams(mine.strength)
    found: dict[str, tuple[float, Option]] = {}
    for other in options():
        if other.group != mine.group or other.drug != mine.drug or other.form != mine.form:
            continue
        theirs = _milligrams(other.strength)
        if own and theirs and theirs != own:
            found[other.strength] = (theirs / own, other)
    return list(found.values())

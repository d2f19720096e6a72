"""The generator's own lists, read from ``knowledge/synthetic``.

They are scenery: plausible for a demonstration, checked against published figures only where
``targets.csv`` names a source, and never advice. No room but this one reads them.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources

import numpy as np

from counterfoil.synthetic.draws import Floats, Ints
from counterfoil.terminology.ids import own_id

Row = dict[str, str]


@cache
def rows(name: str) -> tuple[Row, ...]:
    """The rows of one list."""
    place = resources.files("counterfoil.knowledge") / "synthetic" / f"{name}.csv"
    return tuple(csv.DictReader(place.read_text(encoding="utf-8").splitlines()))


@cache
def target(name: str) -> float:
    """The value of one target figure."""
    return next(float(row["value"]) for row in rows("targets") if row["name"] == name)


@cache
def floor(name: str) -> int:
    """The least number of people a practice holds for one kind of treatment."""
    return next(int(row["least"]) for row in rows("floors") if row["name"] == name)


@dataclass(frozen=True, slots=True)
class Schedule:
    """How often: ``times`` a ``per_days`` (``None`` where the words do not say)."""

    times: int | None
    per_days: int | None
    as_needed: bool
    hospital: tuple[str, ...]


@cache
def schedules() -> dict[str, Schedule]:
    """Every way of saying how often, by its key."""
    return {
        r["freq"]: Schedule(
            int(r["times"]) if r["times"] else None,
            int(r["per_days"]) if r["per_days"] else None,
            r["as_needed"] == "true",
            tuple(r["hospital"].split("|")),
        )
        for r in rows("schedules")
    }


NUMBER_WORDS = {
    "0.5": "Half",
    "1": "One",
    "2": "Two",
    "3": "Three",
    "4": "Four",
    "5": "Five",
    "6": "Six",
    "8": "Eight",
    "10": "Ten",
    "1-2": "One Or Two",
    "1-3": "One To Three",
}


@dataclass(frozen=True, slots=True)
class Option:
    """One way of treating: a product, its dose and how much of it is supplied."""

    group: str
    weight: float
    drug: str
    strength: str
    form: str
    amount: str
    unit: str
    freq: str
    days: int
    quantity: float
    quantity_unit: str
    brand: str
    level: str

    @property
    def code(self) -> str | None:
        """The formulary's own id of the product; ``None`` where the formulary does not hold it."""
        return own_id(self.level, self.product) if self.level else None

    @property
    def stale_code(self) -> str | None:
        """An id of the same shape that no release holds any more: what a system has not updated."""
        return own_id(self.level, f"{self.product}, superseded") if self.level else None

    @property
    def product(self) -> str:
        """The product's name as a dm+d name is written."""
        return " ".join(part for part in (self.drug, self.strength, self.form) if part)

    @property
    def range(self) -> tuple[float, float] | None:
        """Least and most at one time, in units of the form; ``None`` where not stated."""
        if not self.amount:
            return None
        low, _, high = self.amount.partition("-")
        return float(low), float(high or low)

    @property
    def daily(self) -> float | None:
        """The most in a day, in units of the form."""
        plan = schedules()[self.freq]
        if self.range is None or plan.times is None or plan.per_days is None:
            return None
        return self.range[1] * plan.times / plan.per_days


def _option(row: Row, group: str) -> Option:
    amount, freq, days = row["amount"], row["freq"], int(row["days"])
    base = Option(
        group,
        float(row["weight"]),
        row["drug"],
        row["strength"],
        row["form"],
        amount,
        row["unit"],
        freq,
        days,
        0.0,
        row["quantity_unit"] or row["unit"],
        row.get("brand") or "",
        row["level"],
    )
    quantity = float(row["quantity"]) if row["quantity"] else (base.daily or 0.0) * days
    return replace(base, quantity=quantity)


@cache
def options() -> tuple[Option, ...]:
    """Every regimen option: those on repeat first, then the acute ones (group ``acute``)."""
    repeats = [_option(row, row["group"]) for row in rows("regimens")]
    return (*repeats, *[_option(row, "acute") for row in rows("acutes")])


@cache
def product_codes() -> tuple[str | None, ...]:
    """The code of every option, then in the same order the stale one."""
    return tuple(o.code for o in options()) + tuple(o.stale_code for o in options())


@cache
def groups() -> dict[str, tuple[Ints, Floats]]:
    """For each group the indexes of its options and their weights."""
    found: dict[str, list[int]] = {}
    for index, option in enumerate(options()):
        found.setdefault(option.group, []).append(index)
    return {
        name: (np.array(ix), np.array([options()[i].weight for i in ix]))
        for name, ix in found.items()
    }


def plural(unit: str, amount: str) -> str:
    """The unit as it follows an amount."""
    if amount in ("1", "0.5") or unit in ("ml", "mg"):
        return unit
    return unit + ("es" if unit.endswith("ch") else "s")


def say(template: str, amount: str, unit: str) -> str:
    """A dose text from its template: ``{n}`` figure, ``{N} {NN} {nn}`` word, ``{u}`` unit."""
    word = NUMBER_WORDS.get(amount, amount)
    figure = amount.replace("-", " to ")
    return template.format(
        n=figure, N=word, NN=word.upper(), nn=word.lower(), u=plural(unit, amount)
    )


@dataclass(frozen=True, slots=True)
class DoseTexts:
    """Every dose text, and for each option where its texts begin and how many they are."""

    words: tuple[str, ...]
    start: Ints
    count: Ints


FAULTY = ("Six To Be Taken Each Day",)
"""Dose texts that only a scene writes: no option is dosed so."""


@cache
def dose_texts() -> DoseTexts:
    """The dose texts of every option, most common way of writing first."""
    templates: dict[str, list[str]] = {}
    for row in rows("doses"):
        templates.setdefault(row["freq"], []).append(row["text"])
    words: list[str] = []
    start, count = [], []
    for option in options():
        ways = templates.get(f"{option.freq}:{option.unit}") or templates[option.freq]
        start.append(len(words))
        count.append(len(ways))
        words.extend(say(way, option.amount, option.unit) for way in ways)
    return DoseTexts((*words, *FAULTY), np.array(start), np.array(count))

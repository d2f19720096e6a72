"""The frame of every page: the navigation and the line that says how old the data is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from counterfoil.service.casework.shapes import DataAsAt
from counterfoil.service.pages import words

FRESH_DAYS = 1


@dataclass(frozen=True)
class NavigationItem:
    """One link of the header."""

    text: str
    href: str
    current: bool = False
    count: int = 0


def data_line(practices: Sequence[DataAsAt]) -> str:
    """How fresh the data is, in one line; every practice that is not of today or yesterday by name.

    "Data as at 21 November, 6:05pm: Riverside, Hill Street. Mill Lane is 3 days old."
    """
    by_moment: dict[str, list[str]] = {}
    late = []
    for one in practices:
        if one.at is None or one.days_old is None:
            late.append(f"{one.practice_name} has no records loaded.")
        elif one.days_old > FRESH_DAYS:
            late.append(f"{one.practice_name} is {one.days_old} days old.")
        else:
            by_moment.setdefault(words.short_moment(one.at), []).append(one.practice_name)
    fresh = [f"{moment}: {', '.join(names)}" for moment, names in by_moment.items()]
    start = [f"Data as at {'; '.join(fresh)}."] if fresh else []
    return " ".join(start + late)

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

    Practices of one day share its earliest moment.

    "Data as at 21 November, 6:05pm: Riverside, Hill Street. Mill Lane is 3 days old."
    """
    by_day: dict[str, list[DataAsAt]] = {}
    late = []
    for one in practices:
        if one.at is None or one.days_old is None:
            late.append(f"{one.practice_name} has no records loaded.")
        elif one.days_old > FRESH_DAYS:
            late.append(f"{one.practice_name} is {one.days_old} days old.")
        else:
            by_day.setdefault(words.short_day(one.at), []).append(one)
    fresh = []
    for of_day in by_day.values():
        oldest = min(one.at for one in of_day if one.at is not None)
        names = ", ".join(one.practice_name for one in of_day)
        fresh.append(f"{words.short_moment(oldest)}: {names}")
    start = [f"Data as at {'; '.join(fresh)}."] if fresh else []
    return " ".join(start + late)

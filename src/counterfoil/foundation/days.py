"""Time as whole days, and the one published way to do month and year arithmetic.

A *day* is an ``int``: days since 1970-01-01. An interval of days is half-open, ``[since, until)``.

Months follow the convention of the published PINCER code: "in the last n months" at index day *t*
means from ``minus_months(t, n)`` to *t*, both included, and a subtraction that lands on an
impossible day rolls to the first of the following month (31 May less 3 months is 1 March).
``window_end`` is the inverse: the last index day whose window still reaches back to a given day.
Adding months forward is not that inverse and is deliberately not offered.

Birthdays on 29 February fall on 1 March in years that are not leap years.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache

EPOCH = date(1970, 1, 1).toordinal()
FOREVER = date(9999, 12, 31).toordinal() - EPOCH
"""Stands for "no end" where a column must hold a number."""

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


def to_day(value: date) -> int:
    """The day number of a calendar date."""
    return value.toordinal() - EPOCH


def to_date(day: int) -> date:
    """The calendar date of a day number."""
    return date.fromordinal(day + EPOCH)


def parse_day(text: str) -> int:
    """The day number of an ISO date; ``ValueError`` where it is not one."""
    return to_day(date.fromisoformat(text))


def minus_months(day: int, months: int) -> int:
    """*day* less *months*; an impossible day rolls to the first of the following month."""
    value = to_date(day)
    year, month0 = divmod(value.year * 12 + value.month - 1 - months, 12)
    try:
        return to_day(date(year, month0 + 1, value.day))
    except ValueError:
        year, month0 = divmod(year * 12 + month0 + 1, 12)
        return to_day(date(year, month0 + 1, 1))


@lru_cache(maxsize=65536)
def window_end(day: int, months: int) -> int:
    """The last index day *t* with ``minus_months(t, months) <= day``.

    An event on *day* is "in the last *months* months" at every index day from *day* to this one.
    """
    value = to_date(day)
    year, month0 = divmod(value.year * 12 + value.month - 1 + months, 12)
    guess = to_day(date(year, month0 + 1, min(value.day, 28)))
    while minus_months(guess, months) > day:
        guess -= 1
    while minus_months(guess + 1, months) <= day:
        guess += 1
    return guess


def birthday(birth: int, years: int) -> int:
    """The day on which somebody born on *birth* turns *years*; 29 February falls on 1 March."""
    value = to_date(birth)
    try:
        return to_day(value.replace(year=value.year + years))
    except ValueError:
        return to_day(date(value.year + years, 3, 1))


def age_on(birth: int, day: int) -> int:
    """Completed years of age on *day*."""
    years = to_date(day).year - to_date(birth).year
    return years if birthday(birth, years) <= day else years - 1


def words(day: int | date) -> str:
    """A date as the NHS writes it: ``14 June 2026``."""
    value = to_date(day) if isinstance(day, int) else day
    return f"{value.day} {MONTHS[value.month - 1]} {value.year}"

"""Month windows for many days at once: the published month rule as a table."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

Days = npt.NDArray[np.int64]


def minus_months(days: Days, months: int) -> Days:
    """For each day number, the day *months* earlier; an impossible day rolls to the next first."""
    dates = days.astype("datetime64[D]")
    month = dates.astype("datetime64[M]")
    in_month = (dates - month.astype("datetime64[D]")).astype(np.int64)
    target = month - months
    first = target.astype("datetime64[D]").astype(np.int64)
    following = (target + 1).astype("datetime64[D]").astype(np.int64)
    result: Days = np.minimum(first + in_month, following)
    return result


@lru_cache(maxsize=64)
def window_ends(first: int, last: int, months: int) -> tuple[Days, Days]:
    """The days from *first* to *last* and, for each, the last index day whose window reaches it."""
    days = np.arange(first, last + 1, dtype=np.int64)
    index = np.arange(first, last + 32 * months + 64, dtype=np.int64)
    ends = np.searchsorted(minus_months(index, months), days, side="right") - 1
    return days, index[ends]


@lru_cache(maxsize=8)
def qof_year_ends(first: int, last: int) -> tuple[Days, Days]:
    """The days from *first* to *last* and, for each, the 31 March that ends its QOF year."""
    days = np.arange(first, last + 1, dtype=np.int64)
    # Moved back by three months, a QOF year is a calendar year.
    shifted = days.astype("datetime64[D]").astype("datetime64[M]") - 3
    ends = (shifted.astype("datetime64[Y]") + 1).astype("datetime64[M]") + 3
    return days, ends.astype("datetime64[D]").astype(np.int64) - 1


def birthdays(born: Days, years: int) -> Days:
    """The day on which somebody born on each day turns *years*; 29 February falls on 1 March."""
    dates = born.astype("datetime64[D]")
    month = dates.astype("datetime64[M]")
    in_month = (dates - month.astype("datetime64[D]")).astype(np.int64)
    result: Days = (month + 12 * years).astype("datetime64[D]").astype(np.int64) + in_month
    return result

"""The published month rule, and its inverse, as one function and as a table."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.foundation.days import (
    age_on,
    birthday,
    minus_months,
    parse_day,
    to_day,
    window_end,
    words,
)
from counterfoil.rules.engines import calendars

days = st.dates(date(1900, 1, 1), date(2100, 1, 1)).map(to_day)


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        ("2026-05-31", 3, "2026-03-01"),
        ("2026-05-30", 3, "2026-03-01"),
        ("2026-05-29", 3, "2026-03-01"),
        ("2026-05-28", 3, "2026-02-28"),
        ("2024-05-29", 3, "2024-02-29"),
        ("2024-05-30", 3, "2024-03-01"),
        ("2026-03-31", 1, "2026-03-01"),
        ("2026-01-15", 1, "2025-12-15"),
        ("2024-02-29", 12, "2023-03-01"),
        ("2026-07-31", 15, "2025-05-01"),
    ],
)
def test_an_impossible_day_rolls_to_the_first_of_the_following_month(
    day: str, months: int, expected: str
) -> None:
    assert minus_months(parse_day(day), months) == parse_day(expected)


@given(days, st.integers(1, 36))
def test_window_end_is_the_last_day_whose_window_reaches_back(day: int, months: int) -> None:
    end = window_end(day, months)
    assert minus_months(end, months) <= day < minus_months(end + 1, months)


@given(days, st.integers(1, 36))
def test_subtraction_of_months_never_goes_backwards(day: int, months: int) -> None:
    assert minus_months(day, months) <= minus_months(day + 1, months)


@pytest.mark.parametrize("months", [1, 3, 6, 12, 15])
def test_the_calendar_table_equals_the_function_on_every_day_of_twelve_years(months: int) -> None:
    first, last = to_day(date(2016, 1, 1)), to_day(date(2028, 1, 1))
    table_days, ends = calendars.window_ends(first, last, months)
    assert ends.tolist() == [window_end(int(d), months) for d in table_days]
    minus = calendars.minus_months(np.arange(first, last), months).tolist()
    assert minus == [minus_months(d, months) for d in range(first, last)]


def test_adding_months_forward_is_not_the_inverse() -> None:
    """31 January plus one month (28 February) is not the last day that looks back to it."""
    assert window_end(parse_day("2026-01-31"), 1) == parse_day("2026-02-28")
    assert window_end(parse_day("2026-03-01"), 1) == parse_day("2026-04-01") - 1 + 1
    assert window_end(parse_day("2026-02-28"), 3) == parse_day("2026-05-28")
    assert window_end(parse_day("2026-03-01"), 3) == parse_day("2026-06-01")


def test_a_birthday_on_29_february_falls_on_1_march() -> None:
    born = parse_day("1960-02-29")
    assert birthday(born, 65) == parse_day("2025-03-01")
    assert birthday(born, 64) == parse_day("2024-02-29")
    assert age_on(born, parse_day("2025-02-28")) == 64
    assert age_on(born, parse_day("2025-03-01")) == 65


@given(days, st.integers(0, 110))
def test_age_and_birthday_agree(born: int, years: int) -> None:
    there = birthday(born, years)
    assert age_on(born, there) == years
    assert years == 0 or age_on(born, there - 1) == years - 1


def test_dates_read_as_the_nhs_writes_them() -> None:
    assert words(parse_day("2026-06-14")) == "14 June 2026"
    assert words(date(2026, 6, 14) + timedelta(days=17)) == "1 July 2026"

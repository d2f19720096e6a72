"""How pages say dates, ages and numbers."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from counterfoil.service.pages import words


def test_nhs_number_stands_in_three_groups() -> None:
    assert words.nhs_number("9990000018") == "999 000 0018"
    assert words.nhs_number("999") == "999"


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (-58, "58 days late"),
        (-1, "1 day late"),
        (0, "today"),
        (1, "tomorrow"),
        (2, "in 2 days"),
        (None, ""),
    ],
)
def test_due_in_words(left: int | None, said: str) -> None:
    assert words.due_words(left) == said


@pytest.mark.parametrize(
    ("hour", "minute", "said"),
    [(14, 30, "2:30pm"), (0, 0, "midnight"), (12, 0, "midday"), (9, 0, "9am"), (0, 5, "12:05am")],
)
def test_clock_times_in_winter(hour: int, minute: int, said: str) -> None:
    assert words.clock(datetime(2026, 11, 21, hour, minute, tzinfo=UTC)) == said


def test_summer_time_counts() -> None:
    at = datetime(2026, 7, 1, 23, 30, tzinfo=UTC)
    assert words.moment(at) == "2 July 2026, 12:30am"


def test_ages_of_work() -> None:
    today = date(2026, 11, 21)
    assert words.ago(today, today) == "today"
    assert words.ago(date(2026, 11, 20), today) == "yesterday"
    assert words.ago(date(2026, 11, 18), today) == "3 days ago"


@pytest.mark.parametrize(
    ("ward", "said"),
    [
        ("7", "ward 7"),
        ("Ward C4", "ward C4"),
        ("Acute Medical Unit", "Acute Medical Unit"),
        ("", ""),
    ],
)
def test_wards_by_number_and_by_name(ward: str, said: str) -> None:
    assert words.ward_words(ward) == said


def test_counts_have_their_plural() -> None:
    assert words.count(1, "line") == "1 line"
    assert words.count(2000, "case") == "2,000 cases"

"""Strengths: exact, and one normal form for all that are equal."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.terminology.releases.strength import exact, normal, number

NUMBERS = st.decimals(min_value="0.001", max_value="99999", places=3).map(lambda d: f"{d:f}")
UNITS = ["mg", "gram", "microgram", "nanogram", "ml", "unit", "mmol", "tablet"]


@settings(deadline=None)
@given(st.fractions(min_value=0, max_value=10**9))
def test_a_number_as_text_is_read_back_exactly(value: Fraction) -> None:
    assert Fraction(exact(value)) == value


@pytest.mark.parametrize(
    ("text", "words"),
    [("23.20", "23.2"), ("5", "5"), ("5.0", "5"), ("1E-3", "0.001"), ("0.5", "0.5"), (".5", "0.5")],
)
def test_a_decimal_stays_one(text: str, words: str) -> None:
    assert exact(number(text)) == words


@settings(deadline=None)
@given(NUMBERS, st.sampled_from(UNITS), NUMBERS, st.integers(1, 50))
def test_both_halves_times_the_same_is_the_same_strength(
    top: str, unit: str, below: str, times: int
) -> None:
    more = exact(number(top) * times), unit, exact(number(below) * times), "ml"
    assert normal(top, unit, below, "ml") == normal(*more)


@settings(deadline=None)
@given(NUMBERS, NUMBERS)
def test_another_amount_is_another_strength(one: str, other: str) -> None:
    same = number(one) == number(other)
    assert (normal(one, "mg", "5", "ml") == normal(other, "mg", "5", "ml")) is same


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("3", "mg", "1", "ml"), ("6", "mg", "2", "ml")),
        (("1", "gram"), ("1000", "mg")),
        (("0.5", "mg"), ("500", "microgram")),
        (("1", "mg/ml"), ("5", "mg", "5", "ml")),
        (("1", "%w/v"), ("10", "mg", "1", "ml")),
        (("1", "%w/w"), ("10", "mg", "1", "gram")),
        (("24", "mg/24 hours"), ("1", "mg", "1", "hour")),
        (("1", "litre"), ("1000", "ml")),
        (("1", "mega u"), ("1000000", "unit")),
        (("100", "iu", "1", "ml"), ("100", "unit", "1", "ml")),
    ],
)
def test_equal_however_coded(first: tuple[str, ...], second: tuple[str, ...]) -> None:
    assert normal(*first) is not None
    assert normal(*first) == normal(*second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("3", "mg"), ("3", "mg", "1", "ml")),
        (("3", "mg"), ("3", "ml")),
        (("1", "mg", "1", "ml"), ("1", "mg", "1", "gram")),
        (("1", "%w/v"), ("1", "%v/v")),
        (("1", "mmol"), ("1", "mg")),
    ],
)
def test_unlike_things_are_not_equal(first: tuple[str, ...], second: tuple[str, ...]) -> None:
    assert normal(*first) != normal(*second)


@pytest.mark.parametrize(
    "cells",
    [
        (None, "mg"),
        ("5", None),
        ("5", "mg", "0", "ml"),
        ("5", "mg", "1", None),
        ("5", "mg/ml", "1", "ml"),
    ],
)
def test_what_cannot_be_compared_is_none(cells: tuple[str | None, ...]) -> None:
    assert normal(*cells) is None  # type: ignore[arg-type]

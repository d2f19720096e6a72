"""Doses that two readings fit: not read, or read as what both come to."""

from __future__ import annotations

from fractions import Fraction

import pytest

from counterfoil.documents import MedicineLine, read_text


def line(words: str) -> MedicineLine:
    found = read_text(f"Medicines on discharge\n{words}\n").lines
    assert len(found) == 1
    return found[0]


def amount(words: str) -> tuple[Fraction, str | None] | None:
    """The amount a day and its unit; nothing where the dose was not read."""
    dose = line(words).dose
    if dose.status != "read" or dose.per_day is None:
        return None
    assert dose.per_day.low == dose.per_day.high
    return dose.per_day.high, dose.per_day.unit


@pytest.mark.parametrize(
    "words",
    [
        "Prednisolone 30mg daily (6 tablets)",
        "Prednisolone 30mg OD - 6 tablets",
        "Prednisolone 30 mg (6 tablets) once daily",
        "Warfarin 3mg daily (3 tablets)",
        "Warfarin 3mg (3 tablets) daily",
        "Methotrexate 10mg weekly (4 tablets)",
        "Methotrexate 10 mg (4 tablets) once weekly",
        "Methotrexate 10mg weekly 4 tabs",
        "Methotrexate 10mg 4 tablets once weekly",
        "Methotrexate 10mg on Mondays, 4 tablets",
        "Methotrexate 10mg Tuesdays (4 tabs)",
        "Levothyroxine 100mcg daily (2 tablets)",
        "Sertraline 100mg daily, two tablets",
        "Amlodipine 10mg OD (28 tablets)",
        "Paracetamol 1g QDS (2 tablets)",
    ],
)
def test_an_amount_of_each_or_of_all_is_not_guessed(words: str) -> None:
    assert amount(words) is None


@pytest.mark.parametrize(
    ("words", "much", "unit"),
    [
        ("Prednisolone 15mg daily (3 tablets)", Fraction(15), "mg"),
        ("Prednisolone 15mg (3 tablets) daily", Fraction(15), "mg"),
        ("Methotrexate 15mg weekly (6 tablets)", Fraction(15, 7), "mg"),
        ("Methotrexate 15mg (6 tablets) once weekly", Fraction(15, 7), "mg"),
    ],
)
def test_the_amount_is_the_dose_where_no_tablet_has_it(
    words: str, much: Fraction, unit: str
) -> None:
    assert amount(words) == (much, unit)


@pytest.mark.parametrize(
    ("words", "much"),
    [
        ("Paracetamol 500mg 2 tablets QDS", 8),
        ("Paracetamol 500mg tablets take two four times a day", 8),
        ("Senna 7.5mg nocte (2 tablets)", 2),
        ("Furosemide 40mg two tablets daily", 2),
        ("Furosemide 40mg daily (1 tablet)", 1),
        ("Prednisolone 5mg tablets 6 tablets daily", 6),
        ("Methotrexate 2.5mg tablets four once a week", Fraction(4, 7)),
        ("Methotrexate 2.5mg 4 tablets once a week", Fraction(4, 7)),
        ("Alendronic acid 70mg tablets one once a week", Fraction(1, 7)),
    ],
)
def test_plain_counts_are_read(words: str, much: int | Fraction) -> None:
    assert amount(words) == (much, "tablet")


@pytest.mark.parametrize(
    "words",
    [
        "Fentanyl 12 patch every 72 hours",
        "Butec 5 patch weekly",
        "Butrans 10 patch every 7 days",
        "GTN 5 patch daily",
    ],
)
def test_a_number_before_patch_may_be_its_strength(words: str) -> None:
    assert amount(words) is None


@pytest.mark.parametrize(
    ("words", "much", "unit"),
    [
        ("Rivastigmine 4.6mg/24h patch, 1 patch daily", Fraction(1), "patch"),
        ("Fentanyl 12mcg/h patches two patches every 72 hours", Fraction(2, 3), "patch"),
        ("Lidocaine 5% plasters 3 plasters daily", Fraction(3), "plaster"),
    ],
)
def test_patches_are_counted(words: str, much: Fraction, unit: str) -> None:
    assert amount(words) == (much, unit)


def test_how_often_a_patch_is_changed_is_no_course() -> None:
    assert not line("Buprenorphine 5micrograms/hour patch, 1 patch every 7 days").duration

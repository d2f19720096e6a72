"""Comparison, ingredients, coded timing: the parts that the golden texts do not show."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from counterfoil.dosage import compare, from_fhir, ingredient_per_day, read, to_fhir

F = Fraction


@pytest.mark.parametrize(
    ("one", "other", "outcome"),
    [
        ("1 tablet daily", "Take ONE tablet each day", "equal"),
        ("1 tablet daily", "2 tablets daily", "up"),
        ("2 tablets daily", "1 tablet daily", "down"),
        ("1 tablet twice a day", "2 tablets once a day", "schedule_only"),
        ("1 tablet in the morning", "1 tablet at night", "schedule_only"),
        ("1-2 tablets daily", "3-4 tablets daily", "up"),
        ("1-2 tablets daily", "2-3 tablets daily", "overlaps"),
        ("1-3 tablets daily", "2-4 tablets daily", "overlaps"),
        ("1 tablet four times a day", "1 tablet four times a day when required", "overlaps"),
        ("500mg twice a day", "1g daily", "schedule_only"),
        ("250 micrograms daily", "0.5mg daily", "up"),
        ("1 tablet daily", "5ml daily", "not_comparable"),
        ("1 tablet daily", "as directed", "not_comparable"),
        ("as directed", "as directed", "not_comparable"),
        ("1 tablet daily", "one", "not_comparable"),
        ("1 drop in both eyes daily", "1 drop in the left eye daily", "not_comparable"),
        ("apply twice a day", "apply twice a day", "equal"),
        ("apply twice a day", "apply once a day", "not_comparable"),
        ("2 tablets daily for 5 days then 1 tablet daily", "1 tablet daily", "not_comparable"),
    ],
)
def test_comparison(one: str, other: str, outcome: str) -> None:
    assert compare(read(one), read(other)) == outcome


@pytest.mark.parametrize(
    ("text", "product", "amounts"),
    [
        ("One twice a day", "Metformin 500mg tablets", {"metformin": (1000, 1000, "mg")}),
        ("10mg daily", "Amlodipine 5mg tablets", {"amlodipine": (10, 10, "mg")}),
        ("5ml three times a day", "Amoxicillin 250mg/5ml oral suspension", {"amoxicillin": (750, 750, "mg")}),
        ("2 puffs twice a day", "Salbutamol 100micrograms/dose inhaler CFC free", {"salbutamol": (400, 400, "microgram")}),
        ("as directed", "Amlodipine 5mg tablets", None),
        ("1 drop daily", "Amlodipine 5mg tablets", None),
    ],
)  # fmt: skip
def test_ingredients(text: str, product: str, amounts: dict[str, Any] | None) -> None:
    got = ingredient_per_day(read(text, product), product)
    if amounts is None:
        assert got is None
        return
    assert got is not None
    ((low, high, unit),) = got.values()
    ((want_low, want_high, want_unit),) = amounts.values()
    assert (low, high, unit) == (want_low, want_high, want_unit)


def coded(
    frequency: int, period: int, unit: str, value: float | None = None, of: str = ""
) -> dict[str, Any]:
    made: dict[str, Any] = {
        "timing": {"repeat": {"frequency": frequency, "period": period, "periodUnit": unit}}
    }
    if value is not None:
        made["doseAndRate"] = [{"doseQuantity": {"value": value, "unit": of}}]
    return made


@pytest.mark.parametrize(
    ("text", "timing", "status"),
    [
        ("10 milligram once weekly", coded(5, 1, "d", 10, "milligram"), "conflict"),
        ("10 milligram once weekly", coded(1, 1, "wk", 10, "milligram"), "read"),
        ("Once daily", coded(5, 1, "d"), "conflict"),
        ("One tablet daily", coded(1, 1, "d", 1, "capsule"), "conflict"),
        ("One tablet daily", coded(1, 1, "d", 1, "tablet"), "read"),
        ("One tablet daily", coded(1, 24, "h", 1, "tablet"), "read"),
        ("One tablet daily", coded(1, 1, "d", 2, "tablet"), "conflict"),
        ("500mg twice a day", coded(2, 1, "d", 0.5, "g"), "read"),
        ("EIGHT (8) tablets DAILY", coded(8, 1, "d", 1, "tablet"), "conflict"),
        ("as directed", coded(1, 1, "d", 1, "tablet"), "conflict"),
        ("One tablet daily", {"text": "something else"}, "read"),
        ("One tablet daily when required", coded(1, 1, "d", 1, "tablet"), "conflict"),
    ],
)
def test_text_against_coded_timing(text: str, timing: dict[str, Any], status: str) -> None:
    dose = read(text, coded=timing)
    assert dose.status == status, dose.reasons
    if status == "conflict":
        assert dose.per_day is None
        assert any("the text says" in r or "the text leaves" in r for r in dose.reasons)


def test_coded_timing_stands_in_for_no_text() -> None:
    dose = read("", coded=coded(2, 1, "d", 1, "tablet"))
    assert dose.status == "read"
    assert dose.per_day is not None
    assert dose.per_day.high == 2
    assert "no text" in dose.reasons[0]


def test_coded_timing_is_shown_where_the_text_is_not_read() -> None:
    dose = read("n/a", coded=coded(2, 1, "d", 1, "tablet"))
    assert dose.status == "unread"
    assert "twice a day" in dose.reasons[-1]


def test_stu3_fields_of_gp_connect_are_read() -> None:
    (step,) = from_fhir(
        {"timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}},
         "doseQuantity": {"value": 2, "unit": "tablets"}, "asNeededBoolean": True}
    )  # fmt: skip
    assert (step.low, step.unit, step.as_needed, step.per_days) == (2, "tablet", True, 1)


def test_fhir_says_intervals_as_intervals() -> None:
    (made,) = to_fhir(read("1 tablet every 4 to 6 hours"))
    repeat = made["timing"]["repeat"]
    assert (repeat["period"], repeat["periodMax"], repeat["periodUnit"]) == (4, 6, "h")


def test_fhir_of_an_unread_text_is_its_text() -> None:
    assert to_fhir(read("nmkl")) == [{"text": "nmkl"}]


@pytest.mark.parametrize("text", ["", "as per letter", "10mg once a week"])
def test_weekly_guard_holds_for_coded_timing(text: str) -> None:
    daily = coded(1, 1, "d", 10, "mg")
    dose = read(text, "Methotrexate 2.5mg tablets", daily)
    assert dose.status == "conflict"
    assert dose.per_day is None
    assert any("once a week" in r and "once a day" in r for r in dose.reasons)
    weekly = read("", "Methotrexate 2.5mg tablets", coded(1, 1, "wk", 10, "mg"))
    assert weekly.status == "read"


@pytest.mark.parametrize(
    ("product", "text", "status"),
    [
        ("Ibandronic acid 150mg tablets", "One daily", "conflict"),
        ("Ibandronic acid 150mg tablets", "One weekly", "conflict"),
        ("Ibandronic acid 150mg tablets", "One once a month", "read"),
        ("Ibandronic acid 150mg tablets", "One every 4 weeks", "read"),
        ("Ibandronic acid 50mg tablets", "One daily", "read"),
        ("Semaglutide 7mg tablets", "One daily", "read"),
        ("Alendronic acid 10mg tablets", "One daily", "read"),
        ("Fosavance 70mg/2,800unit tablets", "One daily", "conflict"),
        ("Risedronate sodium 5mg tablets", "One daily", "read"),
    ],
)
def test_guards_know_strength_and_form(product: str, text: str, status: str) -> None:
    assert read(text, product).status == status


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1 puff twice a day and as required, max 8 puffs in 24 hours", "only when needed"),
        ("1 daily?", "not understood"),
        ("half dose daily", "two ways"),
        ("2 tablets qds max 6 in 24 hours", "more than the maximum"),
        ("1 tablet twice a day then", "not understood"),
        ("one pessary at night as a single dose", "one dose in all"),
        ("1.000mg od", "not understood"),
        ("1 tablet now and then", "two ways"),
    ],
)
def test_what_is_left_to_a_person_says_why(text: str, why: str) -> None:
    dose = read(text)
    assert dose.status != "read"
    assert dose.per_day is None
    assert any(why in r for r in dose.reasons), dose.reasons


def test_weekly_guard_shows_both_sides() -> None:
    dose = read("One daily", "Methotrexate 2.5mg tablets")
    assert dose.status == "conflict"
    assert any("once a week" in r and "once a day" in r for r in dose.reasons)

"""The worked examples of the notes on repeats (1.6), and what must stay unknown."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from counterfoil.dosage import read
from counterfoil.foundation.days import parse_day
from counterfoil.records.rows import Issue
from counterfoil.supply import (
    covered,
    daily_use,
    days_left,
    mpr,
    pdc,
    read_quantity,
    supplied,
    supply_days,
    timing,
    unit_of,
)

F = Fraction


def issue(
    on: str,
    quantity: str | None = "28",
    dose: str | None = "One To Be Taken Each Day",
    unit: str | None = "tablet",
    product: str = "Amlodipine 5mg tablets",
    **more: object,
) -> Issue:
    return Issue(
        practice="X00001",
        source_system="csv",
        source_id=on,
        issue_id=f"i-{on}",
        patient_id="p1",
        product_text=product,
        issue_type="repeat",
        issued_on=date.fromisoformat(on),
        quantity=None if quantity is None else Decimal(quantity),
        quantity_unit=unit,
        dose_text=dose,
        **more,  # type: ignore[arg-type]
    )


def state(issues: list[Issue], on: str) -> tuple[object, str]:
    coverage = covered(issues, parse_day(on))
    return days_left(coverage, parse_day(on)), timing(coverage, parse_day(on))


def test_v1_v2_a_month_of_one_a_day() -> None:
    assert state([issue("2026-11-01")], "2026-11-22") == ((7, 7), "due")
    assert state([issue("2026-11-01")], "2026-11-20") == ((9, 9), "early")


def test_v3_late_is_not_a_missed_cycle() -> None:
    issues = [issue("2026-10-01", "56", "One To Be Taken Twice A Day")]
    assert state(issues, "2026-11-22") == ((-24, -24), "late")


def test_v4_carry_over_and_possession_ratio() -> None:
    issues = [issue("2026-10-01"), issue("2026-10-20"), issue("2026-11-08")]
    assert state(issues, "2026-11-25") == ((29, 29), "early")
    got = mpr([supplied(i) for i in issues], parse_day("2026-10-01"), parse_day("2026-11-25"))
    assert got is not None
    assert got.low == got.high == F(84, 55)


def test_v5_days_covered() -> None:
    issues = [issue("2026-06-01"), issue("2026-07-15"), issue("2026-09-01")]
    got = pdc([supplied(i) for i in issues], parse_day("2026-06-01"), parse_day("2026-09-29"))
    assert got is not None
    assert got.low == got.high == F(84, 120)
    assert len(covered(issues, parse_day("2026-09-29")).spans) == 3


def test_v6_quantity_against_stated_days() -> None:
    got = supplied(issue("2026-11-01", "30", supply_days=28))
    assert got.days is not None
    assert got.days.low == 30
    assert got.mismatch is not None
    assert supplied(issue("2026-11-01", "28", supply_days=28)).mismatch is None


def test_v8_weekly_tablets() -> None:
    dose = read("six once weekly", "Methotrexate 2.5mg tablets")
    use = daily_use(dose, "tablet", "Methotrexate 2.5mg tablets")
    assert use is not None
    assert use.low == use.high == F(6, 7)
    assert supply_days(24, use).low == 28
    bad = read("six daily", "Methotrexate 2.5mg tablets")
    assert bad.status == "conflict"
    assert daily_use(bad, "tablet", "Methotrexate 2.5mg tablets") is None


def test_v9_as_needed_is_never_late() -> None:
    dose = "One Or Two To Be Taken Four Times A Day When Required"
    issues = [issue("2026-01-01", "100", dose)]
    days = supplied(issues[0]).days
    assert days is not None
    assert (days.low, days.high) == (F(25, 2), None)
    assert state(issues, "2026-11-22")[1] == "not_late"
    assert state(issues, "2026-01-03")[1] == "early"


@pytest.mark.parametrize("text", ["1", "n/a", "As Directed", None, "sjdhf"])
def test_v13_unknown_doses_stay_unknown(text: str | None) -> None:
    issues = [issue("2026-11-01", dose=text)]
    coverage = covered(issues, parse_day("2026-11-22"))
    assert coverage.covered_until_low is None
    assert coverage.unknown_reasons
    assert timing(coverage, parse_day("2026-11-22")) == "cannot_tell"


def test_stated_days_are_used_and_marked() -> None:
    got = supplied(issue("2026-11-01", dose="As directed", supply_days=28))
    assert got.days is not None
    assert got.days.stated
    assert got.reason


def test_cancelled_withdrawn_and_future_issues_do_not_count() -> None:
    on = date(2026, 11, 5)
    issues = [
        issue("2026-11-01", cancelled_on=on),
        issue("2026-11-02", deleted_on=on),
        issue("2026-12-01"),
    ]
    coverage = covered(issues, parse_day("2026-11-22"))
    assert coverage.spans == ()
    assert coverage.covered_until_low is None


def test_same_day_twins_count_once_only_by_policy() -> None:
    twins = [issue("2026-11-01", plan_id="a"), issue("2026-11-01", plan_id="a")]
    as_of = parse_day("2026-11-22")
    assert covered(twins, as_of).covered_until_low == parse_day("2026-12-27")
    merged = covered(twins, as_of, merge_same_day=True)
    assert merged.covered_until_low == parse_day("2026-11-29")


def test_carry_over_is_capped() -> None:
    issues = [issue("2026-01-01", "280"), issue("2026-01-02", "28")]
    coverage = covered(issues, parse_day("2026-01-10"))
    assert coverage.covered_until_low == parse_day("2026-01-02") + 56


def test_an_unknown_issue_in_the_middle_leaves_the_upper_end_open() -> None:
    issues = [issue("2026-09-01"), issue("2026-10-01", dose="as directed"), issue("2026-11-01")]
    coverage = covered(issues, parse_day("2026-11-22"))
    assert coverage.covered_until_low == parse_day("2026-11-29")
    assert coverage.covered_until_high is None
    assert len(coverage.unknown_reasons) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("28 tablet(s)", (F(28), "tablet")),
        ("2 x 28", (F(56), None)),
        ("100 mls", (F(100), "ml")),
        ("56 caps", (F(56), "capsule")),
        ("28", (F(28), None)),
        ("1 OP", None),
        ("some", None),
    ],
)
def test_quantities(text: str, expected: object) -> None:
    assert read_quantity(text) == expected


def test_units() -> None:
    assert unit_of("tablet(s)") == "tablet"
    assert unit_of("m") is None
    assert unit_of(None) is None


@pytest.mark.parametrize(
    ("dose", "unit", "product", "low", "high"),
    [
        ("10mg daily", "tablet", "Amlodipine 5mg tablets", F(2), F(2)),
        ("5ml twice a day", "ml", None, F(10), F(10)),
        ("2 puffs twice a day", "dose", None, F(4), F(4)),
        ("1 drop in both eyes twice a day", "drop", None, F(4), F(4)),
        ("one on alternate days", "tablet", None, F(1, 2), F(1, 2)),
        ("Apply one patch every 72 hours", "patch", None, F(1, 3), F(1, 3)),
        ("1 daily for 21 days then 7 days off", "tablet", None, F(3, 4), F(3, 4)),
        ("2 puffs twice a day", "inhaler", None, None, None),
        ("5ml twice a day", "bottle", None, None, None),
        ("one daily", "ml", None, None, None),
    ],
)
def test_daily_use(
    dose: str, unit: str, product: str | None, low: F | None, high: F | None
) -> None:
    use = daily_use(read(dose, product), unit, product)
    assert (use.low, use.high) == (low, high) if use else low is None

"""XmR charts: equal to the reference's own output, and each rule by itself."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.evidence import spc
from counterfoil.foundation.days import parse_day
from counterfoil.foundation.errors import DataError, UsageError
from support import SHARED, needs_shared


def chart(values: list[float], improvement: spc.Improvement = "increase", **kw: Any) -> spc.Chart:
    return spc.xmr([(7 * i, v) for i, v in enumerate(values)], improvement, **kw)


def rules(values: list[float], **kw: Any) -> list[str | None]:
    return [point.rule for point in chart(values, **kw).points]


def rows(name: str) -> list[dict[str, str]]:
    if SHARED is None:
        return []
    with (SHARED / "examples" / "spc" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    series: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for row in rows("series.csv"):
        series[row["series_id"]].append((parse_day(row["date"]), float(row["value"])))
    points: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in rows("expected_points.csv"):
        points[row["case_id"]].append(row)
    return {"series": series, "points": points}


RULE_WORDS = {
    "Common Cause": None,
    "Above UCL": "outside",
    "Below LCL": "outside",
    "7 Point Trend (Increasing)": "trend",
    "7 Point Trend (Decreasing)": "trend",
    "2 in 3 Above CL": "two_in_three",
    "2 in 3 Below CL": "two_in_three",
    "7 Points Above CL": "shift",
    "7 Points Below CL": "shift",
}


class TestReference:
    pytestmark = needs_shared

    def test_there_is_a_reference(self, reference: dict[str, Any]) -> None:
        assert len(reference["series"]) >= 10
        assert sum(map(len, reference["points"].values())) >= 4000

    @pytest.mark.parametrize("case", rows("cases.csv"), ids=lambda case: case["case_id"])
    def test_equals_the_reference_at_every_point(
        self, case: dict[str, str], reference: dict[str, Any]
    ) -> None:
        made = spc.xmr(
            reference["series"][case["series_id"]],
            case["improvement_direction"],  # type: ignore[arg-type]
            target=float(case["target"]) if case["target"] else None,
            fix_after=int(case["fix_after_n_points"]) if case["fix_after_n_points"] else None,
            rebase=[parse_day(d) for d in case["rebase"].split("|") if d],
            screen_outliers=case["screen_outliers"] == "TRUE",
        )
        expected = reference["points"][case["case_id"]]
        assert len(made.points) == len(expected) == int(case["n"])
        for point, row in zip(made.points, expected, strict=True):
            assert point.day == parse_day(row["date"])
            assert point.value == float(row["value"])
            assert point.mean == pytest.approx(float(row["mean"]), rel=1e-9, abs=1e-9)
            assert point.lower == pytest.approx(float(row["lpl"]), rel=1e-9, abs=1e-9)
            assert point.upper == pytest.approx(float(row["upl"]), rel=1e-9, abs=1e-9)
            assert point.type == row["point_type"]
            assert point.rule == RULE_WORDS[row["special_cause_type"]]
            assert point.segment == int(row["rebase_group"])
        assert made.variation == case["variation_icon_last_point"]
        assert (made.assurance or "") == case["assurance_icon"]
        special = sum(point.type != "common_cause" for point in made.points)
        assert special == int(case["n_special"])
        trial = any(row["short_group_warning"] == "TRUE" for row in expected)
        assert trial == any(note.startswith("Trial limits") for note in made.notes)


class TestRules:
    def test_limits_are_the_mean_and_2_66_mean_moving_ranges(self) -> None:
        point = chart([10, 12, 10, 12]).points[0]
        assert (point.mean, point.lower, point.upper) == (11, 11 - 5.32, 11 + 5.32)

    def test_an_outlying_moving_range_is_screened_once(self) -> None:
        values = [10.0, 11] * 10 + [60.0]
        screened, kept = chart(values), chart(values, screen_outliers=False)
        assert screened.points[0].upper == pytest.approx(screened.points[0].mean + 2.66)
        assert kept.points[0].upper > screened.points[0].upper  # type: ignore[operator]

    def test_a_point_on_a_limit_is_inside(self) -> None:
        # fixed on twelve points of mean 10 and mean moving range 0.5
        values = [9.75, 10.25] * 6
        assert rules([*values, 10 + 2.66 * 0.5], fix_after=12)[-1] is None
        assert rules([*values, 10 + 2.66 * 0.5 + 1e-9], fix_after=12)[-1] == "outside"

    def test_six_steps_one_way_are_a_trend_and_a_tie_breaks_it(self) -> None:
        base = [0.0, 8, 0, 8, 0, 8, 0, 8, 0, 8, 0, 8]
        rise = [1.0, 2, 3, 4, 5, 6, 7]
        assert rules([*base, 2, *rise[:6], 3], fix_after=12).count("trend") == 0
        assert rules([*base, *rise], fix_after=12)[-7:] == ["trend"] * 7
        assert "trend" not in rules([*base, 1, 2, 3, 3, 4, 5, 6], fix_after=12)

    def test_a_turning_point_of_two_trends_takes_the_second(self) -> None:
        base = [0.0, 8, 0, 8, 0, 8, 0, 8, 0, 8, 0, 8]
        made = chart([*base, 1, 2, 3, 4, 5, 6, 7, 6, 5, 4, 3, 2, 1], fix_after=12)
        types = [point.type for point in made.points[12:]]
        assert types == ["special_cause_improvement"] * 6 + ["special_cause_concern"] * 7

    def test_seven_on_one_side_are_a_shift_and_a_point_on_the_mean_breaks_it(self) -> None:
        base = [9.0, 11] * 6
        assert rules([*base, 11, 10.5, 11, 10.5, 11, 10.5, 11], fix_after=12)[-7:] == ["shift"] * 7
        broken = rules([*base, 10, 10.5, 11, 10, 11, 10.5, 11, 10.5], fix_after=12)
        assert set(broken[-8:]) == {None}

    def test_two_of_three_near_one_limit_are_flagged_and_the_third_is_not(self) -> None:
        # mean 10, mean moving range 2: near is beyond 13.547, outside beyond 15.32
        base = [9.0, 11] * 6
        assert rules([*base, 14, 11, 14, 9], fix_after=12)[-4:] == [
            "two_in_three",
            None,
            "two_in_three",
            None,
        ]
        assert set(rules([*base, 14, 9, 14], fix_after=12)[-3:]) == {None}

    def test_a_rebase_breaks_every_run(self) -> None:
        values = [9.0, 11] * 6 + [11.0, 10.5, 11, 10.5, 11, 10.5, 11]
        assert "shift" in rules(values, fix_after=12)
        assert "shift" not in rules(values, fix_after=12, rebase=[7 * 15])

    def test_neutral_says_high_or_low_and_gives_no_assurance(self) -> None:
        made = chart([9.0, 11] * 6 + [40], "neutral", fix_after=12, target=3)
        assert made.variation == "special_cause_neutral_high"
        assert made.assurance is None

    def test_assurance_sets_the_target_against_the_limits(self) -> None:
        values = [9.0, 11] * 6  # limits 4.68 and 15.32
        assert chart(values, target=4).assurance == "consistent_pass"
        assert chart(values, target=16).assurance == "consistent_fail"
        assert chart(values, target=10).assurance == "inconsistent"
        assert chart(values, "decrease", target=4).assurance == "consistent_fail"
        assert chart(values, "decrease", target=16).assurance == "consistent_pass"


class TestEdges:
    def test_one_point_has_a_mean_and_no_limits(self) -> None:
        made = chart([5.0], target=3)
        assert (made.points[0].mean, made.points[0].lower) == (5, None)
        assert made.assurance is None
        assert "no variation" in made.notes[0]

    def test_a_constant_series_has_no_limits_and_says_so(self) -> None:
        made = chart([0.1] * 20)
        assert {point.upper for point in made.points} == {None}
        assert {point.type for point in made.points} == {"common_cause"}
        assert "No variation" in made.notes[0]

    def test_without_limits_a_shift_still_shows(self) -> None:
        assert rules([5.0] * 12 + [6.0] * 7, fix_after=12)[-7:] == ["shift"] * 7

    def test_points_out_of_order_are_ordered_and_gaps_are_named(self) -> None:
        made = spc.xmr([(14, 2.0), (0, 1.0), (7, 3.0), (42, 2.0)], "increase")
        assert [point.day for point in made.points] == [0, 7, 14, 42]
        assert "order" in made.notes[0]
        assert "gaps" in made.notes[1]

    @pytest.mark.parametrize(
        "points",
        [[], [(0, 1.0), (0, 2.0)], [(0, float("nan"))], [(0, float("inf"))]],
        ids=["none", "twice", "nan", "inf"],
    )
    def test_bad_points_are_data_errors(self, points: list[tuple[int, float]]) -> None:
        with pytest.raises(DataError):
            spc.xmr(points, "increase")

    def test_bad_options_are_usage_errors(self) -> None:
        with pytest.raises(UsageError, match="12 points"):
            chart([1.0] * 20, fix_after=4)
        with pytest.raises(UsageError, match="no point"):
            chart([1.0] * 20, rebase=[3])
        with pytest.raises(UsageError, match="increase, decrease or neutral"):
            chart([1.0], "up")  # type: ignore[arg-type]


def values() -> st.SearchStrategy[list[float]]:
    return st.lists(st.integers(0, 40).map(float), min_size=1, max_size=45)


def mirrored(kind: str) -> str:
    swap = {
        "special_cause_improvement": "special_cause_concern",
        "special_cause_concern": "special_cause_improvement",
    }
    return swap.get(kind, kind)


def types(made: spc.Chart) -> Iterator[str]:
    return (point.type for point in made.points)


@settings(max_examples=120, deadline=None)
@given(values(), st.booleans())
def test_turning_the_direction_swaps_improvement_and_concern(y: list[float], screen: bool) -> None:
    up = chart(y, "increase", screen_outliers=screen)
    down = chart(y, "decrease", screen_outliers=screen)
    assert [mirrored(kind) for kind in types(up)] == list(types(down))


@settings(max_examples=120, deadline=None)
@given(values(), st.integers(-8, 8), st.integers(-500, 500))
def test_another_unit_or_another_year_changes_no_label(y: list[float], by: int, later: int) -> None:
    plain = chart(y)
    moved = spc.xmr([(7 * i + later, v * 2.0**by) for i, v in enumerate(y)], "increase")
    assert [p.rule for p in plain.points] == [p.rule for p in moved.points]


@settings(max_examples=60, deadline=None)
@given(values(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(y: list[float], random: Any) -> None:
    points = [(7 * i, v) for i, v in enumerate(y)]
    mixed = random.sample(points, len(points))
    assert spc.xmr(mixed, "increase").points == spc.xmr(points, "increase").points

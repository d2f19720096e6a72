"""XmR charts by the NHS "Making Data Count" rules, as NHSRplotthedots 0.2.2 applies them.

The source is that package's code (NHS-R Community, MIT, read November 2026); the constants are its
constants and stand in the name of the rule set, because other teaching in the UK uses others.

A chart tells apart what a steady process does by itself (common cause) from what it would seldom do
(special cause). It shows that something changed and when. It never shows why.

Two deliberate differences, both where the reference draws no limits (one point, or a baseline that
does not vary): assurance is then left blank instead of "inconsistent", and a note says so. Both
are shown in ``docs/reference/spc.md``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any, Literal, get_args

from counterfoil.foundation.days import to_date, words
from counterfoil.foundation.errors import DataError, UsageError

RULE_SET = "nhsr-0.2.2"
LIMIT = 2.66
NEAR = 2 * (LIMIT / 3)
SCREEN = 3.267
RUN = 7
"""Points that make a trend, and points on one side of the mean that make a shift."""
FEWEST_TO_FIX = 12
LARGEST = 1e300
"""Beyond it limits would overflow."""
TRIAL_BELOW = 13
"""Segments of fewer points have trial limits (the reference's own threshold)."""

Improvement = Literal["increase", "decrease", "neutral"]
PointType = Literal[
    "common_cause",
    "special_cause_improvement",
    "special_cause_concern",
    "special_cause_neutral_high",
    "special_cause_neutral_low",
]
Assurance = Literal["consistent_pass", "consistent_fail", "inconsistent"]
Rule = Literal["outside", "trend", "two_in_three", "shift"]


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a chart: its day, its value, its segment's mean and limits, and what it is.

    ``lower`` and ``upper`` are None where the segment has no limits. ``rule`` is the rule that
    makes it special cause, None for common cause.
    """

    day: int
    value: float
    mean: float
    lower: float | None
    upper: float | None
    type: PointType
    rule: Rule | None
    segment: int

    def to_json(self) -> dict[str, Any]:
        """As design section 9 ``evidence spc``."""
        return {
            "date": to_date(self.day).isoformat(),
            "value": _whole(self.value),
            "mean": self.mean,
            "lower": self.lower,
            "upper": self.upper,
            "type": self.type,
            "rule": self.rule,
        }


@dataclass(frozen=True, slots=True)
class Chart:
    """An XmR chart. ``variation`` is the last point's type; ``assurance`` sets the target against
    the last segment's limits. ``notes`` are sentences for the reader, such as trial limits."""

    rule_set: str
    improvement: Improvement
    target: float | None
    points: tuple[Point, ...]
    variation: PointType
    assurance: Assurance | None
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As design section 9 ``evidence spc``."""
        return {
            "rule_set": self.rule_set,
            "improvement": self.improvement,
            "target": self.target,
            "points": [point.to_json() for point in self.points],
            "variation": self.variation,
            "assurance": self.assurance,
            "notes": list(self.notes),
        }


def xmr(
    points: Sequence[tuple[int, float]],
    improvement: Improvement,
    *,
    target: float | None = None,
    fix_after: int | None = None,
    rebase: Sequence[int] = (),
    screen_outliers: bool = True,
) -> Chart:
    """The chart of a series of (day number, value).

    *fix_after*: the mean and limits of each segment come from its first so many points, 12 or
    more. *rebase*: days, each of a point, on which a new segment begins with its own mean, limits
    and runs. *screen_outliers*: moving ranges of 3.267 times their mean or more are left out, once.

    ``DataError``: no points, a value that is no number, two values for one day. ``UsageError``:
    options that cannot be. Points need not be in date order; a note says when they were not.
    """
    _check_options(improvement, target, fix_after)
    series = _checked(points)
    _check_rebase(series, rebase)
    result: list[Point] = []
    for number, segment in enumerate(_segments(series, set(rebase))):
        result.extend(_segment(segment, number, improvement, fix_after, screen_outliers))
    last = result[-1]
    assurance = _assurance(last, target, improvement)
    notes = [*_series_notes(points, series), *_limit_notes(result, fix_after)]
    return Chart(RULE_SET, improvement, target, tuple(result), last.type, assurance, tuple(notes))


def _check_options(improvement: str, target: float | None, fix_after: int | None) -> None:
    if improvement not in get_args(Improvement):
        raise UsageError(f"improvement is increase, decrease or neutral, not '{improvement}'")
    if target is not None and not math.isfinite(target):
        raise UsageError("the target must be a finite number")
    if fix_after is not None and fix_after < FEWEST_TO_FIX:
        raise UsageError(
            f"limits may be fixed on {FEWEST_TO_FIX} points or more, not {fix_after}: "
            "fewer are trial limits, which every further point should still move"
        )


def _checked(points: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    if not points:
        raise DataError.at("series", "a chart needs at least one point", "no points")
    for day, value in points:
        if not abs(value) <= LARGEST:
            raise DataError.at(
                f"series, {to_date(day).isoformat()}", "the value must be a number", str(value)
            )
    series = sorted((day, float(value)) for day, value in points)
    for (before, _), (day, _) in pairwise(series):
        if before == day:
            raise DataError.at(
                f"series, {to_date(day).isoformat()}",
                "each date may stand once; add the values up or give one of them",
                "two values for this date",
            )
    return series


def _check_rebase(series: Sequence[tuple[int, float]], rebase: Sequence[int]) -> None:
    days = {day for day, _ in series}
    for day in rebase:
        if day not in days:
            first, last = words(series[0][0]), words(series[-1][0])
            raise UsageError(
                f"the series cannot be rebased at {words(day)}: it has no point on that date "
                f"(it runs from {first} to {last})"
            )


def _segments(
    series: Sequence[tuple[int, float]], rebase: set[int]
) -> Iterator[list[tuple[int, float]]]:
    segment: list[tuple[int, float]] = []
    for point in series:
        if point[0] in rebase and segment:
            yield segment
            segment = []
        segment.append(point)
    yield segment


def _segment(
    series: Sequence[tuple[int, float]],
    number: int,
    improvement: Improvement,
    fix_after: int | None,
    screen: bool,
) -> Iterator[Point]:
    y = [value for _, value in series]
    centre, lower, upper, width = _limits(y[:fix_after], screen)
    side = [_sign(value - centre) for value in y]
    for i, (rule, direction) in enumerate(_special(y, side, centre, lower, upper, width)):
        kind = _type(direction, improvement)
        yield Point(series[i][0], y[i], centre, lower, upper, kind, rule, number)


def _limits(
    y: Sequence[float], screen: bool
) -> tuple[float, float | None, float | None, float | None]:
    """Mean, lower limit, upper limit, and the mean moving range; None without a moving range."""
    centre = _mean(y)
    moving = [abs(b - a) for a, b in pairwise(y)]
    if screen and moving:
        bound = SCREEN * _mean(moving)
        moving = [one for one in moving if one < bound]
    if not moving:
        return centre, None, None, None
    width = _mean(moving)
    return centre, centre - LIMIT * width, centre + LIMIT * width, width


def _special(
    y: Sequence[float],
    side: Sequence[int],
    centre: float,
    lower: float | None,
    upper: float | None,
    width: float | None,
) -> Iterator[tuple[Rule | None, int]]:
    """For each point the first rule that it meets, and +1 (high, rising) or -1 (low, falling)."""
    outside, near = [False] * len(y), [False] * len(y)
    if lower is not None and upper is not None and width is not None:
        outside = [value > upper or value < lower for value in y]
        low, high = centre - NEAR * width, centre + NEAR * width
        near = [not o and (v < low or v > high) for v, o in zip(y, outside, strict=True)]
    steps = [_sign(b - a) for a, b in pairwise(y)]
    trend = _in_trend(steps, len(y))
    two = _in_two_of_three(near, side)
    shift = _in_shift(side)
    for i in range(len(y)):
        if outside[i]:
            yield "outside", side[i]
        elif trend[i]:
            # a point of two trends belongs to the one that goes on
            onward = i + 1 < len(y) and trend[i + 1]
            yield "trend", 1 if steps[i if onward else i - 1] == 1 else -1
        elif two[i]:
            yield "two_in_three", side[i]
        elif shift[i]:
            yield "shift", side[i]
        else:
            yield None, 0


def _in_trend(steps: Sequence[int], count: int) -> list[bool]:
    found = [False] * count
    for start in range(count - RUN + 1):
        run = steps[start : start + RUN - 1]
        if run[0] != 0 and all(step == run[0] for step in run):
            found[start : start + RUN] = [True] * RUN
    return found


def _in_shift(side: Sequence[int]) -> list[bool]:
    found = [False] * len(side)
    for start in range(len(side) - RUN + 1):
        run = side[start : start + RUN]
        if run[0] != 0 and all(one == run[0] for one in run):
            found[start : start + RUN] = [True] * RUN
    return found


def _in_two_of_three(near: Sequence[bool], side: Sequence[int]) -> list[bool]:
    found = [False] * len(side)
    for start in range(len(side) - 2):
        three = range(start, start + 3)
        if abs(sum(side[i] for i in three)) == 3 and sum(near[i] for i in three) >= 2:
            for i in three:
                found[i] = found[i] or near[i]
    return found


def _type(direction: int, improvement: Improvement) -> PointType:
    if direction == 0:
        return "common_cause"
    if improvement == "neutral":
        return "special_cause_neutral_high" if direction > 0 else "special_cause_neutral_low"
    better = (direction > 0) == (improvement == "increase")
    return "special_cause_improvement" if better else "special_cause_concern"


def _assurance(last: Point, target: float | None, improvement: Improvement) -> Assurance | None:
    if target is None or improvement == "neutral" or last.lower is None or last.upper is None:
        return None
    if target > last.upper:
        return "consistent_fail" if improvement == "increase" else "consistent_pass"
    if target < last.lower:
        return "consistent_pass" if improvement == "increase" else "consistent_fail"
    return "inconsistent"


def _series_notes(
    given: Sequence[tuple[int, float]], series: Sequence[tuple[int, float]]
) -> Iterator[str]:
    if [day for day, _ in given] != [day for day, _ in series]:
        yield "The points were not in date order; they were put in order."
    steps = [b[0] - a[0] for a, b in pairwise(series)]
    usual = sorted(steps)[len(steps) // 2] if steps else 0
    long = [i for i, step in enumerate(steps) if 2 * step > 3 * usual]
    if long:
        first = series[long[0]][0]
        times = "once" if len(long) == 1 else f"{len(long)} times"
        yield (
            f"The series has gaps: points are mostly {usual} days apart, and {times} further "
            f"(first after {words(first)}). Neighbouring points are compared across a gap as if "
            "they followed each other, and nothing is filled in."
        )


def _limit_notes(points: Sequence[Point], fix_after: int | None) -> Iterator[str]:
    for number in range(points[-1].segment + 1):
        part = [point for point in points if point.segment == number]
        since = f"from {words(part[0].day)}"
        if len(part) == 1:
            yield f"One point {since}: there is no variation to draw limits from."
        elif part[0].lower is None:
            yield (
                f"No variation in the points that set the limits {since}: no limits are drawn, and "
                "only trends and shifts can show."
            )
        elif len(part) < TRIAL_BELOW:
            yield (
                f"Trial limits {since}: {len(part)} points. They will move with every further point."
            )
        if fix_after is not None and len(part) < fix_after:
            yield (
                f"Limits {since} are not fixed yet: {len(part)} of the {fix_after} points "
                "that are to set them."
            )


def _mean(values: Sequence[float]) -> float:
    # exact, so that a point that equals the mean is seen to lie on it
    return float(sum(map(Fraction, values), Fraction(0)) / len(values))


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


def _whole(value: float) -> float | int:
    return int(value) if value.is_integer() else value

"""Charts as SVG, drawn by our own hand, and the table that goes with every chart.

The SVG holds presentation attributes and classes only, no ``style``, so that it may stand in a page
under a strict content security policy. Shape and words carry the meaning; colour repeats it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from html import escape

from counterfoil.evidence.spc import Chart, Point, PointType
from counterfoil.foundation.days import to_date, words

WIDTH, HEIGHT = 720, 280
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 14, 34
GREY, BLUE, ORANGE, PURPLE, INK, RED = (
    "#5d6b78",
    "#005eb8",
    "#b45309",
    "#5b3a8c",
    "#212b32",
    "#8a1c1c",
)
COLOURS: dict[PointType, str] = {
    "common_cause": GREY,
    "special_cause_improvement": BLUE,
    "special_cause_concern": ORANGE,
    "special_cause_neutral_high": PURPLE,
    "special_cause_neutral_low": PURPLE,
}
TYPES: dict[PointType, str] = {
    "common_cause": "common cause: no more than usual variation",
    "special_cause_improvement": "special cause, for the better",
    "special_cause_concern": "special cause, for the worse",
    "special_cause_neutral_high": "special cause, high",
    "special_cause_neutral_low": "special cause, low",
}
RULES = {
    "outside": "outside the limits",
    "trend": "one of 7 that rise or fall at every step",
    "two_in_three": "2 of 3 near one limit",
    "shift": "one of 7 on one side of the mean",
}


def number(value: float) -> str:
    """A value as people compare it: three significant digits, whole from 100 up."""
    if value == 0:
        return "0"
    if not 1e-6 <= abs(value) < 1e12:
        return f"{value:.3g}"
    digits = max(0, min(6, 2 - math.floor(math.log10(abs(value)))))
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def sentence(chart: Chart, unit: str) -> str:
    """What a chart says, in a sentence or two; nothing about why."""
    last = chart.points[-1]
    said = f"Latest, {words(last.day)}: {number(last.value)} {unit}; {TYPES[last.type]}"
    said += f" ({RULES[last.rule]})." if last.rule else "."
    if last.lower is not None and last.upper is not None:
        said += f" Mean {number(last.mean)}, limits {number(last.lower)} to {number(last.upper)}."
    if chart.assurance and chart.target is not None:
        said += {
            "consistent_pass": f" As things are, the target of {number(chart.target)} will be met.",
            "consistent_fail": f" As things are, the target of {number(chart.target)} will not be met.",
            "inconsistent": f" As things are, the target of {number(chart.target)} will be met at "
            "some points and missed at others.",
        }[chart.assurance]
    return said


def svg(chart: Chart, title: str, unit: str, marks: Sequence[tuple[int, str]] = ()) -> str:
    """The chart as one ``<svg>`` element with a title and a description for screen readers.

    *marks*: days, such as the start of a phase, drawn as upright lines with their names; those
    outside the chart are left out.
    """
    key = hashlib.sha256(f"{title}{chart}".encode()).hexdigest()[:8]
    scale = _Scale(chart)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="cf-chart" role="img" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'preserveAspectRatio="xMidYMid meet" aria-labelledby="t{key} d{key}">',
        f'<title id="t{key}">{escape(title)} ({escape(unit)})</title>',
        f'<desc id="d{key}">{escape(sentence(chart, unit))}</desc>',
        f'<g class="cf-chart-axes" font-size="12" fill="{INK}">',
        *_axes(chart, scale),
        "</g>",
        *_marks(chart, scale, marks),
        *_lines(chart, scale),
        *_points(chart, scale),
        "</svg>",
    ]
    return "".join(parts)


class _Scale:
    """From days and values to places in the drawing."""

    def __init__(self, chart: Chart) -> None:
        self.first, self.last = chart.points[0].day, chart.points[-1].day
        values = [point.value for point in chart.points]
        values += [v for p in chart.points for v in (p.lower, p.upper) if v is not None]
        values += [] if chart.target is None else [chart.target]
        low, high = min(values), max(values)
        if low >= 0 and low < 0.5 * high:
            low = 0.0
        most = max(abs(low), abs(high))
        if high - low <= max(1e-9 * most, 1e-200):
            wider = max(1.0, 0.01 * most)
            low, high = low - wider, high + wider
        self.step = _step((high - low) / 5)
        self.low = math.floor(low / self.step) * self.step
        self.high = math.ceil(high / self.step) * self.step

    def x(self, day: int) -> float:
        """Across."""
        wide = WIDTH - LEFT - RIGHT
        if self.first == self.last:
            return LEFT + wide / 2
        return LEFT + 8 + (wide - 16) * (day - self.first) / (self.last - self.first)

    def y(self, value: float) -> float:
        """Down."""
        tall = HEIGHT - TOP - BOTTOM
        return TOP + tall * (self.high - value) / (self.high - self.low)


def _step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * m for m in (1, 2, 5, 10) if power * m >= rough * 0.999)


def _axes(chart: Chart, scale: _Scale) -> Iterator[str]:
    for i in range(round((scale.high - scale.low) / scale.step) + 1):
        value = scale.low + i * scale.step
        y = scale.y(value)
        yield (
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#d8dde0"/>'
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{number(round(value, 9))}</text>'
        )
    days = sorted({point.day for point in chart.points})
    every = max(1, math.ceil(len(days) / 6))
    for day in days[::every]:
        date = to_date(day)
        label = f"{date.day} {date:%b} {date:%y}"
        x = min(max(scale.x(day), LEFT + 24.0), WIDTH - RIGHT - 26.0)
        yield f'<text x="{x:.1f}" y="{HEIGHT - 12}" text-anchor="middle">{label}</text>'


def _lines(chart: Chart, scale: _Scale) -> Iterator[str]:
    if chart.target is not None:
        y = scale.y(chart.target)
        yield (
            f'<line class="cf-chart-target" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" '
            f'y2="{y:.1f}" stroke="{RED}" stroke-width="1.5" stroke-dasharray="2 4"/>'
        )
    for number_ in range(chart.points[-1].segment + 1):
        part = [point for point in chart.points if point.segment == number_]
        x1, x2 = scale.x(part[0].day), scale.x(part[-1].day)
        one = part[0]
        for value, name, dash in (
            (one.mean, "mean", ""),
            (one.lower, "limit", ' stroke-dasharray="6 4"'),
            (one.upper, "limit", ' stroke-dasharray="6 4"'),
        ):
            if value is not None:
                y = scale.y(value)
                yield (
                    f'<line class="cf-chart-{name}" x1="{x1:.1f}" x2="{x2:.1f}" y1="{y:.1f}" '
                    f'y2="{y:.1f}" stroke="{GREY}" stroke-width="1.5"{dash}/>'
                )
    path = " ".join(f"{scale.x(p.day):.1f},{scale.y(p.value):.1f}" for p in chart.points)
    yield f'<polyline points="{path}" fill="none" stroke="#aeb7bd" stroke-width="1.5"/>'


def _marks(chart: Chart, scale: _Scale, marks: Sequence[tuple[int, str]]) -> Iterator[str]:
    inside = [(day, name) for day, name in sorted(marks) if scale.first <= day <= scale.last]
    for i, (day, name) in enumerate(inside):
        x = scale.x(day)
        left = x > WIDTH * 0.7
        yield (
            f'<g class="cf-chart-mark"><line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" '
            f'y2="{HEIGHT - BOTTOM}" stroke="{GREY}" stroke-dasharray="1 3"/>'
            f'<text x="{x + (-4 if left else 4):.1f}" y="{TOP + 10 + 13 * (i % 4)}" font-size="11" '
            f'fill="{INK}" text-anchor="{"end" if left else "start"}">{escape(name)}</text></g>'
        )


def _points(chart: Chart, scale: _Scale) -> Iterator[str]:
    size = 4.0 if len(chart.points) <= 60 else 3.0
    for point in chart.points:
        yield _mark(point, scale.x(point.day), scale.y(point.value), size)


def _mark(point: Point, x: float, y: float, r: float) -> str:
    """A circle for common cause; for special cause a square (worse), a diamond (better) or a
    triangle (high, low)."""
    colour, kind = COLOURS[point.type], point.type
    name = f'class="cf-chart-{kind.replace("_", "-")}" fill="{colour}"'
    if kind == "common_cause":
        return f'<circle {name} cx="{x:.1f}" cy="{y:.1f}" r="{r - 0.5}"/>'
    if kind == "special_cause_concern":
        return f'<rect {name} x="{x - r:.1f}" y="{y - r:.1f}" width="{2 * r}" height="{2 * r}"/>'
    d = r + 1.5
    corners: tuple[tuple[float, float], ...]
    if kind == "special_cause_improvement":
        corners = ((x, y - d), (x + d, y), (x, y + d), (x - d, y))
    else:
        up = -d if kind == "special_cause_neutral_high" else d
        corners = ((x - d, y - up), (x + d, y - up), (x, y + up))
    return f'<polygon {name} points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in corners)}"/>'


def variation_icon(chart: Chart) -> str:
    """A round sign for the variation: a wave for common cause, else H or L for high or low."""
    kind = chart.variation
    said, colour = f"Variation: {TYPES[kind]}", COLOURS[kind]
    if kind == "common_cause":
        inside = (
            f'<path d="M8 22 Q14 10 20 22 T32 22" fill="none" stroke="{colour}" stroke-width="3"/>'
        )
    else:
        high = kind == "special_cause_neutral_high" or (
            (kind == "special_cause_improvement") == (chart.improvement == "increase")
            and chart.improvement != "neutral"
        )
        inside = (
            f'<text x="20" y="25" text-anchor="middle" font-size="18" font-weight="700" '
            f'fill="{colour}">{"H" if high else "L"}</text>'
            f'<polyline points="{"10,33 20,30 30,27" if high else "10,27 20,30 30,33"}" '
            f'fill="none" stroke="{colour}" stroke-width="2"/>'
        )
    return _icon(said, colour, inside)


def assurance_icon(chart: Chart) -> str:
    """A round sign for the target: P met, F missed, ? now one and now the other; "" without one."""
    if chart.assurance is None:
        return ""
    letter, colour, said = {
        "consistent_pass": ("P", BLUE, "the target will be met"),
        "consistent_fail": ("F", ORANGE, "the target will not be met"),
        "inconsistent": ("?", GREY, "the target will be met at some points and missed at others"),
    }[chart.assurance]
    inside = (
        f'<text x="20" y="25" text-anchor="middle" font-size="18" font-weight="700" '
        f'fill="{colour}">{letter}</text>'
        f'<line x1="9" x2="31" y1="30" y2="30" stroke="{RED}" stroke-width="2" stroke-dasharray="3 2"/>'
    )
    return _icon(f"Assurance: {said}", colour, inside)


def _icon(said: str, colour: str, inside: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="cf-icon" role="img" viewBox="0 0 40 40" '
        f'width="40" height="40" aria-label="{escape(said)}"><title>{escape(said)}</title>'
        f'<circle cx="20" cy="20" r="18" fill="#ffffff" stroke="{colour}" stroke-width="3"/>'
        f"{inside}</svg>"
    )


def table(chart: Chart, title: str, unit: str) -> str:
    """The chart's numbers as an HTML table, a row for each point."""
    rows = "".join(
        f'<tr><th scope="row">{words(p.day)}</th><td>{number(p.value)}</td>'
        f"<td>{number(p.mean)}</td><td>{_limit(p.lower)}</td><td>{_limit(p.upper)}</td>"
        f"<td>{TYPES[p.type].split(':')[0]}{f' ({RULES[p.rule]})' if p.rule else ''}</td></tr>"
        for p in chart.points
    )
    heads = "".join(
        f'<th scope="col">{escape(head)}</th>'
        for head in ("Date", f"Value ({unit})", "Mean", "Lower limit", "Upper limit", "What it is")
    )
    return (
        f'<table class="cf-numbers"><caption>{escape(title)}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _limit(value: float | None) -> str:
    return "none" if value is None else number(value)

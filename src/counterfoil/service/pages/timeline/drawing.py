"""The time line as SVG. It names everything in words, so that colour is never the only sign.

Styles are in ``static/cf/timeline.css``, because the pages allow none in line. All lengths are CSS
pixels at the drawing's own size, at which text is 14 px.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from markupsafe import Markup, escape

from counterfoil.foundation import days
from counterfoil.service.pages.timeline.lanes import (
    MedicineLane,
    ProblemLane,
    TestLane,
    Timeline,
    day_count,
)
from counterfoil.service.pages.timeline.told import (
    describe,
    lane_words,
    last_words,
    problem_words,
    test_words,
)

WIDTH = 720
WIDE = 1180
"""For a page of its own, and for paper across."""
NARROW = 304
"""For a small screen: names stand above their lines, not beside them."""
SHEET = 560
"""How tall a sheet of a long drawing may be: what fits on paper across, below the patient's name."""
RIGHT = 16
TOP = 46
MEDICINE = 44
TEST, TOLD = 34, 44
"""A test, and one whose latest value stands below its name."""
PROBLEM = 26
CHARACTER, BOLD = 6.9, 7.5
"""Mean width of a character of 14 px Arial, plain and bold; labels longer than their place are cut."""


Lane = MedicineLane | TestLane | ProblemLane
Draw = Callable[["_Sheet", Any, int], Iterable[str]]


@dataclass(frozen=True)
class _Sheet:
    """What is drawn, and how much room it has."""

    timeline: Timeline
    width: int
    height: int

    @property
    def narrow(self) -> bool:
        """Whether names stand above their lines."""
        return self.width <= NARROW

    @property
    def label(self) -> int:
        """Width of the names on the left."""
        return 0 if self.narrow else 252 if self.width <= WIDTH else 340

    @property
    def room(self) -> int:
        """How wide a name may be."""
        return self.width if self.narrow else self.label - 8

    @property
    def down(self) -> int:
        """How much lower a line lies than beside its name."""
        return 28 if self.narrow else 0

    def x(self, day: int) -> float:
        """Where a day starts; days outside the window are held at its edge."""
        since, until = self.timeline.since, self.timeline.until
        share = (min(max(day, since), until) - since) / (until - since)
        return round(self.label + share * (self.width - self.label - RIGHT), 1)


def svg(
    timeline: Timeline,
    *,
    ident: str = "timeline",
    title: str = "Medicines time line",
    width: int = WIDTH,
) -> Markup:
    """The drawing: an ``svg`` element of role ``img`` with its title and a description in words.

    *ident* makes the ids of title and description unique on a page.
    """
    rows = list(_rows(timeline, width))
    height = (
        TOP + sum(row[0] for row in rows) + (20 if timeline.stays else 10) if rows else TOP + 40
    )
    sheet = _Sheet(timeline, width, height)
    parts = [
        f'<svg class="cf-timeline" role="img" aria-labelledby="{escape(ident)}-t {escape(ident)}-d"'
        f' viewBox="0 0 {width} {height}" width="{width}" height="{height}">',
        f'<title id="{escape(ident)}-t">{escape(title)}</title>',
        f'<desc id="{escape(ident)}-d">{escape(describe(timeline))}</desc>',
        *_axis(sheet),
        *_bands(sheet),
    ]
    y = TOP
    for tall, draw, lane in rows:
        parts += draw(sheet, lane, y)
        y += tall
    if not rows:
        parts.append(_text(8, TOP + 20, "No medicine was issued in this time.", "cf-tl-note"))
    parts += _today(sheet)
    parts.append("</svg>")
    return Markup("\n".join(parts))


def sheets(timeline: Timeline, *, width: int = WIDE, most: int = SHEET) -> Markup:
    """The drawing as one or more of :func:`svg`, each no taller than *most*, months above each."""
    rows = [(height, lane) for height, _, lane in _rows(timeline, width)]
    groups = []
    for lanes in _parts(rows, most - TOP - 20):
        groups.append(
            replace(
                timeline,
                medicines=tuple(lane for lane in lanes if isinstance(lane, MedicineLane)),
                tests=tuple(lane for lane in lanes if isinstance(lane, TestLane)),
                problems=tuple(lane for lane in lanes if isinstance(lane, ProblemLane)),
            )
        )
    many = len(groups) > 1
    return Markup("\n").join(
        svg(
            group,
            ident=f"timeline-{width}-{number}",
            title=f"Time line, part {number} of {len(groups)}" if many else "Time line",
            width=width,
        )
        for number, group in enumerate(groups, 1)
    )


def _parts(rows: Sequence[tuple[int, Lane]], room: int) -> list[list[Lane]]:
    """The lanes in parts of at most *room*, all about equally tall: a lane goes where its middle lies."""
    total = sum(height for height, _ in rows)
    for count in itertools.count(max(1, -(-total // room))):
        parts: list[list[Lane]] = [[] for _ in range(count)]
        tall, above = [0] * count, 0
        for height, lane in rows:
            part = (2 * above + height) * count // (2 * total)
            parts[part].append(lane)
            tall[part] += height
            above += height
        if max(tall) <= room or count >= len(rows):
            break
    return [lanes for lanes in parts if lanes] or [[]]


def _rows(timeline: Timeline, width: int) -> Iterable[tuple[int, Draw, Lane]]:
    """Every lane with its height and how it is drawn."""
    more = 30 if width <= NARROW else 0
    for medicine in timeline.medicines:
        yield MEDICINE + more, _draw_medicine, medicine
    for test in timeline.tests:
        yield (TOLD if last_words(test) else TEST) + more, _draw_test, test
    for problem in timeline.problems:
        yield PROBLEM + more // 2, _draw_problem, problem


def _text(x: float, y: float, words: str, css: str, anchor: str = "start") -> str:
    return f'<text x="{x}" y="{y}" class="{css}" text-anchor="{anchor}">{escape(words)}</text>'


def _cut(words: str, width: float, character: float = CHARACTER) -> str:
    room = int(width / character)
    return words if len(words) <= room else words[: room - 1].rstrip() + "…"


def _axis(sheet: _Sheet) -> Iterable[str]:
    """A line at the start of each month, a name at every second, the year where it begins."""
    month = days.to_date(sheet.timeline.since).replace(day=1)
    starts = []
    while (day := days.to_day(month)) < sheet.timeline.until:
        if day >= sheet.timeline.since:
            starts.append((day, month))
        month = month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)
    room = (sheet.width - sheet.label) / max(len(starts), 1)
    step = next((n for n in (1, 2, 3, 6, 12) if room * n >= 44), 12)
    starts = [(d, m) for d, m in starts if step < 12 or m.month == 1]
    for index, (day, start) in enumerate(starts):
        x = sheet.x(day)
        yield f'<line x1="{x}" x2="{x}" y1="{TOP - 6}" y2="{sheet.height - 8}" class="cf-tl-grid"/>'
        if index % step == 0 and x < sheet.width - 30:
            yield _text(x, TOP - 12, days.MONTHS[start.month - 1][:3], "cf-tl-axis")
        if x < sheet.width - 30 and (start.month == 1 or (index == 0 and start.month < 12)):
            yield _text(x, TOP - 29, str(start.year), "cf-tl-year")


STAY_NAME = 60
"""The width of the word under a hospital stay, with the space after it."""


def _bands(sheet: _Sheet) -> Iterable[str]:
    named = 0.0
    for stay in sorted(sheet.timeline.stays, key=lambda one: one.since):
        x1, x2 = sheet.x(stay.since), sheet.x(stay.until)
        width = max(x2 - x1, 3)
        yield (
            f'<g><title>{escape(stay.words)}</title><rect x="{x1}" y="{TOP - 6}" '
            f'width="{width:.1f}" height="{sheet.height - TOP - 12}" class="cf-tl-stay"/></g>'
        )
        near = x1 < sheet.x(sheet.timeline.as_of) < x1 + 60
        anchor, x = ("end", x2) if near or x2 > sheet.width - 90 else ("start", x1)
        left = x - STAY_NAME if anchor == "end" else x
        if left >= named:
            yield _text(x, sheet.height - 5, "hospital", "cf-tl-stayname", anchor)
            named = left + STAY_NAME


def _today(sheet: _Sheet) -> Iterable[str]:
    x = sheet.x(sheet.timeline.as_of)
    yield f'<line x1="{x}" x2="{x}" y1="{TOP - 24}" y2="{sheet.height - 8}" class="cf-tl-today"/>'
    yield _text(x, TOP - 29, "today", "cf-tl-todayname", "middle")


def _draw_medicine(sheet: _Sheet, lane: MedicineLane, y: int) -> Iterable[str]:
    base = y + 27 + sheet.down
    yield f"<g><title>{escape(lane_words(sheet.timeline, lane))}</title>"
    yield f'<line x1="0" x2="{sheet.width}" y1="{y}" y2="{y}" class="cf-tl-rule"/>'
    yield _text(0, y + 19, _cut(lane.name, sheet.room - 2, BOLD), "cf-tl-name")
    dose = f"ended {days.words(lane.ended)}" if lane.ended is not None else lane.dose
    yield _text(0, y + 36, _cut(dose, sheet.room), "cf-tl-dose")
    if lane.note:
        yield _text(sheet.label + 8, base + 5, lane.note, "cf-tl-note")
    for gap in lane.gaps:
        x1, x2 = sheet.x(gap.since), sheet.x(gap.until)
        if x2 - x1 > 4:
            yield f'<line x1="{x1}" x2="{x2}" y1="{base}" y2="{base}" class="cf-tl-gap"/>'
        if gap.length >= 7 and x2 - x1 > 52:
            yield _text((x1 + x2) / 2, base - 6, day_count(gap.length), "cf-tl-gapname", "middle")
    for span in lane.supply:
        x1, x2 = sheet.x(span.since), sheet.x(span.until)
        yield (
            f'<rect x="{x1}" y="{base - 8}" width="{max(x2 - x1, 2):.1f}" height="16" '
            'class="cf-tl-supply"/>'
        )
    for mark in lane.ahead:
        x = sheet.x(mark.day)
        yield (
            f'<line x1="{x}" x2="{x}" y1="{base - 10}" y2="{base + 8}" class="cf-tl-ahead">'
            f"<title>{escape(mark.words)}</title></line>"
        )
    for mark in lane.changes:
        x = sheet.x(mark.day)
        yield (
            f'<path d="M{x} {base - 9}l-5 -8h10z" class="cf-tl-change">'
            f"<title>{escape(mark.words)}</title></path>"
        )
    for mark in lane.issues:
        x = sheet.x(mark.day)
        yield (
            f'<line x1="{x}" x2="{x}" y1="{base - 12}" y2="{base + 8}" class="cf-tl-issue">'
            f"<title>{escape(mark.words)}</title></line>"
        )
    yield "</g>"


def _draw_test(sheet: _Sheet, lane: TestLane, y: int) -> Iterable[str]:
    told = last_words(lane)
    base = y + 20 + (sheet.down + (8 if told else 0) if sheet.narrow else 0)
    yield f"<g><title>{escape(test_words(sheet.timeline, lane))}</title>"
    yield f'<line x1="0" x2="{sheet.width}" y1="{y}" y2="{y}" class="cf-tl-rule"/>'
    yield _text(0, y + (18 if told else 22), _cut(lane.name, sheet.room - 2, BOLD), "cf-tl-name")
    if told:
        yield _text(0, y + 35, _cut(told, sheet.room), "cf-tl-dose")
    if lane.unknown and lane.due is None:
        latest = max((sheet.x(mark.day) for mark in lane.marks), default=0.0)
        today = sheet.x(sheet.timeline.as_of)
        if latest < today - 100:
            yield _text(today - 6, base + 5, "cannot tell", "cf-tl-note", "end")
    if lane.due is not None:
        x, today = sheet.x(lane.due), sheet.x(sheet.timeline.as_of)
        if lane.due < sheet.timeline.as_of:
            words = f"overdue {day_count(sheet.timeline.as_of - lane.due)}"
            yield f'<line x1="{x}" x2="{today}" y1="{base}" y2="{base}" class="cf-tl-overdue"/>'
            room = len(words) * BOLD
            start = min(x, today - room) - 4 if today - x < room else x + 2
            latest = max((sheet.x(mark.day) for mark in lane.marks), default=0.0)
            if start <= latest + 6 and today - x < room:
                yield _text(
                    today + 5, base + 5, day_count(sheet.timeline.as_of - lane.due), "cf-tl-late"
                )
            else:
                yield _text(start, base - 6, words, "cf-tl-late")
        else:
            yield f'<path d="M{x} {base - 7}l7 7l-7 7l-7-7z" class="cf-tl-due"/>'
    for mark in lane.marks:
        x = sheet.x(mark.day)
        title = f"<title>{escape(_said(mark.words, mark.outside))}</title>"
        if mark.outside:
            turn = "l-6 11h12z" if mark.outside == "above" else "l-6 -11h12z"
            top = base - 6 if mark.outside == "above" else base + 6
            yield f'<path d="M{x} {top}{turn}" class="cf-tl-test">{title}</path>'
        else:
            yield f'<circle cx="{x}" cy="{base}" r="5" class="cf-tl-test">{title}</circle>'
    yield "</g>"


def _said(words: str, outside: str) -> str:
    return f"{words}, {outside} its range" if outside else words


def _draw_problem(sheet: _Sheet, lane: ProblemLane, y: int) -> Iterable[str]:
    base = y + 14 + sheet.down // 2
    x1 = sheet.x(sheet.timeline.since if lane.since is None else lane.since)
    x2 = sheet.x(sheet.timeline.as_of if lane.until is None else lane.until)
    yield f"<g><title>{escape(problem_words(lane))}</title>"
    yield f'<line x1="0" x2="{sheet.width}" y1="{y}" y2="{y}" class="cf-tl-rule"/>'
    yield _text(0, y + 18, _cut(lane.name, sheet.room - 2), "cf-tl-problemname")
    yield (
        f'<rect x="{x1}" y="{base - 3}" width="{max(x2 - x1, 3):.1f}" height="6" '
        'class="cf-tl-problem"/></g>'
    )

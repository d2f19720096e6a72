"""One patient's medicines, tests and hospital stays on a line of time, as SVG and as a table.

Pure: what is drawn depends on the record, the window and ``as_of`` alone. All days are day numbers
(``foundation.days``). The drawing names everything in words, so that colour is never the only sign;
``table`` says the same to people who do not see it. Styles are in ``static/cf/timeline.css``,
because the pages allow none in line.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import floor
from typing import Protocol

from markupsafe import Markup, escape

from counterfoil.foundation import days
from counterfoil.records.rows import Admission, CodedEntry, Issue, Plan
from counterfoil.supply.exposure import CARRY_SUPPLIES

LANES = 12
"""How many medicines are drawn before "show all"."""
RECENT = 120
"""A medicine that ended longer ago than this is drawn on "show all" only."""


class Record(Protocol):
    """The part of one patient's record that is drawn."""

    @property
    def plans(self) -> Sequence[Plan]: ...
    @property
    def issues(self) -> Sequence[Issue]: ...
    @property
    def entries(self) -> Sequence[CodedEntry]: ...
    @property
    def admissions(self) -> Sequence[Admission]: ...


@dataclass(frozen=True, slots=True)
class Span:
    """Days ``[since, until)`` with the words that say what they are."""

    since: int
    until: int
    words: str = ""

    @property
    def length(self) -> int:
        """How many days."""
        return self.until - self.since


@dataclass(frozen=True, slots=True)
class Mark:
    """Something on one day, and its words."""

    day: int
    words: str


@dataclass(frozen=True, slots=True)
class MedicineLane:
    """One medicine: issues, the days they cover (empty where not known), and days between."""

    name: str
    dose: str
    issues: tuple[Mark, ...]
    supply: tuple[Span, ...]
    gaps: tuple[Span, ...]
    ended: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class TestLane:
    """One test: when it was done, and since when the next one is due."""

    name: str
    marks: tuple[Mark, ...]
    due: int | None = None
    unknown: bool = False
    """Whether it is due cannot be told."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """What is drawn, in order. ``hidden`` counts the medicines left out."""

    since: int
    until: int
    as_of: int
    medicines: tuple[MedicineLane, ...]
    tests: tuple[TestLane, ...]
    stays: tuple[Span, ...]
    hidden: int = 0


SupplyDays = Callable[[Issue, Plan | None], int | None]


def stated_supply(issue: Issue, plan: Plan | None) -> int | None:
    """The days that the issue, else its plan, says it lasts; ``None`` where neither does."""
    if issue.supply_days:
        return issue.supply_days
    return plan.supply_days if plan is not None and plan.supply_days else None


def build(
    record: Record,
    *,
    as_of: int,
    back: int = 365,
    ahead: int = 56,
    tests: Mapping[str, frozenset[str]] | None = None,
    due: Mapping[str, int] | None = None,
    unknown: Collection[str] = (),
    first: Sequence[str] = (),
    supply_days: SupplyDays = stated_supply,
    dose_words: Callable[[Plan], str] | None = None,
    limit: int | None = LANES,
) -> Timeline:
    """What to draw of *record* in the window from *back* days before *as_of* to *ahead* after.

    *tests* gives each test's codes by name, *due* the day on which one is or was due, *unknown* those
    of which that cannot be told. Medicines whose name holds a word of *first* come first, then the
    current ones, then those that ended inside the window. At most *limit* of them, and none that
    ended more than ``RECENT`` days ago (``None``: all).
    """
    since, until = as_of - back, as_of + ahead
    lanes = _medicines(record, since, as_of, supply_days, dose_words or _dose_words)
    wanted = [word.lower() for word in first]
    lanes.sort(
        key=lambda lane: (
            next((i for i, word in enumerate(wanted) if word in lane.name.lower()), len(wanted)),
            lane.ended is not None,
            lane.name.lower(),
        )
    )
    shown = lanes
    if limit is not None:
        recent = [
            lane
            for lane in lanes
            if lane.ended is None
            or lane.ended > as_of - RECENT
            or any(word in lane.name.lower() for word in wanted)
        ]
        shown = recent[:limit]
    return Timeline(
        since=since,
        until=until,
        as_of=as_of,
        medicines=tuple(shown),
        tests=tuple(_tests(record.entries, tests or {}, due or {}, unknown, since, as_of)),
        stays=tuple(_stays(record.admissions, since, as_of)),
        hidden=len(lanes) - len(shown),
    )


def _day(value: date | None) -> int | None:
    return None if value is None else days.to_day(value)


def _dose_words(plan: Plan) -> str:
    return (plan.dose_text or "").strip()


def _medicines(
    record: Record,
    since: int,
    as_of: int,
    supply_days: SupplyDays,
    dose_words: Callable[[Plan], str],
) -> list[MedicineLane]:
    """A lane for every medicine with a current plan, or an issue or end inside the window."""
    plans = {plan.plan_id: plan for plan in record.plans if plan.deleted_on is None}
    groups: dict[str, tuple[list[Plan], list[Issue]]] = {}
    for plan in plans.values():
        groups.setdefault(plan.product_text, ([], []))[0].append(plan)
    for issue in record.issues:
        if issue.cancelled_on is None and issue.deleted_on is None:
            owner = plans.get(issue.plan_id or "")
            name = owner.product_text if owner else issue.product_text
            groups.setdefault(name, ([], []))[1].append(issue)
    lanes = []
    for name, (held, issued) in groups.items():
        current = [plan for plan in held if plan.status == "active"]
        issued.sort(key=lambda issue: (issue.issued_on, issue.issue_id))
        last = _day(issued[-1].issued_on) if issued else None
        ends = [end for plan in held if (end := _day(plan.end_date)) is not None]
        ended = None if current or not held else max(ends, default=last)
        if not current and (last is None or last < since) and (ended is None or ended < since):
            continue
        newest = max(current or held, key=lambda plan: plan.start_date or date.min, default=None)
        lanes.append(
            MedicineLane(
                name=name,
                dose=dose_words(newest) if newest else (issued[-1].dose_text or ""),
                issues=tuple(_issue_marks(issued, since, as_of)),
                ended=ended,
                note=_note(current, issued, since),
                **_coverage(issued, plans, supply_days, since, as_of if current else None),
            )
        )
    return lanes


def _note(current: Sequence[Plan], issued: Sequence[Issue], since: int) -> str:
    """What stands in an empty lane: who supplies it, or that nobody did here."""
    if any(days.to_day(issue.issued_on) >= since for issue in issued):
        return ""
    if any(plan.plan_type == "hospital" for plan in current):
        return "supplied by a hospital"
    return "not issued in this time" if current else ""


def _issue_marks(issued: Iterable[Issue], since: int, as_of: int) -> Iterable[Mark]:
    for issue in issued:
        day = days.to_day(issue.issued_on)
        if since <= day <= as_of:
            amount = (
                f", {_number(issue.quantity)} {issue.quantity_unit or ''}".rstrip()
                if issue.quantity is not None
                else ""
            )
            yield Mark(day, f"issued {days.words(day)}{amount}")


def _number(value: object) -> str:
    text = str(value)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _coverage(
    issued: Sequence[Issue],
    plans: Mapping[str, Plan],
    supply_days: SupplyDays,
    since: int,
    still_to: int | None,
) -> dict[str, tuple[Span, ...]]:
    """The days covered, early supplies carried forward (one at most), and the days between.

    *still_to* is today where the medicine is current: the time since the last supply is a gap too.
    Nothing is said about days beside an issue whose length is not known.
    """
    supply: list[Span] = []
    gaps: list[Span] = []
    end: int | None = None
    for issue in issued:
        day = days.to_day(issue.issued_on)
        length = supply_days(issue, plans.get(issue.plan_id or ""))
        if not length:
            end = None
            continue
        if end is not None and day > end:
            gaps.append(Span(end, day))
        start = day if end is None else min(max(day, end), day + floor(length * CARRY_SUPPLIES))
        end = start + length
        if supply and start <= supply[-1].until:
            start = supply.pop().since
        supply.append(Span(start, end))
    if end is not None and still_to is not None and still_to > end:
        gaps.append(Span(end, still_to))
    return {
        "supply": tuple(
            Span(max(s.since, since), s.until, f"supply to {days.words(s.until - 1)}")
            for s in supply
            if s.until > since
        ),
        "gaps": tuple(
            Span(max(g.since, since), g.until, f"no supply for {_days(g.length)}")
            for g in gaps
            if g.until > since
        ),
    }


def _tests(
    entries: Iterable[CodedEntry],
    tests: Mapping[str, frozenset[str]],
    due: Mapping[str, int],
    unknown: Collection[str],
    since: int,
    as_of: int,
) -> Iterable[TestLane]:
    """A lane for each test that was done inside the window or is due."""
    held = [entry for entry in entries if entry.happened_on and entry.deleted_on is None]
    for name, codes in tests.items():
        marks: dict[int, list[CodedEntry]] = {}
        for entry in held:
            day = days.to_day(entry.happened_on) if entry.happened_on else since - 1
            if entry.code in codes and since <= day <= as_of:
                marks.setdefault(day, []).append(entry)
        if marks or name in due or name in unknown:
            ordered = tuple(
                Mark(day, _test_mark(name, day, same)) for day, same in sorted(marks.items())
            )
            yield TestLane(name=name, marks=ordered, due=due.get(name), unknown=name in unknown)


def _test_mark(name: str, day: int, entries: Sequence[CodedEntry]) -> str:
    """The test and its day; the value too where the day holds just one."""
    valued = [entry for entry in entries if entry.value is not None]
    if len(valued) != 1:
        return f"{name} {days.words(day)}"
    value = f"{valued[0].comparator or ''}{_number(valued[0].value)} {valued[0].unit_text or ''}"
    return f"{name} {days.words(day)}: {value.strip()}"


def _stays(admissions: Iterable[Admission], since: int, as_of: int) -> Iterable[Span]:
    for stay in admissions:
        start = _day(stay.admitted_on) or _day(stay.discharged_on)
        end = _day(stay.discharged_on) or as_of
        if start is not None and stay.deleted_on is None and end >= since:
            last = f"to {days.words(end)}" if stay.discharged_on else "and not discharged yet"
            yield Span(max(start, since), end + 1, f"in hospital {days.words(start)} {last}")


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


# The drawing. All lengths are CSS pixels at the drawing's own size, at which text is 14 px.

WIDTH = 720
LABEL = 252
RIGHT = 16
TOP = 46
MEDICINE = 44
TEST = 34
CHARACTER, BOLD = 6.9, 7.5
"""Mean width of a character of 14 px Arial, plain and bold; labels longer than their place are cut."""


def svg(
    timeline: Timeline, *, ident: str = "timeline", title: str = "Medicines time line"
) -> Markup:
    """The drawing: an ``svg`` element of role ``img`` with its title and a description in words.

    *ident* makes the ids of title and description unique on a page.
    """
    height = (
        TOP
        + MEDICINE * len(timeline.medicines)
        + TEST * len(timeline.tests)
        + (20 if timeline.stays else 10)
        if timeline.medicines or timeline.tests
        else TOP + 40
    )
    parts = [
        f'<svg class="cf-timeline" role="img" aria-labelledby="{escape(ident)}-t {escape(ident)}-d"'
        f' viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">',
        f'<title id="{escape(ident)}-t">{escape(title)}</title>',
        f'<desc id="{escape(ident)}-d">{escape(describe(timeline))}</desc>',
        *_axis(timeline, height),
        *_bands(timeline, height),
    ]
    y = TOP
    for lane in timeline.medicines:
        parts += _draw_medicine(timeline, lane, y)
        y += MEDICINE
    for test in timeline.tests:
        parts += _draw_test(timeline, test, y)
        y += TEST
    if not timeline.medicines and not timeline.tests:
        parts.append(_text(8, TOP + 20, "No medicine was issued in this time.", "cf-tl-note"))
    parts += _today(timeline, height)
    parts.append("</svg>")
    return Markup("\n".join(parts))


def _x(timeline: Timeline, day: int) -> float:
    """Where a day starts; days outside the window are held at its edge."""
    inside = min(max(day, timeline.since), timeline.until)
    share = (inside - timeline.since) / (timeline.until - timeline.since)
    return round(LABEL + share * (WIDTH - LABEL - RIGHT), 1)


def _text(x: float, y: float, words: str, css: str, anchor: str = "start") -> str:
    return f'<text x="{x}" y="{y}" class="{css}" text-anchor="{anchor}">{escape(words)}</text>'


def _cut(words: str, width: float, character: float = CHARACTER) -> str:
    room = int(width / character)
    return words if len(words) <= room else words[: room - 1].rstrip() + "…"


def _axis(timeline: Timeline, height: int) -> Iterable[str]:
    """A line at the start of each month, a name at every second, the year where it begins."""
    month = days.to_date(timeline.since).replace(day=1)
    starts = []
    while (day := days.to_day(month)) < timeline.until:
        if day >= timeline.since:
            starts.append((day, month))
        month = month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)
    step = 2 if len(starts) > 8 else 1
    for index, (day, start) in enumerate(starts):
        x = _x(timeline, day)
        yield f'<line x1="{x}" x2="{x}" y1="{TOP - 6}" y2="{height - 8}" class="cf-tl-grid"/>'
        if index % step == 0 and x < WIDTH - 30:
            yield _text(x, TOP - 12, days.MONTHS[start.month - 1][:3], "cf-tl-axis")
        if start.month == 1 or (index == 0 and start.month < 12):
            yield _text(x, TOP - 29, str(start.year), "cf-tl-year")


def _bands(timeline: Timeline, height: int) -> Iterable[str]:
    for stay in timeline.stays:
        x1, x2 = _x(timeline, stay.since), _x(timeline, stay.until)
        width = max(x2 - x1, 3)
        yield (
            f'<g><title>{escape(stay.words)}</title><rect x="{x1}" y="{TOP - 6}" '
            f'width="{width:.1f}" height="{height - TOP - 12}" class="cf-tl-stay"/></g>'
        )
        anchor, x = ("end", x2) if x2 > WIDTH - 90 else ("start", x1)
        yield _text(x, height - 5, "hospital", "cf-tl-stayname", anchor)


def _today(timeline: Timeline, height: int) -> Iterable[str]:
    x = _x(timeline, timeline.as_of)
    yield f'<line x1="{x}" x2="{x}" y1="{TOP - 24}" y2="{height - 8}" class="cf-tl-today"/>'
    yield _text(x, TOP - 29, "today", "cf-tl-todayname", "middle")


def _draw_medicine(timeline: Timeline, lane: MedicineLane, y: int) -> Iterable[str]:
    base = y + 27
    yield f"<g><title>{escape(_lane_words(timeline, lane))}</title>"
    yield f'<line x1="0" x2="{WIDTH}" y1="{y}" y2="{y}" class="cf-tl-rule"/>'
    yield _text(0, y + 19, _cut(lane.name, LABEL - 10, BOLD), "cf-tl-name")
    dose = f"ended {days.words(lane.ended)}" if lane.ended is not None else lane.dose
    yield _text(0, y + 36, _cut(dose, LABEL - 8), "cf-tl-dose")
    if lane.note:
        yield _text(LABEL + 8, base + 5, lane.note, "cf-tl-note")
    for gap in lane.gaps:
        x1, x2 = _x(timeline, gap.since), _x(timeline, gap.until)
        if x2 - x1 > 4:
            yield f'<line x1="{x1}" x2="{x2}" y1="{base}" y2="{base}" class="cf-tl-gap"/>'
        if gap.length >= 7 and x2 - x1 > 52:
            yield _text((x1 + x2) / 2, base - 6, _days(gap.length), "cf-tl-gapname", "middle")
    for span in lane.supply:
        x1, x2 = _x(timeline, span.since), _x(timeline, span.until)
        yield (
            f'<rect x="{x1}" y="{base - 8}" width="{max(x2 - x1, 2):.1f}" height="16" '
            'class="cf-tl-supply"/>'
        )
    for mark in lane.issues:
        x = _x(timeline, mark.day)
        yield (
            f'<line x1="{x}" x2="{x}" y1="{base - 12}" y2="{base + 8}" class="cf-tl-issue">'
            f"<title>{escape(mark.words)}</title></line>"
        )
    yield "</g>"


def _draw_test(timeline: Timeline, lane: TestLane, y: int) -> Iterable[str]:
    base = y + 20
    yield f"<g><title>{escape(_test_words(timeline, lane))}</title>"
    yield f'<line x1="0" x2="{WIDTH}" y1="{y}" y2="{y}" class="cf-tl-rule"/>'
    yield _text(0, y + 22, _cut(lane.name, LABEL - 10, BOLD), "cf-tl-name")
    if lane.unknown and lane.due is None:
        latest = max((_x(timeline, mark.day) for mark in lane.marks), default=0.0)
        today = _x(timeline, timeline.as_of)
        if latest < today - 100:
            yield _text(today - 6, base + 5, "cannot tell", "cf-tl-note", "end")
    if lane.due is not None:
        x, today = _x(timeline, lane.due), _x(timeline, timeline.as_of)
        if lane.due < timeline.as_of:
            words = f"overdue {_days(timeline.as_of - lane.due)}"
            yield f'<line x1="{x}" x2="{today}" y1="{base}" y2="{base}" class="cf-tl-overdue"/>'
            room = len(words) * CHARACTER
            start = min(x, today - room) - 4 if today - x < room else x + 2
            latest = max((_x(timeline, mark.day) for mark in lane.marks), default=0.0)
            if start <= latest + 6 and today - x < room:
                yield _text(today + 5, base + 5, _days(timeline.as_of - lane.due), "cf-tl-late")
            else:
                yield _text(start, base - 6, words, "cf-tl-late")
        else:
            yield f'<path d="M{x} {base - 7}l7 7l-7 7l-7-7z" class="cf-tl-due"/>'
    for mark in lane.marks:
        yield (
            f'<circle cx="{_x(timeline, mark.day)}" cy="{base}" r="5" class="cf-tl-test">'
            f"<title>{escape(mark.words)}</title></circle>"
        )
    yield "</g>"


# The same in words.


def _lane_words(timeline: Timeline, lane: MedicineLane) -> str:
    parts = [lane.name]
    if lane.dose:
        parts.append(lane.dose)
    count = len(lane.issues)
    if count:
        times = "once" if count == 1 else f"{count} times"
        parts.append(f"issued {times} in this time, last {days.words(lane.issues[-1].day)}")
    else:
        parts.append("not issued in this time")
    if lane.supply:
        parts.append(lane.supply[-1].words)
    else:
        parts.append("how long a supply lasts is not known")
    if lane.gaps:
        longest = max(lane.gaps, key=lambda gap: gap.length)
        parts.append(f"longest time without supply {_days(longest.length)}")
    if lane.ended is not None:
        parts.append(f"ended {days.words(lane.ended)}")
    return "; ".join(parts)


def _test_words(timeline: Timeline, lane: TestLane) -> str:
    parts = [lane.name]
    parts.append(
        f"last done {days.words(lane.marks[-1].day)}" if lane.marks else "not done in this time"
    )
    if lane.unknown and lane.due is None:
        parts.append("whether it is due cannot be told")
    if lane.due is not None:
        late = timeline.as_of - lane.due
        parts.append(
            f"overdue {_days(late)}, due {days.words(lane.due)}"
            if late > 0
            else f"due {days.words(lane.due)}"
        )
    return "; ".join(parts)


def describe(timeline: Timeline) -> str:
    """The drawing in one paragraph, for those who do not see it."""
    lines = [
        f"From {days.words(timeline.since)} to {days.words(timeline.until)};"
        f" today is {days.words(timeline.as_of)}.",
        *(f"{_lane_words(timeline, lane)}." for lane in timeline.medicines),
        *(f"{_test_words(timeline, lane)}." for lane in timeline.tests),
        *(f"{stay.words}." for stay in timeline.stays),
    ]
    return " ".join(lines)


@dataclass(frozen=True, slots=True)
class TableRow:
    """One line of the table that says what the drawing shows."""

    what: str
    detail: str
    last: str
    until: str
    note: str


def table(timeline: Timeline) -> tuple[TableRow, ...]:
    """The drawing as rows: what, dose, last issue or test, supply or due date, what stands out."""
    rows = []
    for lane in timeline.medicines:
        gaps = sorted(lane.gaps, key=lambda gap: -gap.length)
        rows.append(
            TableRow(
                what=lane.name,
                detail=lane.dose,
                last=f"issued {days.words(lane.issues[-1].day)}" if lane.issues else "not issued",
                until=lane.supply[-1].words if lane.supply else "not known how long it lasts",
                note=f"ended {days.words(lane.ended)}"
                if lane.ended is not None
                else (gaps[0].words if gaps else ""),
            )
        )
    for test in timeline.tests:
        late = timeline.as_of - test.due if test.due is not None else 0
        rows.append(
            TableRow(
                what=test.name,
                detail="test",
                last=f"done {days.words(test.marks[-1].day)}" if test.marks else "not done",
                until=f"due {days.words(test.due)}"
                if test.due is not None
                else ("cannot tell" if test.unknown else ""),
                note=f"overdue {_days(late)}" if late > 0 else "",
            )
        )
    rows += [TableRow("Hospital", "", stay.words, "", "") for stay in timeline.stays]
    return tuple(rows)

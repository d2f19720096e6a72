"""The time line in words and as a table, for people who do not see the drawing, and for paper."""

from __future__ import annotations

from dataclasses import dataclass

from counterfoil.foundation import days
from counterfoil.service.pages.timeline.lanes import (
    MedicineLane,
    ProblemLane,
    TestLane,
    Timeline,
    day_count,
)


def lane_words(timeline: Timeline, lane: MedicineLane) -> str:
    """One medicine in a sentence."""
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
        parts.append(f"longest time without supply {day_count(longest.length)}")
    parts += [mark.words for mark in lane.changes]
    if lane.ahead:
        parts.append(_coming(lane))
    if lane.ended is not None:
        parts.append(f"ended {days.words(lane.ended)}")
    return "; ".join(parts)


def _coming(lane: MedicineLane) -> str:
    count = len(lane.ahead)
    return f"{count} {'issue' if count == 1 else 'issues'} still to come, next {days.words(lane.ahead[0].day)}"


def problem_words(lane: ProblemLane) -> str:
    """One problem in a sentence."""
    since = (
        f"since {days.words(lane.since)}" if lane.since is not None else "since when is not known"
    )
    ended = f", ended {days.words(lane.until)}" if lane.until is not None else ""
    return f"{lane.name}: {since}{ended}"


def test_words(timeline: Timeline, lane: TestLane) -> str:
    """One test in a sentence."""
    done = f"last done {days.words(lane.last)}" if lane.last is not None else "none on record"
    parts = [lane.name, done]
    if lane.latest:
        parts.append(lane.latest)
    if lane.marks and lane.marks[-1].outside:
        parts.append(f"{lane.marks[-1].outside} its range")
    if lane.unknown and lane.due is None:
        parts.append("whether it is due cannot be told")
    if lane.due is not None:
        late = timeline.as_of - lane.due
        parts.append(
            f"overdue {day_count(late)}, due {days.words(lane.due)}"
            if late > 0
            else f"due {days.words(lane.due)}"
        )
    return "; ".join(parts)


def last_words(lane: TestLane) -> str:
    """What stands under a test's name: its latest value, and when where that is not drawn."""
    if lane.last is None:
        return "none on record"
    if lane.marks:
        return lane.latest
    done = f"last {days.words(lane.last)}"
    return f"{done}: {lane.latest}" if lane.latest else done


def describe(timeline: Timeline) -> str:
    """The drawing in one paragraph, for those who do not see it."""
    lines = [
        f"From {days.words(timeline.since)} to {days.words(timeline.until)};"
        f" today is {days.words(timeline.as_of)}.",
        *(f"{lane_words(timeline, lane)}." for lane in timeline.medicines),
        *(f"{test_words(timeline, lane)}." for lane in timeline.tests),
        *(f"{stay.words}." for stay in timeline.stays),
        *(f"{problem_words(lane)}." for lane in timeline.problems),
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
                note="; ".join(_notes(lane, gaps[0].words if gaps else "")),
            )
        )
    for test in timeline.tests:
        late = timeline.as_of - test.due if test.due is not None else 0
        rows.append(
            TableRow(
                what=test.name,
                detail=test.latest or "test",
                last=f"done {days.words(test.last)}" if test.last is not None else "none on record",
                until=f"due {days.words(test.due)}"
                if test.due is not None
                else ("cannot tell" if test.unknown else ""),
                note="; ".join(
                    said
                    for said in (
                        f"{test.marks[-1].outside} its range"
                        if test.marks and test.marks[-1].outside
                        else "",
                        f"overdue {day_count(late)}" if late > 0 else "",
                    )
                    if said
                ),
            )
        )
    rows += [TableRow("Hospital", "", stay.words, "", "") for stay in timeline.stays]
    rows += [
        TableRow(
            lane.name,
            "problem",
            f"since {days.words(lane.since)}"
            if lane.since is not None
            else "since when is not known",
            f"ended {days.words(lane.until)}" if lane.until is not None else "",
            "",
        )
        for lane in timeline.problems
    ]
    return tuple(rows)


def _notes(lane: MedicineLane, gap: str) -> list[str]:
    """What stands out about a medicine: its end, else its longest gap; changes; what is to come."""
    found = [f"ended {days.words(lane.ended)}" if lane.ended is not None else gap]
    found += [mark.words for mark in lane.changes]
    if lane.ahead:
        found.append(_coming(lane))
    return [said for said in found if said]

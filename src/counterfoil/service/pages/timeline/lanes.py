"""What of one patient's record stands on a line of time.

Pure: what is drawn depends on the record, the window and ``as_of`` alone. All days are day numbers
(``foundation.days``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from math import floor
from typing import Protocol

from counterfoil.foundation import days
from counterfoil.records.rows import Admission, CodedEntry, Issue, Plan, Problem
from counterfoil.supply.exposure import CARRY_SUPPLIES

LANES = 12
"""How many medicines are drawn before "show all"."""
RECENT = 120
"""A medicine that ended longer ago than this is drawn on "show all" only."""
PROBLEMS = 8
"""How many problems are drawn before "show all"."""
BREAK = 28
"""Days between the end of a course and the start of the next from which on they are two: a supply."""
FURTHEST = 182
"""How many days ahead the window may grow for issues that are still to come."""


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
    @property
    def problems(self) -> Sequence[Problem]: ...


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
    """Something on one day, and its words. ``outside`` says on which side of its range a result
    lies, ``above`` or ``below``, by the range that was sent with it."""

    day: int
    words: str
    outside: str = ""


@dataclass(frozen=True, slots=True)
class MedicineLane:
    """One medicine: issues, the days they cover (empty where not known), and days between.

    ``changes`` are the days on which its dose text changed, ``ahead`` issues that are still to come.
    """

    name: str
    dose: str
    issues: tuple[Mark, ...]
    supply: tuple[Span, ...]
    gaps: tuple[Span, ...]
    ended: int | None = None
    note: str = ""
    changes: tuple[Mark, ...] = ()
    ahead: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class TestLane:
    """One test: when it was done, its latest value, and since when the next one is due."""

    name: str
    marks: tuple[Mark, ...]
    due: int | None = None
    unknown: bool = False
    """Whether it is due cannot be told."""
    last: int | None = None
    """The day it was last done, inside the window or before it."""
    latest: str = ""
    """The value of that day with its unit, and the range that was sent with it."""


@dataclass(frozen=True, slots=True)
class ProblemLane:
    """One problem: from when to when, where that is known."""

    name: str
    since: int | None
    until: int | None


@dataclass(frozen=True, slots=True)
class Timeline:
    """What is drawn, in order. ``hidden`` and ``more_problems`` count what is left out."""

    since: int
    until: int
    as_of: int
    medicines: tuple[MedicineLane, ...]
    tests: tuple[TestLane, ...]
    stays: tuple[Span, ...]
    hidden: int = 0
    problems: tuple[ProblemLane, ...] = ()
    more_problems: int = 0


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
    problems: int | None = 0,
) -> Timeline:
    """What to draw of *record* in the window from *back* days before *as_of* to *ahead* after.

    *tests* gives each test's codes by name, *due* the day on which one is or was due, *unknown* those
    of which that cannot be told. Medicines whose name holds a word of *first* come first, then the
    current ones, then those that ended inside the window. At most *limit* of them, and none that
    ended more than ``RECENT`` days ago (``None``: all). At most *problems* problems (``None``: all).
    The window grows for issues that are still to come, by ``FURTHEST`` days ahead at most.
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
    coming = [mark.day + 7 for lane in shown for mark in lane.ahead]
    held = _problems(record.problems, since, as_of) if problems != 0 else []
    return Timeline(
        since=since,
        until=max(until, min(max(coming, default=until), as_of + FURTHEST)),
        as_of=as_of,
        medicines=tuple(shown),
        tests=tuple(_tests(record.entries, tests or {}, due or {}, unknown, since, as_of)),
        stays=tuple(_stays(record.admissions, since, as_of)),
        hidden=len(lanes) - len(shown),
        problems=tuple(held[:problems]),
        more_problems=len(held) - len(held[:problems]),
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
        coming = [issue for issue in issued if _from(issue) > as_of]
        issued = [issue for issue in issued if _from(issue) <= as_of]
        last = _day(issued[-1].issued_on) if issued else None
        ends = [end for plan in held if (end := _day(plan.end_date)) is not None]
        ended = None if current or not held else max(ends, default=last)
        gone = (last is None or last < since) and (ended is None or ended < since)
        if not current and not coming and gone:
            continue
        newest = max(current or held, key=lambda plan: plan.start_date or date.min, default=None)
        lanes.append(
            MedicineLane(
                name=name,
                dose=dose_words(newest) if newest else ([*issued, *coming][-1].dose_text or ""),
                issues=tuple(_issue_marks(issued, since, as_of)),
                ended=ended,
                note=_note(current, issued, since),
                changes=tuple(_changes(held, issued, since, as_of)),
                ahead=tuple(_coming(coming)),
                **_coverage(issued, plans, supply_days, since, as_of if current else None),
            )
        )
    return lanes


def _from(issue: Issue) -> int:
    """The day from which an issue can be had: the parts of a repeat dispensing batch lie ahead."""
    return days.to_day(max(issue.issued_on, issue.valid_from or issue.issued_on))


def _coming(issues: Iterable[Issue]) -> Iterable[Mark]:
    for issue in sorted(issues, key=_from):
        part = (
            f"issue {issue.erd_number} of {issue.erd_of}"
            if issue.erd_number and issue.erd_of
            else "issue"
        )
        yield Mark(_from(issue), f"{part} still to come, from {days.words(_from(issue))}")


def _changes(
    plans: Sequence[Plan], issued: Sequence[Issue], since: int, as_of: int
) -> Iterable[Mark]:
    """Days on which the dose text changed: as the source says, from plan to plan, issue to issue."""
    found: dict[int, str] = {}
    first = min((plan.start_date for plan in plans if plan.start_date), default=date.min)
    for plan in plans:
        if plan.dose_changed_on is not None and plan.dose_changed_on > first:
            found[days.to_day(plan.dose_changed_on)] = ""
    begun = sorted(
        (plan for plan in plans if plan.start_date), key=lambda p: p.start_date or date.min
    )
    for before, after in pairwise(begun):
        apart = _apart(before, after) is not None
        if (
            after.start_date
            and before.dose_text
            and after.dose_text != before.dose_text
            and not apart
        ):
            found[days.to_day(after.start_date)] = f": {before.dose_text} to {after.dose_text}"
    told = [issue for issue in issued if issue.dose_text]
    for earlier, later in pairwise(told):
        if later.plan_id == earlier.plan_id and later.dose_text != earlier.dose_text:
            words = f": {earlier.dose_text} to {later.dose_text}"
            found.setdefault(days.to_day(later.issued_on), words)
    for day, words in sorted(found.items()):
        if since <= day <= as_of:
            yield Mark(day, f"dose changed {days.words(day)}{words}")


def _problems(problems: Iterable[Problem], since: int, as_of: int) -> list[ProblemLane]:
    """Problems that are active or ended inside the window: significant ones first, then by onset."""
    kept = []
    for problem in problems:
        end = _day(problem.ended_on)
        if problem.deleted_on is not None or (end is not None and end < since):
            continue
        if problem.status != "active" and end is None:
            continue
        if (_day(problem.onset_on) or since) > as_of:
            continue
        kept.append(problem)
    kept.sort(
        key=lambda p: (
            p.status != "active",
            p.significance != "significant",
            -(_day(p.onset_on) or 0),
            p.term.lower(),
        )
    )
    return [ProblemLane(p.term, _day(p.onset_on), _day(p.ended_on)) for p in kept]


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
    Nothing is said about days beside an issue whose length is not known, nor about the days
    between two courses, when nobody had prescribed it.
    """
    supply: list[Span] = []
    gaps: list[Span] = []
    end: int | None = None
    before: Plan | None = None
    for issue in issued:
        day = days.to_day(issue.issued_on)
        plan = plans.get(issue.plan_id or "")
        length = supply_days(issue, plan)
        course, before = _apart(before, plan), plan
        if not length:
            end = None
            continue
        if end is not None and day > end:
            ended, begun = course or (day, day)
            pieces = ((end, min(ended, day)), (max(end, begun), day))
            gaps += [Span(since, until) for since, until in pieces if until > since]
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
            Span(max(g.since, since), g.until, f"no supply for {day_count(g.length)}")
            for g in gaps
            if g.until > since
        ),
    }


def _apart(before: Plan | None, after: Plan | None) -> tuple[int, int] | None:
    """The end of a course and the start of the next, where they are more than a supply apart."""
    if before is None or after is None or before.plan_id == after.plan_id:
        return None
    ended, begun = _day(before.end_date), _day(after.start_date)
    if ended is None or begun is None or begun - ended <= BREAK:
        return None
    return ended, begun


def _tests(
    entries: Iterable[CodedEntry],
    tests: Mapping[str, frozenset[str]],
    due: Mapping[str, int],
    unknown: Collection[str],
    since: int,
    as_of: int,
) -> Iterable[TestLane]:
    """A lane for each test that was done inside the window or is due."""
    held = [
        (days.to_day(entry.happened_on), entry)
        for entry in entries
        if entry.happened_on and entry.deleted_on is None
    ]
    for name, codes in tests.items():
        done: dict[int, list[CodedEntry]] = {}
        for day, entry in held:
            if entry.code in codes and day <= as_of:
                done.setdefault(day, []).append(entry)
        marks = tuple(
            Mark(day, _test_mark(name, day, same), _outside(same))
            for day, same in sorted(done.items())
            if day >= since
        )
        if marks or name in due or name in unknown:
            last = max(done, default=None)
            yield TestLane(
                name=name,
                marks=marks,
                due=due.get(name),
                unknown=name in unknown,
                last=last,
                latest=_latest(done[last]) if last is not None else "",
            )


def _test_mark(name: str, day: int, entries: Sequence[CodedEntry]) -> str:
    """The test and its day; the value and its range too where the day holds just one."""
    value = _latest(entries)
    return f"{name} {days.words(day)}: {value}" if value else f"{name} {days.words(day)}"


def _latest(entries: Sequence[CodedEntry]) -> str:
    """The one value of a day with the range that was sent with it; empty where there are several."""
    valued = [entry for entry in entries if entry.value is not None]
    if len(valued) != 1:
        return ""
    (one,) = valued
    value = f"{one.comparator or ''}{_number(one.value)} {one.unit_text or ''}".strip()
    low, high = one.range_low, one.range_high
    if low is not None and high is not None:
        return f"{value} (range {_number(low)} to {_number(high)})"
    if low is not None or high is not None:
        side = "from" if low is not None else "up to"
        return f"{value} (range {side} {_number(low if low is not None else high)})"
    return value


def _outside(entries: Sequence[CodedEntry]) -> str:
    """On which side of the range sent with it the one value of a day lies, if on any."""
    valued = [entry for entry in entries if entry.value is not None]
    if len(valued) != 1:
        return ""
    value, low, high = valued[0].value, valued[0].range_low, valued[0].range_high
    if value is None or valued[0].comparator:
        return ""
    if low is not None and value < low:
        return "below"
    return "above" if high is not None and value > high else ""


def _stays(admissions: Iterable[Admission], since: int, as_of: int) -> Iterable[Span]:
    for stay in admissions:
        start = _day(stay.admitted_on) or _day(stay.discharged_on)
        end = _day(stay.discharged_on) or as_of
        if start is not None and stay.deleted_on is None and end >= since:
            last = f"to {days.words(end)}" if stay.discharged_on else "and not discharged yet"
            yield Span(max(start, since), end + 1, f"in hospital {days.words(start)} {last}")


def day_count(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"

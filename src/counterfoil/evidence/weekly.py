"""Weekly series of the measures, from the activity table and from the record's own spans.

A week begins on a Monday and is named by that day. Only whole weeks are counted, and a week with
nothing in its denominator has no value: nothing is not 0.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from counterfoil.evidence.activity import Activity
from counterfoil.evidence.measures import Measure, measure
from counterfoil.rules.engines.duckdb import Engine, Tables
from counterfoil.rules.engines.prepare import Gates
from counterfoil.rules.model import TRUE, UNKNOWN, Rule
from counterfoil.rules.sets import TerminologySets

WEEKS = 104
LETTER_DAYS = 7


@dataclass(frozen=True, slots=True)
class Week:
    """One week: its Monday, what was counted, of what, and how many could not be told.

    ``value`` is None where the denominator is 0.
    """

    day: int
    numerator: float
    denominator: float
    value: float | None
    cannot_tell: int = 0


@dataclass(frozen=True, slots=True)
class Series:
    """A measure week by week, oldest first. ``about`` says of whom: a practice, or all of them."""

    measure: Measure
    about: str
    weeks: tuple[Week, ...]

    @property
    def points(self) -> list[tuple[int, float]]:
        """(day, value) of the weeks that have one, for a chart."""
        return [(week.day, week.value) for week in self.weeks if week.value is not None]


def monday(day: int) -> int:
    """The Monday of a day's week. 1 January 1970 was a Thursday."""
    return day - (day + 3) % 7


def whole_weeks(as_of: int, weeks: int) -> list[int]:
    """The Mondays of the last so many weeks that were over on *as_of*, oldest first."""
    last = monday(as_of + 1) - 7
    return [last - 7 * n for n in range(weeks - 1, -1, -1)]


def letters_within_7_days(
    rows: Iterable[Activity], as_of: int, weeks: int = WEEKS, practices: Collection[str] = ()
) -> Series:
    """Letters finished within 7 days of receipt, by the week they were received, in per cent."""
    arrived: dict[str, int] = {}
    done: dict[str, int] = {}
    for row in rows:
        if row.kind == "letter" and (not practices or row.practice in practices):
            if row.what == "arrived":
                arrived[row.task_id] = min(row.day, arrived.get(row.task_id, row.day))
            elif row.what == "done":
                done[row.task_id] = min(row.day, done.get(row.task_id, row.day))
    found = []
    for start in whole_weeks(as_of, weeks):
        if start + 6 + LETTER_DAYS > as_of:
            continue
        days = {task: day for task, day in arrived.items() if start <= day < start + 7}
        kept = sum(task in done and done[task] <= day + LETTER_DAYS for task, day in days.items())
        found.append(_week(start, kept, len(days), 100))
    return Series(measure("letters_within_7_days"), _about(practices), tuple(found))


def active_minutes_per_task(
    rows: Iterable[Activity],
    as_of: int,
    weeks: int = WEEKS,
    practices: Collection[str] = (),
    kind: str | None = None,
) -> Series:
    """Active minutes of each task, by the week in which it was finished.

    A task is finished at its last ``done``; one that was never measured is counted in
    ``cannot_tell``, not as 0 minutes.
    """
    minutes: dict[str, float | None] = {}
    done: dict[str, int] = {}
    for row in rows:
        if (practices and row.practice not in practices) or (kind and row.kind != kind):
            continue
        if row.minutes is not None:
            minutes[row.task_id] = (minutes.get(row.task_id) or 0.0) + row.minutes
        if row.what == "done":
            done[row.task_id] = max(row.day, done.get(row.task_id, row.day))
    found = []
    for start in whole_weeks(as_of, weeks):
        tasks = [task for task, day in done.items() if start <= day < start + 7]
        known = [value for task in tasks if (value := minutes.get(task)) is not None]
        found.append(_week(start, sum(known), len(known), 1, len(tasks) - len(known)))
    return Series(measure("active_minutes_per_task"), _about(practices), tuple(found))


def monitoring(
    tables: Tables,
    rules: Sequence[Rule],
    as_of: int,
    weeks: int = WEEKS,
    practices: Collection[str] = (),
    sets: TerminologySets | None = None,
    gates: Gates | None = None,
) -> tuple[Series, Series]:
    """Monitoring overdue as a rate at each week's end, and as days at risk in the week.

    From one reading of the record's spans, so that the weeks before the service began are there
    too. *rules* are those counted: usually the ones of theme ``monitoring``.
    """
    with Engine(tables, sets or TerminologySets(), as_of, gates=gates) as engine:
        spans = engine.spans(rules).table
    return from_spans(spans, as_of, weeks, practices)


def from_spans(
    spans: Any, as_of: int, weeks: int = WEEKS, practices: Collection[str] = ()
) -> tuple[Series, Series]:
    """As :func:`monitoring`, from the table of ``Engine.spans``."""
    chosen = np.ones(spans.num_rows, dtype=bool)
    if practices:
        chosen = np.isin(spans.column("practice").to_numpy(zero_copy_only=False), list(practices))
    since, until, v, r = (
        spans.column(name).to_numpy()[chosen] for name in ("since", "until", "v", "r")
    )
    rate, days = [], []
    for start in whole_weeks(as_of, weeks):
        end = start + 6
        there = (since <= end) & (end < until) & (r == TRUE)
        overdue = int((there & (v == TRUE)).sum())
        unknown = int((there & (v == UNKNOWN)).sum())
        rate.append(_week(start, overdue, int(there.sum()) - unknown, 100, unknown))
        inside = np.clip(np.minimum(until, end + 1) - np.maximum(since, start), 0, None)
        on_drug = int(inside[r == TRUE].sum())
        at_risk = int(inside[(r == TRUE) & (v == TRUE)].sum())
        days.append(_week(start, at_risk, on_drug, 100, int(inside[(r == TRUE) & (v == 1)].sum())))
    about = _about(practices)
    return (
        Series(measure("monitoring_overdue_rate"), about, tuple(rate)),
        Series(measure("monitoring_days_at_risk"), about, tuple(days)),
    )


def _week(
    day: int, numerator: float, denominator: float, times: float, cannot_tell: int = 0
) -> Week:
    value = times * numerator / denominator if denominator else None
    return Week(day, numerator, denominator, value, cannot_tell)


def _about(practices: Collection[str]) -> str:
    return ", ".join(sorted(practices)) if practices else "all practices"

"""The plainest facts on arrays: a row in this window, and an age.

Most rows of most rules are read for these. What they mean is said as SQL in
:mod:`counterfoil.rules.engines.windowed`, which Spark runs, and over again day by day in
:mod:`counterfoil.rules.reference`; here it is looked up in the same calendars.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from counterfoil.foundation.days import FOREVER
from counterfoil.rules.engines.calendars import Days
from counterfoil.rules.engines.passes import Edges, edges_of
from counterfoil.rules.engines.program import QOF_YEAR
from counterfoil.rules.facts import Length, Window
from counterfoil.rules.history import BEFORE

Intervals = tuple[Edges, Edges]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Happened:
    """The rows of one source: by whom, the first and the last day they may have been, how sure."""

    pid: Edges
    low: Days
    high: Days
    sure: Flags


@dataclass(frozen=True)
class Calendars:
    """For a number of months (-1: a QOF year), the last index day whose window reaches back to a
    day: ``first`` is the day that each list begins with."""

    first: int
    last: Mapping[int, Days]

    def of(self, months: int, days: Days) -> Days:
        """For each day, the last index day; ``BEFORE`` for a day that is not in the calendar."""
        listed = self.last[months]
        at = days - self.first
        inside = (at >= 0) & (at < len(listed))
        return np.where(inside, listed[np.where(inside, at, 0)], BEFORE)


def by_source(rows: pa.Table) -> dict[int, Happened]:
    """Rows (sid, pid, low, high, st) by their source."""
    names = ("sid", "pid", "low", "high", "st")
    sid, pid, low, high, st = (rows.column(name).to_numpy() for name in names)
    order = np.argsort(sid, kind="stable")
    starts = np.flatnonzero(np.diff(sid[order], prepend=-1))
    return {
        int(sid[mine[0]]): Happened(pid[mine], low[mine], high[mine], st[mine] == 2)
        for mine in np.split(order, starts)[1:]
    }


def seen(
    rows: Happened, window: Window, calendars: Calendars, goes_on: int | None = None
) -> dict[int, Intervals]:
    """By state, the edges at which rows enter the window and leave it: :func:`.windowed.statement`.

    What is true on the day *goes_on* is taken to go on for ever.
    """
    found = {}
    for st in (2, 1):
        chosen = rows.sure if st == 2 else ~rows.sure | (rows.low < rows.high)
        begin, end = (rows.high, rows.low) if st == 2 else (rows.low, rows.high)
        if window.first is not None:
            chosen = chosen & (end >= window.first)
        if window.end is not None:
            chosen = chosen & (begin < window.end)
        since = _since(begin[chosen], window.ago, calendars)
        until = _until(end[chosen], window, calendars)
        if st == 2 and goes_on is not None:
            until = np.where((since <= goes_on) & (until > goes_on), FOREVER, until)
        found[st] = intervals(rows.pid[chosen], since, until)
    return found


def intervals(pid: Edges, since: Days, until: Days) -> Intervals:
    """The edges of intervals that are not empty."""
    some = since < until
    return edges_of(pid[some], since[some]), edges_of(pid[some], until[some])


def both(one: Intervals, other: Intervals) -> Intervals:
    """The edges of these and those."""
    return np.concatenate((one[0], other[0])), np.concatenate((one[1], other[1]))


def _since(days: Days, ago: Length | None, calendars: Calendars) -> Days:
    if ago is None:
        return days
    return days + ago.days if ago.days else calendars.of(ago.months, days - 1) + 1


def _until(days: Days, window: Window, calendars: Calendars) -> Days:
    ends = np.full(len(days), FOREVER, np.int64)
    if window.back is not None:
        back = window.back
        ends = (days + back.days if back.days else calendars.of(back.months, days)) + 1
    if window.qof_year:
        ends = np.minimum(ends, calendars.of(QOF_YEAR, days) + 1)
    return ends


NONE = Happened(
    np.array([], np.int64), np.array([], np.int64), np.array([], np.int64), np.array([], bool)
)
"""No row."""

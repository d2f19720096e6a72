"""Demand for staff out of the work log: arrivals times minutes, by site, week and competency.

Minutes for a kind of task come from tasks of that kind that were finished and measured. Where too
few were, there is no figure: hours are None, and never 0.
"""

from __future__ import annotations

import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from counterfoil.evidence.activity import Activity
from counterfoil.evidence.weekly import monday, whole_weeks

FEWEST = 10
"""Measured tasks of a kind below which no minutes are given for it."""


@dataclass(frozen=True, slots=True)
class Assumptions:
    """Contracted hours a week of one WTE, the share of them that goes to tasks, and the competency
    that each kind of task asks for."""

    hours_per_week: float
    working_share: float
    competency: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Demand:
    """What a week brought to one site for one competency.

    ``minutes_each`` is the mean over all measured tasks of the kinds, None where fewer than ten
    were; then ``hours`` and ``wte`` are None as well.
    """

    site: str
    week: int
    competency: str
    arrivals: int
    minutes_each: float | None
    hours: float | None
    wte: float | None


@lru_cache
def assumptions() -> Assumptions:
    """The assumptions that come with the package (``knowledge/workforce.toml``)."""
    text = (resources.files("counterfoil.knowledge") / "workforce.toml").read_text("utf-8")
    raw = tomllib.loads(text)
    return Assumptions(
        float(raw["hours"]["week"]), float(raw["hours"]["working_share"]), raw["competency"]
    )


def demand(
    rows: Iterable[Activity],
    as_of: int,
    weeks: int = 13,
    using: Assumptions | None = None,
) -> list[Demand]:
    """Demand by site (the practice whose work it is), week and competency, oldest week first.

    Only whole weeks before *as_of* are counted. A week in which nothing arrived has a row with 0
    arrivals for each site and competency that had any.
    """
    rows = list(rows)
    using = using or assumptions()
    starts = whole_weeks(as_of, weeks)
    arrived = Counter(
        (site, kind, monday(day))
        for site, kind, day in _arrivals(rows).values()
        if starts[0] <= day < starts[-1] + 7
    )
    minutes = _minutes(rows)
    kinds: dict[tuple[str, str], list[str]] = defaultdict(list)
    for site, kind in sorted({(site, kind) for site, kind, _ in arrived}):
        kinds[site, using.competency.get(kind, kind)].append(kind)
    found = []
    for start in starts:
        for (site, competency), names in sorted(kinds.items()):
            count = {kind: arrived[site, kind, start] for kind in names}
            found.append(_one(site, start, competency, count, minutes, using))
    return found


def mean_wte(found: Iterable[Demand]) -> dict[tuple[str, str], float | None]:
    """WTE by site and competency, the mean over the weeks; None where any week has no figure."""
    by: dict[tuple[str, str], list[float | None]] = defaultdict(list)
    for one in found:
        by[one.site, one.competency].append(one.wte)
    return {
        key: None if None in values else sum(v for v in values if v is not None) / len(values)
        for key, values in by.items()
    }


def _arrivals(rows: Iterable[Activity]) -> dict[str, tuple[str, str, int]]:
    """Task to (site, kind, day) of its first arrival."""
    found: dict[str, tuple[str, str, int]] = {}
    for row in rows:
        if row.what == "arrived" and (row.task_id not in found or row.day < found[row.task_id][2]):
            found[row.task_id] = (row.practice, row.kind, row.day)
    return found


def _minutes(rows: Iterable[Activity]) -> dict[str, float]:
    """Mean active minutes of finished, measured tasks, by kind; only kinds with enough of them."""
    spent: dict[str, float] = {}
    done: dict[str, str] = {}
    for row in rows:
        if row.minutes is not None:
            spent[row.task_id] = spent.get(row.task_id, 0.0) + row.minutes
        if row.what == "done":
            done[row.task_id] = row.kind
    by: dict[str, list[float]] = defaultdict(list)
    for task, kind in done.items():
        if task in spent:
            by[kind].append(spent[task])
    return {kind: sum(v) / len(v) for kind, v in by.items() if len(v) >= FEWEST}


def _one(
    site: str,
    week: int,
    competency: str,
    count: Mapping[str, int],
    minutes: Mapping[str, float],
    using: Assumptions,
) -> Demand:
    arrivals = sum(count.values())
    if any(kind not in minutes for kind in count):
        return Demand(site, week, competency, arrivals, None, None, None)
    total = sum(number * minutes[kind] for kind, number in count.items())
    each = total / arrivals if arrivals else sum(minutes[k] for k in count) / len(count)
    hours = total / 60
    wte = hours / (using.hours_per_week * using.working_share)
    return Demand(site, week, competency, arrivals, each, hours, wte)

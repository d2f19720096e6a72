"""What a set of rules asks of the data: its sources, units, calendars and facts, numbered once.

Every statement that engines run is text in the subset of SQL that DuckDB and Spark share: no date
function, no clock, no fraction, no text ordering. Days are whole numbers and calendars are tables:
``cal(n, day, last)`` holds the last index day whose window of *n* months reaches back to *day*
(for *n* = -1 the last day of its QOF year).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from counterfoil.foundation.days import FOREVER
from counterfoil.rules import facts
from counterfoil.rules.facts import ByValue, Codes, Drugs, Fact, Length, Source, Window
from counterfoil.rules.history import BEFORE

SUPPORT = 0
"""The ``st`` of extra rows, for facts that other facts rest on: true or unknown, made one."""
NOTHING = BEFORE - 1
"""Stands for "no day" where the greatest of several days is taken."""
QOF_YEAR = -1
RUNNING = "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
PRIOR = "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING"


@dataclass
class Asked:
    """The numbers given to what rules name, and the calendars they need."""

    as_of: int
    continues: bool
    sources: dict[Source, int] = field(default_factory=dict)
    units: dict[str, int] = field(default_factory=dict)
    quantities: dict[tuple[int, str], int] = field(default_factory=dict)
    months: set[int] = field(default_factory=set)
    longest: int = 0
    facts: dict[Fact, int] = field(default_factory=dict)

    def number(self, fact: Fact) -> int:
        """The number of a fact; what it rests on is numbered before it."""
        for part in facts.parts(fact):
            self.facts.setdefault(part, len(self.facts))
            for source in facts.sources_of(part):
                self.source(source)
        return self.facts[fact]

    def source(self, source: Source) -> int:
        """The number of a source of rows."""
        return self.sources.setdefault(source, len(self.sources))

    def drugs(self, name: str) -> int:
        """The number of a drug set's issues."""
        return self.source(Drugs(name))

    def codes(self, name: str) -> int:
        """The number of a code set's entries."""
        return self.source(Codes(name))

    def unit(self, name: str) -> int:
        """The number of a unit."""
        return self.units.setdefault(name, len(self.units))

    # Windows -------------------------------------------------------------------------------

    def last(self, day: str, length: Length, alias: str) -> tuple[str, str]:
        """An expression for the last index day whose window reaches *day*, and the join it needs."""
        if length.days:
            self.longest = max(self.longest, length.days)
            return f"{day} + {length.days}", ""
        return f"COALESCE({alias}.last, {BEFORE})", self._join(length.months, day, alias)

    def first(self, day: str, length: Length | None, alias: str) -> tuple[str, str]:
        """The first index day at which *day* is at least *length* ago, and the join it needs."""
        if length is None:
            return day, ""
        if length.days:
            self.longest = max(self.longest, length.days)
            return f"{day} + {length.days}", ""
        join = self._join(length.months, f"{day} - 1", alias)
        return f"COALESCE({alias}.last, {BEFORE}) + 1", join

    def _join(self, months: int, day: str, alias: str) -> str:
        self.months.add(months)
        return f" LEFT JOIN cal {alias} ON {alias}.n = {months} AND {alias}.day = {day}"

    def until(self, window: Window, day: str, alias: str) -> tuple[str, str]:
        """The first index day on which a row of *day* no longer counts, and the joins it needs."""
        ends, joins = [], ""
        if window.back is not None:
            end, join = self.last(day, window.back, f"{alias}b")
            ends.append(f"{end} + 1")
            joins += join
        if window.qof_year:
            joins += self._join(QOF_YEAR, day, f"{alias}q")
            ends.append(f"COALESCE({alias}q.last, {BEFORE}) + 1")
        if not ends:
            return str(FOREVER), ""
        return (ends[0] if len(ends) == 1 else f"LEAST({', '.join(ends)})"), joins

    def seen(self, window: Window, rows: str, columns: str = "") -> str:
        """Rows (pid, low, high, st) as intervals of index days: ``pid, since, until, st``.

        A row is true while the window holds both ends of the days on which it may have happened,
        and unknown while it holds one. *columns* of the rows are handed on.
        """
        parts = []
        more = f", {columns}" if columns else ""
        for st, begin, end in ((2, "high", "low"), (1, "low", "high")):
            since, join = self.first(f"e.{begin}", window.ago, f"a{st}")
            until, joins = self.until(window, f"e.{end}", f"w{st}")
            where = ["e.st = 2"] if st == 2 else []
            if window.first is not None:
                where.append(f"e.{end} >= {window.first}")
            if window.end is not None:
                where.append(f"e.{begin} < {window.end}")
            condition = f" WHERE {' AND '.join(where)}" if where else ""
            parts.append(
                f"SELECT e.pid, {since} AS since, {until} AS until, {st} AS st{more} "
                f"FROM ({rows}) e{join}{joins}{condition}"
            )
        return " UNION ALL ".join(parts)

    def events(self, source: Source, least: int = 1) -> str:
        """The rows of a source, one for each day or stretch of days: ``pid, low, high, st``."""
        return (
            f"SELECT pid, low, high, MAX(st) AS st FROM ev WHERE sid = {self.source(source)} "
            f"AND st >= {least} GROUP BY pid, low, high"
        )

    def by_value(self, every: Length | ByValue) -> None:
        """Note the calendars that an interval may need."""
        if isinstance(every, ByValue):
            self.months |= set(range(every.least, every.most + 1))
        elif every.months:
            self.months.add(every.months)


def rests_on(fact: Fact) -> tuple[Source, ...] | None:
    """Sources without a row of any of which a patient never has the fact, nor may have it.

    A hospital plan of a drug set counts as a row of it. None: no source is needed.
    """
    match fact:
        case facts.Issued() | facts.Ever() | facts.Happened() | facts.Counted() | facts.Latest():
            return facts.sources_of(fact)
        case facts.Repeated() | facts.Change() | facts.Quantity() | facts.Ingredients():
            return facts.sources_of(fact)
        case facts.IssuedTogether(drugs):
            return (Drugs(drugs),)
        case facts.LaterThan(codes):
            return (Codes(codes),)
        case facts.NotFollowed(one):
            return (one,)
        case facts.Lasting(of) | facts.Lingering(of) | facts.Began(of):
            return rests_on(of)
        case facts.Due(taking=taking):
            return rests_on(taking)
        case _:
            return None


def results_of(fact: Fact) -> tuple[str, ...]:
    """The code sets whose results a fact looks at, and not only their days."""
    match fact:
        case facts.Latest(codes) | facts.Repeated(codes) | facts.Change(codes):
            return (codes,)
        case facts.Due():
            every = (fact.every, *(s.every for s in fact.sooner))
            return tuple(one.codes for one in every if isinstance(one, ByValue))
        case _:
            return ()


# Words of the common subset ----------------------------------------------------------------


def values(rows: Iterable[tuple[int, ...]], columns: tuple[str, ...]) -> str:
    """A small table written out, in words both engines know."""
    listed = ", ".join(f"({', '.join(map(str, row))})" for row in rows)
    return f"SELECT * FROM (VALUES {listed}) AS v({', '.join(columns)})"


def over(function: str, column: str, parts: str = "pid") -> str:
    """A running sum or greatest by day, under the column's own name."""
    return f"{function}({column}) OVER (PARTITION BY {parts} ORDER BY day {RUNNING}) AS {column}"


def raw(select: str, until: str = "until") -> str:
    """Intervals that are still to be made one, without empty ones: *until* may say another end."""
    return f"SELECT fid, pid, since, {until} AS until, st FROM ({select}) a WHERE since < until"


def coalesced(raw: str) -> str:
    """Intervals of one fact, patient and state that overlap or touch, made one, in one ordered pass.

    What is said twice is taken once first: the two windows may put equal rows in different orders, and
    would then make two islands of them.
    """
    parts = "PARTITION BY fid, pid, st ORDER BY since, until"
    return (
        "SELECT fid, pid, MIN(since) AS since, MAX(until) AS until, st FROM ("
        f"SELECT fid, pid, since, until, st, SUM(fresh) OVER ({parts} {RUNNING}) AS island FROM ("
        "SELECT fid, pid, since, until, st, CASE WHEN since <= MAX(until) "
        f"OVER ({parts} {PRIOR}) THEN 0 ELSE 1 END AS fresh FROM ("
        f"SELECT DISTINCT fid, pid, since, until, st FROM ({raw}) a "
        "WHERE since < until) b) c) d "
        "GROUP BY fid, pid, st, island"
    )


def edges(intervals: str, columns: dict[str, str]) -> str:
    """The two ends of intervals as days on which counts go up and down again."""
    counted = ", ".join(f"({text}) * k.d AS {name}" for name, text in columns.items())
    return (
        f"SELECT x.pid, CASE WHEN k.d = 1 THEN x.since ELSE x.until END AS day, {counted} "
        f"FROM ({intervals}) x CROSS JOIN ({values([(1,), (-1,)], ('d',))}) k "
        "WHERE x.since < x.until"
    )


def thresholds(fid: int, steps: str, names: Iterable[str], sure: str, perhaps: str) -> str:
    """Running totals of *steps* (pid, day, names) as intervals: true while *sure*, or unknown."""
    names = tuple(names)
    sums = ", ".join(f"SUM({n}) AS {n}" for n in names)
    running = ", ".join(over("SUM", n) for n in names)
    return (
        f"SELECT {fid} AS fid, pid, day AS since, next AS until, "
        f"CASE WHEN {sure} THEN 2 ELSE 1 END AS st FROM (SELECT pid, day, "
        f"LEAD(day, 1, {FOREVER}) OVER (PARTITION BY pid ORDER BY day) AS next, {running} "
        f"FROM (SELECT pid, day, {sums} FROM ({steps}) s GROUP BY pid, day) g) h "
        f"WHERE ({sure}) OR ({perhaps})"
    )

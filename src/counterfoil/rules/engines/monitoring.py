"""Monitoring as SQL: base day, modifiers and the day due run along the edges of treatment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from counterfoil.foundation.days import FOREVER
from counterfoil.rules.engines.program import NOTHING, SUPPORT, Asked, over, values
from counterfoil.rules.facts import ByValue, Due, Length
from counterfoil.rules.history import BEFORE

SHIFT, FACTOR = 200_000, 1_000
"""A day and a number of months in one number, greatest for the latest day: both are whole."""


def statements(asked: Asked, due: Iterable[Due]) -> list[tuple[str, int]]:
    """Monitoring facts that differ in their tests alone share a statement; each with the number of
    the treatment without which it finds nothing."""
    shapes: dict[tuple[object, ...], list[Due]] = defaultdict(list)
    for fact in due:
        shape = (fact.taking, fact.every, fact.sooner, fact.dose_changes, fact.grace, fact.anchors)
        shapes[shape].append(fact)
    made = [_Shape(asked, alike) for alike in shapes.values()]
    return [(shape.statement(), shape.taking) for shape in made]


class _Shape:
    """Monitoring facts of one shape: the same treatment, intervals and anchors, several tests."""

    def __init__(self, asked: Asked, alike: list[Due]) -> None:
        self.asked, self.alike, self.one = asked, alike, alike[0]
        self.taking = asked.facts[self.one.taking]
        self.names = [f"m{i}" for i in range(len(self.one.sooner))]
        self.whens = [asked.facts[s.when] for s in self.one.sooner]
        intervals = [self.one.every, *(s.every for s in self.one.sooner)]
        self.by_value = list(dict.fromkeys(i for i in intervals if isinstance(i, ByValue)))
        for interval in intervals:
            asked.by_value(interval)
        self.greatest = ["lo", "hi", *(f"{m}{x}" for m in self.names for x in ("st", "su"))]
        self.greatest += [f"v{i}{x}" for i in range(len(self.by_value)) for x in ("lo", "hi")]
        self.counted = ["cov", "xt", "xu", *(f"{m}{x}" for m in self.names for x in ("t", "u"))]

    def statement(self) -> str:
        """Rows (fid, pid, since, until, st): overdue, or it cannot be told."""
        one = self.one
        totals = [f"MAX({c}) AS {c}" for c in self.greatest]
        totals += [f"SUM({c}) AS {c}" for c in self.counted]
        running = [over("MAX", c, "fid, pid") for c in self.greatest]
        running += [over("SUM", c, "fid, pid") for c in self.counted]
        steps = (
            f"SELECT fid, pid, day, LEAD(day, 1, {FOREVER}) OVER (PARTITION BY fid, pid "
            f"ORDER BY day) AS next, {', '.join(running)} FROM ("
            f"SELECT fid, pid, day, {', '.join(totals)} FROM ({self._edges()}) e "
            "GROUP BY fid, pid, day) t"
        )
        low, high = self._day_due("lo", "u", "su"), self._day_due("hi", "t", "st")
        dated = (
            f"SELECT s.*, {low[0]} AS due_lo, {high[0]} AS due_hi FROM ({steps}) s{low[1]}{high[1]}"
        )
        return (
            "SELECT d.fid, d.pid, GREATEST(d.day, CASE WHEN k.st = 2 THEN d.due_hi ELSE d.due_lo "
            f"END + {one.grace}) AS since, d.next AS until, k.st FROM ({dated}) d "
            f"JOIN ({values([(1,), (2,)], ('st',))}) k ON "
            f"(k.st = 2 AND d.xt > 0 AND d.cov = 0 AND d.due_hi + {one.grace} < d.next) OR "
            f"(k.st = 1 AND d.xt + d.xu > 0 AND d.due_lo + {one.grace} < d.next "
            "AND NOT (d.xt > 0 AND d.cov = 0 AND d.due_lo = d.due_hi))"
        )

    def _row(self, source: str, day: str, **given: str) -> str:
        """A day on which something changes: greatest days so far, and counts that go up or down."""
        nothing = dict.fromkeys(self.greatest, str(NOTHING)) | dict.fromkeys(self.counted, "0")
        cells = ", ".join(f"{given.get(c, default)} AS {c}" for c, default in nothing.items())
        return f"SELECT q.fid AS fid, f.pid AS pid, {day} AS day, {cells} {source}"

    def _edges(self) -> str:
        """Every day on which something about a test changes."""
        asked, one, taking = self.asked, self.one, self.taking
        tests = values([(asked.facts[f], asked.codes(f.tests)) for f in self.alike], ("fid", "sid"))
        mine = f"f.pid IN (SELECT pid FROM fact WHERE fid = {taking})"
        parts = self._of_facts(tests, mine)
        tested = f"FROM ev f JOIN ({tests}) q ON q.sid = f.sid WHERE {mine}"
        parts += self._happened(tested)
        for source in one.anchors:
            anchored = (
                f"FROM ev f CROSS JOIN ({tests}) q WHERE f.sid = {asked.source(source)} AND {mine}"
            )
            parts += self._happened(anchored)
        if one.dose_changes:
            changed = (
                f"FROM chg f CROSS JOIN ({tests}) q "
                f"WHERE f.sid = {asked.drugs(one.taking.drugs)} AND {mine}"
            )
            parts.append(self._row(changed, "f.day", lo="f.day", hi="f.day"))
        for i, every in enumerate(self.by_value):
            results = f"FROM ({self._months(every)}) f CROSS JOIN ({tests}) q WHERE {mine}"
            parts.append(self._row(results, "f.day", **{f"v{i}lo": "f.lo", f"v{i}hi": "f.hi"}))
        return " UNION ALL ".join(parts)

    def _happened(self, source: str) -> list[str]:
        """Rows that move the base day; between the ends of an imprecise date nothing is sure."""
        sure = f"CASE WHEN f.st = 2 THEN f.low ELSE {NOTHING} END"
        spread = "CASE WHEN f.low < f.high THEN 1 ELSE 0 END"
        return [
            self._row(source, "f.low", lo=sure, hi="f.low", cov=spread),
            self._row(f"{source} AND f.low < f.high", "f.high", hi="f.high"),
            self._row(f"{source} AND f.low < f.high", "f.high + 1", cov="-1"),
        ]

    def _of_facts(self, tests: str, mine: str) -> list[str]:
        """Where treatment and what makes the test due sooner begin and end."""
        taking, pairs = self.taking, list(zip(self.names, self.whens, strict=True))

        def when(fid: int, st: int, then: str, other: str) -> str:
            return f"CASE WHEN f.fid = {fid} AND f.st = {st} THEN {then} ELSE {other} END"

        def counts(sign: str) -> dict[str, str]:
            given = {"xt": when(taking, 2, sign, "0"), "xu": when(taking, 1, sign, "0")}
            for m, fid in pairs:
                given |= {f"{m}t": when(fid, 2, sign, "0"), f"{m}u": when(fid, SUPPORT, sign, "0")}
            return given

        assert self.one.taking.window.back is not None
        last, join = self.asked.last("p.since", self.one.taking.window.back, "w")
        start = when(
            taking,
            SUPPORT,
            f"CASE WHEN p.since > {BEFORE} AND f.since >= p.since "
            f"AND f.since <= {last} THEN {BEFORE} ELSE f.since END",
            str(NOTHING),
        )
        begins = counts("1") | {"lo": start, "hi": when(taking, SUPPORT, "f.since", str(NOTHING))}
        for m, fid in pairs:
            begins |= {
                f"{m}st": when(fid, 2, "f.since", str(NOTHING)),
                f"{m}su": when(fid, SUPPORT, "f.since", str(NOTHING)),
            }
        listed = ", ".join(str(fid) for fid in sorted({taking, *self.whens}))
        source = (
            f"FROM fact f CROSS JOIN ({tests}) q JOIN person p ON p.pid = f.pid{join} "
            f"WHERE f.fid IN ({listed}) AND {mine}"
        )
        return [
            self._row(source, "f.since", **begins),
            self._row(source, "f.until", **counts("-1")),
        ]

    def _months(self, every: ByValue) -> str:
        """Per patient and day with results: the day and the months they give, in one number."""
        usable = f"val IS NOT NULL AND cmp = 0 AND uid = {self.asked.unit(every.unit)}"
        steps = " + ".join(
            f"CASE WHEN val >= {months * every.divisor} THEN 1 ELSE 0 END"
            for months in range(every.least + 1, every.most + 1)
        )
        day = f"(low + {SHIFT}) * {FACTOR}"
        known = f"MIN(CASE WHEN {usable} THEN {every.least} + {steps} END)"
        bad = f"MAX(CASE WHEN {usable} THEN 0 ELSE 1 END)"
        return (
            f"SELECT pid, low AS day, {day} + CASE WHEN {bad} = 1 THEN {every.least} "
            f"ELSE {known} END AS lo, {day} + COALESCE({known}, {every.most}) AS hi FROM ent "
            f"WHERE sid = {self.asked.codes(every.codes)} AND low = high AND res = 1 "
            "GROUP BY pid, low"
        )

    def _after(self, base: str, every: Length | ByValue, side: str, alias: str) -> tuple[str, str]:
        """The day due an interval after *base*, and the join it needs."""
        if isinstance(every, Length):
            return self.asked.last(base, every, alias)
        column = f"s.v{self.by_value.index(every)}{side}"
        without = every.least if side == "lo" else every.most
        months = f"CASE WHEN {column} > 0 THEN MOD({column}, {FACTOR}) ELSE {without} END"
        join = f" LEFT JOIN cal {alias} ON {alias}.n = {months} AND {alias}.day = {base}"
        return f"COALESCE({alias}.last, {BEFORE})", join

    def _day_due(self, side: str, active: str, start: str) -> tuple[str, str]:
        """The earliest (or latest) day the test may be due, and the joins it needs."""
        day, joins = self._after(f"s.{side}", self.one.every, side, f"{side}b")
        options = [day]
        for i, (m, sooner) in enumerate(zip(self.names, self.one.sooner, strict=True)):
            base = f"s.{side}"
            if sooner.bites == "from_start":
                base = f"GREATEST(s.{side}, s.{m}{start})"
            day, join = self._after(base, sooner.every, side, f"{side}{i}")
            options.append(f"CASE WHEN s.{m}{active} > 0 THEN {day} ELSE {FOREVER} END")
            joins += join
        return (options[0] if len(options) == 1 else f"LEAST({', '.join(options)})"), joins

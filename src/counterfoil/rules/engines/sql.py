"""Rules as SQL over intervals of index days, in the subset that DuckDB and Spark share.

All facts stand in one table ``fact(fid, pid, since, until, st)``: for that patient fact *fid* is true
(``st`` 2) or unknown (1) on the index days from *since* up to, not including, *until*; elsewhere it
is false. Facts of one kind are made by one statement, whatever their number. A rule is one sweep over
the edges of its facts. There is no date function, no clock, no fraction and no text ordering here:
days are whole numbers and calendars are tables.

The prepared tables (see :mod:`counterfoil.rules.engines.duckdb`), whole numbers throughout:

- ``person(pid, since, until)``: registered and alive;
- ``age(years, pid, low, high)``: the first and last day the patient may turn *years*;
- ``iss(sid, pid, day, st)``, ``hosp(sid, pid, since, until)``, ``chg(sid, pid, day)``: issues,
  hospital plans and dose changes of products in drug set *sid*;
- ``ent(sid, pid, low, high, val, cmp, uid, res)``: entries in code set *sid*;
- ``cal(n, day, last)``: the last index day whose window of *n* months reaches back to *day*.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from counterfoil.foundation.days import FOREVER
from counterfoil.rules import model
from counterfoil.rules.history import BEFORE
from counterfoil.rules.model import Expression, Fact, Length, Rule

COMPARATORS = {"": 0, ">": 1, ">=": 2, "<": 3, "<=": 4}
OTHER_COMPARATOR = 9
SUPPORT = 0
"""The ``st`` of extra rows, for facts that a monitoring fact rests on: true or unknown, made one."""
NOTHING = BEFORE - 1
"""Stands for "no day" where the greatest of several days is taken."""
_RUNNING = "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
_BEFORE = "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING"


@dataclass
class Program:
    """The statements of a set of rules, in order: those that add to ``fact``, then the sweeps."""

    as_of: int
    continues: bool
    drug_sets: dict[str, int] = field(default_factory=dict)
    code_sets: dict[str, int] = field(default_factory=dict)
    units: dict[str, int] = field(default_factory=dict)
    months: set[int] = field(default_factory=set)
    years: set[int] = field(default_factory=set)
    facts: dict[Fact, int] = field(default_factory=dict)
    additions: list[str] = field(default_factory=list)
    sweeps: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, rules: Sequence[Rule], as_of: int, *, continues: bool = False) -> Program:
        """The program of these rules. ``sweeps`` are in their order: rows ``(pid, since, until, v,
        r)``, the truth of ``when`` and of ``at_risk``, where either is not false."""
        program = cls(as_of, continues)
        for rule in rules:
            for clause in rule.clauses:
                program._number(clause.fact)
        program._simple_facts()
        program._monitoring()
        program.sweeps = [program._sweep(rule) for rule in rules]
        return program

    def _number(self, fact: Fact) -> int:
        if isinstance(fact, model.Due):
            self._number(fact.taking)
            for sooner in fact.sooner:
                self._number(sooner.when)
        return self.facts.setdefault(fact, len(self.facts))

    def _drugs(self, name: str) -> int:
        return self.drug_sets.setdefault(name, len(self.drug_sets))

    def _codes(self, name: str) -> int:
        return self.code_sets.setdefault(name, len(self.code_sets))

    def _last(self, day: str, length: Length, alias: str) -> tuple[str, str]:
        """An expression for the last day of the window of *day*, and the join it needs."""
        if length.days:
            return f"{day} + {length.days}", ""
        self.months.add(length.months)
        join = f" LEFT JOIN cal {alias} ON {alias}.n = {length.months} AND {alias}.day = {day}"
        return f"COALESCE({alias}.last, {BEFORE})", join

    # Facts ---------------------------------------------------------------------------------

    def _simple_facts(self) -> None:
        """One statement for all facts of a kind; pairs and results one each."""
        kinds: dict[type, dict[Fact, int]] = defaultdict(dict)
        for fact, fid in self.facts.items():
            kinds[type(fact)][fact] = fid
        if kinds[model.Issued]:
            self.additions.append(_coalesced(self._issued(kinds[model.Issued]), self._until()))
        for fact, fid in kinds[model.IssuedTogether].items():
            assert isinstance(fact, model.IssuedTogether)
            self.additions.append(_coalesced(self._together(fact, fid), self._until()))
        if kinds[model.Ever]:
            self.additions.append(_coalesced(self._ever(kinds[model.Ever])))
        if kinds[model.Age]:
            self.additions.append(_coalesced(self._age(kinds[model.Age])))
        for fact, fid in kinds[model.Latest].items():
            assert isinstance(fact, model.Latest)
            self.additions.append(_coalesced(self._latest(fact, fid)))
        for fact, fid in kinds[model.Repeated].items():
            assert isinstance(fact, model.Repeated)
            self.additions.append(_coalesced(self._repeated(fact, fid)))

    def _until(self) -> str:
        """Forecasting, a treatment that is true today goes on."""
        if not self.continues:
            return "until"
        return (
            f"CASE WHEN st = 2 AND since <= {self.as_of} AND until > {self.as_of} "
            f"THEN {FOREVER} ELSE until END"
        )

    def _issued(self, facts: dict[Fact, int]) -> str:
        rows = []
        for fact, fid in facts.items():
            assert isinstance(fact, model.Issued)
            self.months |= {fact.window.months} - {0}
            rows.append((fid, self._drugs(fact.drugs), fact.window.months, fact.window.days))
        asked = _values(rows, ("fid", "sid", "months", "days"))
        return (
            "SELECT q.fid, i.pid, i.day AS since, "
            f"CASE WHEN q.months > 0 THEN COALESCE(c.last, {BEFORE}) ELSE i.day + q.days END + 1 "
            f"AS until, i.st FROM iss i JOIN ({asked}) q ON q.sid = i.sid "
            "LEFT JOIN cal c ON c.n = q.months AND c.day = i.day UNION ALL "
            "SELECT q.fid, h.pid, h.since, h.until, 1 AS st "
            f"FROM hosp h JOIN ({asked}) q ON q.sid = h.sid"
        )

    def _together(self, fact: model.IssuedTogether, fid: int) -> str:
        last, join = self._last("p.first", fact.window, "c")
        return (
            f"SELECT {fid} AS fid, p.pid, p.second AS since, {last} + 1 AS until, p.st FROM ("
            "SELECT a.pid, LEAST(a.day, b.day) AS first, GREATEST(a.day, b.day) AS second, "
            "LEAST(a.st, b.st) AS st FROM iss a JOIN iss b ON a.pid = b.pid "
            f"WHERE a.sid = {self._drugs(fact.drugs)} AND b.sid = {self._drugs(fact.other)} "
            f"AND ABS(a.day - b.day) < {fact.apart}) p{join} WHERE p.second <= {last}"
        )

    def _ever(self, facts: dict[Fact, int]) -> str:
        asked = _values(
            [(fid, self._codes(f.codes)) for f, fid in facts.items() if isinstance(f, model.Ever)],
            ("fid", "sid"),
        )
        return (
            f"SELECT q.fid, e.pid, e.high AS since, {FOREVER} AS until, 2 AS st FROM ent e "
            f"JOIN ({asked}) q ON q.sid = e.sid UNION ALL "
            "SELECT q.fid, e.pid, e.low AS since, e.high AS until, 1 AS st FROM ent e "
            f"JOIN ({asked}) q ON q.sid = e.sid WHERE e.low < e.high"
        )

    def _age(self, facts: dict[Fact, int]) -> str:
        years = [(fid, f.at_least) for f, fid in facts.items() if isinstance(f, model.Age)]
        self.years |= {year for _, year in years}
        asked = _values(years, ("fid", "years"))
        return (
            f"SELECT q.fid, a.pid, a.high AS since, {FOREVER} AS until, 2 AS st FROM age a "
            f"JOIN ({asked}) q ON q.years = a.years UNION ALL "
            "SELECT q.fid, a.pid, a.low AS since, a.high AS until, 1 AS st FROM age a "
            f"JOIN ({asked}) q ON q.years = a.years WHERE a.low < a.high"
        )

    def _results(self, codes: str, test: model.Comparison) -> str:
        """Per patient and day with results: how true the limit is of the truest of them."""
        uid = self.units.setdefault(test.unit, len(self.units))
        value = test.value
        known = f"val IS NOT NULL AND uid = {uid}"
        reach = (
            f"CASE WHEN NOT ({known}) OR cmp = {OTHER_COMPARATOR} THEN 1 "
            f"WHEN cmp = 0 THEN CASE WHEN val >= {value} THEN 2 ELSE 0 END "
            f"WHEN cmp IN (1, 2) THEN CASE WHEN val >= {value} THEN 2 ELSE 1 END "
            f"WHEN cmp = 3 THEN CASE WHEN val <= {value} THEN 0 ELSE 1 END "
            f"ELSE CASE WHEN val < {value} THEN 0 ELSE 1 END END"
        )
        truth = reach if test.op == ">=" else f"2 - ({reach})"
        return (
            f"SELECT pid, low AS day, MAX({truth}) AS st FROM ent "
            f"WHERE sid = {self._codes(codes)} AND low = high AND res = 1 GROUP BY pid, low"
        )

    def _latest(self, fact: model.Latest, fid: int) -> str:
        following = (
            "SELECT pid, day, st, "
            f"LEAD(day, 1, {FOREVER}) OVER (PARTITION BY pid ORDER BY day) AS next "
            f"FROM ({self._results(fact.codes, fact.test)}) r"
        )
        if fact.window is None:
            return (
                f"SELECT {fid} AS fid, pid, day AS since, next AS until, st "
                f"FROM ({following}) n WHERE st > 0"
            )
        last, join = self._last("n.day", fact.window, "c")
        return (
            f"SELECT {fid} AS fid, n.pid, n.day AS since, LEAST(n.next, {last} + 1) AS until, n.st "
            f"FROM ({following}) n{join} WHERE n.st > 0"
        )

    def _repeated(self, fact: model.Repeated, fid: int) -> str:
        results = self._results(fact.codes, fact.test)
        parts = []
        for least in (2, 1):
            numbered = (
                "SELECT pid, day, ROW_NUMBER() OVER (PARTITION BY pid ORDER BY day) AS k, "
                "MIN(day) OVER (PARTITION BY pid) AS first "
                f"FROM ({results}) r WHERE st >= {least}"
            )
            parts.append(
                f"SELECT {fid} AS fid, pid, MIN(day) AS since, {FOREVER} AS until, {least} AS st "
                f"FROM ({numbered}) n WHERE k >= {fact.times} AND day - first >= {fact.apart} "
                "GROUP BY pid"
            )
        return " UNION ALL ".join(parts)

    # Monitoring ----------------------------------------------------------------------------

    def _monitoring(self) -> None:
        """Monitoring facts that differ in their tests alone share a statement."""
        shapes: dict[tuple[object, ...], list[model.Due]] = defaultdict(list)
        for fact in self.facts:
            if isinstance(fact, model.Due):
                shape = (fact.taking, fact.every, fact.sooner, fact.dose_changes, fact.grace)
                shapes[shape].append(fact)
        resting = {
            self.facts[f]
            for facts in shapes.values()
            for f in (facts[0].taking, *(s.when for s in facts[0].sooner))
        }
        if resting:
            listed = ", ".join(str(fid) for fid in sorted(resting))
            self.additions.append(
                _coalesced(
                    f"SELECT fid, pid, since, until, {SUPPORT} AS st FROM fact WHERE fid IN ({listed})"
                )
            )
        for facts in shapes.values():
            self.additions.append(_coalesced(self._due(facts)))

    def _due(self, facts: list[model.Due]) -> str:
        """Base day, modifiers and the day due run along the edges of treatment, test by test."""
        one = facts[0]
        names = [f"m{i}" for i in range(len(one.sooner))]
        greatest = ["lo", "hi", *(f"{m}{x}" for m in names for x in ("st", "su"))]
        counted = ["cov", "xt", "xu", *(f"{m}{x}" for m in names for x in ("t", "u"))]
        totals = [f"MAX({c}) AS {c}" for c in greatest] + [f"SUM({c}) AS {c}" for c in counted]
        running = [_over("MAX", c, "fid, pid") for c in greatest]
        running += [_over("SUM", c, "fid, pid") for c in counted]
        steps = (
            f"SELECT fid, pid, day, LEAD(day, 1, {FOREVER}) OVER (PARTITION BY fid, pid "
            f"ORDER BY day) AS next, {', '.join(running)} FROM ("
            f"SELECT fid, pid, day, {', '.join(totals)} FROM ("
            f"{self._edges(facts, names, greatest + counted)}) e GROUP BY fid, pid, day) t"
        )
        low, high = self._due_days(one, names)
        dated = (
            f"SELECT s.*, {low[0]} AS due_lo, {high[0]} AS due_hi FROM ({steps}) s{low[1]}{high[1]}"
        )
        return (
            "SELECT d.fid, d.pid, GREATEST(d.day, CASE WHEN k.st = 2 THEN d.due_hi ELSE d.due_lo "
            f"END + {one.grace}) AS since, d.next AS until, k.st FROM ({dated}) d "
            f"JOIN ({_values([(1,), (2,)], ('st',))}) k ON "
            f"(k.st = 2 AND d.xt > 0 AND d.cov = 0 AND d.due_hi + {one.grace} < d.next) OR "
            f"(k.st = 1 AND d.xt + d.xu > 0 AND d.due_lo + {one.grace} < d.next "
            "AND NOT (d.xt > 0 AND d.cov = 0 AND d.due_lo = d.due_hi))"
        )

    def _edges(self, facts: list[model.Due], names: list[str], columns: list[str]) -> str:
        """Every day on which something about a test changes, as rows of counts and base days."""
        one = facts[0]
        taking = self.facts[one.taking]
        modifiers = [self.facts[s.when] for s in one.sooner]
        asked = _values([(self.facts[f], self._codes(f.tests)) for f in facts], ("fid", "sid"))

        def row(source: str, day: str, **given: str) -> str:
            cells = [
                f"{given.get(c, str(NOTHING) if c[-2:] in ('lo', 'hi', 'st', 'su') else '0')} AS {c}"
                for c in columns
            ]
            return f"SELECT q.fid AS fid, f.pid AS pid, {day} AS day, {', '.join(cells)} {source}"

        def when(fid: int, st: int, then: str, other: str) -> str:
            return f"CASE WHEN f.fid = {fid} AND f.st = {st} THEN {then} ELSE {other} END"

        def counts(sign: str) -> dict[str, str]:
            given = {"xt": when(taking, 2, sign, "0"), "xu": when(taking, 1, sign, "0")}
            for m, fid in zip(names, modifiers, strict=True):
                given |= {f"{m}t": when(fid, 2, sign, "0"), f"{m}u": when(fid, SUPPORT, sign, "0")}
            return given

        last, join = self._last("p.since", one.taking.window, "w")
        start = when(
            taking,
            SUPPORT,
            f"CASE WHEN p.since > {BEFORE} AND f.since >= p.since "
            f"AND f.since <= {last} THEN {BEFORE} ELSE f.since END",
            str(NOTHING),
        )
        begins = counts("1") | {"lo": start, "hi": when(taking, SUPPORT, "f.since", str(NOTHING))}
        for m, fid in zip(names, modifiers, strict=True):
            begins |= {
                f"{m}st": when(fid, 2, "f.since", str(NOTHING)),
                f"{m}su": when(fid, SUPPORT, "f.since", str(NOTHING)),
            }
        listed = ", ".join(str(fid) for fid in sorted({taking, *modifiers}))
        mine = f"f.pid IN (SELECT pid FROM fact WHERE fid = {taking})"
        of_facts = (
            f"FROM fact f CROSS JOIN ({asked}) q JOIN person p ON p.pid = f.pid{join} "
            f"WHERE f.fid IN ({listed}) AND {mine}"
        )
        tested = f"FROM ent f JOIN ({asked}) q ON q.sid = f.sid WHERE {mine}"
        parts = [
            row(of_facts, "f.since", **begins),
            row(of_facts, "f.until", **counts("-1")),
            row(
                tested,
                "f.low",
                lo="f.low",
                hi="f.low",
                cov="CASE WHEN f.low < f.high THEN 1 ELSE 0 END",
            ),
            row(f"{tested} AND f.low < f.high", "f.high", hi="f.high"),
            row(f"{tested} AND f.low < f.high", "f.high + 1", cov="-1"),
        ]
        if one.dose_changes:
            changed = (
                f"FROM chg f CROSS JOIN ({asked}) q "
                f"WHERE f.sid = {self._drugs(one.taking.drugs)} AND {mine}"
            )
            parts.append(row(changed, "f.day", lo="f.day", hi="f.day"))
        return " UNION ALL ".join(parts)

    def _due_days(
        self, fact: model.Due, names: list[str]
    ) -> tuple[tuple[str, str], tuple[str, str]]:
        """The expressions (and joins) for the earliest and the latest day the test may be due."""
        results = []
        for side, active, start in (("lo", "u", "su"), ("hi", "t", "st")):
            day, join = self._last(f"s.{side}", fact.every, f"{side}b")
            options, joins = [day], join
            for i, (m, sooner) in enumerate(zip(names, fact.sooner, strict=True)):
                base = f"s.{side}"
                if sooner.bites == "from_start":
                    base = f"GREATEST(s.{side}, s.{m}{start})"
                day, join = self._last(base, sooner.every, f"{side}{i}")
                options.append(f"CASE WHEN s.{m}{active} > 0 THEN {day} ELSE {FOREVER} END")
                joins += join
            text = options[0] if len(options) == 1 else f"LEAST({', '.join(options)})"
            results.append((text, joins))
        return results[0], results[1]

    # Rules ---------------------------------------------------------------------------------

    def _sweep(self, rule: Rule) -> str:
        """The rule's expressions at every edge of its facts, and the changes kept as spans."""
        fids = sorted({self.facts[clause.fact] for clause in rule.clauses})
        driver = self.facts[rule.clause(rule.driver).fact]
        listed = ", ".join(str(fid) for fid in fids)
        edges = " UNION ALL ".join(
            f"SELECT pid, {day} AS day, fid, st, {sign} AS d FROM fact "
            f"WHERE fid IN ({listed}) AND st > 0 UNION ALL "
            f"SELECT pid, {day} AS day, -1 AS fid, 2 AS st, {sign} AS d FROM person"
            for day, sign in (("since", 1), ("until", -1))
        )
        states = [-1, *fids]
        sums = ", ".join(
            f"SUM(CASE WHEN fid = {fid} AND st = {st} THEN d ELSE 0 END) AS {letter}{k}"
            for k, fid in enumerate(states)
            for st, letter in ((2, "t"), (1, "u"))
        )
        runs = ", ".join(
            _over("SUM", f"{letter}{k}") for k in range(len(states)) for letter in "tu"
        )
        truths = ", ".join(
            f"CASE WHEN t{k} > 0 THEN 2 WHEN u{k} > 0 THEN 1 ELSE 0 END AS s{k}"
            for k in range(len(states))
        )
        columns = {c.name: f"s{states.index(self.facts[c.fact])}" for c in rule.clauses}
        values = (
            f"SELECT pid, day, LEAST(s0, {expression(rule.when, columns)}) AS v, "
            f"LEAST(s0, {expression(rule.at_risk, columns)}) AS r FROM (SELECT pid, day, {truths} "
            f"FROM (SELECT pid, day, {runs} FROM (SELECT pid, day, {sums} FROM ({edges}) e "
            f"WHERE pid IN (SELECT pid FROM fact WHERE fid = {driver} AND st > 0) "
            "GROUP BY pid, day) g) h) i"
        )
        lagged = (
            "SELECT pid, day, v, r, LAG(v, 1, 0) OVER (PARTITION BY pid ORDER BY day) AS pv, "
            f"LAG(r, 1, 0) OVER (PARTITION BY pid ORDER BY day) AS pr FROM ({values}) j"
        )
        return (
            "SELECT pid, since, until, v, r FROM (SELECT pid, day AS since, "
            f"LEAD(day, 1, {FOREVER}) OVER (PARTITION BY pid ORDER BY day) AS until, v, r "
            f"FROM ({lagged}) k WHERE v <> pv OR r <> pr) l WHERE v > 0 OR r > 0"
        )


def _values(rows: Iterable[tuple[int, ...]], columns: tuple[str, ...]) -> str:
    """A small table written out, in words both engines know."""
    return " UNION ALL ".join(
        "SELECT " + ", ".join(f"{value} AS {c}" for value, c in zip(row, columns, strict=True))
        for row in rows
    )


def _over(function: str, column: str, parts: str = "pid") -> str:
    return f"{function}({column}) OVER (PARTITION BY {parts} ORDER BY day {_RUNNING}) AS {column}"


def _coalesced(raw: str, until: str = "until") -> str:
    """Intervals of one fact, patient and state that overlap or touch, made one, in one ordered pass."""
    parts = "PARTITION BY fid, pid, st ORDER BY since, until"
    return (
        "SELECT fid, pid, MIN(since) AS since, MAX(until) AS until, st FROM ("
        f"SELECT fid, pid, since, until, st, SUM(fresh) OVER ({parts} {_RUNNING}) AS island FROM ("
        "SELECT fid, pid, since, until, st, CASE WHEN since <= MAX(until) "
        f"OVER ({parts} {_BEFORE}) THEN 0 ELSE 1 END AS fresh FROM ("
        f"SELECT fid, pid, since, {until} AS until, st FROM ({raw}) a WHERE since < until) b) c) d "
        "GROUP BY fid, pid, st, island"
    )


def expression(value: Expression, columns: dict[str, str]) -> str:
    """An expression as SQL over columns of truth values: least, greatest and two less."""
    match value:
        case model.Is(name):
            return columns[name]
        case model.Not(inner):
            return f"(2 - {expression(inner, columns)})"
        case model.All(parts):
            return f"LEAST({', '.join(expression(p, columns) for p in parts)})"
        case model.Some(parts):
            return f"GREATEST({', '.join(expression(p, columns) for p in parts)})"

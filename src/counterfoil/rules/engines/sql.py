"""Rules as SQL over intervals of index days, in the subset that DuckDB and Spark share.

Every fact becomes a statement whose rows are ``(pid, since, until, st)``: for that patient the
fact is true (``st`` 2) or unknown (1) on the index days from *since* up to, not including,
*until*; where rows overlap, the truer wins; elsewhere it is false. A rule is one sweep over the
edges of its facts. There is no date function, no clock, no fraction and no text ordering here:
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

from dataclasses import dataclass, field

from counterfoil.foundation.days import FOREVER
from counterfoil.rules import model
from counterfoil.rules.history import BEFORE
from counterfoil.rules.model import Expression, Fact, Length, Rule

COMPARATORS = {"": 0, ">": 1, ">=": 2, "<": 3, "<=": 4}
OTHER_COMPARATOR = 9
_RUNNING = "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
_BEFORE = "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING"


@dataclass
class Program:
    """The statements of a set of rules: each a table name and the SELECT that fills it."""

    as_of: int
    continues: bool
    drug_sets: dict[str, int] = field(default_factory=dict)
    code_sets: dict[str, int] = field(default_factory=dict)
    units: dict[str, int] = field(default_factory=dict)
    months: set[int] = field(default_factory=set)
    years: set[int] = field(default_factory=set)
    facts: dict[Fact, str] = field(default_factory=dict)
    statements: list[tuple[str, str]] = field(default_factory=list)

    def table(self, fact: Fact) -> str:
        """The table of a fact's coalesced intervals; its statement is added on first use."""
        if fact not in self.facts:
            raw = self._select(fact)
            self.facts[fact] = name = f"f{len(self.facts)}"
            self.statements.append((name, _coalesced(raw, self._until(fact))))
        return self.facts[fact]

    def rule(self, rule: Rule, name: str) -> None:
        """Adds the sweep of one rule: rows ``(pid, since, until, v, r)``, the truth of ``when``
        and of ``at_risk`` on those days, where either is not false."""
        tables = [self.table(clause.fact) for clause in rule.clauses]
        self.statements.append(
            (name, _sweep(rule, tables, self.table(rule.clause(rule.driver).fact)))
        )

    def _until(self, fact: Fact) -> str:
        """Forecasting, a treatment that is true today goes on."""
        if self.continues and isinstance(fact, model.Issued | model.IssuedTogether):
            return (
                f"CASE WHEN st = 2 AND since <= {self.as_of} AND until > {self.as_of} "
                f"THEN {FOREVER} ELSE until END"
            )
        return "until"

    def _last(self, day: str, length: Length, alias: str) -> tuple[str, str]:
        """An expression for the last day of the window of *day*, and the join it needs."""
        if length.days:
            return f"{day} + {length.days}", ""
        self.months.add(length.months)
        join = f" LEFT JOIN cal {alias} ON {alias}.n = {length.months} AND {alias}.day = {day}"
        return f"COALESCE({alias}.last, {BEFORE})", join

    def _drugs(self, name: str) -> int:
        return self.drug_sets.setdefault(name, len(self.drug_sets))

    def _codes(self, name: str) -> int:
        return self.code_sets.setdefault(name, len(self.code_sets))

    def _select(self, fact: Fact) -> str:
        match fact:
            case model.Issued(drugs, window):
                sid = self._drugs(drugs)
                last, join = self._last("i.day", window, "c")
                return (
                    f"SELECT i.pid, i.day AS since, {last} + 1 AS until, i.st "
                    f"FROM iss i{join} WHERE i.sid = {sid} UNION ALL "
                    f"SELECT pid, since, until, 1 AS st FROM hosp WHERE sid = {sid}"
                )
            case model.IssuedTogether(drugs, other, apart, window):
                last, join = self._last("p.first", window, "c")
                return (
                    f"SELECT p.pid, p.second AS since, {last} + 1 AS until, p.st FROM ("
                    "SELECT a.pid, LEAST(a.day, b.day) AS first, GREATEST(a.day, b.day) AS second, "
                    "LEAST(a.st, b.st) AS st "
                    "FROM iss a JOIN iss b ON a.pid = b.pid "
                    f"WHERE a.sid = {self._drugs(drugs)} AND b.sid = {self._drugs(other)} "
                    f"AND ABS(a.day - b.day) < {apart}) p{join} WHERE p.second <= {last}"
                )
            case model.Ever(codes):
                sid = self._codes(codes)
                return (
                    f"SELECT pid, high AS since, {FOREVER} AS until, 2 AS st FROM ent "
                    f"WHERE sid = {sid} UNION ALL "
                    f"SELECT pid, low AS since, high AS until, 1 AS st FROM ent "
                    f"WHERE sid = {sid} AND low < high"
                )
            case model.Age(years):
                self.years.add(years)
                return (
                    f"SELECT pid, high AS since, {FOREVER} AS until, 2 AS st FROM age "
                    f"WHERE years = {years} UNION ALL "
                    f"SELECT pid, low AS since, high AS until, 1 AS st FROM age "
                    f"WHERE years = {years} AND low < high"
                )
            case model.Latest():
                return self._latest(fact)
            case model.Repeated():
                return self._repeated(fact)
            case model.Due():
                return self._due(fact)

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

    def _latest(self, fact: model.Latest) -> str:
        following = (
            "SELECT pid, day, st, "
            f"LEAD(day, 1, {FOREVER}) OVER (PARTITION BY pid ORDER BY day) AS next "
            f"FROM ({self._results(fact.codes, fact.test)}) r"
        )
        if fact.window is None:
            return f"SELECT pid, day AS since, next AS until, st FROM ({following}) n WHERE st > 0"
        last, join = self._last("n.day", fact.window, "c")
        return (
            f"SELECT n.pid, n.day AS since, LEAST(n.next, {last} + 1) AS until, n.st "
            f"FROM ({following}) n{join} WHERE n.st > 0"
        )

    def _repeated(self, fact: model.Repeated) -> str:
        results = self._results(fact.codes, fact.test)
        parts = []
        for least in (2, 1):
            numbered = (
                "SELECT pid, day, ROW_NUMBER() OVER (PARTITION BY pid ORDER BY day) AS k, "
                "MIN(day) OVER (PARTITION BY pid) AS first "
                f"FROM ({results}) r WHERE st >= {least}"
            )
            parts.append(
                f"SELECT pid, MIN(day) AS since, {FOREVER} AS until, {least} AS st "
                f"FROM ({numbered}) n WHERE k >= {fact.times} AND day - first >= {fact.apart} "
                "GROUP BY pid"
            )
        return " UNION ALL ".join(parts)

    def _due(self, fact: model.Due) -> str:
        """One statement: base day, modifiers and the day due run along the edges of treatment."""
        taking = self.table(fact.taking)
        modifiers = [self.table(s.when) for s in fact.sooner]
        edges = self._edges(fact, taking, modifiers)
        names = [f"m{i}" for i in range(len(modifiers))]
        totals = [
            "MAX(lo) AS lo",
            "MAX(hi) AS hi",
            "SUM(cov) AS cov",
            "SUM(xt) AS xt",
            "SUM(xu) AS xu",
        ]
        running = [
            _over("MAX", "lo"),
            _over("MAX", "hi"),
            _over("SUM", "cov"),
            _over("SUM", "xt"),
            _over("SUM", "xu"),
        ]
        for m in names:
            totals += [
                f"SUM({m}t) AS {m}t",
                f"SUM({m}u) AS {m}u",
                f"MAX({m}st) AS {m}st",
                f"MAX({m}su) AS {m}su",
            ]
            running += [
                _over("SUM", f"{m}t"),
                _over("SUM", f"{m}u"),
                _over("MAX", f"{m}st"),
                _over("MAX", f"{m}su"),
            ]
        steps = (
            f"SELECT pid, day, LEAD(day, 1, {FOREVER}) OVER (PARTITION BY pid ORDER BY day) "
            f"AS next, {', '.join(running)} FROM (SELECT pid, day, {', '.join(totals)} "
            f"FROM ({edges}) e GROUP BY pid, day) t"
        )
        low, high = self._due_days(fact, names)
        dated = (
            f"SELECT s.*, {low[0]} AS due_lo, {high[0]} AS due_hi FROM ({steps}) s{low[1]}{high[1]}"
        )
        return (
            "SELECT d.pid, GREATEST(d.day, CASE WHEN k.st = 2 THEN d.due_hi ELSE d.due_lo END "
            f"+ {fact.grace}) AS since, d.next AS until, k.st FROM ({dated}) d "
            "JOIN (SELECT 1 AS st UNION ALL SELECT 2 AS st) k ON "
            f"(k.st = 2 AND d.xt > 0 AND d.cov = 0 AND d.due_hi + {fact.grace} < d.next) OR "
            f"(k.st = 1 AND d.xt + d.xu > 0 AND d.due_lo + {fact.grace} < d.next "
            "AND NOT (d.xt > 0 AND d.cov = 0 AND d.due_lo = d.due_hi))"
        )

    def _edges(self, fact: model.Due, taking: str, modifiers: list[str]) -> str:
        """Every day on which something about the test changes, as rows of deltas and bases."""
        sid, tests = self._drugs(fact.taking.drugs), self._codes(fact.tests)
        columns = ["lo", "hi", "cov", "xt", "xu"]
        for i in range(len(modifiers)):
            columns += [f"m{i}t", f"m{i}u", f"m{i}st", f"m{i}su"]

        def row(source: str, day: str, **given: str) -> str:
            nothing = {"lo", "hi"} | {c for c in columns if c.endswith(("st", "su"))}
            cells = [
                f"{given.get(c, f'{BEFORE - 1}' if c in nothing else '0')} AS {c}" for c in columns
            ]
            return f"SELECT pid, {day} AS day, {', '.join(cells)} FROM {source}"

        support = _coalesced(f"SELECT pid, since, until, 1 AS st FROM {taking}", "until")
        last, join = self._last("p.since", fact.taking.window, "c")
        starts = (
            f"(SELECT s.pid, s.since, CASE WHEN p.since > {BEFORE} AND s.since >= p.since "
            f"AND s.since <= {last} THEN {BEFORE} ELSE s.since END AS lo "
            f"FROM ({support}) s JOIN person p ON p.pid = s.pid{join}) q"
        )
        mine = f"pid IN (SELECT pid FROM {taking})"
        tested = f"(SELECT * FROM ent WHERE sid = {tests} AND {mine}) e"
        parts = [
            row(starts, "since", lo="lo", hi="since"),
            row(tested, "low", lo="low", hi="low"),
            row(f"{tested} WHERE low < high", "low", cov="1"),
            row(f"{tested} WHERE low < high", "high", hi="high"),
            row(f"{tested} WHERE low < high", "high + 1", cov="-1"),
            row(f"{taking} x WHERE st = 2", "since", xt="1"),
            row(f"{taking} x WHERE st = 2", "until", xt="-1"),
            row(f"{taking} x WHERE st = 1", "since", xu="1"),
            row(f"{taking} x WHERE st = 1", "until", xu="-1"),
        ]
        if fact.dose_changes:
            changed = f"(SELECT pid, day FROM chg WHERE sid = {sid} AND {mine}) g"
            parts.append(row(changed, "day", lo="day", hi="day"))
        for i, table in enumerate(modifiers):
            there = f"{table} m WHERE {mine}"
            either = _coalesced(f"SELECT pid, since, until, 1 AS st FROM {there}", "until")
            parts += [
                row(f"{there} AND st = 2", "since", **{f"m{i}t": "1", f"m{i}st": "since"}),
                row(f"{there} AND st = 2", "until", **{f"m{i}t": "-1"}),
                row(f"({either}) w", "since", **{f"m{i}u": "1", f"m{i}su": "since"}),
                row(f"({either}) w", "until", **{f"m{i}u": "-1"}),
            ]
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


def _over(function: str, column: str) -> str:
    return f"{function}({column}) OVER (PARTITION BY pid ORDER BY day {_RUNNING}) AS {column}"


def _coalesced(raw: str, until: str) -> str:
    """Intervals of one patient and state that overlap or touch, made one, in one ordered pass."""
    return (
        "SELECT pid, MIN(since) AS since, MAX(until) AS until, st FROM ("
        "SELECT pid, since, until, st, SUM(fresh) OVER (PARTITION BY pid, st "
        f"ORDER BY since, until {_RUNNING}) AS island FROM ("
        "SELECT pid, since, until, st, CASE WHEN since <= MAX(until) OVER (PARTITION BY pid, st "
        f"ORDER BY since, until {_BEFORE}) THEN 0 ELSE 1 END AS fresh FROM ("
        f"SELECT pid, since, {until} AS until, st FROM ({raw}) a WHERE since < until) b) c) d "
        "GROUP BY pid, st, island"
    )


def _sweep(rule: Rule, tables: list[str], driver: str) -> str:
    """The rule's expressions at every edge of its facts, and the changes kept as spans."""
    mine = f"pid IN (SELECT pid FROM {driver})"
    edges = []
    for k, table in enumerate(["person", *tables]):
        state = "2 AS st" if table == "person" else "st"
        for day, sign in (("since", 1), ("until", -1)):
            edges.append(
                f"SELECT pid, {day} AS day, {k} AS k, {state}, {sign} AS d "
                f"FROM {table} WHERE {mine}"
            )
    count = len(tables) + 1
    sums = ", ".join(
        f"SUM(CASE WHEN k = {k} AND st = {st} THEN d ELSE 0 END) AS {name}{k}"
        for k in range(count)
        for st, name in ((2, "t"), (1, "u"))
    )
    runs = ", ".join(_over("SUM", f"{name}{k}") for k in range(count) for name in "tu")
    states = ", ".join(
        f"CASE WHEN t{k} > 0 THEN 2 WHEN u{k} > 0 THEN 1 ELSE 0 END AS s{k}" for k in range(count)
    )
    columns = {clause.name: f"s{k}" for k, clause in enumerate(rule.clauses, 1)}
    when = f"LEAST(s0, {expression(rule.when, columns)})"
    risk = f"LEAST(s0, {expression(rule.at_risk, columns)})"
    values = (
        f"SELECT pid, day, {when} AS v, {risk} AS r FROM (SELECT pid, day, {states} FROM ("
        f"SELECT pid, day, {runs} FROM (SELECT pid, day, {sums} FROM ("
        f"{' UNION ALL '.join(edges)}) e GROUP BY pid, day) g) h) i"
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

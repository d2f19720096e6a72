"""Rules as SQL over intervals of index days, in the subset that DuckDB and Spark share.

All facts stand in one table ``fact(fid, pid, since, until, st)``: for that patient fact *fid* is true
(``st`` 2) or unknown (1) on the index days from *since* up to, not including, *until*; elsewhere it
is false. Rules are swept over the edges of their facts (:mod:`counterfoil.rules.engines.sweep`).

The prepared tables (see :mod:`counterfoil.rules.engines.prepare`), whole numbers throughout:

- ``person(pid, since, until)``: registered and alive; ``age(years, pid, low, high)``: the first and
  last day the patient may turn *years*;
- ``ev(sid, pid, low, high, st)``: what happened, by source *sid*; ``ent(sid, pid, low, high, val,
  cmp, uid, res)``: entries with their results; ``hosp(sid, pid, since, until)``: hospital plans;
  ``chg(sid, pid, day)``: dose changes; ``qty(qid, pid, day, amt, unk)``: quantities;
  ``ing(sid, gid, pid, day, st)``: issues by ingredient;
- ``per(fid, pid, since, until, st)``: facts that stand in the record as periods;
  ``dose(fid, pid, since, until, lo, hi, unk, st)``: plans with an amount a day;
- ``cal(n, day, last)``: calendars; ``gate(fid, pid)``: facts that cannot be trusted there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence, Set
from dataclasses import dataclass, field

from counterfoil.foundation.days import FOREVER
from counterfoil.rules import facts
from counterfoil.rules.engines import monitoring, results, sweep, windowed
from counterfoil.rules.engines.program import (
    RUNNING,
    SUPPORT,
    Asked,
    coalesced,
    edges,
    over,
    raw,
    rests_on,
    thresholds,
    values,
)
from counterfoil.rules.facts import Fact
from counterfoil.rules.history import BEFORE
from counterfoil.rules.model import Rule

PERIODS = (
    facts.ActiveProblem,
    facts.DoseText,
    facts.PlanFor,
    facts.Supplied,
    facts.Allergy,
    facts.Sex,
)
"""Facts that stand in the record as periods: prepared, not worked out here."""


@dataclass
class Program(Asked):
    """The statements of a set of rules, in order: those that add to ``fact``, then the sweeps.

    ``raw`` are what is added, still to be made one. ``stages`` are places among them: what stands
    between two of them reads only facts that stand before both. So many first ones are ``plain``: a
    row in a window, or an age, which an engine may look up in another way. ``rests``: by the place
    of a statement, the facts of which somebody must have one for it to find anything.
    ``needs``: of a source named there, only the rows of patients who have a row of one of the other
    sources matter; of every other source, all do.
    """

    years: set[int] = field(default_factory=set)
    raw: list[str] = field(default_factory=list)
    plain: int = 0
    rests: dict[int, set[int]] = field(default_factory=dict)
    stages: list[int] = field(default_factory=list)
    needs: dict[int, frozenset[int]] = field(default_factory=dict)
    swept: list[sweep.Swept] = field(default_factory=list)

    @classmethod
    def of(
        cls, rules: Sequence[Rule], as_of: int, *, continues: bool = False, gates: bool = False
    ) -> Program:
        """The program of these rules."""
        program = cls(as_of, continues)
        for rule in rules:
            for clause in rule.clauses:
                program.number(clause.fact)
        program._simple_facts()
        program.stages.append(len(program.raw))
        program._facts_on_facts()
        numbers = {clause.fact: program.facts[clause.fact] for r in rules for clause in r.clauses}
        program.needs = program._needs(rules)
        program.swept = sweep.of(rules, numbers, gates=gates)
        return program

    @property
    def additions(self) -> list[str]:
        """What is added to ``fact``, made one."""
        return [coalesced(text) for text in self.raw]

    @property
    def sweeps(self) -> list[str]:
        """Statements that give rows ``(n, pid, since, until, v, r)``: the rule's place, the truth of
        its ``when`` and of its ``at_risk``, where either is not false."""
        return sweep.statements(self.swept)

    def asked(self) -> str:
        """What has to be prepared for it: the same text, the same preparation."""
        needs = {sid: sorted(others) for sid, others in sorted(self.needs.items())}
        return str(
            (self.sources, self.units, self.quantities, self.months, self.years, self.facts, needs)
        )

    def _needs(self, rules: Sequence[Rule]) -> dict[int, frozenset[int]]:
        """Without a driver a rule cannot hold: its other sources are read for who can have one."""
        found: dict[int, set[int]] = defaultdict(set)
        everybody: set[int] = set()
        for rule in rules:
            drivers = [rests_on(rule.clause(name).fact) for name in rule.drivers]
            wanted = {self.source(one) for driver in drivers for one in driver or ()}
            for clause in rule.clauses:
                for part in facts.parts(clause.fact):
                    for source in facts.sources_of(part):
                        found[self.source(source)] |= wanted
                        if None in drivers:
                            everybody.add(self.source(source))
        return {
            sid: frozenset(others)
            for sid, others in found.items()
            if sid not in everybody and sid not in others
        }

    # Facts ---------------------------------------------------------------------------------

    def _simple_facts(self) -> None:
        """One statement for all facts of a frequent kind; the others one each."""
        kinds: dict[type, dict[Fact, int]] = defaultdict(dict)
        for fact, fid in self.facts.items():
            kinds[Windowed if windowed.asked_of(fact) else type(fact)][fact] = fid
        if kinds[facts.Issued]:
            self.raw.append(raw(self._issued(kinds[facts.Issued]), self._until()))
        if kinds[facts.Ever]:
            self.raw.append(raw(self._ever(kinds[facts.Ever])))
        if found := kinds[Windowed]:
            lasts = [fid for fact, fid in found.items() if isinstance(fact, facts.TREATMENT)]
            text = windowed.statement(self, found)
            self.raw.append(raw(text, self._until(lasts)))
        if kinds[facts.Age]:
            self.raw.append(raw(self._age(kinds[facts.Age])))
        self.plain = len(self.raw)
        if any(kinds[kind] for kind in PERIODS):
            until = self._until(list(kinds[facts.Supplied].values()))
            self.raw.append(raw("SELECT fid, pid, since, until, st FROM per", until))
        for fact, fid in self.facts.items():
            if text := self._alone(fact, fid):
                only: list[int] | None = None if isinstance(fact, facts.TREATMENT) else []
                self.raw.append(raw(text, self._until(only)))

    def _until(self, only: Sequence[int] | None = None) -> str:
        """Asked ahead, a treatment that is true today goes on: all of a statement, or *only* some."""
        if not self.continues or only == []:
            return "until"
        listed = "" if only is None else f"fid IN ({', '.join(map(str, only))}) AND "
        return (
            f"CASE WHEN {listed}st = 2 AND since <= {self.as_of} AND until > {self.as_of} "
            f"THEN {FOREVER} ELSE until END"
        )

    def going_on(self) -> tuple[set[int], Program]:
        """From the facts as they are to those asked ahead: the numbers of the facts that differ,
        whose rows go, and the program that adds them anew; what is made one for others to rest on
        (``SUPPORT``) goes too. The statements of its first stage read the rows before they go."""
        moved: dict[Fact, int] = {}
        for fact, fid in self.facts.items():
            if isinstance(fact, facts.TREATMENT) or any(f in moved for f in facts.below(fact)):
                moved[fact] = fid
        ahead = Program(self.as_of, True, facts=self.facts, sources=self.sources, units=self.units)
        treated = [fid for fact, fid in moved.items() if isinstance(fact, facts.TREATMENT)]
        if not treated:
            return set(), ahead
        listed = ", ".join(map(str, treated))
        rows = f"SELECT fid, pid, since, until, st FROM fact WHERE st > 0 AND fid IN ({listed})"
        ahead.raw.append(raw(rows, ahead._until()))
        ahead.stages.append(1)
        ahead._facts_on_facts({f for f in moved if not isinstance(f, facts.TREATMENT)})
        return set(moved.values()), ahead

    def _issued(self, asked: dict[Fact, int]) -> str:
        rows = []
        for fact, fid in asked.items():
            assert isinstance(fact, facts.Issued)
            assert fact.window.back is not None
            back = fact.window.back
            self.months |= {back.months} - {0}
            self.longest = max(self.longest, back.days)
            rows.append((fid, self.drugs(fact.drugs), back.months, back.days))
        table = values(rows, ("fid", "sid", "months", "days"))
        return (
            "SELECT q.fid, i.pid, i.low AS since, "
            f"CASE WHEN q.months > 0 THEN COALESCE(c.last, {BEFORE}) ELSE i.low + q.days END + 1 "
            f"AS until, i.st FROM ev i JOIN ({table}) q ON q.sid = i.sid "
            "LEFT JOIN cal c ON c.n = q.months AND c.day = i.low UNION ALL "
            "SELECT q.fid, h.pid, h.since, h.until, 1 AS st "
            f"FROM hosp h JOIN ({table}) q ON q.sid = h.sid"
        )

    def _ever(self, asked: dict[Fact, int]) -> str:
        table = values(
            [(fid, self.codes(f.codes)) for f, fid in asked.items() if isinstance(f, facts.Ever)],
            ("fid", "sid"),
        )
        return (
            f"SELECT q.fid, e.pid, e.high AS since, {FOREVER} AS until, 2 AS st FROM ev e "
            f"JOIN ({table}) q ON q.sid = e.sid UNION ALL "
            "SELECT q.fid, e.pid, e.low AS since, e.high AS until, 1 AS st FROM ev e "
            f"JOIN ({table}) q ON q.sid = e.sid WHERE e.low < e.high"
        )

    def _age(self, asked: dict[Fact, int]) -> str:
        years = [(fid, f.at_least) for f, fid in asked.items() if isinstance(f, facts.Age)]
        self.years |= {year for _, year in years}
        table = values(years, ("fid", "years"))
        return (
            f"SELECT q.fid, a.pid, a.high AS since, {FOREVER} AS until, 2 AS st FROM age a "
            f"JOIN ({table}) q ON q.years = a.years UNION ALL "
            "SELECT q.fid, a.pid, a.low AS since, a.high AS until, 1 AS st FROM age a "
            f"JOIN ({table}) q ON q.years = a.years WHERE a.low < a.high"
        )

    def _alone(self, fact: Fact, fid: int) -> str:
        """The statement of a fact that has one to itself."""
        match fact:
            case facts.IssuedTogether():
                return self._together(fact, fid)
            case facts.LaterThan():
                return self._later(fact, fid)
            case facts.NotFollowed():
                return self._not_followed(fact, fid)
            case facts.Counted(source, times, window):
                return self._counted(fid, self.events(source), times, window)
            case facts.Quantity():
                return self._quantity(fact, fid)
            case facts.Ingredients():
                return self._ingredients(fact, fid)
            case facts.Latest():
                return results.latest(self, fact, fid)
            case facts.Repeated():
                return results.repeated(self, fact, fid)
            case facts.Change():
                return results.change(self, fact, fid)
            case facts.DailyDose():
                return self._daily(fact, fid)
            case facts.Registered(least):
                since, join = self.first("p.since", least, "c")
                return (
                    f"SELECT {fid} AS fid, p.pid, {since} AS since, p.until, 2 AS st FROM person p"
                    f"{join} WHERE p.since > {BEFORE} UNION ALL SELECT {fid} AS fid, pid, "
                    f"{BEFORE} AS since, {FOREVER} AS until, 1 AS st FROM person "
                    f"WHERE since = {BEFORE}"
                )
            case _:
                return ""

    def _together(self, fact: facts.IssuedTogether, fid: int) -> str:
        """A sorted merge: each issue with the latest of the other set on or before it."""
        one, other = self.drugs(fact.drugs), self.drugs(fact.other)
        last, join = self.last("p.first", fact.back, "c")
        # By state: issues that are sure (2), and those that may be (1).
        states = [
            (f"{name}{least}", f"sid = {sid} AND st >= {least}")
            for least in (2, 1)
            for name, sid in (("a", one), ("b", other))
        ]
        days = ", ".join(f"MAX(CASE WHEN {s} THEN low ELSE {BEFORE} END) AS {n}" for n, s in states)
        running = ", ".join(
            f"{n}, MAX({n}) OVER (PARTITION BY pid ORDER BY day {RUNNING}) AS l{n}"
            for n, _ in states
        )
        first = {
            st: f"GREATEST(CASE WHEN a{st} = day THEN lb{st} ELSE {BEFORE} END, "
            f"CASE WHEN b{st} = day THEN la{st} ELSE {BEFORE} END)"
            for st in (2, 1)
        }
        pairs = (
            f"SELECT pid, day AS second, k.st, CASE k.st WHEN 2 THEN {first[2]} ELSE {first[1]} END "
            f"AS first FROM (SELECT pid, day, {running} FROM (SELECT pid, low AS day, {days} FROM ev "
            f"WHERE sid IN ({one}, {other}) AND pid IN (SELECT pid FROM ev WHERE sid = {other}) "
            "GROUP BY pid, low) d) r "
            f"CROSS JOIN ({values([(2,), (1,)], ('st',))}) k"
        )
        return (
            f"SELECT {fid} AS fid, p.pid, p.second AS since, {last} + 1 AS until, p.st AS st "
            f"FROM ({pairs}) p{join} WHERE p.second - p.first < {fact.apart}"
        )

    def _later(self, fact: facts.LaterThan, fid: int) -> str:
        names = ("alo", "ahi", "blo", "bhi")
        parts = []
        for codes, lo, hi in ((fact.codes, "alo", "ahi"), (fact.other, "blo", "bhi")):
            for day, column, value in (("low", hi, "high"), ("high", lo, "low")):
                since, join = self.first(f"e.{day}", fact.ago, "c")
                cells = ", ".join(
                    f"{f'e.{value}' if n == column else BEFORE} AS {n}" for n in names
                )
                parts.append(
                    f"SELECT e.pid, {since} AS day, {cells} "
                    f"FROM ({self.events(facts.Codes(codes))}) e{join}"
                )
        greatest = ", ".join(f"MAX({n}) AS {n}" for n in names)
        running = ", ".join(over("MAX", n) for n in names)
        return (
            f"SELECT {fid} AS fid, pid, day AS since, next AS until, "
            f"CASE WHEN alo > bhi THEN 2 ELSE 1 END AS st FROM (SELECT pid, day, "
            f"LEAD(day, 1, {FOREVER}) OVER (PARTITION BY pid ORDER BY day) AS next, {running} "
            f"FROM (SELECT pid, day, {greatest} FROM ({' UNION ALL '.join(parts)}) u "
            f"GROUP BY pid, day) g) h WHERE alo > bhi OR (ahi > {BEFORE} AND blo <= ahi)"
        )

    def _not_followed(self, fact: facts.NotFollowed, fid: int) -> str:
        one, then = self.events(fact.one), self.events(fact.then)
        parts = []
        for st in (2, 1):
            met = "b.low" if st == 2 else "b.high"
            reach = "b.high" if st == 2 else "b.low"
            sure = "" if st == 2 else " AND b.st = 2"
            end, join = (str(FOREVER), "")
            if fact.back is not None:
                end, join = self.last("n.high", fact.back, "c")
                end = f"{end} + 1"
            where = " WHERE a.st = 2 AND a.low = a.high" if st == 2 else ""
            parts.append(
                f"SELECT {fid} AS fid, n.pid, n.low + {fact.within + 1} AS since, "
                f"LEAST(n.met, {end}) AS until, {st} AS st FROM (SELECT a.pid, a.low, a.high, "
                f"COALESCE(MIN({met}), {FOREVER}) AS met FROM ({one}) a LEFT JOIN ({then}) b "
                f"ON b.pid = a.pid AND {reach} >= a.high + {fact.after}{sure}{where} "
                f"GROUP BY a.pid, a.low, a.high) n{join}"
            )
        return " UNION ALL ".join(parts)

    def _counted(self, fid: int, rows: str, times: int, window: facts.Window) -> str:
        """While so many rows lie in the window: the sure ones, and those that may."""
        steps = edges(
            self.seen(window, rows),
            {
                "a": "CASE WHEN x.st = 2 THEN 1 ELSE 0 END",
                "b": "CASE WHEN x.st = 1 THEN 1 ELSE 0 END",
            },
        )
        return thresholds(fid, steps, ("a", "b"), f"a >= {times}", f"b >= {times}")

    def _quantity(self, fact: facts.Quantity, fid: int) -> str:
        qid = self.quantities.setdefault((self.drugs(fact.drugs), fact.unit), len(self.quantities))
        rows = f"SELECT pid, day AS low, day AS high, 2 AS st, amt, unk FROM qty WHERE qid = {qid}"
        seen = self.seen(fact.window, rows, "e.amt, e.unk")
        steps = edges(f"SELECT * FROM ({seen}) z WHERE st = 2", {"amt": "x.amt", "unk": "x.unk"})
        return thresholds(fid, steps, ("amt", "unk"), f"amt >= {fact.value}", "unk > 0")

    def _ingredients(self, fact: facts.Ingredients, fid: int) -> str:
        """Each ingredient's issues made one stretch, then the stretches counted."""
        until, join = self.last("i.day", fact.back, "c")
        sid, parts = self.drugs(fact.drugs), []
        for st, name in ((2, "a"), (1, "b")):
            issues = (
                f"SELECT i.gid AS fid, i.pid, i.day AS since, {until} + 1 AS until, {st} AS st "
                f"FROM ing i{join} WHERE i.sid = {sid} AND i.st >= {st}"
            )
            other = "b" if name == "a" else "a"
            parts.append(edges(coalesced(issues), dict(sorted({name: "1", other: "0"}.items()))))
        least = fact.at_least
        steps = " UNION ALL ".join(parts)
        return thresholds(fid, steps, ("a", "b"), f"a >= {least}", f"b >= {least}")

    def _daily(self, fact: facts.DailyDose, fid: int) -> str:
        limit = fact.test.limit
        steps = edges(
            f"SELECT * FROM dose WHERE fid = {fid}",
            {
                "lo": "x.lo",
                "hi": "x.hi",
                "unk": "x.unk",
                "a": "CASE WHEN x.st = 2 THEN 1 ELSE 0 END",
                "b": "1",
            },
        )
        sure, perhaps = f"lo >= {limit}", f"b > 0 AND (hi >= {limit} OR unk > 0)"
        if not fact.test.upward:
            sure = f"a > 0 AND unk = 0 AND hi < {limit}"
            perhaps = f"b > 0 AND lo < {limit}"
        return thresholds(fid, steps, ("lo", "hi", "unk", "a", "b"), sure, perhaps)

    # Facts on facts ------------------------------------------------------------------------

    def _facts_on_facts(self, only: Set[Fact] | None = None) -> None:
        """Rounds: whatever rests only on facts that are there already, then what rests on those.

        *only* these of them, where the others are there already.
        """
        there = {
            f for f in self.facts if not facts.below(f) or (only is not None and f not in only)
        }
        waiting = [fact for fact in self.facts if fact not in there]
        supported: set[int] = set()
        while waiting:
            ready = [f for f in waiting if all(part in there for part in facts.below(f))]
            resting = {
                self.facts[part]
                for f in ready
                if not isinstance(f, facts.Lingering | facts.Began)
                for part in facts.below(f)
            } - supported
            if resting:
                self.rests[len(self.raw)] = resting
                listed = ", ".join(map(str, sorted(resting)))
                self.raw.append(
                    raw(
                        f"SELECT fid, pid, since, until, {SUPPORT} AS st FROM fact "
                        f"WHERE fid IN ({listed}) AND st > {SUPPORT}"
                    )
                )
                supported |= resting
                self.stages.append(len(self.raw))
            due = [fact for fact in ready if isinstance(fact, facts.Due)]
            for text, taking in monitoring.statements(self, due):
                self.rests[len(self.raw)] = {taking}
                self.raw.append(raw(text))
            for fact in ready:
                if not isinstance(fact, facts.Due):
                    self.rests[len(self.raw)] = {self.facts[part] for part in facts.below(fact)}
                    self.raw.append(raw(self._on_another(fact, self.facts[fact])))
            self.stages.append(len(self.raw))
            there |= set(ready)
            waiting = [fact for fact in waiting if fact not in there]

    def _on_another(self, fact: Fact, fid: int) -> str:
        match fact:
            case facts.Lasting(of, least):
                since, join = self.first("f.since", least, "c")
                return (
                    f"SELECT {fid} AS fid, f.pid, {since} AS since, f.until, "
                    f"CASE WHEN f.st = 2 THEN 2 ELSE 1 END AS st FROM fact f{join} "
                    f"WHERE f.fid = {self.facts[of]} AND f.st IN ({SUPPORT}, 2)"
                )
            case facts.Lingering(of, within):
                until, join = self.last("f.until - 1", within, "c")
                return (
                    f"SELECT {fid} AS fid, f.pid, f.since, CASE WHEN f.until >= {FOREVER} "
                    f"THEN {FOREVER} ELSE {until} + 1 END AS until, f.st FROM fact f{join} "
                    f"WHERE f.fid = {self.facts[of]} AND f.st > {SUPPORT}"
                )
            case facts.Began(of, within):
                return self._began(fid, of, within)
        raise TypeError(f"no SQL is given to {type(fact).__name__}")

    def _began(self, fid: int, of: Fact, within: facts.Length) -> str:
        """The steps of a fact: from false to true it began; out of the unknown it may have."""
        rows = f"SELECT pid, since, until, st FROM fact WHERE fid = {self.facts[of]} AND st > 0"
        counted = edges(
            rows,
            {
                "t": "CASE WHEN x.st = 2 THEN 1 ELSE 0 END",
                "u": "CASE WHEN x.st = 1 THEN 1 ELSE 0 END",
            },
        )
        totals = (
            f"SELECT pid, day, {over('SUM', 't')}, {over('SUM', 'u')} FROM (SELECT pid, day, "
            f"SUM(t) AS t, SUM(u) AS u FROM ({counted}) e GROUP BY pid, day) g"
        )
        truths = (
            "SELECT pid, day, CASE WHEN t > 0 THEN 2 WHEN u > 0 THEN 1 ELSE 0 END AS v "
            f"FROM ({totals}) h"
        )
        lagged = (
            f"SELECT pid, day, v, LAG(v, 1, 0) OVER (PARTITION BY pid ORDER BY day) AS was "
            f"FROM ({truths}) i"
        )
        steps = (
            f"SELECT pid, day, v, was, LEAD(day, 1, {FOREVER}) OVER (PARTITION BY pid ORDER BY day) "
            f"AS next FROM ({lagged}) j WHERE v <> was"
        )
        end, join = self.last("CASE WHEN s.v = 1 THEN s.next - 1 ELSE s.day END", within, "c")
        st, joined = "CASE WHEN s.v = 2 AND s.was = 0 THEN 2 ELSE 1 END", ""
        if isinstance(of, facts.Issued) and of.window.trailing:
            assert of.window.back is not None
            last, joined = self.last("p.since", of.window.back, "w")
            joined = f" JOIN person p ON p.pid = s.pid{joined}"
            st = (
                f"CASE WHEN s.v = 2 AND s.was = 0 AND NOT (p.since > {BEFORE} AND s.day >= p.since "
                f"AND s.day <= {last}) THEN 2 ELSE 1 END"
            )
        return (
            f"SELECT {fid} AS fid, s.pid, s.day + CASE WHEN s.was = 2 THEN 1 ELSE 0 END AS since, "
            f"CASE WHEN s.v = 1 AND s.next >= {FOREVER} THEN {FOREVER} ELSE {end} + 1 END AS until, "
            f"{st} AS st FROM ({steps}) s{join}{joined} "
            f"WHERE s.v > 0 AND NOT (s.v = 2 AND s.day <= {BEFORE}) "
            "AND NOT (s.was = 2 AND s.next = s.day + 1)"
        )


class Windowed:
    """Stands for the facts that :mod:`counterfoil.rules.engines.windowed` works out together."""

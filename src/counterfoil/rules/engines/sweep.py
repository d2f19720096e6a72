"""The sweep: rules' expressions at every edge of their facts, and the changes kept as spans.

The intervals of one fact, patient and state do not overlap, so that each state of each fact is one
bit, and all states of a rule are one whole number, or a few: one running sum carries them. Many
rules share a statement, which reads the facts once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from counterfoil.foundation.days import FOREVER
from counterfoil.rules import facts, model
from counterfoil.rules.engines.program import values
from counterfoil.rules.facts import Fact
from counterfoil.rules.gates import absences
from counterfoil.rules.history import BEFORE
from counterfoil.rules.model import Expression, Rule

RULES_A_STATEMENT = 25
"""Rules swept by one statement: its rows are those of all of them, and so is its memory."""

BITS = 60
"""Bits used of a whole number of 64, whose sums must not run over."""

THERE, GATED = -1, 3
"""Stand for a fact's number and a state: registered and alive; a set that cannot be trusted."""


def statements(swept: Sequence[Swept]) -> list[str]:
    """The sweeps of these rules, in their order.

    Each gives rows ``(n, pid, since, until, v, r)``: the rule's place, and on the index days from
    *since* to *until* the truth of its ``when`` and of its ``at_risk``, where either is not false.
    """
    starts = range(0, len(swept), RULES_A_STATEMENT)
    return [_statement(swept[start : start + RULES_A_STATEMENT]) for start in starts]


def of(rules: Sequence[Rule], numbers: Mapping[Fact, int], *, gates: bool = False) -> list[Swept]:
    """The rules in order, ready to be swept, given the numbers of their facts."""
    return [Swept(n, rule, numbers, gates) for n, rule in enumerate(rules)]


@dataclass
class Swept:
    """One rule: which bit stands for which state of which fact.

    ``weak`` are its clauses that rest on an absence, where some sets cannot be trusted.
    """

    n: int
    rule: Rule
    numbers: Mapping[Fact, int]
    gates: bool
    bits: dict[tuple[int, int], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.bits[THERE, 2] = 0
        self.weak = absences(self.rule) if self.gates else {}
        for clause in self.rule.clauses:
            fid = self.numbers[clause.fact]
            states = (2, 1, GATED) if clause.name in self.weak else (2, 1)
            for st in states:
                self.bits.setdefault((fid, st), len(self.bits))

    @property
    def drivers(self) -> set[int]:
        """The numbers of the facts without one of which the rule cannot hold."""
        return {self.numbers[self.rule.clause(name).fact] for name in self.rule.drivers}

    def weights(self, words: int) -> Iterator[tuple[int, ...]]:
        """Rows (n, fid, st, and what each of the *words* gains while that state lasts)."""
        for (fid, st), bit in self.bits.items():
            word, place = divmod(bit, BITS)
            yield self.n, fid, st, *(1 << place if i == word else 0 for i in range(words))

    def _is(self, fid: int, st: int) -> str:
        word, place = divmod(self.bits[fid, st], BITS)
        return f"(w{word} & {1 << place}) <> 0"

    def _truth(self, name: str, weakened: bool) -> str:
        """A clause's truth; *weakened*, an absence by a set that cannot be trusted is unknown."""
        fact = self.rule.clause(name).fact
        fid = self.numbers[fact]
        true, unknown = self._is(fid, 2), self._is(fid, 1)
        if weakened and name in self.weak:
            gated = self._is(fid, GATED)
            if isinstance(fact, facts.Due):
                true, unknown = f"{true} AND NOT ({gated})", f"{true} OR {unknown}"
            else:
                unknown = f"{unknown} OR {gated}"
        return f"CASE WHEN {true} THEN 2 WHEN {unknown} THEN 1 ELSE 0 END"

    def _expression(self, value: Expression, weakened: bool = False) -> str:
        columns = {name: self._truth(name, weakened) for name in set(model.names(value))}
        return expression(value, columns)

    @property
    def when(self) -> str:
        """The truth of *when* as SQL, of a patient who is there."""
        plain = self._expression(self.rule.when)
        if not self.weak:
            return plain
        return f"LEAST({plain}, {self._expression(self.rule.when, weakened=True)})"

    @property
    def at_risk(self) -> str:
        """The truth of *at_risk* as SQL, of a patient who is there."""
        return self._expression(self.rule.at_risk)


def _statement(swept: Sequence[Swept]) -> str:
    words = max((max(rule.bits.values()) // BITS for rule in swept), default=0) + 1
    names = [f"w{i}" for i in range(words)]
    weights = values(
        (row for rule in swept for row in rule.weights(words)), ("n", "fid", "st", *names)
    )
    drivers = values(((r.n, fid) for r in swept for fid in sorted(r.drivers)), ("n", "fid"))
    turned = ", ".join(f"q.{w} * k.d AS {w}" for w in names)
    day = "CASE WHEN k.d = 1 THEN f.since ELSE f.until END AS day"
    signs = f"CROSS JOIN ({values([(1,), (-1,)], ('d',))}) k"
    asked = f"JOIN ({weights}) q ON q.n = m.n AND q.fid"
    edges = [
        f"SELECT q.n, f.pid, {day}, {turned} FROM fact f JOIN mine m ON m.pid = f.pid "
        f"{asked} = f.fid AND q.st = f.st {signs}",
        f"SELECT q.n, f.pid, {day}, {turned} FROM person f JOIN mine m ON m.pid = f.pid "
        f"{asked} = {THERE} {signs} WHERE f.since < f.until",
    ]
    if any(rule.weak for rule in swept):
        weighed = ", ".join(f"q.{w}" for w in names)
        edges.append(
            f"SELECT q.n, f.pid, {BEFORE} AS day, {weighed} FROM gate f JOIN mine m "
            f"ON m.pid = f.pid {asked} = f.fid AND q.st = {GATED}"
        )
    by = "OVER (PARTITION BY n, pid ORDER BY day"
    rows = "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
    summed = ", ".join(f"SUM({w}) AS {w}" for w in names)
    running = ", ".join(f"CAST(SUM({w}) {by} {rows} AS BIGINT) AS {w}" for w in names)
    when, at_risk = (_chosen(swept, name) for name in ("when", "at_risk"))
    return (
        f"WITH mine AS (SELECT DISTINCT d.n, f.pid FROM fact f JOIN ({drivers}) d "
        f"ON d.fid = f.fid WHERE f.st > 0) "
        "SELECT n, pid, since, until, v, r FROM (SELECT n, pid, day AS since, "
        f"LEAD(day, 1, {FOREVER}) {by}) AS until, v, r FROM ("
        f"SELECT n, pid, day, v, r, LAG(3 * v + r, 1, 0) {by}) AS was FROM ("
        f"SELECT n, pid, day, {when} AS v, {at_risk} AS r FROM ("
        f"SELECT n, pid, day, {running} FROM (SELECT n, pid, day, {summed} "
        f"FROM ({' UNION ALL '.join(edges)}) e GROUP BY n, pid, day) g) h) i) j "
        "WHERE 3 * v + r <> was) k WHERE v > 0 OR r > 0"
    )


def _chosen(swept: Sequence[Swept], name: str) -> str:
    """The expression of each rule on its own rows; false of somebody who is not there."""
    cases = " ".join(f"WHEN {rule.n} THEN {getattr(rule, name)}" for rule in swept)
    return f"CASE WHEN (w0 & 1) = 0 THEN 0 ELSE CASE n {cases} END END"


def expression(value: Expression, columns: dict[str, str]) -> str:
    """An expression as SQL over truth values: least, greatest and two less."""
    match value:
        case model.Is(name):
            return columns[name]
        case model.Not(inner):
            return f"(2 - {expression(inner, columns)})"
        case model.All(parts):
            return f"LEAST({', '.join(expression(p, columns) for p in parts)})"
        case model.Some(parts):
            return f"GREATEST({', '.join(expression(p, columns) for p in parts)})"

"""The two ordered passes over intervals, on arrays: union, and the sweep of a rule.

They are what :func:`~counterfoil.rules.engines.program.coalesced` and
:mod:`counterfoil.rules.engines.sweep` say as SQL, which Spark runs; what a fact means is said only
there. Here both are sorts of whole numbers and one running sum. An *edge* is a patient and a day in
one whole number: sorted, edges stand by patient and then by day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from counterfoil.foundation.days import FOREVER
from counterfoil.rules import model
from counterfoil.rules.engines.sweep import BITS, GATED, THERE, Swept
from counterfoil.rules.facts import Due
from counterfoil.rules.history import BEFORE
from counterfoil.rules.model import Expression

Edges = npt.NDArray[np.int64]
Truths = npt.NDArray[np.int8]

SHIFT = 22
"""Bits of an edge that hold its day."""
ZERO = 200_000
"""Added to a day, so that none is below nought."""
STATES = 4


@dataclass(frozen=True)
class Islands:
    """The intervals of one fact in one state: edges at which they begin and end, in order.

    Those of one patient neither overlap nor touch.
    """

    since: Edges
    until: Edges

    def of(self, chosen: npt.NDArray[np.bool_]) -> Islands:
        """Those of the patients that are marked, by number."""
        mine = chosen[self.since >> SHIFT]
        return Islands(self.since[mine], self.until[mine])


Facts = dict[tuple[int, int], Islands]
"""By a fact's number and its state."""


def edge(day: str) -> str:
    """A day of a patient in SQL as an edge."""
    return f"CAST(pid AS BIGINT) * {1 << SHIFT} + {day} + {ZERO}"


def packed(select: str, people: int) -> str:
    """Rows (fid, pid, since, until, st) as two whole numbers each, ready for :func:`united`."""
    group = f"((CAST(fid AS BIGINT) * {STATES} + st) * {people + 1} + pid) * {1 << SHIFT} + {ZERO}"
    return (
        f"SELECT {group} + since AS a, {group} + until AS b FROM ({select}) p WHERE since < until"
    )


def united(rows: pa.Table, people: int) -> Facts:
    """Intervals of one fact, patient and state that overlap or touch, made one."""
    whole = islands_of(*(rows.column(name).to_numpy() for name in ("a", "b")))
    begin, end = whole.since, whole.until
    if not len(begin):
        return {}
    each = (people + 1) << SHIFT
    which = begin // each
    cuts = np.flatnonzero(np.concatenate(([True], which[1:] != which[:-1], [True])))
    found: Facts = {}
    for start, stop in pairwise(cuts):
        key = int(which[start])
        piece = slice(start, stop)
        found[divmod(key, STATES)] = Islands(begin[piece] - key * each, end[piece] - key * each)
    return found


def islands_of(since: Edges, until: Edges) -> Islands:
    """Intervals that overlap or touch, made one.

    Both ends are sorted for themselves: an island begins where as many intervals have ended before
    as have begun.
    """
    if not len(since):
        return Islands(since, until)
    begin, end = np.sort(since), np.sort(until)
    fresh = np.concatenate(([True], end[:-1] < begin[1:]))
    return Islands(begin[fresh], end[np.concatenate((fresh[1:], [True]))])


def rows_of(facts: Facts) -> pa.Table:
    """Facts as a table (fid, pid, since, until, st)."""
    parts = [
        {
            "fid": np.full(len(islands.since), fid, np.int32),
            "pid": islands.since >> SHIFT,
            "since": days_of(islands.since),
            "until": days_of(islands.until),
            "st": np.full(len(islands.since), st, np.int32),
        }
        for (fid, st), islands in facts.items()
    ]
    none = dict.fromkeys(("pid", "since", "until"), np.array([], np.int64))
    small = np.array([], np.int32)
    parts.append({"fid": small, **none, "st": small})
    return pa.table({n: np.concatenate([p[n] for p in parts]) for n in FACT})


FACT = ("fid", "pid", "since", "until", "st")


def days_of(edges: Edges) -> Edges:
    """The days of edges."""
    return (edges & ((1 << SHIFT) - 1)) - ZERO


def edges_of(pids: Edges, days: Edges | int) -> Edges:
    """Patients and days as edges."""
    return (pids << SHIFT) + (days + ZERO)


def swept(
    rules: Sequence[Swept],
    facts: Facts,
    there: Islands,
    gates: Mapping[int, Edges],
    people: int,
    threads: int,
) -> pa.Table:
    """Rows (n, pid, since, until, v, r), in this order: see :func:`.sweep.statements`.

    *there*: registered and alive; *gates*: by fact, the patients with whom it cannot be trusted.
    """
    everything = {**facts, (THERE, 2): there}
    for fid, pids in gates.items():
        everything[fid, GATED] = Islands(edges_of(pids, BEFORE), edges_of(pids, FOREVER))

    def one(rule: Swept) -> pa.Table:
        return _sweep(rule, everything, people)

    with ThreadPoolExecutor(threads) as pool:
        return pa.concat_tables(list(pool.map(one, rules)))


def patients_of(fids: Iterable[int], facts: Facts, people: int) -> npt.NDArray[np.bool_]:
    """Who has one of these facts at some time, or may have: a mark for each patient's number."""
    marked = np.zeros(people + 1, bool)
    for fid in fids:
        for st in (1, 2):
            if (fid, st) in facts:
                marked[facts[fid, st].since >> SHIFT] = True
    return marked


def _sweep(rule: Swept, facts: Facts, people: int) -> pa.Table:
    at, words = _states(rule, facts, people)
    here = (words[0] & 1).astype(np.int8)
    v, r = (truth * here for truth in (_when(rule, words), _at_risk(rule, words)))
    pid, code = at >> SHIFT, 3 * v + r
    was = np.zeros(len(code), np.int8)
    was[1:] = np.where(pid[1:] == pid[:-1], code[:-1], 0)
    moved = code != was
    pid, at, v, r = pid[moved], at[moved], v[moved], r[moved]
    until = np.full(len(at), FOREVER, np.int64)
    until[:-1] = np.where(pid[1:] == pid[:-1], days_of(at[1:]), FOREVER)
    held = (v > 0) | (r > 0)
    return pa.table(
        {
            "n": np.full(int(held.sum()), rule.n, np.int32),
            "pid": pid[held],
            "since": days_of(at[held]),
            "until": until[held],
            "v": v[held].astype(np.int32),
            "r": r[held].astype(np.int32),
        }
    )


def _states(rule: Swept, facts: Facts, people: int) -> tuple[Edges, list[Edges]]:
    """Every edge of a rule's facts, and the states that hold from it on, as bits of whole numbers.

    Every interval of a patient ends, so that the running sum is nought again where the next
    patient's begin.
    """
    mine = patients_of(rule.drivers, facts, people)
    # Beside an edge stands which state begins or ends there, so that the sort carries it along.
    room = max(rule.bits.values()).bit_length() + 1
    parts = [np.array([], np.int64)]
    for key, place in rule.bits.items():
        if key in facts:
            islands = facts[key].of(mine)
            parts.append((islands.since << room) + (2 * place + 1))
            parts.append((islands.until << room) + 2 * place)
    edges = np.concatenate(parts)
    edges.sort()
    at = edges >> room
    places = (edges & ((1 << room) - 1)) >> 1
    signs = ((edges & 1) << 1) - 1
    # What all that turns on one day has done stands at the last of it.
    last = np.append(at[1:] != at[:-1], [True])[: len(at)]
    words = []
    for word in range(max(rule.bits.values()) // BITS + 1):
        ours = places // BITS == word
        step = np.where(ours, signs << np.where(ours, places - word * BITS, 0), 0)
        words.append(np.cumsum(step)[last])
    return at[last], words


def _clause(rule: Swept, words: Sequence[Edges], name: str, weakened: bool) -> Truths:
    """A clause's truth: see :meth:`.sweep.Swept.truth`."""
    fact = rule.rule.clause(name).fact
    fid = rule.numbers[fact]

    def there(st: int) -> npt.NDArray[np.bool_]:
        word, place = divmod(rule.bits[fid, st], BITS)
        return cast(npt.NDArray[np.bool_], (words[word] & (1 << place)) != 0)

    true, unknown = there(2), there(1)
    if weakened and name in rule.weak:
        if isinstance(fact, Due):
            true, unknown = true & ~there(GATED), true | unknown
        else:
            unknown = unknown | there(GATED)
    return np.where(true, np.int8(2), unknown.astype(np.int8))


def _expression(
    rule: Swept, value: Expression, words: Sequence[Edges], weakened: bool = False
) -> Truths:
    names = dict.fromkeys(model.names(value))
    return truth_of(value, {name: _clause(rule, words, name, weakened) for name in names})


def _when(rule: Swept, words: Sequence[Edges]) -> Truths:
    plain = _expression(rule, rule.rule.when, words)
    if not rule.weak:
        return plain
    return np.minimum(plain, _expression(rule, rule.rule.when, words, weakened=True))


def _at_risk(rule: Swept, words: Sequence[Edges]) -> Truths:
    return _expression(rule, rule.rule.at_risk, words)


def truth_of(value: Expression, columns: Mapping[str, Truths]) -> Truths:
    """An expression over truth values: least, greatest and two less."""
    match value:
        case model.Is(name):
            return columns[name]
        case model.Not(inner):
            return cast(Truths, np.int8(2) - truth_of(inner, columns))
        case model.All(parts):
            return cast(Truths, np.minimum.reduce([truth_of(p, columns) for p in parts]))
        case model.Some(parts):
            return cast(Truths, np.maximum.reduce([truth_of(p, columns) for p in parts]))

"""Facts about results as SQL: the latest, several that meet a limit, a change."""

from __future__ import annotations

from counterfoil.foundation.days import FOREVER
from counterfoil.rules import facts
from counterfoil.rules.engines.program import RUNNING, Asked, edges, thresholds

COMPARATORS = {"": 0, ">": 1, ">=": 2, "<": 3, "<=": 4}
OTHER_COMPARATOR = 9


def days(asked: Asked, codes: str, test: facts.Comparison) -> str:
    """Per patient and day with results: how true the limit is of the truest of them."""
    value, least = test.limit, test.plausible_from
    known = f"val IS NOT NULL AND uid = {asked.unit(test.unit)}"
    if least is not None:
        known += f" AND val >= {least} AND NOT (val = {least} AND cmp IN (3, 4))"
    reach = (
        f"CASE WHEN NOT ({known}) OR cmp = {OTHER_COMPARATOR} THEN 1 "
        f"WHEN cmp = 0 THEN CASE WHEN val >= {value} THEN 2 ELSE 0 END "
        f"WHEN cmp IN (1, 2) THEN CASE WHEN val >= {value} THEN 2 ELSE 1 END "
        f"WHEN cmp = 3 THEN CASE WHEN val <= {value} THEN 0 ELSE 1 END "
        f"ELSE CASE WHEN val < {value} THEN 0 ELSE 1 END END"
    )
    truth = reach if test.upward else f"2 - ({reach})"
    return (
        f"SELECT pid, low AS day, MAX({truth}) AS st FROM ent "
        f"WHERE sid = {asked.codes(codes)} AND low = high AND res = 1 GROUP BY pid, low"
    )


def latest(asked: Asked, fact: facts.Latest, fid: int) -> str:
    """A result holds from its day until the next; *ago* shifts both, *back* ends it."""
    since, join = asked.first("n.day", fact.ago, "a")
    end, second = asked.first("n.next", fact.ago, "b")
    if second:
        end = f"CASE WHEN n.next >= {FOREVER} THEN {FOREVER} ELSE {end} END"
    elif fact.ago is not None:
        end = f"LEAST({end}, {FOREVER})"
    if fact.back is not None:
        last, third = asked.last("n.day", fact.back, "c")
        end, second = f"LEAST({end}, {last} + 1)", second + third
    return (
        f"SELECT {fid} AS fid, n.pid, {since} AS since, {end} AS until, n.st FROM ("
        f"SELECT pid, day, st, LEAD(day, 1, {FOREVER}) OVER (PARTITION BY pid ORDER BY day) AS next "
        f"FROM ({days(asked, fact.codes, fact.test)}) r) n{join}{second} WHERE n.st > 0"
    )


def repeated(asked: Asked, fact: facts.Repeated, fid: int) -> str:
    """Results that meet the limit, counted: ever, in a window, or without a break."""
    found = days(asked, fact.codes, fact.test)
    if fact.back is not None:
        until, join = asked.last("r.day", fact.back, "c")
        rows = f"SELECT r.pid, r.day AS since, {until} + 1 AS until, r.st FROM ({found}) r{join}"
        counts = {
            "a": "CASE WHEN x.st = 2 THEN 1 ELSE 0 END",
            "b": "CASE WHEN x.st > 0 THEN 1 ELSE 0 END",
        }
        limits = (f"a >= {fact.times}", f"b >= {fact.times}")
        return thresholds(fid, edges(rows, counts), ("a", "b"), *limits)
    parts = []
    for least in (2, 1):
        if fact.consecutive:
            parts.append(_unbroken(found, fact, fid, least))
            continue
        numbered = (
            "SELECT pid, day, ROW_NUMBER() OVER (PARTITION BY pid ORDER BY day) AS k, "
            f"MIN(day) OVER (PARTITION BY pid) AS first FROM ({found}) r WHERE st >= {least}"
        )
        parts.append(
            f"SELECT {fid} AS fid, pid, MIN(day) AS since, {FOREVER} AS until, {least} AS st "
            f"FROM ({numbered}) n WHERE k >= {fact.times} AND day - first >= {fact.apart} "
            "GROUP BY pid"
        )
    return " UNION ALL ".join(parts)


def _unbroken(found: str, fact: facts.Repeated, fid: int, least: int) -> str:
    """Runs of results that meet the limit, each while it is the latest."""
    runs = (
        f"SELECT pid, day, st, LEAD(day, 1, {FOREVER}) OVER (PARTITION BY pid ORDER BY day) AS next, "
        f"SUM(CASE WHEN st < {least} THEN 1 ELSE 0 END) OVER (PARTITION BY pid ORDER BY day "
        f"{RUNNING}) AS run FROM ({found}) r"
    )
    numbered = (
        "SELECT pid, day, next, ROW_NUMBER() OVER (PARTITION BY pid, run ORDER BY day) AS k, "
        f"MIN(day) OVER (PARTITION BY pid, run) AS first FROM ({runs}) s WHERE st >= {least}"
    )
    return (
        f"SELECT {fid} AS fid, pid, day AS since, next AS until, {least} AS st FROM ({numbered}) n "
        f"WHERE k >= {fact.times} AND day - first >= {fact.apart}"
    )


def change(asked: Asked, fact: facts.Change, fid: int) -> str:
    """Each day's results against those of the days before it within reach."""
    usable = f"val IS NOT NULL AND cmp = 0 AND uid = {asked.unit(fact.unit)}"
    of_day = (
        f"SELECT pid, low AS day, MIN(CASE WHEN {usable} THEN val END) AS lo, "
        f"MAX(CASE WHEN {usable} THEN val END) AS hi, "
        f"MAX(CASE WHEN {usable} THEN 0 ELSE 1 END) AS bad FROM ent "
        f"WHERE sid = {asked.codes(fact.codes)} AND low = high AND res = 1 GROUP BY pid, low"
    )
    last, join = asked.last("e.day", fact.within, "c")
    was, became = ("w.hi", "l.lo") if fact.direction == "fall" else ("w.lo", "l.hi")
    moved = f"{was} - {became}" if fact.direction == "fall" else f"{became} - {was}"
    extreme = f"MAX({was})" if fact.direction == "fall" else f"MIN({was})"
    moved = moved.replace(was, extreme)
    met = f"({moved}) * 100 >= {fact.by} * {extreme}" if fact.percent else f"{moved} >= {fact.by}"
    return (
        f"SELECT {fid} AS fid, pid, day AS since, next AS until, "
        "CASE WHEN met = 1 THEN 2 ELSE 1 END AS st FROM ("
        f"SELECT l.pid, l.day, l.next, CASE WHEN {met} THEN 1 ELSE 0 END AS met, "
        "CASE WHEN l.bad + MAX(w.bad) > 0 THEN 1 ELSE 0 END AS bad FROM ("
        f"SELECT pid, day, lo, hi, bad, LEAD(day, 1, {FOREVER}) "
        f"OVER (PARTITION BY pid ORDER BY day) AS next FROM ({of_day}) d) l "
        f"JOIN (SELECT e.pid, e.day, e.lo, e.hi, e.bad, {last} AS last FROM ({of_day}) e{join}) w "
        "ON w.pid = l.pid AND w.day < l.day AND w.last >= l.day "
        "GROUP BY l.pid, l.day, l.next, l.lo, l.hi, l.bad) m WHERE met = 1 OR bad = 1"
    )

"""Facts of the kind "a row in this window", however many, in one statement."""

from __future__ import annotations

from collections.abc import Mapping

from counterfoil.foundation.days import FOREVER
from counterfoil.rules import facts
from counterfoil.rules.engines.program import QOF_YEAR, Asked, values
from counterfoil.rules.facts import Fact, Length, Source, Window
from counterfoil.rules.history import BEFORE


def asked_of(fact: Fact) -> tuple[Source, Window] | None:
    """What a fact of this kind looks for and when; None for other facts.

    The two plainest windows, issued in the last so long and ever coded, have statements of their
    own, which are cheaper.
    """
    match fact:
        case facts.Issued(drugs, window) if not window.trailing:
            return facts.Drugs(drugs), window
        case facts.Ever(codes, window) if window != Window():
            return facts.Codes(codes), window
        case facts.Happened(source, window):
            return source, window
        case _:
            return None


def plain(fact: Fact) -> tuple[Source, Window] | None:
    """What any fact of this kind looks for and when, the plainest windows too; None for others."""
    match fact:
        case facts.Issued(drugs, window):
            return facts.Drugs(drugs), window
        case facts.Ever(codes, window):
            return facts.Codes(codes), window
        case _:
            return asked_of(fact)


def statement(asked: Asked, found: Mapping[Fact, int]) -> str:
    """Rows (fid, pid, since, until, st) of all these facts; see :meth:`Asked.seen` for the meaning."""
    rows, hospital = [], []
    joins = dict.fromkeys(("a", "b", "y"), False)
    for fact, fid in found.items():
        given = asked_of(fact)
        assert given is not None
        source, window = given
        sid = asked.source(source)
        ago, back = _length(asked, window.ago), _length(asked, window.back)
        joins["a"] |= ago[0] > 0
        joins["b"] |= back[0] > 0
        joins["y"] |= window.qof_year
        asked.months |= {ago[0], back[0]} - {0} | ({QOF_YEAR} if window.qof_year else set())
        first = BEFORE if window.first is None else window.first
        end = FOREVER + 1 if window.end is None else window.end
        rows.append((fid, sid, *ago, *back, QOF_YEAR if window.qof_year else 0, first, end))
        if isinstance(fact, facts.Issued):
            hospital.append((fid, sid))
    names = ("fid", "sid", "agom", "agod", "backm", "backd", "qof", "first", "stop")
    table = values(rows, names)
    parts = [_part(table, st, joins) for st in (2, 1)]
    if hospital:
        parts.append(
            "SELECT q.fid, h.pid, h.since, h.until, 1 AS st FROM hosp h "
            f"JOIN ({values(hospital, ('fid', 'sid'))}) q ON q.sid = h.sid"
        )
    return " UNION ALL ".join(parts)


def _length(asked: Asked, given: Length | None) -> tuple[int, int]:
    """Months and days; (0, 0) for none."""
    if given is None:
        return 0, 0
    asked.longest = max(asked.longest, given.days)
    return given.months, given.days


def _part(table: str, st: int, joins: Mapping[str, bool]) -> str:
    """The index days on which a row is sure to count (2), or may (1)."""
    begin, end = ("e.high", "e.low") if st == 2 else ("e.low", "e.high")
    since, until, joined = (
        f"{begin} + q.agod",
        [f"CASE WHEN q.backd > 0 THEN {end} + q.backd + 1"],
        "",
    )
    if joins["a"]:
        since = f"CASE WHEN q.agom > 0 THEN COALESCE(a.last, {BEFORE}) + 1 ELSE {since} END"
        joined += f" LEFT JOIN cal a ON a.n = q.agom AND a.day = {begin} - 1"
    if joins["b"]:
        until[0] += f" WHEN q.backm > 0 THEN COALESCE(b.last, {BEFORE}) + 1"
        joined += f" LEFT JOIN cal b ON b.n = q.backm AND b.day = {end}"
    until[0] += f" ELSE {FOREVER} END"
    if joins["y"]:
        until.append(f"CASE WHEN q.qof < 0 THEN COALESCE(y.last, {BEFORE}) + 1 ELSE {FOREVER} END")
        joined += f" LEFT JOIN cal y ON y.n = q.qof AND y.day = {end}"
    last = until[0] if len(until) == 1 else f"LEAST({', '.join(until)})"
    # A row that is sure, on a day that is known, may count when it is sure to: said once.
    which = "e.st = 2" if st == 2 else "(e.st < 2 OR e.low < e.high)"
    return (
        f"SELECT q.fid, e.pid, {since} AS since, {last} AS until, {st} AS st FROM ev e "
        f"JOIN ({table}) q ON q.sid = e.sid{joined} "
        f"WHERE {which} AND {end} >= q.first AND {begin} < q.stop"
    )

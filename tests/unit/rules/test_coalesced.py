"""Intervals made one: nothing said twice may come out twice, in whatever order rows are taken."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from counterfoil import rules, synthetic
from counterfoil.foundation.database import connect
from counterfoil.foundation.days import to_day
from counterfoil.rules.engines.program import coalesced
from counterfoil.rules.sets import TerminologySets

CODING = ("coding.diabetes_hba1c", "coding.levothyroxine")


@pytest.mark.parametrize("threads", [1, 4])
def test_what_is_said_many_times_comes_out_once(threads):
    with connect(threads=threads) as sql:
        sql.execute(
            """CREATE TABLE said AS SELECT 2 AS fid, (i * 7919) % 4000 AS pid, 10 AS since,
            2932896 AS until, 2 AS st FROM range(20000) t(i)"""
        )
        found = sql.execute(
            f"SELECT count(*), count(DISTINCT pid) FROM ({coalesced('SELECT * FROM said')})"
        ).fetchone()
    assert found == (4000, 4000)


def test_what_overlaps_or_touches_is_one_and_what_does_not_is_two():
    rows = "(1, 1, 0, 5, 2), (1, 1, 5, 9, 2), (1, 1, 3, 4, 2), (1, 1, 20, 30, 2), (1, 1, 0, 5, 1)"
    raw = f"SELECT * FROM (VALUES {rows}) AS v(fid, pid, since, until, st)"
    with connect() as sql:
        got = sql.execute(
            f"SELECT since, until, st FROM ({coalesced(raw)}) ORDER BY ALL"
        ).fetchall()
    assert got == [(0, 5, 1), (0, 9, 2), (20, 30, 2)]


@pytest.mark.slow
def test_what_is_found_of_somebody_does_not_depend_on_who_else_is_there():
    day = to_day(date(2026, 11, 22))
    tables = synthetic.generate(5000, 2, 1, day).tables
    asked = [rule for rule in rules.load() if rule.id in CODING]

    def unknown(given):
        found = rules.run(given, asked, day, TerminologySets())
        return sorted((f.rule, f.patient_id) for f in found if f.state == "cannot_tell")

    everybody = unknown(tables)
    those = pa.array([patient for _, patient in everybody], pa.string())
    alone = {
        name: table.filter(pc.is_in(table["patient_id"], those))
        for name, table in tables.items()
        if "patient_id" in table.schema.names
    }
    assert unknown({**tables, **alone}) == everybody
    assert 1 <= len(everybody) <= 4

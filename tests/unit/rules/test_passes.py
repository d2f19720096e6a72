"""The passes on arrays say what the SQL text says: the union of intervals, and windows."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pyarrow as pa
import pytest
from cases import AS_OF, CODES, DRUGS, Draw, FakeSets
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_engines_agree import tables_of

from counterfoil.foundation.database import connect
from counterfoil.rules import facts
from counterfoil.rules.engines import windows
from counterfoil.rules.engines.duckdb import Engine
from counterfoil.rules.engines.passes import packed, rows_of, united
from counterfoil.rules.engines.program import coalesced, rests_on
from counterfoil.rules.engines.sql import Program
from counterfoil.rules.facts import Window
from counterfoil.rules.model import Is

PEOPLE = 2
DAY = st.integers(-2, 7)
INTERVALS = st.lists(
    st.tuples(st.integers(0, 1), st.integers(1, PEOPLE), DAY, DAY, st.integers(1, 2)),
    min_size=12,
    max_size=40,
)
"""Many of few facts and patients, so that they often overlap, touch or are said twice."""


@pytest.fixture(scope="module")
def sql():
    with connect() as opened:
        yield opened


@given(rows=INTERVALS)
@example(rows=[(0, 1, 0, 5, 2), (0, 1, 5, 7, 2), (0, 1, 8, 9, 2), (0, 1, 8, 9, 2)])
@settings(max_examples=80, deadline=None)
def test_intervals_made_one_on_arrays_are_those_made_one_by_sql(sql, rows):
    columns = list(zip(*rows, strict=True)) or [()] * 5
    names = ("fid", "pid", "since", "until", "st")
    table = pa.table({n: pa.array(c, pa.int64()) for n, c in zip(names, columns, strict=True)})
    sql.register("said", table)
    wanted = sql.sql(
        "SELECT fid, pid, since, until, st FROM "
        f"({coalesced('SELECT * FROM said WHERE since < until')}) ORDER BY ALL"
    ).fetchall()
    got = united(sql.sql(packed("SELECT * FROM said", PEOPLE)).to_arrow_table(), PEOPLE)
    found = rows_of(got)
    assert sorted(zip(*(found.column(n).to_pylist() for n in names), strict=True)) == wanted


@pytest.mark.parametrize("seed", range(3))
def test_windows_on_arrays_are_those_of_the_sql_text(seed):
    """The same engine, once as it is and once with the text for everything."""
    draw = Draw(seed)
    rules = [_of(draw, i) for i in range(4)]
    tables = tables_of([draw.record(str(i)) for i in range(12)])
    with Engine(tables, FakeSets(), AS_OF, threads=1) as engine:
        arrays = engine.spans(rules)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Engine, "_plain", lambda self, program: {})
        whole = Program.of

        def text(*given, **options):
            program = whole(*given, **options)
            program.plain = 0
            return program

        patch.setattr(Program, "of", text)
        with Engine(tables, FakeSets(), AS_OF, threads=1) as engine:
            sql = engine.spans(rules)
    assert arrays.table.num_rows > 10
    assert arrays.hash == sql.hash


def _of(draw, number):
    """A rule of plain windows only."""
    from dataclasses import replace

    from counterfoil.rules.model import All, Clause, Some

    asked = [
        facts.Issued(draw.one(*DRUGS), draw.window()),
        facts.Issued(draw.one(*DRUGS), Window(draw.one(*[facts.Length(months=3)]))),
        facts.Ever(draw.one(*CODES), draw.window()),
        facts.Ever(draw.one(*CODES)),
        facts.Age(65),
    ]
    rule = draw.rule(number)
    clauses = (rule.clauses[0], *(Clause(f"x{i}", fact, "x") for i, fact in enumerate(asked)))
    rest = Some(tuple(Is(clause.name) for clause in clauses[1:]))
    return replace(rule, clauses=clauses, when=All((Is("driver"), rest)))


def test_an_empty_source_has_no_interval():
    seen = windows.seen(windows.NONE, Window(facts.Length(days=7)), windows.Calendars(0, {}))
    assert all(not len(edges[0]) for edges in seen.values())
    assert np.array_equal(seen[2][0], seen[2][1])


def test_only_patients_with_a_row_of_the_driver_are_read_of_the_other_sets():
    draw = Draw(1)
    rule = _of(draw, 0)
    program = Program.of([rule], AS_OF)
    driver = program.drugs("drug a")
    assert driver not in program.needs
    assert set(program.needs.values()) == {frozenset({driver})}
    sources = {program.source(s) for c in rule.clauses for s in facts.sources_of(c.fact)}
    assert set(program.needs) == sources - {driver}


def test_every_fact_says_what_it_rests_on_truly():
    """Nobody without a row of those sources has the fact: over drawn rules and records."""
    checked = defaultdict(int)
    for seed in range(4):
        draw = Draw(seed)
        rules = [draw.rule(i) for i in range(3)]
        records = [draw.record(str(i)) for i in range(8)]
        with Engine(tables_of(records), FakeSets(), AS_OF, threads=1) as engine:
            engine.spans(rules)
            program = Program.of(rules, AS_OF)
            events = engine.fetch(
                "SELECT DISTINCT sid, pid FROM ev UNION SELECT sid, pid FROM hosp"
            )
            there = set(zip(*(column.to_pylist() for column in events.columns), strict=True))
            for fact, fid in program.facts.items():
                sources = rests_on(fact)
                if sources is None:
                    continue
                may = {pid for sid, pid in there if sid in {program.source(s) for s in sources}}
                rows = rows_of({k: v for k, v in engine._facts.items() if k[0] == fid and k[1]})
                assert set(rows.column("pid").to_pylist()) <= may, fact
                checked[type(fact)] += rows.num_rows
    assert len([kind for kind, rows in checked.items() if rows]) > 6

"""The reference as an engine: the same spans to the last far end, and so the same hash."""

from __future__ import annotations

import pytest
from cases import AS_OF, Draw, FakeSets
from test_engines_agree import tables_of

from counterfoil.rules.by_day import ByDay
from counterfoil.rules.engines.duckdb import Engine

SETS = FakeSets()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3000, 3002))
def test_the_reference_gives_the_same_hash_as_duckdb(seed: int) -> None:
    draw = Draw(seed)
    rules = [draw.rule(i) for i in range(4)]
    tables = tables_of([draw.record(str(i)) for i in range(5)])
    continues = draw.often(0.5)
    weak = {"X00001": frozenset({"drug b", "101"})} if draw.often(0.5) else None
    with Engine(tables, SETS, AS_OF, threads=1, gates=weak) as engine:
        one = engine.spans(rules, continues=continues)
    with ByDay(tables, SETS, AS_OF, gates=weak) as slow:
        other = slow.spans(rules, continues=continues)
    assert one.table.to_pylist() == other.table.to_pylist()
    assert one.hash == other.hash
    assert one.table.num_rows > 0

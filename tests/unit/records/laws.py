"""The law of a writer and its reader: what a format carries comes back, row for row."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import date
from functools import lru_cache
from typing import Any

import duckdb
import pyarrow as pa

from counterfoil.foundation.days import to_day
from counterfoil.records.importers import taking
from counterfoil.records.load import Load
from counterfoil.records.schema import TABLES

AS_OF = date(2026, 6, 15)

Row = dict[str, Any]
Change = Callable[[Row], Row | None]
"""What a row is once it has been through a format; ``None``: the format leaves it out."""


@lru_cache(maxsize=3)
def practice(patients: int) -> tuple[str, dict[str, pa.Table]]:
    """The code and the tables of one made-up practice."""
    from counterfoil import synthetic

    made = synthetic.generate(patients, 1, 7, to_day(AS_OF))
    code = made.practices[0].code
    return code, made.for_practice(code)


def rows(
    table: pa.Table, columns: Collection[str], key: str, change: Change | None = None
) -> dict[Any, Row]:
    """The rows of a table by key, of the columns that count."""
    found = {}
    for row in table.to_pylist():
        changed = row if change is None else change(row)
        if changed is not None:
            found[changed[key]] = {name: changed[name] for name in columns}
    return found


def check_round_trip(
    tables: Mapping[str, pa.Table],
    load: Load,
    carries: Mapping[str, Collection[str]],
    changes: Mapping[str, Change],
) -> None:
    """Every row of every table that the format carries is in the load, and no other."""
    assert not load.rejects, load.rejects[:3]
    for name, columns in carries.items():
        key = TABLES[name].key
        key = key if key in columns else next(c for c in ("entry_id", "patient_id") if c in columns)
        want = rows(tables[name], {*columns, key}, key, changes.get(name))
        got = rows(load.tables[name], {*columns, key}, key)
        assert set(got) == set(want), name
        wrong = [(want[k], got[k]) for k in want if want[k] != got[k]]
        assert not wrong, (name, len(wrong), wrong[:2])
    for name in set(TABLES) - set(carries):
        assert load.tables[name].num_rows == 0, name
    for name, count in load.counts.items():
        assert count.read == count.loaded + count.rejected, name
        assert load.rows[name] == load.tables[name].num_rows
    for kind, held in load.resources.items():
        assert held.read == held.loaded + held.merged + held.not_carried + held.rejected, kind


def check_large(read, importer, monkeypatch):
    """Stages in files, and tables handed over as SQL over them, hold the same rows."""
    small = read()
    monkeypatch.setattr(importer, "LARGE", 0)
    monkeypatch.setattr(taking, "_IN_MEMORY", 100)
    large = read()
    assert {"plan", "issue", "coded_entry"} <= set(large.staged)
    assert (large.counts, large.rows, large.notes) == (small.counts, small.rows, small.notes)
    with duckdb.connect() as db:
        for name, staged in large.staged.items():
            key = TABLES[name].key
            want = small.tables[name].sort_by(key)
            rows = db.sql(f"SELECT * FROM ({staged.sql}) ORDER BY {key}").to_arrow_table()
            got = staged.complete(rows, want.schema.names)
            assert got.cast(want.schema).equals(want), name
            assert staged.rows == want.num_rows
            assert staged.held == want["deleted_on"].null_count

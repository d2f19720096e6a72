"""The store: one patient, one code set, a delta and the disk, at the size of a practice's record.

``COUNTERFOIL_BENCH_ROWS`` sets the size; an average EMIS practice holds 27 million rows, which takes a
quarter of an hour to make and write.
"""

from __future__ import annotations

import os
import random
import statistics
import tempfile
import time
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import AS_OF, best, calibration, show

if TYPE_CHECKING:
    from counterfoil.records.load import Load
    from counterfoil.records.store import Snapshot, Store

ROWS = int(os.environ.get("COUNTERFOIL_BENCH_ROWS", "1000000"))
IDS = ("patient_id", "person_id", "plan_id", "issue_id", "entry_id", "problem_id", "source_id")
LARGE = ("plan", "issue", "coded_entry", "problem")


def bench_store() -> None:
    """One patient and one code set (asked for: under 30 ms each at 27 million rows), a delta of 1%
    published (under 8 s), and both orders together (under a third of the CSV)."""
    import duckdb

    from counterfoil.records.merge import merge
    from counterfoil.records.store import Store

    with tempfile.TemporaryDirectory() as folder:
        load, csv = _practice(Path(folder), ROWS)
        rows = sum(load.rows.values())
        store, mark = Store(Path(folder) / "store"), calibration()
        began = time.perf_counter()
        base = store.write(load)
        show(f"a record of {rows:,} rows written in both orders", time.perf_counter() - began, mark)
        disk = sum(path.stat().st_size for path in base.path.rglob("*.parquet"))
        print(f"{'disk, both orders':<58} {disk / csv:9.2f} of the CSV (asked for: under 0.33)")

        ids = base.scan("patient").read(["patient_id"])["patient_id"].to_pylist()
        some = random.Random(1).sample(ids, 30)
        began = time.perf_counter()
        store.patient(base, some[0])
        show("one patient opened, the first of a process", time.perf_counter() - began, mark)
        _opened("one patient opened, median of 30", store, base, some)
        code, _ = _codes(base)
        sql = base.scan("coded_entry", "by_code").sql(
            ["patient_id", "happened_on", "value", "code"]
        )
        with duckdb.connect(config={"threads": 2}) as db:
            found = db.sql(f"SELECT * FROM ({sql}) WHERE code = '{code}'")
            seconds, mark = best(found.to_arrow_table, 5)
            count = found.to_arrow_table().num_rows
        show("one code scanned by code", seconds, mark, f"{count:,} rows")

        for label, condition in (
            ("1% of the patients", "hash(patient_id) % 100 = 0"),
            ("1% of the rows, of everybody", "hash(source_id) % 100 = 0"),
        ):
            delta, mark = _delta(base, condition), calibration()
            began = time.perf_counter()
            now = store.write(merge(base, delta))
            more = f"{sum(delta.rows.values()):,} rows"
            show(f"a delta of {label} merged, written", time.perf_counter() - began, mark, more)
            _opened("  one patient opened on base and delta", store, now, some)


def _opened(what: str, store: Store, snapshot: Snapshot, some: list[str]) -> None:
    times, work = [], []
    for patient_id in some:
        began, worked = time.perf_counter(), time.process_time()
        store.patient(snapshot, patient_id)
        times.append(time.perf_counter() - began)
        work.append(time.process_time() - worked)
    said = f"{statistics.median(work) * 1000:.0f} ms of a processor"
    show(what, statistics.median(times), calibration(), said)


def _practice(folder: Path, rows: int) -> tuple[Load, int]:
    """A made-up practice, repeated under other ids until it has so many rows; its CSV's bytes."""
    import duckdb

    from counterfoil import synthetic
    from counterfoil.foundation.days import to_day
    from counterfoil.records.load import Staged, of_tables
    from counterfoil.records.schema import TABLES

    made = synthetic.generate(1000, 1, 1, to_day(AS_OF)).tables
    times = max(1, rows // sum(made[name].num_rows for name in LARGE))
    csv, staged, small = 0, {}, {}
    with duckdb.connect(config={"threads": 2}) as db:
        for name in ("patient", *LARGE):
            db.register("one", made[name])
            columns = ", ".join(
                f"CASE WHEN one.{c.name} IS NULL THEN NULL ELSE upper(md5(n || one.{c.name})) END AS {c.name}"
                if c.name in IDS
                else f"one.{c.name}"
                for c in TABLES[name].columns
            )
            sql = f"SELECT {columns} FROM one, range({times}) AS t(n)"
            path = folder / f"{name}.parquet"
            db.execute(f"COPY ({sql}) TO '{path}' (FORMAT parquet)")
            read = f"SELECT * FROM read_parquet('{path}')"
            sample = folder / "sample.csv"
            db.execute(f"COPY ({read} USING SAMPLE 20000) TO '{sample}' (HEADER)")
            count = db.execute(f"SELECT count(*) FROM ({read})").fetchall()[0][0]
            csv += round(sample.stat().st_size * count / min(count, 20000))
            if name == "patient":
                small[name] = db.sql(read).to_arrow_table().cast(TABLES[name].arrow)
            else:
                staged[name] = Staged(read, count, count)
    return replace(of_tables("X00001", small), staged=staged), csv


def _codes(snapshot: Snapshot) -> tuple[str, int]:
    """The code in the middle of those that are used, by how often."""
    import duckdb

    scan = snapshot.scan("coded_entry", "by_code")
    with duckdb.connect() as db:
        rows = db.sql(
            f"SELECT code, count(*) AS n FROM ({scan.sql(['code'])}) WHERE code IS NOT NULL "
            "GROUP BY code ORDER BY n, code"
        ).fetchall()
    code, count = rows[len(rows) // 2]
    return str(code), int(count)


def _delta(snapshot: Snapshot, condition: str) -> Load:
    """Rows that meet a condition, each with another day of entry."""
    import duckdb

    from counterfoil.records.load import of_tables
    from counterfoil.records.schema import TABLES

    tables = {}
    with duckdb.connect(config={"threads": 2}) as db:
        for name in LARGE:
            day = f"DATE '{date(2026, 11, 21).isoformat()}' AS recorded_on"
            columns = ", ".join(
                day if c.name == "recorded_on" else c.name for c in TABLES[name].columns
            )
            sql = snapshot.scan(name).sql()
            found = db.sql(f"SELECT {columns} FROM ({sql}) WHERE {condition}").to_arrow_table()
            tables[name] = found.cast(TABLES[name].arrow)
    return replace(of_tables("X00001", tables), scope="delta")

"""An average English practice whole: 28 million rows of an EMIS extract read, written, opened, changed.

Needs 10 GB of disk and ten minutes on a quiet machine. ``COUNTERFOIL_BENCH_EXTRACT`` names the folder
of an extract that is there already, else one is made up.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.import_records import _READ
from bench.measure import AS_OF, ROOT, best, calibration, command, show
from bench.store import _delta, _opened

PATIENTS = 35_000

_WRITE = """
import pathlib, sys
from counterfoil.records.importers import emis
from counterfoil.records.store import Store
load = emis.read(pathlib.Path(sys.argv[1]), "X00001")
assert not load.rejects, load.rejects[:3]
Store(pathlib.Path(sys.argv[2])).write(load)
"""


def slow_bench_average_practice() -> None:
    """Asked for, on two cores: imported in under 180 s, 4 GB and 4 times DuckDB's own CSV reader;
    both orders under a third of the CSV; one patient and one code set in under 30 ms; a delta of 1%
    merged and written (published, with findings: under 8 s)."""
    given = os.environ.get("COUNTERFOIL_BENCH_EXTRACT")
    with tempfile.TemporaryDirectory(prefix="bench-records-") as work:
        extract = Path(given) if given else _made(Path(work))
        size = sum(file.stat().st_size for file in extract.glob("*.csv"))
        print(f"EMIS extract: {size / 1e6:,.0f} MB", flush=True)
        plain = _timed(
            "DuckDB's CSV reader, every column as text into tables", _READ, extract, work
        )
        Path(work, "plain.db").unlink()
        root = Path(work, "store")
        _timed("the same files imported into a store", _WRITE, extract, root, plain)
        _store(root, size)


def _made(work: Path) -> Path:
    words = ("--patients", str(PATIENTS), "--practices", "1", "--density", "emis", "--seed", "1")
    where = ("--format", "emis", "--as-of", AS_OF.isoformat(), "--out", str(work / "extract"))
    command("synth", *words, *where)
    return work / "extract" / "X00001" / "emis"


def _timed(
    what: str, program: str, extract: Path, more: object, than: tuple[float, float] | None = None
) -> tuple[float, float]:
    """Wall and processor seconds of a program of its own; shown beside those of another."""
    mark = calibration()
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    words = [sys.executable, "-c", program, str(extract), str(more)]
    start = time.perf_counter()
    with subprocess.Popen(words, env=environment) as child:
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError("the program failed")
    seconds, work = time.perf_counter() - start, usage.ru_utime + usage.ru_stime
    said = f"{work:.0f} s of processors, {usage.ru_maxrss // 1024} MB"
    if than is not None:
        said += (
            f"; {seconds / than[0]:.1f} x the reader by the clock, {work / than[1]:.1f} x by work"
        )
    show(what, seconds, mark, said)
    return seconds, work


def _store(root: Path, size: int) -> None:
    from counterfoil.foundation.database import connect
    from counterfoil.records.merge import merge
    from counterfoil.records.store import Store

    store = Store(root)
    (base,) = store.snapshots()
    disk = sum(path.stat().st_size for path in base.path.rglob("*.parquet"))
    print(f"{'disk, both orders':<58} {disk / size:9.2f} of the CSV")
    ids = base.scan("patient").read(["patient_id"])["patient_id"].to_pylist()
    some = random.Random(1).sample(ids, 30)
    _opened("one patient opened, median of 30, each the first time", store, base, some)
    _opened("one patient opened, median of 30, once more", store, base, some)
    scan = base.scan("coded_entry", "by_code")
    columns = ["patient_id", "happened_on", "value", "code"]
    with connect() as db:
        used = f"SELECT code FROM ({scan.sql(['code'])}) WHERE code IS NOT NULL GROUP BY code "
        codes = [c for (c,) in db.execute(used + "ORDER BY count(*), code").fetchall()]
        middle = len(codes) // 2
        for number in (1, 5):
            few = codes[middle : middle + number]
            found = db.sql(scan.sql(columns, few))
            seconds, mark = best(found.to_arrow_table, 5)
            rows = found.to_arrow_table().num_rows
            show(f"a set of {number} codes scanned by code", seconds, mark, f"{rows:,} rows")
    for label, condition in (
        ("1% of the patients", "hash(patient_id) % 100 = 0"),
        ("1% of the rows, of everybody", "hash(source_id) % 100 = 0"),
    ):
        delta, mark = _delta(base, condition), calibration()
        began = time.perf_counter()
        merged = merge(base, delta)
        merging = time.perf_counter() - began
        now = store.write(merged)
        seconds = time.perf_counter() - began
        said = f"{sum(delta.rows.values()):,} rows; merging {merging:.1f} s"
        show(f"a delta of {label} merged, written", seconds, mark, said)
        _opened("  one patient opened on base and delta", store, now, some)

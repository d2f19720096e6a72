"""Importing a clinical system's extract."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.measure import AS_OF, ROOT, calibration, show

COPIES = int(os.environ.get("BENCH_COPIES", "5"))
"""How often the made-up practice of a thousand patients stands in the extract; 35 is an average
English practice (27 million rows), and needs 20 GB of disk."""


def bench_import() -> None:
    """An EMIS extract with all that a system holds, against DuckDB's own CSV reader on its files."""
    folder = Path(tempfile.mkdtemp(prefix="bench-import-"))
    try:
        rows, size = _extract(folder)
        print(
            f"EMIS extract: {rows:,} rows, {size / 1e6:,.0f} MB, {COPIES}000 patients", flush=True
        )
        mark = calibration()
        plain = _timed(_READ, folder)[0]
        show("DuckDB's CSV reader, every column as text into tables", plain, mark)
        mark = calibration()
        seconds, peak = _timed(_IMPORT, folder)
        show(
            "the same files as a load",
            seconds,
            mark,
            f"{seconds / plain:.1f} x the reader, {peak} MB",
        )
        mark = calibration()
        seconds, peak = _timed(_WRITE, folder)
        show(
            "and written to a store",
            seconds,
            mark,
            f"{seconds / plain:.1f} x the reader, {peak} MB",
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _extract(folder: Path) -> tuple[int, int]:
    """Write the extract: one practice's tables, copied under new ids."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from counterfoil import synthetic
    from counterfoil.foundation.days import to_day
    from counterfoil.records.exporters import emis

    made = synthetic.generate(1000, 1, 1, to_day(AS_OF), density="emis")
    code = made.practices[0].code
    tables = made.for_practice(code)
    kept = dict.fromkeys(
        ("patient", "plan", "issue", "coded_entry", "problem", "allergy", "recall")
    )
    whole = {}
    for name in kept:
        copies = []
        for number in range(COPIES):
            table = tables[name]
            for index, field in enumerate(table.schema):
                if field.name.endswith("_id") and field.name not in ("person_id", "source_id"):
                    ids = pc.binary_join_element_wise(table[field.name], f"{number}", "-")
                    table = table.set_column(index, field, ids)
            copies.append(table)
        whole[name] = pa.concat_tables(copies)
    whole["organisation"] = tables["organisation"]
    written = emis.write(whole, folder, practice=code, guids=True, as_at=AS_OF)
    (folder / "practice").write_text(code)
    return sum(written.rows.values()), sum(f.stat().st_size for f in written.files)


_READ = """
import duckdb, pathlib, sys
with duckdb.connect(str(pathlib.Path(sys.argv[-1], "plain.db")), config={"threads": 2}) as db:
    db.execute("SET enable_progress_bar = false")
    for n, f in enumerate(sorted(pathlib.Path(sys.argv[1]).glob("*.csv"))):
        # Left to guess, it takes the first quotation mark after 39,000 rows for an error.
        db.execute(
            f"CREATE TABLE t{n} AS SELECT * FROM "
            f"read_csv('{f}', header=true, all_varchar=true, delim=',', quote=chr(34))"
        )
"""
_IMPORT = """
import pathlib, sys
from counterfoil.records.importers import emis
folder = pathlib.Path(sys.argv[1])
load = emis.read(folder, (folder / "practice").read_text())
assert not load.rejects, load.rejects[:3]
"""
_WRITE = (
    _IMPORT
    + """
from counterfoil.records.store import Store
Store(folder / "store").write(load)
"""
)


def _timed(program: str, folder: Path) -> tuple[float, int]:
    """Seconds and peak memory in MB of a program in a process of its own."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    start = time.perf_counter()
    with subprocess.Popen([sys.executable, "-c", program, str(folder)], env=environment) as child:
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    if child.returncode:
        raise RuntimeError("the program failed")
    return seconds, usage.ru_maxrss // 1024

"""Drug names, releases and code lists."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from bench.measure import ROOT, best, calibration, show

LOAD = """
import json, resource, sys, time
from pathlib import Path
from counterfoil.terminology.releases import Releases
start = time.perf_counter()
report = Releases(Path(sys.argv[1])).load(Path(sys.argv[2]))
print(json.dumps({
    "rows": sum(n["loaded"] for n in report.tables.values()),
    "seconds": time.perf_counter() - start,
    "processor": time.process_time(),
    "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
}))
"""


def bench_release() -> None:
    """A full-size dm+d release (asked for: under 90 s and 800 MB), against parsing its XML only."""
    sys.path.insert(0, str(ROOT / "tests"))
    from lxml import etree

    import full_dmd_release

    with tempfile.TemporaryDirectory() as folder:
        path = full_dmd_release.write(Path(folder))
        mark = calibration()
        done = subprocess.run(
            [sys.executable, "-c", LOAD, f"{folder}/home", str(path)],
            env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
            check=True,
            capture_output=True,
        )
        found = json.loads(done.stdout)
        more = (
            f"{found['rows']:,} rows, {found['processor']:.0f} s of processor time, "
            f"{found['megabytes']} MB at most"
        )
        show("full-size dm+d release loaded", found["seconds"], mark, more)

        def parse_only() -> None:
            with zipfile.ZipFile(path) as pack:
                for name in pack.namelist():
                    if name.endswith(".xml"):
                        with pack.open(name) as file:
                            for _, element in etree.iterparse(file):
                                element.clear()

        seconds, mark = best(parse_only, 1)
        show("the same XML parsed and thrown away (lxml)", seconds, mark)


def bench_match() -> None:
    """Drug names a second, distinct (asked for later: 2,000 a second)."""
    from counterfoil.terminology import formulary

    known = formulary()
    names = [p.name for p in known.products]
    texts = [n.lower().replace("tablets", "tabs") for n in names] + [n.upper() for n in names]

    def run() -> None:
        for text in texts:
            known.match(text + " ")

    start = time.perf_counter()
    run()
    seconds = time.perf_counter() - start
    show(
        "drug names matched, first sight",
        seconds,
        calibration(),
        f"{len(texts) / seconds:,.0f} a second",
    )

"""Drug names, releases and code lists."""

from __future__ import annotations

import csv
import gzip
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


def _older_names() -> list[str]:
    """The distinct abbreviated names of the older lists, 2,000 of which a second are asked for."""
    from support import shared

    path = shared("terminology", "bnf_abbrev_to_dmd_name_pairs.csv.gz")
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return list(dict.fromkeys(row["abbrev"] for row in csv.DictReader(file)))


def bench_match_with_release() -> None:
    """The same with the product lists of 2025 loaded, and a search while typing (50 ms)."""
    sys.path.insert(0, str(ROOT / "tests"))
    from counterfoil.terminology import formulary, use
    from release_lists import ProductLists
    from support import SHARED

    if SHARED is None:
        print("the shared product lists are not beside the project: not measured")
        return
    with tempfile.TemporaryDirectory() as folder:
        for what in ("a release's names read for the first time", "a release's names opened again"):
            use(None)
            mark = calibration()
            start = time.perf_counter()
            use(ProductLists(Path(folder)))
            known = formulary()
            show(what, time.perf_counter() - start, mark)
        assert known.catalogue is not None
        names = [known.catalogue.product(row).name for row in range(0, len(known.catalogue), 20)]
        texts = [name.lower().replace("tablets", "tabs") + " " for name in names]

        older = _older_names()
        for what, given in (
            ("drug names matched, first sight, with a release", texts),
            ("abbreviated names matched, first sight, with a release", older),
        ):
            mark = calibration()
            start, processor = time.perf_counter(), time.process_time()
            for text in given:
                known.match(text)
            seconds = time.perf_counter() - start
            processor = time.process_time() - processor
            rate = f"{len(given) / processor:,.0f} a second of processor time"
            show(what, seconds, mark, rate)
        typed = ("m", "me", "met", "metf", "metf 5", "co-c", "5mg", "inh 100")
        seconds, mark = best(lambda: [known.search(text) for text in typed])
        each = f"{seconds / len(typed) * 1000:.1f} ms each"
        show("searches while typing, with a release", seconds, mark, each)
        use(None)

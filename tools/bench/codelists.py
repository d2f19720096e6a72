"""Code lists, SNOMED CT, and the check of lists against a release."""

from __future__ import annotations

import csv
import sys
import tempfile
import time
from pathlib import Path

from bench.measure import ROOT, best, calibration, show

SHARED = ROOT.parent / "shared"
CONCEPTS = 400_000


def bench_codelists() -> None:
    """Every published list at hand read, against reading their cells with the csv module only."""
    from counterfoil.terminology.codelists import read_codelist

    index = SHARED / "codelists" / "INDEX.csv"
    if not index.exists():
        print("codelists: the reference data is not beside the project")
        return
    with index.open(encoding="utf-8", newline="") as file:
        paths = [SHARED / "codelists" / row["file"] for row in csv.DictReader(file)]

    def plain() -> None:
        for path in paths:
            with path.open(encoding="utf-8-sig", newline="") as file:
                assert list(csv.reader(file))

    ids = sum(len(read_codelist(path).codes) for path in paths)
    alone, mark = best(plain)
    show(f"{len(paths)} code lists, cells only (csv)", alone, mark)
    seconds, mark = best(lambda: [read_codelist(path) for path in paths])
    show(f"{len(paths)} code lists read", seconds, mark, f"{ids / seconds:,.0f} ids a second")


def bench_snomed() -> None:
    """A made release of 400,000 concepts read from RF2, and expressions on it."""
    sys.path.insert(0, str(ROOT / "tests"))
    from counterfoil.terminology.ecl import evaluate
    from counterfoil.terminology.releases.source import Source
    from counterfoil.terminology.snomed import Snomed, read_rf2
    from rf2 import own, write_large

    with (
        tempfile.TemporaryDirectory() as folder,
        Source(write_large(Path(folder), CONCEPTS)) as source,
    ):
        mark = calibration()
        start = time.perf_counter()
        tables = read_rf2(source.entries)
        show(f"RF2 of {CONCEPTS:,} concepts read", time.perf_counter() - start, mark)
        start = time.perf_counter()
        snomed = Snomed(tables)
        show("its hierarchy made ready", time.perf_counter() - start, mark)
        for text in (
            f"< {own(1)}",
            f"<< {own(9)} MINUS << {own(28)}",
            f"^ {own(1)} AND < {own(2)}",
        ):
            found = evaluate(text, snomed)
            seconds, mark = best(lambda text=text: evaluate(text, snomed))  # type: ignore[misc]
            words = text
            for n in (1, 2, 9, 28):
                words = words.replace(own(n), f"#{n}")
            show(f"expression {words}", seconds, mark, f"{len(found):,} concepts")


def bench_list_check() -> None:
    """The published dm+d lists held against the product list of 2025."""
    from counterfoil.terminology.check import Against, check
    from counterfoil.terminology.codelists import read_codelist
    from counterfoil.terminology.products import Products, drug_and_form
    from counterfoil.terminology.releases import Releases

    index = SHARED / "codelists" / "INDEX.csv"
    if not index.exists():
        print("list_check: the reference data is not beside the project")
        return
    with index.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] == "dmd"]
    lists = [read_codelist(SHARED / "codelists" / row["file"]) for row in rows]
    with tempfile.TemporaryDirectory() as folder:
        releases = Releases(Path(folder))
        releases.load(SHARED / "terminology" / "dmd_2025w34_vmp.parquet")
        releases.load(SHARED / "terminology" / "nhsbsa_dmdbonus_2.2.0_20250217000001.zip")
        used = releases.in_use()
        table, history = used.products, used.history

        def work() -> None:
            drug_and_form.cache_clear()
            check(lists, Against(Products.of(table, history)))

        seconds, mark = best(work)
        ids = sum(len(x.codes) for x in lists)
        show(f"{len(lists)} dm+d lists checked", seconds, mark, f"{ids:,} ids")

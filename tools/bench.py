"""Speeds as ratios against a calibration in the same run, for machines that are shared and noisy.

``make bench`` runs all of it; ``tools/bench.py NAME ...`` some. Every figure is the best of a few
runs, beside a fixed piece of work (the calibration) timed just before it: quote the ratio. Where a
peer can be run here it is named. Figures on made-up data speak of made-up data.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

AS_OF = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


def calibration() -> float:
    """Seconds for a fixed piece of plain Python work on this machine, now."""
    start = time.perf_counter()
    total = 0
    for i in range(1_500_000):
        total += i * i % 7
    assert total
    return time.perf_counter() - start


def best(work: Callable[[], object], runs: int = 3) -> tuple[float, float]:
    """The best time of a few runs, and the best calibration taken between them."""
    times, marks = [], []
    for _ in range(runs):
        marks.append(calibration())
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times), min(marks)


def show(what: str, seconds: float, mark: float, more: str = "") -> None:
    """One line of the report."""
    print(f"{what:<58} {seconds:9.3f} s  {seconds / mark:8.2f} x calibration  {more}", flush=True)


def command(*words: str, home: str | None = None) -> None:
    """Run a command of the product as a process of its own."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    if home:
        environment["COUNTERFOIL_HOME"] = home
    subprocess.run(
        [sys.executable, "-m", "counterfoil.cli", *words],
        check=True,
        stdout=subprocess.DEVNULL,
        env=environment,
    )


def bench_help() -> None:
    """counterfoil --help (asked for: under 0.3 s)."""
    seconds, mark = best(lambda: command("--help"), 5)
    bare, _ = best(lambda: subprocess.run([sys.executable, "-c", "pass"], check=True), 5)
    show("counterfoil --help", seconds, mark, f"bare Python {bare:.3f} s")


def bench_demo() -> None:
    """The demo's data, load and findings (asked for: under 20 s)."""

    def make() -> None:
        with tempfile.TemporaryDirectory() as folder:
            command("demo", "--once", "--as-of", AS_OF.isoformat(), home=folder + "/home")

    seconds, mark = best(make, 2)
    show("demo: 5,000 people, 2 practices, letters, findings", seconds, mark)


def bench_rules() -> None:
    """The eight rules over 5,000 patients (asked for: under 1 s), against one query by hand."""
    import duckdb

    from counterfoil import rules, synthetic
    from counterfoil.foundation.days import to_day
    from counterfoil.rules.engines.duckdb import Engine
    from counterfoil.rules.sets import TerminologySets

    day, loaded, sets = to_day(AS_OF), rules.load(), TerminologySets()
    made = synthetic.generate(5000, 2, 1, day).tables
    rows = sum(made[t].num_rows for t in ("issue", "coded_entry", "plan", "problem"))

    def spans() -> None:
        with Engine(made, sets, day) as engine:
            engine.spans(loaded)

    spans()
    seconds, mark = best(spans)
    show(
        "8 rules, every span of the whole history, 5,000 patients", seconds, mark, f"{rows:,} rows"
    )
    seconds, mark = best(lambda: rules.run(made, loaded, day, sets), 2)
    show("the same with near, findings and reasons", seconds, mark)

    def by_hand() -> None:
        issue, patient = made["issue"], made["patient"]  # noqa: F841 - DuckDB reads them by name
        duckdb.sql(
            "SELECT count(DISTINCT i.patient_id) FROM issue i JOIN patient p USING (patient_id) "
            f"WHERE i.issued_on > DATE '{AS_OF}' - INTERVAL 3 MONTH AND "
            "i.product_text ILIKE '%naproxen%' AND p.birth_date < DATE '1961-11-20'"
        ).fetchall()

    seconds, mark = best(by_hand)
    show("one hand-written query that answers one clause today", seconds, mark)


def bench_dose() -> None:
    """Dose texts a second, nothing cached (asked for later: 4,000 distinct a second)."""
    from counterfoil.dosage import read

    numbers = ["ONE", "TWO", "THREE", "1", "2", "half a", "1-2", "one or two"]
    times = [
        "daily",
        "twice a day",
        "tds",
        "at night",
        "every 6 hours when required",
        "mane",
        "once a week",
        "in the morning and at night",
        "every other day",
        "qds prn",
    ]
    texts = [
        f"Take {n} tablet(s) {t} {w}"
        for n in numbers
        for t in times
        for w in ("", "with food", "for pain", "after breakfast", "for 7 days")
    ]
    seconds, mark = best(lambda: [read(t) for t in texts])
    show("dose texts read", seconds, mark, f"{len(texts) / seconds:,.0f} a second")


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


def bench_letters() -> None:
    """Text letters reconciled (asked for later: 200 a second against 15 plans)."""
    from counterfoil import documents, reconciliation, synthetic
    from counterfoil.foundation.days import to_day
    from counterfoil.records.patient import PatientRecord

    day = to_day(AS_OF)
    made = synthetic.generate(3000, 1, 2, day)
    pairs = []
    for letter in made.letters:
        if letter.media_type == "text/plain":
            try:
                record = PatientRecord.from_tables(
                    made.for_practice(letter.practice), letter.patient_id
                )
            except KeyError:
                continue
            pairs.append((letter.content, letter.name, record))

    def run() -> None:
        for content, name, record in pairs:
            reconciliation.reconcile(documents.read(content, name=name), record, day)

    seconds, mark = best(run)
    show(
        f"{len(pairs)} text letters read and reconciled",
        seconds,
        mark,
        f"{len(pairs) / seconds:,.0f} a second",
    )


def bench_requests() -> None:
    """500 requests on 5,000 patients (asked for: under 5 s)."""
    from counterfoil import repeats, rules, synthetic
    from counterfoil.foundation.days import to_day
    from counterfoil.records.patient import PatientRecord
    from counterfoil.records.rows import Request, RequestItem
    from counterfoil.rules.sets import TerminologySets

    day = to_day(AS_OF)
    made = synthetic.generate(5000, 2, 1, day).for_practice("X00001")
    loaded, sets = rules.load(), TerminologySets()
    people = made["plan"].column("patient_id").unique().to_pylist()[:500]
    records = [PatientRecord.from_tables(made, p) for p in people]

    def run() -> None:
        for record in records:
            common = {"practice": "X00001", "source_system": "bench", "source_id": "r"}
            patient = record.patient.patient_id
            request = Request(
                **common,
                request_id="r",
                patient_id=patient,
                channel="app",
                requester="patient",
                received_at=NOW,
            )
            items = [
                RequestItem(
                    **common,
                    request_item_id=p.plan_id,
                    request_id="r",
                    patient_id=patient,
                    item_text=p.product_text,
                )
                for p in record.plans
                if p.plan_type == "repeat" and p.status == "active"
            ][:4]
            repeats.check_request(repeats.Context(record, day, loaded, sets=sets), request, items)

    seconds, mark = best(run, 2)
    show("500 repeat requests checked", seconds, mark)


def main(names: list[str]) -> int:
    """Run the benchmarks of these names, or all."""
    everything = {
        n.removeprefix("bench_"): f for n, f in globals().items() if n.startswith("bench_")
    }
    unknown = set(names) - set(everything)
    if unknown:
        print(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(everything)}")
        return 2
    for name in names or everything:
        everything[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

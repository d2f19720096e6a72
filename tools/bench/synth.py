"""The synthetic network: how fast it is made, and how well the rules find what was planted in it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.measure import AS_OF, ROOT, calibration, show

SUBJECTS = {
    "monitoring.methotrexate": "methotrexate",
    "monitoring.lithium": "lithium",
    "monitoring.amiodarone": "amiodarone",
    "monitoring.doac": "doac",
    "safety.nsaid_65_no_gastroprotection": "nsaid",
    "safety.anticoagulant_antiplatelet": "anticoagulant_antiplatelet",
    "coding.diabetes_hba1c": "hba1c",
    "coding.levothyroxine": "levothyroxine",
    "monitoring.acei_loop_75": "acei_loop_renal",
    "safety.anticoagulant_nsaid": "anticoagulant_nsaid",
    "safety.aspirin_antiplatelet": "aspirin_antiplatelet",
    "safety.asthma_beta_blocker": "asthma_betablocker",
    "safety.egfr_nsaid": "egfr_nsaid",
    "safety.heart_failure_nsaid": "heart_failure_nsaid",
    "safety.ulcer_antiplatelet": "ulcer_antiplatelet",
    "safety.ulcer_nsaid": "ulcer_nsaid",
}
"""Which kind of planted fault each rule claims to find."""

MEASURE = """
import resource, sys
from pathlib import Path
from counterfoil.synthetic import Order, produce
from counterfoil.foundation.days import parse_day

if __name__ == "__main__":
    patients, density, form, day, folder = sys.argv[1:]
    from counterfoil.synthetic import usual_practices
    order = Order(int(patients), usual_practices(int(patients)), 1, parse_day(day), (form,), density)
    account = produce(order, Path(folder))
    own = resource.getrusage(resource.RUSAGE_SELF)
    child = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = own.ru_utime + own.ru_stime + child.ru_utime + child.ru_stime
    print(sum(account["rows"].values()), cpu, max(own.ru_maxrss, child.ru_maxrss))
"""


def _made(patients: int, density: str, form: str, asked: str) -> None:
    """Make a network of this size as files, in processes of its own."""
    mark = calibration()
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "measure.py"
        script.write_text(MEASURE, "utf-8")
        start = time.perf_counter()
        done = subprocess.run(
            [
                sys.executable,
                script,
                str(patients),
                density,
                form,
                AS_OF.isoformat(),
                folder + "/out",
            ],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            env={"PYTHONPATH": str(ROOT / "src"), "PATH": ""},
        )
        seconds = time.perf_counter() - start
    rows, cpu, memory = done.stdout.split()
    show(
        f"synth: {patients:,} patients, {density} density, {form} ({asked})",
        seconds,
        mark,
        f"{patients / seconds:,.0f} patients/s, {int(rows):,} rows, {float(cpu):.0f} CPU s, "
        f"at most {int(memory) / 1e6:.2f} GB a process",
    )


def bench_synth() -> None:
    """50,000 patients with letters (asked for: under 15 s and 1.5 GB)."""
    _made(50_000, "audit", "parquet", "asked for: 15 s")


def bench_synth_found() -> None:
    """Planted faults found by the rules that claim them, by kind: on our own made-up data."""
    from counterfoil import rules, synthetic
    from counterfoil.foundation.days import to_day
    from counterfoil.rules.sets import TerminologySets

    day = to_day(AS_OF)
    made = synthetic.generate(30_000, 6, 11, day)
    found: dict[str, dict[str, str]] = {}
    loaded = [rule for rule in rules.load() if rule.id in SUBJECTS]
    for finding in rules.run(made.tables, loaded, day, TerminologySets()):
        found.setdefault(SUBJECTS[finding.rule], {})[finding.patient_id] = finding.state
    print("planted faults found, on our own made-up data (30,000 patients, 6 practices, seed 11):")
    print(f"  {'kind':<28} planted  sensitivity  predictive value  silent kept")
    for score in synthetic.score_findings(made, found):
        if score.subject not in SUBJECTS.values():
            continue
        print(
            f"  {score.subject:<28} {score.planted:7d}  {_share(score.sensitivity):>11}  "
            f"{_share(score.predictive):>16}  {score.kept}/{score.silent}"
        )


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def slow_bench_synth_million() -> None:
    """1,000,000 patients, canonical tables, two years (asked for: under 180 s and 8 GB)."""
    _made(1_000_000, "audit", "parquet", "asked for: 180 s")


def slow_bench_synth_emis() -> None:
    """An average EMIS extract, 35,000 patients, 27 million rows (asked for: under 120 s)."""
    _made(35_000, "emis", "emis", "asked for: 120 s")

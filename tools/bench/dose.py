"""Dose texts."""

from __future__ import annotations

import csv
import itertools
import json
import os
import subprocess
import time

from bench.measure import ROOT, best, show

PEER = "COUNTERFOIL_BENCH_PEER_PYTHON"
"""Names a Python that has ``dose-instruction-parser`` (PyPI, MIT) installed. Never a dependency."""
_PEER_WORK = """
import json, sys, time
from dose_instruction_parser import di_dosage, di_duration, di_frequency, di_prepare
texts = json.load(sys.stdin)
def read(text):
    plain = di_prepare.pre_process(text.lower())
    di_dosage.get_dosage_info(plain)
    di_frequency.get_frequency_info(plain)
    di_duration.get_duration_info(plain)
failed = 0
read("take 1 tablet daily")
start = time.process_time()
for text in texts:
    try:
        read(text)
    except Exception:
        failed += 1
print(json.dumps([time.process_time() - start, failed]))
"""
PCN_LINES = 400_000


def distinct(count: int) -> list[str]:
    """Plain dose texts, each different from every other, in a fixed order."""
    numbers = ("ONE", "TWO", "1", "2", "3", "half a", "1-2", "one or two", "one to two", "5", "10")
    forms = (
        "tablet",
        "capsule",
        "tablets",
        "puffs",
        "drops",
        "ml",
        "mg",
        "units",
        "sachet",
        "patch",
    )
    often = (
        "daily", "twice a day", "tds", "at night", "every 6 hours", "mane", "once a week",
        "in the morning and at night", "every other day", "qds", "three times a day", "nocte",
        "every 4 to 6 hours", "on Mondays and Thursdays", "up to four times a day", "bd",
    )  # fmt: skip
    ends = (
        "", "with food", "for pain", "after breakfast", "for 7 days", "when required", "for 2 weeks",
        "as directed", "before food", "prn", "swallowed whole", "with water", "for 5/7", "po",
    )  # fmt: skip
    starts = ("Take", "", "To take", "Please take")
    made = (
        " ".join(w for w in (start, number, form, how, end) if w)
        for end, start, how, form, number in itertools.product(ends, starts, often, forms, numbers)
    )
    return list(dict.fromkeys(itertools.islice(made, count * 2)))[:count]


def golden() -> list[str]:
    """The dose texts of the golden sets, as they are in the tests."""
    folder = ROOT / "tests" / "golden" / "dosage"
    rows = (
        row
        for name in ("uk_texts.csv", "uk_texts_2.csv")
        for row in csv.DictReader((folder / name).read_text(encoding="utf-8").splitlines())
    )
    return list(dict.fromkeys(row["text"] for row in rows))


def bench_dose() -> None:
    """Distinct texts a second, nothing cached (asked for: 4,000 a second on one core)."""
    for what, texts in (("4,000 plain texts", distinct(4_000)), ("golden texts", golden())):
        seconds, busy, mark = _read(texts)
        rate = f"{len(texts) / busy:,.0f} a second of one core"
        show(f"dose texts read, distinct: {what}", seconds, mark, rate)


def _read(texts: list[str], runs: int = 3) -> tuple[float, float, float]:
    """Best wall and processor seconds to read all of *texts*, and the calibration beside."""
    from counterfoil.dosage import read

    read("Bisoprolol 2.5mg od")
    busy: list[float] = []

    def work() -> None:
        start = time.process_time()
        for text in texts:
            read(text)
        busy.append(time.process_time() - start)

    seconds, mark = best(work, runs)
    return seconds, min(busy), mark


def bench_dose_pcn() -> None:
    """The repeat lines of a PCN: 400,000, a tenth distinct (asked for: under 30 s, cache apart)."""
    from counterfoil.dosage import read

    texts = distinct(PCN_LINES // 10)
    seconds, busy, mark = _read(texts, runs=1)
    what = f"{len(texts):,} distinct"
    show(f"dose texts of a PCN: {what}", seconds, mark, f"{busy:.1f} s of one core")
    known = {text: read(text) for text in texts}
    lines = [texts[n % len(texts)] for n in range(PCN_LINES)]
    again, mark = best(lambda: [known[line] for line in lines])
    show(f"dose texts of a PCN: {PCN_LINES:,} lines from a cache", again, mark)


def bench_dose_peer() -> None:
    """Against the rules of Public Health Scotland's dose-instruction-parser, in one run.

    Its model is not public, so its rules alone are timed: preparing the text, then dosage,
    frequency and duration on the whole of it. Both in seconds of one core.
    """
    python = os.environ.get(PEER)
    if not python:
        print(f"dose texts, the peer: set {PEER} to a Python that has dose-instruction-parser")
        return
    texts = distinct(2_000)
    _, ours, mark = _read(texts)
    done = subprocess.run(
        [python, "-c", _PEER_WORK],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=True,
    )
    theirs, failed = json.loads(done.stdout.splitlines()[-1])
    rate = f"{len(texts) / ours:,.0f} a second"
    show("dose texts, 2,000 plain: ours, of one core", ours, mark, rate)
    rate = (
        f"{len(texts) / theirs:,.0f} a second, {failed} failed; ours {theirs / ours:.1f} x as fast"
    )
    show("dose texts, 2,000 plain: the peer's rules", theirs, mark, rate)

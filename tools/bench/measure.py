"""How a speed is measured: the best of a few runs beside a fixed piece of work timed in between."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

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

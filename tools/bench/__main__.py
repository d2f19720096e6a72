"""Speeds as ratios against a calibration in the same run, for machines that are shared and noisy.

``make bench`` runs all of it; ``python tools/bench NAME ...`` some. Every figure is the best of a
few runs, beside a fixed piece of work (the calibration) timed just before it: quote the ratio. Where
a peer can be run here it is named. Figures on made-up data speak of made-up data. Each module of
this folder holds the benchmarks of one room: functions named ``bench_...``, or ``slow_bench_...`` for
those that run only when they are named.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / "src")]


SLOW = "slow_bench_"
"""What takes minutes runs only when asked for by name."""


def benchmarks() -> dict[str, Callable[[], None]]:
    """Every benchmark by name, module by module."""
    found: dict[str, Callable[[], None]] = {}
    for module in sorted(m.name for m in pkgutil.iter_modules([str(HERE)]) if m.name != "__main__"):
        for name, work in vars(importlib.import_module(f"bench.{module}")).items():
            if name.startswith(("bench_", SLOW)):
                found[name.removeprefix("slow_").removeprefix("bench_")] = work
    return found


def main(names: list[str]) -> int:
    """Run the benchmarks of these names, or all."""
    everything = benchmarks()
    unknown = set(names) - set(everything)
    if unknown:
        print(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(everything)}")
        return 2
    usual = [name for name, work in everything.items() if not work.__name__.startswith(SLOW)]
    for name in names or usual:
        everything[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The command line and the demo."""

from __future__ import annotations

import subprocess
import sys
import tempfile

from bench.measure import AS_OF, best, command, show


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

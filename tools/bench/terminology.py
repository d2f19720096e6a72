"""Drug names, releases and code lists."""

from __future__ import annotations

import time

from bench.measure import calibration, show


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

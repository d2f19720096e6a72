"""Dose texts."""

from __future__ import annotations

from bench.measure import best, show


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

"""Discharge letters."""

from __future__ import annotations

from bench.measure import AS_OF, best, show


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

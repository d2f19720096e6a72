"""Discharge letters."""

from __future__ import annotations

import sys
import time

from bench.measure import AS_OF, ROOT, best, calibration, show


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


def bench_letter_scores() -> None:
    """Letters in every layout, scored line by line (asked for: macro-F1 0.95, nothing unsafe)."""
    sys.path.insert(0, str(ROOT / "tests"))
    import letter_scoring
    from counterfoil import synthetic
    from counterfoil.foundation.days import to_day
    from counterfoil.records.patient import PatientRecord

    made = synthetic.generate(12_000, 2, 31, to_day(AS_OF), letters=1000)
    tables = {place.code: made.for_practice(place.code) for place in made.practices}
    numbers = {one.nhs_number for one in made.letters}
    records = {}
    for code, held in tables.items():
        for row in held["patient"].select(["patient_id", "nhs_number"]).to_pylist():
            if row["nhs_number"] in numbers:
                patient = row["patient_id"]
                records[code, patient] = PatientRecord.from_tables(held, patient)
    start = time.perf_counter()
    score = letter_scoring.score(made.letters, records)
    seconds = time.perf_counter() - start
    show(
        f"{score.letters} letters of our own in all layouts, scored",
        seconds,
        calibration(),
        f"lines found {score.found} of {score.lines}, macro-F1 {score.macro_f1:.3f}, "
        f"unsafe {len(score.unsafe)}, doses wrong {len(score.dose_wrong)}",
    )
    print(score.table())


def slow_bench_letters_fuzzed() -> None:
    """A thousand spoilt documents: read or refused, the slowest, and the memory at its peak."""
    import resource

    sys.path.insert(0, str(ROOT / "tests"))
    import fuzzed_letters
    from counterfoil.documents import read
    from counterfoil.foundation.errors import DataError

    mark = calibration()
    refused, times = 0, []
    for number in range(1000):
        content = fuzzed_letters.document(number)
        start = time.process_time()
        try:
            read(content, name=f"document {number}")
        except DataError:
            refused += 1
        times.append(time.process_time() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    show(
        "1,000 spoilt documents, seconds of the processor",
        sum(times),
        mark,
        f"{refused} refused, the slowest {max(times):.2f} s, peak {peak} MB",
    )


def bench_letter_pdf() -> None:
    """A PDF of four pages, read (asked for: under a second)."""
    sys.path.insert(0, str(ROOT / "tests"))
    import fuzzed_letters
    from counterfoil.documents import read

    lines = [
        [
            (40.0, f"{n + 1}. Ramipril {n % 9 + 1}mg capsules"),
            (300.0, "one in the morning, no change"),
        ]
        for n in range(50)
    ]
    head = [[(40.0, "Patient: Amina Sample   NHS number: 999 000 0026   DOB: 14/03/1948")]]
    content = fuzzed_letters.FILES.pdf(
        [[*head, [(40.0, "Medicines at discharge")], *lines], lines, lines, lines]
    )
    seconds, mark = best(lambda: read(content, name="letter.pdf"))
    show("a PDF of 4 pages, 200 lines", seconds, mark)

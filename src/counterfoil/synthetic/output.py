"""A population as files, and as a short account of itself."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa

from counterfoil.foundation import days as calendar
from counterfoil.synthetic import formats
from counterfoil.synthetic.letters.model import SyntheticLetter
from counterfoil.synthetic.population import Part, Population


def summary(population: Population) -> dict[str, Any]:
    """What the population holds, ready for JSON.

    ``{"seed", "as_of", "hash", "practices": [{"code", "name", "patients"}], "rows": {table: n},
    "letters": {layout: n}, "planted": {kind: {"expected", "count"}}}``.
    """
    planted = Counter(
        zip(
            population.truth["kind"].to_pylist(),
            population.truth["expected"].to_pylist(),
            strict=True,
        )
    )
    patients = Counter(population.tables["patient"]["practice"].to_pylist())
    return {
        "seed": population.seed,
        "as_of": calendar.to_date(population.as_of).isoformat(),
        "hash": fingerprint(population),
        "practices": [
            {"code": place.code, "name": place.name, "patients": patients[place.code]}
            for place in population.practices
        ],
        "rows": {name: table.num_rows for name, table in population.tables.items()},
        "letters": dict(sorted(Counter(x.layout for x in population.letters).items())),
        "planted": {
            kind: {"expected": expected, "count": count}
            for (kind, expected), count in sorted(planted.items())
        },
    }


def fingerprint(population: Population) -> str:
    """One hash over every byte of the tables, the truth and the letters."""
    digest = hashlib.sha256()
    for name in sorted(population.tables):
        _feed(digest, name, population.tables[name])
    _feed(digest, "truth", population.truth)
    for letter in population.letters:
        digest.update(letter.name.encode())
        digest.update(letter.content)
        digest.update(repr(letter.truth).encode())
    return digest.hexdigest()


def _feed(digest: Any, name: str, table: pa.Table) -> None:
    digest.update(name.encode())
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        for batch in table.combine_chunks().to_batches():
            writer.write_batch(batch)
    digest.update(sink.getvalue())


def write_csv(population: Population, folder: Path) -> list[Path]:
    """Write the CSV template, one sub-folder a practice, with its letters; return what was written.

    Beside the practices stand ``truth.csv`` (the planted scenes) and ``letter_truth.csv`` (a row a
    medicine line). Existing files of the same names are replaced.
    """
    return _write(population, folder, "csv")


def write_parquet(population: Population, folder: Path) -> list[Path]:
    """Write one Parquet file a table and practice, with letters and truth; return what was written."""
    return _write(population, folder, "parquet")


def _write(population: Population, folder: Path, kind: str) -> list[Path]:
    written: list[Path] = []
    for place in population.practices:
        home = folder / place.code
        home.mkdir(parents=True, exist_ok=True)
        letters = tuple(x for x in population.letters if x.practice == place.code)
        part = Part(place, population.for_practice(place.code), population.truth, letters)
        for name in (kind, "letters"):
            written += formats.FORMATS[name](part, home)
    for name, table in (("truth", population.truth), ("letter_truth", letter_truth(population))):
        written.append(formats.write_table(table, folder / f"{name}.{kind}"))
    return written


def letter_truth(population: Population) -> pa.Table:
    """The truth of every letter line as one table."""
    return letter_table(population.letters)


LETTER_TRUTH = pa.schema(
    [
        ("letter", pa.string()),
        ("layout", pa.string()),
        ("letter_expected", pa.string()),
        ("bytes", pa.int64()),
        ("expected", pa.string()),
        ("subclass", pa.string()),
        ("also", pa.string()),
        ("stated", pa.string()),
        ("text", pa.string()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("plan_ids", pa.string()),
        ("gp_product", pa.string()),
        ("letter_product", pa.string()),
        ("gp_daily", pa.float64()),
        ("letter_daily", pa.float64()),
        ("note", pa.string()),
        ("place", pa.int64()),
        ("amount", pa.string()),
        ("unit", pa.string()),
        ("times", pa.int64()),
        ("per_days", pa.int64()),
        ("as_needed", pa.bool_()),
        ("duration", pa.string()),
        ("reason", pa.string()),
    ]
)


def letter_table(letters: Iterable[SyntheticLetter]) -> pa.Table:
    """The truth of the lines of some letters, a row a line."""
    rows = [
        {
            "letter": letter.name,
            "layout": letter.layout,
            "bytes": len(letter.content),
            "letter_expected": letter.expected,
            "expected": line.expected,
            "subclass": line.subclass,
            "also": " ".join(line.also),
            "stated": line.stated,
            "text": line.text,
            "start": line.start,
            "end": line.end,
            "plan_ids": " ".join(line.plan_ids),
            "gp_product": line.gp_product,
            "letter_product": line.letter_product,
            "gp_daily": line.gp_daily,
            "letter_daily": line.letter_daily,
            "note": line.note,
            "place": line.place,
            "amount": line.amount,
            "unit": line.unit,
            "times": line.times,
            "per_days": line.per_days,
            "as_needed": line.as_needed,
            "duration": line.duration,
            "reason": line.reason,
        }
        for letter in letters
        for line in letter.truth
    ]
    return pa.Table.from_pylist(rows, schema=LETTER_TRUTH)

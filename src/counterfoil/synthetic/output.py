"""A population as files, and as a short account of itself."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pc_csv
import pyarrow.parquet as pq

from counterfoil.foundation import days as calendar
from counterfoil.synthetic.population import Population


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


def _plain(table: pa.Table) -> pa.Table:
    """Times as ISO words in UTC and decimals without idle noughts, as the CSV template has them."""
    out = {}
    for field in table.schema:
        column = table[field.name].combine_chunks()
        if pa.types.is_timestamp(field.type):
            column = pc.strftime(column, format="%Y-%m-%dT%H:%M:%SZ")
        elif pa.types.is_decimal(field.type):
            words = column.cast(pa.string())
            column = pc.utf8_rtrim(pc.utf8_rtrim(words, characters="0"), characters=".")
        elif pa.types.is_list(field.type):
            column = pc.binary_join(column, " ")
        out[field.name] = column
    return pa.table(out)


def write_csv(population: Population, folder: Path) -> list[Path]:
    """Write the CSV template, one sub-folder a practice, with its letters; return what was written.

    Beside the practices stand ``truth.csv`` (the planted scenes) and ``letter_truth.csv`` (a row a
    medicine line). Existing files of the same names are replaced.
    """
    written: list[Path] = []
    for place in population.practices:
        home = folder / place.code
        (home / "letters").mkdir(parents=True, exist_ok=True)
        for name, table in population.for_practice(place.code).items():
            if table.num_rows:
                written.append(_write(table, home / f"{name}.csv"))
        for letter in population.letters:
            if letter.practice == place.code:
                path = home / "letters" / letter.name
                path.write_bytes(letter.content)
                written.append(path)
    written.append(_write(population.truth, folder / "truth.csv"))
    written.append(_write(letter_truth(population), folder / "letter_truth.csv"))
    return written


def write_parquet(population: Population, folder: Path) -> list[Path]:
    """Write one Parquet file a table and practice, with letters and truth; return what was written."""
    written: list[Path] = []
    for place in population.practices:
        home = folder / place.code
        (home / "letters").mkdir(parents=True, exist_ok=True)
        for name, table in population.for_practice(place.code).items():
            path = home / f"{name}.parquet"
            pq.write_table(table, path, compression="zstd")
            written.append(path)
        for letter in population.letters:
            if letter.practice == place.code:
                path = home / "letters" / letter.name
                path.write_bytes(letter.content)
                written.append(path)
    for name, table in (("truth", population.truth), ("letter_truth", letter_truth(population))):
        path = folder / f"{name}.parquet"
        pq.write_table(table, path, compression="zstd")
        written.append(path)
    return written


def _write(table: pa.Table, path: Path) -> Path:
    pc_csv.write_csv(_plain(table), path)
    return path


def letter_truth(population: Population) -> pa.Table:
    """The truth of every letter line as one table."""
    rows = [
        {
            "letter": letter.name,
            "layout": letter.layout,
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
        }
        for letter in population.letters
        for line in letter.truth
    ]
    kinds = {"start": pa.int64(), "end": pa.int64()}
    kinds |= {"gp_daily": pa.float64(), "letter_daily": pa.float64()}
    names = list(rows[0]) if rows else ["letter"]
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in names])
    return pa.Table.from_pylist(rows, schema=schema)

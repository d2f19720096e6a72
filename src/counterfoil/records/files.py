"""Writing the Parquet files of a snapshot: sorted, in row groups that fit how they are read."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from counterfoil.foundation.database import connect
from counterfoil.records.load import Staged
from counterfoil.records.patient import ORDERED_BY
from counterfoil.records.schema import TABLES

BY_CODE = {
    "issue": ("product_code", "issued_on"),
    "coded_entry": ("code", "happened_on"),
    "plan": ("product_code", "start_date"),
    "problem": ("code", "onset_on"),
}
"""The tables that are also kept by code, with the columns they are sorted by."""

ROWS_PER_GROUP = 4_096
"""By patient: small groups, so that opening one patient reads little. Measured on 400,000 rows, in
one run: 54 ms at 4,096 rows, 84 at 16,384, 195 at 65,536."""

ROWS_PER_GROUP_BY_CODE = 65_536
"""By code: large groups, so that a scan for codes has little to skip: 4 ms against 12 at 4,096."""

MEMORY = "900MB"
"""What sorting one table that does not fit in memory may take before it uses the disk. Two are
sorted at a time, each by one thread: while one waits for its file, the other sorts."""

_ONLY_BY_PATIENT = {"source_system", "source_id", "source_place"}
"""Where a row came from is not kept a second time by code."""

_UNIQUE = {"source_id", "source_place", "parent_id"}
"""Columns, besides the key, whose values hardly repeat: a dictionary would only cost."""

ROWS_PER_FILE = 262_144
"""By patient, a table is cut into files of so many rows, so that opening one patient need not read
the footer of millions: 320 ms of computing at 27 million rows in one file a table. It is also what
is handed to the writer at a time: a multiple of both group sizes."""

ROWS_PER_GROUP_OF_DELTA = 512
"""By patient, in a part on top of a base: it holds a row or two of many patients, and a patient is
opened through every part. A file holds as many groups as one of a base, so that its footer is as
soon read: one patient on a base and two deltas of 1% took 39 ms of computing with groups of 4,096.
Nor is it packed as tightly, which takes a third off reading so few rows: compaction packs it."""

PIECES_BY_CODE = 4
"""So many of these go into one file by code: to find one code set among millions of rows, the
footers of the others need not be read. They took 10 of 26 ms at 19 million rows in one file."""


def orders(name: str) -> tuple[str, ...]:
    """The sort orders in which a table is kept."""
    return ("by_patient", "by_code") if name in BY_CODE else ("by_patient",)


def sort_keys(name: str, order: str) -> list[str]:
    """The columns by which a table is sorted, in turn; what is missing comes first."""
    key = TABLES[name].key
    if order == "by_code":
        return [*BY_CODE[name], "patient_id", key]
    columns = {column.name for column in TABLES[name].columns}
    wanted = ["patient_id", ORDERED_BY.get(name, key), key]
    return list(dict.fromkeys(column for column in wanted if column in columns))


def columns(name: str, order: str) -> list[str]:
    """The columns that a table has in one order."""
    names: list[str] = TABLES[name].arrow.names
    if order == "by_patient":
        return names
    return [column for column in names if column not in _ONLY_BY_PATIENT]


def write(
    name: str, source: pa.Table | Staged, order: str, folder: Path, delta: bool = False
) -> list[Path]:
    """Write a table in one order: an Arrow table, or a staged one that need not fit in memory.

    The files are ``<table>.parquet`` and, for more rows, ``<table>.0001.parquet`` and so on; there
    is always a first. *delta*: of a part on top of a base.
    """
    keys = sort_keys(name, order)
    group, each = ROWS_PER_GROUP, ROWS_PER_FILE
    if order == "by_code":
        group = ROWS_PER_GROUP_BY_CODE
    elif delta:
        each = ROWS_PER_FILE // ROWS_PER_GROUP * ROWS_PER_GROUP_OF_DELTA
        group = ROWS_PER_GROUP_OF_DELTA
    wanted = columns(name, order)
    schema = pa.schema([TABLES[name].arrow.field(column) for column in wanted])
    if isinstance(source, pa.Table):
        table = ordered(source.select(wanted), keys)
        starts = range(0, table.num_rows, each)
        pieces = (table.slice(start, each) for start in starts)
        codec = "lz4" if delta else "zstd"
        return _write(pieces, schema, folder / f"{name}.parquet", group, order, codec)
    aside = folder / f".sort-{name}"
    with connect(threads=1, memory_limit=MEMORY, temp_directory=str(aside)) as db:
        shown = ", ".join(f'"{column}"' for column in source.needed(wanted))
        by = ", ".join(f'"{key}" NULLS FIRST' for key in keys)
        found = db.sql(f"SELECT {shown} FROM ({source.sql}) ORDER BY {by}").to_arrow_reader(
            ROWS_PER_FILE
        )
        pieces = (source.complete(rows, wanted).cast(schema) for rows in _regrouped(found))
        paths = _write(pieces, schema, folder / f"{name}.parquet", group, order)
    shutil.rmtree(aside, ignore_errors=True)
    return paths


def _write(
    pieces: Iterator[pa.Table],
    schema: pa.Schema,
    first: Path,
    group: int,
    order: str,
    codec: str = "zstd",
) -> list[Path]:
    """Write sorted pieces: by patient a file each, by code several in one."""
    more = PIECES_BY_CODE - 1 if order == "by_code" else 0
    paths: list[Path] = []
    piece: pa.Table | None = next(pieces, schema.empty_table())
    while piece is not None:
        path = first.with_suffix(f".{len(paths):04}.parquet") if paths else first
        write_batches(chain([piece], islice(pieces, more)), schema, path, group, codec)
        paths.append(path)
        piece = next(pieces, None)
    return paths


def write_batches(
    tables: Iterable[pa.Table], schema: pa.Schema, path: Path, group: int, codec: str = "zstd"
) -> None:
    """Write sorted tables one after the other as one synced file."""
    key = schema.names[0]
    plain = {key, *_UNIQUE} if "practice" in schema.names else {"key"}
    with pq.ParquetWriter(
        path,
        schema,
        compression=codec,
        use_dictionary=[column for column in schema.names if column not in plain],
    ) as writer:
        for table in tables:
            if table.num_rows:
                writer.write_table(table, row_group_size=group)
    sync(path)


def ordered(table: pa.Table, keys: Sequence[str]) -> pa.Table:
    """The table sorted by these columns, ascending, missing values first."""
    if not table.num_rows:
        return table
    order = pc.sort_indices(
        table.select(list(keys)), sort_keys=[(key, "ascending", "at_start") for key in keys]
    )
    return table.take(order).combine_chunks()


def sync(path: Path) -> None:
    """Have the disk hold what was written to a file or folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _regrouped(batches: pa.RecordBatchReader) -> Iterator[pa.Table]:
    """Tables of exactly so many rows, so that the file is the same however it was sorted."""
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        while rows >= ROWS_PER_FILE:
            whole = pa.Table.from_batches(waiting)
            yield whole.slice(0, ROWS_PER_FILE).combine_chunks()
            waiting = whole.slice(ROWS_PER_FILE).to_batches()
            rows -= ROWS_PER_FILE
    if rows:
        yield pa.Table.from_batches(waiting).combine_chunks()

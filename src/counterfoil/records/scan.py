"""One table of a snapshot, read as one: a base and the small parts put on it since.

A part holds rows, and *masks*: the keys of rows in earlier parts that no longer hold, because a
newer row has the same key or the row is gone. A reader takes the rows of every part whose key
stands in none of its masks. ``sql`` says that to an engine; ``of_patient`` and ``read`` do it here.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property, lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from counterfoil.foundation.database import connect
from counterfoil.records.files import BY_CODE
from counterfoil.records.files import columns as columns_of
from counterfoil.records.schema import TABLES, empty

MASK = pa.schema([pa.field("patient_id", pa.string()), pa.field("key", pa.string())])
"""The columns of a mask: the key of a row that no longer holds, and whose row it was."""


MANY_FILES = 8
"""Files from which on two are read at a time."""

SMALL = 100_000
"""Rows up to which a table is read into memory rather than asked of an engine."""


@dataclass(frozen=True)
class Part:
    """Parquet files of one table, and the masks that say which of their rows no longer hold."""

    files: tuple[Path, ...]
    masks: tuple[Path, ...] = ()
    ranges: tuple[tuple[str, str], ...] = ()
    """The least and greatest patient, or code, of each file, where there are several."""

    def files_of(self, wanted: Sequence[str] | None) -> tuple[Path, ...]:
        """The files that can hold rows of these patients, or by code of these codes (sorted), or
        all."""
        if wanted is None or not self.ranges:
            return self.files
        return tuple(
            path
            for path, (least, most) in zip(self.files, self.ranges, strict=True)
            if bisect_left(wanted, least) < bisect_right(wanted, most)
        )


@dataclass(frozen=True)
class Scan:
    """The rows of one table that hold in one or more snapshots. Empty, and false, without files.

    With ``known_on`` it is the table as the source held it on that day: entered by then and not
    yet withdrawn. A row without ``recorded_on`` is taken to have been known always; what was
    withdrawn only later is shown as not withdrawn.
    """

    table: str
    parts: tuple[Part, ...]
    known_on: date | None = None
    order: str = "by_patient"

    @classmethod
    def joined(cls, scans: Iterable[Scan]) -> Scan:
        """Scans of the same table of several snapshots as one; ``ValueError`` without any."""
        given = list(scans)
        if not given:
            raise ValueError("nothing to join")
        return replace(given[0], parts=tuple(chain.from_iterable(s.parts for s in given)))

    def __bool__(self) -> bool:
        return any(part.files for part in self.parts)

    @property
    def key(self) -> str:
        """The column that names a row."""
        return TABLES[self.table].key

    @property
    def columns(self) -> list[str]:
        """The columns that can be asked for: by code, a row does not say where it came from."""
        return columns_of(self.table, self.order)

    @property
    def small(self) -> bool:
        """Whether it is sooner read whole than asked of an engine."""
        files = chain.from_iterable(part.files for part in self.parts)
        return sum(int(_groups(str(file)).metadata.num_rows) for file in files) <= SMALL

    def sql(
        self, columns: Sequence[str] | None = None, codes: Collection[str] | None = None
    ) -> str:
        """A SELECT of these columns, or of all, for DuckDB. ``ValueError`` where there is no file.

        With *codes*, for a scan by code, of the rows that have one of them.
        """
        wanted = list(columns or self.columns)
        if not self:
            raise ValueError(f"{self.table}: there is no file to read")
        some = None if codes is None else sorted(codes)
        return " UNION ALL ".join(
            self._select(part, wanted, some) for part in self.parts if part.files
        )

    def _select(self, part: Part, columns: Sequence[str], codes: Sequence[str] | None) -> str:
        shown = ", ".join(self._shown(column) for column in columns)
        where = []
        files = part.files_of(codes) or part.files[:1]
        if codes is not None:
            listed = ", ".join(_quoted(code) for code in codes) or "NULL"
            where.append(f"r.{BY_CODE[self.table][0]} IN ({listed})")
        if part.masks:
            where.append(
                f"NOT EXISTS (SELECT 1 FROM {_files(part.masks)} AS m WHERE m.key = r.{self.key})"
            )
        if self.known_on is not None:
            day = f"DATE '{self.known_on.isoformat()}'"
            where.append(f"(r.recorded_on IS NULL OR r.recorded_on <= {day})")
            where.append(f"(r.deleted_on IS NULL OR r.deleted_on > {day})")
        text = f"SELECT {shown} FROM {_files(files)} AS r"
        return f"{text} WHERE {' AND '.join(where)}" if where else text

    def _shown(self, column: str) -> str:
        if column == "deleted_on" and self.known_on is not None:
            return "CAST(NULL AS DATE) AS deleted_on"
        return f'r."{column}"'

    def of_patient(self, patient_id: str) -> pa.Table:
        """The rows of one patient."""
        found = []
        # Each mask is read once, though it holds for every part before it.
        gone: dict[Path, pa.Table | None] = {}
        for part in self.parts:
            read = (_of_one(path, patient_id) for path in part.files_of([patient_id]))
            rows = [one for one in read if one is not None]
            if not rows:
                continue
            held = pa.concat_tables(rows)
            for mask in part.masks:
                if mask not in gone:
                    gone[mask] = _of_one(mask, patient_id)
                held = self._holding(held, gone[mask])
            found.append(held)
        return self._known(pa.concat_tables(found)) if found else empty(self.table)

    def read(
        self, columns: Sequence[str] | None = None, patients: Collection[str] | None = None
    ) -> pa.Table:
        """The rows in memory: of everybody, or of these patients only."""
        own = TABLES[self.table].arrow
        wanted = list(columns or self.columns)
        needed = {*wanted, self.key}
        if patients is not None:
            needed.add("patient_id")
        if self.known_on is not None:
            needed |= {"recorded_on", "deleted_on"}
        held = [name for name in own.names if name in needed]
        ids = None if patients is None else sorted(patients)
        found = [pa.schema([own.field(name) for name in held]).empty_table()]
        for part in self.parts:
            rows = _of_files(part.files_of(ids), ids, held, exact=True)
            if rows is None:
                continue
            found.append(self._holding(rows, _of_files(part.masks, ids)))
        return self._known(pa.concat_tables(found)).select(wanted)

    def whole(self, found: pa.Table, most: int | None = None) -> pa.Table:
        """The whole rows of what :meth:`find` named by key and patient.

        With *most*, a part of which more rows would have to be read is left out.
        """
        if not found.num_rows:
            return empty(self.table)
        ids = None
        if "patient_id" in self.columns and not found["patient_id"].null_count:
            ids = sorted(set(found["patient_id"].to_pylist()))
        parts = self.parts
        if most is not None:
            parts = tuple(part for part in parts if _rows_to_read(part, ids) <= most)
        rows = replace(self, parts=parts).read(patients=ids)
        return rows.filter(pc.is_in(rows[self.key], value_set=found[self.key].combine_chunks()))

    def find(self, keys: pa.Array, columns: Sequence[str]) -> pa.Table:
        """The rows with these keys, in these columns."""
        wanted = list(columns)
        target = pa.schema([TABLES[self.table].arrow.field(name) for name in wanted])
        if not self or not len(keys):
            return target.empty_table()
        if self.small:
            rows = self.read(list(dict.fromkeys([*wanted, self.key])))
            return rows.filter(pc.is_in(rows[self.key], value_set=keys)).select(wanted)
        with connect() as db:
            db.register("wanted_keys", pa.table({"key": keys}))
            shown = ", ".join(f'r."{column}"' for column in wanted)
            found = db.sql(
                f"SELECT {shown} FROM ({self.sql(list(dict.fromkeys([*wanted, self.key])))}) AS r "
                f"SEMI JOIN wanted_keys k ON r.{self.key} = k.key"
            ).to_arrow_table()
        return found.cast(target)

    def _holding(self, rows: pa.Table, masked: pa.Table | None) -> pa.Table:
        if masked is None or not masked.num_rows:
            return rows
        keys = masked["key"].combine_chunks()
        return rows.filter(pc.invert(pc.is_in(rows[self.key], value_set=keys)))

    def _known(self, rows: pa.Table) -> pa.Table:
        if self.known_on is None:
            return rows
        day = pa.scalar(self.known_on, pa.date32())
        entered = pc.fill_null(pc.less_equal(rows["recorded_on"], day), True)
        there = pc.fill_null(pc.greater(rows["deleted_on"], day), True)
        kept = rows.filter(pc.and_(entered, there))
        at = kept.schema.get_field_index("deleted_on")
        nothing = pa.nulls(kept.num_rows, pa.date32())
        return kept.set_column(at, kept.schema.field(at), nothing)


def _files(paths: Sequence[Path]) -> str:
    return f"read_parquet([{', '.join(_quoted(str(path)) for path in paths)}])"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _of_files(
    paths: Sequence[Path],
    patients: Sequence[str] | None,
    columns: Sequence[str] | None = None,
    exact: bool = False,
) -> pa.Table | None:
    """The row groups that can hold these patients (sorted), or all; ``None`` without a file.

    With *exact* the rows of these patients only.
    """
    if not paths:
        return None
    ids = pa.array(patients or (), pa.string())

    def one(path: Path) -> pa.Table:
        rows = _row_groups(str(path), patients, columns)
        if exact and patients is not None:
            rows = rows.filter(pc.is_in(rows["patient_id"], value_set=ids))
        return rows

    if len(paths) < MANY_FILES:
        return pa.concat_tables([one(path) for path in paths])
    with ThreadPoolExecutor(2) as pool:
        return pa.concat_tables(list(pool.map(one, paths)))


@dataclass(frozen=True)
class _Groups:
    """A file's footer and the least and greatest patient, or code, of each of its row groups."""

    metadata: Any
    least: list[str]
    greatest: list[str]

    @cached_property
    def schema(self) -> pa.Schema:
        """The columns, and what they hold."""
        return self.metadata.schema.to_arrow_schema()

    @cached_property
    def repeating(self) -> list[str]:
        """Texts that are written once and then named by number: a reader may leave them so."""
        if not self.metadata.num_row_groups:
            return []
        first = self.metadata.row_group(0)
        return [
            field.name
            for number, field in enumerate(self.schema)
            if pa.types.is_string(field.type)
            and field.name != "patient_id"
            and first.column(number).has_dictionary_page
        ]


def _rows_to_read(part: Part, patients: Sequence[str] | None) -> int:
    """Rows in the row groups that can hold these patients (sorted), or in all."""
    found = 0
    for path in part.files_of(patients):
        groups = _groups(str(path))
        wanted = range(groups.metadata.num_row_groups)
        for group in wanted if patients is None else _wanted(groups, patients):
            found += groups.metadata.row_group(group).num_rows
    return found


def range_of(path: Path, column: str) -> tuple[str, str]:
    """The least and the greatest value of the column that a file is sorted by."""
    groups = _groups(str(path), column)
    return groups.least[0], groups.greatest[-1]


@lru_cache(maxsize=512)
def _groups(path: str, by: str = "patient_id") -> _Groups:
    """Cached: the files of a snapshot never change."""
    metadata = pq.read_metadata(path)
    names = metadata.schema.to_arrow_schema().names
    if by not in names:
        return _Groups(metadata, [], [])
    column = names.index(by)
    least, greatest = [], []
    for group in range(metadata.num_row_groups):
        statistics = metadata.row_group(group).column(column).statistics
        # Rows without one sort first: a document that is not matched yet, an entry without a code.
        known = statistics is not None and statistics.has_min_max
        least.append(statistics.min if known else "")
        greatest.append(statistics.max if known else "")
    return _Groups(metadata, least, greatest)


def _wanted(groups: _Groups, patients: Sequence[str]) -> list[int]:
    """The row groups that can hold these patients (sorted): each group asks for its own."""
    return [
        number
        for number, (least, most) in enumerate(zip(groups.least, groups.greatest, strict=True))
        if bisect_left(patients, least) < bisect_right(patients, most)
    ]


def _of_one(path: Path, patient_id: str) -> pa.Table | None:
    """The rows of one patient in a file that is sorted by patient; ``None`` where there is none."""
    groups = _groups(str(path))
    wanted = _wanted(groups, [patient_id])
    if not wanted:
        return None
    with pa.memory_map(str(path)) as source:
        file = pq.ParquetFile(
            source,
            metadata=groups.metadata,
            read_dictionary=groups.repeating,
            pre_buffer=False,
        )
        # Most patients have no row in a small table or in a delta: one column tells.
        narrow = len(groups.schema) <= len(MASK)
        columns = None if narrow else ["patient_id"]
        read = file.read_row_groups(wanted, columns=columns, use_threads=False)
        mine = pc.indices_nonzero(pc.equal(read["patient_id"], patient_id))
        if not len(mine):
            return None
        if not narrow:
            read = file.read_row_groups(wanted, use_threads=False)
        # Texts are put together only for this patient's rows, not for all in the group.
        rows = read.slice(mine[0].as_py(), len(mine))
        return rows.cast(groups.schema) if groups.repeating else rows


def _row_groups(
    path: str, patients: Sequence[str] | None, columns: Sequence[str] | None
) -> pa.Table:
    if patients is None:
        return pq.ParquetFile(path).read(columns=None if columns is None else list(columns))
    groups = _groups(path)
    wanted = _wanted(groups, patients)
    if not wanted:
        schema = groups.schema
        held = schema if columns is None else pa.schema([schema.field(c) for c in columns])
        return held.empty_table()
    # Read in this thread: to hand a few kilobytes to another takes longer than to read them.
    file = pq.ParquetFile(path, metadata=groups.metadata, memory_map=True, pre_buffer=False)
    try:
        return file.read_row_groups(
            wanted, columns=None if columns is None else list(columns), use_threads=len(wanted) > 8
        )
    finally:
        file.close()

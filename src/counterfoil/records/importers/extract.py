"""The CSV files of a GP system's extract as tables of a DuckDB database, at the speed of its reader.

A table may come in several files, whose columns may differ. Columns are found by their headers, not
their places. Every row keeps the number of its file and its own number there (the header is row 1;
a quoted line break starts no row). A file that DuckDB's reader refuses is gone through row by row:
rows with too few or too many cells are set aside, and what is wrong with the file as a whole raises
:class:`DataError` with its place.
"""

from __future__ import annotations

import csv
import filecmp
import re
import shutil
import tempfile
import weakref
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from counterfoil.foundation.database import connect
from counterfoil.foundation.errors import DataError, Problem
from counterfoil.records.importers.csv_file import check_delimiter, check_text, read_header
from counterfoil.records.nhs import MOST_PROBLEMS

MEMORY = "2GB"
"""What the database may hold in memory; beyond it, it goes to disk."""

_BLOCK = 8 << 20
_LEAST_TO_MISSPELL = 8
_WORDS = re.compile(r"[^0-9a-z]")
_COPY = re.compile(r"^copy (?:\(\d+\) )?of |(?: - copy)?(?: ?\(\d+\))?$", re.IGNORECASE)


@dataclass(frozen=True)
class Dialect:
    """How a file's cells are parted and quoted."""

    delimiter: str = ","
    quote: str = '"'


@dataclass(frozen=True)
class Part:
    """One file of a table. Of two parts the one with the greater ``stamp`` is the newer."""

    number: int
    path: Path
    stamp: str = ""


@dataclass(frozen=True)
class Torn:
    """A row with too few or too many cells."""

    part: int
    row: int
    expected: int
    found: int


@dataclass
class Extract:
    """The database of one import, and what was found out about its files."""

    db: duckdb.DuckDBPyConnection
    folder: Path
    dialect: Dialect = Dialect()
    parts: dict[int, Part] = field(default_factory=dict)
    torn: dict[str, list[Torn]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    _cleaned: dict[int, Path] = field(default_factory=dict)

    def part(self, path: Path, stamp: str = "") -> Part:
        """Enter a file; its part is known by number from then on."""
        part = Part(len(self.parts), path, stamp)
        self.parts[part.number] = part
        return part

    def place(self, part: int, row: int) -> str:
        """File and row, for a report."""
        return f"{self.parts[part].path.name} row {row}"

    def load(
        self,
        name: str,
        parts: Sequence[Part],
        fields: Mapping[str, tuple[str, ...]],
        needed: Iterable[str],
        make: Callable[[str, int], str],
        known: Iterable[str] = (),
        *,
        apart: bool = False,
    ) -> frozenset[str]:
        """Run the SQL that *make* makes of a source with the columns *fields*, ``_part``, ``_row``.

        Cells are text, empty ones missing. A field whose header no part has is missing throughout.
        With *apart* the SQL is made and run for each part by itself, by its place in *parts*. Of a
        file that can be read as it stands ``_row`` is then missing: to number its rows, DuckDB
        would read it with one thread. They come in the file's order, the first being row 2.
        *known* are headers that are no news though they are not read. Returns the fields that were
        found in some part. Raises :class:`DataError` for a needed column that is not there and for
        files that cannot be read.
        """
        chosen = {part.number: self._chosen(part, fields, set(needed), known) for part in parts}
        for part in parts:
            if _wants_care(part.path):
                self._clean(name, part)
        runs = [[part] for part in parts] if apart and parts else [list(parts)]
        for number, some in enumerate(runs):
            try:
                self.db.execute(make(self._source(some, fields, chosen, not apart), number))
            except (duckdb.InvalidInputException, duckdb.ConversionException):
                left = [part for part in some if part.number not in self._cleaned]
                if not left:
                    raise
                for part in left:
                    self._clean(name, part)
                self.db.execute(make(self._source(some, fields, chosen, not apart), number))
        return frozenset(f for headers in chosen.values() for f in headers)

    def count(self, part: Part) -> int:
        """Rows of a file whose columns do not matter."""
        width = len(read_header(part.path, self.dialect.delimiter, self.dialect.quote))
        names = {f"c{i}": "VARCHAR" for i in range(width)}
        try:
            return int(first(self.db, f"SELECT count(*) FROM {self._reader(part.path, names)}"))
        except (duckdb.InvalidInputException, duckdb.ConversionException):
            with part.path.open("rb") as file:
                return (
                    max(
                        sum(block.count(b"\n") for block in iter(lambda: file.read(_BLOCK), b"")), 1
                    )
                    - 1
                )

    def _chosen(
        self,
        part: Part,
        fields: Mapping[str, tuple[str, ...]],
        needed: set[str],
        known: Iterable[str],
    ) -> dict[str, int]:
        """The position of each field's column in a part."""
        header = read_header(part.path, self.dialect.delimiter, self.dialect.quote)
        check_delimiter(part.path, header, self.dialect.delimiter)
        at = {_plain(name): position for position, name in reversed(list(enumerate(header)))}
        accepted = {_plain(a) for aliases in fields.values() for a in aliases}
        accepted |= {_plain(name) for name in known}
        strange = [name for name in at if name not in accepted]
        chosen: dict[str, int] = {}
        problems = []
        for name, aliases in fields.items():
            found = next((at[_plain(a)] for a in aliases if _plain(a) in at), None)
            if found is None:
                near = [s for s in strange if any(_misspelt(_plain(a), s) for a in aliases)]
                if len(near) == 1:
                    found = at[near[0]]
                    strange.remove(near[0])
                    self.notes.append(
                        f"{part.path.name}: column {header[found][:40]!r} was taken for "
                        f"{aliases[0]}, which it nearly is"
                    )
            if found is not None:
                chosen[name] = found
            elif name in needed:
                problems.append(
                    Problem(
                        f"{part.path.name} row 1",
                        f"expected a column {aliases[0]}",
                        "no such column",
                    )
                )
        if problems:
            raise DataError(*problems[:MOST_PROBLEMS])
        for name in strange:
            self.notes.append(
                f"{part.path.name}: column {header[at[name]][:40]!r} is not known: not read"
            )
        return chosen

    def _source(
        self,
        parts: Sequence[Part],
        fields: Mapping[str, tuple[str, ...]],
        chosen: Mapping[int, Mapping[str, int]],
        numbered: bool,
    ) -> str:
        selects = []
        count = "row_number() OVER () + 1" if numbered else "NULL::BIGINT"
        for part in parts:
            columns = chosen[part.number]
            width = len(read_header(part.path, self.dialect.delimiter, self.dialect.quote))
            names = {f"c{i}": "VARCHAR" for i in range(width)}
            own = ", ".join(
                f'c{columns[name]} AS "{name}"' if name in columns else f'NULL::VARCHAR AS "{name}"'
                for name in fields
            )
            clean = self._cleaned.get(part.number)
            if clean is not None:
                reader = self._reader(clean, {"_row": "BIGINT", **names}, Dialect())
                selects.append(
                    f"SELECT {own}, {part.number}::SMALLINT AS _part, _row FROM {reader}"
                )
            else:
                reader = self._reader(part.path, names)
                selects.append(
                    f"SELECT {own}, {part.number}::SMALLINT AS _part, {count} AS _row FROM {reader}"
                )
        if not selects:
            own = ", ".join(f'NULL::VARCHAR AS "{name}"' for name in fields)
            selects.append(f"SELECT {own}, 0::SMALLINT AS _part, 0::BIGINT AS _row WHERE false")
        return "(" + " UNION ALL ".join(selects) + ")"

    def _reader(self, path: Path, names: Mapping[str, str], dialect: Dialect | None = None) -> str:
        dialect = dialect or self.dialect
        columns = ", ".join(f"'{name}': '{kind}'" for name, kind in names.items())
        return (
            f"read_csv({_text(str(path))}, auto_detect = false, header = false, skip = 1, "
            f"delim = {_text(dialect.delimiter)}, quote = {_text(dialect.quote)}, "
            f"escape = {_text(dialect.quote)}, nullstr = '', columns = {{{columns}}})"
        )

    def _clean(self, name: str, part: Part) -> None:
        """Write the rows of a file that have the right number of cells, each with its number."""
        check_text(part.path, self.dialect.quote)
        width = len(read_header(part.path, self.dialect.delimiter, self.dialect.quote))
        clean = self.folder / f"clean-{part.number}.csv"
        row = 1
        with (
            part.path.open(encoding="utf-8-sig", newline="") as source,
            clean.open("w", encoding="utf-8", newline="") as target,
        ):
            writer = csv.writer(target, lineterminator="\n")
            writer.writerow(["_row", *(f"c{i}" for i in range(width))])
            reader = csv.reader(
                source, delimiter=self.dialect.delimiter, quotechar=self.dialect.quote, strict=True
            )
            try:
                next(reader, None)
                for row, cells in enumerate(reader, 2):
                    if not cells or not any(cells):
                        continue
                    if len(cells) == width:
                        writer.writerow([row, *cells])
                    else:
                        self.torn.setdefault(name, []).append(
                            Torn(part.number, row, width, len(cells))
                        )
            except csv.Error:
                raise DataError.at(
                    f"{part.path.name} row {row + 1}",
                    "expected comma-separated values with quotation marks in pairs",
                ) from None
        self._cleaned[part.number] = clean


def open_database(folder: Path) -> duckdb.DuckDBPyConnection:
    """A database in memory that keeps what does not fit in *folder*.

    It joins in the order that a query says: of a CSV file it cannot know the size, and would take
    it whole into memory to look up the rows of a small table.
    """
    database = connect(memory_limit=MEMORY, temp_directory=str(folder / "spill"))
    database.execute("SET disabled_optimizers = 'join_order,build_side_probe_side'")
    return database


def first(db: duckdb.DuckDBPyConnection, sql: str) -> Any:
    """The first cell of a query's first row; ``None`` where it has none."""
    rows = db.execute(sql).fetchall()
    return rows[0][0] if rows else None


def left_out_copies(found: Mapping[str, Sequence[Path]], copies: Iterable[Path]) -> list[str]:
    """A note on every file that is a copy of one that is read, such as ``SRCode (1).csv``.

    *found* are the files that are read, by table. Raises :class:`DataError` for a copy that says
    something else than each of them: which of the two is meant cannot be known.
    """
    notes = []
    read = [path for paths in found.values() for path in paths]
    for copy in copies:
        size = copy.stat().st_size
        same = [p for p in read if p.stat().st_size == size and filecmp.cmp(p, copy, False)]
        if not same:
            raise DataError.at(
                copy.name[:80],
                "expected each file once: keep the one that is meant",
                "what looks like a copy, with other content",
            )
        notes.append(f"{copy.name[:80]} is a copy of {same[0].name[:80]}: not read")
    return notes


def missing_files(found: Collection[str], wanted: Iterable[str], patients: str) -> list[str]:
    """A note on the tables of a whole extract that have no file.

    Raises :class:`DataError` where it is that of the *patients*: nobody's rows could be loaded.
    """
    lacking = [name for name in wanted if name not in found]
    if patients in lacking:
        raise DataError.at(
            "the extract",
            f"expected a file of {patients} (an extract of changes only may lack it: is it one? "
            "then say so)",
            "no CSV file of it",
        )
    if not lacking:
        return []
    return [f"there is no file of {', '.join(lacking)}: the record will have none of these rows"]


def without_copy_marks(stem: str) -> str:
    """The name of a file without what a computer adds to a second one of it."""
    return _COPY.sub("", stem).strip()


class Scratch:
    """A private folder that is removed with the last reference to it."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="counterfoil-import-"))
        self._end = weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


def sniff_dialect(path: Path) -> Dialect:
    """The delimiter and quotation mark of a file, by its first row.

    Raises :class:`DataError` where the first row is not text.
    """
    line = _first_line(path)
    delimiter = max(",|;\t~^", key=line.count)
    if line.count(delimiter) == 0:
        delimiter = ","
    quote = "'" if line.startswith("'") else '"'
    return Dialect(delimiter, quote)


def _first_line(path: Path) -> str:
    read_header(path)
    with path.open("rb") as file:
        return file.readline(1 << 16).decode("utf-8-sig", "replace").strip()


def _plain(name: str) -> str:
    return _WORDS.sub("", name.lower())


def _misspelt(wanted: str, found: str) -> bool:
    """Whether *found* is *wanted* with one letter left out, added, changed or two swapped."""
    if min(len(wanted), len(found)) < _LEAST_TO_MISSPELL or abs(len(wanted) - len(found)) > 1:
        return False
    head = 0
    while head < min(len(wanted), len(found)) and wanted[head] == found[head]:
        head += 1
    one, other = wanted[head:], found[head:]
    swapped = len(one) > 1 and one[:2] == other[1::-1] and one[2:] == other[2:]
    return swapped or one[1:] == other[1:] or one[1:] == other or one == other[1:]


def _wants_care(path: Path) -> bool:
    """Whether the file holds NUL, or lines that are empty, which the fast reader passes over."""
    last = b""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            for each in (last + block[:1], block):
                if b"\0" in each or b"\n\n" in each:
                    return True
                if b"\r" in each and (b"\n\r" in each or b"\r\r" in each):
                    return True
            last = block[-1:]
    return False


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

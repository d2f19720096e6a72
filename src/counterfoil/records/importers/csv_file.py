"""One CSV file as columns of text, with the number of every row.

UTF-8 with or without a byte order mark, commas, RFC 4180 quotes, a header. Rows are counted as
records, the header being row 1: a quoted line break does not start a new row. An empty cell is
missing. Lines that are empty throughout are no rows.
"""

from __future__ import annotations

import codecs
import csv
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from counterfoil.foundation.errors import DataError

_BLOCK = 8 << 20
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
SAVE_AS = " (a spreadsheet saves it as 'CSV UTF-8')"
"""What somebody can do about a file in another encoding."""
_ARROW_ROW = re.compile(r"Row #(\d+)")


@dataclass(frozen=True)
class CsvFile:
    """The text of a file's columns by header name, and where each row stands.

    ``torn`` are the rows with too few or too many cells: row number, cells found.
    """

    name: str
    header: tuple[str, ...]
    columns: dict[str, pa.Array]
    numbers: npt.NDArray[np.int64]
    torn: list[tuple[int, int]] = field(default_factory=list)

    @property
    def read(self) -> int:
        """Rows in the file, the header left out."""
        return len(self.numbers) + len(self.torn)


def read_header(path: Path, delimiter: str = ",", quote: str = '"') -> tuple[str, ...]:
    """The names in the first row, as written but for surrounding blanks and a byte order mark.

    Raises :class:`DataError` where the file is empty, is not UTF-8 or names a column twice.
    """
    with path.open("rb") as file:
        start = file.read(1 << 16)
    if not start.strip():
        raise DataError.at(path.name, "expected a header row", "an empty file")
    if b"\0" in start[:200] or start.startswith(_UTF16):
        other = "UTF-16" if start.startswith(_UTF16) else "another encoding"
        raise DataError.at(f"{path.name} row 1", f"expected UTF-8 text{SAVE_AS}", other)
    first = start.splitlines()[0]
    if first.removeprefix(codecs.BOM_UTF8).lower().startswith(b"sep="):
        raise DataError.at(
            f"{path.name} row 1", "expected the header", "a row 'sep=' for a spreadsheet: remove it"
        )
    try:
        text = first.decode("utf-8-sig")
        reader = csv.reader([text], delimiter=delimiter, quotechar=quote, strict=True)
        names = tuple(name.strip() for name in next(reader, []))
    except (UnicodeDecodeError, csv.Error):
        raise DataError.at(f"{path.name} row 1", "expected a header in UTF-8 text") from None
    # A spreadsheet leaves columns without a name at the end.
    names = tuple(name or f"(column {n} without a name)" for n, name in enumerate(names, 1))
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError.at(
            f"{path.name} row 1", "expected each column once", f"{twice[0][:40]!r} twice"
        )
    return names


def check_delimiter(path: Path, header: tuple[str, ...], delimiter: str = ",") -> None:
    """Raises :class:`DataError` where a header is one cell only because something else parts it."""
    if len(header) != 1:
        return
    for other, word in _DELIMITERS.items():
        if other != delimiter and header[0].count(other) > 1:
            raise DataError.at(
                f"{path.name} row 1",
                f"expected cells parted by {_DELIMITERS.get(delimiter, repr(delimiter))}",
                f"cells parted by {word}",
            )


def read_columns(path: Path, header: tuple[str, ...]) -> CsvFile:
    """Every column of a file whose header is *header*.

    Raises :class:`DataError` where the text is not UTF-8 or a quotation mark is never closed.
    """
    if not check_text(path):
        return CsvFile(
            path.name, header, {name: pa.array([], pa.string()) for name in header}, _none()
        )
    torn: list[tuple[int, int]] = []

    def tear(row: pacsv.InvalidRow) -> str:
        torn.append((row.number, row.actual_columns))
        return "skip"

    # The header is skipped and named again, so that blanks round its names do no harm.
    try:
        table = pacsv.read_csv(
            path,
            read_options=pacsv.ReadOptions(
                use_threads=False, block_size=_BLOCK, column_names=list(header), skip_rows=1
            ),
            parse_options=pacsv.ParseOptions(
                newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=tear
            ),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
        )
    except pa.ArrowInvalid as error:
        row = _ARROW_ROW.search(str(error))
        place = f"{path.name} row {row.group(1)}" if row else path.name
        raise DataError.at(
            place, "expected comma-separated values as in the CSV template"
        ) from None
    return _numbered(path, header, table, torn)


def _none() -> npt.NDArray[np.int64]:
    return np.zeros(0, np.int64)


def _numbered(
    path: Path, header: tuple[str, ...], table: pa.Table, torn: list[tuple[int, int]]
) -> CsvFile:
    everything = np.arange(2, 2 + table.num_rows + len(torn), dtype=np.int64)
    lost = np.array([number - 2 for number, _ in torn], dtype=np.int64)
    numbers = np.delete(everything, lost[lost < len(everything)])[: table.num_rows]
    columns = {name: _whole(table[name]) for name in table.column_names}
    blank: pa.Array | None = None
    for values in columns.values():
        missing = pc.is_null(values)
        blank = missing if blank is None else pc.and_(blank, missing)
    if blank is not None and pc.any(blank).as_py():
        keep = pc.invert(blank)
        columns = {name: values.filter(keep) for name, values in columns.items()}
        numbers = numbers[keep.to_numpy(zero_copy_only=False)]
    return CsvFile(path.name, header, columns, numbers, torn)


def _whole(values: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], pa.string())


def check_text(path: Path, quote: str = '"') -> bool:
    """Check the whole file: UTF-8, no NUL, quotation marks in pairs. Whether it has rows.

    An odd number of quotation marks means that one of them swallowed rows. Raises
    :class:`DataError` with the line.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    quotes = lines = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            try:
                decoder.decode(block)
                bad = block.find(b"\0")
            except UnicodeDecodeError as error:
                bad = max(error.start, 0)
            if bad >= 0:
                line = lines + block.count(b"\n", 0, bad) + 1
                raise DataError.at(
                    f"{path.name} line {line}", f"expected UTF-8 text{SAVE_AS}", "another encoding"
                )
            quotes += block.count(quote.encode())
            lines += block.count(b"\n") or block.count(b"\r")
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise DataError.at(path.name, "expected whole UTF-8 text", "a cut character") from None
    if quotes % 2:
        raise DataError.at(
            path.name, "expected every quotation mark to be closed", "one that is not"
        )
    return lines > 0

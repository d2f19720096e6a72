"""The BNF codes of dm+d products: NHSBSA's "BNF SNOMED mapping" workbook (or its rows as CSV).

dm+d itself holds no 15-character BNF code. The workbook has a row for each VMP, VMPP, AMP and AMPP;
many rows have no code, and are kept without one.
"""

from __future__ import annotations

import csv
import io
import re
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from counterfoil.foundation.errors import DataError
from counterfoil.terminology.ids import is_snomed_id
from counterfoil.terminology.releases.report import Anomaly, LoadReport
from counterfoil.terminology.releases.sniff import Kind, Options
from counterfoil.terminology.releases.source import Entry, Source, spool
from counterfoil.terminology.releases.store import Facts, Releases, Written, content_hash

ATTRIBUTION = (
    "Contains public sector information licensed under the Open Government Licence v3.0. "
    "© Crown copyright, NHS Business Services Authority (BNF to SNOMED mapping)."
)
MOST_BYTES = 256 << 20
MOST_ROWS = 1_048_576
"""What a worksheet can hold."""

_HEADERS = {
    "vmp / vmpp/ amp / ampp": "level",
    "vmp/vmpp/amp/ampp": "level",
    "bnf code": "bnf_code",
    "bnf name": "bnf_name",
    "mdr: product description": "bnf_name",
    "snomed code": "id",
    "dm+d: product description": "name",
    "dm+d: product and pack description": "pack_name",
}
_COLUMNS = ("id", "level", "bnf_code", "bnf_name", "name", "pack_name")
_NEEDED = ("id", "level", "bnf_code")
_LEVELS = ("VTM", "VMP", "VMPP", "AMP", "AMPP")
_BNF_CODE = re.compile(r"[0-9A-Z]{9,15}\Z")
_DAY = re.compile(r"(20\d{2})[-_]?(\d{2})[-_]?(\d{2})(?!\d)")


def sniff(source: Source) -> str | None:
    """Why this is the mapping: a workbook or CSV has its columns. Beside dm+d files, it is none."""
    if any(e.name.lower().endswith(".xml") for e in source.entries):
        return None
    for entry in _candidates(source):
        try:
            header = next(_rows(entry), (0, []))[1]
        except DataError:
            continue
        if _places(header) is not None:
            return f"{entry.name} has the columns BNF Code and SNOMED Code"
    return None


def load(releases: Releases, source: Source, options: Options) -> LoadReport:
    """Load the mapping; :class:`DataError` names what is wrong, with file, row and column."""
    entries = [e for e in _candidates(source) if _places(next(_rows(e), (0, []))[1]) is not None]
    if len(entries) > 1:
        names = ", ".join(e.name for e in entries)
        raise DataError.at(str(source.path), "one mapping is expected", names)
    (entry,) = entries
    digest = entry.sha256()
    day = _DAY.search(entry.place)
    date = f"{day[1]}-{day[2]}-{day[3]}" if day else None
    content = content_hash({entry.name: digest})
    facts = Facts(
        kind="bnf-map",
        title="a BNF code mapping",
        role="bnf",
        version=date or content[:8],
        date=date,
        content=content,
        files=({"file": entry.place, "sha256": digest, "bytes": entry.size},),
        attribution=ATTRIBUTION,
    )
    return releases.add(facts, options.why, lambda folder: _write(folder, entry))


KINDS = (Kind("bnf-map", "a BNF to SNOMED mapping (xlsx or CSV)", sniff, load),)


def _candidates(source: Source) -> list[Entry]:
    return [*source.named(".xlsx"), *source.named(".csv")]


def _places(header: list[Any]) -> dict[str, int] | None:
    """Where each column stands; None where the header is not that of the mapping."""
    found: dict[str, int] = {}
    for place, cell in enumerate(header):
        name = _HEADERS.get(" ".join(str(cell or "").lower().split()))
        if name is not None:
            found.setdefault(name, place)
    return found if all(name in found for name in _NEEDED) else None


def _rows(entry: Entry) -> Iterator[tuple[int, list[Any]]]:
    """The rows with their numbers in the sheet, the header being row 1."""
    yield from _sheet(entry) if entry.name.lower().endswith(".xlsx") else _text(entry)


def _sheet(entry: Entry) -> Iterator[tuple[int, list[Any]]]:
    from openpyxl import load_workbook

    content = spool(entry, MOST_BYTES)
    check_workbook(entry, content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles that are missing
            book = load_workbook(content, read_only=True, data_only=True, keep_links=False)
        with closing(book):
            sheet = next((s for s in book.worksheets if _is_mapping(s)), book.worksheets[0])
            for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
                if number > MOST_ROWS:
                    raise DataError.at(entry.place, f"at most {MOST_ROWS:,} rows are expected")
                yield number, list(row)
    except DataError:
        raise
    except Exception as error:  # the reader's own errors are of every type
        raise DataError.at(entry.place, "a workbook (xlsx) is expected", str(error)) from error


def _is_mapping(sheet: Any) -> bool:
    first = next(sheet.iter_rows(max_row=1, values_only=True), ())
    return _places(list(first)) is not None


def check_workbook(entry: Entry, content: io.BytesIO) -> None:
    """A workbook is a zip: its parts are bounded like any other's."""
    try:
        with zipfile.ZipFile(content) as archive:
            size = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise DataError.at(entry.place, "a workbook (xlsx) is expected", str(error)) from error
    if size > 8 * MOST_BYTES:
        raise DataError.at(entry.place, f"a workbook of at most {8 * MOST_BYTES:,} bytes unpacked")
    content.seek(0)


def _text(entry: Entry) -> Iterator[tuple[int, list[Any]]]:
    try:
        text = entry.read(MOST_BYTES).decode("utf-8-sig")
        yield from enumerate(csv.reader(io.StringIO(text, newline=""), strict=True), start=1)
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError.at(entry.place, "a CSV file in UTF-8 is expected", str(error)) from error


def _write(folder: Path, entry: Entry) -> Written:
    columns: dict[str, list[str | None]] = {name: [] for name in _COLUMNS}
    rows = _rows(entry)
    places = _places(next(rows)[1]) or {}
    seen: set[tuple[str | None, str | None]] = set()
    without, twice = [], []
    for number, row in rows:
        cells = {
            name: _text_of(row[place], f"{entry.place} row {number}, {name}")
            for name, place in places.items()
            if place < len(row)
        }
        if not any(cells.values()):
            continue
        if cells.get("id") is None:
            without.append(f"row {number}")
            continue
        _check_row(cells, f"{entry.place} row {number}")
        pair = (cells["id"], cells.get("bnf_code"))
        if pair in seen:
            twice.append(f"row {number}")
        seen.add(pair)
        for name in _COLUMNS:
            columns[name].append(cells.get(name))
    if not seen:
        raise DataError.at(entry.place, "at least one row is expected")
    table = pa.table({name: pa.array(cells, pa.string()) for name, cells in columns.items()})
    pq.write_table(table, str(folder / "bnf_map.parquet"), compression="zstd")
    coded = table.num_rows - table["bnf_code"].null_count
    loaded = table.num_rows
    counts = {"read": loaded + len(without), "loaded": loaded, "rejected": len(without)}
    odd = [
        Anomaly(what, len(found), tuple(found[:5]))
        for what, found in (
            ("rows without a SNOMED code, left out", without),
            ("products twice with the same BNF code", twice),
        )
        if found
    ]
    return Written(
        {"bnf_map": counts}, tuple(odd), (f"{coded:,} of {loaded:,} rows have a BNF code.",)
    )


def _text_of(value: Any, place: str) -> str | None:
    """A cell as text. Excel writes ids with an apostrophe before them so that they stay text."""
    if value is None:
        return None
    if isinstance(value, float) or (isinstance(value, int) and abs(value) >= 10**15):
        raise DataError.at(place, "text is expected; a number loses digits", str(value))
    return str(value).strip().removeprefix("'").strip() or None


def _check_row(cells: dict[str, str | None], place: str) -> None:
    code, level, bnf = cells.get("id"), cells.get("level"), cells.get("bnf_code")
    if code is None or not is_snomed_id(code):
        raise DataError.at(
            f"{place}, SNOMED Code",
            "a SNOMED CT identifier with a right check digit is expected",
            (code or "nothing")[:40],
        )
    if level not in _LEVELS:
        raise DataError.at(f"{place}, level", "VMP, VMPP, AMP or AMPP is expected", str(level)[:40])
    if bnf is not None and not _BNF_CODE.match(bnf):
        raise DataError.at(f"{place}, BNF Code", "a BNF code of 9 to 15 characters", bnf[:40])

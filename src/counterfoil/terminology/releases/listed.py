"""A product list as Parquet or CSV: dm+d's names and packs without its XML.

A file is taken for what its columns say: ``vpid`` with ``nm`` is a list of VMPs, ``vppid`` of VMPPs,
``appid`` of AMPPs, ``apid`` of AMPs, ``vtmid`` of VTMs. One file is a list, and so is a folder of
them. What a list does not say (form, route, controlled drug category, status) stays empty.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from counterfoil.foundation.errors import DataError
from counterfoil.terminology.id_columns import wrong_ids
from counterfoil.terminology.releases import checks
from counterfoil.terminology.releases.columns import rows as product_rows
from counterfoil.terminology.releases.dmd import ATTRIBUTION
from counterfoil.terminology.releases.report import Anomaly, LoadReport
from counterfoil.terminology.releases.sniff import Kind, Options
from counterfoil.terminology.releases.source import Entry, Source
from counterfoil.terminology.releases.store import Facts, Release, Releases, Written, content_hash
from counterfoil.terminology.releases.strength import exact, number

MOST_BYTES = 512 << 20
MOST_ROWS = 5_000_000

_SAME = {
    "vtm_id": "vtmid",
    "vmp_id": "vpid",
    "vmpp_id": "vppid",
    "amp_id": "apid",
    "ampp_id": "appid",
    "name": "nm",
    "bnf_section": "bnf_section8",
    "qtyval": "pack_size",
}
"""Other names of the same columns."""

_LEVELS = {
    "ampp": ("appid", ("vppid",)),
    "amp": ("apid", ("vpid", "nm")),
    "vmpp": ("vppid", ("vpid", "pack_size")),
    "vmp": ("vpid", ("nm",)),
    "vtm": ("vtmid", ("nm",)),
}
"""Level to its own identifier and the columns it cannot do without, the narrowest level first."""

_PARENTS = {"vtmid": "vtm", "vpid": "vmp", "vppid": "vmpp", "apid": "amp"}
_WEEK = re.compile(r"(20\d{2})[-_]?w(\d{2})(?!\d)", re.IGNORECASE)
_DAY = re.compile(r"(20\d{2})-?(\d{2})-?(\d{2})(?!\d)")
_ROUNDED = re.compile(r"\d(\.\d+)?[eE]\+?\d+\Z|\d+\.0+\Z")


@dataclass(frozen=True)
class _List:
    """One file's rows as text columns; ``first`` is the number of the first row, for places."""

    entry: Entry
    level: str
    rows: pa.Table
    first: int

    @property
    def key(self) -> str:
        return _LEVELS[self.level][0]

    def place(self, row: int, column: str) -> str:
        """Where a cell stands."""
        return f"{self.entry.place} row {row + self.first}, column {column}"


def _columns_of(entry: Entry) -> list[str] | None:
    """The column names of a Parquet or CSV file; None for a file of another sort."""
    name = entry.name.lower()
    try:
        if name.endswith(".parquet"):
            return list(pq.read_schema(pa.BufferReader(entry.read(MOST_BYTES))).names)
        if name.endswith(".csv"):
            line = entry.head(1 << 16).splitlines()[0].decode("utf-8-sig")
            return next(csv.reader([line]))
    except (DataError, pa.ArrowException, OSError, UnicodeError, csv.Error, IndexError):
        return None
    return None


def _plain(names: list[str]) -> list[str]:
    lower = [n.strip().lower() for n in names]
    return [_SAME.get(n, n) for n in lower]


def _level_of(names: list[str]) -> str | None:
    have = set(_plain(names))
    for level, (key, needed) in _LEVELS.items():
        if key in have and have.issuperset(needed):
            return level
    return None


def sniff(source: Source) -> str | None:
    """Why this is a product list: some file has the columns of one."""
    for entry in source.entries:
        names = _columns_of(entry)
        if names is not None and (level := _level_of(names)) is not None:
            return f"{entry.name} has the columns of a list of {level.upper()}s"
    return None


def load(releases: Releases, source: Source, options: Options) -> LoadReport:
    """Load a product list; :class:`DataError` names what is wrong, with file, row and column."""
    lists: dict[str, _List] = {}
    for entry in source.entries:
        names = _columns_of(entry)
        level = None if names is None else _level_of(names)
        if level is None:
            continue
        if level in lists:
            raise DataError.at(
                entry.place,
                f"one list of each level is expected; {lists[level].entry.place} is a list of "
                f"{level.upper()}s too",
            )
        lists[level] = _read(entry, level)
    _one_version(list(lists.values()), options)
    hashes = {each.entry.name: each.entry.sha256() for each in lists.values()}
    day, version = _dated(lists, content_hash(hashes))
    facts = Facts(
        kind="product-list",
        title="a product list",
        role="products",
        version=version,
        date=day,
        content=content_hash(hashes),
        files=tuple(
            {
                "file": each.entry.place,
                "sha256": hashes[each.entry.name],
                "bytes": each.entry.size,
                "rows": each.rows.num_rows,
            }
            for each in lists.values()
        ),
        attribution=ATTRIBUTION,
    )
    before = None if options.accept_loss else releases.before(facts)
    return releases.add(facts, options.why, lambda folder: _write(folder, source, lists, before))


KINDS = (Kind("product-list", "a product list (Parquet or CSV)", sniff, load),)


def _read(entry: Entry, level: str) -> _List:
    content = entry.read(MOST_BYTES)
    csv_file = entry.name.lower().endswith(".csv")
    rows = _csv_rows(entry, content) if csv_file else _parquet_rows(entry, content)
    return _List(entry, level, rows, 2 if csv_file else 1)


def _parquet_rows(entry: Entry, content: bytes) -> pa.Table:
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        if file.metadata.num_rows > MOST_ROWS:
            raise DataError.at(entry.place, f"at most {MOST_ROWS:,} rows are expected")
        table = file.read()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError.at(entry.place, "a whole Parquet file is expected", str(error)) from error
    names = _plain(list(table.column_names))
    _each_once(entry, names)
    arrays = [_as_text(entry, name, table.column(i)) for i, name in enumerate(names)]
    return pa.table(arrays, names=names)


def _as_text(entry: Entry, name: str, column: pa.ChunkedArray) -> pa.Array:
    """A column as text; an id that is kept as a float has lost digits and is refused."""
    if pa.types.is_floating(column.type) and (name in _PARENTS or name == "appid"):
        raise DataError.at(
            f"{entry.place} column {name}",
            "identifiers as text are expected; a floating-point number loses their digits",
            str(column.type),
        )
    if pa.types.is_floating(column.type):
        words = [None if v is None or v != v else repr(v) for v in column.to_pylist()]
        return pa.array([w and w.removesuffix(".0") for w in words], pa.string())
    try:
        text = pc.utf8_trim_whitespace(column.cast(pa.string()).combine_chunks())
    except pa.ArrowException as error:
        raise DataError.at(
            f"{entry.place} column {name}", "a column of text or numbers is expected", str(error)
        ) from error
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)


def _csv_rows(entry: Entry, content: bytes) -> pa.Table:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DataError.at(f"{entry.place} line {line}", "UTF-8 text is expected") from error
    try:
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        names = _plain(next(reader))
        _each_once(entry, names)
        rows = []
        for number_, row in enumerate(reader, start=2):
            if not row:
                continue
            if len(row) != len(names):
                raise DataError.at(
                    f"{entry.place} row {number_}",
                    f"{len(names)} cells are expected",
                    str(len(row)),
                )
            rows.append([cell.strip() or None for cell in row])
    except csv.Error as error:
        raise DataError.at(
            f"{entry.place} line {reader.line_num}", "a CSV file is expected", str(error)
        ) from error
    columns = ([row[place] for row in rows] for place in range(len(names)))
    return pa.table([pa.array(c, pa.string()) for c in columns], names=names)


def _each_once(entry: Entry, names: list[str]) -> None:
    again = {n for n in names if names.count(n) > 1}
    if again:
        raise DataError.at(entry.place, "each column once is expected", ", ".join(sorted(again)))


def _one_version(lists: list[_List], options: Options) -> None:
    versions = {v: each.entry.name for each in lists if (v := _named_version(each.entry.name))}
    if len(versions) > 1 and not options.allow_mixed:
        raise DataError.at(
            ", ".join(sorted(versions.values())),
            "lists of one date are expected (--allow-mixed loads them as one)",
            ", ".join(sorted(versions)),
        )


def _named_version(name: str) -> str | None:
    """The week (``2025w34``) or day that a file's name states."""
    week = _WEEK.search(name)
    if week is not None:
        return f"{week[1]}w{week[2]}"
    day = _DAY.search(name)
    return f"{day[1]}-{day[2]}-{day[3]}" if day is not None else None


def _dated(lists: dict[str, _List], content: str) -> tuple[str | None, str]:
    """The list's date and version, from the files' names; else the newest price date; else none."""
    named = max(
        (v for each in lists.values() if (v := _named_version(each.entry.name))), default=""
    )
    days = [
        day
        for each in lists.values()
        if "price_date" in each.rows.column_names
        for day in each.rows["price_date"].to_pylist()
        if day is not None and _DAY.fullmatch(day)
    ]
    day = (_day_of(named) if named else None) or max(days, default=None)
    return day, named or day or content[:8]


def _day_of(version: str) -> str | None:
    """The day of a version. dm+d's week is the ISO week, its files are of the Thursday before.

    The release of week 8 of 2025 has files of 13 February, a Thursday (measured).
    """
    try:
        if "w" in version:
            year, week = version.split("w")
            monday = date.fromisocalendar(int(year), int(week), 1)
            return (monday - timedelta(days=4)).isoformat()
        return date.fromisoformat(version).isoformat()
    except ValueError:
        return None


def _write(
    folder: Path, source: Source, lists: dict[str, _List], before: Release | None
) -> Written:
    (folder / "source").mkdir()
    keys: dict[str, pa.Array] = {}
    counts = {level: each.rows.num_rows for level, each in lists.items()}
    for level, each in lists.items():
        keys[level] = _checked_ids(each)
        pq.write_table(each.rows, str(folder / "source" / f"{level}.parquet"), compression="zstd")
    for each in lists.values():
        _references(each, keys)
    if before is not None:
        mine = {level: n for level, n in before.counts.items() if level in counts}
        checks.stop_at_loss(str(source.path), before.name, mine, counts)
    odd: list[Anomaly] = []
    parts = [_PRODUCTS[level](lists, odd) for level in _PRODUCTS if level in lists]
    pq.write_table(pa.concat_tables(parts), str(folder / "product.parquet"), compression="zstd")
    notes = [
        "A product list says nothing of form, route, controlled drug category, prescribing status "
        "or former ids."
    ]
    if "vmpp" in lists and "nm" not in lists["vmpp"].rows.column_names:
        notes.append("The list of VMPPs has no names: name, quantity and unit were put together.")
    tables = {level: {"read": n, "loaded": n} for level, n in counts.items()}
    return Written(tables, tuple(odd), tuple(notes))


def _checked_ids(each: _List) -> pa.Array:
    """The list's own identifiers, each once, with right check digits; names present."""
    for name in ("appid", *_PARENTS):
        if name in each.rows.column_names:
            _check_column(each, name, each.rows[name].combine_chunks(), needed=name == each.key)
    if "nm" in each.rows.column_names and each.rows["nm"].null_count:
        row = int(np.flatnonzero(pc.is_null(each.rows["nm"]).to_numpy())[0])
        raise DataError.at(each.place(row, "nm"), "a name is expected", "nothing")
    keys = each.rows[each.key].combine_chunks()
    if not len(keys):
        raise DataError.at(each.entry.place, "at least one row is expected")
    if pc.count_distinct(keys).as_py() != len(keys):
        seen: set[str] = set()
        for row, key in enumerate(keys.to_pylist()):
            if key in seen:
                raise DataError.at(each.place(row, each.key), "each identifier once", key)
            seen.add(key)
    return keys


def _check_column(each: _List, name: str, values: pa.Array, *, needed: bool) -> None:
    if needed and values.null_count:
        row = int(np.flatnonzero(pc.is_null(values).to_numpy(zero_copy_only=False))[0])
        raise DataError.at(each.place(row, name), "an identifier is expected", "nothing")
    wrong = wrong_ids(values.drop_null())
    if len(wrong):
        there = np.flatnonzero(pc.is_valid(values).to_numpy(zero_copy_only=False))
        row = int(there[wrong[0]])
        found = values[row].as_py()
        words = "a SNOMED CT identifier with a right check digit is expected"
        if _ROUNDED.search(found):
            words += "; a spreadsheet has rounded this one"
        raise DataError.at(each.place(row, name), words, found[:40])


def _references(each: _List, keys: dict[str, pa.Array]) -> None:
    """Every parent that the row names is in the list of that level, where that list is here."""
    for name, level in _PARENTS.items():
        if name == each.key or name not in each.rows.column_names or level not in keys:
            continue
        values = each.rows[name].combine_chunks()
        lost = pc.and_(pc.is_valid(values), pc.invert(pc.is_in(values, value_set=keys[level])))
        if pc.any(lost).as_py():
            row = int(np.flatnonzero(lost.to_numpy(zero_copy_only=False))[0])
            raise DataError.at(
                each.place(row, name),
                f"an identifier of the list of {level.upper()}s is expected",
                values[row].as_py(),
            )


def _cells(each: _List, name: str) -> pa.Array:
    if name not in each.rows.column_names:
        return pa.nulls(each.rows.num_rows, pa.string())
    return each.rows[name].combine_chunks()


def _quantities(each: _List, name: str) -> pa.Array:
    """Exact numbers as text; ``DataError`` where one is none."""
    made = []
    for row, value in enumerate(_cells(each, name).to_pylist()):
        if value is not None and not re.fullmatch(r"\d{1,12}(\.\d{1,12})?", value):
            raise DataError.at(each.place(row, name), "a number is expected", value[:40])
        made.append(None if value is None else exact(number(value)))
    return pa.array(made, pa.string())


def _units(each: _List, odd: list[Anomaly]) -> pa.Array:
    """Units of packs; a unit that is still a code is none."""
    values = _cells(each, "unit")
    coded = pc.fill_null(pc.match_substring_regex(values, r"^\d{6,}$"), False)
    if pc.any(coded).as_py():
        codes = values.filter(coded)
        shown = tuple(sorted(set(codes.to_pylist()))[:5])
        odd.append(Anomaly("packs whose unit is a code without a description", len(codes), shown))
    return pc.if_else(coded, pa.scalar(None, pa.string()), values)


def _common(each: _List, level: str) -> dict[str, Any]:
    count = each.rows.num_rows
    return {
        "id": _cells(each, each.key),
        "level": pa.repeat(level, count),
        "name": _cells(each, "nm"),
        "vtm_id": _cells(each, "vtmid"),
        "vmp_id": _cells(each, "vpid"),
        "supplier": _cells(each, "supplier"),
        "invalid": pa.repeat(False, count),
    }


def _vtms(lists: dict[str, _List], odd: list[Anomaly]) -> pa.Table:
    each = lists["vtm"]
    return product_rows(each.rows.num_rows, _common(each, "VTM"))


def _vmps(lists: dict[str, _List], odd: list[Anomaly]) -> pa.Table:
    each = lists["vmp"]
    atc = _cells(each, "atc")
    return product_rows(
        each.rows.num_rows,
        {
            **_common(each, "VMP"),
            "bnf_section": _cells(each, "bnf_section8"),
            "atc": pc.if_else(pc.equal(atc, "n/a"), pa.scalar(None, pa.string()), atc),
            "ddd": _quantities(each, "ddd"),
        },
    )


def _amps(lists: dict[str, _List], odd: list[Anomaly]) -> pa.Table:
    each = lists["amp"]
    extra = {"amp_id": _cells(each, "apid"), "description": _cells(each, "desc")}
    return product_rows(each.rows.num_rows, {**_common(each, "AMP"), **extra})


def _vmpps(lists: dict[str, _List], odd: list[Anomaly]) -> pa.Table:
    each = lists["vmpp"]
    columns = _common(each, "VMPP")
    quantity, unit = _quantities(each, "pack_size"), _units(each, odd)
    if "nm" not in each.rows.column_names and "vmp" in lists:
        vmps = lists["vmp"]
        place = pc.index_in(columns["vmp_id"], value_set=_cells(vmps, "vpid"))
        names = _cells(vmps, "nm").take(place)
        space = pa.scalar(" ")
        columns["name"] = pc.binary_join_element_wise(names, quantity, unit, space)
    return product_rows(
        each.rows.num_rows,
        {
            **columns,
            "vmpp_id": columns["id"],
            "pack_quantity": quantity,
            "pack_unit": unit,
        },
    )


def _ampps(lists: dict[str, _List], odd: list[Anomaly]) -> pa.Table:
    each = lists["ampp"]
    columns = {
        **_common(each, "AMPP"),
        "vmpp_id": _cells(each, "vppid"),
        "amp_id": _cells(each, "apid"),
    }
    if "vmpp" in lists:
        packs = lists["vmpp"]
        place = pc.index_in(columns["vmpp_id"], value_set=_cells(packs, "vppid"))
        columns["pack_quantity"] = _quantities(packs, "pack_size").take(place)
        columns["pack_unit"] = _units(packs, []).take(place)
        if "vpid" not in each.rows.column_names:
            columns["vmp_id"] = _cells(packs, "vpid").take(place)
    return product_rows(each.rows.num_rows, columns)


_PRODUCTS: dict[str, Callable[[dict[str, _List], list[Anomaly]], pa.Table]] = {
    "vtm": _vtms,
    "vmp": _vmps,
    "amp": _amps,
    "vmpp": _vmpps,
    "ampp": _ampps,
}

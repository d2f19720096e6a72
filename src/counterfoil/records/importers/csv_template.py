"""The project's own CSV template: a folder with one file per table of the schema.

The columns of a table are the headers of its file, in any order; dates are ISO, text is UTF-8. A
file may be missing, and so may a column that may be null, a common column, or one that has a
default here (:data:`DEFAULTS`). An empty cell is missing.

What is wrong with the folder as a whole refuses the load (:class:`DataError`): a required column
that is missing, text that is not UTF-8, an NHS number that fails its check digit. What is wrong
with a row rejects the row, with file, row, column and what was expected.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from counterfoil.foundation.errors import DataError, Problem
from counterfoil.records.importers import cells
from counterfoil.records.importers.csv_file import (
    CsvFile,
    check_delimiter,
    read_columns,
    read_header,
)
from counterfoil.records.importers.shown import EARLIEST, LATEST, found
from counterfoil.records.load import Load, Reject, TableCount, newest_day
from counterfoil.records.nhs import MOST_PROBLEMS, is_valid, normalise
from counterfoil.records.persons import DEMO_KEY, person_id_for
from counterfoil.records.schema import ARROW_TYPES, COMMON, TABLES, VALUES, Column, Table, empty

FORMAT = "csv"

DEFAULTS: dict[tuple[str, str], str] = {
    ("patient", "registration_type"): "regular",
    ("patient", "is_test"): "false",
    ("patient", "is_sensitive"): "false",
    ("plan", "status_inferred"): "false",
    ("allergy", "is_degraded"): "false",
}
"""What a required cell means where it is missing. Beside these, ``person_id`` and ``nhs_status``
follow from the NHS number, and a precision from whether there is a date."""

PRECISIONS = {
    ("patient", "birth_precision"): "birth_date",
    ("coded_entry", "precision"): "happened_on",
}
_FROM_NUMBER = {("patient", "person_id"), ("patient", "nhs_status")}
_COMMON = {column.name for column in COMMON}
_SPREADSHEET = r"^\d(\.\d+)?[eE]\+?\d+$"


def read(path: Path, practice: str, *, key: bytes = DEMO_KEY) -> Load:
    """The load of a template folder as the record of *practice*.

    *key* is the installation's key for person ids. A file that names another practice is loaded as
    *practice* all the same, and the report says so. Raises :class:`DataError`.
    """
    files, notes = _files(path)
    headers = {name: _spelt(read_header(file), TABLES[name]) for name, file in files.items()}
    for name, file in files.items():
        check_delimiter(file, headers[name])
    _check_headers(files, headers)
    tables: dict[str, _Draft] = {}
    for name, file in files.items():
        draft = _Draft(TABLES[name], practice, read_columns(file, headers[name]), notes)
        draft.read_cells()
        tables[name] = draft
    if "patient" in tables:
        _settle_patients(tables["patient"], key)
    _check_patients(tables)
    for draft in tables.values():
        draft.reject_repeated_keys()
    return _load(practice, tables, notes)


def required(table: Table) -> list[str]:
    """The columns a file of this table must have."""
    return [
        column.name
        for column in table.columns
        if not column.optional
        and column.name not in _COMMON
        and (table.name, column.name) not in DEFAULTS
        and (table.name, column.name) not in PRECISIONS
        and (table.name, column.name) not in _FROM_NUMBER
    ]


def _files(path: Path) -> tuple[dict[str, Path], list[str]]:
    if not path.is_dir():
        raise DataError.at(path.name, "expected a folder with a CSV file for each table")
    known = {name: path / f"{name}.csv" for name in TABLES}
    files = {name: file for name, file in known.items() if file.is_file()}
    if not files:
        raise DataError.at(path.name, "expected files such as patient.csv and plan.csv", "none")
    others = sorted(f.name for f in path.iterdir() if f not in known.values())
    return files, [f"{name} is not a table of the template: not read" for name in others]


def _spelt(header: tuple[str, ...], table: Table) -> tuple[str, ...]:
    """A header whose columns may be written in capitals or with blanks, as the template has them."""
    names = {column.name: column.name for column in table.columns}
    said = tuple(names.get(name.lower().replace(" ", "_"), name) for name in header)
    return said if len(set(said)) == len(said) else header


def _check_headers(files: dict[str, Path], headers: dict[str, tuple[str, ...]]) -> None:
    problems = [
        Problem(
            f"{files[name].name} row 1",
            f"expected a column {column}",
            "no such column",
        )
        for name, header in headers.items()
        for column in required(TABLES[name])
        if column not in header
    ]
    if problems:
        raise DataError(*problems[:MOST_PROBLEMS])


@dataclass
class _Draft:
    """A table on its way: its columns so far, and why some of its rows will not be loaded."""

    table: Table
    practice: str
    file: CsvFile
    notes: list[str]
    columns: dict[str, pa.Array] = field(default_factory=dict)
    reasons: dict[int, str] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return len(self.file.numbers)

    def place(self, index: int) -> str:
        return f"{self.file.name} row {self.file.numbers[index]}"

    def reject(self, index: int, reason: str) -> None:
        self.reasons.setdefault(index, reason)

    def kept(self) -> npt.NDArray[np.bool_]:
        mask = np.ones(self.rows, dtype=bool)
        mask[list(self.reasons)] = False
        return mask

    def read_cells(self) -> None:
        names = {column.name for column in self.table.columns}
        for name in self.file.header:
            if name not in names:
                self.notes.append(
                    f"{self.file.name}: column {name[:40]!r} is not of the template: not read"
                )
        for column in self.table.columns:
            self.columns[column.name] = self._values(column)
        self._common()
        for column in self.table.columns:
            if not column.optional and (self.table.name, column.name) not in _FROM_NUMBER:
                for index in _where(pc.is_null(self.columns[column.name])):
                    self.reject(
                        index,
                        f"column {column.name}: expected {cells.EXPECTED[column.type]}, "
                        "found an empty cell",
                    )

    def _values(self, column: Column) -> pa.Array:
        place = (self.table.name, column.name)
        strings = self.file.columns.get(column.name)
        if strings is None:
            strings = pa.nulls(self.rows, pa.string())
        if place in DEFAULTS:
            strings = pc.fill_null(strings, DEFAULTS[place])
        if place in PRECISIONS:
            dated = pc.is_valid(self.columns[PRECISIONS[place]])
            strings = pc.coalesce(strings, pc.if_else(dated, "day", "unknown"))
        values, bad = cells.column(strings, column.type)
        self._refuse(column, strings, bad, cells.EXPECTED[column.type])
        if place in VALUES:
            known = pa.array(VALUES[place])
            odd = pc.and_(pc.is_valid(values), pc.invert(pc.is_in(values, value_set=known)))
            self._refuse(column, strings, _where(odd), "one of " + ", ".join(VALUES[place]))
        if column.type == "text" and column.name.endswith(("_id", "code", "nhs_number")):
            rounded = pc.match_substring_regex(strings, _SPREADSHEET)
            self._refuse(column, strings, _where(rounded), "an id, not a spreadsheet's rounding")
        if column.type == "date":
            values, count = cells.usual_days(values)
            if count and column.optional:
                self.notes.append(
                    f"{self.file.name}: {count} dates in {column.name} lie before "
                    f"{EARLIEST.year} or after {LATEST.year}: read as missing"
                )
        return values

    def _refuse(self, column: Column, strings: pa.Array, bad: list[int], expected: str) -> None:
        personal = self.table.name == "patient"
        for index in bad:
            value = found(strings[index].as_py(), personal)
            self.reject(index, f"column {column.name}: expected {expected}, found {value}")

    def _common(self) -> None:
        """Fill in the common columns that the file leaves out."""
        named = self.columns["practice"]
        other = pc.sum(pc.not_equal(named, self.practice)).as_py() or 0
        if other:
            self.notes.append(
                f"{self.file.name}: {other} rows name another practice than "
                f"{self.practice}, as whose record they were loaded"
            )
        self.columns["practice"] = pa.repeat(self.practice, self.rows).cast(pa.string())
        self.columns["source_system"] = pc.fill_null(self.columns["source_system"], FORMAT)
        self.columns["source_id"] = pc.coalesce(
            self.columns["source_id"], self.columns[self.table.key]
        )
        rows = pa.array(self.file.numbers).cast(pa.string())
        self.columns["source_place"] = pc.coalesce(
            self.columns["source_place"],
            pc.binary_join_element_wise(f"{self.file.name} row", rows, " "),
        )

    def reject_repeated_keys(self) -> None:
        keys = self.columns[self.table.key]
        kept = self.kept()
        if pc.count_distinct(keys.filter(pa.array(kept))).as_py() == int(kept.sum()):
            return
        first: dict[str, int] = {}
        for index, value in enumerate(keys.to_pylist()):
            if not kept[index]:
                continue
            if value in first:
                row = self.file.numbers[first[value]]
                self.reject(index, f"column {self.table.key}: the id of row {row} again")
            else:
                first[value] = index

    def arrow(self) -> pa.Table:
        schema = self.table.arrow
        # Rejected rows go first: only they may lack what the schema requires.
        mask = pa.array(self.kept())
        arrays = [self.columns[f.name].filter(mask) for f in schema]
        return pa.Table.from_arrays(arrays, schema=schema)

    def rejects(self) -> list[Reject]:
        wide = len(self.file.header)
        torn = [
            (number, f"expected {wide} cells as in the header, found {cells_found}")
            for number, cells_found in self.file.torn
        ]
        own = [(int(self.file.numbers[i]), reason) for i, reason in self.reasons.items()]
        return [
            Reject(self.table.name, f"{self.file.name} row {number}", reason)
            for number, reason in sorted(torn + own)
        ]


def _where(flags: pa.Array) -> list[int]:
    if not pc.any(flags).as_py():
        return []
    indices: list[int] = pc.indices_nonzero(flags).to_pylist()
    return indices


def _settle_patients(draft: _Draft, key: bytes) -> None:
    """NHS numbers checked, their status and the person ids filled in."""
    numbers = [
        None if text is None else normalise(text)
        for text in draft.columns["nhs_number"].to_pylist()
    ]
    statuses = draft.columns["nhs_status"].to_pylist()
    persons = draft.columns["person_id"].to_pylist()
    ids = draft.columns["patient_id"].to_pylist()
    problems = []
    for index, number in enumerate(numbers):
        valid = number is not None and is_valid(number)
        if number is not None and not valid and statuses[index] != "invalid":
            problems.append(
                Problem(
                    f"{draft.place(index)}, column nhs_number",
                    "expected an NHS number of ten digits with a right check digit",
                    "a wrong NHS number",
                )
            )
        statuses[index] = statuses[index] or ("present" if valid else "absent")
        trusted = number if valid else None
        persons[index] = persons[index] or person_id_for(
            trusted, draft.practice, ids[index] or "", key
        )
    if problems:
        raise DataError(*problems[:MOST_PROBLEMS])
    for name, values in (
        ("nhs_number", numbers),
        ("nhs_status", statuses),
        ("person_id", persons),
    ):
        draft.columns[name] = pa.array(values, ARROW_TYPES["text"])


def _check_patients(tables: dict[str, _Draft]) -> None:
    """Every other row must be about somebody in ``patient.csv``."""
    belonging = [t for name, t in tables.items() if name != "patient" and "patient_id" in t.columns]
    if "patient" not in tables:
        named = [t for t in belonging if t.columns["patient_id"].null_count < t.rows]
        if named:
            raise DataError.at(
                "patient.csv",
                f"expected the patients that {named[0].file.name} is about",
                "no such file",
            )
        return
    patients = tables["patient"]
    known = patients.columns["patient_id"].filter(pa.array(patients.kept()))
    for draft in belonging:
        ids = draft.columns["patient_id"]
        unknown = pc.and_(pc.is_valid(ids), pc.invert(pc.is_in(ids, value_set=known)))
        for index in _where(unknown):
            draft.reject(index, "column patient_id: expected a patient loaded from patient.csv")


def _load(practice: str, drafts: dict[str, _Draft], notes: list[str]) -> Load:
    tables = {name: drafts[name].arrow() if name in drafts else empty(name) for name in TABLES}
    rejects = [reject for draft in drafts.values() for reject in draft.rejects()]
    counts = {}
    for name in TABLES:
        read = drafts[name].file.read if name in drafts else 0
        counts[name] = TableCount(read, tables[name].num_rows, read - tables[name].num_rows)
    return Load(
        format=FORMAT,
        practice=practice,
        tables=tables,
        counts=counts,
        rejects=rejects,
        notes=notes,
        data_as_at=newest_day(tables),
    )

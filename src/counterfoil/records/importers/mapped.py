"""One CSV file of a GP system's own search, read by a map of its columns.

A map is a TOML file that a practice writes once (:func:`suggest` begins it from the headers)::

    table = "issue"              # the table of the record that a row of the file is
    date = "dd/mm/yyyy"          # how days are written; else ISO
    source = "EMIS search"       # words for whoever reads the map

    [columns]                    # header = column of the table
    "NHS Number" = "nhs_number"
    "Medication" = "product_text"
    "Issue date" = "issued_on"

    [fixed]                      # columns that are the same in every row
    issue_type = "repeat"

    [values.issue_type]          # what a cell's words mean
    "Repeat issue" = "repeat"

Rows of other tables than ``patient`` name their patient by ``patient_id`` or by ``nhs_number``,
which must be of somebody whom the practice's record holds. Rows without an id of their own are
given one from what they say, so that the same file read twice is the same rows.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from pathlib import Path

from counterfoil.foundation.errors import DataError, Problem
from counterfoil.records.importers import csv_template
from counterfoil.records.importers.csv_file import CsvFile, read_columns, read_header
from counterfoil.records.importers.extract import Scratch, sniff_dialect
from counterfoil.records.importers.shown import found
from counterfoil.records.load import Load, Reject, TableCount, newest_day
from counterfoil.records.nhs import is_valid
from counterfoil.records.persons import DEMO_KEY
from counterfoil.records.schema import COMMON, TABLES, VALUES, empty

FORMAT = "csv"
NHS_NUMBER = "nhs_number"
QUANTITY = "quantity and unit"
"""A column of the map that stands for two: ``28 tablets``."""

DATES = {
    "yyyy-mm-dd": r"(?P<y>\d{4})-(?P<m>\d\d?)-(?P<d>\d\d?)",
    "dd/mm/yyyy": r"(?P<d>\d\d?)[/.-](?P<m>\d\d?)[/.-](?P<y>\d{4})",
    "dd mmm yyyy": r"(?P<d>\d\d?)[ -](?P<mmm>[A-Za-z]{3})[a-z]*[ -](?P<y>\d{4})",
    "mm/dd/yyyy": r"(?P<m>\d\d?)[/.-](?P<d>\d\d?)[/.-](?P<y>\d{4})",
}
"""How days may be written. A time after the day is passed over."""

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_COMMON = {column.name for column in COMMON}
_WORDS = re.compile(r"[^0-9a-z]+")
_AMOUNT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z(%].*)?\Z", re.ASCII)
_TIMES = re.compile(r"\s*(\d+)\s*[xX*×]\s*(\d+(?:\.\d+)?)\s*([A-Za-z(%].*)?\Z", re.ASCII)
MAPPED = ("patient", "plan", "issue", "coded_entry", "problem", "allergy", "recall", "admission")
"""The tables that a search's file can be mapped to."""


@dataclass(frozen=True)
class ColumnMap:
    """How a file's columns become those of ``table``: :mod:`this module <.mapped>` says how."""

    table: str
    columns: Mapping[str, str]
    date: str = "yyyy-mm-dd"
    fixed: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    source: str = ""

    def to_toml(self) -> str:
        """The map as a TOML file."""
        lines = [f"table = {_quoted(self.table)}", f"date = {_quoted(self.date)}"]
        if self.source:
            lines.append(f"source = {_quoted(self.source)}")
        for title, pairs in (("columns", self.columns), ("fixed", self.fixed)):
            if pairs:
                lines += ["", f"[{title}]"]
                lines += [f"{_quoted(k)} = {_quoted(v)}" for k, v in pairs.items()]
        for column, pairs in self.values.items():
            lines += ["", f"[values.{column}]"]
            lines += [f"{_quoted(k)} = {_quoted(v)}" for k, v in pairs.items()]
        return "\n".join(lines) + "\n"


def targets(table: str) -> tuple[str, ...]:
    """What a column of a file can be mapped to in *table*."""
    own = [column.name for column in TABLES[table].columns if column.name not in _COMMON]
    more = [] if table == "patient" else [NHS_NUMBER]
    if "quantity_unit" in own:
        more.append(QUANTITY)
    return (*more, *own, "recorded_on")


def needed(table: str) -> tuple[str, ...]:
    """What must be mapped or fixed, beside the patient."""
    own = csv_template.required(TABLES[table])
    return tuple(name for name in own if name not in (TABLES[table].key, "patient_id"))


def read_map(path: Path) -> ColumnMap:
    """The map of a TOML file. Raises :class:`DataError` with all that is wrong with it."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise DataError.at(path.name, "expected a map in UTF-8 text") from None
    return parse_map(text, path.name)


def parse_map(text: str, name: str) -> ColumnMap:
    """The map in *text*; *name* stands in messages."""
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError.at(name, "expected TOML", str(error)) from None
    columns, fixed, values = (given.get(k, {}) for k in ("columns", "fixed", "values"))
    plain = all(isinstance(d, dict) for d in (columns, fixed, values))
    words = plain and all(isinstance(v, str) for d in (columns, fixed) for v in d.values())
    deep = plain and all(
        isinstance(d, dict) and all(isinstance(v, str) for v in d.values()) for d in values.values()
    )
    if not (words and deep):
        raise DataError.at(name, "expected the tables columns, fixed and values.COLUMN of words")
    made = ColumnMap(
        str(given.get("table", "")),
        columns,
        str(given.get("date", "yyyy-mm-dd")),
        fixed,
        values,
        str(given.get("source", "")),
    )
    check_map(made, name)
    return made


def check_map(given: ColumnMap, name: str = "the map") -> None:
    """Raise :class:`DataError` with all that is wrong with a map."""
    problems = []
    if given.table not in MAPPED:
        raise DataError.at(f"{name}, table", f"expected one of {', '.join(MAPPED)}")
    if given.date not in DATES:
        problems.append(Problem(f"{name}, date", f"expected one of {', '.join(DATES)}"))
    allowed = targets(given.table)
    told = [*given.columns.values(), *given.fixed]
    for target in dict.fromkeys(told):
        if target not in allowed:
            problems.append(
                Problem(f"{name}, {target[:40]!r}", f"expected a column of {given.table}")
            )
        elif told.count(target) > 1:
            problems.append(Problem(f"{name}, {target}", "expected each column once", "twice"))
    for column in given.values:
        if column not in allowed:
            problems.append(Problem(f"{name}, values.{column[:40]}", "expected a mapped column"))
    for column in needed(given.table):
        if column not in told:
            problems.append(Problem(f"{name}, {column}", "expected a column or a fixed value"))
    who = {"patient_id", NHS_NUMBER} & set(told)
    if not who:
        problems.append(
            Problem(f"{name}, columns", "expected the patient, by nhs_number or patient_id")
        )
    for place, meant in ((given.table, c) for c in given.fixed):
        choices = VALUES.get((place, meant))
        if choices and given.fixed[meant] not in choices:
            problems.append(
                Problem(f"{name}, fixed.{meant}", f"expected one of {', '.join(choices)}")
            )
    if problems:
        raise DataError(*problems[:20])


_ALIASES = {
    "nhs_number": "nhs no|nhsnumber|nhs number",
    "patient_id": "patient id|patient guid|emis number|patient number|usual id",
    "given_name": "forename|first name|given name",
    "family_name": "surname|last name|family name",
    "birth_date": "date of birth|dob|birth date",
    "sex": "gender|sex",
    "product_text": "medication|drug|drug name|name dosage and quantity|name of medication|item",
    "product_code": "dmd code|dm d code|snomed code|product code",
    "issued_on": "issue date|date of issue|last issue date|date issued|issued",
    "start_date": "start date|authorisation date|date started|medication start date",
    "end_date": "end date|stop date|cancelled date",
    "review_date": "review date|medication review date|next review",
    "dose_text": "dosage|dose|directions|sig",
    "quantity": "quantity|qty",
    "quantity_unit": "quantity unit|unit|units",
    "supply_days": "duration|days|course length|days supply",
    "issues_authorised": "max issues|number of issues authorised|issues authorised",
    "issues_made": "number of issues|issues|issues made",
    "plan_type": "type|prescription type|medication type",
    "issue_type": "issue type|type|prescription type",
    "happened_on": "date|event date|effective date|test date",
    "code": "snomed|snomed code|concept id|code id",
    "term": "code term|term|rubric|description|test|problem",
    "value": "value|numeric value|result",
    "unit_text": "unit|units|value unit",
    "onset_on": "onset|onset date|date",
    "due_on": "due date|recall date|due",
    "what_text": "recall type|recall|diary entry",
    "substance_text": "allergy|allergen|substance|sensitivity",
}


def suggest(path: Path, table: str) -> ColumnMap:
    """A map to begin with: headers that say what they are, and how the file writes its days.

    What is still missing is not filled in: :func:`check_map` names it.
    """
    header, rows = preview(path, 200)
    allowed = targets(table)
    columns: dict[str, str] = {}
    for name in header:
        words = _WORDS.sub(" ", name.lower()).strip()
        for target in allowed:
            aliases = {*_ALIASES.get(target, "").split("|"), target.replace("_", " ")}
            if words in aliases and target not in columns.values():
                columns[name] = target
                break
    for name, target in columns.items():
        at = header.index(name)
        cells = [row[at] for row in rows if at < len(row)]
        if target == "quantity" and any(re.search("[A-Za-z×*]", cell) for cell in cells):
            columns[name] = QUANTITY
    if any("nhs" in name.lower() for name in header) and NHS_NUMBER not in columns.values():
        name = next(name for name in header if "nhs" in name.lower())
        columns[name] = NHS_NUMBER
    days = [
        cell
        for row in rows
        for name, cell in zip(header, row, strict=False)
        if columns.get(name) in _days(table) and cell
    ]
    fits = [
        name for name, pattern in DATES.items() if days and all(_matches(pattern, d) for d in days)
    ]
    return ColumnMap(table, columns, fits[0] if fits else "dd/mm/yyyy")


def preview(path: Path, most: int = 5) -> tuple[tuple[str, ...], list[list[str]]]:
    """The headers of a file and its first rows. Raises :class:`DataError` where it is no CSV."""
    dialect = sniff_dialect(path)
    header = read_header(path, dialect.delimiter, dialect.quote)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=dialect.delimiter, quotechar=dialect.quote)
            next(reader, None)
            rows = [row for row, _ in zip(reader, range(most), strict=False)]
    except (UnicodeDecodeError, csv.Error):
        raise DataError.at(path.name, "expected CSV in UTF-8 text") from None
    return header, rows


def read(
    path: Path,
    practice: str,
    given: ColumnMap,
    *,
    key: bytes = DEMO_KEY,
    patients: Mapping[str, str] | None = None,
) -> Load:
    """The load of one file: rows put to those that the practice's record holds.

    *patients* are the practice's patient ids by NHS number; a row of somebody else is rejected.
    Raises :class:`DataError` for what is wrong with the file as a whole or with the map.
    """
    check_map(given)
    file = _file(path)
    missing = [name for name in given.columns if name not in file.header]
    if missing:
        raise DataError(
            *(
                Problem(f"{path.name} row 1", f"expected a column {name[:40]!r}", "no such column")
                for name in missing[:20]
            )
        )
    held = dict(patients or {})
    ids = frozenset(held.values())
    return _Mapping(given, file, practice, key, held, ids=ids).load()


def _file(path: Path) -> CsvFile:
    """The columns of the file as text, whatever parts its cells."""
    dialect = sniff_dialect(path)
    header = read_header(path, dialect.delimiter, dialect.quote)
    if dialect.delimiter == "," and dialect.quote == '"':
        return read_columns(path, header)
    scratch = Scratch()
    copy = scratch.path / path.name
    try:
        with (
            path.open(encoding="utf-8-sig", newline="") as source,
            copy.open("w", encoding="utf-8", newline="") as target,
        ):
            reader = csv.reader(source, delimiter=dialect.delimiter, quotechar=dialect.quote)
            csv.writer(target, lineterminator="\n").writerows(reader)
    except (UnicodeDecodeError, csv.Error):
        raise DataError.at(path.name, "expected CSV in UTF-8 text") from None
    return read_columns(copy, header)


@dataclass
class _Mapping:
    given: ColumnMap
    file: CsvFile
    practice: str
    key: bytes
    patients: dict[str, str]
    rejects: list[Reject] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)
    ids: frozenset[str] = frozenset()

    def load(self) -> Load:
        """Every row through the reader of the template, or rejected."""
        table = self.given.table
        columns = {
            n: v.to_pylist() for n, v in self.file.columns.items() if n in self.given.columns
        }
        rows = []
        for index, number in enumerate(self.file.numbers.tolist()):
            row = {self.given.columns[n]: values[index] for n, values in columns.items()}
            made = self._row(row, number)
            if made is not None:
                rows.append(made)
        for number, cells in self.file.torn:
            self._reject(number, f"expected {len(self.file.header)} cells, found {cells}")
        made_load = self._through_template(rows)
        rejected = [*self.rejects, *made_load.rejects]
        loaded = made_load.rows[table]
        counts = {name: TableCount(0, 0, 0) for name in TABLES}
        counts[table] = TableCount(self.file.read, loaded, self.file.read - loaded)
        return Load(
            format=FORMAT,
            practice=self.practice,
            tables={n: made_load.tables[n] if n == table else empty(n) for n in TABLES},
            counts=counts,
            rejects=sorted(rejected, key=lambda r: int(r.place.rsplit(" ", 1)[-1])),
            notes=self._notes(made_load),
            scope="delta" if table != "patient" or self.patients else "practice",
            covers=frozenset({table}),
            data_as_at=newest_day(made_load.tables),
        )

    def _notes(self, load: Load) -> list[str]:
        left = [n for n in self.file.header if n not in self.given.columns]
        own = [f"{self.file.name}: {len(left)} columns are not mapped: not read"] if left else []
        return own + [n for n in load.notes if "no table" not in n and "is not of" not in n]

    def _reject(self, number: int, reason: str) -> None:
        self.rejects.append(Reject(self.given.table, f"{self.file.name} row {number}", reason))

    def _row(self, row: dict[str, str | None], number: int) -> dict[str, str | None] | None:
        """One row in the words of the template; ``None`` where it was rejected."""
        table = TABLES[self.given.table]
        row = {**row, **self.given.fixed}
        for column, pairs in self.given.values.items():
            text = row.get(column)
            if text is not None:
                row[column] = {k.strip().lower(): v for k, v in pairs.items()}.get(
                    text.strip().lower(), text
                )
        for column in _days(self.given.table):
            text = row.get(column)
            if text is not None:
                day = parse_day(text, self.given.date)
                if day is None:
                    shown = found(text, table.name == "patient")
                    said = f"expected a date written {self.given.date}, found {shown}"
                    self._reject(number, f"column {column}: {said}")
                    return None
                row[column] = day.isoformat()
        if QUANTITY in row:
            row["quantity"], row["quantity_unit"] = split_quantity(row.pop(QUANTITY))
        if not self._patient(row, number):
            return None
        if row.get(table.key) is None:
            row[table.key] = self._own_id(row)
        row["source_place"] = f"{self.file.name} row {number}"
        row["source_system"] = self.given.source or FORMAT
        return row

    def _patient(self, row: dict[str, str | None], number: int) -> bool:
        """Say whose row it is; rejected where that is not known."""
        sent = row.get(NHS_NUMBER)
        digits = re.sub(r"[\s-]", "", sent) if sent else ""
        if self.given.table == "patient":
            if sent and not is_valid(digits):
                self._reject(number, "column nhs_number: expected a right check digit")
                return False
            row["patient_id"] = (
                row.get("patient_id")
                or self.patients.get(digits)
                or (f"nhs-{self._hash(digits)}" if digits else None)
            )
            if row["patient_id"] is None:
                self._reject(number, "column nhs_number: expected an NHS number or a patient id")
            return row["patient_id"] is not None
        row.pop(NHS_NUMBER, None)
        if row.get("patient_id") is None:
            row["patient_id"] = self.patients.get(digits)
            if row["patient_id"] is None:
                wrong = bool(digits) and not is_valid(digits)
                said = "a right check digit" if wrong else "a patient of the practice's record"
                self._reject(number, f"column nhs_number: expected {said}")
                return False
        elif row["patient_id"] not in self.ids:
            self._reject(number, "column patient_id: expected a patient of the practice's record")
            return False
        return True

    def _own_id(self, row: Mapping[str, str | None]) -> str:
        """An id from what the row says; the second row that says the same is a row of its own."""
        said = self._hash("|".join(f"{k}={row[k]}" for k in sorted(row) if row[k] is not None))
        again = self.seen[said] = self.seen.get(said, 0) + 1
        return f"row-{said}" if again == 1 else f"row-{said}-{again}"

    def _hash(self, text: str) -> str:
        return hmac.new(self.key, text.encode(), hashlib.sha256).hexdigest()[:20]

    def _through_template(self, rows: list[dict[str, str | None]]) -> Load:
        """The rows as a template folder, read by the template's reader."""
        scratch = Scratch()
        table = self.given.table
        names = sorted({name for row in rows for name in row} | {TABLES[table].key, "patient_id"})
        names += [n for n in csv_template.required(TABLES[table]) if n not in names]
        self._write(scratch.path / f"{table}.csv", names, rows)
        if table != "patient":
            ids = sorted({row["patient_id"] or "" for row in rows})
            people: list[dict[str, str | None]] = [{"patient_id": i, "sex": "unknown"} for i in ids]
            self._write(scratch.path / "patient.csv", ["patient_id", "sex"], people)
        load = csv_template.read(scratch.path, self.practice, key=self.key)
        numbers = {n: str(row["source_place"]) for n, row in enumerate(rows, 2)}
        rejects = [
            replace(r, place=numbers[int(r.place.rsplit(" ", 1)[-1])])
            for r in load.rejects
            if r.table == table
        ]
        return replace(load, rejects=rejects)

    @staticmethod
    def _write(path: Path, names: list[str], rows: list[dict[str, str | None]]) -> None:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, names, lineterminator="\n", restval="")
            writer.writeheader()
            writer.writerows({k: v for k, v in row.items() if v is not None} for row in rows)


def reject_file(load: Load) -> str:
    """The rows that were not loaded, as CSV: place and reason, nothing of what stood in them."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["place", "table", "reason"])
    writer.writerows([r.place, r.table, r.reason] for r in load.rejects)
    return text.getvalue()


def parse_day(text: str, form: str) -> date | None:
    """A day written in *form*, with or without a time after it; ``None`` where it is not one."""
    match = re.match(DATES[form] + r"(?:[ T]\d\d?:\d\d.*)?\s*\Z", text.strip(), re.ASCII)
    if match is None:
        return None
    parts = match.groupdict()
    month = parts.get("m")
    if month is None:
        named = parts["mmm"].lower()
        if named not in _MONTHS:
            return None
        month = str(_MONTHS.index(named) + 1)
    try:
        return date(int(parts["y"]), int(month), int(parts["d"]))
    except ValueError:
        return None


def split_quantity(text: str | None) -> tuple[str | None, str | None]:
    """``28 tablets``, ``7.5 ml`` and ``2 x 28`` as number and unit; more than that stays whole."""
    if text is None:
        return None, None
    times = _TIMES.match(text)
    if times is not None:
        return str(Decimal(times.group(1)) * Decimal(times.group(2))), times.group(3)
    match = _AMOUNT.match(text)
    return (match.group(1), match.group(2)) if match else (None, text)


def _days(table: str) -> set[str]:
    return {column.name for column in TABLES[table].columns if column.type == "date"}


def _matches(pattern: str, text: str) -> bool:
    return re.match(pattern, text.strip(), re.ASCII) is not None


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c >= " " else f"\\u{ord(c):04x}" for c in escaped) + '"'

"""One patient's record in one call: typed rows of every table, in date order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any, TypeVar, cast

import pyarrow as pa
import pyarrow.compute as pc

from counterfoil.records.rows import (
    ROWS,
    Admission,
    Allergy,
    CodedEntry,
    Dispense,
    Document,
    Issue,
    Patient,
    Plan,
    Problem,
    Recall,
    Request,
    RequestItem,
    Row,
)
from counterfoil.records.schema import TABLES

R = TypeVar("R", bound=Row)

FIELDS = {
    "plans": "plan",
    "issues": "issue",
    "entries": "coded_entry",
    "problems": "problem",
    "allergies": "allergy",
    "recalls": "recall",
    "admissions": "admission",
    "documents": "document",
    "requests": "request",
    "request_items": "request_item",
    "dispenses": "dispense",
}
"""The fields of :class:`PatientRecord` and the tables behind them."""

ORDERED_BY = {
    "plan": "start_date",
    "issue": "issued_on",
    "coded_entry": "happened_on",
    "problem": "onset_on",
    "allergy": "onset_on",
    "recall": "due_on",
    "admission": "admitted_on",
    "document": "received_at",
    "request": "received_at",
    "request_item": "request_id",
    "dispense": "handed_over_at",
}
"""The column by which one patient's rows of a table are ordered; the key breaks ties."""


@dataclass(frozen=True)
class PatientRecord:
    """Everything held about one patient of one practice.

    Each tuple is in date order, undated rows first, ties by key. Rows that the source withdrew
    (``deleted_on``) are included: :meth:`as_known_on` leaves them out for a day.
    """

    patient: Patient
    plans: tuple[Plan, ...] = ()
    issues: tuple[Issue, ...] = ()
    entries: tuple[CodedEntry, ...] = ()
    problems: tuple[Problem, ...] = ()
    allergies: tuple[Allergy, ...] = ()
    recalls: tuple[Recall, ...] = ()
    admissions: tuple[Admission, ...] = ()
    documents: tuple[Document, ...] = ()
    requests: tuple[Request, ...] = ()
    request_items: tuple[RequestItem, ...] = ()
    dispenses: tuple[Dispense, ...] = ()

    def rows(self) -> dict[str, tuple[Row, ...]]:
        """The rows of every patient table by table name, the patient's own included."""
        found: dict[str, tuple[Row, ...]] = {"patient": (self.patient,)}
        found.update({table: getattr(self, field) for field, table in FIELDS.items()})
        return found

    def as_known_on(self, day: date) -> PatientRecord:
        """The record as the source held it on *day*: entered by then, and not withdrawn.

        A row without ``recorded_on`` is taken to have been known always; what was withdrawn only
        later is shown as not withdrawn.
        """

        def known(rows: tuple[R, ...]) -> tuple[R, ...]:
            return tuple(
                r if r.deleted_on is None else replace(r, deleted_on=None)
                for r in rows
                if (r.recorded_on is None or r.recorded_on <= day)
                and (r.deleted_on is None or r.deleted_on > day)
            )

        fields: dict[str, Any] = {field: known(getattr(self, field)) for field in FIELDS}
        return replace(self, **fields)

    @classmethod
    def from_tables(cls, tables: Mapping[str, pa.Table], patient_id: str) -> PatientRecord:
        """The record of *patient_id* out of canonical tables; ``KeyError`` where there is none."""
        patients = _of_patient("patient", tables, patient_id)
        if not patients:
            raise KeyError("there is no patient with this id")
        fields: dict[str, Any] = {
            field: _of_patient(table, tables, patient_id) for field, table in FIELDS.items()
        }
        patient = patients[0]
        assert isinstance(patient, Patient)
        return cls(patient=patient, **fields)


def typed_rows(table: str, rows: Iterable[Mapping[str, Any]]) -> list[Row]:
    """Rows given as dictionaries of canonical values, as typed rows."""
    make = ROWS[table]
    return [make(**{k: _tidy(v) for k, v in row.items()}) for row in rows]


def tidy_decimal(value: Decimal) -> Decimal:
    """The same number without the trailing zeros that storage adds: 28, 7.5."""
    return value.quantize(Decimal(1)) if value == value.to_integral() else value.normalize()


def _tidy(value: Any) -> Any:
    if isinstance(value, Decimal):
        return tidy_decimal(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return value


def _of_patient(name: str, tables: Mapping[str, pa.Table], patient_id: str) -> tuple[Row, ...]:
    table = tables.get(name)
    if table is None or not table.num_rows:
        return ()
    mine = table.filter(pc.equal(table["patient_id"], patient_id))
    if not mine.num_rows:
        return ()
    key = TABLES[name].key
    by = ORDERED_BY.get(name, key)
    rows = _made(ROWS[name], {c: _cells(mine[c]) for c in TABLES[name].arrow.names})
    where = attrgetter(by), attrgetter(key)

    def place(row: Row) -> tuple[bool, Any, Any]:
        at = where[0](row)
        return at is not None, 0 if at is None else at, where[1](row)

    return tuple(sorted(rows, key=place))


def _made(kind: type[R], columns: Mapping[str, Sequence[Any]]) -> list[R]:
    """Rows of a kind from its columns, each set by its slot: a call of ``__init__`` for every row
    takes several times as long, and a long record has thousands of rows."""
    rows = [kind.__new__(kind) for _ in columns["practice"]]
    for name, values in columns.items():
        deque(map(getattr(kind, name).__set__, rows, values), maxlen=0)
    return rows


def _cells(column: pa.ChunkedArray) -> Sequence[Any]:
    """The values of one column as typed rows hold them. Most columns of a record are empty."""
    if column.null_count == len(column):
        return [None] * len(column)
    kind = column.type
    if pa.types.is_string(kind):
        return cast("list[Any]", column.to_numpy().tolist())
    if pa.types.is_date32(kind):
        return cast("list[Any]", column.to_numpy().astype(object).tolist())
    if pa.types.is_decimal(kind):
        numbered = column.combine_chunks().dictionary_encode()
        known = [tidy_decimal(value) for value in numbered.dictionary.to_pylist()]
        return [None if at is None else known[at] for at in numbered.indices.to_pylist()]
    values: list[Any] = column.to_pylist()
    return [_tidy(value) for value in values] if pa.types.is_timestamp(kind) else values

"""The canonical record: which tables there are, their columns and types.

Types: ``text``, ``date`` (a calendar day), ``time`` (UTC), ``dec`` (exact decimal), ``int``,
``bool``; a ``?`` after the type says that the value may be missing. Ids and codes are text. The
order of columns is the order of the CSV template. Every table ends with the common columns.
Source text is kept as it was sent.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

VERSION = 1

ARROW_TYPES: dict[str, pa.DataType] = {
    "text": pa.string(),
    "date": pa.date32(),
    "time": pa.timestamp("us", tz="UTC"),
    "dec": pa.decimal128(24, 6),
    "int": pa.int64(),
    "bool": pa.bool_(),
}


@dataclass(frozen=True)
class Column:
    """One column: its name, its type by name, and whether it may be missing."""

    name: str
    type: str
    optional: bool


@dataclass(frozen=True)
class Table:
    """One canonical table: its own columns first, then the common ones. The first column is the key."""

    name: str
    columns: tuple[Column, ...]

    @property
    def key(self) -> str:
        """The column that names a row within its practice."""
        return self.columns[0].name

    @property
    def arrow(self) -> pa.Schema:
        """The Arrow schema, in column order; optional columns are nullable."""
        return pa.schema(
            [pa.field(c.name, ARROW_TYPES[c.type], nullable=c.optional) for c in self.columns]
        )

    def column(self, name: str) -> Column:
        """The column of this name; ``KeyError`` where there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name} has no column {name}")


def _columns(text: str) -> tuple[Column, ...]:
    pairs = (line.split() for line in text.strip().splitlines())
    return tuple(Column(name, kind.rstrip("?"), kind.endswith("?")) for name, kind in pairs)


COMMON = _columns(
    """
    practice      text
    source_system text
    source_id     text
    source_place  text?
    recorded_on   date?
    deleted_on    date?
    """
)
"""Whose record a row belongs to, where it came from, and when it was entered or withdrawn."""

_TABLES = {
    "organisation": """
    org_code       text
    kind           text
    name           text
    parent_code    text?
    opened_on      date?
    closed_on      date?
    successor_code text?
    """,
    "patient": """
    patient_id        text
    person_id         text
    nhs_number        text?
    nhs_status        text
    given_name        text?
    family_name       text?
    birth_date        date?
    birth_precision   text
    sex               text
    death_date        date?
    registered_from   date?
    registered_to     date?
    registration_type text
    is_test           bool
    is_sensitive      bool
    """,
    "plan": """
    plan_id           text
    patient_id        text
    product_code      text?
    product_text      text
    plan_type         text
    status            text
    status_inferred   bool
    start_date        date?
    end_date          date?
    end_reason        text?
    review_date       date?
    authorised_until  date?
    issues_authorised int?
    issues_made       int?
    min_days          int?
    max_days          int?
    quantity          dec?
    quantity_unit     text?
    supply_days       int?
    dose_text         text?
    dose_coded        text?
    dose_changed_on   date?
    problem_id        text?
    note              text?
    """,
    "issue": """
    issue_id        text
    patient_id      text
    plan_id         text?
    product_code    text?
    product_text    text
    issue_type      text
    issued_on       date
    valid_from      date?
    valid_to        date?
    quantity        dec?
    quantity_unit   text?
    supply_days     int?
    dose_text       text?
    cancelled_on    date?
    erd_number      int?
    erd_of          int?
    prescription_id text?
    """,
    "coded_entry": """
    entry_id    text
    patient_id  text
    kind        text
    code        text?
    local_code  text?
    term        text
    happened_on date?
    precision   text
    value       dec?
    comparator  text?
    unit_text   text?
    unit_ucum   text?
    range_low   dec?
    range_high  dec?
    value_text  text?
    parent_id   text?
    status      text?
    """,
    "problem": """
    problem_id   text
    patient_id   text
    entry_id     text?
    code         text?
    term         text
    onset_on     date?
    ended_on     date?
    significance text?
    status       text
    """,
    "allergy": """
    allergy_id     text
    patient_id     text
    substance_code text?
    substance_text text
    kind           text
    status         text
    severity       text?
    reaction_text  text?
    onset_on       date?
    is_degraded    bool
    """,
    "recall": """
    recall_id  text
    patient_id text
    what_code  text?
    what_text  text
    due_on     date?
    status     text
    """,
    "admission": """
    admission_id  text
    patient_id    text
    org_code      text?
    admitted_on   date?
    discharged_on date?
    kind          text
    """,
    "document": """
    document_id text
    patient_id  text?
    kind        text
    event_on    date?
    received_at time
    sender_code text?
    sender_unit text?
    media_type  text
    sha256      text
    """,
    "request": """
    request_id  text
    patient_id  text
    channel     text
    received_at time
    requester   text
    note        text?
    """,
    "request_item": """
    request_item_id text
    request_id      text
    patient_id      text
    item_text       text
    product_code    text?
    plan_id         text?
    quantity        dec?
    quantity_unit   text?
    """,
    "dispense": """
    dispense_id     text
    patient_id      text
    issue_id        text?
    prescription_id text?
    status_code     text
    reason_code     text?
    quantity        dec?
    handed_over_at  time?
    pharmacy_code   text?
    """,
}

TABLES: dict[str, Table] = {
    name: Table(name, _columns(text) + COMMON) for name, text in _TABLES.items()
}
"""Every canonical table by name, in the order of the contract."""


_VALUES = """
organisation.kind           practice, pcn, trust, pharmacy, icb, other
patient.nhs_status          verified, present, invalid, absent
patient.birth_precision     day, month, year, unknown
patient.sex                 female, male, other, unknown
patient.registration_type   regular, temporary, other
plan.plan_type              acute, repeat, erd, automatic, hospital, other
plan.status                 active, ended, suspended
issue.issue_type            acute, repeat, erd, automatic, other
coded_entry.kind            diagnosis, finding, result, procedure, administrative, other
coded_entry.precision       day, month, year, unknown
coded_entry.comparator      <, <=, >, >=, ~
problem.status              active, past
allergy.kind                allergy, intolerance, history
allergy.status              active, ended, entered in error
admission.kind              emergency, elective, day case, other
document.kind               discharge, outpatient, emergency, registration, other
request.channel             app, pharmacy, paper, email, care home, telephone, other
request.requester           patient, proxy, pharmacy, care home, other
"""

VALUES: dict[tuple[str, str], tuple[str, ...]] = {
    (place.split(".")[0], place.split(".")[1]): tuple(v.strip() for v in values.split(","))
    for place, values in (line.split(maxsplit=1) for line in _VALUES.strip().splitlines())
}
"""The columns whose text is one of a closed list, by (table, column)."""


def empty(table: str) -> pa.Table:
    """An empty Arrow table of this name."""
    return TABLES[table].arrow.empty_table()


def from_rows(table: str, rows: list[dict[str, object]]) -> pa.Table:
    """An Arrow table of canonical rows given as dictionaries; absent optional columns are null."""
    schema = TABLES[table].arrow
    return pa.table(
        {f.name: pa.array([row.get(f.name) for row in rows], f.type) for f in schema},
        schema=schema,
    )

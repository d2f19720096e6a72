"""Typed rows of the canonical tables, as one patient's record holds them.

The fields are those of :mod:`counterfoil.records.schema`; a test compares the two. Missing values
are ``None``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The common columns of every row.

    Meaning: ``recorded_on`` is the second clock (when the source was told), ``deleted_on`` the
    first day on which the source no longer holds the row.
    """

    practice: str
    source_system: str
    source_id: str
    source_place: str | None = None
    recorded_on: date | None = None
    deleted_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation(Row):
    """A row of ``organisation``."""

    org_code: str
    kind: str
    name: str
    parent_code: str | None = None
    opened_on: date | None = None
    closed_on: date | None = None
    successor_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient(Row):
    """A row of ``patient``."""

    patient_id: str
    person_id: str
    nhs_number: str | None = None
    nhs_status: str
    given_name: str | None = None
    family_name: str | None = None
    birth_date: date | None = None
    birth_precision: str
    sex: str
    death_date: date | None = None
    registered_from: date | None = None
    registered_to: date | None = None
    registration_type: str
    is_test: bool
    is_sensitive: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Row):
    """A row of ``plan``."""

    plan_id: str
    patient_id: str
    product_code: str | None = None
    product_text: str
    plan_type: str
    status: str
    status_inferred: bool
    start_date: date | None = None
    end_date: date | None = None
    end_reason: str | None = None
    review_date: date | None = None
    authorised_until: date | None = None
    issues_authorised: int | None = None
    issues_made: int | None = None
    min_days: int | None = None
    max_days: int | None = None
    quantity: Decimal | None = None
    quantity_unit: str | None = None
    supply_days: int | None = None
    dose_text: str | None = None
    dose_coded: str | None = None
    dose_changed_on: date | None = None
    problem_id: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue(Row):
    """A row of ``issue``."""

    issue_id: str
    patient_id: str
    plan_id: str | None = None
    product_code: str | None = None
    product_text: str
    issue_type: str
    issued_on: date
    valid_from: date | None = None
    valid_to: date | None = None
    quantity: Decimal | None = None
    quantity_unit: str | None = None
    supply_days: int | None = None
    dose_text: str | None = None
    cancelled_on: date | None = None
    erd_number: int | None = None
    erd_of: int | None = None
    prescription_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CodedEntry(Row):
    """A row of ``coded_entry``."""

    entry_id: str
    patient_id: str
    kind: str
    code: str | None = None
    local_code: str | None = None
    term: str
    happened_on: date | None = None
    precision: str
    value: Decimal | None = None
    comparator: str | None = None
    unit_text: str | None = None
    unit_ucum: str | None = None
    range_low: Decimal | None = None
    range_high: Decimal | None = None
    value_text: str | None = None
    parent_id: str | None = None
    status: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem(Row):
    """A row of ``problem``."""

    problem_id: str
    patient_id: str
    entry_id: str | None = None
    code: str | None = None
    term: str
    onset_on: date | None = None
    ended_on: date | None = None
    significance: str | None = None
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Allergy(Row):
    """A row of ``allergy``."""

    allergy_id: str
    patient_id: str
    substance_code: str | None = None
    substance_text: str
    kind: str
    status: str
    severity: str | None = None
    reaction_text: str | None = None
    onset_on: date | None = None
    is_degraded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall(Row):
    """A row of ``recall``."""

    recall_id: str
    patient_id: str
    what_code: str | None = None
    what_text: str
    due_on: date | None = None
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission(Row):
    """A row of ``admission``."""

    admission_id: str
    patient_id: str
    org_code: str | None = None
    admitted_on: date | None = None
    discharged_on: date | None = None
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document(Row):
    """A row of ``document``."""

    document_id: str
    patient_id: str | None = None
    kind: str
    event_on: date | None = None
    received_at: datetime
    sender_code: str | None = None
    sender_unit: str | None = None
    media_type: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Row):
    """A row of ``request``."""

    request_id: str
    patient_id: str
    channel: str
    received_at: datetime
    requester: str
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestItem(Row):
    """A row of ``request_item``."""

    request_item_id: str
    request_id: str
    patient_id: str
    item_text: str
    product_code: str | None = None
    plan_id: str | None = None
    quantity: Decimal | None = None
    quantity_unit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispense(Row):
    """A row of ``dispense``."""

    dispense_id: str
    patient_id: str
    issue_id: str | None = None
    prescription_id: str | None = None
    status_code: str
    reason_code: str | None = None
    quantity: Decimal | None = None
    handed_over_at: datetime | None = None
    pharmacy_code: str | None = None


ROWS: dict[str, type[Row]] = {
    "organisation": Organisation,
    "patient": Patient,
    "plan": Plan,
    "issue": Issue,
    "coded_entry": CodedEntry,
    "problem": Problem,
    "allergy": Allergy,
    "recall": Recall,
    "admission": Admission,
    "document": Document,
    "request": Request,
    "request_item": RequestItem,
    "dispense": Dispense,
}

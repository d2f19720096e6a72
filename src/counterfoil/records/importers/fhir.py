"""FHIR R4: one patient's record as UK Core resources, and the messages of the prescription service.

A record is read by the readers of GP Connect, once its elements stand where STU3 has them
(:mod:`counterfoil.records.importers.fhir_adapt`). A prescription message says what happened to a
prescription: ordered, cancelled, dispensed. A message that names its patient by NHS number alone can
only be put into a practice's record that has the patient.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from counterfoil import dosage
from counterfoil.foundation.errors import DataError
from counterfoil.records.importers import fhir_adapt, gpconnect
from counterfoil.records.importers.bundle import Resource, open_bundle
from counterfoil.records.importers.cells import parse_decimal
from counterfoil.records.importers.element import Element, UnreadableError
from counterfoil.records.importers.gpconnect_entries import Links, read_entries, read_recall
from counterfoil.records.importers.gpconnect_medicines import read_medicines
from counterfoil.records.importers.ledger import Ledger
from counterfoil.records.load import Load
from counterfoil.records.persons import DEMO_KEY
from counterfoil.records.schema import from_rows

FORMAT = "fhir"

COVERS = gpconnect.COVERS | {"dispense"}
"""The tables that a record in FHIR speaks about."""

MESSAGE_COVERS = frozenset({"patient", "plan", "issue", "dispense", "organisation"})
"""The tables that a prescription message speaks about."""

_NO_PLACE = gpconnect.NO_PLACE | {
    "Organization": "a message's organisations are those of its sender",
    "MessageHeader": "what it says of the message was used",
    "CarePlan": "care plans are not part of the record",
    "Composition": "documents come by their own way",
    "Task": "tasks are not part of the record",
}
_SETTLED = gpconnect.COVERS_KINDS | {"MedicationDispense", "ServiceRequest"}


def read(
    path: Path, practice: str, *, key: bytes = DEMO_KEY, patients: Mapping[str, str] | None = None
) -> Load:
    """The load of one bundle as part of the record of *practice*.

    *patients* are the practice's patient ids by NHS number: where it knows the patient of a
    message, rows are given that id and nothing is said about the patient. *key* is the
    installation's key for person ids. Raises :class:`DataError` for what is not one patient's
    bundle, naming file and line or JSON path.
    """
    adapted = fhir_adapt.Adapted()
    bundle = open_bundle(path, adapted.adapt)
    ledger = Ledger(bundle, practice, FORMAT)
    for text in adapted.notes:
        ledger.note(text)
    if adapted.event and bundle.strangers:
        raise DataError.at(
            bundle.place(bundle.strangers[0].path),
            "expected one patient in the message",
            "a reference to another",
        )
    gpconnect.reject_strangers(ledger)
    try:
        patient = gpconnect.read_patient(ledger, key)
    except UnreadableError as error:
        raise DataError.at(bundle.name, str(error)) from None
    if adapted.event and patient["nhs_status"] == "invalid":
        raise DataError.at(
            bundle.place(f"{bundle.patient.path}.identifier"),
            "expected an NHS number of ten digits with a right check digit",
            "a wrong NHS number",
        )
    held = (patients or {}).get(patient["nhs_number"] or "") if adapted.event else None
    if adapted.injected and held is None:
        raise DataError.at(
            bundle.name,
            "expected a patient of the practice's record: the message names its patient by NHS "
            "number only (import the record first)",
        )
    patient_id = held or patient["patient_id"]
    if adapted.injected:
        ledger.ignore(bundle.patient)
    elif held is not None:
        ledger.merged(bundle.patient)
    else:
        ledger.loaded(bundle.patient, "patient", patient)
    # A message's organisations are those of its sender; the practice's record has its own.
    apart = frozenset({"Organization"}) if held is not None else frozenset[str]()
    _read_rest(ledger, patient_id, adapted, apart)
    tables = {name: from_rows(name, rows) for name, rows in ledger.rows.items()}
    return Load(
        format=FORMAT,
        practice=practice,
        tables=tables,
        counts=ledger.counts,
        rejects=ledger.rejects,
        notes=ledger.notes,
        scope="delta" if held else "patient",
        covers=MESSAGE_COVERS if adapted.event else COVERS,
        data_as_at=adapted.day,
        resources=ledger.resources,
    )


def _read_rest(
    ledger: Ledger, patient_id: str, adapted: fhir_adapt.Adapted, apart: frozenset[str]
) -> None:
    links = Links(ledger)
    if adapted.event in ("prescription-order-update",):
        for each in ledger.bundle.resources:
            if each.kind == "MedicationRequest" and not _in_dispense(each):
                ledger.not_carried(each, "it asks to cancel; nothing is until the reply says so")
    else:
        read_medicines(ledger, patient_id, links.plans, frozenset({"MedicationDispense"}))
        _first_issues(ledger, adapted)
    read_entries(ledger, links, patient_id, apart)
    _conflicts(ledger)
    for each in ledger.bundle.resources:
        if each.kind == "MedicationDispense":
            _dispense(ledger, each, patient_id)
        elif each.kind == "ServiceRequest":
            _service(ledger, each, patient_id)
        elif each is not ledger.bundle.patient and each.kind not in _SETTLED - apart:
            if each.kind == "Patient":
                ledger.rejected(each, "patient", "the patient a second time")
            else:
                ledger.not_carried(each, gpconnect.why_not(each, _NO_PLACE))


def _first_issues(ledger: Ledger, adapted: fhir_adapt.Adapted) -> None:
    """An order for repeat dispensing authorises a batch, and is its first issue."""
    if adapted.event != "prescription-order":
        return
    for plan in ledger.rows["plan"]:
        if plan["plan_type"] != "erd" or plan["start_date"] is None:
            continue
        shared = (
            "patient_id product_code product_text quantity quantity_unit supply_days dose_text "
            "practice source_system source_id source_place recorded_on plan_id"
        )
        ledger.rows["issue"].append(
            {
                **{name: plan.get(name) for name in shared.split()},
                "issue_id": f"{plan['plan_id']}-1",
                "issue_type": "erd",
                "issued_on": plan["start_date"],
                "valid_from": plan["start_date"],
                "erd_number": 1,
                "erd_of": plan["issues_authorised"],
                "prescription_id": adapted.prescriptions.get(plan["plan_id"]),
            }
        )
        ledger.note("MedicationRequest: a repeat dispensing order is a plan and its first issue")


def _conflicts(ledger: Ledger) -> None:
    """Count dosages whose text and coded timing contradict each other; both are kept."""
    for each in ledger.bundle.resources:
        if each.kind not in ("MedicationRequest", "MedicationStatement"):
            continue
        coded = each.body.value.get("dosageInstruction") or each.body.value.get("dosage")
        if not isinstance(coded, list):
            continue
        texts = [d["text"] for d in coded if isinstance(d, dict) and isinstance(d.get("text"), str)]
        timed = [d for d in coded if isinstance(d, dict) and ("timing" in d or "doseAndRate" in d)]
        if not texts or not timed:
            continue
        try:
            status = dosage.read("\n".join(texts), None, fhir_adapt.plain(timed)).status
        except (ValueError, TypeError, KeyError):
            continue
        if status == "conflict":
            ledger.note("dosage: text and coded timing contradict each other (conflict)")


def _service(ledger: Ledger, each: Resource, patient_id: str) -> None:
    if each.body.value.get("intent") not in ("plan", "proposal"):
        ledger.not_carried(each, "orders of tests and referrals are not part of the record")
        return
    try:
        if each.id is None or each.path in ledger.bundle.twice:
            raise UnreadableError(f"{each.path}.id", "an id that no earlier resource has")
        read_recall(ledger, each, patient_id)
    except UnreadableError as error:
        ledger.rejected(each, "recall", str(error))


def _dispense(ledger: Ledger, each: Resource, patient_id: str) -> None:
    body = each.body
    try:
        dispense_id = _identifier(body) or each.id
        if dispense_id is None:
            raise UnreadableError(f"{each.path}.id", "an id")
        status = next(
            (c.text("code") for t in [body.child("type")] if t for c in t.children("coding")), None
        )
        if status is None:
            raise UnreadableError(f"{each.path}.type", "the status of the item")
        reason = body.child("statusReasonCodeableConcept")
        quantity = body.child("quantity")
        amount = quantity.number("value") if quantity else None
        ordered = ledger.bundle.resolve(body.child("authorizingPrescription"), each)
        group = ordered.body.child("groupIdentifier") if ordered else None
        handed = body.text("whenHandedOver")
        ledger.loaded(
            each,
            "dispense",
            {
                **ledger.common(each, body.day("whenPrepared") or body.day("whenHandedOver")),
                "dispense_id": dispense_id,
                "patient_id": patient_id,
                "issue_id": _issue_id(ordered),
                "prescription_id": group.text("value") if group else None,
                "status_code": status,
                "reason_code": next(
                    (c.text("code") for c in (reason.children("coding") if reason else [])), None
                ),
                "quantity": None if amount is None else parse_decimal(str(amount)),
                "handed_over_at": fhir_adapt.moment(body, handed),
                "pharmacy_code": _pharmacy(ledger, each),
            },
        )
    except UnreadableError as error:
        ledger.rejected(each, "dispense", str(error))
    except ValueError:
        ledger.rejected(each, "dispense", "quantity: expected a number of at most 6 decimals")
    for inner in ledger.bundle.resources:
        if inner.holder is each and inner.kind == "MedicationRequest":
            ledger.merged(inner)


def _issue_id(ordered: Resource | None) -> str | None:
    """The item that was dispensed; of a batch, messages do not agree in counting its issues."""
    if ordered is None:
        return None
    course = ordered.body.child("courseOfTherapyType")
    codes = {c.text("code") or "" for c in (course.children("coding") if course else [])}
    batch = any("repeat" in code and "dispens" in code for code in codes)
    return None if batch else _identifier(ordered.body) or ordered.id


def _in_dispense(each: Resource) -> bool:
    return each.holder is not None and each.holder.kind == "MedicationDispense"


def _identifier(body: Element) -> str | None:
    return next((v for i in body.children("identifier") if (v := i.text("value"))), None)


def _pharmacy(ledger: Ledger, each: Resource) -> str | None:
    """The ODS code of the organisation that dispensed."""
    for performer in each.body.children("performer"):
        actor = ledger.bundle.resolve(performer.child("actor"), each)
        if actor is None:
            continue
        reference = actor.body.child("organization")
        place = ledger.bundle.resolve(reference, each) or (
            actor if actor.kind == "Organization" else None
        )
        if place is not None:
            return _identifier(place.body)
        identifier = reference.child("identifier") if reference else None
        if identifier is not None:
            return identifier.text("value")
    return None

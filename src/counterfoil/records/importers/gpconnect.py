"""GP Connect Access Record: Structured (FHIR STU3), as EMIS sends it and as GP2GP is turned into it.

One bundle is the record of one patient. Every resource is accounted for: it makes rows, is merged
into those of another, is rejected with its JSON path and a reason, or is of a type the record has
no place for, which the report says and counts. The mapping stands in ``docs/reference/record.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from counterfoil.foundation.errors import DataError
from counterfoil.records.importers.bundle import Resource, open_bundle
from counterfoil.records.importers.element import Element, UnreadableError
from counterfoil.records.importers.gpconnect_entries import Links, ods_code, read_entries
from counterfoil.records.importers.gpconnect_medicines import read_medicines
from counterfoil.records.importers.ledger import Ledger
from counterfoil.records.importers.shown import EARLIEST, LATEST
from counterfoil.records.load import Load
from counterfoil.records.nhs import is_valid, normalise
from counterfoil.records.persons import DEMO_KEY, person_id_for
from counterfoil.records.schema import from_rows

FORMAT = "gpconnect"

COVERS = frozenset(
    {
        "organisation",
        "patient",
        "plan",
        "issue",
        "coded_entry",
        "problem",
        "allergy",
        "recall",
    }
)
"""The tables that a GP Connect record speaks about."""

NO_PLACE = {
    "Encounter": "consultations are no table of the record; their entries are loaded one by one",
    "List": "lists only group what is loaded one by one",
    "Practitioner": "staff are not part of the record",
    "PractitionerRole": "staff are not part of the record",
    "Location": "places are not part of the record",
    "HealthcareService": "services are not part of the record",
    "Specimen": "specimens are not part of the record; their results are loaded",
    "DocumentReference": "documents come by their own way",
    "ReferralRequest": "referrals are not part of the record",
    "Provenance": "who sent it is not part of the record",
    "CommunicationRequest": "words that travel with a prescription are not part of the record",
    "RelatedPerson": "relatives and carers are not part of the record",
    "Appointment": "appointments are not part of the record",
    "Schedule": "appointments are not part of the record",
    "Slot": "appointments are not part of the record",
    "Device": "what sent it is not part of the record",
    "EpisodeOfCare": "the registration is taken from the patient",
    "FamilyMemberHistory": "what is known of relatives is not part of the record",
    "QuestionnaireResponse": "questionnaires are not part of the record",
    "Procedure": "procedures come as entries from GP systems",
    "OperationOutcome": "it is what the sender says of its own answer",
    "Bundle": "a bundle within the bundle is imported by itself",
    "TestReport": "it is no part of a record",
}
_WARNINGS = {
    "confidential-items": "the sender left out confidential items",
    "data-in-transit": "a transfer from another practice was still under way",
    "data-awaiting-filing": "data from another practice were still to be filed",
}
_NOT_SENSITIVE = {"U", "L", "M", "N"}


def read(path: Path, practice: str, *, key: bytes = DEMO_KEY) -> Load:
    """The load of one bundle as part of the record of *practice*.

    *key* is the installation's key for person ids. Raises :class:`DataError` for what is not one
    patient's GP Connect record, naming file and line or JSON path.
    """
    bundle = open_bundle(path)
    ledger = Ledger(bundle, practice, FORMAT)
    reject_strangers(ledger)
    try:
        patient = read_patient(ledger, key)
    except UnreadableError as error:
        raise DataError.at(bundle.name, str(error)) from None
    ledger.loaded(bundle.patient, "patient", patient)
    links = Links(ledger)
    read_entries(ledger, links, patient["patient_id"])
    read_medicines(ledger, patient["patient_id"], links.plans)
    data_as_at = _rest(ledger)
    _check_organisation(ledger, practice)
    for _ in bundle.patient.body.odd_days:
        ledger.note(f"a day before {EARLIEST.year} or after {LATEST.year}: read as missing")
    return Load(
        format=FORMAT,
        practice=practice,
        tables={name: from_rows(name, rows) for name, rows in ledger.rows.items()},
        counts=ledger.counts,
        rejects=ledger.rejects,
        notes=ledger.notes,
        scope="patient",
        covers=COVERS,
        data_as_at=data_as_at,
        resources=ledger.resources,
    )


_TABLES = {
    "Observation": "coded_entry",
    "DiagnosticReport": "coded_entry",
    "Immunization": "coded_entry",
    "Condition": "problem",
    "AllergyIntolerance": "allergy",
    "ProcedureRequest": "recall",
    "ServiceRequest": "recall",
    "MedicationRequest": "plan",
    "MedicationStatement": "plan",
    "MedicationDispense": "dispense",
}


def reject_strangers(ledger: Ledger) -> None:
    """Reject what is about somebody whom the bundle does not hold, and read the rest."""
    for each in ledger.bundle.strangers:
        if each.kind in _TABLES:
            table = "issue" if each.body.value.get("intent") == "order" else _TABLES[each.kind]
            why = "it names another patient than the one in the bundle"
            ledger.rejected(each, table, why)
            ledger.bundle.resources.remove(each)


def read_patient(ledger: Ledger, key: bytes) -> dict[str, Any]:
    """The row of the bundle's patient. Raises :class:`UnreadableError`."""
    resource = ledger.bundle.patient
    body = resource.body
    number, status = _nhs_number(ledger, body)
    born = body.moment("birthDate")
    given, family = _name(body)
    start, end, kind = _registration(body)
    assert resource.id is not None
    if body.flag("deceasedBoolean"):
        ledger.note("Patient: said to have died, without a date")
    return {
        **ledger.common(resource),
        "patient_id": resource.id,
        "person_id": person_id_for(
            number if status in ("verified", "present") else None,
            ledger.practice,
            resource.id,
            key,
        ),
        "nhs_number": number,
        "nhs_status": status,
        "given_name": given,
        "family_name": family,
        "birth_date": born.day if born else None,
        "birth_precision": born.precision if born and born.day else "unknown",
        "sex": _sex(ledger, body),
        "death_date": body.day("deceasedDateTime"),
        "registered_from": start,
        "registered_to": end,
        "registration_type": kind,
        "is_test": False,
        "is_sensitive": _is_sensitive(body),
    }


def _nhs_number(ledger: Ledger, body: Element) -> tuple[str | None, str]:
    for each in body.children("identifier"):
        if not (each.text("system") or "").endswith("/nhs-number"):
            continue
        sent = each.text("value")
        if sent is None:
            continue
        number = normalise(sent)
        if is_valid(number):
            return number, "verified" if _is_verified(each) else "present"
        ledger.note("Patient: an NHS number that fails its check, loaded without it")
        return None, "invalid"
    return None, "absent"


def _is_verified(identifier: Element) -> bool:
    extension = identifier.extension("Extension-CareConnect-NHSNumberVerificationStatus-1")
    concept = extension.child("valueCodeableConcept") if extension else None
    return any(c.text("code") == "01" for c in (concept.children("coding") if concept else []))


def _name(body: Element) -> tuple[str | None, str | None]:
    """The official name, else the usual one, else the first that is given."""
    order = {"official": 0, "usual": 1}
    names = sorted(body.children("name"), key=lambda n: order.get(n.text("use") or "", 2))
    if not names:
        return None, None
    return " ".join(names[0].texts("given")) or None, names[0].text("family")


def _sex(ledger: Ledger, body: Element) -> str:
    gender = body.text("gender")
    if gender not in ("female", "male", "other", "unknown", None):
        ledger.note("Patient: gender is none of FHIR's, taken as unknown")
    return gender if gender in ("female", "male", "other") else "unknown"


def _registration(body: Element) -> tuple[date | None, date | None, str]:
    extension = body.extension("Extension-CareConnect-RegistrationDetails-1")
    start = end = None
    kind = "regular"
    for part in extension.children("extension") if extension else []:
        period = part.child("valuePeriod")
        if part.text("url") == "registrationPeriod" and period is not None:
            start, end = period.day("start"), period.day("end")
        concept = part.child("valueCodeableConcept")
        if part.text("url") == "registrationType" and concept is not None:
            shown = " ".join((c.text("display") or "") for c in concept.children("coding")).lower()
            if shown:
                kind = next((k for k in ("regular", "temporary") if k in shown), "other")
    return start, end, kind


def _is_sensitive(body: Element) -> bool:
    meta = body.child("meta")
    labels = {label.text("code") for label in (meta.children("security") if meta else [])}
    return bool(labels - _NOT_SENSITIVE - {None})


def _rest(ledger: Ledger) -> date | None:
    """Settle what has no place in the record; the day on which the sender made its lists."""
    made: list[date] = []
    settled = COVERS_KINDS
    for each in ledger.bundle.resources:
        if each is ledger.bundle.patient or each.kind in settled:
            continue
        if each.kind == "Patient":
            ledger.rejected(each, "patient", "the patient a second time")
            continue
        if each.kind == "List":
            _list(ledger, each.body, made)
        ledger.not_carried(each, why_not(each))
    return max(made, default=None)


def why_not(each: Resource, no_place: Mapping[str, str] = NO_PLACE) -> str:
    """Why the record has no place for a resource; *no_place* says it by type."""
    held = each.body.value.get("entry")
    items = [e.get("item") for e in held if isinstance(e, dict)] if isinstance(held, list) else []
    if each.kind == "List" and any(isinstance(i, dict) and "reference" not in i for i in items):
        return "it names its items in words only"
    return no_place.get(each.kind, "this type is not known here")


COVERS_KINDS = {
    "Observation",
    "DiagnosticReport",
    "Immunization",
    "Condition",
    "AllergyIntolerance",
    "ProcedureRequest",
    "Organization",
    "Medication",
    "MedicationRequest",
    "MedicationStatement",
}
"""The types of resource that the other modules settle."""


def _list(ledger: Ledger, body: Element, made: list[date]) -> None:
    try:
        day = body.day("date")
        if day is not None:
            made.append(day)
        for each in body.children("extension"):
            warning = each.text("valueCode")
            if (each.text("url") or "").endswith("ListWarningCode-1") and warning:
                ledger.note(f"List warns: {_WARNINGS.get(warning, 'the record may be incomplete')}")
    except UnreadableError as error:
        ledger.note(f"List: {error}")


def _check_organisation(ledger: Ledger, practice: str) -> None:
    try:
        reference = ledger.bundle.patient.body.child("managingOrganization")
        target = ledger.bundle.resolve(reference)
        code = ods_code(target) if target is not None else None
    except UnreadableError:
        return
    if code is not None and code != practice:
        ledger.note(
            f"the file names {code} as the patient's practice; it was loaded as {practice}'s record"
        )

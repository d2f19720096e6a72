"""One patient's record as a GP Connect structured bundle (FHIR STU3).

Law: reading what was written gives the same plans, issues, entries, problems, allergies and
recalls, in every column that GP Connect carries. Those it has no place for are in
:data:`NOT_CARRIED`; the common columns but ``recorded_on`` are the reader's own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from counterfoil.records.patient import PatientRecord
from counterfoil.records.rows import Allergy, CodedEntry, Issue, Patient, Plan, Problem, Recall

Json = dict[str, Any]

STU3 = "https://fhir.nhs.uk/STU3"
SNOMED = "http://snomed.info/sct"
LOCAL = "urn:counterfoil:local-code"
KIND = "urn:counterfoil:entry-kind"
UCUM = "http://unitsofmeasure.org"

NOT_CARRIED: dict[str, frozenset[str]] = {
    "patient": frozenset({"person_id", "is_test", "is_sensitive", "recorded_on"}),
    "plan": frozenset({"review_date", "min_days", "max_days", "dose_coded", "status_inferred"}),
    "issue": frozenset({"erd_number", "erd_of", "valid_from"}),
    "coded_entry": frozenset(),
    "problem": frozenset(),
    "allergy": frozenset(),
    "recall": frozenset(),
}
"""Columns that do not come back. Beside them: types that GP Connect does not know (hospital,
automatic) come back as other; a problem without an entry comes back with one, an undated plan with
the day it was recorded, a known unit with its UCUM code."""

_TYPES = {"acute": "acute", "repeat": "repeat", "erd": "repeat-dispensing"}
_PLAN_STATUS = {"active": "active", "ended": "stopped", "suspended": "on-hold"}
_MEDICATION_LIST = ("933361000000108", "Medications and medical devices")
_ALLERGY_LIST = ("886921000000105", "Allergies and adverse reactions")


def write_gpconnect(record: PatientRecord) -> Json:
    """The bundle of *record*: a JSON object, ready for ``json.dumps`` with :func:`plain`."""
    about = {"reference": f"Patient/{record.patient.patient_id}"}
    statements = [_statement(plan, about) for plan in record.plans]
    allergies = [_allergy(each, about) for each in record.allergies]
    actual = {e.entry_id for e in record.entries}
    resources: list[Json] = [
        _patient(record.patient),
        {
            "resourceType": "Organization",
            "id": f"org-{record.patient.practice}",
            "identifier": [
                {
                    "system": "https://fhir.nhs.uk/Id/ods-organization-code",
                    "value": record.patient.practice,
                }
            ],
            "name": f"Practice {record.patient.practice}",
        },
        _list(_MEDICATION_LIST, statements, about),
        _list(_ALLERGY_LIST, allergies, about),
        *_medications(record),
        *statements,
        *(_plan(each, about) for each in record.plans),
        *(_issue(each, about) for each in record.issues),
        *(_entry(each, about) for each in record.entries),
        *(_problem(each, about, actual) for each in record.problems),
        *allergies,
        *(_recall(each, about) for each in record.recalls),
    ]
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "meta": {"profile": [f"{STU3}/StructureDefinition/GPConnect-StructuredRecord-Bundle-1"]},
        "entry": [{"resource": _without_nothing(each)} for each in resources],
    }


def to_text(record: PatientRecord) -> str:
    """The bundle as JSON text; numbers are written exactly."""
    return json.dumps(write_gpconnect(record), ensure_ascii=False, indent=1, default=plain)


def plain(value: object) -> object:
    """A ``Decimal`` as a JSON number; as text where a binary number could not hold it exactly."""
    if isinstance(value, Decimal):
        if value == value.to_integral():
            return int(value)
        return float(value) if Decimal(repr(float(value))) == value else str(value)
    raise TypeError(type(value).__name__)


def _without_nothing(value: Any) -> Any:
    """FHIR has no nulls and no empty lists: leave them out."""
    if isinstance(value, dict):
        inner = {k: _without_nothing(v) for k, v in value.items()}
        return {k: v for k, v in inner.items() if v is not None and v != [] and v != {}}
    if isinstance(value, list):
        return [w for v in value if (w := _without_nothing(v)) is not None and w != {}]
    return value


def _day(value: date | None, precision: str = "day") -> str | None:
    if value is None:
        return None
    return value.isoformat()[: {"year": 4, "month": 7}.get(precision, 10)]


def _concept(code: str | None, text: str | None, local: str | None = None) -> Json:
    return {
        "coding": [
            {"system": SNOMED, "code": code, "display": text} if code else None,
            {"system": LOCAL, "code": local, "display": text} if local else None,
        ],
        "text": text,
    }


def _extension(name: str, **value: Any) -> Json | None:
    if all(each is None or each == [] for each in value.values()):
        return None
    return {"url": f"{STU3}/StructureDefinition/Extension-CareConnect-{name}", **value}


def _parts(**parts: tuple[str, Any]) -> list[Json]:
    return [{"url": url, key: v} for url, (key, v) in parts.items() if v is not None]


def _patient(patient: Patient) -> Json:
    verified = _extension(
        "GPC-NHSNumberVerificationStatus-1",
        valueCodeableConcept={"coding": [{"code": "01", "display": "Number present and verified"}]},
    )
    return {
        "resourceType": "Patient",
        "id": patient.patient_id,
        "extension": [
            _extension(
                "GPC-RegistrationDetails-1",
                extension=[
                    {
                        "url": "registrationPeriod",
                        "valuePeriod": {
                            "start": _day(patient.registered_from),
                            "end": _day(patient.registered_to),
                        },
                    },
                    {
                        "url": "registrationType",
                        "valueCodeableConcept": {
                            "coding": [{"display": patient.registration_type.capitalize()}]
                        },
                    },
                ],
            )
        ],
        "identifier": [
            {
                "extension": [verified] if patient.nhs_status == "verified" else [],
                "system": "https://fhir.nhs.uk/Id/nhs-number",
                "value": patient.nhs_number,
            }
        ]
        if patient.nhs_number
        else [],
        "name": [
            {
                "use": "official",
                "family": patient.family_name,
                "given": [patient.given_name],
            }
        ],
        "gender": patient.sex,
        "birthDate": _day(patient.birth_date, patient.birth_precision),
        "deceasedDateTime": _day(patient.death_date),
        "managingOrganization": {"reference": f"Organization/org-{patient.practice}"},
    }


def _list(code: tuple[str, str], resources: list[Json], about: Json) -> Json:
    return {
        "resourceType": "List",
        "id": f"list-{code[0]}",
        "status": "current",
        "mode": "snapshot",
        "title": code[1],
        "code": {"coding": [{"system": SNOMED, "code": code[0], "display": code[1]}]},
        "subject": about,
        "entry": [
            {"item": {"reference": f"{each['resourceType']}/{each['id']}"}} for each in resources
        ],
    }


def _medication_id(code: str | None, text: str) -> str:
    return "med-" + hashlib.sha256(f"{code}|{text}".encode()).hexdigest()[:16]


def _medications(record: PatientRecord) -> Iterable[Json]:
    named: dict[str, tuple[str | None, str]] = {}
    rows: list[Plan | Issue] = [*record.plans, *record.issues]
    for each in rows:
        named.setdefault(
            _medication_id(each.product_code, each.product_text),
            (each.product_code, each.product_text),
        )
    for medication_id, (code, text) in named.items():
        yield {
            "resourceType": "Medication",
            "id": medication_id,
            "code": _concept(code, text),
        }


def _medication(row: Plan | Issue) -> Json:
    return {"reference": f"Medication/{_medication_id(row.product_code, row.product_text)}"}


def _statement(plan: Plan, about: Json) -> Json:
    ours = plan.plan_type in _TYPES
    agency = "prescribed-at-gp-practice" if ours else "prescribed-by-another-organisation"
    return {
        "resourceType": "MedicationStatement",
        "id": f"{plan.plan_id}-MS",
        "extension": [
            _extension(
                "GPC-PrescribingAgency-1", valueCodeableConcept={"coding": [{"code": agency}]}
            ),
            _extension("GPC-DosageLastChanged-1", valueDateTime=_day(plan.dose_changed_on)),
        ],
        "basedOn": [{"reference": f"MedicationRequest/{plan.plan_id}"}],
        "status": _PLAN_STATUS[plan.status],
        "medicationReference": _medication(plan),
        "effectivePeriod": {"start": _day(plan.start_date)},
        "dateAsserted": _day(plan.recorded_on),
        "subject": about,
        "taken": "unk",
        "dosage": [{"text": plan.dose_text}],
    }


def _plan(plan: Plan, about: Json) -> Json:
    ended = plan.status == "ended"
    reason = _parts(
        statusReason=(
            "valueCodeableConcept",
            {"text": plan.end_reason} if plan.end_reason else None,
        ),
        statusChangeDate=("valueDateTime", _day(plan.end_date) if ended else None),
    )
    repeats = _parts(
        numberOfRepeatPrescriptionsAllowed=("valueUnsignedInt", plan.issues_authorised),
        numberOfRepeatPrescriptionsIssued=("valueUnsignedInt", plan.issues_made),
        authorisationExpiryDate=("valueDateTime", _day(plan.authorised_until)),
    )
    problem = {"reference": f"Condition/{plan.problem_id}"} if plan.problem_id else None
    return {
        **_request(plan, about),
        "id": plan.plan_id,
        "intent": "plan",
        "status": _PLAN_STATUS[plan.status],
        "extension": [
            _type(plan.plan_type),
            _extension("GPC-MedicationRepeatInformation-1", extension=repeats),
            _extension("GPC-MedicationStatusReason-1", extension=reason),
        ],
        "dispenseRequest": _dispense(plan, _day(plan.start_date), _day(plan.end_date)),
        "reasonReference": [problem],
        "note": [{"text": plan.note}],
    }


def _issue(issue: Issue, about: Json) -> Json:
    cancelled = _parts(statusChangeDate=("valueDateTime", _day(issue.cancelled_on)))
    return {
        **_request(issue, about),
        "id": issue.issue_id,
        "intent": "order",
        "status": "stopped" if issue.cancelled_on else "completed",
        "extension": [
            _type(issue.issue_type),
            _extension("GPC-MedicationStatusReason-1", extension=cancelled),
        ],
        "basedOn": [{"reference": f"MedicationRequest/{issue.plan_id}"}] if issue.plan_id else [],
        "groupIdentifier": {"value": issue.prescription_id},
        "dispenseRequest": _dispense(issue, _day(issue.issued_on), _day(issue.valid_to)),
    }


def _type(kind: str) -> Json | None:
    code = _TYPES.get(kind)
    coding = [{"system": f"{STU3}/CodeSystem/CareConnect-PrescriptionType-1", "code": code}]
    return (
        _extension("GPC-PrescriptionType-1", valueCodeableConcept={"coding": coding})
        if code
        else None
    )


def _request(row: Plan | Issue, about: Json) -> Json:
    return {
        "resourceType": "MedicationRequest",
        "medicationReference": _medication(row),
        "subject": about,
        "authoredOn": _day(row.recorded_on),
        "dosageInstruction": [{"text": row.dose_text}],
    }


def _dispense(row: Plan | Issue, start: str | None, end: str | None) -> Json:
    days = row.supply_days
    return {
        "validityPeriod": {"start": start, "end": end},
        "quantity": {"value": row.quantity, "unit": row.quantity_unit},
        "expectedSupplyDuration": {"value": days, "unit": "day", "system": UCUM, "code": "d"}
        if days is not None
        else None,
    }


def _entry(entry: CodedEntry, about: Json) -> Json:
    coded = entry.unit_ucum is not None
    quantity = {
        "value": entry.value,
        "comparator": entry.comparator,
        "unit": entry.unit_text,
        "system": UCUM if coded else None,
        "code": entry.unit_ucum,
    }
    parent = [
        {
            "type": "derived-from",
            "target": {"reference": f"Observation/{entry.parent_id}"},
        }
    ]
    return {
        "resourceType": "Observation",
        "id": entry.entry_id,
        "status": entry.status,
        "category": [{"coding": [{"system": KIND, "code": entry.kind}]}],
        "code": _concept(entry.code, entry.term, entry.local_code),
        "subject": about,
        "effectiveDateTime": _day(entry.happened_on, entry.precision),
        "issued": _day(entry.recorded_on),
        "valueQuantity": quantity,
        "valueString": entry.value_text,
        "referenceRange": [
            {
                "low": {"value": entry.range_low},
                "high": {"value": entry.range_high},
            }
        ],
        "related": parent if entry.parent_id else [],
    }


def _problem(problem: Problem, about: Json, entries: set[str]) -> Json:
    actual = problem.entry_id if problem.entry_id in entries else None
    significance = {"significant": "major"}.get(problem.significance or "", problem.significance)
    reference = {"reference": f"Observation/{actual}"}
    return {
        "resourceType": "Condition",
        "id": problem.problem_id,
        "extension": [
            _extension("GPC-ActualProblem-1", valueReference=reference) if actual else None,
            _extension("ProblemSignificance-1", valueCode=significance),
        ],
        "clinicalStatus": "active" if problem.status == "active" else "inactive",
        "code": _concept(problem.code, problem.term),
        "subject": about,
        "onsetDateTime": _day(problem.onset_on),
        "abatementDateTime": _day(problem.ended_on),
        "assertedDate": _day(problem.recorded_on),
    }


def _allergy(allergy: Allergy, about: Json) -> Json:
    in_error = allergy.status == "entered in error"
    degraded = {"system": SNOMED, "code": "196461000000101"} if allergy.is_degraded else None
    concept = _concept(allergy.substance_code, allergy.substance_text)
    return {
        "resourceType": "AllergyIntolerance",
        "id": allergy.allergy_id,
        "clinicalStatus": "resolved" if allergy.status == "ended" else "active",
        "verificationStatus": "entered-in-error" if in_error else "unconfirmed",
        "type": allergy.kind if allergy.kind != "history" else None,
        "code": {**concept, "coding": [degraded, *concept["coding"]]},
        "patient": about,
        "onsetDateTime": _day(allergy.onset_on),
        "assertedDate": _day(allergy.recorded_on),
        "reaction": [
            {
                "manifestation": [{"text": allergy.reaction_text}],
                "severity": allergy.severity,
            }
        ],
    }


def _recall(recall: Recall, about: Json) -> Json:
    return {
        "resourceType": "ProcedureRequest",
        "id": recall.recall_id,
        "status": recall.status,
        "intent": "plan",
        "code": _concept(recall.what_code, recall.what_text),
        "subject": about,
        "occurrenceDateTime": _day(recall.due_on),
        "authoredOn": _day(recall.recorded_on),
    }

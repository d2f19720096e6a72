"""One made-up patient as a GP Connect record whose findings are known."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, field
from typing import Any

from counterfoil.foundation import days as calendar

EXAMPLE_NHS_NUMBER = "9990000018"
"""In the test range, and in the part of it that no synthetic population uses."""

GPC = "https://fhir.nhs.uk/STU3/StructureDefinition"
SNOMED = "http://snomed.info/sct"
LAST_BLOODS = 143
"""Days since the last blood tests: 12 weeks are 84."""

TESTS = (
    ("1022431000000105", "Haemoglobin estimation", 118, "g/L"),
    ("1022541000000102", "Total white cell count", 6.4, "10*9/L"),
    ("1022651000000100", "Platelet count", 244, "10*9/L"),
    ("1018251000000107", "Serum alanine aminotransferase level", 31, "IU/L"),
    ("1000621000000104", "Serum alkaline phosphatase level", 84, "IU/L"),
    ("1000661000000107", "Serum sodium level", 139, "mmol/L"),
    ("1000651000000109", "Serum potassium level", 4.3, "mmol/L"),
    ("1000731000000107", "Serum creatinine level", 71, "umol/L"),
)
"""SNOMED CT codes as in ``knowledge/synthetic/tests.csv``."""

MEDICINES = (
    ("Methotrexate 2.5mg tablets", "Six To Be Taken Once A Week On A Monday", 24, "tablet"),
    ("Folic acid 5mg tablets", "One To Be Taken Once A Week On A Friday", 4, "tablet"),
    ("Naproxen 500mg tablets", "One To Be Taken Twice A Day With Food", 56, "tablet"),
    ("Amlodipine 5mg tablets", "One To Be Taken Each Day", 28, "tablet"),
)


def _id(*parts: object) -> str:
    digest = hashlib.blake2b("|".join(map(str, parts)).encode(), digest_size=16).digest()
    return str(uuid.UUID(bytes=digest, version=4)).upper()


def _iso(day: int) -> str:
    return calendar.to_date(day).isoformat()


def _coded(code: str, display: str) -> dict[str, Any]:
    return {"coding": [{"system": SNOMED, "code": code, "display": display}]}


@dataclass(slots=True)
class _Record:
    as_of: int
    entries: list[dict[str, Any]] = field(default_factory=list)
    patient: str = field(default_factory=lambda: _id("example", "patient"))

    def add(self, kind: str, key: str, profile: str, **content: Any) -> str:
        identity = _id("example", kind, key)
        resource: dict[str, Any] = {
            "resourceType": kind,
            "id": identity,
            "meta": {"profile": [f"{GPC}/{profile}"]},
            "identifier": [
                {"system": "https://counterfoil.example/Id/synthetic", "value": identity}
            ],
            **content,
        }
        self.entries.append({"resource": resource})
        return f"{kind}/{identity}"

    @property
    def subject(self) -> dict[str, str]:
        return {"reference": f"Patient/{self.patient}"}


def _patient(record: _Record, practice: str) -> None:
    organisation = record.add(
        "Organization",
        "practice",
        "CareConnect-GPC-Organization-1",
        name="Riverside Surgery",
    )
    record.entries[-1]["resource"]["identifier"] = [
        {"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": practice}
    ]
    status = {
        "url": f"{GPC}/Extension-CareConnect-GPC-NHSNumberVerificationStatus-1",
        "valueCodeableConcept": {
            "coding": [
                {
                    "system": "https://fhir.nhs.uk/STU3/CodeSystem/"
                    "CareConnect-NHSNumberVerificationStatus-1",
                    "code": "01",
                    "display": "Number present and verified",
                }
            ]
        },
    }
    record.entries.append(
        {
            "resource": {
                "resourceType": "Patient",
                "id": record.patient,
                "meta": {"profile": [f"{GPC}/CareConnect-GPC-Patient-1"]},
                "identifier": [
                    {
                        "extension": [status],
                        "system": "https://fhir.nhs.uk/Id/nhs-number",
                        "value": EXAMPLE_NHS_NUMBER,
                    }
                ],
                "name": [{"use": "official", "family": "Sampleworth", "given": ["Edna"]}],
                "gender": "female",
                "birthDate": _iso(calendar.minus_months(record.as_of, 71 * 12) - 100),
                "managingOrganization": {"reference": organisation},
            }
        }
    )


def _problems(record: _Record) -> None:
    for code, term, back in (
        ("69896004", "Rheumatoid arthritis", 2600),
        ("59621000", "Essential hypertension", 3900),
    ):
        when = record.as_of - back
        entry = record.add(
            "Observation",
            code,
            "CareConnect-GPC-Observation-1",
            status="final",
            code=_coded(code, term),
            subject=record.subject,
            effectiveDateTime=_iso(when),
            issued=f"{_iso(when)}T09:00:00+00:00",
        )
        record.add(
            "Condition",
            code,
            "CareConnect-GPC-ProblemHeader-Condition-1",
            extension=[
                {
                    "url": f"{GPC}/Extension-CareConnect-GPC-ActualProblem-1",
                    "valueReference": {"reference": entry},
                }
            ],
            clinicalStatus="active",
            category=[
                {
                    "coding": [
                        {
                            "system": "https://fhir.hl7.org.uk/STU3/CodeSystem/"
                            "CareConnect-ConditionCategory-1",
                            "code": "problem-list-item",
                        }
                    ]
                }
            ],
            code=_coded(code, term),
            subject=record.subject,
            onsetDateTime=_iso(when),
            assertedDate=f"{_iso(when)}T09:00:00+00:00",
        )


def _bloods(record: _Record) -> None:
    for turn in range(7):
        day = record.as_of - LAST_BLOODS - 82 * turn
        for number, (code, term, value, unit) in enumerate(TESTS):
            shifted = value + ((turn + number) % 3 - 1) * (0.1 if value < 10 else 1)
            record.add(
                "Observation",
                f"{code} {day}",
                "CareConnect-GPC-Observation-1",
                status="final",
                code=_coded(code, term),
                subject=record.subject,
                effectiveDateTime=_iso(day),
                issued=f"{_iso(day)}T14:00:00+00:00",
                valueQuantity={"value": round(shifted, 1), "unit": unit},
            )


def _medicines(record: _Record) -> None:
    kind = {
        "url": f"{GPC}/Extension-CareConnect-GPC-PrescriptionType-1",
        "valueCodeableConcept": {
            "coding": [
                {
                    "system": "https://fhir.nhs.uk/STU3/CodeSystem/CareConnect-PrescriptionType-1",
                    "code": "repeat",
                    "display": "Repeat",
                }
            ]
        },
    }
    agency = {
        "url": f"{GPC}/Extension-CareConnect-GPC-PrescribingAgency-1",
        "valueCodeableConcept": {
            "coding": [
                {
                    "system": "https://fhir.nhs.uk/STU3/CodeSystem/CareConnect-PrescribingAgency-1",
                    "code": "prescribed-at-gp-practice",
                    "display": "Prescribed at GP practice",
                }
            ]
        },
    }
    for name, dose, quantity, unit in MEDICINES:
        medicine = record.add(
            "Medication", name, "CareConnect-GPC-Medication-1", code={"text": name}
        )
        start = record.as_of - 12 - 28 * 20
        last = record.as_of - 12
        issues = [start + 28 * turn for turn in range(21)]
        supply = {"value": 28, "unit": "day", "system": "http://unitsofmeasure.org", "code": "d"}
        shared: dict[str, Any] = {
            "medicationReference": {"reference": medicine},
            "subject": record.subject,
            "dosageInstruction": [{"text": dose}],
        }
        repeats = {
            "url": f"{GPC}/Extension-CareConnect-GPC-MedicationRepeatInformation-1",
            "extension": [
                {"url": "numberOfRepeatPrescriptionsIssued", "valueUnsignedInt": len(issues)}
            ],
        }
        plan = record.add(
            "MedicationRequest",
            f"{name} plan",
            "CareConnect-GPC-MedicationRequest-1",
            extension=[repeats, kind],
            status="active",
            intent="plan",
            authoredOn=f"{_iso(start)}T10:00:00+00:00",
            dispenseRequest={
                "validityPeriod": {"start": _iso(start)},
                "quantity": {"value": quantity, "unit": unit},
                "expectedSupplyDuration": supply,
            },
            **shared,
        )
        issued = {
            "url": f"{GPC}/Extension-CareConnect-GPC-MedicationStatementLastIssueDate-1",
            "valueDateTime": f"{_iso(last)}T00:00:00+00:00",
        }
        record.add(
            "MedicationStatement",
            name,
            "CareConnect-GPC-MedicationStatement-1",
            extension=[agency, issued],
            basedOn=[{"reference": plan}],
            status="active",
            medicationReference={"reference": medicine},
            effectivePeriod={"start": _iso(start)},
            dateAsserted=f"{_iso(start)}T10:00:00+00:00",
            subject=record.subject,
            taken="unk",
            dosage=[{"text": dose}],
        )
        for day in issues:
            record.add(
                "MedicationRequest",
                f"{name} {day}",
                "CareConnect-GPC-MedicationRequest-1",
                extension=[kind],
                basedOn=[{"reference": plan}],
                status="completed",
                intent="order",
                authoredOn=f"{_iso(day)}T10:00:00+00:00",
                dispenseRequest={
                    "validityPeriod": {"start": _iso(day), "end": _iso(day + 28)},
                    "quantity": {"value": quantity, "unit": unit},
                    "expectedSupplyDuration": supply,
                },
                **shared,
            )


def example_bundle(as_of: int, practice: str = "X00001") -> dict[str, Any]:
    """A GP Connect structured record (FHIR STU3) of a made-up patient of 71.

    What is true of it on ``as_of``: methotrexate issued every 28 days for over a year, the last FBC,
    LFT and U&E 143 days ago, so overdue by 59 days on an interval of 12 weeks; an oral NSAID on
    repeat with nothing to protect the stomach; 4 plans, 84 issues, 2 problems, 58 coded entries
    (56 results and the two diagnoses) and one allergy. Written by this room's own code.
    """
    record = _Record(as_of)
    _patient(record, practice)
    _problems(record)
    _bloods(record)
    _medicines(record)
    record.add(
        "AllergyIntolerance",
        "penicillin",
        "CareConnect-GPC-AllergyIntolerance-1",
        clinicalStatus="active",
        verificationStatus="unconfirmed",
        category=["medication"],
        code={"text": "Penicillin allergy"},
        patient=record.subject,
        assertedDate=f"{_iso(as_of - 5000)}T09:00:00+00:00",
    )
    return {
        "resourceType": "Bundle",
        "id": _id("example", "bundle"),
        "meta": {"profile": [f"{GPC}/GPConnect-StructuredRecord-Bundle-1"]},
        "type": "collection",
        "entry": record.entries,
    }

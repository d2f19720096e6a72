"""FHIR documents and messages: narrative and codes side by side, and letters inside messages."""

from __future__ import annotations

import base64
import json
from typing import Any

from counterfoil.documents import read
from counterfoil.foundation.days import parse_day

CHANGE = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-MedicationChangeSummary"
ITK_CHANGE = "https://fhir.hl7.org.uk/STU3/StructureDefinition/Extension-CareConnect-MedicationChangeSummary-1"
NHS = "https://fhir.nhs.uk/Id/nhs-number"
Json = dict[str, Any]


def entry(resource: Json) -> Json:
    return {"fullUrl": f"urn:uuid:{resource['id']}", "resource": resource}


def patient() -> Json:
    return {
        "resourceType": "Patient",
        "id": "pat",
        "identifier": [{"system": NHS, "value": "9990000026"}],
        "name": [{"use": "official", "family": "Sample", "given": ["Amina"]}],
        "birthDate": "1948-03-14",
    }


def statement(number: int, drug: str, text: str, **facts: Any) -> Json:
    return {
        "resourceType": "MedicationStatement",
        "id": f"ms{number}",
        "status": "active",
        "medicationCodeableConcept": {"text": drug},
        "dosage": [{"text": text}],
        **facts,
    }


def change(code: str, url: str = CHANGE, system: str = "") -> list[Json]:
    return [
        {
            "url": url,
            "extension": [
                {"url": "status", "valueCoding": {"system": system, "code": code, "display": code}},
                {"url": "indicationForChange", "valueCodeableConcept": {"text": "cough"}},
            ],
        }
    ]


def document(table: str, statements: list[Json], **section: Any) -> bytes:
    composition = {
        "resourceType": "Composition",
        "id": "comp",
        "title": "Discharge summary",
        "date": "2026-11-18T09:00:00+00:00",
        "subject": {"reference": "urn:uuid:pat"},
        "section": [
            {
                "title": "Allergies and adverse reactions",
                "code": {"coding": [{"code": "allergies-and-adverse-reactions"}]},
                "text": {"div": "<div><p>Penicillin: rash</p></div>"},
            },
            {
                "title": "Medications and medical devices",
                "code": {"coding": [{"code": "933361000000108"}]},
                "text": {"div": f"<div xmlns='http://www.w3.org/1999/xhtml'>{table}</div>"},
                "entry": [{"reference": f"urn:uuid:{s['id']}"} for s in statements],
                **section,
            },
        ],
    }
    stay = {
        "resourceType": "Encounter",
        "id": "enc",
        "period": {"start": "2026-11-10", "end": "2026-11-17"},
    }
    bundle = {
        "resourceType": "Bundle",
        "type": "document",
        "entry": [entry(r) for r in (composition, patient(), stay, *statements)],
    }
    return json.dumps(bundle).encode()


TABLE = (
    "<table><tr><th>Medication name</th><th>Dose directions description</th><th>Status</th></tr>"
    "<tr><td>Ramipril 5mg capsules</td><td>One capsule once a day</td><td>Continued</td></tr>"
    "<tr><td>Losartan 50mg tablets</td><td>One tablet once a day</td><td>Added</td></tr></table>"
)


def test_codes_lie_beside_the_narrative() -> None:
    letter = read(
        document(
            TABLE,
            [
                statement(1, "Ramipril 5mg capsules", "One capsule once a day"),
                statement(
                    2, "Losartan 50mg tablets", "One tablet daily", extension=change("added")
                ),
            ],
        )
    )
    assert letter.kind == "fhir-document"
    assert letter.patient.nhs_number == "9990000026"
    assert letter.patient.family_name == "Sample"
    assert letter.discharged_on == parse_day("2026-11-17")
    assert letter.admitted_on == parse_day("2026-11-10")
    assert [x.stated for x in letter.lines] == ["continued", "new"]
    assert [x.conflicts for x in letter.lines] == [(), ()]
    assert all(x.coded and x.dose.status == "read" for x in letter.lines)
    assert letter.lines[1].reason == "cough"
    assert [s.text for s in letter.allergies] == ["Penicillin: rash"]


def test_where_codes_and_narrative_differ_the_line_says_so() -> None:
    letter = read(
        document(
            TABLE,
            [
                statement(1, "Ramipril 10mg capsules", "Two capsules once a day"),
                statement(
                    2, "Losartan 50mg tablets", "One tablet daily", extension=change("continued")
                ),
                statement(3, "Digoxin 125microgram tablets", "One daily"),
            ],
        )
    )
    ramipril, losartan, digoxin = letter.lines
    assert any("10mg" in c for c in ramipril.conflicts)
    assert any("Two capsules" in c for c in ramipril.conflicts)
    assert any("continued" in c for c in losartan.conflicts)
    assert digoxin.conflicts == ("The coded entries name it, the table does not.",)
    assert letter.text[digoxin.start : digoxin.end] == digoxin.text


def test_a_coded_timing_against_its_text_is_a_conflict() -> None:
    dosage = {
        "text": "One capsule once a day",
        "timing": {"repeat": {"frequency": 5, "period": 1, "periodUnit": "d"}},
        "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "capsule"}}],
    }
    letter = read(document("", [statement(1, "Ramipril 5mg capsules", "", dosage=[dosage])]))
    assert [x.dose.status for x in letter.lines] == ["conflict"]


def test_text_only_section_is_read_from_its_table() -> None:
    letter = read(document(TABLE, []))
    assert [x.drug_text for x in letter.lines] == ["Ramipril 5mg capsules", "Losartan 50mg tablets"]
    assert all(x.coded is None and not x.conflicts for x in letter.lines)


def test_stu3_list_and_medication_are_followed() -> None:
    medication = {
        "resourceType": "Medication",
        "id": "med1",
        "code": {
            "coding": [
                {
                    "system": "http://snomed.info/sct",
                    "code": "1",
                    "display": "Bisoprolol 2.5mg tablets",
                }
            ]
        },
    }
    held = {
        "resourceType": "MedicationStatement",
        "id": "ms1",
        "status": "on-hold",
        "medicationReference": {"reference": "urn:uuid:med1"},
        "dosage": [{"text": "One tablet in the morning"}],
    }
    gone = {
        "resourceType": "MedicationStatement",
        "id": "ms2",
        "status": "active",
        "medicationCodeableConcept": {"text": "Naproxen 500mg tablets"},
        "extension": change("5", ITK_CHANGE),
    }
    wrong = {**statement(3, "Senna 7.5mg tablets", "Two at night"), "status": "entered-in-error"}
    listing = {
        "resourceType": "List",
        "id": "list1",
        "entry": [{"item": {"reference": f"urn:uuid:ms{n}"}} for n in (1, 2, 3)],
    }
    composition = {
        "resourceType": "Composition",
        "id": "c",
        "title": "eDischarge",
        "subject": {"reference": "urn:uuid:pat"},
        "section": [
            {
                "title": "Medications and medical devices",
                "code": {"coding": [{"code": "933361000000108"}]},
                "entry": [{"reference": "urn:uuid:list1"}],
            }
        ],
    }
    inner = {
        "resourceType": "Bundle",
        "id": "doc",
        "type": "document",
        "entry": [
            entry(r) for r in (composition, patient(), listing, held, gone, wrong, medication)
        ],
    }
    outer = {"resourceType": "Bundle", "type": "message", "entry": [entry(inner)]}
    letter = read(json.dumps(outer).encode())
    assert [(x.product.name, x.stated) for x in letter.lines] == [
        ("Bisoprolol 2.5mg tablets", "on_hold"),
        ("Naproxen 500mg tablets", "stopped"),
    ]
    assert any("entered in error" in n for n in letter.notes)


def test_xml_reads_like_json() -> None:
    letter = read(
        b"""<?xml version="1.0"?><Composition xmlns="http://hl7.org/fhir"><title value="Discharge"/>
        <section><title value="Medications and medical devices"/>
        <code><coding><code value="medications-and-medical-devices"/></coding></code>
        <text><div xmlns="http://www.w3.org/1999/xhtml"><table><tbody>
        <tr><th>Medication name</th><td>Ramipril 5mg capsules</td></tr>
        <tr><th>Dose directions description</th><td>Take one capsule daily.</td></tr>
        <tr><th>Status</th><td>On-hold</td></tr></tbody></table></div></text></section>
        <section><title value="Person completing record"/><text><div xmlns="http://www.w3.org/1999/xhtml">
        <table><tr><th>Name</th><td>Prefix: Dr</td></tr></table></div></text></section></Composition>"""
    )
    assert [(x.product.name, x.stated) for x in letter.lines] == [
        ("Ramipril 5mg capsules", "on_hold")
    ]


def test_a_letter_inside_a_message_is_unpacked() -> None:
    page = (
        "<html><body><p>NHS number: 999 000 0026</p><h2>Discharge medication</h2>"
        "<ul><li>Ramipril 5mg capsules, ONE daily</li></ul></body></html>"
    )
    message = {
        "resourceType": "Bundle",
        "type": "message",
        "entry": [
            {"resource": patient()},
            {"resource": {"resourceType": "DocumentReference", "id": "d", "content": []}},
            {
                "resource": {
                    "resourceType": "Binary",
                    "id": "b",
                    "contentType": "text/html",
                    "data": base64.b64encode(page.encode()).decode(),
                }
            },
        ],
    }
    letter = read(json.dumps(message).encode())
    assert letter.kind == "html"
    assert letter.patient.birth_date == parse_day("1948-03-14")
    assert [x.product.name for x in letter.lines] == ["Ramipril 5mg capsules"]

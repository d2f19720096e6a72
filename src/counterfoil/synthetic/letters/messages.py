"""FHIR documents besides the UK Core one: STU3 as ITK3 sends it, in a message, and text only.

Shapes as the project's reference notes give them: section code 933361000000108 leads to a List, that
to MedicationStatement and Medication; sections may hold nothing but text; a message bundle may carry
the document bundle.
"""

from __future__ import annotations

import json
from typing import Any

from counterfoil.synthetic.letters.model import Item, Stay
from counterfoil.synthetic.letters.rich import (
    OFF,
    _iso,
    _narrative,
    _uuid,
    directions,
    fhir_document,
)

ITK = "https://fhir.hl7.org.uk/STU3/StructureDefinition"
SNOMED = "http://snomed.info/sct"
PLAIN = '<div xmlns="http://www.w3.org/1999/xhtml"><p>{}</p></div>'
AMENDED = {
    "new": "Added",
    "changed": "Amended",
    "continued": "Unchanged",
    "stopped": "Discontinued",
    "on_hold": "On hold",
}


def fhir_text(stay: Stay) -> str:
    """The UK Core document with sections of text only: no coded medicine at all."""
    bundle = json.loads(fhir_document(stay))
    kept = ("Composition", "Patient", "Encounter", "Organization")
    bundle["entry"] = [e for e in bundle["entry"] if e["resource"]["resourceType"] in kept]
    for section in bundle["entry"][0]["resource"]["section"]:
        section.pop("entry", None)
    return json.dumps(bundle, ensure_ascii=False) + "\n"


def _medicine(stay: Stay, item: Item, number: int, subject: str) -> list[dict[str, Any]]:
    """A MedicationStatement of STU3 with its Medication."""
    name = item.garbled or item.product
    statement: dict[str, Any] = {
        "resourceType": "MedicationStatement",
        "meta": {"profile": [f"{ITK}/CareConnect-MedicationStatement-1"]},
        "status": {"stopped": "stopped", "on_hold": "on-hold"}.get(item.stated or "", "active"),
        "medicationReference": {"reference": _uuid(stay.key, "drug", number)},
        "effectivePeriod": {"start": _iso(stay.discharged)},
        "dateAsserted": _iso(stay.discharged),
        "subject": {"reference": subject},
        "taken": "unk",
    }
    if item.stated in AMENDED:
        parts: list[dict[str, Any]] = [
            {"url": "status", "valueCodeableConcept": {"text": AMENDED[item.stated]}}
        ]
        if item.remark:
            parts.append({"url": "detailsOfAmendment", "valueString": item.remark})
        url = f"{ITK}/Extension-CareConnect-MedicationChangeSummary-1"
        statement["extension"] = [{"url": url, "extension": parts}]
    if item.stated not in OFF and not item.garbled:
        tail = f" for {item.duration}" if item.duration else ""
        statement["dosage"] = [{"text": directions(item) + tail}]
    drug = {"resourceType": "Medication", "code": {"text": name}}
    return [
        {"fullUrl": _uuid(stay.key, "medicine", number), "resource": statement},
        {"fullUrl": _uuid(stay.key, "drug", number), "resource": drug},
    ]


def _stu3(stay: Stay) -> dict[str, Any]:
    base = json.loads(fhir_document(stay))
    composition, patient, encounter, sender = base["entry"][:4]
    subject = patient["fullUrl"]
    entries = [_medicine(stay, item, n, subject) for n, item in enumerate(stay.items)]
    listing = {
        "resourceType": "List",
        "status": "current",
        "mode": "snapshot",
        "title": "Medications and medical devices",
        "subject": {"reference": subject},
        "entry": [{"item": {"reference": pair[0]["fullUrl"]}} for pair in entries],
    }
    key = _uuid(stay.key, "list")
    told = ", ".join(stay.allergies) or "No known allergies"

    def section(title: str, code: str, div: str) -> dict[str, Any]:
        coding = [{"system": SNOMED, "code": code, "display": title}]
        concept: dict[str, Any] = {"coding": coding} if code else {"text": title}
        return {"title": title, "code": concept, "text": {"status": "additional", "div": div}}

    medicines = section(
        "Medications and medical devices", "933361000000108", _narrative(list(stay.items))
    )
    medicines["entry"] = [{"reference": key}]
    body = composition["resource"]
    body["meta"] = {"profile": [f"{ITK}/CareConnect-ITK-EDIS-Composition-1"]}
    body["section"] = [
        section("Clinical summary", "", PLAIN.format(stay.story)),
        section("Allergies and adverse reactions", "886921000000105", PLAIN.format(told)),
        medicines,
    ]
    encounter["resource"].pop("location")
    base["meta"] = {"profile": [f"{ITK}/ITK-Document-Bundle-1"]}
    base["entry"] = [composition, patient, encounter, sender, {"fullUrl": key, "resource": listing}]
    base["entry"] += [entry for pair in entries for entry in pair]
    base.pop("timestamp")
    return dict(base)


def fhir_stu3(stay: Stay) -> str:
    """A document bundle of STU3."""
    return json.dumps(_stu3(stay), indent=1, ensure_ascii=False) + "\n"


def fhir_message(stay: Stay) -> str:
    """The same inside a message bundle, as it travels."""
    header = {
        "resourceType": "MessageHeader",
        "event": {"system": "https://counterfoil.example/event", "code": "discharge"},
        "timestamp": f"{_iso(stay.discharged)}T16:00:00+00:00",
        "source": {"endpoint": f"urn:nhs-uk:addressing:ods:{stay.trust_code}"},
        "focus": [{"reference": _uuid(stay.key, "document")}],
    }
    message = {
        "resourceType": "Bundle",
        "type": "message",
        "entry": [
            {"fullUrl": _uuid(stay.key, "header"), "resource": header},
            {"fullUrl": _uuid(stay.key, "document"), "resource": _stu3(stay)},
        ],
    }
    return json.dumps(message, ensure_ascii=False) + "\n"

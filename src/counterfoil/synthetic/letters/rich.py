"""Layouts that are not plain text: two HTML pages and a UK Core FHIR document."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable
from html import escape
from typing import Any

from counterfoil.foundation import days as calendar
from counterfoil.synthetic.letters.model import Item, Stay
from counterfoil.synthetic.letters.words import dose, often, slashed, spaced, spelled, status

OFF = ("stopped", "on_hold")
CORE = "https://fhir.hl7.org.uk"
CHANGE_CODES = {
    "continued": "continued",
    "new": "added",
    "changed": "amended",
    "on_hold": "on-hold",
}


def directions(item: Item) -> str:
    """Dose and frequency in words."""
    return f"{dose(item, 'plain')} {often(item, 0)}"


def _row(cells: list[str]) -> str:
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"


def html_table(stay: Stay) -> str:
    """A page with one table of medicines and one of those stopped."""
    rows = []
    for item in stay.items:
        if item.stated in OFF:
            continue
        name = item.garbled or item.product
        way = "" if item.garbled else directions(item)
        rows.append(_row([name, way, status(item, 0), item.duration, item.remark]))
    gone = [_row([i.garbled or i.product, status(i, 0), i.remark]) for i in stay.of(*OFF)]
    head = "<tr><th>Medicine</th><th>Directions</th><th>Status</th><th>Duration</th><th>Comments</th></tr>"
    stopped = (
        "<h2>Medicines stopped or withheld</h2><table><tr><th>Medicine</th><th>Status</th>"
        f"<th>Reason</th></tr>{''.join(gone)}</table>"
        if gone
        else "<h2>Medicines stopped or withheld</h2><p>None</p>"
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>Discharge letter</title>'
        f"</head><body><h1>{escape(stay.trust)}</h1><p>{escape(stay.ward)}</p><dl>"
        f"<dt>Patient</dt><dd>{escape(stay.name)}</dd><dt>Date of birth</dt><dd>{spelled(stay.birth)}</dd>"
        f"<dt>NHS number</dt><dd>{spaced(stay.nhs_number)}</dd>"
        f"<dt>Admitted</dt><dd>{spelled(stay.admitted)}</dd>"
        f"<dt>Discharged</dt><dd>{spelled(stay.discharged)}</dd></dl>"
        f"<h2>Diagnosis</h2><p>{escape(stay.diagnosis)}. {escape(stay.story)}</p>"
        f"<h2>Allergies</h2><p>{escape(', '.join(stay.allergies) or 'None known')}</p>"
        f"<h2>Medicines on discharge</h2>\n<table>{head}\n" + "\n".join(rows) + f"</table>{stopped}"
        f"<p>{escape(stay.sign)}</p></body></html>\n"
    )


def html_list(stay: Stay) -> str:
    """A page with lists under headings."""

    def listed(*stated: str | None) -> str:
        out = []
        for item in stay.of(*stated):
            if item.garbled:
                words = item.garbled
            elif item.stated in OFF:
                words = " - ".join(p for p in (item.product, item.remark) if p)
            else:
                limit = item.duration and f"for {item.duration}"
                words = ", ".join(p for p in (item.product, directions(item), limit) if p)
                words += f" ({item.remark})" if item.remark else ""
            out.append(f"<li>{escape(words)}</li>")
        return "<ul>\n" + "\n".join(out) + "\n</ul>" if out else "<p>None</p>"

    return (
        '<html><body><div class="header"><b>'
        f"{escape(stay.trust)}</b><br>{escape(stay.ward)}</div><p>Name: {escape(stay.name)}<br>"
        f"DOB: {slashed(stay.birth)}<br>NHS No. {stay.nhs_number}<br>"
        f"Date of admission: {slashed(stay.admitted)}<br>Date of discharge: {slashed(stay.discharged)}</p>"
        f"<p>{escape(stay.story)}</p><p>Allergies: {escape(', '.join(stay.allergies) or 'nil')}</p>"
        f"<h3>Continued medication</h3>{listed('continued', None)}"
        f"<h3>New medication</h3>{listed('new')}<h3>Changed medication</h3>{listed('changed')}"
        f"<h3>Stopped medication</h3>{listed('stopped')}"
        f"<h3>Medication on hold</h3>{listed('on_hold')}<p>{escape(stay.sign)}</p></body></html>\n"
    )


def _uuid(*parts: object) -> str:
    digest = hashlib.blake2b("|".join(map(str, parts)).encode(), digest_size=16).digest()
    return f"urn:uuid:{uuid.UUID(bytes=digest, version=4)}"


def _iso(day: int) -> str:
    return calendar.to_date(day).isoformat()


def _statement(stay: Stay, item: Item, number: int, subject: str) -> dict[str, Any]:
    resource: dict[str, Any] = {
        "resourceType": "MedicationStatement",
        "status": {"stopped": "stopped", "on_hold": "on-hold"}.get(item.stated or "", "active"),
        "medicationCodeableConcept": {"text": item.garbled or item.product},
        "subject": {"reference": subject},
        "dateAsserted": _iso(stay.discharged),
    }
    code = CHANGE_CODES.get(item.stated or "")
    if code:
        parts: list[dict[str, Any]] = [
            {
                "url": "status",
                "valueCoding": {
                    "system": f"{CORE}/CodeSystem/UKCore-MedicationChangeStatus",
                    "code": code,
                },
            }
        ]
        if item.remark:
            parts.append({"url": "detailsOfAmendment", "valueString": item.remark})
        url = f"{CORE}/StructureDefinition/Extension-UKCore-MedicationChangeSummary"
        resource["extension"] = [{"url": url, "extension": parts}]
    if item.stated not in OFF and not item.garbled:
        text = directions(item) + (f" for {item.duration}" if item.duration else "")
        resource["dosage"] = [{"text": text}]
    elif item.remark:
        resource["statusReason"] = [{"text": item.remark}]
    return {"fullUrl": _uuid(stay.key, "medicine", number), "resource": resource}


def _narrative(items: list[Item]) -> str:
    head = (
        "<tr><th>Medication name</th><th>Dose directions description</th><th>Status</th>"
        "<th>Comment/recommendation</th></tr>"
    )
    rows = []
    for item in items:
        way = "" if item.garbled or item.stated in OFF else directions(item)
        note = "; ".join(part for part in (item.duration, item.remark) if part)
        rows.append(_row([item.garbled or item.product, way, status(item, 0), note]))
    return (
        '<div xmlns="http://www.w3.org/1999/xhtml"><table><tbody>'
        + head
        + "".join(rows)
        + "</tbody></table></div>"
    )


def _section(title: str, code: str, div: str, entries: list[str]) -> dict[str, Any]:
    out: dict[str, Any] = {
        "title": title,
        "code": {
            "coding": [
                {
                    "system": f"{CORE}/CodeSystem/UKCore-RecordStandardHeadings",
                    "code": code,
                    "display": title,
                }
            ]
        },
        "text": {"status": "additional", "div": div},
    }
    if entries:
        out["entry"] = [{"reference": entry} for entry in entries]
    return out


def fhir_document(stay: Stay) -> str:
    """A UK Core R4 document bundle: Composition, Patient, Encounter, medicines with narrative."""
    composition, subject = _uuid(stay.key, "composition"), _uuid(stay.key, "patient")
    encounter, sender = _uuid(stay.key, "encounter"), _uuid(stay.key, "organisation")
    medicines = [_statement(stay, item, n, subject) for n, item in enumerate(stay.items)]
    told = escape(", ".join(stay.allergies) or "No known allergies")
    plain = '<div xmlns="http://www.w3.org/1999/xhtml"><p>{}</p></div>'
    when = f"{_iso(stay.discharged)}T15:30:00+00:00"
    body: dict[str, Any] = {
        "resourceType": "Composition",
        "status": "final",
        "type": {
            "coding": [
                {
                    "system": "http://snomed.info/sct",
                    "code": "373942005",
                    "display": "Discharge summary",
                }
            ]
        },
        "subject": {"reference": subject},
        "encounter": {"reference": encounter},
        "date": when,
        "author": [{"reference": sender}],
        "title": "Discharge summary",
        "custodian": {"reference": sender},
        "section": [
            _section(
                "Clinical narrative", "clinical-narrative", plain.format(escape(stay.story)), []
            ),
            _section(
                "Allergies and adverse reaction",
                "allergies-and-adverse-reaction",
                plain.format(told),
                [],
            ),
            _section(
                "Medications and medical devices",
                "medications-and-medical-devices",
                _narrative(list(stay.items)),
                [entry["fullUrl"] for entry in medicines],
            ),
        ],
    }
    patient = {
        "resourceType": "Patient",
        "identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": stay.nhs_number}],
        "name": [{"use": "official", "family": stay.family, "given": [stay.given]}],
        "gender": "female" if stay.female else "male",
        "birthDate": _iso(stay.birth),
    }
    period = {"start": _iso(stay.admitted), "end": _iso(stay.discharged)}
    visit = {
        "resourceType": "Encounter",
        "status": "finished",
        "class": {
            "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
            "code": "IMP",
            "display": "inpatient encounter",
        },
        "subject": {"reference": subject},
        "period": period,
        "location": [{"location": {"display": stay.ward}}],
        "serviceProvider": {"reference": sender},
    }
    organisation = {
        "resourceType": "Organization",
        "identifier": [
            {"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": stay.trust_code}
        ],
        "name": stay.trust,
    }
    bundle = {
        "resourceType": "Bundle",
        "identifier": {
            "system": "https://tools.ietf.org/html/rfc4122",
            "value": _uuid(stay.key, "bundle").removeprefix("urn:uuid:"),
        },
        "type": "document",
        "timestamp": when,
        "entry": [
            {"fullUrl": composition, "resource": body},
            {"fullUrl": subject, "resource": patient},
            {"fullUrl": encounter, "resource": visit},
            {"fullUrl": sender, "resource": organisation},
            *medicines,
        ],
    }
    return json.dumps(bundle, indent=2, ensure_ascii=False) + "\n"


LAYOUTS: dict[str, tuple[Callable[[Stay], str], str, str]] = {
    "html_table": (html_table, "text/html", "html"),
    "html_list": (html_list, "text/html", "html"),
    "fhir": (fhir_document, "application/fhir+json", "json"),
}
"""Every other layout: its writer, media type and file ending."""


def order(stay: Stay, layout: str) -> list[Item]:
    """The medicines in the order in which a layout of this module writes them."""
    if layout == "html_table":
        return [item for item in stay.items if item.stated not in OFF] + stay.of(*OFF)
    if layout == "html_list":
        kinds = (("continued", None), ("new",), ("changed",), ("stopped",), ("on_hold",))
        return [item for stated in kinds for item in stay.of(*stated)]
    return list(stay.items)

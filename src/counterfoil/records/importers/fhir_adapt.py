"""FHIR R4 elements put where STU3 has them, in a document as it was read.

Nothing is taken away: an element that STU3 has under another name or shape is added under that, so
that one set of readers serves both. Resources without an id, as messages have them, are given that
of their address or identifier.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from counterfoil.records.importers.element import Element, UnreadableError

Json = dict[str, Any]

_STU3 = "https://fhir.nhs.uk/STU3/StructureDefinition/Extension-CareConnect-"
_COURSES = {
    "acute": "acute",
    "continuous": "repeat",
    "continuous-repeat-dispensing": "repeat-dispensing",
    "continuous-repeating-dispensing": "repeat-dispensing",
}
_ORDERS = {"original-order", "reflex-order", "filler-order", "instance-order", "option"}
_ENDED = {"R-0001", "R-0005", "R-0006", "R-0010"}
"""Replies to a cancellation that end the job; after any other, somebody must follow it up.
Source: notes on the prescription service's published translation of replies, read 2026-11."""

_EVENTS = {
    "prescription-order",
    "prescription-order-update",
    "prescription-order-response",
    "dispense-notification",
    "dispense-claim",
}


@dataclass
class Adapted:
    """What was found out about a document on the way.

    ``event`` is the message's, or empty where it is a record; ``injected``: the message names its
    patient by number only, and a Patient was put at its end; ``prescriptions`` are the prescription
    ids by item; ``day`` is when the document was made.
    """

    event: str = ""
    injected: bool = False
    day: date | None = None
    notes: list[str] = field(default_factory=list)
    prescriptions: dict[str, str] = field(default_factory=dict)

    def adapt(self, document: Json) -> None:
        """Change *document* in place. Raises :class:`UnreadableError` for a message not known."""
        entries = document.get("entry")
        if not isinstance(entries, list):
            return
        made = Element(document, "")
        day = made.moment("timestamp")
        self.day = day.day if day else None
        for entry in entries:
            if _kind(entry) == "MessageHeader":
                self._header(entry["resource"])
        for entry in entries:
            resource = entry.get("resource") if isinstance(entry, dict) else None
            if isinstance(resource, dict):
                _give_id(resource, entry.get("fullUrl"))
                self._resource(resource)
                for inner in _dicts(resource.get("contained")):
                    self._resource(inner)
        if self.event == "prescription-order":
            self._date(document, entries)
        if self.event and not any(_kind(e) == "Patient" for e in entries):
            self._inject(entries)

    def _header(self, header: Json) -> None:
        code = _code({"coding": header.get("eventCoding")})
        if code not in _EVENTS:
            raise UnreadableError(
                "MessageHeader.eventCoding", "a prescription's order, cancellation or dispensing"
            )
        self.event = code

    def _date(self, document: Json, entries: list[Any]) -> None:
        """Days for orders that say none: that of the signature, else that of the message."""
        signed = ""
        for entry in entries:
            if _kind(entry) == "Provenance":
                for each in _dicts(entry["resource"].get("signature")):
                    signed = signed or str(each.get("when") or "")
        meta = document.get("meta")
        made = document.get("timestamp") or (_dicts(meta)[0].get("lastUpdated") if meta else None)
        for entry in entries:
            if _kind(entry) != "MedicationRequest":
                continue
            request = entry["resource"]
            dispense = request.get("dispenseRequest")
            period = dispense.get("validityPeriod") if isinstance(dispense, dict) else None
            started = isinstance(period, dict) and period.get("start")
            if request.get("authoredOn") or started or not (signed or isinstance(made, str)):
                continue
            request["authoredOn"] = signed or made
            taken = "signature" if signed else "message"
            self.notes.append(f"MedicationRequest: says no day, that of the {taken} was taken")

    def _inject(self, entries: list[Any]) -> None:
        """A Patient of the number that the message's requests are about."""
        numbers = {
            number
            for entry in entries
            for outer in [entry.get("resource") if isinstance(entry, dict) else None]
            if isinstance(outer, dict)
            for each in (outer, *_dicts(outer.get("contained")))
            if (number := _number(each.get("subject")))
        }
        if len(numbers) > 1:
            raise UnreadableError("entry", "one patient in the message, found two NHS numbers")
        identifier = [
            {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": n} for n in sorted(numbers)
        ]
        patient = {"resourceType": "Patient", "id": "named-by-number", "identifier": identifier}
        entries.append({"resource": patient})
        self.injected = True

    def _resource(self, resource: Json) -> None:
        kind = resource.get("resourceType")
        change = _CHANGES.get(str(kind))
        if change is not None:
            change(resource)
        if kind == "MedicationRequest":
            self._order(resource)

    def _order(self, request: Json) -> None:
        """A request of a message: a batch is a plan; a cancellation is one only once confirmed."""
        course = _code(request.get("courseOfTherapyType"))
        group = request.get("groupIdentifier")
        if isinstance(group, dict) and isinstance(group.get("value"), str) and request.get("id"):
            self.prescriptions[str(request["id"])] = group["value"]
        dispense = request.get("dispenseRequest")
        if _COURSES.get(course or "") == "repeat-dispensing" and request.get("_was") == (
            "original-order"
        ):
            request["intent"] = "plan"
            period = dispense.get("validityPeriod") if isinstance(dispense, dict) else None
            if isinstance(period, dict):
                # It is how long the first issue may be dispensed, not the end of the batch.
                period.pop("end", None)
        if self.event == "prescription-order-response":
            self._reply(request)

    def _reply(self, request: Json) -> None:
        for history in _extensions(request, "Extension-DM-PrescriptionStatusHistory"):
            parts = {str(e.get("url")): e for e in _dicts(history.get("extension"))}
            code = _code({"coding": parts.get("status", {}).get("valueCoding")})
            moment = parts.get("statusDate", {}).get("valueDateTime")
            if code in _ENDED:
                _reason(request, moment)
                continue
            request["status"] = "active"
            self.notes.append(
                f"a cancellation was not carried out ({code if isinstance(code, str) else 'no code'}"
                "): the prescription stands, and somebody must follow it up"
            )


def _kind(entry: Any) -> Any:
    resource = entry.get("resource") if isinstance(entry, dict) else None
    return resource.get("resourceType") if isinstance(resource, dict) else None


def _give_id(resource: Json, address: Any) -> None:
    if resource.get("id") is not None:
        return
    items = [
        i.get("value")
        for i in _dicts(resource.get("identifier"))
        if isinstance(i.get("value"), str) and "order-item" in str(i.get("system"))
    ]
    if items:
        resource["id"] = items[0]
    elif isinstance(address, str):
        resource["id"] = address.rsplit(":", 1)[-1].rsplit("/", 1)[-1]


def _dicts(value: Any) -> list[Json]:
    if isinstance(value, dict):
        return [value]
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _code(concept: Any) -> str | None:
    if isinstance(concept, str):
        return concept
    for coding in _dicts(concept.get("coding")) if isinstance(concept, dict) else []:
        if isinstance(coding.get("code"), str):
            return str(coding["code"])
    return None


def _number(subject: Any) -> str | None:
    identifier = subject.get("identifier") if isinstance(subject, dict) else None
    value = identifier.get("value") if isinstance(identifier, dict) else None
    return value if isinstance(value, str) else None


def _extensions(resource: Json, name: str) -> list[Json]:
    return [
        e for e in _dicts(resource.get("extension")) if str(e.get("url", "")).endswith(f"/{name}")
    ]


def _extend(resource: Json, name: str, **value: Any) -> None:
    held = resource.get("extension")
    resource["extension"] = [{"url": f"{_STU3}{name}", **value}, *_dicts(held)]


def _reason(request: Json, moment: Any) -> None:
    reason = request.get("statusReason")
    parts: list[Json] = []
    if isinstance(reason, dict):
        parts.append({"url": "statusReason", "valueCodeableConcept": reason})
    if moment is not None:
        parts.append({"url": "statusChangeDate", "valueDateTime": moment})
    _extend(request, "MedicationStatusReason-1", extension=parts)


def _patient(resource: Json) -> None:
    for identifier in _dicts(resource.get("identifier")):
        for each in _dicts(identifier.get("extension")):
            if str(each.get("url", "")).endswith("Extension-UKCore-NHSNumberVerificationStatus"):
                code = _code(each.get("valueCodeableConcept"))
                verified = code in ("number-present-and-verified", "01")
                coding = {"coding": [{"code": "01"}]} if verified else {}
                _extend(identifier, "NHSNumberVerificationStatus-1", valueCodeableConcept=coding)


def _notes(resource: Json, name: str) -> None:
    texts = [n["text"] for n in _dicts(resource.get("note")) if isinstance(n.get("text"), str)]
    if texts and resource.get(name) is None:
        resource[name] = "\n".join(texts)


def _observation(resource: Json) -> None:
    _notes(resource, "comment")
    for member in _dicts(resource.get("hasMember")):
        related = _dicts(resource.get("related"))
        resource["related"] = [*related, {"type": "has-member", "target": member}]
    for part in (resource, *_dicts(resource.get("component"))):
        if isinstance(part.get("valueInteger"), int) and "valueQuantity" not in part:
            part["valueQuantity"] = {"value": part["valueInteger"]}


def _states(resource: Json) -> None:
    for name in ("clinicalStatus", "verificationStatus"):
        if isinstance(resource.get(name), dict):
            code = _code(resource[name])
            resource[name] = "recurrence" if code == "relapse" else code
    if "assertedDate" not in resource and "recordedDate" in resource:
        resource["assertedDate"] = resource["recordedDate"]


def _immunization(resource: Json) -> None:
    if "occurrenceDateTime" in resource:
        resource.setdefault("date", resource["occurrenceDateTime"])
    if resource.get("status") == "not-done":
        resource["notGiven"], resource["status"] = True, "completed"


def _request(resource: Json) -> None:
    resource["_was"] = _code(resource.get("intent"))
    if resource["_was"] in _ORDERS:
        resource["intent"] = "order"
    course = _COURSES.get(_code(resource.get("courseOfTherapyType")) or "")
    if course is not None:
        coding = {"coding": [{"code": course}]}
        _extend(resource, "PrescriptionType-1", valueCodeableConcept=coding)
    dispense = resource.get("dispenseRequest")
    allowed = dispense.get("numberOfRepeatsAllowed") if isinstance(dispense, dict) else None
    parts: list[Json] = []
    if allowed is not None:
        parts.append({"url": "numberOfRepeatPrescriptionsAllowed", "valueUnsignedInt": allowed})
    for held in _extensions(resource, "Extension-UKCore-MedicationRepeatInformation"):
        for part in _dicts(held.get("extension")):
            if part.get("url") == "numberOfPrescriptionsIssued":
                part = {**part, "url": "numberOfRepeatPrescriptionsIssued"}
            parts.append(part)
    if parts:
        _extend(resource, "MedicationRepeatInformation-1", extension=parts)
    if isinstance(resource.get("statusReason"), dict):
        _reason(resource, None)


_CHANGES = {
    "Patient": _patient,
    "Observation": _observation,
    "Condition": _states,
    "AllergyIntolerance": _states,
    "Immunization": _immunization,
    "MedicationRequest": _request,
}


def plain(value: Any) -> Any:
    """JSON with plain numbers for exact ones."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral() else float(value)
    return value


def moment(body: Element, text: str | None) -> datetime | None:
    """A time of *body* in UTC; a day alone is its first moment."""
    if text is None:
        return None
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise UnreadableError(f"{body.path}.whenHandedOver", "a FHIR time", text) from None
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)

"""Plans and issues out of GP Connect's MedicationStatement, MedicationRequest and Medication.

A plan is a MedicationRequest of intent ``plan`` with the MedicationStatement based on it; an issue
is one of intent ``order`` based on the plan. Choices that the published messages made necessary:

- The day of an issue is ``dispenseRequest.validityPeriod.start``: an eRD series is authored on one
  day and issued month by month, and a migrated issue is authored on the day of the migration.
  ``authoredOn`` is when it was recorded.
- Ends of periods are taken as sent, as the first day no longer in force: that is how the sending
  system writes them (start plus days of supply; the very day on which a plan was stopped). A plan
  that is active may have one: an acute course ends by itself.
- A plan prescribed by another organisation is of type ``other`` whatever the request says.
- The review date is not part of GP Connect; the plan's stays empty.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

from counterfoil.records.importers.bundle import Resource
from counterfoil.records.importers.cells import parse_decimal
from counterfoil.records.importers.concept import Concept, read_concept, words
from counterfoil.records.importers.element import Element, UnreadableError
from counterfoil.records.importers.ledger import Ledger

_PLAN_TYPES = {
    "acute": "acute",
    "repeat": "repeat",
    "repeat-dispensing": "erd",
    "delayed-prescribing": "other",
}
_ORDERS = {"order", "original-order", "reflex-order", "filler-order", "instance-order"}
_STATUSES = {
    "active": "active",
    "completed": "ended",
    "stopped": "ended",
    "cancelled": "ended",
    "on-hold": "suspended",
}
_DAYS = {"d": 1, "day": 1, "days": 1, "wk": 7, "week": 7, "weeks": 7}
_QUANTITY = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([^\d\s]\D*?)?\s*\Z", re.ASCII)
_QUANTITY_TEXT = (
    "Extension-CareConnect-QuantityText-1",
    "Extension-CareConnect-MedicationQuantityText-1",
)
_PLAIN_DOSAGE = {"text", "patientInstruction", "sequence"}


def read_medicines(
    ledger: Ledger,
    patient_id: str,
    problems: dict[str, str],
    apart: frozenset[str] = frozenset(),
) -> None:
    """Settle every medication resource. *problems* says by plan id which problem it is linked to.

    Requests contained in resources of the kinds in *apart* are left to whoever reads those.
    """
    statements: dict[str, list[Resource]] = {}
    requests = []
    for each in ledger.bundle.resources:
        if each.kind == "Medication":
            ledger.merged(each)
        elif each.kind == "MedicationRequest":
            if each.holder is None or each.holder.kind not in apart:
                requests.append(each)
        elif each.kind == "MedicationStatement" and each.path not in ledger.bundle.twice:
            try:
                statements.setdefault(_based_on(ledger, each) or "", []).append(each)
            except UnreadableError as error:
                ledger.rejected(each, "plan", str(error))
        elif each.kind == "MedicationStatement":
            ledger.rejected(each, "plan", "its id is that of an earlier resource")
    for request in requests:
        _request(ledger, request, patient_id, statements, problems)
    for left in statements.values():
        for statement in left:
            _statement_alone(ledger, statement, patient_id)


def _request(
    ledger: Ledger,
    request: Resource,
    patient_id: str,
    statements: dict[str, list[Resource]],
    problems: dict[str, str],
) -> None:
    intent = request.body.value.get("intent")
    intent = "order" if isinstance(intent, str) and intent in _ORDERS else intent
    table = "plan" if intent == "plan" else "issue"
    try:
        if request.path in ledger.bundle.twice:
            raise UnreadableError(f"{request.path}.id", "an id that no earlier resource has")
        if request.id is None:
            raise UnreadableError(f"{request.path}.id", "an id")
        if intent not in ("plan", "order"):
            raise UnreadableError(f"{request.path}.intent", "plan or order")
        if request.body.text("status") == "entered-in-error":
            raise UnreadableError(
                f"{request.path}.status", "a request that was not entered in error"
            )
        if table == "issue":
            ledger.loaded(request, table, _issue(ledger, request, patient_id))
            return
        mine = statements.pop(request.id, [])
        try:
            row = _plan(ledger, request, mine[0] if mine else None, patient_id, problems)
        except UnreadableError:
            statements[request.id] = mine
            raise
        ledger.loaded(request, table, row)
        for statement in mine[:1]:
            ledger.merged(statement)
        for statement in mine[1:]:
            ledger.rejected(statement, table, "a second statement of the same plan")
    except UnreadableError as error:
        ledger.rejected(request, table, str(error))


def _plan(
    ledger: Ledger,
    request: Resource,
    statement: Resource | None,
    patient_id: str,
    problems: dict[str, str],
) -> dict[str, Any]:
    body = request.body
    said = statement.body if statement else None
    product = _product(ledger, request, statement)
    status = _STATUSES.get(body.text("status") or "")
    stated = _STATUSES.get((said.text("status") if said else None) or "")
    if status and stated and status != stated:
        ledger.note("plan: request and statement differ in status, the request's was taken")
    current = status or stated or "active"
    period = _period(body) or (said.child("effectivePeriod") if said else None)
    repeats = body.extension("Extension-CareConnect-MedicationRepeatInformation-1")
    parts = {e.text("url"): e for e in repeats.children("extension")} if repeats else {}
    expiry = parts.get("authorisationExpiryDate")
    allowed = parts.get("numberOfRepeatPrescriptionsAllowed")
    issued = parts.get("numberOfRepeatPrescriptionsIssued")
    reason, changed_on = _status_reason(body)
    ends = period.day("end") if period else None
    asserted = said.day("dateAsserted") if said else None
    return {
        **ledger.common(request, asserted or body.day("authoredOn")),
        "plan_id": request.id,
        "patient_id": patient_id,
        "product_code": product.code,
        "product_text": product.term,
        "plan_type": _plan_type(ledger, body, said, bool(parts)),
        "status": current,
        "status_inferred": (status or stated) is None,
        "start_date": (period.day("start") if period else None)
        or (said.day("effectiveDateTime") if said else None)
        or body.day("authoredOn"),
        "end_date": changed_on if changed_on and current == "ended" else ends,
        "end_reason": reason,
        "authorised_until": _day(expiry),
        "issues_authorised": allowed.count("valueUnsignedInt") if allowed else None,
        "issues_made": issued.count("valueUnsignedInt") if issued else None,
        **_supply(ledger, body),
        **_dose(body, said),
        "dose_coded": _dose_coded(body),
        "dose_changed_on": _day(
            said.extension("Extension-CareConnect-DosageLastChanged-1") if said else None
        ),
        "problem_id": _problem(ledger, body) or problems.get(request.id or ""),
        "note": _note(body, said, product),
    }


def _issue(ledger: Ledger, request: Resource, patient_id: str) -> dict[str, Any]:
    body = request.body
    plan_id = _based_on(ledger, request)
    product = _product(ledger, request, None)
    period = _period(body)
    authored = body.day("authoredOn")
    issued_on = (period.day("start") if period else None) or authored
    if issued_on is None:
        raise UnreadableError(
            f"{request.path}.dispenseRequest.validityPeriod.start", "a date of issue"
        )
    if plan_id is not None and ledger.bundle.resolve(body.child("basedOn")) is None:
        ledger.note("issue: its plan is not in the file")
    group = body.child("groupIdentifier")
    cancelled = body.text("status") in ("stopped", "cancelled")
    _, changed_on = _status_reason(body)
    if cancelled and changed_on is None:
        ledger.note("issue: cancelled without a date, taken as cancelled on the day of issue")
    return {
        **ledger.common(request, authored),
        "issue_id": request.id,
        "patient_id": patient_id,
        "plan_id": plan_id,
        "product_code": product.code,
        "product_text": product.term,
        "issue_type": _type(ledger, body) or "other",
        "issued_on": issued_on,
        "valid_from": period.day("start") if period else None,
        "valid_to": period.day("end") if period else None,
        **_supply(ledger, body),
        **_dose(body, None),
        "cancelled_on": (changed_on or issued_on) if cancelled else None,
        "prescription_id": group.text("value") if group else None,
    }


def _statement_alone(ledger: Ledger, statement: Resource, patient_id: str) -> None:
    """A statement whose plan is not in the file makes a plan of its own: nothing is lost."""
    body = statement.body
    try:
        if statement.id is None:
            raise UnreadableError(f"{statement.path}.id", "an id")
        if body.text("status") == "entered-in-error":
            raise UnreadableError(f"{statement.path}.status", "one that was not entered in error")
        product = _product(ledger, statement, None)
        period = body.child("effectivePeriod")
        status = _STATUSES.get(body.text("status") or "")
        ends = period.day("end") if period else None
        row = {
            **ledger.common(statement, body.day("dateAsserted")),
            "plan_id": statement.id,
            "patient_id": patient_id,
            "product_code": product.code,
            "product_text": product.term,
            "plan_type": "other",
            "status": status or "active",
            "status_inferred": status is None,
            "start_date": (period.day("start") if period else None)
            or body.day("effectiveDateTime"),
            "end_date": ends,
            "end_reason": _status_reason(body)[0],
            **_dose(body, None, "dosage"),
            "note": _note(body, None, product),
        }
        ledger.note("MedicationStatement: its plan is not in the file, it stands as a plan itself")
        ledger.loaded(statement, "plan", row)
    except UnreadableError as error:
        ledger.rejected(statement, "plan", str(error))


def _based_on(ledger: Ledger, resource: Resource) -> str | None:
    return ledger.bundle.reference_id(resource.body.child("basedOn"))


def _product(ledger: Ledger, resource: Resource, other: Resource | None) -> Concept:
    """The medicine by reference or in place; else that of the statement; else of the plan."""
    for each in (resource, other):
        if each is None:
            continue
        reference = each.body.child("medicationReference")
        target = ledger.bundle.resolve(reference, each)
        if target is not None and target.kind == "Medication":
            concept = read_concept(target.body.child("code"))
            if concept.term is not None:
                return concept
        concept = read_concept(each.body.child("medicationCodeableConcept"))
        if concept.term is None and reference is not None:
            concept = Concept(None, None, reference.text("display"))
        if concept.term is not None:
            return concept
    plan = ledger.bundle.resolve(resource.body.child("basedOn"))
    if (
        plan is not None
        and plan is not resource
        and plan.body.value.get("intent") == "plan"
        and not plan.body.has("basedOn")
    ):
        ledger.note(f"{resource.kind}: names no medicine, its plan's was taken")
        return _product(ledger, plan, None)
    raise UnreadableError(f"{resource.path}.medicationReference", "the name of a medicine")


def _type(ledger: Ledger, body: Element) -> str | None:
    extension = body.extension("Extension-CareConnect-PrescriptionType-1")
    concept = extension.child("valueCodeableConcept") if extension else None
    for coding in concept.children("coding") if concept else []:
        code = coding.text("code") or ""
        if code in _PLAN_TYPES:
            return _PLAN_TYPES[code]
        ledger.note("prescription type not known, taken as other")
        return "other"
    return None


def _plan_type(ledger: Ledger, body: Element, said: Element | None, repeats: bool) -> str:
    agency = said.extension("Extension-CareConnect-PrescribingAgency-1") if said else None
    concept = agency.child("valueCodeableConcept") if agency else None
    for coding in concept.children("coding") if concept else []:
        if coding.text("code") == "prescribed-by-another-organisation":
            ledger.note("plan: prescribed by another organisation, of type other")
            return "other"
    return _type(ledger, body) or ("repeat" if repeats else "other")


def _period(body: Element) -> Element | None:
    dispense = body.child("dispenseRequest")
    return dispense.child("validityPeriod") if dispense else None


def _status_reason(body: Element) -> tuple[str | None, Any]:
    extension = body.extension("Extension-CareConnect-MedicationStatusReason-1")
    reason = changed_on = None
    for part in extension.children("extension") if extension else []:
        if part.text("url") == "statusReason":
            reason = words(part.child("valueCodeableConcept"))
        elif part.text("url") == "statusChangeDate":
            changed_on = part.day("valueDateTime")
    return reason, changed_on


def _day(extension: Element | None) -> Any:
    if extension is None:
        return None
    return extension.day("valueDateTime") or extension.day("valueDate")


def _supply(ledger: Ledger, body: Element) -> dict[str, Any]:
    """Quantity and days of supply as stated."""
    dispense = body.child("dispenseRequest")
    if dispense is None:
        return {}
    quantity = dispense.child("quantity")
    amount = unit = None
    if quantity is not None:
        amount = _exact(quantity, "value")
        unit = quantity.text("unit") or quantity.text("code")
    for each in [dispense, quantity] if quantity is not None else [dispense]:
        extension = each.extension(*_QUANTITY_TEXT)
        text = extension.text("valueString") if extension is not None else None
        if text is not None and unit is None:
            amount, unit = _split(text) if amount is None else (amount, text)
    return {"quantity": amount, "quantity_unit": unit, "supply_days": _days(ledger, dispense)}


def _days(ledger: Ledger, dispense: Element) -> int | None:
    duration = dispense.child("expectedSupplyDuration")
    value = duration.number("value") if duration else None
    if duration is None or value is None:
        return None
    days = value * _DAYS.get((duration.text("code") or duration.text("unit") or "").lower(), 0)
    if not days or days != days.to_integral() or not 0 < days < 100_000:
        ledger.note("days of supply not stated in whole days, left out")
        return None
    return int(days)


def _split(text: str | None) -> tuple[Decimal | None, str | None]:
    """ "28 tablets" as a number and a unit; text that is more than that is kept as the unit."""
    match = _QUANTITY.match(text or "")
    if match is None:
        return None, text
    return parse_decimal(match.group(1)), match.group(2)


def _exact(element: Element, name: str) -> Decimal | None:
    value = element.number(name)
    try:
        return None if value is None else parse_decimal(str(value))
    except ValueError:
        raise UnreadableError(f"{element.path}.{name}", "a number of at most 6 decimals") from None


def _dose(body: Element, said: Element | None, name: str = "dosageInstruction") -> dict[str, Any]:
    texts = [t for each in body.children(name) if (t := each.text("text"))]
    if not texts and said is not None:
        texts = [t for each in said.children("dosage") if (t := each.text("text"))]
    return {"dose_text": "\n".join(texts) or None}


def _dose_coded(body: Element) -> str | None:
    """The Dosage elements as sent, where they hold more than text."""
    dosages = [each.value for each in body.children("dosageInstruction")]
    if not any(set(each) - _PLAIN_DOSAGE for each in dosages):
        return None
    return json.dumps(dosages, default=_plain_number, ensure_ascii=False, sort_keys=True)


def _plain_number(value: object) -> object:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral() else float(value)
    raise TypeError(type(value).__name__)


def _problem(ledger: Ledger, body: Element) -> str | None:
    for reference in body.children("reasonReference"):
        target = ledger.bundle.resolve(reference)
        if target is not None and target.kind == "Condition":
            return target.id
    return None


def _note(body: Element, said: Element | None, product: Concept) -> str | None:
    texts = [each.text("text") for each in body.children("note")]
    texts += [
        f"Patient instruction: {t}"
        for each in body.children("dosageInstruction")
        if (t := each.text("patientInstruction"))
    ]
    if said is not None:
        texts += [each.text("text") for each in said.children("note")]
    if product.is_degraded:
        texts.append("The medicine's code was lost in a transfer: the name is text only")
    return "\n".join(dict.fromkeys(t for t in texts if t)) or None

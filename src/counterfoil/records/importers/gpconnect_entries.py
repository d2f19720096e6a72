"""Coded entries, problems, allergies and recalls out of GP Connect's clinical resources.

- An Observation is an entry; its components are entries under it, and so are its members.
- A Condition is a problem on top of the entry it names as the actual problem. Where it names none
  that the file holds, the problem also stands as an entry, so that no diagnosis is missed.
- A DiagnosticReport heads the results it lists; an Immunization is a procedure.
- A ProcedureRequest is a diary entry: a recall.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from counterfoil.records.importers.bundle import Resource
from counterfoil.records.importers.cells import parse_decimal
from counterfoil.records.importers.concept import Concept, read_concept, words
from counterfoil.records.importers.element import Element, Moment, UnreadableError
from counterfoil.records.importers.ledger import Ledger
from counterfoil.records.schema import VALUES
from counterfoil.terminology.units import to_ucum

UCUM = "http://unitsofmeasure.org"
KIND_SYSTEM = "urn:counterfoil:entry-kind"
"""A category of this system carries an entry's kind where our own writer made the bundle."""

_ENTRIES = {"Observation", "DiagnosticReport", "Immunization"}
_KINDS = {"laboratory": "result", "vital-signs": "result", "procedure": "procedure"}
_SIGNIFICANCE = {"major": "significant", "minor": "minor"}
_PROBLEM_STATUS = {
    "active": "active",
    "recurrence": "active",
    "inactive": "past",
    "remission": "past",
    "resolved": "past",
}
_ALLERGY_STATUS = {"active": "active", "inactive": "ended", "resolved": "ended"}
_HISTORY = ("h/o", "history of", "personal history")
_COMPARATORS = VALUES["coded_entry", "comparator"]

Reading = Callable[[Ledger, Resource, str], None]


class Links:
    """What the resources say about each other: parents of entries, problems' entries."""

    def __init__(self, ledger: Ledger) -> None:
        self.parents: dict[str, str] = {}
        self.entries: dict[str, str] = {}
        self.elsewhere: set[str] = set()
        self.diagnoses: set[str] = set()
        self.plans: dict[str, str] = {}
        for each in ledger.bundle.resources:
            try:
                if each.kind == "Observation":
                    self._members(ledger, each)
                elif each.kind == "Condition":
                    self._problem(ledger, each)
            except UnreadableError:
                continue  # The resource itself will be rejected when it is read.
        for each in ledger.bundle.resources:
            if each.kind == "DiagnosticReport" and each.id:
                self._results(ledger, each)

    def _members(self, ledger: Ledger, each: Resource) -> None:
        for related in each.body.children("related"):
            # A parent that the file does not hold is named all the same, as sent.
            other = ledger.bundle.reference_id(related.child("target"))
            if not other or not each.id or other == each.id:
                continue
            if related.text("type") == "has-member":
                self.parents[other] = each.id
            elif related.text("type") == "derived-from":
                self.parents.setdefault(each.id, other)

    def _results(self, ledger: Ledger, each: Resource) -> None:
        try:
            for reference in each.body.children("result"):
                other = ledger.bundle.resolve(reference, each)
                if other is not None and other.id and each.id:
                    self.parents.setdefault(other.id, each.id)
        except UnreadableError:
            return

    def _problem(self, ledger: Ledger, each: Resource) -> None:
        actual = each.body.extension("Extension-CareConnect-ActualProblem-1")
        target = ledger.bundle.resolve(actual.child("valueReference") if actual else None, each)
        if target is not None and target.id and each.id:
            if target.kind in _ENTRIES:
                self.entries[each.id] = target.id
                self.diagnoses.add(target.path)
            elif target is not each:
                self.elsewhere.add(each.id)
        for related in each.body.children("extension"):
            if not (related.text("url") or "").endswith("RelatedClinicalContent-1"):
                continue
            other = ledger.bundle.resolve(related.child("valueReference"), each)
            if other is not None and other.kind == "MedicationRequest" and other.id and each.id:
                self.plans.setdefault(other.id, each.id)


def read_entries(
    ledger: Ledger, links: Links, patient_id: str, apart: frozenset[str] = frozenset()
) -> None:
    """Settle every Observation, Condition, AllergyIntolerance and the like; not the kinds *apart*."""
    readings: dict[str, tuple[str, Callable[[Resource], None]]] = {
        "Observation": ("coded_entry", lambda r: _observation(ledger, links, r, patient_id)),
        "DiagnosticReport": ("coded_entry", lambda r: _report(ledger, r, patient_id)),
        "Immunization": ("coded_entry", lambda r: _immunization(ledger, r, patient_id)),
        "Condition": ("problem", lambda r: _condition(ledger, links, r, patient_id)),
        "AllergyIntolerance": ("allergy", lambda r: _allergy(ledger, r, patient_id)),
        "ProcedureRequest": ("recall", lambda r: read_recall(ledger, r, patient_id)),
        "Organization": ("organisation", lambda r: _organisation(ledger, r)),
    }
    for each in ledger.bundle.resources:
        if each.kind not in readings or each.kind in apart:
            continue
        table, read = readings[each.kind]
        try:
            if each.path in ledger.bundle.twice:
                raise UnreadableError(f"{each.path}.id", "an id that no earlier resource has")
            if each.id is None:
                raise UnreadableError(f"{each.path}.id", "an id")
            read(each)
        except UnreadableError as error:
            ledger.rejected(each, table, str(error))


def _entry(
    ledger: Ledger, resource: Resource, patient_id: str, concept: Concept, moment: Moment | None
) -> dict[str, Any]:
    if concept.term is None:
        raise UnreadableError(f"{resource.path}.code", "a code or a text")
    day = moment.day if moment else None
    return {
        **ledger.common(resource),
        "entry_id": resource.id,
        "patient_id": patient_id,
        "code": concept.code,
        "local_code": concept.local_code,
        "term": concept.term,
        "happened_on": day,
        "precision": moment.precision if moment and day else "unknown",
    }


def _observation(ledger: Ledger, links: Links, resource: Resource, patient_id: str) -> None:
    body = resource.body
    status = _not_in_error(body)
    period = body.child("effectivePeriod")
    moment = body.moment("effectiveDateTime") or (period.moment("start") if period else None)
    entry = _entry(ledger, resource, patient_id, read_concept(body.child("code")), moment)
    value = _value(ledger, body)
    comment = body.text("comment")
    entry.update(value)
    entry.update(
        value_text="\n".join(filter(None, (value["value_text"], comment))) or None,
        kind=_kind(body, value["value"] is not None, resource.path in links.diagnoses),
        parent_id=links.parents.get(resource.id or ""),
        status=status,
        recorded_on=body.day("issued"),
    )
    rows = [entry]
    for number, part in enumerate(body.children("component"), 1):
        concept = read_concept(part.child("code"))
        if concept.term is None:
            raise UnreadableError(f"{part.path}.code", "a code or a text")
        rows.append(
            {
                **entry,
                **_value(ledger, part),
                "entry_id": f"{resource.id}#{number}",
                "source_place": ledger.bundle.place(part.path),
                "code": concept.code,
                "local_code": concept.local_code,
                "term": concept.term,
                "kind": "result",
                "parent_id": resource.id,
            }
        )
    ledger.loaded(resource, "coded_entry", *rows)


def _kind(body: Element, has_value: bool, is_problem: bool) -> str:
    for category in body.children("category"):
        for coding in category.children("coding"):
            code = coding.text("code") or ""
            if coding.text("system") == KIND_SYSTEM and code in VALUES["coded_entry", "kind"]:
                return code
            if code in _KINDS:
                return _KINDS[code]
    return "result" if has_value else "diagnosis" if is_problem else "finding"


def _value(ledger: Ledger, body: Element) -> dict[str, Any]:
    """Value, unit, range and value text of an Observation or one of its components."""
    quantity = body.child("valueQuantity")
    value, text, comparator, unit, ucum = None, None, None, None, None
    if quantity is not None:
        value, text = _number(ledger, quantity, "value")
        comparator = quantity.text("comparator")
        if comparator is not None and comparator not in _COMPARATORS:
            raise UnreadableError(f"{quantity.path}.comparator", "one of < <= > >=", comparator)
        code = quantity.text("code")
        unit = quantity.text("unit") or code
        ucum = _ucum(unit, code if quantity.text("system") == UCUM else None)
    low, high = _range(ledger, body)
    return {
        "value": value,
        "comparator": comparator,
        "unit_text": unit,
        "unit_ucum": ucum,
        "range_low": low,
        "range_high": high,
        "value_text": text or _value_text(body),
    }


def _ucum(unit: str | None, code: str | None) -> str | None:
    """The unit to compare by: the UCUM code where one is sent, else what the text is known to mean."""
    if code is not None:
        return to_ucum(code) or code
    return to_ucum(unit) if unit is not None else None


def _value_text(body: Element) -> str | None:
    said = body.text("valueString") or words(body.child("valueCodeableConcept"))
    if said is None and body.has("valueBoolean"):
        said = "true" if body.flag("valueBoolean") else "false"
    if said is None and body.has("valueDateTime"):
        said = body.text("valueDateTime")
    if said is None:
        said = words(body.child("dataAbsentReason"))
    return said


def _range(ledger: Ledger, body: Element) -> tuple[Decimal | None, Decimal | None]:
    """The first reference range that has a number."""
    ranges = body.children("referenceRange")
    for each in ranges:
        low, high = each.child("low"), each.child("high")
        bounds = (
            _number(ledger, low, "value")[0] if low else None,
            _number(ledger, high, "value")[0] if high else None,
        )
        if bounds != (None, None):
            return bounds
    if ranges:
        ledger.note("Observation: its reference range is text only, left out")
    return None, None


def _number(ledger: Ledger, element: Element, name: str) -> tuple[Decimal | None, str | None]:
    """A number the record can hold; otherwise ``None`` and the number as text."""
    value = element.number(name)
    if value is None:
        return None, None
    try:
        return parse_decimal(str(value)), None
    except ValueError:
        ledger.note("a number of more than 6 decimals or 18 digits is kept as text")
        return None, str(value)


def _report(ledger: Ledger, resource: Resource, patient_id: str) -> None:
    body = resource.body
    status = _not_in_error(body)
    period = body.child("effectivePeriod")
    moment = (
        body.moment("effectiveDateTime")
        or (period.moment("start") if period else None)
        or body.moment("issued")
    )
    entry = _entry(ledger, resource, patient_id, read_concept(body.child("code")), moment)
    entry.update(
        kind="result",
        value_text=body.text("conclusion"),
        status=status,
        recorded_on=body.day("issued"),
    )
    ledger.loaded(resource, "coded_entry", entry)


def _immunization(ledger: Ledger, resource: Resource, patient_id: str) -> None:
    body = resource.body
    status = _not_in_error(body)
    extension = body.extension("Extension-CareConnect-VaccinationProcedure-1")
    concept = read_concept(extension.child("valueCodeableConcept") if extension else None)
    vaccine = read_concept(body.child("vaccineCode"))
    entry = _entry(
        ledger,
        resource,
        patient_id,
        concept if concept.term else vaccine,
        body.moment("date"),
    )
    recorded = body.extension("Extension-CareConnect-DateRecorded-1")
    entry.update(
        kind="procedure",
        value_text=vaccine.term if concept.term else None,
        status=status,
        recorded_on=recorded.day("valueDateTime") if recorded else None,
    )
    if body.flag("notGiven"):
        # The code would say that it was given.
        entry.update(code=None, local_code=entry["code"], kind="other", value_text="not given")
    ledger.loaded(resource, "coded_entry", entry)


def _condition(ledger: Ledger, links: Links, resource: Resource, patient_id: str) -> None:
    body = resource.body
    if body.text("verificationStatus") in ("entered-in-error", "refuted"):
        raise UnreadableError(f"{resource.path}.verificationStatus", "a problem that holds")
    concept = read_concept(body.child("code"))
    if concept.term is None:
        raise UnreadableError(f"{resource.path}.code", "a code or a text")
    onset, ended = _when(body, "onset"), _when(body, "abatement")
    clinical = body.text("clinicalStatus")
    if clinical is not None and clinical not in _PROBLEM_STATUS:
        raise UnreadableError(f"{resource.path}.clinicalStatus", "active or inactive", clinical)
    significance = body.extension("Extension-CareConnect-ProblemSignificance-1")
    sent = significance.text("valueCode") if significance else None
    entry_id = links.entries.get(resource.id or "")
    # An allergy or a medicine may be the problem: it has a row, but none among the entries.
    actual_is_elsewhere = resource.id in links.elsewhere
    recorded_on = body.day("assertedDate")
    if entry_id is None and not actual_is_elsewhere:
        entry = _entry(ledger, resource, patient_id, concept, onset)
        entry.update(kind="diagnosis", recorded_on=recorded_on)
        ledger.rows["coded_entry"].append(entry)
        ledger.note("Condition: names no entry of the file, stands as a coded entry too")
    ledger.loaded(
        resource,
        "problem",
        {
            **ledger.common(resource, recorded_on),
            "problem_id": resource.id,
            "patient_id": patient_id,
            "entry_id": None if actual_is_elsewhere else entry_id or resource.id,
            "code": concept.code,
            "term": concept.term,
            "onset_on": onset.day if onset else None,
            "ended_on": ended.day if ended else None,
            "significance": _SIGNIFICANCE.get(sent or "", sent),
            "status": _PROBLEM_STATUS[clinical] if clinical else ("past" if ended else "active"),
        },
    )


def _when(body: Element, name: str) -> Moment | None:
    period = body.child(f"{name}Period")
    return body.moment(f"{name}DateTime") or (period.moment("start") if period else None)


def _allergy(ledger: Ledger, resource: Resource, patient_id: str) -> None:
    body = resource.body
    concept = read_concept(body.child("code"))
    if concept.term is None:
        raise UnreadableError(f"{resource.path}.code", "a substance or a text")
    clinical = body.text("clinicalStatus")
    if clinical is not None and clinical not in _ALLERGY_STATUS:
        raise UnreadableError(f"{resource.path}.clinicalStatus", "active or resolved", clinical)
    in_error = body.text("verificationStatus") == "entered-in-error"
    reactions = body.children("reaction")
    said = [t for r in reactions for m in r.children("manifestation") if (t := words(m))]
    said += [t for r in reactions if (t := r.text("description"))]
    said += [t for each in body.children("note") if (t := each.text("text"))]
    onset = _when(body, "onset")
    # Contained resources have ids that hold within their list only.
    allergy_id = resource.id if resource.holder is None else f"{patient_id}#{resource.id}"
    ledger.loaded(
        resource,
        "allergy",
        {
            **ledger.common(resource, body.day("assertedDate")),
            "allergy_id": allergy_id,
            "patient_id": patient_id,
            "substance_code": concept.code,
            "substance_text": concept.term,
            "kind": _allergy_kind(body, concept.term),
            "status": "entered in error" if in_error else _ALLERGY_STATUS[clinical or "active"],
            "severity": next((t for r in reactions if (t := r.text("severity"))), None),
            "reaction_text": "\n".join(dict.fromkeys(said)) or None,
            "onset_on": onset.day if onset else None,
            "is_degraded": concept.is_degraded,
        },
    )


def _allergy_kind(body: Element, term: str) -> str:
    if term.lower().startswith(_HISTORY):
        return "history"
    return "intolerance" if body.text("type") == "intolerance" else "allergy"


def read_recall(ledger: Ledger, resource: Resource, patient_id: str) -> None:
    """What is planned for the patient. Raises :class:`UnreadableError`."""
    body = resource.body
    status = _not_in_error(body)
    concept = read_concept(body.child("code"))
    if concept.term is None:
        raise UnreadableError(f"{resource.path}.code", "a code or a text")
    period = body.child("occurrencePeriod")
    due_on = body.day("occurrenceDateTime") or (period.day("start") if period else None)
    ledger.loaded(
        resource,
        "recall",
        {
            **ledger.common(resource, body.day("authoredOn")),
            "recall_id": resource.id,
            "patient_id": patient_id,
            "what_code": concept.code,
            "what_text": concept.term,
            "due_on": due_on,
            "status": status or "unknown",
        },
    )


def _organisation(ledger: Ledger, resource: Resource) -> None:
    body = resource.body
    code = ods_code(resource)
    if code is None:
        ledger.not_carried(resource, "it has no ODS code")
        return
    if ledger.has("organisation", code):
        ledger.merged(resource)
        return
    manages = ledger.bundle.resolve(ledger.bundle.patient.body.child("managingOrganization"))
    ledger.loaded(
        resource,
        "organisation",
        {
            **ledger.common(resource),
            "org_code": code,
            "kind": "practice" if manages is resource else "other",
            "name": body.text("name") or code,
        },
    )


def ods_code(organisation: Resource) -> str | None:
    """The ODS code of an Organization."""
    for each in organisation.body.children("identifier"):
        if (each.text("system") or "").endswith("ods-organization-code"):
            return each.text("value")
    return None


def _not_in_error(body: Element) -> str | None:
    status = body.text("status")
    if status == "entered-in-error":
        raise UnreadableError(f"{body.path}.status", "one that was not entered in error")
    return status

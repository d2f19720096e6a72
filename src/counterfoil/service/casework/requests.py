"""Repeat requests become work: each item of the last days checked, as a finding of its person.

A request is checked as of the day it was received, so that the issue it leads to does not make it
look early afterwards. Nothing here approves an issue: an item without a query is one on which no
technical query was found.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from counterfoil import repeats
from counterfoil.foundation import days
from counterfoil.records import store
from counterfoil.records.patient import PatientRecord
from counterfoil.records.rows import Request, RequestItem
from counterfoil.rules import Rule
from counterfoil.service.casework import clock, events, intake, sets_in_use
from counterfoil.service.casework.models import Finding, LetterDocument
from counterfoil.service.organisations.models import Organisation
from counterfoil.service.records import reading
from counterfoil.service.rulebook import force
from counterfoil.terminology import formulary

OWNERS = {
    "ok": "technician",
    "technician": "technician",
    "contact": "technician",
    "cannot_check": "technician",
    "pharmacist": "pharmacist",
    "prescriber": "prescriber",
    "same_day": "prescriber",
}
"""Who an item of each outcome belongs to."""
MOVED_BY_THE_ISSUE = ("R07", "R08", "R10")
"""Checks that the very issue of an item changes: they do not bring back what was decided."""


def incoming_of(
    snapshot: store.Snapshot, as_of: date, practice: Organisation
) -> list[intake.Incoming]:
    """The items of the requests of the last ``COUNTERFOIL_REQUEST_DAYS`` days, checked.

    An item whose patient is not in the record has no person to belong to and is left out; the
    import reports such rows.
    """
    asked = _recent(snapshot, as_of)
    if not asked:
        return []
    records = snapshot.records(set(asked))
    rules = rules_in_use(practice)
    finished = _finished_letters(practice)
    sets = sets_in_use.sets_on(as_of)
    gated = sets_in_use.weak().get(practice.pk, frozenset())
    found: list[intake.Incoming] = []
    for patient_id, requests in asked.items():
        record = records.get(patient_id)
        if record is None:
            continue
        items: dict[str, list[RequestItem]] = defaultdict(list)
        for item in record.request_items:
            items[item.request_id].append(item)
        done = _reconciled(record, finished.get(patient_id, ()))
        contexts: dict[int, repeats.Context] = {}
        for request in sorted(
            (r for r in record.requests if r.request_id in requests), key=lambda r: r.request_id
        ):
            day = days.to_day(min(received_on(request), as_of))
            if day not in contexts:
                contexts[day] = repeats.Context(record, day, rules, done, sets=sets, gated=gated)
            outcomes = repeats.check_request(contexts[day], request, items[request.request_id])
            found += [_incoming(record, request, one) for one in outcomes]
    return found


def refresh(practice: str, as_of: date) -> intake.Upserted:
    """Check the requests of a practice's published snapshot again, on demand."""
    place = Organisation.objects.get(pk=practice)
    with reading.leased(practice) as row:
        if row is None:
            return intake.Upserted()
        found = incoming_of(reading.store().open(row.snapshot_id), as_of, place)
        with transaction.atomic():
            done = intake.upsert_findings(
                place, found, row.pk, as_of, kind=Finding.Kind.REQUEST_ITEM
            )
            events.append(place.pk, done.entries)
    return done


def received_on(request: Request) -> date:
    """The day a request was received, in the practices' zone."""
    return timezone.localdate(request.received_at)


def _recent(snapshot: store.Snapshot, as_of: date) -> dict[str, set[str]]:
    """Patient -> the requests received in the last days, not withdrawn."""
    since = as_of - timedelta(days=settings.COUNTERFOIL_REQUEST_DAYS)
    columns = ["request_id", "patient_id", "received_at", "deleted_on"]
    found: dict[str, set[str]] = defaultdict(set)
    for row in snapshot.scan("request").read(columns).to_pylist():
        if row["deleted_on"] is None and since <= timezone.localdate(row["received_at"]):
            found[row["patient_id"]].add(row["request_id"])
    return found


def rules_in_use(practice: Organisation) -> list[Rule]:
    """The monitoring rules approved for a practice, by itself or by its PCN."""
    approved = intake.approved_rules(practice)
    return [
        rule
        for rule in force.at(practice.pk, clock.today()).rules
        if rule.monitors and (rule.id, str(rule.version)) in approved
    ]


def _finished_letters(practice: Organisation) -> dict[str, list[date]]:
    """Patient -> the days of discharge of the letters that were finished."""
    found: dict[str, list[date]] = defaultdict(list)
    for patient_id, day in LetterDocument.objects.filter(
        practice=practice,
        status=LetterDocument.Status.FINISHED,
        discharged_on__isnull=False,
    ).values_list("patient_id", "discharged_on"):
        if day is not None:
            found[patient_id].append(day)
    return found


def _reconciled(record: PatientRecord, finished: Iterable[date]) -> frozenset[str]:
    """The record's discharge documents whose letter was finished here: the same day of discharge."""
    dates = set(finished)
    return frozenset(d.document_id for d in record.documents if d.event_on in dates)


def _incoming(record: PatientRecord, request: Request, one: repeats.ItemOutcome) -> intake.Incoming:
    outcome = one.outcome
    plan = next((p for p in record.plans if p.plan_id == one.plan_id), None)
    name, code = (plan.product_text, plan.product_code) if plan else (one.item_text, None)
    match = formulary().match(name, code)
    urgent = outcome == "same_day"
    day = received_on(request)
    reasons = {**one.to_json(), "request": _request_json(request)}
    kept = [(c.id, c.outcome) for c in one.checks if c.id not in MOVED_BY_THE_ISSUE]
    about = json.dumps([one.item_text, one.plan_id, request.note, kept])
    return intake.Incoming(
        person_id=record.patient.person_id,
        patient_id=record.patient.patient_id,
        kind=Finding.Kind.REQUEST_ITEM,
        rule="request",
        rule_version="",
        klass=f"request.{outcome}",
        subject=one.request_item_id,
        state=Finding.State.CANNOT_TELL if outcome == "cannot_check" else Finding.State.OPEN,
        owner=OWNERS[outcome],
        title=f"Request: {' '.join(one.item_text.split())}"[:200],
        summary=_summary(one)[:400],
        due=day if urgent else day + timedelta(days=settings.COUNTERFOIL_REQUEST_DUE_DAYS),
        urgency="same_day" if urgent else "routine",
        cause=one.reason[:200] if outcome == "cannot_check" else "",
        reasons=[reasons],
        fingerprint=hashlib.sha256(about.encode()).hexdigest()[:32],
        high_risk="high_risk" in match.flags if match.level != "none" else None,
    )


def _summary(one: repeats.ItemOutcome) -> str:
    """The most serious check in a line; the note, which stands above, only where it is all."""
    said = [c for c in one.checks if c.outcome != "ok"]
    if not said:
        return "No technical query found"
    quiet = ("technician", "contact")
    beside = [c for c in said if c.id != "R33" or c.outcome not in quiet]
    if not beside:
        return "No query but the patient's note"
    return max(beside, key=lambda c: repeats.OUTCOMES.index(c.outcome)).text


def _request_json(request: Request) -> dict[str, Any]:
    return {
        "id": request.request_id,
        "channel": request.channel,
        "requester": request.requester,
        "received_at": request.received_at.isoformat(),
        "note": (request.note or "").strip(),
    }

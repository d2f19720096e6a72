"""The loop closes: after an import, does the record show what was decided about a letter?

Each letter with decided lines is laid beside the newly published record again. A decision is then
verified, outstanding or in conflict; one in conflict brings its line back to be done again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from counterfoil import reconciliation
from counterfoil.foundation import days
from counterfoil.foundation.errors import DataError
from counterfoil.reconciliation import Outcome, Verified
from counterfoil.records.patient import PatientRecord
from counterfoil.service.casework import clock, events, intake, policy
from counterfoil.service.casework.letters import match_again, read_as_corrected
from counterfoil.service.casework.models import Decision, Finding, LetterDocument, Verification
from counterfoil.service.organisations.models import Organisation
from counterfoil.service.records import reading

LOOK_BACK_DAYS = 120
"""A decision older than this is not looked for any more: it stays as it was last seen."""
State = Verification.State


@dataclass(frozen=True)
class Closed:
    """What one look at a practice's letters found: decisions by state, and lines brought back."""

    counts: dict[str, int]
    brought_back: int


def after_publication(practice: str) -> None:
    """What a practice's letters need once its record has been published anew."""
    match_again(practice)
    verify_letters(practice)


def verify_letters(practice: str) -> Closed:
    """Compare every decided letter line of a practice with its published record."""
    place = Organisation.objects.get(pk=practice)
    counts: dict[str, int] = defaultdict(int)
    back = 0
    with reading.leased(place.pk) as snapshot:
        if snapshot is None:
            return Closed({}, 0)
        for letter, pending in _pending(place, snapshot.published_at):
            found_again = _again(letter, snapshot.snapshot_id)
            if found_again is None:
                continue
            seen = [(one, _verify(one, *found_again)) for one in pending]
            for _, found in seen:
                counts[found.state] += 1
            back += _keep(place, letter, seen, snapshot.pk)
    return Closed(dict(counts), back)


def _pending(
    place: Organisation, published_at: datetime | None
) -> Iterator[tuple[LetterDocument, list[Decision]]]:
    """Letters with decisions made before the record was published and not yet verified."""
    since = clock.now() - timedelta(days=LOOK_BACK_DAYS)
    actions = [n for n, a in policy.load().actions.items() if a.record_shows]
    rows = (
        Decision.objects.filter(
            finding__practice=place,
            finding__kind=Finding.Kind.LETTER_LINE,
            finding__work=Finding.Work.DONE,
            action__in=actions,
            at__gte=since,
            at__lt=published_at or since,
        )
        .exclude(verification__state__in=(State.VERIFIED, State.CONFLICT))
        .select_related("finding", "finding__letter")
        .order_by("at", "pk")
    )
    last: dict[str, Decision] = {row.finding_id: row for row in rows}
    by_letter: dict[Any, list[Decision]] = defaultdict(list)
    for row in last.values():
        by_letter[row.finding.letter].append(row)
    for letter in sorted(by_letter, key=lambda one: str(one.pk)):
        yield letter, by_letter[letter]


def _again(letter: LetterDocument, snapshot_id: str) -> tuple[Outcome, PatientRecord] | None:
    """The letter against the record as it is now; None where the patient is not in it any more."""
    try:
        read = read_as_corrected(letter)
        record = reading.store().patient(snapshot_id, letter.patient_id)
    except (DataError, KeyError):
        return None
    return reconciliation.reconcile(read, record, days.to_day(letter.as_of)), record


def _verify(decision: Decision, outcome: Outcome, record: PatientRecord) -> Verified:
    expected = policy.load().actions[decision.action].record_shows
    assert expected is not None
    return reconciliation.verify(decision.finding.reasons[0], outcome, record, expected)


def _keep(
    place: Organisation,
    letter: LetterDocument,
    seen: Iterable[tuple[Decision, Verified]],
    snapshot: str,
) -> int:
    """Write what was seen with its events; how many lines came back."""
    entries = []
    back: dict[str, str] = {}
    with transaction.atomic():
        for decision, found in seen:
            before = Verification.objects.filter(pk=decision.pk).first()
            Verification.objects.update_or_create(
                decision=decision,
                defaults={
                    "state": found.state,
                    "text": found.text[:400],
                    "snapshot": snapshot,
                    "at": clock.now(),
                },
            )
            if before is None or before.state != found.state:
                refs = {"decision": decision.pk, "finding": decision.finding_id}
                refs["shows"] = found.state
                entries.append(events.Entry("decision_checked", refs))
            if found.state == "conflict":
                back[decision.finding_id] = found.text
        entries += intake.bring_back(letter.case_id, back)
        if entries:
            events.append(place.pk, entries)
    return len(back)

"""Letters come in: kept as they are first, then read, matched, reconciled, and made into work.

Nothing that arrives is lost: a file that cannot be read, a letter whose patient is not found and one
that is not certain to be this patient's are kept, shown, and say why.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import uuid
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from counterfoil import documents, reconciliation
from counterfoil.documents import Letter
from counterfoil.foundation import days
from counterfoil.foundation.errors import DataError
from counterfoil.reconciliation import Outcome, OutcomeLine
from counterfoil.records.nhs import is_test_number, is_valid, normalise
from counterfoil.service.accounts.models import User
from counterfoil.service.casework import actions, clock, events, intake, policy, scope
from counterfoil.service.casework.errors import PolicyError, ScopeError
from counterfoil.service.casework.models import Finding, LetterDocument
from counterfoil.service.config import home
from counterfoil.service.organisations.models import Organisation
from counterfoil.service.records import reading
from counterfoil.service.records.models import PersonIndex

DAYS_TO_FINISH = 7
"""Within a week of receipt: the national standard for reconciliation after discharge."""
_NAMESPACE = uuid.UUID("5d3a7c1e-64b8-4f0e-9d43-0c5be2f7a911")
Status = LetterDocument.Status
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Read:
    """What became of a letter before anything is written about it."""

    status: str
    reason: str = ""
    letter: Letter | None = None
    person: PersonIndex | None = None
    outcome: Outcome | None = None
    snapshot: str = ""
    content: dict[str, Any] = field(default_factory=dict)


def receive_letter(
    practice: str,
    content: bytes,
    name: str,
    received_at: datetime,
    user: User | None = None,
    came: str = "",
) -> LetterDocument:
    """Take in one letter for a practice; the same bytes a second time change nothing.

    *user* is who handed it in; nobody where it came by itself. *came* says by which inbox, in words
    for the event log.

    ``DataError`` only where a demo home is given a letter with a real-looking NHS number: that is
    not kept at all.
    """
    place = Organisation.objects.get(pk=practice, kind=Organisation.Kind.PRACTICE)
    sha256 = hashlib.sha256(content).hexdigest()
    known = LetterDocument.objects.filter(practice=place, sha256=sha256).first()
    if known is not None:
        return known
    day = timezone.localdate(received_at)
    try:
        letter = documents.read(content, name=name, received_on=days.to_day(day))
    except DataError as error:
        found = _Read(Status.REFUSED, str(error)[:300])
    except Exception as error:
        # A letter is kept whatever it does to its reader. Not the message: it may quote the letter.
        bare = RuntimeError("see the place above").with_traceback(error.__traceback__)
        _log.exception("letter %s: %s", sha256[:12], type(error).__name__, exc_info=bare)
        said = f"A fault of this program ({type(error).__name__}) ended the reading of it"
        found = _Read(Status.REFUSED, f"{said}: a person reads it.")
    else:
        _guard_demo(letter, name)
        found = _match(place, letter, day)
    keep(home.current().documents / sha256, content)
    return _write(place, sha256, name, received_at, day, found, user, came)


def take_in(user: User, practice: str, content: bytes, name: str) -> str:
    """Take in a letter that a person hands over for one of their practices; its ref.

    ``ScopeError`` for another practice, ``DataError`` as :func:`receive_letter`.
    """
    if not scope.practices(user).filter(pk=practice).exists():
        raise ScopeError("There is no such practice among yours.")
    return str(receive_letter(practice, content, name, clock.now(), user).pk)


def keep(path: Path, content: bytes) -> None:
    """Write a file beside its place, sync it, and rename it into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _guard_demo(letter: Letter, name: str) -> None:
    number = normalise(letter.patient.nhs_number or "")
    if home.current().demo and is_valid(number) and not is_test_number(number):
        raise DataError.at(
            f"{name}, NHS number",
            "expected a number of a test range (999 ...): a demo home takes no real records",
        )


def _match(place: Organisation, letter: Letter, day: date) -> _Read:
    """Find the patient by NHS number in the published record, and lay the letter beside it."""
    shown = _content(letter)
    number = normalise(letter.patient.nhs_number or "")
    if not number:
        return _Read(Status.UNMATCHED, "the letter gives no NHS number", letter, content=shown)
    if not is_valid(number):
        why = "the NHS number in the letter is not a valid one"
        return _Read(Status.UNMATCHED, why, letter, content=shown)
    people = list(PersonIndex.objects.filter(practice=place, nhs_number=number))
    if len(people) != 1:
        why = f"no {place.name} patient has the letter's NHS number"
        if people:
            why = f"{len(people)} {place.name} patients have the letter's NHS number"
        return _Read(Status.UNMATCHED, why, letter, content=shown)
    person = people[0]
    with reading.leased(place.pk) as snapshot:
        if snapshot is None:
            return _Read(Status.UNMATCHED, "no record is published", letter, content=shown)
        record = reading.store().patient(snapshot.snapshot_id, person.patient_id)
        as_of = letter.as_of if letter.as_of is not None else days.to_day(day)
        outcome = reconciliation.reconcile(letter, record, as_of)
        key = snapshot.pk
    if outcome.status == "refused":
        return _Read(Status.REFUSED, outcome.reason[:300], letter, None, outcome, key, shown)
    return _Read(Status.NEW, "", letter, person, outcome, key, shown)


def _content(letter: Letter) -> dict[str, Any]:
    lines = [
        {
            "id": m.id,
            "text": m.text,
            "start": m.start,
            "end": m.end,
            "section": m.section,
            "drug": m.drug_text,
            "dose": m.dose_text,
            "duration": m.duration,
            **({"page": m.page, "box": list(m.box)} if m.page and m.box else {}),
        }
        for m in letter.lines
    ]
    unread = [{"text": s.text, "start": s.start, "end": s.end} for s in letter.unread]
    stated = [criterion.to_json() for criterion in documents.quality(letter)]
    return {
        "text": letter.text,
        "lines": lines,
        "unread": unread,
        "quality": stated,
        "setting": letter.setting,
        "trust": letter.trust,
    }


def _write(
    place: Organisation,
    sha256: str,
    name: str,
    received_at: datetime,
    day: date,
    found: _Read,
    user: User | None,
    came: str,
) -> LetterDocument:
    letter = found.letter
    with transaction.atomic():
        row, made = LetterDocument.objects.get_or_create(
            practice=place,
            sha256=sha256,
            defaults={
                "id": uuid.uuid5(_NAMESPACE, f"{place.pk}|{sha256}"),
                "name": name[:200],
                "media_type": letter.media_type[:80] if letter else "application/octet-stream",
                "received_at": received_at,
                "due_on": day + timedelta(days=DAYS_TO_FINISH),
                "as_of": _as_of(letter, day),
                "status": found.status,
            },
        )
        if made:
            refs = {"letter": str(row.pk), **({"came": came[:200]} if came else {})}
            here = events.Entry("letter_received", refs)
            events.append(place.pk, [here, *_settle(place, row, found, day)], user)
    return row


def _as_of(letter: Letter | None, day: date) -> date:
    return days.to_date(letter.as_of) if letter and letter.as_of is not None else day


def _settle(
    place: Organisation, row: LetterDocument, found: _Read, day: date
) -> tuple[events.Entry, ...]:
    """Write what was read and matched onto the letter, and its lines as findings; what to log."""
    letter, person = found.letter, found.person
    row.status, row.reason, row.snapshot = found.status, found.reason, found.snapshot
    if letter is not None:
        row.sender, row.ward = letter.sender[:200], letter.ward[:120]
        row.content = found.content
        if letter.discharged_on is not None:
            row.discharged_on = days.to_date(letter.discharged_on)
    if found.outcome is not None:
        row.outcome = found.outcome.to_json()
    if person is None or found.outcome is None:
        row.save()
        return ()
    row.case = intake.case_for(person.person_id, place, day)
    row.person_id, row.patient_id = person.person_id, person.patient_id
    row.save()
    left = set(found.outcome.left_alone)
    lines = [_line(row, person, line) for line in found.outcome.lines if line not in left]
    done = intake.upsert_findings(
        place, lines, found.snapshot, day, clears=False, kind=Finding.Kind.LETTER_LINE
    )
    intake.refresh_status([row.case.pk])
    return done.entries


def _line(row: LetterDocument, person: PersonIndex, line: OutcomeLine) -> intake.Incoming:
    shown = line.to_json()
    said = {key: value for key, value in shown.items() if key != "proposal"}
    content = json.dumps(said, sort_keys=True)  # the draft's wording decides nothing
    return intake.Incoming(
        person_id=person.person_id,
        patient_id=person.patient_id,
        kind=Finding.Kind.LETTER_LINE,
        rule="letter",
        rule_version="",
        klass=class_of(line),
        subject=f"{row.pk}:{line.id}",
        state=Finding.State.OPEN,
        owner=line.owner,
        title=_title(line),
        summary=line.found[:400],
        due=row.due_on,
        reasons=[shown],
        fingerprint=hashlib.sha256(content.encode()).hexdigest()[:32],
        high_risk=line.high_risk,
        letter_id=row.pk,
    )


def class_of(line: OutcomeLine) -> str:
    """The class of a line in the role policy: what is the same may still be a pharmacist's."""
    if line.cls == "same" and line.owner != "technician":
        return "letter.same_for_pharmacist"
    return f"letter.{line.cls}"


def _title(line: OutcomeLine) -> str:
    items = line.letter_lines or line.plans
    words = " ".join(items[0].text.split()) if items else ""
    return f"{policy.load().class_of(f'letter.{line.cls}').title}: {words}"[:200]


@dataclass(frozen=True)
class Corrected:
    """What became of the lines of a letter that was read for another change of setting.

    ``kept``: worked before and as they were; ``again``: worked before and to be decided anew;
    ``gone``: not asked about any more, and nobody had touched them.
    """

    kept: int
    again: int
    gone: int


def correct_setting(
    user: User, letter_ref: str, setting: str, *, expected_version: int | None = None
) -> Corrected:
    """Read and compare a letter anew for the change of setting that a person says it is about.

    What was decided stays decided where the line says the same as before, and is to do again where it
    does not; a line that somebody worked on stays, even where the new reading no longer asks it.
    ``PolicyError`` where the letter is finished, is nobody's, or is of that setting already.
    """
    row = scope.letter(user, letter_ref)
    if setting not in documents.SETTINGS:
        raise PolicyError("Choose what kind of letter it is.")
    if row.case is None or row.status not in (Status.NEW, Status.IN_PROGRESS):
        raise PolicyError("Only a letter that is still being worked can be read anew.")
    was = row.content.get("setting", "discharge")
    if was == setting:
        raise PolicyError("It is taken for that already.")
    day = timezone.localdate(row.received_at)
    letter = _read_again(row, setting)
    found = _match(row.practice, letter, day)
    outcome = found.outcome
    if outcome is None or found.status != Status.NEW:
        raise PolicyError(f"It cannot be compared now: {found.reason}.")
    corrected = {"was": was, "by": user.display_name, "on": clock.today().isoformat()}
    found = replace(found, content={**found.content, "corrected": corrected})
    with transaction.atomic():
        case, role = actions.hold_letter(user, row, expected_version)
        status = row.status
        before = {f.pk: f.work for f in row.findings.all()}
        entries = _settle(row.practice, row, found, day)
        row.status = status
        row.save(update_fields=["status"])
        gone = _no_longer_asked(row, outcome)
        after = {f.pk: f.work for f in row.findings.filter(pk__in=before)}
        worked = [pk for pk, work in before.items() if work != Finding.Work.TODO]
        again = sum(after[pk] == Finding.Work.TODO for pk in worked)
        refs = {"letter": str(row.pk), "case": str(case.pk), "was": was, "is": setting}
        actions.letter_changed(case)
        events.append(
            row.practice_id,
            [events.Entry("letter_setting_corrected", refs), *entries, *gone],
            user,
            role,
        )
    return Corrected(len(worked) - again, again, len(gone))


def _no_longer_asked(row: LetterDocument, outcome: Outcome) -> list[events.Entry]:
    """Lines that the new reading does not ask: those somebody worked on stay, the others are clear."""
    left = set(outcome.left_alone)
    asked = {f"{row.pk}:{line.id}" for line in outcome.lines if line not in left}
    others = [f for f in row.lines if f.subject not in asked]
    gone = [f for f in others if not (f.decisions.exists() or f.handovers.exists())]
    Finding.objects.filter(pk__in=[f.pk for f in gone]).update(state=Finding.State.CLEAR)
    return [
        events.Entry("finding_cleared", {"finding": f.pk, "case": str(f.case_id), "class": f.klass})
        for f in gone
    ]


def _read_again(row: LetterDocument, setting: documents.Setting | None) -> Letter:
    """The letter read anew from the bytes that came."""
    content = (home.current().documents / row.sha256).read_bytes()
    received = days.to_day(timezone.localdate(row.received_at))
    return documents.read(content, name=row.name, received_on=received, setting=setting)


def read_as_corrected(row: LetterDocument) -> Letter:
    """The letter read anew, for the setting that a person gave it where one did."""
    corrected = row.content.get("corrected")
    return _read_again(row, row.content["setting"] if corrected else None)


def match_again(practice: str) -> int:
    """Try letters whose patient was not found again, after a new publication; how many matched."""
    place = Organisation.objects.get(pk=practice)
    matched = 0
    for row in LetterDocument.objects.filter(practice=place, status=Status.UNMATCHED):
        content = (home.current().documents / row.sha256).read_bytes()
        day = timezone.localdate(row.received_at)
        letter = documents.read(content, name=row.name, received_on=days.to_day(day))
        found = _match(place, letter, day)
        if found.status == Status.UNMATCHED:
            continue
        with transaction.atomic():
            row = LetterDocument.objects.select_for_update().get(pk=row.pk)
            if row.status == Status.UNMATCHED:
                known = events.Entry("letter_matched", {"letter": str(row.pk)})
                events.append(place.pk, [known, *_settle(place, row, found, day)])
                matched += 1
    return matched

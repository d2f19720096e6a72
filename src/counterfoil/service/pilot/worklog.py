"""The activity table out of the event log: what ``evidence`` and ``workforce`` read.

Active minutes are the time from a person's event to their next one, put down to the first of the
two. A gap longer than the cut-off counts as nothing, not as the cut-off: nobody knows what was done
in it. People work in the GP system meanwhile, so these minutes are calibrated by a timed sample and
are no claim about anybody's day. Tasks and cases are named by keyed hashes, people not at all.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.conf import settings

from counterfoil.evidence.activity import Activity, What
from counterfoil.records.persons import DEMO_KEY
from counterfoil.service.casework.events import SYSTEM
from counterfoil.service.casework.models import Event, Finding, Handover, LetterDocument
from counterfoil.service.config import home

_WHAT: dict[str, What] = {
    "finding_arrived": "arrived",
    "letter_received": "arrived",
    "patient_viewed": "opened",
    "decided": "acted",
    "handed_over": "handed_over",
    "replied": "replied",
    "acknowledged": "acted",
    "letter_finished": "done",
    "finding_cleared": "cleared",
    "finding_reopened": "reopened",
}
Where = Callable[[str, date], str | None]
"""The site at which a user (by number) is placed on a day."""


def nowhere(user: str, day: date) -> None:
    """No plan says where anybody is."""


@dataclass(frozen=True)
class Known:
    """What events refer to: the letter of each letter line, the class of each finding, the
    findings of each question, the moment each letter was received."""

    letter_of: Mapping[str, str] = field(default_factory=dict)
    class_of: Mapping[str, str] = field(default_factory=dict)
    asked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    received: Mapping[str, datetime] = field(default_factory=dict)


def activity(
    practices: Collection[str], *, idle_minutes: float | None = None, where: Where = nowhere
) -> list[Activity]:
    """The activity table of these practices, in order of time."""
    codes = list(practices)
    events = Event.objects.filter(chain__in=codes).order_by("at", "chain", "seq")
    at = home.current()
    key = DEMO_KEY if at.demo else at.secret("person.key").encode()
    gap = settings.COUNTERFOIL_ACTIVE_GAP_MINUTES if idle_minutes is None else idle_minutes
    return derive(events.iterator(chunk_size=2000), _known(codes), gap, key, where)


def _known(codes: Collection[str]) -> Known:
    findings = Finding.objects.filter(practice__in=codes)
    asked: dict[str, list[str]] = {}
    pairs = Handover.findings.through.objects.filter(handover__practice__in=codes)
    for handover, finding in pairs.order_by("pk").values_list("handover_id", "finding_id"):
        asked.setdefault(str(handover), []).append(finding)
    lines = findings.filter(letter__isnull=False).values_list("pk", "letter_id")
    letters = LetterDocument.objects.filter(practice__in=codes)
    return Known(
        letter_of={pk: str(letter) for pk, letter in lines},
        class_of=dict(findings.values_list("pk", "klass")),
        asked={pk: tuple(found) for pk, found in asked.items()},
        received={str(pk): at for pk, at in letters.values_list("pk", "received_at")},
    )


def derive(
    events: Iterable[Event],
    known: Known,
    idle_minutes: float,
    key: bytes = DEMO_KEY,
    where: Where = nowhere,
) -> list[Activity]:
    """The activity table of events given in order of time.

    Minutes are never negative, and a gap over *idle_minutes* adds nothing to any row.
    """
    log = _Log(known, timedelta(minutes=idle_minutes), key, where)
    for event in events:
        log.take(event)
    return sorted(log.rows, key=lambda row: (row.at, row.activity_id))


class _Log:
    """Rows so far; who was at what, since when; and which openings have no task yet."""

    def __init__(self, known: Known, gap: timedelta, key: bytes, where: Where) -> None:
        self.known, self.gap, self.key, self.where = known, gap, key, where
        self.rows: list[Activity] = []
        self.last: dict[str, tuple[int | None, datetime]] = {}
        self.opened: dict[str, tuple[str, list[int]]] = {}

    def take(self, event: Event) -> None:
        """Add what the event tells."""
        if event.actor != SYSTEM:
            self._minutes(event)
        first = len(self.rows)
        self._rows(event)
        if event.actor != SYSTEM:
            made = first if len(self.rows) > first else None
            self.last[event.actor] = (made, event.at)

    def _minutes(self, event: Event) -> None:
        """Put the time since this person's event before this one down to that one."""
        row, since = self.last.get(event.actor, (None, event.at))
        passed = event.at - since
        if row is not None and timedelta(0) <= passed <= self.gap:
            before = self.rows[row]
            minutes = (before.minutes or 0.0) + passed.total_seconds() / 60
            self.rows[row] = replace(before, minutes=minutes)

    def _rows(self, event: Event) -> None:
        what = _WHAT.get(event.kind)
        if what is None:
            return
        refs = event.refs
        case = str(refs.get("case", ""))
        if event.kind == "patient_viewed":
            self._open(event, case)
            return
        tasks = self._tasks(refs)
        line = bool(refs.get("finding")) and str(refs["finding"]) in self.known.letter_of
        if line and what in ("arrived", "cleared"):
            return  # the letter itself arrives and is done; its lines are parts of it
        if event.kind == "decided" and refs.get("outcome") == "done" and not line:
            what = "done"
        self._settle(event.actor, case, tasks)
        for number, (task, kind, finding) in enumerate(tasks):
            self._add(event, what, kind, task, case, finding, number)

    def _tasks(self, refs: Mapping[str, Any]) -> list[tuple[str, str, str]]:
        """(task, kind, finding) of everything an event is about, each task once."""
        if "letter" in refs:
            return [(str(refs["letter"]), "letter", "")]
        findings = [str(refs["finding"])] if "finding" in refs else []
        findings += map(str, refs.get("findings", ()))
        findings += self.known.asked.get(str(refs.get("handover", "")), ())
        found: dict[str, tuple[str, str, str]] = {}
        for finding in findings:
            klass = str(refs.get("class") or self.known.class_of.get(finding, ""))
            letter = self.known.letter_of.get(finding)
            kind = "letter" if letter else klass.split(".", 1)[0] or "other"
            task = letter or finding
            found.setdefault(task, (task, kind, finding))
        return list(found.values())

    def _open(self, event: Event, case: str) -> None:
        """Opened: for the task that the person next does in this case, if they do one."""
        held, rows = self.opened.get(event.actor, ("", []))
        self.opened[event.actor] = (
            case,
            [*rows, len(self.rows)] if held == case else [len(self.rows)],
        )
        self._add(event, "opened", "case", case, case, "", 0)

    def _settle(self, actor: str, case: str, tasks: list[tuple[str, str, str]]) -> None:
        held, rows = self.opened.pop(actor, ("", []))
        if actor == SYSTEM or held != case or not tasks:
            return
        task, kind, _ = tasks[0]
        for row in rows:
            self.rows[row] = replace(self.rows[row], task_id=self._hashed(task), kind=kind)

    def _add(
        self, event: Event, what: What, kind: str, task: str, case: str, finding: str, number: int
    ) -> None:
        at = event.at
        if event.kind == "letter_received":
            at = min(at, self.known.received.get(task, at))
        person = event.actor != SYSTEM and event.kind != "letter_received"
        self.rows.append(
            Activity(
                activity_id=f"{event.chain}-{event.seq}" + (f"-{number}" if number else ""),
                at=at.astimezone(UTC),
                what=what,
                kind=kind,
                practice=event.chain,
                task_id=self._hashed(task),
                site=self.where(event.actor, at.date()) if person else None,
                role=event.role or None,
                minutes=0.0 if person else None,
                case_id=self._hashed(case) if case else None,
                finding_id=self._hashed(finding) if finding else None,
            )
        )

    def _hashed(self, ref: str) -> str:
        return hmac.new(self.key, f"activity:{ref}".encode(), hashlib.sha256).hexdigest()[:20]

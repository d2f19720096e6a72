"""The typed work log, derived from events: what ``evidence`` and ``workforce`` read.

Minutes are active minutes: the time from a person's event to their next one, counted for the thing
they were at, as far as it is shorter than the idle cut-off. People work in the GP system meanwhile;
a timed sample calibrates these minutes, they are not a claim about anybody's day.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from counterfoil.service.casework.events import SYSTEM
from counterfoil.service.casework.models import Event

IDLE_MINUTES = 10
"""A longer silence than this is not work on the thing; a setting of the project, to be calibrated."""

_WHAT = {
    "finding_arrived": "arrived",
    "letter_received": "arrived",
    "patient_viewed": "opened",
    "decided": "acted",
    "handed_over": "handed over",
    "replied": "replied",
    "acknowledged": "acted",
    "letter_finished": "done",
    "finding_cleared": "done",
    "finding_reopened": "reopened",
}


@dataclass(frozen=True)
class Activity:
    """One entry of the work log. ``kind`` is the first word of the finding's class, or ``letter``;
    ``actor`` the user's number or ``system``; ``minutes`` active minutes, 0 for the service itself."""

    at: datetime
    what: str
    practice: str
    kind: str
    role: str
    actor: str
    case: str
    minutes: float


def activities(
    practices: Collection[str], *, idle_minutes: int = IDLE_MINUTES
) -> Iterator[Activity]:
    """The work log of these practices in order of time. Names nobody but by number."""
    events = Event.objects.filter(chain__in=list(practices)).order_by("at", "chain", "seq")
    yield from derive(events.iterator(chunk_size=2000), idle_minutes)


def derive(events: Iterable[Event], idle_minutes: int = IDLE_MINUTES) -> Iterator[Activity]:
    """The work log of events given in order of time."""
    limit = timedelta(minutes=idle_minutes)
    found: list[Activity] = []
    last: dict[str, tuple[int | None, datetime]] = {}
    for event in events:
        before = last.get(event.actor)
        if event.actor != SYSTEM and before is not None:
            place, since = before
            if place is not None and event.at - since <= limit:
                minutes = (event.at - since).total_seconds() / 60
                found[place] = replace(found[place], minutes=found[place].minutes + minutes)
        entry = _activity(event)
        if entry is not None:
            found.append(entry)
        last[event.actor] = (len(found) - 1 if entry is not None else None, event.at)
    yield from found


def _activity(event: Event) -> Activity | None:
    what = _WHAT.get(event.kind)
    if what is None:
        return None
    if event.kind == "decided" and event.refs.get("outcome") == "done":
        what = "done"
    kind = str(event.refs.get("class", "")).split(".", 1)[0]
    if "letter" in event.refs:
        kind = "letter"
    case = str(event.refs.get("case", ""))
    return Activity(event.at, what, event.chain, kind, event.role, event.actor, case, 0.0)

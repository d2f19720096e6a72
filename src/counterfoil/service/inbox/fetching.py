"""Fetching from an inbox: downloaded, stored, then acknowledged, in that order."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from counterfoil.foundation.errors import DataError
from counterfoil.service.casework.letters import receive_letter
from counterfoil.service.casework.models import LetterDocument
from counterfoil.service.inbox.settings import Inbox
from counterfoil.service.inbox.sources import LeftWaitingError, Source, source_of
from counterfoil.service.organisations.models import Organisation

Step = Callable[[str], None]
STEPS = ("listed", "downloaded", "stored", "acknowledged")


@dataclass
class Fetched:
    """What became of what waited in one inbox.

    ``letters``: ids of letters taken in now. ``known``: how many were here already, and were only
    acknowledged. ``left``: what stays where it is, with the reason. ``failed``: why nothing (more)
    could be fetched from this inbox; empty where all was well.
    """

    inbox: str
    practice: str
    letters: list[str] = field(default_factory=list)
    known: int = 0
    left: list[dict[str, str]] = field(default_factory=list)
    failed: str = ""

    def to_json(self) -> dict[str, Any]:
        """The object ``counterfoil inbox fetch`` prints for this inbox."""
        return {
            "inbox": self.inbox,
            "practice": self.practice,
            "letters": list(self.letters),
            "known": self.known,
            "left": list(self.left),
            "failed": self.failed,
        }


def fetch(
    inbox: Inbox,
    source: Source,
    step: Step = lambda _: None,
    done: Fetched | None = None,
) -> Fetched:
    """Take in everything that waits in *source*. *step* is called after each of ``STEPS``.

    What was done is written to *done* as it happens, so that it is known even when the source fails.
    """
    done = done or Fetched(inbox.name, inbox.practice)
    keys = source.keys()
    step("listed")
    for key in keys:
        try:
            waiting = source.download(key)
            step("downloaded")
            sha256 = hashlib.sha256(waiting.content).hexdigest()
            known = LetterDocument.objects.filter(practice=inbox.practice, sha256=sha256).exists()
            row = receive_letter(
                inbox.practice,
                waiting.content,
                waiting.name,
                waiting.received_at,
                came=f"{inbox.kind}:{inbox.name}:{key}",
            )
            step("stored")
        except LeftWaitingError as why:
            done.left.append({"item": key, "reason": str(why)})
            continue
        except DataError as error:  # a demo home does not keep what may be real
            done.left.append({"item": key, "reason": error.problems[0].expected})
            continue
        source.acknowledge(key)
        step("acknowledged")
        if known:
            done.known += 1
        else:
            done.letters.append(str(row.pk))
    return done


def fetch_all(inboxes: Iterable[Inbox]) -> list[Fetched]:
    """Fetch from each inbox; one that cannot be reached does not keep the others waiting."""
    report = []
    for inbox in inboxes:
        found = Fetched(inbox.name, inbox.practice)
        try:
            if not Organisation.objects.filter(
                pk=inbox.practice, kind=Organisation.Kind.PRACTICE
            ).exists():
                raise DataError.at(
                    f"inbox {inbox.name!r}",
                    "expected a practice of this installation",
                    inbox.practice,
                )
            with source_of(inbox) as source:
                fetch(inbox, source, done=found)
        except DataError as error:
            found.failed = str(error)
        report.append(found)
    return report

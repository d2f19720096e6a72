"""What people have done about a finding, derived from its decisions and hand-overs.

The one definition: ``actions`` keeps the result on the finding for lists, and a test compares the
two. Pure: rows in, state out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime

from counterfoil.service.casework.models import Decision, Finding, Handover

REOPENED = "reopened"


@dataclass(frozen=True)
class Work:
    """The state of the work on a finding."""

    state: str = Finding.Work.TODO
    waiting_until: date | None = None
    with_role: str = ""
    must_hand_over: bool = False
    handed: bool = False


def derive(decisions: Iterable[Decision], handovers: Iterable[Handover]) -> Work:
    """Fold everything that was done, in order of time, into the state it left."""
    steps: list[tuple[datetime, int, str, Decision | Handover]] = []
    for decision in decisions:
        steps.append((decision.at, 1, "decision", decision))
    for handover in handovers:
        steps.append((handover.sent_at, 2, "sent", handover))
        if handover.replied_at:
            steps.append((handover.replied_at, 3, "replied", handover))
        if handover.acknowledged_at:
            steps.append((handover.acknowledged_at, 4, "acknowledged", handover))
    steps.sort(key=lambda s: (s[0], s[1], str(s[3].pk).zfill(20)))
    work = Work()
    for _, _, kind, row in steps:
        work = _step(work, kind, row)
    return work


def _step(work: Work, kind: str, row: Decision | Handover) -> Work:
    if isinstance(row, Decision):
        return _decided(work, row)
    if kind == "sent":
        return replace(
            work,
            state=Finding.Work.HANDED_OVER,
            with_role=row.to_role,
            must_hand_over=False,
            handed=True,
        )
    if kind == "replied":
        return replace(work, state=Finding.Work.ANSWERED, with_role="")
    if row.decision:  # the answer decided it; taking it up ends the loop
        return replace(work, state=_after_answer(row, work))
    return replace(work, state=Finding.Work.WAITING if work.waiting_until else Finding.Work.TODO)


def _after_answer(row: Handover, work: Work) -> str:
    from counterfoil.service.casework import policy

    effect = policy.load().actions[row.decision].effect
    if effect == "done":
        return Finding.Work.DONE
    return Finding.Work.WAITING if work.waiting_until else Finding.Work.TODO


def _decided(work: Work, row: Decision) -> Work:
    if row.action == REOPENED or row.outcome == "todo":
        return Work()
    if row.evidence.get("in_reply_to"):  # its state is the reply's: answered, then taken up
        return replace(work, waiting_until=row.until or work.waiting_until)
    if row.outcome == "done":
        return replace(
            work, state=Finding.Work.DONE, waiting_until=None, must_hand_over=False, with_role=""
        )
    if row.outcome == "waiting":
        held = work.state in (Finding.Work.HANDED_OVER, Finding.Work.ANSWERED)
        must = bool(row.evidence.get("must_hand_over")) and not work.handed
        return replace(
            work,
            state=work.state if held else Finding.Work.WAITING,
            waiting_until=row.until,
            must_hand_over=work.must_hand_over or must,
        )
    return work

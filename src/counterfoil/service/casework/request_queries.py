"""What the pages of repeat requests read: the queue, one person's requests, and eRD criteria."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from django.conf import settings

from counterfoil import repeats
from counterfoil.foundation import days
from counterfoil.service.accounts.models import User
from counterfoil.service.casework import clock, policy, queries, requests, scope
from counterfoil.service.casework.models import Case, Finding
from counterfoil.service.casework.shapes import CaseView, Choice, FindingCard, PersonLine
from counterfoil.service.organisations.models import Organisation

VIEWS = ("todo", "sign", "handed_over", "done")
READY = ("ready_for_signature", "protocol_done", "reviewed_ready")
ORDER = ("same_day", "prescriber", "pharmacist", "contact", "technician", "cannot_check", "ok")
"""Outcomes, the most serious first."""


@dataclass(frozen=True)
class RequestFilters:
    """What the queue was asked for. ``view`` is one of ``VIEWS``."""

    view: str = "todo"
    practice: str = ""
    outcome: str = ""


@dataclass(frozen=True)
class RequestLine:
    """One request in the queue, with its items by outcome."""

    case_ref: str
    request_id: str
    person: PersonLine
    channel: str
    requester: str
    received_at: datetime
    note: bool
    outcomes: dict[str, int]
    items: tuple[tuple[str, str], ...]
    """What is asked for in this view, and the reason in one line."""
    same_day: bool


@dataclass(frozen=True)
class Queue:
    """The queue. ``empty_because`` is a sentence when ``lines`` is empty."""

    lines: tuple[RequestLine, ...]
    counts: dict[str, int]
    filters: RequestFilters
    practices: tuple[Choice, ...]
    outcomes: tuple[Choice, ...]
    today: date
    empty_because: str = ""


@dataclass(frozen=True)
class Requested:
    """One request of a person: what was written, and its items with what may be done."""

    request_id: str
    channel: str
    requester: str
    received_at: datetime
    note: str
    note_read: bool
    items: tuple[FindingCard, ...]


@dataclass(frozen=True)
class RequestView:
    """One person's requests of the last days, with their case."""

    case: CaseView
    requests: tuple[Requested, ...]


def view_of(row: Finding, last: str) -> str:
    """In which view of the queue an item stands; *last* is its last finishing action."""
    if row.work == Finding.Work.DONE:
        return "sign" if last in READY else "done"
    return "handed_over" if row.work == Finding.Work.HANDED_OVER else "todo"


def queue(user: User, filters: RequestFilters) -> Queue:
    """The requests of the user's practices: same-day first, then the oldest."""
    when = clock.today()
    rows = list(
        scope.findings(user)
        .filter(kind=Finding.Kind.REQUEST_ITEM)
        .exclude(state=Finding.State.CLEAR, work__in=(Finding.Work.TODO, Finding.Work.WAITING))
        .prefetch_related("decisions")
    )
    people = queries.people_of(user, _cases(user, rows), when)
    rows = [row for row in rows if row.case_id in people]
    placed = [(row, view_of(row, _last(row))) for row in rows]
    counts = {view: len({_request(r) for r, v in placed if v == view}) for view in VIEWS}
    shown = [row for row, view in placed if view == filters.view]
    kept = [
        row
        for row in shown
        if (not filters.practice or people[row.case_id].practice_code == filters.practice)
        and (not filters.outcome or outcome_of(row) == filters.outcome)
    ]
    lines = sorted(
        (_line(group, people[group[0].case_id]) for group in _grouped(kept).values()),
        key=lambda line: (not line.same_day, line.received_at, line.request_id),
    )
    titles = {name: policy.load().class_of(f"request.{name}").title for name in ORDER}
    names = {p.practice_code: p.practice_name for p in people.values()}
    return Queue(
        lines=tuple(lines),
        counts=counts,
        filters=filters,
        practices=_choices(shown, lambda r: people[r.case_id].practice_code, names),
        outcomes=_choices(shown, outcome_of, titles),
        today=when,
        empty_because="" if lines else _why_empty(user, shown, filters),
    )


def people_in(user: User, filters: RequestFilters, case_ref: str) -> list[str]:
    """The cases of the queue in order; ``ScopeError`` where the one at hand is out of reach."""
    scope.case(user, case_ref)
    return list(dict.fromkeys(line.case_ref for line in queue(user, filters).lines))


def outcome_of(row: Finding) -> str:
    """The outcome of an item's checks."""
    return row.klass.removeprefix("request.")


def request_view(user: User, case_ref: str) -> RequestView:
    """One person's requests; ``ScopeError`` where the case is out of reach."""
    view = queries.case_view(user, case_ref)
    case = scope.case(user, case_ref)
    rows = {
        row.pk: row
        for row in case.findings.filter(kind=Finding.Kind.REQUEST_ITEM).prefetch_related(
            "decisions"
        )
    }
    cards = [card for card in view.findings if card.kind == Finding.Kind.REQUEST_ITEM]
    grouped: dict[str, list[FindingCard]] = defaultdict(list)
    for card in cards:
        grouped[str(card.reasons[0]["request"]["id"])].append(card)
    found = []
    for key, items in grouped.items():
        asked = items[0].reasons[0]["request"]
        items.sort(
            key=lambda c: (
                not _to_sign(c),
                c.work == "done",
                ORDER.index(c.klass.removeprefix("request.")),
                c.title,
            )
        )
        read = all(
            any(
                d.action == "read_note" and d.actor_id == user.pk
                for d in rows[c.ref].decisions.all()
            )
            for c in items
        )
        found.append(
            Requested(
                request_id=key,
                channel=asked["channel"],
                requester=asked["requester"],
                received_at=datetime.fromisoformat(asked["received_at"]),
                note=asked["note"],
                note_read=read,
                items=tuple(_held_back(c, bool(asked["note"]) and not read) for c in items),
            )
        )
    found.sort(key=lambda r: (r.received_at, r.request_id))
    return RequestView(view, tuple(found))


def _to_sign(card: FindingCard) -> bool:
    """Whether an item is ready and this person may sign it."""
    return card.work == Finding.Work.DONE and any(a.name == "signed" for a in card.actions)


def _asked_of_a_prescriber(card: FindingCard) -> bool:
    return "prescriber" in (card.with_role, card.owner)


def _held_back(card: FindingCard, unread: bool) -> FindingCard:
    """Without what finishes an item, while the note is unread; reading has a button of its own.

    Signing is offered of what is ready or was asked of a prescriber, not beside every open item.
    """
    return replace(
        card,
        actions=tuple(
            a
            for a in card.actions
            if a.name != "read_note"
            and not (unread and a.effect == "done")
            and (a.name != "signed" or card.work == "done" or _asked_of_a_prescriber(card))
        ),
    )


def erd(user: User, case_ref: str) -> tuple[CaseView, repeats.Suitability]:
    """The criteria of repeat dispensing for one person, by the rules approved at the practice."""
    view = queries.case_view(user, case_ref)
    practice = Organisation.objects.get(pk=view.person.practice_code)
    rules = requests.rules_in_use(practice)
    day = days.to_day(clock.today())
    return view, repeats.suitability(repeats.Context(view.record, day, rules))


def _cases(user: User, rows: Collection[Finding]) -> list[Case]:
    return list(scope.cases(user).filter(pk__in={row.case_id for row in rows}))


def _last(row: Finding) -> str:
    done = [d.action for d in row.decisions.all() if d.outcome == "done"]
    return done[-1] if done else ""


def _request(row: Finding) -> tuple[Any, str]:
    return row.case_id, str(row.reasons[0]["request"]["id"])


def _grouped(rows: Iterable[Finding]) -> dict[tuple[Any, str], list[Finding]]:
    found: dict[tuple[Any, str], list[Finding]] = defaultdict(list)
    for row in rows:
        found[_request(row)].append(row)
    return found


def _line(rows: list[Finding], person: PersonLine) -> RequestLine:
    asked = rows[0].reasons[0]["request"]
    rows.sort(key=lambda r: (ORDER.index(outcome_of(r)), r.title))
    counts: dict[str, int] = {}
    for row in rows:
        counts[outcome_of(row)] = counts.get(outcome_of(row), 0) + 1
    return RequestLine(
        case_ref=str(rows[0].case_id),
        request_id=asked["id"],
        person=person,
        channel=asked["channel"],
        requester=asked["requester"],
        received_at=datetime.fromisoformat(asked["received_at"]),
        note=bool(asked["note"]),
        outcomes=counts,
        items=tuple((r.title.removeprefix("Request: "), r.summary) for r in rows),
        same_day=any(r.urgency == "same_day" for r in rows),
    )


def _choices(rows: Iterable[Finding], key: Any, labels: dict[str, str]) -> tuple[Choice, ...]:
    found: dict[str, set[Any]] = defaultdict(set)
    for row in rows:
        found[key(row)].add(_request(row))
    known = [name for name in labels if name in found]
    return tuple(Choice(name, labels[name], len(found[name])) for name in known)


def _why_empty(user: User, shown: list[Finding], filters: RequestFilters) -> str:
    if not scope.practices(user).exists():
        return "You have no clinical role in a practice, so no requests are listed for you."
    if shown:
        return "Nothing matches the filters. Take one off to see more."
    period = f"the last {settings.COUNTERFOIL_REQUEST_DAYS} days"
    return {
        "todo": f"No request of {period} waits for work. It covers what the loaded records hold.",
        "sign": "No item is ready for signature.",
        "handed_over": "No item is handed over.",
        "done": f"No item of {period} has been finished.",
    }[filters.view]

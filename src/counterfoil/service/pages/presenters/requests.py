"""Repeat requests: the queue's rows, an item with its checks, and the criteria of eRD."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from counterfoil.repeats import OUTCOMES, Suitability
from counterfoil.service.casework.request_queries import (
    VIEWS,
    Queue,
    Requested,
    RequestFilters,
    RequestLine,
)
from counterfoil.service.casework.shapes import FindingCard
from counterfoil.service.pages import words
from counterfoil.service.pages.presenters.case import ReasonLine, row_words
from counterfoil.service.pages.presenters.today import Chip, Tag, ViewLink

OUTCOME_TAGS = {
    "ok": ("No technical query", "green"),
    "technician": ("Technician", "blue"),
    "contact": ("Ask the patient", "blue"),
    "cannot_check": ("Cannot check", "yellow"),
    "pharmacist": ("Pharmacist", "orange"),
    "prescriber": ("Prescriber", "purple"),
    "same_day": ("Same day", "red"),
}
VIEW_WORDS = {
    "todo": "To do",
    "sign": "Ready for signature",
    "handed_over": "Handed over",
    "done": "Finished",
}
CHECKS = {
    "R01": "Identity",
    "R03": "On the list",
    "R04": "In force",
    "R07": "Early",
    "R08": "Late",
    "R09": "Review date",
    "R10": "Authorised",
    "R12": "Quantity",
    "R15": "Dose",
    "R16": "Monitoring",
    "R18": "Controlled drug",
    "R24": "Discharge",
    "R33": "Note",
}
CHANNELS = {
    "app": "by app",
    "pharmacy": "by a pharmacy",
    "paper": "on paper",
    "email": "by email",
    "telephone": "by telephone",
    "care home": "by a care home",
}
MET = {True: ("Met", "green"), False: ("No", "orange"), None: ("Cannot tell", "yellow")}
ITEM_WORK = {
    "handed_over": ("Handed over", "grey"),
    "answered": ("Answered", "green"),
    "waiting": ("Waiting", "grey"),
}


@dataclass(frozen=True)
class Row:
    """One request in the queue."""

    ident: str
    line: RequestLine
    asked: str
    why: str
    tags: tuple[Tag, ...]


@dataclass(frozen=True)
class QueuePage:
    """What the list shows."""

    heading: str
    rows: tuple[Row, ...]
    views: tuple[ViewLink, ...]
    chips: tuple[Chip, ...]
    queue: Queue


@dataclass(frozen=True)
class ItemCheck:
    """One check in words: its name, its outcome, why, and the rows behind it."""

    name: str
    tag: Tag
    text: str
    rows: tuple[str, ...]
    lacked: str


@dataclass(frozen=True)
class ItemCard:
    """One item of a request."""

    finding: FindingCard
    name: str
    tags: tuple[Tag, ...]
    reason: str
    checks: tuple[ItemCheck, ...]
    draft: str


def filters_from(query: Mapping[str, str]) -> RequestFilters:
    """The filters of an address; what is not known is left out."""
    view, outcome = query.get("view", "todo"), query.get("outcome", "")
    return RequestFilters(
        view=view if view in VIEWS else "todo",
        practice=query.get("practice", ""),
        outcome=outcome if outcome in OUTCOMES else "",
    )


def address(filters: RequestFilters, **changes: str) -> str:
    """The query string of a list."""
    given = {"view": filters.view, "practice": filters.practice, "outcome": filters.outcome}
    kept = {k: v for k, v in {**given, **changes}.items() if v and (k, v) != ("view", "todo")}
    return "?" + urlencode(kept)


def asked_words(channel: str, requester: str) -> str:
    """``by app``, ``by app, for the patient by a proxy``"""
    said = CHANNELS.get(channel, channel)
    return f"{said}, through a proxy" if requester == "proxy" else said


def present(queue: Queue) -> QueuePage:
    """The queue as the page shows it."""
    filters = queue.filters
    chips = []
    for name, choices, said in (
        ("practice", queue.practices, "Practice"),
        ("outcome", queue.outcomes, "Outcome"),
    ):
        value = getattr(filters, name)
        if value:
            label = {c.value: c.label for c in choices}.get(value, value)
            chips.append(Chip(f"{said}: {label}", address(filters, **{name: ""})))
    return QueuePage(
        heading=words.count(len(queue.lines), "request"),
        rows=_rows(queue.lines),
        views=tuple(
            ViewLink(VIEW_WORDS[v], address(filters, view=v), queue.counts[v], v == filters.view)
            for v in VIEWS
        ),
        chips=tuple(chips),
        queue=queue,
    )


def _rows(lines: Iterable[RequestLine]) -> tuple[Row, ...]:
    """A row a request; the first of a person carries the person's place in the list."""
    seen: set[str] = set()
    rows = []
    for line in lines:
        rows.append(_row(line, "" if line.case_ref in seen else f"c-{line.case_ref}"))
        seen.add(line.case_ref)
    return tuple(rows)


def _row(line: RequestLine, ident: str) -> Row:
    tags = [
        Tag(f"{text} {line.outcomes[name]}", colour)
        for name, (text, colour) in reversed(OUTCOME_TAGS.items())
        if name in line.outcomes
    ]
    item, why = line.items[0]
    more = f" (and {len(line.items) - 1} more)" if len(line.items) > 1 else ""
    return Row(
        ident, line, asked_words(line.channel, line.requester), f"{item}: {why}{more}", tuple(tags)
    )


def item_card(card: FindingCard, rows: Mapping[tuple[str, str], Any]) -> ItemCard:
    """One item with every check, the most serious first."""
    outcome = card.klass.removeprefix("request.")
    tags = [Tag(*OUTCOME_TAGS[outcome])]
    if card.high_risk:
        tags.append(Tag("High-risk drug", "orange"))
    if card.state == "clear":
        tags.append(Tag("No longer in the record", "grey"))
    if card.work == "done":
        last = next(d for d in reversed(card.decisions) if d.label and d.action != "read_note")
        tags.append(Tag(words.past(last.action, last.label), "green"))
    elif card.work in ITEM_WORK:
        text, colour = ITEM_WORK[card.work]
        tags.append(Tag(f"With the {card.with_role}" if card.with_role else text, colour))
    checks = checks_of(card, rows)
    name = card.title.removeprefix("Request: ")
    return ItemCard(card, name, tuple(tags), card.summary, checks, _draft(name, checks))


def checks_of(card: FindingCard, rows: Mapping[tuple[str, str], Any]) -> tuple[ItemCheck, ...]:
    """The checks of an item, the most serious first."""
    found = []
    given = card.reasons[0].get("checks", ()) if card.reasons else ()
    for check in sorted(given, key=lambda c: -OUTCOMES.index(c["outcome"])):
        cited = [rows.get((r["table"], r["id"])) for r in check["rows"]]
        said = tuple(dict.fromkeys(row_words(row) for row in cited if row is not None))
        text, colour = OUTCOME_TAGS[check["outcome"]]
        tag = Tag("No query" if check["outcome"] == "ok" else text, colour)
        lacked = ", ".join(check["missing"])
        name = CHECKS.get(check["id"], check["id"])
        found.append(ItemCheck(name, tag, check["text"], said[-2:], lacked))
    return tuple(found)


def as_reasons(card: FindingCard) -> tuple[ReasonLine, ...]:
    """The checks that say something, as the evidence of a question."""
    return tuple(
        ReasonLine(c.tag.text, c.tag.colour, f"{c.name}: {c.text}", c.rows)
        for c in checks_of(card, {})
        if c.tag.text != "No query"
    )


def _draft(name: str, checks: Iterable[ItemCheck]) -> str:
    said = [f"- {c.text}" for c in checks if c.tag.text != "No query"]
    return "\n".join([f"Repeat request: {name}.", *said, "", "Please say what should be done."])


def received(request: Requested, today: date) -> str:
    """``by app, 20 November 2026, 2 days ago``"""
    said = asked_words(request.channel, request.requester)
    at = request.received_at
    return f"{said}, {words.moment(at)} ({words.ago(at, today)})"


def criteria(found: Suitability) -> tuple[tuple[str, tuple[tuple[Tag, str], ...]], ...]:
    """The criteria of the person, then of each item: heading, then tag and words of each."""
    groups = [("The patient", found.criteria)]
    groups += [(text, criteria) for _, text, criteria in found.items]
    return tuple(
        (about, tuple((Tag(*MET[c.met]), c.text) for c in given)) for about, given in groups
    )


ERD_ANSWERS = {
    "no": "At least one criterion is not met",
    "cannot_tell": "Some criteria cannot be told from the record",
    "criteria met": "Every criterion that the record shows is met",
}

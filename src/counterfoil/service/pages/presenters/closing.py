"""The end of a letter: what to change in the GP system, what to ask the ward, what to tell the patient."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from counterfoil.documents import Setting
from counterfoil.reconciliation import Change, Decided, OutcomeLine, changes, query_about, script
from counterfoil.reconciliation import worth_asking as asks
from counterfoil.reconciliation.closing import State
from counterfoil.service.casework import policy
from counterfoil.service.casework.shapes import DecisionLine, LetterLine, LetterView
from counterfoil.service.pages import words
from counterfoil.service.pages.presenters.letter import IN_RECORD, top_class
from counterfoil.service.pages.presenters.today import Tag


@dataclass(frozen=True)
class Row:
    """One line: what to do about it, who decided, and whether the record shows it."""

    change: Change
    klass: str
    colour: str
    decided: str
    shown: Tag | None
    shown_text: str
    anchor: str


@dataclass(frozen=True)
class Closing:
    """The whole page: lines to enter, lines that need nothing, lines that still wait; the texts."""

    to_do: tuple[Row, ...]
    nothing: tuple[Row, ...]
    waiting: tuple[Row, ...]
    query: str
    script: str

    @property
    def checked(self) -> int:
        """How many changes the record will be asked about."""
        return sum(row.change.checked for row in self.to_do)

    @property
    def entered(self) -> int:
        """How many of the changes the record shows already."""
        return sum(row.shown is not None and row.shown.colour == "green" for row in self.to_do)


def closing(view: LetterView) -> Closing:
    """Everything the end of a letter asks for, from its lines and decisions."""
    decided = [(line, _decided(line)) for line in view.lines]
    rows = [
        _row(line, change)
        for (line, _), change in zip(decided, changes(d for _, d in decided), strict=True)
    ]
    settled = [d.state == "done" for _, d in decided]
    return Closing(
        to_do=tuple(r for r in rows if r.change.to_do),
        nothing=tuple(r for r, s in zip(rows, settled, strict=True) if s and not r.change.to_do),
        waiting=tuple(r for r, s in zip(rows, settled, strict=True) if not s),
        query=_query(view, decided),
        script=script(
            (d for _, d in decided), view.summary.discharged_on, cast(Setting, view.summary.setting)
        ),
    )


def _decision(line: LetterLine) -> DecisionLine | None:
    """The decision that finished a line."""
    table = policy.load().actions
    for decision in reversed(line.finding.decisions):
        action = table.get(decision.action)
        if action is not None and action.effect == "done":
            return decision
    return None


def _decided(line: LetterLine) -> Decided:
    card = line.finding
    decision = _decision(line) if card.work == "done" else None
    action = policy.load().actions.get(decision.action) if decision else None
    return Decided(
        line=_json(line),
        state=cast(State, card.work),
        expected=action.record_shows if action else None,
        note=decision.note if decision else "",
        role=card.with_role,
        until=card.waiting_until,
    )


def _json(line: LetterLine) -> dict[str, Any]:
    return {
        "id": line.line_id,
        "class": top_class(line.klass),
        "subclass": line.subclass,
        "stated": line.stated or None,
        "found": line.found,
        "letter_lines": list(line.letter_lines),
        "plans": list(line.plans),
        "owner": line.owner,
        "why": list(line.why),
        "proposal": line.proposal,
    }


def _row(line: LetterLine, change: Change) -> Row:
    card = line.finding
    decision = _decision(line) if card.work == "done" else None
    who = ""
    if decision is not None:
        who = f"{words.past(decision.action, decision.label)}, {decision.who}"
        who += f" ({decision.role})" if decision.role else ""
        who += f", {words.day_words(decision.at)}, {words.clock(decision.at)}"
    shown = IN_RECORD.get(card.verification)
    klass = top_class(line.klass)
    return Row(
        change=change,
        klass=words.class_words(klass),
        colour=words.CLASS_COLOURS.get(klass, "grey"),
        decided=who,
        shown=Tag(*shown) if shown else None,
        shown_text=card.verification_text,
        anchor=f"f-{card.ref}",
    )


def _query(view: LetterView, decided: Iterable[tuple[LetterLine, Decided]]) -> str:
    """About every line that was queried, and every open one that only the ward can clear up."""
    asked = []
    for line, one in decided:
        outcome = OutcomeLine.from_json(one.line)
        queried = any(d.action == "query_ward" for d in line.finding.decisions)
        if one.state != "done" and (queried or asks(outcome)):
            asked.append(outcome)
    when = view.summary.discharged_on or view.summary.received_at
    return query_about(asked, words.day_words(when), cast(Setting, view.summary.setting))

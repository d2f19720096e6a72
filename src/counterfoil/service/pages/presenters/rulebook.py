"""The rule editor: form, faults by line, examples, difference, preview."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from counterfoil.service.pages import words
from counterfoil.service.pages.presenters.audits import OUTCOMES
from counterfoil.service.pages.presenters.today import Tag
from counterfoil.service.rulebook.preview import Preview
from counterfoil.service.rulebook.queries import ExampleResult

SKELETON = """id = "monitoring.my_rule"
version = 1
title = ""
theme = "monitoring"
class = "monitoring"
subject = ""
owner = "technician"
urgency = "month"
why = ""
technician = ""
hands_over = ""
driver = "taking"
at_risk = "taking"
when = "test_overdue"

[[source]]
title = ""
status = "recalled"

[facts.taking]
issued = ""
in_last = "3 months"
says = ""

[facts.test_overdue]
overdue = ""
taking = "taking"
every = "12 weeks"
says = ""

[[examples]]
name = ""
as_of = 2026-06-30
expect = "open"
patient = { born = 1960-05-01, joined = 2010-01-01 }
issues = []
entries = []
"""
STATES = {
    "open": "listed",
    "near": "coming due",
    "cannot_tell": "cannot tell",
    "clear": "not listed",
}


@dataclass(frozen=True)
class Form:
    """What the editor holds."""

    organisation: str
    text: str
    reason: str = ""
    expires_on: date | None = None
    ref: str = ""


def form_of(data: Mapping[str, str], ref: str) -> tuple[Form, str]:
    """What was posted, and what is wrong with it before anything else is asked."""
    day = data.get("expires", "").strip()
    wrong = ""
    try:
        expires = date.fromisoformat(day) if day else None
    except ValueError:
        expires, wrong = None, f"The day it ends must be a date such as 2027-03-31, not “{day}”."
    text = data.get("text", "").replace("\r\n", "\n")
    return Form(data.get("organisation", ""), text, data.get("reason", ""), expires, ref), wrong


@dataclass(frozen=True)
class Fault:
    """One thing wrong with the text: its line where that is known, and what to write."""

    line: int | None
    text: str


def faults(found: Iterable[tuple[int | None, str]]) -> tuple[Fault, ...]:
    """In the order of the text; what belongs to no line last."""
    ordered = sorted(found, key=lambda f: (f[0] is None, f[0] or 0))
    return tuple(Fault(line, words.initial_capital(text)) for line, text in ordered)


@dataclass(frozen=True)
class ExampleLine:
    """One example: passed or failed, what it should and does say, each clause's truth."""

    name: str
    tag: Tag
    said: str
    clauses: tuple[tuple[str, str], ...]


def examples(found: Iterable[ExampleResult]) -> tuple[ExampleLine, ...]:
    """Failed ones first, then in the order of the file."""
    lines = [
        (
            one.passes,
            ExampleLine(
                one.name,
                Tag("Passes", "green") if one.passes else Tag("Fails", "red"),
                _said(one),
                one.clauses,
            ),
        )
        for one in found
    ]
    return tuple(line for _, line in sorted(lines, key=lambda row: row[0]))


def _said(one: ExampleResult) -> str:
    expected, found = (OUTCOMES.get(o, (o, ""))[0] for o in (one.expected, one.found))
    return expected if one.passes else f"should be {expected}, is {found}"


@dataclass(frozen=True)
class Difference:
    """One line of a text against another: ``kind`` is ``+``, ``-`` or empty."""

    kind: str
    text: str


def difference(before: str, after: str) -> tuple[Difference, ...]:
    """The changed lines with three around them; everything is new where there was nothing."""
    if not before:
        return tuple(Difference("+", line) for line in after.splitlines())
    found = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=3)
    shown = []
    for line in list(found)[2:]:
        if line.startswith("@@"):
            shown.append(Difference("…", ""))
        else:
            shown.append(Difference(line[0].strip(), line[1:]))
    return tuple(shown)


@dataclass(frozen=True)
class MovedLine:
    """One patient of the preview, in words."""

    name: str
    practice: str
    change: str
    why: tuple[str, ...]


@dataclass(frozen=True)
class PreviewPage:
    """What a change would do, in words."""

    practices: str
    lead: str
    counts: tuple[tuple[str, int, int], ...]
    moved: tuple[MovedLine, ...]
    more: int


def preview(found: Preview) -> PreviewPage:
    """Counts before and after, and who moves."""
    enters = words.count(found.enters, "patient") + " would enter the list"
    lead = f"{enters}, {found.leaves} would leave it."
    states = [s for s in STATES if s != "clear" and (s in found.before or s in found.after)]
    return PreviewPage(
        practices=", ".join(found.practices) or "no practice with a published record",
        lead=lead if found.moved else "Nobody would enter or leave the list today.",
        counts=tuple(
            (words.initial_capital(STATES[s]), found.before.get(s, 0), found.after.get(s, 0))
            for s in states
        ),
        moved=tuple(
            MovedLine(m.name, m.practice, f"{STATES[m.before]} → {STATES[m.after]}", m.why)
            for m in found.moved
        ),
        more=found.more,
    )

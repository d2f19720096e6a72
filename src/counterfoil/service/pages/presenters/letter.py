"""A letter: its text with the lines marked, the groups of lines in order, pairs and drafts."""

from __future__ import annotations

import csv
import difflib
import io
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import cast

from markupsafe import Markup, escape

from counterfoil.documents import SETTINGS, Setting
from counterfoil.documents.quality import titles as quality_titles
from counterfoil.reconciliation import frame
from counterfoil.service.casework.shapes import (
    FindingCard,
    LetterLine,
    LetterSummary,
    LetterView,
    SenderQuality,
)
from counterfoil.service.pages import words
from counterfoil.service.pages.presenters.today import Tag

SAME = "same"
DECIDED = ("done", "handed_over", "waiting")
COMPARED = ("conflict", "unreadable", "changed", "duplicate")
"""Classes in which the words that differ are marked: elsewhere a difference tells nothing."""
NUMBERS = {
    word: str(number)
    for number, word in enumerate(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    )
} | {"half": "1/2", "a": "1", "an": "1"}
ASKED = {
    "conflict": "Which is meant? Please say what the GP record should hold.",
    "unreadable": "Please read this line and say what it means.",
    "changed": "Please decide about this change.",
    "missing": "Is this medicine to go on?",
    "stopped": "Please decide whether this item is to end.",
    "new": "Please decide about this new medicine.",
    "duplicate": "Both are listed. Which is meant?",
}
"""What a drafted question asks, by class: it proposes no answer."""
FILLER = frozenset(
    [
        "to",
        "be",
        "taken",
        "take",
        "used",
        "use",
        "as",
        "directed",
        "the",
        "in",
        "into",
        "of",
        "at",
        "and",
        "each",
        "by",
        "mouth",
        "oral",
        "orally",
        "tablet",
        "tablets",
        "capsule",
        "capsules",
        "tab",
        "tabs",
        "cap",
        "caps",
    ]
)
"""Words whose presence on one side only says nothing about the dose."""
IN_RECORD = {
    "verified": ("In the record", "green"),
    "outstanding": ("Not in the record yet", "yellow"),
    "conflict": ("Record differs", "red"),
    "cannot_tell": ("Cannot tell from the record", "grey"),
}
"""What the last import showed of a decided line."""
FULL_LIST = "rule full list"
"""The source of what a letter says of its list; ``reconciliation.classify`` gives it."""

TOKEN = re.compile(r"\s+|[^\s]+")


@dataclass(frozen=True)
class Line:
    """One line with its two sides, the difference in words, and where it stands."""

    line: LetterLine
    number: int
    letter: tuple[Markup, ...]
    plans: tuple[Markup, ...]
    stated: str
    found: str
    cause: str
    """What puts the line before the others, where its two sides do not show it."""
    why: tuple[tuple[str, str], ...]
    tags: tuple[Tag, ...]
    decided: bool
    question: str
    query: str
    next_anchor: str = ""


@dataclass(frozen=True)
class Group:
    """Lines of one class, in the order in which they are worked."""

    klass: str
    title: str
    colour: str
    lines: tuple[Line, ...]
    note: str = ""
    """What the letter says of all of them together, once, above the lines."""

    @property
    def left(self) -> int:
        """How many are not dealt with yet."""
        return sum(not line.decided for line in self.lines)


def top_class(klass: str) -> str:
    """``letter.changed`` and ``changed`` are both ``changed``; ``same_for_pharmacist`` is ``same``."""
    bare = klass.removeprefix("letter.")
    return SAME if bare.startswith(SAME) else bare


def marked_text(view: LetterView) -> Markup:
    """The letter as sent, each line in a ``mark`` that names it, what could not be read dashed."""
    places: list[tuple[int, int, str, str]] = []
    for line in view.lines:
        for part in line.letter_lines:
            start, end = part.get("start"), part.get("end")
            if isinstance(start, int) and isinstance(end, int):
                places.append((start, end, f"t-{line.finding.ref}", ""))
    for span in view.unread:
        start, end = span.get("start"), span.get("end")
        if isinstance(start, int) and isinstance(end, int):
            places.append((start, end, "", "cf-unread"))
    parts: list[str] = []
    at = 0
    seen: set[str] = set()
    for start, end, ident, css in sorted(places):
        if start < at or end > len(view.text):
            continue
        parts.append(str(escape(view.text[at:start])))
        named = f' id="{escape(ident)}"' if ident and ident not in seen else ""
        data = f' data-line="{escape(ident[2:])}"' if ident else ""
        classed = f' class="{css}"' if css else ""
        parts.append(f"<mark{named}{data}{classed}>{escape(view.text[start:end])}</mark>")
        seen.add(ident)
        at = end
    parts.append(str(escape(view.text[at:])))
    return Markup("".join(parts))


@dataclass(frozen=True)
class Leaf:
    """A page of the letter, and where on it lines stand: a line's ref, left, top, width, height."""

    number: int
    places: tuple[tuple[str, float, float, float, float], ...]


def leaves(view: LetterView) -> tuple[Leaf, ...]:
    """The pages on which lines stand; none where the letter has no pages."""
    found: dict[int, list[tuple[str, float, float, float, float]]] = {}
    for line in view.lines:
        for part in line.letter_lines:
            if part.get("page") and part.get("box"):
                left, top, right, bottom = part["box"]
                place = (line.finding.ref, left, top, right - left, bottom - top)
                found.setdefault(part["page"], []).append(place)
    return tuple(Leaf(number, tuple(found[number])) for number in sorted(found))


def difference(left: str, right: str, stated: str = "") -> tuple[Markup, Markup]:
    """Both texts, the words that only one of them has marked: ``del`` left, ``ins`` right.

    Words that say nothing about the dose, and the *stated* status, are compared but not marked.
    """
    quiet = FILLER | {_plain(word) for word in stated.split()}
    a, b = TOKEN.findall(left), TOKEN.findall(right)
    matcher = difflib.SequenceMatcher(None, [_plain(t) for t in a], [_plain(t) for t in b], False)
    out_a, out_b = [], []
    for kind, a1, a2, b1, b2 in matcher.get_opcodes():
        out_a += [
            _wrap("del", token, kind != "equal" and _plain(token) not in quiet)
            for token in a[a1:a2]
        ]
        out_b += [
            _wrap("ins", token, kind != "equal" and _plain(token) not in quiet)
            for token in b[b1:b2]
        ]
    return Markup("").join(out_a), Markup("").join(out_b)


def _plain(token: str) -> str:
    bare = token.casefold().strip(".,;:()|")
    return " " if token.isspace() else NUMBERS.get(bare, bare)


def _wrap(element: str, token: str, differs: bool) -> Markup:
    if not differs or not token.strip(" .,;:()|\n"):
        return escape(token)
    return Markup("<{0}>{1}</{0}>").format(element, token)


def _sides(line: LetterLine) -> tuple[tuple[Markup, ...], tuple[Markup, ...]]:
    letter = [str(part.get("text", "")) for part in line.letter_lines]
    plans = [str(part.get("text", "")) for part in line.plans]
    if len(letter) == len(plans) == 1:
        letter_text, plan_text = (" ".join(text.split()) for text in (letter[0], plans[0]))
        if top_class(line.klass) not in COMPARED:
            return (escape(letter_text),), (escape(plan_text),)
        left, right = difference(letter_text, plan_text, line.stated)
        return (left,), (right,)
    return tuple(escape(t) for t in letter), tuple(escape(t) for t in plans)


def _tags(line: LetterLine) -> tuple[Tag, ...]:
    card = line.finding
    seen = IN_RECORD.get(card.verification)
    shown = (Tag(*seen),) if seen else ()
    if card.work == "done":
        last = card.decisions[-1] if card.decisions else None
        return (Tag(words.past(last.action, last.label) if last else "Decided", "green"), *shown)
    if card.work == "todo" and card.verification == "conflict":
        return shown
    if card.work == "handed_over":
        return (Tag(f"With the {card.with_role}" if card.with_role else "Handed over", "grey"),)
    if card.work == "answered":
        return (Tag("Answered", "green"),)
    if card.work == "waiting":
        until = f" until {words.short_day(card.waiting_until)}" if card.waiting_until else ""
        return (Tag(f"Waiting{until}", "grey"),)
    return ()


def frame_of(summary: LetterSummary) -> dict[str, str]:
    """What this change of setting is called, and whose lists are compared."""
    return frame(cast(Setting, summary.setting))


def kinds() -> tuple[tuple[str, str], ...]:
    """The kinds of letter that there are, each with its words."""
    return tuple((name, frame(name)["title"]) for name in SETTINGS)


def look_again(summary: LetterSummary, today: date) -> str:
    """The day a query to the ward is looked at again, to start from: the day before the letter is
    due, or tomorrow where that is later."""
    return max(summary.due_on - timedelta(days=1), today + timedelta(days=1)).isoformat()


def draft_question(line: LetterLine, summary: LetterSummary) -> str:
    """A question to start from: both texts, what the letter states, what was found. No name."""
    where = words.tidy_name(summary.sender) or "the hospital"
    discharged = f" of {words.day_words(summary.discharged_on)}" if summary.discharged_on else ""
    body = [f"{frame_of(summary)['title']} from {where}{discharged}.", "", *_facts(line)]
    body += ["", ASKED.get(top_class(line.klass), "Please say what should be done.")]
    return "\n".join(body)


def _facts(line: LetterLine) -> list[str]:
    """What both sides say of a line, and the difference."""
    said = [f"Letter: {part.get('text', '')}" for part in line.letter_lines]
    held = [f"GP record: {part.get('text', '')}" for part in line.plans]
    facts = said or ["The letter does not list this medicine."]
    facts = facts + (held or ["The GP record holds no such medicine."])
    if line.stated:
        facts.append(f"The letter says: {line.stated}.")
    if line.found:
        facts.append(f"Found: {line.found}.")
    return facts


def draft_query(line: LetterLine, summary: LetterSummary) -> str:
    """A query to the ward about one line, to paste into a message. No name."""
    said = [f"“{part.get('text', '')}”" for part in line.letter_lines]
    held = [f"“{part.get('text', '')}”" for part in line.plans]
    discharged = (
        f", discharged {words.day_words(summary.discharged_on)}" if summary.discharged_on else ""
    )
    named = f"Your {frame_of(summary)['name']}"
    stay = summary.setting in ("discharge", "admission")
    before = "Before admission" if stay else "As far as we know"
    if said and held:
        return (
            f"{named}{discharged} lists {'; '.join(said)}. {before} the "
            f"patient took {'; '.join(held)}. Please confirm which is intended, and why."
        )
    if held:
        return (
            f"{named}{discharged} does not list {'; '.join(held)}, which the "
            f"patient took {before.lower()}. Please confirm whether it was to continue."
        )
    return (
        f"{named}{discharged} lists {'; '.join(said)}. Please confirm the dose, how "
        "long it is to go on, and the reason for it."
    )


def present_line(line: LetterLine, number: int, summary: LetterSummary) -> Line:
    """One line as the page shows it."""
    letter, plans = _sides(line)
    return Line(
        line=line,
        number=number,
        letter=letter,
        plans=plans,
        stated=line.stated.replace("_", " ") if line.stated else "",
        found=line.found or "",
        cause=_cause(line),
        why=tuple(
            (words.initial_capital(str(w.get("text", ""))), str(w.get("source") or ""))
            for w in line.why
        ),
        tags=_tags(line),
        decided=line.finding.work in DECIDED,
        question=draft_question(line, summary),
        query=draft_query(line, summary),
    )


def _cause(line: LetterLine) -> str:
    """The reason of a conflict beside what the letter says and what was found: an allergy, say."""
    _, _, reason = line.proposal.partition(": ")
    shown = bool(line.found) and (line.found or "") in reason
    return reason if top_class(line.klass) == "conflict" and not shown else ""


def groups(view: LetterView) -> tuple[Group, ...]:
    """The lines by class, conflicts and unreadable ones first, the same ones last."""
    made: dict[str, list[Line]] = {}
    for number, line in enumerate(view.lines, 1):
        made.setdefault(top_class(line.klass), []).append(present_line(line, number, view.summary))
    known = list(words.CLASS_WORDS)
    ordered = sorted(made, key=lambda k: known.index(k) if k in known else len(known))
    return tuple(
        Group(
            k,
            words.class_words(k),
            words.CLASS_COLOURS.get(k, "grey"),
            tuple(made[k]),
            _of_the_whole_list(made[k]),
        )
        for k in ordered
    )


def _of_the_whole_list(lines: Iterable[Line]) -> str:
    """What the letter says of the list it gives: it is why a medicine may be missing from it."""
    said = {text for line in lines for text, source in line.why if source == FULL_LIST}
    return said.pop() if len(said) == 1 else ""


def confirmable(groups_of: Iterable[Group]) -> tuple[Line, ...]:
    """The same lines that this person may confirm now: all of what "confirm the same" does."""
    return tuple(
        line
        for group in groups_of
        if group.klass == SAME
        for line in group.lines
        if not line.decided and any(a.name == "confirm_same" for a in line.line.finding.actions)
    )


def counts(groups_of: Iterable[Group]) -> tuple[tuple[str, str, int, str], ...]:
    """Class, words, number of lines and colour, in order, for the top of the page."""
    return tuple((g.klass, g.title, len(g.lines), g.colour) for g in groups_of)


Other = tuple[str, str, str]
"""Another line that one question may be about too: its finding, its label, what it adds."""


def others_of(groups_of: Iterable[Group]) -> Callable[[FindingCard], tuple[Other, ...]]:
    """For a line: the other open lines, not the same ones, that go to the same first role."""
    open_lines = [
        line
        for group in groups_of
        if group.klass not in (SAME, "done")
        for line in group.lines
        if not line.decided and line.line.finding.hand_over_to
    ]

    def others(card: FindingCard) -> tuple[Other, ...]:
        roles = {target.role for target in card.hand_over_to}
        return tuple(
            (line.line.finding.ref, _label(line.line), "\n\n" + "\n".join(_facts(line.line)))
            for line in open_lines
            if roles and roles <= {t.role for t in line.line.finding.hand_over_to}
        )

    return others


def _label(line: LetterLine) -> str:
    items = line.letter_lines or line.plans
    text = " ".join(str(items[0].get("text", "")).split()) if items else ""
    return f"{words.class_words(top_class(line.klass))}: {text[:90]}"


CRITERIA = quality_titles()
"""What a letter should state, by name, in order."""
FEW_LETTERS = 5


@dataclass(frozen=True)
class QualityRow:
    """One sender or ward: for each criterion how many of how many lines state it, and the share."""

    name: str
    ward: bool
    letters: int
    few: bool
    cells: tuple[tuple[str, str], ...]


def quality_rows(rows: Iterable[SenderQuality]) -> tuple[QualityRow, ...]:
    """Rows of the table, in the order given; a share only where there are enough letters."""
    return tuple(
        QualityRow(
            name=(words.ward_words(one.ward) if one.ward else words.tidy_name(one.sender))
            or "Sender not known",
            ward=bool(one.ward),
            letters=one.letters,
            few=one.letters < FEW_LETTERS,
            cells=tuple(_share(*one.criteria.get(name, (0, 0))) for name in CRITERIA),
        )
        for one in rows
    )


def _share(met: int, of: int) -> tuple[str, str]:
    return (f"{met / of:.0%}", f"{met} of {of}") if of else ("–", "none asked")


def quality_csv(rows: Iterable[SenderQuality]) -> str:
    """The same as a table for a spreadsheet: two columns a criterion."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    heads = [f"{name}_{part}" for name in CRITERIA for part in ("met", "of")]
    writer.writerow(["sender", "ward", "letters", *heads])
    for one in rows:
        figures = [n for name in CRITERIA for n in one.criteria.get(name, (0, 0))]
        writer.writerow([_cell(one.sender), _cell(one.ward), one.letters, *figures])
    return buffer.getvalue()


def _cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text

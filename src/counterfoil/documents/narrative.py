"""What the running text of a letter says about medicines, beside its lists.

A sentence that says a medicine goes on as before, with its dose, is a line like any other. What else
is said outside the lists makes no line: it is kept for a person to read.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from counterfoil.documents.doubt import denied, of_another
from counterfoil.documents.layout import Raw
from counterfoil.documents.model import MedicineLine, Mention, Span, Stated
from counterfoil.documents.names import first_name, look_up
from counterfoil.documents.pieces import (
    BEFORE,
    DOSEISH,
    STRENGTH,
    body_start,
    sentences,
    several,
)
from counterfoil.documents.sharing import carried, pieces
from counterfoil.documents.states import result_in, stated_in
from counterfoil.documents.tables import Passage, Scan
from counterfoil.documents.wording import pattern
from counterfoil.terminology import Match


def _paragraphs(scan: Scan, text: str) -> Iterator[Passage]:
    """Stretches of narrative, lines that follow one another joined."""
    whole: Passage | None = None
    for part in scan.narrative:
        if whole is not None and _joins(whole, part, text):
            whole = replace(whole, end=part.end)
            continue
        if whole is not None:
            yield whole
        whole = part
    if whole is not None:
        yield whole


def _joins(one: Passage, other: Passage, text: str) -> bool:
    """Whether a line only goes on with the one above: a short line before a capital ends itself."""
    between = text[one.end : other.start]
    if (
        between.strip(" \t") != "\n"
        or one.plan != other.plan
        or body_start(text[other.start : other.end])
    ):
        return False
    last = text[one.start : one.end].rsplit("\n", 1)[-1]
    ended = len(last.strip()) < _SHORT and not re.search(r"[,;(–-]\s*$", last)
    return not (ended and text[other.start : other.end].lstrip()[:1].isupper())


_SHORT = 50
"""Characters of a line that did not end because the page did."""


def sentences_of(scan: Scan, text: str) -> Sequence[tuple[int, int, str, Passage]]:
    """The sentences outside the lists: where each stands, its words on one line, and its passage."""
    if scan.sentences is None:
        scan.sentences = list(_sentences(scan, text))
    return scan.sentences


def _sentences(scan: Scan, text: str) -> Iterator[tuple[int, int, str, Passage]]:
    for part in _paragraphs(scan, text):
        flat = text[part.start : part.end].replace("\n", " ")
        for s, e in sentences(flat):
            yield part.start + s, part.start + e, flat[s:e], part


def told(scan: Scan, text: str) -> tuple[Mention, ...]:
    """Sentences outside the lists that say something was, or should be, done to a known medicine."""
    out = []
    for start, end, words, _ in sentences_of(scan, text):
        if len(words) < 8 or first_name(words) is None:
            continue
        if of_another(words):
            continue
        state = stated_in(words)[0]
        advice = pattern("narrative", "advice").search(words) is not None
        if (state is None or state == "continued") and not advice:
            if pattern("statements", "imperative").match(words[body_start(words) :]):
                out += [
                    Mention(_spanned(start, end, text), one.ingredients, "changed")
                    for one in _named(words)
                ]
            continue
        why = "advice about a medicine" if advice else "says what was done to a medicine"
        why = "a change that may not have been made" if denied(words) else why
        span = Span(start, end, text[start:end], f"{why}, outside the lists")
        named = [(one, state) for one in _named(words)] if advice else list(_clauses(words))
        out += [
            Mention(span, one.ingredients, stated or "continued", advice)
            for one, stated in named
            if one.ingredients and (advice or stated not in (None, "continued"))
        ]
    return tuple(out)


def _spanned(start: int, end: int, text: str) -> Span:
    why = "says what is to be done to a medicine, outside the lists"
    return Span(start, end, text[start:end], why)


def _clauses(words: str) -> Iterator[tuple[Match, Stated | None]]:
    """The medicines of a sentence, each with what its own clause says of it."""
    end = 0
    for part in pieces(words):
        clause = words[part.start : part.end]
        name = first_name(clause)
        stated = stated_in(part.status)[0] or stated_in(clause)[0]
        stated = stated or stated_in(carried(words, end, part.start))[0]
        end = part.end
        if pattern("statements", "again").search(clause):
            continue
        if name is not None:
            yield look_up(clause[name.start : name.end]), stated


def _named(words: str) -> Iterator[Match]:
    """The medicines that a sentence names."""
    name = first_name(words)
    while name is not None:
        yield look_up(words[name.start : name.end])
        name = first_name(words, name.end)


def going_on(scan: Scan, text: str) -> list[Raw]:
    """Medicines that a sentence of the narrative says go on as before, each with its dose."""
    out: list[Raw] = []
    for start, _, words, part in sentences_of(scan, text):
        said = pattern("narrative", "goes_on").search(words)
        if (
            part.plan
            or said is None
            or BEFORE.search(words)
            or pattern("narrative", "advice").search(words)
        ):
            continue
        name = first_name(words)
        if name is None or not (STRENGTH.search(words) or DOSEISH.search(words)):
            continue
        begin = said.end() if said.end() <= name.start else name.start
        for s, e in several(words[begin:]):
            piece = words[begin + s : begin + e]
            if first_name(piece) is None or not (STRENGTH.search(piece) or DOSEISH.search(piece)):
                continue
            fields = {"line": [piece], "status": ["continued"]}
            out.append(Raw(start + begin + s, start + begin + e, "discharge", said.group(), fields))
    return out


def swallowed(line: MedicineLine, listed: Collection[set[str]]) -> Iterator[Span]:
    """Places in a line that name, with an amount, a medicine which no line of the letter holds.

    They were taken for words of the line's own dose: a person has to see them.
    """
    name = first_name(line.text)
    while name is not None:
        found = look_up(line.text[name.start : name.end]).ingredients
        other = found and not any(set(found) & known for known in listed)
        named = _AMOUNT_NEXT.match(line.text, name.end) or _AND.search(line.text, 0, name.start)
        beside = line.text[name.start : name.end] in line.comment
        if other and (named or beside):
            place = (line.start + name.start, line.end)
            yield Span(*place, line.text[name.start :], "another medicine in the words of a line")
            return
        name = first_name(line.text, name.end)


_AND = re.compile(r"(?:\band|\bplus|,|&|\+)\s*$", re.IGNORECASE)
"""Before a further medicine of an enumeration."""
_MAY_BE = re.compile(
    r"[A-Za-z]{5,}(?: [A-Za-z]+){0,2} \d[\d.,]*\s*(?:mg|mcg|micrograms?|g|units?|puffs?|tab(?:let)?s?|cap(?:sule)?s?)\b(?!\s*/\s*(?:d?l|ml|kg)\b)",
    re.IGNORECASE,
)
"""A word with an amount behind it, as a medicine has it."""
_AMOUNT_NEXT = re.compile(
    r"\s*(?:[A-Za-z/]{2,12}\s+)?\d[\d.,/]*\s*(?:mg|mcg|micrograms?|g|mls?|units?)\b", re.IGNORECASE
)


def in_order(lines: Iterable[MedicineLine]) -> list[MedicineLine]:
    """In reading order."""
    return sorted(lines, key=lambda line: line.start)


def dosed(
    scan: Scan, text: str, listed: Collection[set[str]], known: Collection[Span]
) -> list[Span]:
    """Sentences that name, with amount and time, a medicine which no list of the letter holds."""
    out = []
    for start, end, words, _ in sentences_of(scan, text):
        if not (STRENGTH.search(words) and DOSEISH.search(words)):
            continue
        name = first_name(words)
        if any(s.start < end and start < s.end for s in known):
            continue
        if name is None:
            if _MAY_BE.search(words) and not result_in(words):
                why = "an amount and how often, and no medicine that is known"
                out.append(Span(start, end, text[start:end], why))
            continue
        product = look_up(words[name.start : name.end])
        if product.ingredients and not any(set(product.ingredients) <= i for i in listed):
            out.append(
                Span(start, end, text[start:end], "a medicine with its dose, outside the lists")
            )
    return out

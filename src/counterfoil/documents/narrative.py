"""What the running text of a letter says about medicines, beside its lists.

A sentence that says a medicine goes on as before, with its dose, is a line like any other. What else
is said outside the lists makes no line: it is kept for a person to read.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from counterfoil.documents.layout import Raw
from counterfoil.documents.line import stated_in
from counterfoil.documents.model import MedicineLine, Mention, Span
from counterfoil.documents.names import first_name, look_up
from counterfoil.documents.pieces import (
    BEFORE,
    DOSEISH,
    STRENGTH,
    body_start,
    sentences,
    several,
)
from counterfoil.documents.tables import Scan
from counterfoil.documents.wording import pattern
from counterfoil.terminology import Match


def _paragraphs(scan: Scan, text: str) -> Iterator[tuple[int, int, bool]]:
    """Stretches of narrative, lines that follow one another joined; and whether it is a plan."""
    start = end = -1
    plan = False
    for s, e, p in scan.narrative:
        joined = re.fullmatch(r"[ \t]*\n[ \t]*", text[end:s]) and not body_start(text[s:e])
        if start >= 0 and p == plan and joined:
            end = e
            continue
        if start >= 0:
            yield start, end, plan
        start, end, plan = s, e, p
    if start >= 0:
        yield start, end, plan


def _sentences(scan: Scan, text: str) -> Iterator[tuple[int, int, str, bool]]:
    for start, end, plan in _paragraphs(scan, text):
        flat = text[start:end].replace("\n", " ")
        for s, e in sentences(flat):
            yield start + s, start + e, flat[s:e], plan


def told(scan: Scan, text: str) -> tuple[Mention, ...]:
    """Sentences outside the lists that say something was, or should be, done to a known medicine."""
    out = []
    for start, end, words, _ in _sentences(scan, text):
        if len(words) < 8 or (name := first_name(words)) is None:
            continue
        state = stated_in(words)[0]
        advice = pattern("narrative", "advice").search(words) is not None
        if (state is None or state == "continued") and not advice:
            continue
        why = "advice about a medicine" if advice else "says what was done to a medicine"
        span = Span(start, end, text[start:end], f"{why}, outside the lists")
        for named in _named(words) if advice else [look_up(words[name.start : name.end])]:
            if named.ingredients:
                out.append(Mention(span, named.ingredients, state or "continued", advice))
    return tuple(out)


def _named(words: str) -> Iterator[Match]:
    """The medicines that a sentence names."""
    name = first_name(words)
    while name is not None:
        yield look_up(words[name.start : name.end])
        name = first_name(words, name.end)


def going_on(scan: Scan, text: str) -> list[Raw]:
    """Medicines that a sentence of the narrative says go on as before, each with its dose."""
    out: list[Raw] = []
    for start, _, words, plan in _sentences(scan, text):
        said = pattern("narrative", "goes_on").search(words)
        if (
            plan
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
        if other and _AMOUNT_NEXT.match(line.text, name.end):
            place = (line.start + name.start, line.end)
            yield Span(*place, line.text[name.start :], "another medicine in the words of a line")
            return
        name = first_name(line.text, name.end)


_AMOUNT_NEXT = re.compile(
    r"\s*(?:[A-Za-z/]{2,12}\s+)?\d[\d.,/]*\s*(?:mg|mcg|micrograms?|g|mls?|units?)\b", re.IGNORECASE
)


def in_order(raws: Iterable[Raw]) -> list[Raw]:
    """In reading order."""
    return sorted(raws, key=lambda raw: raw.start)


def dosed(
    scan: Scan, text: str, listed: Collection[set[str]], known: Collection[Span]
) -> list[Span]:
    """Sentences that name, with amount and time, a medicine which no list of the letter holds."""
    out = []
    for start, end, words, _ in _sentences(scan, text):
        if not (STRENGTH.search(words) and DOSEISH.search(words)):
            continue
        name = first_name(words)
        if name is None or any(s.start < end and start < s.end for s in known):
            continue
        product = look_up(words[name.start : name.end])
        if product.ingredients and not any(set(product.ingredients) <= i for i in listed):
            out.append(
                Span(start, end, text[start:end], "a medicine with its dose, outside the lists")
            )
    return out

"""What stands in a letter for the whole of it: heads and feet of pages, and keys to its signs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from counterfoil.documents.names import first_name
from counterfoil.documents.pieces import BULLET, DOSEISH, STRENGTH
from counterfoil.documents.shown import Line, Sheet

_PAGE = re.compile(r"\bpage\s+\d+\s*(?:of|/)\s*\d+\b", re.IGNORECASE)
_HEAD_LINES, _REPEATED = 6, 3
"""Lines in which a letter names itself, and lines of that which a further page repeats at most."""
_MEANINGS = (
    r"new(?:ly started)?|started|commenced|changed?|dose changed?|amended|altered|increased?|decreased?|reduced?|same|"
    r"unchanged|no change|continued?|stopped?|discontinued|ceased|withheld|held|on hold|suspended"
)
_KEY = re.compile(
    rf"(?<![A-Za-z0-9])(?P<sign>[A-Z]{{1,2}})\s*(?:=|:|–|\s-\s)\s*(?P<means>{_MEANINGS})\b",
    re.IGNORECASE,
)


def between_pages(sheet: Sheet, lines: Sequence[Line]) -> list[Line]:
    """The lines without the foot of a page, nor the head that the next page repeats.

    A foot counts the pages; behind it, lines made of words of the letter's first lines are its head
    again. A line that names a medicine is neither.
    """
    head: set[str] = set()
    for line in [x for x in lines if x.kind != "blank"][:_HEAD_LINES]:
        head |= _words(sheet.of(line))
    out: list[Line] = []
    left = 0
    for number, line in enumerate(lines):
        words = sheet.of(line)
        if line.kind == "blank":
            out.append(line)
            continue
        medicine = first_name(words) is not None or STRENGTH.search(words) is not None
        if _PAGE.search(words) and len(words) < 140 and not medicine and number > _HEAD_LINES:
            left = _REPEATED
            continue
        if left and not medicine and (own := _words(words)) and own <= head:
            left -= 1
            continue
        left = 0
        out.append(line)
    return out


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z0-9]{2,}", text.lower()))


def paragraphs(sheet: Sheet, lines: Sequence[Line]) -> Iterator[Line]:
    """Lines of running text that a line end only breaks, put together again."""
    whole: Line | None = None
    for line in lines:
        wide = whole is not None and len(sheet.of(whole).rsplit("\n", 1)[-1]) > 55
        goes_on = (
            whole is not None
            and wide
            and whole.kind == line.kind == "text"
            and whole.indent == line.indent
            and not BULLET.match(sheet.of(line))
            and not sheet.of(whole).rstrip().endswith((":", "."))
        )
        if whole is not None and goes_on:
            whole = replace(whole, end=line.end)
            continue
        if whole is not None:
            yield whole
        whole = line
    if whole is not None:
        yield whole


_TELLING = re.compile(
    r"\b(?:was|were|has|have|had|is|are|will|he|she|his|her|him|they|their|we|i|our|you|your|but|which|who|"
    r"because|therefore|so|during)\b",
    re.IGNORECASE,
)
"""Words of sentences that a list of medicines has few of."""
_FEWEST, _WORDS = 3, 14


def running_text(sheet: Sheet, lines: Sequence[Line]) -> frozenset[int]:
    """Where the lines start that are running text: paragraphs of whole sentences, no items of a list."""
    out: set[int] = set()
    block: list[Line] = []
    for line in [*lines, None]:
        goes_on = (
            line is not None
            and line.kind == "text"
            and not BULLET.match(sheet.of(line))
            and (not block or len(sheet.of(block[-1])) > 55)
        )
        if goes_on and line is not None:
            block.append(line)
            continue
        words = " ".join(sheet.of(x) for x in block)
        if (
            len(words.split()) >= _WORDS
            and len(_TELLING.findall(words)) >= _FEWEST
            and "." in words
        ):
            out |= {x.start for x in block}
        plain = line is not None and line.kind == "text" and not BULLET.match(sheet.of(line))
        block = [line] if plain and line is not None else []
    return frozenset(out)


def legend(text: str) -> dict[str, str]:
    """What single letters behind medicines mean, where the letter says so ("N = new, S = same").

    At least two are explained, or one with an equals sign, and none twice with another meaning; else
    there is no key.
    """
    found: dict[str, str] = {}
    equal = False
    for key in _KEY.finditer(text):
        sign, means = key["sign"], key["means"].lower()
        if not sign.isupper() or found.setdefault(sign, means) != means:
            return {}
        equal = equal or "=" in key.group()
    return found if equal or len(found) > 1 else {}


def explains(cell: str) -> bool:
    """Whether words only say what a sign means."""
    return _KEY.match(cell.strip(" (")) is not None


def signed(body: str, signs: dict[str, str]) -> tuple[str, str]:
    """The words of a line without the sign set apart behind them, and what the sign means."""
    if not signs:
        return body, ""
    which = "|".join(map(re.escape, signs))
    found = re.search(
        rf"(?:\s{{2,}}|\t\s*|\s[-–—|]\s*)(?P<a>{which})(?=\s*(?:$|\())|[(\[](?P<b>{which})[)\]]"
        rf"|(?<=\w)[.,;]?\s(?P<c>{which})\s*$",
        body,
    )
    if found is None or (found["c"] and not DOSEISH.search(body, 0, found.start())):
        return body, ""
    sign = found["a"] or found["b"] or found["c"]
    return f"{body[: found.start()]} ; {body[found.end() :]}".rstrip(" ;"), signs[sign]

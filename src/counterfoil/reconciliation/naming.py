"""Where a letter names a medicine that none of its lines holds: running text, or words not understood."""

from __future__ import annotations

import re
from collections.abc import Iterable

from counterfoil.documents import Letter, Span
from counterfoil.reconciliation.sides import Entry

_LONGEST = 160


def named(letter: Letter, entries: Iterable[Entry]) -> Span | None:
    """The first sentence of the letter that names one of these; a list of before it does not count."""
    names = _names(entries)
    if names is None:
        return None
    for hit in names.finditer(letter.text):
        if not any(x.start <= hit.start() < x.end for x in letter.on_admission):
            return _around(letter.text, hit.start(), hit.end())
    return None


def not_understood(letter: Letter, entries: Iterable[Entry]) -> bool:
    """Whether words of the letter that were not read name one of these."""
    names = _names(entries)
    return names is not None and any(names.search(span.text) for span in letter.unread)


def _names(entries: Iterable[Entry]) -> re.Pattern[str] | None:
    words = {i for e in entries for i in e.match.ingredients}
    words |= {e.match.brand for e in entries if e.match.brand}
    if not words:
        return None
    either = "|".join(re.escape(w) for w in sorted(words, key=lambda w: (-len(w), w)))
    return re.compile(rf"\b(?:{either})\b", re.IGNORECASE)


def _around(text: str, start: int, end: int) -> Span:
    begin = max(text.rfind("\n", 0, start), text.rfind(". ", 0, start), start - _LONGEST) + 1
    stops = [s for s in (text.find("\n", end), text.find(". ", end)) if s >= 0]
    stop = min([*stops, len(text), end + _LONGEST])
    return Span(begin, stop, " ".join(text[begin:stop].split()))

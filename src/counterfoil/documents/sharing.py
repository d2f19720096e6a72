"""Several medicines in one stretch of words: which words speak of which."""

from __future__ import annotations

import re
from dataclasses import dataclass

from counterfoil.documents.line import stated_in
from counterfoil.documents.names import first_name, look_up, name_at
from counterfoil.documents.pieces import VERB, several


@dataclass(frozen=True, slots=True)
class Piece:
    """One medicine's part of a stretch.

    ``status`` and ``comment`` are words for it that stand in another part. ``instead``: it is only
    named as what stands in another's place; ``ended``: another stands in its place.
    """

    start: int
    end: int
    status: str = ""
    comment: str = ""
    instead: bool = False


def pieces(body: str) -> list[Piece]:
    """The medicines that a line or sentence names, in order."""
    places = [part for piece in several(body) for part in _replaced(body, *piece)]
    return [_piece(body, places, n) for n in range(len(places))]


def _piece(body: str, places: list[tuple[int, int]], n: int) -> Piece:
    s, e = places[n]
    if _IN_PLACE.search(body[e : e + 24]):
        end = places[n + 1][1] if n + 1 < len(places) else e
        return Piece(s, e, "stopped", body[e:end])
    if _IN_PLACE.search(body[max(0, s - 24) : s]):
        return Piece(s, e, "new", "", True)
    return Piece(s, e, "" if VERB.search(body[s:e]) else _said_before(body, places, s))


_IN_PLACE = re.compile(
    r"(?:^|\s)(?:(?:was |is |now )?(?:switched|changed|converted|replaced|substituted)\s+(?:to|by|with|for)|->|→|=>)\s*$|"
    r"^\s*[,;–-]*\s*(?:(?:was |is |now )?(?:switched|changed|converted|replaced|substituted)\s+(?:to|by|with|for)|->|→|=>)\s",
    re.IGNORECASE,
)
"""Between a medicine and another that takes its place."""


def _replaced(body: str, start: int, end: int) -> list[tuple[int, int]]:
    """A stretch in two, where another medicine is said to stand in the place of the first."""
    words = body[start:end]
    for link in re.finditer(
        r"[\s,;–-]+(?:->|→|=>)?\s*(?:(?:was |is |now )?(?:switched|changed|converted|replaced|substituted)\s+(?:to|by|with|for)|->|→|=>)\s+",
        words,
        re.IGNORECASE,
    ):
        other = name_at(words, link.end())
        first = first_name(words)
        if other is None or first is None or first.start >= link.start():
            continue
        one = look_up(words[first.start : first.end]).ingredients
        two = look_up(words[other.start : other.end]).ingredients
        if one and two and not set(one) & set(two):
            return [(start, start + link.start()), (start + link.end(), end)]
    return [(start, end)]


def _said_before(body: str, places: list[tuple[int, int]], start: int) -> str:
    """What the words before the first medicine of a sentence state, for a further one in it."""
    begin = max((m.end() for m in re.finditer(r"[.;]\s+", body) if m.end() <= start), default=0)
    s, e = next(p for p in places if p[0] >= begin)
    named = first_name(body[s:e])
    if s >= start or named is None:
        return ""
    lead = body[s : s + named.start]
    return lead if stated_in(lead)[0] else ""

"""Several medicines in one stretch of words: which words speak of which."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from counterfoil.documents.names import first_name, look_up, name_at
from counterfoil.documents.pieces import VERB, several
from counterfoil.documents.states import stated_in


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
    found = [_piece(body, places, n) for n in range(len(places))]
    return [part for piece in found for part in _displaced(body, piece)]


def _piece(body: str, places: list[tuple[int, int]], n: int) -> Piece:
    s, e = places[n]
    if n + 1 < len(places) and _away(body, places[n], places[n + 1]):
        return Piece(s, e, "stopped", body[e : places[n + 1][1]])
    if n and _away(body, places[n - 1], places[n]):
        return Piece(s, e, "new", "", True)
    if _IN_PLACE.search(body[e : e + 24]):
        end = places[n + 1][1] if n + 1 < len(places) else e
        return Piece(s, e, "stopped", body[e:end])
    if _IN_PLACE.search(body[max(0, s - 24) : s]):
        return Piece(s, e, "new", "", True)
    if n and _BESIDES.search(body[places[n - 1][1] : s]) and not stated_in(body[s:e])[0]:
        return Piece(s, e, stated_in(body[places[n - 1][0] : places[n - 1][1]])[1])
    if VERB.search(body[s:e]):
        return Piece(s, e)
    if n + 1 < len(places) and (shared := _with_next(body, places[n], places[n + 1])):
        return Piece(s, e, shared)
    return Piece(s, e, _said_before(body, places, s) or _said_after(body, places, n))


def _with_next(body: str, one: tuple[int, int], other: tuple[int, int]) -> str:
    """What is said of a bare name and the next together: "ramipril and aspirin stopped"."""
    name = name_at(body, one[0], ask=False)
    if (
        name is None
        or name.end < one[1]
        or body[one[1] : other[0]].strip() not in ("and", "&", "+")
    ):
        return ""
    words = body[slice(*other)]
    second = name_at(words, 0, ask=False)
    said = VERB.match(words[second.end :].strip()) if second else None
    return said.group() if said and stated_in(said.group())[0] else ""


_BESIDES = re.compile(r"\b(?:with|alongside|as well as|in addition to)\b", re.IGNORECASE)
"""Between a medicine and another that shares what was done: "started ... together with"."""
_OF_THEM = re.compile(r"\b(?:are|were|have (?:all |both )?been|both|all)\b.*", re.IGNORECASE)
"""Behind the last of several medicines, what is said of them all: "are also new"."""
_DISPLACES = re.compile(
    r"[\s,;(–-]+(?:this |which )?(?:replaces|replacing|to replace|in place of|instead of|in lieu of|"
    r"(?:(?:was|is|has been|had been|now)\s+)*substituted\s+for)\s+"
    r"(?:(?:his|her|their|the|your|previous|usual|existing|old|regular)\s+)*",
    re.IGNORECASE,
)


def _displaced(body: str, piece: Piece) -> list[Piece]:
    """A stretch in two, where its medicine is said to stand in the place of another."""
    words = body[piece.start : piece.end]
    link = _DISPLACES.search(words)
    other = name_at(words, link.end()) if link else None
    first = first_name(words)
    if link is None or other is None or first is None or first.start >= link.start():
        return [piece]
    one = look_up(words[first.start : first.end]).ingredients
    two = look_up(words[other.start : other.end]).ingredients
    if not one or not two or set(one) & set(two):
        return [piece]
    stop = re.compile(r"[,;.()]|$").search(words, other.end)
    end = stop.start() if stop else len(words)
    if VERB.search(words, other.end, end):
        end = other.end  # "aspirin instead of clopidogrel 75mg was started": said of the first
    of_other = re.match(r"\W*which\b", words[end:])
    own = "" if of_other else words[end:].strip(" ,;.()")
    said = piece.status or ("" if stated_in(words[: link.start()])[0] else "new")
    comment = " ; ".join(c for c in (piece.comment, own) if c)
    middle = piece.start + link.start()
    return [
        replace(piece, end=middle, status=said, comment=comment),
        Piece(piece.start + link.end(), piece.start + end, "stopped", "", True),
    ]


JOINING = re.compile(
    r"[\s,;&]*(?:and|plus|or|also)?\s*(?:(?:her|his|their|the)\s+)?", re.IGNORECASE
)
"""Between two medicines of which one thing is said."""
_CLAUSE = re.compile(r"[,;]|\b(?:and|but|then|so|plus)\b", re.IGNORECASE)


def carried(words: str, end: int, start: int) -> str:
    """The word of change that the medicine at *start* shares with the one that ended at *end*.

    None where a word of change already has its own medicine before it: in "furosemide stopped and
    amlodipine 10mg daily" nothing is said of the second.
    """
    if JOINING.fullmatch(words, end, start) is None:
        return ""
    verbs = list(VERB.finditer(words, 0, start))
    if not verbs:
        return ""
    last = verbs[-1]
    cuts = [c.end() for c in _CLAUSE.finditer(words, 0, last.start())]
    own = words[(cuts[-1] if cuts else 0) : last.start()]
    return "" if first_name(own) is not None else last.group()


def _said_after(body: str, places: list[tuple[int, int]], n: int) -> str:
    """What is said of several medicines behind the last of them, for one that is told nothing else."""
    stop = re.compile(r"[.;]\s").search(body, places[n][1])
    later = [p for p in places[n + 1 :] if stop is None or p[0] < stop.start()]
    if not later or any(VERB.search(body[s:e]) for s, e in later[:-1]):
        return ""
    found = _OF_THEM.search(body[slice(*later[-1])])
    return found.group() if found and stated_in(found.group())[0] else ""


_IN_PLACE = re.compile(
    r"(?:^|\s)(?:(?:was |is |now )?(?:(?:switched|changed|converted|replaced)\s+(?:to|by|with|for)|substituted\s+(?:by|with))|->|→|=>)\s*$|"
    r"^\s*[,;–-]*\s*(?:(?:was |is |now )?(?:(?:switched|changed|converted|replaced)\s+(?:to|by|with|for)|substituted\s+(?:by|with))|->|→|=>)\s",
    re.IGNORECASE,
)
"""Between a medicine and another that takes its place."""


_LINK = re.compile(
    r"(?<![\s,;–-])[\s,;–-]+(?:(?:->|→|=>|(?<=[-–])>)\s*)?(?:(?:was |is |now )?(?:(?:switched|changed|converted|replaced)\s+"
    r"(?:to|by|with|for)|substituted\s+(?:by|with))|->|→|=>|(?<=[-–])>)\s+",
    re.IGNORECASE,
)


def _replaced(body: str, start: int, end: int) -> list[tuple[int, int]]:
    """A stretch in two, where another medicine is said to stand in the place of the first."""
    words = body[start:end]
    for link in _LINK.finditer(words):
        other = name_at(words, link.end())
        first = first_name(words)
        if other is None or first is None or first.start >= link.start():
            continue
        one = look_up(words[first.start : first.end]).ingredients
        two = look_up(words[other.start : other.end]).ingredients
        if one and two and not set(one) & set(two):
            return [(start, start + link.start()), (start + link.end(), end)]
    return _from_to(body, start, end)


_AWAY = re.compile(
    r"\b(?:switch|chang|convert|swap|mov)\w*\b[^.;]*\bfrom\s+(?:(?:his|her|their|the)\s+)?$",
    re.IGNORECASE,
)
"""Before a medicine that another takes the place of: "switched her from"."""
_OVER_TO = re.compile(r"\s+(?:on)?to\s+", re.IGNORECASE)


def _from_to(body: str, start: int, end: int) -> list[tuple[int, int]]:
    """A stretch in two, where somebody is switched from its first medicine to another."""
    words = body[start:end]
    first = first_name(words)
    if first is None or _AWAY.search(words[: first.start]) is None:
        return [(start, end)]
    for link in _OVER_TO.finditer(words, first.end):
        if name_at(words, link.end()) is not None:
            return [(start, start + link.start()), (start + link.end(), end)]
    return [(start, end)]


def _away(body: str, one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether the first of two stretches names what the second takes the place of."""
    first = first_name(body[slice(*one)])
    between = body[one[1] : other[0]]
    return (
        first is not None
        and _OVER_TO.fullmatch(between) is not None
        and _AWAY.search(body[one[0] : one[0] + first.start]) is not None
    )


def _said_before(body: str, places: list[tuple[int, int]], start: int) -> str:
    """What the words before the first medicine of a sentence state, for a further one in it."""
    begin = max(
        (m.end() for m in re.finditer(r"(?<!incl)(?<!e\.g)[.;]\s+", body) if m.end() <= start),
        default=0,
    )
    s, e = next(p for p in places if p[0] >= begin)
    named = first_name(body[s:e])
    if s >= start or named is None:
        return ""
    lead = body[s : s + named.start]
    return lead if stated_in(lead)[0] else ""

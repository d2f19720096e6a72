"""Sentences outside the lists that name a medicine and were understood neither as a line nor as a mention.

They go to what a person reads. Where a list has the medicine too, its line says so: what was not
understood may be just what became of it ("amlodipine is now 5mg", "took her off bisoprolol").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from counterfoil.documents.doubt import of_another
from counterfoil.documents.model import MedicineLine, Mention, Span
from counterfoil.documents.names import first_name, look_up
from counterfoil.documents.narrative import sentences_of
from counterfoil.documents.pieces import BEFORE, body_start
from counterfoil.documents.prose import ALLERGIC
from counterfoil.documents.statements import TO_BECOME, other_amount
from counterfoil.documents.tables import Scan
from counterfoil.documents.wording import pattern

_OTHERS = "a medicine of somebody else"
_WHY = "names a medicine outside the lists, and was not understood"


@dataclass(frozen=True, slots=True)
class Unheard:
    """A sentence about a medicine: its ingredients, and the words behind its name up to the next.

    ``anothers``: it is somebody else's.
    """

    span: Span
    ingredients: tuple[str, ...]
    told: str
    anothers: bool = False


def unheard(
    scan: Scan, text: str, lines: Sequence[MedicineLine], mentions: Sequence[Mention]
) -> list[Unheard]:
    """The medicines of sentences that came to nothing, in reading order."""
    out: list[Unheard] = []
    for start, end, words, passage in sentences_of(scan, text):
        if first_name(words) is None or pattern("statements", "history").search(passage.heading):
            continue
        anothers = of_another(words)
        if not anothers and _understood(words):
            continue
        goes_on = pattern("narrative", "goes_on").search(words)
        goes_on = goes_on or pattern("statements", "again").search(words)
        why = _OTHERS if anothers else _WHY
        span = Span(start, end, text[start:end], why)
        for ingredients, told in _named(words):
            heard = any(
                set(ingredients) & set(m.ingredients) and m.span.start < end and start < m.span.end
                for m in mentions
            ) or any(
                set(ingredients) & set(o.product.ingredients) and o.start < end and start < o.end
                for o in lines
            )
            if goes_on and not anothers:
                held = [o for o in lines if set(ingredients) == set(o.product.ingredients)]
                heard = heard or (bool(held) and not any(other_amount(told, o) for o in held))
            if not heard:
                out.append(Unheard(span, ingredients, told, anothers))
    return out


def _named(words: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each medicine that a sentence names, once: its ingredients and the words behind it."""
    seen: set[tuple[str, ...]] = set()
    name = first_name(words)
    while name is not None:
        after = first_name(words, name.end)
        told = words[name.end : after.start if after else len(words)]
        found = look_up(words[name.start : name.end]).ingredients
        if found and found not in seen and _MEASURED.match(told) is None:
            seen.add(found)
            yield found, told
        name = after


_MEASURED = re.compile(
    r"\s*(?:levels?\b|(?:of |was |is |[:=])?\s*[<>]?\d[\d.]*(?!\d|\.|\s*(?:mg|mcg|micrograms?|g(?!/)|mls?|units?|tab|cap|puff|%|[x×]|o\.?d|b\.?d|once|twice|daily)\b))",
    re.IGNORECASE,
)
"""Behind the name of something measured in the blood: "urea 11.2", "digoxin level"."""


def _understood(words: str) -> bool:
    """Whether a sentence says of its medicines what is no matter now: of before, or given there."""
    return bool(
        BEFORE.search(words)
        or pattern("statements", "past").search(words)
        or pattern("statements", "there").search(words)
        or pattern("narrative", "treated").search(words)
        or pattern("narrative", "there").search(words)
        or ALLERGIC.search(words)
    )


def marked(lines: Sequence[MedicineLine], found: Sequence[Unheard]) -> list[MedicineLine]:
    """The lines, each with the sentence about its medicine that was not understood."""
    out = list(lines)
    for one in found:
        if one.anothers:
            continue
        words = " ".join(one.span.text.split())
        words = words[body_start(words) :]
        becomes = TO_BECOME.search(words) or _OFF.search(words)
        for n, line in enumerate(out):
            if line.stated in ("stopped", "on_hold") or words in line.left_over:
                continue
            if set(one.ingredients) != set(line.product.ingredients):
                continue
            if other_amount(one.told, line) or (becomes and line.stated in (None, "continued")):
                text = f"Elsewhere the letter says “{words}”."
                out[n] = replace(line, conflicts=(*line.conflicts, text))
            else:
                left = "; ".join(t for t in (line.left_over, f"elsewhere: “{words}”") if t)
                out[n] = replace(line, left_over=left)
    return out


_OFF = re.compile(r"\boff\b|\bno longer\b", re.IGNORECASE)

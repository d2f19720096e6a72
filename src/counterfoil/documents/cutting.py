"""Lines cut before they are read: too long to be one, or two things on one line."""

from __future__ import annotations

import re
from dataclasses import replace

from counterfoil.documents.layout import heading
from counterfoil.documents.shown import Line

LONGEST_LINE = 1500
"""Characters of the longest line that is read as one; longer ones are cut at a sentence or space."""
_CUT_AT = frozenset(("allergies", "stopped", "on_hold", "new", "changed", "other", "inpatient"))


def short(line: Line, text: str) -> list[Line]:
    """The line itself, or a line too long to be one cut into pieces."""
    if line.end - line.start <= LONGEST_LINE:
        return [line]
    out = []
    start = line.start
    while start < line.end:
        end = min(start + LONGEST_LINE, line.end)
        if end < line.end:
            cut = max(text.rfind(". ", start, end) + 1, text.rfind("; ", start, end) + 1)
            cut = cut if cut > start + 200 else text.rfind(" ", start + 200, end)
            end = cut if cut > start else end
        piece = text[start:end]
        lead = len(piece) - len(piece.lstrip())
        if piece.strip():
            place = (start + lead, start + lead + len(piece.strip()))
            out.append(Line(*place, "text", line.indent, page=line.page))
        start = end
    return out


def apart(line: Line, text: str) -> list[Line]:
    """A line in two, where a sentence ends and a heading with its own words begins in its midst."""
    if line.kind != "text" or ":" not in text[line.start : line.end]:
        return [line]
    words = text[line.start : line.end]
    for stop in re.finditer(r"[.;]\s+(?=[A-Z])", words):
        found = heading(words[stop.end() :])
        if found and found.rest is not None and found.kind in _CUT_AT:
            middle = line.start + stop.start() + 1
            first = replace(line, end=middle)
            rest = replace(line, start=line.start + stop.end())
            return [first, *apart(rest, text)]
    return [line]

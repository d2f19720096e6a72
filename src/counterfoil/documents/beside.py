"""Two lists side by side, what was taken on admission and what at discharge: one row, one medicine."""

from __future__ import annotations

import re

from counterfoil.documents.layout import SIDES, Raw
from counterfoil.documents.names import name_at
from counterfoil.documents.pieces import DOSEISH, LEAD, STRENGTH
from counterfoil.documents.split import split
from counterfoil.documents.wording import pattern, patterns

_EMPTY = re.compile(
    r"(?:[-–—.\s]|n/?a|nil|none|not (?:taken|on admission|prescribed))*", re.IGNORECASE
)
_SAME = re.compile(
    r"(?:same|as before|as on admission|[✓✔\"”]|ditto|no change|nc)\W*", re.IGNORECASE
)
_ARROWS = re.compile(r"^[\s↑↓→⬆⬇=>\-]+")


_ASIDE = re.compile(r"\([^()]*\)")
"""A remark in brackets."""


def beside(raw: Raw) -> None:
    """Turns the two cells of a row into the words of one medicine, its dose before, and its state.

    Nothing in the discharge cell states nothing: only words do, or the same medicine with the same
    dose in both.
    """
    before, after = (" ".join(raw.fields.pop(name, ())) for name in SIDES)
    if _EMPTY.fullmatch(before):
        raw.put("line", after)
        raw.put("status", "new")
        return
    if _EMPTY.fullmatch(after):
        raw.put("line", split(before).drug or before)
        raw.put("was", before)
        return
    if _SAME.fullmatch(after):
        raw.put("line", before)
        raw.put("status", "no change")
        return
    if _names_one(after):
        raw.put("line", after)
        if _plain(before) == _plain(_ASIDE.sub(" ", after)):
            raw.put("status", "no change" if not _words_of_state(after) else "")
        else:
            raw.put("was", before)
        return
    if STRENGTH.search(after) or DOSEISH.search(after) or re.search(r"\d", after):
        drug = split(before).drug or before
        raw.put("line", f"{drug} ; {_ARROWS.sub('', after)}")
        raw.put("status", _words_of_state(after))
        raw.put("was", before)
        return
    raw.put("line", before)
    raw.put("status", after)


_NIL = re.compile(r"\W*(?:nil|none|not (?:taken|prescribed))\W*", re.IGNORECASE)


def of_two_doses(before: str, now: str) -> str:
    """What a row with a dose before and a dose now states where one of them is "nil": a dash states nothing."""
    if _NIL.fullmatch(now) and re.search(r"\d", before):
        return "stopped"
    return "new" if _NIL.fullmatch(before) and re.search(r"\d", now) else ""


def _names_one(text: str) -> bool:
    lead = LEAD.match(text)
    at = lead.end() if lead else 0
    if name_at(text, at):
        return True
    rest = text[at:]
    return bool(
        STRENGTH.search(rest) and re.match(r"[A-Z][a-z]{3,}", rest) and not DOSEISH.match(rest)
    )


def _words_of_state(text: str) -> str:
    """The words of the cell that say what happened, without the new amount."""
    found = [p.search(text) for n, p in patterns("status") if n not in ("ignore", "do_not_stop")]
    return " ".join(m.group() for m in found if m)


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9.]+", pattern("status", "unchanged").sub("", text.lower())))

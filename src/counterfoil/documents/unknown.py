"""Headings among medicines that nobody knows: what stands below them is for a person.

A list goes on behind words that only part it ("Morning", "Inhalers"). Behind any other heading it may
be about something else, what to avoid, what was tried, what the mother takes.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from counterfoil.documents.layout import SMALL
from counterfoil.documents.wording import pattern

NOT_UNDERSTOOD = "a heading that was not understood"
_EXCEPT = re.compile(
    r"\b(?:not (?:supplied|dispensed|issued|provided|stocked|changed|altered|amended|stopped|in stock)|(?:if|when) (?:needed|required|necessary)"
    r"|just in case|anticipatory|not yet (?:needed|required|started)|(?:no|without) (?:known )?changes?|do not (?:stop|change|alter)|no known|alternative therap\w+)\b",
    re.IGNORECASE,
)
_OTHERS = re.compile(
    r"\b(?:mother|father|mum|dad|wife|husband|partner|spouse|son|daughter|brother|sister|sibling|relative|carer|"
    r"neighbour|friend|another patient|other patient)(?:['’]?s|s['’])?\b|\bfamily\b",
    re.IGNORECASE,
)
_FOREIGN = re.compile(
    r"\b(?:avoid\w*|not|never|don['’]?t|contra-?indicat\w*|caution\w*|side[- ]effects?|reactions?|allerg\w*|intoleran\w*|"
    r"sensitiv\w*|interact\w*|tried|trial(?:l?ed)?|failed|ineffective|unsuitable|declin\w*|refus\w*|remove[ds]?|delete[ds]?|"
    r"cancel\w*|reject\w*|take[ns]? off|if|unless|examples?|error|in case)\b",
    re.IGNORECASE,
)
_WISHED = re.compile(
    r"\b(?:options?|alternatives?|consider\w*|suggest\w*|propos\w*|possible|potential|future|planned|instead|rescue)\b",
    re.IGNORECASE,
)


_SIGNED = re.compile(r"\b(?:by|mr|mrs|ms|miss|dr|prof)\b")
"""Who wrote, checked or takes it, not what it is."""


@lru_cache(maxsize=2048)
def foreign(label: str, kind: str = "discharge") -> bool:
    """Whether a heading's words say that what stands below is not what this patient is to take."""
    if _OTHERS.search(label):
        return True
    if kind in ("stopped", "on_hold"):
        return False
    plain = _EXCEPT.sub(" ", pattern("headings", "states", "unchanged").sub(" ", label))
    if _FOREIGN.search(plain):
        return True
    return kind in ("discharge", "unknown") and _WISHED.search(plain) is not None


@lru_cache(maxsize=2048)
def parts_a_list(label: str) -> bool:
    """Whether words only name a part of a list of medicines, or belong to how it was made."""
    if foreign(label):
        return False
    low = label.lower()
    if pattern("headings", "head").match(low) or _SIGNED.search(low):
        return True
    words = re.findall(r"[a-z]+", low)
    known = _parts()
    return all(len(w) < 2 or w in SMALL or w in known or w.endswith("ology") for w in words)


@cache
def _parts() -> frozenset[str]:
    return frozenset(pattern("headings", "parts").pattern.split())


def told_under(label: str) -> str:
    """Why a line below a heading is for a person."""
    return f"It stands under “{' '.join(label.split()).strip(' :')}”, {NOT_UNDERSTOOD}."


_HOME = re.compile(r"(?<!take )(?<!to take )\bhome (?:medic\w+|meds|drugs?|tablets|list)\b", re.I)
_GOING = re.compile(
    r"\b(?:take|taken|going|goes|go|sent|discharge\w*|t\.?t\.?[oa]s?|leav\w+)\b", re.IGNORECASE
)


def of_home(label: str) -> bool:
    """Whether a heading names what was taken at home, beside a list of what is to be taken there."""
    return _HOME.search(label) is not None and _GOING.search(label) is None

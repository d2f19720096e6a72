"""Heads of columns that ask what happened to a medicine: "Stopped", "New?", "Continue Y/N"."""

from __future__ import annotations

import re
from functools import lru_cache

ASKED = {
    "stopped": r"stop(?:ped)?|discontinued?|ceased?",
    "withheld": r"with-?held|with-?hold|held|hold|on hold|paused?|suspended",
    "new": r"new(?:ly started)?|started|start|commenced",
    "changed": r"changed?|dose changed?|amended|altered|increased|decreased|reduced",
    "continued": r"(?:to )?continue[ds]?|continuing|unchanged|same|no change",
}
_HEADS = {
    state: re.compile(
        rf"(?:{words})(?: (?:today|on discharge|at discharge|this admission|during admission))?"
        r"\s*\??\s*(?:\(?y(?:es)?\s*/\s*no?\)?|\(tick\))?",
        re.IGNORECASE,
    )
    for state, words in ASKED.items()
}
_ALONE = re.compile(r"start(?:ed)?|(?:to )?continue[ds]?\s*\??|change", re.IGNORECASE)
"""Heads that name another column where no other asks what happened."""


def asked_by(head: str) -> str:
    """What a column's head asks about each medicine, as a word of state; empty where it asks nothing."""
    clean = head.strip(" .:*_")
    if not clean or len(clean) > 40:
        return ""
    return next((state for state, words in _HEADS.items() if words.fullmatch(clean)), "")


@lru_cache(maxsize=1024)
def asking(heads: tuple[str, ...]) -> dict[int, str]:
    """Which columns of a table ask what happened, and what."""
    found = {n: state for n, head in enumerate(heads) if (state := asked_by(head))}
    plain = {n for n in found if _ALONE.fullmatch(heads[n].strip(" .:*_")) is None}
    return found if plain or len(set(found.values())) > 1 else {}

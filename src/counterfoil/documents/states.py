"""What words say happened to a medicine: the state, and where it contradicts the list it stands in."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, get_args

from counterfoil.documents.layout import Raw
from counterfoil.documents.model import Stated
from counterfoil.documents.pieces import DOSEISH
from counterfoil.documents.wording import pattern

SECTION_STATED: dict[str, Stated] = {
    "continued": "continued",
    "changed": "changed",
    "new": "new",
    "stopped": "stopped",
    "on_hold": "on_hold",
}
RESULT = re.compile(
    r"\W*(?:e?gfr|cr ?cl|creat(?:inine)?|k\+?|na\+?|hb|wcc|crp|inr|qtc|bp|sbp|hr|hba1c|ldl|urate|tsh|weight|wt|"
    r"age|potassium|sodium|phosphate|calcium|ferritin|b12|level|ph|sats|spo2|ef|lvef)(?:\b|(?<=\+))\.?"
    r"(?:\s+(?:on|at)\s+(?:d/?c|discharge|admission))?"
    r"\s*(?:of|was|is|=|:|<|>|≥|≤|-|~)?\s*[<>≥≤]?\s*\d",
    re.IGNORECASE,
)
"""A result or a measure beside a medicine, which is no dose."""
_UNCHANGED = re.compile(
    r"\b(?:no(?:t)?|without) (?:\w+ )?chang|unchanged|unaltered|same\b", re.IGNORECASE
)
_TO_ANOTHER = re.compile(r"\b(?:switched|converted|changed)\s+to\b(?!\s*\d)", re.IGNORECASE)
"""Beside a stop: what stands in its place, so no change of this medicine."""
_OVER = re.compile(
    rf"{pattern('status', 'stopped').pattern}|{pattern('status', 'on_hold').pattern}", re.IGNORECASE
)
_TAKEN_UP_LATER = re.compile(
    rf"(?:{_OVER.pattern})[^;|]*(?:\bthen|\band|(?<!not )\bto|,|-|–)\s+(?:then )?(?:be )?(?:re-?start|resum|re-?commenc|re-?introduc)(?:e?d?|ed)\b",
    re.IGNORECASE,
)
"""A stop of some days: "stopped 3 days then restart"."""
_NEARLY = re.compile(
    rf"\b(?:nearly|almost|neither|not quite)(?: \w+){{0,2}} (?={_OVER.pattern})", re.IGNORECASE
)
STATE_WORDS = ("course_done", "on_hold", "stopped", "unchanged", "changed", "new", "continued")


@lru_cache(maxsize=4096)
def stated_in(text: str) -> tuple[Stated | None, str, bool, tuple[str, ...]]:
    """What words say happened: the state, the words, whether a course is done, contradictions."""
    clean = pattern("status", "ignore").sub(" ", text)
    clean = pattern("remarks", "reason").sub(" ", clean)
    found: dict[str, str] = {}
    for name in STATE_WORDS:
        hit = pattern("status", name).search(clean)
        if hit:
            found[name] = hit.group().strip()
            if name in ("unchanged", "on_hold"):
                clean = clean[: hit.start()] + " " + clean[hit.end() :]
    if not found:
        return None, "", False, ()
    against: tuple[str, ...] = ()
    if "stopped" in found and re.search(_TO_ANOTHER, clean):
        found.pop("changed", None)
    if "stopped" in found and found.keys() & {"continued", "unchanged", "changed"}:
        other = next(found[k] for k in ("continued", "unchanged", "changed") if k in found)
        against = (f"The line says both “{found['stopped']}” and “{other}”.",)
    if "new" in found and found.get("changed", "").lower().startswith("reducing"):
        found.pop("changed")  # a new course that goes down
    if "unchanged" in found and found.keys() & {"changed", "new"}:
        other = found.get("changed", found.get("new", ""))
        against = (f"The line says both “{found['unchanged']}” and “{other}”.",)
    if found.keys() & {"stopped", "on_hold"}:
        begun = pattern("statements", "again").search(text)
        if begun and re.search(_OVER, text[: begun.start()]):
            over = found.get("stopped", found.get("on_hold", ""))
            return "on_hold", over, False, (f"The line says both “{over}” and “{begun.group()}”.",)
        undone = pattern("statements", "undone").search(text) or _NEARLY.search(text)
        if undone and not against:
            over = found.get("stopped", found.get("on_hold", ""))
            against = (f"The line says “{over}”, and “{undone.group().strip()}”.",)
        if re.search(_TAKEN_UP_LATER, text):
            return "on_hold", found.get("on_hold", found.get("stopped", "")), False, against
    if "course_done" in found:
        return "stopped", found["course_done"], True, against
    for name in ("on_hold", "stopped", "changed", "new", "unchanged", "continued"):
        if name in found:
            state: Any = "continued" if name == "unchanged" else name
            assert state in get_args(Stated)
            return state, found[name], False, against
    return None, "", False, against


def result_in(text: str) -> bool:
    """Whether words begin with a blood result or a measure, and are no medicine with its amount."""
    timed = any(word.group().lower() != "on" for word in DOSEISH.finditer(text))
    return RESULT.match(text) is not None and not timed and not _AMOUNT.search(text)


_AMOUNT = re.compile(
    r"\d\s*(?:mg|mcg|micrograms?|g|mls?|units?|iu|tab\w*|cap\w*|puffs?|sachets?)\b(?!\s*/\s*(?:l|dl|mmol|min)\b)",
    re.IGNORECASE,
)


def state_of(raw: Raw, words: str) -> tuple[Stated | None, str, bool, tuple[str, ...]]:
    """The line's own word for what happened; a status column goes before words elsewhere."""
    column = raw.get("status")
    if re.fullmatch(r"\W*(?:none|nil|no|unch|n/c|nc)\W*", column, re.IGNORECASE):
        return "continued", column.strip(), False, ()
    if column:
        state, said, done, against = stated_in(column)
        if state:
            return state, said, done, against
    return stated_in(words)


def with_section(
    section: Stated | None, state: Stated | None, said: str, raw: Raw
) -> tuple[Stated | None, list[str]]:
    """The line's word beside the section's; a contradiction is kept, not settled."""
    if state is None or section is None or state == section:
        return state or section, []
    agree = {
        ("stopped", "on_hold"),
        ("on_hold", "stopped"),
        ("changed", "new"),
        ("new", "changed"),
        ("changed", "stopped"),
        ("continued", "new"),
    }
    if section == "new" and state == "continued":
        return "new", []
    if (section, state) in agree:
        return (state if {section, state} != {"changed", "new"} else section), []
    if section == "stopped" and state in ("new", "changed"):
        return section, []
    if section == "continued" and state == "changed" and not _UNCHANGED.search(raw.heading):
        return state, []
    return state, [f"It stands under “{raw.heading}”, but the line says “{said}”."]

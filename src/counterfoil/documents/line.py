"""One medicine's stretch of a letter into a medicine line: drug, dose, what happened, remarks."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from counterfoil.documents.answers import SIGN, settle
from counterfoil.documents.asides import stops_another, taken_back
from counterfoil.documents.dose_words import before_and_now, dose_of
from counterfoil.documents.layout import Raw
from counterfoil.documents.model import MedicineLine
from counterfoil.documents.names import first_name, look_up
from counterfoil.documents.pieces import DOSEISH, STRENGTH, VERB
from counterfoil.documents.remarks import EDGE, Words, answered, course_of, explain, sort_words
from counterfoil.documents.split import Parts, split
from counterfoil.documents.states import RESULT, SECTION_STATED, state_of, stated_in, with_section
from counterfoil.documents.wording import pattern
from counterfoil.terminology import Match

_TICK = re.compile(r"[✓✔√•●yY*]+")
NO_SLOT = re.compile(r"[-–—.0\s✗]*|nil|none", re.IGNORECASE)
_SLOTS = {
    "morning": "in the morning",
    "noon": "at lunchtime",
    "tea": "at teatime",
    "night": "at bedtime",
}
_UP_TO = re.compile(r"\W*(?:up|down|back)(?: to)?\s+(?=to\b|\d)(?:to\s+)?", re.IGNORECASE)
"""Among changes: where an amount goes to, and no upper bound."""
_NEW_AMOUNT = re.compile(
    r"(?:\bto|↑|↓|⬆|⬇|→|->|=>?|:)\s*(?:to )?(?P<amount>\d[\d.,]*\s*(?:mg|mcg|micrograms?|g|ml|units?|puffs?|tab\w*|cap\w*)\b.*)",
    re.IGNORECASE,
)
"""The amount that a word of change goes to."""


_RANGE_OR_CHANGE = re.compile(
    r"\W*\d[\d.,]*\s*(?:mg|mcg|micrograms?|g|units?)?\s*(?:to|[-–])\s*\d[\d.,]*\s*(?:mg|mcg|micrograms?|g|units?)\b",
    re.IGNORECASE,
)
"""Beside a word of change: "2.5mg to 5mg"."""


def build(raw: Raw, text: str, number: int, coded: Any = None) -> MedicineLine:
    """Reads one stretch. The id is not yet final: the letter gives it."""
    words = Words()
    settle(raw)
    conflicts = list(raw.fields.get("doubt", ()))
    drug, product, rest, strength, formed, lead = _drug(raw)
    if RESULT.match(raw.get("now")):
        raw.fields.setdefault("comment", []).extend(raw.fields.pop("now"))
    if raw.get("unit") and re.search(r"\d\s*$", raw.get("dose")):
        raw.fields["dose"] = [f"{raw.get('dose').strip()} {raw.get('unit')}"]
    dose_cells = raw.get("now") or _by_slots(raw, strength) or raw.get("dose")
    remarks = raw.get("status"), raw.get("comment"), raw.get("reason"), raw.get("continuing")
    aside = _about_another(rest, product)
    for text_ in aside:
        rest = rest.replace(text_, " ", 1)
        words.comment.append(text_.strip("()[] "))
    free = f"{lead} ; {rest}"
    told = (raw.get("status"), free, raw.get("comment"), dose_cells)
    statuses = " ; ".join(t for t in told if t)
    state, said, done, against = state_of(raw, statuses)
    conflicts += against
    upward = _UP_TO.match(rest) if raw.section in ("changes", "changed") else None
    if state is None and upward:
        state, said, rest = "changed", upward.group().strip(), rest[upward.end() :]
    section = SECTION_STATED.get(raw.section)
    state, more = with_section(section, state, said, raw)
    conflicts += more
    sort_words(rest, words)
    doseless = raw.get("drug") and not (dose_cells or raw.get("frequency") or words.dose)
    for cell in (raw.get("comment"), raw.get("status")):
        given = "two_doses" not in raw.fields or stated_in(cell)[0]
        sort_words(cell, words, dose=bool(doseless and given and DOSEISH.search(cell)))
    if raw.get("reason"):
        words.reason.append(raw.get("reason"))
    if raw.get("was"):
        words.was.append(raw.get("was"))
    if raw.get("duration"):
        course_of(raw.get("duration"), words)
    answered(raw.get("continuing"), words)
    if raw.get("during"):
        words.comment.append(f"during the stay: {raw.get('during')}")
    signs = [
        text
        for text in (*words.comment, *words.left)
        if SIGN.fullmatch(text) and not (raw.get("drug") and text.strip() == "N")
    ]
    conflicts += [f"The letter does not explain “{sign}”." for sign in signs[:1] if not conflicts]
    everything = " ; ".join((lead, rest, *remarks))
    explain(state, words, everything)
    if state == "changed" and dose_cells:
        dose_cells, contradicted = _changed_to(raw, dose_cells, words)
        conflicts += contradicted
    if state is None and words.was and "was" not in raw.fields:
        state, said = "changed", f"was {words.was[0]}"
    dose_text, dose = dose_of(raw, dose_cells, words, product, strength, formed, coded)
    if state == "changed" and dose.status == "read" and _RANGE_OR_CHANGE.match(dose_text):
        why = "whether it is a range, or what it was and what it is now, is not clear"
        dose = replace(dose, status="partial", per_day=None, reasons=(*dose.reasons, why))
    if state is None and "was" in raw.fields and "now" in raw.fields:
        state, said = before_and_now(raw, dose, product)
    elif state == "continued" and raw.get("was") and raw.get("now"):
        found, both = before_and_now(raw, dose, product)
        conflicts += [f"The row gives {both}, and says “{said}”."] if found == "changed" else []
    if state not in ("stopped", "on_hold"):
        beside = (*words.comment, *words.left)
        conflicts += taken_back(dose_text, beside, words.reason, product)
    elif state != section:
        conflicts += stops_another(rest, product)
    return MedicineLine(
        id="",
        text=text[raw.start : raw.end],
        start=raw.start,
        end=raw.end,
        section=raw.section,
        stated=state,
        drug_text=drug,
        dose_text=dose_text,
        product=product,
        dose=dose,
        duration="; ".join(words.duration),
        reason="; ".join(words.reason),
        number=number,
        page=raw.page,
        statement=raw.section == "changes" or bool(said and not dose_text),
        stated_words=said or (raw.heading if section else ""),
        restart="; ".join(words.restart) if state == "on_hold" else "",
        course_done=done,
        do_not_stop=bool(pattern("status", "do_not_stop").search(everything)),
        intent=words.intent,  # type: ignore[arg-type]
        was="; ".join(words.was),
        comment="; ".join(words.comment),
        left_over="; ".join(words.left),
        conflicts=tuple(conflicts),
    )


def _drug(raw: Raw) -> tuple[str, Match, str, str, bool, str]:
    """The medicine's words and reading, the words that follow, and what stood before."""
    cell = raw.get("drug")
    parts = split(cell or raw.get("line"))
    if cell and re.fullmatch(rf"[\s,\-–]*{STRENGTH.pattern}[\s.]*", parts.rest, re.IGNORECASE):
        parts = Parts(
            parts.lead,
            f"{parts.drug} {parts.rest.strip(EDGE)}",
            "",
            parts.strength,
            True,
            parts.known,
        )
    drug = parts.drug or cell
    extra = [t for t in (raw.get("strength"), raw.get("form")) if t]
    extra = [t for t in extra if t.lower().rstrip("s") not in drug.lower()]
    if extra and parts.drug:
        drug = f"{parts.drug} {' '.join(extra)}"
    rest = parts.rest if parts.drug else ""
    rest = f"{rest} ; {raw.get('line')}" if cell and raw.get("line") else rest
    strength = parts.strength or raw.get("strength")
    return (
        drug,
        look_up(_one(drug)),
        rest,
        strength,
        parts.formed or bool(raw.get("form")),
        parts.lead,
    )


def _about_another(rest: str, product: Match) -> list[str]:
    """Words in brackets that say what happened to another medicine."""
    found = []
    for bracket in re.findall(r"\([^()]*\)|\[[^\[\]]*\]", rest):
        name = first_name(bracket) if VERB.search(bracket) else None
        if name is None:
            continue
        other = look_up(bracket[name.start : name.end]).ingredients
        if other and not set(other) & set(product.ingredients):
            found.append(bracket)
    return found


def _changed_to(raw: Raw, cells: str, words: Words) -> tuple[str, list[str]]:
    """The dose of a row whose column of change names an amount that the dose column does not.

    In a table of what was taken on admission that is the new dose, and without one there is none;
    elsewhere the row contradicts itself.
    """
    plan = raw.get("status") or raw.get("comment")
    found = _NEW_AMOUNT.search(plan)
    named = re.match(r"[\d.,]+", found.group("amount")) if found else None
    here = f"{cells} {raw.get('frequency')}"
    if "of_admission" in raw.fields:
        words.was.append(" ".join(here.split()))
        raw.fields.pop("frequency", None)
        return (found.group("amount") if found else ""), []
    if found is None or named is None or "now" in raw.fields:
        return cells, []
    row = f"{here} {raw.get('drug')} {raw.get('line')} {raw.get('strength')}"
    if re.search(rf"(?<![\d.]){re.escape(named.group().rstrip('.,'))}(?![\d.]*\d)", row):
        return cells, []
    return cells, [f"The row gives “{' '.join(here.split())}” and says “{plan}”."]


def _by_slots(raw: Raw, strength: str) -> str:
    """The dose of a row that gives the times of the day columns of their own."""
    if raw.fields.get("clock"):
        amount = raw.get("dose")
        ticked = [re.sub(r"^[✓✔√•●yY*]+ at", f"{amount} at", c) for c in raw.fields["clock"]]
        return ", ".join(c.strip() for c in ticked)
    given = {n: v for n in _SLOTS if not NO_SLOT.fullmatch(v := raw.get(n).strip())}
    if not given:
        return ""
    amount = raw.get("dose")
    if all(_TICK.fullmatch(v) for v in given.values()):
        return ", ".join(f"{amount} {_SLOTS[n]}" for n in given)
    parts = ", ".join(f"{v} {_SLOTS[n]}" for n, v in given.items())
    said = "".join(amount.lower().split())
    return parts if not said or said == "".join(strength.lower().split()) else f"{amount} {parts}"


def _one(text: str) -> str:
    return " ".join(re.sub(r"[|®™]", " ", text).split())

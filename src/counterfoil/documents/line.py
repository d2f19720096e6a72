"""One medicine's stretch of a letter into a medicine line: drug, dose, what happened, remarks."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, get_args

from counterfoil.documents.doses import read_dose
from counterfoil.documents.layout import Raw
from counterfoil.documents.model import MedicineLine, Stated
from counterfoil.documents.names import first_name, look_up
from counterfoil.documents.pieces import ARROW, DOSEISH, STRENGTH, VERB
from counterfoil.documents.split import Parts, split
from counterfoil.documents.wording import NUMBER_WORDS, pattern
from counterfoil.dosage import Dose, compare, convert, ingredient_per_day
from counterfoil.terminology import Match

_SECTION_STATED: dict[str, Stated] = {
    "continued": "continued",
    "changed": "changed",
    "new": "new",
    "stopped": "stopped",
    "on_hold": "on_hold",
}
_TICK = re.compile(r"[✓✔√•●yY*]+")
NO_SLOT = re.compile(r"[-–—.0\s✗]*|nil|none", re.IGNORECASE)
_SLOTS = {
    "morning": "in the morning",
    "noon": "at lunchtime",
    "tea": "at teatime",
    "night": "at bedtime",
}
_EDGE = " \t\n,;:|-–—.()[]*→/"
_FILLER = re.compile(
    r"\b(?:has|have|had|been|was|were|is|are|be|to|we|the|her|his|their|patient['’]?s|this|in|on|hospital|ward|"
    r"during|admission|stay|dose|by|now|please|medication|medicine|drug|status|today|and|at|discharge|team|"
    r"this|it|also|of|for|since|due|will|should|she|he|they|following|with|as|no|from|list|repeat|"
    r"cardiology|renal|consultant)\b",
    re.IGNORECASE,
)
_DOSE_SIGN = re.compile(
    rf"\d|½|¼|\b(?:{NUMBER_WORDS}|half|once|twice|daily|weekly|monthly|day|night|morning|evening|noon|lunch|"
    r"bed|od|bd|tds|qds|om|(?-i:ON)|mane|nocte|prn|stat|hourly|hours?|directed|required|needed|necessary|apply|inhale|puffs?|drops?|"
    r"tablets?|capsules?|sparingly|meals?|breakfast|tea(?:time)?|bedtime|dinner|supper|mid-?day|waking|afternoon|[ap]\.?m|times|week|liberally|po|p\.o|o\.d|b\.d|oral(?:ly)?|alternate|each|every)\b",
    re.IGNORECASE,
)
_UP_TO = re.compile(r"\W*(?:up|down|back)(?: to)?\s+(?=to\b|\d)(?:to\s+)?", re.IGNORECASE)
"""Among changes: where an amount goes to, and no upper bound."""
_FROM_TO = re.compile(
    r"\bfrom\s+(?P<was>[^;|]+?)\s*(?:\bto\b|→|->|=>)\s*(?P<now>[^;|]*)", re.IGNORECASE
)
_ARROW = re.compile(
    rf"^\s*(?P<was>[^;|→]*\d[^;|→]*?)\s*{ARROW}\s*"
    r"(?:(?:increased?|decreased?|reduced?|changed?|titrated|raised|lowered|up|down)\s+(?:to\s+)?)?"
    rf"(?P<now>(?:\d|½|¼|(?:{NUMBER_WORDS}|half)\b|once\b|twice\b|[obt]\.?d\b|tds\b|qds\b)[^;|]*)",
    re.IGNORECASE,
)
_TO_NOW = re.compile(
    r"\b(?:increased?|decreased?|reduced?|changed?|titrated?|uptitrated|up-titrated|raised|lowered|switched|"
    r"converted|doubled|halved|amended|adjusted|dose)\s*(?:up |down |back )?(?:to|=|:)\s*",
    re.IGNORECASE,
)
_TRAILING = re.compile(
    r"(?:\s+(?:was|were|is|are|has|have|had|been|be|and|will|should|to be|also|both|all|now|newly))+\s*$",
    re.IGNORECASE,
)
_LEADING = re.compile(
    rf"^\W*(?:at|on)\s+(?=\d[\d.,]*\s*(?:mg|mcg|micrograms?|g|units?|mls?|puffs?|tab|cap))|^\W*(?:(?:is|was|are|were|to|will|should|be|now|has been)\s+)+(?:(?:at|on|with|to)\s+)?(?=\d|(?:{NUMBER_WORDS}|half)\b)",
    re.IGNORECASE,
)
_REMAINS = re.compile(
    rf"^\W*(?:to(?= \d)|(?:to )?(?:remains?|remained|continues?|continued|stays?|kept)|(?:is|was)(?: currently)?)\s+(?:unchanged |on |at |with )*(?=\d|(?:{NUMBER_WORDS}|half)\b)",
    re.IGNORECASE,
)
_LAB = re.compile(
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
_NEW_AMOUNT = re.compile(
    r"(?:\bto|↑|↓|⬆|⬇|→|->|=>?|:)\s*(?:to )?(?P<amount>\d[\d.,]*\s*(?:mg|mcg|micrograms?|g|ml|units?|puffs?|tab\w*|cap\w*)\b.*)",
    re.IGNORECASE,
)
"""The amount that a word of change goes to."""
_TO_ANOTHER = re.compile(r"\b(?:switched|converted|changed)\s+to\b(?!\s*\d)", re.IGNORECASE)
"""Beside a stop: what stands in its place, so no change of this medicine."""
_DAY = re.compile(
    r"\s*(?:on\s+)?(?:the\s+)?\d{1,2}(?:[/.-]\d{1,2}(?:[/.-]\d{2,4})?\b|(?:st|nd|rd|th)?[ -]"
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*(?:[ -]\d{2,4})?\b)",
    re.IGNORECASE,
)
"""The day on which something happened to a medicine, behind the word for it."""
_COURSE = re.compile(r"\s*(?:on\s+)?\d{1,2}/(?:7|52|12)\b(?!/)")
_OVER = ("course_done", "on_hold", "stopped")
_STATE_WORDS = ("course_done", "on_hold", "stopped", "unchanged", "changed", "new", "continued")


@dataclass(slots=True)
class _Words:
    """What the words of a line came to while they were sorted."""

    dose: list[str] = field(default_factory=list)
    reason: list[str] = field(default_factory=list)
    duration: list[str] = field(default_factory=list)
    comment: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    was: list[str] = field(default_factory=list)
    restart: list[str] = field(default_factory=list)
    intent: str = ""


@lru_cache(maxsize=4096)
def stated_in(text: str) -> tuple[Stated | None, str, bool, tuple[str, ...]]:
    """What words say happened: the state, the words, whether a course is done, contradictions."""
    clean = pattern("status", "ignore").sub(" ", text)
    clean = pattern("remarks", "reason").sub(" ", clean)
    found: dict[str, str] = {}
    for name in _STATE_WORDS:
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
    return _LAB.match(text) is not None and not timed and not _AMOUNT.search(text)


_AMOUNT = re.compile(
    r"\d\s*(?:mg|mcg|micrograms?|g|mls?|units?|iu|tab\w*|cap\w*|puffs?|sachets?)\b(?!\s*/\s*(?:l|dl|mmol|min)\b)",
    re.IGNORECASE,
)


def build(raw: Raw, text: str, number: int, coded: Any = None) -> MedicineLine:
    """Reads one stretch. The id is not yet final: the letter gives it."""
    words = _Words()
    conflicts: list[str] = []
    drug, product, rest, strength, formed, lead = _drug(raw)
    if _LAB.match(raw.get("now")):
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
    state, said, done, against = _state(raw, statuses)
    conflicts += against
    upward = _UP_TO.match(rest) if raw.section in ("changes", "changed") else None
    if state is None and upward:
        state, said, rest = "changed", upward.group().strip(), rest[upward.end() :]
    section = _SECTION_STATED.get(raw.section)
    state, more = _with_section(section, state, said, raw)
    conflicts += more
    _sort(rest, words)
    for cell in (raw.get("comment"), raw.get("status")):
        _sort(cell, words, dose=False)
    if raw.get("reason"):
        words.reason.append(raw.get("reason"))
    if raw.get("was"):
        words.was.append(raw.get("was"))
    if raw.get("duration"):
        _duration(raw.get("duration"), words)
    _continuing(raw.get("continuing"), words)
    everything = " ; ".join((lead, rest, *remarks))
    _explain(state, words, everything)
    if state == "changed" and dose_cells:
        dose_cells, contradicted = _changed_to(raw, dose_cells, words)
        conflicts += contradicted
    if state is None and words.was and "was" not in raw.fields:
        state, said = "changed", f"was {words.was[0]}"
    dose_text, dose = _dose(raw, dose_cells, words, product, strength, formed, coded)
    if state is None and "was" in raw.fields and "now" in raw.fields:
        state, said = _before_and_now(raw, dose, product)
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


def _before_and_now(raw: Raw, dose: Dose, product: Match) -> tuple[Stated | None, str]:
    """What two columns of doses, before and now, state: nothing where either cannot be read."""
    was, now = raw.get("was"), raw.get("now")
    said = f"{was} before, {now} now"
    if "".join(was.lower().split()) == "".join(now.lower().split()) and re.search(r"\w", was):
        return "continued", said
    before = read_dose(was, product)
    if before.status != "read" or dose.status != "read" or not (before.per_day and dose.per_day):
        return None, ""
    return ("continued" if compare(before, dose) == "equal" else "changed"), said


def _explain(state: Stated | None, words: _Words, everything: str) -> None:
    """Beside a stop, a hold or a change, words that are nothing else are its reason."""
    if state == "on_hold" and not words.restart:
        for kind in (words.comment, words.left, words.dose):
            for text in [t for t in kind if pattern("remarks", "restart").search(t)]:
                words.restart.append(text)
                kind.remove(text)
    if state == "stopped" and not words.reason:
        needless = re.search(r"no longer (?:needed|required|indicated)", everything, re.IGNORECASE)
        words.reason += [needless.group()] if needless else []
    if state in ("stopped", "on_hold", "changed") and not words.reason:
        told = [t for t in words.comment if not pattern("remarks", "request").search(t)]
        if state != "changed":
            told += words.left
            words.left = []
        words.reason += told
        words.comment = [t for t in words.comment if t not in told]


def _drug(raw: Raw) -> tuple[str, Match, str, str, bool, str]:
    """The medicine's words and reading, the words that follow, and what stood before."""
    cell = raw.get("drug")
    parts = split(cell or raw.get("line"))
    if cell and re.fullmatch(rf"[\s,\-–]*{STRENGTH.pattern}[\s.]*", parts.rest, re.IGNORECASE):
        parts = Parts(
            parts.lead,
            f"{parts.drug} {parts.rest.strip(_EDGE)}",
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


def _changed_to(raw: Raw, cells: str, words: _Words) -> tuple[str, list[str]]:
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


def _state(raw: Raw, words: str) -> tuple[Stated | None, str, bool, tuple[str, ...]]:
    """The line's own word for what happened; a status column goes before words elsewhere."""
    column = raw.get("status")
    if re.fullmatch(r"\W*(?:none|nil|no|unch|n/c|nc)\W*", column, re.IGNORECASE):
        return "continued", column.strip(), False, ()
    if column:
        state, said, done, against = stated_in(column)
        if state:
            return state, said, done, against
    return stated_in(words)


def _with_section(
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


def _sort(text: str, words: _Words, *, dose: bool = True) -> None:
    """Sorts the words behind a medicine into dose, reason, course, supply and remarks."""
    if not text.strip(_EDGE):
        return
    text = re.sub(r"\s*\n\s*", " ", text)
    text = re.sub(r"[.…_]{3,}", " ; ", text)  # leaders
    text = _moves(text, words)
    for segment in _segments(text):
        _segment(segment, words, dose)


_AMOUNT_OF_BEFORE = re.compile(
    r"\d|\b(?:once|twice|one|two|half|daily|[obt]\.?d|tds|qds|mane|nocte|on|om)\b", re.I
)


def _moves(text: str, words: _Words) -> str:
    """Takes the old amount out of "from 2.5mg to 5mg daily"; the new one stays."""
    for move in (_FROM_TO, _ARROW):
        found = move.search(text)
        if found and _AMOUNT_OF_BEFORE.search(found.group("was")):
            words.was.append(found.group("was").strip(_EDGE))
            head = text[: found.start()]
            return f"{head} ; {found.group('now')}{text[found.end() :]}"
    return _TO_NOW.sub(" ; ", text)


_CUTS = re.compile(
    rf"\s*{ARROW}\s*(?=[A-Za-z])|,?\s+(?=which\b)|,?\s+and\s+(?=(?:(?:i|we|she|he|they)\s+)?(?:have|has|had|will|would)\b)|"
    r"\bnote:\s*|\s+(?:[-–—]+|/)\s+|[;|]|\.(?=\s+[A-Z(]|\s*$)|[()\[\]]|\s{3,}|\t|,(?=\s*(?:[a-z]+ ){0,2}(?:due|because|as per|gp|supply|new|stop|start|increas|reduc|continu|chang|review|held|withheld|aiming|for \w+ing))",
    re.IGNORECASE,
)


def _segments(text: str) -> list[str]:
    return [s for piece in _CUTS.split(text) if (s := piece.strip(" \t\n,;:|-–—*"))]


def _segment(text: str, words: _Words, dose: bool) -> None:
    remarks = "remarks"
    if dose and text.strip(_EDGE) == "on":  # alone behind an amount: at night
        words.dose.append("on")
        return
    if pattern(remarks, "not_continued").search(text):
        words.intent = "not_continued"
        text = pattern(remarks, "not_continued").sub(" ", text)
    elif pattern(remarks, "hospital_only").search(text):
        words.intent = "hospital_only"
        text = pattern(remarks, "hospital_only").sub(" ", text)
    elif pattern(remarks, "gp_to_continue").search(text):
        words.intent = words.intent or "gp_to_continue"
        text = pattern(remarks, "gp_to_continue").sub(" ", text)
    if pattern(remarks, "long_term").search(text):
        words.intent = words.intent or "long_term"
        text = re.sub(
            r"^\s*(?:for|to continue|continue)\s*$",
            "",
            pattern(remarks, "long_term").sub(" ", text),
        )
    if not text.strip(_EDGE):
        return
    why = pattern(remarks, "reason").search(text)
    if why and not re.match(r"to (?:treat|prevent|control|reduce|protect)", why.group(), re.I):
        words.reason.append(why.group().strip(_EDGE))
        text = text[: why.start()] + " " + text[why.end() :]
    hold = pattern(remarks, "restart").search(text)
    if hold and pattern("status", "on_hold").search(text):
        words.restart.append(hold.group().strip(_EDGE))
        text = text[: hold.start()]
    if not text.strip(_EDGE):
        return
    later = pattern("status", "later").search(text)
    if later:
        words.left.append(later.group().strip(_EDGE))
        text = f"{text[: later.start()]} {text[later.end() :]}"
    was = pattern(remarks, "was").search(text)
    if was:
        words.was.append(text[was.end() :].strip(_EDGE))
        text = text[: was.start()]
    text = pattern(remarks, "supply").sub(" ", text)
    text = pattern("status", "do_not_stop").sub(" ", text)
    if pattern(remarks, "request").search(text):
        words.comment.append(text.strip(_EDGE))
        return
    bare = re.sub(
        r"^\W*(?:dose\W+(?=for\b)|now\s+(?=\w))", "", _without_status(text), flags=re.IGNORECASE
    )
    if not bare.strip(_EDGE):
        return
    bare = _LEADING.sub("", _TRAILING.sub("", bare))
    if dose and _LAB.match(bare):
        words.comment.append(bare.strip(_EDGE))
        return
    if dose and _DOSE_SIGN.search(bare):
        words.dose.append(bare.strip(" \t\n,;:|-–—"))
        return
    plain = pattern(remarks, "harmless").sub(" ", bare)
    purpose = re.match(
        r"(?:for|to (?:treat|prevent|control|reduce|protect))\b\s*(.+)", plain.strip(), re.I
    )
    if purpose and not re.search(r"\d", plain):
        words.reason.append(plain.strip(_EDGE))
    elif not dose and pattern(remarks, "course").search(plain):
        _duration(plain, words)
    elif not plain.strip(_EDGE) or not _FILLER.sub(" ", plain).strip(_EDGE):
        return
    elif pattern(remarks, "risky").search(plain):
        words.left.append(plain.strip(_EDGE))
    else:
        words.comment.append(plain.strip(_EDGE))


def _without_status(text: str) -> str:
    """The words without those that only say what happened; a course's or tail's words stay."""
    kept = pattern("status", "ignore").search(text)
    if kept:
        return text
    for name in _STATE_WORDS:
        hit = pattern("status", name).search(text)
        if hit:
            end = hit.end()
            day = _DAY.match(text, end)
            if day and (name in _OVER or not _COURSE.match(text, end)):
                end = day.end()
            left = text[: hit.start()] + " " + text[end:]
            text = left if _FILLER.sub(" ", left).strip(_EDGE) else ""
    return text


def _duration(text: str, words: _Words) -> None:
    if pattern("remarks", "long_term").search(text) or re.match(
        r"\s*(?:continue|ongoing|indefinite)", text, re.I
    ):
        words.intent = words.intent or "long_term"
        return
    words.duration.append(text.strip(_EDGE))


def _continuing(text: str, words: _Words) -> None:
    """The answer in a "GP to continue?" column."""
    clean = text.strip(_EDGE).lower()
    if not clean:
        return
    if re.match(r"(?:y|yes|✓|true|continue|gp)\b|✓", clean):
        words.intent = words.intent or "gp_to_continue"
    elif re.match(r"(?:n|no|x|stop|not)\b", clean):
        words.intent = words.intent or "not_continued"
    elif re.match(r"hospital|specialist|homecare", clean):
        words.intent = "hospital_only"
    else:
        _sort(text, words, dose=False)


def _dose(
    raw: Raw,
    cells: str,
    words: _Words,
    product: Match,
    strength: str,
    formed: bool,
    coded: Any,
) -> tuple[str, Dose]:
    """The dose words as given to the dose reader, and its reading."""
    frequency, route = raw.get("frequency"), raw.get("route")
    tail = ", ".join(words.dose)
    texts: list[str] = []
    if cells or frequency:
        amount = cells or ""
        together = " ".join(t for t in (amount, frequency) if t)
        if tail and tail.lower() not in together.lower():
            texts.append(" ".join((together, tail)))
        texts += [together] if not texts else []
        if not amount and strength and not formed:
            texts.append(f"{strength} {together}")
    elif strength and not formed and tail and not _AMOUNT_FIRST.match(tail):
        texts.append(f"{strength} {tail}")
    else:
        texts.append(tail)
    texts = [*(_without_total(t, product) for t in texts), *texts]
    plain = " ".join(w for w in words.dose if not _ROUTE_ONLY.fullmatch(w.strip()))
    texts += [plain] if not (cells or frequency) and plain and plain != tail else []
    if cells:
        sorted_ = _Words()
        _sort(cells, sorted_)
        texts.append(" ".join((*sorted_.dose, frequency)).strip())
        if sorted_.reason and not words.reason:
            words.reason = sorted_.reason
    best: tuple[str, Dose] | None = None
    for text in texts:
        for variant in _variants(text, words, route):
            dose = _trusted(read_dose(variant, product, coded), variant)
            if dose.per_day is not None or dose.status == "conflict":
                return variant, dose
            if best is None or (dose.status == "read" and best[1].status != "read"):
                best = (variant, dose)
    assert best is not None
    return best if best[1].status == "read" else _parted(texts, product, words) or best


def _parted(texts: list[str], product: Match, words: _Words) -> tuple[str, Dose] | None:
    """A dose that reads completely up to a comma, behind which only a remark stands.

    The remark is kept as a comment. It is none where it could change the dose: where it holds an
    amount, a time, a number of its own, a condition or a negation.
    """
    for text in texts:
        for comma in re.finditer(r"\s*[,;]\s+|\s+[-–—]+\s+", text):
            dose, remark = text[: comma.start()], text[comma.end() :]
            plain = _MEASURE.sub(" ", remark)
            if DOSEISH.search(plain) or _NO_REMARK.search(plain) or not _AMOUNT_FIRST.match(dose):
                continue
            found = _trusted(read_dose(dose, product), dose)
            if found.status == "read" and found.per_day is not None:
                words.comment.append(remark.strip(_EDGE))
                return dose, found
    return None


_MEASURE = re.compile(r"\d+(?:/\d+)?\s*(?:mmhg|bpm|kg)\b", re.IGNORECASE)
_NO_REMARK = re.compile(
    r"\d|½|¼|\b(?:not?|nil|never|none|without|avoid|unless|except|only|if|when|while|until|till|after|before|then|than|or|"
    r"plus|extra|max\w*|more|less|up|down|stop\w*|h[eo]ld|withh\w*|omit\w*|pause\w*|suspend\w*|increas\w*|decreas\w*|"
    rf"reduc\w*|chang\w*|switch\w*|alternat\w*|taper\w*|wean\w*|titrat\w*|doubl\w*|halv\w*|half|{NUMBER_WORDS}|"
    r"days?|weeks?|months?|hours?|morning|noon|evening|night|lunch\w*|breakfast|tea\w*|bed\w*|am|pm|"
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?|repeat\w*|daily|times?)\b",
    re.IGNORECASE,
)
"""Words that can change the dose beside them."""


_TOTAL = re.compile(
    r"[\s,(]*\b(?P<amount>\d[\d.,]*)\s*(?P<unit>mg|micrograms?|mcg|g|units?) (?:in )?total\b[),]*",
    re.IGNORECASE,
)
"""The amount of a dose said again, "1 tablet (5 mg total)"."""


_TWICE = re.compile(
    r"(?<=[a-z)])\s*[,(=]\s*(?P<amount>\d[\d.,]*)\s*(?P<unit>mg|micrograms?|mcg|g|mls?)\b(?!\s*/)[),]*",
    re.IGNORECASE,
)
"""An amount beside another, "20 mg (5 ml)" or "2 tablets (1 g)"."""


def _without_total(text: str, product: Match) -> str:
    """The dose without an amount said twice, where both come to the same."""
    found = _TOTAL.search(text) or _TWICE.search(text)
    if found is None:
        return text
    short = f"{text[: found.start()]} {text[found.end() :]}"
    dose = read_dose(" ".join(short.split()), product)
    each = ingredient_per_day(dose, product)
    step = dose.steps[0] if len(dose.steps) == 1 else None
    if each is None or step is None or not step.times_high or not step.per_days:
        return text
    here = found.group("amount").rstrip(".,").replace(",", "")
    alone = read_dose(f"{here} {found.group('unit')} once a day", product)
    other = ingredient_per_day(alone, product) or {}
    same = {n: high * step.times_high / step.per_days for n, (_, high, _) in other.items()}
    units = {n: unit for n, (_, _, unit) in other.items()}
    agrees = all(
        n in same and convert(same[n], units[n], unit) == high
        for n, (_, high, unit) in each.items()
    )
    return " ".join(short.split()) if agrees else text


_AMOUNT_FIRST = re.compile(
    r"\W*(?:(?:please |to |by |for )*(?:take|give|use|apply|inhale|inject|instil|insert|put|place|chew|dissolve|swallow)n?\b"
    rf"|(?:up to |about )?(?:(?:\d+(?:[.,]\d+)?(?!\s*(?:hourly|hrly|times|x\s|/\d))|½|¼)|(?:{NUMBER_WORDS}|"
    r"half|a half|quarter|a|an|apply|as)\b(?!\s*(?:times|hourly))))",
    re.IGNORECASE,
)
_PURPOSE = re.compile(r"[\s,;]*\bfor\s+(?:the )?[a-z][a-z \-]{3,40}$", re.IGNORECASE)
"""What a medicine is taken for, at the end: tried without where the words are not understood."""
_ROUTE_ONLY = re.compile(
    r"(?:p\.?o\.?|oral(?:ly)?|by mouth|s/?c|i/?v|i/?m|inh(?:aled)?|topical(?:ly)?|p\.?r|s/?l|neb)\.?",
    re.IGNORECASE,
)
_LATE_AMOUNT = re.compile(
    rf"(?:and|then|,|;|\+)\s*(?:\d+(?:\.\d+)?\s*(?:mg|mcg|micrograms?|g|ml|units?|tab|cap|puff)|(?:{NUMBER_WORDS}|half)\b)",
    re.IGNORECASE,
)


def _trusted(dose: Dose, text: str) -> Dose:
    """A reading in which a later amount may have been spread over an earlier time is not trusted."""
    if dose.status != "read" or _AMOUNT_FIRST.match(text) or not _LATE_AMOUNT.search(text):
        return dose
    why = "an amount stands at a later time, and none at the first"
    return replace(dose, status="partial", per_day=None, reasons=(*dose.reasons, why))


_SPACED = re.compile(
    r"(?<![\w.])(?:[obtq] d(?: s)?|o [mn]|p r n|\d+ \. ?\d+|\d+ ?\. \d+(?= ?(?:mg|mcg|g|ml)))(?![\w.])",
    re.IGNORECASE,
)
"""Shorthand and decimals that a scanner spaced out: "o d", "1 . 25"."""


def _variants(text: str, words: _Words, route: str) -> list[str]:
    """The dose words as written, then without a course or supply phrase that was understood."""
    text = re.sub(r"\s+", " ", text).strip(" ,;")
    text = _SPACED.sub(lambda m: re.sub(r"[\s]", "", m.group()), text)
    text = _REMAINS.sub("", text)
    text = re.sub(r",\s+(?=(?:OD|BD|TDS|QDS|OM|ON|PRN)\b)", " ", text)
    out = [text]
    if not text:
        return out
    course = pattern("remarks", "course").search(text)
    if course:
        without = (text[: course.start()] + " " + text[course.end() :]).strip(" ,;")
        if not words.duration and not pattern("remarks", "request").search(text):
            words.duration = [course.group().strip(_EDGE)]
        out.append(without)
    cleaned = pattern("remarks", "harmless").sub(" ", out[-1])
    purpose = re.search(r"\b(?:for|to (?:treat|prevent|control))\s+[a-z][a-z \-]+$", cleaned, re.I)
    if purpose and not re.search(r"\b(?:prn|required|needed|necessary)\b", cleaned, re.I):
        cleaned = cleaned[: purpose.start()]
    last = _PURPOSE.sub("", cleaned)
    bare = re.sub(
        r"(?<![\w/])(?:PO|SC|S/C|INH|po|sc|s/c|inh|Oral|oral|ORAL)(?![\w/])", " ", cleaned
    )
    for variant in (cleaned, bare, last):
        variant = " ".join(variant.split()).strip(" ,;")
        variant = re.sub(r"\s*,(?:\s*,)+", ",", variant)
        if variant and variant not in out:
            out.append(variant)
    return out

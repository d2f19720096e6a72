"""The words behind a medicine, sorted: dose, reason, course, supply, restart, and what is not understood."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from counterfoil.documents.model import Stated
from counterfoil.documents.pieces import ARROW
from counterfoil.documents.states import RESULT, STATE_WORDS
from counterfoil.documents.wording import NUMBER_WORDS, pattern

EDGE = " \t\n,;:|-–—.()[]*→/"
_FILLER = re.compile(
    r"\b(?:has|have|had|been|was|were|is|are|be|to|we|the|her|his|their|patient['’]?s|this|in|on|hospital|ward|"
    r"during|admission|stay|dose|by|now|please|medication|medicine|drug|status|today|and|at|discharge|team|"
    r"this|it|also|of|for|since|due|will|should|she|he|they|following|with|as|no|from|list|repeat|"
    r"cardiology|renal|consultant)\b",
    re.IGNORECASE,
)
_DOSE_SIGN = re.compile(
    rf"\d|½|¼|\b(?:{NUMBER_WORDS}|half|once|twice|daily|nightly|weekly|monthly|day|night|morning|evening|noon|lunch|"
    r"bed|od|bd|tds|qds|om|(?-i:ON)|mane|nocte|prn|stat|hourly|hours?|directed|required|needed|necessary|apply|inhale|puffs?|drops?|"
    r"tablets?|capsules?|sparingly|meals?|breakfast|tea(?:time)?|bedtime|dinner|supper|mid-?day|waking|afternoon|[ap]\.?m|times|week|liberally|po|p\.o|o\.d|b\.d|oral(?:ly)?|alternate|each|every)\b",
    re.IGNORECASE,
)
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
_DAY = re.compile(
    r"\s*(?:on\s+)?(?:the\s+)?\d{1,2}(?:[/.-]\d{1,2}(?:[/.-]\d{2,4})?\b|(?:st|nd|rd|th)?[ -]"
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*(?:[ -]\d{2,4})?\b)",
    re.IGNORECASE,
)
"""The day on which something happened to a medicine, behind the word for it."""
_COURSE = re.compile(r"\s*(?:on\s+)?\d{1,2}/(?:7|52|12)\b(?!/)")
_OVER = ("course_done", "on_hold", "stopped")


@dataclass(slots=True)
class Words:
    """What the words of a line came to while they were sorted."""

    dose: list[str] = field(default_factory=list)
    reason: list[str] = field(default_factory=list)
    duration: list[str] = field(default_factory=list)
    comment: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    was: list[str] = field(default_factory=list)
    restart: list[str] = field(default_factory=list)
    intent: str = ""


def explain(state: Stated | None, words: Words, everything: str) -> None:
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


def sort_words(text: str, words: Words, *, dose: bool = True) -> None:
    """Sorts the words behind a medicine into dose, reason, course, supply and remarks."""
    if not text.strip(EDGE):
        return
    text = re.sub(r"\s*\n\s*", " ", text)
    text = re.sub(r"[.…_]{3,}", " ; ", text)  # leaders
    text = _moves(text, words)
    for segment in _segments(text):
        _segment(segment, words, dose)


_AMOUNT_OF_BEFORE = re.compile(
    rf"\d|\b(?:once|twice|{NUMBER_WORDS}|half|daily|[obt]\.?d|tds|qds|mane|nocte|on|om)\b", re.I
)


def _moves(text: str, words: Words) -> str:
    """Takes the old amount out of "from 2.5mg to 5mg daily"; the new one stays."""
    for move in (_FROM_TO, _ARROW):
        found = move.search(text)
        if found and _AMOUNT_OF_BEFORE.search(found.group("was")):
            words.was.append(found.group("was").strip(EDGE))
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


def _segment(text: str, words: Words, dose: bool) -> None:
    remarks = "remarks"
    if dose and text.strip(EDGE) == "on":  # alone behind an amount: at night
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
    if not text.strip(EDGE):
        return
    why = pattern(remarks, "reason").search(text)
    if why and not re.match(r"to (?:treat|prevent|control|reduce|protect)", why.group(), re.I):
        words.reason.append(why.group().strip(EDGE))
        text = text[: why.start()] + " " + text[why.end() :]
    hold = pattern(remarks, "restart").search(text)
    if hold and pattern("status", "on_hold").search(text):
        words.restart.append(hold.group().strip(EDGE))
        text = text[: hold.start()]
    if not text.strip(EDGE):
        return
    later = pattern("status", "later").search(text)
    if later:
        words.left.append(later.group().strip(EDGE))
        text = f"{text[: later.start()]} {text[later.end() :]}"
    was = pattern(remarks, "was").search(text)
    if was:
        words.was.append(text[was.end() :].strip(EDGE))
        text = text[: was.start()]
    text = pattern(remarks, "supply").sub(" ", text)
    text = pattern("status", "do_not_stop").sub(" ", text)
    if pattern(remarks, "request").search(text):
        words.comment.append(text.strip(EDGE))
        return
    bare = re.sub(
        r"^\W*(?:dose\W+(?=for\b)|now\s+(?=\w))", "", _without_status(text), flags=re.IGNORECASE
    )
    if not bare.strip(EDGE):
        return
    bare = _LEADING.sub("", _TRAILING.sub("", bare))
    if dose and RESULT.match(bare):
        words.comment.append(bare.strip(EDGE))
        return
    if dose and _DOSE_SIGN.search(bare):
        words.dose.append(bare.strip(" \t\n,;:|-–—"))
        return
    plain = pattern(remarks, "harmless").sub(" ", bare)
    purpose = re.match(
        r"(?:for|to (?:treat|prevent|control|reduce|protect))\b\s*(.+)", plain.strip(), re.I
    )
    if purpose and not re.search(r"\d", plain):
        words.reason.append(plain.strip(EDGE))
    elif not dose and pattern(remarks, "course").search(plain):
        course_of(plain, words)
    elif not plain.strip(EDGE) or not _FILLER.sub(" ", plain).strip(EDGE):
        return
    elif pattern(remarks, "risky").search(plain):
        words.left.append(plain.strip(EDGE))
    else:
        words.comment.append(plain.strip(EDGE))


def _without_status(text: str) -> str:
    """The words without those that only say what happened; a course's or tail's words stay."""
    kept = pattern("status", "ignore").search(text)
    if kept:
        return text
    for name in STATE_WORDS:
        hit = pattern("status", name).search(text)
        if hit:
            end = hit.end()
            day = _DAY.match(text, end)
            if day and (name in _OVER or not _COURSE.match(text, end)):
                end = day.end()
            left = text[: hit.start()] + " " + text[end:]
            text = left if _FILLER.sub(" ", left).strip(EDGE) else ""
    return text


def course_of(text: str, words: Words) -> None:
    if pattern("remarks", "long_term").search(text) or re.match(
        r"\s*(?:continue|ongoing|indefinite)", text, re.I
    ):
        words.intent = words.intent or "long_term"
        return
    words.duration.append(text.strip(EDGE))


def answered(text: str, words: Words) -> None:
    """The answer in a "GP to continue?" column."""
    clean = text.strip(EDGE).lower()
    if not clean:
        return
    if re.match(r"(?:y|yes|✓|true|continue|gp)\b|✓", clean):
        words.intent = words.intent or "gp_to_continue"
    elif re.match(r"(?:n|no|x|stop|not)\b", clean):
        words.intent = words.intent or "not_continued"
    elif re.match(r"hospital|specialist|homecare", clean):
        words.intent = "hospital_only"
    else:
        sort_words(text, words, dose=False)

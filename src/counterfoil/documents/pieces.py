"""The look of medicine text: bullets, strengths, doses, and where one line names several."""

from __future__ import annotations

import re

from counterfoil.documents.layout import column
from counterfoil.documents.names import first_name, name_at
from counterfoil.documents.wording import NUMBER_WORDS, pattern

ARROW = r"(?:→|➔|➜|⟶|-{1,3}>|={1,2}>|(?<=\s)à(?=\s))"
"""What points from one thing to the next; a word processor's arrow comes out as ``à`` elsewhere."""
BULLET = re.compile(
    r"(?:#\d{1,2}[.):]?\s+|[•●○▪◦·‣➢✓✔*>►■□☐☑]\s*|[-–—]+\s*(?=[A-Za-z])|o\s+(?=[A-Z])|\(?\d{1,2}\s?[.):](?!\d)\s*|\(?[a-z][.)]\s+"
    r"|\[[ xX✓]?\]\s*|\d{1,2}\s+(?=[A-Z][a-z]+ ))+"
)
STRENGTH = re.compile(
    r"(?<![\w.])\d[\d,.]*\s*(?:mg|mcg|micrograms?|µg|ug|g|grams?|ng|ml|units?|iu|mmol|%|nanograms?)\b|\d\s*%",
    re.IGNORECASE,
)
FORM = re.compile(
    r"\b(?:tab(?:let)?s?|cap(?:sule)?s?|caplets?|inhaler|cream|ointment|suspension|solution|syrup|"
    r"drops?|patch(?:es)?|injection|sachets?|suppositor(?:y|ies)|pessar(?:y|ies)|spray|gel|lotion|"
    r"pen|nebules?|lozenges?|elixir|mouthwash|enema|granules|liquid|powder|strips?|evohaler|accuhaler|turbohaler|easyhaler|respimat|ellipta|"
    r"nexthaler|handihaler|autohaler|clickhaler|spiromax|diskus|lancets|needles|"
    r"devices?|dressings?|emollient|shampoo|foam|paste|vials?|ampoules?|syringes?|pads|bags|pastilles|gum)\b",
    re.IGNORECASE,
)
DOSEISH = re.compile(
    r"\b(?:o\.?d|b\.?d|t\.?d\.?s|q\.?d\.?s|o\.?m|o\.n|(?-i:ON)|on(?!\s+(?!(?:for|prn|then|until|till|and|if|x|as|when|with|po)\b)\w)|"
    r"mane|nocte|prn|stat|once|twice|daily|nightly|weekly|"
    r"(?:each|every|a|per) (?:day|night|morning|evening|week)|in the (?:morning|evening)|at (?:night|bedtime)|"
    rf"every (?:\d+|other|second|{NUMBER_WORDS}) ?(?:hours?|hrs?|days?|weeks?|months?)|times (?:a|per) day|hourly|as (?:required|directed|needed)|when (?:required|needed)|p\.?r\.?n)\b",
    re.IGNORECASE,
)
DOSE_START = re.compile(
    rf"(?:(?:take|{NUMBER_WORDS}|half|a half|apply|inhale|use|give|put|insert|inject|instil|"
    r"spread|dissolve|chew|place|swallow|once|twice|o\.?d|b\.?d|tds|qds|dose|sig|every|each|as|when)\b|\d|½|¼)",
    re.IGNORECASE,
)
VERB = re.compile(
    r"\b(?:stop(?:ped|ping)?|stoped|start(?:ed|ing)?|commenced?|introduced?|increas(?:ed?|ing)|decreas(?:ed?|ing)|"
    r"reduc(?:ed?|ing)|chang(?:ed?|ing)|withh(?:eld|old)|witheld|held|hold|discontinued?|switched|swap(?:ped)?|titrated|"
    r"suspended|paused|added|ceased|converted|initiated|continued?|restarted?|doubled|halved)\b",
    re.IGNORECASE,
)
LEAD = re.compile(
    r"[(\[]?(?:(?:new(?:ly)?(?: started)?|started|commenced|added|stop(?:ped)?|discontinued|ceased|changed|"
    r"amended|increased|decreased|reduced|continued?|continuing|unchanged|held|withheld|on hold|"
    r"suspended|paused|dose (?:changed?|increased|reduced)|restart(?:ed)?|drug|medicine|medication|"
    r"short course|prn|regular|acute|repeat|tto|tta|status|start|hold|increase|decrease|reduce|commence|"
    r"switch|incl(?:udes|uding|\.)?|please (?=(?:start|stop|increase|reduce|decrease|commence|switch|change|continue)\b))\b[\s:–\-.()\[\]*|>→=]*)+",
    re.IGNORECASE,
)


def body_start(text: str) -> int:
    """Where a list line's words begin, behind its bullet or number."""
    found = BULLET.match(text)
    return found.end() if found and found.end() < len(text) else 0


def unknown_item(body: str, at: int) -> bool:
    """Whether a medicine of a name nobody knows begins here, by its look."""
    if re.compile(
        r"(?:current|total|usual|target|max\w*|last|next|daily|initial|new|same|loading)\b", re.I
    ).match(body, at):
        return False
    if VERB.match(body, at) or LEAD.match(body, at) or DOSE_START.match(body, at):
        return False
    return bool(_UNKNOWN_ITEM.match(body, at))


_UNKNOWN_ITEM = re.compile(
    r"[A-Z][A-Za-z]{2,}(?:[ \-][A-Za-z]+){0,2}\s+(?:\d[\d.,]*\s*(?:mg|mcg|micrograms?|g|ml|units?|%)|"
    r"(?:tablets?|capsules?|cream|ointment|inhaler|eye drops|gel|strips|sachets|liquid|oral solution|lotion)\b|"
    rf"(?:\d+|{NUMBER_WORDS}|half an?)\s+(?:tablets?|capsules?|sachets?|puffs?|drops?|sprays?)\b|"
    r"\d[\d./]*\s+(?:o\.?d|b\.?d|t\.?d\.?s|q\.?d\.?s|om|on|nocte|mane|prn)\b)"
)
_BETWEEN = re.compile(
    r"\s+\(?\d{1,2}[.)]\s+|\s+[•·]\s*|,?\s+(?:together with|along with|alongside|as well as|in addition to)\s+|"
    r"(?<=[a-z])\s+/\s+(?=[A-Za-z])|(?<![,;]) (?=(?:his|her|their) [a-z])|[,;.]\s+(?:and\s+|plus\s+|also\s+)?|\s+(?:and|or|plus|&|\+)\s+|\s{2,}",
    re.IGNORECASE,
)


_RELEASE = r"(?:m/?r|xl|la|sr|cr|er|xr|pr|ec|e/c|gr|g/r|retard|forte|(?:modified|prolonged|slow|extended)[- ]release)\b"
"""How a medicine is released, behind its name."""
_ITEM = re.compile(
    r"(?!(?:then|plus|with|and|maximum|max|total|usual|target|previous|previously|currently|now|was|from|up|about|"
    r"take|given|last|next|current|new|same|initial|loading|regular|level|weight|dose|daily|each|every|over|under|until|after|before)\b)[A-Za-z][a-z\-]{4,}",
    re.IGNORECASE,
)
"""A word that can be a medicine's name in a list written in haste."""
_WITH_DOSE = re.compile(
    rf"[A-Z][\w\-]+(?:\s+[A-Za-z]+)?\s+(?:\d+|½|{NUMBER_WORDS}|half(?: an?)?)\s+(?:tab|cap|puff|sachet|drop|spray|patch)\w*|"
    rf"[A-Za-z][\w\-]+(?:\s+[a-z]+)?(?:\s+{_RELEASE})?\s+\d[\d.,/]*\s*(?:mg|mcg|micrograms?|g|units?|mls?)\s+"
    r"(?:p\.?o\.?\s+|s/?c\s+|oral(?:ly)?\s+)?"
    r"(?:o\.?d|b\.?d|t\.?d\.?s|q\.?d\.?s|o\.?m|o\.?n|mane|nocte|prn|once|twice|daily|weekly|each|every)\b",
    re.IGNORECASE,
)


def _hasty_item(body: str, at: int) -> bool:
    """Whether an item of a name nobody knows begins here, in small letters: a word, amount, how often."""
    word = _ITEM.match(body, at)
    if word is None or VERB.match(body, at) or LEAD.match(body, at) or DOSE_START.match(body, at):
        return False
    follows = re.compile(rf"\s+(?:{_RELEASE}\s+)?\d", re.IGNORECASE).match(body, word.end())
    return follows is not None and _dosed(body, at)


def _dosed(body: str, at: int) -> bool:
    """Whether a word or two with an amount and how often stand here: an item of a list."""
    return _WITH_DOSE.match(body, at) is not None


_LEAD_IN = re.compile(
    r"(?:(?:please|would|could|should|can|be|grateful|if|you|kindly|start|him|them|she|he|they|we|i|it|her|his|their|the|patient|was|were|is|has|have|had|been|also|then|now|newly|"
    r"doubled|halved|increased|decreased|reduced|stopped|started|added|commenced|restarted|withheld|introduced|raised|on)\s+)+"
    r"(?:(?:started|commenced|begun|put|prescribed|stopped|discontinued|switched|increased|reduced|restarted|continued|"
    r"added|introduced|initiated|withheld|decreased|resumed|therefore)\s+(?:in\s+|on\s+|with\s+|to\s+)?)*(?:(?:her|his|their|the)\s+)?",
    re.IGNORECASE,
)
"""Words of a sentence before a further medicine in it: "and she was started on"."""


_TIED = re.compile(
    rf"(?:{VERB.pattern}|\b(?:replac\w+|instead|in place|of|for|from|to|with|on|than|in|by|at|and|or|is|was|also))$",
    re.IGNORECASE,
)
"""Words that tie what follows to what went before."""


def several(body: str) -> list[tuple[int, int]]:
    """The stretches of a line that names several medicines one after the other."""
    starts = [0]
    ends: list[int] = []
    for gap in _BETWEEN.finditer(body):
        at = gap.end()
        lead = LEAD.match(body, at)
        lead = lead if lead and name_at(body, lead.end()) else _LEAD_IN.match(body, at) or lead
        begin = lead.end() if lead else at
        before = body[: gap.start()]
        if gap.group() == " " and (_TIED.search(before) or first_name(before, starts[-1]) is None):
            continue  # "stopped her aspirin" names one
        if gap.group().strip() == "/" and not DOSEISH.search(before[starts[-1] :]):
            continue  # the parts of one product
        told = STRENGTH.search(before) or FORM.search(before) or DOSEISH.search(before)
        name = name_at(body, begin, ask=body[begin : begin + 3].isupper() or _dosed(body, begin))
        if name is None:
            sign = gap.group().strip()[:1]
            unknown = unknown_item(body, at) or (sign in (";", ",") and _hasty_item(body, at))
            if told and unknown and (sign in (";", ",", ".") or _ITEM.match(body, at)):
                starts.append(at)
                ends.append(gap.start())
            continue
        after = body[name.end : name.end + 24]
        follows = (
            not after.strip()
            or after.lstrip()[:1] in ",;.(-–:↑↓"
            or re.match(rf"\s*(?:{_RELEASE})?\s*\d", after, re.IGNORECASE)
            or re.match(rf"\s+(?:{NUMBER_WORDS}|half)\b", after, re.IGNORECASE)
            or re.match(r"\s+(?:and|&)\b", after)
            or re.match(
                r"\s+(?:(?:at|on|in) (?:(?:the|his|her|their) )?(?:same|usual|previous|current)|"
                r"(?:the )?same|unchanged|unaltered|as (?:before|usual)|continu(?:es|ing)|ongoing|remains|stays)\b",
                after,
            )
            or DOSEISH.match(after.strip())
            or VERB.match(after.strip())
            or FORM.search(after)
            or pattern("remarks", "reason").match(after.strip())
            or re.match(r"\s*(?:(?:were|was|have|has|are|both)\b|(?:to|from|by)\s+\d)", after)
            or (lead and gap.group().strip() in (".", ";"))
        )
        first = name_at(body, 0, ask=False) or first_name(body)
        if follows and first and first.start >= at and _DONE.search(before):
            starts.append(at)  # what was done before is of another, of a name nobody knows
            ends.append(gap.start())
        elif follows and ((first and first.start < at) or (told and gap.group().strip() == ";")):
            starts.append(at)
            ends.append(gap.start())
    out = []
    for s, e in zip(starts, [*ends, len(body)], strict=True):
        piece = body[s:e].rstrip(" ,;&+")
        piece = re.sub(r"\s+(?:and|&)$", "", piece)
        if piece.strip():
            out.append((s, s + len(piece)))
    return out


_DONE = re.compile(
    rf"^(?!(?:she|he|they|we|i|you|it|this|there|patient)\b)[A-Z][\w-]+(?: \w+){{0,2}} "
    rf"(?:(?:was|were|has been|have been|had been) )?{VERB.pattern}",
    re.IGNORECASE,
)
"""A sentence of its own about something that was stopped, started or changed."""
_LABELLED = re.compile(
    r"(?:^|[;|,]\s*|\s[-–]\s+|\s{2,})([A-Za-z][A-Za-z /]{2,30}?)\s*:\s*([^;|]+?)"
    r"(?=\s*(?:[;|]|,\s*[A-Z][A-Za-z /]{2,28}:|\s{2,}|\s[-–]\s+[A-Z][A-Za-z /]{2,28}:|$))"
)


def labelled(body: str) -> tuple[str, list[tuple[str, str]]]:
    """A line without its labelled parts ("Dose: 5mg; Route: oral"), and those parts by column."""
    if ":" not in body:
        return body, []
    found: list[tuple[str, str]] = []
    rest, last = [], 0
    for part in _LABELLED.finditer(body):
        name = column(part.group(1))
        if name is None or name == "drug":
            continue
        found.append((name, part.group(2)))
        rest.append(body[last : part.start()])
        last = part.end()
    return " ; ".join([*rest, body[last:]]).strip(" ;"), found


_SENTENCE = re.compile(
    r"(?:[^.;\n]|(?<=\be)\.(?=g\.)|(?<=\be\.g)\.|(?<=\bi)\.(?=e\.)|(?<=\bi\.e)\.|\.(?=\d))+"
)
BEFORE = re.compile(
    r"\b(?:on|before|prior to|at the time of) (?:this |her |his )?admission\b|\b(?:was|were|had been) (?:previously )?(?:taking|on)\b"
    r"|\busually takes\b|\bpreviously (?:on|taking)\b|\bdrug history\b",
    re.IGNORECASE,
)
"""Words of a sentence about what was taken before."""


def sentences(text: str) -> list[tuple[int, int]]:
    """The sentences of a paragraph; a decimal point ends none."""
    out = []
    for found in _SENTENCE.finditer(text):
        words = found.group()
        start = found.start() + len(words) - len(words.lstrip())
        if words.strip():
            out.append((start, start + len(words.strip())))
    return out

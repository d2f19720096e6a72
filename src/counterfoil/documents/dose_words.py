"""The dose words of a line as they are given to the dose reader, and its reading."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from counterfoil.documents.counts import of_all_or_each, patches
from counterfoil.documents.doses import read_dose
from counterfoil.documents.layout import Raw
from counterfoil.documents.model import Stated
from counterfoil.documents.pieces import DOSEISH
from counterfoil.documents.remarks import EDGE, Words, sort_words
from counterfoil.documents.wording import NUMBER_WORDS, pattern
from counterfoil.dosage import Dose, compare, convert, ingredient_per_day
from counterfoil.terminology import Match

_REMAINS = re.compile(
    rf"^\W*(?:to(?= \d)|(?:to )?(?:remains?|remained|continues?|continued|stays?|kept)|(?:is|was)(?: currently)?)\s+(?:unchanged |on |at |with )*(?=\d|(?:{NUMBER_WORDS}|half)\b)",
    re.IGNORECASE,
)


def before_and_now(raw: Raw, dose: Dose, product: Match) -> tuple[Stated | None, str]:
    """What two columns of doses, before and now, state: nothing where either cannot be read."""
    was, now = raw.get("was"), raw.get("now")
    said = f"{was} before, {now} now"
    if "".join(was.lower().split()) == "".join(now.lower().split()) and re.search(r"\w", was):
        return "continued", said
    before = read_dose(was, product)
    if before.status != "read" or dose.status != "read" or not (before.per_day and dose.per_day):
        return None, ""
    return ("continued" if compare(before, dose) == "equal" else "changed"), said


def dose_of(
    raw: Raw, cells: str, words: Words, product: Match, strength: str, formed: bool, coded: Any
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
    if strength and not formed:
        counted = of_all_or_each(raw.get("line") or cells, texts[0], strength, product)
        if counted is not None and counted[1] is not None:
            return counted[0], counted[1]
        texts = [counted[0]] if counted is not None else texts
    texts = [*(_without_total(t, product) for t in texts), *texts]
    plain = " ".join(w for w in words.dose if not _ROUTE_ONLY.fullmatch(w.strip()))
    texts += [plain] if not (cells or frequency) and plain and plain != tail else []
    if cells:
        sorted_ = Words()
        sort_words(cells, sorted_)
        texts.append(" ".join((*sorted_.dose, frequency)).strip())
        if sorted_.reason and not words.reason:
            words.reason = sorted_.reason
    best: tuple[str, Dose] | None = None
    for text in texts:
        for variant in _variants(text, words, route):
            dose = patches(_trusted(read_dose(variant, product, coded), variant), variant, product)
            if dose.per_day is not None or dose.status == "conflict":
                return variant, dose
            if best is None or (dose.status == "read" and best[1].status != "read"):
                best = (variant, dose)
    assert best is not None
    return best if best[1].status == "read" else _parted(texts, product, words) or best


def _parted(texts: list[str], product: Match, words: Words) -> tuple[str, Dose] | None:
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
                words.comment.append(remark.strip(EDGE))
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


_EVERY = re.compile(r"\b(?:every|each|per)\s*$", re.IGNORECASE)


def _variants(text: str, words: Words, route: str) -> list[str]:
    """The dose words as written, then without a course or supply phrase that was understood."""
    text = re.sub(r"\s+", " ", text).strip(" ,;")
    text = _SPACED.sub(lambda m: re.sub(r"[\s]", "", m.group()), text)
    text = _REMAINS.sub("", text)
    text = re.sub(r",\s+(?=(?:OD|BD|TDS|QDS|OM|ON|PRN)\b)", " ", text)
    out = [text]
    if not text:
        return out
    course = pattern("remarks", "course").search(text)
    if course and not _EVERY.search(text[: course.start()]):
        without = (text[: course.start()] + " " + text[course.end() :]).strip(" ,;")
        if not words.duration and not pattern("remarks", "request").search(text):
            words.duration = [course.group().strip(EDGE)]
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

"""Whom a letter is about, where it comes from, and its dates, from its own words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from counterfoil.documents.model import LetterPatient
from counterfoil.foundation.days import to_day
from counterfoil.foundation.errors import DataError
from counterfoil.records.nhs import is_valid

_MONTHS = {
    m: i + 1
    for i, m in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
    )
}
DATE = (
    r"(?:\d{1,2}(?:st|nd|rd|th)?[\s/.\-]+(?:of\s+)?(?:\d{1,2}|[A-Za-z]{3,9}\.?)[\s/.,\-]+(?:\d{4}|\d{2})\b"
    r"|\d{4}-\d{1,2}-\d{1,2}|[A-Z][a-z]{2,8}\s+\d{1,2}(?:st|nd|rd|th)?,?\s+\d{4})"
)
_GAP = r"(?:\s*(?:and time)?\s*[:|\-–.=]*\s*(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?,?\s+)?)"
_NHS = re.compile(
    r"\bN\.?H\.?S\.?\s*(?:no\b\.?|num(?:ber)?\b|#|id\b)?[\s:.|#\-–()=]*(?:verified\s*)?"
    r"(\d{3}[\s\-]{0,3}\d{3}[\s\-]{0,3}\d{4})(?!\d)",
    re.IGNORECASE,
)
_BARE_NUMBER = re.compile(
    r"(?<![\d/.\-+])(?<!tel )(?<!fax )(?<!mrn )(?:\d{3}[ \-]\d{3}[ \-]\d{4}|[4679]\d{9})(?![\d/\-])"
)
_BIRTH = re.compile(
    rf"\b(?:d\.?\s?o\.?\s?b\.?|date\s+of\s+birth|birth\s*date|born(?:\s+on)?|b\.)(?=[\s:|.\-–(=])[\s:|.\-–(=]*({DATE})",
    re.IGNORECASE,
)
_DISCHARGED = re.compile(
    rf"\b(?:date(?:\s*(?:and|/)\s*time)?\s+of\s+discharge|discharge\s+date(?:\s*(?:and|/)\s*time)?|date\s*/\s*time\s+of\s+discharge|date\s+discharged|"
    rf"discharged(?:\s+home)?(?:\s+on)?|discharged?\s+from\s+[A-Za-z0-9 ]{{3,30}}?|date\s+of\s+transfer|transfer\s+date|transferred(?:\s+on)?|discharge(?:\s+on)?|disch(?:\.|d)?|d/c(?:\s+date)?|dod|left\s+(?:the\s+)?(?:hospital|dep(?:artmen)?t|ward|unit|ed)\b\.?(?:\s+on)?){_GAP}({DATE})",
    re.IGNORECASE,
)
_ADMITTED = re.compile(
    rf"\b(?:date(?:\s*(?:and|/)\s*time)?\s+of\s+admission|admission\s+date(?:\s*(?:and|/)\s*time)?|date\s+admitted|date\s*/\s*time\s+of\s+admission|"
    rf"admitted(?:\s+on)?|admission(?:\s+on)?|adm\.?|doa){_GAP}({DATE})",
    re.IGNORECASE,
)
_SPAN = re.compile(
    rf"\b(?:admission|admitted|in-?patient|stay|episode|dates?)\b[^\n]{{0,30}}?({DATE})\s*(?:to|-|–|until|and\s+(?:was\s+)?discharged(?:\s+on)?)\s*({DATE})",
    re.IGNORECASE,
)
_WRITTEN = re.compile(
    rf"\b(?:date\s+of\s+(?:letter|summary|report|clinic)|letter\s+date|date\s+(?:typed|written|printed|dictated|completed|sent)|clinic\s+date|(?:date\s+of\s+)?attend(?:ed|ance)(?:\s+(?:date|on))?|typed|dictated|dated?){_GAP}({DATE})",
    re.IGNORECASE,
)
_PERSON = (
    r"(?:(?:Mr|Mrs|Ms|Miss|Mx|Master|Dr|Rev|Sir|Dame)\b\.?\s+)?"
    r"[A-Z][\w'’\-]+(?:,?[ ]+(?:\(?(?:Mr|Mrs|Ms|Miss|Mx|Dr)\b\)?\.?[ ]*|[A-Z][\w'’.\-]*)){1,4}"
)
_NAME = re.compile(
    rf"(?:\b(?:(?i:patient(?:['’]s)?(?:\s+name|\s+details)?|name(?:\s+of\s+patient)?|full\s+name|re|regarding|ref)))[ \t]*[:|\-–]+[ \t]*({_PERSON})"
)
_FAMILY = re.compile(
    r"\b(?:surname|family\s+name|last\s+name)[ \t]*[:|\-–]+[ \t]*([A-Za-z][\w'’\- ]*?)(?=\s{2,}|\s*[|,;\n]|\s+(?:forename|first|given|dob|date|nhs|sex|prefix)|$)",
    re.IGNORECASE | re.MULTILINE,
)
_GIVEN = re.compile(
    r"\b(?:forenames?|first\s+names?|given\s+names?)(?:\(s\))?[ \t]*[:|\-–]+[ \t]*([A-Za-z][\w'’\- ]*?)(?=\s{2,}|\s*[|,;\n]|\s+(?:surname|family|last|dob|date|nhs|sex)|$)",
    re.IGNORECASE | re.MULTILINE,
)
_TITLE = re.compile(r"\(?\b(?:Mr|Mrs|Ms|Miss|Mx|Master|Dr|Rev|Sir|Dame)\b\.?\)?", re.IGNORECASE)
_STOP_NAME = re.compile(
    r"\b(?:DOB|D\.O\.B|NHS|Date|Born|Hospital|Address|Sex|Gender|Male|Female|Age|Ward|MRN|Unit|GP|Tel|Consultant)\b.*",
    re.IGNORECASE | re.DOTALL,
)
_LABEL = re.compile(
    r"(?:Given|Family|Prefix|Forename|Surname|Name|Title|First|Last|Details)\b", re.I
)
_WARD = re.compile(
    r"\b(?:(?i:ward)(?:\s*(?i:name|/\s*dept|/\s*department))?\s*[:|\-–]\s*([A-Za-z0-9][^\n|,;]{0,38}?)(?=\s{2,}|[\n|,;]|\s+(?:Consultant|Date|Tel|Discharg)|$)"
    r"|(?i:ward)\s+([A-Z]?\d{1,3}[A-Z]?\b|[A-Z][a-z]+\b)|([A-Z][a-z]+(?: [A-Z][a-z]+)?)[ \t]+Ward\b(?!\s*:))",
    re.MULTILINE,
)
_SENDER = re.compile(
    r"((?:(?:[A-Z][\w'’.&\-]*|of|the|and|for)[ ]+){1,6}?(?i:Hospitals?|Infirmary|NHS (?:Foundation )?Trust|Medical Centre|Treatment Centre|Hospice)\b(?i: NHS (?:Foundation )?Trust)?)"
)

_NO_SENDER = re.compile(
    r"\b(?:in|from|to|at|on|your|this|medic\w+|drugs?|treatments?|start\w*|stop\w*|chang\w+|"
    r"admi\w+|discharged?|left|stay|during|date|number|course)\b",
    re.IGNORECASE,
)
"""Words of a heading or a sentence that only ends in the word hospital."""


@dataclass(frozen=True, slots=True)
class Header:
    """The facts of a letter's head; days are day numbers, absent facts are ``None`` or empty."""

    patient: LetterPatient
    sender: str = ""
    ward: str = ""
    admitted_on: int | None = None
    discharged_on: int | None = None
    written_on: int | None = None


def read_date(text: str) -> int | None:
    """A date as letters write it, day before month; ``None`` where it is none. Two-digit years
    are 2000 to 2069, or 1970 to 1999."""
    text = text.strip()
    iso = re.match(r"(\d{4})-(\d{1,2})-(\d{1,2})", text)
    if iso:
        return _day(int(iso[1]), int(iso[2]), int(iso[3]))
    american = re.match(r"([A-Za-z]{3,9})\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})", text)
    if american:
        return _day(int(american[3]), _MONTHS.get(american[1][:3].lower(), 0), int(american[2]))
    found = re.match(
        r"(\d{1,2})(?:st|nd|rd|th)?[\s/.\-]+(?:of\s+)?(\d{1,2}|[A-Za-z]{3,9})\.?[\s/.,\-]+(\d{4}|\d{2})\b",
        text,
    )
    if not found:
        return None
    month = int(found[2]) if found[2].isdigit() else _MONTHS.get(found[2][:3].lower(), 0)
    year = int(found[3])
    if len(found[3]) == 2:
        year += 2000 if year < 70 else 1900
    return _day(year, month, int(found[1]))


def _day(year: int, month: int, day: int) -> int | None:
    try:
        return to_day(date(year, month, day))
    except ValueError:
        return None


def read_header(text: str, name: str) -> Header:
    """The head's facts; ``DataError`` where the letter is about more than one person."""
    numbers = {re.sub(r"\D", "", n) for n in _NHS.findall(text)}
    if len(numbers) > 1:
        raise DataError.at(
            name, "expected a letter about one person", f"{len(numbers)} different NHS numbers"
        )
    births = {b for b in (_birth(t) for t in _BIRTH.findall(text)) if b is not None}
    if len(births) > 1:
        raise DataError.at(
            name, "expected a letter about one person", f"{len(births)} different dates of birth"
        )
    numbers = numbers or _unlabelled(text)
    given, family = _name(text)
    patient = LetterPatient(
        nhs_number=next(iter(numbers), None),
        birth_date=next(iter(births), None),
        given_name=given,
        family_name=family,
    )
    admitted, discharged = _first(_ADMITTED, text), _first(_DISCHARGED, text)
    span = _SPAN.search(text)
    if span:
        first, last = read_date(span[1]), read_date(span[2])
        if first is not None and last is not None and first <= last:
            admitted = first if admitted is None else admitted
            discharged = last if discharged is None else discharged
    return Header(patient, _sender(text), _ward(text), admitted, discharged, _first(_WRITTEN, text))


def _unlabelled(text: str) -> set[str]:
    """The one number in the letter that is an NHS number by its groups and its check digit."""
    found = {re.sub(r"\D", "", n) for n in _BARE_NUMBER.findall(text[:4000])}
    valid = {n for n in found if is_valid(n)}
    return valid if len(valid) == 1 else set()


def _birth(text: str) -> int | None:
    """A date of birth: a two-digit year that would be in the future is of the last century."""
    found = read_date(text)
    short = re.search(r"[\s/.\-](\d{2})$", text.strip())
    if found is not None and short and int(short[1]) > 20 and int(short[1]) < 70:
        return read_date(f"{text.strip()[:-2]}19{short[1]}")
    return found


def _first(words: re.Pattern[str], text: str) -> int | None:
    for found in words.finditer(text):
        day = read_date(found.group(1))
        if day is not None:
            return day
    return None


def _name(text: str) -> tuple[str | None, str | None]:
    """The name that stands nearest to the NHS number or date of birth: letters name others too."""
    anchors = [m.start() for words in (_NHS, _BIRTH) for m in words.finditer(text)]

    def away(place: int) -> int:
        return min((abs(place - a) for a in anchors), default=place)

    named = [
        (away(m.start()) - 120 * ("patient" in m.group().lower()), parts)
        for m in _NAME.finditer(text)
        if not _LABEL.match(m.group(1)) and (parts := person_name(m.group(1)))[1]
    ]
    for family in _FAMILY.finditer(text):
        given = min(
            _GIVEN.finditer(text), key=lambda g: abs(g.start() - family.start()), default=None
        )
        near = given is not None and abs(given.start() - family.start()) < 160
        first = " ".join(given.group(1).split()) if given is not None and near else None
        named.append((away(family.start()), (first, " ".join(family.group(1).split()))))
    return min(named, key=lambda n: n[0])[1] if named else (None, None)


def person_name(text: str) -> tuple[str | None, str | None]:
    """Given and family name of a name as written: ``SMITH, John (Mr)`` or ``Mr John Smith``."""
    text = _STOP_NAME.sub("", text.split("\n")[0])
    text = _TITLE.sub(" ", text).strip(" ,;.|")
    if "," in text:
        family, _, given = text.partition(",")
        return " ".join(given.split()) or None, " ".join(family.split()) or None
    words = text.split()
    if len(words) < 2:
        return None, words[0] if words else None
    loud = [w for w in words if w.isupper() and len(w) > 1]
    if loud and len(loud) < len(words):
        given = " ".join(w for w in words if w not in loud)
        return given, " ".join(loud)
    return " ".join(words[:-1]), words[-1]


def _ward(text: str) -> str:
    found = _WARD.search(text)
    if not found:
        return ""
    return " ".join((found.group(1) or found.group(2) or found.group(3) or "").split())


def _sender(text: str) -> str:
    lines = text[:6000].split("\n")
    head = "\n".join("" if "destination" in line.lower() else line for line in lines)
    for found in _SENDER.finditer(head):
        words = " ".join(re.sub(r"^(?:.*?[:|])\s*", "", found.group(1)).split())
        if not _NO_SENDER.search(words):
            return words[:120]
    return ""


def distinct_numbers(texts: Iterable[str | None]) -> set[str]:
    """The NHS numbers of several sources, digits only."""
    return {re.sub(r"\D", "", t) for t in texts if t}

"""What forbids that a plain comparison settles a line: a change not understood, two lists, an end."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise

from counterfoil.documents import Letter, MedicineLine
from counterfoil.reconciliation.sides import Entry, Side, Unit

_AMOUNT = re.compile(
    r"(?<![\d.])(\d[\d.,]*)\s*(?:mg|mcg|microg\w*|g|mls?|units?|iu|puffs?|tab\w*|cap\w*|drops?|patch\w*)\b",
    re.IGNORECASE,
)
_CHANGES = ("changes", "changed")


def change_not_understood(unit: Unit) -> MedicineLine | None:
    """A further line about the medicine that says something of it which was not read.

    A letter lists a medicine, and says elsewhere what was changed. Where those words give an amount
    that the list does not have, or say nothing that was understood, the list alone settles nothing.
    """
    here = unit.main.text + unit.main.dose_text
    for line in unit.lines[1:]:
        if line.stated in ("stopped", "on_hold") or line.dose.status == "read":
            continue
        amounts = {_plain(a) for a in _AMOUNT.findall(f"{line.drug_text} {line.dose_text}")}
        if amounts and not amounts <= {_plain(a) for a in _AMOUNT.findall(here)}:
            return line
        silent = line.stated is None and line.section in _CHANGES
        if silent and (line.dose_text or line.comment or line.left_over or not amounts):
            return line
    return None


def _plain(number: str) -> Fraction | str:
    try:
        return Fraction(number.replace(",", "").rstrip("."))
    except ValueError:
        return number


def among_changes(units: Sequence[Unit]) -> MedicineLine | None:
    """A line that stands among the changes of a letter and does not say that the medicine goes on."""
    lines = (line for unit in units for line in unit.lines)
    return next((x for x in lines if x.section == "changes" and x.stated != "continued"), None)


def two_lists(units: Sequence[Unit], letter: Letter) -> str | None:
    """The words that part lines of one medicine into two lists; ``None`` where they are of one.

    What was taken before and what is taken now are not added up.
    """
    mains = sorted((u.main for u in units), key=lambda x: x.start)
    for one, other in pairwise(mains):
        if one.section != other.section:
            return other.section
        heading = next(_headings(letter, one.end, other.start), None)
        if heading is not None:
            return heading
    return None


def _headings(letter: Letter, start: int, end: int) -> Iterator[str]:
    """Lines of the letter between two places that are no medicine and look like headings."""
    family = (letter.patient.family_name or "").lower()
    between = sorted(x.start for x in (*letter.lines, *letter.on_admission))
    ends = {x.start: x.end for x in (*letter.lines, *letter.on_admission)}
    while start < end:
        at = bisect_left(between, start)
        until = min(between[at], end) if at < len(between) else end
        for line in letter.text[start:until].split("\n")[1:]:
            words = re.findall(r"[A-Za-z][A-Za-z'’/-]+", line)
            if not words or re.search(r"\d", line) or (family and family in line.lower()):
                continue
            if (len(words) <= 8 or line.rstrip().endswith(":")) and not _TIMES.fullmatch(
                " ".join(words)
            ):
                yield " ".join(line.split())
        if until >= end:
            return
        start = max(ends[until], until + 1)


_TIMES = re.compile(
    r"(?:(?:in|at|the|with|before|after|and|dose|doses) ?)*(?:morning|am|breakfast|lunch(?:time)?|noon|mid-?day|afternoon|"
    r"tea(?:time)?|evening|pm|supper|dinner|night|bed(?:time)?|nocte|mane)(?: dose| medic\w+| meds| tablets)?",
    re.IGNORECASE,
)
_NO_END = re.compile(
    r"\b(?:review|rv|keep|pod|own|supply|supplied|repeat|long|life|ongoing|indefinite\w*|hourly|every|off|free|break)\b",
    re.IGNORECASE,
)
_END = re.compile(
    r"\d\s*/\s*(?:7|52|12)\b|\b(?:\d+|[a-z]+)[- ]?(?:days?|nights?|weeks?|months?|doses?)\b|"
    r"\b(?:stop\w*|until|till|ends?|last dose|finish\w*|complet\w*|course|single|stat)\b|"
    r"\b\d{1,2}(?:st|nd|rd|th)?[\s/.-]+(?:\d{1,2}[\s/.-]+\d{2,4}|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*)\b",
    re.IGNORECASE,
)


_LENGTH = re.compile(r"\d+|(?:1[1-9]|[2-9]\d|\d{3})[ -]?days?", re.IGNORECASE)
"""A bare length, as a column of days has it: of the supply, or of the course."""


def bare_length(unit: Unit) -> str:
    """A length of which the letter does not say whether it is the supply's or the course's."""
    found = (line.duration for line in unit.lines if _LENGTH.fullmatch(line.duration.strip()))
    return next(found, "")


def end_on_one_side(units: Sequence[Unit], entries: Sequence[Entry]) -> str | None:
    """How the ends of a course differ, in words; ``None`` where neither side, or both, end alike."""
    ours = [words for unit in units if (words := _ends(unit))]
    theirs = [words for entry in entries if (words := _ends(entry))]
    if bool(ours) != bool(theirs):
        where = "the letter" if ours else "the GP list"
        return f"only {where} gives an end: {(ours or theirs)[0]}"
    days, others = {d for u in units for d in _days(u)}, {d for e in entries for d in _days(e)}
    if days and others and days != others:
        return f"“{ours[0]}” and “{theirs[0]}”"
    return None


def _ends(side: Side) -> str:
    if any(step.cycle_days is not None for step in side.dose.steps):
        return ""
    if isinstance(side, Unit):
        for line in side.lines:
            for words in line.duration.split("; "):
                end = _END.search(words) and not _NO_END.search(words)
                if end and not _LENGTH.fullmatch(words.strip()):
                    return words
    return side.dose_text if _days(side) else ""


def _days(side: Side) -> set[Fraction]:
    if isinstance(side, Unit) and bare_length(side):
        return set()
    return {
        Fraction(s.duration_days)
        for s in side.dose.steps
        if s.duration_days is not None and s.cycle_days is None
    }

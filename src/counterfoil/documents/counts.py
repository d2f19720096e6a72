"""An amount with a number of tablets beside it: whether the amount is of each, or of all together."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction

from counterfoil.documents.doses import read_dose
from counterfoil.documents.names import look_up
from counterfoil.documents.wording import NUMBER_WORDS
from counterfoil.dosage import Dose
from counterfoil.terminology import Match, Strength

_COUNT = re.compile(
    rf"(?<![\w.])(?P<count>\d+(?:\.\d+)?|{NUMBER_WORDS})\s*(?:x\s*)?(?:tab(?:let)?s?|cap(?:sule)?s?)\b",
    re.IGNORECASE,
)
_OFTEN = re.compile(
    r"\b(?:once|twice|times|daily|nightly|weekly|monthly|[obtq]\.?d|tds|qds|om|on|mane|nocte|prn|hourly|"
    r"(?:a|per|each|every) (?:day|week|night|morning|evening)|every \w+ (?:hours|days|weeks)|morning|night|evening|bedtime|"
    r"\w+days?)\b",
    re.IGNORECASE,
)
_TOLD = re.compile(
    r"\b(?:take|give|use|swallow|chew|dissolve|dose)\W*$|(?:\d|\bto|\bor|-|–)\s*$", re.IGNORECASE
)
"""What makes the count that follows an instruction of its own, or the upper end of a range."""
_AMOUNT = re.compile(r"\s*(\d+(?:,\d{3})*(?:\.\d+)?)\s*(mg|mcg|micrograms?|g)\s*", re.IGNORECASE)
_FEW = 4
"""More tablets than this behind an amount may be a supply."""


def of_all_or_each(
    line: str, text: str, strength: str, product: Match
) -> tuple[str, Dose | None] | None:
    """What "30mg daily (6 tablets)" and "30mg (6 tablets) daily" come to; ``None`` where they are not meant.

    The amount is of all together where one tablet of that share exists and none of the amount; then
    the dose is the amount. It is of each where only a tablet of the amount exists, and the words are
    read as they stand. Else nobody can tell, and the reading given back has no amount a day. A count
    right behind an amount is plain, but not for a medicine that is taken once a week.
    """
    counts = list(_COUNT.finditer(text))
    amount = _AMOUNT.fullmatch(strength)
    if len(counts) != 1 or amount is None or _number(counts[0]) in (None, 1):
        return None
    found = counts[0]
    before, after = text[: found.start()].strip(" ,;(-–"), text[found.end() :].strip(" ,;)-–")
    bracketed = re.search(rf"\(\s*(?:=\s*)?{re.escape(found.group())}\s*\)", line)
    first = not before and (bracketed is not None or "weekly" in product.flags)
    if not first and (not _OFTEN.search(before) or _TOLD.search(text[: found.start()].rstrip())):
        return None
    count = _number(found)
    assert count is not None
    each, all_ = _exist(product, amount, count)
    if all_ and not each:
        before = before.removeprefix(strength).strip()
        plain = " ".join(t for t in (strength, before, after) if t)
        return plain, None
    if each and not all_ and count <= _FEW:
        return None
    dose = read_dose(text, product)
    why = f"whether {strength} is of each or of all together is not clear"
    return text, replace(dose, status="partial", per_day=None, reasons=(*dose.reasons, why))


def _number(found: re.Match[str]) -> Fraction | None:
    said = found.group("count").lower()
    if said in (words := NUMBER_WORDS.split("|")):
        return Fraction(words.index(said) + 1)
    return Fraction(said) or None


def _exist(product: Match, amount: re.Match[str], count: Fraction) -> tuple[bool, bool]:
    """Whether the drug has tablets of the amount, and tablets of its share."""
    unit = amount.group(2).lower()
    unit = "microgram" if unit.startswith(("mc", "micro")) else unit
    whole = Strength(Fraction(amount.group(1).replace(",", "")), unit)
    share = Strength(whole.numerator / count, unit)
    keys = {
        p.strengths[0].key
        for p in look_up(re.split(r"\d", product.text)[0].strip()).possible
        if len(p.strengths) == 1 and p.strengths[0] is not None
    }
    return whole.key in keys, share.key in keys


def patches(dose: Dose, text: str, product: Match) -> Dose:
    """A bare number before "patch" that may be its strength is not taken for a number of patches."""
    if dose.status != "read" or any(product.strengths):
        return dose
    if not any(s.unit == "patch" and s.high is not None and s.high > 2 for s in dose.steps):
        return dose
    if not re.search(r"\d\s*patch", text, re.IGNORECASE):
        return dose
    why = "the number before “patch” may be its strength"
    return replace(dose, status="partial", per_day=None, reasons=(*dose.reasons, why))

"""Is this letter this patient's? Decided before anything else is looked at."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from counterfoil.documents import Letter
from counterfoil.documents.header import DATE, read_date
from counterfoil.foundation.days import to_day
from counterfoil.records.rows import Patient


@dataclass(frozen=True, slots=True)
class Identity:
    """Whether the letter is the patient's, and a sentence that says why, without identifiers."""

    agrees: bool
    reason: str


def plain_name(name: str | None) -> str:
    """A name for comparison: no accents, no case, letters only."""
    if not name:
        return ""
    bare = unicodedata.normalize("NFKD", name)
    return "".join(c for c in bare.casefold() if c.isalpha())


def identify(letter: Letter, patient: Patient) -> Identity:
    """NHS number, date of birth and name together; anything less goes to a person.

    A number that differs refuses at once. Where the letter or the record has no number, date of
    birth, family and given name must all agree.
    """
    ours = re.sub(r"\D", "", patient.nhs_number or "")
    theirs = letter.patient.nhs_number or _stands(letter, ours)
    if theirs and ours and theirs != ours:
        return Identity(False, "The NHS number in the letter is not this patient's.")
    birth = _birth_agrees(letter, patient)
    if birth is False:
        return Identity(False, "The date of birth in the letter is not this patient's.")
    family = _family_agrees(letter, patient)
    if family is False:
        return Identity(False, "The family name in the letter is not this patient's.")
    if birth is None or family is None:
        missing = [w for w, v in (("date of birth", birth), ("family name", family)) if v is None]
        return Identity(
            False,
            f"The letter or the record gives no {' and no '.join(missing)}: a person must identify the patient.",
        )
    if theirs and ours:
        return Identity(True, "NHS number, date of birth and family name agree.")
    if _given_agrees(letter, patient):
        return Identity(
            True, "There is no NHS number to compare; date of birth, family and given name agree."
        )
    return Identity(
        False,
        "There is no NHS number to compare, and the given name does not settle it: a person must identify the patient.",
    )


def _stands(letter: Letter, number: str) -> str | None:
    """The patient's number, where it stands in the letter without a label."""
    if not number or letter.patient.nhs_number:
        return None
    spaced = r"[\s\-]{0,3}".join((number[:3], number[3:6], number[6:]))
    return number if re.search(rf"(?<!\d){spaced}(?!\d)", letter.text) else None


def _birth_agrees(letter: Letter, patient: Patient) -> bool | None:
    if patient.birth_date is None or patient.birth_precision != "day":
        return None
    ours = to_day(patient.birth_date)
    if letter.patient.birth_date is not None:
        return letter.patient.birth_date == ours
    dates = {read_date(d) for d in re.findall(DATE, letter.text[:8000])}
    return True if ours in dates else None


def _family_agrees(letter: Letter, patient: Patient) -> bool | None:
    ours = plain_name(patient.family_name)
    if not ours:
        return None
    theirs = plain_name(letter.patient.family_name)
    if theirs == ours:
        return True
    whole = plain_name(f"{letter.patient.given_name or ''}{letter.patient.family_name or ''}")
    given = plain_name(patient.given_name)
    if theirs and given and whole in (given + ours, ours + given):
        return True
    if theirs:
        return False
    words = re.findall(r"[^\W\d_][\w'’\-]*", letter.text[:4000])
    return True if ours in {plain_name(w) for w in words} else None


def _given_agrees(letter: Letter, patient: Patient) -> bool:
    ours = plain_name((patient.given_name or "").split(" ")[0])
    theirs = plain_name((letter.patient.given_name or "").split(" ")[0])
    return bool(ours) and ours == theirs

"""Checks that turn a line into a conflict whatever else was found: weekly, allergy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache

from counterfoil.documents import Letter
from counterfoil.reconciliation.knowledge import allergy_groups
from counterfoil.reconciliation.model import Why
from counterfoil.reconciliation.sides import Unit
from counterfoil.records.patient import PatientRecord

_WEEK = Fraction(7)


def guards(unit: Unit, letter: Letter, record: PatientRecord) -> tuple[str, list[Why]] | None:
    """The sub-class of conflict a guard finds, with its reasons; ``None`` where none does."""
    line = unit.main
    source = f"letter {line.start}-{line.end}"
    weekly = _weekly(unit)
    if weekly:
        return "dose outside weekly guard", [Why(weekly, source)]
    against = list(_allergies(unit, letter, record))
    if against:
        return "allergy v drug", against
    told = [
        m
        for m in letter.mentions
        if set(m.ingredients) == set(unit.match.ingredients)
        and m.stated in ("stopped", "on_hold")
        and not m.advice
    ]
    if told:
        span = told[0].span
        text = f"The list has it to be taken; elsewhere the letter says “{span.text}”."
        return "list v narrative", [Why(text, f"letter {span.start}-{span.end}")]
    return None


def _weekly(unit: Unit) -> str | None:
    """A once-weekly medicine must say weekly wherever its dose was read."""
    if "weekly" not in unit.match.flags:
        return None
    if unit.dose.status == "conflict" and any("week" in r for r in unit.dose.reasons):
        return "; ".join(unit.dose.reasons) + "."
    for step in unit.dose.steps:
        if step.times_high is None or step.per_days is None:
            continue
        if step.times_high / step.per_days > 1 / _WEEK:
            return (
                f"{unit.match.name or unit.drug_text} is taken once a week; "
                f"the letter says “{unit.dose_text}”."
            )
    return None


def _allergies(unit: Unit, letter: Letter, record: PatientRecord) -> Iterator[Why]:
    for allergy in record.allergies:
        if allergy.status != "active" or allergy.deleted_on is not None:
            continue
        if _names(allergy.substance_text, unit):
            yield Why(
                f"The GP record holds an allergy or intolerance to {allergy.substance_text}.",
                f"allergy {allergy.allergy_id}",
            )
    for span in letter.allergies:
        if not re.search(
            r"\b(?:no|not|nil|denies|tolerates)\b", span.text, re.IGNORECASE
        ) and _names(span.text, unit):
            yield Why(
                f"The letter’s allergies say “{' '.join(span.text.split())}”.",
                f"letter {span.start}-{span.end}",
            )


def _names(words: str, unit: Unit) -> bool:
    """Whether an allergy's words name an ingredient of the medicine, or a group it is in."""
    text = words.lower()
    for ingredient in unit.match.ingredients:
        if ingredient in text and re.search(rf"\b{re.escape(ingredient)}\b", text):
            return True
    return any(
        ingredients & set(unit.match.ingredients) or unit.match.drug_class in classes
        for ingredients, classes in _groups_in(text)
    )


@lru_cache(maxsize=1024)
def _groups_in(text: str) -> tuple[tuple[frozenset[str], frozenset[str]], ...]:
    """The groups of medicines that the words of an allergy name: ingredients, classes."""
    return tuple(
        (ingredients, classes)
        for names, ingredients, classes in allergy_groups()
        if any(n in text and re.search(rf"\b{re.escape(n)}\b", text) for n in names)
    )

"""A CodeableConcept as the record holds it: one SNOMED CT code, the system's own code, a term."""

from __future__ import annotations

from dataclasses import dataclass

from counterfoil.records.importers.element import Element

SNOMED = "http://snomed.info/sct"

DEGRADED = {
    "196421000000109": "transfer-degraded medication entry",
    "196461000000101": "transfer-degraded drug allergy",
}
"""Codes that a transfer puts where the first system's code was lost; the text then says what is
meant. Source: notes on GP Connect structured records and its published examples, read 2026-11."""


@dataclass(frozen=True)
class Concept:
    """``code`` is SNOMED CT or ``None``; ``local_code`` is the first code of another system.

    ``is_degraded``: the code was lost in a transfer, the term alone says what is meant. Such a
    code is not given as ``code``, which would be taken for a meaning.
    """

    code: str | None
    local_code: str | None
    term: str | None
    is_degraded: bool = False


def read_concept(element: Element | None) -> Concept:
    """The concept; the term is the text as the source shows it, else the chosen coding's display.

    Of several SNOMED CT codings the first that is not a degrade code is taken.
    """
    if element is None:
        return Concept(None, None, None)
    codings = element.children("coding")
    snomed = [c for c in codings if c.text("system") == SNOMED and c.text("code")]
    degraded = [c for c in snomed if _is_degrade(c)]
    whole = [c for c in snomed if c not in degraded]
    others = [c.text("code") for c in codings if c.text("system") != SNOMED and c.text("code")]
    shown = sorted(codings, key=lambda c: (c.flag("userSelected") is not True, c not in snomed))
    term = element.text("text") or next(filter(None, map(_display, shown)), None)
    code = whole[0].text("code") if whole else None
    local = others[0] if others else None
    return Concept(code, local, term or code or local, bool(degraded) and not whole)


def words(element: Element | None) -> str | None:
    """What a concept says, in words: its text, else a display, else a code."""
    return read_concept(element).term


def _is_degrade(coding: Element) -> bool:
    return (coding.text("code") or "") in DEGRADED or (
        (coding.text("display") or "").lower().startswith("transfer-degraded")
    )


def _display(coding: Element) -> str | None:
    """The display as the user chose it, where the description extension gives that."""
    for each in coding.children("extension"):
        for part in each.children("extension"):
            if (part.text("url") or "").lower() == "descriptiondisplay":
                chosen = part.text("valueString")
                if chosen:
                    return chosen
    return coding.text("display")

"""What a synthetic letter is, and what is true of its lines."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LetterLine:
    """The truth about one medicine line, or about one plan that the letter does not name.

    ``expected`` is the class that a careful reader gives the line (same, changed, new, stopped,
    missing, conflict, unreadable); ``also`` the classes that would be no mistake either, because the
    words on one side leave room; ``stated`` the letter's own word for it; ``text`` the words in
    the letter with ``start`` and ``end`` as character offsets where the letter is plain text
    (``None`` elsewhere, and for a plan that is not named). Daily amounts are in units of the form
    (tablets, puffs, ml).

    What a reader should take from the line, field by field: ``letter_product`` (in full, where the
    letter abbreviates), ``amount`` of ``unit`` at one time (``1-2`` is a range, empty not stated),
    ``times`` a ``per_days``, ``as_needed``, ``duration`` and ``reason`` as written. ``place`` counts
    the medicine lines from 1 in the order of the letter; empty for a plan not named.
    """

    expected: str
    subclass: str
    also: tuple[str, ...]
    stated: str | None
    text: str
    start: int | None
    end: int | None
    plan_ids: tuple[str, ...]
    gp_product: str
    letter_product: str
    gp_daily: float | None
    letter_daily: float | None
    note: str
    place: int | None = None
    amount: str = ""
    unit: str = ""
    times: int | None = None
    per_days: int | None = None
    as_needed: bool = False
    duration: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SyntheticLetter:
    """One hospital letter as received, with what is true of it.

    ``content`` is the file; ``received_at`` and ``discharged_on`` are day numbers. ``patient_id``
    is whose stay it was (``None``: nobody in the record); ``nhs_number`` is the number in the
    letter. ``expected`` is ``reconcile``, ``no_such_patient``, ``another_patient`` (the number is
    somebody else's) or ``for_a_person`` (a scan: nothing in it can be read). ``truth`` holds a line for each medicine line and each plan not named.
    """

    name: str
    media_type: str
    content: bytes
    practice: str
    patient_id: str | None
    nhs_number: str
    received_at: int
    discharged_on: int
    layout: str
    sender_code: str
    sender_unit: str
    expected: str
    truth: tuple[LetterLine, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One medicine as the ward writes it, before any layout."""

    product: str
    amount: str
    unit: str
    freq: str
    stated: str | None
    duration: str
    remark: str
    expected: str
    subclass: str
    plan_ids: tuple[str, ...]
    gp_product: str
    gp_daily: float | None
    daily: float | None
    garbled: str = ""
    note: str = ""
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stay:
    """One hospital stay with its medicines: all that a layout needs."""

    key: str
    trust: str
    trust_code: str
    ward: str
    sign: str
    practice: str
    given: str
    family: str
    female: bool
    birth: int
    nhs_number: str
    admitted: int
    discharged: int
    reason: str
    diagnosis: str
    story: str
    allergies: tuple[str, ...]
    items: tuple[Item, ...]
    unnamed: tuple[Item, ...]

    @property
    def name(self) -> str:
        """Given and family name."""
        return f"{self.given} {self.family}"

    def of(self, *stated: str | None) -> list[Item]:
        """The items whose stated change is one of these."""
        return [item for item in self.items if item.stated in stated]

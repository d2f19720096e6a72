"""Which change of setting a document is about, by its own words."""

from __future__ import annotations

from typing import Literal

from counterfoil.documents.wording import pattern

Setting = Literal["discharge", "outpatient", "admission", "registration", "care_home"]
"""Home from hospital; seen in a clinic; taken into hospital; new to the practice; in a care home."""
SETTINGS: tuple[Setting, ...] = (
    "discharge",
    "outpatient",
    "admission",
    "registration",
    "care_home",
)
_HEAD = 1500
"""Characters in which a document says what it is."""


def setting_of(text: str, discharged_on: int | None) -> Setting:
    """The setting that the head of a document names; a discharge where it names none.

    *discharged_on* is the day number of a discharge the document gives. What names a discharge is
    never taken for anything else: of all settings its rules ask the most.
    """
    head = text[:_HEAD]
    if discharged_on is not None or pattern("settings", "discharge").search(head):
        return "discharge"
    for name in ("registration", "care_home", "admission", "outpatient"):
        if pattern("settings", name).search(head):
            return name
    return "discharge"

"""Whether a later record shows what was decided about a line of a letter.

The letter is laid beside the later record again, and the line is looked up in that outcome by its
letter lines and plans. Nothing is assumed: what the later outcome does not say is said so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from counterfoil.reconciliation.model import Outcome, OutcomeLine
from counterfoil.reconciliation.sides import CURRENT
from counterfoil.records.patient import PatientRecord

Expected = Literal["the_letter", "item_ended", "as_before"]
"""What the record is to show: the letter's medicine and dose; the item no longer current; what it
showed when the decision was made."""
EXPECTED: tuple[Expected, ...] = ("the_letter", "item_ended", "as_before")
Shown = Literal["verified", "outstanding", "conflict", "cannot_tell"]


@dataclass(frozen=True, slots=True)
class Verified:
    """``verified``: the record shows it. ``outstanding``: it shows what it showed before.
    ``conflict``: it shows something else. ``cannot_tell``: it cannot be seen. ``text`` says why."""

    state: Shown
    text: str


def verify(
    before: Mapping[str, Any], after: Outcome, record: PatientRecord, expected: Expected
) -> Verified:
    """Compare a line as it was decided with the later record.

    *before* is the line's JSON (``OutcomeLine.to_json``) at the time of the decision, *after* the
    letter's outcome against *record*, which is the later record itself: an item that ended after
    the letter's day still stands in the outcome, and only the record says that it has ended.
    """
    if after.status == "refused":
        return Verified("cannot_tell", f"The letter is not this patient's any more: {after.reason}")
    letter = {item["id"] for item in before["letter_lines"]}
    plans = {item["id"] for item in before["plans"]}
    now = [line for line in after.lines if letter & {i.id for i in line.letter_lines}]
    if not letter:
        now = [line for line in after.lines if plans & {i.id for i in line.plans}]
    current = {p.plan_id for p in record.plans if p.status in CURRENT and p.deleted_on is None}
    seen = _Seen(before, now, plans, current)
    if expected == "the_letter":
        return _the_letter(seen)
    return _ended(seen) if expected == "item_ended" else _as_before(seen)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A line then and now: its plans then, and the ids of all plans that are current now."""

    before: Mapping[str, Any]
    now: Sequence[OutcomeLine]
    plans: Collection[str]
    current: Collection[str]

    @property
    def unchanged(self) -> bool:
        """Whether the record shows of this line what it showed before."""
        gone = set(self.plans) - set(self.current)
        return not gone and [_facts(line.to_json()) for line in self.now] == [_facts(self.before)]

    @property
    def others(self) -> list[OutcomeLine]:
        """The lines now of which an item is still current."""
        return [line for line in self.now if {item.id for item in line.plans} & set(self.current)]


def _the_letter(seen: _Seen) -> Verified:
    if not seen.now:
        return Verified("cannot_tell", "The line is not found in the letter any more.")
    if all(line.cls in ("same", "done") for line in seen.now):
        return Verified("verified", "The record now shows what the letter says.")
    if seen.unchanged:
        return Verified("outstanding", "The record does not show yet what was decided.")
    return Verified("conflict", f"The record shows something else: {_words(seen.now)}.")


def _ended(seen: _Seen) -> Verified:
    left = set(seen.plans) & set(seen.current)
    if not left and not seen.others:
        return Verified("verified", "The item has ended in the record.")
    if left and seen.unchanged:
        return Verified("outstanding", "The item has not ended in the record yet.")
    what = "The item has ended, but another stands" if not left else "The record has changed"
    return Verified("conflict", f"{what}: {_words(seen.others)}.")


def _as_before(seen: _Seen) -> Verified:
    if seen.unchanged:
        return Verified("verified", "The record is unchanged, as decided.")
    if seen.plans and not set(seen.plans) & set(seen.current) and not seen.others:
        return Verified("conflict", "The item has ended in the record.")
    return Verified("conflict", f"The record has changed: {_words(seen.now)}.")


def _facts(line: Mapping[str, Any]) -> tuple[Any, ...]:
    items = tuple(sorted((i["id"], i["text"]) for i in line["plans"]))
    return line["class"], line["found"], items


def _words(now: Collection[OutcomeLine]) -> str:
    return "; ".join(dict.fromkeys(line.found or line.cls for line in now))

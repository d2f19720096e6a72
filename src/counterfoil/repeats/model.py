"""What a check of a request says, and the order in which outcomes outrank one another."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Outcome = Literal[
    "ok", "cannot_check", "technician", "contact", "pharmacist", "prescriber", "same_day"
]

OUTCOMES: tuple[Outcome, ...] = (
    "ok",
    "cannot_check",
    "technician",
    "contact",
    "pharmacist",
    "prescriber",
    "same_day",
)
"""From the least serious to the most. ``ok`` means that no technical query was found."""


@dataclass(frozen=True)
class Check:
    """One check of one item: its outcome, why, from which figures and rows, and what it lacked."""

    id: str
    outcome: Outcome
    text: str
    inputs: dict[str, Any] = field(default_factory=dict, hash=False)
    rows: tuple[tuple[str, str], ...] = ()
    missing: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The check as design section 9 gives it."""
        return {
            "id": self.id,
            "outcome": self.outcome,
            "text": self.text,
            "inputs": self.inputs,
            "rows": [{"table": table, "id": key} for table, key in self.rows],
            "missing": list(self.missing),
        }


@dataclass(frozen=True)
class ItemOutcome:
    """Every check of one requested item. The outcome is that of the most serious check."""

    request_id: str
    request_item_id: str
    item_text: str
    plan_id: str | None
    checks: tuple[Check, ...]

    @property
    def outcome(self) -> Outcome:
        """The most serious outcome of the checks."""
        return max((c.outcome for c in self.checks), key=OUTCOMES.index, default="cannot_check")

    @property
    def reason(self) -> str:
        """The text of the first of the most serious checks."""
        return next((c.text for c in self.checks if c.outcome == self.outcome), "")

    def to_json(self) -> dict[str, Any]:
        """The item as design section 9 gives it."""
        return {
            "request_id": self.request_id,
            "request_item_id": self.request_item_id,
            "item_text": self.item_text,
            "plan_id": self.plan_id,
            "outcome": self.outcome,
            "checks": [check.to_json() for check in self.checks],
        }

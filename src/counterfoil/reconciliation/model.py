"""The outcome of laying a letter beside the GP list."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from counterfoil.documents import Setting, Span

Class = Literal[
    "same", "changed", "new", "stopped", "missing", "duplicate", "conflict", "unreadable", "done"
]
CLASSES: tuple[Class, ...] = (
    "same",
    "changed",
    "new",
    "stopped",
    "missing",
    "duplicate",
    "conflict",
    "unreadable",
    "done",
)


LEFT_ALONE = "left as it is"
"""The sub-class of an item that a letter of changes does not mention."""


@dataclass(frozen=True, slots=True)
class Why:
    """One sentence a pharmacist would sign, and where it comes from.

    ``source`` is ``letter START-END`` (places in the letter's text), ``plan ID``, ``issue ID``,
    ``allergy ID``, or ``rule NAME``.
    """

    text: str
    source: str

    def to_json(self) -> dict[str, Any]:
        """As the design's JSON."""
        return {"text": self.text, "source": self.source}


@dataclass(frozen=True, slots=True)
class Item:
    """A letter line, plan or issue by id, in the words of its source."""

    id: str
    text: str

    def to_json(self) -> dict[str, Any]:
        """As the design's JSON."""
        return {"id": self.id, "text": self.text}


@dataclass(frozen=True, slots=True)
class OutcomeLine:
    """One question for one person: a medicine, on the letter, the GP list, or both.

    Meaning: ``cls`` and ``subclass`` are ours; ``stated`` is the letter's word, ``found`` the
    difference between the lists in words; the two are never merged. ``owner`` is the role that
    decides. ``always_a_person`` marks what must never be confirmed in bulk: high-risk medicines,
    tapers, stops without a reason, omissions, instructions without a fixed dose. ``candidates``
    names GP items that could have been the partner nearly as well. ``margin`` is by how much the
    chosen pairing beat the second best (0 to 1; ``None`` where nothing competed).
    """

    id: str
    cls: Class
    subclass: str
    stated: str | None
    found: str
    letter_lines: tuple[Item, ...]
    plans: tuple[Item, ...]
    owner: str
    why: tuple[Why, ...]
    proposal: str
    always_a_person: bool = False
    high_risk: bool = False
    margin: float | None = None
    candidates: tuple[str, ...] = ()
    ingredients: tuple[str, ...] = ()
    drug_class: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As the design's JSON."""
        return {
            "id": self.id,
            "class": self.cls,
            "subclass": self.subclass,
            "stated": self.stated,
            "found": self.found,
            "letter_lines": [i.to_json() for i in self.letter_lines],
            "plans": [i.to_json() for i in self.plans],
            "owner": self.owner,
            "why": [w.to_json() for w in self.why],
            "proposal": self.proposal,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> OutcomeLine:
        """The line whose JSON this is; what the JSON leaves out is left out."""

        def items(key: str) -> tuple[Item, ...]:
            return tuple(Item(one["id"], one["text"]) for one in data[key])

        return cls(
            id=data["id"],
            cls=data["class"],
            subclass=data["subclass"],
            stated=data["stated"],
            found=data["found"],
            letter_lines=items("letter_lines"),
            plans=items("plans"),
            owner=data["owner"],
            why=tuple(Why(one["text"], one["source"]) for one in data["why"]),
            proposal=data["proposal"],
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """A letter laid beside a record. ``refused``: it is not certain to be this patient's letter."""

    letter_id: str
    practice: str
    patient_id: str
    as_of: int
    status: Literal["done", "refused"]
    reason: str
    lines: tuple[OutcomeLine, ...] = ()
    unread: tuple[Span, ...] = ()
    setting: Setting = "discharge"

    @property
    def left_alone(self) -> tuple[OutcomeLine, ...]:
        """The items that a letter of changes does not mention: they stay, and nobody is asked."""
        return tuple(line for line in self.lines if line.subclass == LEFT_ALONE)

    def counts(self) -> dict[Class, int]:
        """How many lines each class has, in the order of the design."""
        return {c: sum(1 for line in self.lines if line.cls == c) for c in CLASSES}

    def of(self, cls: Class) -> tuple[OutcomeLine, ...]:
        """The lines of a class."""
        return tuple(line for line in self.lines if line.cls == cls)

    def to_json(self) -> dict[str, Any]:
        """As the design's JSON (section 9, ``reconcile``)."""
        return {
            "letter": self.letter_id,
            "record": f"{self.practice}/{self.patient_id}",
            "setting": self.setting,
            "status": self.status,
            "reason": self.reason,
            "lines": [line.to_json() for line in self.lines],
            "unread": [s.to_json() for s in self.unread],
        }


def stable_id(parts: Iterable[str]) -> str:
    """An id from the ids of a line's members: the same members, the same id."""
    return "R" + hashlib.sha256("|".join(sorted(parts)).encode()).hexdigest()[:12]

"""When a letter has been decided: what to do in the GP system, and what to tell the patient.

Both say what was decided, in the words of the letter and the record, and recommend nothing. A
person edits the texts before using them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from counterfoil.documents import Setting
from counterfoil.foundation.days import words as day_words
from counterfoil.reconciliation import knowledge
from counterfoil.reconciliation.verify import Expected

State = Literal["done", "handed_over", "answered", "waiting", "todo"]


@dataclass(frozen=True, slots=True)
class Decided:
    """A line of an outcome (its JSON), how far the work on it is, and what its record is to show.

    The letter's items may carry ``drug``, ``dose`` and ``duration`` beside ``text``: then these are
    what is to be entered, without the words around them.

    ``expected`` is None where the decision is only in its ``note``; ``role`` is who it is with while
    it is handed over, ``until`` when it is looked at again.
    """

    line: Mapping[str, Any]
    state: State
    expected: Expected | None = None
    note: str = ""
    role: str = ""
    until: date | None = None

    @property
    def letter(self) -> str:
        """The letter's own words for medicine, dose and duration, where they are known apart."""
        return "; ".join(" ".join(_words_of(item).split()) for item in self.line["letter_lines"])

    @property
    def plans(self) -> str:
        """The words of the GP record."""
        return "; ".join(" ".join(i["text"].split()) for i in self.line["plans"])

    @property
    def settled(self) -> bool:
        """Whether it is decided what the record is to show."""
        return self.state == "done" and self.expected is not None


def _words_of(item: Mapping[str, Any]) -> str:
    if not item.get("drug"):
        return str(item["text"])
    parts = [item["drug"], item.get("dose") or "", item.get("duration") or ""]
    kept = [p for n, p in enumerate(parts) if p and not (n == 2 and p in parts[1])]
    return ", ".join(kept)


@dataclass(frozen=True, slots=True)
class Change:
    """One thing to do, or not to do, in the GP system.

    ``paste`` is the text to enter; often empty. ``checked``: the next record will be asked whether
    it shows it.
    """

    line_id: str
    to_do: bool
    text: str
    paste: str = ""
    note: str = ""
    checked: bool = True


def changes(lines: Iterable[Decided]) -> list[Change]:
    """Every line once, in the order given: what to enter, what to end, what to leave, what waits."""
    return [_change(one) for one in lines]


def _change(one: Decided) -> Change:
    line_id, cls = one.line["id"], one.line["class"]
    if not one.settled:
        text = _words("not_yet", one.state).format(
            role=one.role or "clinician",
            until=day_words(one.until) if one.until else "a later day",
            item=one.letter or one.plans,
        )
        return Change(line_id, one.state == "done", text, note=one.note, checked=False)
    assert one.expected is not None
    enters = one.expected == "the_letter" and cls not in ("same", "done")
    text = _words(one.expected, cls).format(
        gp=one.plans or "the item", letter=one.letter, subclass=one.line["subclass"]
    )
    does = enters or one.expected == "item_ended"
    return Change(line_id, does, text, one.letter if enters else "", one.note)


def script(
    lines: Iterable[Decided], discharged_on: date | None, setting: Setting = "discharge"
) -> str:
    """What to go through with the patient: only what is decided, nothing that still waits."""
    told = knowledge.data()["closing"]["script"]
    when = day_words(discharged_on) if discharged_on else "a few days ago"
    parts = [str(knowledge.frame(setting)["opening"]).format(date=when)]
    for one in lines:
        if not one.settled:
            continue
        cls = one.line["class"]
        pattern = told.get(f"{one.expected}_{cls}") or told.get(one.expected) or ""
        if not pattern and one.expected == "the_letter":
            pattern = told["the_letter_new" if not one.plans else "the_letter_changed"]
        text = str(pattern).format(letter=one.letter, gp=one.plans, note=_sentence(one.note))
        parts.append(" ".join(text.split()))
    parts.append(str(told["closing"]))
    return "\n".join(parts)


def _words(kind: str, key: str) -> str:
    table = knowledge.data()["closing"][kind]
    return str(table.get(key) or table["other"])


def _sentence(note: str) -> str:
    bare = " ".join(note.split())
    return bare if not bare or bare[-1] in ".!?" else f"{bare}."

"""Draft texts out of an outcome: a query to the ward, a checklist, a call script.

All are drafts that a person edits and signs. None holds a name or number of the patient, and none
recommends a treatment.
"""

from __future__ import annotations

from collections.abc import Iterable

from counterfoil.documents import Setting
from counterfoil.foundation.days import words as day_words
from counterfoil.reconciliation import knowledge
from counterfoil.reconciliation.classify import STATED
from counterfoil.reconciliation.model import Outcome, OutcomeLine

_ASKED = ("conflict", "unreadable", "missing", "stopped")


def draft_query(outcome: Outcome, line_ids: Iterable[str] | None = None) -> str:
    """A query to the ward about these lines; by default every line that blocks, is missing, or is
    stopped without a reason. Empty where there is nothing to ask."""
    wanted = None if line_ids is None else set(line_ids)
    asked = [
        line
        for line in outcome.lines
        if (line.id in wanted if wanted is not None else worth_asking(line))
    ]
    about = f"{day_words(outcome.as_of)} (letter {outcome.letter_id})"
    return query_about(asked, about, outcome.setting)


def query_about(lines: Iterable[OutcomeLine], letter: str, setting: Setting = "discharge") -> str:
    """A query about just these lines; *letter* says of which date the letter is, in words."""
    frame = knowledge.frame(setting)
    asked = {**knowledge.data()["query"]["questions"], **frame.get("questions", {})}
    filled = [_filled("questions", line, {"questions": asked}) for line in lines]
    questions = [q for q in filled if q]
    if not questions:
        return ""
    numbered = "\n".join(f"{n}. {q}" for n, q in enumerate(questions, 1))
    return (
        f"About your {frame['name']} of {letter}.\n"
        f"We compared it with the GP record and need your answer to:\n{numbered}\n"
        "Until we hear from you nothing is changed on the points above."
    )


def worth_asking(line: OutcomeLine) -> bool:
    """Whether a line blocks, is missing, or is stopped or held without what one needs to know."""
    if line.cls not in _ASKED:
        return False
    return line.cls != "stopped" or line.subclass in ("explicit, no reason", "on hold, no rule")


def _filled(key: str, line: OutcomeLine, table: dict[str, object]) -> str:
    found = table[key]
    assert isinstance(found, dict)
    pattern = str(found.get(line.cls, ""))
    return _fill(pattern, line)


def _fill(pattern: str, line: OutcomeLine) -> str:
    why = next((w.text for w in line.why if w.source.startswith("rule stated")), None)
    return pattern.format(
        letter="; ".join(i.text for i in line.letter_lines) or "it",
        gp="; ".join(i.text for i in line.plans) or "nothing",
        why=why or (line.why[0].text if line.why else ""),
        stated=STATED.get(line.stated or "", "stopped"),
    )


def to_do(outcome: Outcome) -> list[tuple[str, str, str]]:
    """What is left to do in the GP system: line id, owner, and the text to work from."""
    return [(line.id, line.owner, line.proposal) for line in outcome.lines]


def call_script(outcome: Outcome) -> str:
    """What to go through with the patient on the telephone, in plain words."""
    script = knowledge.data()["script"]
    opening = knowledge.frame(outcome.setting)["opening"]
    parts = [str(opening).format(date=day_words(outcome.as_of))]
    for line in outcome.lines:
        pattern = str(script.get(line.cls, ""))
        if pattern:
            parts.append(_fill(pattern, line))
    return "\n".join(parts)

"""What a yes, a no or a tick says in a column, or behind a question, that asks what happened."""

from __future__ import annotations

import re
from collections.abc import Sequence

from counterfoil.documents.asked import ASKED
from counterfoil.documents.layout import Raw, column
from counterfoil.documents.states import stated_in

_YES = re.compile(r"(?:y|yes|true|tick(?:ed)?|[✓✔√☑☒•●*+]+|\[\s*[x✓✔]\s*\])\W*", re.IGNORECASE)
_NO = re.compile(r"(?:n|no|nil|none|n/?a|false)\W*", re.IGNORECASE)
_BLANK = re.compile(r"[-–—.\s☐□_]*|\[\s*\]")
_LETTER_X = re.compile(r"x", re.IGNORECASE)
_CROSS = re.compile(r"[✗✘×]+")
_OVER = frozenset(("stopped", "withheld"))


def told(cells: Sequence[tuple[str, str, str]]) -> tuple[str, str]:
    """What the cells of a row state, given as head, what it asks and words; and why they are in doubt.

    A cell that is no yes and no no states what its own words say; where they say nothing, the row is
    in doubt, as it is where its answers contradict each other.
    """
    yes = [state for _, state, words in cells if _YES.fullmatch(words)]
    yes = yes or [state for _, state, words in cells if _LETTER_X.fullmatch(words)]
    status = list(dict.fromkeys(yes))
    for head, state, words in cells:
        if _YES.fullmatch(words) or _BLANK.fullmatch(words) or _LETTER_X.fullmatch(words):
            continue
        if _NO.fullmatch(words):
            if not yes and state == "continued":
                return "", f"The column “{head}” says “{words}”, and no other what happened."
            if not yes and (state == "changed" or column(head) == "status"):
                status.append("no change")
            continue
        if _CROSS.fullmatch(words):
            if not yes:
                return "", f"Whether “{words}” under “{head}” means yes or no is not clear."
            continue
        if stated_in(words)[0] is None and (state in _OVER or column(head) != "status"):
            return "", f"“{words}” under “{head}” was not understood."
        status.append(words)
    states = {state for _, state, _ in cells}
    if not status and "continued" in states and states & _OVER:
        return "", "No column says whether it is continued or stopped."
    over = _OVER & set(yes)
    if over and set(yes) - _OVER:
        return "", f"The row says “{'” and “'.join(status)}”."
    if "continued" in status and len(status) > 1:
        status.remove("continued")
    return " ; ".join(status), ""


_QUESTION = re.compile(
    rf"\b(?P<state>{'|'.join(ASKED.values())})(?:\?|\s*:(?=\s*(?:yes|no|y|n)\b))\s*"
    r"(?P<said>(?:yes|no|y|n)\b(?! (?:longer|change))|(?=$|[.;,|)\]]|please\b))[.,;]*",
    re.IGNORECASE,
)


def answered(text: str) -> tuple[str, str]:
    """Words without the questions they answer ("Stopped? No"); a yes leaves the word of state.

    Also why the words are in doubt: where a question has no answer.
    """
    if "?" not in text and ":" not in text:
        return text, ""
    doubt = ""

    def settled(found: re.Match[str]) -> str:
        nonlocal doubt
        said = found["said"].lower()
        if not said:
            doubt = doubt or f"It asks “{found.group().strip()}” and nothing answers."
        yes = said.startswith("y")
        if said.startswith("n") and re.match(r"(?:to )?contin|same|unch", found["state"], re.I):
            doubt = doubt or f"It says “{found.group().strip()}”."
        return f" ; {found['state']} ; " if yes else " ; "

    return _QUESTION.sub(settled, text), doubt


def settle(raw: Raw) -> None:
    """Takes the questions and their answers out of a stretch, and finds signs of state nobody explains."""
    for name in ("line", "drug", "comment", "status"):
        for n, words in enumerate(raw.fields.get(name, ())):
            raw.fields[name][n], why = answered(words)
            raw.doubt(why)
    if re.fullmatch(r"\W*[A-Z]{1,2}\W*", raw.get("status")):
        raw.doubt(f"The letter does not explain “{raw.get('status').strip()}”.")


SIGN = re.compile(r"\W*[A-XZ]\W*")
"""A letter alone, which stands for a word; a Y only answers a column."""

"""Where a sentence with a word of change does not say that the change was made, or not to this patient.

"No reason was found to stop amlodipine", "was nearly stopped", "stopped?", "stopped in error and put
back", "his wife's metoprolol was stopped". Such a sentence makes no line: a person reads it.
"""

from __future__ import annotations

import re
from functools import lru_cache

from counterfoil.documents.names import look_up, name_at
from counterfoil.documents.pieces import DOSEISH, STRENGTH, VERB
from counterfoil.documents.wording import pattern


@lru_cache(maxsize=1024)
def denied(clause: str, *, polite: bool = False) -> bool:
    """Whether a clause says that its change was not made, was only meant, was undone, or is in question.

    What is not, cannot or should not be done counts before the word of change only: behind it stands
    why it was made, or that it is not to be taken up again. *polite*: "you could start" asks for it.
    """
    verb = VERB.search(clause)
    if verb is None:
        return False
    if pattern("statements", "undone").search(clause):
        return True
    if pattern("statements", "negated" if polite else "not_done").search(clause, 0, verb.start()):
        return True
    plain = pattern("remarks", "reason").sub(" ", clause)
    return pattern("statements", "asks").search(plain) is not None


@lru_cache(maxsize=1024)
def of_another(words: str) -> bool:
    """Whether a sentence speaks of a medicine of somebody else, or of what befell somebody else."""
    if pattern("narrative", "another").search(words):
        return True
    return any(
        name_at(words, found.end()) is not None
        for found in pattern("narrative", "owned").finditer(words)
    )


def only_meant(clause: str) -> bool:
    """Whether a clause only has a stop in the infinitive, which nobody decided and nobody is asked for."""
    found = _TO_STOP.search(clause)
    if found is None or plain_to(clause, found.start()):
        return False
    before = clause[: found.end()]
    return not (
        pattern("statements", "request").search(before, 0, found.start()) or _DECIDED.search(before)
    )


_TO_STOP = re.compile(
    r"\bto (?:stop|discontinue|withhold|hold|suspend|cease|omit|pause|withdraw)\b", re.IGNORECASE
)
_DECIDED = re.compile(
    r"\b(?:decided|decision|agreed|agreement|chose|elected|opted|determined|(?:i|we|she|he|they) had|managed|"
    r"(?:i|we)(?: have|['’]ve)?(?: now| also| therefore)? (?:asked|told|advised|instructed)|"
    r"(?:was|been|were) (?:asked|told|advised|instructed)|able|best|sensible|appropriate|necessary|(?:gp|practice|surgery|you|is|are|needs?|continues?))\b",
    re.IGNORECASE,
)
"""Before it, that it was or is to be done."""


def plain_to(words: str, at: int) -> bool:
    """Whether a bare "to" at this place follows a medicine or begins what is said: "amlodipine to stop".

    Behind any other word it may belong to that one: "no reason to stop", "was to be stopped".
    """
    before = words[:at].rstrip()
    if not before or before[-1] in ":;,–-([•*" or _DOSED.search(before):
        return True
    starts = [m.start() for m in re.finditer(r"\b[A-Za-z]", before[-60:])][-4:]
    offset = max(0, len(before) - 60)
    for start in starts:
        name = name_at(before, offset + start)
        if name is not None and name.end == len(before):
            return look_up(before[name.start : name.end]).level != "none"
    return False


_DOSED = re.compile(rf"(?:{STRENGTH.pattern}|{DOSEISH.pattern}|tab(?:let)?s|cap(?:sule)?s)$", re.I)
"""An amount or how often, at the end of what stands before."""

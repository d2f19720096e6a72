"""Words of change on a line of their own: do they end the medicine above, or head those below?

A letter that writes what happened under each medicine reads, line for line, like one that heads its
lists with it, moved by one: taken the wrong way, every medicine gets its neighbour's state.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from counterfoil.documents.layout import column, columns_of, heading
from counterfoil.documents.names import first_name, name_at
from counterfoil.documents.pieces import LEAD, body_start
from counterfoil.documents.shown import Line, Sheet
from counterfoil.documents.states import stated_in
from counterfoil.documents.wording import pattern

_STATES = ("new", "changed", "changes", "stopped", "on_hold", "continued")


def states_below(sheet: Sheet, lines: Sequence[Line]) -> tuple[frozenset[int], frozenset[int]]:
    """Where the lines start whose words of change belong to the medicine above them; and the unclear ones.

    So it is in a list that goes medicine, state, medicine, state to its end; and where such a line
    closes its block, with a blank line behind it and none before. All others are headings; but between
    medicines, set like no heading of the letter, it is not clear which of both they are.
    """
    out: set[int] = set()
    unclear: set[int] = set()
    block: list[tuple[str, Line]] = []
    loud = False
    for line in [*lines, None]:
        kind = "end" if line is None else _kind(sheet, line)
        if kind != "end" and line is not None:
            block.append((kind, line))
            continue
        below = _of_block(block)
        out |= below
        unclear |= {
            x.start
            for x in _between(block)
            if x.start not in below
            and not (sheet.of(x).isupper() and (loud or _loud(sheet, block)))
        }
        block = []
        loud = line is not None and sheet.of(line).isupper()
    return frozenset(out), frozenset(unclear)


def _loud(sheet: Sheet, block: list[tuple[str, Line]]) -> bool:
    """Whether headings among these lines are in capitals."""
    others = [sheet.of(line) for kind, line in block if kind == "d"]
    return any(words.isupper() and heading(words) for words in others)


def _between(block: list[tuple[str, Line]]) -> Iterator[Line]:
    """The words of change that stand between medicines without a blank line, as far in as they."""
    shape = "".join(kind for kind, _ in block)
    for stanza in re.finditer(r"(?:^|(?<= ))d*M[^ ]*", shape):
        found = False
        for at in range(stanza.start() + 1, stanza.end()):
            line = block[at][1]
            if shape[at] != "S" or line.table is not None or "M" not in shape[stanza.start() : at]:
                continue
            above = [x for kind, x in block[stanza.start() : at] if kind == "M"]
            below = block[at + 1][1] if shape[at + 1 : at + 2] == "M" else None
            if (above[-1].kind == "row") != (line.kind == "row"):
                continue  # behind a table
            outer = line.indent < min(x.indent for x in above)
            if outer or (below is not None and line.indent < below.indent):
                continue
            if below is not None or found:
                found = True
                yield line


def _of_block(block: list[tuple[str, Line]]) -> set[int]:
    """The lines of state of one list that speak of what stands above."""
    shape = "".join(kind for kind, _ in block)
    states = [(n, line) for n, (kind, line) in enumerate(block) if kind == "S"]
    if re.fullmatch(r"(?:[ d]*M[ d]*S)+[ d]*", shape):
        return {line.start for _, line in states}
    return {
        line.start
        for n, line in states
        if n
        and shape[n - 1] in "Md"
        and shape[n + 1 : n + 2] in (" ", "")
        and line.table is None
        and re.search(r"(?:^| )[ d]*M[d]*$", shape[:n])
        and not re.search(r"S *$", shape[:n])
    }


def _kind(sheet: Sheet, line: Line) -> str:
    """M: a medicine begins; S: words of change alone; d: anything else; a space: a blank line."""
    if line.kind == "blank":
        return "d" if line.table == -1 else " "
    filled = [words for c in line.cells if (words := sheet.of(c).strip())]
    words = filled[0] if len(filled) == 1 else sheet.of(line)
    if line.kind == "heading" or (len(filled) > 1 and columns_of(filled)):
        return "end"
    if len(words) < 100 and state_alone(words):
        return "S"
    lead = LEAD.match(words, body_start(words))
    starts = [name_at(w, body_start(w)) for w in filled or [words]]
    if any(starts) or (lead and name_at(words, lead.end())):
        return "M"
    found = heading(words)
    return "end" if found is not None and column(words.partition(":")[0]) is None else "d"


def state_alone(words: str) -> bool:
    """Whether a line only says what happened to a medicine it does not name."""
    words = words.strip(" *_-–—•[]()")
    if ":" in words or len(words.split()) > 8:
        return False
    if LEAD.match(words) is None:
        found = heading(words)
        if found is None or found.kind not in _STATES:
            return False
    if stated_in(words)[0] is None:
        return False
    return first_name(words) is None and not pattern("headings", "medicines").search(words)

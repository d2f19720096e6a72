"""Tables whose cells stand one below the other: what is left of many a table once it is only text.

The headings come first, a line each; then every medicine takes as many lines as there are headings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from counterfoil.documents.layout import column, columns_of
from counterfoil.documents.names import name_at
from counterfoil.documents.pieces import body_start
from counterfoil.documents.shown import Cell, Line

_FEWEST, _MOST = 3, 9
"""How many columns such a table may have."""
_BETWEEN = 4
"""How many lines of the page (its foot, its head) may stand between two medicines."""


def unstacked(text: str, lines: Sequence[Line]) -> list[Line]:
    """The lines, with each stacked table as rows with cells.

    A medicine is put together only where it starts in its column and no other starts within its
    lines; where that stops being so, the table has ended and the lines stay as they are.
    """
    out: list[Line] = []
    at = 0
    number = 1 + max((line.table or 0 for line in lines), default=0)
    while at < len(lines):
        width = _headings(text, lines, at)
        rows, end = _taken(text, lines, at, width) if width else ([], at)
        if len(rows) < 2:
            out.append(lines[at])
            at += 1
            continue
        out.extend(replace(row, table=number) for row in [_row(lines[at : at + width]), *rows])
        number += 1
        at = end
    return out


def _headings(text: str, lines: Sequence[Line], at: int) -> int:
    """How many lines from *at* on are the headings of one table; 0 where they are none."""
    heads: list[str] = []
    while at + len(heads) < len(lines) and len(heads) < _MOST:
        line = lines[at + len(heads)]
        words = text[line.start : line.end]
        if line.kind not in ("text", "heading") or line.cells[1:] or column(words) is None:
            break
        heads.append(words)
    known = columns_of(heads) if len(heads) >= _FEWEST else None
    return len(heads) if known and None not in known and known[0] == "drug" else 0


def _taken(text: str, lines: Sequence[Line], at: int, width: int) -> tuple[list[Line], int]:
    """The rows below the headings at *at*, and where the table ends; between pages lines are passed."""
    rows: list[Line] = []
    end = place = at + width
    while place + width <= len(lines):
        part = lines[place : place + width]
        if _is_row(text, part):
            rows.append(_row(part))
            end = place = place + width
        elif place - end < _BETWEEN and not _starts(text, part[0]):
            place += 1
        else:
            break
    return rows, end


def _is_row(text: str, part: Sequence[Line]) -> bool:
    plain = all(line.kind == "text" and not line.cells[1:] for line in part)
    return plain and _starts(text, part[0]) and not any(_starts(text, line) for line in part[1:])


def _starts(text: str, line: Line) -> bool:
    """Whether a line begins with a medicine's name."""
    words = text[line.start : line.end]
    return line.kind == "text" and bool(name_at(words, body_start(words)))


def _row(part: Sequence[Line]) -> Line:
    cells = tuple(Cell(line.start, line.end) for line in part)
    return replace(part[0], end=part[-1].end, kind="row", cells=cells, grid=True)

"""Plain text into lines with cells. The shown text is the text as sent, line ends made equal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from counterfoil.documents.shown import Cell, Line, Sheet
from counterfoil.documents.stacked import unstacked

_RULE = re.compile(r"[\s+\-=_*~|.:─━═│┌┐└┘├┤┬┴┼╔╗╚╝║]*$")
_BAR = re.compile(r"[|│║¦]")
_RULED_ROWS = 3
"""Rows set apart by rules from which on every row of a table is taken to be ruled off."""
_GAP = re.compile(r"\t+|[ \u00a0]{2,}(?=\S)")
_WIDE = re.compile(r"[ \t]{401,}|\n{31,}")
_PARTED = re.compile(r"[|│║¦\t]|[ \u00a0]{2}")
"""What parts the words of a line into cells."""
_STARS = re.compile(r"\*\*([^\s*](?:[^*\n]*[^\s*])?)\*\*")
_BLANKS = str.maketrans({"\u00a0": " ", "\u2009": " ", "\u202f": " ", "\ufeff": " "})


def normalise(text: str) -> str:
    """Equal line ends and plain spaces, no wide blanks, no stars around bold words."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n").translate(_BLANKS)
    text = _WIDE.sub(lambda m: m.group()[:400], text)
    return _STARS.sub(r"\1", text)


def read_plain(text: str) -> Sheet:
    """Lines of a plain text letter, with tables written one cell below the other put together."""
    sheet = read_lines(text)
    return Sheet(sheet.text, tuple(unstacked(sheet.text, sheet.lines)))


def read_lines(text: str) -> Sheet:
    """The lines one by one. Rules and borders are blank lines."""
    text = normalise(text)
    lines: list[Line] = []
    place = 0
    for raw in text.split("\n"):
        lines.append(_line(raw, place))
        place += len(raw) + 1
    return Sheet(text, tuple(_tabbed(_ruled_rows(lines))))


def _tabbed(lines: list[Line]) -> list[Line]:
    """Rows cut by tabs into as many cells as the row above: there the n-th cell is the n-th column."""
    out = list(lines)
    begin = 0
    for at in range(1, len(lines) + 1):
        one = lines[begin]
        same = at < len(lines) and _tabs(lines[at]) == _tabs(one) >= 2
        if same:
            continue
        if at - begin > 1:
            out[begin:at] = [replace(line, grid=True) for line in lines[begin:at]]
        begin = at
    return out


def _tabs(line: Line) -> int:
    """The tabs that cut a row."""
    return len(line.cells) - 1 if line.tabbed else 0


def _ruled_rows(lines: list[Line]) -> list[Line]:
    """Tables with a rule after every row: the further lines of a row go on from its first."""
    out = list(lines)
    for begin, end in _boxes(lines):
        groups: list[list[int]] = [[]]
        for at in range(begin, end):
            if lines[at].kind == "blank":
                groups.append([])
            else:
                groups[-1].append(at)
        filled = [g for g in groups if g]
        if len(filled) < _RULED_ROWS:
            continue
        for group in filled:
            for at in group[1:]:
                out[at] = replace(lines[at], goes_on=True)
    return out


def _boxes(lines: list[Line]) -> Iterator[tuple[int, int]]:
    """Stretches of rows of a grid and the rules among them."""
    begin: int | None = None
    for at, line in enumerate([*lines, Line(0, 0, "blank")]):
        inside = line.grid or (line.kind == "blank" and line.table == -1)
        if inside and begin is None and line.grid:
            begin = at
        elif not inside and begin is not None:
            yield begin, at
            begin = None


def _line(raw: str, place: int) -> Line:
    if not raw.strip():
        return Line(place, place, "blank")
    if _RULE.fullmatch(raw):
        return Line(place, place, "blank", table=-1)
    stripped = raw.strip()
    wide = raw.expandtabs(4) if "\t" in raw else raw
    indent = len(wide) - len(wide.lstrip())
    start = place + len(raw) - len(raw.lstrip())
    end = start + len(stripped)
    if _PARTED.search(stripped) is None:
        return Line(start, end, "text", indent, (Cell(start, end),))
    if raw.count("|") + raw.count("│") + raw.count("║") + raw.count("¦") >= 2 or (
        "|" in stripped[1:-1]
    ):
        cells = _bar_cells(raw, place)
        if len(cells) > 1:
            return Line(start, end, "row", indent, cells, grid=True)
    if "\t" in stripped:
        cells = _split_at(raw, place, re.compile(r"\t"))
        return Line(
            start,
            end,
            "row",
            indent,
            cells,
            grid="\t\t" in raw or raw.startswith("\t"),
            tabbed=True,
        )
    cells = _split_at(raw.rstrip(), place, _GAP)
    cells = tuple(c for c in cells if c.end > c.start)
    return Line(start, end, "row" if len(cells) > 1 else "text", indent, cells)


def _bar_cells(raw: str, place: int) -> tuple[Cell, ...]:
    inner_start = len(raw) - len(raw.lstrip())
    inner_end = len(raw.rstrip())
    if raw[inner_start] in "|│║¦" and inner_start < 4:
        inner_start += 1
    if inner_end > inner_start and raw[inner_end - 1] in "|│║¦":
        inner_end -= 1
    return _split_at(raw[:inner_end], place, _BAR, inner_start)


def _split_at(raw: str, place: int, pattern: re.Pattern[str], begin: int = 0) -> tuple[Cell, ...]:
    cells: list[Cell] = []
    last = begin
    for found in [*pattern.finditer(raw, begin), None]:
        stop = found.start() if found else len(raw)
        piece = raw[last:stop]
        lead = len(piece) - len(piece.lstrip())
        length = len(piece.strip())
        cells.append(Cell(place + last + lead, place + last + lead + length))
        if found:
            last = found.end()
    return tuple(cells)

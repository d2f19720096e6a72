"""The letter as shown: one text, and its lines with their cells, whatever the source was."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Box = tuple[float, float, float, float]
"""Left, top, right and bottom as shares of a page's width and height, from its top left."""
Kind = Literal["text", "heading", "row", "blank"]


@dataclass(frozen=True, slots=True)
class Cell:
    """A stretch of the shown text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its stretch without surrounding space, its indent, its cells where it is a row.

    ``section`` is a section kind the source itself named by code; ``box`` is where the line stands on
    its page; ``table`` numbers the table a row belongs to; ``grid`` says that cells have the places of a ruled table, so that the n-th cell is
    the n-th column; ``goes_on`` that a rule closes the row further down, so that this line belongs
    to the row above; ``tabbed`` that tabs cut it.
    """

    start: int
    end: int
    kind: Kind = "text"
    indent: int = 0
    cells: tuple[Cell, ...] = ()
    table: int | None = None
    grid: bool = False
    section: str | None = None
    page: int | None = None
    goes_on: bool = False
    box: Box | None = None
    tabbed: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """The shown text and its lines, in reading order."""

    text: str
    lines: tuple[Line, ...]

    def of(self, place: Line | Cell) -> str:
        """The words at a place."""
        return self.text[place.start : place.end]


@dataclass(slots=True)
class Builder:
    """Writes a sheet line by line, for sources that are not plain text."""

    parts: list[str] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    length: int = 0

    def add(self, text: str, kind: Kind = "text", **facts: Any) -> None:
        """One line of text; empty text makes a blank line."""
        clean = " ".join(text.split())
        if not clean:
            if self.lines and self.lines[-1].kind != "blank":
                self.lines.append(Line(self.length, self.length, "blank"))
                self._write("\n")
            return
        start = self.length
        self._write(clean + "\n")
        self.lines.append(Line(start, start + len(clean), kind, **facts))

    def row(self, cells: list[str], table: int, **facts: Any) -> None:
        """One row of a table; cells are set apart by a bar."""
        places: list[Cell] = []
        start = self.length
        for number, cell in enumerate(cells):
            if number:
                self._write(" | ")
            clean = " ".join(cell.split())
            places.append(Cell(self.length, self.length + len(clean)))
            self._write(clean)
        end = self.length
        self._write("\n")
        self.lines.append(
            Line(start, end, "row", cells=tuple(places), table=table, grid=True, **facts)
        )

    def _write(self, text: str) -> None:
        self.parts.append(text)
        self.length += len(text)

    def sheet(self) -> Sheet:
        """What was written."""
        return Sheet("".join(self.parts), tuple(self.lines))

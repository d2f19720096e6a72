"""Pages as PDF with text: a small writer of its own, tables with rules, lists, several pages."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

from counterfoil.synthetic.letters.model import Stay
from counterfoil.synthetic.letters.page import STYLES, Page, page

TALL, WIDE, EDGE = 842, 595, 46
"""An A4 page in points, and its margin."""

NARROW, BROAD = "iljt.,:;'|!() f", "mwMW%@"


def width(text: str, size: float) -> float:
    """How wide words set in Helvetica are, near enough to wrap by, in points."""
    units = sum(
        0.29 if c in NARROW else 0.87 if c in BROAD else 0.68 if c.isupper() else 0.56 for c in text
    )
    return units * size


def fold(text: str, room: float, size: float) -> list[str]:
    """The words in lines that fit, broken at spaces."""
    lines, row = [], ""
    for word in text.split():
        longer = f"{row} {word}".strip()
        if row and width(longer, size) > room:
            lines.append(row)
            row = word
        else:
            row = longer
    return [*lines, row] if row or not lines else lines


@dataclass(slots=True)
class Paper:
    """A document being set: where the pen is, and the drawing of each page."""

    pages: list[list[str]] = field(default_factory=lambda: [[]])
    y: float = TALL - EDGE

    def room(self, high: float) -> None:
        """Go to a new page unless so much is left."""
        if self.y - high < EDGE:
            self.pages.append([])
            self.y = TALL - EDGE

    def text(self, x: float, y: float, words: str, size: float = 9.5, bold: bool = False) -> None:
        """Words at a place."""
        safe = words.encode("cp1252", "replace").decode("cp1252")
        for mark in ("\\", "(", ")"):
            safe = safe.replace(mark, "\\" + mark)
        font = "F2" if bold else "F1"
        self.pages[-1].append(f"BT /{font} {size:g} Tf {x:.1f} {y:.1f} Td ({safe}) Tj ET")

    def line(self, words: str, size: float = 9.5, bold: bool = False, indent: float = 0) -> None:
        """One line, or as many as the words need."""
        for row in fold(words, WIDE - 2 * EDGE - indent, size):
            self.room(size * 1.35)
            self.y -= size * 1.35
            self.text(EDGE + indent, self.y, row, size, bold)

    def gap(self, high: float = 6) -> None:
        """Some empty space."""
        self.y -= high

    def rule(self, x1: float, y1: float, x2: float, y2: float) -> None:
        """A thin line."""
        self.pages[-1].append(f"0.5 w {x1:.1f} {y1:.1f} m {x2:.1f} {y2:.1f} l S")

    def table(
        self, rows: list[tuple[str, ...]], share: list[float], ruled: bool, size: float = 8.5
    ) -> None:
        """Rows of cells, the first bold, each cell folded into its column."""
        total = WIDE - 2 * EDGE
        widths = [total * part / sum(share) for part in share]
        for number, row in enumerate(rows):
            cells = [fold(c, w - 6, size) for c, w in zip(row, widths, strict=True)]
            high = max(len(cell) for cell in cells) * size * 1.25 + 4
            self.room(high)
            top, x = self.y, float(EDGE)
            for cell, wide in zip(cells, widths, strict=True):
                for place, words in enumerate(cell):
                    if words:
                        self.text(x + 3, top - (place + 1) * size * 1.25, words, size, number == 0)
                if ruled:
                    self.rule(x, top, x, top - high)
                x += wide
            self.y -= high
            if ruled:
                self.rule(EDGE, top, WIDE - EDGE, top)
                self.rule(WIDE - EDGE, top, WIDE - EDGE, self.y)
                self.rule(EDGE, self.y, WIDE - EDGE, self.y)

    def content(self) -> bytes:
        """The file: catalogue, pages, two fonts and compressed drawings; no dates."""
        count = len(self.pages)
        kids = " ".join(f"{5 + 2 * n} 0 R" for n in range(count))
        objects = [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            f"<< /Type /Pages /Kids [{kids}] /Count {count} >>".encode(),
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
        ]
        for number, drawing in enumerate(self.pages):
            data = zlib.compress("\n".join(drawing).encode("cp1252"), 6)
            objects.append(
                f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {WIDE} {TALL}] /Contents "
                f"{6 + 2 * number} 0 R /Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>".encode()
            )
            head = f"<< /Length {len(data)} /Filter /FlateDecode >>\nstream\n".encode()
            objects.append(head + data + b"\nendstream")
        out, places = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"), []
        for number, body in enumerate(objects, start=1):
            places.append(len(out))
            out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
        start = len(out)
        out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
        out += b"".join(f"{place:010d} 00000 n \n".encode() for place in places)
        out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
        return bytes(out)


def _head(paper: Paper, told: Page) -> None:
    paper.line(told.trust, 14, bold=True)
    paper.line(f"{told.title} - {told.ward}", 10)
    paper.gap()


def _words(paper: Paper, told: Page) -> None:
    for label, words in told.paragraphs:
        if label:
            paper.line(f"{label}: {words}")
        else:
            paper.line(words)
        paper.gap(3)


def _wide(told: Page) -> list[float]:
    return [2.6] + [1.25] * (len(told.blocks[0].heads) - 1)


def ruled(told: Page) -> Paper:
    """Labels in two columns, then tables with rules."""
    paper = Paper()
    _head(paper, told)
    pairs = told.labels
    for left, right in zip(pairs[::2], pairs[1::2], strict=True):
        paper.room(14)
        paper.y -= 13
        paper.text(EDGE, paper.y, f"{left[0]}: {left[1]}")
        paper.text(WIDE / 2, paper.y, f"{right[0]}: {right[1]}")
    paper.gap(8)
    _words(paper, told)
    for block in told.blocks:
        paper.line(block.heading, 11, bold=True)
        paper.gap(4)
        if block.rows:
            paper.table([block.heads, *[cells for _, cells in block.rows]], _wide(told), True)
        else:
            paper.line(told.none)
        paper.gap(8)
    paper.line(told.sign)
    return paper


def bare(told: Page) -> Paper:
    """The same without rules, everything in one column above."""
    paper = Paper()
    _head(paper, told)
    for label, value in told.labels:
        paper.line(f"{label}: {value}")
    paper.gap(6)
    _words(paper, told)
    for block in told.blocks:
        paper.line(block.heading.upper(), 10, bold=True)
        if block.rows:
            paper.table([block.heads, *[cells for _, cells in block.rows]], _wide(told), False, 8)
        else:
            paper.line(told.none)
        paper.gap(8)
    paper.line(told.sign)
    return paper


def numbered(told: Page) -> Paper:
    """A numbered list, each medicine with its directions after a dash."""
    paper = Paper()
    _head(paper, told)
    for label, value in told.labels:
        paper.line(f"{label} {value}")
    paper.gap(6)
    _words(paper, told)
    for block in told.blocks:
        paper.line(block.heading, 11, bold=True)
        if not block.rows:
            paper.line(told.none, indent=12)
        for number, (_, cells) in enumerate(block.rows, start=1):
            rest = [cell for cell in cells[1:] if cell and cell != "-"]
            paper.line(f"{number}. " + " - ".join([cells[0], *rest]), indent=12)
        paper.gap(6)
    paper.line(told.sign)
    return paper


def form(told: Page) -> Paper:
    """Each medicine in a small form of labelled lines; runs over pages."""
    paper = Paper()
    _head(paper, told)
    for label, value in told.labels:
        paper.line(f"{label}: {value}")
    paper.gap(6)
    _words(paper, told)
    for block in told.blocks:
        paper.line(block.heading, 11, bold=True)
        if not block.rows:
            paper.line(told.none)
        for _, cells in block.rows:
            paper.room(len(cells) * 13)
            for head, cell in zip(block.heads, cells, strict=True):
                if cell and cell != "-":
                    paper.line(f"{head}: {cell}", bold=head == block.heads[0])
            paper.gap(5)
    paper.line(told.sign)
    return paper


def _of(style: str, render: Callable[[Page], Paper]) -> Callable[[Stay], tuple[bytes, Page]]:
    def write(stay: Stay) -> tuple[bytes, Page]:
        told = page(stay, STYLES[style])
        return render(told).content(), told

    return write


PDF = "application/pdf"
LAYOUTS: dict[str, tuple[Callable[[Stay], tuple[bytes, Page]], str, str]] = {
    "pdf_ruled": (_of("northgate", ruled), PDF, "pdf"),
    "pdf_supply": (_of("wharfside", ruled), PDF, "pdf"),
    "pdf_bare": (_of("eastmoor", bare), PDF, "pdf"),
    "pdf_numbered": (_of("lowfell", numbered), PDF, "pdf"),
    "pdf_form": (_of("st_brides", form), PDF, "pdf"),
}
"""Every PDF layout: its writer, media type and file ending."""

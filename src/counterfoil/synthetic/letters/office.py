"""Pages as Word documents: the least that a .docx needs, a table or numbered paragraphs."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from xml.sax.saxutils import escape

from counterfoil.synthetic.letters.model import Stay
from counterfoil.synthetic.letters.page import STYLES, Page, page

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
MAIN = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time a zip file can state: no clock is read."""


def _paragraph(words: str, bold: bool = False) -> str:
    look = "<w:rPr><w:b/></w:rPr>" if bold else ""
    return f'<w:p><w:r>{look}<w:t xml:space="preserve">{escape(words)}</w:t></w:r></w:p>'


def _row(cells: tuple[str, ...], bold: bool = False) -> str:
    return (
        "<w:tr>" + "".join(f"<w:tc>{_paragraph(cell, bold)}</w:tc>" for cell in cells) + "</w:tr>"
    )


def _above(told: Page) -> list[str]:
    out = [_paragraph(told.trust, True), _paragraph(f"{told.title}, {told.ward}")]
    out += [_paragraph(f"{label}: {value}") for label, value in told.labels]
    out += [_paragraph(f"{a}: {b}" if a else b) for a, b in told.paragraphs]
    return out


def tabled(told: Page) -> list[str]:
    """A table under each heading."""
    out = _above(told)
    for block in told.blocks:
        out.append(_paragraph(block.heading, True))
        if block.rows:
            rows = "".join(_row(cells) for _, cells in block.rows)
            out.append(f"<w:tbl><w:tblPr/>{_row(block.heads, True)}{rows}</w:tbl>")
        else:
            out.append(_paragraph(told.none))
    return [*out, _paragraph(told.sign)]


def typed(told: Page) -> list[str]:
    """A paragraph a medicine, a tab between what stands in columns elsewhere."""
    out = _above(told)
    for block in told.blocks:
        out.append(_paragraph(block.heading, True))
        if not block.rows:
            out.append(_paragraph(told.none))
        for _, cells in block.rows:
            out.append(_paragraph(", ".join(cell for cell in cells if cell and cell != "-")))
    return [*out, _paragraph(told.sign)]


def _file(body: list[str]) -> bytes:
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    parts = {
        "[Content_Types].xml": f'{head}<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/word/document.xml" ContentType="{MAIN}"/></Types>',
        "_rels/.rels": f'{head}<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{OFFICE}" Target="word/document.xml"/></Relationships>',
        "word/document.xml": f'{head}<w:document xmlns:w="{W}"><w:body>{"".join(body)}</w:body></w:document>',
    }
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as package:
        for name, words in parts.items():
            package.writestr(
                zipfile.ZipInfo(name, EPOCH), words.encode("utf-8"), zipfile.ZIP_DEFLATED
            )
    return sink.getvalue()


def _of(style: str, render: Callable[[Page], list[str]]) -> Callable[[Stay], tuple[bytes, Page]]:
    def write(stay: Stay) -> tuple[bytes, Page]:
        told = page(stay, STYLES[style])
        return _file(render(told)), told

    return write


DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
LAYOUTS: dict[str, tuple[Callable[[Stay], tuple[bytes, Page]], str, str]] = {
    "docx_table": (_of("eastmoor", tabled), DOCX, "docx"),
    "docx_typed": (_of("kingsbarrow", typed), DOCX, "docx"),
}
"""Every Word layout: its writer, media type and file ending."""

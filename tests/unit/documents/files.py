"""Writes small PDF and Word files for the tests, byte by byte."""

from __future__ import annotations

import io
import zipfile

Line = list[tuple[float, str]]


def pdf(pages: list[list[Line]]) -> bytes:
    """A PDF whose pages hold lines of words, each at its distance from the left edge in points."""
    objects: list[bytes] = []
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(pages)))
    objects.append(b"<< /Type /Catalog /Pages 2 0 R >>")
    objects.append(f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode())
    objects.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    for number, lines in enumerate(pages):
        parts = []
        for row, line in enumerate(lines):
            for left, words in line:
                text = words.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
                parts.append(f"BT /F1 9 Tf {left} {800 - 14 * row} Td ({text}) Tj ET")
        stream = "\n".join(parts).encode("latin-1")
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {5 + 2 * number} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>".encode()
        )
        objects.append(f"<< /Length {len(stream)} >>\nstream\n".encode() + stream + b"\nendstream")
    out = io.BytesIO(b"%PDF-1.4\n")
    out.seek(0, io.SEEK_END)
    places = []
    for number, body in enumerate(objects, 1):
        places.append(out.tell())
        out.write(f"{number} 0 obj\n".encode() + body + b"\nendobj\n")
    start = out.tell()
    out.write(f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode())
    for place in places:
        out.write(f"{place:010d} 00000 n \n".encode())
    out.write(
        f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF".encode()
    )
    return out.getvalue()


def docx(blocks: list[str | list[list[str]]]) -> bytes:
    """A Word file of paragraphs and tables; a paragraph that starts with # is a heading."""
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"

    def paragraph(text: str) -> str:
        style = '<w:pPr><w:pStyle w:val="Heading1"/></w:pPr>' if text.startswith("#") else ""
        words = text.lstrip("# ")
        return f'<w:p>{style}<w:r><w:t xml:space="preserve">{words}</w:t></w:r></w:p>'

    body = ""
    for block in blocks:
        if isinstance(block, str):
            body += paragraph(block)
            continue
        rows = "".join(
            "<w:tr>" + "".join(f"<w:tc>{paragraph(c)}</w:tc>" for c in row) + "</w:tr>"
            for row in block
        )
        body += f"<w:tbl>{rows}</w:tbl>"
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as package:
        package.writestr(
            "word/document.xml",
            f'<w:document xmlns:w="{space}"><w:body>{body}</w:body></w:document>',
        )
    return held.getvalue()

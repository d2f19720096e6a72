"""Word documents (.docx) into a sheet: paragraphs, list items and tables in reading order."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from lxml import etree

from counterfoil.documents.shown import Builder, Sheet
from counterfoil.foundation.errors import DataError

LARGEST_PART = 30_000_000
"""Bytes of the largest unpacked document part that is read: a guard against zip bombs."""

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def read_docx(content: bytes, name: str) -> Sheet:
    """The document's words; ``DataError`` where the file is no Word document, encrypted or too large."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            info = package.getinfo("word/document.xml")
            if info.flag_bits & 1:
                raise DataError.at(name, "expected a letter that is not encrypted", "a password")
            if info.file_size > LARGEST_PART:
                raise DataError.at(name, "expected a letter of usual size", "a part of many MB")
            with package.open(info) as part:
                data = part.read(LARGEST_PART + 1)
    except (
        zipfile.BadZipFile,
        KeyError,
        NotImplementedError,
        RuntimeError,
        OSError,
        EOFError,
        ValueError,
        zipfile.LargeZipFile,
    ) as error:
        raise DataError.at(name, "expected a Word document", "another kind of archive") from error
    except Exception as error:
        if type(error).__module__ in ("zlib", "_lzma"):
            raise DataError.at(name, "expected a Word document", "a damaged archive") from error
        raise
    if len(data) > LARGEST_PART:
        raise DataError.at(name, "expected a letter of usual size", "a part of many MB")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise DataError.at(name, "expected a Word document", "a damaged document") from error
    out = Builder()
    body = root.find(f"{_W}body")
    tables = 0
    for block in body if body is not None else ():
        if block.tag == f"{_W}p":
            _paragraph(block, out)
        elif block.tag == f"{_W}tbl":
            tables += 1
            for row in block.iter(f"{_W}tr"):
                cells = [
                    " ; ".join(filter(None, map(_words, c.iter(f"{_W}p"))))
                    for c in row.findall(f"{_W}tc")
                ]
                if len([c for c in cells if c]) == 1 and len(cells) == 1:
                    out.add(cells[0])
                elif any(cells):
                    out.row(cells, tables)
            out.add("")
    return out.sheet()


def _paragraph(node: Any, out: Builder) -> None:
    text = _words(node)
    style = node.find(f"{_W}pPr/{_W}pStyle")
    name = style.get(f"{_W}val", "") if style is not None else ""
    runs = [r for r in node.iter(f"{_W}r") if _words(r)]
    bold = bool(runs) and all(r.find(f"{_W}rPr/{_W}b") is not None for r in runs)
    listed = node.find(f"{_W}pPr/{_W}numPr") is not None
    for number, line in enumerate(text.split("\n")):
        prefix = "• " if listed and number == 0 else ""
        out.add(prefix + line, "heading" if name.lower().startswith("heading") or bold else "text")


def _words(node: Any) -> str:
    parts: list[str] = []
    for piece in node.iter():
        if piece.tag == f"{_W}t":
            parts.append(piece.text or "")
        elif piece.tag == f"{_W}tab":
            parts.append("  ")
        elif piece.tag in (f"{_W}br", f"{_W}cr"):
            parts.append("\n")
    return "".join(parts).strip()

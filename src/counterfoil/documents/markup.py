"""HTML into a sheet: what a person sees, line by line, tables as rows with cells."""

from __future__ import annotations

import re
from typing import Any

from lxml import etree, html

from counterfoil.documents.shown import Builder
from counterfoil.foundation.errors import DataError

_BLOCKS = frozenset(
    [
        "p",
        "div",
        "section",
        "article",
        "header",
        "footer",
        "main",
        "ul",
        "ol",
        "dl",
        "dt",
        "dd",
        "li",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "table",
        "tr",
        "td",
        "th",
        "pre",
        "blockquote",
        "address",
        "fieldset",
        "legend",
        "form",
        "hr",
        "center",
        "body",
        "html",
        "caption",
        "aside",
        "nav",
    ]
)
_HEADINGS = frozenset(["h1", "h2", "h3", "h4", "h5", "h6", "caption", "legend", "dt"])
_UNSEEN = frozenset(
    [
        "script",
        "style",
        "head",
        "title",
        "meta",
        "link",
        "template",
        "noscript",
        "iframe",
        "object",
        "svg",
    ]
)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_DEEPEST = 120


def parse_html(text: str, name: str) -> Any:
    """The element tree; ``DataError`` where there is none."""
    parser = html.HTMLParser(
        no_network=True, remove_comments=True, remove_pis=True, huge_tree=False
    )
    try:
        tree = html.document_fromstring(
            text.replace("\x00", "").encode("utf-8"), parser=_utf8(parser)
        )
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        raise DataError.at(name, "expected an HTML letter", "nothing that can be read") from error
    return tree


def _utf8(_: Any) -> Any:
    return html.HTMLParser(
        no_network=True, remove_comments=True, remove_pis=True, huge_tree=False, encoding="utf-8"
    )


class _Flatten:
    """Walks a tree and writes lines."""

    def __init__(self, out: Builder) -> None:
        self.out = out
        self.buffer: list[str] = []
        self.strong = 0
        self.plain = False
        self.tables = sum(1 for line in out.lines if line.table is not None)

    def flush(self, kind: str = "text", prefix: str = "") -> None:
        text = "".join(self.buffer)
        self.buffer.clear()
        marked = kind == "heading" or (bool(text.strip()) and self.strong > 0 and not self.plain)
        self.strong, self.plain = 0, False
        if text.strip():
            self.out.add(prefix + " ".join(text.split()), "heading" if marked else "text")

    def walk(self, node: Any, depth: int = 0, bold: bool = False) -> None:
        tag = node.tag if isinstance(node.tag, str) else ""
        tag = tag.rpartition("}")[2].lower()
        if tag in _UNSEEN or depth > _DEEPEST or _HIDDEN.search(node.get("style") or ""):
            return
        if tag == "table" and self._is_data(node):
            self.flush()
            self._table(node)
            self.out.add("")
            return
        if tag == "pre":
            self.flush()
            for line in "".join(node.itertext()).split("\n"):
                self.out.add(line)
            return
        block = tag in _BLOCKS
        if block:
            self.flush()
        if tag == "li":
            self.buffer.append("• ")
        bold = bold or tag in ("b", "strong")
        self._text(node.text, bold)
        for child in node:
            self.walk(child, depth + 1, bold)
            if isinstance(child.tag, str) and child.tag.rpartition("}")[2].lower() == "br":
                self.flush()
            self._text(child.tail, bold)
        if block:
            self.flush("heading" if tag in _HEADINGS else "text")
            if tag in ("p", "ul", "ol", "table", "div", "section"):
                self.out.add("")

    def _text(self, text: str | None, bold: bool) -> None:
        if text and text.strip():
            self.buffer.append(text)
            if bold:
                self.strong += 1
            else:
                self.plain = True
        elif text:
            self.buffer.append(" ")

    @staticmethod
    def _is_data(node: Any) -> bool:
        """A table of data, and not one that lays out a page (tables in its cells)."""
        return not any(
            isinstance(d.tag, str) and d.tag.rpartition("}")[2].lower() == "table"
            for d in node.iterdescendants()
        )

    def _table(self, node: Any) -> None:
        self.tables += 1
        for row in node.iter():
            if not isinstance(row.tag, str):
                continue
            tag = row.tag.rpartition("}")[2].lower()
            if tag == "caption":
                self.out.add(_words(row), "heading")
            if tag != "tr":
                continue
            cells: list[str] = []
            for cell in row:
                if isinstance(cell.tag, str) and cell.tag.rpartition("}")[2].lower() in (
                    "td",
                    "th",
                ):
                    cells.append(_words(cell))
                    cells += [""] * (min(_span(cell), 12) - 1)
            filled = [c for c in cells if c]
            if len(filled) == 1 and len(cells) <= 1:
                self.out.add(filled[0], "text")
            elif filled:
                self.out.row(cells, self.tables)


def _span(cell: Any) -> int:
    text = cell.get("colspan") or "1"
    return int(text) if text.isdigit() and 0 < int(text) < 100 else 1


def _words(node: Any) -> str:
    parts: list[str] = []
    for piece in node.iter():
        if not isinstance(piece.tag, str):
            continue
        tag = piece.tag.rpartition("}")[2].lower()
        if tag in ("br", "p", "div", "li") and parts:
            parts.append(" ; " if tag in ("p", "li", "div") and parts[-1].strip() else " ")
        if piece.text and tag not in _UNSEEN:
            parts.append(piece.text)
        if piece is not node and piece.tail:
            parts.append(piece.tail)
    return re.sub(r"(?:\s*;\s*)+$", "", " ".join("".join(parts).split()))


def flatten(node: Any, out: Builder) -> None:
    """Writes an element's visible words to the builder."""
    walker = _Flatten(out)
    walker.walk(node)
    walker.flush()

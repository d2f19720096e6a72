"""HTML into a sheet: what a person sees, line by line, tables as rows with cells."""

from __future__ import annotations

import re
from typing import Any

from lxml import etree, html

from counterfoil.documents.layout import columns_of
from counterfoil.documents.names import name_at, names_several
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
        if block and _card(node):
            self.out.add(" - ".join(_words(part) for part in _children(node)))
            return
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
        """A table of data, and not one that lays out a page (tables in its cells).

        A table of medicines stays one where a cell of it holds a small table, of times and amounts.
        """
        if not any(_tag(d) == "table" for d in node.iterdescendants()):
            return True
        return any(
            columns_of([_words(cell) for cell in row]) for row in _rows(node) if len(row) > 1
        )

    def _table(self, node: Any) -> None:
        self.tables += 1
        held = _Held()
        for caption in node:
            if _tag(caption) == "caption":
                self.out.add(_joined(_marked(caption)), "heading")
        for row in _rows(node):
            cells = held.cells(row)
            filled = [words for cell in cells if (words := _joined(cell))]
            if len(filled) == 1 and len(cells) <= 1:
                self.out.add(filled[0], "text")
            elif filled:
                for texts in _apart(cells):
                    self.out.row(texts, self.tables)


def _tag(node: Any) -> str:
    return node.tag.rpartition("}")[2].lower() if isinstance(node.tag, str) else ""


def _rows(table: Any) -> list[Any]:
    """The rows of a table itself, not those of tables in its cells."""
    own = [table, *(part for part in table if _tag(part) in ("thead", "tbody", "tfoot"))]
    return [row for part in own for row in part if _tag(row) == "tr"]


def _children(node: Any) -> list[Any]:
    return [child for child in node if _tag(child) and _tag(child) not in _UNSEEN]


def _words(node: Any) -> str:
    return _joined(_marked(node))


def _card(node: Any) -> bool:
    """Whether this is one of several cards of one medicine each: a name, and parts that belong to it."""
    parent = node.getparent()
    if parent is None or not node.get("class") or _tag(node) in ("tr", "td", "th"):
        return False
    like = [
        c for c in _children(parent) if (_tag(c), c.get("class")) == (_tag(node), node.get("class"))
    ]
    parts = [_children(card) for card in like]
    if len(like) < 2 or any(len(card) < 2 or any(len(part) for part in card) for card in parts):
        return False
    named = [[bool(name_at(_words(part))) for part in card] for card in parts]
    return all(not any(card[1:]) for card in named) and 2 * sum(c[0] for c in named) > len(like)


class _Held:
    """Cells that reach down into the rows below them, so that each row has all its columns."""

    def __init__(self) -> None:
        self.down: dict[int, tuple[int, str]] = {}

    def cells(self, row: Any) -> list[str]:
        """The words of a row by column, lines set apart by ``_BREAK``.

        A cell from above speaks for this row too; but where it names a medicine the row goes on with
        that medicine, and nothing from above is said twice.
        """
        out: list[tuple[str, bool]] = []
        below: dict[int, tuple[int, str]] = {}

        def from_above() -> None:
            while len(out) in self.down:
                left, words = self.down[len(out)]
                if left > 1:
                    below[len(out)] = (left - 1, words)
                out.append((words, False))

        for cell in row:
            tag = cell.tag.rpartition("}")[2].lower() if isinstance(cell.tag, str) else ""
            if tag not in ("td", "th"):
                continue
            from_above()
            words, deep = _marked(cell), _span(cell, "rowspan")
            for number in range(min(_span(cell, "colspan"), 12)):
                if deep > 1:
                    below[len(out)] = (deep - 1, "" if number else words)
                out.append(("" if number else words, True))
        from_above()
        self.down = below
        goes_on = any(name_at(words) for words, own in out if not own)
        return [words if own or not goes_on else "" for words, own in out]


def _apart(cells: list[str]) -> list[list[str]]:
    """A row as rows of one medicine each, where its cells hold several line by line.

    Only where one cell names another medicine on each line and every other filled cell has as many
    lines: else nobody can say which words belong together, and the row stays whole.
    """
    by_line = [[" ".join(x.split()) for x in re.split(f"[{_BREAK}{_PART}]", c)] for c in cells]
    named = [lines for lines in by_line if names_several(lines)]
    if len(named) != 1:
        return [[_joined(cell) for cell in cells]]
    count = len(named[0])
    if any(any(lines) and len(lines) != count for lines in by_line):
        several = [names_several(lines) for lines in by_line]
        parts = zip(cells, by_line, several, strict=True)
        return [[" ; ".join(lines) if more else _joined(cell) for cell, lines, more in parts]]
    return [[lines[n] if any(lines) else "" for lines in by_line] for n in range(count)]


def _span(cell: Any, name: str) -> int:
    text = (cell.get(name) or "1").strip()
    return int(text) if text.isdigit() and 0 < int(text) < 100 else 1


_BREAK, _PART = "\n", "\v"
"""Where a cell's line ends: by a break, and as a part (paragraph, item) of its own."""


def _marked(node: Any) -> str:
    """The words of a cell with its line ends marked."""
    parts: list[str] = []

    def add(text: str | None) -> None:
        parts.append(re.sub(r"\s+", " ", text or ""))

    def walk(piece: Any) -> None:
        tag = piece.tag.rpartition("}")[2].lower() if isinstance(piece.tag, str) else ""
        block = tag in ("p", "div", "li", "tr")
        if tag and tag not in _UNSEEN:
            parts.append(_BREAK if tag == "br" else _PART if block else " " if tag == "td" else "")
            add(piece.text)
            for child in piece:
                walk(child)
            parts.append(_PART if block else "")
        add(piece.tail)

    add(node.text)
    for child in node:
        walk(child)
    text = re.sub(rf"(?:[{_BREAK} ]*{_PART}[{_BREAK} ]*)+", _PART, "".join(parts))
    return text.strip(f" {_PART}")


def _joined(marked: str) -> str:
    """Marked words on one line."""
    parts = [" ".join(part.split()) for part in marked.split(_PART)]
    return " ; ".join(part for part in parts if part)


def flatten(node: Any, out: Builder) -> None:
    """Writes an element's visible words to the builder."""
    walker = _Flatten(out)
    walker.walk(node)
    walker.flush()

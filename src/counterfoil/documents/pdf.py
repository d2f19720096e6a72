"""PDF with text into a sheet: words by their place on the page, columns kept apart by space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from counterfoil.documents.plain import read_plain
from counterfoil.documents.shown import Sheet
from counterfoil.foundation.errors import DataError

MOST_PAGES = 60
"""Pages of the longest PDF that is read as a letter."""


@dataclass(frozen=True, slots=True)
class _Char:
    text: str
    left: float
    right: float
    middle: float
    height: float


def read_pdf(content: bytes, name: str) -> Sheet:
    """The letter's words; ``DataError`` where the PDF is encrypted, malformed, too long or only images."""
    try:
        import pypdfium2
    except ImportError as error:
        raise DataError.at(
            name, "expected text, HTML or FHIR (PDF reading is not installed)", "a PDF"
        ) from error
    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        what = "a password" if "assword" in str(error) else "a PDF that cannot be opened"
        raise DataError.at(name, "expected a PDF that opens without a password", what) from error
    try:
        count = len(document)
        if count > MOST_PAGES:
            raise DataError.at(
                name, f"expected a letter of at most {MOST_PAGES} pages", f"{count} pages"
            )
        pages = [_page(document, number) for number in range(count)]
    except pypdfium2.PdfiumError as error:
        raise DataError.at(
            name, "expected a PDF whose pages can be read", "a damaged page"
        ) from error
    finally:
        document.close()
    text = "\n\n".join(pages)
    if not text.strip():
        raise DataError.at(
            name, "expected a PDF with text", "pages of pictures only: a person reads it"
        )
    return read_plain(text)


def _page(document: Any, number: int) -> str:
    """One page as text laid out in columns of equal characters."""
    page = document[number]
    words = page.get_textpage()
    chars: list[_Char] = []
    for i in range(words.count_chars()):
        letter = words.get_text_range(i, 1)
        if not letter or letter in "\r\n\x00\x02\ufffe":
            continue
        left, bottom, right, top = words.get_charbox(i, loose=True)
        chars.append(_Char(letter, left, right, (bottom + top) / 2, max(top - bottom, 0.1)))
    words.close()
    page.close()
    return "\n".join(_lay(row) for row in _rows(chars))


def _rows(chars: list[_Char]) -> list[list[_Char]]:
    """Characters by line, top to bottom: those whose middles lie within half a line's height."""
    inked = [c for c in chars if c.text.strip()]
    if not inked:
        return []
    usual = sorted(c.height for c in inked)[len(inked) // 2]
    rows: list[list[_Char]] = []
    level = 0.0
    for char in sorted(inked, key=lambda c: -c.middle):
        if rows and abs(char.middle - level) <= usual * 0.7:
            rows[-1].append(char)
            level += (char.middle - level) / len(rows[-1])
        else:
            if rows and level - char.middle > usual * 3.2:
                rows.append([])
            rows.append([char])
            level = char.middle
    return [sorted(row, key=lambda c: c.left) for row in rows]


def _lay(row: list[_Char]) -> str:
    """A line of characters with one space between words and a gap where columns stand apart."""
    if not row:
        return ""
    size = sorted(c.right - c.left for c in row)[len(row) // 2] or 1.0
    out = ""
    last: _Char | None = None
    for char in row:
        place = min(int(char.left / (size * 0.85)), 280)
        if last is None:
            out = " " * place
        else:
            gap = char.left - last.right
            if gap > size * 1.9:
                out += " " * max(3, place - len(out))
            elif gap > size * 0.22:
                out += " "
        out += char.text
        last = char
    return out

"""PDF with text into a sheet: words by their place on the page, columns kept apart by space."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from counterfoil.documents import ocr
from counterfoil.documents.plain import read_lines
from counterfoil.documents.shown import Box, Sheet
from counterfoil.documents.stacked import unstacked
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


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of a page: its words, and where it stands as shares of the page (or nowhere)."""

    text: str
    box: Box | None


def read_pdf(content: bytes, name: str) -> tuple[Sheet, bool]:
    """The letter's words, and whether they were read from pictures.

    ``DataError`` where the PDF is encrypted, malformed, too long, or only pictures that cannot be read
    here.
    """
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
        pictures = not any(row.text.strip() for page in pages for row in page)
        if pictures:
            pages = _pictures(document, count, name)
    except pypdfium2.PdfiumError as error:
        raise DataError.at(
            name, "expected a PDF whose pages can be read", "a damaged page"
        ) from error
    finally:
        document.close()
    return _sheet(pages), pictures


def read_picture(content: bytes, name: str) -> Sheet:
    """The words of a picture of a letter; ``DataError`` where there is no OCR, or it fails."""
    if not ocr.installed():
        raise DataError.at(
            name, "expected a letter as text, HTML, FHIR or PDF with text", "a picture without text"
        )
    picture = ocr.open_picture(content, name)
    return _sheet([_drawn(picture, name)])


def _sheet(pages: list[list[_Row]]) -> Sheet:
    """Pages one under the other; every line keeps its page and its place on it."""
    rows: list[tuple[_Row, int]] = []
    for number, page in enumerate(pages, 1):
        if rows:
            rows.append((_Row("", None), number))
        rows += [(row, number) for row in page]
    sheet = read_lines("\n".join(row.text for row, _ in rows))
    lines = list(sheet.lines)
    if len(lines) == len(rows):
        placed = zip(lines, rows, strict=True)
        lines = [replace(line, page=number, box=row.box) for line, (row, number) in placed]
    return Sheet(sheet.text, tuple(unstacked(sheet.text, lines)))


def _pictures(document: Any, count: int, name: str) -> list[list[_Row]]:
    """The pages drawn and read by OCR."""
    if not ocr.installed():
        raise DataError.at(
            name, "expected a PDF with text", "pages of pictures only: a person reads it"
        )
    if count > ocr.MOST_PAGES:
        raise DataError.at(
            name, f"expected at most {ocr.MOST_PAGES} pages of pictures", f"{count} pages"
        )
    pages = []
    for number in range(count):
        page = document[number]
        width, height = page.get_size()
        scale = min(ocr.DOTS / 72, (ocr.MOST_PIXELS / max(width * height, 1)) ** 0.5)
        pages.append(_drawn(page.render(scale=scale).to_pil(), name))
        page.close()
    if not any(row.text.strip() for page in pages for row in page):
        raise DataError.at(name, "expected a PDF with text", "pictures on which nothing was read")
    return pages


def _drawn(picture: Any, name: str) -> list[_Row]:
    chars: list[_Char] = []
    for word in ocr.words_of(picture, name):
        each = word.width / len(word.text)
        middle = picture.height - word.top - word.height / 2
        for place, letter in enumerate(word.text):
            left = word.left + place * each
            chars.append(_Char(letter, left, left + each, middle, max(word.height, 0.1)))
    return [_row(row, picture.width, picture.height) for row in _rows(chars)]


def _page(document: Any, number: int) -> list[_Row]:
    """One page as lines laid out in columns of equal characters."""
    page = document[number]
    width, height = page.get_size()
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
    return [_row(row, width, height) for row in _rows(chars)]


def _row(row: list[_Char], width: float, height: float) -> _Row:
    if not row or width <= 0 or height <= 0:
        return _Row(_lay(row), None)
    top = 1 - max(c.middle + c.height / 2 for c in row) / height
    bottom = 1 - min(c.middle - c.height / 2 for c in row) / height
    sides = (row[0].left / width, top, max(c.right for c in row) / width, bottom)
    left, top, right, bottom = (round(min(max(side, 0.0), 1.0), 4) for side in sides)
    return _Row(_lay(row), (left, top, right, bottom))


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

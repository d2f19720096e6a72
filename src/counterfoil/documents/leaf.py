"""A page of a PDF letter as a picture, to show where a line stands."""

from __future__ import annotations

import io

from counterfoil.foundation.errors import DataError

WIDE = 1000
"""Pixels of the picture's width."""
TALLEST = 3000


def drawn(content: bytes, number: int, name: str = "letter") -> bytes:
    """Page *number* (from 1) as PNG; ``DataError`` where there is none, or it cannot be drawn."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        raise DataError.at(name, "expected a PDF that can be drawn", "another file") from error
    try:
        if not 1 <= number <= len(document):
            raise DataError.at(name, f"expected a letter with a page {number}", "fewer pages")
        page = document[number - 1]
        width, height = page.get_size()
        scale = min(WIDE / max(width, 1), TALLEST / max(height, 1))
        held = io.BytesIO()
        page.render(scale=scale).to_pil().convert("RGB").save(held, "PNG")
    except pypdfium2.PdfiumError as error:
        raise DataError.at(name, "expected a page that can be drawn", "a damaged page") from error
    finally:
        document.close()
    return held.getvalue()

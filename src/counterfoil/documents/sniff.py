"""What a file is, by its content; and bytes into text."""

from __future__ import annotations

import re
from typing import Literal

from counterfoil.foundation.errors import DataError

Form = Literal["pdf", "json", "xml", "html", "text", "docx", "rtf", "image"]
LARGEST = 20_000_000
"""Bytes of the largest letter that is read."""
LONGEST = 400_000
"""Characters of the longest text that is read: about 100 pages."""

MEDIA: dict[str, str] = {
    "pdf": "application/pdf",
    "json": "application/fhir+json",
    "xml": "application/fhir+xml",
    "html": "text/html",
    "text": "text/plain",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "rtf": "application/rtf",
    "image": "image",
}
_IMAGES = (b"\x89PNG", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*", b"GIF8", b"BM")


def sniff(content: bytes, name: str) -> Form:
    """The form of a file; ``DataError`` where it is empty, too large, or none of the known ones."""
    if not content.strip(b"\x00 \t\r\n\xef\xbb\xbf"):
        raise DataError.at(name, "expected a letter", "an empty file")
    if len(content) > LARGEST:
        raise DataError.at(name, "expected a letter of at most 20 MB", f"{len(content)} bytes")
    head = content[:1024].lstrip()
    if b"%PDF-" in content[:1024]:
        return "pdf"
    if content.startswith(b"PK\x03\x04"):
        return "docx"
    if head.startswith(b"{\\rtf"):
        return "rtf"
    if content.startswith(_IMAGES):
        return "image"
    start = decode(content[:4096], name, partial=True).lstrip("\ufeff \t\r\n")
    if start.startswith(("{", "[")):
        return "json"
    if start.startswith("<"):
        return "html" if _is_html(start) else "xml"
    if re.search(r"<(?:html|body|table|p|div|br)\b", start, re.IGNORECASE):
        return "html"
    return "text"


def _is_html(start: str) -> bool:
    first = re.search(r"<\s*([A-Za-z][\w:]*)", re.sub(r"<[?!][^>]*>", "", start))
    known = "html head body div p table h1 h2 h3 h4 span ul ol br meta style center font section"
    return bool(
        re.match(r"<!doctype\s+html", start, re.IGNORECASE)
        or (first and first.group(1).lower() in known.split())
    )


_ODD = re.compile("[\x00-\x08\x0b\x0e-\x1f\ufffd]")
"""What no text has."""


def decode(content: bytes, name: str, *, partial: bool = False) -> str:
    """Bytes into text: by byte-order mark, UTF-8, else Windows-1252."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    text: str
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if partial and error.start >= len(content) - 4:
            return content[: error.start].decode("utf-8-sig", "replace")
        text = content.decode("cp1252", "replace")
    if not partial:
        odd = len(_ODD.findall(text))
        if odd * 20 > len(text):
            raise DataError.at(name, "expected a letter as text, HTML, FHIR or PDF", "binary data")
        if len(text) > LARGEST // 4:
            raise DataError.at(
                name, "expected a letter of at most 100 pages", f"{len(text)} characters"
            )
    return text

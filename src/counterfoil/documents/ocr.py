"""Pictures of letters into words with their places, where the program Tesseract is installed.

Tesseract is asked for its table of words (``tsv``); what it read is trusted less than text, and says so.
"""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
from dataclasses import dataclass
from typing import Any

from counterfoil.foundation.errors import DataError

MOST_PAGES = 12
"""Pictures of one letter that are read: each takes seconds."""
SECONDS = 60
"""The longest a page may take."""
DOTS = 300
"""Dots to the inch at which a page is drawn for it."""
MOST_PIXELS = 40_000_000
"""The largest picture that is opened: an A3 page at 300 dots to the inch is half of it."""
_SURE = 30.0
"""Words of less confidence (of 100) are set as unreadable."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word and its place in the picture, in pixels from the top left."""

    text: str
    left: float
    top: float
    width: float
    height: float


def installed() -> bool:
    """Whether Tesseract is there."""
    return shutil.which("tesseract") is not None


def words_of(picture: Any, name: str) -> list[Word]:
    """The words of a picture (a Pillow image); ``DataError`` where Tesseract fails or takes too long."""
    program = shutil.which("tesseract")
    if program is None:
        raise DataError.at(
            name, "expected a letter with text", "a picture, and no OCR is installed"
        )
    held = io.BytesIO()
    picture.convert("L").save(held, "PNG")
    asked = [program, "stdin", "stdout", "--psm", "6", "-l", "eng", "tsv"]
    try:
        done = subprocess.run(
            asked, input=held.getvalue(), capture_output=True, timeout=SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise DataError.at(
            name, "expected a picture that can be read", "one on which OCR failed"
        ) from error
    return _parsed(done.stdout.decode("utf-8", "replace"))


def _parsed(table: str) -> list[Word]:
    found = []
    for row in csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE):
        text = (row.get("text") or "").strip()
        try:
            sure = float(row.get("conf") or -1)
            place = [float(row[k]) for k in ("left", "top", "width", "height")]
        except (KeyError, TypeError, ValueError):
            continue
        if text and sure >= 0:
            found.append(Word(text if sure >= _SURE else "??", *place))
    return found


def open_picture(content: bytes, name: str) -> Any:
    """A picture file as a Pillow image; ``DataError`` where it is none, or too large."""
    from PIL import Image, UnidentifiedImageError

    try:
        picture = Image.open(io.BytesIO(content))
        if picture.width * picture.height > MOST_PIXELS:
            raise DataError.at(name, "expected a picture of usual size", "a very large one")
        picture.load()
    except (
        UnidentifiedImageError,
        OSError,
        ValueError,
        SyntaxError,
        Image.DecompressionBombError,
    ) as error:
        raise DataError.at(name, "expected a picture that opens", "a damaged one") from error
    return picture

"""A letter that came as a scan: a picture of a page in a PDF, with no text to be read.

The page is drawn in the bitmap font that Pillow carries, a little aslant and with specks, so that it
looks the same on any machine.
"""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from counterfoil.synthetic.draws import stream

WIDE, TALL = 595, 842
"""An A4 page in points."""

ACROSS, EVERY, EDGE = 100, 12, 24
"""Characters in a line, points from line to line, and the margin, in pixels of the drawing."""

SCALE = 2
"""Pixels of the scan for one of the drawing: about 150 to the inch."""

SPECKS = 0.0008
LEAN = 1 / 160
"""How far the page leans: pixels across for one down."""

Pixels = npt.NDArray[np.bool_]


def scanned(text: str, key: str) -> bytes:
    """The text as a PDF of pictures; ``key`` seeds the specks."""
    rows = [
        line[at : at + ACROSS]
        for line in text.split("\n")
        for at in range(0, len(line) or 1, ACROSS)
    ]
    fits = (TALL - 2 * EDGE) // EVERY
    pages = [rows[at : at + fits] for at in range(0, len(rows), fits)]
    rng = stream(0, "scan", key)
    return _file([_worn(_drawn(page), rng) for page in pages])


def _drawn(rows: list[str]) -> Pixels:
    """A page of lines as ink or none."""
    sheet = Image.new("1", (ACROSS * 6 + 2 * EDGE, TALL), 0)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default_imagefont()
    for number, row in enumerate(rows):
        pen.text(
            (EDGE, EDGE + EVERY * number),
            row.encode("latin-1", "replace").decode("latin-1"),
            1,
            font,
        )
    return np.asarray(sheet, dtype=np.bool_)


def _worn(page: Pixels, rng: np.random.Generator) -> Pixels:
    """The page enlarged, leaning, its ink broken and the paper speckled."""
    large = page.repeat(SCALE, axis=0).repeat(SCALE, axis=1)
    for line in range(large.shape[0]):
        large[line] = np.roll(large[line], round(line * LEAN))
    dots = large.reshape(-1)
    for share, ink in ((SPECKS * 20, False), (SPECKS, True)):
        dots[rng.integers(0, dots.size, round(dots.size * share))] = ink
    return large


def _file(pages: list[Pixels]) -> bytes:
    kids = " ".join(f"{3 + 3 * n} 0 R" for n in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
    ]
    for number, page in enumerate(pages):
        high, wide = page.shape
        image = zlib.compress(np.packbits(~page, axis=1).tobytes(), 6)
        paint = f"q {WIDE} 0 0 {TALL} 0 0 cm /S Do Q".encode()
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {WIDE} {TALL}] /Contents {4 + 3 * number} 0 R "
            f"/Resources << /XObject << /S {5 + 3 * number} 0 R >> >> >>".encode(),
            f"<< /Length {len(paint)} >>\nstream\n".encode() + paint + b"\nendstream",
            f"<< /Type /XObject /Subtype /Image /Width {wide} /Height {high} /ColorSpace /DeviceGray "
            f"/BitsPerComponent 1 /Filter /FlateDecode /Length {len(image)} >>\nstream\n".encode()
            + image
            + b"\nendstream",
        ]
    out, places = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"), []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{place:010d} 00000 n \n".encode() for place in places)
    out += (
        f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
    )
    return bytes(out)

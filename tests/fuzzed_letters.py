"""Letters spoilt in every way that files are spoilt: text, pages, messages, archives, and whole kinds
of file that no letter should be. The same number always gives the same document."""

from __future__ import annotations

import base64
import importlib.util
import io
import json
import random
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).parent
STYLES = sorted((HERE / "unit/documents/styles").iterdir())


def _files() -> ModuleType:
    spec = importlib.util.spec_from_file_location("letter_files", HERE / "unit/documents/files.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FILES = _files()
ODD = [
    "",
    "|",
    "\t",
    "\n",
    ":",
    "½",
    "(",
    "<td>",
    "\x0c",
    "·",
    "\x00",
    "\ufffd",
    "𝟓",
    "\u202e",
    "é",
]


def document(number: int) -> bytes:
    """One spoilt document."""
    dice = random.Random(number)
    letter = dice.choice(STYLES).read_text("utf-8").partition("--- key\n")[0]
    made: bytes = dice.choice(KINDS)(letter, dice)
    return made


def _cut(text: str, dice: random.Random) -> str:
    for _ in range(dice.randint(1, 12)):
        a, b = sorted((dice.randrange(len(text) + 1), dice.randrange(len(text) + 1)))
        b = min(b, a + 80)
        text = text[:a] + dice.choice([*ODD, text[a:b] * 2]) + text[b:]
    return text


def _flip(content: bytes, dice: random.Random) -> bytes:
    held = bytearray(content)
    for _ in range(dice.randint(1, 40)):
        if held:
            held[dice.randrange(len(held))] = dice.randrange(256)
    return bytes(held[: dice.randint(1, len(held))] if dice.random() < 0.3 else held)


def _text(letter: str, dice: random.Random) -> bytes:
    return _cut(letter, dice).encode(dice.choice(["utf-8", "utf-16", "cp1252"]), "replace")


def _long(letter: str, dice: random.Random) -> bytes:
    shape = dice.randrange(4)
    if shape == 0:
        return (letter * dice.randint(20, 200)).encode()
    if shape == 1:
        return letter.replace("\n", " ").encode() * dice.randint(5, 60)
    if shape == 2:
        return (letter + "\n" + " | ".join(["Ramipril 5mg od"] * 4000)).encode()
    return (letter + "\n" + "(" * 20_000 + "Medications: " * 3_000).encode()


def _html(letter: str, dice: random.Random) -> bytes:
    rows = "".join(f"<tr><td>{x}<td>{dice.choice(ODD)}</tr>" for x in letter.splitlines())
    deep = "<div>" * dice.choice([1, 5, 3000]) + "<table>" * dice.choice([1, 2, 400])
    return _cut(f"<html><body><h1>Letter</h1>{deep}<table>{rows}</table>", dice).encode()


def _pdf(letter: str, dice: random.Random) -> bytes:
    lines = [
        [(40.0, x[:110].encode("latin-1", "replace").decode("latin-1"))]
        for x in letter.splitlines()
    ]
    content: bytes = FILES.pdf([lines[:55], lines[55:110]] * dice.choice([1, 2, 10]))
    return _flip(content, dice) if dice.random() < 0.8 else content


def _pdf_kinds(letter: str, dice: random.Random) -> bytes:
    shape = dice.randrange(4)
    if shape == 0:  # many pages
        many: bytes = FILES.pdf([[[(40.0, "Ramipril 5mg capsules one daily")]]] * 500)
        return many
    if shape == 1:  # pages of pictures only
        empty: bytes = FILES.pdf([[], []])
        return empty
    if shape == 2:  # a stream that unpacks to a hundred megabytes
        packed = zlib.compress(b" " * 100_000_000, 9)
        body: bytes = FILES.pdf([[[(40.0, "x")]]])
        return body.replace(b"<< /Length", b"<< /Filter /FlateDecode /Length", 1).replace(
            b"stream\nBT", b"stream\n" + packed + b"BT", 1
        )
    crypt = (
        b"<< /Filter /Standard /V 2 /R 3 /Length 128 /P -44 /O ("
        + b"o" * 32
        + b") /U ("
        + b"u" * 32
    )
    locked: bytes = FILES.pdf([[[(40.0, letter[:40].encode("ascii", "ignore").decode())]]])
    return locked.replace(b"trailer << ", b"trailer << /ID [(a)(a)] /Encrypt " + crypt + b") >> ")


def _docx(letter: str, dice: random.Random) -> bytes:
    plain = letter.replace("&", "and").replace("<", "(").replace(">", ")")
    cells = [x.split("  ") for x in plain.splitlines() if "  " in x] or [["Drug", "Dose"]]
    content: bytes = FILES.docx([*plain.splitlines(), cells])
    return _flip(content, dice)


def _archives(letter: str, dice: random.Random) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as package:
        if dice.random() < 0.5:
            package.writestr("word/document.xml", b"<w>" + b"a" * dice.choice([10, 60_000_000]))
        else:
            package.writestr(dice.choice(["letter.txt", "../../etc/x", "a/b.zip"]), letter)
    return held.getvalue()


def _message(letter: str, dice: random.Random) -> bytes:
    inner = _text(letter, dice) if dice.random() < 0.7 else _pdf(letter, dice)
    resource: dict[str, object] = {
        "resourceType": "Binary",
        "contentType": dice.choice(["application/pdf", "text/plain", "image/tiff"]),
        "data": base64.b64encode(inner).decode(),
    }
    for _ in range(dice.choice([0, 0, 1, 4, 80])):
        resource = {"resourceType": "Bundle", "type": "message", "entry": [{"resource": resource}]}
    return (
        _cut(json.dumps(resource), dice).encode()
        if dice.random() < 0.4
        else json.dumps(resource).encode()
    )


def _deep(letter: str, dice: random.Random) -> bytes:
    depth = dice.choice([50, 5_000, 100_000])
    return dice.choice([b"[" * depth, b"<a>" * depth, b'{"a":' * depth, b"{\\rtf1" + b"{" * depth])


def _noise(letter: str, dice: random.Random) -> bytes:
    head = dice.choice(
        [
            b"",
            b"\x89PNG\r\n\x1a\n",
            b"%PDF-1.7\n",
            b"PK\x03\x04",
            b"\xd0\xcf\x11\xe0",
            b"\xff\xd8\xff",
        ]
    )
    return head + dice.randbytes(dice.choice([0, 1, 500, 20_000]))


def _two_people(letter: str, dice: random.Random) -> bytes:
    other = (
        f"\nPatient: Another Person\nNHS number: 999 000 0034  DOB: {dice.randint(1, 28)}/02/1950\n"
    )
    return (letter + other + letter).encode()


KINDS: list[Callable[[str, random.Random], bytes]] = [
    _text, _text, _text, _long, _html, _html, _pdf, _pdf, _pdf_kinds, _docx, _archives, _message,
    _deep, _noise, _two_people,
]  # fmt: skip

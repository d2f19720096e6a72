"""A path as the flat list of files it holds: a file, a folder, a zip, and zips inside them.

What was downloaded is untrusted: sizes and counts are bounded before anything is unpacked, every
byte that is unpacked counts against the bound, and nothing is ever written outside a temporary
file. A damaged archive is a ``DataError`` that names the archive and the member.
"""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from counterfoil.foundation.errors import DataError

MOST_FILES = 20_000
MOST_BYTES = 24 << 30
"""Unpacked, in all. A full dm+d release is about 0.5 GB, a UK SNOMED CT release about 6 GB."""
MOST_RATIO = 400
"""Unpacked to packed, for members above ``RATIO_FROM`` bytes; release XML and text packs 20 to 60 to 1."""
RATIO_FROM = 32 << 20
DEEPEST = 3
"""Zips inside zips; dm+d has one level."""

_ZIP = b"PK\x03\x04"
_EMPTY_ZIP = b"PK\x05\x06"
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError)


class Bytes:
    """A stream of bytes that can only be read, forward; damage is a ``DataError``."""

    def __init__(self, stream: IO[bytes], place: str) -> None:
        self._stream = stream
        self._place = place

    def read(self, size: int = -1) -> bytes:
        """The next bytes, at most *size*; all of them where it is negative."""
        try:
            return self._stream.read(size)
        except _BROKEN as error:
            raise _damaged(self._place, error) from error


@dataclass(frozen=True)
class Entry:
    """One file of a source. ``name`` is its base name, ``place`` says where it lies for people."""

    name: str
    place: str
    size: int
    _open: Callable[[], IO[bytes]]

    @contextmanager
    def open(self) -> Iterator[Bytes]:
        """The file's bytes as a stream. Damage met while reading is a ``DataError``."""
        try:
            stream = self._open()
        except _BROKEN as error:
            raise _damaged(self.place, error) from error
        with stream:
            yield Bytes(stream, self.place)

    def head(self, size: int = 4096) -> bytes:
        """The first bytes."""
        with self.open() as stream:
            return stream.read(size)

    def read(self, most: int) -> bytes:
        """The whole file, at most *most* bytes; ``DataError`` where it is larger."""
        with self.open() as stream:
            content = stream.read(most + 1)
        if len(content) > most:
            raise DataError.at(self.place, f"a file of at most {most:,} bytes is expected")
        return content

    def sha256(self) -> str:
        """The SHA-256 of the whole content, which also shows that all of it can be read."""
        digest = hashlib.sha256()
        with self.open() as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
        return digest.hexdigest()


class Source:
    """The files under a path, those in nested zips included. Use as a context manager.

    Raises :class:`DataError` where there is nothing at the path, a zip is damaged or locked with a
    password, or the bounds of this module are passed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        self._stack = ExitStack()
        self._bytes = 0
        self.entries: list[Entry] = []

    def __enter__(self) -> Source:
        try:
            if not self.path.exists():
                raise DataError.at(str(self.path), "a file or folder is needed", "nothing there")
            if self.path.is_dir():
                self._add_folder(self.path)
            else:
                self._add_file(self.path, self.path.name)
        except BaseException:
            self._stack.close()
            raise
        self.entries.sort(key=lambda e: e.place)
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def named(self, ending: str) -> list[Entry]:
        """The files whose names end so, in lower case."""
        return [e for e in self.entries if e.name.lower().endswith(ending)]

    def _add_folder(self, folder: Path) -> None:
        for under, _, names in os.walk(folder):
            for name in sorted(names):
                path = Path(under, name)
                if path.is_file() and not name.startswith("."):
                    self._add_file(path, path.relative_to(folder).as_posix())

    def _add_file(self, path: Path, place: str) -> None:
        size = path.stat().st_size
        self._count(size, place)

        def opened() -> IO[bytes]:
            return path.open("rb")

        entry = Entry(path.name, place, size, opened)
        if _is_archive(entry):
            self._add_zip(path, place, 1)
        else:
            self.entries.append(entry)

    def _add_zip(self, content: Path | IO[bytes], place: str, depth: int) -> None:
        if depth > DEEPEST:
            raise DataError.at(place, f"at most {DEEPEST} zips inside one another are expected")
        try:
            archive = self._stack.enter_context(zipfile.ZipFile(content))
            members = archive.infolist()
        except _BROKEN as error:
            raise _damaged(place, error) from error
        for member in members:
            if not member.is_dir():
                self._add_member(archive, member, f"{place}/{member.filename}", depth)

    def _add_member(
        self, archive: zipfile.ZipFile, member: zipfile.ZipInfo, place: str, depth: int
    ) -> None:
        if member.flag_bits & 0x1:
            raise DataError.at(place, "a zip without a password is expected", "a locked member")
        if member.file_size > RATIO_FROM and member.file_size > MOST_RATIO * max(
            1, member.compress_size
        ):
            raise DataError.at(
                place,
                f"a file that unpacks to at most {MOST_RATIO} times its packed size is expected",
                f"{member.compress_size:,} bytes that claim to be {member.file_size:,}",
            )
        self._count(member.file_size, place)

        def opened() -> IO[bytes]:
            return archive.open(member)

        entry = Entry(Path(member.filename).name, place, member.file_size, opened)
        if not _is_archive(entry):
            self.entries.append(entry)
            return
        unpacked = self._stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - closed by the stack
        with entry.open() as stream:
            while block := stream.read(1 << 20):
                unpacked.write(block)
        unpacked.seek(0)
        self._add_zip(unpacked, place, depth + 1)

    def _count(self, size: int, place: str) -> None:
        self._bytes += size
        if self._bytes > MOST_BYTES:
            raise DataError.at(place, f"at most {MOST_BYTES:,} bytes in all are expected")
        if len(self.entries) >= MOST_FILES:
            raise DataError.at(place, f"at most {MOST_FILES:,} files are expected")


def _is_archive(entry: Entry) -> bool:
    """Whether the file is a zip of files; a spreadsheet, which is a zip too, stays one file."""
    if entry.name.lower().endswith((".xlsx", ".xlsm", ".docx")):
        return False
    if entry.name.lower().endswith(".zip"):
        return True
    return entry.head(4) in (_ZIP, _EMPTY_ZIP)


def _damaged(place: str, error: Exception) -> DataError:
    words = str(error).removeprefix("Error ") or type(error).__name__
    return DataError.at(place, "a whole, undamaged file is expected; fetch it again", words)


def spool(entry: Entry, most: int) -> io.BytesIO:
    """The entry's content in memory, for readers that must seek; at most *most* bytes."""
    return io.BytesIO(entry.read(most))

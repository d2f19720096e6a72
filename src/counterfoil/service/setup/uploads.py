"""Uploads that stop at a size, and zip archives that are unpacked without trust."""

from __future__ import annotations

import shutil
import stat
import zipfile
from pathlib import Path
from typing import Any

from django.core.files.uploadhandler import FileUploadHandler, StopUpload

from counterfoil.foundation.errors import DataError, Problem
from counterfoil.records.importers import emis
from counterfoil.records.schema import TABLES

MEGABYTE = 1024 * 1024
MOST_UPLOADED = 1000 * MEGABYTE
"""An extract of average English size (3.2 GB) packs to a tenth of it; it is never held in memory."""
MOST_UNPACKED = 8192 * MEGABYTE
MOST_FILES = 60
MOST_RATIO = 200
"""A CSV of a GP record packs to a tenth or a twentieth; far beyond that it is made to do harm."""
CHUNK = MEGABYTE
_PACKED = (".zip", ".gz", ".7z", ".rar", ".tar")


class SizeLimit(FileUploadHandler):
    """Stops keeping a file that is larger than any the service takes, and marks the request.

    The rest of the form is read to its end, so that the page can say what was the matter.
    """

    taken = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        """Pass the chunk on while the files together are within the limit."""
        self.taken += len(raw_data)
        if self.taken > MOST_UPLOADED:
            self.request.META["counterfoil.too_large"] = "yes"  # type: ignore[union-attr]
            raise StopUpload(connection_reset=False)
        return raw_data

    def file_complete(self, file_size: int) -> Any:
        """Leave the file to the handlers after this one."""
        return None


def unpack(archive: Path, into: Path) -> list[str]:
    """Unpack the tables of a zip archive; a sentence for each other file, which is left.

    Files may lie at the top or in one folder. Nothing is written outside *into*, nothing beyond
    the limits, and no archive within is opened. ``DataError`` says why an archive was refused.
    """
    try:
        with zipfile.ZipFile(archive) as pack:
            chosen, left = _choose(pack)
            _check_room(sum(entry.file_size for entry in chosen.values()), into.parent)
            into.mkdir(mode=0o700)
            _extract(pack, chosen, into)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise DataError.at("the zip file", "an archive that can be unpacked is needed") from None
    except RuntimeError:  # what zipfile raises for a password
        raise DataError.at("the zip file", "an archive without a password is needed") from None
    return left


def _check_room(size: int, folder: Path) -> None:
    """Unpacked and staged, a record takes twice its size while it is read."""
    free = shutil.disk_usage(folder).free
    if free < 2 * size:
        raise DataError.at(
            "the zip file",
            f"{2 * size // MEGABYTE + 1:,} MB free on the disk of this installation are needed",
            f"{free // MEGABYTE:,} MB",
        )


def _choose(pack: zipfile.ZipFile) -> tuple[dict[str, zipfile.ZipInfo], list[str]]:
    entries = [entry for entry in pack.infolist() if not entry.is_dir()]
    problems = []
    if len(entries) > MOST_FILES:
        problems.append(
            Problem("the zip file", f"at most {MOST_FILES} files", f"{len(entries)} files")
        )
    whole = sum(entry.file_size for entry in entries)
    if whole > MOST_UNPACKED:
        expected = f"at most {MOST_UNPACKED // MEGABYTE:,} MB unpacked"
        problems.append(Problem("the zip file", expected, f"{whole // MEGABYTE:,} MB"))
    chosen: dict[str, zipfile.ZipInfo] = {}
    left = []
    for entry in entries[:MOST_FILES]:
        parts = Path(entry.filename.replace("\\", "/")).parts
        name = parts[-1] if parts else ""
        plain = name.lower().endswith(".csv") and _is_table(name[:-4])
        shown = name[:60] or "a file without a name"
        if ".." in parts or entry.filename.startswith(("/", "\\")) or _link(entry):
            problems.append(Problem(f"the zip file, {shown}", "plain files in one folder"))
        elif plain and name in chosen:
            problems.append(Problem(f"the zip file, {name}", "each table once"))
        elif plain and entry.flag_bits & 1:
            problems.append(Problem(f"the zip file, {name}", "an archive without a password"))
        elif plain and entry.file_size > MOST_RATIO * max(entry.compress_size, 4096):
            expected = f"a file packed no tighter than {MOST_RATIO} to 1"
            problems.append(Problem(f"the zip file, {name}", expected))
        elif plain:
            chosen[name] = entry
        else:
            left.append(f"{shown} is not a table of an extract: not read")
    if not chosen and not problems:
        within = any(entry.filename.lower().endswith(_PACKED) for entry in entries)
        problems.append(
            Problem(
                "the zip file",
                "files such as patient.csv, Admin_Patient.csv or SRPatient.csv are needed",
                "an archive within the archive: unpack it, and pack its files"
                if within
                else "none",
            )
        )
    if problems:
        raise DataError(*problems[:20])
    return chosen, left


def _is_table(stem: str) -> bool:
    """Whether a file's name is that of a table of the template or of an extract."""
    return stem in TABLES or emis.table_of(stem) is not None or stem[:2].upper() == "SR"


def _link(entry: zipfile.ZipInfo) -> bool:
    mode = entry.external_attr >> 16
    return bool(mode) and stat.S_IFMT(mode) not in (0, stat.S_IFREG)


def _extract(pack: zipfile.ZipFile, chosen: dict[str, zipfile.ZipInfo], into: Path) -> None:
    """Write the files, counting what really comes out: what an archive says of itself may lie."""
    left = MOST_UNPACKED
    for name, entry in chosen.items():
        with pack.open(entry) as source, (into / name).open("xb") as target:
            while chunk := source.read(CHUNK):
                left -= len(chunk)
                if left < 0:
                    expected = f"at most {MOST_UNPACKED // MEGABYTE:,} MB unpacked"
                    raise DataError.at("the zip file", expected, "more")
                target.write(chunk)

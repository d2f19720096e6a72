"""The GP record: canonical tables, importers, the store, and one patient's record in one call.

>>> load = read_record_file(Path("record.json"), practice="X00001")  # doctest: +SKIP
>>> snapshot = Store(Path("store")).write(load)  # doctest: +SKIP
>>> Store(Path("store")).patient(snapshot, "p1").plans  # doctest: +SKIP
"""

from __future__ import annotations

from pathlib import Path

from counterfoil.foundation.errors import DataError
from counterfoil.records.importers import IMPORTERS, read
from counterfoil.records.load import Load, Reject, TableCount, of_tables
from counterfoil.records.patient import PatientRecord
from counterfoil.records.persons import DEMO_KEY, person_id_for
from counterfoil.records.store import Snapshot, Store

__all__ = [
    "DEMO_KEY",
    "IMPORTERS",
    "Load",
    "PatientRecord",
    "Reject",
    "Snapshot",
    "Store",
    "TableCount",
    "of_tables",
    "person_id_for",
    "read",
    "read_record_file",
    "sniff",
]


def sniff(path: Path) -> str:
    """The kind of a record file: ``csv`` for a folder, ``gpconnect`` for JSON.

    Raises :class:`DataError` where it is neither.
    """
    if path.is_dir():
        return "csv"
    if not path.is_file():
        raise DataError.at(path.name, "expected a file or folder", "nothing there")
    with path.open("rb") as file:
        start = file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()
    if start[:1] in (b"{", b"["):
        return "gpconnect"
    raise DataError.at(path.name, "expected a GP Connect bundle (JSON) or a folder of CSV files")


def read_record_file(
    path: Path, practice: str = "X00001", kind: str | None = None, *, key: bytes = DEMO_KEY
) -> Load:
    """Read a GP record file of any known kind; where *kind* is not given, it is found out.

    Raises :class:`DataError` for what is wrong with the data.
    """
    return read(kind or sniff(path), path, practice, key=key)

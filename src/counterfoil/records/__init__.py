"""The GP record: canonical tables, importers, the store, and one patient's record in one call.

>>> load = read_record_file(Path("record.json"), practice="X00001")  # doctest: +SKIP
>>> snapshot = Store(Path("store")).write(load)  # doctest: +SKIP
>>> Store(Path("store")).patient(snapshot, "p1").plans  # doctest: +SKIP
"""

from __future__ import annotations

from pathlib import Path

from counterfoil.records.importers import AUTO, IMPORTERS, Options, detect, read
from counterfoil.records.load import Load, Reject, TableCount, of_tables
from counterfoil.records.patient import PatientRecord
from counterfoil.records.persons import DEMO_KEY, person_id_for
from counterfoil.records.store import Snapshot, Store

__all__ = [
    "AUTO",
    "DEMO_KEY",
    "IMPORTERS",
    "Load",
    "Options",
    "PatientRecord",
    "Reject",
    "Snapshot",
    "Store",
    "TableCount",
    "detect",
    "of_tables",
    "person_id_for",
    "read",
    "read_record_file",
]


def read_record_file(
    path: Path, practice: str = "X00001", kind: str | None = None, *, key: bytes = DEMO_KEY
) -> Load:
    """Read a GP record file of any known kind; where *kind* is not given, it is found out.

    Raises :class:`DataError` for what is wrong with the data.
    """
    return read(kind or AUTO, path, practice, key=key)

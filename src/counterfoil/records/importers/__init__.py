"""Readers of GP record formats: one module a format, all into the same tables with one report."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from counterfoil.foundation.errors import DataError, UsageError
from counterfoil.records.importers import csv_template, gpconnect
from counterfoil.records.load import Load
from counterfoil.records.persons import DEMO_KEY


class Importer(Protocol):
    """What every format's ``read`` is: the whole load, or :class:`DataError`."""

    def __call__(self, path: Path, practice: str, *, key: bytes = DEMO_KEY) -> Load: ...


IMPORTERS: dict[str, Importer] = {"csv": csv_template.read, "gpconnect": gpconnect.read}
"""Every format by its name on the command line."""


def read(kind: str, path: Path, practice: str, *, key: bytes = DEMO_KEY) -> Load:
    """Read *path*, which is of the format *kind*, as the record of *practice*.

    Raises :class:`UsageError` for a kind that there is none of, :class:`DataError` for what is
    wrong with the data.
    """
    if kind not in IMPORTERS:
        raise UsageError(f"there is no importer {kind!r}; there are {', '.join(IMPORTERS)}")
    if not path.exists():
        raise DataError.at(path.name, "expected a file or folder", "nothing there")
    return IMPORTERS[kind](path, practice, key=key)

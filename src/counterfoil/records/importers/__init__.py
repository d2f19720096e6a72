"""Readers of GP record formats: one module a format, all into the same tables with one report.

:func:`detect` says what a file or folder is; :func:`read` reads it. Every reader gives the whole
:class:`~counterfoil.records.load.Load` or raises :class:`DataError`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from counterfoil.foundation.errors import DataError, UsageError
from counterfoil.records.importers import csv_template, emis, fhir, gpconnect, mapped, systmone
from counterfoil.records.importers.detecting import Found, detect, others
from counterfoil.records.load import Load
from counterfoil.records.persons import DEMO_KEY

__all__ = ["AUTO", "IMPORTERS", "Found", "Options", "detect", "read"]

AUTO = "auto"
"""The kind that stands for: find out."""


@dataclass(frozen=True)
class Options:
    """What some formats need to be told.

    ``delta``: the extract holds only what changed (emis, systmone). ``codes``: the folder of an
    earlier extract whose code tables hold (emis). ``map``: how the columns of a search's file are
    mapped (csv). ``patients``: patient ids of the practice's record by NHS number, for messages
    that name a patient by number alone (fhir).
    """

    delta: bool = False
    codes: Path | None = None
    map: mapped.ColumnMap | None = None
    patients: Mapping[str, str] = field(default_factory=dict)


def _csv(path: Path, practice: str, key: bytes, options: Options) -> Load:
    if options.map is not None:
        return mapped.read(path, practice, options.map, key=key, patients=options.patients)
    return csv_template.read(path, practice, key=key)


def _emis(path: Path, practice: str, key: bytes, options: Options) -> Load:
    return emis.read(path, practice, key=key, delta=options.delta, codes=options.codes)


Importer = Callable[[Path, str, bytes, Options], Load]

IMPORTERS: dict[str, Importer] = {
    "emis": _emis,
    "systmone": lambda path, practice, key, options: systmone.read(
        path, practice, key=key, delta=options.delta
    ),
    "gpconnect": lambda path, practice, key, _: gpconnect.read(path, practice, key=key),
    "fhir": lambda path, practice, key, options: fhir.read(
        path, practice, key=key, patients=options.patients
    ),
    "csv": _csv,
}
"""Every format by its name on the command line."""

_USES = {"delta": {"emis", "systmone"}, "codes": {"emis"}, "map": {"csv"}}


def read(
    kind: str,
    path: Path,
    practice: str,
    *,
    key: bytes = DEMO_KEY,
    options: Options | None = None,
) -> Load:
    """Read *path*, which is of the format *kind*, as the record of *practice*.

    With the kind ``auto`` the format is found out, and the first note of the load says what was
    found. Raises :class:`UsageError` for a kind that there is none of or an option that it has no
    use for, :class:`DataError` for what is wrong with the data.
    """
    options = options or Options()
    if kind != AUTO and kind not in IMPORTERS:
        known = ", ".join((AUTO, *IMPORTERS))
        raise UsageError(f"there is no importer {kind!r}; there are {known}")
    if not path.exists():
        raise DataError.at(path.name, "expected a file or folder", "nothing there")
    notes = []
    if kind == AUTO:
        found = Found("csv", "") if options.map is not None else detect(path)
        kind, notes = found.kind, [found.words] if found.words else []
    for name, kinds in _USES.items():
        if getattr(options, name) and kind not in kinds:
            raise UsageError(f"--{name} is of no use to the format {kind}")
    if path.is_dir() and kind in ("emis", "systmone"):
        notes += others(path)
    load = IMPORTERS[kind](path, practice, key, options)
    return replace(load, notes=[*notes, *load.notes])

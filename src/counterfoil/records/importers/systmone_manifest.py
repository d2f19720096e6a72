"""What the manifest of a SystmOne delivery says: which files there are, and which hold only changes.

``SRManifest.csv`` has a row a file: FileName (without ``.csv``), IsDelta (Y or N), IsReference,
DateExtractFrom, DateExtractTo (``20261120_0130``). Source: the columns in the open SFTPReader of
Endeavour Health, read November 2026. It was known there to be wrong at times: a whole file marked
that lacks a practice. It is used to refuse, therefore, and to date; never to believe against the rows.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from counterfoil.foundation.errors import DataError
from counterfoil.records.importers.csv_file import read_header
from counterfoil.records.importers.extract import Dialect

NAME = "SRManifest"
_MOMENT = re.compile(r"\d{8}(_\d{4})?\Z", re.ASCII)


@dataclass(frozen=True)
class Manifest:
    """The tables that a delivery lists, as changes only or whole, and until when it extracted."""

    changes: frozenset[str] = frozenset()
    whole: frozenset[str] = frozenset()
    until: date | None = None
    notes: list[str] = field(default_factory=list)


def read(paths: Sequence[Path], dialect: Dialect) -> Manifest:
    """What the manifests of a folder say together.

    Raises :class:`DataError` for one that cannot be read, and where one calls a table whole that
    another has changes of: several deliveries are imported one after the other.
    """
    marked: dict[str, set[str]] = {"Y": set(), "N": set()}
    days = []
    for path in paths:
        names = [name.lower() for name in read_header(path, dialect.delimiter, dialect.quote)]
        for needed in ("FileName", "IsDelta"):
            if needed.lower() not in names:
                raise DataError.at(f"{path.name} row 1", f"expected a column {needed}", "none")
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            rows = csv.reader(file, delimiter=dialect.delimiter, quotechar=dialect.quote)
            next(rows, None)
            for number, cells in enumerate(rows, 2):
                row = dict(zip(names, (cell.strip() for cell in cells), strict=False))
                name = row.get("filename", "")
                if not name:
                    continue
                if row["isdelta"].upper() not in marked:
                    place = f"{path.name} row {number}"
                    raise DataError.at(
                        place, "column IsDelta: expected Y or N", row["isdelta"][:20]
                    )
                marked[row["isdelta"].upper()].add(_table(name))
                days += _days(row.get("dateextractto", ""))
    both = sorted(marked["Y"] & marked["N"])
    if both:
        raise DataError.at(
            NAME,
            "expected one delivery in the folder: import several one after the other",
            f"{both[0]} whole and as changes",
        )
    return Manifest(frozenset(marked["Y"]), frozenset(marked["N"]), max(days, default=None))


def check(manifest: Manifest, delta: bool, read: Collection[str], there: Collection[str]) -> None:
    """Refuse a delivery that is not what the import was told, or lacks a file that it lists.

    *read* are the tables that are read, *there* those the folder has. Both are meant as the
    manifest writes them, in small letters.
    """
    changes = sorted(manifest.changes & set(read))
    whole = sorted(manifest.whole & set(read))
    lacking = sorted((manifest.changes | manifest.whole) & set(read) - set(there))
    if lacking:
        raise DataError.at(
            NAME,
            f"expected every file that it lists; {_shown(lacking)} {_is(lacking)} not in the folder",
        )
    if changes and not delta:
        raise DataError.at(
            NAME,
            "expected a whole extract; this is one of changes only: import it as that (--delta, or "
            "the box on the page), or everything else of the practice would be taken away",
            f"marked as changes: {_shown(changes)}",
        )
    if delta and whole and not changes:
        raise DataError.at(
            NAME,
            "expected an extract of changes only; this is a whole one: import it without --delta "
            "(without the tick on the page), or what is no longer in it would stay",
            f"marked as whole: {_shown(whole)}",
        )


def mixed(manifest: Manifest, read: Collection[str]) -> str:
    """A sentence for a delivery of changes that holds some tables whole; empty otherwise."""
    whole = sorted(manifest.whole & set(read))
    if not whole or not manifest.changes & set(read):
        return ""
    return (
        f"{NAME}: {_shown(whole)} {_is(whole)} marked as whole among changes; taken as changes, so "
        "rows that are no longer in it stay"
    )


def _table(name: str) -> str:
    return name.removesuffix(".csv").removesuffix(".CSV").lower()


def _days(text: str) -> list[date]:
    try:
        return [date.fromisoformat(text[:8])] if _MOMENT.match(text) else []
    except ValueError:
        return []


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (" ..." if len(names) > 4 else "")


def _is(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"

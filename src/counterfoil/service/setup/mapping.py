"""A search's file whose columns somebody maps once: what the page of columns does.

The file waits in the private folder of its dry run (:mod:`counterfoil.service.setup.importing`). The
map that is made of it is tried dry at once, and may be kept for the practice: the next file with the
same headers begins with it. Maps hold headers and words of codes, nothing about a patient.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from counterfoil.foundation.errors import DataError
from counterfoil.records.importers import mapped
from counterfoil.records.schema import VALUES
from counterfoil.service.accounts.models import User
from counterfoil.service.config import home
from counterfoil.service.setup import importing

SHOWN_ROWS = 3
TABLE_WORDS = {
    "patient": "Patients",
    "plan": "Medicines on repeat or acute (one row a medicine)",
    "issue": "Issues (one row each time it was issued)",
    "coded_entry": "Coded entries and test results",
    "problem": "Problems",
    "allergy": "Allergies",
    "recall": "Recalls and diary entries",
    "admission": "Admissions",
}
"""What the tables of a map are called on the page."""


@dataclass(frozen=True)
class Column:
    """One column of the file: its header, first cells, and what it is mapped to so far."""

    number: int
    header: str
    cells: tuple[str, ...]
    target: str


@dataclass(frozen=True)
class Fixed:
    """A value that is the same in every row: its choices, if it is one of a list."""

    name: str
    choices: tuple[str, ...]
    value: str


@dataclass(frozen=True)
class Waiting:
    """A file that waits for its map."""

    ref: str
    practice_name: str
    file: str
    table: str
    date: str
    columns: tuple[Column, ...]
    fixed: tuple[Fixed, ...]
    targets: tuple[str, ...]
    saved: bool
    """Whether it begins with a map that the practice kept."""


def waiting(
    user: User,
    ref: str,
    table: str | None = None,
    told: Mapping[str, str] | None = None,
) -> Waiting:
    """The user's own file with a map to begin with; *told* is what the form said last.

    ``ScopeError`` where there is no such file (any more); ``DataError`` where it is no CSV.
    """
    about, path = importing.waiting_file(user, ref)
    header, rows = mapped.preview(path, SHOWN_ROWS)
    kept = _kept(about["practice"], header)
    if table not in mapped.MAPPED:
        table = kept.table if kept else "issue"
    begun = kept if kept and kept.table == table else mapped.suggest(path, table)
    told = told or {}
    columns = tuple(
        Column(
            number,
            name,
            tuple(row[number] if number < len(row) else "" for row in rows),
            told.get(f"column-{number}", begun.columns.get(name, "")),
        )
        for number, name in enumerate(header)
    )
    fixed = tuple(
        Fixed(
            name,
            VALUES.get((table, name), ()),
            told.get(f"fixed-{name}", begun.fixed.get(name, "")),
        )
        for name in mapped.needed(table)
        if name not in {column.target for column in columns}
    )
    return Waiting(
        ref,
        about["practice_name"],
        about["file"],
        table,
        told.get("date", begun.date),
        columns,
        fixed,
        mapped.targets(table),
        begun is kept,
    )


def choose(user: User, ref: str, told: Mapping[str, str]) -> None:
    """Try the file dry with the map that the form says; keep the map where it says so.

    ``DataError`` says what is wrong with the map; the file waits on then.
    """
    about, path = importing.waiting_file(user, ref)
    header, _ = mapped.preview(path, 1)
    table = told.get("table", "")
    kept = _kept(about["practice"], header)
    columns = {
        name: told[f"column-{number}"]
        for number, name in enumerate(header)
        if told.get(f"column-{number}")
    }
    given = mapped.ColumnMap(
        table,
        columns,
        told.get("date", ""),
        {
            name: told[f"fixed-{name}"]
            for name in (mapped.needed(table) if table in mapped.MAPPED else ())
            if told.get(f"fixed-{name}") and name not in columns.values()
        },
        kept.values if kept and kept.table == table else {},
        source="search",
    )
    mapped.check_map(given)
    if told.get("keep") == "yes":
        _keep(about["practice"], given)
    importing.try_mapped(user, ref, given)


def _folder(practice: str) -> Path:
    folder: Path = home.current().folder / "maps" / practice
    return folder


def _kept(practice: str, header: tuple[str, ...]) -> mapped.ColumnMap | None:
    """The practice's map whose headers the file has, the one that uses most of them."""
    found = []
    for path in sorted(_folder(practice).glob("*.toml")):
        try:
            each = mapped.read_map(path)
        except DataError:
            continue
        if set(each.columns) <= set(header):
            found.append(each)
    return max(found, key=lambda each: len(each.columns), default=None)


def _keep(practice: str, given: mapped.ColumnMap) -> None:
    folder = _folder(practice)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=folder, encoding="utf-8", delete=False) as file:
        file.write(given.to_toml())
    Path(file.name).replace(folder / f"{given.table}.toml")

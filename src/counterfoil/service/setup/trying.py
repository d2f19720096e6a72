"""A file of a record read and laid beside what is published: what an import of it would do.

It writes nothing but the unpacked file, in the private folder of its job.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from counterfoil.foundation.errors import DataError, UsageError
from counterfoil.records import importers
from counterfoil.records.importers import mapped
from counterfoil.records.load import Load
from counterfoil.records.merge import merge
from counterfoil.records.nhs import check_demo
from counterfoil.records.persons import DEMO_KEY
from counterfoil.records.schema import TABLES
from counterfoil.service.config import home
from counterfoil.service.records import reading
from counterfoil.service.records.models import Snapshot
from counterfoil.service.setup import uploads

SHOWN_REJECTS = 200
FILE, MAP, TABLES_FOLDER = "file", "map.toml", "tables"
"""What a job's folder holds: the file as it came, the map of its columns, its unpacked tables."""


@dataclass(frozen=True)
class TableLine:
    """One table of a dry run: the file's own rows or resources, and rows before and after."""

    name: str
    read: int
    loaded: int
    rejected: int
    before: int
    after: int


@dataclass(frozen=True)
class DryRun:
    """What an import would do. ``problems`` says why it cannot be done; then there is no table."""

    format: str = ""
    scope: str = ""
    tables: tuple[TableLine, ...] = ()
    losses: tuple[dict[str, Any], ...] = ()
    """Tables that would lose more than is believed without asking: table, before, after."""
    rejects: tuple[dict[str, str], ...] = ()
    rejected: int = 0
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    patients: int = 0
    """Patients in the file."""
    patients_before: int = 0
    patients_after: int = 0
    data_as_at: str = ""
    published: str = ""
    """The key of the snapshot that was compared with; an import needs it to be the same."""

    @property
    def data_day(self) -> date | None:
        """The newest day that the source vouches for."""
        return date.fromisoformat(self.data_as_at) if self.data_as_at else None

    def to_json(self) -> dict[str, Any]:
        """As plain data, to keep."""
        return asdict(self)

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> DryRun:
        """What :meth:`to_json` kept."""
        lists = {
            key: tuple(said.get(key, ())) for key in ("losses", "rejects", "notes", "problems")
        }
        lines = tuple(TableLine(**line) for line in said.get("tables", ()))
        return cls(**{**said, **lists, "tables": lines})


def dry_run(folder: Path, practice: str, delta: bool) -> DryRun:
    """Read the file in *folder* and say what importing it would change; nothing is changed."""
    published = published_key(practice)
    try:
        with loaded(folder, practice, delta) as load, reading.leased(practice) as row:
            merged = merge(reading.opened(row), load)
            published = row.pk if row else ""
    except UsageError as error:
        return DryRun(problems=(str(error),), published=published)
    except DataError as error:
        said = tuple(str(problem) for problem in error.problems)
        before = _rows_before(practice)["patient"]
        return DryRun(problems=said, published=published, patients_before=before)
    after = merged.after
    held = dict(merged.before) or dict.fromkeys(after, 0)
    return DryRun(
        format=load.format,
        scope=load.scope,
        tables=tuple(
            TableLine(n, c.read, c.loaded, c.rejected, held.get(n, 0), after[n])
            for n, c in load.counts.items()
            if c.read or held.get(n, 0) or after[n]
        ),
        losses=tuple(asdict(loss) for loss in merged.losses),
        rejects=tuple(
            {"table": r.table, "place": r.place, "reason": r.reason}
            for r in load.rejects[:SHOWN_REJECTS]
        ),
        rejected=len(load.rejects),
        notes=tuple(dict.fromkeys(merged.load.notes)),
        patients=load.rows["patient"],
        patients_before=held["patient"],
        patients_after=after["patient"],
        data_as_at=load.data_as_at.isoformat() if load.data_as_at else "",
        published=published,
    )


@contextmanager
def loaded(folder: Path, practice: str, delta: bool) -> Iterator[Load]:
    """The load of the file. Tables too large for memory lie in the folder while the block runs."""
    path, left = folder / FILE, []
    with path.open("rb") as file:
        start = file.read(4096)
    unpacked, given = folder / TABLES_FOLDER, None
    if (folder / MAP).exists():
        given = mapped.read_map(folder / MAP)
    elif start.startswith(b"PK"):
        shutil.rmtree(unpacked, ignore_errors=True)
        left = uploads.unpack(path, unpacked)
        path = unpacked
    elif not start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        raise DataError.at(
            "the file",
            "a bundle (JSON), a zip of an extract's CSV files, or one CSV file is needed",
        )
    at = home.current()
    key = DEMO_KEY if at.demo else at.secret("person.key").encode()
    try:
        options = importers.Options(
            delta=delta, map=given, patients=reading.patients_by_number(practice)
        )
        load = importers.read(importers.AUTO, path, practice, key=key, options=options)
        load.notes[:0] = left
        if at.demo:
            check_demo(load)
        yield load
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)


def is_table(path: Path) -> bool:
    """Whether the file is one table of text: neither an archive nor a bundle, and it has cells."""
    with path.open("rb") as file:
        start = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    first = start.splitlines()[0] if start else b""
    looks = not start.startswith((b"PK", b"{", b"[", b"%PDF", b"<")) and b"\0" not in start
    return looks and any(mark in first for mark in (b",", b"\t", b";", b"|"))


def published_key(practice: str) -> str:
    """The key of the practice's published snapshot; empty where there is none."""
    row = Snapshot.objects.filter(practice=practice, published=True).first()
    return row.pk if row else ""


def _rows_before(practice: str) -> dict[str, int]:
    """Rows in force of every table, before anything is imported."""
    with reading.leased(practice) as row:
        found = reading.opened(row)
        return dict.fromkeys(TABLES, 0) if found is None else found.held

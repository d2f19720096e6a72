"""One immutable state of one practice's record on disk."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from counterfoil.records.files import BY_CODE
from counterfoil.records.load import PATIENT_TABLES
from counterfoil.records.patient import PatientRecord
from counterfoil.records.scan import Part, Scan, range_of
from counterfoil.records.schema import TABLES


@dataclass(frozen=True)
class Snapshot:
    """A base and the delta parts on it, read as one; each part is a folder that never changes.

    The snapshot is named after its newest part, whose folder ``path`` is.
    """

    id: str
    practice: str
    path: Path

    @property
    def manifest(self) -> dict[str, Any]:
        """Format, counts, rejects, notes, ``data_as_at``, hashes of the files, earlier ``parts``,
        and ``held``: rows of the whole record by table, without those that were withdrawn."""
        found: dict[str, Any] = json.loads((self.path / "manifest.json").read_text("utf-8"))
        return found

    @property
    def parts(self) -> tuple[Path, ...]:
        """The folders of the parts: the base first, this snapshot's own last."""
        return _parts(self.path)

    @property
    def held(self) -> dict[str, int]:
        """Rows of each table that are in force: neither replaced nor withdrawn."""
        manifest = self.manifest
        found: dict[str, int] = manifest.get("held", manifest["rows"])
        return found

    def table(self, name: str, order: str = "by_patient") -> Path:
        """The Parquet file of a table in this snapshot's own part: all of it, in a base.

        ``ValueError`` where the snapshot has deltas, so that nobody reads half a record.
        """
        if len(self.parts) > 1 or len(_table_files(self.path / order, name)) > 1:
            raise ValueError("this table has several files: read it with scan()")
        return self.path / order / f"{name}.parquet"

    def scan(self, name: str, order: str = "by_patient", known_on: date | None = None) -> Scan:
        """A table of the whole snapshot; *order* is ``by_patient`` or ``by_code``.

        With *known_on* as the source held it on that day.
        """
        return Scan(name, _table_parts(self.path, name, order), known_on, order)

    def read(self, known_on: date | None = None) -> dict[str, pa.Table]:
        """Every table, whole, in memory; with *known_on* as the source held it on that day."""
        return {name: self.scan(name, known_on=known_on).read() for name in TABLES}

    def patient(self, patient_id: str, known_on: date | None = None) -> PatientRecord:
        """One patient's record; ``KeyError`` where the snapshot does not hold the patient."""
        tables = {n: self.scan(n, known_on=known_on).of_patient(patient_id) for n in PATIENT_TABLES}
        return PatientRecord.from_tables(tables, patient_id)

    def records(self, patients: Collection[str]) -> dict[str, PatientRecord]:
        """The records of these patients by id: each file is read once, then cut by patient."""
        cut: dict[str, dict[str, pa.Table]] = defaultdict(dict)
        for name in PATIENT_TABLES:
            table = self.scan(name).read(patients=patients).sort_by("patient_id")
            ids = table["patient_id"].to_pylist()
            start = 0
            for end in range(1, len(ids) + 1):
                if end == len(ids) or ids[end] != ids[start]:
                    cut[ids[start]][name] = table.slice(start, end - start)
                    start = end
        return {
            key: PatientRecord.from_tables(tables, key)
            for key, tables in cut.items()
            if "patient" in tables
        }

    def touched(self, since: str | None = None) -> frozenset[str] | None:
        """Patients whose rows differ, or may, from those of the snapshot *since*.

        *since* is the id of an earlier state of the same practice; without it, the state before
        the newest part. ``None`` where all may differ: this is a new base.
        """
        names = [folder.name for folder in self.parts]
        if since is None:
            later = self.parts[-1:] if len(names) > 1 else None
        else:
            later = self.parts[names.index(since) + 1 :] if since in names else None
        if later is None:
            return None
        found: set[str] = set()
        for folder in later:
            for inner in ("by_patient", "masks"):
                for path in (folder / inner).glob("*.parquet"):
                    if path.stem.partition(".")[0] in PATIENT_TABLES:
                        ids = pq.ParquetFile(path).read(columns=["patient_id"])["patient_id"]
                        found.update(one for one in ids.unique().to_pylist() if one is not None)
        return frozenset(found)


def file_ranges(folder: Path, order: str) -> dict[str, list[list[str]]]:
    """The least and greatest patient, or code, in each file of tables that are cut into several."""
    found: dict[str, list[list[str]]] = {}
    for name in PATIENT_TABLES if order == "by_patient" else BY_CODE:
        paths = _table_files(folder / order, name)
        column = "patient_id" if order == "by_patient" else BY_CODE[name][0]
        if len(paths) > 1:
            found[name] = [list(range_of(path, column)) for path in paths]
    return found


def _table_files(folder: Path, name: str) -> list[Path]:
    first = folder / f"{name}.parquet"
    return [first, *sorted(folder.glob(f"{name}.*.parquet"))] if first.exists() else []


@lru_cache(maxsize=64)
def _ranges(path: Path, order: str) -> dict[str, list[tuple[str, str]]]:
    manifest = json.loads((path / "manifest.json").read_text("utf-8"))
    ranges = manifest.get("ranges" if order == "by_patient" else "code_ranges", {})
    return {name: [(least, most) for least, most in pairs] for name, pairs in ranges.items()}


@lru_cache(maxsize=256)
def _parts(path: Path) -> tuple[Path, ...]:
    manifest = json.loads((path / "manifest.json").read_text("utf-8"))
    return (*(path.parent / name for name in manifest.get("parts", ())), path)


@lru_cache(maxsize=4096)
def _table_parts(path: Path, name: str, order: str) -> tuple[Part, ...]:
    found: list[Part] = []
    masks: tuple[Path, ...] = ()
    for folder in reversed(_parts(path)):
        paths = _table_files(folder / order, name)
        if paths:
            ranges = _ranges(folder, order).get(name, ())
            found.append(Part(tuple(paths), masks, tuple(ranges)))
        mask = folder / "masks" / f"{name}.parquet"
        if mask.exists():
            masks = (mask, *masks)
    return tuple(reversed(found))

"""SystmOne strategic reporting extracts: ``SR*.csv``, whose versions differ in columns.

Delimiter and quotation mark are those of the file of patients; columns are found by their headers.
Rows with ``RemovedData`` are withdrawn. With ``delta`` the folder holds only what changed; where the
delivery has a manifest, it must say so too.

What stands where, and what the choices are, is in ``docs/reference/record.md``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from counterfoil.foundation.errors import DataError
from counterfoil.records.importers import systmone_layout as layout
from counterfoil.records.importers import systmone_manifest as manifests
from counterfoil.records.importers import systmone_rows as rows
from counterfoil.records.importers import systmone_tables as tables
from counterfoil.records.importers.emis_layout import Source
from counterfoil.records.importers.extract import (
    Dialect,
    Extract,
    Part,
    Scratch,
    first,
    left_out_copies,
    missing_files,
    open_database,
    sniff_dialect,
    without_copy_marks,
)
from counterfoil.records.importers.staging import LARGE, MACROS, Stage, Staging
from counterfoil.records.importers.taking import Taking
from counterfoil.records.load import Load
from counterfoil.records.persons import DEMO_KEY

FORMAT = "systmone"

COVERS = frozenset(
    {"organisation", "patient", "plan", "issue", "coded_entry", "problem", "allergy", "recall"}
)
"""The tables that a SystmOne extract speaks about."""

_TABLES = {
    "SROrganisation": "organisation",
    "SRPatient": "patient",
    "SRRepeatTemplate": "plan",
    "SRPrimaryCareMedication": "issue",
    "SRCode": "coded_entry",
    "SRProblem": "problem",
    "SRDrugSensitivity": "allergy",
    "SRRecall": "recall",
}
"""The canonical table that a source table's rows belong to; those of others are used by these."""

_ODS = re.compile(r"[A-Z][0-9]{5}", re.ASCII)
"""A practice's ODS code; other numbers are the system's own."""

MAIN = ("SRPatient", "SRRepeatTemplate", "SRPrimaryCareMedication", "SRCode")
"""The tables that every delivery of a whole practice has."""

_WITHDRAWN = {
    "SRPatient": ("patient",),
    "SRRepeatTemplate": ("plan",),
    "SRPrimaryCareMedication": ("issue",),
    "SRCode": ("coded_entry",),
    "SRProblem": ("problem",),
    "SRDrugSensitivity": ("allergy",),
    "SRRecall": ("recall",),
}


def read(path: Path, practice: str, *, key: bytes = DEMO_KEY, delta: bool = False) -> Load:
    """The load of an extract's folder as the record of *practice*.

    *key* is the installation's key for person ids. Raises :class:`DataError` for what is wrong with
    the folder or its files as a whole; single rows are rejected with place and reason.
    """
    files, notes = find(path)
    size = sum(file.stat().st_size for found in files.values() for file in found)
    kept = Scratch()
    with open_database(kept.path) as db:
        db.execute(MACROS + tables.MACROS)
        patients = files.get("SRPatient") or next(iter(files.values()))
        dialect = sniff_dialect(patients[0])
        manifest = _manifest(files, delta, dialect, notes)
        extract = Extract(db, kept.path, dialect, notes=notes)
        staging = Staging(extract, large=size > LARGE)
        return _Import(staging, practice, key, delta, files, kept, manifest.until).run()


def _manifest(
    files: Mapping[str, Sequence[Path]], delta: bool, dialect: Dialect, notes: list[str]
) -> manifests.Manifest:
    """What the delivery says of itself, held against what the import was told."""
    manifest = manifests.read(files.get(manifests.NAME, ()), dialect)
    carried = frozenset(name.lower() for name in _TABLES)
    manifests.check(manifest, delta, carried, {name.lower() for name in files})
    said = manifests.mixed(manifest, carried)
    if said:
        notes.append(said)
    return manifest


def find(path: Path) -> tuple[dict[str, list[Path]], list[str]]:
    """The files of each table in a folder and the folders in it, and a note on every other file.

    Raises :class:`DataError` where no table that is read is among them.
    """
    if not path.is_dir():
        raise DataError.at(path.name, "expected a folder with the files of a SystmOne extract")
    found: dict[str, list[Path]] = {}
    notes: list[str] = []
    copies = []
    names = (*(source.name for source in layout.SOURCES), manifests.NAME)
    known = {name.lower(): name for name in names}
    for file in sorted([*path.glob("*.[cC][sS][vV]"), *path.glob("*/*.[cC][sS][vV]")]):
        stem = file.stem.split("_")[0].split("-")[0]
        plain = without_copy_marks(file.stem)
        if plain != file.stem and plain.lower().startswith("sr"):
            copies.append(file)
        elif stem.lower().startswith("sr"):
            found.setdefault(known.get(stem.lower(), stem), []).append(file)
        else:
            notes.append(f"{file.name[:60]} is no table of a SystmOne extract: not read")
    if not (set(found) - {manifests.NAME}) & set(known.values()):
        raise DataError.at(path.name, "expected files such as SRPatient.csv and SRCode.csv")
    return found, notes + left_out_copies(found, copies)


@dataclass
class _Import:
    """One import: stages each table, then has them taken."""

    staging: Staging
    practice: str
    key: bytes
    delta: bool
    files: Mapping[str, Sequence[Path]]
    kept: object
    until: date | None = None
    """Until when the source says that it extracted."""
    stages: dict[str, Stage] = field(default_factory=dict)
    own: str = ""
    kept_sql: dict[str, str] = field(default_factory=dict)

    def run(self) -> Load:
        extract = self.staging.extract
        parts = {
            source.name: [extract.part(file) for file in self.files.get(source.name, ())]
            for source in layout.SOURCES
        }
        if not self.delta:
            extract.notes += missing_files(self.files, MAIN, "SRPatient")
        self._find_own(parts["SRPatient"])
        for source in layout.SOURCES:
            self._stage(source, parts[source.name])
        taking = Taking(self.staging, FORMAT, self.practice, self.key, self.delta, COVERS)
        taking.kept, taking.as_at = self.kept, self._as_at()
        self._sort_out(taking)
        rows.canonical(taking, self.stages)
        for name, files in self.files.items():
            if name not in self.stages:
                why = layout.NO_PLACE.get(name, "of this table the record has none")
                taking.not_carried(name, [extract.part(file) for file in files], why)
        return taking.load()

    def _find_own(self, parts: Sequence[Part]) -> None:
        """Whose rows are the practice's: those visible to it, or to the one there is."""
        source, extract = layout.PATIENT, self.staging.extract
        noted = len(extract.notes)
        extract.load(
            source.name,
            parts,
            source.fields,
            source.needed,
            lambda raw, _: (
                "CREATE TABLE owners AS SELECT DISTINCT upper(tpp_id(org)) AS org "
                f"FROM {raw} WHERE tpp_id(org) IS NOT NULL"
            ),
            layout.UNUSED.split(),
        )
        extract.notes[noted:] = []
        extract.torn.clear()
        owners = [o for (o,) in self.staging.db.execute("SELECT org FROM owners").fetchall()]
        self.own = self.practice
        if not owners and parts:
            extract.notes.append(
                f"the extract does not say whose it is: it was loaded as {self.practice}'s record"
            )
        if owners and self.practice not in owners:
            if len(owners) > 1:
                raise DataError.at(
                    "SRPatient",
                    f"expected patients of {self.practice}",
                    f"those of {len(owners)} other organisations",
                )
            if _ODS.fullmatch(owners[0]):
                raise DataError.at(
                    "SRPatient", f"expected patients of {self.practice}", f"those of {owners[0]}"
                )
            self.own = owners[0]
            extract.notes.append(
                "the extract's one organisation has another code than "
                f"{self.practice}, as whose record it was loaded"
            )

    def _stage(self, source: Source, parts: Sequence[Part]) -> None:
        """Read one table, sort out its repeated rows, and keep what later tables need of it."""
        name, staging = source.name, self.staging
        values, joined = dict(tables.VALUES[name]), "{raw} AS x"
        if "patient" in source.fields:
            if self.delta:
                values["_known"] = "true"
            else:
                held = self.kept_sql["patients"]
                joined += f" LEFT JOIN {held} AS k ON k.patient_id = tpp_id(x.patient)"
        joined += tables.JOINS.get(name, "").format(**self.kept_sql)
        deleted = "flag(x.removed)" if "removed" in source.fields else "false"
        own = self.own.replace("'", "''")
        stage = staging.stage(
            name,
            parts,
            source.fields,
            source.needed,
            values,
            tables.CHECKS[name],
            source=joined,
            other=f"upper(tpp_id(x.org)) <> '{own}'" if "org" in source.fields else "false",
            deleted=deleted,
            blank=f"{deleted} AND {tables.BLANKS[name]}" if name in tables.BLANKS else "false",
            known=layout.UNUSED.split(),
        )
        self.stages[name] = stage
        if name not in ("SRCtv3ToSnomed", "SRMedicationReadCodeDetails"):
            staging.sort_out(stage, stage.columns[0])
        if name in tables.NEEDED:
            kept, columns, one = tables.NEEDED[name]
            self.kept_sql[kept] = staging.keep(
                f"kept_{kept}", f"SELECT {columns} FROM {stage.good()} AS s GROUP BY {one}"
            )

    def _sort_out(self, taking: Taking) -> None:
        """What depends on several tables, and the account of each."""
        stages = self.stages
        self.staging.leave_alone(
            stages["SRProblem"],
            "entry_id",
            stages["SRCode"],
            "entry_id",
            "expected a row of SRCode in this extract that IDCode names",
        )
        gone = f"SELECT patient_id FROM {stages['SRPatient'].good()} WHERE _gone"
        if first(self.staging.db, f"SELECT count(*) FROM ({gone})"):
            taking.gone = self.staging.keep("gone_people", gone)
        for name, stage in stages.items():
            taking.settle(stage, _TABLES.get(name, "patient"), codes=name not in _TABLES)
        for name, withdrawn in _WITHDRAWN.items():
            taking.withdraw(stages[name], stages[name].columns[0], withdrawn)

    def _as_at(self) -> date | None:
        """The day until which the manifest says that was extracted, else the newest row's entry."""
        if self.until is not None:
            return self.until
        days = [
            first(self.staging.db, f"SELECT max(usual(recorded_on)) FROM {stage.sql}")
            for stage in self.stages.values()
            if "recorded_on" in stage.columns
        ]
        return max((day for day in days if day), default=None)

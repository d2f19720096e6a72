"""EMIS extracts: the partner bulk extract (CSV, 5.0 to 5.4 and near it) and the newer export.

A folder holds the files of one run or of several; the rows of newer files replace those of older
ones by their id. Files are known by the table in their names, columns by their headers. Rows of
other organisations are left. With ``delta`` the folder holds only what changed: rows replace those
the practice holds by id, and rows that only say "deleted" withdraw them.

What stands where, and what the choices are, is in ``docs/reference/record.md``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from counterfoil.foundation.errors import DataError
from counterfoil.records.importers import emis_layout as layout
from counterfoil.records.importers import emis_rows as rows
from counterfoil.records.importers import emis_tables as tables
from counterfoil.records.importers.emis_layout import Source
from counterfoil.records.importers.extract import (
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

FORMAT = "emis"

COVERS = frozenset(
    {"organisation", "patient", "plan", "issue", "coded_entry", "problem", "allergy", "recall"}
)
"""The tables that an EMIS extract speaks about."""

_STAMP = re.compile(r"(?<!\d)(?:19|20)\d{12}(?!\d)|(?<!\d)20\d{6}(?!\d)")
_DEPTH = 2


def read(
    path: Path,
    practice: str,
    *,
    key: bytes = DEMO_KEY,
    delta: bool = False,
    codes: Path | None = None,
) -> Load:
    """The load of an extract's folder as the record of *practice*.

    *key* is the installation's key for person ids. *codes* is a folder with an earlier extract's
    code tables, for a delta that does not bring its own. Raises :class:`DataError` for what is
    wrong with the folder or its files as a whole; single rows are rejected with place and reason.
    """
    files, notes = find(path)
    if codes is not None:
        earlier, _ = find(codes)
        for source in (layout.CLINICAL_CODE, layout.DRUG_CODE):
            files[source.name] = [*earlier.get(source.name, ()), *files.get(source.name, ())]
    size = sum(file.stat().st_size for found in files.values() for file in found)
    kept = Scratch()
    folder = kept.path
    with open_database(folder) as db:
        db.execute(MACROS + tables.MACROS)
        dialect = sniff_dialect(next(iter(files.values()))[0])
        staging = Staging(Extract(db, folder, dialect, notes=notes), large=size > LARGE)
        return _Import(staging, practice, key, delta, files, kept).run()


def find(path: Path) -> tuple[dict[str, list[Path]], list[str]]:
    """The files of each table in a folder and the folders in it, and a note on every other file.

    Raises :class:`DataError` where no table of an extract is among them.
    """
    if not path.is_dir():
        raise DataError.at(path.name, "expected a folder with the files of an EMIS extract")
    found: dict[str, list[Path]] = {}
    notes: list[str] = []
    copies = []
    patterns = [p for depth in range(_DEPTH + 1) for p in ["*/" * depth + "*.[cC][sS][vV]"]]
    for file in sorted(file for pattern in patterns for file in path.glob(pattern)):
        name = table_of(file.stem)
        if name is None and table_of(without_copy_marks(file.stem)) is not None:
            copies.append(file)
        elif name is None:
            notes.append(f"{file.name[:60]} is no table of an EMIS extract: not read")
        else:
            found.setdefault(name, []).append(file)
    if not set(found) & {source.name for source in layout.SOURCES}:
        raise DataError.at(
            path.name, "expected files such as Admin_Patient and CareRecord_Observation"
        )
    return found, notes + left_out_copies(found, copies)


def table_of(stem: str) -> str | None:
    """The table that a file's name says it holds, or None."""
    for name in (*(s.name for s in layout.SOURCES), *layout.NO_PLACE):
        if re.search(rf"(?:^|[_-]){name}(?:$|[_-](?![A-Za-z]{{3}}))", stem, re.IGNORECASE):
            if "_" not in name and not re.fullmatch(rf"{name}(?:[_-]\d+)*", stem, re.IGNORECASE):
                continue
            return name
    for source in layout.SOURCES:
        if re.fullmatch(rf"{source.newer}(?:[_-]\d+)*", stem, re.IGNORECASE):
            return source.name
    return None


_ORDER = (
    layout.ORGANISATION,
    layout.PATIENT,
    layout.CLINICAL_CODE,
    layout.DRUG_CODE,
    layout.PROBLEM,
    layout.DRUG_RECORD,
    layout.ISSUE_RECORD,
    layout.OBSERVATION,
    layout.DIARY,
)
"""The order in which the tables are read: each needs some before it."""

_TABLES = {
    "Admin_Organisation": "organisation",
    "Admin_Patient": "patient",
    "Prescribing_DrugRecord": "plan",
    "Prescribing_IssueRecord": "issue",
    "CareRecord_Observation": "coded_entry",
    "CareRecord_Problem": "problem",
    "CareRecord_Diary": "recall",
}
"""The canonical table that a source table's rows belong to. Allergies are observations too."""


@dataclass
class _Import:
    """One import: stages each table, then has them taken."""

    staging: Staging
    practice: str
    key: bytes
    delta: bool
    files: Mapping[str, Sequence[Path]]
    kept: object
    stages: dict[str, Stage] = field(default_factory=dict)
    own: str = "NULL"
    kept_sql: dict[str, str] = field(default_factory=dict)
    _parts: dict[str, list[Part]] = field(default_factory=dict)

    def run(self) -> Load:
        extract = self.staging.extract
        for source in _ORDER:
            self._parts[source.name] = [
                extract.part(file, stamp(file)) for file in self.files.get(source.name, ())
            ]
        self._parts["Coding_ClinicalCode"] += [
            extract.part(file, stamp(file)) for file in self.files.get("codeable_concept", ())
        ]
        if not self.delta:
            extract.notes += missing_files(self.files, [s.name for s in _ORDER], "Admin_Patient")
        self._find_own()
        for source in _ORDER:
            self._stage(source)
        taking = Taking(self.staging, FORMAT, self.practice, self.key, self.delta, COVERS)
        taking.kept = self.kept
        taking.as_at = self._as_at()
        self._sort_out(taking)
        rows.canonical(taking, self.stages)
        for name, why in layout.NO_PLACE.items():
            if name in self.files and name != "codeable_concept":
                parts = [extract.part(file) for file in self.files[name]]
                taking.not_carried(name, parts, why)
        return taking.load()

    def _find_own(self) -> None:
        """Which organisation's rows are the practice's; ``DataError`` where none can be.

        Rows name it by GUID, in the newer layout perhaps by ODS code.
        """
        db, extract = self.staging.db, self.staging.extract
        noted, source = len(extract.notes), layout.ORGANISATION
        extract.load(
            source.name,
            self._parts[source.name],
            source.fields,
            source.needed,
            lambda raw, _: (
                "CREATE TABLE places AS SELECT DISTINCT identifier(id) AS guid, "
                f"upper(trim(code)) AS code FROM {raw}"
            ),
        )
        source = layout.PATIENT
        extract.load(
            source.name,
            self._parts[source.name],
            source.fields,
            source.needed,
            lambda raw, _: (
                f"CREATE TABLE owners AS SELECT DISTINCT identifier(org) AS org FROM {raw} "
                "WHERE org IS NOT NULL"
            ),
            _known(source),
        )
        # Both tables are staged later on, and told of then.
        extract.notes[noted:] = []
        extract.torn.clear()
        guids = [
            g
            for (g,) in db.execute(
                f"SELECT DISTINCT guid FROM places WHERE code = '{self.practice}' AND guid IS NOT NULL"
            ).fetchall()
        ]
        owners = [o for (o,) in db.execute("SELECT org FROM owners ORDER BY org").fetchall()]
        mine = [*guids, self.practice]
        if owners and not set(owners) & set(mine):
            codes = [
                c
                for (c,) in db.execute(
                    "SELECT DISTINCT code FROM places WHERE code IS NOT NULL AND guid IN "
                    "(SELECT org FROM owners) ORDER BY code LIMIT 9"
                ).fetchall()
            ]
            if codes or len(owners) > 1:
                raise DataError.at(
                    "Admin_Patient",
                    f"expected patients of {self.practice}",
                    f"those of {', '.join(codes)}" if codes else f"{len(owners)} organisations",
                )
            mine = owners
            extract.notes.append(
                "the extract does not say which ODS code its one organisation has: "
                f"it was loaded as {self.practice}'s record"
            )
        self.own = ", ".join("'" + each.replace("'", "''") + "'" for each in mine)

    def _stage(self, source: Source) -> None:
        """Read one table, sort out its repeated rows, and make what later tables need of it."""
        name, staging = source.name, self.staging
        values, joined = dict(tables.VALUES[name]), "{raw} AS x"
        if "patient" in source.fields:
            if self.delta:
                values["_known"] = "true"
            else:
                joined += (
                    f" LEFT JOIN {self.kept_sql['patients']} AS k "
                    "ON k.patient_id = identifier(x.patient)"
                )
        codes = {"Prescribing_DrugRecord": "drugs", "Prescribing_IssueRecord": "drugs"}
        if "code" in source.fields and name != "Admin_Organisation":
            held = self.kept_sql[codes.get(name, "codes")]
            joined += f" LEFT JOIN {held} AS c ON c.code_id = tidy(x.code)"
        if name == "Prescribing_IssueRecord":
            joined += f" LEFT JOIN {self.kept_sql['plans']} AS q ON q.plan_id = identifier(x.plan)"
        if name == "CareRecord_Observation":
            joined += (
                f" LEFT JOIN {self.kept_sql['problems']} AS p ON p.problem_id = identifier(x.id)"
            )
        deleted = "flag(x.deleted)" if "deleted" in source.fields else "false"
        other = f"identifier(x.org) NOT IN ({self.own})" if "org" in source.fields else "false"
        stage = staging.stage(
            name,
            self._parts[name],
            source.fields,
            source.needed,
            values,
            tables.CHECKS[name],
            source=joined,
            other=other,
            deleted=deleted,
            blank=f"{deleted} AND {tables.BLANKS[name]}" if name in tables.BLANKS else "false",
            known=_known(source),
        )
        self.stages[name] = stage
        key = stage.columns[0]
        staging.sort_out(stage, key)
        if name in _NEEDED:
            kept, columns = _NEEDED[name]
            self.kept_sql[kept] = staging.keep(
                f"kept_{kept}", f"SELECT {columns} FROM {stage.good()} AS s"
            )

    def _sort_out(self, taking: Taking) -> None:
        """What depends on several tables, and the account of each."""
        stages = self.stages
        problems, entries = stages["CareRecord_Problem"], stages["CareRecord_Observation"]
        self.staging.leave_alone(
            problems,
            "problem_id",
            entries,
            "entry_id",
            "expected an observation of this extract with the same id",
        )
        gone = f"SELECT patient_id FROM {stages['Admin_Patient'].good()} WHERE _gone"
        if first(self.staging.db, f"SELECT count(*) FROM ({gone})"):
            taking.gone = self.staging.keep("gone_people", gone)
        for name, stage in stages.items():
            taking.settle(stage, _TABLES.get(name, "coded_entry"), codes=name not in _TABLES)
        for name, withdrawn in _WITHDRAWN.items():
            taking.withdraw(stages[name], stages[name].columns[0], withdrawn)

    def _as_at(self) -> date | None:
        """The newest day in the files' names, else of a row's entry, else of an issue."""
        stamps = [part.stamp for parts in self._parts.values() for part in parts if part.stamp]
        for text in sorted(stamps, reverse=True):
            try:
                return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
            except ValueError:
                continue
        days = [
            first(self.staging.db, f"SELECT max(usual(recorded_on)) FROM {stage.sql}")
            for stage in self.stages.values()
            if "recorded_on" in stage.columns
        ]
        known = [day for day in days if day]
        if not known:
            issues = self.stages["Prescribing_IssueRecord"]
            known = [first(self.staging.db, f"SELECT max(usual(issued_on)) FROM {issues.sql}")]
        return max((day for day in known if day), default=None)


_NEEDED = {
    "Admin_Patient": ("patients", "s.patient_id"),
    "Coding_ClinicalCode": ("codes", tables.kinds()),
    "Coding_DrugCode": ("drugs", "s.code_id, s.code_term, s.code"),
    "CareRecord_Problem": ("problems", "s.problem_id, s.patient_id"),
    "Prescribing_DrugRecord": ("plans", "s.plan_id, s.plan_type"),
}
"""What later tables need of a table: under which name, and which columns."""

_WITHDRAWN = {
    "Admin_Patient": ("patient",),
    "Prescribing_DrugRecord": ("plan",),
    "Prescribing_IssueRecord": ("issue",),
    "CareRecord_Observation": ("coded_entry", "allergy"),
    "CareRecord_Problem": ("problem",),
    "CareRecord_Diary": ("recall",),
}
"""The tables from which a row's id is withdrawn, where a delta says no more than that."""


def _known(source: Source) -> list[str]:
    """Headers that are no news in a table's files."""
    bulk, newer = layout.HEADERS.get(source.name, ""), layout.NEWER_HEADERS.get(source.newer, "")
    return f"{bulk} {newer} {layout.UNUSED}".split()


def stamp(file: Path) -> str:
    """The day or moment in a file's name, as digits; empty where there is none."""
    found = _STAMP.findall(file.stem)
    return str(found[-1]).ljust(14, "0") if found else ""

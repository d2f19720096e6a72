"""Made-up practices through the CSV template and GP Connect and back, row for row.

EMIS and SystmOne have theirs beside their quirks. ``COUNTERFOIL_ROUND_TRIP=5000`` takes so many
patients here; without it, fewer, so that the suite stays quick.
"""

from __future__ import annotations

import os

import pytest

from counterfoil.records.exporters.csv_template import write_csv
from counterfoil.records.exporters.gpconnect import NOT_CARRIED, to_text
from counterfoil.records.importers import csv_template, gpconnect
from counterfoil.records.load import of_tables
from counterfoil.records.patient import PatientRecord
from counterfoil.records.schema import COMMON, TABLES
from counterfoil.records.store import Store
from counterfoil.terminology.units import to_ucum
from unit.records import laws

PATIENTS = int(os.environ.get("COUNTERFOIL_ROUND_TRIP", "120"))
OURS = {column.name for column in COMMON} - {"recorded_on"}


def test_the_csv_template(tmp_path):
    code, tables = laws.practice(PATIENTS)
    write_csv(tables, tmp_path)
    load = csv_template.read(tmp_path, code)
    assert not load.rejects
    for name in TABLES:
        want, got = (
            t.drop_columns(["source_place"]).sort_by(TABLES[name].key)
            for t in (tables.get(name, load.tables[name].slice(0, 0)), load.tables[name])
        )
        assert got.equals(want.cast(got.schema)), name


@pytest.mark.slow
def test_gp_connect_patient_by_patient(tmp_path):
    code, tables = laws.practice(PATIENTS)
    snapshot = Store(tmp_path / "store").write(of_tables(code, tables))
    ids = tables["patient"]["patient_id"].to_pylist()
    rows = 0
    for start in range(0, len(ids), 500):
        for patient_id, record in snapshot.records(ids[start : start + 500]).items():
            path = tmp_path / "record.json"
            path.write_text(to_text(record), "utf-8")
            load = gpconnect.read(path, code)
            assert not load.rejects, load.rejects[:3]
            back = PatientRecord.from_tables(load.tables, patient_id)
            rows += check(record, back)
    assert rows == sum(tables[name].num_rows for name in NOT_CARRIED)


def check(record: PatientRecord, back: PatientRecord) -> int:
    """Every row that the format carries is back, and no other; how many they are."""
    got, count = back.rows(), 0
    heads = {p.problem_id for p in record.problems if p.entry_id is None}
    for name, left_out in NOT_CARRIED.items():
        key = TABLES[name].key
        columns = [c.name for c in TABLES[name].columns if c.name not in OURS | left_out]
        want = {
            getattr(r, key): changed(name, {c: getattr(r, c) for c in columns})
            for r in record.rows()[name]
        }
        found = {getattr(r, key): {c: getattr(r, c) for c in columns} for r in got[name]}
        if name == "coded_entry":
            # A problem without an entry comes back with one.
            assert heads - set(want) <= set(found)
            found = {k: row for k, row in found.items() if k not in heads - set(want)}
        assert found == want, name
        count += len(want)
    return count


def changed(name: str, row: dict[str, object]) -> dict[str, object]:
    """The row as the format says it."""
    if name == "plan":
        if row["plan_type"] not in ("acute", "repeat", "erd"):
            row["plan_type"] = "other"
        row["start_date"] = row["start_date"] or row["recorded_on"]
    if name == "issue" and row["issue_type"] not in ("acute", "repeat", "erd"):
        row["issue_type"] = "other"
    if name == "problem":
        row["entry_id"] = row["entry_id"] or row["problem_id"]
    if name == "coded_entry" and row["unit_text"]:
        row["unit_ucum"] = row["unit_ucum"] or to_ucum(str(row["unit_text"]))
    return row

"""EMIS extracts: round trip in both layouts, and each quirk of the real ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from counterfoil.records.exporters import emis as exporter
from counterfoil.records.importers import emis
from counterfoil.records.persons import person_id_for
from counterfoil.terminology.units import to_ucum
from unit.records import laws

_PLAN_TYPES = ("acute", "repeat", "erd", "automatic")


def changes(code, tables, layout, guid=lambda kind, key: key):
    """What becomes of rows that the format has no words for; ids through *guid*."""
    entries = {p["problem_id"]: p["entry_id"] for p in tables["problem"].to_pylist()}

    def ids(row, **kinds):
        for column, kind in kinds.items():
            if row[column] is not None:
                row[column] = guid(kind, row[column])
        return row

    def plan(row):
        row["plan_type"] = row["plan_type"] if row["plan_type"] in _PLAN_TYPES else "other"
        row["problem_id"] = entries.get(row["problem_id"])
        return ids(row, plan_id="plan", patient_id="patient", problem_id="entry")

    def issue(row):
        row["issue_type"] = row["issue_type"] if row["issue_type"] in _PLAN_TYPES else "other"
        return ids(row, issue_id="issue", patient_id="patient", plan_id="plan")

    def allergy(row):
        if row["is_degraded"]:
            row["reaction_text"] = None
        return ids(row, allergy_id="entry", patient_id="patient")

    return {
        "patient": lambda row: ids(row, patient_id="patient"),
        "plan": plan,
        "issue": issue,
        "allergy": allergy,
        "coded_entry": lambda row: ids(
            row, entry_id="entry", patient_id="patient", parent_id="entry"
        ),
        "problem": lambda row: ids(row, entry_id="entry", patient_id="patient"),
        "recall": lambda row: ids(row, recall_id="recall", patient_id="patient"),
    }


@pytest.mark.slow
@pytest.mark.parametrize("guids", [False, True])
@pytest.mark.parametrize("layout", exporter.LAYOUTS)
def test_what_was_written_is_read_again(tmp_path, layout, guids):
    round_trip(tmp_path, 400, layout, guids)


@pytest.mark.slow
@pytest.mark.parametrize("layout", exporter.LAYOUTS)
def test_five_thousand_patients_come_back_row_for_row(tmp_path, layout):
    round_trip(tmp_path, 5000, layout, guids=False)


def round_trip(folder: Path, patients: int, layout: str, guids: bool) -> None:
    code, tables = laws.practice(patients)
    exporter.write(tables, folder, practice=code, layout=layout, guids=guids, as_at=laws.AS_OF)
    load = emis.read(folder, code)

    def guid(kind, key):
        return exporter.guid(code, kind, key) if guids else key

    carries = exporter.CARRIES[layout]
    laws.check_round_trip(tables, load, carries, changes(code, tables, layout, guid))
    for row in load.tables["patient"].to_pylist():
        assert row["person_id"] == person_id_for(row["nhs_number"], code, row["patient_id"])
    for row in load.tables["coded_entry"].to_pylist():
        sent = row["unit_text"] if layout == "bulk" else row["unit_ucum"] or row["unit_text"]
        assert row["unit_ucum"] == to_ucum(sent)
    issues = tables["issue"].select(["cancelled_on", "deleted_on"]).to_pylist()
    withdrawn = {row["deleted_on"] for row in issues} - {None}
    bulk = layout == "bulk"
    due = sum(1 for r in issues if r["deleted_on"] or (bulk and r["cancelled_on"]))
    gone = sum(1 for each in load.tables["issue"]["deleted_on"].to_pylist() if each == laws.AS_OF)
    assert gone == due
    assert due > 0 or not (bulk or withdrawn)
    assert load.data_as_at == laws.AS_OF


@pytest.mark.slow
def test_a_large_extract_is_the_same_as_a_small_one(tmp_path, monkeypatch):
    """Stages in files, and tables handed over as SQL over them, hold the same rows."""
    code, tables = laws.practice(400)
    exporter.write(tables, tmp_path, practice=code, as_at=laws.AS_OF)
    laws.check_large(lambda: emis.read(tmp_path, code), emis, monkeypatch)

"""Published GP Connect messages: what is in the file against what was loaded, counted separately.

The count of the file is made here, out of plain JSON, and shares nothing with the importer.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path

import pytest

from counterfoil.records import Store, read_record_file
from counterfoil.records.load import Load
from counterfoil.records.merge import merge
from counterfoil.records.nhs import check_demo
from support import needs_shared, shared

pytestmark = needs_shared

FILES = [
    "01-spec-example-medication",
    "02-spec-example-allergies",
    "gpc-emis-PWTP2",
    "gpc-emis-PWTP3",
    "gp2gp-PWTP2",
]
TABLE_OF = {
    "Patient": "patient",
    "Observation": "coded_entry",
    "Condition": "problem",
    "AllergyIntolerance": "allergy",
    "ProcedureRequest": "recall",
}
NO_ROW = {"Encounter", "List", "Practitioner", "PractitionerRole", "Location"}


def path_of(name: str) -> Path:
    return shared("examples", "gpconnect", f"{name}.json")


def in_file(name: str) -> list[dict]:
    found = []
    for entry in json.loads(path_of(name).read_text("utf-8"))["entry"]:
        found += [entry["resource"], *entry["resource"].get("contained", [])]
    return found


def load_of(name: str) -> Load:
    return read_record_file(path_of(name), practice="X00001")


@pytest.mark.parametrize("name", FILES)
def test_every_resource_of_the_file_is_loaded_or_said_to_have_no_place(name, capsys):
    resources, load = in_file(name), load_of(name)
    assert load.rejects == []
    kinds = Counter(each["resourceType"] for each in resources)
    assert {k: c.read for k, c in load.resources.items()} == dict(kinds)
    expected = Counter()
    for each in resources:
        kind = each["resourceType"]
        if kind == "MedicationRequest":
            expected["plan" if each["intent"] == "plan" else "issue"] += 1
        elif kind in TABLE_OF:
            expected[TABLE_OF[kind]] += 1
            if kind == "Observation":
                expected["coded_entry"] += len(each.get("component", []))
        elif kind == "Organization":
            systems = [i.get("system", "") for i in each.get("identifier", [])]
            expected["organisation"] += any("ods-organization" in s for s in systems)
        else:
            assert kind in NO_ROW | {"Medication", "MedicationStatement"}
    assert {t: n for t, n in load.rows.items() if n} == {t: n for t, n in expected.items() if n}
    for kind in NO_ROW & set(kinds):
        assert any(note.startswith(f"{kinds[kind]} × {kind}: not carried") for note in load.notes)
    with capsys.disabled():
        print(f"\n{name}: in file {dict(kinds)}\n  rows {dict(expected)}")


@pytest.mark.parametrize("name", FILES)
def test_texts_dates_and_amounts_are_those_of_the_file(name):
    by_id = {(r["resourceType"], r.get("id")): r for r in in_file(name)}
    load = load_of(name)
    rows = [*load.tables["plan"].to_pylist(), *load.tables["issue"].to_pylist()]
    for row in rows:
        sent = by_id["MedicationRequest", row["source_id"]]
        assert row["dose_text"] == sent["dosageInstruction"][0]["text"]
        dispense = sent["dispenseRequest"]
        assert float(row["quantity"]) == float(dispense["quantity"]["value"])
        if "expectedSupplyDuration" in dispense:
            assert row["supply_days"] == int(dispense["expectedSupplyDuration"]["value"])
        kind, medicine = sent["medicationReference"]["reference"].split("/")
        said = json.dumps(by_id[kind, medicine], ensure_ascii=False)
        assert json.dumps(row["product_text"], ensure_ascii=False)[1:-1] in said
        day = (row.get("issued_on") or row.get("start_date")).isoformat()
        assert day == dispense["validityPeriod"]["start"][:10]
    for row in load.tables["coded_entry"].to_pylist():
        sent = by_id["Observation", row["source_id"]]
        assert row["happened_on"].isoformat() == sent["effectiveDateTime"][:10]
        if row["entry_id"] == sent["id"] and "valueQuantity" in sent:
            assert float(row["value"]) == sent["valueQuantity"]["value"]
            assert row["unit_text"] == sent["valueQuantity"]["unit"]


@pytest.mark.parametrize("name", FILES)
def test_every_link_between_rows_leads_somewhere(name):
    tables = load_of(name).tables
    ids = {t: set(tables[t].column(0).to_pylist()) for t in ("plan", "coded_entry", "problem")}
    for table, column, target in (
        ("issue", "plan_id", "plan"),
        ("coded_entry", "parent_id", "coded_entry"),
        ("problem", "entry_id", "coded_entry"),
        ("plan", "problem_id", "problem"),
    ):
        named = {each for each in tables[table][column].to_pylist() if each is not None}
        assert named <= ids[target], (table, column)


def test_one_patient_by_gp_connect_and_by_gp2gp_has_the_same_issues_and_current_plans():
    """The routes differ in what they keep: GP2GP has the plans in force, not the superseded ones."""
    direct, moved = load_of("gpc-emis-PWTP2"), load_of("gp2gp-PWTP2")
    assert direct.rows["issue"] == moved.rows["issue"] == 70

    def issued(load: Load) -> Counter:
        rows = load.tables["issue"].to_pylist()
        return Counter((row["issue_id"], row["quantity"], row["dose_text"]) for row in rows)

    shared_ids = {i for i, _, _ in issued(direct)} & {i for i, _, _ in issued(moved)}
    print(f"issues with the same id by both routes: {len(shared_ids)} of 70")
    same = {k for k in issued(direct) if k[0] in shared_ids}
    assert same == {k for k in issued(moved) if k[0] in shared_ids}
    active = [
        {
            r["plan_id"].split("#")[0]
            for r in load.tables["plan"].to_pylist()
            if r["status"] == "active"
        }
        for load in (direct, moved)
    ]
    assert len(active[0]) == len(active[1]) == 2
    assert direct.rows["allergy"] == moved.rows["allergy"]


def test_two_patients_of_one_practice_are_both_kept_and_open_fast(tmp_path, capsys):
    store = Store(tmp_path)
    first, second = load_of("gpc-emis-PWTP2"), load_of("gpc-emis-PWTP3")
    check_demo(first)
    held = store.write(first)
    snapshot = store.write(merge(held, second))
    again = store.write(merge(snapshot, first))
    assert again.id == snapshot.id
    for load in (first, second):
        patient_id = load.tables["patient"]["patient_id"][0].as_py()
        store.patient(snapshot, patient_id)
        began = time.perf_counter()
        record = store.patient(snapshot, patient_id)
        took = 1000 * (time.perf_counter() - began)
        assert len(record.plans) == load.rows["plan"]
        assert len(record.issues) == load.rows["issue"]
        with capsys.disabled():
            print(f"\none patient of {len(record.issues)} issues opened in {took:.1f} ms")

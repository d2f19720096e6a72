"""A base and its deltas read as one, in every way of reading, and as one full load of the same rows."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.foundation.errors import DataError
from counterfoil.records import files, scan
from counterfoil.records.load import PATIENT_TABLES, Load, Staged, of_tables
from counterfoil.records.merge import merge
from counterfoil.records.patient import PatientRecord
from counterfoil.records.schema import COMMON, TABLES, from_rows
from counterfoil.records.store import BY_CODE, Snapshot, Store
from unit.records import made
from unit.records.made import SLOW

Rows = dict[str, dict[str, dict[str, Any]]]


def delta(withdrawn: dict[str, dict[str, date]] | None = None, **rows: list[dict]) -> Load:
    load = of_tables(made.PRACTICE, made.tables(**rows), format="csv")
    return replace(load, scope="delta", withdrawn=withdrawn or {})


def put(store: Store, on: Snapshot, load: Load) -> Snapshot:
    return store.write(merge(on, load))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def base(store: Store) -> Snapshot:
    return store.write(of_tables(made.PRACTICE, made.whole()))


# --- the oracle: plain dictionaries --------------------------------------------------------------


def keyed(tables: dict[str, Any]) -> Rows:
    return {
        name: {row[TABLES[name].key]: row for row in table.to_pylist()}
        for name, table in tables.items()
    }


def applied(rows: Rows, load: Load) -> Rows:
    """What a delta makes of rows: by key, a place in a file does not make a row another one."""
    now = {name: dict(of_table) for name, of_table in rows.items()}
    for name, new in keyed(load.tables).items():
        apart = {"source_place"} if name in PATIENT_TABLES else {c.name for c in COMMON}
        gone = load.withdrawn.get(name, {})
        if name != "patient" and name in PATIENT_TABLES:
            people = load.withdrawn.get("patient", {})
            with_them = {
                key: people[row["patient_id"]]
                for key, row in {**rows[name], **new}.items()
                if row["patient_id"] in people
            }
            gone = {**with_them, **gone}
        for key in {*new, *gone} & {*new, *now[name]}:
            row = dict(new.get(key) or now[name][key])
            if key in gone and row["deleted_on"] is None:
                row["deleted_on"] = gone[key]
            before = now[name].get(key)
            if before is None or any(before[c] != row[c] for c in row if c not in apart):
                now[name][key] = row
    return now


@st.composite
def histories(draw: st.DrawFn) -> tuple[dict[str, Any], list[Load]]:
    """A first load, and deltas that add, change, move, repeat and withdraw rows."""
    first = draw(made.canonical())
    loads = []
    for _ in range(draw(st.integers(1, 3))):
        tables = draw(made.canonical())
        repeated = draw(st.sampled_from(["", *PATIENT_TABLES]))
        if repeated:
            tables[repeated] = first[repeated]
        withdrawn = {
            name: {f"{name}-{draw(st.integers(0, 4))}": draw(made.DAYS)}
            for name in draw(st.lists(st.sampled_from(PATIENT_TABLES), max_size=3, unique=True))
        }
        load = of_tables(made.PRACTICE, tables)
        loads.append(replace(load, scope="delta", withdrawn=withdrawn))
    return first, loads


@pytest.mark.parametrize(
    "small",
    [
        pytest.param(scan.SMALL, id="in memory"),
        pytest.param(-1, id="by the engine", marks=pytest.mark.slow),
    ],
)
@settings(max_examples=8, deadline=None, suppress_health_check=SLOW)
@given(history=histories())
def test_a_base_and_its_deltas_are_one_full_load(small, history):
    first, loads = history
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        # Groups of one row, two a file: every patient's rows are spread over several.
        patch.setattr(files, "ROWS_PER_GROUP", 1)
        patch.setattr(files, "ROWS_PER_FILE", 2)
        patch.setattr(files, "PIECES_BY_CODE", 1)
        patch.setattr(scan, "SMALL", small)
        store = Store(Path(folder))
        snapshot = store.write(of_tables(made.PRACTICE, first))
        rows = keyed(first)
        for load in loads:
            snapshot = put(store, snapshot, load)
            rows = applied(rows, load)
            assert put(store, snapshot, load).id == snapshot.id
        whole = of_tables(
            made.PRACTICE, {name: from_rows(name, list(rows[name].values())) for name in TABLES}
        )
        for found in ways_of_reading(snapshot):
            assert found == rows
        for name in BY_CODE:
            by_code = snapshot.scan(name, "by_code")
            want = {
                key: {c: v for c, v in row.items() if c in by_code.columns}
                for key, row in rows[name].items()
            }
            assert keyed({name: by_code.read()})[name] == want
            check_codes(by_code, want)
        for patient_id in rows["patient"]:
            want = PatientRecord.from_tables(whole.tables, patient_id)
            assert store.patient(snapshot, patient_id) == want
        assert snapshot.held == {
            name: sum(row["deleted_on"] is None for row in of_table.values())
            for name, of_table in rows.items()
        }
        assert store.compact(snapshot).id == store.write(whole).id


def check_codes(found: scan.Scan, rows: dict[str, dict[str, Any]]) -> None:
    """Each code by itself, the first two together, and one that nobody has."""
    column = BY_CODE[found.table][0]
    codes = sorted({row[column] for row in rows.values()} - {None})
    with duckdb.connect() as db:
        for some in [*([code] for code in codes), codes[:2], ["nobody's"], []]:
            got = db.sql(found.sql([found.key], some)).fetchall() if found else []
            want = {key for key, row in rows.items() if row[column] in some}
            assert {key for (key,) in got} == want
            assert len(got) == len(want)


def ways_of_reading(snapshot: Snapshot) -> Iterator[Rows]:
    yield keyed(snapshot.read())
    with duckdb.connect() as db:
        yield keyed(
            {
                name: db.sql(snapshot.scan(name).sql()).to_arrow_table().cast(table.arrow)
                for name, table in TABLES.items()
            }
        )


@pytest.mark.slow
@settings(max_examples=8, deadline=None, suppress_health_check=SLOW)
@given(histories(), made.DAYS)
def test_the_record_as_it_was_known_is_the_same_however_it_is_read(history, day):
    first, loads = history
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        snapshot, rows = store.write(of_tables(made.PRACTICE, first)), keyed(first)
        for load in loads:
            snapshot, rows = put(store, snapshot, load), applied(rows, load)
        known = {
            name: {
                key: {**row, "deleted_on": None}
                for key, row in of_table.items()
                if (row["recorded_on"] is None or row["recorded_on"] <= day)
                and (row["deleted_on"] is None or row["deleted_on"] > day)
            }
            for name, of_table in rows.items()
        }
        assert keyed(snapshot.read(known_on=day)) == known
        with duckdb.connect() as db:
            for name, table in TABLES.items():
                found = db.sql(snapshot.scan(name, known_on=day).sql()).to_arrow_table()
                assert keyed({name: found.cast(table.arrow)})[name] == known[name]
        for patient_id, row in rows["patient"].items():
            if patient_id in known["patient"]:
                record = snapshot.patient(patient_id).as_known_on(day)
                assert snapshot.patient(patient_id, known_on=day).rows() == {
                    **record.rows(),
                    "patient": (replace(record.patient, deleted_on=None),),
                }, row


# --- by hand -------------------------------------------------------------------------------------


def test_a_delta_is_a_small_part_on_the_base(store, base):
    now = put(store, base, delta(issue=[made.issue("i1", quantity=7), made.issue("i9")]))
    assert [part.name for part in now.parts] == [base.id, now.id]
    assert pq.read_metadata(now.path / "by_patient" / "issue.parquet").num_rows == 2
    assert not (now.path / "by_patient" / "plan.parquet").exists()
    assert (now.touched(), now.touched(base.id)) == ({"p1"}, {"p1"})
    assert base.touched() is None
    assert base.touched(now.id) is None
    with pytest.raises(ValueError, match="several files"):
        now.table("issue")


def test_what_was_touched_adds_up_over_the_parts(store, base):
    second = put(store, base, delta(issue=[made.issue("i9")]))
    third = put(store, second, delta({"issue": {"i3": date(2026, 6, 1)}}))
    assert third.touched() == {"p2"}
    assert third.touched(second.id) == {"p2"}
    assert third.touched(base.id) == {"p1", "p2"}
    assert third.touched(third.id) == frozenset()


def test_a_row_that_goes_to_another_patient_leaves_the_first(store, base):
    now = put(store, base, delta(issue=[made.issue("i1", "p2")]))
    assert [i.issue_id for i in store.patient(now, "p1").issues] == ["i2"]
    assert "i1" in [i.issue_id for i in store.patient(now, "p2").issues]
    assert now.touched() == {"p1", "p2"}


def test_a_withdrawn_row_keeps_its_content_and_gets_its_day(store, base):
    now = put(store, base, delta({"issue": {"i1": date(2026, 6, 1)}}))
    first = store.patient(now, "p1").issues[0]
    assert (first.issue_id, first.deleted_on) == ("i1", date(2026, 6, 1))
    before = store.patient(base, "p1").issues[0]
    assert replace(first, deleted_on=None) == before
    assert now.held["issue"] == 2
    assert put(store, now, delta({"issue": {"i1": date(2026, 7, 1)}})).id == now.id


def test_a_patient_is_withdrawn_with_all_their_rows(store, base):
    now = put(store, base, delta({"patient": {"p1": date(2026, 6, 1)}}))
    rows = store.patient(now, "p1").rows()
    assert {row.deleted_on for of_table in rows.values() for row in of_table} == {date(2026, 6, 1)}
    assert len(rows["issue"]) == 2
    assert now.held["patient"] == 1


def test_a_row_that_comes_with_its_withdrawn_patient_is_withdrawn_too(store, base):
    gone = {"patient": {"p1": date(2026, 6, 1)}}
    load = delta(gone, issue=[made.issue("i9"), made.issue("i1", "p2")])
    now = put(store, base, load)
    assert {i.deleted_on for i in store.patient(now, "p1").issues} == {date(2026, 6, 1)}
    moved = {i.issue_id: i.deleted_on for i in store.patient(now, "p2").issues}
    assert moved["i1"] is None
    assert put(store, now, load).id == now.id


def test_what_is_to_be_withdrawn_and_is_not_there_is_said(store, base):
    merged = merge(base, delta({"issue": {"nothing": date(2026, 6, 1)}}))
    assert merged.same
    assert merged.load.notes == ["issue: 1 rows to be withdrawn are not in the practice's record"]


def test_an_id_that_stands_twice_in_a_delta_is_refused(base):
    with pytest.raises(DataError, match="stand once"):
        merge(base, delta(issue=[made.issue("i9"), made.issue("i9")]))


def test_parts_stay_as_long_as_a_snapshot_needs_them(store, base):
    second = put(store, base, delta(issue=[made.issue("i9")]))
    third = put(store, second, delta(issue=[made.issue("i10")]))
    assert store.remove_orphans({third.id}, ()) == []
    fresh = store.compact(third)
    assert len(fresh.parts) == 1
    assert fresh.manifest["data_as_at"] == third.manifest["data_as_at"]
    assert set(store.remove_orphans({fresh.id}, ())) == {base.id, second.id, third.id}


def test_compacting_a_base_is_the_base(store, base):
    held: list[str] = []
    assert store.compact(base, held.append) == base
    assert held == [base.id]


def test_a_table_too_large_for_memory_is_the_same_as_one_that_is_not(store, base, tmp_path):
    tables = made.whole()
    aside = tmp_path / "issues.parquet"
    pq.write_table(tables["issue"].take([2, 0, 1]), aside)
    small = of_tables(made.PRACTICE, {**tables, "issue": from_rows("issue", [])})
    sql = f"SELECT * FROM read_parquet('{aside}')"
    staged = replace(small, staged={"issue": Staged(sql, rows=3, held=3)})
    assert staged.rows["issue"] == 3
    assert store.write(staged).id == base.id
    assert merge(None, staged).after["issue"] == 3


def test_by_code_all_tables_hold_the_same_rows(store: Store, base: Snapshot) -> None:
    now = put(store, base, delta(issue=[made.issue(product_text="Another product")]))
    found = store.tables_by_code([now.id])
    assert {name for name, each in found.items() if each.order == "by_code"} == set(BY_CODE)
    for name, each in found.items():
        want = now.scan(name).read(each.columns)
        assert keyed({name: each.read()}) == keyed({name: want}), name

"""Snapshots: what was written is there, twice is once, a kill leaves nothing that can be seen."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings

from counterfoil.foundation.errors import DataError
from counterfoil.records import files
from counterfoil.records.load import Load, of_tables
from counterfoil.records.patient import PatientRecord
from counterfoil.records.schema import TABLES
from counterfoil.records.store import BY_CODE, Snapshot, Store
from unit.records import made
from unit.records.made import SLOW


def a_load(**changed: object) -> Load:
    tables = made.whole()
    if changed:
        tables["patient"] = made.tables(patient=[made.patient(**changed)])["patient"]
    return of_tables(made.PRACTICE, tables)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_every_table_comes_back_in_both_orders(store):
    load = a_load()
    snapshot = store.write(load)
    for name in TABLES:
        key = TABLES[name].key
        want = load.tables[name].sort_by(key)
        assert pq.read_table(snapshot.table(name)).sort_by(key).equals(want), name
        if name in BY_CODE:
            by_code = pq.read_table(snapshot.table(name, "by_code")).sort_by(key)
            assert by_code.equals(want.select(snapshot.scan(name, "by_code").columns)), name


def test_the_orders_are_by_patient_and_by_code_and_date(store):
    snapshot = store.write(a_load())
    assert pq.read_table(snapshot.table("issue"))["patient_id"].to_pylist() == ["p1", "p1", "p2"]
    for name, (code, day) in BY_CODE.items():
        rows = pq.read_table(snapshot.table(name, "by_code")).select([code, day]).to_pylist()
        pairs = [(row[code] or "", row[day] or date.min) for row in rows]
        assert pairs == sorted(pairs)


def test_writing_the_same_twice_is_one_snapshot(store):
    first, second = store.write(a_load()), store.write(a_load())
    assert first.id == second.id
    assert len(store.snapshots()) == 1
    other = store.write(a_load(given_name="Eve"))
    assert other.id != first.id
    assert [s.id for s in store.snapshots(made.PRACTICE)] == sorted([first.id, other.id])


def test_the_order_of_the_rows_given_does_not_matter(store):
    load = a_load()
    turned = {n: _turned(t) for n, t in load.tables.items()}
    assert store.write(load).id == store.write(of_tables(made.PRACTICE, turned)).id


def _turned(table: pa.Table) -> pa.Table:
    return table.take(pa.array(range(table.num_rows - 1, -1, -1), pa.int64()))


def test_the_manifest_says_what_was_loaded(store):
    manifest = store.write(a_load()).manifest
    assert manifest["tables"]["issue"] == {"read": 3, "loaded": 3, "rejected": 0}
    assert manifest["data_as_at"] == "2026-05-02"
    assert manifest["practice"] == made.PRACTICE


def test_a_practice_code_that_is_a_path_is_refused(store):
    tables = made.whole()
    with pytest.raises(DataError):
        store.write(of_tables("../elsewhere", tables))


@pytest.mark.slow
@settings(max_examples=15, deadline=None, suppress_health_check=SLOW)
@given(made.canonical())
def test_one_patient_is_the_same_out_of_the_store_and_out_of_the_tables(tables):
    with pytest.MonkeyPatch.context() as patch:
        # Groups of one row: every patient's rows are spread over several.
        patch.setattr(files, "ROWS_PER_GROUP", 1)
        with tempfile.TemporaryDirectory() as folder:
            store = Store(Path(folder))
            snapshot = store.write(of_tables(made.PRACTICE, tables))
            for patient_id in tables["patient"]["patient_id"].to_pylist():
                want = PatientRecord.from_tables(tables, patient_id)
                assert store.patient(snapshot, patient_id) == want


def test_somebody_who_is_not_there_is_a_key_error(store):
    snapshot = store.write(a_load())
    with pytest.raises(KeyError):
        store.patient(snapshot, "nobody")
    with pytest.raises(KeyError):
        store.open("nothing")


def test_an_engine_can_scan_the_files_of_several_practices(store):
    load = a_load()
    first = store.write(load)
    second = store.write(of_tables("Y00002", load.tables))
    scan = store.tables([first.id, second.id], order="by_code")["issue"]
    assert len(scan.parts) == 2
    assert duckdb.connect().sql(f"SELECT count(*) FROM ({scan.sql()})").fetchall() == [(6,)]
    assert not store.tables([])["issue"]


def test_orphans_go_and_what_is_published_or_leased_stays(store):
    names = ["Ada", "Bea", "Cia"]
    ids = [store.write(a_load(given_name=name)).id for name in names]
    assert store.remove_orphans({ids[0]}, lambda: {ids[1]}) == [ids[2]]
    assert {s.id for s in store.snapshots()} == {ids[0], ids[1]}


def test_a_lease_taken_while_writing_is_seen_before_anything_is_removed(store):
    leased: set[str] = set()
    removed: list[list[str]] = []

    def hold(snapshot_id: str) -> None:
        leased.add(snapshot_id)
        # Somebody else cleans up at this very moment: nothing may go while a write is on.
        removed.append(Store(store.root).remove_orphans((), ()))

    snapshot = store.write(a_load(), hold=hold)
    assert removed == [[]]
    assert store.remove_orphans((), lambda: leased) == []
    assert store.open(snapshot.id) == snapshot


def test_a_snapshot_half_removed_is_not_seen_and_is_written_anew(store):
    snapshot = store.write(a_load())
    (snapshot.path / "manifest.json").unlink()
    assert store.snapshots() == []
    assert store.write(a_load()).manifest["practice"] == made.PRACTICE


def test_folders_that_are_not_the_stores_own_are_never_removed(store):
    snapshot = store.write(a_load())
    other = snapshot.path.parent / "holiday photos"
    other.mkdir()
    assert store.remove_orphans((), ()) == [snapshot.id]
    assert other.exists()


def test_the_files_of_a_snapshot_are_for_their_owner_only(store):
    assert store.write(a_load()).path.stat().st_mode & 0o077 == 0


WRITER = textwrap.dedent(
    """
    import os, signal, sys
    from pathlib import Path
    import counterfoil.records.files as files
    import counterfoil.records.store as store
    from unit.records import made
    from counterfoil.records.load import of_tables

    step = int(sys.argv[2])
    done = 0

    def counted(real):
        def call(*a, **k):
            global done
            done += 1
            if done == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*a, **k)
        return call

    files.sync = store.sync = counted(files.sync)
    store._write_manifest = counted(store._write_manifest)
    Path.rename = counted(Path.rename)
    tables = made.whole()
    tables["patient"] = made.tables(patient=[made.patient(given_name="New")])["patient"]
    tables = {n: t for n, t in tables.items() if n in ("patient",)}
    store.Store(Path(sys.argv[1])).write(of_tables(made.PRACTICE, tables))
    print(done)
    """
)


def _write_and_kill(root: Path, step: int) -> subprocess.CompletedProcess[str]:
    here = Path(__file__).resolve().parents[2]
    path = os.pathsep.join([str(here), str(here.parent / "src")])
    return subprocess.run(
        [sys.executable, "-c", WRITER, str(root), str(step)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": path},
    )


@pytest.mark.slow
def test_a_kill_at_any_step_leaves_the_old_world_or_the_new_one_whole(tmp_path):
    steps = int(_write_and_kill(tmp_path / "count", 0).stdout)
    assert steps > 20
    for step in sorted({1, 2, 10, *range(steps - 7, steps + 1)}):
        store = Store(tmp_path / str(step))
        old = store.write(a_load())
        assert _write_and_kill(store.root, step).returncode == -signal.SIGKILL
        for snapshot in store.snapshots():
            _check_whole(snapshot)
        seen = {s.id for s in store.snapshots()}
        assert old.id in seen
        store.remove_orphans({old.id}, ())
        assert [p.name for p in (store.root / made.PRACTICE).iterdir()] == [old.id]
        assert store.patient(old, "p1").patient.given_name == "Ada"


def _check_whole(snapshot: Snapshot) -> None:
    for name, digest in snapshot.manifest["sha256"].items():
        data = snapshot.table(name).read_bytes()
        assert hashlib.sha256(data).hexdigest() == digest
        for order in ("by_patient", "by_code") if name in BY_CODE else ("by_patient",):
            pq.read_table(snapshot.table(name, order))

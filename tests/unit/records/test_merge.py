"""A load put on what a practice holds: what it covers is replaced, nobody else is touched."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from counterfoil.foundation.errors import DataError
from counterfoil.records.importers.emis import COVERS as EMIS
from counterfoil.records.importers.gpconnect import COVERS
from counterfoil.records.load import Load, Reject, of_tables
from counterfoil.records.merge import Loss, LossError, merge
from counterfoil.records.store import Snapshot, Store
from unit.records import made


def one(patient: dict, **rows: list[dict]) -> Load:
    load = of_tables(made.PRACTICE, made.tables(patient=[patient], **rows), format="gpconnect")
    return replace(load, scope="patient", covers=COVERS)


@pytest.fixture
def held(tmp_path: Path) -> Snapshot:
    return Store(tmp_path).write(of_tables(made.PRACTICE, made.whole()))


def put(on: Snapshot, load: Load) -> Snapshot:
    return Store(on.path.parent.parent).write(merge(on, load))


def ids(snapshot: Snapshot, table: str, column: str) -> list[str]:
    return sorted(snapshot.scan(table).read()[column].to_pylist())


def test_the_patient_is_replaced_and_the_others_stay(held):
    load = one(made.patient(given_name="New"), plan=[made.plan("pl9")])
    merged = merge(held, load)
    now = put(held, load)
    assert ids(now, "plan", "plan_id") == ["pl2", "pl9"]
    assert ids(now, "issue", "issue_id") == ["i3"]
    assert ids(now, "patient", "patient_id") == ["p1", "p2"]
    assert "New" in now.scan("patient").read()["given_name"].to_pylist()
    assert merged.load.counts["plan"].read == 1
    assert (merged.before["issue"], merged.after["issue"]) == (3, 1)
    assert now.held["issue"] == 1
    assert now.touched() == {"p1"}


def test_what_the_format_does_not_carry_stays(held):
    now = put(held, one(made.patient("p2", nhs_number=None, birth_date=None)))
    assert ids(now, "request", "request_id") == ["q1"]


def test_the_same_load_twice_changes_nothing(held):
    load = one(made.patient(), plan=[made.plan()])
    first = put(held, load)
    assert merge(first, load).same
    assert put(first, load).id == first.id


def test_a_whole_practice_replaces_everything(held):
    load = of_tables(made.PRACTICE, made.tables(patient=[made.patient("p7")]))
    merged = merge(held, load)
    assert merged.rows == load.tables
    assert merged.on is None
    assert merged.load.notes[-1].startswith("2 patients of the practice's record before are not in")
    assert merge(held, of_tables(made.PRACTICE, made.whole())).load.notes == []
    assert merge(None, one(made.patient())).load.rows["patient"] == 1


def test_a_whole_practice_keeps_what_its_format_does_not_carry(held):
    """An EMIS extract has no requests: they stay, but not of somebody who is not in it."""
    load = of_tables(made.PRACTICE, made.tables(patient=[made.patient("p2")]), format="emis")
    load = replace(load, covers=EMIS)
    merged = merge(held, load)
    now = put(held, load)
    assert ids(now, "request", "request_id") == ["q1"]
    assert ids(now, "issue", "issue_id") == []
    assert (merged.before["request"], merged.after["request"]) == (1, 1)
    assert put(now, load).id == now.id
    other = of_tables(made.PRACTICE, made.tables(patient=[made.patient("p7")]), format="emis")
    assert ids(put(held, replace(other, covers=EMIS)), "request", "request_id") == []


def test_a_whole_practice_of_which_nothing_could_be_read_is_refused():
    """The first import of files with another way to write days would publish an empty record."""
    nothing = of_tables(made.PRACTICE, {})
    rejects = [
        Reject("patient", f"patient.csv row {n}", "column birth_date: no date") for n in range(9)
    ]
    with pytest.raises(DataError) as error:
        merge(None, replace(nothing, rejects=rejects))
    assert [p.place for p in error.value.problems[:2]] == ["the whole load", "patient.csv row 0"]
    assert "9 rows that are rejected" in str(error.value)
    assert merge(None, nothing).after["patient"] == 0


def test_somebody_known_by_the_number_is_the_same_patient_under_the_new_id(tmp_path):
    rows = made.whole()
    rows["request"] = made.tables(
        request=[
            {
                **made.common("q1"),
                "request_id": "q1",
                "patient_id": "p1",
                "channel": "app",
                "received_at": datetime(2026, 5, 1, tzinfo=UTC),
                "requester": "patient",
            }
        ]
    )["request"]
    held = Store(tmp_path).write(of_tables(made.PRACTICE, rows))
    load = one(made.patient("other-id"), plan=[made.plan("pl1", "other-id")])
    now = put(held, load)
    assert ids(now, "patient", "patient_id") == ["other-id", "p2"]
    assert now.scan("request").read()["patient_id"].to_pylist() == ["other-id"]
    assert now.touched() == {"p1", "other-id"}
    assert any("held under another id" in note for note in merge(held, load).load.notes)


@pytest.mark.parametrize(
    "changed",
    [
        {"nhs_number": made.number(5)},
        {"nhs_number": None, "birth_date": date(1999, 1, 1)},
    ],
)
def test_somebody_else_with_the_same_id_is_refused(held, changed):
    with pytest.raises(DataError, match="nobody else in the practice"):
        merge(held, one(made.patient("p1", **changed)))


def test_a_row_id_that_another_patient_has_is_refused(held):
    with pytest.raises(DataError, match="no other patient"):
        merge(held, one(made.patient("p1"), plan=[made.plan("pl2", "p1")]))


def test_a_load_that_would_take_away_more_than_a_twentieth_is_named(tmp_path):
    def practice(count: int) -> Load:
        rows = [made.patient(f"p{n}", nhs_number=made.number(n)) for n in range(count)]
        return of_tables(made.PRACTICE, made.tables(patient=rows))

    held = Store(tmp_path).write(practice(40))
    assert merge(held, practice(38)).losses == ()
    assert merge(held, practice(37)).losses == (Loss("patient", 40, 37),)
    assert "7.5% of the table would go" in str(LossError(merge(held, practice(37)).losses))
    withdrawn = {"patient": {f"p{n}": date(2026, 6, 1) for n in range(3)}}
    empty = of_tables(made.PRACTICE, {})
    delta = replace(empty, scope="delta", withdrawn=withdrawn)
    assert merge(held, delta).losses == (Loss("patient", 40, 37),)

"""One patient's load put into a practice: that patient is replaced, nobody else is touched."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from counterfoil.foundation.errors import DataError
from counterfoil.records.importers.gpconnect import COVERS
from counterfoil.records.load import Load, of_tables
from counterfoil.records.merge import merge
from unit.records import made


def one(patient: dict, **rows: list[dict]) -> Load:
    load = of_tables(made.PRACTICE, made.tables(patient=[patient], **rows), format="gpconnect")
    return replace(load, scope="patient", covers=COVERS)


def ids(load: Load, table: str, column: str) -> list[str]:
    return sorted(load.tables[table][column].to_pylist())


def test_the_patient_is_replaced_and_the_others_stay():
    held = of_tables(made.PRACTICE, made.whole()).tables
    load = merge(held, one(made.patient(given_name="New"), plan=[made.plan("pl9")]))
    assert ids(load, "plan", "plan_id") == ["pl2", "pl9"]
    assert ids(load, "issue", "issue_id") == ["i3"]
    assert ids(load, "patient", "patient_id") == ["p1", "p2"]
    assert "New" in load.tables["patient"]["given_name"].to_pylist()
    assert load.counts["plan"].read == 1


def test_what_the_format_does_not_carry_stays():
    held = of_tables(made.PRACTICE, made.whole()).tables
    load = merge(held, one(made.patient("p2", nhs_number=None, birth_date=None)))
    assert ids(load, "request", "request_id") == ["q1"]


def test_the_same_load_twice_changes_nothing():
    held = of_tables(made.PRACTICE, made.whole()).tables
    load = one(made.patient(), plan=[made.plan()])
    first = merge(held, load)
    second = merge(first.tables, load)
    for name, table in first.tables.items():
        assert table.sort_by(table.column_names[0]).equals(
            second.tables[name].sort_by(table.column_names[0])
        )


def test_a_whole_practice_replaces_everything():
    held = of_tables(made.PRACTICE, made.whole()).tables
    load = of_tables(made.PRACTICE, made.tables(patient=[made.patient("p7")]))
    merged = merge(held, load)
    assert merged.tables is load.tables
    assert merged.notes[-1].startswith("2 patients of the practice's record before are not in")
    assert merge(held, of_tables(made.PRACTICE, made.whole())).notes == []
    assert merge(None, one(made.patient())).rows["patient"] == 1


def test_somebody_known_by_the_number_is_the_same_patient_under_the_new_id():
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
    held = of_tables(made.PRACTICE, rows).tables
    load = merge(held, one(made.patient("other-id"), plan=[made.plan("pl1", "other-id")]))
    assert ids(load, "patient", "patient_id") == ["other-id", "p2"]
    assert load.tables["request"]["patient_id"].to_pylist() == ["other-id"]
    assert any("held under another id" in note for note in load.notes)


@pytest.mark.parametrize(
    "changed",
    [
        {"nhs_number": made.number(5)},
        {"nhs_number": None, "birth_date": date(1999, 1, 1)},
    ],
)
def test_somebody_else_with_the_same_id_is_refused(changed):
    held = of_tables(made.PRACTICE, made.whole()).tables
    with pytest.raises(DataError, match="nobody else in the practice"):
        merge(held, one(made.patient("p1", **changed)))


def test_a_row_id_that_another_patient_has_is_refused():
    held = of_tables(made.PRACTICE, made.whole()).tables
    with pytest.raises(DataError, match="no other patient"):
        merge(held, one(made.patient("p1"), plan=[made.plan("pl2", "p1")]))

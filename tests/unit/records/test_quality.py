"""What a record lacks is counted, and a feed that stopped is named."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

from counterfoil.records import quality
from counterfoil.records.load import of_tables
from counterfoil.records.merge import merge
from counterfoil.records.store import Store
from unit.records import made

AS_OF = date(2026, 11, 20)


def entry(entry_id: str, **more: object) -> dict[str, object]:
    return {
        **made.common(entry_id),
        "entry_id": entry_id,
        "patient_id": "p1",
        "kind": "result",
        "code": "1022431000000105",
        "term": "Haemoglobin",
        "happened_on": date(2026, 11, 1),
        "precision": "day",
        "value": 121,
        "unit_text": "g/L",
        "unit_ucum": "g/L",
        **more,
    }


def assessed(tmp_path: Path, **tables: list[dict]) -> dict[str, quality.TableQuality]:
    rows = {"patient": [made.patient()], **tables}
    snapshot = Store(tmp_path).write(of_tables(made.PRACTICE, made.tables(**rows)))
    return {one.table: one for one in quality.assess(snapshot, AS_OF)}


def test_what_entries_lack_is_counted_and_withdrawn_ones_are_not(tmp_path):
    found = assessed(
        tmp_path,
        coded_entry=[
            entry("whole", recorded_on=date(2026, 11, 3)),
            entry("undated", happened_on=None),
            entry("uncoded", code=None),
            entry("unitless", unit_text=None, unit_ucum=None),
            entry("odd unit", unit_text="Banana", unit_ucum=None),
            entry("no value", value=None, unit_text=None, unit_ucum=None),
            entry("ahead", happened_on=date(2027, 1, 1), recorded_on=date(2027, 1, 1)),
            entry("gone", code=None, deleted_on=date(2026, 5, 1)),
        ],
    )["coded_entry"]
    assert (found.rows, found.withdrawn) == (7, 1)
    assert (found.undated, found.uncoded) == (1, 1)
    assert (found.unitless, found.incomparable) == (1, 1)
    assert (found.ahead, found.newest) == (1, date(2026, 11, 1))
    assert found.entered == date(2026, 11, 3)


def test_a_question_that_a_table_does_not_raise_has_no_answer(tmp_path):
    found = assessed(tmp_path, issue=[made.issue()])
    assert (found["issue"].uncoded, found["issue"].unitless) == (1, None)
    assert found["patient"].uncoded is None
    assert (found["dispense"].rows, found["dispense"].newest) == (0, None)


def test_a_feed_that_stopped_is_late(tmp_path):
    fresh = {"coded_entry": [entry("e1", happened_on=date(2026, 11, 19))]}
    late = assessed(tmp_path, issue=[made.issue(issued_on=date(2026, 11, 5))], **fresh)
    assert [one.table for one in quality.late_tables(late.values())] == ["issue"]
    on_time = assessed(tmp_path, issue=[made.issue(issued_on=date(2026, 11, 6))], **fresh)
    assert quality.late_tables(on_time.values()) == []
    assert quality.late_tables([]) == []


def test_base_and_delta_are_counted_as_one(tmp_path):
    store = Store(tmp_path)
    base = store.write(of_tables(made.PRACTICE, made.tables(patient=[made.patient()])))
    load = of_tables(made.PRACTICE, made.tables(issue=[made.issue()]))
    now = store.write(merge(base, replace(load, scope="delta")))
    counted = {one.table: one.rows for one in quality.assess(now, AS_OF)}
    assert (counted["patient"], counted["issue"]) == (1, 1)


def test_rejects_are_counted_by_reason_the_most_first(monkeypatch):
    rejects = [{"table": "issue", "reason": "no date"}] * 2 + [
        {"table": "issue", "reason": "a"},
        {"table": "plan", "reason": "b"},
    ]
    manifest = {"rejects": rejects}
    assert quality.rejected_by_reason(manifest)[0] == ("issue", "no date", 2)
    monkeypatch.setattr(quality, "MOST_REASONS", 1)
    assert quality.rejected_by_reason(manifest)[1:] == [("", "other reasons", 2)]

"""Data quality by practice: worked out once a snapshot, shown to those who see the practice."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from django.test import Client

import service_world as sw
from counterfoil.records import quality as counting
from counterfoil.records.merge import LossError
from counterfoil.service.casework.models import Case, Event
from counterfoil.service.records import publishing, quality, reading
from counterfoil.service.records.models import Snapshot


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_it_is_worked_out_once_a_snapshot(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sw.publish("X1", [sw.patient("X1", "p1", "A")], [])
    first = quality.of_practices(["X1", "X2"])
    assert [(one.practice, one.tables[0]["rows"]) for one in first] == [("X1", 1)]

    def never(*_: object) -> None:
        raise AssertionError("worked out again")

    monkeypatch.setattr(counting, "assess", never)
    assert quality.of_practices(["X1"]) == first
    sw.publish("X1", [sw.patient("X1", "p1", "A", given_name="New")], [])
    with pytest.raises(AssertionError):
        quality.of_practices(["X1"])


def test_a_user_sees_their_own_practices_only(world: Any) -> None:
    sw.publish("X1", [sw.patient("X1", "p1", "A")], [])
    sw.publish("X9", [sw.patient("X9", "p1", "B")], [])
    shown = signed_in(world.lena).get("/quality/").content.decode()
    assert "Riverside" in shown
    assert "Elsewhere" not in shown
    assert "No record has been imported for Hill Street" in shown
    assert "Mary" not in shown


def test_compaction_changes_nothing_that_anybody_sees(world: Any) -> None:
    rows = [sw.patient("X1", f"p{n}", f"P{n}") for n in range(3)]
    sw.publish("X1", rows, [sw.overdue("P1", "p1")])
    assert publishing.compact("X1") is None
    changed = sw.load_of("X1", [{**rows[0], "given_name": "New"}])
    found = [sw.overdue("P1", "p1")]
    publishing.publish(replace(changed, scope="delta"), sw.AS_OF, lambda _s, _d: found)
    row = Snapshot.objects.get(published=True)
    before = reading.store().open(row.snapshot_id).read()
    fresh = publishing.compact("X1")
    now = Snapshot.objects.get(published=True)
    assert (now.snapshot_id, now.as_of, now.data_as_at) == (fresh, row.as_of, row.data_as_at)
    opened = reading.store().open(now.snapshot_id)
    assert len(opened.parts) == 1
    for name, table in before.items():
        key = table.column_names[0]
        assert opened.scan(name).read().sort_by(key).equals(table.sort_by(key))
    assert Event.objects.filter(kind="record_compacted").count() == 1
    assert [s.id for s in reading.store().snapshots("X1")] == [fresh]


def test_superseded_snapshots_stay_as_the_settings_say(world: Any, settings: Any) -> None:
    settings.COUNTERFOIL_KEEP_SNAPSHOTS = 2
    for name in ("One", "Two", "Three", "Four"):
        sw.publish("X1", [sw.patient("X1", "p1", "A", given_name=name)], [])
    assert len(reading.store().snapshots("X1")) == 3
    settings.COUNTERFOIL_KEEP_SNAPSHOTS = 0
    settings.COUNTERFOIL_KEEP_SNAPSHOT_DAYS = 1
    publishing.tidy()
    assert len(reading.store().snapshots("X1")) == 3
    settings.COUNTERFOIL_KEEP_SNAPSHOT_DAYS = 0
    publishing.tidy()
    assert len(reading.store().snapshots("X1")) == 1


def test_a_person_who_moved_is_one_case_that_the_old_practice_loses(world: Any) -> None:
    left = date(2026, 10, 1)
    others = [sw.patient("X1", f"p{n}", f"P{n}") for n in range(40)]
    sw.publish("X1", [*others, sw.patient("X1", "old", "M")], [sw.overdue("M", "old")])
    sw.publish("X2", [sw.patient("X2", "new", "M", registered_from=left)], [])
    sw.publish("X1", [*others, sw.patient("X1", "old", "M", registered_to=left)], [])
    case = Case.objects.get(person_id="M")
    assert [place.pk for place in case.practices.all()] == ["X2"]


def test_a_load_that_takes_away_much_asks_first(world: Any) -> None:
    rows = [sw.patient("X1", f"p{n}", f"P{n}") for n in range(40)]
    first = sw.publish("X1", rows, [])
    fewer = sw.load_of("X1", rows[:37])
    with pytest.raises(LossError, match=r"40 rows held before. Found: 37 rows: 7.5%"):
        publishing.publish(fewer, sw.AS_OF, lambda _s, _d: [])
    assert Snapshot.objects.get(published=True).snapshot_id == first.snapshot
    done = publishing.publish(fewer, sw.AS_OF, lambda _s, _d: [], accept_loss=True)
    assert done.patients == 37

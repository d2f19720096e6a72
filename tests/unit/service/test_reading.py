"""Files that somebody reads stay; files that nobody needs go."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

import service_world as sw
from counterfoil.service.casework import guards
from counterfoil.service.records import publishing, reading
from counterfoil.service.records.models import Lease, Snapshot


def folders() -> set[str]:
    return {snapshot.id for snapshot in reading.store().snapshots("X1")}


def test_a_snapshot_stays_while_it_is_read_and_goes_afterwards(world: Any) -> None:
    sw.publish("X1", [sw.patient("X1", "p1", "A")], [])
    with reading.leased("X1") as old:
        assert old is not None
        sw.publish("X1", [sw.patient("X1", "p1", "A", given_name="New")], [])
        assert len(folders()) == 2
        record = reading.store().patient(old.snapshot_id, "p1")
        assert record.patient.given_name == "Mary"
    publishing.tidy()
    published = Snapshot.objects.get(practice="X1", published=True)
    assert folders() == {published.snapshot_id}
    assert not Lease.objects.exists()


def test_a_lease_that_a_kill_left_behind_expires(world: Any) -> None:
    sw.publish("X1", [sw.patient("X1", "p1", "A")], [])
    reading.take_lease(Snapshot.objects.get().snapshot_id)
    sw.publish("X1", [sw.patient("X1", "p1", "A", given_name="New")], [])
    assert len(folders()) == 2
    past = timezone.now() - timedelta(seconds=1)
    Lease.objects.update(holder="elsewhere:1:1", expires_at=past)
    publishing.tidy()
    assert len(folders()) == 1


def test_going_back_to_an_earlier_state_is_a_publication_too(world: Any) -> None:
    first = sw.publish("X1", [sw.patient("X1", "p1", "A")], [])
    sw.publish("X1", [sw.patient("X1", "p1", "A", given_name="New")], [])
    back = sw.publish("X1", [sw.patient("X1", "p1", "A")], [])
    assert (back.snapshot, back.same) == (first.snapshot, False)
    assert Snapshot.objects.get(practice="X1", published=True).snapshot_id == first.snapshot


def test_nothing_published_is_nothing_to_read(world: Any) -> None:
    with reading.leased("X2") as snapshot:
        assert snapshot is None


def test_the_guards_of_the_log_stand(world: Any) -> None:
    """A migration that rebuilds a table on SQLite takes its triggers with it: they must be back."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            wanted = {f"{t}_no_{verb}" for t in guards.TABLES for verb in ("UPDATE", "DELETE")}
        else:
            cursor.execute("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")
            wanted = {f"{table}_append_only" for table in guards.TABLES}
        assert wanted <= {row[0] for row in cursor.fetchall()}

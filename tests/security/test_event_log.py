"""Whatever is done to the log behind the service's back is found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import service_world as sw
from counterfoil.service.casework import actions, events, guards
from counterfoil.service.casework.models import ChainHead, Event, Finding
from counterfoil.service.config.home import Home


@pytest.fixture
def log(world: Any, home: Home) -> Home:
    """A log of a dozen events, anchored."""
    sw.publish(
        "X1",
        [sw.patient("X1", "p1", "A"), sw.patient("X1", "p2", "B")],
        [sw.overdue("A", "p1"), sw.overdue("B", "p2")],
    )
    for finding in Finding.objects.all():
        actions.view_patient(world.tess, str(finding.case_id))
        actions.decide(world.tess, finding.pk, "add_note", "rang")
    actions.signed_in(world.tess)
    events.anchor(home.anchors)
    assert events.verify(home.anchors).whole
    return home


def test_the_database_refuses_to_change_or_delete(log: Home) -> None:
    for statement in (
        "UPDATE casework_event SET kind = 'nothing'",
        "DELETE FROM casework_event",
        "UPDATE casework_decision SET note = ''",
        "DELETE FROM casework_decision",
    ):
        with (
            pytest.raises(DatabaseError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
    assert events.verify(log.anchors).whole


def rebuild(chain: str) -> None:
    """Give every event of a chain its right place and hash again, as a careful forger would."""
    before, seq = events.START, 0
    for event in Event.objects.filter(chain=chain).order_by("seq"):
        seq += 1
        event.seq, event.prev_hash = seq, before
        before = events.digest(event)
        Event.objects.filter(pk=event.pk).update(seq=seq, prev_hash=event.prev_hash, hash=before)
    ChainHead.objects.filter(chain=chain).update(seq=seq, hash=before)


def alter() -> None:
    Event.objects.filter(chain="X1", seq=2).update(actor="99")


def remove_one() -> None:
    Event.objects.filter(chain="X1", seq=2).delete()


def cut_the_tail() -> None:
    Event.objects.filter(chain="X1", seq__gte=4).delete()
    last = Event.objects.filter(chain="X1").latest("seq")
    ChainHead.objects.filter(chain="X1").update(seq=last.seq, hash=last.hash)


def rebuild_without_one() -> None:
    remove_one()
    rebuild("X1")


def rebuild_altered() -> None:
    alter()
    rebuild("X1")


def remove_a_chain() -> None:
    Event.objects.filter(chain="U1").delete()
    ChainHead.objects.filter(chain="U1").delete()


@pytest.mark.parametrize(
    ("tamper", "words"),
    [
        (alter, "X1, event 2: was altered"),
        (remove_one, "events 2 to 2 are missing"),
        (cut_the_tail, "is gone"),
        (rebuild_without_one, "is gone"),
        (rebuild_altered, "the chain was rebuilt"),
        (remove_a_chain, "U1, event"),
    ],
)
def test_tampering_is_found(log: Home, tamper: Callable[[], None], words: str) -> None:
    guards.remove(connection)
    tamper()
    found = events.verify(log.anchors)
    assert not found.whole
    assert any(words in problem for problem in found.problems), found.problems


@pytest.mark.slow
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_any_single_change_is_found(log: Home, data: st.DataObject) -> None:
    """Every column of every event: change it, and the check fails."""
    with transaction.atomic():
        guards.remove(connection)
        event = data.draw(st.sampled_from(list(Event.objects.order_by("pk"))))
        column = data.draw(
            st.sampled_from(["chain", "seq", "prev_hash", "hash", "actor", "role", "kind", "refs"])
        )
        old = getattr(event, column)
        new: Any = {"case": "another"} if column == "refs" else f"{old}x"[-12:]
        if column == "seq":
            new = old + 1000
        Event.objects.filter(pk=event.pk).update(**{column: new})
        assert not events.verify(log.anchors).whole
        transaction.set_rollback(True)


def test_an_event_outside_a_transaction_is_refused(log: Home) -> None:
    assert connection.in_atomic_block  # the test's own: the guard is what is asked for here
    with pytest.raises(RuntimeError, match="in the transaction"):
        _outside(lambda: events.append("X1", [events.Entry("nothing", {})]))


def _outside(work: Callable[[], None]) -> None:
    was, connection.in_atomic_block = connection.in_atomic_block, False
    try:
        work()
    finally:
        connection.in_atomic_block = was


def test_a_refused_action_leaves_no_event(log: Home, world: Any) -> None:
    before = Event.objects.count()
    finding = Finding.objects.first()
    assert finding is not None
    with pytest.raises(Exception, match="not open to"):
        actions.decide(world.tess, finding.pk, "record_changed", "no")
    assert Event.objects.count() == before
    assert events.verify(log.anchors).whole


def test_an_anchor_line_cut_short_by_a_crash_is_left_out(log: Home) -> None:
    with log.anchors.open("a") as file:
        file.write('{"chain": "X1", "se')
    assert events.verify(log.anchors).whole

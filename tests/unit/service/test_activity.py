"""The work log: what was done, and minutes that stop when nobody works."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import service_world as sw
from counterfoil.service.casework import actions, activity
from counterfoil.service.casework.models import Event, Finding

NINE = datetime(2026, 11, 20, 9, tzinfo=UTC)


def event(minute: float, kind: str, actor: str = "1", **refs: Any) -> Event:
    at = NINE + timedelta(minutes=minute)
    return Event(chain="X1", seq=1, at=at, actor=actor, role="technician", kind=kind, refs=refs)


def test_minutes_run_to_the_next_event_of_the_same_person_and_stop_when_idle() -> None:
    log = [
        event(0, "signed_in"),
        event(1, "patient_viewed", case="A"),
        event(2, "patient_viewed", "2", case="B"),
        event(4, "decided", case="A", outcome="waiting", **{"class": "monitoring"}),
        event(5, "patient_viewed", case="C"),
        event(40, "decided", case="C", outcome="done", **{"class": "letter.same"}),
        event(41, "signed_out"),
    ]
    found = [(a.what, a.case, a.kind, a.minutes) for a in activity.derive(log)]
    assert found == [
        ("opened", "A", "", 3.0),
        ("opened", "B", "", 0.0),
        ("acted", "A", "monitoring", 1.0),
        ("opened", "C", "", 0.0),
        ("done", "C", "letter", 1.0),
    ]


def test_the_log_of_a_loop(world: Any) -> None:
    sw.publish("X1", [sw.patient("X1", "p1", "A")], [sw.overdue("A", "p1")])
    finding = Finding.objects.get()
    actions.view_patient(world.tess, str(finding.case_id))
    actions.decide(world.tess, finding.pk, "book_test", until=date(2026, 11, 27))
    sent = actions.hand_over(world.tess, [finding.pk], "pharmacist", "?")
    actions.reply(world.phil, str(sent.pk), "Yes.", decision="record_reviewed")
    actions.acknowledge_reply(world.tess, str(sent.pk))
    sw.publish("X1", [sw.patient("X1", "p1", "A")], [])
    assert [(a.what, a.role) for a in activity.activities(["X1", "X2"])] == [
        ("arrived", ""),
        ("opened", "technician"),
        ("acted", "technician"),
        ("handed over", "technician"),
        ("done", "pharmacist"),
        ("replied", "pharmacist"),
        ("acted", "technician"),
        ("done", ""),
    ]

"""Repeat requests become findings at publication: once, in scope, and within the policy."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.test import Client

import service_world as sw
from counterfoil.records.load import of_tables
from counterfoil.records.schema import from_rows
from counterfoil.service.casework import actions, request_queries, requests
from counterfoil.service.casework.errors import PolicyError, ScopeError
from counterfoil.service.casework.models import Decision, Finding
from counterfoil.service.casework.request_queries import RequestFilters
from counterfoil.service.records import publishing


def asked(practice: str, note: str | None = None, received: date = sw.AS_OF) -> Any:
    """A practice with one patient, who asks for a plan in good order and for something unknown."""
    common = {"practice": practice, "source_system": "synthetic", "source_id": "x"}
    key = f"{practice}p"
    at = datetime(received.year, received.month, received.day, 9, tzinfo=UTC)
    plan = {
        "plan_id": "P",
        "patient_id": key,
        "product_text": "Amlodipine 5mg tablets",
        "plan_type": "repeat",
        "status": "active",
        "status_inferred": False,
        "dose_text": "One to be taken daily",
        "quantity": 28,
        "quantity_unit": "tablet",
        "supply_days": 28,
        "start_date": date(2024, 1, 5),
        "review_date": date(2027, 3, 1),
        "issues_authorised": 12,
        "issues_made": 3,
    }
    issue = {
        "issue_id": "I",
        "patient_id": key,
        "plan_id": "P",
        "product_text": "Amlodipine 5mg tablets",
        "issue_type": "repeat",
        "issued_on": date(2026, 10, 25),
        "quantity": 28,
        "quantity_unit": "tablet",
        "supply_days": 28,
        "dose_text": "One to be taken daily",
    }
    request = {
        "request_id": "R",
        "patient_id": key,
        "channel": "app",
        "requester": "patient",
        "received_at": at,
        "note": note,
    }
    items = [
        {"request_item_id": "A", "item_text": "Amlodipine 5mg tablets", "plan_id": "P"},
        {"request_item_id": "B", "item_text": "the blue ones"},
    ]
    given = [{**common, "request_id": "R", "patient_id": key, **item} for item in items]
    tables = {
        "patient": [sw.patient(practice, key, f"person-{practice}", "9990000018")],
        "plan": [{**common, **plan}],
        "issue": [{**common, **issue}],
        "request": [{**common, **request}],
        "request_item": given,
    }
    return of_tables(practice, {name: from_rows(name, rows) for name, rows in tables.items()})


def publish(practice: str, **more: Any) -> None:
    publishing.publish(asked(practice, **more), sw.AS_OF, lambda _s, _d: [])


def item(subject: str) -> Finding:
    return Finding.objects.get(subject=subject, kind="request_item", practice="X1")


def test_a_second_run_updates_and_never_duplicates(world: Any) -> None:
    publish("X1")
    first = {f.pk: f.klass for f in Finding.objects.all()}
    assert sorted(first.values()) == ["request.contact", "request.ok"]
    publish("X1")
    again = requests.refresh("X1", sw.AS_OF)
    assert (again.new, again.unchanged, again.cleared) == (0, 2, 0)
    assert {f.pk: f.klass for f in Finding.objects.all()} == first
    assert {c["id"] for c in item("A").reasons[0]["checks"]} >= {"R01", "R07", "R16", "R33"}
    assert (item("A").owner, item("A").due) == ("technician", date(2026, 11, 22))


def test_old_requests_are_no_work(world: Any) -> None:
    publish("X1", received=date(2026, 11, 5))
    assert not Finding.objects.exists()


def test_a_held_item_does_not_hold_the_rest_and_the_prescriber_signs(world: Any) -> None:
    publish("X1")
    with pytest.raises(PolicyError):
        actions.decide(world.tess, item("A").pk, "signed")
    with pytest.raises(PolicyError):
        actions.decide(world.tess, item("B").pk, "ready_for_signature")
    actions.decide(world.tess, item("A").pk, "ready_for_signature")
    assert item("B").work == "todo"
    to_sign = request_queries.queue(world.grace, RequestFilters(view="sign")).lines
    assert [line.items[0][0] for line in to_sign] == ["Amlodipine 5mg tablets"]
    actions.decide(world.grace, item("A").pk, "return_item", "Ask about ankles first.")
    assert item("A").work == "todo"
    actions.decide(world.tess, item("A").pk, "ready_for_signature")
    actions.decide(world.grace, item("A").pk, "signed")
    assert item("A").work == "done"
    assert not request_queries.queue(world.grace, RequestFilters(view="sign")).lines
    publish("X1")
    assert item("A").work == "done"


def test_the_note_is_read_first(world: Any) -> None:
    publish("X1", note="could the pharmacy keep it please")
    finding = item("A")
    assert finding.klass == "request.technician"
    with pytest.raises(PolicyError, match="note"):
        actions.decide(world.tess, finding.pk, "protocol_done", "read")
    page = request_queries.request_view(world.tess, str(finding.case_id)).requests[0]
    assert not page.note_read
    assert not any(a.finishes for card in page.items for a in card.actions)
    actions.read_note(world.tess, str(finding.case_id), "R")
    actions.read_note(world.tess, str(finding.case_id), "R")
    assert Decision.objects.filter(action="read_note").count() == 2  # one an item
    with pytest.raises(PolicyError, match="note"):
        actions.decide(world.phil, finding.pk, "reviewed_ready", "not read by me")
    actions.decide(world.tess, finding.pk, "protocol_done", "passed on")
    assert item("A").work == "done"


def test_lists_and_pages_stay_in_the_own_practices(world: Any) -> None:
    publish("X1")
    publish("X9")
    foreign = str(Finding.objects.filter(practice="X9").first().case_id)  # type: ignore[union-attr]
    for user in (world.tess, world.phil, world.grace):
        lines = request_queries.queue(user, RequestFilters()).lines
        assert {line.person.practice_code for line in lines} == {"X1"}
        client = Client()
        client.force_login(user)
        for address in (f"/requests/{foreign}/", f"/cases/{foreign}/erd/"):
            assert client.get(address).status_code == 404
        answer = client.post(f"/requests/{foreign}/note/", {"request": "R"})
        assert answer.status_code == 404
        for call in (request_queries.request_view, request_queries.erd):
            with pytest.raises(ScopeError):
                call(user, foreign)
    empty = request_queries.queue(world.lena, RequestFilters())
    assert not empty.lines
    assert "no clinical role" in empty.empty_because


@pytest.mark.slow
def test_the_pages_answer_and_say_why_a_list_is_empty(world: Any) -> None:
    client = Client()
    client.force_login(world.tess)
    assert "No request of the last 14 days" in client.get("/requests/").content.decode()
    publish("X1", note="blue please")
    case = str(item("A").case_id)
    shown = client.get(f"/requests/{case}/").content.decode()
    assert "blue please" in shown
    assert "I have read the note" in shown
    assert "Ready for signature" not in shown
    assert 'style="' not in shown
    filtered = client.get("/requests/?practice=X2").content.decode()
    assert "Nothing matches the filters" in filtered
    assert client.get(f"/cases/{case}/erd/").status_code == 200
    assert f"/requests/{case}/" in client.get(f"/cases/{case}/").content.decode()


def test_filters_name_the_outcome(world: Any) -> None:
    publish("X1")
    found = request_queries.queue(world.tess, replace(RequestFilters(), outcome="contact"))
    assert [line.outcomes for line in found.lines] == [{"contact": 1}]
    assert {c.value: c.count for c in found.outcomes} == {"contact": 1, "ok": 1}

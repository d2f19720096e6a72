"""What each action changes, and what it refuses."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone

import service_world as sw
from counterfoil.service.casework import actions, queries, work
from counterfoil.service.casework.errors import ConflictError, PolicyError
from counterfoil.service.casework.models import (
    AppendOnlyError,
    Case,
    Decision,
    Event,
    Finding,
    Handover,
)
from counterfoil.service.casework.shapes import Filters

SOON = date(2026, 11, 27)


@pytest.fixture
def finding(world: Any) -> Finding:
    sw.publish("X1", [sw.patient("X1", "p1", "A", "9990000018")], [sw.overdue("A", "p1")])
    return Finding.objects.get()


def state(finding: Finding) -> str:
    finding.refresh_from_db()
    derived = work.derive(finding.decisions.all(), finding.handovers.all())
    assert (finding.work, finding.waiting_until, finding.with_role, finding.must_hand_over) == (
        derived.state,
        derived.waiting_until,
        derived.with_role,
        derived.must_hand_over,
    )
    return finding.work


def test_a_case_held_by_one_is_refused_to_another(world: Any, finding: Finding) -> None:
    case = str(finding.case_id)
    actions.claim(world.tess, case)
    with pytest.raises(ConflictError, match=r"Tess Technician has this case until \d+:\d\d[ap]m"):
        actions.claim(world.tom, case)
    with pytest.raises(ConflictError, match="Tess Technician"):
        actions.decide(world.tom, finding.pk, "book_test", until=SOON)
    actions.release(world.tess, case)
    actions.claim(world.tom, case)
    with pytest.raises(ConflictError, match="do not hold"):
        actions.release(world.tess, case)


def test_a_claim_expires(world: Any, finding: Finding) -> None:
    actions.claim(world.tess, str(finding.case_id))
    Case.objects.update(claimed_until=timezone.now() - timedelta(minutes=1))
    actions.claim(world.tom, str(finding.case_id))
    assert Case.objects.get().claimed_by == world.tom


@pytest.mark.hazard("HZ-008")
def test_two_people_never_both_complete_an_item(world: Any, finding: Finding) -> None:
    given = {"found_on": "2026-11-10", "place": "hospital letter"}
    actions.decide(world.tess, finding.pk, "found_elsewhere", evidence=given)
    Case.objects.update(claimed_by=None, claimed_until=None)
    with pytest.raises(ConflictError, match="finished by Tess Technician already"):
        actions.decide(world.tom, finding.pk, "found_elsewhere", evidence=given)
    assert Decision.objects.count() == 1


@pytest.mark.hazard("HZ-008")
def test_news_that_was_not_seen_is_not_written_over(world: Any, finding: Finding) -> None:
    version = queries.case_view(world.tess, str(finding.case_id)).version
    actions.decide(world.tess, finding.pk, "add_note", "rang, no answer", expected_version=version)
    with pytest.raises(ConflictError, match="has changed since"):
        actions.decide(world.tess, finding.pk, "add_note", "again", expected_version=version)


def test_an_overdue_test_with_a_fresh_issue_is_handed_over_as_well_as_booked(world: Any) -> None:
    fresh = sw.overdue("A", "p1", issued_on=date(2026, 11, 12))
    sw.publish("X1", [sw.patient("X1", "p1", "A")], [fresh])
    finding = Finding.objects.get()
    actions.decide(world.tess, finding.pk, "book_test", until=SOON)
    assert state(finding) == Finding.Work.WAITING
    assert finding.must_hand_over
    counts = queries.today(world.tess).counts
    assert (counts.team, counts.waiting) == (1, 0)
    assert queries.today(world.tess).lines[0].why.startswith("must also be handed over")

    actions.hand_over(
        world.tess, [finding.pk], "pharmacist", "Issued on the 12th, test on the 27th."
    )
    assert state(finding) == Finding.Work.HANDED_OVER
    assert not finding.must_hand_over
    assert finding.waiting_until == SOON


def test_a_question_keeps_others_from_finishing_it(world: Any, finding: Finding) -> None:
    actions.hand_over(world.tess, [finding.pk], "pharmacist", "Stop?")
    given = {"found_on": "2026-11-10", "place": "letter"}
    with pytest.raises(ConflictError, match="waits for an answer of the pharmacist"):
        actions.decide(world.tess, finding.pk, "found_elsewhere", evidence=given)
    actions.decide(world.tess, finding.pk, "book_test", until=SOON)
    assert state(finding) == Finding.Work.HANDED_OVER
    with pytest.raises(ConflictError, match="waits for an answer"):
        actions.hand_over(world.tess, [finding.pk], "prescriber", "Or you?")


def test_the_pharmacist_decides_while_the_technician_holds_the_case(
    world: Any, finding: Finding
) -> None:
    sent = actions.hand_over(world.tess, [finding.pk], "pharmacist", "Stop?")
    actions.reply(world.phil, str(sent.pk), "No: seen in clinic.", decision="record_reviewed")
    assert state(finding) == Finding.Work.ANSWERED
    made = finding.decisions.get()
    assert (made.actor, made.role, made.action) == (world.phil, "pharmacist", "record_reviewed")
    with pytest.raises(ConflictError, match="answered already"):
        actions.reply(world.phil, str(sent.pk), "Or yes.")
    actions.acknowledge_reply(world.tess, str(sent.pk))
    assert state(finding) == Finding.Work.DONE
    with pytest.raises(ConflictError, match="no answer to take up"):
        actions.acknowledge_reply(world.tess, str(sent.pk))


def test_a_pharmacist_cannot_answer_with_a_prescribers_decision(
    world: Any, finding: Finding
) -> None:
    sent = actions.hand_over(world.tess, [finding.pk], "pharmacist", "Stop?")
    with pytest.raises(PolicyError, match="not open to a pharmacist"):
        actions.reply(world.phil, str(sent.pk), "Stop it.", decision="record_changed")
    assert Handover.objects.get().status == Handover.Status.SENT
    with pytest.raises(PolicyError, match="for a pharmacist"):
        actions.reply(world.grace, str(sent.pk), "Stop it.")


def test_an_empty_question_or_answer_is_refused(world: Any, finding: Finding) -> None:
    with pytest.raises(PolicyError, match="what you want to know"):
        actions.hand_over(world.tess, [finding.pk], "pharmacist", "  ")
    sent = actions.hand_over(world.tess, [finding.pk], "pharmacist", "Stop?")
    with pytest.raises(PolicyError, match="Write the answer"):
        actions.reply(world.phil, str(sent.pk), "")


def test_a_proposed_code_needs_a_second_person(world: Any) -> None:
    gap = sw.overdue("A", "p1", klass="coding")
    sw.publish("X1", [sw.patient("X1", "p1", "A")], [gap])
    finding = Finding.objects.get()
    with pytest.raises(PolicyError, match="comes first"):
        actions.decide(world.phil, finding.pk, "confirm_code", "yes")
    actions.decide(world.phil, finding.pk, "propose_code", "type 2 diabetes")
    with pytest.raises(PolicyError, match="second person"):
        actions.decide(world.phil, finding.pk, "confirm_code", "yes")
    actions.release(world.phil, str(finding.case_id))
    actions.decide(world.tess, finding.pk, "propose_code", "agree")
    actions.release(world.tess, str(finding.case_id))
    actions.decide(world.phil, finding.pk, "confirm_code", "yes")
    assert state(finding) == Finding.Work.DONE


def test_what_waits_comes_back_when_its_date_has_passed(
    world: Any, finding: Finding, settings: Any
) -> None:
    actions.decide(world.tess, finding.pk, "declined", "not before Christmas", until=SOON)
    assert queries.today(world.tess).counts.team == 1  # a high-risk drug: handed over as well
    actions.hand_over(world.tess, [finding.pk], "pharmacist", "She declines.")
    sent = Handover.objects.get()
    actions.reply(world.phil, str(sent.pk), "Ask again on Friday.")
    actions.acknowledge_reply(world.tess, str(sent.pk))
    assert state(finding) == Finding.Work.WAITING
    assert queries.today(world.tess).counts.team == 0
    settings.COUNTERFOIL_TODAY = "2026-11-28"
    assert queries.today(world.tess).counts.team == 1
    assert queries.today(world.tess, Filters(view="waiting")).total == 0


@pytest.mark.hazard("HZ-003")
def test_a_rule_makes_no_work_before_it_is_approved(world: Any) -> None:
    new = sw.overdue("A", "p1", rule_version="2")
    sw.publish("X1", [sw.patient("X1", "p1", "A")], [new])
    finding = Finding.objects.get()
    today = queries.today(world.tess)
    assert today.total == 0
    assert "none of them is approved" in today.empty_because
    with pytest.raises(PolicyError, match="not approved"):
        actions.decide(world.tess, finding.pk, "book_test", until=SOON)
    with pytest.raises(Exception, match="no such organisation"):
        actions.approve_rule(world.tess, "U1", sw.RULE, "2")
    actions.approve_rule(world.phil, "U1", sw.RULE, "2")
    assert queries.today(world.tess).total == 1


def test_opening_a_record_is_attributable_and_nothing_identifies_anybody(
    world: Any, finding: Finding
) -> None:
    actions.view_patient(world.tess, str(finding.case_id))
    actions.hand_over(world.tess, [finding.pk], "pharmacist", "Mary Test, 999 000 0018: stop?")
    seen = Event.objects.get(kind="patient_viewed")
    assert (seen.chain, seen.actor) == ("X1", str(world.tess.pk))
    for event in Event.objects.all():
        assert "999" not in str(event.refs).replace(finding.pk, "").replace(
            str(finding.case_id), ""
        )
        assert "Mary" not in str(event.refs)


def test_events_and_decisions_are_written_once(world: Any, finding: Finding) -> None:
    decision = actions.decide(world.tess, finding.pk, "add_note", "rang")
    for row in (decision, Event.objects.first()):
        with pytest.raises(AppendOnlyError, match="never changed"):
            row.save()
        with pytest.raises(AppendOnlyError, match="never deleted"):
            row.delete()

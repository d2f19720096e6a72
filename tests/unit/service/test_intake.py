"""Findings come in twice, change, clear, return, and follow their person."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

import service_world as sw
from counterfoil.service.casework import actions, intake, queries
from counterfoil.service.casework.errors import ScopeError
from counterfoil.service.casework.models import Case, Decision, Finding
from counterfoil.service.records.models import PersonIndex, Snapshot

P1 = sw.patient("X1", "p1", "A", "9990000018")


def known() -> list[tuple[str, int, str, str]]:
    rows = Finding.objects.order_by("person_id", "rule", "subject", "episode")
    return list(rows.values_list("subject", "episode", "state", "work"))


def test_the_same_load_twice_changes_nothing(world: Any) -> None:
    first = sw.publish("X1", [P1], [sw.overdue("A", "p1")])
    row = Finding.objects.values().get()
    again = sw.publish("X1", [P1], [sw.overdue("A", "p1")])
    assert (first.findings.new, again.findings.new) == (1, 0)
    assert (again.same, again.findings.unchanged, again.findings.changed) == (True, 1, 0)
    now = Finding.objects.values().get()
    assert {k for k in row if row[k] != now[k]} == {"last_seen"}
    assert Case.objects.count() == Snapshot.objects.count() == PersonIndex.objects.count() == 1


def test_a_new_version_of_the_rule_updates_and_keeps_its_decisions(world: Any) -> None:
    sw.publish("X1", [P1], [sw.overdue("A", "p1")])
    finding = Finding.objects.get()
    actions.decide(world.tess, finding.pk, "add_note", "rang")
    sw.publish("X1", [P1], [sw.overdue("A", "p1", rule_version="2", title="New words")])
    finding.refresh_from_db()
    assert (finding.title, finding.rule_version, finding.episode) == ("New words", "2", 1)
    assert finding.decisions.count() == 1
    assert finding.decisions.get().rule_version == "1"


def test_an_episode_ends_when_it_is_clear_and_a_new_one_starts_afresh(world: Any) -> None:
    sw.publish("X1", [P1], [sw.overdue("A", "p1")])
    first = Finding.objects.get()
    given = {"found_on": "2026-11-10", "place": "letter"}
    actions.decide(world.tess, first.pk, "found_elsewhere", evidence=given)
    sw.publish("X1", [P1], [])
    assert known() == [("fbc", 1, "clear", "done")]
    assert Case.objects.get().status == "closed"
    sw.publish("X1", [P1], [sw.overdue("A", "p1")])
    assert known() == [("fbc", 1, "clear", "done"), ("fbc", 2, "open", "todo")]
    assert Case.objects.get().status == "open"
    assert intake.finding_id("A", sw.RULE, "fbc", 2) == Finding.objects.get(episode=2).pk


def test_other_facts_reopen_what_was_decided_and_new_rows_alone_do_not(world: Any) -> None:
    sw.publish("X1", [P1], [sw.overdue("A", "p1")])
    finding = Finding.objects.get()
    actions.decide(world.tess, finding.pk, "book_test", until=date(2026, 12, 1))
    later = [{"clause": "overdue", "holds": True, "text": "another row, same truth"}]
    sw.publish("X1", [P1], [sw.overdue("A", "p1", reasons=later)])
    assert known() == [("fbc", 1, "open", "waiting")]
    other = [{"clause": "overdue", "holds": None, "text": "cannot tell now"}]
    sw.publish("X1", [P1], [sw.overdue("A", "p1", state="cannot_tell", reasons=other)])
    assert known() == [("fbc", 1, "cannot_tell", "todo")]
    reopened = Decision.objects.get(action="reopened")
    assert (reopened.actor, reopened.outcome) == (None, "todo")
    assert "facts" in reopened.note


def test_a_date_that_has_passed_reopens(world: Any, settings: Any) -> None:
    sw.publish("X1", [P1], [sw.overdue("A", "p1")])
    finding = Finding.objects.get()
    actions.decide(world.tess, finding.pk, "book_test", until=date(2026, 12, 1))
    assert intake.reopen_due(date(2026, 12, 1)) == 0
    assert intake.reopen_due(date(2026, 12, 2)) == 1
    assert intake.reopen_due(date(2026, 12, 2)) == 0
    assert known() == [("fbc", 1, "open", "todo")]


def test_a_question_survives_new_facts(world: Any) -> None:
    sw.publish("X1", [P1], [sw.overdue("A", "p1")])
    finding = Finding.objects.get()
    sent = actions.hand_over(world.tess, [finding.pk], "pharmacist", "Stop?")
    sw.publish("X1", [P1], [])
    assert known() == [("fbc", 1, "clear", "handed_over")]
    assert queries.questions(world.phil)[0].handover.ref == str(sent.pk)


def test_who_moves_takes_the_case_along_and_the_old_practice_loses_sight(world: Any) -> None:
    """One person, one case, one finding; the decisions go with it."""
    sw.publish("X1", [P1], [sw.overdue("A", "p1")])
    finding = Finding.objects.get()
    case = str(finding.case_id)
    actions.decide(world.grace, finding.pk, "add_note", "seen at X1")
    assert queries.case_view(world.grace, case).ref == case

    moved = {**P1, "registered_to": date(2026, 11, 1)}
    here = sw.patient("X9", "q1", "A", "9990000018", registered_from=date(2026, 11, 1))
    sw.publish("X1", [moved], [])
    sw.publish("X9", [here], [sw.overdue("A", "q1")])

    assert Case.objects.count() == 1
    assert queries.case_view(world.stranger, case).person.practice_code == "X9"
    with pytest.raises(ScopeError):
        queries.case_view(world.grace, case)
    assert queries.today(world.tess).total == 0


def test_moving_within_the_pcn_keeps_one_finding(world: Any) -> None:
    sw.publish("X1", [P1], [sw.overdue("A", "p1")])
    here = sw.patient("X2", "q1", "A", "9990000018", registered_from=date(2026, 11, 1))
    sw.publish("X2", [here], [sw.overdue("A", "q1")])
    assert Finding.objects.get().practice_id == "X2"
    sw.publish("X1", [{**P1, "registered_to": date(2026, 11, 1)}], [])
    assert known() == [("fbc", 1, "open", "todo")]
    line = queries.today(world.tess).lines[0]
    assert (line.practice_code, line.person.practice_code) == ("X2", "X2")
    with pytest.raises(ScopeError):
        queries.case_view(world.grace, line.case_ref)


def test_what_no_rule_dates_is_due_by_its_urgency_from_first_sight(world: Any) -> None:
    undated = sw.overdue("A", "p1", due=None, urgency="week")
    sw.publish("X1", [P1], [undated])
    assert Finding.objects.get().due == date(2026, 11, 27)
    assert sw.publish("X1", [P1], [undated]).findings.unchanged == 1
    assert Finding.objects.get().due == date(2026, 11, 27)


def test_a_question_about_somebody_gone_from_the_record_can_still_be_answered(world: Any) -> None:
    sw.publish("X1", [P1, sw.patient("X1", "p2", "B")], [sw.overdue("A", "p1")])
    finding = Finding.objects.get()
    sent = actions.hand_over(world.tess, [finding.pk], "pharmacist", "Stop?")
    sw.publish("X1", [sw.patient("X1", "p3", "C")], [])
    assert set(PersonIndex.objects.values_list("person_id", flat=True)) == {"A", "C"}
    question = queries.questions(world.phil)[0]
    assert (question.person.name, question.person.registered_to) == ("TEST, Mary", sw.AS_OF)
    assert queries.case_view(world.phil, question.case_ref).record is None
    actions.reply(world.phil, str(sent.pk), "She has left.")
    actions.acknowledge_reply(world.tess, str(sent.pk))
    assert Case.objects.get().status == "closed"

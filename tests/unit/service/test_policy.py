"""Who may decide what: the table, its laws, and that actions obey it for crafted requests too."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date
from itertools import product
from typing import Any

import pytest
from django.db import transaction

import service_world as sw
from counterfoil.service.accounts.models import Role
from counterfoil.service.casework import actions, policy
from counterfoil.service.casework.errors import ActionError, PolicyError
from counterfoil.service.casework.models import Decision, Event, Finding

TODAY = date(2026, 11, 22)
GIVEN = {"found_on": "2026-11-01", "place": "clinic letter", "reason": "stopped"}
TABLE = policy.load()
TECHNICIANS_REQUESTS = ("request.ok", "request.technician", "request.contact")


def attempt(roles: set[str], subject: policy.Subject, action: str, **more: Any) -> str:
    given = {"note": "seen", "until": date(2026, 12, 1), "evidence": GIVEN, "today": TODAY}
    return policy.check(TABLE, roles, subject, action, **{**given, **more})[1]


def test_no_technician_action_changes_a_treatment_or_finishes_a_line_that_is_not_the_same() -> None:
    counted: Counter[str] = Counter()
    for role, klass, action in product(Role.values, TABLE.classes, TABLE.actions):
        for high_risk, protocol in product((True, False, None), ((), every_protocol())):
            try:
                attempt({role}, policy.Subject(klass, high_risk), action, protocol=protocol)
            except PolicyError:
                counted["refused"] += 1
                continue
            counted["allowed"] += 1
            known = TABLE.actions[action]
            if role == Role.TECHNICIAN:
                assert not known.changes_treatment, (klass, action)
                if klass.startswith("letter.") and klass != "letter.same" and not protocol:
                    assert known.effect != "done", (klass, action)
                if klass.startswith("request.") and klass not in TECHNICIANS_REQUESTS:
                    assert known.effect not in ("done", "todo"), (klass, action)
                assert action != "ready_for_signature" or klass == "request.ok", klass
            if action == "signed":
                assert role == Role.PRESCRIBER, (role, klass)
            assert role in policy.CLINICAL_ROLES, (role, klass, action)
    total = len(Role.values) * len(TABLE.classes) * len(TABLE.actions) * 6
    print(f"policy matrix: {total} cases, {counted['allowed']} allowed, {counted['refused']} not")
    assert counted.total() == total
    assert counted["allowed"] > 300


def every_protocol() -> tuple[str, ...]:
    """Every action that some organisation's protocol could name."""
    return tuple(
        f"{known.name}:{action}"
        for known in TABLE.classes.values()
        for named in known.protocol.values()
        for action in named
    )


@pytest.mark.slow
def test_crafted_requests_obey_the_same_table(world: Any) -> None:
    """Every role x class x action through the write layer, in the database, counted."""
    people = {
        "technician": world.tess,
        "pharmacist": world.phil,
        "prescriber": world.grace,
        "lead": world.lena,
        "stranger": world.stranger,
    }
    sw.publish(
        "X1",
        [sw.patient("X1", "p1", "A")],
        [
            sw.overdue("A", "p1", klass=klass, rule=sw.RULE, subject=klass, high_risk=False)
            for klass in TABLE.classes
        ],
    )
    counted: Counter[str] = Counter()
    for (role, user), klass, action in product(people.items(), TABLE.classes, TABLE.actions):
        finding = Finding.objects.get(subject=klass)
        may = action in TABLE.names(role, klass) if role in policy.CLINICAL_ROLES else False
        if TABLE.actions[action].second_person_after:
            may = False  # nobody has proposed anything
        before = Event.objects.count()
        with transaction.atomic():
            point = transaction.savepoint()
            try:
                actions.decide(
                    user, finding.pk, action, "seen", until=date(2026, 12, 1), evidence=GIVEN
                )
            except ActionError:
                assert not may, (role, klass, action)
                counted["refused"] += 1
            else:
                assert may, (role, klass, action)
                counted["allowed"] += 1
                assert Event.objects.count() == before + 1
                state = Finding.objects.get(pk=finding.pk).work
                if role == "technician" and klass.startswith("letter.") and klass != "letter.same":
                    assert state != Finding.Work.DONE
            transaction.savepoint_rollback(point)
        assert Finding.objects.get(pk=finding.pk).work == Finding.Work.TODO
        assert Event.objects.count() == before
    print(f"through the write layer: {counted.total()} requests, {dict(counted)}")
    assert counted.total() == len(people) * len(TABLE.classes) * len(TABLE.actions)
    assert not Decision.objects.exists()


def test_a_table_that_breaks_a_law_does_not_load() -> None:
    broken = replace(
        TABLE.classes["letter.changed"], actions={"technician": ("approve_change", "resolve")}
    )
    told = policy.breaches(replace(TABLE, classes={**TABLE.classes, "letter.changed": broken}))
    assert told == [
        "class letter.changed: approve_change changes a treatment",
        "class letter.changed: a technician's approve_change finishes the line",
        "class letter.changed: a technician's resolve finishes the line",
    ]


def test_only_the_protocol_opens_a_done_line_to_a_technician() -> None:
    subject = policy.Subject("letter.done")
    with pytest.raises(PolicyError):
        attempt({"technician"}, subject, "confirm_done")
    named = ("letter.done:confirm_done",)
    assert attempt({"technician"}, subject, "confirm_done", protocol=named) == "technician"


@pytest.mark.parametrize(("high_risk", "who"), [(True, False), (None, False), (False, True)])
def test_a_pharmacist_approves_a_change_of_a_drug_known_not_to_be_high_risk(
    high_risk: bool | None, who: bool
) -> None:
    subject = policy.Subject("letter.changed", high_risk)
    assert attempt({"prescriber"}, subject, "approve_change") == "prescriber"
    if who:
        assert attempt({"pharmacist"}, subject, "approve_change") == "pharmacist"
    else:
        with pytest.raises(PolicyError):
            attempt({"pharmacist"}, subject, "approve_change")


@pytest.mark.parametrize(
    ("action", "without", "words"),
    [
        ("found_elsewhere", {"evidence": {"place": "letter"}}, "date of the test"),
        ("found_elsewhere", {"evidence": {"found_on": "2026-11-01"}}, "place"),
        ("found_elsewhere", {"evidence": {**GIVEN, "found_on": "2026-11-23"}}, "lies ahead"),
        ("found_elsewhere", {"evidence": {**GIVEN, "found_on": "yesterday"}}, "not a date"),
        ("declined", {"note": " "}, "needs a note"),
        ("declined", {"until": None}, "needs a date"),
        ("declined", {"until": date(2027, 11, 22)}, "no later than 20 February 2027"),
        ("book_test", {"until": date(2026, 11, 22)}, "must lie ahead"),
        ("not_applicable", {"evidence": {"reason": "bored"}}, "listed reasons"),
        ("prescribe", {}, "no such action"),
    ],
)
def test_what_an_action_needs(action: str, without: dict[str, Any], words: str) -> None:
    with pytest.raises(PolicyError, match=words):
        attempt({"technician"}, policy.Subject("monitoring"), action, **without)


@pytest.mark.parametrize(
    ("action", "subject", "words"),
    [
        ("book_test", policy.Subject("monitoring", True, date(2026, 10, 26)), "26 October 2026"),
        ("book_test", policy.Subject("monitoring", True, date(2026, 10, 25)), ""),
        ("book_test", policy.Subject("monitoring", True, None), "not known"),
        ("declined", policy.Subject("monitoring", True, date(2026, 1, 1)), "declined"),
        ("declined", policy.Subject("monitoring", None, date(2026, 1, 1)), "declined"),
        ("declined", policy.Subject("monitoring", False, date(2026, 1, 1)), ""),
        ("book_test", policy.Subject("coding", False, None, "same_day"), "same day"),
        ("book_test", policy.Subject("coding", False, None), ""),
    ],
)
def test_what_a_technician_hands_over_as_well(
    action: str, subject: policy.Subject, words: str
) -> None:
    known = TABLE.actions[action]
    told = policy.must_hand_over(TABLE, known, "technician", subject, TODAY)
    assert (words in told) if words else told == ""
    assert policy.must_hand_over(TABLE, known, "pharmacist", subject, TODAY) == ""

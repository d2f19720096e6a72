"""Nobody reaches what is not their practice's: each read, each action, each page, each foreign id."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from itertools import product
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

import service_world as sw
from counterfoil.service.casework import actions, queries
from counterfoil.service.casework.errors import ActionError, ScopeError
from counterfoil.service.casework.models import (
    Decision,
    Event,
    Finding,
    Handover,
    LetterDocument,
)
from counterfoil.service.casework.shapes import Filters

UNTIL = date(2026, 12, 1)


@pytest.fixture
def filled(world: Any) -> Any:
    """Work at X1 (the PCN's) and at X9 (the stranger's), with a question and a letter at each."""
    for code, person in (("X1", "A"), ("X9", "Z")):
        sw.publish(code, [sw.patient(code, f"{code}p", person, "9990000018")], [])
    from counterfoil.service.accounts.models import Membership

    Membership.objects.create(user=world.stranger, organisation_id="X9", role="pharmacist")
    actions.approve_rule(world.stranger, "X9", sw.RULE, sw.VERSION)
    for code, person, user in (("X1", "A", world.tess), ("X9", "Z", world.stranger)):
        patient = f"{code}p"
        sw.publish(
            code,
            [sw.patient(code, patient, person, "9990000018")],
            [sw.overdue(person, patient)],
        )
        finding = Finding.objects.get(person_id=person)
        actions.hand_over(user, [finding.pk], "pharmacist", "?")
        LetterDocument.objects.create(
            practice_id=code,
            case=finding.case,
            person_id=person,
            patient_id=patient,
            sha256=code * 16,
            name="letter.txt",
            media_type="text/plain",
            received_at="2026-11-20T09:00Z",
            due_on=date(2026, 11, 27),
            as_of=date(2026, 11, 20),
        )
    return world


def foreign() -> dict[str, str]:
    """The ids of X9: of its case, finding, question and letter."""
    finding = Finding.objects.get(person_id="Z")
    return {
        "case": str(finding.case_id),
        "finding": finding.pk,
        "question": str(Handover.objects.get(case=finding.case).pk),
        "letter": str(LetterDocument.objects.get(practice_id="X9").pk),
    }


CALLS: list[tuple[str, Callable[[Any, str], Any]]] = [
    ("case", queries.case_view),
    ("letter", queries.letter_view),
    ("letter", queries.original_letter),
    ("case", actions.view_patient),
    ("case", actions.claim),
    ("case", actions.release),
    ("finding", lambda u, r: actions.decide(u, r, "add_note", "x")),
    ("finding", actions.confirm_same),
    ("finding", lambda u, r: actions.send_query(u, r, "x", UNTIL)),
    ("finding", lambda u, r: actions.hand_over(u, [r], "pharmacist", "x")),
    ("question", lambda u, r: actions.reply(u, r, "x")),
    ("question", actions.acknowledge_reply),
    ("letter", actions.finish_letter),
]


@pytest.mark.slow
@pytest.mark.hazard("HZ-010")
def test_every_call_with_a_foreign_id_says_that_there_is_no_such_thing(filled: Any) -> None:
    people = (filled.tess, filled.phil, filled.grace, filled.lena)
    ids = foreign()
    before = Event.objects.count()
    for user, (kind, call) in product(people, CALLS):
        with pytest.raises(ScopeError):
            call(user, ids[kind])
        for nonsense in ("", "1", "not-an-id", "0" * 200, "' OR 1=1 --", ids["finding"][::-1]):
            with pytest.raises(ScopeError):
                call(user, nonsense)
    assert Event.objects.count() == before
    assert queries.case_view(filled.stranger, ids["case"]).person.practice_code == "X9"


@pytest.mark.hazard("HZ-010")
def test_lists_hold_the_own_practices_only(filled: Any) -> None:
    for user in (filled.tess, filled.phil, filled.grace):
        for view in ("team", "mine", "handed_over", "answered", "waiting", "overdue", "near"):
            listed = queries.today(user, Filters(view=view)).lines
            assert {line.practice_code for line in listed} <= {"X1"}
        assert {
            found.person.practice_code for found in queries.find_patient(user, "999 000 0018")
        } == {"X1"}
        assert {row.practice_code for row in queries.letters(user)} == {"X1"}
        assert {row.practice_code for row in queries.questions(user)} <= {"X1"}
        assert "X9" not in {row.practice_code for row in queries.data_as_at(user)}


def test_a_lead_sees_counts_and_no_patients(filled: Any) -> None:
    today = queries.today(filled.lena)
    assert (today.total, today.counts.team) == (0, 0)
    assert "no clinical role" in today.empty_because
    assert queries.letters(filled.lena) == queries.questions(filled.lena) == ()
    assert queries.find_patient(filled.lena, "9990000018") == ()
    counts = {row.practice_code: row for row in queries.team_counts(filled.lena)}
    assert set(counts) == {"X1", "X2"}
    assert counts["X1"].handed_over == 1


def test_who_is_no_longer_active_reaches_nothing(filled: Any) -> None:
    case = str(Finding.objects.get(person_id="A").case_id)
    filled.tess.is_active = False
    with pytest.raises(ActionError):
        queries.case_view(filled.tess, case)
    assert queries.today(filled.tess).total == 0


def patterns(
    resolver: URLResolver | None = None, prefix: str = ""
) -> Iterator[tuple[str, list[str]]]:
    """Every address as a template, with the names of its parameters."""
    for entry in (resolver or get_resolver()).url_patterns:
        template = prefix + str(entry.pattern)
        if isinstance(entry, URLPattern):
            yield template, re.findall(r"<(?:\w+:)?(\w+)>", template)
        else:
            yield from patterns(entry, template)


def fill(template: str, values: dict[str, str], default: str = "x") -> str:
    """The address with each parameter given from *values*: by the noun before it, else its name."""

    def value(match: re.Match[str]) -> str:
        before, name = match[1] or "", match[2]
        return before + values.get(name, values.get(before.rstrip("s/"), default))

    return "/" + re.sub(r"([\w-]+/)?<(?:\w+:)?(\w+)>", value, template).lstrip("^/").rstrip("$")


def addresses(template: str, own: dict[str, str], other: dict[str, str]) -> set[str]:
    """A URL with a foreign id in one place at least: right, wrong and mixed with the own ones."""
    found = {fill(template, {}, value) for value in other.values()}
    for name in other:
        found.add(fill(template, {**own, name: other[name]}, "add_note"))
    named = {*own.values(), *other.values()}
    return {
        address
        for address in found
        # The last id is the one that is acted on: what stands before it only leads there.
        if next((p for p in reversed(address.split("/")) if p in named), "") in other.values()
    }


def ids_of(person: str) -> dict[str, str]:
    """What a URL may name of a person's work, by noun."""
    finding = Finding.objects.get(person_id=person)
    letter = str(LetterDocument.objects.get(person_id=person).pk)
    question = str(Handover.objects.get(case=finding.case).pk)
    return {
        "case": str(finding.case_id),
        "finding": finding.pk,
        "letter": letter,
        "question": question,
        "handover": question,
    }


@pytest.mark.slow
@pytest.mark.hazard("HZ-010")
def test_every_page_with_a_foreign_id_is_not_found(filled: Any) -> None:
    """Every URL that takes an id x every role x foreign ids, alone and among own ones."""
    tried = 0
    own, other = ids_of("A"), ids_of("Z")
    watched = Event.objects.filter(chain="X9")
    before, decided = watched.count(), Decision.objects.count()
    form = {
        "note": "x",
        "question": "x",
        "text": "x",
        "to_role": "pharmacist",
        "action": "add_note",
    }
    for user in (filled.tess, filled.phil, filled.grace, filled.lena):
        client = Client()
        client.force_login(user)
        for template, names in patterns():
            for address in addresses(template, own, other) if names else ():
                for answer in (client.get(address), client.post(address, form)):
                    assert answer.status_code in (404, 405, 403), (address, answer.status_code)
                    tried += 1
    print(f"{tried} requests with foreign ids")
    assert watched.count() == before
    assert Decision.objects.count() == decided


def test_every_page_asks_who_is_there(filled: Any) -> None:
    for template, _ in patterns():
        if template.startswith(("sign-in", "sign-out")):
            continue
        address = fill(template, foreign())
        answer = Client().get(address)
        assert answer.status_code in (302, 404, 405), template
        if answer.status_code == 302:
            assert "/sign-in/" in answer["Location"], template

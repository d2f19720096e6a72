"""The calculator switch: off until a lead confirms the purpose, an event each turn, seen on cases."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

import service_world
from counterfoil.records.load import of_tables
from counterfoil.records.schema import from_rows
from counterfoil.rules import calculators
from counterfoil.service.casework.errors import ConflictError, PolicyError, ScopeError


def turn(user: Any, on: bool = True, **more: Any) -> Any:
    from counterfoil.service.organisations.actions import turn_calculators

    given = {"statement": calculators.purpose().version, "confirmed": True, **more}
    return turn_calculators(user, given.pop("organisation", "U1"), on=on, **given)


def on(practice: str) -> bool:
    from counterfoil.service.organisations.switches import calculators_on

    return calculators_on(practice)


def events() -> list[tuple[str, dict[str, Any]]]:
    from counterfoil.service.casework.models import Event

    rows = Event.objects.filter(kind="switch_turned").order_by("chain", "seq")
    return [(row.chain, row.refs) for row in rows]


@pytest.fixture
def case(world: Any) -> Any:
    """A case at Riverside with a weight and a creatinine."""
    from counterfoil.service.casework.models import Case
    from counterfoil.service.records import publishing
    from counterfoil.terminology.codesets import load_codeset

    common = {"practice": "X1", "source_system": "synthetic", "patient_id": "1", "kind": "result"}
    entries = [
        {
            **common,
            "entry_id": f"e{i}",
            "source_id": f"e{i}",
            "code": min(load_codeset(name).codes),
            "term": name,
            "happened_on": date(2026, 11, 1),
            "precision": "day",
            "value": Decimal(value),
            "unit_ucum": unit,
            "unit_text": unit,
        }
        for i, (name, value, unit) in enumerate(
            [("creatinine", "98", "umol/L"), ("weight", "62", "kg")]
        )
    ]
    people = [service_world.patient("X1", "1", "person-1", "9990000018")]
    load = of_tables(
        "X1",
        {"patient": from_rows("patient", people), "coded_entry": from_rows("coded_entry", entries)},
    )
    found = [service_world.overdue("person-1", "1")]
    publishing.publish(load, service_world.AS_OF, lambda _s, _d: found, accept_loss=True)
    return Case.objects.get(person_id="person-1")


def client_of(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_it_is_off_until_the_lead_of_the_organisation_switches_it_on(world: Any) -> None:
    assert not on("X1")
    turn(world.lena)
    assert on("X1")
    assert on("X2")
    assert not on("X9")
    assert not on("nowhere")
    turn(world.lena, on=False)
    assert not on("X1")
    version = calculators.purpose().version
    assert events() == [
        ("U1", {"switch": "calculators", "on": True, "statement": version}),
        ("U1", {"switch": "calculators", "on": False, "statement": version}),
    ]


@pytest.mark.parametrize("who", ["tess", "phil", "grace", "stranger"])
def test_nobody_else_may_turn_it(world: Any, who: str) -> None:
    with pytest.raises(ScopeError):
        turn(getattr(world, who))
    assert events() == []


def test_it_needs_the_confirmation_of_the_statement_on_the_page(world: Any) -> None:
    with pytest.raises(PolicyError):
        turn(world.lena, confirmed=False)
    with pytest.raises(ConflictError):
        turn(world.lena, statement="0")
    with pytest.raises(ScopeError):
        turn(world.lena, organisation="X9")
    assert not on("X1")
    assert events() == []


def test_a_new_statement_switches_it_off_until_it_is_confirmed(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from counterfoil.service.organisations.switches import calculator_lines

    turn(world.lena)
    newer = calculators.Purpose("2", "Other words.", "Read.")
    monkeypatch.setattr(calculators, "purpose", lambda: newer)
    assert not on("X1")
    assert [(line.on, line.stale) for line in calculator_lines(world.lena)] == [(False, True)]


def test_a_case_shows_figures_only_while_it_is_on(world: Any, case: Any) -> None:
    address = f"/cases/{case.pk}/"
    assert "Creatinine clearance" not in client_of(world.tess).get(address).content.decode()
    turn(world.lena)
    page = client_of(world.tess).get(address).content.decode()
    assert "Creatinine clearance (Cockcroft-Gault): <strong>" in page
    assert "(140 − 71) × 62 × 1.04 ÷ 98 = 45.4 mL/min" in page
    assert "height: none in the record" in page
    turn(world.lena, on=False)
    assert "Creatinine clearance" not in client_of(world.tess).get(address).content.decode()


def test_the_page_turns_it_and_says_what_is_missing(world: Any) -> None:
    lena = client_of(world.lena)
    page = lena.get("/settings/").content.decode()
    assert "They do not interpret a result" in " ".join(page.split())
    refused = lena.post("/settings/", {"organisation": "U1", "turn": "on", "statement": "1"})
    assert refused.status_code == 409
    assert "Confirm that the intended purpose was read" in refused.content.decode()
    sent = {"organisation": "U1", "turn": "on", "statement": "1", "confirmed": "yes"}
    assert lena.post("/settings/", sent).status_code == 302
    assert on("X1")
    shown = lena.get("/settings/").content.decode()
    assert "Last turned by Lena Lead" in shown
    assert "Switch off" in shown
    assert client_of(world.tess).get("/settings/").status_code == 404
    assert client_of(world.tess).post("/settings/", sent).status_code == 404

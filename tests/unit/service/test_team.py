"""The board names no patient, only its own people see it, and a place today opens its practice."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.test import Client

import service_world as sw
from counterfoil.service.pages.presenters import team as presenter
from counterfoil.service.team import board, example, kept
from counterfoil.workforce import check, plan
from counterfoil.workforce.parse import parse_problem

TODAY = date(2026, 11, 22)
PRACTICES = [("X1", "Riverside"), ("X2", "Hill Street")]


def small() -> dict[str, Any]:
    """Two people, two practices, three blocks; in the second one is away."""
    return {
        "rota": {"start": "2026-11-09", "blocks": 3, "weeks": 4},
        "site": [
            {"id": "X1", "name": "Riverside", "sector": "primary", "minimum_wte": 1},
            {"id": "X2", "name": "Hill Street", "sector": "primary", "minimum_wte": 1},
        ],
        "person": [
            {"id": "tess", "name": "Tess Technician"},
            {
                "id": "tom",
                "name": "Tom Technician",
                "leave": [{"from": "2026-12-07", "to": "2027-01-03"}],
            },
        ],
        "placement": [{"person": "tess", "block": 1, "site": "X1"}],
    }


@pytest.fixture
def planned(world: Any) -> Any:
    raw = small()
    kept.keep("U1", raw, plan.plan(parse_problem(raw, "small")))
    for code, person in (("X1", "A"), ("X2", "B")):
        patients = [sw.patient(code, f"{code}p", person)]
        sw.publish(code, patients, [sw.overdue(person, f"{code}p")])
    return world


def client_of(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_the_board_says_who_is_where_and_where_it_is_short(planned: Any) -> None:
    page = presenter.present(board.boards(planned.tess)[0], "tess")
    assert [sum(c.span for c in row.cells) for row in page.people] == [3, 3]
    tess, tom = page.people
    assert (tess.me, tess.cells[0].text, tess.cells[0].now) == (True, "Riverside", True)
    assert "Away" in [c.text for c in tom.cells]
    short = [(s.name, c.short) for s in page.sites for c in s.cells if c.short]
    assert len(short) == 1
    assert short[0][1] == "1.0 short"
    assert "1 WTE needed, 0 WTE placed" in page.shortfalls[0]
    assert page.lead.startswith("Block 1 of 3, until 6 December 2026: every site has what it needs")


def test_all_of_the_pcn_may_look_and_nobody_else(planned: Any) -> None:
    for user in (planned.tess, planned.phil, planned.grace, planned.lena):
        text = client_of(user).get("/team/").content.decode()
        assert "Tom Technician" in text
        assert "TEST, Mary" not in text
    stranger = client_of(planned.stranger).get("/team/").content.decode()
    assert "Tom Technician" not in stranger
    assert "There is no rotation plan yet" in stranger


def test_today_opens_where_the_person_is_and_the_filter_comes_off(planned: Any) -> None:
    client = client_of(planned.tess)
    text = client.get("/").content.decode()
    assert "You are at Riverside today" in text
    assert "Practice: Riverside" in text
    assert text.count("data-open") == 1
    assert client.get("/?view=mine").content.decode().count("Practice: Riverside") == 0
    assert 'href="?practice="' in text
    everywhere = client.get("/?practice=").content.decode()
    assert "Practice: Riverside" not in everywhere
    assert everywhere.count("data-open") == 2
    assert client.get("/").content.decode().count("data-open") == 2
    assert "Practice: " not in client_of(planned.phil).get("/").content.decode()


@pytest.mark.slow
def test_the_demos_plan_keeps_every_rule_and_puts_tess_in_a_practice(world: Any) -> None:
    assert example.make("U1", PRACTICES, TODAY)
    found = kept.kept("U1")
    assert found is not None
    assert check.check(found.problem, found.plan) == []
    assert (len(found.problem.people), len(found.problem.sites), found.problem.blocks) == (8, 6, 13)
    assert found.where("tess", TODAY) == "X1"
    assert board.practice_today(world.tess) == "X1"


def test_a_plan_that_cannot_be_read_is_no_plan(world: Any, home: Any) -> None:
    (home.folder / "team").mkdir()
    (home.folder / "team" / "U1.json").write_text("{")
    assert board.boards(world.tess) == ()
    assert board.place_today(world.tess) is None

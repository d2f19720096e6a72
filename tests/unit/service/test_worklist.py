"""Today: what is on it, in which order, and why it is empty."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

import service_world as sw
from counterfoil.service.casework import actions, queries
from counterfoil.service.casework.models import Finding
from counterfoil.service.casework.shapes import Filters


@pytest.fixture
def work(world: Any) -> Any:
    """Four people at two practices: one same-day, one with two findings, one near, one unknown."""
    people = [sw.patient("X1", f"p{n}", f"P{n}", given_name=f"N{n}") for n in range(3)]
    sw.publish(
        "X1",
        people,
        [
            sw.overdue("P0", "p0", due=date(2026, 11, 1)),
            sw.overdue("P0", "p0", subject="lft", title="LFT overdue", due=date(2026, 10, 1)),
            sw.overdue("P1", "p1", due=date(2026, 12, 30), urgency="same_day"),
            sw.overdue("P2", "p2", due=date(2026, 12, 5), state="near"),
        ],
    )
    sw.publish(
        "X2",
        [sw.patient("X2", "q0", "Q0")],
        [
            sw.overdue(
                "Q0", "q0", state="cannot_tell", due=date(2026, 11, 22), klass="coding", cause="?"
            )
        ],
    )
    return world


def test_same_day_first_then_by_due_date_one_line_a_case(work: Any) -> None:
    today = queries.today(work.tess)
    seen = [
        (line.person.given_name, line.what, line.days_left, line.others) for line in today.lines
    ]
    assert seen == [
        ("N1", "Methotrexate: FBC overdue", 38, 0),
        ("N0", "LFT overdue", -52, 1),
        ("Mary", "Methotrexate: FBC overdue", 0, 0),
    ]
    assert (today.counts.team, today.counts.overdue, today.counts.near) == (3, 1, 1)


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"practice": "X2"}, ["Mary"]),
        ({"kind": "coding"}, ["Mary"]),
        ({"kind": "monitoring"}, ["N1", "N0"]),
        ({"owner": "pharmacist"}, []),
        ({"due": "overdue"}, ["N0"]),
        ({"due": "today"}, ["N0", "Mary"]),
        ({"due": "none"}, []),
        ({"view": "near"}, ["N2"]),
        ({"view": "overdue"}, ["N0"]),
        ({"view": "mine"}, []),
        ({"page": 2, "page_size": 2}, ["Mary"]),
        ({"page": 9, "page_size": 2}, []),
    ],
)
def test_filters(work: Any, filters: dict[str, Any], names: list[str]) -> None:
    today = queries.today(work.tess, Filters(**filters))
    assert [line.person.given_name for line in today.lines] == names
    if not today.total:
        assert today.empty_because


@pytest.mark.hazard("HZ-003")
def test_a_filter_that_leaves_nothing_says_so(work: Any) -> None:
    today = queries.today(work.tess, Filters(owner="pharmacist"))
    assert today.empty_because == "Nothing matches the filters. Take one off to see more."
    assert {choice.value: choice.count for choice in today.practices} == {"X1": 2, "X2": 1}


def test_a_claim_shows_with_whom_it_is(work: Any) -> None:
    line = queries.today(work.tess).lines[0]
    actions.claim(work.tess, line.case_ref)
    assert queries.today(work.tess).lines[0].with_whom == "me"
    assert queries.today(work.tom).lines[0].with_whom == "Tess Technician"
    assert queries.today(work.tess).counts.mine == 1
    assert queries.today(work.tom).counts.mine == 0


@pytest.mark.hazard("HZ-009")
def test_what_is_done_leaves_the_list_and_is_outstanding_until_the_record_shows_it(
    work: Any,
) -> None:
    finding = Finding.objects.get(person_id="P1")
    given = {"found_on": "2026-11-10", "place": "clinic letter"}
    actions.decide(work.tess, finding.pk, "found_elsewhere", evidence=given)
    assert "N1" not in [line.person.given_name for line in queries.today(work.tess).lines]
    case = str(finding.case_id)
    assert queries.case_view(work.tess, case).findings[0].verification == ""
    people = [sw.patient("X1", "p1", "P1", given_name="Renamed")]
    sw.publish("X1", people, [sw.overdue("P1", "p1", due=date(2026, 12, 30), urgency="same_day")])
    card = queries.case_view(work.tess, case).findings[0]
    assert (card.work, card.verification) == ("done", "outstanding")
    sw.publish("X1", people, [])
    card = queries.case_view(work.tess, case).findings[0]
    assert (card.state, card.verification) == ("clear", "verified")

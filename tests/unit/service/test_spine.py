"""The loop: a finding comes in, is booked, handed over, answered and taken up."""

from __future__ import annotations

from datetime import date
from typing import Any

import service_world as sw
from counterfoil.service.casework import actions, queries
from counterfoil.service.casework.shapes import Filters


def test_a_finding_goes_round_the_loop(world: Any) -> None:
    sw.publish("X1", [sw.patient("X1", "p1", "A", "9990000018")], [sw.overdue("A", "p1")])

    line = queries.today(world.tess).lines[0]
    assert (line.what, line.person.name, line.days_left) == (
        "Methotrexate: FBC overdue",
        "TEST, Mary",
        -59,
    )

    case = queries.case_view(world.tess, line.case_ref)
    card = case.findings[0]
    assert "Record test booked" in [a.label for a in card.actions]
    assert next(t.label for t in card.hand_over_to) == "Hand over to pharmacist"

    actions.decide(
        world.tess,
        card.ref,
        "book_test",
        until=date(2026, 11, 27),
        expected_version=case.version,
    )
    assert queries.today(world.tess).counts.waiting == 1

    asked = actions.hand_over(world.tess, [card.ref], "pharmacist", "Is the dose still right?")
    assert queries.today(world.tess).counts.handed_over == 1
    question = queries.questions(world.phil)[0]
    assert question.handover.question == "Is the dose still right?"
    assert not queries.questions(world.grace)

    actions.reply(world.phil, str(asked.pk), "Yes.", "Ring her on Monday.")
    assert queries.today(world.tess).counts.answered == 1
    assert queries.answers(world.tess)[0].handover.instruction == "Ring her on Monday."
    actions.acknowledge_reply(world.tess, str(asked.pk))

    assert queries.today(world.tess, Filters(view="waiting")).lines[0].due == date(2026, 11, 27)
    assert [h.text for h in queries.case_view(world.tess, line.case_ref).history][-1] == (
        "Took up the answer"
    )

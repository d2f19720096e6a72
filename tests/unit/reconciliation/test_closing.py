"""The end of a letter: every line once, what was decided in its own words, nothing invented."""

from __future__ import annotations

from datetime import date
from typing import Any, cast, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.reconciliation import CLASSES, EXPECTED, Decided, changes, script
from counterfoil.reconciliation.closing import State

LETTER = [
    {
        "id": "L1",
        "text": "Ramipril 5mg caps 1 om CHANGED",
        "drug": "Ramipril 5mg caps",
        "dose": "1 om",
    }
]
PLAN = [{"id": "p1", "text": "Ramipril 2.5mg capsules, One Each Morning"}]


def line(cls: str, letter: Any = LETTER, plans: Any = PLAN, **more: Any) -> dict[str, Any]:
    return {
        "id": "R1",
        "class": cls,
        "subclass": "dose up",
        "stated": "changed",
        "found": "dose up",
        "letter_lines": letter,
        "plans": plans,
        "owner": "pharmacist",
        "why": [],
        "proposal": "",
        **more,
    }


def test_a_change_gives_the_letters_words_to_enter() -> None:
    [change] = changes([Decided(line("changed"), "done", "the_letter", "Agreed.")])
    assert change.to_do
    assert change.paste == "Ramipril 5mg caps, 1 om"
    assert "Ramipril 2.5mg" in change.text
    assert change.note == "Agreed."


def test_an_end_names_the_item_and_gives_nothing_to_enter() -> None:
    [change] = changes([Decided(line("stopped"), "done", "item_ended")])
    assert (change.to_do, change.paste) == (True, "")
    assert change.text == "End Ramipril 2.5mg capsules, One Each Morning"


@pytest.mark.parametrize("cls", ["same", "done"])
def test_what_is_the_same_needs_nothing(cls: str) -> None:
    [change] = changes([Decided(line(cls), "done", "the_letter")])
    assert not change.to_do
    assert not change.paste


def test_what_is_open_is_not_told_to_the_patient() -> None:
    told = script([Decided(line("changed"), "handed_over", role="pharmacist")], date(2026, 11, 17))
    assert "Ramipril" not in told
    assert "17 November 2026" in told


def test_a_decision_in_words_only_is_to_do_as_its_note_says_and_not_looked_for() -> None:
    [change] = changes([Decided(line("conflict"), "done", None, "Rang the ward: 5 mg.")])
    assert change.to_do
    assert not change.checked
    assert change.note == "Rang the ward: 5 mg."


@given(
    st.lists(
        st.tuples(
            st.sampled_from(CLASSES),
            st.sampled_from(get_args(State)),
            st.sampled_from((None, *EXPECTED)),
            st.sampled_from([(LETTER, PLAN), (LETTER, []), ([], PLAN)]),
            st.text(max_size=20),
        ),
        max_size=6,
    )
)
def test_every_line_is_answered_once_and_no_text_is_left_unfilled(rows: list[Any]) -> None:
    given_lines = [
        Decided(line(cls, *sides, id=f"R{n}"), cast(State, state), expected, note)
        for n, (cls, state, expected, sides, note) in enumerate(rows)
    ]
    found = changes(given_lines)
    assert [c.line_id for c in found] == [one.line["id"] for one in given_lines]
    for one, change in zip(given_lines, found, strict=True):
        assert change.text
        assert "{" not in change.text
        assert not (change.to_do and one.state != "done")
    notes = "".join(one.note for one in given_lines)
    if "{" not in notes:
        assert "{" not in script(given_lines, None)

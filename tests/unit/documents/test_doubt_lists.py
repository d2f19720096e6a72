"""Lists and tables whose words could be taken for something else: a person reads them, none is guessed."""

from __future__ import annotations

import pytest

from counterfoil import documents

HEAD = "Invented Hospital\nPatient: Amina Sample\nDischarged: 20 November 2026\n\n"


def read(text: str) -> documents.Letter:
    """The letter with these words below its head."""
    return documents.read_text(HEAD + text)


def states(text: str) -> dict[str, str | None]:
    """What is stated of each medicine; "?" where a person has to look."""
    return {
        line.drug_text.split()[0].lower(): "?" if line.conflicts else line.stated
        for line in read(text).lines
    }


LEGENDS = [
    "Medicines on discharge (S = stopped, C = continue)",
    "Medicines on discharge (N=new, C=continue, S=stopped)",
    "Medicines on discharge - S = stopped, C = continue",
]


@pytest.mark.parametrize("heading", LEGENDS)
def test_a_legend_in_a_heading_states_nothing(heading: str) -> None:
    found = states(f"{heading}\nAmlodipine 10mg OD\nRamipril 5mg OD S\nBisoprolol 2.5mg OD C\n")
    assert found == {"amlodipine": None, "ramipril": "stopped", "bisoprolol": "continued"}


def test_a_sign_that_nothing_explains_is_for_a_person() -> None:
    rows = "| Drug | Dose | Status |\n| Amlodipine 10mg tablets | ONE daily | S |\n"
    assert states(f"Medicines on discharge\n{rows}") == {"amlodipine": "?"}
    key = "Key: S = stopped, C = continue\n"
    assert states(f"Medicines on discharge\n{rows}{key}") == {"amlodipine": "stopped"}


def rows(head: str, *cells: str) -> str:
    """A table with these last columns."""
    drugs = ("Amlodipine 10mg tablets", "Ramipril 5mg capsules", "Bisoprolol 2.5mg tablets")
    lines = [f"| {d} | ONE daily | {c} |" for d, c in zip(drugs, cells, strict=False)]
    return "\n".join(["Medicines on discharge", f"| Drug | Dose | {head} |", *lines, ""])


@pytest.mark.parametrize(
    ("head", "cells", "stated"),
    [
        ("Stopped", ("Yes", "No", "see notes"), ("stopped", None, "?")),
        ("Stopped?", ("x", "-", "[x]"), ("stopped", None, "stopped")),
        ("Withheld", ("Y", "", "✗"), ("on_hold", None, "?")),
        ("Continue | Stop", (" | ✓", "✓ | ", "Y | N"), ("stopped", "continued", "continued")),
        ("Continue | Stop", (" | ", "✓ | ✓", "x | ✓"), ("?", "?", "stopped")),
        ("Continue | Stop", ("No | ", "✓ | ✗", " | 12/11/2026"), ("?", "continued", "?")),
        ("New | Changed | Stopped", ("✓ | | ", " | ✓ | ", " | | "), ("new", "changed", None)),
        ("Change?", ("No", "Increased", "Yes"), ("continued", "changed", "changed")),
    ],
)
def test_columns_that_ask_are_answered_by_marks(
    head: str, cells: tuple[str, ...], stated: tuple[str | None, ...]
) -> None:
    assert tuple(states(rows(head, *cells)).values()) == stated


@pytest.mark.parametrize(
    ("words", "stated"),
    [
        ("Amlodipine 10mg OD. Stopped? No", None),
        ("Amlodipine 10mg OD   Stopped: No", None),
        ("Amlodipine 10mg OD. Stopped? Yes", "stopped"),
        ("Amlodipine 10mg OD. Stopped?", "?"),
        ("Amlodipine 10mg OD. Continue? No", "?"),
    ],
)
def test_a_question_behind_a_medicine_is_answered(words: str, stated: str | None) -> None:
    assert states(f"Medicines on discharge\n{words}\n") == {"amlodipine": stated}

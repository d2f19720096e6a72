"""Tables that are none to the eye of a program: cells below each other, cards, tables in cells."""

from __future__ import annotations

import pytest

from counterfoil import documents
from counterfoil.documents import Letter
from counterfoil.documents.wording import NUMBER_WORDS

HEAD = "Name: Una Example\nNHS number: 999 000 0018\nDate of birth: 1 May 1950\n"


def said(letter: Letter) -> list[tuple[str, str | None, str]]:
    return [(line.drug_text, line.stated, line.dose_text) for line in letter.lines]


def test_cells_one_below_the_other() -> None:
    heads = ["Drug", "Dose", "Route", "Frequency", "Status"]
    rows = [
        ["Ramipril capsules", "5mg", "PO", "OD", "Increased"],
        ["Omeprazole", "20mg", "PO", "OM", "Unchanged"],
        ["Page 1 of 2", "Una Example 999 000 0018", "Page 2 of 2"],
        ["Naproxen", "250mg", "PO", "TDS", "Stopped"],
        ["Apixaban", "5mg", "PO", "BD", "Withheld, restart in a week"],
    ]
    cells = [cell for row in [heads, *rows] for cell in row]
    letter = documents.read_text(
        HEAD + "Medication on discharge\n" + "\n".join(cells) + "\nComments\nWell."
    )
    assert [(drug, state) for drug, state, _ in said(letter)] == [
        ("Ramipril capsules", "changed"),
        ("Omeprazole", "continued"),
        ("Naproxen", "stopped"),
        ("Apixaban", "on_hold"),
    ]
    amounts = [line.dose.per_day.high for line in letter.lines if line.dose.per_day]
    assert amounts == [5, 20, 750, 10]


def test_a_list_that_only_begins_like_such_a_table_stays_a_list() -> None:
    text = (
        HEAD
        + "Drug\nDose\nFrequency\nRamipril 5mg capsules one daily\nOmeprazole 20mg capsules one daily\n"
    )
    letter = documents.read_text(text)
    assert [drug.split()[0] for drug, _, _ in said(letter)] == ["Ramipril", "Omeprazole"]


def test_each_card_keeps_its_own_state() -> None:
    cards = [
        ("Cefalexin 500mg capsules", "Take ONE capsule three times a day", "STARTED"),
        ("Zapain 30mg/500mg tablets", "Take ONE twice a day", "CONTINUE"),
        ("Amlodipine 5mg tablets", "Take TWO each morning", "DOSE CHANGE"),
        ("Eliquis 2.5mg tablets", "Take ONE tablet twice a day", "CONTINUE"),
    ]
    body = "".join(
        f'<div class="card"><div>{name}</div><div>{dose}</div><div class="tag">{tag}</div></div>'
        for name, dose, tag in cards
    )
    page = f"<body><p>NHS number 999 000 0018</p><section><h2>Your medicines now</h2>{body}</section></body>"
    letter = documents.read(f"<html>{page}</html>".encode(), name="a.html")
    assert [state for _, state, _ in said(letter)] == ["new", "continued", "changed", "continued"]
    assert all(line.dose.per_day for line in letter.lines)


def test_a_small_table_in_a_cell_is_of_its_row() -> None:
    def times(*pairs: tuple[str, str]) -> str:
        return (
            "<table>" + "".join(f"<tr><td>{a}</td><td>{t}</td></tr>" for a, t in pairs) + "</table>"
        )

    rows = [
        ("Metformin 500 mg tablets", times(("1 g", "morning"), ("500 mg", "evening")), "No change"),
        ("Losartan 50 mg tablets", times(("50 mg", "morning")), "NEW"),
        ("Bisoprolol 1.25 mg tablets", times(("1.25 mg", "morning")), "No change"),
    ]
    inner = "".join(f"<tr><td>{a}</td><td>{b}</td><td>{c}</td></tr>" for a, b, c in rows)
    table = f"<table><tr><td>Medicine</td><td>How to take</td><td>Change</td></tr>{inner}</table>"
    page = (
        f"<table><tr><td><p>NHS number 999 000 0018</p></td></tr><tr><td>{table}</td></tr></table>"
    )
    letter = documents.read(f"<html><body>{page}</body></html>".encode(), name="a.html")
    assert [state for _, state, _ in said(letter)] == ["continued", "new", "continued"]
    first = letter.lines[0].dose.per_day
    assert first is not None
    assert first.high * {"mg": 1, "g": 1000}[first.unit or ""] == 1500


@pytest.mark.parametrize("number", NUMBER_WORDS.split("|"))
def test_every_number_word_begins_a_dose_and_is_never_a_remark(number: str) -> None:
    letter = documents.read_text(
        HEAD
        + f"TTO medication\n• Methotrexate 2.5mg tabs, {number.upper()} tablets once weekly, Continued\n"
        f"• Prednisolone 5mg tabs, {number.title()} tablets OM, New\n"
        f"• Ramipril 5mg capsules - One daily, {number} on Sundays, Continued\n"
    )
    assert [(drug, state) for drug, state, _ in said(letter)] == [
        ("Methotrexate 2.5mg tabs", "continued"),
        ("Prednisolone 5mg tabs", "new"),
        ("Ramipril 5mg capsules", "continued"),
    ]
    assert "read" not in {line.dose.status for line in letter.lines[2:] if line.dose}


def test_a_name_that_goes_on_in_the_next_row_of_a_small_box() -> None:
    box = (
        "STOPPED MEDICINES\n+------------------------+----------+\n| Medicine               | Status   |\n"
        "+------------------------+----------+\n| Gaviscon Advance oral  | stopped  |\n"
        "| suspension peppermint  |          |\n+------------------------+----------+\n"
    )
    [line] = documents.read_text(HEAD + box).lines
    assert (line.drug_text, line.stated) == (
        "Gaviscon Advance oral suspension peppermint",
        "stopped",
    )


@pytest.mark.parametrize("text", ["DOB: 14 March\n48\n", "DOB 4/3\f48\n", "Name:\f"])
def test_a_break_within_the_head_ends_no_reading(text: str) -> None:
    documents.read_text(f"Name: Una Example\n{text}\nTTO\nRamipril 5mg capsules one daily\n")
    documents.read_text(text)

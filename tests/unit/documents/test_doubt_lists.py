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


@pytest.mark.parametrize("sign", ["(S)", " - C", "[X]"])
def test_so_is_a_sign_behind_a_line_of_a_list(sign: str) -> None:
    assert states(f"Medicines on discharge\nAmlodipine 10mg OD {sign}\n") == {"amlodipine": "?"}


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


STRANGE = [
    "Please take off repeat:",
    "Medication to avoid",
    "Mother's medicines",
    "Contraindicated",
    "Do not give",
    "Side effects to",
    "Options if BP stays high",
    "Previous reactions",
    "Tried before",
    "Wife's tablets:",
]


@pytest.mark.parametrize("gap", ["", "\n"])
@pytest.mark.parametrize("bullet", ["", "- "])
@pytest.mark.parametrize("heading", STRANGE)
def test_what_stands_under_a_heading_nobody_knows_is_for_a_person(
    heading: str, bullet: str, gap: str
) -> None:
    text = (
        f"Medicines on discharge\n{bullet}Ramipril 5mg OD\n{bullet}Bisoprolol 2.5mg OD\n"
        f"{gap}{heading}\n{bullet}Amlodipine 10mg OD\n"
    )
    assert states(text) == {"ramipril": None, "bisoprolol": None, "amlodipine": "?"}
    assert heading in [span.text for span in read(text).unread]


@pytest.mark.parametrize("heading", ["Mother's medicines", "Medicines to avoid:", "Drug reactions"])
def test_so_it_is_where_such_a_heading_stands_first(heading: str) -> None:
    assert states(f"{heading}\nAmlodipine 10mg OD\n") in ({}, {"amlodipine": "?"})


def test_a_known_heading_ends_the_doubt() -> None:
    text = "Medicines on discharge\nRamipril 5mg OD\n\nDo not give:\nAmlodipine 10mg OD\n\nNew medicines\nApixaban 5mg BD\n"
    assert states(text) == {"ramipril": None, "amlodipine": "?", "apixaban": "new"}


@pytest.mark.parametrize(
    "part",
    [
        "Morning",
        "Inhalers:",
        "Regular",
        "Eye drops",
        "Ward 7",
        "As required",
        "For the heart:",
        "Oral route",
        "Pain relief:",
        "Supplied:",
        "Medicines not supplied",
        "Medication if required",
        "Just in case medicines",
        "Patient: Amina Sample",
        "Prescribed by Dr Smith",
        "Nephrology",
    ],
)
def test_what_only_parts_a_list_leaves_it_as_it_is(part: str) -> None:
    text = f"Medicines on discharge\nRamipril 5mg OD\n{part}\nAmlodipine 10mg OD\n"
    assert not [line.conflicts for line in read(text).lines if line.conflicts]
    assert len(read(text).lines) == 2


def test_a_strange_heading_within_a_table() -> None:
    text = (
        "Medicines on discharge\n| Drug | Dose | Comment |\n| Ramipril 5mg capsules | ONE daily | |\n"
        "| Do not give | | |\n| Amlodipine 10mg tablets | ONE daily | |\n"
    )
    assert states(text) == {"ramipril": None, "amlodipine": "?"}


@pytest.mark.parametrize(
    ("text", "stated"),
    [
        (
            "Ramipril 5mg OD\nBisoprolol 2.5mg OD -\nstopped\nAmlodipine 10mg OD\n",
            (None, "stopped", None),
        ),
        (
            "Ramipril 5mg OD (\nstopped\nBisoprolol 2.5mg OD, to\ncontinue\nAmlodipine 10mg OD\n",
            ("stopped", "continued", None),
        ),
        ("Ramipril\nStopped\nBisoprolol\nAmlodipine\nContinue\n", ("?", "?", "?")),
        (
            "Ramipril 5mg OD\nstopped\nBisoprolol 2.5mg OD\nAmlodipine 10mg OD\n",
            ("?", "?", "?"),
        ),
        # a heading by its sign, its place or its look
        (
            "Ramipril 5mg OD\nStopped:\nBisoprolol 2.5mg OD\nAmlodipine 10mg OD\n",
            (None, "stopped", "stopped"),
        ),
        (
            "Ramipril 5mg OD\n\nStopped\nBisoprolol 2.5mg OD\nAmlodipine 10mg OD\n",
            (None, "stopped", "stopped"),
        ),
        (
            "  Ramipril 5mg OD\nStopped\n  Bisoprolol 2.5mg OD\n  Amlodipine 10mg OD\n",
            (None, "stopped", "stopped"),
        ),
        (
            "Ramipril 5mg OD\nStopped\nBisoprolol 2.5mg OD\nContinued\nAmlodipine 10mg OD\nNew\n",
            ("stopped", "continued", "new"),
        ),
        (
            "New\nApixaban 5mg BD\nStopped\nBisoprolol 2.5mg OD\nAmlodipine 10mg OD\n",
            ("new", "stopped", "stopped"),
        ),
    ],
)
def test_words_of_change_between_two_medicines(text: str, stated: tuple[str | None, ...]) -> None:
    assert tuple(states(f"Medicines on discharge\n{text}").values()) == stated


def test_capitals_head_a_list_where_headings_are_in_capitals() -> None:
    text = "MEDICINES ON DISCHARGE\nRamipril 5mg OD\nSTOPPED\nAmlodipine 10mg OD\n"
    assert states(text) == {"ramipril": None, "amlodipine": "stopped"}


@pytest.mark.parametrize(
    "heads",
    [
        "Before admission | During stay | On discharge",
        "Pre-admission dose | Inpatient | Discharge dose",
        "At home | In hospital | TTO dose",
        "Before | During | After",
    ],
)
def test_what_was_given_during_the_stay_is_no_dose_to_take_home(heads: str) -> None:
    text = (
        f"Medicines on discharge\n| Drug | {heads} |\n"
        "| Amlodipine | 10mg OD | 5mg OD | |\n| Ramipril | 5mg OD | withheld | 5mg OD |\n"
    )
    amlodipine, ramipril = read(text).lines
    assert (amlodipine.stated, amlodipine.dose_text) == (None, "")
    assert (ramipril.stated, ramipril.dose_text) == ("continued", "5mg OD")
    assert ramipril.comment == "during the stay: withheld"


def test_a_column_nobody_knows_gives_no_dose_where_there_is_one_for_it() -> None:
    rows_ = (
        "| Drug | Chart | Discharge dose |\n| Amlodipine | 5mg OD | |\n| Ramipril | | 5mg OD |\n"
    )
    amlodipine, ramipril = read(f"Medicines on discharge\n{rows_}").lines
    assert (amlodipine.dose_text, ramipril.dose_text) == ("", "5mg OD")


@pytest.mark.parametrize("said", ["unchanged", "Continued", "no change"])
def test_two_doses_that_differ_are_not_unchanged(said: str) -> None:
    text = (
        "Medicines on discharge\n| Drug | Admission dose | Discharge dose | Status |\n"
        f"| Furosemide | 40mg BD | 40mg OD | {said} |\n| Ramipril | 5mg OD | 5mg OD | {said} |\n"
    )
    assert states(text) == {"furosemide": "?", "ramipril": "continued"}


BEFORE = [
    ("Previous medication", "Current medication"),
    ("Home medicines", "Take home medicines"),
    ("What she was on before", "What she is on now"),
    ("Medicines he came in with", "Medicines he leaves with"),
    ("Old list", "New list"),
    ("Medication before clinic", "Medication after clinic"),
    ("Medicines before admission", "Medicines now"),
]


@pytest.mark.parametrize(("before", "now"), BEFORE)
def test_a_list_of_before_is_not_the_list_of_now(before: str, now: str) -> None:
    lists = (
        f"{before}\nRamipril 5mg OD\nAmlodipine 10mg OD\n\n{now}\nRamipril 2.5mg OD\n",
        f"{before}:\n- Ramipril 5mg OD\n- Amlodipine 10mg OD\n{now}:\n- Ramipril 2.5mg OD\n",
        f"{before}: ramipril 5mg OD, amlodipine 10mg OD.\n{now}: ramipril 2.5mg OD\n",
    )
    for text in lists:
        letter = read(text)
        assert [line.dose_text for line in letter.lines] == ["2.5mg OD"]
        assert (letter.lines[0].stated, letter.lines[0].conflicts) == (None, ())
        assert [line.dose_text.strip(".") for line in letter.on_admission] == ["5mg OD", "10mg OD"]


def test_a_list_of_home_medicines_alone_is_the_list() -> None:
    assert states("Home medicines\nRamipril 5mg OD\n") == {"ramipril": None}


def test_a_list_behind_a_table_is_headed_by_its_words_of_change() -> None:
    text = (
        "Medicines on discharge\n| Drug | Dose |\n| Ramipril 5mg capsules | ONE daily |\n"
        "Discontinued\nAmlodipine 10mg OD\n"
    )
    assert states(text) == {"ramipril": None, "amlodipine": "stopped"}


@pytest.mark.parametrize("label", ["Drugs to avoid", "Avoid", "Contraindicated", "Side effects"])
def test_a_strange_heading_with_its_own_words_is_for_a_person(label: str) -> None:
    text = f"Medicines on discharge\n- Ramipril 5mg OD\n- {label}: amlodipine 10mg OD\n- Bisoprolol 2.5mg OD\n"
    assert states(text) == {"ramipril": None, "amlodipine": "?", "bisoprolol": None}

"""Words beside a dose: what takes a line back, what is another's, and what changes nothing."""

from __future__ import annotations

import pytest

from counterfoil.documents import Letter, read_text
from counterfoil.documents.asides import harmless


def letter(words: str) -> Letter:
    return read_text(f"Medicines on discharge\nAmlodipine 10mg OD {words}\nRamipril 5mg OD\n")


@pytest.mark.parametrize(
    "words",
    [
        "(crossed out)",
        "- refused",
        "- patient declined",
        "- allergic",
        "- nil by mouth",
        "- for mother",
        "(given to wife)",
        "- wrong patient",
        "- in error",
        "- deleted",
        "- finished",
        "- never taken",
        "- query",
        "x",
        "- now felodipine",
    ],
)
def test_a_line_that_is_taken_back_contradicts_itself(words: str) -> None:
    lines = letter(words).lines
    assert lines[0].conflicts
    assert not lines[1].conflicts


@pytest.mark.parametrize(
    "words",
    [
        "(with food)",
        "sugar free",
        "- for blood pressure",
        "(28 supplied)",
        "in the morning",
        ", own supply",
        "- GP to continue",
        "(patient's own)",
        "- BP 130/80",
        "- from community pharmacy",
        "(take with water)",
        "- Blister pack",
        "- Angina",
        "(via PEG)",
        "- no known drug allergies",
    ],
)
def test_an_everyday_remark_changes_nothing(words: str) -> None:
    line = letter(words).lines[0]
    assert not line.conflicts
    assert line.dose.status == "read"
    assert not line.comment or harmless(line.comment) or "known" in line.comment


def test_another_medicine_in_a_remark_is_kept_for_a_person() -> None:
    found = letter("- now felodipine")
    assert any("felodipine" in span.text for span in found.unread)


@pytest.mark.parametrize("words", ["in place of felodipine", "(with felodipine)"])
def test_a_medicine_beside_or_before_it_is_no_contradiction(words: str) -> None:
    assert not letter(words).lines[0].conflicts


@pytest.mark.parametrize(
    ("remark", "plain"),
    [
        ("Angina", True),
        ("for heart failure; BP 130/80", True),
        ("while on steroids only", False),
        ("cover only", False),
        ("Sundays", False),
        ("angina?", False),
        ("felodipine", False),
    ],
)
def test_what_is_known_to_be_harmless(remark: str, plain: bool) -> None:
    assert harmless(remark) is plain


@pytest.mark.parametrize("words", ["- stop felodipine", "- withhold her felodipine"])
def test_a_stop_of_another_medicine_is_not_this_ones(words: str) -> None:
    line = letter(words).lines[0]
    assert line.stated not in ("stopped", "on_hold") or line.conflicts


@pytest.mark.parametrize("words", ["- stopped, felodipine instead", "- stopped due to felodipine"])
def test_a_stop_with_another_medicine_for_its_reason_is_a_stop(words: str) -> None:
    line = letter(words).lines[0]
    assert (line.stated, line.conflicts) == ("stopped", ())

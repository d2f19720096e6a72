"""What a letter leaves unsaid is counted line by line, and what cannot be read is not counted."""

from __future__ import annotations

from counterfoil.documents import quality, read_text
from counterfoil.documents.quality import titles

HEAD = """Northgate Hospital
Discharge summary
Patient: TEST, Mary   Date of birth: 03/03/1955   NHS number: 999 000 0026
Discharged: 17/11/2026
"""
FULL = (
    HEAD
    + """
Allergies: no known drug allergies

MEDICINES STARTED
Amoxicillin 500mg capsules, 1 by mouth three times a day for 5 days. Reason: chest infection

MEDICINES CHANGED
Ramipril 5mg capsules, 1 by mouth in the morning (was 2.5mg). Reason: blood pressure

MEDICINES STOPPED
Naproxen 500mg tablets: kidney injury
"""
)
BARE = (
    HEAD
    + """
MEDICINES STARTED
Amoxicillin 500mg

MEDICINES CHANGED
Ramipril 5mg, OM

MEDICINES STOPPED
Naproxen 500mg tablets
"""
)


def shares(text: str) -> dict[str, tuple[int, int]]:
    return {c.name: (c.met, c.of) for c in quality(read_text(text))}


def test_a_full_letter_meets_every_criterion() -> None:
    assert shares(FULL) == {
        "dose": (2, 2),
        "frequency": (2, 2),
        "route": (2, 2),
        "formulation": (2, 2),
        "duration": (1, 1),
        "reason_started": (1, 1),
        "reason_changed": (1, 1),
        "reason_stopped": (1, 1),
        "allergies": (1, 1),
    }


def test_a_bare_letter_shows_what_it_leaves_unsaid() -> None:
    found = shares(BARE)
    assert found["allergies"] == (0, 1)
    assert found["route"] == (0, 2)
    assert found["formulation"] == (0, 2)
    assert found["frequency"] == (1, 2)
    assert found["duration"] == (0, 1)
    for change in ("started", "changed", "stopped"):
        assert found[f"reason_{change}"] == (0, 1)


def test_what_is_missing_is_named_by_its_line() -> None:
    letter = read_text(BARE)
    by_name = {c.name: c for c in quality(letter)}
    stopped = next(line for line in letter.lines if line.stated == "stopped")
    assert by_name["reason_stopped"].missing == (stopped.id,)
    assert list(by_name) == list(titles())


def test_a_dose_that_cannot_be_read_is_neither_stated_nor_missing() -> None:
    text = FULL.replace("1 by mouth in the morning", "xq zz 9 wibble in the morning")
    letter = read_text(text)
    dose = next(c for c in quality(letter) if c.name == "dose")
    assert dose.of == 1
    assert len(dose.unknown) == 1


def test_a_letter_without_medicines_asks_only_for_allergies() -> None:
    found = shares(HEAD + "\nNo changes to medicines.\n")
    assert {name for name, (_, of) in found.items() if of} == {"allergies"}


def test_a_heading_that_ends_in_hospital_is_no_sender() -> None:
    text = "Medicines Started In Hospital\nAmoxicillin 500mg capsules, ONE three times a day\n"
    assert read_text(text).sender == ""
    assert read_text("Kingsbarrow Community Hospital\n" + text).sender.startswith("Kingsbarrow")

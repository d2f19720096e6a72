"""The ward of a letter: what stands beside the word, never the end of the line above it."""

from __future__ import annotations

import pytest

from counterfoil import documents

HEAD = "NORTHGATE HOSPITAL\nDischarge summary\nGP practice: Riverside Surgery\n"


@pytest.mark.parametrize(
    ("line", "ward"),
    [
        ("Ward: Ward C4", "Ward C4"),
        ("Ward: Acute Medical Unit", "Acute Medical Unit"),
        ("Discharged from Cardiology Ward", "Cardiology"),
        ("He was on ward 7.", "7"),
    ],
)
def test_the_line_above_is_no_ward(line: str, ward: str) -> None:
    letter = documents.read(f"{HEAD}{line}\n\nMedication\nRamipril 5mg caps 1 om\n".encode())
    assert letter.ward == ward

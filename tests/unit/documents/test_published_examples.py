"""The discharge examples HL7 UK published, read as they stand."""

from __future__ import annotations

import pytest

from counterfoil.documents import Letter, read
from counterfoil.foundation.errors import DataError
from support import needs_shared, shared

pytestmark = needs_shared


def example(name: str) -> Letter:
    return read(shared("examples", "discharge", f"ukcore-{name}.xml"))


def test_discharge_composition() -> None:
    letter = example("UKCore-Composition-Discharge-Example")
    assert letter.kind == "fhir-document"
    assert [x.product.name for x in letter.lines] == [
        "Ramipril 2.5mg tablets",
        "Aspirin 75mg tablets",
        "Simvastatin 40mg tablets",
        "Bisoprolol 5mg tablets",
    ]
    assert {x.stated for x in letter.lines} == {"continued"}
    assert {x.dose.status for x in letter.lines} == {"read"}
    assert letter.patient.family_name == "Smith"
    assert letter.patient.given_name == "Richard"
    assert "Uptitrate" in letter.lines[3].comment
    assert any("Penicillin" in s.text for s in letter.allergies)


def test_change_summary_extension() -> None:
    (line,) = example("Extension-UKCore-MedicationChangeSummary-Example").lines
    assert line.stated == "changed"
    assert line.product.level == "none"
    assert "too large to swallow" in line.reason


def test_text_against_code_is_a_conflict() -> None:
    (line,) = example("UKCore-MedicationStatement-Amoxicillin-Example").lines
    assert line.dose.status in ("conflict", "read")
    assert line.product.name == "Amoxicillin 250mg capsules"


def test_a_code_system_is_not_a_letter() -> None:
    with pytest.raises(DataError, match="CodeSystem"):
        example("CodeSystem-MedicationChangeStatus")

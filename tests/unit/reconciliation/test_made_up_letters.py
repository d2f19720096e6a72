"""Letters of our own generator in thirty-three layouts, scored line by line. They are our own letters:
the generator and the readers share no code, but they share a house."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
import pytest

import letter_scoring
from counterfoil import synthetic
from counterfoil.foundation.days import to_day
from counterfoil.records.patient import PatientRecord

LETTERS = 160


def records(made: synthetic.Population) -> dict[tuple[str, str], PatientRecord]:
    """The records of everybody a letter is about, or could be taken to be about."""
    found = {}
    for place in made.practices:
        tables = made.for_practice(place.code)
        numbers = {one.nhs_number for one in made.letters}
        wanted = {one.patient_id for one in made.letters if one.patient_id}
        wanted |= {
            row["patient_id"]
            for row in tables["patient"].select(["patient_id", "nhs_number"]).to_pylist()
            if row["nhs_number"] in numbers
        }
        ids = pa.array(sorted(wanted))
        small = {
            name: table.filter(pc.is_in(table["patient_id"], ids))
            if "patient_id" in table.column_names
            else table
            for name, table in tables.items()
        }
        here = set(small["patient"]["patient_id"].to_pylist())
        for patient in wanted & here:
            found[place.code, patient] = PatientRecord.from_tables(small, patient)
    return found


@pytest.mark.slow
@pytest.mark.hazard("HZ-006")
def test_letters_in_every_layout_are_read_and_no_difference_is_called_the_same() -> None:
    made = synthetic.generate(6000, 2, 23, to_day(date(2026, 11, 20)), letters=LETTERS)
    layouts = {one.layout for one in made.letters}
    assert len(layouts) >= 30
    score = letter_scoring.score(made.letters, records(made))
    print(score.table())
    assert score.letters >= LETTERS * 0.9
    assert score.unsafe == []
    assert score.taken_wrongly == []
    assert score.refused_wrongly == []
    assert score.unreadable_files == 0
    assert score.found >= 0.99 * score.lines
    assert len(score.dose_wrong) <= 0.005 * score.lines
    assert score.macro_f1 >= 0.9

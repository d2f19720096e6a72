"""Calculators show what they add up, and give no figure where anything is missing."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from people import SETS

from counterfoil.foundation.days import to_day
from counterfoil.records.patient import PatientRecord
from counterfoil.records.rows import CodedEntry, Patient
from counterfoil.rules.calculators import (
    bmi,
    calculations,
    creatinine_clearance,
    purpose,
)

AS_OF = to_day(date(2026, 11, 20))
COMMON: dict[str, Any] = {"practice": "X00001", "source_system": "test", "source_id": "1"}


def person(**more: Any) -> Patient:
    given = {
        "patient_id": "p",
        "person_id": "q",
        "nhs_status": "absent",
        "birth_date": date(1948, 2, 29),
        "birth_precision": "day",
        "sex": "female",
        "registration_type": "regular",
        "is_test": True,
        "is_sensitive": False,
    }
    return Patient(**{**COMMON, **given, **more})


def entry(code_set: str, value: str | None, unit: str | None, day: date, **more: Any) -> CodedEntry:
    given: dict[str, Any] = {
        "entry_id": f"{code_set} {day} {value}",
        "patient_id": "p",
        "kind": "result",
        "code": min(SETS.codes(code_set)),
        "term": code_set,
        "happened_on": day,
        "precision": "day",
        "value": None if value is None else Decimal(value),
        "unit_ucum": unit,
        "unit_text": unit,
    }
    return CodedEntry(**{**COMMON, **given, **more})


CREATININE = entry("creatinine", "98", "umol/L", date(2026, 10, 21))
WEIGHT = entry("weight", "62", "kg", date(2026, 5, 20))
HEIGHT = entry("height", "160", "cm", date(2010, 5, 20))


def record(*entries: CodedEntry, **more: Any) -> PatientRecord:
    return PatientRecord(patient=person(**more), entries=tuple(entries))


def test_the_figure_is_the_formulas_and_shows_every_input() -> None:
    found = creatinine_clearance(record(CREATININE, WEIGHT), AS_OF)
    assert found.value == Fraction(62 * 62 * 104, 98 * 100)
    assert found.arithmetic == "(140 − 78) × 62 × 1.04 ÷ 98 = 40.8"
    assert (found.shown, found.unit, found.missing) == ("40.8", "mL/min", ())
    assert [(i.name, i.shown, i.unit, i.days_old) for i in found.inputs] == [
        ("Age", "78", "years", None),
        ("Constant for sex (female)", "1.04", "", None),
        ("Weight", "62", "kg", 184),
        ("Serum creatinine", "98", "µmol/L", 30),
    ]
    assert [i.row for i in found.inputs][2:] == [
        ("coded_entry", WEIGHT.entry_id),
        ("coded_entry", CREATININE.entry_id),
    ]


def test_the_constant_of_the_other_sex() -> None:
    found = creatinine_clearance(record(CREATININE, WEIGHT, sex="male"), AS_OF)
    assert found.arithmetic == "(140 − 78) × 62 × 1.23 ÷ 98 = 48.2"


def test_a_published_worked_example() -> None:
    """A man of 70, 75 kg, creatinine 110: 58.7 mL/min (preregexamprep.com, read November 2026)."""
    found = creatinine_clearance(
        record(
            entry("creatinine", "110", "umol/L", date(2026, 11, 1)),
            entry("weight", "75", "kg", date(2026, 11, 1)),
            sex="male",
            birth_date=date(1956, 11, 20),
        ),
        AS_OF,
    )
    assert found.shown == "58.7"


@pytest.mark.parametrize(
    ("rows", "more", "says"),
    [
        ((CREATININE,), {}, "weight: none in the record"),
        ((WEIGHT,), {}, "serum creatinine: none in the record"),
        ((CREATININE, WEIGHT), {"birth_date": None}, "age: no date of birth"),
        (
            (CREATININE, WEIGHT),
            {"birth_date": date(1948, 1, 1), "birth_precision": "year"},
            "not known to the day",
        ),
        ((CREATININE, WEIGHT), {"birth_date": date(2010, 1, 1)}, "people of 18 and over"),
        ((CREATININE, WEIGHT), {"sex": "unknown"}, "neither male nor female"),
        (
            (entry("creatinine", "1.1", "mg/dL", date(2026, 11, 1)), WEIGHT),
            {},
            "serum creatinine of 1 November 2026: its unit, mg/dL, cannot be compared",
        ),
        ((entry("creatinine", "98", None, date(2026, 11, 1)), WEIGHT), {}, "it has no unit"),
        (
            (entry("creatinine", "20", "umol/L", date(2026, 11, 1), comparator="<"), WEIGHT),
            {},
            "it is stated as < 20",
        ),
        (
            (entry("creatinine", None, "umol/L", date(2026, 11, 1), value_text="lost"), WEIGHT),
            {},
            "it has no number",
        ),
        ((CREATININE, entry("weight", "0", "kg", date(2026, 11, 1))), {}, "not above zero"),
        (
            (CREATININE, WEIGHT, entry("weight", "70", "kg", date(2026, 5, 20))),
            {},
            "two values of that day differ",
        ),
        (
            (CREATININE, entry("weight", "62", "kg", date(2026, 11, 1), precision="month")),
            {},
            "known to the month only",
        ),
    ],
)
def test_what_is_missing_or_doubtful_gives_no_figure_and_is_said(
    rows: tuple[CodedEntry, ...], more: dict[str, Any], says: str
) -> None:
    found = creatinine_clearance(record(*rows, **more), AS_OF)
    assert found.value is None
    assert (found.shown, found.arithmetic) == ("", "")
    assert says in "; ".join(found.missing)
    assert found.to_json()["value"] is None


def test_an_older_value_never_stands_in_for_a_latest_one_that_cannot_be_used() -> None:
    bad = entry("creatinine", "98", "Banana", date(2026, 11, 1))
    assert creatinine_clearance(record(CREATININE, WEIGHT, bad), AS_OF).value is None


def test_what_was_withdrawn_or_comes_later_is_not_there() -> None:
    later = entry("weight", "80", "kg", date(2026, 11, 21))
    gone = entry("weight", "90", "kg", date(2026, 11, 1), deleted_on=date(2026, 11, 2))
    void = entry("weight", "95", "kg", date(2026, 11, 3), status="entered-in-error")
    heading = entry("weight", None, None, date(2026, 11, 4))
    found = creatinine_clearance(record(CREATININE, WEIGHT, later, gone, void, heading), AS_OF)
    assert found.inputs[2].shown == "62"


def test_equal_values_of_one_day_are_one_value() -> None:
    twice = entry("weight", "62.0", "kg", date(2026, 5, 20))
    assert creatinine_clearance(record(CREATININE, WEIGHT, twice), AS_OF).shown == "40.8"


def test_a_value_in_another_unit_of_the_same_quantity_is_converted_and_shown_as_recorded() -> None:
    small = entry("creatinine", "0.098", "mmol/L", date(2026, 10, 21))
    stones = entry("weight", "140", "[lb_av]", date(2026, 5, 20))
    found = creatinine_clearance(record(small, stones), AS_OF)
    weight, creatinine = found.inputs[2:]
    assert (creatinine.shown, creatinine.recorded) == ("98", "0.098 mmol/L")
    assert weight.recorded == "140 [lb_av]"
    assert weight.value == 140 * Fraction(45359237, 10**8)


def test_body_mass_index() -> None:
    found = bmi(record(WEIGHT, HEIGHT), AS_OF)
    assert (found.shown, found.unit) == ("24.2", "kg/m²")
    assert found.arithmetic == "62 ÷ (1.6 × 1.6) = 24.2"
    assert [i.recorded for i in found.inputs] == ["", "160 cm"]
    assert bmi(record(WEIGHT), AS_OF).missing == ("height: none in the record",)


def test_nothing_is_interpreted_and_nothing_advised() -> None:
    """The words of a result: figures, units, dates, sources; no band, no verdict, no dose."""
    words = str([c.to_json() for c in calculations(record(CREATININE, WEIGHT, HEIGHT), AS_OF)])
    for word in ("normal", "mild", "severe", "impair", "obese", "dose", "reduce", "avoid", "safe"):
        assert word not in words.lower().replace("prescribing medicines in renal impairment", "")
    assert {s.status for c in calculations(record(), AS_OF) for s in c.sources} == {
        "read",
        "recalled",
    }


def test_the_purpose_has_a_version_and_says_what_it_is_not() -> None:
    found = purpose()
    assert found.version
    assert "do not interpret" in found.statement.replace("\n", " ")
    assert found.confirmation


@given(
    st.integers(18, 100),
    st.decimals("20", "300", places=1),
    st.decimals("10", "1500", places=1),
    st.sampled_from(["male", "female"]),
)
def test_a_heavier_patient_has_more_and_a_higher_creatinine_less(
    age: int, weight: Decimal, creatinine: Decimal, sex: str
) -> None:
    def of(kilograms: Decimal, micromoles: Decimal) -> Fraction:
        rows = (
            entry("creatinine", str(micromoles), "umol/L", date(2026, 11, 1)),
            entry("weight", str(kilograms), "kg", date(2026, 11, 1)),
        )
        found = creatinine_clearance(
            record(*rows, sex=sex, birth_date=date(2026 - age, 1, 1)), AS_OF
        )
        assert found.value is not None
        assert abs(float(found.value) - float(found.shown)) <= 0.0500001
        return found.value

    assert of(weight + 1, creatinine) > of(weight, creatinine) > of(weight, creatinine + 1) > 0

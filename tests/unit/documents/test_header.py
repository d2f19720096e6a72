"""Whom a letter is about and when, however its head is set out."""

from __future__ import annotations

import pytest

from counterfoil.documents.header import read_date, read_header
from counterfoil.foundation.days import parse_day


@pytest.mark.parametrize(
    ("text", "given", "family"),
    [
        ("Patient: Mrs Amina Sample   NHS No: 999 000 0026", "Amina", "Sample"),
        ("Patient name: SAMPLE, Amina (Mrs)\nNHS number 9990000026", "Amina", "SAMPLE"),
        ("Re: Miss Gladys Drinkwater, DOB 14/03/1948", "Gladys", "Drinkwater"),
        ("Name: Mr Tom Missenden DOB: 14/03/1948", "Tom", "Missenden"),
        ("Name: Ada O'Neill-Mrsic\nNHS: 999-000-0026", "Ada", "O'Neill-Mrsic"),
        ("Surname: SAMPLE   Forename: AMINA   NHS No 9990000026", "AMINA", "SAMPLE"),
        (
            "Patient name | Prefix: Mr ; Given Name: Richard ; Family Name: Smith",
            "Richard",
            "Smith",
        ),
        ("Dear Dr Other\nRe: John Middle SAMPLE", "John Middle", "SAMPLE"),
    ],
)
def test_names(text: str, given: str, family: str) -> None:
    patient = read_header(text, "letter").patient
    assert (patient.given_name, patient.family_name) == (given, family)


def test_the_name_beside_the_number_is_the_patients() -> None:
    text = (
        "GP name | Given Name: Somebody ; Family Name: Else\n" + "words " * 60 + "\n"
        "Patient name | Given Name: Amina ; Family Name: Sample\nNHS number | 9990000026\n"
    )
    assert read_header(text, "letter").patient.family_name == "Sample"


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("17/11/2026", "2026-11-17"),
        ("17.11.26", "2026-11-17"),
        ("17-Nov-2026 08:00", "2026-11-17"),
        ("17th November 2026", "2026-11-17"),
        ("17th of November, 2026", "2026-11-17"),
        ("November 17, 2026", "2026-11-17"),
        ("2026-11-17T10:00:00+00:00", "2026-11-17"),
        ("1 1 2026", "2026-01-01"),
    ],
)
def test_dates(text: str, day: str) -> None:
    assert read_date(text) == parse_day(day)


@pytest.mark.parametrize("text", ["31/02/2026", "17/13/2026", "Ramipril", "99/99/9999", ""])
def test_no_dates(text: str) -> None:
    assert read_date(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "Admitted 10/11/2026, discharged 17/11/2026",
        "Date of admission: 10/11/2026  Date of discharge: 17/11/2026",
        "Date/time of admission | 10-Nov-2026 09:00\nDate/time of discharge | 17-Nov-2026 12:30",
        "Adm 10/11/2026 | Disch 17/11/2026",
        "She was an inpatient from 10/11/26 to 17/11/26 under our care.",
        "Admission Date: Tuesday 10 November 2026   Discharge Date: Tuesday 17 November 2026",
        "DOA: 10/11/2026 DOD: 17/11/2026",
    ],
)
def test_stays(text: str) -> None:
    header = read_header(text, "letter")
    assert header.admitted_on == parse_day("2026-11-10")
    assert header.discharged_on == parse_day("2026-11-17")


def test_a_short_year_of_birth_is_of_the_last_century_where_it_must_be() -> None:
    assert read_header("DOB 14.3.48", "x").patient.birth_date == parse_day("1948-03-14")
    assert read_header("DOB 14.3.05", "x").patient.birth_date == parse_day("2005-03-14")

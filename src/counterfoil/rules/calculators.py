"""Arithmetic on recorded values: creatinine clearance and body mass index.

A calculation shows its formula and where that comes from, and each input with its value, unit,
date, age and row. It never interprets the result and never advises. The latest value counts; where
it cannot be used (no number, a comparator, a unit that cannot be compared, two values of one day
that differ) nothing older is taken in its place: the answer is cannot tell, with the reason.

Whether calculators are shown at all is the organisation's switch, which the service keeps.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache
from importlib import resources
from typing import Any

from counterfoil.foundation.days import age_on, to_day, words
from counterfoil.records.patient import PatientRecord
from counterfoil.records.rows import CodedEntry
from counterfoil.rules.history import span_of
from counterfoil.rules.sets import TerminologySets
from counterfoil.terminology.units import factor

_VOID = {"entered-in-error", "entered_in_error", "cancelled"}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a formula comes from: what of it, from which text, read on a day or only recalled."""

    title: str
    status: str
    of: str
    read_on: str


@dataclass(frozen=True, slots=True)
class Input:
    """One value that a calculation uses.

    ``value`` is exact, in ``unit``; ``recorded`` is what the record says where that differs.
    ``on`` is the day of it, ``days_old`` its age on the day asked about, ``row`` the record's row.
    """

    name: str
    value: Fraction
    shown: str
    unit: str
    recorded: str = ""
    on: date | None = None
    days_old: int | None = None
    row: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Calculation:
    """A formula with its inputs, and its result where every input is known.

    ``value`` is exact and None where anything is missing; ``missing`` then says what, in words.
    ``arithmetic`` is the formula with the numbers in it.
    """

    id: str
    title: str
    formula: str
    unit: str
    value: Fraction | None
    shown: str
    arithmetic: str
    inputs: tuple[Input, ...]
    missing: tuple[str, ...]
    notes: tuple[str, ...]
    sources: tuple[Origin, ...]

    def to_json(self) -> dict[str, Any]:
        """The calculation as plain data; dates as ISO text, the value as shown."""
        return {
            "id": self.id,
            "title": self.title,
            "formula": self.formula,
            "value": self.shown or None,
            "unit": self.unit,
            "arithmetic": self.arithmetic,
            "inputs": [
                {
                    "name": i.name,
                    "value": i.shown,
                    "unit": i.unit,
                    "recorded": i.recorded,
                    "date": None if i.on is None else i.on.isoformat(),
                    "days_old": i.days_old,
                    "row": None if i.row is None else {"table": i.row[0], "id": i.row[1]},
                }
                for i in self.inputs
            ],
            "missing": list(self.missing),
            "notes": list(self.notes),
            "sources": [
                {"title": s.title, "status": s.status, "of": s.of, "read_on": s.read_on}
                for s in self.sources
            ],
        }


@dataclass(frozen=True, slots=True)
class Purpose:
    """The intended-purpose statement that an organisation confirms when it switches these on."""

    version: str
    statement: str
    confirmation: str


def purpose() -> Purpose:
    """The statement of ``knowledge/calculators.toml``; its version is kept with each switch."""
    data = _knowledge()
    return Purpose(
        str(data["version"]), data["intended_purpose"].strip(), data["confirmation"].strip()
    )


def calculations(
    record: PatientRecord, as_of: int, sets: TerminologySets | None = None
) -> tuple[Calculation, ...]:
    """Every calculation on one record as it stood on a day."""
    known = sets or TerminologySets()
    return creatinine_clearance(record, as_of, known), bmi(record, as_of, known)


def creatinine_clearance(
    record: PatientRecord, as_of: int, sets: TerminologySets | None = None
) -> Calculation:
    """Creatinine clearance by Cockcroft and Gault in mL/min, on actual body weight.

    Formula, constants and their sources: ``knowledge/calculators.toml``. Cannot tell for a patient
    under 18, or whose sex is neither male nor female in the record.
    """
    said = _knowledge()["creatinine_clearance"]
    found = _Inputs(record, as_of, sets or TerminologySets())
    age = found.age(said["least_age"])
    constant = found.constant(said)
    weight = found.latest("weight", "Weight", "kg", "kg")
    creatinine = found.latest("creatinine", "Serum creatinine", "umol/L", "µmol/L")
    if age is None or constant is None or weight is None or creatinine is None:
        return _result("creatinine_clearance", said, None, "", found)
    value = (140 - age.value) * weight.value * constant.value / creatinine.value
    if value < 0:
        found.missing.append("the formula has no meaning above the age of 140")
        return _result("creatinine_clearance", said, None, "", found)
    arithmetic = f"(140 − {age.shown}) × {weight.shown} × {constant.shown} ÷ {creatinine.shown}"
    return _result("creatinine_clearance", said, value, arithmetic, found)


def bmi(record: PatientRecord, as_of: int, sets: TerminologySets | None = None) -> Calculation:
    """Body mass index in kg/m², from the latest weight and the latest height."""
    said = _knowledge()["bmi"]
    found = _Inputs(record, as_of, sets or TerminologySets())
    weight = found.latest("weight", "Weight", "kg", "kg")
    height = found.latest("height", "Height", "m", "m")
    if weight is None or height is None:
        return _result("bmi", said, None, "", found)
    value = weight.value / (height.value * height.value)
    arithmetic = f"{weight.shown} ÷ ({height.shown} × {height.shown})"
    return _result("bmi", said, value, arithmetic, found)


def _result(
    name: str, said: Mapping[str, Any], value: Fraction | None, arithmetic: str, found: _Inputs
) -> Calculation:
    shown = "" if value is None else _one_place(value)
    return Calculation(
        id=name,
        title=said["title"],
        formula=said["formula"],
        unit=said["unit"],
        value=value,
        shown=shown,
        arithmetic=f"{arithmetic} = {shown}" if shown else "",
        inputs=tuple(found.inputs),
        missing=tuple(found.missing),
        notes=tuple(said["notes"]),
        sources=tuple(
            Origin(s["title"], s["status"], s["of"], str(s.get("read_on", "")))
            for s in said["sources"]
        ),
    )


class _Inputs:
    """The inputs found in one record, and what is missing of them."""

    def __init__(self, record: PatientRecord, as_of: int, sets: TerminologySets) -> None:
        self.record = record
        self.as_of = as_of
        self.sets = sets
        self.inputs: list[Input] = []
        self.missing: list[str] = []

    def age(self, least: int) -> Input | None:
        """The age in whole years; not told where the date of birth leaves it open."""
        patient = self.record.patient
        born = span_of(patient.birth_date, patient.birth_precision)
        if born is None or born[1] > self.as_of:
            self.missing.append("age: no date of birth that can be used")
            return None
        oldest, youngest = age_on(born[0], self.as_of), age_on(born[1], self.as_of)
        if oldest != youngest:
            self.missing.append("age: the date of birth is not known to the day")
            return None
        if oldest < least:
            self.missing.append(f"age: the formula is for people of {least} and over")
            return None
        row = ("patient", patient.patient_id)
        return self._add(
            Input("Age", Fraction(oldest), str(oldest), "years", "", patient.birth_date, None, row)
        )

    def constant(self, said: Mapping[str, Any]) -> Input | None:
        """The formula's constant for the sex in the record."""
        text = said.get(f"constant_{self.record.patient.sex}")
        if text is None:
            self.missing.append("sex: the record has neither male nor female")
            return None
        sex = self.record.patient.sex
        row = ("patient", self.record.patient.patient_id)
        name = f"Constant for sex ({sex})"
        return self._add(Input(name, Fraction(text), text, "", "", None, None, row))

    def latest(self, code_set: str, name: str, ucum: str, unit: str) -> Input | None:
        """The latest value of a code set, in the unit asked for."""
        entries = self._of(code_set)
        if not entries:
            self.missing.append(f"{name.lower()}: none in the record")
            return None
        newest = max(e.happened_on for e in entries if e.happened_on is not None)
        day = [e for e in entries if e.happened_on == newest]
        problem, values = None, []
        for entry in day:
            value, why = _usable(entry, ucum)
            problem = problem or why
            values.append(value)
        if problem is None and len(set(values)) > 1:
            problem = "two values of that day differ"
        if problem is not None or values[0] is None:
            self.missing.append(f"{name.lower()} of {words(newest)}: {problem}")
            return None
        entry, value = day[0], values[0]
        recorded = f"{_plain(entry.value)} {entry.unit_text or entry.unit_ucum or ''}".strip()
        shown = _exact(value)
        return self._add(
            Input(
                name,
                value,
                shown,
                unit,
                "" if entry.unit_ucum == ucum else recorded,
                newest,
                self.as_of - to_day(newest),
                ("coded_entry", entry.entry_id),
            )
        )

    def _of(self, code_set: str) -> Sequence[CodedEntry]:
        """The entries of a set that stand on the day, with a value or a reason why there is none."""
        codes = self.sets.codes(code_set)
        return [
            e
            for e in self.record.entries
            if (e.code or e.local_code) in codes
            and e.happened_on is not None
            and e.precision != "unknown"
            and to_day(e.happened_on) <= self.as_of
            and (e.deleted_on is None or to_day(e.deleted_on) > self.as_of)
            and (e.status or "").lower() not in _VOID
            and (e.value is not None or e.value_text)
        ]

    def _add(self, given: Input) -> Input:
        self.inputs.append(given)
        return given


def _usable(entry: CodedEntry, ucum: str) -> tuple[Fraction | None, str | None]:
    """The entry's value in a unit, or why it cannot be used."""
    if entry.precision != "day":
        return None, f"its date is known to the {entry.precision} only"
    if entry.value is None:
        return None, "it has no number"
    if entry.comparator:
        return None, f"it is stated as {entry.comparator} {_plain(entry.value)}"
    times = None if entry.unit_ucum is None else factor(entry.unit_ucum, ucum)
    if times is None:
        unit = entry.unit_text or entry.unit_ucum
        return None, f"its unit, {unit}, cannot be compared" if unit else "it has no unit"
    value = Fraction(entry.value) * times
    return (value, None) if value > 0 else (None, "it is not above zero")


def _plain(value: Decimal | None) -> str:
    return "" if value is None else f"{value.normalize():f}"


def _exact(value: Fraction) -> str:
    """A value as text: exact where a decimal can be, else to three places."""
    for places in range(7):
        if (value * 10**places).denominator == 1:
            return f"{Decimal(int(value * 10**places)).scaleb(-places):f}"
    return f"{float(value):.3f}"


def _one_place(value: Fraction) -> str:
    """Rounded to one decimal place, halves away from zero."""
    tenths = (value * 10 + Fraction(1, 2)).__floor__()
    return f"{Decimal(tenths).scaleb(-1):f}"


@cache
def _knowledge() -> dict[str, Any]:
    text = (resources.files("counterfoil.knowledge") / "calculators.toml").read_text("utf-8")
    return tomllib.loads(text)

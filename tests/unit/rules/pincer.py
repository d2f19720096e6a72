"""The 14 PINCER indicators again, in plain Python written apart from the rules, on one index day.

Nothing of the rule engine is used but the month rule: rows in, flags out, one patient at a time. The
definitions are those of the published study (see the sources in the rule files); code and drug sets
are the shipped ones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pyarrow as pa

from counterfoil.terminology import formulary
from counterfoil.terminology.codesets import load_codeset, load_drugset

DRUGS = [
    "nsaid_oral",
    "gastroprotection",
    "antiplatelet",
    "anticoagulant_oral",
    "aspirin",
    "antiplatelet_not_aspirin",
    "beta_blocker_nonselective",
    "acei_arb",
    "loop_diuretic",
    "methotrexate",
    "lithium",
    "amiodarone_oral",
]
CODES = [
    "peptic_ulcer",
    "gi_bleed",
    "asthma",
    "asthma_resolved",
    "heart_failure",
    "renal_function",
    "u_and_e",
    "fbc",
    "lft",
    "lithium_level",
    "tft",
]


def less(day: date, months: int) -> date:
    """A day so many months earlier; an impossible day is the first of the month after."""
    month = day.year * 12 + day.month - 1 - months
    try:
        return date(month // 12, month % 12 + 1, day.day)
    except ValueError:
        month += 1
        return date(month // 12, month % 12 + 1, 1)


def age(born: date, day: date) -> int:
    """Completed years; somebody born on 29 February turns on 1 March."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


class Person:
    """What the indicators look at: days of issues and codes by set, eGFR, age."""

    def __init__(self, row: dict[str, Any]) -> None:
        self.row = row
        self.issues: dict[str, set[date]] = defaultdict(set)
        self.codes: dict[str, set[date]] = defaultdict(set)
        self.egfr: dict[date, list[tuple[float | None, str, str]]] = defaultdict(list)

    def counts(self, day: date) -> bool:
        """Registered and alive, with a date of birth."""
        row = self.row
        return (
            (row["registered_from"] is None or row["registered_from"] <= day)
            and (row["registered_to"] is None or day < row["registered_to"])
            and (row["death_date"] is None or day < row["death_date"])
            and row["birth_precision"] == "day"
        )


def people(tables: dict[str, pa.Table], day: date) -> Iterator[Person]:
    """Everybody, with what happened up to the day."""
    found = {row["patient_id"]: Person(row) for row in tables["patient"].to_pylist()}
    known = formulary()
    belongs: dict[tuple[str | None, str], list[str]] = {}
    for row in tables["issue"].to_pylist():
        cancelled = row["cancelled_on"] is not None and row["cancelled_on"] <= day
        if cancelled or row["issued_on"] > day or row["deleted_on"] is not None:
            continue
        key = (row["product_code"], row["product_text"])
        if key not in belongs:
            match = known.match(key[1], key[0])
            belongs[key] = [d for d in DRUGS if load_drugset(d).truth(match)]
        for name in belongs[key]:
            found[row["patient_id"]].issues[name].add(row["issued_on"])
    of_code = defaultdict(list)
    for name in CODES:
        for code in load_codeset(name).codes:
            of_code[code].append(name)
    rates = load_codeset("egfr").codes
    for row in tables["coded_entry"].to_pylist():
        on, code = row["happened_on"], row["code"] or row["local_code"]
        if on is None or on > day or row["precision"] != "day" or row["deleted_on"] is not None:
            continue
        person = found[row["patient_id"]]
        for name in of_code.get(code, ()):
            person.codes[name].add(on)
        if code in rates and (row["value"] is not None or row["value_text"]):
            value = None if row["value"] is None else float(row["value"])
            person.egfr[on].append((value, row["comparator"] or "", row["unit_ucum"] or ""))
    for row in tables["problem"].to_pylist():
        if row["onset_on"] is not None and row["onset_on"] <= day and row["deleted_on"] is None:
            for name in of_code.get(row["code"], ()):
                found[row["patient_id"]].codes[name].add(row["onset_on"])
    yield from found.values()


def flags(person: Person, day: date) -> set[str]:
    """The indicators whose numerator the person is in, by rule id."""
    if not person.counts(day):
        return set()
    years = age(person.row["birth_date"], day)
    if years < 18:
        return set()

    def issued(name: str, back: int, skip: int = 0) -> bool:
        first, last = less(day, back), less(day, skip) if skip else day
        return any(first <= d <= last for d in person.issues[name])

    def before(rows: dict[str, set[date]], name: str, months: int) -> bool:
        return any(d <= less(day, months) for d in rows[name])

    def coded(name: str, months: int) -> bool:
        return any(less(day, months) <= d for d in person.codes[name])

    def together(one: str, other: str) -> bool:
        first = less(day, 3)
        return any(
            abs((a - b).days) < 28
            for a in person.issues[one]
            for b in person.issues[other]
            if a >= first and b >= first
        )

    shielded = issued("gastroprotection", 3)
    nsaid = issued("nsaid_oral", 3)
    bled = before(person.codes, "peptic_ulcer", 3) or before(person.codes, "gi_bleed", 3)
    old = issued("acei_arb", 6) and before(person.issues, "acei_arb", 15)
    old = old or (issued("loop_diuretic", 6) and before(person.issues, "loop_diuretic", 15))
    tested = coded("renal_function", 15) and coded("u_and_e", 15)

    def unmeasured(drug: str, test: str, months: int) -> bool:
        taken = issued(drug, months) and issued(drug, 2 * months, months)
        return taken and not coded(test, months)

    checks: dict[str, Callable[[], bool]] = {
        "safety.nsaid_65_no_gastroprotection": lambda: years >= 65 and nsaid and not shielded,
        "safety.ulcer_nsaid": lambda: bled and nsaid and not shielded,
        "safety.ulcer_antiplatelet": lambda: bled and issued("antiplatelet", 3) and not shielded,
        "safety.anticoagulant_nsaid": lambda: nsaid and issued("anticoagulant_oral", 3),
        "safety.anticoagulant_antiplatelet": lambda: (
            together("anticoagulant_oral", "antiplatelet") and not shielded
        ),
        "safety.aspirin_antiplatelet": lambda: (
            together("aspirin", "antiplatelet_not_aspirin") and not shielded
        ),
        "safety.asthma_beta_blocker": lambda: (
            _asthma(person, less(day, 3)) and issued("beta_blocker_nonselective", 3)
        ),
        "safety.heart_failure_nsaid": lambda: before(person.codes, "heart_failure", 3) and nsaid,
        "safety.egfr_nsaid": lambda: _low(person, less(day, 3)) and nsaid,
        "monitoring.acei_loop_75": lambda: years >= 75 and old and not tested,
        "measure.pincer_methotrexate_fbc": lambda: unmeasured("methotrexate", "fbc", 3),
        "measure.pincer_methotrexate_lft": lambda: unmeasured("methotrexate", "lft", 3),
        "measure.pincer_lithium": lambda: unmeasured("lithium", "lithium_level", 3),
        "measure.pincer_amiodarone": lambda: unmeasured("amiodarone_oral", "tft", 6),
    }
    return {name for name, check in checks.items() if check()}


def _asthma(person: Person, day: date) -> bool:
    coded = [d for d in person.codes["asthma"] if d <= day]
    resolved = [d for d in person.codes["asthma_resolved"] if d <= day]
    return bool(coded) and (not resolved or max(coded) > max(resolved))


def _low(person: Person, day: date) -> bool:
    """The latest eGFR is from 1 to under 45; of several on a day, any."""
    days = [d for d in person.egfr if d <= day]
    if not days:
        return False
    return any(
        value is not None
        and unit == "mL/min/{1.73_m2}"
        and 1 <= value < 45
        and comparator not in (">", ">=", "~")
        and not (comparator == "<" and value == 1)
        for value, comparator, unit in person.egfr[max(days)]
    )

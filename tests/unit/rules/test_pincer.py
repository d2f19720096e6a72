"""The PINCER indicators equal a plain implementation written apart, person by person."""

from __future__ import annotations

from collections import Counter
from datetime import date
from functools import cache

import pincer
import pyarrow as pa
import pytest
from people import People

from counterfoil import synthetic
from counterfoil.foundation.days import to_day
from counterfoil.rules import load
from counterfoil.rules.engines.duckdb import Engine
from counterfoil.rules.model import TRUE
from counterfoil.rules.sets import TerminologySets

DAYS = [
    date(2026, 2, 28), date(2024, 2, 29), date(2026, 3, 1), date(2026, 4, 30), date(2026, 5, 31),
    date(2025, 3, 1), date(2026, 8, 31), date(2026, 11, 20),
]  # fmt: skip
IDS = {
    "safety.nsaid_65_no_gastroprotection", "safety.ulcer_nsaid", "safety.ulcer_antiplatelet",
    "safety.anticoagulant_nsaid", "safety.anticoagulant_antiplatelet",
    "safety.aspirin_antiplatelet", "safety.asthma_beta_blocker", "safety.heart_failure_nsaid",
    "safety.egfr_nsaid", "monitoring.acei_loop_75", "measure.pincer_methotrexate_fbc",
    "measure.pincer_methotrexate_lft", "measure.pincer_lithium", "measure.pincer_amiodarone",
}  # fmt: skip
EXTRA = ("Aspirin 75mg dispersible tablets", "Propranolol 40mg tablets", "Ramipril 5mg capsules")
RULES = [rule for rule in load() if rule.id in IDS]


@cache
def population() -> dict[str, pa.Table]:
    """Some thousand people and two years, with the birthdays and the issues that decide added."""
    made = synthetic.generate(1500, 3, 8, to_day(date(2026, 11, 20))).tables
    edges = on_the_edge().tables()
    return {
        name: pa.concat_tables([made[name], edges[name]]) if name in edges else made[name]
        for name in made
    }


def on_the_edge() -> People:
    """People born on 29 February, or 65 on an index day; issues on the first days that count."""
    found = People()
    for n, day in enumerate(DAYS):
        for m, born in enumerate((date(1948, 2, 29), date(1961, day.month, min(day.day, 28)))):
            for k, months in enumerate((3, 6, 15)):
                for j, step in enumerate((-1, 0, 1)):
                    key = f"edge {n} {m} {k} {j}"
                    found.patient(key, born)
                    first = date.fromordinal(pincer.less(day, months).toordinal() + step)
                    found.issued(key, "Naproxen 500mg tablets", first, first)
                    found.issued(key, "Warfarin 3mg tablets", first, first)
                    found.issued(key, "Clopidogrel 75mg tablets", first, first)
                    late = date.fromordinal(day.toordinal() - 5)
                    found.issued(key, "Methotrexate 2.5mg tablets", first, first)
                    found.issued(key, "Methotrexate 2.5mg tablets", late, late)
                    for product in EXTRA[j:]:
                        found.issued(key, product, first, first)
                        found.issued(key, product, late, late)
                    for codes in ("heart_failure", "peptic_ulcer", "asthma")[j:]:
                        found.tested(key, codes, first)
    return found


def test_there_are_fourteen() -> None:
    assert {rule.id for rule in RULES} == IDS
    assert len(IDS) == 14


@pytest.mark.slow
@pytest.mark.parametrize("day", DAYS, ids=str)
def test_the_numerators_equal_a_plain_implementation_person_by_person(day: date) -> None:
    tables, index = population(), to_day(day)
    with Engine(tables, TerminologySets(), index) as engine:
        spans = engine.spans(RULES).table.to_pylist()
    found = {
        (s["patient_id"], s["rule"])
        for s in spans
        if s["since"] <= index < s["until"] and s["v"] == TRUE
    }
    expected = {
        (person.row["patient_id"], rule)
        for person in pincer.people(tables, day)
        for rule in pincer.flags(person, day)
    }
    assert found == expected
    counts = Counter(rule for _, rule in expected)
    print(day, dict(sorted(counts.items())))
    assert len(counts) >= 12, "an indicator that nobody meets shows nothing"

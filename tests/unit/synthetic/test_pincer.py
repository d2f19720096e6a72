"""The PINCER indicators in plain SQL of this test's own: who is found is who was planted."""

from __future__ import annotations

import duckdb
import pytest

from counterfoil.foundation.days import parse_day
from counterfoil.synthetic import Population, generate

pytestmark = pytest.mark.slow
AS_OF = parse_day("2026-11-22")
DAY = "date '2026-11-22'"
NSAID = (
    "(product_text ilike 'naproxen%' or product_text ilike 'ibuprofen%tablets' "
    "or product_text ilike 'meloxicam%' or product_text ilike 'celecoxib%')"
)
PROTECTION = "(product_text ilike '%prazole%' or product_text ilike 'famotidine%')"
ANTICOAGULANT = "(product_text ilike '%xaban%' or product_text ilike 'warfarin%')"


@pytest.fixture(scope="module")
def larger() -> Population:
    """Enough people for every indicator."""
    return generate(12000, 2, 5, AS_OF)


@pytest.fixture(scope="module")
def asked(larger):
    connection = duckdb.connect()
    for name, table in larger.tables.items():
        connection.register(name, table)
    connection.register("truth", larger.truth)
    connection.execute(
        f"""create temp table here as select *, date_diff('day', birth_date, {DAY}) / 365.25 as age
        from patient where registered_to is null"""
    )
    connection.execute(
        f"""create temp table live as select i.* from issue i join here using (patient_id)
        where cancelled_on is null and issued_on <= {DAY}"""
    )
    return connection


def recent(what: str, days: int = 92) -> str:
    return f"(select patient_id from live where {what} and issued_on >= {DAY} - {days})"


def coded(term: str) -> str:
    return f"(select patient_id from coded_entry where term ilike '{term}')"


ULCER, HEART, ASTHMA = coded("peptic ulcer%"), coded("heart failure%"), coded("asthma")
ASPIRIN = recent("product_text ilike 'aspirin%'")
CLOPIDOGREL = recent("product_text ilike 'clopidogrel%'")
LITHIUM = recent("(product_text ilike 'priadel%' or product_text ilike 'camcolit%')")
QUESTIONS = {
    "ulcer_nsaid": f"patient_id in {ULCER} and patient_id in {recent(NSAID)} "
    f"and patient_id not in {recent(PROTECTION)}",
    "ulcer_antiplatelet": f"patient_id in {ULCER} and patient_id in "
    + recent("(product_text ilike 'aspirin%' or product_text ilike 'clopidogrel%')")
    + f" and patient_id not in {recent(PROTECTION)}",
    "anticoagulant_nsaid": f"patient_id in {recent(ANTICOAGULANT)} and patient_id in {recent(NSAID)}",
    "aspirin_antiplatelet": f"patient_id in {ASPIRIN} and patient_id in {CLOPIDOGREL} "
    f"and patient_id not in {recent(PROTECTION)}",
    "asthma_betablocker": f"patient_id in {ASTHMA} and patient_id in "
    + recent("product_text ilike 'propranolol%'"),
    "heart_failure_nsaid": f"patient_id in {HEART} and patient_id in {recent(NSAID)}",
    "lithium_nsaid": f"patient_id in {LITHIUM} and patient_id in {recent(NSAID)}",
}


@pytest.mark.parametrize("subject", QUESTIONS)
def test_who_is_found_is_who_was_planted(asked, subject):
    found = {
        r[0]
        for r in asked.sql(f"select patient_id from here where {QUESTIONS[subject]}").fetchall()
    }
    planted = {
        r[0]
        for r in asked.sql(
            f"select patient_id from truth where kind like '{subject}.%' and expected = 'open'"
        ).fetchall()
    }
    assert found == planted
    assert found


def test_older_people_without_renal_function_are_who_was_planted(asked):
    taking = recent(
        "(product_text ilike '%pril %' or product_text ilike '%sartan%' or product_text ilike 'cozaar%' "
        "or product_text ilike 'furosemide%' or product_text ilike 'bumetanide%' "
        "or product_text ilike 'perindopril%')"
    )
    got = {
        r[0]
        for r in asked.sql(
            f"""select patient_id from here where age >= 75 and patient_id in {taking}
            and registered_from < {DAY} - 460 and patient_id not in (select patient_id
              from coded_entry where term = 'Serum creatinine level'
              and happened_on >= {DAY} - 457)"""
        ).fetchall()
    }
    planted = {
        r[0]
        for r in asked.sql(
            "select patient_id from truth where kind = 'acei_loop_renal.overdue'"
        ).fetchall()
    }
    other = {r[0] for r in asked.sql("select patient_id from truth").fetchall()}
    assert planted <= got
    assert got - planted <= other
    assert len(planted) >= 5

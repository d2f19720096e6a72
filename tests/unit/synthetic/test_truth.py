"""What is planted shows in the tables, and what was not planted is not there.

The questions are asked in plain SQL of this test's own: no rule of the project is used.
"""

from __future__ import annotations

import pytest

DAY = "date '2026-11-22'"
NSAID = (
    "(product_text ilike 'naproxen%' or product_text ilike 'ibuprofen%tablets' "
    "or product_text ilike 'meloxicam%' or product_text ilike 'celecoxib%')"
)
PROTECTION = "(product_text ilike '%prazole%' or product_text ilike 'famotidine%')"
ANTICOAGULANT = "(product_text ilike '%xaban%' or product_text ilike 'warfarin%')"
ANTIPLATELET = "(product_text ilike 'aspirin%' or product_text ilike 'clopidogrel%')"


@pytest.fixture(scope="module")
def asked(rows):
    """The connection with current patients and live issues as views."""
    rows.execute(
        f"""create or replace temp table here as
        select *, date_diff('day', birth_date, {DAY}) / 365.25 as age
        from patient where registered_to is null"""
    )
    rows.execute(
        f"""create or replace temp table live as
        select i.* from issue i join here using (patient_id)
        where cancelled_on is null and issued_on <= {DAY}"""
    )
    return rows


def found(asked, sql: str) -> set[str]:
    return {row[0] for row in asked.sql(sql).fetchall()}


def planted(asked, pattern: str, expected: str = "open") -> set[str]:
    return found(
        asked,
        f"select patient_id from truth where kind like '{pattern}' and expected = '{expected}'",
    )


def recent(what: str, days: int = 92) -> str:
    return f"(select patient_id from live where {what} and issued_on >= {DAY} - {days})"


def resulted(terms: str, days: int) -> str:
    return (
        f"(select patient_id from coded_entry where kind = 'result' and ({terms}) "
        f"and happened_on >= {DAY} - {days} and deleted_on is null)"
    )


FBC = "term in ('Haemoglobin estimation', 'Total white cell count', 'Platelet count')"
LFT = "term in ('Serum alanine aminotransferase level', 'Serum alkaline phosphatase level')"
UE = "term in ('Serum sodium level', 'Serum potassium level')"
TFT = "term ilike 'serum thyroid stimulating%'"
RENAL = "term = 'Serum creatinine level'"


def test_unprotected_nsaid_is_exactly_who_was_planted(asked):
    got = found(
        asked,
        f"""select patient_id from here where age >= 65 and patient_id in {recent(NSAID)}
        and patient_id not in {recent(PROTECTION)}""",
    )
    assert got == planted(asked, "nsaid.unprotected")
    assert len(got) >= 6


def test_anticoagulant_with_antiplatelet_is_exactly_who_was_planted(asked):
    got = found(
        asked,
        f"""select a.patient_id from live a join live b using (patient_id)
        where {ANTICOAGULANT.replace("product", "a.product")}
          and {ANTIPLATELET.replace("product", "b.product")}
          and abs(a.issued_on - b.issued_on) <= 28
          and greatest(a.issued_on, b.issued_on) >= {DAY} - 92
          and patient_id not in {recent(PROTECTION)}""",
    )
    assert got == planted(asked, "anticoagulant_antiplatelet.unprotected")
    assert len(got) >= 2


def test_raised_hba1c_without_a_code_is_exactly_who_was_planted(asked):
    got = found(
        asked,
        """select patient_id from coded_entry join here using (patient_id)
        where term ilike 'haemoglobin a1c%' and value >= 48 and unit_ucum = 'mmol/mol'
          and patient_id not in
            (select patient_id from coded_entry where term ilike '%diabetes mellitus%')
        group by 1 having count(distinct happened_on) >= 2""",
    )
    assert got == planted(asked, "hba1c.%")
    assert len(got) >= 6


def test_levothyroxine_without_a_code_is_exactly_who_was_planted(asked):
    thyroid = "select patient_id from coded_entry where term ilike '%hypothyroid%'"
    got = found(
        asked,
        f"""select patient_id from here where patient_id not in ({thyroid})
        and patient_id in {recent("product_text ilike 'levothyroxine%'")}""",
    )
    assert got == planted(asked, "levothyroxine.%")
    assert len(got) >= 5


def test_overdue_methotrexate_is_who_was_planted(asked):
    late = " or ".join(f"patient_id not in {resulted(what, 98)}" for what in (FBC, LFT, UE))
    on = recent("product_text ilike 'methotrexate%'")
    got = found(asked, f"select patient_id from here where patient_id in {on} and ({late})")
    hard = planted(asked, "methotrexate.leflunomide")
    assert planted(asked, "methotrexate.%") - hard <= got
    silent = planted(asked, "methotrexate.%", "not_open") | planted(asked, "methotrexate.%", "any")
    assert got - planted(asked, "methotrexate.%") <= silent
    assert not got & planted(asked, "methotrexate.%", "clear")
    assert hard


def test_overdue_lithium_is_who_was_planted(asked):
    on = recent("product_text ilike 'priadel%' or product_text ilike 'camcolit%'")
    level = "term = 'Serum lithium level'"
    got = found(
        asked,
        f"""select patient_id from here where patient_id in {on} and
        ((age < 65 and patient_id not in {resulted(level, 190)})
          or (age >= 65 and patient_id not in {resulted(level, 97)}))""",
    )
    want = planted(asked, "lithium.%")
    assert want <= got
    assert got - want == planted(asked, "lithium.turned_65", "not_open")
    assert len(want) >= 4


def test_overdue_amiodarone_is_exactly_who_was_planted(asked):
    on = recent("product_text ilike 'amiodarone%'")
    got = found(
        asked,
        f"""select patient_id from here where patient_id in {on}
        and (patient_id not in {resulted(TFT, 190)} or patient_id not in {resulted(LFT, 190)})""",
    )
    assert got == planted(asked, "amiodarone.%")
    assert len(got) >= 4


def test_anticoagulant_without_weight_or_renal_function_is_exactly_who_was_planted(asked):
    on = recent("product_text ilike '%xaban%'")
    weight = "term = 'Body weight'"
    got = found(
        asked,
        f"""select patient_id from here where patient_id in {on}
        and (patient_id not in {resulted(weight, 366)} or patient_id not in {resulted(RENAL, 366)})""",
    )
    assert got == planted(asked, "doac.%")
    assert len(got) >= 6


def test_every_plan_named_in_the_truth_is_the_patients(asked):
    lost = asked.sql(
        """select count(*) from (select patient_id, unnest(object_ids) as plan_id from truth) t
        left join plan p using (plan_id) where p.patient_id is distinct from t.patient_id"""
    ).fetchall()
    assert lost == [(0,)]


def test_the_demonstration_holds_a_days_work(asked):
    kinds = asked.sql(
        "select split_part(kind, '.', 1), count(*) from truth where expected = 'open' "
        "and kind not in ('repeat.review_overdue', 'repeat.unused') group by 1"
    ).fetchall()
    first = {
        "methotrexate",
        "lithium",
        "amiodarone",
        "doac",
        "nsaid",
        "anticoagulant_antiplatelet",
        "hba1c",
        "levothyroxine",
    }
    assert first <= {kind for kind, _ in kinds}
    assert all(3 <= count <= 40 for kind, count in kinds if kind in first)
    assert all(1 <= count <= 40 for _, count in kinds)
    more = asked.sql(
        "select patient_id from truth where expected = 'open' group by 1 having count(*) > 1"
    ).fetchall()
    assert 2 <= len(more) <= 25


def test_ids_and_order_do_not_give_the_truth_away(asked):
    share = asked.sql(
        """with who as (
          select p.patient_id, p.practice, t.patient_id is not null as chosen,
                 percent_rank() over (partition by p.practice order by p.patient_id) as place
          from here p left join (select distinct patient_id from truth) t using (patient_id))
        select avg(place) from who where chosen"""
    ).fetchall()[0][0]
    assert 0.4 < share < 0.6

"""The population against the published figures, within the tolerance each target states."""

from __future__ import annotations

import pytest

from counterfoil.synthetic.lists import rows as listed

DAY = "date '2026-11-22'"
CODES = {
    "hypertension": ("59621000", 0),
    "diabetes": ("44054006", 17),
    "depression": ("35489007", 18),
    "asthma": ("195967001", 6),
    "chd": ("414545008", 0),
    "copd": ("13645005", 0),
    "af": ("49436004", 0),
    "ckd": ("433144002", 18),
}
TARGETS = {row["name"]: row for row in listed("targets")}


def near(name: str, got: float) -> None:
    row = TARGETS[name]
    value, tolerance = float(row["value"]), float(row["tolerance"])
    assert abs(got - value) <= tolerance * value, f"{name}: {got:.2f} against {value}"


@pytest.fixture(scope="module")
def here(rows):
    rows.execute(
        f"""create or replace temp table listed as
        select *, date_diff('day', birth_date, {DAY}) / 365.25 as age
        from patient where registered_to is null"""
    )
    return rows


def one(here, sql: str) -> float:
    return float(here.sql(sql).fetchall()[0][0])


@pytest.mark.parametrize("name", CODES)
def test_prevalence(here, name):
    code, least = CODES[name]
    codes = "'44054006', '46635009'" if name == "diabetes" else f"'{code}'"
    got = one(
        here,
        f"""select 100.0 * (select count(distinct patient_id) from coded_entry
            join listed using (patient_id) where code in ({codes}))
          / (select count(*) from listed where age >= {least})""",
    )
    near(f"prevalence_{name}", got)


def test_items_per_head(here):
    got = one(
        here,
        f"""select count(*) * 1.0 / (select count(*) from listed) from issue
        where issued_on > {DAY} - 365 and valid_from <= {DAY} and cancelled_on is null""",
    )
    near("items_per_head_year", got)


def test_repeat_share(here):
    sql = "select 100.0 * count(*) filter (issue_type <> 'acute') / count(*) from issue"
    near("repeat_share", one(here, f"{sql} where valid_from <= {DAY}"))


def test_repeat_items_and_polypharmacy(here):
    here.execute(
        """create or replace temp table held as
        select l.patient_id, count(p.plan_id) as n from listed l left join plan p
        on p.patient_id = l.patient_id and p.status = 'active'
        and p.plan_type in ('repeat', 'erd') group by 1"""
    )
    near("repeat_items_per_patient", one(here, "select avg(n) from held"))
    near(
        "polypharmacy_5",
        one(here, "select 100.0 * count(*) filter (n >= 5) / count(*) from held"),
    )


def test_older_people_and_admissions(here):
    near(
        "aged_65_plus",
        one(here, "select 100.0 * count(*) filter (age >= 65) / count(*) from listed"),
    )
    sql = "select count(*) / 2.0 * 1000 / (select count(*) from listed) from admission"
    near("admissions_per_1000_year", one(here, sql))


def test_medicines_a_letter(network):
    lines = [sum(bool(line.text) for line in letter.truth) for letter in network.letters]
    near("letter_medicines", sum(lines) / len(lines))

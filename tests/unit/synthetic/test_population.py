"""The network as a whole: the same bytes, sound tables, nobody real, nothing impossible."""

from __future__ import annotations

import pyarrow as pa
import pytest
from nhs_number import is_valid

from counterfoil.foundation.days import parse_day
from counterfoil.foundation.errors import UsageError
from counterfoil.records.schema import TABLES
from counterfoil.synthetic import fingerprint, generate, summary
from counterfoil.synthetic.numbers import CAPACITY, KEPT

AS_OF = parse_day("2026-11-22")


@pytest.mark.slow
def test_same_seed_same_bytes_and_another_seed_differs():
    first = fingerprint(generate(900, 2, 7, AS_OF))
    assert fingerprint(generate(900, 2, 7, AS_OF)) == first
    assert fingerprint(generate(900, 2, 8, AS_OF)) != first


def test_another_day_gives_another_record():
    assert fingerprint(generate(300, 1, 7, AS_OF)) != fingerprint(generate(300, 1, 7, AS_OF - 1))


@pytest.mark.slow
@pytest.mark.parametrize("code", ["X00001", "X00002", "X00003"])
def test_one_practice_alone_is_its_part_of_the_whole(code):
    whole = generate(1500, 3, 7, AS_OF)
    alone = generate(1500, 3, 7, AS_OF, only=[code])
    assert alone.tables["patient"].num_rows > 0
    for name, table in whole.for_practice(code).items():
        assert table.equals(alone.tables[name].combine_chunks()), name
    assert [x for x in whole.letters if x.practice == code] == list(alone.letters)
    assert whole.truth.filter(pa.compute.equal(whole.truth["practice"], code)).equals(alone.truth)


def test_every_table_meets_the_schema(network):
    assert set(network.tables) == set(TABLES)
    for name, table in network.tables.items():
        assert table.schema.equals(TABLES[name].arrow), name
        table.validate(full=True)
        for field in table.schema:
            if not field.nullable:
                assert table[field.name].null_count == 0, (name, field.name)


def test_keys_are_unique(network):
    for name, table in network.tables.items():
        if name != "organisation":
            key = table[TABLES[name].key].to_pylist()
            assert len(set(key)) == len(key), name


def test_references_hold(rows):
    for child, column, parent in [
        ("plan", "patient_id", "patient"),
        ("issue", "patient_id", "patient"),
        ("issue", "plan_id", "plan"),
        ("coded_entry", "patient_id", "patient"),
        ("problem", "entry_id", "coded_entry"),
        ("plan", "problem_id", "problem"),
        ("allergy", "patient_id", "patient"),
        ("admission", "patient_id", "patient"),
        ("document", "patient_id", "patient"),
        ("request_item", "request_id", "request"),
        ("request_item", "plan_id", "plan"),
    ]:
        key = TABLES[parent].key
        lost = rows.sql(
            f"select count(*) from {child} where {column} is not null "
            f"and {column} not in (select {key} from {parent})"
        ).fetchall()
        assert lost == [(0,)], (child, column)


def test_issues_agree_with_their_plan(rows):
    wrong = rows.sql(
        """select count(*) from issue i join plan p using (plan_id)
        where i.patient_id <> p.patient_id or i.product_text <> p.product_text
           or i.issued_on < p.start_date or (p.end_date is not null and i.issued_on >= p.end_date)"""
    ).fetchall()
    assert wrong == [(0,)]


def test_nothing_impossible(rows):
    for wrong in (
        "select 1 from issue join patient using (patient_id) where issued_on < birth_date",
        "select 1 from issue join patient using (patient_id) where issued_on >= registered_to",
        "select 1 from issue join patient using (patient_id) where issued_on < registered_from",
        "select 1 from coded_entry join patient using (patient_id) where happened_on >= death_date",
        "select 1 from coded_entry join patient using (patient_id) "
        "where precision = 'day' and happened_on < birth_date",
        "select 1 from coded_entry where happened_on > date '2026-11-22'",
        "select 1 from issue where issued_on > date '2026-11-22'",
        "select 1 from coded_entry join patient using (patient_id) "
        "where sex = 'male' and term in ('Contraception', 'Menopausal symptoms')",
        "select 1 from patient where birth_date > date '2026-11-22'",
        "select 1 from patient where registered_from < birth_date",
        "select 1 from issue where issue_type = 'erd' and (product_text ilike 'zopiclone%' "
        "or product_text ilike 'tramadol%' or product_text ilike 'pregabalin%') "
        "and patient_id not in (select patient_id from truth where kind = 'erd.controlled_drug')",
        "select 1 from admission where discharged_on < admitted_on",
    ):
        assert rows.sql(wrong).fetchall() == [], wrong


def test_nobody_is_real(network):
    patients = network.tables["patient"].to_pylist()
    for patient in patients:
        number = patient["nhs_number"]
        assert number.startswith("999")
        assert is_valid(number)
    owners = {p["nhs_number"]: p["person_id"] for p in patients}
    assert len(owners) == len(set(owners.values()))
    codes = {p["practice"] for p in patients}
    assert codes == {"X00001", "X00002"}


def test_movers_are_one_person_at_two_practices_one_after_the_other(rows):
    movers = rows.sql(
        """select a.registered_to, b.registered_from, a.nhs_number = b.nhs_number,
                  a.birth_date = b.birth_date, a.given_name = b.given_name, a.sex = b.sex,
                  a.practice <> b.practice
        from patient a join patient b using (person_id)
        where a.registered_from < b.registered_from"""
    ).fetchall()
    assert movers
    for one, other, *same in movers:
        assert all(same)
        assert one == other


def test_examples_keep_their_own_numbers(network):
    numbers = network.tables["patient"]["nhs_number"].to_pylist()
    assert KEPT >= 100
    assert CAPACITY > 800_000
    assert min(numbers) > "9990001000"


def test_the_whole_is_quick_to_describe(network):
    told = summary(network)
    assert told["rows"]["patient"] == 5000
    assert told["as_of"] == "2026-11-22"
    assert sum(told["letters"].values()) == 38
    assert 40 <= told["rows"]["request"] <= 80


def test_history_holds_every_kind_of_issue(rows):
    got = rows.sql(
        """select count(*) filter (issue_type = 'erd' and valid_from > date '2026-11-22'),
                  count(*) filter (cancelled_on is not null),
                  count(*) filter (issue_type = 'acute')
        from issue"""
    ).fetchall()[0]
    assert all(count > 50 for count in got)
    twice = rows.sql(
        "select count(*) from (select 1 from issue group by plan_id, issued_on, valid_from "
        "having count(*) > 1)"
    ).fetchall()[0][0]
    assert twice > 50


def test_results_are_written_as_gp_systems_write_them(rows):
    units = rows.sql(
        "select count(distinct unit_text) from coded_entry where term = 'Platelet count'"
    ).fetchall()[0][0]
    assert units >= 3
    assert rows.sql("select 1 from coded_entry where comparator = '<'").fetchall()
    assert rows.sql(
        "select 1 from coded_entry where value is not null and unit_text is null"
    ).fetchall()
    assert rows.sql("select 1 from coded_entry where precision = 'year'").fetchall()
    unknown = "select 1 from coded_entry where unit_text is null and unit_ucum is not null"
    assert rows.sql(unknown).fetchall() == []


def test_a_network_needs_people():
    with pytest.raises(UsageError):
        generate(10, 2, 1, AS_OF)
    with pytest.raises(UsageError):
        generate(1000, 0, 1, AS_OF)


@pytest.mark.slow
def test_small_and_odd_networks_can_be_made():
    for patients, practices in ((50, 1), (101, 2), (700, 7)):
        made = generate(patients, practices, 3, AS_OF)
        assert made.tables["patient"].num_rows == patients

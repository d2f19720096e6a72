"""The network against the published figures in ``targets.csv``, and the look at it as a whole."""

from __future__ import annotations

import json

import duckdb
import pyarrow as pa
import pytest

from command_line import fits
from counterfoil.foundation.days import parse_day
from counterfoil.foundation.errors import DataError
from counterfoil.synthetic import Order, generate, letter_truth, produce, validate
from counterfoil.synthetic.lists import rows as listed
from counterfoil.synthetic.pictures import page
from counterfoil.synthetic.realism import Leak, look, look_at

AS_OF = parse_day("2026-11-22")
BY_TABLES = [
    row["name"]
    for row in listed("targets")
    if float(row["tolerance"]) < 1
    and int(row["least"]) <= 2
    and not row["name"].startswith(("letter", "list", "chapter"))
]


@pytest.fixture(scope="module")
def checks(network):
    return {check.name: check for check in validate(network.tables, network.as_of)}


@pytest.fixture(scope="module")
def report(network):
    return look_at(network.tables, network.truth, letter_truth(network), network.as_of)


@pytest.mark.parametrize("name", BY_TABLES)
def test_target(checks, name):
    check = checks[name]
    assert check.met, f"{name}: {check.got} against {check.value} within {check.tolerance:.0%}"


def test_every_figure_is_shown_in_order(checks):
    assert list(checks) == [row["name"] for row in listed("targets")]
    assert len(checks) == len(set(checks))
    for check in checks.values():
        assert check.source
        assert check.status in {"read", "recalled", "chosen"}


def test_a_missed_target_says_so(network):
    tables = dict(network.tables)
    tables["plan"] = tables["plan"].slice(0, 100)
    checks = {check.name: check for check in validate(tables, network.as_of)}
    assert checks["polypharmacy_5"].met is False


def test_a_rate_of_few_people_is_held_to_in_large_networks_only(checks):
    assert checks["lithium_rate"].met is None
    assert checks["lithium_rate"].got is not None


def test_nothing_impossible_and_no_leak_in_the_demonstration(report):
    assert not any(report.impossible.values()), report.impossible
    assert report.missed == []


def test_what_is_wrong_is_seen(network):
    tables = dict(network.tables)
    patients = tables["patient"]
    late = pa.array([network.as_of + 1] * patients.num_rows, pa.int32()).cast(pa.date32())
    place = patients.schema.get_field_index("birth_date")
    tables["patient"] = patients.set_column(place, patients.schema.field("birth_date"), late)
    found = look_at(tables, network.truth, letter_truth(network), network.as_of)
    assert found.impossible["an issue before birth"] == tables["issue"].num_rows
    assert any("impossible" in line for line in found.missed)


@pytest.mark.slow
def test_a_leak_is_seen_where_the_planted_come_first(network):
    chosen = set(network.truth["patient_id"].to_pylist())
    patients = network.tables["patient"].to_pylist()
    ordered = sorted(patients, key=lambda row: row["patient_id"] not in chosen)
    names = {row["patient_id"]: f"{number:08d}" for number, row in enumerate(ordered)}

    def renamed(table: pa.Table) -> pa.Table:
        ids = pa.array([names[x] for x in table["patient_id"].to_pylist()], pa.string())
        return table.set_column(table.schema.get_field_index("patient_id"), "patient_id", ids)

    tables = {
        name: renamed(table) if name in ("patient", "issue", "coded_entry", "plan") else table
        for name, table in network.tables.items()
    }
    found = look_at(tables, renamed(network.truth), letter_truth(network), network.as_of)
    worst = next(x for x in found.leaks if x.subject == "anybody planted")
    assert worst.auc < 0.3
    assert Leak("x", "y", 500, 500, 0.56, True).met is False
    assert Leak("x", "y", 500, 500, 0.54, True).met is True


def test_the_page_holds_every_picture_and_fetches_nothing(report):
    words = page(report)
    assert words.count("<svg") == 9
    assert "<script" not in words
    assert words.count("http") == words.count("http://www.w3.org/2000/svg")
    for check in report.checks:
        assert check.name in words


def test_the_report_fits_its_schema(report):
    fits("synth-validate", json.loads(json.dumps(report.to_json())))


@pytest.mark.slow
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_written_folder_gives_the_same_report_as_the_tables(tmp_path, form):
    produce(Order(1200, 2, 4, AS_OF, (form,)), tmp_path, cores=1)
    made = generate(1200, 2, 4, AS_OF)
    there = look(tmp_path)
    here = look_at(made.tables, made.truth, letter_truth(made), AS_OF)
    assert there.to_json() == here.to_json()


def test_a_folder_that_holds_no_network_is_named(tmp_path):
    with pytest.raises(DataError, match="manifest"):
        look(tmp_path)
    (tmp_path / "manifest.json").write_text('{"as_of": "2026-11-22"}')
    with pytest.raises(DataError, match="csv or parquet"):
        look(tmp_path)


@pytest.mark.slow
def test_a_network_of_six_practices_meets_every_target():
    made = generate(30000, 6, 2, AS_OF)
    found = look_at(made.tables, made.truth, letter_truth(made), AS_OF)
    assert found.missed == []
    held = [check for check in found.checks if check.met is not None]
    assert len(held) >= 30


@pytest.mark.slow
def test_overdue_monitoring_does_not_rise_towards_the_end():
    made = generate(24000, 3, 3, AS_OF)
    sql = duckdb.connect()
    sql.register("issue", made.tables["issue"])
    sql.register("entry", made.tables["coded_entry"])
    shares = []
    for back in (30, 90, 200, 330, 460, 600):
        shares.append(
            sql.sql(
                f"""SELECT avg(CASE WHEN t.patient_id IS NULL THEN 1.0 ELSE 0 END) FROM (
                  SELECT DISTINCT patient_id FROM issue WHERE product_text ILIKE 'methotrexate%'
                    AND issued_on BETWEEN DATE '2026-11-22' - {back + 60} AND DATE '2026-11-22' - {back}) i
                LEFT JOIN (SELECT DISTINCT patient_id FROM entry WHERE deleted_on IS NULL
                  AND term = 'Serum alanine aminotransferase level' AND happened_on
                    BETWEEN DATE '2026-11-22' - {back + 92} AND DATE '2026-11-22' - {back}) t
                USING (patient_id)"""
            ).fetchall()[0][0]
        )
    now, before = shares[0], sum(shares[1:]) / len(shares[1:])
    assert 0.10 < before < 0.32
    assert abs(now - before) < 0.10

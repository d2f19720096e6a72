"""The network against the published figures in ``targets.csv``, and the look at it as a whole."""

from __future__ import annotations

import json
from dataclasses import replace

import duckdb
import pyarrow as pa
import pytest

from command_line import fits
from counterfoil.foundation.days import parse_day
from counterfoil.foundation.errors import DataError
from counterfoil.synthetic import Order, generate, letter_truth, produce, validate, validation
from counterfoil.synthetic.leaks import Leak
from counterfoil.synthetic.lists import rows as listed
from counterfoil.synthetic.pictures import page
from counterfoil.synthetic.realism import look, look_at

AS_OF = parse_day("2026-11-22")


@pytest.fixture(scope="module")
def checks(network):
    return {check.name: check for check in validate(network.tables, network.as_of)}


@pytest.fixture(scope="module")
def report(network):
    return look_at(network.tables, network.truth, letter_truth(network), network.as_of)


def test_the_demonstration_misses_nothing_without_a_reason(report):
    assert report.missed == []
    judged = [check for check in report.checks if check.met is not None]
    assert len(judged) >= 12


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


def test_what_few_people_cannot_tell_says_how_many_would(report):
    checks = {check.name: check for check in report.checks}
    assert checks["pincer_a"].needs == "60 practices"
    assert checks["lithium_rate"].verdict == "cannot tell"
    assert checks["lithium_rate"].needs == "3 practices"
    assert checks["letter_changed_reason"].needs.startswith("about ")


@pytest.mark.parametrize(
    ("people", "verdict", "needs"),
    [
        (5_000, "cannot tell", "about 20,000 patients"),
        (20_000, "missed", ""),
        (10**6, "missed", ""),
    ],
)
def test_a_target_is_judged_where_its_error_is_small_beside_its_tolerance(people, verdict, needs):
    row = {
        "name": "x",
        "value": "10",
        "unit": "percent",
        "tolerance": "5%",
        "basis": "own",
        "noise": str(0.25 * (20_000 / 50_000) ** 0.5 * 2 / validation.ENOUGH),
        "least": "1",
        "source": "s",
        "status": "read",
        "note": "",
        "reason": "because",
    }
    check = validation._check(row, 11.0, validation.Size(5, people, 40), {})
    assert (check.verdict, check.needs) == (verdict, needs)
    assert check.tolerance == 0.5
    near = validation._check(row, 10.4, validation.Size(5, 10**6, 40), {})
    assert near.verdict == "met"
    assert validation._check(row, 10.4, validation.Size(5, 5000, 40), {}).met is None


def test_tolerances_are_those_of_the_notes():
    for row in listed("targets"):
        if row["name"].startswith("prevalence_"):
            assert (row["tolerance"], row["basis"]) == ("5%", "notes 6.6")
        if row["name"].startswith("pincer_"):
            assert (row["tolerance"], row["basis"], row["least"]) == ("15%", "notes 6.6", "60")
        if row["name"].startswith("polypharmacy_"):
            assert (row["tolerance"], row["basis"]) == ("1", "notes 6.6")
        if row["basis"] == "own":
            assert row["tolerance"] == "5%"
    items = next(row for row in listed("targets") if row["name"] == "items_per_head_year")
    assert (items["tolerance"], items["basis"]) == ("5%", "notes 6.6")


def test_a_miss_with_a_reason_is_listed_apart(report):
    worse = replace(
        next(c for c in report.checks if c.verdict == "met"), verdict="missed", reason="known"
    )
    found = replace(report, checks=(worse,))
    assert found.missed == []
    assert found.explained[0].endswith(": known")
    assert replace(report, checks=(replace(worse, reason=""),)).missed[0].startswith(worse.name)


def test_nothing_impossible_in_the_demonstration(report):
    assert not any(report.impossible.values()), report.impossible


@pytest.mark.slow
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
    worst = next(x for x in found.leaks if x.subject == "all kinds together")
    assert worst.guess == "the order of the patients"
    assert worst.auc < 0.3
    assert worst.met is False


def test_a_leak_needs_both_size_and_certainty():
    assert Leak("x", "y", 900, 900, 0.56, 0.01, 0.04).met is False
    assert Leak("x", "y", 900, 900, 0.54, 0.01, 0.04).met is True
    assert Leak("x", "y", 90, 900, 0.56, 0.03, 0.12).met is None
    assert Leak("x", "y", 90, 900, 0.65, 0.03, 0.12).met is False
    assert Leak("x", "y", 900, 900, 0.65, 0.01, 0.04, "part of the fault").met is None


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
    produce(Order(100, 1, 4, AS_OF, ("emis", "letters")), tmp_path / "emis", cores=1)
    with pytest.raises(DataError, match="Found: emis, letters"):
        look(tmp_path / "emis")


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

"""The schema, typed rows, NHS numbers and person ids, and one patient's record."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from datetime import date

import jsonschema
import nhs_number
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.foundation.errors import DataError, UsageError
from counterfoil.records import detect, read, read_record_file
from counterfoil.records.importers.csv_template import required
from counterfoil.records.load import of_tables
from counterfoil.records.nhs import check_demo, is_test_number, is_valid, normalise
from counterfoil.records.patient import FIELDS, PatientRecord
from counterfoil.records.persons import person_id_for
from counterfoil.records.rows import ROWS
from counterfoil.records.schema import COMMON, TABLES, VALUES, VERSION
from support import ROOT, needs_shared, shared
from unit.records import made


class TestContract:
    pytestmark = needs_shared

    def test_the_schema_is_the_contract(self):
        stated = tomllib.loads(shared("schema.toml").read_text("utf-8"))
        assert stated.pop("version") == VERSION
        common = stated.pop("common")

        def written(columns):
            return {c.name: c.type + ("?" if c.optional else "") for c in columns}

        assert written(COMMON) == common
        assert list(TABLES) == list(stated)
        for name, columns in stated.items():
            ours = written(TABLES[name].columns)
            assert list(ours.items()) == [*columns.items(), *common.items()], name

    def test_the_closed_lists_are_those_the_contract_names(self):
        text = shared("schema.toml").read_text("utf-8")
        for (table, column), values in VALUES.items():
            block = text.split(f"\n[{table}]")[1].split("\n[")[0]
            line = next(x for x in block.splitlines() if x.startswith(f"{column} "))
            comment = line.split("#")[1]
            if "|" in comment:
                words = comment.split("(")[0].replace("...", "").split("|")
                assert {w.strip() for w in words} <= set(values), (table, column)


def test_typed_rows_have_the_columns_of_their_tables():
    assert list(ROWS) == list(TABLES)
    for name, table in TABLES.items():
        fields = {f.name: f for f in dataclasses.fields(ROWS[name])}
        assert set(fields) == {c.name for c in table.columns}
        for column in table.columns:
            optional = fields[column.name].default is None
            assert optional == column.optional, (name, column.name)


@given(st.from_regex(r"[4-9][0-9]{7,10}", fullmatch=True))
def test_the_check_digit_is_that_of_the_published_package(text):
    """Numbers below 4 000 000 000 are left out: the package also looks for a date in them."""
    assert is_valid(text) == (len(text) == 10 and nhs_number.is_valid(text))


def test_numbers_of_the_test_range_belong_to_nobody():
    assert is_test_number(made.number(3))
    assert is_test_number("9726908671")
    assert not is_test_number("0000000000")
    assert not is_test_number(made.number(3)[:9] + "x")
    assert normalise("999 000-0018") == "9990000018"


def test_a_demo_takes_no_number_that_may_be_somebodys():
    check_demo(of_tables(made.PRACTICE, made.whole()))
    real = made.tables(patient=[made.patient(nhs_number="0000000000", source_place="x row 2")])
    with pytest.raises(DataError) as error:
        check_demo(of_tables(made.PRACTICE, real))
    assert "x row 2, NHS number" in str(error.value)
    assert "0000000000" not in str(error.value)


def test_one_person_has_one_id_at_every_practice_and_only_with_the_key():
    one = person_id_for(made.number(1), "A1", "x")
    assert one == person_id_for(made.number(1), "B2", "y")
    assert one != person_id_for(made.number(1), "A1", "x", b"another key")
    assert person_id_for(None, "A1", "x") != person_id_for(None, "B2", "x")
    assert made.number(1) not in one


def test_rows_of_a_patient_are_in_date_order_and_numbers_are_plain():
    rows = made.whole()
    record = PatientRecord.from_tables(rows, "p1")
    assert [i.issue_id for i in record.issues] == ["i1", "i2"]
    assert str(record.plans[0].quantity) == "24"
    assert str(record.entries[0].value) == "121.5"
    assert set(record.rows()) == {"patient", *FIELDS.values()}


def test_the_record_as_it_was_known_on_a_day():
    rows = made.tables(
        patient=[made.patient()],
        plan=[
            made.plan("known"),
            made.plan("later", recorded_on=date(2026, 5, 2)),
            made.plan("gone", deleted_on=date(2026, 5, 1)),
        ],
    )
    record = PatientRecord.from_tables(rows, "p1").as_known_on(date(2026, 5, 1))
    assert [p.plan_id for p in record.plans] == ["known"]


def test_the_kind_of_a_file_is_found_out(tmp_path):
    (tmp_path / "bundle.json").write_text("\ufeff\n {}", "utf-8")
    assert detect(tmp_path / "bundle.json").kind == "gpconnect"
    assert detect(tmp_path).kind == "gpconnect"
    (tmp_path / "patient.csv").write_text("patient_id,sex\n")
    assert detect(tmp_path).kind == "csv"
    (tmp_path / "letter.txt").write_text("Dear doctor")
    with pytest.raises(DataError, match=r"letter\.txt"):
        read_record_file(tmp_path / "letter.txt")
    with pytest.raises(DataError, match="nothing there"):
        read_record_file(tmp_path / "none.json")
    with pytest.raises(DataError, match="nothing there"):
        read("csv", tmp_path / "none", "X00001")
    with pytest.raises(UsageError):
        read("word", tmp_path, "X00001")


def test_the_import_report_is_as_its_schema_says():
    schema = json.loads((ROOT / "docs/reference/import.schema.json").read_text("utf-8"))
    report = of_tables(made.PRACTICE, made.whole()).to_json("abc")
    jsonschema.validate(report, schema)
    for example in schema["examples"]:
        jsonschema.validate(example, schema)


def test_the_reference_page_has_every_column_of_every_table():
    text = (ROOT / "docs/reference/record.md").read_text("utf-8")
    for name, table in TABLES.items():
        block = text.split(f"\n### {name}\n")[1].split("\n#")[0]
        rows = [line.strip("|").split("|") for line in block.splitlines() if line.startswith("| ")]
        stated = {cells[0].strip(): [c.strip() for c in cells[1:]] for cells in rows[1:]}
        own = [c for c in table.columns if c not in COMMON]
        assert list(stated) == [c.name for c in own], name
        for column in own:
            kind, need, values = stated[column.name]
            assert kind == column.type
            assert (need == "needed") == (column.name in required(table))
            listed = ", ".join(VALUES.get((name, column.name), ()))
            assert values in (listed.replace("<", "&lt;"), "the key") or not listed

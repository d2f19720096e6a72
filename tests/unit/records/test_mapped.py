"""A search's file read by a map of its columns: suggested, checked, read, and told of."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from counterfoil.foundation.errors import DataError, UsageError
from counterfoil.records.importers import Options, detect, mapped, read
from unit.records import extracts, made

PRACTICE = made.PRACTICE
PEOPLE = {made.number(1): "p1", made.number(2): "p2"}
TEXT = (
    "NHS number;Drug;Date issued;Qty;Type;Comment\n"
    f"{made.number(1)[:3]} {made.number(1)[3:6]} {made.number(1)[6:]};Aspirin 75mg tablets;"
    "4-May-2026 09:30;28 tablets;R;x\n"
    f"{made.number(2)};Paracetamol 500mg tablets;05 May 2026;2 x 50;A;\n"
    f"{made.number(3)};Paracetamol 500mg tablets;05 May 2026;100;A;\n"
    f"{made.number(2)};Paracetamol 500mg tablets;31 Jun 2026;100;A;\n"
    f"{made.number(2)};Paracetamol 500mg tablets;05 May 2026;100;Q;\n"
    "9990000001;Paracetamol 500mg tablets;05 May 2026;100;A;\n"
)
MAP = """
table = "issue"
date = "dd mmm yyyy"
source = "EMIS search"

[columns]
"NHS number" = "nhs_number"
"Drug" = "product_text"
"Date issued" = "issued_on"
"Qty" = "quantity and unit"
"Type" = "issue_type"

[values.issue_type]
"R" = "repeat"
"a" = "acute"
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "search.csv"
    path.write_text(TEXT, "utf-8")
    return path


def load(file, given=MAP):
    return mapped.read(file, PRACTICE, mapped.parse_map(given, "map.toml"), patients=PEOPLE)


def test_rows_are_read_by_the_map_and_the_others_rejected_with_reasons(file):
    found = load(file)
    rows = found.tables["issue"].to_pylist()
    assert [(r["patient_id"], r["issued_on"], r["quantity"], r["quantity_unit"]) for r in rows] == [
        ("p1", date(2026, 5, 4), Decimal(28), "tablets"),
        ("p2", date(2026, 5, 5), Decimal(100), None),
    ]
    assert [r["issue_type"] for r in rows] == ["repeat", "acute"]
    assert [(r.place, r.reason) for r in found.rejects] == [
        ("search.csv row 4", "column nhs_number: expected a patient of the practice's record"),
        (
            "search.csv row 5",
            "column issued_on: expected a date written dd mmm yyyy, found '31 Jun 2026'",
        ),
        (
            "search.csv row 6",
            "column issue_type: expected one of acute, repeat, erd, automatic, other, found 'Q'",
        ),
        ("search.csv row 7", "column nhs_number: expected a right check digit"),
    ]
    count = found.counts["issue"]
    assert (count.read, count.loaded, count.rejected) == (6, 2, 4)
    assert found.scope == "delta"
    assert "1 columns are not mapped" in found.notes[0]


def test_the_same_file_twice_is_the_same_rows(file):
    once, again = load(file), load(file)
    assert once.tables["issue"].equals(again.tables["issue"])


def test_a_map_survives_being_written_and_read():
    given = mapped.parse_map(MAP, "map.toml")
    assert mapped.parse_map(given.to_toml(), "again") == given


def test_a_map_is_suggested_from_headers_and_says_what_it_lacks(file):
    given = mapped.suggest(file, "issue")
    assert given.columns["NHS number"] == "nhs_number"
    assert given.columns["Drug"] == "product_text"
    assert given.columns["Date issued"] == "issued_on"
    assert given.columns["Qty"] == mapped.QUANTITY
    assert given.date == "dd mmm yyyy"
    with pytest.raises(DataError, match="issued_on: expected a column or a fixed value"):
        mapped.check_map(mapped.ColumnMap("issue", {"NHS number": "nhs_number"}))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('table = "issue"', 'table = "letters"'), "expected one of patient"),
        (('date = "dd mmm yyyy"', 'date = "yy"'), "map.toml, date"),
        (('"product_text"', '"colour"'), "expected a column of issue"),
        (('"Drug" =', '"Medicine" ='), "expected a column 'Medicine'"),
        (("[columns]", "columns ="), "TOML"),
        (('"nhs_number"', '"dose_text"'), "by nhs_number or patient_id"),
    ],
)
def test_what_is_wrong_with_a_map_is_said(file, change, words):
    with pytest.raises(DataError, match=words.replace("(", r"\(")):
        load(file, MAP.replace(*change))


def test_a_list_of_patients_begins_a_record(tmp_path):
    path = tmp_path / "patients.csv"
    path.write_text(
        f"NHS Number,Surname,DOB,Gender\n{made.number(1)},Example,28/02/1950,female\n"
        "9990000001,Wrong,28/02/1950,female\n"
    )
    given = mapped.suggest(path, "patient")
    found = read("csv", path, PRACTICE, options=Options(map=given))
    (row,) = found.tables["patient"].to_pylist()
    assert (row["family_name"], row["birth_date"]) == ("Example", date(1950, 2, 28))
    assert row["patient_id"].startswith("nhs-")
    assert made.number(1) not in row["patient_id"]
    assert found.scope == "practice"
    assert [r.place for r in found.rejects] == ["patients.csv row 3"]


def test_the_format_is_found_out_and_said(tmp_path):
    emis = extracts.write(tmp_path / "emis")
    assert detect(emis).words.startswith("found an EMIS bulk extract: 9 tables")
    found = read("auto", emis, PRACTICE)
    assert found.format == "emis"
    assert found.notes[0].startswith("found an EMIS bulk extract")
    tpp = tmp_path / "tpp"
    tpp.mkdir()
    (tpp / "SRPatient.csv").write_text("RowIdentifier\n")
    assert detect(tpp).kind == "systmone"
    newer = tmp_path / "newer"
    newer.mkdir()
    (newer / "patient.csv").write_text("is_deleted,patient_id\n")
    assert detect(newer).kind == "emis"
    (newer / "patient.csv").write_text("patient_id,sex\n")
    assert detect(newer).kind == "csv"
    path = tmp_path / "one.csv"
    path.write_text("a,b\n")
    with pytest.raises(DataError, match="--map"):
        detect(path)
    with pytest.raises(UsageError, match="of no use to the format csv"):
        read("csv", newer, PRACTICE, options=Options(delta=True))

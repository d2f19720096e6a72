"""``counterfoil evidence spc``: its JSON, and words for every bad file."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from counterfoil.cli import main
from counterfoil.evidence import series, spc
from counterfoil.foundation.days import parse_day
from support import ROOT

REFERENCE = ROOT / "docs" / "reference"
EXAMPLE = REFERENCE / "examples" / "letters-within-7-days.csv"
SCHEMA = json.loads((REFERENCE / "spc.schema.json").read_text("utf-8"))


def test_the_example_of_the_manual_is_by_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--improvement", "increase", "--target", "75", "--fix-after", "52"]
    assert main(["evidence", "spc", str(EXAMPLE), *options, "--format", "json"]) == 0
    made = json.loads(capsys.readouterr().out)
    jsonschema.validate(made, SCHEMA)
    assert len(made["points"]) == 78
    assert made["variation"] == "special_cause_improvement"


def test_the_example_in_the_schema_is_what_is_made() -> None:
    example = SCHEMA["examples"][0]
    jsonschema.validate(example, SCHEMA)
    points = [(parse_day(p["date"]), p["value"]) for p in example["points"]]
    made = spc.xmr(points, example["improvement"], target=example["target"])
    assert made.to_json() == example


def test_people_get_a_table_and_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evidence", "spc", str(EXAMPLE), "--improvement", "neutral"]) == 0
    out = capsys.readouterr().out
    assert "19 May 2025" in out
    assert "Variation:" in out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "columns date and value"),
        ("date,value\n", "at least one point"),
        ("week,value\n2026-06-01,1\n", "columns date and value"),
        ("date,value\n2026-06-01,\n", "leave the row out"),
        ("date,value\n2026-06-01,n/a\n", "a number is needed"),
        ("date,value\n2026-06-01,nan\n", "a number is needed"),
        ("date,value\n2026-06-01,1e400\n", "a number is needed"),
        ("date,value\n2026-06-01\n", "Found: nothing"),
        ("date,value\n01/06/2026,4\n", "row 2, date"),
        ("date,value\n2026-02-30,4\n", "row 2, date"),
        ("date,value\n2026-06-01,4\n\n2026-06-01,5\n", "row 4, date: each date may stand once"),
        ('date,value\n"2026-06-01,4\n', "date"),
    ],
)
def test_a_bad_file_is_answered_in_words(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "series.csv"
    path.write_text(text, "utf-8")
    assert main(["--debug", "evidence", "spc", str(path), "--improvement", "increase"]) == 1
    err = capsys.readouterr().err
    assert said in err
    assert "series.csv" in err


def test_every_wrong_row_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "series.csv"
    path.write_text("date,value\n2026-06-01,x\nyesterday,2\n2026-06-03,3\n", "utf-8")
    assert main(["evidence", "spc", str(path), "--improvement", "increase"]) == 1
    assert capsys.readouterr().err.count("\n") == 2


def test_no_file_bytes_and_a_folder_are_answered_in_words(tmp_path: Path) -> None:
    broken = tmp_path / "bytes.csv"
    broken.write_bytes(b"date,value\n\xff\xfe,1\n")
    for path in (tmp_path / "none.csv", broken, tmp_path):
        assert main(["--debug", "evidence", "spc", str(path), "--improvement", "increase"]) == 1


@pytest.mark.parametrize("options", [["--fix-after", "4"], ["--rebase", "2020-01-01"]])
def test_wrong_calls_are_refused(options: list[str]) -> None:
    call = ["--debug", "evidence", "spc", str(EXAMPLE), "--improvement", "increase", *options]
    assert main(call) == 2


def test_a_byte_order_mark_spare_columns_and_crlf_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "series.csv"
    path.write_bytes("\ufeffWho,Date,Value\r\na,2026-06-01,1.50\r\nb,2026-06-08,2\r\n".encode())
    assert series.read(path) == [(parse_day("2026-06-01"), 1.5), (parse_day("2026-06-08"), 2.0)]

"""The JSON that others rely on, and the manual page's examples."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import jsonschema
import pytest

from counterfoil.dosage import read, read_lines, render

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = json.loads((ROOT / "docs" / "reference" / "dose.schema.json").read_text(encoding="utf-8"))
ROWS = list(
    csv.DictReader(
        (ROOT / "tests" / "golden" / "dosage" / "uk_texts.csv")
        .read_text(encoding="utf-8")
        .splitlines()
    )
)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_every_answer_fits_the_schema() -> None:
    validator = jsonschema.Draft202012Validator(SCHEMA)
    for row in ROWS:
        made = json.loads(json.dumps(read(row["text"], row["product"] or None).to_json()))
        validator.validate(made)


def test_the_schemas_example_is_what_comes_out() -> None:
    for example in SCHEMA["examples"]:
        assert read(example["text"], "Paracetamol 500mg tablets").to_json() == example


def test_lines_with_and_without_a_product() -> None:
    lines = ["One daily\tAmlodipine 5mg tablets\n", "One daily\n", "\n"]
    first, second, third = read_lines(lines)
    assert first["steps"][0]["unit"] == "tablet"
    assert second["steps"][0]["unit"] is None
    assert third["status"] == "unread"
    (named,) = read_lines(["One daily"], product="Ramipril 5mg capsules")
    assert named["steps"][0]["unit"] == "capsule"


def test_numbers_are_exact() -> None:
    made = read("1.5 tablets daily").to_json()
    assert made["steps"][0]["low"] == 1.5
    assert isinstance(read("one daily").to_json()["per_day"]["low"], int)


def test_the_manual_pages_example() -> None:
    dose = read(
        "ONE or TWO tablets up to FOUR times a day when required", "Paracetamol 500mg tablets"
    )
    assert dose.status == "read"
    assert dose.per_day is not None
    assert (dose.per_day.low, dose.per_day.high, dose.per_day.unit) == (0, 8, "tablet")
    assert render(dose) == "1 to 2 tablets up to 4 times a day as required"


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ("Take ONE daily", ["how it is used", "amount: 1", "once in 1 day"]),
        ("1 tablet daily zzz", ["amount: 1 tablet", "once in 1 day", ""]),
    ],
)
def test_words_say_how_each_was_read(text: str, readings: list[str]) -> None:
    words = read(text).words
    assert [w.reading for w in words] == readings
    assert all(text[w.start : w.end] == w.word for w in words)

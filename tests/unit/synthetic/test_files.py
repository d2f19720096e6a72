"""The population as files, and the hand-made GP Connect record."""

from __future__ import annotations

import csv
import json
from collections import Counter

import pyarrow.parquet as pq

from counterfoil.foundation.days import parse_day
from counterfoil.records.schema import TABLES
from counterfoil.synthetic import (
    EXAMPLE_NHS_NUMBER,
    example_bundle,
    generate,
    write_csv,
    write_parquet,
)

AS_OF = parse_day("2026-11-22")


def test_the_csv_template_a_folder_a_practice(tmp_path):
    made = generate(400, 2, 5, AS_OF)
    written = write_csv(made, tmp_path)
    assert all(path.exists() for path in written)
    for place in made.practices:
        folder = tmp_path / place.code
        for path in folder.glob("*.csv"):
            with path.open(encoding="utf-8", newline="") as handle:
                rows = list(csv.DictReader(handle))
            table = made.for_practice(place.code)[path.stem]
            assert list(rows[0]) == [c.name for c in TABLES[path.stem].columns]
            assert len(rows) == table.num_rows
            assert {row["practice"] for row in rows} == {place.code}
        letters = {p.name for p in (folder / "letters").iterdir()}
        assert letters == {x.name for x in made.letters if x.practice == place.code}
    with (tmp_path / "letter_truth.csv").open(encoding="utf-8", newline="") as handle:
        lines = list(csv.DictReader(handle))
    assert len(lines) == sum(len(letter.truth) for letter in made.letters)


def test_csv_dates_and_numbers_are_exact(tmp_path):
    made = generate(200, 1, 5, AS_OF)
    write_csv(made, tmp_path)
    with (tmp_path / "X00001" / "issue.csv").open(encoding="utf-8", newline="") as handle:
        for row, issue in zip(
            csv.DictReader(handle), made.tables["issue"].to_pylist(), strict=True
        ):
            assert row["issued_on"] == issue["issued_on"].isoformat()
            assert float(row["quantity"]) == float(issue["quantity"])
            assert "." not in row["quantity"] or not row["quantity"].endswith("0")


def test_the_example_is_one_patient_with_known_facts():
    bundle = example_bundle(AS_OF)
    kinds = Counter(entry["resource"]["resourceType"] for entry in bundle["entry"])
    assert kinds["Patient"] == 1
    assert kinds["MedicationStatement"] == 4
    assert kinds["MedicationRequest"] == 4 + 84
    assert kinds["Observation"] == 58
    assert EXAMPLE_NHS_NUMBER in json.dumps(bundle)
    assert bundle == example_bundle(AS_OF)


def test_the_example_refers_only_to_itself():
    bundle = example_bundle(AS_OF)
    own = {f"{e['resource']['resourceType']}/{e['resource']['id']}" for e in bundle["entry"]}

    def references(node):
        if isinstance(node, dict):
            for key, value in node.items():
                if key == "reference":
                    yield value
                else:
                    yield from references(value)
        elif isinstance(node, list):
            for value in node:
                yield from references(value)

    assert set(references(bundle)) <= own


def test_parquet_holds_the_same_tables(tmp_path):
    made = generate(300, 1, 5, AS_OF)
    write_parquet(made, tmp_path)
    for name, table in made.for_practice("X00001").items():
        assert pq.read_table(tmp_path / "X00001" / f"{name}.parquet").equals(table), name
    assert pq.read_table(tmp_path / "truth.parquet").num_rows == made.truth.num_rows

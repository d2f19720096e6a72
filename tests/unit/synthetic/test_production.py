"""Networks as files: the same bytes whatever the cores, one practice alone, every format, densities."""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from command_line import fits
from counterfoil.foundation.days import parse_day
from counterfoil.foundation.errors import UsageError
from counterfoil.records.schema import TABLES
from counterfoil.synthetic import Order, generate, produce, usual_practices
from counterfoil.synthetic.production import MANIFEST, file_hash
from counterfoil.terminology.formulary import own_formulary
from counterfoil.terminology.ids import is_snomed_id

AS_OF = parse_day("2026-11-22")
ORDER = Order(700, 3, 9, AS_OF, ("parquet", "letters", "requests"))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return folder, produce(ORDER, folder, cores=1)


def hashes(folder):
    return {
        path.relative_to(folder).as_posix(): file_hash(path)
        for path in folder.rglob("*")
        if path.is_file() and path.name != MANIFEST
    }


@pytest.mark.slow
def test_the_same_bytes_whatever_the_cores(written, tmp_path):
    folder, account = written
    again = produce(ORDER, tmp_path, cores=2)
    assert again["hash"] == account["hash"]
    assert hashes(tmp_path) == hashes(folder)
    assert (tmp_path / MANIFEST).read_bytes() == (folder / MANIFEST).read_bytes()


def test_another_seed_is_another_network(written, tmp_path):
    assert produce(replace(ORDER, seed=10), tmp_path, cores=1)["hash"] != written[1]["hash"]


def test_one_practice_alone_is_byte_for_byte_the_same(written, tmp_path):
    produce(ORDER, tmp_path, only=["X00002"], cores=1)
    whole = {k: v for k, v in hashes(written[0]).items() if k.startswith("X00002/")}
    alone = {k: v for k, v in hashes(tmp_path).items() if k.startswith("X")}
    assert alone == whole
    assert len(alone) > 12


def test_the_account_counts_what_is_there(written):
    folder, account = written
    assert json.loads((folder / MANIFEST).read_text("utf-8")) == account
    assert account["patients"] == 700
    assert [place["system"] for place in account["practices"]] == ["emis", "systmone", "emis"]
    for name in ("patient", "issue", "coded_entry"):
        files = folder.glob(f"X*/{name}.parquet")
        assert account["rows"][name] == sum(pq.read_metadata(f).num_rows for f in files)
    letters = list(folder.glob("X*/letters/*"))
    assert sum(account["letters"].values()) == len(letters)
    assert sum(place["files"] for place in account["practices"]) == len(
        [p for p in folder.glob("X*/**/*") if p.is_file()]
    )


def test_the_account_fits_its_schema(written):
    fits("synth", written[1])


def test_the_truth_stands_beside_the_practices_and_in_none(written):
    folder, account = written
    truth = pq.read_table(folder / "truth.parquet")
    assert truth.num_rows == sum(kind["count"] for kind in account["planted"].values())
    assert not list(folder.glob("X*/*truth*"))


def test_requests_are_one_flat_file_a_practice(written):
    folder, _ = written
    with (folder / "X00001" / "requests" / "requests.csv").open(
        encoding="utf-8", newline=""
    ) as file:
        rows = list(csv.DictReader(file))
    items = pq.read_table(folder / "X00001" / "request_item.parquet")
    assert len(rows) == items.num_rows
    assert {row["item_text"] for row in rows} == set(items["item_text"].to_pylist())
    assert all(row["nhs_number"].startswith("999") for row in rows)


@pytest.mark.slow
def test_gp_connect_is_a_record_a_patient(tmp_path):
    produce(Order(60, 1, 2, AS_OF, ("gpconnect",)), tmp_path, cores=1)
    files = sorted((tmp_path / "X00001" / "gpconnect").iterdir())
    made = generate(60, 1, 2, AS_OF)
    assert [f.stem for f in files] == sorted(made.tables["patient"]["patient_id"].to_pylist())
    kinds: Counter[str] = Counter()
    for file in files:
        for entry in json.loads(file.read_text("utf-8"))["entry"]:
            kinds[entry["resource"]["resourceType"]] += 1
    assert kinds["Patient"] == 60
    assert kinds["MedicationStatement"] == made.tables["plan"].num_rows


@pytest.mark.slow
@pytest.mark.parametrize("form", ["emis", "systmone"])
def test_extracts_of_both_systems_hold_every_patient(tmp_path, form):
    produce(Order(120, 1, 2, AS_OF, (form,)), tmp_path, cores=1)
    made = generate(120, 1, 2, AS_OF)
    words = "".join(
        path.read_text("utf-8", "replace") for path in (tmp_path / "X00001" / form).rglob("*.csv")
    )
    for number in made.tables["patient"]["nhs_number"].to_pylist():
        assert number in words.replace(" ", "")


def test_what_cannot_be_ordered_is_refused(tmp_path):
    for wrong in (
        replace(ORDER, formats=("pdf",)),
        replace(ORDER, formats=()),
        replace(ORDER, density="thin"),
        replace(ORDER, practices=20),
    ):
        with pytest.raises(UsageError):
            produce(wrong, tmp_path)
    with pytest.raises(UsageError, match="X00009"):
        produce(ORDER, tmp_path, only=["X00009"])


def test_the_number_of_practices_follows_from_the_patients():
    assert usual_practices(50_000) == 5
    assert usual_practices(1_000_000) == 92
    assert usual_practices(5_000) == 2
    assert usual_practices(60) == 1


@pytest.mark.slow
def test_letters_can_be_asked_for_by_number():
    made = generate(3000, 2, 4, AS_OF, letters=50)
    assert len(made.letters) == 50
    halves = [generate(3000, 2, 4, AS_OF, only=[c], letters=50) for c in ("X00001", "X00002")]
    assert [x for half in halves for x in half.letters] == list(made.letters)


@pytest.mark.slow
def test_a_whole_system_is_ten_times_as_dense():
    made = generate(600, 1, 5, AS_OF, density="emis")
    rows = {name: table.num_rows / 600 for name, table in made.tables.items()}
    assert 30 < rows["plan"] < 55
    assert 110 < rows["issue"] < 240
    assert 450 < rows["coded_entry"] < 650
    assert 15 < rows["problem"] < 30
    for name, table in made.tables.items():
        assert table.schema.equals(TABLES[name].arrow), name
        table.validate(full=True)
    keys = made.tables["problem"]["problem_id"]
    assert len(keys.unique()) == len(keys)
    entries = set(made.tables["coded_entry"]["entry_id"].to_pylist())
    assert set(made.tables["problem"]["entry_id"].to_pylist()) <= entries
    assert generate(600, 1, 5, AS_OF, density="emis").tables["issue"].equals(made.tables["issue"])


@pytest.mark.slow
def test_product_codes_are_the_formularys_own_or_planted_stale(network):
    known, counts = own_formulary(), Counter()
    plans = network.tables["plan"]
    for code, text in zip(
        plans["product_code"].to_pylist(), plans["product_text"].to_pylist(), strict=True
    ):
        if code is None:
            counts["none"] += 1
            continue
        assert is_snomed_id(code)
        product = known.by_id(code)
        counts["stale" if product is None else "known"] += 1
        if product is not None:
            assert product.name == text
    assert 0.005 < counts["stale"] / plans.num_rows < 0.03
    assert counts["none"] / plans.num_rows < 0.08
    issue = network.tables["issue"]
    pairs = set(zip(issue["plan_id"].to_pylist(), issue["product_code"].to_pylist(), strict=True))
    own = dict(zip(plans["plan_id"].to_pylist(), plans["product_code"].to_pylist(), strict=True))
    assert all(own[plan] == code for plan, code in pairs)


@pytest.mark.slow
def test_two_systems_late_entries_and_withdrawn_rows(network):
    systems = {
        (row["practice"], row["source_system"]) for row in network.tables["plan"].to_pylist()
    }
    assert systems == {("X00001", "emis"), ("X00002", "systmone")}
    entries = network.tables["coded_entry"].to_pylist()
    late = sum((row["recorded_on"] - row["happened_on"]).days > 4 for row in entries)
    assert 0.005 < late / len(entries) < 0.05
    withdrawn = [row for row in entries if row["deleted_on"] is not None]
    assert withdrawn
    assert all(row["deleted_on"] >= row["recorded_on"] for row in withdrawn)
    issues = network.tables["issue"].to_pylist()
    assert any(row["deleted_on"] is not None for row in issues)

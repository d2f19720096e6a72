"""The commands as a user types them: exit status, words, and JSON that fits its schema."""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from command_line import SCHEMAS, call, fits
from counterfoil import cli

AS_OF = "2026-11-20"
pytestmark = [pytest.mark.xdist_group("commands"), pytest.mark.slow]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A made-up PCN as files, and a home with its first practice imported."""
    folder = tmp_path_factory.mktemp("commands")
    done = call(
        "synth",
        "--patients",
        "400",
        "--seed",
        "3",
        "--as-of",
        AS_OF,
        "--out",
        str(folder / "files"),
    )
    assert done.returncode == 0, done.stderr
    done = call(
        "import",
        "csv",
        str(folder / "files" / "X00001"),
        "--practice",
        "X00001",
        "--as-of",
        AS_OF,
        "--format",
        "json",
        home=folder / "home",
    )
    assert done.returncode == 0, done.stderr
    fits("import", json.loads(done.stdout))
    return folder


@pytest.mark.parametrize("path", sorted(SCHEMAS.glob("*.schema.json")), ids=lambda p: p.stem)
def test_every_schema_is_one_and_its_example_fits(path: Path) -> None:
    schema = json.loads(path.read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema.get("examples"), "a schema holds an example"
    for example in schema["examples"]:
        jsonschema.validate(example, schema)


def test_help_names_every_command_with_an_example() -> None:
    done = call("--help")
    assert done.returncode == 0
    for name in (
        "demo",
        "import",
        "dose",
        "terminology",
        "reconcile",
        "audit",
        "rules",
        "synth",
        "repeats",
        "verify-log",
    ):
        assert name in done.stdout
    assert "example" in call("audit", "run", "--help").stdout


def test_every_command_has_a_help_that_can_be_shown() -> None:
    """A per cent sign in a help text is a format to argparse: only showing it tells."""

    def shown(parser: argparse.ArgumentParser) -> int:
        assert parser.format_help()
        below = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
        return 1 + sum(shown(child) for action in below for child in action.choices.values())

    assert shown(cli.parser()) > 40


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("nonsense",),
        ("audit",),
        ("audit", "run", "--as-of", "yesterday"),
        ("import", "gpconnect", "x.json"),
        ("import", "gpconnect", "x.json", "--practice", "../etc"),
        ("demo", "--patients", "1"),
        ("synth", "--out", "x", "--patients", "0"),
    ],
)
def test_a_wrong_call_is_status_two_in_words(words: tuple[str, ...], tmp_path: Path) -> None:
    done = call(*words, home=tmp_path / "home")
    assert done.returncode == 2
    assert done.stderr


def test_dose_and_match_answer_every_line() -> None:
    texts = [
        "Take ONE tablet TWICE a day",
        "",
        "six weekly",
        "\x00\udcff".encode("utf-8", "surrogateescape").decode("utf-8", "replace"),
        "½ om",
    ]
    done = call("dose", given="\n".join(texts) + "\n")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert len(lines) == len(texts)
    for line in lines:
        fits("dose", line)
    done = call("terminology", "match", given="amlodipine 5mg tabs\n\nnot a drug at all\n")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["level"] for line in lines] == ["VMP", "none", "none"]
    for line in lines:
        fits("terminology-match", line)


def test_audit_rows_fit_their_schemas(made: Path) -> None:
    home = made / "home"
    run = call("audit", "run", "--as-of", AS_OF, "--format", "json", home=home)
    rows = json.loads(run.stdout)
    fits("audit-run", rows)
    assert rows
    assert {row["approved"] for row in rows} == {False}
    one = rows[0]
    explain = call(
        "audit",
        "explain",
        one["rule"],
        "--patient",
        one["patient_id"],
        "--as-of",
        AS_OF,
        "--format",
        "json",
        home=home,
    )
    found = json.loads(explain.stdout)
    fits("audit-explain", found)
    if one["state"] in ("open", "cannot_tell"):
        assert found[0]["state"] == one["state"]
        assert found[0]["reasons"] == one["reasons"]
    for name in ("trend", "forecast"):
        done = call("audit", name, "--as-of", AS_OF, "--format", "json", home=home)
        fits(f"audit-{name}", json.loads(done.stdout))


def test_audit_csv_and_parquet_hold_the_same_rows(made: Path, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    for form in ("csv", "parquet"):
        done = call(
            "audit",
            "run",
            "--as-of",
            AS_OF,
            "--format",
            form,
            "--out",
            str(tmp_path / form),
            home=made / "home",
        )
        assert done.returncode == 0, done.stderr
    with (tmp_path / "csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    table = pq.read_table(tmp_path / "parquet")
    assert [r["finding_id"] for r in rows] == table.column("finding_id").to_pylist()


def test_repeats_fit_their_schema(made: Path) -> None:
    done = call(
        "repeats", "check", str(made / "files" / "X00001"), "--format", "json", home=made / "other"
    )
    rows = json.loads(done.stdout)
    fits("repeats-check", rows)
    assert rows


def test_an_unknown_patient_or_item_gets_words(made: Path, tmp_path: Path) -> None:
    asked = tmp_path / "asked.csv"
    asked.write_text(
        "patient_id,received_at,item_text,note\nnobody,2026-11-20,Amlodipine 5mg tablets,\n",
        "utf-8",
    )
    done = call("repeats", "check", str(asked), "--format", "json", home=made / "home")
    assert done.returncode == 0
    assert json.loads(done.stdout)[0]["outcome"] == "technician"
    asked.write_text("patient,received_at,item_text\n", "utf-8")
    assert call("repeats", "check", str(asked), home=made / "home").returncode == 0
    asked.write_text("patient_id,item_text\na,b\n", "utf-8")
    done = call("repeats", "check", str(asked), home=made / "home")
    assert done.returncode == 1
    assert "asked.csv, header: a column received_at is needed" in done.stderr


def test_a_load_that_fails_leaves_the_store_as_it_was(made: Path, tmp_path: Path) -> None:
    home = made / "home"
    before = call("audit", "run", "--as-of", AS_OF, "--format", "json", home=home).stdout
    cut = tmp_path / "cut.json"
    cut.write_text('{"resourceType": "Bundle", "entry": [', "utf-8")
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "patient.csv").write_text("patient_id,sex\n1,female\n", "utf-8")
    (bad / "plan.csv").write_text("plan_id,patient_id\np,1\n", "utf-8")
    for kind, path, expected in (
        ("gpconnect", cut, "cut.json"),
        ("csv", bad, "product_text"),
        ("gpconnect", tmp_path / "no.json", "no.json"),
        ("fax", cut, "no importer"),
    ):
        done = call("import", kind, str(path), "--practice", "X00001", home=home)
        assert done.returncode in (1, 2)
        assert expected in done.stderr
    after = call("audit", "run", "--as-of", AS_OF, "--format", "json", home=home).stdout
    assert before == after


def test_the_demo_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    words = ("demo", "--once", "--patients", "300", "--as-of", AS_OF, "--format", "json", "--seed")
    first, second, other = (call(*words, seed) for seed in ("5", "5", "6"))
    assert first.returncode == 0, first.stderr
    fits("demo", json.loads(first.stdout))
    assert first.stdout == second.stdout
    assert first.stdout != other.stdout


def test_the_log_of_a_home_verifies(made: Path) -> None:
    done = call("verify-log", home=made / "home")
    assert done.returncode == 0
    assert "whole" in done.stdout

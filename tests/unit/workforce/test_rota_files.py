"""Rotation problems from files, and the commands: by their schemas, and in words when wrong."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from counterfoil.cli import main
from counterfoil.foundation.errors import DataError
from counterfoil.workforce.check import check
from counterfoil.workforce.files import read_problem
from counterfoil.workforce.model import Problem
from counterfoil.workforce.plan import plan
from support import ROOT

REFERENCE = ROOT / "docs" / "reference"
EXAMPLE = REFERENCE / "examples" / "rota.toml"
FOLDER = REFERENCE / "examples" / "rota"


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((REFERENCE / name).read_text("utf-8"))
    return found


def plain(value: Any) -> Any:
    """TOML values as JSON has them."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def test_the_example_is_by_the_schema_and_json_is_read_alike(tmp_path: Path) -> None:
    raw = plain(tomllib.loads(EXAMPLE.read_text("utf-8")))
    jsonschema.validate(raw, schema("rota-problem.schema.json"))
    path = tmp_path / "rota.json"
    path.write_text(json.dumps(raw), "utf-8")
    assert read_problem(path) == read_problem(EXAMPLE)


def test_the_folder_of_csv_files_is_planned_checked_and_by_the_schema(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rota", "plan", str(FOLDER), "--format", "json"]) == 0
    text = capsys.readouterr().out
    made = json.loads(text)
    jsonschema.validate(made, schema("rota-plan.schema.json"))
    assert made["status"] == "optimal"
    path = tmp_path / "plan.json"
    path.write_text(text, "utf-8")
    assert main(["rota", "check", str(FOLDER), str(path)]) == 0
    made["assignments"].pop()
    path.write_text(json.dumps(made), "utf-8")
    capsys.readouterr()
    assert main(["rota", "check", str(FOLDER), str(path)]) == 1
    assert "placement" in capsys.readouterr().err
    assert main(["rota", "check", str(FOLDER), str(path), "--format", "json"]) == 1
    said = json.loads(capsys.readouterr().out)
    for one in (said, schema("rota-check.schema.json")["examples"][0]):
        jsonschema.validate(one, schema("rota-check.schema.json"))
    assert said["right"] is False


def test_people_get_a_board(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rota", "plan", str(FOLDER)]) == 0
    out = capsys.readouterr().out
    assert "Block 1 begins on 4 January 2027" in out
    assert "coverage" in out


@pytest.mark.slow
def test_eight_people_six_sites_thirteen_blocks_are_proven_in_coverage_within_ten_seconds() -> None:
    of = read_problem(EXAMPLE)
    assert (len(of.people), len(of.sites), of.blocks) == (8, 6, 13)
    made = plan(of)
    coverage = made.stages[0]
    assert coverage.value == coverage.bound
    assert coverage.seconds < 10
    assert check(of, made) == []
    again = plan(of)
    assert again.assignments == made.assignments


def problem(text: str, tmp_path: Path, name: str = "rota.toml") -> Problem:
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return read_problem(path)


GOOD = """
[rota]
start = 2027-01-04
[[site]]
id = "ward"
sector = "acute"
[[person]]
id = "a"
"""


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    of = problem(GOOD, tmp_path)
    assert (of.blocks, of.weeks, of.education) == (13, 4, {"acute": 1, "primary": 1})
    assert (of.people[0].name, of.people[0].wte, of.people[0].rotates) == ("a", 100, True)
    assert of.sites[0].maximum_people is None


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ("colour = 3", "'colour' is not known here"),
        ("wte = 1.2", "a number from 0.01 to 1"),
        ("wte = 0.333", "two decimals"),
        ("wte = true", "two decimals"),
        ("wte = nan", "two decimals"),
        ('rotates = "often"', "true or false"),
        ('now = "moon"', "a site that is listed"),
        ("prefers = { moon = 1 }", "a site that is listed"),
        ("prefers = { ward = 9 }", "from -3 to 3"),
        ("prefers = 3", "names with a number each"),
        ("competencies = [3]", "a name, or a competency"),
        ('competencies = [{ competency = "x", from = 2027-02-01, to = 2027-01-01 }]', "after from"),
        ("leave = [{ from = 2027-02-01, to = 2027-01-01 }]", "not before the first"),
        ('leave = [{ from = "soon", to = 2027-01-01 }]', "a date such as"),
        ("leave = [{ to = 2027-01-01 }]", "a date such as"),
        ("leave = 4", "a list of objects"),
        ('[[person]]\nid = "a"', "an id of its own"),
        ('[[site]]\nid = "b"\nsector = "moon"', "acute or primary"),
        ('[[site]]\nid = "b"\nsector = "acute"\nmaximum_people = 1.5', "a whole number"),
        ('[[placement]]\nperson = "z"\nblock = 1\nsite = "ward"', "a person that is listed"),
        ('[[placement]]\nperson = "a"\nblock = 14\nsite = "ward"', "from 1 to 13"),
        ('[[leave]]\nperson = "z"\nfrom = 2027-01-04\nto = 2027-01-05', "a person who is listed"),
        ('[[need]]\nsite = "z"\ncompetency = "x"', "a site that is listed"),
        ("nonsense", "TOML is needed"),
    ],
)
def test_every_mistake_is_answered_in_words(extra: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=said):
        problem(GOOD + extra + "\n", tmp_path)


@pytest.mark.parametrize("text", ["", "[rota]", "rota = 3", "[rota]\nblocks = 0\nstart = 1"])
def test_an_empty_problem_is_answered_in_words(text: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        problem(text, tmp_path)
    assert len(caught.value.problems) >= 2


def test_json_that_is_none_or_no_object_is_answered_in_words(tmp_path: Path) -> None:
    for text in ("{", "[]", "[" * 100_000):
        with pytest.raises(DataError):
            problem(text, tmp_path, "rota.json")


def test_a_row_of_a_csv_file_is_named(tmp_path: Path) -> None:
    for path in FOLDER.iterdir():
        (tmp_path / path.name).write_text(path.read_text("utf-8"), "utf-8")
    (tmp_path / "leave.csv").write_text("person,from,to\nt1,2027-01-04,never\n", "utf-8")
    with pytest.raises(DataError, match=r"leave\.csv, row 2, to"):
        read_problem(tmp_path)
    (tmp_path / "leave.csv").write_text("who,from,to\n", "utf-8")
    with pytest.raises(DataError, match=r"leave\.csv, row 1: columns are person, from, to"):
        read_problem(tmp_path)


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", '{"status": "optimal", "stages": 3}', '{"status": "good"}', "[" * 100_000],
)
def test_a_plan_that_is_none_is_answered_in_words(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "plan.json"
    path.write_text(text, "utf-8")
    assert main(["--debug", "rota", "check", str(FOLDER), str(path)]) == 1
    assert "rota plan --format json" in capsys.readouterr().err or text.startswith("[[")


def test_decisions_that_contradict_give_a_status_words_and_exit_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rota.toml"
    leave = "leave = [{ from = 2027-01-04, to = 2027-02-28 }]\n"
    path.write_text(
        GOOD + leave + '[[placement]]\nperson = "a"\nblock = 1\nsite = "ward"\n', "utf-8"
    )
    assert main(["--debug", "rota", "plan", str(path), "--format", "json"]) == 1
    made = json.loads(capsys.readouterr().out)
    jsonschema.validate(made, schema("rota-plan.schema.json"))
    assert made["status"] == "infeasible"
    assert "away" in made["conflicts"][0]


def test_the_examples_of_the_schemas_belong_together(tmp_path: Path) -> None:
    given = schema("rota-problem.schema.json")
    expected = schema("rota-plan.schema.json")
    jsonschema.validate(given["examples"][0], given)
    jsonschema.validate(expected["examples"][0], expected)
    of = problem(json.dumps(given["examples"][0]), tmp_path, "rota.json")
    made = plan(of).to_json()
    for stage in (*made["stages"], *expected["examples"][0]["stages"]):
        stage.pop("seconds")
    assert made == expected["examples"][0]


def test_a_problem_too_large_to_plan_is_refused_at_once(tmp_path: Path) -> None:
    raw = {
        "rota": {"start": "2027-01-04", "blocks": 53},
        "site": [{"id": f"s{i}", "sector": "acute"} for i in range(20)],
        "person": [{"id": f"p{i}"} for i in range(60)],
    }
    with pytest.raises(DataError, match="plan in parts"):
        problem(json.dumps(raw), tmp_path, "rota.json")


def test_without_or_tools_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ortools.sat.python", None)
    assert main(["--debug", "rota", "plan", str(FOLDER)]) == 2
    assert "extra rota" in capsys.readouterr().err

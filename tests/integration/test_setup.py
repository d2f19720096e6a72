"""A home of one's own from the command line: all of it or nothing, and never over another."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from support import ROOT

GIVEN = {
    "--organisation": "u12345",
    "--name": "Our PCN",
    "--user": "jo",
    "--given": "Jo",
    "--family": "Smith",
    "--role": "lead",
}
PRACTICES = ("--practice", "A81001=First Surgery", "--practice", "A81002=Second Surgery")
PHRASE = "nine-old-lanterns-burn"


def run(
    apart: dict[str, str], *words: str, password: str = PHRASE
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "counterfoil.cli", *words],
        env=apart,
        input=password + "\n",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def options(**changes: str) -> list[str]:
    given = {**GIVEN, **{f"--{name}": value for name, value in changes.items()}}
    return [word for pair in given.items() for word in pair]


@pytest.mark.slow
def test_setup_makes_a_home_with_one_account_and_refuses_a_second(apart: dict[str, str]) -> None:
    made = run(apart, "setup", *options(), *PRACTICES, "--password-stdin", "--format", "json")
    assert made.returncode == 0, made.stderr
    said = json.loads(made.stdout)
    schema = ROOT / "docs" / "reference" / "setup.schema.json"
    jsonschema.validate(said, json.loads(schema.read_text("utf-8")))
    assert said["practices"] == ["A81001", "A81002"]
    assert (said["organisation"], said["user"], said["role"]) == ("U12345", "jo", "lead")
    assert PHRASE not in made.stdout + made.stderr
    home = Path(apart["COUNTERFOIL_HOME"])
    assert json.loads((home / "home.json").read_text())["demo"] is False
    again = run(apart, "setup", *options(user="eve"), "--password-stdin")
    assert again.returncode == 2
    assert "set up already" in again.stderr
    user = ["--user", "tim", "--given", "Tim", "--family", "Tech", "--role", "technician"]
    more = run(apart, "add-user", "--organisation", "A81001", *user, "--password-stdin")
    assert more.returncode == 0, more.stderr
    demo = run({**apart, "COUNTERFOIL_HOME": str(home)}, "demo", "--once")
    assert demo.returncode == 2
    assert "real installation" in demo.stderr
    whole = run(apart, "verify-log", "--format", "json")
    assert json.loads(whole.stdout)["whole"] is True


@pytest.mark.slow
def test_a_plan_a_protocol_and_a_work_log(apart: dict[str, str], tmp_path: Path) -> None:
    assert run(apart, "setup", *options(), *PRACTICES, "--password-stdin").returncode == 0
    rota = tmp_path / "rota.json"
    site = {"id": "A81001", "name": "First Surgery", "sector": "primary", "minimum_wte": 1}
    plan = {
        "rota": {"start": "2026-11-09", "blocks": 2, "weeks": 4},
        "site": [site],
        "person": [{"id": "jo", "name": "Jo Smith"}],
    }
    rota.write_text(json.dumps(plan))
    done = run(apart, "rota", "publish", str(rota), "--organisation", "U12345")
    assert done.returncode == 0, done.stderr
    kept = json.loads((Path(apart["COUNTERFOIL_HOME"]) / "team" / "U12345.json").read_text())
    assert len(kept["assignments"]) == 2
    done = run(apart, "rota", "publish", str(rota), "--organisation", "A81001")
    assert done.returncode == 2
    assert "belongs to U12345" in done.stderr
    protocol = ROOT / "docs" / "reference" / "examples" / "protocol.toml"
    done = run(apart, "evidence", "register", str(protocol), "--organisation", "U12345")
    assert done.returncode == 0, done.stderr
    assert (Path(apart["COUNTERFOIL_HOME"]) / "pilot" / "U12345.toml").is_file()
    out = tmp_path / "log.csv"
    done = run(apart, "evidence", "activity", "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert out.read_text().startswith("activity_id,at,what,kind,practice")
    done = run(apart, "evidence", "activity", "--out", str(tmp_path / "log.txt"))
    assert done.returncode == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "more", "password", "status", "words"),
    [
        ({"organisation": "no code"}, PRACTICES, PHRASE, 1, "ODS code"),
        ({"user": "j o"}, PRACTICES, PHRASE, 1, "user name"),
        ({"family": " "}, PRACTICES, PHRASE, 1, "--family"),
        ({}, ("--practice", "A81001"), PHRASE, 2, "CODE=NAME"),
        ({}, (*PRACTICES, "--practice", "A81001=Again"), PHRASE, 1, "of its own"),
        ({}, PRACTICES, "short", 2, "too short"),
        ({}, PRACTICES, "", 2, "too short"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_left_behind(
    apart: dict[str, str],
    changes: dict[str, str],
    more: tuple[str, ...],
    password: str,
    status: int,
    words: str,
) -> None:
    done = run(apart, "setup", *options(**changes), *more, "--password-stdin", password=password)
    assert done.returncode == status, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    if status:
        assert not Path(apart["COUNTERFOIL_HOME"]).exists()


def test_a_demo_home_is_refused(apart: dict[str, str]) -> None:
    home = Path(apart["COUNTERFOIL_HOME"])
    home.mkdir()
    (home / "home.json").write_text('{"demo": true, "version": 1}')
    done = run(apart, "setup", *options(), *PRACTICES, "--password-stdin")
    assert done.returncode == 2
    assert "demo for ever" in done.stderr


def test_where_nobody_can_be_asked_the_options_are_named(apart: dict[str, str]) -> None:
    done = run(apart, "setup", "--organisation", "U12345", "--password-stdin")
    assert done.returncode == 2
    assert "--name is needed" in done.stderr
    done = run(apart, "setup", *options(), *PRACTICES)
    assert done.returncode == 2
    assert "--password-stdin" in done.stderr

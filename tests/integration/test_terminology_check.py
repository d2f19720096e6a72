"""Code sets from the command line: checked, chosen, previewed and measured, with JSON that fits."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from command_line import call, fits
from counterfoil.terminology.ids import check_digit
from counterfoil.terminology.sets import SetStore
from rf2 import own, write_rf2

AS_OF = "2026-11-20"
PPI = "Omeprazole 20mg gastro-resistant capsules"
pytestmark = [pytest.mark.xdist_group("terminology_check"), pytest.mark.slow]


def dmd(number: int) -> str:
    digits = f"{number}100000110"
    return digits + check_digit(digits)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one made-up practice."""
    folder = tmp_path_factory.mktemp("sets")
    words = ("--patients", "400", "--seed", "3", "--as-of", AS_OF, "--out", str(folder / "files"))
    done = call("synth", *words)
    assert done.returncode == 0, done.stderr
    source = str(folder / "files" / "X00001")
    done = call(
        "import", "csv", source, "--practice", "X00001", "--as-of", AS_OF, home=folder / "home"
    )
    assert done.returncode == 0, done.stderr
    return folder / "home"


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One good list of products, one spoilt list."""
    folder = tmp_path_factory.mktemp("lists")
    (folder / "ours.csv").write_text(f"dmd_id,term\n{dmd(1)},{PPI}\n", "utf-8")
    (folder / "spoilt.csv").write_text("code,term\n1.96E+14,Asthma\n", "utf-8")
    (folder / "INDEX.csv").write_text("file,rows\nours.csv,1\n", "utf-8")
    return folder


def test_a_folder_is_checked_and_a_spoilt_list_gives_status_1(home: Path, lists: Path) -> None:
    done = call("terminology", "check", str(lists), "--format", "json", home=home)
    assert done.returncode == 1
    document = json.loads(done.stdout)
    fits("terminology-check", document)
    assert [row["list"] for row in document["lists"]] == ["ours"]
    assert [row["kind"] for row in document["findings"]] == ["unreadable"]
    assert "spoilt.csv, row 2, column code" in document["findings"][0]["why"]
    assert document["passed_over"] == ["INDEX.csv"]
    shown = call("terminology", "check", str(lists / "ours.csv"), home=home)
    assert shown.returncode == 0
    assert "No release is loaded" in shown.stdout


def test_a_release_finds_what_is_stale(home: Path, tmp_path: Path) -> None:
    release = tmp_path / "vmp.csv"
    names = {n: f"Examplol {5 * n}mg tablets" for n in (1, 2, 3)}
    release.write_text(
        "vpid,nm\n" + "".join(f"{dmd(n)},{name}\n" for n, name in names.items()), "utf-8"
    )
    done = call("terminology", "load", str(release), home=tmp_path / "other")
    assert done.returncode == 0, done.stderr
    mine = tmp_path / "mine.csv"
    mine.write_text(f"id,term\n{dmd(1)},a\n{dmd(2)},b\n", "utf-8")
    items = tmp_path / "items.csv"
    items.write_text(f"vpid,items\n{dmd(3)},77\n", "utf-8")
    words = ("check", str(mine), "--items", str(items))
    done = call("terminology", *words, "--format", "csv", home=tmp_path / "other")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [(r["kind"], r["id"], r["items"]) for r in rows] == [("sibling_missing", dmd(3), "77")]
    wrong = call("terminology", "check", str(mine), "--kind", "nothing", home=tmp_path / "other")
    assert wrong.returncode == 2


def test_a_list_is_loaded_previewed_chosen_and_given_back(home: Path, lists: Path) -> None:
    path = str(lists / "ours.csv")
    refused = call("terminology", "load", path, "--system", "snomed", home=home)
    assert refused.returncode == 1
    assert "as --system says" in refused.stderr
    loaded = call("terminology", "load", path, "--name", "ours", "--system", "dmd", home=home)
    assert loaded.returncode == 0, loaded.stderr

    words = ("effect", "gastroprotection", "ours", "--as-of", AS_OF, "--format", "json")
    done = call("terminology", *words, home=home)
    assert done.returncode == 0, done.stderr
    effect = json.loads(done.stdout)
    fits("terminology-effect", effect)
    assert {row["change"] for row in effect} <= {"enters", "leaves", "stays"}
    wrong_kind = call("terminology", "effect", "diabetes", "ours", home=home)
    assert wrong_kind.returncode == 1
    assert "asked about coded entries" in wrong_kind.stderr

    choose = ("choose", "gastroprotection", "ours", "--reason", "a test", "--until", "2027-01-01")
    assert call("terminology", *choose, home=home).returncode == 0
    done = call("terminology", "sets", "--as-of", AS_OF, "--format", "json", home=home)
    sets = json.loads(done.stdout)
    fits("terminology-sets", sets)
    stood = {row["set"]: row["stands for it"] for row in sets if row["where"] == "rules"}
    assert stood["gastroprotection"] == "ours"
    assert call("terminology", "choose", "gastroprotection", "--own", home=home).returncode == 0
    assert call("terminology", "choose", "diabetes", "ours", home=home).returncode == 2


def test_prevalence_is_by_set_and_practice_and_kept_only_when_asked(home: Path) -> None:
    words = ("terminology", "prevalence", "--as-of", AS_OF, "--set", "egfr", "lithium")
    done = call(*words, "--format", "json", home=home)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    fits("terminology-prevalence", rows)
    assert [(r["set"], r["practice"]) for r in rows] == [("egfr", "X00001"), ("lithium", "X00001")]
    assert rows[0]["found"] > 0
    assert not (home / "terminology" / "gates.json").exists()
    assert call(*words, "--keep", home=home).returncode == 0
    assert len(json.loads((home / "terminology" / "gates.json").read_text("utf-8"))) == 2


def test_an_expression_is_listed_and_kept_as_a_set(tmp_path: Path) -> None:
    files = write_rf2(tmp_path / "rf2", [(2, 1), (3, 2), (4, 1)])
    home = tmp_path / "home"
    none = call("terminology", "expand", "*", home=home)
    assert none.returncode == 2
    assert "no SNOMED CT release is loaded" in none.stderr
    assert call("terminology", "load", str(files), home=home).returncode == 0
    words = ("terminology", "expand", f"<< {own(2)}", "--name", "ours", "--format", "json")
    done = call(*words, home=home)
    assert done.returncode == 0, done.stderr
    fits("terminology-expand", json.loads(done.stdout))
    assert [row["code"] for row in json.loads(done.stdout)] == [own(2), own(3)]
    assert "Kept as ours" in done.stderr
    kept = SetStore(home / "terminology").get("ours").codelist()
    assert kept.codes == {own(2), own(3)}
    assert all(e.term for e in kept.entries)
    assert call("terminology", "expand", "<! 1", home=home).returncode == 2

"""``counterfoil terminology`` as a user types it: releases loaded, looked at, chosen, ids resolved."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from command_line import call, fits
from small_dmd_release import FORMER, SUPPLEMENT, VMP, SmallRelease, made_up

pytestmark = [pytest.mark.xdist_group("commands"), pytest.mark.slow]


def test_releases_from_load_to_resolve(tmp_path: Path) -> None:
    home = tmp_path / "home"
    made = SmallRelease()
    none = call("terminology", "releases", home=home)
    assert none.returncode == 0
    assert "No release is loaded" in none.stdout

    path = str(made.write(tmp_path / "dmd.zip"))
    done = call("terminology", "load", path, "--format", "json", home=home)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    fits("terminology-load", report)
    assert (report["kind"], report["already"]) == ("dmd", False)

    again = call("terminology", "load", path, home=home)
    assert again.returncode == 0
    assert "nothing has changed" in again.stdout
    assert "vmp" in again.stdout

    bonus = str(made.write(tmp_path / "bonus.zip", *SUPPLEMENT))
    assert call("terminology", "load", bonus, home=home).returncode == 0

    listed = json.loads(call("terminology", "releases", "--format", "json", home=home).stdout)
    fits("terminology-releases", listed)
    assert {r["name"]: r["in_use"] for r in listed} == {
        "dmd-2025-08-14": True,
        "dmd-supplement-2025-08-14": True,
    }

    one = call("terminology", "releases", "dmd-2025-08-14", "--format", "json", home=home)
    fits("terminology-release", json.loads(one.stdout))

    codes = (FORMER[1], VMP["tablet"], made_up(1))
    found = call("terminology", "resolve", "--format", "json", given="\n".join(codes), home=home)
    fits("terminology-resolve", json.loads(found.stdout))
    rows = json.loads(found.stdout)["ids"]
    assert [(r["state"], r["current"]) for r in rows] == [
        ("replaced", VMP["tablet"]),
        ("current", VMP["tablet"]),
        ("unknown", None),
    ]
    assert rows[0]["name"] == "Oldazole 5mg tablets"


def test_an_older_release_can_be_chosen(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for date in ("140825", "070825"):
        made = SmallRelease()
        made.date = date
        assert call("terminology", "load", str(made.write(tmp_path / "r.zip")), home=home).stdout
    chosen = call("terminology", "use", "dmd-2025-08-07", home=home)
    assert chosen.stdout == "products: dmd-2025-08-07\n"
    newest = call("terminology", "use", "newest", home=home)
    assert newest.stdout == "products: dmd-2025-08-14\n"
    assert call("terminology", "use", "dmd-1999-01-01", home=home).returncode == 2


def test_a_changed_store_is_said(tmp_path: Path) -> None:
    home = tmp_path / "home"
    call("terminology", "load", str(SmallRelease().write(tmp_path / "r.zip")), home=home)
    stored = home / "terminology" / "releases" / "dmd-2025-08-14" / "product.parquet"
    stored.write_bytes(stored.read_bytes() + b"x")
    done = call("terminology", "releases", "dmd-2025-08-14", home=home)
    assert done.returncode == 1
    assert "damaged: product.parquet" in done.stdout


def test_what_is_wrong_is_said_in_words_with_status_one(tmp_path: Path) -> None:
    home = tmp_path / "home"
    made = SmallRelease()
    made.of("vmp", "VMP")[1]["VTMID"] = made_up(9)
    done = call("terminology", "load", str(made.write(tmp_path / "r.zip")), home=home)
    assert done.returncode == 1
    assert "r.zip/f_vmp2_3140825.xml VMPS/VMP[2] VTMID" in done.stderr
    nothing = call("terminology", "load", str(tmp_path / "none.zip"), home=home)
    assert nothing.returncode == 1
    assert "nothing there" in nothing.stderr

"""Killed at any moment, an acknowledged decision is kept and the published world is whole."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

DRIVE = Path(__file__).with_name("drive.py")
BEFORE_COMMIT = ("start", "merged", "written", "computed", "published", "indexed", "upserted")


def drive(apart: dict[str, str], *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(DRIVE), *arguments],
        env=apart,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.slow
def test_a_publication_killed_at_any_point_is_all_or_nothing(apart: dict[str, str]) -> None:
    seen = drive(apart, "publish")
    for name, what in seen.items():
        scope, point = name.split(": ")
        assert what["killed"], name
        assert what["whole"], name
        assert (what["leases"], what["orphans"]) == (0, False), name
        if scope == "compact":
            assert what["old"] == (point in ("start", "written")), name
            assert what["same_record"] == (point in ("committed", "tidied")), name
        else:
            assert what["old"] == (point in BEFORE_COMMIT), name
            assert what["new"] != what["old"], name
    assert len(seen) == 2 * 9 + 4


@pytest.mark.slow
def test_an_import_whose_worker_is_killed_says_which_world_it_is_and_is_finished(
    apart: dict[str, str],
) -> None:
    seen = drive(apart, "import")
    for point, what in seen.items():
        before = point in BEFORE_COMMIT
        assert what["killed"], point
        assert what["state"] == ("publishing" if before else "done"), point
        assert (what["old"], what["new"]) == (before, not before), point
        assert (what["finished"], what["new_then"], what["files_left"]) == (True, True, []), point
        assert (what["whole"], what["leases"], what["orphans"]) == (True, 0, False), point
    assert len(seen) == 9


@pytest.mark.slow
def test_killed_at_random_moments_it_is_the_old_world_or_the_new_one(
    apart: dict[str, str],
) -> None:
    kills = 20 if "COUNTERFOIL_DATABASE_URL" in apart else 50
    seen = drive(apart, "kill", str(kills))
    print(seen)
    assert seen["wrong"] == []
    assert seen["killed"] > kills / 3
    assert min(seen["old"], seen["new"]) > 0
    assert (seen["lost"], seen["derived"]) == (0, True)


@pytest.mark.slow
def test_practices_that_share_people_are_published_at_once(apart: dict[str, str]) -> None:
    seen = drive(apart, "share", "4")
    assert seen["failed"] == []
    assert seen["one_case_each"]
    assert seen["open"] == 500
    assert seen["whole"]


@pytest.mark.slow
def test_no_acknowledged_decision_is_lost_to_a_kill(apart: dict[str, str]) -> None:
    seen = drive(apart, "decide", "40")
    print(seen)
    assert seen["kills"] == 40
    assert seen["acknowledged"] > 40
    assert (seen["lost"], seen["without_event"], seen["events_without_decision"]) == (0, 0, 0)
    assert seen["whole"]
    assert seen["derived"]


@pytest.mark.slow
@pytest.mark.hazard("HZ-008")
def test_two_people_never_hold_or_complete_the_same_item(apart: dict[str, str]) -> None:
    seen = drive(apart, "claim", "3")
    assert seen["claim_won"]
    assert seen["claim_refused"] == seen["cases"] * 2
    assert seen["decide_won"]
    assert seen["decisions"] == seen["cases"]
    assert seen["decide_refused"] == seen["cases"] * 2


@pytest.mark.slow
def test_a_publication_never_writes_over_what_people_do_meanwhile(apart: dict[str, str]) -> None:
    seen = drive(apart, "mix", "12")
    print(seen)
    assert seen["failed"] == []
    assert seen["acted"] > 0
    assert seen["wrong"] == 0
    assert seen["whole"]


@pytest.mark.slow
def test_no_letter_is_lost_or_doubled_when_a_fetcher_is_killed(apart: dict[str, str]) -> None:
    seen = drive(apart, "inbox", "50")
    print(seen)
    assert seen["kills"] == 50
    assert seen["halfway"] > 10
    assert seen["letters"] == seen["logged"] == seen["kept"] == seen["sent"] == 151
    assert seen["waiting"] == 0
    assert all(seen["cut_short"][step] >= 8 for step in ("downloaded", "stored"))
    assert seen["whole"]

"""What the project shows a visitor, on a made-up patient and on files that NHS England published."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from command_line import call, fits
from counterfoil.foundation.days import parse_day
from counterfoil.synthetic import example_bundle
from support import needs_shared, shared

AS_OF = "2026-11-20"
pytestmark = pytest.mark.slow


def test_a_gp_connect_bundle_of_a_made_up_patient_gives_its_known_findings(tmp_path: Path) -> None:
    file = tmp_path / "patient.json"
    file.write_text(json.dumps(example_bundle(parse_day(AS_OF))), "utf-8")
    home = tmp_path / "home"
    done = call(
        "import",
        "gpconnect",
        str(file),
        "--practice",
        "X00001",
        "--as-of",
        AS_OF,
        "--format",
        "json",
        home=home,
    )
    assert done.returncode == 0, done.stderr
    loaded = json.loads(done.stdout)["tables"]
    assert all(t["read"] == t["loaded"] + t["rejected"] for t in loaded.values())
    rows = json.loads(call("audit", "run", "--as-of", AS_OF, "--format", "json", home=home).stdout)
    fits("audit-run", rows)
    work = [r for r in rows if not r["rule"].startswith("measure.")]
    assert {(r["rule"], r["state"]) for r in work} == {
        ("monitoring.methotrexate", "open"),
        ("safety.nsaid_65_no_gastroprotection", "open"),
    }
    again = call(
        "import",
        "gpconnect",
        str(file),
        "--practice",
        "X00001",
        "--as-of",
        AS_OF,
        "--format",
        "json",
        home=home,
    )
    assert json.loads(again.stdout)["snapshot"] == json.loads(done.stdout)["snapshot"]


LETTER = """NORTHGATE HOSPITAL
Discharge summary

Patient: Adam MACHE
NHS number: 972 690 8698
Date of birth: 11 March 2022
Ward: Ward 3
Discharged: 1 June 2022

Medication on discharge
1. Aspirin 75mg tablets - ONE daily - continued
2. Warfarin 1mg tablets - as per anticoagulant clinic - NEW
3. Sertraline 50mg tablets - ONE daily - continued
4. Timolol 10mg tablets - as directed - continued

Medicines stopped
- Oramorph 10mg/5ml oral solution: pain settled
"""


@pytest.mark.shared
@pytest.mark.skipif(needs_shared[1].args[0], reason="the shared reference data is not there")
def test_a_letter_is_laid_beside_a_published_record(tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text(LETTER, "utf-8")
    record = str(shared("examples", "gpconnect", "gpc-emis-PWTP3.json"))
    done = call(
        "reconcile", str(letter), "--record", record, "--format", "json", home=tmp_path / "home"
    )
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    fits("reconcile", outcome)
    by_text = {
        part["text"].split()[0]: line["class"]
        for line in outcome["lines"]
        for part in line["letter_lines"]
    }
    # The published record holds an allergy to aspirin, and aspirin on repeat.
    assert by_text["Aspirin"] == "conflict"
    assert by_text["Timolol"] == "same"
    assert by_text["Warfarin"] != "same"
    assert by_text["Oramorph"] == "stopped"
    seen = [part["id"] for line in outcome["lines"] for part in line["letter_lines"]]
    assert len(seen) == len(set(seen)) == 5
    other = shared("examples", "gpconnect", "gpc-emis-PWTP2.json")
    refused = call(
        "reconcile", str(letter), "--record", str(other), "--format", "json", home=tmp_path / "home"
    )
    assert refused.returncode == 1
    assert json.loads(refused.stdout)["status"] == "refused"
    assert "972" not in refused.stdout.replace("972 690 8698", "")

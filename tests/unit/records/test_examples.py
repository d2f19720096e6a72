"""The published example records: every resource of each file accounted for, and two ways compared."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from counterfoil.records.importers import Options, detect, read
from support import needs_shared, shared

pytestmark = needs_shared

PRACTICE = "A82038"
NAMES = ("gpc-emis-PWTP2", "gpc-emis-PWTP3", "gp2gp-PWTP2")


def kinds(path: Path) -> Counter[str]:
    """The resources of a file by type, counted without the reader, contained ones too."""
    found: Counter[str] = Counter()
    for entry in json.loads(path.read_text("utf-8"))["entry"]:
        resource = entry["resource"]
        for each in (resource, *resource.get("contained", [])):
            found[each["resourceType"]] += 1
    return found


@pytest.mark.parametrize("name", NAMES)
def test_no_resource_of_a_published_record_is_unexplained(name, capsys):
    path = shared("examples", "gpconnect", f"{name}.json")
    assert detect(path).kind == "gpconnect"
    load = read("auto", path, PRACTICE)
    sent = kinds(path)
    assert {kind: held.read for kind, held in load.resources.items()} == dict(sent)
    with capsys.disabled():
        print(f"\n{name}: {sum(sent.values())} resources")
        for kind, held in load.resources.items():
            parts = (held.loaded, held.merged, held.not_carried, held.rejected)
            print(f"  {kind:<22}{held.read:>5} = " + " + ".join(f"{n:>3}" for n in parts))
            assert held.read == sum(parts), kind
            assert held.not_carried == 0 or any(kind in note for note in load.notes), kind
        print("  (read = loaded + merged + not carried + rejected)")
        print("  rows:", {table: n for table, n in load.rows.items() if n})
    assert not load.rejects


def test_one_patient_by_gp_connect_and_by_gp2gp(capsys):
    """What the transfer kept, and what it changed: the figures are those of the published files."""
    ways = {
        name: read("auto", shared("examples", "gpconnect", f"{name}-PWTP2.json"), PRACTICE)
        for name in ("gpc-emis", "gp2gp")
    }
    direct, moved = ways["gpc-emis"].tables, ways["gp2gp"].tables

    def words(tables, table, column):
        return Counter(tables[table][column].to_pylist())

    lines = []
    both = {}
    for table, column in (
        ("plan", "product_text"),
        ("issue", "product_text"),
        ("coded_entry", "code"),
        ("problem", "term"),
        ("allergy", "substance_text"),
    ):
        one, other = words(direct, table, column), words(moved, table, column)
        shared_rows = sum((one & other).values())
        both[table] = shared_rows
        counts = f"{sum(one.values())} by GP Connect, {sum(other.values())} by GP2GP"
        lines.append(f"{table}: {counts}, {shared_rows} of the same {column.replace('_', ' ')}")
    degraded = [sum(t["allergy"]["is_degraded"].to_pylist()) for t in (direct, moved)]
    lines.append(f"allergies that lost their code: {degraded[0]} and {degraded[1]}")
    numbers = [t["patient"]["nhs_status"].to_pylist()[0] for t in (direct, moved)]
    lines.append(f"NHS number: {numbers[0]} and {numbers[1]}")
    with capsys.disabled():
        print("\nPWTP2 by GP Connect and by GP2GP")
        print("\n".join(f"  {line}" for line in lines))
    assert direct["issue"].num_rows == moved["issue"].num_rows == 70
    assert both["issue"] > 0
    assert both["plan"] > 0
    assert numbers[1] in ("invalid", "absent")


def test_a_dispensing_goes_to_the_patient_of_the_number():
    path = shared("examples", "eps", "07-dispense-notification-erd.json")
    load = read("auto", path, "A83008", options=Options(patients={"9449304130": "p7"}))
    rows = load.tables["dispense"].to_pylist()
    assert {(r["patient_id"], r["pharmacy_code"]) for r in rows} == {("p7", "VNE51")}
    assert {r["status_code"] for r in rows} == {"0001", "0004", "0005"}
    assert len(rows) == 4
    assert load.scope == "delta"
    assert {k: v.read for k, v in load.resources.items()} == dict(kinds(path))


def test_an_order_for_repeat_dispensing_is_a_batch_and_its_first_issue():
    load = read("auto", shared("examples", "eps", "01-order-erd-4items.json"), "A83008")
    plans, issues = load.tables["plan"].to_pylist(), load.tables["issue"].to_pylist()
    assert {(p["plan_type"], p["status"], p["issues_authorised"]) for p in plans} == {
        ("erd", "active", 6)
    }
    assert {(i["issue_type"], i["erd_number"], i["erd_of"]) for i in issues} == {("erd", 1, 6)}
    assert {i["plan_id"] for i in issues} == {p["plan_id"] for p in plans}
    assert {i["prescription_id"] for i in issues} == {"24F5DA-A83008-7EFE6Z"}


def test_a_cancellation_asked_for_is_none_until_it_is_confirmed():
    asked = read("auto", shared("examples", "eps", "04-cancel-erd-request.json"), "A83008")
    assert asked.rows["plan"] == asked.rows["issue"] == 0
    done = read("auto", shared("examples", "eps", "05-cancel-erd-response.json"), "A83008")
    (plan,) = done.tables["plan"].to_pylist()
    assert (plan["status"], str(plan["end_date"])) == ("ended", "2022-10-21")

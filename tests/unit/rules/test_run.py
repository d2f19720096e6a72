"""Findings, reasons, trend and forecast over small populations whose truth is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from cases import AS_OF as DRAWN_AS_OF
from cases import Draw, FakeSets, common
from people import People

from counterfoil.foundation.days import to_date, to_day
from counterfoil.records import schema
from counterfoil.rules import Finding, forecast, load, run, trend
from counterfoil.rules.engines.duckdb import Engine
from counterfoil.rules.facts import Issued, IssuedTogether, Length, Window
from counterfoil.rules.model import Clause, Is
from counterfoil.rules.sets import TerminologySets
from counterfoil.terminology.codesets import load_codeset

RULES = {rule.id: rule for rule in load()}
AS_OF = date(2026, 6, 30)
MTX = "Methotrexate 2.5mg tablets"


def findings(people: People, rule: str, as_of: date = AS_OF) -> dict[str, Finding]:
    return {f.patient_id: f for f in run(people.tables(), [RULES[rule]], to_day(as_of))}


def on_methotrexate(tests: date, *names: str) -> People:
    people = People()
    people.patient("a")
    people.issued("a", MTX, date(2025, 1, 1), AS_OF)
    for name in names or ("fbc", "lft", "renal_function"):
        people.tested("a", name, tests)
    return people


def test_an_overdue_test_says_last_interval_due_and_days() -> None:
    found = findings(on_methotrexate(date(2026, 4, 1)), "monitoring.methotrexate")["a"]
    assert (found.state, found.due, found.since) == (
        "open",
        to_day(date(2026, 6, 24)),
        to_day(date(2026, 6, 24)),
    )
    reason = next(r for r in found.reasons if r.clause == "fbc_overdue")
    assert reason.holds is True
    assert (
        "last done 1 April 2026; every 12 weeks, so due 24 June 2026 (6 days overdue)"
        in reason.text
    )
    assert reason.values["days_overdue"] == 6
    assert reason.rows[0][0] == "coded_entry"


def test_one_of_three_tests_missing_is_enough() -> None:
    people = on_methotrexate(date(2026, 6, 1), "fbc", "lft")
    people.tested("a", "renal_function", date(2026, 4, 1))
    found = findings(people, "monitoring.methotrexate")["a"]
    assert {r.clause: r.holds for r in found.reasons if r.clause.endswith("overdue")} == {
        "fbc_overdue": False,
        "lft_overdue": False,
        "renal_overdue": True,
    }


def test_a_test_due_within_four_weeks_is_near() -> None:
    found = findings(on_methotrexate(date(2026, 4, 20)), "monitoring.methotrexate")["a"]
    assert (found.state, found.due) == ("near", to_day(date(2026, 7, 13)))


def test_nobody_is_overdue_before_anchor_plus_interval() -> None:
    for days in (1, 40, 83):
        people = People()
        people.patient("a")
        people.issued("a", MTX, AS_OF - timedelta(days=days), AS_OF)
        found = findings(people, "monitoring.methotrexate").get("a")
        assert found is None or found.state == "near"
    people = People()
    people.patient("a")
    people.issued("a", MTX, AS_OF - timedelta(days=84), AS_OF)
    assert findings(people, "monitoring.methotrexate")["a"].state == "open"


def test_who_joined_shortly_before_the_first_issue_cannot_be_told() -> None:
    people = People()
    people.patient("a", joined=date(2026, 5, 1))
    people.issued("a", MTX, date(2026, 5, 20), AS_OF)
    found = findings(people, "monitoring.methotrexate")["a"]
    assert found.state == "cannot_tell"
    assert "joined the practice" in found.cause
    assert "former practice" in next(r.text for r in found.reasons if r.clause == "fbc_overdue")


@pytest.mark.parametrize(
    ("kind", "cause"),
    [("hospital", "supplied by hospital"), ("other", "may be supplied elsewhere")],
)
def test_what_is_not_issued_here_cannot_be_told(kind: str, cause: str) -> None:
    people = People()
    people.patient("a")
    people.rows["plan"].append(
        people._common()
        | {
            "plan_id": "p",
            "patient_id": "a",
            "product_text": MTX,
            "plan_type": kind,
            "status": "active",
            "status_inferred": False,
            "start_date": date(2025, 1, 1),
        }
    )
    found = findings(people, "monitoring.methotrexate")["a"]
    assert found.state == "cannot_tell"
    assert cause in found.cause


def test_who_left_or_died_is_clear() -> None:
    for gone in ({"registered_to": date(2026, 6, 1)}, {"death_date": date(2026, 6, 1)}):
        people = on_methotrexate(date(2026, 1, 1))
        people.rows["patient"][0].update(gone)
        assert findings(people, "monitoring.methotrexate") == {}


def test_a_cancelled_issue_and_a_post_dated_one_do_not_count() -> None:
    people = People()
    people.patient("a")
    people.issued(
        "a",
        "Naproxen 500mg tablets",
        date(2026, 6, 1),
        date(2026, 6, 1),
        cancelled_on=date(2026, 6, 2),
    )
    people.issued("a", "Naproxen 500mg tablets", date(2026, 7, 5), date(2026, 7, 5))
    assert findings(people, "safety.nsaid_65_no_gastroprotection") == {}


def test_the_pair_names_both_issues_and_the_days_between() -> None:
    people = People()
    people.patient("a")
    people.issued("a", "Apixaban 5mg tablets", date(2026, 6, 1), date(2026, 6, 1))
    people.issued("a", "Clopidogrel 75mg tablets", date(2026, 6, 20), date(2026, 6, 20))
    found = findings(people, "safety.anticoagulant_antiplatelet")["a"]
    reason = next(r for r in found.reasons if r.clause == "together")
    assert "19 days apart" in reason.text
    assert len(reason.rows) == 2
    assert found.until == to_day(date(2026, 9, 2))


def steady() -> People:
    """People whose state does not change: on treatment, nothing coming due within the horizon."""
    people = People()
    for n in range(12):
        key = f"n{n}"
        people.patient(key)
        people.issued(key, "Naproxen 500mg tablets", date(2025, 1, 1 + n), AS_OF)
        if n % 3 == 0:
            people.issued(
                key, "Omeprazole 20mg gastro-resistant capsules", date(2025, 1, 1 + n), AS_OF
            )
    for n in range(8):
        key = f"m{n}"
        people.patient(key)
        people.issued(key, MTX, date(2024, 1, 1 + n), AS_OF)
        last = date(2025, 6, 1) if n % 2 else AS_OF
        for name in ("fbc", "lft", "renal_function"):
            people.tested(key, name, last)
    return people


@pytest.mark.slow
def test_a_steady_population_forecasts_flat() -> None:
    tables = steady().tables()
    rows = forecast(tables, list(RULES.values()), to_day(AS_OF), weeks=11)
    for rule, expected in (
        ("safety.nsaid_65_no_gastroprotection", 8),
        ("monitoring.methotrexate", 4),
    ):
        assert [r["open"] for r in rows if r["rule"] == rule] == [expected] * 12
        assert {r["new"] for r in rows if r["rule"] == rule} == {0}


@pytest.mark.slow
def test_the_forecast_moves_only_by_due_dates() -> None:
    tables = steady().tables()
    rows = forecast(tables, [RULES["monitoring.methotrexate"]], to_day(AS_OF), weeks=12)
    assert (rows[-1]["open"], rows[-1]["new"]) == (8, 4)


@pytest.mark.slow
def test_the_trend_equals_a_run_at_each_month_end() -> None:
    tables = steady().tables()
    rules = list(RULES.values())
    rows = trend(tables, rules, to_day(AS_OF), months=6)
    for row in rows:
        day = to_day(date.fromisoformat(row["month_end"]))
        alone = [f for f in run(tables, rules, day) if f.rule == row["rule"]]
        # A run on an earlier day does not know what was tested later; these people were not.
        assert row["open"] == sum(f.state == "open" for f in alone)
        assert row["cannot_tell"] == sum(f.state == "cannot_tell" for f in alone)


def test_days_at_risk_count_patient_days_open() -> None:
    people = on_methotrexate(date(2026, 4, 1))
    rows = trend(people.tables(), [RULES["monitoring.methotrexate"]], to_day(AS_OF), months=2)
    assert [r["days_at_risk"] for r in rows][-1] == 7
    assert [r["month_end"] for r in rows] == ["2026-04-30", "2026-05-31", "2026-06-30"]


@pytest.mark.slow
def test_running_twice_gives_the_same() -> None:
    tables = steady().tables()
    first, second = (run(tables, list(RULES.values()), to_day(AS_OF)) for _ in range(2))
    assert [f.to_json() for f in first] == [f.to_json() for f in second]


def test_a_start_on_the_last_day_of_the_joining_window_may_be_a_continuation() -> None:
    """Joined 15 January: three months reach to 15 April. A day later it is a new start."""
    people = People()
    for key, first in (("a", date(2026, 4, 15)), ("b", date(2026, 4, 16))):
        people.patient(key, joined=date(2026, 1, 15))
        people.issued(key, MTX, first, first)
    found = findings(people, "monitoring.methotrexate", date(2026, 4, 20))
    assert {key: f.state for key, f in found.items()} == {"a": "cannot_tell"}


def test_a_pair_with_an_unclear_product_cannot_be_told() -> None:
    draw = Draw(0)
    person = draw.record("1")
    person["patient"][0].update(registered_from=None, registered_to=None, death_date=None)
    person.update(plan=[], coded_entry=[], problem=[])
    person["issue"] = [
        common(key) | {"issue_id": key, "patient_id": "1", "product_text": text,
                       "issue_type": "repeat", "issued_on": to_date(DRAWN_AS_OF - 5)}
        for key, text in (("i1", "drug a or so"), ("i2", "drug b"), ("i3", "drug a"))
    ]  # fmt: skip
    person["issue"][2]["issued_on"] = to_date(DRAWN_AS_OF - 60)
    month = Length(months=3)
    pair = IssuedTogether("drug a", "drug b", 28, month)
    rule = replace(
        draw.rule(),
        clauses=(Clause("taking", Issued("drug a", Window(month)), "t"), Clause("pair", pair, "p")),
        when=Is("pair"), at_risk=Is("taking"), driver="taking",
    )  # fmt: skip
    tables = {name: schema.from_rows(name, rows) for name, rows in person.items()}
    with Engine(tables, FakeSets(), DRAWN_AS_OF) as engine:
        rows = engine.spans([rule]).table.to_pylist()
    today = [r["v"] for r in rows if r["since"] <= DRAWN_AS_OF < r["until"]]
    assert today == [1]


def identities(found: list[Finding]) -> set[tuple[str, str, str]]:
    """What casework keeps a finding by: person, rule and subject, whatever the reasons say."""
    return {(f.person_id, f.rule, f.subject) for f in found}


@pytest.mark.slow
def test_the_identity_of_a_finding_survives_a_late_entry() -> None:
    people, rule = on_methotrexate(date(2026, 3, 1)), RULES["monitoring.methotrexate"]
    before = run(people.tables(), [rule], to_day(AS_OF))
    people.tested("a", "fbc", date(2026, 3, 20))
    after = run(people.tables(), [rule], to_day(AS_OF))
    assert identities(before) == identities(after)
    assert before[0].reasons != after[0].reasons


def test_the_identity_of_a_finding_survives_a_new_rule_version() -> None:
    people, rule = on_methotrexate(date(2026, 3, 1)), RULES["monitoring.methotrexate"]
    before = run(people.tables(), [rule], to_day(AS_OF))
    after = run(people.tables(), [replace(rule, version=2)], to_day(AS_OF))
    assert identities(before) == identities(after)
    assert [f.version for f in after] == [2]


def test_the_identity_of_a_finding_survives_a_change_of_code_set() -> None:
    people, rule = on_methotrexate(date(2026, 3, 1)), RULES["monitoring.methotrexate"]
    before = run(people.tables(), [rule], to_day(AS_OF))
    shipped = load_codeset("fbc")
    fewer = replace(shipped, version="2", codes=frozenset(sorted(shipped.codes)[1:]))
    after = run(people.tables(), [rule], to_day(AS_OF), TerminologySets({"fbc": fewer}))
    assert identities(before) == identities(after)
    reason = next(r for r in after[0].reasons if r.clause == "fbc_overdue")
    assert "none on record" in reason.text

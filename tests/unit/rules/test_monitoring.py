"""Monitoring against the day-by-day oracle: 2,000 made-up histories on the shipped rules.

Methotrexate with leflunomide added, lithium around 65, restarts after a gap, dose changes, declined
tests, one of three tests missing, a DOAC by clearance: starts and tests are placed at the distances
at which intervals turn.
"""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest
from people import SETS, People

from counterfoil.foundation.days import to_date, to_day, window_end
from counterfoil.records.patient import PatientRecord
from counterfoil.rules import load
from counterfoil.rules.engines.duckdb import Engine
from counterfoil.rules.history import history
from counterfoil.rules.language import read_rule
from counterfoil.rules.model import TRUE, Rule
from counterfoil.rules.reference import Reference

DAY = date(2026, 6, 30)
AS_OF = to_day(DAY)
MTX, LEF = "Methotrexate 2.5mg tablets", "Leflunomide 20mg tablets"
LITHIUM, DOAC = "Lithium carbonate 400mg modified-release tablets", "Apixaban 5mg tablets"
SHIPPED = {rule.id: rule for rule in load()}

# By clearance, with a declined test that runs out and a dose change that restarts: the rule is made
# up for this test, its intervals are those of the notes on direct oral anticoagulants.
BY_CLEARANCE = """
id = "monitoring.by_clearance"
version = 1
title = "t"
theme = "monitoring"
class = "monitoring"
subject = "s"
owner = "technician"
urgency = "week"
why = "w"
technician = "t"
hands_over = "h"
driver = "taking"
at_risk = "taking"
when = "overdue and not declined"
[[source]]
title = "made up"
status = "recalled"
[facts.taking]
issued = "doac"
in_last = "3 months"
says = "s"
[facts.low]
latest = "egfr"
below = 60
unit = "mL/min/{1.73_m2}"
says = "s"
[facts.declined]
ever = "blood_test_declined"
in_last = "3 months"
says = "s"
[facts.overdue]
overdue = "renal_function"
taking = "taking"
every = "12 months"
dose_changes = true
anchors = ["discharged emergency"]
says = "s"
[[facts.overdue.sooner]]
when = "low"
every = { months_from = "egfr", unit = "mL/min/{1.73_m2}", divided_by = 10, at_least = 1, at_most = 6 }
bites = "at once"
"""
RULES = [
    SHIPPED["monitoring.methotrexate"],
    SHIPPED["monitoring.lithium"],
    read_rule(BY_CLEARANCE, "by_clearance.toml"),
    SHIPPED["monitoring.doac"],
]
STEPS = (0, 1, -1, 27, 28, 29, 30, 31, 83, 84, 85, 90, 91, 92, 93, 181, 182, 183, 184, 365, 366)


def histories(seed: int, count: int) -> People:
    """People on one of the three drugs, each told around a start, a gap and the tests."""
    draw, people = random.Random(seed), People()
    people.rows["admission"] = []
    for n in range(count):
        key = str(n)
        drug, tests = draw.choice([
            (MTX, ("fbc", "lft", "renal_function")),
            (LITHIUM, ("lithium_level", "renal_function", "tft", "calcium")),
            (DOAC, ("renal_function",)),
        ])  # fmt: skip
        start = DAY - timedelta(days=draw.choice(STEPS) + draw.choice((0, 84, 182, 400)))
        born = draw.choice(
            [date(1961, 6, 30), date(1961, 3, 30), date(1960, 2, 29), date(1950, 1, 1)]
        )
        joined = draw.choice(
            [date(2000, 1, 1), start - timedelta(days=draw.choice((0, 20, 91, 93)))]
        )
        people.patient(key, born, joined)
        people.issued(key, drug, start, DAY, draw.choice((28, 28, 56)))
        if draw.random() < 0.3:
            gone = start - timedelta(days=draw.choice((92, 93, 120, 400)))
            people.issued(key, drug, gone - timedelta(days=56), gone)
        if drug == MTX and draw.random() < 0.5:
            people.issued(key, LEF, DAY - timedelta(days=abs(draw.choice(STEPS))), DAY)
        for test in tests:
            if draw.random() < 0.85:
                on = max(start, DAY - timedelta(days=400)) + timedelta(days=draw.choice(STEPS))
                people.tested(key, test, min(on, DAY))
        if drug == DOAC:
            _doac(people, key, draw)
    return people


def _doac(people: People, key: str, draw: random.Random) -> None:
    def back() -> date:
        return DAY - timedelta(days=abs(draw.choice(STEPS)))

    if draw.random() < 0.8:
        value = draw.choice([8, 15, 29, 30, 44, 59, 60, 90])
        people.tested(key, "egfr", back(), value=value, unit="mL/min/{1.73_m2}")
    if draw.random() < 0.2:
        people.tested(key, "egfr", back(), value=40)
    for _ in range(draw.choice((0, 1, 1, 2))):
        value, unit = (
            draw.choice([9, 14, 15, 29, 30, 59, 60, 90]),
            draw.choice(["mL/min"] * 5 + [None]),
        )
        people.tested(key, "creatinine_clearance", back(), value=value, unit=unit)
    if draw.random() < 0.8:
        people.tested(key, "weight", back())
    if draw.random() < 0.3:
        people.tested(key, "blood_test_declined", back())
    common = people._common() | {"patient_id": key}
    if draw.random() < 0.3:
        people.rows["plan"].append(common | {
            "plan_id": "p" + common["source_id"], "product_text": DOAC, "plan_type": "repeat",
            "status": "active", "status_inferred": False, "dose_changed_on": back(),
        })  # fmt: skip
    if draw.random() < 0.2:
        people.rows["admission"].append(common | {
            "admission_id": "a" + common["source_id"], "kind": "emergency",
            "discharged_on": back(),
        })  # fmt: skip


def check(seed: int, count: int) -> int:
    """Engine and oracle agree on every edge and beside it, up to a year ahead; how many hold."""
    tables = histories(seed, count).tables()
    with Engine(tables, SETS, AS_OF) as engine:
        spans = engine.spans(RULES).table.to_pylist()
    held = 0
    for n in range(count):
        record = PatientRecord.from_tables(tables, str(n))
        reference = Reference(history(record, AS_OF), SETS)
        for rule in RULES:
            mine = [s for s in spans if s["patient_id"] == str(n) and s["rule"] == rule.id]
            held += _agree(rule, mine, reference)
    return held


def _agree(rule: Rule, spans: list[dict[str, int]], reference: Reference) -> int:
    edges = {s[k] + step for s in spans for k in ("since", "until") for step in (-1, 0)}
    held = 0
    for day in sorted({AS_OF, *(d for d in edges if AS_OF - 900 < d < AS_OF + 370)}):
        here = next((s["v"] for s in spans if s["since"] <= day < s["until"]), 0)
        assert here == reference.rule(rule, day), (rule.id, to_date(day))
        held += here == TRUE
    return held


@pytest.mark.slow
def test_monitoring_equals_the_oracle_for_120_histories() -> None:
    assert check(1, 120) > 50


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 18))
def test_monitoring_equals_the_oracle_for_2000_histories(seed: int) -> None:
    assert check(seed, 250) > 100


def on_apixaban(clearance: int | None, days: int) -> int:
    """What the shipped rule says of somebody weighed and tested so long ago, with that clearance."""
    people = People()
    people.patient("a", date(1945, 1, 1), date(2010, 1, 1))
    people.issued("a", DOAC, date(2024, 1, 1), DAY)
    on = DAY - timedelta(days=days)
    people.tested("a", "weight", DAY)
    people.tested("a", "renal_function", on)
    if clearance is not None:
        people.tested("a", "creatinine_clearance", on, value=clearance, unit="mL/min")
    record = PatientRecord.from_tables(people.tables(), "a")
    return Reference(history(record, AS_OF), SETS).rule(SHIPPED["monitoring.doac"], AS_OF)


@pytest.mark.parametrize(
    ("clearance", "months"),
    [(9, 1), (15, 1), (20, 2), (29, 2), (30, 3), (45, 4), (59, 5), (60, 12), (None, 12)],
)
def test_a_doac_by_clearance_is_due_after_a_tenth_of_it_in_months(
    clearance: int | None, months: int
) -> None:
    due = next(d for d in range(1, 400) if window_end(AS_OF - d, months) <= AS_OF)
    assert on_apixaban(clearance, due) == TRUE
    assert on_apixaban(clearance, due - 1) == 0


def test_nobody_is_overdue_before_anchor_plus_interval() -> None:
    """By the plainest sum: no test or start on record within the shortest interval in force."""
    tables = histories(2, 150).tables()
    rule = SHIPPED["monitoring.methotrexate"]
    with Engine(tables, SETS, AS_OF) as engine:
        spans = [s for s in engine.spans([rule]).table.to_pylist() if s["v"] == TRUE]
    assert len(spans) > 20
    for span in spans:
        record = PatientRecord.from_tables(tables, span["patient_id"])
        starts = sorted(to_day(i.issued_on) for i in record.issues if i.product_text == MTX)
        first = max(
            day
            for i, day in enumerate(starts)
            if day <= span["since"] and (i == 0 or window_end(starts[i - 1], 3) < day - 1)
        )
        assert span["since"] >= window_end(first, 1)


# The histories that the manual speaks of, one by one ----------------------------------------


def opening(people: People, rule: Rule, after: date = date(2026, 1, 2)) -> list[date]:
    """The days from which the rule holds, by the engine, each checked with the reference."""
    tables = people.tables()
    with Engine(tables, SETS, AS_OF) as engine:
        spans = [s for s in engine.spans([rule]).table.to_pylist() if s["v"] == TRUE]
    reference = Reference(history(PatientRecord.from_tables(tables, "a"), AS_OF), SETS)
    for span in spans:
        assert reference.rule(rule, span["since"]) == TRUE
        assert reference.rule(rule, span["since"] - 1) != TRUE
    return [day for s in spans if (day := to_date(s["since"])) >= after]


def somebody(drug: str, tests: dict[str, date], born: date = date(1970, 1, 1)) -> People:
    """Issued a drug every four weeks since January 2025, with tests on these days."""
    people = People()
    people.patient("a", born, date(2010, 1, 1))
    people.issued("a", drug, date(2025, 1, 1), DAY)
    for test, on in tests.items():
        people.tested("a", test, on)
    return people


def all_three(on: date) -> dict[str, date]:
    return dict.fromkeys(("fbc", "lft", "renal_function"), on)


def test_leflunomide_added_to_methotrexate_asks_a_month_from_its_start() -> None:
    people = somebody(MTX, all_three(date(2026, 5, 1)))
    assert opening(people, RULES[0]) == [date(2026, 7, 24)]
    people.issued("a", LEF, date(2026, 5, 20), DAY)
    assert opening(people, RULES[0]) == [date(2026, 6, 20)]


def test_lithium_at_65_asks_three_months_from_the_birthday_and_not_on_it() -> None:
    tests = dict.fromkeys(("renal_function", "tft", "calcium"), date(2026, 5, 1))
    tests["lithium_level"] = date(2026, 1, 10)
    born = {64: date(1962, 1, 1), 65: date(1961, 3, 1)}
    assert opening(somebody(LITHIUM, tests, born[64]), RULES[1]) == [date(2026, 7, 10)]
    assert opening(somebody(LITHIUM, tests, born[65]), RULES[1]) == [date(2026, 6, 1)]


def test_a_restart_after_a_gap_asks_from_the_restart() -> None:
    people = People()
    people.patient("a", date(1970, 1, 1), date(2010, 1, 1))
    people.issued("a", MTX, date(2025, 1, 1), date(2025, 9, 1))
    people.issued("a", MTX, date(2026, 4, 15), DAY)
    assert opening(people, RULES[0]) == [date(2026, 7, 8)]


def test_a_dose_change_asks_anew_where_a_rule_says_so_and_else_puts_nothing_off() -> None:
    for drug, rule, tested, without, with_it in (
        (MTX, RULES[0], date(2026, 4, 1), date(2026, 6, 24), [date(2026, 6, 24)]),
        (DOAC, RULES[2], date(2025, 6, 15), date(2026, 6, 15), []),
    ):
        people = somebody(drug, all_three(tested))
        assert opening(people, rule) == [without]
        people.rows["plan"].append(people._common() | {
            "patient_id": "a", "plan_id": "p", "product_text": drug, "plan_type": "repeat",
            "status": "active", "status_inferred": False, "dose_changed_on": date(2026, 6, 1),
        })  # fmt: skip
        assert opening(people, rule) == with_it


def test_a_declined_test_holds_for_three_months_and_runs_out_by_itself() -> None:
    people = somebody(DOAC, {"renal_function": date(2025, 5, 1)})
    assert opening(people, RULES[2]) == [date(2026, 5, 1)]
    people.tested("a", "blood_test_declined", date(2026, 4, 20))
    assert opening(people, RULES[2]) == [date(2026, 7, 21)]


def test_one_of_three_tests_missing_counts_from_the_start_of_treatment() -> None:
    people = somebody(MTX, dict.fromkeys(("fbc", "lft"), date(2026, 5, 15)))
    assert opening(people, RULES[0], date(2025, 1, 1)) == [date(2025, 3, 26)]


def test_a_doac_by_clearance_asks_sooner_than_a_year() -> None:
    people = somebody(DOAC, dict.fromkeys(("weight", "renal_function"), date(2026, 2, 10)))
    assert opening(people, SHIPPED["monitoring.doac"]) == []
    people.tested("a", "creatinine_clearance", date(2026, 2, 10), value=45, unit="mL/min")
    assert opening(people, SHIPPED["monitoring.doac"]) == [date(2026, 6, 10)]

"""The activity table, and weekly series worked out by hand and by other code."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from people import SETS, People

from counterfoil.evidence import activity, weekly
from counterfoil.evidence.activity import Activity
from counterfoil.evidence.measures import all_measures, measure
from counterfoil.foundation.days import parse_day, to_day
from counterfoil.foundation.errors import DataError
from counterfoil.rules import load, run, trend
from counterfoil.workforce.demand import assumptions, demand, mean_wte
from support import ROOT

REFERENCE = ROOT / "docs" / "reference"
EXAMPLE = REFERENCE / "examples" / "activity.csv"
MONDAY = datetime(2026, 6, 1, 9, tzinfo=UTC)


def row(number: int, day: float, what: str, task: str = "L1", **more: Any) -> Activity:
    values: dict[str, Any] = {"kind": "letter", "practice": "X00001", **more}
    at = MONDAY + timedelta(days=day)
    return Activity(f"a{number}", at, what, task_id=task, **values)  # type: ignore[arg-type]


ROWS = [
    row(1, 0, "arrived"),
    row(2, 1, "opened", role="technician", site="X00001", minutes=4.5),
    row(3, 7, "done", role="pharmacist", minutes=2.0, case_id="c1", finding_id="f1"),
]


class TestTable:
    @pytest.mark.parametrize("form", ["csv", "parquet"])
    def test_what_is_written_is_read(self, form: str, tmp_path: Path) -> None:
        path = tmp_path / f"activity.{form}"
        activity.write(reversed(ROWS), path)
        assert activity.read(path) == ROWS
        assert activity.from_arrow(activity.to_arrow(ROWS)) == ROWS

    def test_the_example_is_read_and_by_the_schema(self) -> None:
        schema = json.loads((REFERENCE / "activity.schema.json").read_text("utf-8"))
        assert set(schema["properties"]) == set(activity.SCHEMA.names)
        assert set(schema["required"]) == set(activity.NEEDED)
        assert schema["properties"]["what"]["enum"] == list(activity.WHATS)
        with EXAMPLE.open(encoding="utf-8", newline="") as file:
            for raw in csv.DictReader(file):
                one: dict[str, Any] = {key: value or None for key, value in raw.items()}
                if one["minutes"] is not None:
                    one["minutes"] = float(one["minutes"])
                jsonschema.validate(one, schema)
        assert len(activity.read(EXAMPLE)) >= 8

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ("what=seen", "one of arrived, opened"),
            ("what=", "a text is needed"),
            ("at=2026-06-01T09:00:00", "with its offset"),
            ("at=yesterday", "with its offset"),
            ("minutes=-1", "from 0 to 1440"),
            ("minutes=nan", "from 0 to 1440"),
            ("minutes=long", "from 0 to 1440"),
            ("activity_id=a2", "an id of its own"),
            ("practice=", "a text is needed"),
        ],
    )
    def test_a_wrong_row_is_named(self, change: str, said: str, tmp_path: Path) -> None:
        path = tmp_path / "activity.csv"
        activity.write(ROWS, path)
        name, _, value = change.partition("=")
        lines = path.read_text("utf-8").splitlines()
        cells = lines[1].split(",")
        cells[lines[0].split(",").index(name)] = value
        path.write_text("\n".join([lines[0], ",".join(cells), *lines[2:]]) + "\n", "utf-8")
        with pytest.raises(DataError, match=said) as caught:
            activity.read(path)
        assert "activity.csv" in str(caught.value)

    def test_done_before_it_arrived_is_refused(self) -> None:
        wrong = [ROWS[0], replace(ROWS[2], at=MONDAY - timedelta(days=1))]
        with pytest.raises(DataError, match="after it arrived"):
            activity.from_arrow(activity.to_arrow(wrong))

    def test_no_columns_and_no_parquet_are_answered_in_words(self, tmp_path: Path) -> None:
        path = tmp_path / "activity.csv"
        path.write_text("at,what\n", "utf-8")
        with pytest.raises(DataError, match="these columns are needed"):
            activity.read(path)
        path = tmp_path / "activity.parquet"
        path.write_bytes(b"not parquet")
        with pytest.raises(DataError, match="a Parquet file"):
            activity.read(path)


class TestLetters:
    def test_the_seventh_day_is_in_time_and_the_eighth_is_not(self) -> None:
        rows = [
            *ROWS,
            row(4, 2, "arrived", "L2"),
            row(5, 10, "done", "L2"),
            row(6, 6, "arrived", "L3"),
        ]
        as_of = to_day(date(2026, 6, 14))
        made = weekly.letters_within_7_days(rows, as_of, weeks=3)
        assert [(w.day, w.numerator, w.denominator) for w in made.weeks] == [
            (to_day(date(2026, 5, 25)), 0, 0),
            (to_day(date(2026, 6, 1)), 1, 3),
        ]
        assert made.weeks[0].value is None
        assert made.points == [(to_day(date(2026, 6, 1)), pytest.approx(100 / 3))]

    def test_a_week_whose_seven_days_are_not_over_is_left_out(self) -> None:
        made = weekly.letters_within_7_days(ROWS, to_day(date(2026, 6, 13)), weeks=2)
        assert to_day(date(2026, 6, 1)) not in [week.day for week in made.weeks]

    def test_one_practice(self) -> None:
        as_of = to_day(date(2026, 6, 14))
        made = weekly.letters_within_7_days(ROWS, as_of, 3, practices=["X00002"])
        assert made.points == []


class TestMinutes:
    def test_minutes_are_added_up_over_a_task_and_the_unmeasured_are_not_zero(self) -> None:
        rows = [*ROWS, row(7, 8, "done", "L9")]
        made = weekly.active_minutes_per_task(rows, to_day(date(2026, 6, 14)), weeks=1)
        assert [(w.numerator, w.denominator, w.value, w.cannot_tell) for w in made.weeks] == [
            (6.5, 1, 6.5, 1)
        ]


AS_OF = to_day(date(2026, 6, 28))


@pytest.fixture(scope="module")
def tables() -> Any:
    people = People()
    for i in range(6):
        key = f"p{i}"
        people.patient(key)
        people.issued(key, "Methotrexate 2.5mg tablets", date(2025, 9, 1 + i), date(2026, 6, 20))
        tests = [date(2025, 9, 1) + timedelta(days=n * (60 + 20 * i)) for n in range(3)]
        for name in ("fbc", "lft", "renal_function"):
            people.tested(key, name, *tests, value=5)
    return people.tables()


class TestMonitoring:
    def test_equals_the_trend_on_a_day_that_both_look_at(self, tables: Any) -> None:
        rules = [rule for rule in load() if rule.id == "monitoring.methotrexate"]
        rate, _ = weekly.monitoring(tables, rules, AS_OF, 60, sets=SETS)
        last = trend(tables, rules, AS_OF, 1, SETS)[-1]
        assert rate.weeks[-1].day == to_day(date(2026, 6, 22))
        assert rate.weeks[-1].numerator == last["open"] > 0
        assert rate.weeks[-1].denominator == last["at_risk"] - last["cannot_tell"]
        assert len(rate.weeks) == 60

    @pytest.mark.slow
    def test_every_week_equals_a_run_on_each_of_its_days(self, tables: Any) -> None:
        rules = [rule for rule in load() if rule.id == "monitoring.methotrexate"]
        rate, days = weekly.monitoring(tables, rules, AS_OF, 3, sets=SETS)
        for one, other in zip(rate.weeks, days.weeks, strict=True):
            # nothing was recorded in these weeks, so a run on an earlier day knows the same
            found = [
                sum(f.state == "open" for f in run(tables, rules, day, SETS))
                for day in range(one.day, one.day + 7)
            ]
            assert one.numerator == found[-1]
            assert other.numerator == sum(found)

    def test_a_practice_that_is_not_there_has_no_values(self, tables: Any) -> None:
        rules = [rule for rule in load() if rule.id == "monitoring.methotrexate"]
        rate, days = weekly.monitoring(tables, rules, AS_OF, 5, ["X99999"], SETS)
        assert rate.points == days.points == []


class TestWeeks:
    def test_a_week_begins_on_monday_and_only_whole_ones_count(self) -> None:
        sunday = parse_day("2026-06-14")
        assert weekly.whole_weeks(sunday, 2) == [parse_day("2026-06-01"), parse_day("2026-06-08")]
        assert weekly.whole_weeks(sunday - 1, 1) == [parse_day("2026-06-01")]
        assert all(date.fromordinal(weekly.monday(d) + 719163).weekday() == 0 for d in range(30))


class TestMeasures:
    def test_every_measure_is_whole(self) -> None:
        found = all_measures()
        assert {"letters_within_7_days", "monitoring_overdue_rate"} <= set(found)
        assert {"monitoring_days_at_risk", "active_minutes_per_task"} <= set(found)
        assert all(one.smallest_change is None for one in found.values())

    def test_an_unknown_one_is_answered_with_those_there_are(self) -> None:
        with pytest.raises(DataError, match="letters_within_7_days"):
            measure("happiness")


class TestDemand:
    def test_arrivals_times_minutes(self) -> None:
        rows = []
        for i in range(20):
            task = f"T{i}"
            rows.append(row(10 * i, i % 7, "arrived", task))
            rows.append(row(10 * i + 1, i % 7 + 0.1, "done", task, minutes=30.0))
        rows.append(row(999, 8, "arrived", "M1", kind="monitoring"))
        found = demand(rows, to_day(date(2026, 6, 14)), weeks=2)
        letters, monitoring = found[0], found[3]
        assert (letters.competency, letters.arrivals, letters.minutes_each) == ("letters", 20, 30)
        assert letters.hours == 10
        using = assumptions()
        assert letters.wte == pytest.approx(10 / (using.hours_per_week * using.working_share))
        assert (monitoring.arrivals, monitoring.hours, monitoring.wte) == (1, None, None)
        assert [one.arrivals for one in found] == [20, 0, 0, 1]
        means = mean_wte(found)
        assert means["X00001", "monitoring"] is None
        assert means["X00001", "letters"] == pytest.approx(letters.wte / 2)

    def test_no_rows_no_demand(self) -> None:
        assert demand([], to_day(date(2026, 6, 14))) == []

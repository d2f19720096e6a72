"""The drawing of medicines and tests: what is covered, what is missing, what is said in words."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date
from decimal import Decimal
from xml.etree import ElementTree

from hypothesis import given, settings
from hypothesis import strategies as st

import page_samples as samples
from counterfoil.foundation import days
from counterfoil.records.rows import Plan, Problem
from counterfoil.service.pages import timeline

AS_OF = days.to_day(samples.TODAY)
TESTS = {"FBC": frozenset({samples.FBC_CODE}), "TFT": frozenset({"1"})}
DUE = {"FBC": days.to_day(date(2026, 9, 24))}


def built(**more: object) -> timeline.Timeline:
    """The time line of the sample."""
    return timeline.build(samples.record(**more), as_of=AS_OF, tests=TESTS, due=DUE)


def test_supplies_join_and_days_between_are_gaps() -> None:
    lane = built().medicines[0]
    first, second = lane.supply
    assert (first.since, first.until) == (
        days.to_day(date(2026, 8, 1)),
        days.to_day(date(2026, 9, 26)),
    )
    assert second.since == days.to_day(date(2026, 11, 12))
    assert [(gap.since, gap.until) for gap in lane.gaps] == [(first.until, second.since)]
    assert lane.gaps[0].words == "no supply for 47 days"


def course(plan_id: str, start: date, end: date | None, dose: str) -> Plan:
    """A plan of one course of clotrimazole."""
    status = "active" if end is None else "ended"
    made = samples.plan("Clotrimazole 1% cream", dose, status=status, end_date=end)
    return replace(made, plan_id=plan_id, start_date=start)


def test_days_between_two_courses_are_not_days_without_supply() -> None:
    """Nobody had prescribed it: months later it is started anew, its dose is not changed."""
    plans = (
        course("a", date(2026, 1, 1), date(2026, 2, 1), "apply twice a day"),
        course("b", date(2026, 10, 1), None, "apply three times a day"),
    )
    issues = tuple(
        replace(samples.issue(day, issue_id=plan), plan_id=plan, supply_days=28)
        for day, plan in ((date(2026, 1, 1), "a"), (date(2026, 10, 5), "b"))
    )
    (lane,) = built(plans=plans, issues=issues).medicines
    assert [(days.to_date(gap.since), days.to_date(gap.until)) for gap in lane.gaps] == [
        (date(2026, 1, 29), date(2026, 2, 1)),
        (date(2026, 10, 1), date(2026, 10, 5)),
        (date(2026, 11, 2), samples.TODAY),
    ]
    assert lane.changes == ()


def test_days_between_two_authorisations_of_one_course_are() -> None:
    plans = (
        course("a", date(2026, 1, 1), date(2026, 8, 1), "apply twice a day"),
        course("b", date(2026, 8, 10), None, "apply three times a day"),
    )
    issues = tuple(
        replace(samples.issue(day, issue_id=plan), plan_id=plan, supply_days=28)
        for day, plan in ((date(2026, 7, 1), "a"), (date(2026, 8, 12), "b"))
    )
    (lane,) = built(plans=plans, issues=issues).medicines
    assert lane.gaps[0].words == "no supply for 14 days"
    assert len(lane.changes) == 1


def test_an_early_supply_is_carried_forward() -> None:
    early = (samples.issue(date(2026, 10, 1)), samples.issue(date(2026, 10, 11)))
    lane = built(issues=early).medicines[0]
    assert lane.supply[0].until == days.to_day(date(2026, 10, 1)) + 56


def test_nothing_is_said_about_an_issue_of_unknown_length() -> None:
    plans = (samples.plan("Methotrexate 2.5mg tablets", "as directed", supply_days=None),)
    issues = (samples.issue(date(2026, 10, 1), supply_days=None),)
    lane = built(plans=plans, issues=issues).medicines[0]
    assert lane.supply == lane.gaps == ()
    assert "how long a supply lasts is not known" in timeline.describe(
        built(plans=plans, issues=issues)
    )


def test_cancelled_issues_are_not_drawn() -> None:
    issues = (samples.issue(date(2026, 10, 1), cancelled_on=date(2026, 10, 2)),)
    assert built(issues=issues).medicines[0].issues == ()


def test_a_medicine_that_ended_in_the_window_says_when() -> None:
    ended = samples.plan("Aspirin 75mg tablets", "1", status="ended", end_date=date(2026, 10, 1))
    lane = built(plans=(ended,), issues=()).medicines[0]
    assert lane.ended == days.to_day(date(2026, 10, 1))
    assert "ended 1 October 2026" in timeline.svg(built(plans=(ended,), issues=()))


def test_an_overdue_test_is_drawn_and_said() -> None:
    shown = built()
    assert [test.name for test in shown.tests] == ["FBC"]
    drawn = timeline.svg(shown)
    assert "overdue 58 days" in drawn
    assert 'class="cf-tl-overdue"' in drawn
    rows = {row.what: row for row in timeline.table(shown)}
    assert rows["FBC"].note == "overdue 58 days"
    assert rows["FBC"].last == "done 2 July 2026"


def test_a_test_never_done_but_due_has_its_lane() -> None:
    shown = timeline.build(samples.record(), as_of=AS_OF, tests=TESTS, due={"TFT": AS_OF - 3})
    assert [(test.name, test.marks) for test in shown.tests][-1] == ("TFT", ())
    assert {row.what: row.last for row in timeline.table(shown)}["TFT"] == "none on record"
    assert "none on record" in timeline.svg(shown)


def test_a_test_last_done_before_the_window_says_when() -> None:
    entries = (samples.entry(date(2024, 3, 28), "Haemoglobin", value=Decimal(131)),)
    shown = built(entries=entries)
    assert shown.tests[0].marks == ()
    assert {row.what: row.last for row in timeline.table(shown)}["FBC"] == "done 28 March 2024"
    assert "last 28 March 2024: 131" in timeline.svg(shown)
    assert "last done 28 March 2024" in timeline.describe(shown)


def problem(term: str, **more: object) -> Problem:
    values = {"problem_id": term, "patient_id": "1", "term": term, "status": "active", **more}
    return Problem(**samples.COMMON, **values)  # type: ignore[arg-type]


def test_a_dose_that_changed_is_marked_on_its_day_and_said() -> None:
    plans = (
        samples.plan("Ramipril", "one a day", plan_id="a", start_date=date(2025, 12, 1)),
        samples.plan("Ramipril", "two a day", plan_id="b", start_date=date(2026, 6, 1)),
    )
    (lane,) = built(plans=plans, issues=()).medicines
    (mark,) = lane.changes
    assert mark.day == days.to_day(date(2026, 6, 1))
    assert mark.words == "dose changed 1 June 2026: one a day to two a day"
    assert "cf-tl-change" in timeline.svg(built(plans=plans, issues=()))


def test_the_start_of_a_medicine_is_no_change_of_dose() -> None:
    start = date(2026, 6, 1)
    plans = (samples.plan("Ramipril", "one a day", start_date=start, dose_changed_on=start),)
    assert built(plans=plans, issues=()).medicines[0].changes == ()


def test_issues_still_to_come_are_no_supply_and_widen_the_window() -> None:
    coming = date(2026, 12, 8), date(2027, 2, 2)
    issues = (
        samples.issue(date(2026, 11, 10)),
        *(
            samples.issue(
                date(2026, 11, 10), issue_id=str(day), valid_from=day, erd_number=2, erd_of=6
            )
            for day in coming
        ),
    )
    shown = built(issues=issues)
    (lane,) = shown.medicines
    assert [mark.day for mark in lane.ahead] == [days.to_day(day) for day in coming]
    assert len(lane.issues) == 1
    assert lane.supply[-1].until == days.to_day(date(2026, 12, 8))
    assert shown.until == days.to_day(coming[1]) + 7
    assert "2 issues still to come, next 8 December 2026" in timeline.table(shown)[0].note


def test_a_result_outside_the_range_sent_with_it_is_another_sign_and_said() -> None:
    entry = samples.record().entries[0]
    low = replace(entry, value=Decimal(90), range_low=Decimal(115), range_high=Decimal(165))
    shown = built(entries=(low,))
    (lane,) = [lane for lane in shown.tests if lane.marks]
    assert lane.marks[0].outside == "below"
    assert "range 115 to 165" in lane.latest
    row = next(row for row in timeline.table(shown) if row.what == lane.name)
    assert "below its range" in row.note
    assert "<circle" not in timeline.svg(replace(shown, medicines=(), tests=(lane,)))
    inside = replace(low, value=Decimal(120))
    assert built(entries=(inside,)).tests[0].marks[0].outside == ""


def test_problems_stand_below_and_the_rest_are_counted() -> None:
    held = (
        problem("Old", status="past", ended_on=date(2020, 1, 1)),
        problem("Ended", status="past", ended_on=date(2026, 3, 1)),
        problem("Asthma", onset_on=date(2001, 1, 1)),
        problem("Gout", onset_on=date(2026, 2, 1), significance="significant"),
    )
    record = samples.record(problems=held)
    shown = timeline.build(record, as_of=AS_OF, problems=2)
    assert [lane.name for lane in shown.problems] == ["Gout", "Asthma"]
    assert shown.more_problems == 1
    assert timeline.table(shown)[-1].last == "since 1 January 2001"
    assert timeline.build(record, as_of=AS_OF).problems == ()


def test_a_long_drawing_is_cut_into_sheets_that_leave_nothing_out() -> None:
    plans = tuple(samples.plan(f"Medicine {n:02d}", "1 a day", plan_id=str(n)) for n in range(30))
    record = samples.record(plans=plans, issues=(), problems=(problem("Gout"),))
    shown = timeline.build(record, as_of=AS_OF, limit=None, problems=None, tests=TESTS, due=DUE)
    for width in (timeline.NARROW, 1180):
        drawn = timeline.sheets(shown, width=width)
        root = ElementTree.fromstring(f"<all>{drawn}</all>")
        heights = [int(sheet.get("height") or 0) for sheet in root]
        assert len(heights) > 1
        assert max(heights) <= 560
        assert max(heights) - min(heights) <= 200, "no sheet holds a left-over lane"
        said = " ".join(root.itertext())
        assert all(f"Medicine {n:02d}" in said for n in range(30))
        assert "Gout" in said
        ids = [element.get("id") for element in root.iter() if element.get("id")]
        assert len(ids) == len(set(ids))


def test_the_drawing_is_an_image_with_title_and_description() -> None:
    root = ElementTree.fromstring(timeline.svg(built()))
    assert root.get("role") == "img"
    ids = {element.get("id") for element in root.iter()}
    assert set((root.get("aria-labelledby") or "").split()) <= ids
    described = " ".join(root.itertext())
    for words in ("Methotrexate 2.5mg tablets", "in hospital 1 October 2026 to 8 October 2026"):
        assert words in described


def test_names_are_escaped() -> None:
    plans = (samples.plan("<script>alert(1)</script>", "1 & 2"),)
    assert "<script" not in timeline.svg(built(plans=plans, issues=()))


def test_a_long_record_shows_twelve_and_counts_the_rest() -> None:
    plans = tuple(samples.plan(f"Medicine {n:02d}", "1 a day", plan_id=str(n)) for n in range(20))
    shown = timeline.build(
        samples.record(plans=plans, issues=()), as_of=AS_OF, first=["medicine 19"]
    )
    assert len(shown.medicines) == 12
    assert shown.hidden == 8
    assert shown.medicines[0].name == "Medicine 19"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 800), st.one_of(st.none(), st.integers(1, 120))), max_size=15)
)
def test_supply_and_gaps_never_overlap_and_the_drawing_is_well_formed(
    issued: list[tuple[int, int | None]],
) -> None:
    issues = tuple(
        samples.issue(days.to_date(AS_OF - back), issue_id=str(n), supply_days=length)
        for n, (back, length) in enumerate(sorted(issued, key=lambda one: -one[0]))
    )
    plans = (samples.plan("Methotrexate 2.5mg tablets", "weekly", supply_days=None),)
    shown = timeline.build(samples.record(plans=plans, issues=issues), as_of=AS_OF)
    for lane in shown.medicines:
        spans = sorted([*lane.supply, *lane.gaps], key=lambda span: span.since)
        assert all(a.until <= b.since for a, b in itertools.pairwise(spans))
        assert all(span.length > 0 for span in spans)
    ElementTree.fromstring(timeline.svg(shown))

"""Rotation plans: best by brute force where that can be had, passed by the checker everywhere."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.foundation.days import parse_day
from counterfoil.workforce.check import available, check, values
from counterfoil.workforce.model import (
    STAGES,
    Held,
    Leave,
    Person,
    Placement,
    Plan,
    Problem,
    Site,
)
from counterfoil.workforce.plan import plan

START = parse_day("2027-01-04")
COMPETENCIES = ("letters", "monitoring")


def problem(people: list[Person], sites: list[Site], blocks: int = 3, **more: Any) -> Problem:
    return Problem(START, blocks, 1, tuple(people), tuple(sites), **more)


WARD = Site("ward", "Ward", "acute", minimum_wte=100)
SURGERY = Site("surgery", "Surgery", "primary", minimum_wte=100)


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    blocks = draw(st.integers(1, 3))
    sites = [
        Site(
            f"s{i}",
            f"Site {i}",
            draw(st.sampled_from(("acute", "primary"))),
            draw(st.sampled_from((0, 60, 100, 150))),
            draw(st.sampled_from((None, 0, 1, 2))),
            draw(st.frozensets(st.sampled_from(COMPETENCIES), max_size=1)),
            draw(st.dictionaries(st.sampled_from(COMPETENCIES), st.integers(1, 2), max_size=1)),
        )
        for i in range(draw(st.integers(1, 2)))
    ]
    ids = [site.id for site in sites]
    day = st.integers(START - 3, START + 7 * blocks + 3)
    people = []
    for i in range(draw(st.integers(1, 2))):
        ends = sorted((draw(day), draw(day)))
        signed = st.one_of(st.none(), day)
        people.append(
            Person(
                f"p{i}",
                f"Person {i}",
                draw(st.sampled_from((40, 60, 100))),
                draw(st.booleans()),
                tuple(
                    Held(c, draw(signed))
                    for c in draw(st.lists(st.sampled_from(COMPETENCIES), max_size=2))
                ),
                (Leave(*ends),) if draw(st.booleans()) else (),
                draw(st.dictionaries(st.sampled_from(ids), st.integers(-3, 3), max_size=2)),
                draw(st.sampled_from((None, *ids))),
            )
        )
    fixed = ()
    if draw(st.integers(0, 4)) == 0:
        fixed = (Placement("p0", draw(st.integers(1, blocks)), draw(st.sampled_from(ids))),)
    education = {"acute": draw(st.integers(0, 2)), "primary": draw(st.integers(0, 2))}
    return problem(people, sites, blocks, fixed=fixed, education=education)


def every_plan(of: Problem) -> list[tuple[float, ...]]:
    """The stages' values of every plan that breaks no hard rule, by trying all of them."""
    cells = [(p.id, b) for p in of.people for b in range(1, of.blocks + 1)]
    found = []
    for sites in itertools.product([None, *(s.id for s in of.sites)], repeat=len(cells)):
        where = {cell: site for cell, site in zip(cells, sites, strict=True) if site is not None}
        placed = tuple(Placement(p, b, s) for (p, b), s in where.items())
        # a plan without stages is faulted for that alone when it breaks no hard rule
        faults = check(of, Plan("feasible", (), placed))
        if faults and faults[0].startswith("The stages should be"):
            all_values = values(of, where)
            found.append(
                tuple(
                    -all_values[name] if name == "preference" else all_values[name]
                    for name in STAGES
                )
            )
    return found


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(problems())
def test_no_plan_is_better_and_the_checker_agrees(of: Problem) -> None:
    made = plan(of)
    assert check(of, made) == []
    others = every_plan(of)
    if made.status == "infeasible":
        assert others == []
        return
    assert made.status == "optimal"
    reached = tuple(-s.value if s.name == "preference" else s.value for s in made.stages)
    assert reached == pytest.approx(min(others))


def tampered(made: Plan, of: Problem) -> list[tuple[str, Plan]]:
    first = made.assignments[0]
    results = [
        ("a placement taken out", replace(made, assignments=made.assignments[1:])),
        ("a placement twice", replace(made, assignments=(*made.assignments, first))),
        (
            "somebody unknown",
            replace(made, assignments=(replace(first, person="?"), *made.assignments[1:])),
        ),
        (
            "a block too far",
            replace(made, assignments=(replace(first, block=of.blocks + 1), *made.assignments[1:])),
        ),
        ("a stage left out", replace(made, stages=made.stages[1:])),
        ("stages turned", replace(made, stages=made.stages[::-1])),
        ("called infeasible", replace(made, status="infeasible", conflicts=("because",))),
        ("called unproven", replace(made, status="feasible")),
    ]
    for i, stage in enumerate(made.stages):
        for by in (-1, 1):
            stages = list(made.stages)
            stages[i] = replace(stage, value=stage.value + by, bound=stage.bound + by)
            results.append((f"{stage.name} {by:+d}", replace(made, stages=tuple(stages))))
    for i, one in enumerate(made.shortfalls):
        rest = made.shortfalls[:i] + made.shortfalls[i + 1 :]
        more = replace(one, short=one.short + 1)
        results.append(("a shortfall hidden", replace(made, shortfalls=rest)))
        results.append(("a shortfall made larger", replace(made, shortfalls=(*rest, more))))
        results.append(("a shortfall twice", replace(made, shortfalls=(*made.shortfalls, one))))
    return results


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(problems())
def test_a_plan_that_was_tampered_with_never_passes(of: Problem) -> None:
    made = plan(of)
    if not made.assignments:
        return
    for what, other in tampered(made, of):
        assert check(of, other), what


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(problems(), st.data())
def test_somebody_moved_is_found_unless_the_plan_is_as_good(
    of: Problem, data: st.DataObject
) -> None:
    made = plan(of)
    if not made.assignments or len(of.sites) < 2:
        return
    i = data.draw(st.integers(0, len(made.assignments) - 1))
    one = made.assignments[i]
    to = next(site.id for site in of.sites if site.id != one.site)
    moved = (*made.assignments[:i], replace(one, site=to), *made.assignments[i + 1 :])
    where = {(a.person, a.block): a.site for a in moved}
    if not check(of, replace(made, assignments=moved)):
        assert values(of, where) == {s.name: pytest.approx(s.value) for s in made.stages}


def test_the_same_problem_gives_the_same_plan() -> None:
    of = problem([Person(f"p{i}", f"P{i}") for i in range(4)], [WARD, SURGERY], 4)
    assert plan(of).assignments == plan(of).assignments


def test_leave_for_the_whole_plan_is_said_and_nobody_is_invented() -> None:
    gone = Person("a", "Alex", leave=(Leave(START - 10, START + 400),))
    made = plan(problem([gone], [WARD, SURGERY], education={"acute": 1}))
    assert made.status == "optimal"
    assert made.assignments == ()
    assert "Alex is away for the whole of the plan" in made.conflicts[0]
    assert made.stages[0].value == 6
    assert {s.kind for s in made.shortfalls} == {"coverage", "education"}
    assert check(problem([gone], [WARD, SURGERY], education={"acute": 1}), made) == []


def test_leave_of_half_a_block_is_leave_and_less_is_not() -> None:
    fortnight = Problem(START, 1, 2, (Person("a", "Alex"),), (WARD,))
    for days, there in ((4, True), (7, False)):  # Monday to Friday is half of ten weekdays
        person = Person("a", "Alex", leave=(Leave(START, START + days - 1),))
        of = replace(fortnight, people=(person,))
        assert available(of, person, 1) is there
        assert bool(plan(of).assignments) is there


def test_a_decision_against_leave_is_a_conflict_in_words() -> None:
    gone = Person("a", "Alex", leave=(Leave(START, START + 6),))
    of = problem([gone], [WARD], fixed=(Placement("a", 1, "ward"),))
    made = plan(of)
    assert made.status == "infeasible"
    assert made.conflicts == (
        "Alex is to be at Ward in block 1 (4 January 2027 to 10 January 2027), "
        "but is away for half of it or more.",
    )
    assert check(of, made) == []


def test_decisions_against_each_other_are_conflicts() -> None:
    full = replace(WARD, maximum_people=1)
    people = [Person("a", "Alex"), Person("b", "Bo")]
    two_here = (Placement("a", 1, "ward"), Placement("b", 1, "ward"))
    assert "it takes 1" in plan(problem(people, [full], fixed=two_here)).conflicts[0]
    two_sites = (Placement("a", 1, "ward"), Placement("a", 1, "surgery"))
    assert "2 sites" in plan(problem(people, [WARD, SURGERY], fixed=two_sites)).conflicts[0]
    asks = replace(WARD, requires=frozenset({"history"}))
    said = plan(problem(people, [asks], fixed=two_here[:1])).conflicts[0]
    assert "history" in said


def test_a_competency_counts_from_the_block_that_begins_after_its_sign_off() -> None:
    asks = replace(WARD, requires=frozenset({"history"}))
    person = Person("a", "Alex", competencies=(Held("history", START + 1, START + 14),))
    made = plan(problem([person], [asks]))
    assert [a.block for a in made.assignments] == [2]


def test_coverage_comes_before_what_somebody_prefers() -> None:
    person = Person("a", "Alex", rotates=False, prefers={"surgery": 3, "ward": -3})
    quiet = replace(SURGERY, minimum_wte=0)
    made = plan(problem([person], [WARD, quiet]))
    assert {a.site for a in made.assignments} == {"ward"}


def test_a_rotator_sees_both_sectors_and_moves_no_more_than_that() -> None:
    people = [Person("a", "Alex", now="ward"), Person("b", "Bo", now="surgery")]
    made = plan(problem(people, [WARD, SURGERY], 4, education={"acute": 2, "primary": 2}))
    assert [stage.value for stage in made.stages] == [0, 0, 0, 0, 2, 0]

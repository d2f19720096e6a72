"""An independent check of a rotation plan.

Written without the planner: it walks day by day and block by block over the problem as given, and
shares nothing with the planner but the data types. What it works out must equal what the plan says.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator

from counterfoil.workforce.model import Person, Plan, Problem, Shortfall, Site

MONDAY_OFFSET = 3
"""1 January 1970 was a Thursday: (day + 3) % 7 is 0 on a Monday."""

Where = dict[tuple[str, int], str]


def check(problem: Problem, plan: Plan) -> list[str]:
    """What is wrong with a plan, in words; an empty list when nothing is.

    Hard rules: known people, sites and blocks; one place a person and block; no place during
    leave; what a site requires; how many it takes; placements already decided. Then every stage's
    value, every shortfall, bounds and status are compared with what the placements give.
    """
    if plan.status == "infeasible":
        return list(_infeasible(problem, plan))
    faults = list(_hard(problem, plan))
    if faults:
        return faults
    where: Where = {(a.person, a.block): a.site for a in plan.assignments}
    lacks = dict(_lacks(problem, where))
    return [*_stages(problem, where, lacks, plan), *_shortfalls(lacks, plan.shortfalls)]


def values(problem: Problem, where: Where) -> dict[str, float]:
    """The value of every stage for these placements (person, block) -> site."""
    lacks = dict(_lacks(problem, where))
    kinds = ("coverage", "placement", "competence", "education")
    found = {kind: math.fsum(v for k, v in lacks.items() if k[0] == kind) for kind in kinds}
    found["continuity"] = float(sum(_moves(problem, person, where) for person in problem.people))
    points = 0
    for (name, _), site in where.items():
        person = next(one for one in problem.people if one.id == name)
        points += person.prefers.get(site, 0)
    found["preference"] = float(points)
    return found


def available(problem: Problem, person: Person, block: int) -> bool:
    """Whether a person is there for more than half of the weekdays of a block."""
    there = away = 0
    length = 7 * problem.weeks
    for day in range(problem.start + (block - 1) * length, problem.start + block * length):
        if (day + MONDAY_OFFSET) % 7 < 5:
            if any(one.first <= day <= one.last for one in person.leave):
                away += 1
            else:
                there += 1
    return there > away


def _holds_throughout(problem: Problem, person: Person, competency: str, block: int) -> bool:
    length = 7 * problem.weeks
    days = range(problem.start + (block - 1) * length, problem.start + block * length)
    for held in person.competencies:
        if held.competency == competency and all(
            (held.since is None or day >= held.since) and (held.until is None or day < held.until)
            for day in days
        ):
            return True
    return False


def _hard(problem: Problem, plan: Plan) -> Iterator[str]:
    people = {person.id: person for person in problem.people}
    sites = {site.id: site for site in problem.sites}
    at: dict[tuple[str, int], list[str]] = defaultdict(list)
    full: dict[tuple[str, int], int] = defaultdict(int)
    for a in plan.assignments:
        if a.person not in people or a.site not in sites or not 1 <= a.block <= problem.blocks:
            yield f"A placement is of somebody, somewhere or a block that the problem does not have: {a.person}, block {a.block}, {a.site}."
            continue
        at[a.person, a.block].append(a.site)
        full[a.site, a.block] += 1
        if not available(problem, people[a.person], a.block):
            yield f"{a.person} is placed at {a.site} in block {a.block}, but is away."
        for competency in sites[a.site].requires:
            if not _holds_throughout(problem, people[a.person], competency, a.block):
                yield f"{a.person} is placed at {a.site} in block {a.block} without {competency}."
    for (person, block), places in at.items():
        if len(places) > 1:
            yield f"{person} is placed {len(places)} times in block {block}."
    for (name, block), count in full.items():
        most = sites[name].maximum_people
        if most is not None and count > most:
            yield f"{name} takes {most} people and has {count} in block {block}."
    for one in problem.fixed:
        if one.site not in at[one.person, one.block]:
            yield f"{one.person} was to be at {one.site} in block {one.block} and is not."


def _lacks(problem: Problem, where: Where) -> Iterator[tuple[tuple[str, str, int, str], float]]:
    """(kind, site or person, block, what) and how much is missing, where anything is."""
    blocks = range(1, problem.blocks + 1)
    for site in problem.sites:
        for block in blocks:
            yield from _site_lacks(problem, where, site, block)
    for person in problem.people:
        for block in blocks:
            if available(problem, person, block) and (person.id, block) not in where:
                yield ("placement", person.id, block, ""), 1.0
        if person.rotates:
            for sector, need in problem.education.items():
                seen = 0
                for site in problem.sites:
                    if site.sector == sector:
                        seen += sum(where.get((person.id, block)) == site.id for block in blocks)
                if seen < need:
                    yield ("education", person.id, 0, sector), float(need - seen)


def _site_lacks(
    problem: Problem, where: Where, site: Site, block: int
) -> Iterator[tuple[tuple[str, str, int, str], float]]:
    there = [p for p in problem.people if where.get((p.id, block)) == site.id]
    short = site.minimum_wte - sum(p.wte for p in there)
    if short > 0:
        yield ("coverage", site.id, block, ""), short / 100
    for competency, need in site.needs.items():
        having = sum(_holds_throughout(problem, p, competency, block) for p in there)
        if having < need:
            yield ("competence", site.id, block, competency), float(need - having)


def _moves(problem: Problem, person: Person, where: Where) -> int:
    """Changes between the blocks in which somebody is available; without a place counts as one."""
    blocks = [b for b in range(1, problem.blocks + 1) if available(problem, person, b)]
    path = [where.get((person.id, block)) for block in blocks]
    if person.now is not None and path:
        path.insert(0, person.now)
    moves = 0
    for i in range(1, len(path)):
        if path[i] is None or path[i - 1] is None or path[i] != path[i - 1]:
            moves += 1
    return moves


def _stages(
    problem: Problem, where: Where, lacks: dict[tuple[str, str, int, str], float], plan: Plan
) -> Iterator[str]:
    names = [stage.name for stage in plan.stages]
    expected = ["coverage", "placement", "competence", "education", "continuity", "preference"]
    if names != expected:
        yield f"The stages should be {', '.join(expected)}, in this order; found {', '.join(names)}."
        return
    found = values(problem, where)
    for stage in plan.stages:
        if abs(stage.value - found[stage.name]) > 0.001:
            yield (
                f"The plan says {stage.name} is {stage.value:g}; its placements give "
                f"{found[stage.name]:g}."
            )
        gap = stage.value - stage.bound
        if (-gap if stage.name == "preference" else gap) < -0.001:
            yield (
                f"The plan's {stage.name} ({stage.value:g}) is better than the bound it claims "
                f"({stage.bound:g})."
            )
    proven = all(abs(stage.value - stage.bound) < 0.001 for stage in plan.stages)
    if proven != (plan.status == "optimal"):
        yield f"The status is {plan.status}, which the bounds do not bear out."


def _shortfalls(
    lacks: dict[tuple[str, str, int, str], float], said: tuple[Shortfall, ...]
) -> Iterator[str]:
    given: dict[tuple[str, str, int, str], float] = {}
    for one in said:
        key = one.key[:4]
        if key in given:
            yield f"A shortfall is listed twice: {' '.join(map(str, key))}."
        given[key] = one.short
    for key in sorted({*lacks, *given}):
        if abs(lacks.get(key, 0) - given.get(key, 0)) > 0.001:
            kind, who, block, what = key
            at = f" in block {block}" if block else ""
            yield (
                f"Shortfall of {kind} at {who}{at}{' ' + what if what else ''}: the plan says "
                f"{given.get(key, 0):g}, its placements give {lacks.get(key, 0):g}."
            )


def _infeasible(problem: Problem, plan: Plan) -> Iterator[str]:
    """Infeasible is right only where the placements already decided break a hard rule."""
    if plan.assignments or plan.stages or plan.shortfalls:
        yield "A plan that is infeasible has no placements, stages or shortfalls."
    if not plan.conflicts:
        yield "A plan that is infeasible says why, in its conflicts."
    fixed = tuple(dict.fromkeys(problem.fixed))
    if not list(_hard(problem, Plan("feasible", (), fixed))):
        yield "The plan is called infeasible, but the placements already decided agree."

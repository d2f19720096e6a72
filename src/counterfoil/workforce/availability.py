"""Who is there in a block, and what they may do then."""

from __future__ import annotations

from counterfoil.foundation.days import to_date
from counterfoil.workforce.model import Person, Problem, Site


def away(problem: Problem, person: Person) -> frozenset[int]:
    """Blocks in which leave takes at least half of the weekdays: no placement is made in these."""
    found = set()
    for block in range(1, problem.blocks + 1):
        first = problem.first_day(block)
        days = range(first, first + 7 * problem.weeks)
        weekdays = [day for day in days if to_date(day).weekday() < 5]
        off = sum(any(one.first <= day <= one.last for one in person.leave) for day in weekdays)
        if 2 * off >= len(weekdays):
            found.add(block)
    return frozenset(found)


def holds(problem: Problem, person: Person, competency: str, block: int) -> bool:
    """Whether a competency is in force for the whole of a block."""
    first, after = problem.first_day(block), problem.first_day(block + 1)
    return any(
        one.competency == competency
        and (one.since is None or one.since <= first)
        and (one.until is None or one.until >= after)
        for one in person.competencies
    )


def able(problem: Problem, person: Person, site: Site, block: int) -> bool:
    """Whether a person holds everything that a site requires of everybody, in a block."""
    return all(holds(problem, person, one, block) for one in site.requires)

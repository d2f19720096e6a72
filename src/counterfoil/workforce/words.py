"""What a plan lacks and what stands in its way, in words that name people, sites and dates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from counterfoil.foundation import days
from counterfoil.workforce.availability import able, away, holds
from counterfoil.workforce.model import Person, Placement, Problem, Shortfall, Site, whole


def when(problem: Problem, block: int) -> str:
    """A block with its dates: ``block 3 (1 March 2027 to 28 March 2027)``."""
    first, last = problem.first_day(block), problem.first_day(block + 1) - 1
    return f"block {block} ({days.words(first)} to {days.words(last)})"


def contradictions(problem: Problem) -> list[str]:
    """Placements already decided that cannot hold together: the only way to have no plan at all.

    Without them nobody anywhere is a plan, a poor one; so these are all there can be.
    """
    return list(_contradictions(problem))


def _contradictions(problem: Problem) -> Iterator[str]:
    people = {person.id: person for person in problem.people}
    sites = {site.id: site for site in problem.sites}
    for one in problem.fixed:
        person, site, at = people[one.person], sites[one.site], when(problem, one.block)
        said = f"{person.name} is to be at {site.name} in {at}"
        if one.block in away(problem, person):
            yield f"{said}, but is away for half of it or more."
        for competency in sorted(site.requires):
            if not holds(problem, person, competency, one.block):
                yield (
                    f"{said}, where everybody must hold the competency {competency}; "
                    "it is not signed off for the whole of that block."
                )
    for (who, block), count in Counter((p.person, p.block) for p in set(problem.fixed)).items():
        if count > 1:
            yield f"{people[who].name} is to be at {count} sites in {when(problem, block)}."
    for (where, block), count in Counter((p.site, p.block) for p in set(problem.fixed)).items():
        most = sites[where].maximum_people
        if most is not None and count > most:
            yield (
                f"{count} people are to be at {sites[where].name} in {when(problem, block)}; "
                f"it takes {most}."
            )


def conflicts(problem: Problem) -> list[str]:
    """What no plan could mend: nobody there, nobody able, too few hours for all the sites."""
    return list(_conflicts(problem))


def _conflicts(problem: Problem) -> Iterator[str]:
    everyone = range(1, problem.blocks + 1)
    free = {p.id: set(everyone) - away(problem, p) for p in problem.people}
    for person in problem.people:
        if not free[person.id]:
            yield f"{person.name} is away for the whole of the plan, so has no placement."
        elif not any(
            able(problem, person, site, block)
            for site in problem.sites
            for block in free[person.id]
        ):
            yield f"{person.name} holds what no site requires, so has no placement."
    for site in problem.sites:
        may = [p for p in problem.people if any(able(problem, p, site, b) for b in everyone)]
        if not may and (site.minimum_wte or site.needs):
            asked = ", ".join(sorted(site.requires)) or "anything"
            yield f"Nobody may work at {site.name}: nobody holds all of what it requires ({asked})."
    need = sum(site.minimum_wte for site in problem.sites)
    for block in everyone:
        there = sum(person.wte for person in problem.people if block in free[person.id])
        if there < need:
            off = [person.name for person in problem.people if block not in free[person.id]]
            who = f" Away: {_names(off)}." if off else ""
            yield (
                f"In {when(problem, block)} the sites need {_wte(need)} and {_wte(there)} are "
                f"there, so at least {_wte(need - there)} will be short.{who}"
            )


def shortfalls(problem: Problem, placed: Sequence[Placement]) -> list[Shortfall]:
    """Everything needed that these placements do not give, by kind, site or person, and block."""
    return [
        *_coverage(problem, placed),
        *_placement(problem, placed),
        *_competence(problem, placed),
        *_education(problem, placed),
    ]


def _there(problem: Problem, placed: Sequence[Placement], site: Site, block: int) -> list[Person]:
    ids = {p.person for p in placed if p.site == site.id and p.block == block}
    return [person for person in problem.people if person.id in ids]


def _coverage(problem: Problem, placed: Sequence[Placement]) -> Iterator[Shortfall]:
    for site in problem.sites:
        for block in range(1, problem.blocks + 1):
            there = _there(problem, placed, site, block)
            wte = sum(person.wte for person in there)
            if wte < site.minimum_wte:
                text = (
                    f"{site.name}, {when(problem, block)}: {_wte(site.minimum_wte)} needed, "
                    f"{_wte(wte)} placed{_by(there)}."
                )
                short = (site.minimum_wte - wte) / 100
                yield Shortfall("coverage", short, text, block=block, site=site.id)


def _placement(problem: Problem, placed: Sequence[Placement]) -> Iterator[Shortfall]:
    has = {(p.person, p.block) for p in placed}
    for person in problem.people:
        off = away(problem, person)
        for block in range(1, problem.blocks + 1):
            if block not in off and (person.id, block) not in has:
                text = (
                    f"{person.name} has no place in {when(problem, block)}: every site is full "
                    "or requires what they do not hold."
                )
                yield Shortfall("placement", 1, text, block=block, person=person.id)


def _competence(problem: Problem, placed: Sequence[Placement]) -> Iterator[Shortfall]:
    for site in problem.sites:
        for competency, people in site.needs.items():
            for block in range(1, problem.blocks + 1):
                there = _there(problem, placed, site, block)
                have = [p for p in there if holds(problem, p, competency, block)]
                if len(have) < people:
                    text = (
                        f"{site.name}, {when(problem, block)}: {_people(people)} with {competency} "
                        f"needed, {len(have)} there{_by(have)}."
                    )
                    short = people - len(have)
                    yield Shortfall(
                        "competence", short, text, block=block, site=site.id, what=competency
                    )


def _education(problem: Problem, placed: Sequence[Placement]) -> Iterator[Shortfall]:
    sectors = {site.id: site.sector for site in problem.sites}
    for person in problem.people:
        for sector, need in problem.education.items():
            seen = sum(p.person == person.id and sectors[p.site] == sector for p in placed)
            if person.rotates and seen < need:
                text = (
                    f"{person.name} needs {_blocks(need)} in {sector} care and has {seen} "
                    "in this plan."
                )
                yield Shortfall("education", need - seen, text, person=person.id, what=sector)


def _wte(hundredths: int) -> str:
    return f"{whole(hundredths / 100)} WTE"


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count} people"


def _blocks(count: int) -> str:
    return "1 block" if count == 1 else f"{count} blocks"


def _by(people: Sequence[Person]) -> str:
    return f" ({_names([person.name for person in people])})" if people else ""


def _names(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"

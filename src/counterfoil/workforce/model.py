"""A rotation to be planned, and a plan of it. Data only: the planner and the checker each read it
with their own code.

Blocks are numbered from 1. Whole-time equivalents (WTE) are whole hundredths, so that sums are
exact. Days are day numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Sector = Literal["acute", "primary"]
SECTORS: tuple[Sector, ...] = ("acute", "primary")
Status = Literal["optimal", "feasible", "infeasible"]
StageName = Literal["coverage", "placement", "competence", "education", "continuity", "preference"]
STAGES: tuple[StageName, ...] = (
    "coverage",
    "placement",
    "competence",
    "education",
    "continuity",
    "preference",
)
"""In this order: an earlier stage is never made worse for a later one."""


@dataclass(frozen=True, slots=True)
class Held:
    """A competency signed off for a person, in force from ``since`` up to, not including,
    ``until``; None: no such end."""

    competency: str
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Leave:
    """Days on which a person is away, first and last both included."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody to be placed. ``prefers``: a score of -3 to 3 for a site. ``now``: the site of the
    block before the plan begins. A person who ``rotates`` should see every sector."""

    id: str
    name: str
    wte: int = 100
    rotates: bool = True
    competencies: tuple[Held, ...] = ()
    leave: tuple[Leave, ...] = ()
    prefers: Mapping[str, int] = field(default_factory=dict)
    now: str | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """A place of work. Everybody there must hold what it ``requires``; of what it ``needs``, at
    least so many people should hold it at once."""

    id: str
    name: str
    sector: Sector
    minimum_wte: int = 0
    maximum_people: int | None = None
    requires: frozenset[str] = frozenset()
    needs: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Placement:
    """A person at a site for a block."""

    person: str
    block: int
    site: str

    def to_json(self) -> dict[str, Any]:
        """As design section 9 ``rota plan``."""
        return {"person": self.person, "block": self.block, "site": self.site}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is to be planned. ``education``: blocks in each sector that a rotator needs."""

    start: int
    blocks: int
    weeks: int
    people: tuple[Person, ...]
    sites: tuple[Site, ...]
    fixed: tuple[Placement, ...] = ()
    education: Mapping[str, int] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """People times blocks times sites: how many placements there could be."""
        return len(self.people) * self.blocks * len(self.sites)

    def first_day(self, block: int) -> int:
        """The first day of a block (numbered from 1)."""
        return self.start + (block - 1) * 7 * self.weeks

    def block_of(self, day: int) -> int | None:
        """The block that a day lies in; None outside the plan."""
        block = (day - self.start) // (7 * self.weeks) + 1
        return block if 1 <= block <= self.blocks else None


@dataclass(frozen=True, slots=True)
class Stage:
    """What a stage reached, the best that could be (proven), and the time it took.

    All but ``preference`` are made small. ``coverage`` is in WTE-blocks, ``placement`` in
    person-blocks without a place, ``competence`` in missing people, ``education`` in missing
    blocks, ``continuity`` in moves, ``preference`` in points.
    """

    name: StageName
    value: float
    bound: float
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """As design section 9 ``rota plan``."""
        return {
            "name": self.name,
            "value": whole(self.value),
            "bound": whole(self.bound),
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Something needed that the plan does not give. ``person`` or ``site`` says whose."""

    kind: Literal["coverage", "placement", "competence", "education"]
    short: float
    text: str
    block: int | None = None
    site: str | None = None
    person: str | None = None
    what: str | None = None
    """The competency or the sector."""

    @property
    def key(self) -> tuple[str, str, int, str, float]:
        """What it is about, without the words."""
        who = self.site or self.person or ""
        return self.kind, who, self.block or 0, self.what or "", round(self.short, 2)

    def to_json(self) -> dict[str, Any]:
        """As ``rota-plan.schema.json``."""
        return {
            "kind": self.kind,
            "site": self.site,
            "person": self.person,
            "block": self.block,
            "what": self.what,
            "short": whole(self.short),
            "text": self.text,
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan: who is where in each block, what it reached, what is short and why."""

    status: Status
    stages: tuple[Stage, ...]
    assignments: tuple[Placement, ...]
    shortfalls: tuple[Shortfall, ...] = ()
    conflicts: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As design section 9 ``rota plan``."""
        return {
            "status": self.status,
            "stages": [stage.to_json() for stage in self.stages],
            "assignments": [placement.to_json() for placement in self.assignments],
            "shortfalls": [shortfall.to_json() for shortfall in self.shortfalls],
            "conflicts": list(self.conflicts),
        }

    def sites_on(self, problem: Problem, person: str, day: int) -> str | None:
        """The site at which a person is placed on a day; None where they have no place."""
        block = problem.block_of(day)
        for one in self.assignments:
            if one.person == person and one.block == block:
                return one.site
        return None


def whole(value: float) -> float | int:
    """A number without a decimal point where it needs none."""
    rounded = round(value, 2)
    return int(rounded) if float(rounded).is_integer() else rounded

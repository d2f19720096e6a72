"""Rotation plans by CP-SAT, in stages: each stage's result is kept while the next is improved.

A fixed seed and limits in the solver's own deterministic time: with one version of
OR-Tools the same problem gives the same plan on any machine. Where a stage is cut off before its proof the status is ``feasible``
and the bound says how much better it might have been.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Protocol

from counterfoil.foundation.errors import UsageError
from counterfoil.workforce import words
from counterfoil.workforce.availability import able, away, holds
from counterfoil.workforce.model import (
    STAGES,
    Person,
    Placement,
    Plan,
    Problem,
    Shortfall,
    Site,
    Stage,
    StageName,
    Status,
)

EFFORT = 1.5
"""Deterministic seconds allowed to each stage of a problem of up to 600 person-block-sites; larger
problems get more in proportion."""
DOWN = frozenset(STAGES) - {"preference"}
HARD = ("continuity", "preference")


class Heard(Protocol):
    """Called before each stage with its name and the share of stages done."""

    def __call__(self, stage: str, done: float, /) -> None: ...


def plan(
    problem: Problem, *, seed: int = 1, effort: float | None = None, heard: Heard | None = None
) -> Plan:
    """The best plan found, stage by stage; ``infeasible`` only where decided placements contradict.

    Needs the extra ``rota`` (OR-Tools); ``UsageError`` says so where it is not installed.
    """
    contradictions = words.contradictions(problem)
    if contradictions:
        return Plan("infeasible", (), (), (), tuple(contradictions))
    model = _Model(problem)
    if effort is None:
        effort = EFFORT * max(1.0, problem.size / 600)
    stages: list[Stage] = []
    hint: Mapping[Any, int] = {}
    for number, name in enumerate(STAGES):
        if heard is not None:
            heard(name, number / len(STAGES))
        stage, hint = model.improve(name, hint, seed, effort)
        stages.append(stage)
    placed = tuple(
        Placement(person.id, block, site.id)
        for person in problem.people
        for block in range(1, problem.blocks + 1)
        for site in problem.sites
        if hint.get((person.id, block, site.id))
    )
    shortfalls = words.shortfalls(problem, placed)
    reached = _reached(problem, placed, shortfalls)
    # a stage that was cut off may have been bettered by a later one
    stages = [replace(stage, value=reached[stage.name]) for stage in stages]
    proven = all(abs(stage.value - stage.bound) < 0.001 for stage in stages)
    said = words.conflicts(problem)
    status: Status = "optimal" if proven else "feasible"
    return Plan(status, tuple(stages), placed, tuple(shortfalls), tuple(said))


def _reached(
    problem: Problem, placed: Sequence[Placement], shortfalls: Sequence[Shortfall]
) -> dict[StageName, float]:
    """What each stage comes to with these placements."""
    found: dict[StageName, float] = dict.fromkeys(STAGES, 0.0)
    for one in shortfalls:
        found[one.kind] += one.short
    where = {(one.person, one.block): one.site for one in placed}
    for person in problem.people:
        off = away(problem, person)
        path = [
            where.get((person.id, block))
            for block in range(1, problem.blocks + 1)
            if block not in off
        ]
        if person.now is not None and path:
            path = [person.now, *path]
        found["continuity"] += sum(a is None or b is None or a != b for a, b in pairwise(path))
    prefers = {person.id: person.prefers for person in problem.people}
    found["preference"] = float(sum(prefers[one.person].get(one.site, 0) for one in placed))
    return {name: round(value, 2) for name, value in found.items()}


class _Model:
    """The problem as CP-SAT sees it."""

    def __init__(self, problem: Problem) -> None:
        try:
            from ortools.sat.python import cp_model
        except ImportError:
            raise UsageError(
                "a rotation plan needs OR-Tools: install counterfoil with the extra rota"
            ) from None
        self.cp: Any = cp_model
        self.problem = problem
        self.model: Any = cp_model.CpModel()
        off = {person.id: away(problem, person) for person in problem.people}
        self.free = {
            person.id: [
                block for block in range(1, problem.blocks + 1) if block not in off[person.id]
            ]
            for person in problem.people
        }
        self.x = self._places()
        self.lacking: dict[str, list[Any]] = {}
        self._hard()
        self.sums = {
            "coverage": self._coverage(),
            "placement": self._placement(),
            "competence": self._competence(),
            "education": self._education(),
            "continuity": self._continuity(),
            "preference": self._preference(),
        }

    def improve(
        self, name: Any, hint: Mapping[Any, int], seed: int, effort: float
    ) -> tuple[Stage, dict[Any, int]]:
        """Solve one stage and hold its value from now on."""
        total = self.sums[name]
        self.model.clear_hints()
        for key, var in self.x.items():
            if key in hint:
                self.model.add_hint(var, hint[key])
        if name in DOWN:
            self.model.minimize(total)
        else:
            self.model.maximize(total)
        solver = self.cp.CpSolver()
        # several searches that take turns find better plans of the last two kinds; taking turns
        # by the solver's own clock keeps them deterministic
        solver.parameters.num_workers = 3 if name in HARD else 1
        solver.parameters.interleave_search = name in HARD
        solver.parameters.random_seed = seed
        solver.parameters.linearization_level = 2
        solver.parameters.max_deterministic_time = effort
        status = solver.solve(self.model)
        if status not in (self.cp.OPTIMAL, self.cp.FEASIBLE):
            # the hint of the stage before is a solution, so only a first stage can come to this
            raise UsageError("no plan was found in the time allowed; allow more with --effort")
        value, bound = round(solver.objective_value), round(solver.best_objective_bound)
        if status == self.cp.OPTIMAL:
            bound = value
        if name in DOWN:
            self.model.add(total <= value)
        unit = 100 if name == "coverage" else 1
        stage = Stage(name, value / unit, bound / unit, solver.wall_time)
        return stage, {key: solver.value(var) for key, var in self.x.items()}

    def _places(self) -> dict[Any, Any]:
        return {
            (person.id, block, site.id): self.model.new_bool_var(f"{person.id}@{site.id}:{block}")
            for person in self.problem.people
            for block in self.free[person.id]
            for site in self.problem.sites
            if able(self.problem, person, site, block)
        }

    def _at(self, site: Site, block: int) -> list[tuple[Person, Any]]:
        keys = [(person, (person.id, block, site.id)) for person in self.problem.people]
        return [(person, self.x[key]) for person, key in keys if key in self.x]

    def _of(self, person: Person, block: int) -> list[tuple[Site, Any]]:
        keys = [(site, (person.id, block, site.id)) for site in self.problem.sites]
        return [(site, self.x[key]) for site, key in keys if key in self.x]

    def _hard(self) -> None:
        for person in self.problem.people:
            for block in self.free[person.id]:
                self.model.add_at_most_one(var for _, var in self._of(person, block))
        for site in self.problem.sites:
            if site.maximum_people is not None:
                for block in range(1, self.problem.blocks + 1):
                    self.model.add(
                        sum(var for _, var in self._at(site, block)) <= site.maximum_people
                    )
        for one in self.problem.fixed:
            self.model.add(self.x[one.person, one.block, one.site] == 1)

    def _lack(self, need: int, there: Any) -> Any:
        short = self.model.new_int_var(0, need, "")
        self.model.add(short + there >= need)
        return short

    def _coverage(self) -> Any:
        return sum(
            self._lack(site.minimum_wte, sum(p.wte * var for p, var in self._at(site, block)))
            for site in self.problem.sites
            if site.minimum_wte
            for block in range(1, self.problem.blocks + 1)
        )

    def _placement(self) -> Any:
        blocks = sum(len(free) for free in self.free.values())
        return blocks - sum(self.x.values())

    def _competence(self) -> Any:
        return sum(
            self._lack(
                people,
                sum(
                    var
                    for person, var in self._at(site, block)
                    if holds(self.problem, person, competency, block)
                ),
            )
            for site in self.problem.sites
            for competency, people in site.needs.items()
            for block in range(1, self.problem.blocks + 1)
        )

    def _education(self) -> Any:
        lacks = []
        for person in self.problem.people:
            for sector, blocks in self.problem.education.items():
                if person.rotates and blocks:
                    seen = [
                        var
                        for block in self.free[person.id]
                        for site, var in self._of(person, block)
                        if site.sector == sector
                    ]
                    lacks.append(self._lack(blocks, sum(seen)))
                    self.lacking.setdefault(person.id, []).append(lacks[-1])
        return sum(lacks)

    def _continuity(self) -> Any:
        moves = []
        for person in self.problem.people:
            free = self.free[person.id]
            own = [self._move(person, one, other) for one, other in pairwise(free)]
            lacking = self.lacking.get(person.id, [])
            if len(lacking) > 1:
                # who lacks in neither sector has seen both, so has moved: a bound that the
                # solver does not find by itself
                self.model.add(sum(own) >= 1 - sum(lacking))
            moves.extend(own)
            if free and person.now is not None:
                stay = self.x.get((person.id, free[0], person.now))
                moves.append(1 if stay is None else 1 - stay)
        return sum(moves)

    def _move(self, person: Person, one: int, other: int) -> Any:
        """1 unless the person is at one and the same site in both blocks."""
        stays = []
        for site in self.problem.sites:
            before = self.x.get((person.id, one, site.id))
            after = self.x.get((person.id, other, site.id))
            if before is not None and after is not None:
                stay = self.model.new_bool_var("")
                self.model.add(stay <= before)
                self.model.add(stay <= after)
                stays.append(stay)
        move = self.model.new_bool_var("")
        self.model.add(move + sum(stays) == 1)
        return move

    def _preference(self) -> Any:
        scores = {p.id: p.prefers for p in self.problem.people}
        return sum(scores[key[0]].get(key[2], 0) * var for key, var in self.x.items())

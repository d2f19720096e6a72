"""``rota``: who should be where, and whether a plan is what it says it is."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from counterfoil.commands import team
from counterfoil.commands.common import (
    Subparsers,
    command,
    formats,
    group,
    progress,
    show_json,
    table,
)
from counterfoil.foundation.days import words
from counterfoil.foundation.errors import UsageError
from counterfoil.workforce.model import Plan, Problem, whole


def add(to: Subparsers) -> None:
    """The commands of this module."""
    rota = group(to, "rota", "Rotation plans across acute and primary care")
    plan = command(
        rota,
        "plan",
        _plan,
        "Plan a rotation in blocks: coverage first, then what people need and prefer",
        "counterfoil rota plan docs/reference/examples/rota.toml --format json > plan.json",
    )
    _problem(plan)
    plan.add_argument("--seed", type=int, default=1, help="the same seed gives the same plan")
    plan.add_argument(
        "--effort",
        type=float,
        default=None,
        metavar="N",
        help="deterministic seconds allowed to each stage (else 1.5, more for large problems)",
    )
    formats(plan, "table", "json")
    team.add_rota(rota)
    check = command(
        rota,
        "check",
        _check,
        "Check a plan by code that shares nothing with the planner",
        "counterfoil rota check docs/reference/examples/rota.toml plan.json",
    )
    _problem(check)
    check.add_argument(
        "plan", type=Path, metavar="PLAN", help="as rota plan --format json wrote it"
    )
    formats(check, "table", "json")


def _problem(to: argparse.ArgumentParser) -> None:
    to.add_argument(
        "file", type=Path, metavar="FILE", help="a .toml or .json file, or a folder of CSV files"
    )


def _plan(args: argparse.Namespace) -> int:
    from counterfoil.workforce import files, plan

    if args.effort is not None and not 0 < args.effort <= 3600:
        raise UsageError("--effort must be more than 0 and at most 3600")
    if not 0 <= args.seed < 2**31:
        raise UsageError("--seed must be 0 to 2147483647")
    problem = files.read_problem(args.file)
    made = plan.plan(problem, seed=args.seed, effort=args.effort, heard=progress)
    progress("planned", 1)
    if args.format == "json":
        show_json(made.to_json())
    else:
        _say(problem, made)
    return 1 if made.status == "infeasible" else 0


def _say(problem: Problem, made: Plan) -> None:
    for conflict in made.conflicts:
        print(conflict)
    if made.status == "infeasible":
        print("So there is no plan.")
        return
    where = {(one.person, one.block): one.site for one in made.assignments}
    rows = [
        {
            "person": person.name,
            **{
                str(block): where.get((person.id, block), "-")
                for block in range(1, problem.blocks + 1)
            },
        }
        for person in problem.people
    ]
    print(table(rows, list(rows[0])))
    print(f"Block 1 begins on {words(problem.start)}; a block is {problem.weeks} weeks.\n")
    stages = [
        {
            "stage": stage.name,
            "value": whole(stage.value),
            "best possible": whole(stage.bound),
            "proven": "yes" if abs(stage.value - stage.bound) < 0.001 else "not yet",
            "seconds": f"{stage.seconds:.1f}",
        }
        for stage in made.stages
    ]
    print(table(stages, list(stages[0])))
    for shortfall in made.shortfalls:
        print(f"Short: {shortfall.text}")


def _check(args: argparse.Namespace) -> int:
    from counterfoil.workforce import check, files

    faults = check.check(files.read_problem(args.file), files.read_plan(args.plan))
    if args.format == "json":
        show_json({"right": not faults, "faults": faults})
    else:
        for fault in faults:
            print(fault, file=sys.stderr)
        if not faults:
            print("The plan keeps every hard rule, and its figures are what its placements give.")
    return 1 if faults else 0

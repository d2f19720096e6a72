"""``rota publish`` and ``evidence register``: the plan and the protocol that the pages go by."""

from __future__ import annotations

import argparse
import json
import tomllib
from pathlib import Path
from typing import Any

from counterfoil.commands.common import Subparsers, command, progress
from counterfoil.foundation.errors import DataError, UsageError


def add_rota(to: Subparsers) -> None:
    """The command among those of ``rota``."""
    publish = command(
        to,
        "publish",
        _publish,
        "Put a rotation plan on the team board of an organisation",
        "counterfoil rota publish rota.toml --organisation U12345",
    )
    publish.add_argument(
        "file", type=Path, metavar="FILE", help="the problem: a .toml or .json file"
    )
    publish.add_argument(
        "--plan", type=Path, metavar="PLAN", help="as rota plan --format json wrote it (else made)"
    )
    publish.add_argument("--organisation", required=True, metavar="CODE")


def add_evidence(to: Subparsers) -> None:
    """The command among those of ``evidence``."""
    register = command(
        to,
        "register",
        _register,
        "Check a pilot's protocol and keep it for the pilot page",
        "counterfoil evidence register protocol.toml --organisation U12345",
    )
    register.add_argument("protocol", type=Path, metavar="PROTOCOL", help="the protocol, TOML")
    register.add_argument("--organisation", required=True, metavar="CODE")


def _organisation(code: str) -> str:
    from counterfoil.service import commands

    commands.open_home()
    from counterfoil.service.organisations.models import Organisation

    place = Organisation.objects.filter(pk=code).first()
    if place is None:
        raise UsageError(f"there is no organisation {code} here")
    if place.parent_id:
        raise UsageError(f"{code} belongs to {place.parent_id}: give that instead")
    return str(place.pk)


def _publish(args: argparse.Namespace) -> int:
    if args.file.is_dir():
        raise UsageError("publish takes the problem as one .toml or .json file, not a folder")
    from counterfoil.workforce import check, files, plan

    problem = files.read_problem(args.file)
    if args.plan is None:
        made = plan.plan(problem, heard=progress)
        progress("planned", 1)
    else:
        made = files.read_plan(args.plan)
    if made.status == "infeasible":
        raise DataError.at(args.file.name, "a problem that has a plan", "; ".join(made.conflicts))
    faults = check.check(problem, made)
    if faults:
        raise DataError.at((args.plan or args.file).name, "a plan that is right", "; ".join(faults))
    code = _organisation(args.organisation)
    from counterfoil.service.team import kept

    kept.keep(code, _raw(args.file), made)
    print(
        f"The board of {code} shows this plan from now on: {len(problem.people)} people, "
        f"{len(problem.sites)} sites, {problem.blocks} blocks; {made.status}."
    )
    return 0


def _raw(path: Path) -> dict[str, Any]:
    text = path.read_text("utf-8-sig")
    return dict(json.loads(text) if path.suffix == ".json" else tomllib.loads(text))


def _register(args: argparse.Namespace) -> int:
    from counterfoil.evidence import protocol
    from counterfoil.evidence.series import read_text

    protocol.read(args.protocol)
    code = _organisation(args.organisation)
    from counterfoil.service.pilot import kept

    found = kept.register(code, read_text(args.protocol))
    print(f"{found.title}: registered for {code}, hash {found.sha256}.")
    return 0

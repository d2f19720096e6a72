"""The rotation plan that a PCN goes by: one file in the home, the problem beside its plan.

``team/<PCN code>.json`` is the plan as ``docs/reference/rota-plan.schema.json`` has it, with the
problem (``rota-problem.schema.json``) beside it. A person's id is their user name, a practice's site id its ODS
code: so the board knows who signs in, and Today which practice's work they open with.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from counterfoil.foundation import days
from counterfoil.foundation.errors import DataError
from counterfoil.service.config import home
from counterfoil.workforce import files
from counterfoil.workforce.model import Plan, Problem
from counterfoil.workforce.parse import parse_problem


@dataclass(frozen=True)
class Kept:
    """A problem and its plan."""

    problem: Problem
    plan: Plan

    def where(self, person: str, day: date) -> str | None:
        """The site at which somebody is placed on a day."""
        return self.plan.sites_on(self.problem, person, days.to_day(day))


def keep(organisation: str, raw: Mapping[str, Any], plan: Plan) -> None:
    """Keep the plan that a PCN goes by from now on, in place of the one before."""
    folder = home.current().folder / "team"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{organisation}.json"
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps({"problem": raw, **plan.to_json()}, default=str), "utf-8")
    partial.replace(path)


def kept(organisation: str) -> Kept | None:
    """The plan that a PCN goes by; ``None`` where it has none that can be read."""
    path = home.current().folder / "team" / f"{organisation}.json"
    try:
        return _read(path, path.stat().st_mtime_ns)
    except (OSError, DataError, ValueError, KeyError):
        return None


@lru_cache(maxsize=16)
def _read(path: Path, changed: int) -> Kept:
    said = json.loads(path.read_text("utf-8"))
    problem = parse_problem(said["problem"], path.name)
    return Kept(problem, files.read_plan(path))

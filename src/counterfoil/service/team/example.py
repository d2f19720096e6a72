"""The demo's rotation: eight people and six sites that do not exist, two of them the demo's practices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from counterfoil.foundation.errors import UsageError
from counterfoil.service.team import kept

EFFORT = 1.5
BEGUN = 2
"""Blocks that lie behind us."""
ACUTE: tuple[tuple[str, str, float, list[str], dict[str, int]], ...] = (
    ("NG-ADM", "Northgate, admissions", 1.0, ["history"], {}),
    ("NG-SURG", "Northgate, surgical ward", 0.8, ["history"], {}),
    ("NG-DISP", "Northgate, dispensary", 1.0, [], {"checking": 1}),
    ("NG-DIS", "Northgate, discharge team", 0.8, ["history"], {}),
    ("NG-CLIN", "Northgate, clinics", 0.6, [], {}),
)
PRACTICE_WTE = (1.4, 1.2, 1.0)
PRACTICE_NEEDS = ({"letters": 1}, {"letters": 1, "monitoring": 1}, {"letters": 1})


def make(organisation: str, practices: Sequence[tuple[str, str]], today: date) -> bool:
    """Plan the demo's year and keep it; False where the planner is not installed."""
    from counterfoil.workforce import plan
    from counterfoil.workforce.parse import parse_problem

    raw = problem(practices, today)
    try:
        made = plan.plan(parse_problem(raw, "the demo's rotation"), effort=EFFORT)
    except UsageError:
        return False
    kept.keep(organisation, raw, made)
    return True


def problem(practices: Sequence[tuple[str, str]], today: date) -> dict[str, Any]:
    """A year in blocks of four weeks that began eight weeks ago, as plain values."""
    here = list(practices)[:3]
    start = today - timedelta(days=today.weekday() + 7 * 4 * BEGUN)
    sites: list[dict[str, Any]] = [
        {
            "id": code,
            "name": name,
            "sector": "primary",
            "minimum_wte": PRACTICE_WTE[number],
            "maximum_people": 3,
            "needs": PRACTICE_NEEDS[number],
        }
        for number, (code, name) in enumerate(here)
    ]
    sites += [
        {
            "id": code,
            "name": name,
            "sector": "acute",
            "minimum_wte": need,
            "maximum_people": 3,
            "requires": requires,
            "needs": needs,
        }
        for code, name, need, requires, needs in ACUTE[: 6 - len(here)]
    ]
    first, second = here[0][0], here[-1][0]
    return {
        "rota": {
            "start": start.isoformat(),
            "blocks": 13,
            "weeks": 4,
            "education": {"acute": 3, "primary": 3},
        },
        "site": sites,
        "person": _people(start, first, second),
        "placement": [{"person": "tess", "block": BEGUN + 1, "site": first}],
    }


def _people(start: date, first: str, second: str) -> list[dict[str, Any]]:
    def on(block: int, day: int = 0) -> str:
        return (start + timedelta(days=28 * (block - 1) + day)).isoformat()

    def person(name: str, family: str, holds: list[Any], **more: Any) -> dict[str, Any]:
        full = f"{name.capitalize()} {family}"
        return {"id": name, "name": full, "competencies": holds, **more}

    basic = ["history", "letters"]
    return [
        person("tess", "Technician", [*basic, "monitoring", "checking"], prefers={first: 3}),
        person("tom", "Sample", basic, wte=0.8, leave=[{"from": on(8), "to": on(8, 27)}]),
        person("ada", "Example", [*basic, "monitoring"], prefers={second: 3}),
        person(
            "ben", "Madeup", ["letters", "monitoring"], wte=0.6, rotates=False, prefers={second: 2}
        ),
        person("cleo", "Sample", ["history", "checking", {"competency": "letters", "from": on(5)}]),
        person("dev", "Example", [*basic, {"competency": "monitoring", "to": on(10)}], wte=0.9),
        person(
            "ella",
            "Madeup",
            ["checking", *basic],
            leave=[{"from": on(11), "to": on(13, 27)}],
            prefers={"NG-DISP": 1},
        ),
        person("finn", "Sample", ["history", "checking"], leave=[{"from": on(4), "to": on(4, 20)}]),
    ]

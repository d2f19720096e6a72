"""Problems, plans and protocols with something spoilt in them: a right answer or words, never else."""

from __future__ import annotations

import copy
import json
import random
import tomllib
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from counterfoil.evidence import protocol
from counterfoil.foundation.errors import DataError
from counterfoil.workforce.check import check
from counterfoil.workforce.files import read_plan, read_problem
from counterfoil.workforce.parse import parse_problem
from support import ROOT

REFERENCE = ROOT / "docs" / "reference"
ODD: list[Any] = [
    *(None, 0, -1, 1.5, True, "", "x", "2027-01-01", "a" * 500, float("nan"), float("inf")),
    *([], {}, [1], ["a"], {"a": 1}, [{}], [[]], 10**30),
    *(date(2027, 1, 1), datetime(2027, 1, 1)),  # noqa: DTZ001  (TOML has times without zones)
]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    if isinstance(value, dict):
        for key, one in value.items():
            yield from places(one, (*path, key))
    elif isinstance(value, list):
        for i, one in enumerate(value):
            yield from places(one, (*path, i))


def spoilt(value: Any, draw: random.Random) -> Any:
    value = copy.deepcopy(value)
    for _ in range(draw.choice((1, 1, 2, 4))):
        found = list(places(value))
        if not found:
            break
        path, part = draw.choice(found), value
        for key in path[:-1]:
            part = part[key]
        if draw.random() < 0.2:
            del part[path[-1]]
        else:
            part[path[-1]] = copy.deepcopy(draw.choice(ODD))
    return value


def toml(name: str) -> dict[str, Any]:
    return tomllib.loads((REFERENCE / "examples" / name).read_text("utf-8"))


def rota() -> dict[str, Any]:
    raw = toml("rota.toml")
    raw["competency"] = [{"person": "t1", "competency": "x", "from": date(2027, 1, 1)}]
    raw["need"] = [{"site": "riverside", "competency": "x", "people": 1}]
    raw["leave"] = [{"person": "t1", "from": date(2027, 1, 1), "to": date(2027, 1, 2)}]
    raw["preference"] = [{"person": "t1", "site": "riverside", "score": 1}]
    return raw


@pytest.mark.slow
@pytest.mark.parametrize(
    ("read", "right"),
    [(parse_problem, rota()), (protocol.parse, toml("protocol.toml"))],
    ids=["rota", "protocol"],
)
def test_a_spoilt_file_is_read_or_answered_in_words(
    read: Callable[[Any, str], Any], right: dict[str, Any]
) -> None:
    draw, refused = random.Random(3), []
    read(right, "file")
    for _ in range(1500):
        try:
            read(spoilt(right, draw), "file")
        except DataError as error:
            refused.append(error.problems)
    assert len(refused) > 500
    assert all(one.place.startswith("file") for problems in refused for one in problems)


def test_a_spoilt_plan_is_refused_or_faulted(tmp_path: Path) -> None:
    schema = json.loads((REFERENCE / "rota-plan.schema.json").read_text("utf-8"))
    problem = read_problem(REFERENCE / "examples" / "rota")
    draw, path, refused = random.Random(4), tmp_path / "plan.json", 0
    for _ in range(600):
        path.write_text(json.dumps(spoilt(schema["examples"][0], draw), default=str), "utf-8")
        try:
            plan = read_plan(path)
        except DataError:
            refused += 1
            continue
        assert check(problem, plan)
    assert refused > 200

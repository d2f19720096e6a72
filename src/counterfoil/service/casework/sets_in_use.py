"""The sets that the rules of this installation read on a day, and where they are too weak to trust.

Both are files of the home under ``terminology``: ``sets/chosen.toml`` (see
:mod:`counterfoil.terminology.sets`) and ``gates.json``, which ``terminology prevalence --keep`` writes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from counterfoil.foundation import days
from counterfoil.foundation.errors import DataError
from counterfoil.rules.gates import Gate, weak_sets
from counterfoil.rules.sets import TerminologySets
from counterfoil.service.config import home
from counterfoil.terminology.sets import SetStore


def sets_on(day: date) -> TerminologySets:
    """The rules' sets, with those that the organisation chose in their place."""
    return TerminologySets(SetStore(_folder()).chosen(days.to_day(day)))


def gates() -> list[Gate]:
    """The gates in force; none until they have been kept for the first time."""
    path = _folder() / "gates.json"
    if not path.is_file():
        return []
    try:
        return [Gate.from_json(row) for row in json.loads(path.read_text("utf-8"))]
    except (ValueError, TypeError, KeyError) as error:
        raise DataError.at(
            str(path), "gates as terminology prevalence --keep writes them"
        ) from error


def weak() -> dict[str, frozenset[str]]:
    """By practice, the sets whose absence shows nothing there."""
    return weak_sets(gates())


def keep(decided: Sequence[Gate]) -> None:
    """Put these gates in force; gates of practices that were not measured stay as they are."""
    there = {(g.name, g.practice): g for g in gates()} | {(g.name, g.practice): g for g in decided}
    rows = [there[key].to_json() for key in sorted(there)]
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / "gates.json.part"
    with partial.open("w", encoding="utf-8") as file:
        json.dump(rows, file, indent=1, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(folder / "gates.json")


def _folder() -> Path:
    return home.current().folder / "terminology"

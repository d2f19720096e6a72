"""Rotation problems and plans from files: TOML, JSON, or a folder of CSV files.

Every mistake is named in one ``DataError``: file, place, what was expected. The format is described
in ``docs/reference/rota.md`` and ``rota-problem.schema.json``.
"""

from __future__ import annotations

import csv
import io
import json
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

from counterfoil.evidence.series import read_text
from counterfoil.foundation.errors import DataError
from counterfoil.workforce.model import STAGES, Placement, Plan, Problem, Shortfall, Stage
from counterfoil.workforce.parse import parse_problem

CSV_FILES = {
    "people": ("person", ("id", "name", "wte", "rotates", "now")),
    "sites": (
        "site",
        ("id", "name", "sector", "minimum_wte", "maximum_people", "requires"),
    ),
    "competencies": ("competency", ("person", "competency", "from", "to")),
    "needs": ("need", ("site", "competency", "people")),
    "leave": ("leave", ("person", "from", "to")),
    "preferences": ("preference", ("person", "site", "score")),
    "placements": ("placement", ("person", "block", "site")),
}
"""The files of a folder: the list that each fills, and its columns. ``rota.toml`` has the rest."""


def read_problem(path: Path) -> Problem:
    """The problem in a ``.toml`` or ``.json`` file, or in a folder with ``rota.toml`` and CSV files.

    ``DataError`` where it cannot be read or is not right, each mistake named.
    """
    if path.is_dir():
        return parse_problem(_folder(path), path.name)
    return parse_problem(_document(path), path.name)


def _document(path: Path) -> dict[str, Any]:
    text = read_text(path)
    try:
        value = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except RecursionError:
        raise DataError.at(path.name, "a rota problem is needed", "nested too deeply") from None
    except ValueError as error:
        form = "JSON" if path.suffix == ".json" else "TOML"
        raise DataError.at(path.name, f"{form} is needed", str(error)) from None
    if not isinstance(value, dict):
        raise DataError.at(path.name, "an object with rota, person and site is needed")
    return value


def _folder(path: Path) -> dict[str, Any]:
    raw = _document(path / "rota.toml")
    for name, (key, columns) in CSV_FILES.items():
        file = path / f"{name}.csv"
        if file.exists():
            raw[key] = [*raw.get(key, []), *_rows(file, columns)]
    return raw


def _rows(path: Path, columns: tuple[str, ...]) -> list[dict[str, Any]]:
    reader = csv.reader(io.StringIO(read_text(path), newline=""))
    found: list[dict[str, Any]] = []
    try:
        header = [cell.strip().lower() for cell in next(reader, [])]
        unknown = [name for name in header if name not in columns]
        if unknown or len(set(header)) < len(header):
            raise DataError.at(
                f"{path.name}, row 1",
                f"columns are {', '.join(columns)}, each once",
                ", ".join(unknown or header)[:80],
            )
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            place = f"{path.name}, row {reader.line_num}"
            if len(cells) > len(header):
                raise DataError.at(place, f"{len(header)} cells are needed", f"{len(cells)}")
            row: dict[str, Any] = {
                name: _cell(name, cell.strip())
                for name, cell in zip(header, cells, strict=False)
                if cell.strip()
            }
            found.append({**row, "_place": place})
    except csv.Error as error:
        raise DataError.at(
            f"{path.name}, row {reader.line_num}", "CSV is needed", str(error)
        ) from None
    return found


def _cell(name: str, text: str) -> Any:
    """A cell as TOML would have it; what does not fit stays text and is refused with its place."""
    if name == "requires":
        return [one.strip() for one in text.split(";") if one.strip()]
    if name == "rotates":
        return {"yes": True, "true": True, "no": False, "false": False}.get(text.lower(), text)
    if name in ("wte", "minimum_wte", "maximum_people", "people", "score", "block"):
        try:
            return float(text) if "." in text else int(text)
        except ValueError:
            return text
    if name in ("from", "to"):
        try:
            return date.fromisoformat(text)
        except ValueError:
            return text
    return text


def read_plan(path: Path) -> Plan:
    """A plan as ``rota plan --format json`` writes it. ``DataError`` where it is not one."""
    try:
        value = json.loads(read_text(path))
        return Plan(
            status=_one_of(value["status"], ("optimal", "feasible", "infeasible")),  # type: ignore[arg-type]
            stages=tuple(_stage(one) for one in value["stages"]),
            assignments=tuple(
                Placement(_text(one["person"]), _count(one["block"]), _text(one["site"]))
                for one in value["assignments"]
            ),
            shortfalls=tuple(_shortfall(one) for one in value["shortfalls"]),
            conflicts=tuple(_text(one) for one in value["conflicts"]),
        )
    except RecursionError:
        raise DataError.at(path.name, "a plan is needed", "nested too deeply") from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError.at(
            path.name,
            "a plan as counterfoil rota plan --format json writes it is needed",
            f"{type(error).__name__}: {error}"[:120],
        ) from None


def _stage(raw: Any) -> Stage:
    name = _one_of(raw["name"], STAGES)
    return Stage(name, *(_number(raw[key]) for key in ("value", "bound", "seconds")))  # type: ignore[arg-type]


def _shortfall(raw: Any) -> Shortfall:
    kind = _one_of(raw["kind"], STAGES[:4])
    block = None if raw["block"] is None else _count(raw["block"])
    site, person, what = (
        None if raw[key] is None else _text(raw[key]) for key in ("site", "person", "what")
    )
    short, text = _number(raw["short"]), _text(raw["text"])
    return Shortfall(kind, short, text, block, site, person, what)  # type: ignore[arg-type]


def _one_of(value: Any, known: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"{', '.join(known)} are known")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("a text is needed")
    return value


def _number(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < 1e9:
        raise ValueError("a number is needed")
    return float(value)


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("a block is a whole number")
    return value

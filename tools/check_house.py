"""The house's laws that a linter can hold: import direction, no clock in libraries, no shared eyes.

Run by ``make check``. Data flows down the list of rooms; a room imports only from rooms above it.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1] / "src" / "counterfoil"
ROOMS = [
    "foundation",
    "terminology",
    "dosage",
    "records",
    "supply",
    "rules",
    "documents",
    "reconciliation",
    "repeats",
    "evidence",
    "workforce",
    "synthetic",
    "service",
    "commands",
    "cli",
]
ONLY = {"synthetic": {"foundation", "terminology", "records"}}
"""Rooms that may see less than what stands above them: the made-up PCN must not share the
checkers' eyes."""
SEES_CLOCK = {"service", "commands", "cli"}
CLOCKS = {
    ("date", "today"),
    ("datetime", "now"),
    ("datetime", "today"),
    ("datetime", "utcnow"),
    ("time", "time"),
    ("time", "time_ns"),
    ("timezone", "now"),
    ("timezone", "localdate"),
}
OUTSIDE = {
    "django": "no Django",
    "requests": "no network",
    "urllib": "no network",
    "socket": "no network",
    "http": "no network",
    "httpx": "no network",
}
MAY_PARSE_URLS = {"urllib.parse"}


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every module imported anywhere in a file, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module
            if node.module == "counterfoil":
                for alias in node.names:
                    yield node.lineno, f"counterfoil.{alias.name}"


def clocks(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Calls that read a clock."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            name = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")
            if (name, node.func.attr) in CLOCKS:
                yield node.lineno, f"{name}.{node.func.attr}"


def faults(path: Path) -> Iterator[str]:
    """What one file does against the house."""
    room = path.relative_to(ROOT).parts[0].removesuffix(".py")
    if room in ("__init__", "knowledge"):
        return
    place = path.relative_to(ROOT.parents[1])
    if room not in ROOMS:
        yield f"{place}: {room} is not a room of the house; add it to the list, in its place"
        return
    tree = ast.parse(path.read_text("utf-8"))
    above = ONLY.get(room, set(ROOMS[: ROOMS.index(room)]) - set(ONLY)) | {room}
    if room in SEES_CLOCK:
        above |= set(ONLY)
    for line, module in imported(tree):
        parts = module.split(".")
        if (
            parts[0] == "counterfoil"
            and len(parts) > 1
            and parts[1] in ROOMS
            and parts[1] not in above
        ):
            yield f"{place}:{line}: {room} must not import {parts[1]}"
        elif room not in SEES_CLOCK and parts[0] in OUTSIDE and module not in MAY_PARSE_URLS:
            yield f"{place}:{line}: {OUTSIDE[parts[0]]} in a library room ({module})"
    if room not in SEES_CLOCK:
        for line, call in clocks(tree):
            yield f"{place}:{line}: a library room reads no clock ({call}); take as_of"


def main() -> int:
    """Print every fault; 1 where there is any."""
    found = [fault for path in sorted(ROOT.rglob("*.py")) for fault in faults(path)]
    for fault in found:
        print(fault)
    print(f"{len(found)} faults in the house of {len(ROOMS)} rooms")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

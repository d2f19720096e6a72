"""The registered protocol of a PCN, and the series of its measures, kept in the home.

``pilot/<PCN code>.toml`` is the protocol as registered, ``pilot/<PCN code>-before.parquet`` the
activity table from before this installation, where there is one, and ``pilot/cache`` series worked
out of the published record. A cached series is named by what it was worked out from, so it can be
thrown away at any time.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from counterfoil.evidence import activity, protocol
from counterfoil.evidence.activity import Activity
from counterfoil.evidence.measures import measure
from counterfoil.evidence.protocol import Protocol
from counterfoil.evidence.weekly import Series, Week
from counterfoil.foundation.errors import DataError
from counterfoil.service.config import home

KEEP_CACHED = 40


def folder() -> Path:
    """The folder of the pilot in the home."""
    found = home.current().folder / "pilot"
    found.mkdir(mode=0o700, exist_ok=True)
    return found


def register(organisation: str, text: str) -> Protocol:
    """Check a protocol and keep it as the PCN's own; ``DataError`` names every mistake in it."""
    path = folder() / f"{organisation}.toml"
    partial = folder() / f"{organisation}.part.toml"
    partial.write_text(text, "utf-8")
    try:
        found = protocol.read(partial)
    except DataError:
        partial.unlink()
        raise
    partial.replace(path)
    return found


def registered(organisation: str) -> Protocol | None:
    """The PCN's protocol; ``None`` where none is registered."""
    path = home.current().folder / "pilot" / f"{organisation}.toml"
    return protocol.read(path) if path.is_file() else None


def before(organisation: str) -> list[Activity]:
    """The work log from before this installation."""
    path = home.current().folder / "pilot" / f"{organisation}-before.parquet"
    return activity.read(path) if path.is_file() else []


def before_changed(organisation: str) -> int:
    """When that work log last changed, for naming what is worked out from it."""
    path = home.current().folder / "pilot" / f"{organisation}-before.parquet"
    return path.stat().st_mtime_ns if path.is_file() else 0


def cached(*named_by: Any) -> tuple[Series, ...] | None:
    """The series worked out from exactly this before; ``None`` where they were not."""
    try:
        said = json.loads(_path(named_by).read_text("utf-8"))
        return tuple(
            Series(measure(s["measure"]), s["about"], tuple(Week(**w) for w in s["weeks"]))
            for s in said
        )
    except (OSError, ValueError, KeyError, TypeError, DataError):
        return None


def cache(series: tuple[Series, ...], *named_by: Any) -> None:
    """Keep series under what they were worked out from; the oldest beyond a few go."""
    path = _path(named_by)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    said = [
        {"measure": s.measure.id, "about": s.about, "weeks": [asdict(w) for w in s.weeks]}
        for s in series
    ]
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_text(json.dumps(said), "utf-8")
    partial.replace(path)
    old = sorted(path.parent.glob("*.json"), key=lambda p: p.stat().st_mtime_ns)
    for one in old[:-KEEP_CACHED]:
        one.unlink(missing_ok=True)


def _path(named_by: tuple[Any, ...]) -> Path:
    text = json.dumps(named_by, default=str)
    return folder() / "cache" / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.json"

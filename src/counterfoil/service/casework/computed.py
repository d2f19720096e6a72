"""What the rules found in a practice's record, kept so that a delta is worked out from it.

One file a snapshot under ``computed`` in the home: spans, the days on which patients wake, findings.
It is only what a full run over that snapshot would give again: it is not read where rules, sets,
gates, terminology or this package differ from those it was made with, and losing it costs a full run.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyarrow as pa

from counterfoil.foundation import days
from counterfoil.records import store
from counterfoil.records.schema import TABLES
from counterfoil.rules import Finding, Reason, Rule
from counterfoil.rules.engines.duckdb import Spans
from counterfoil.rules.incremental import State, Work, renew, work
from counterfoil.rules.sets import TerminologySets
from counterfoil.service.config import home

ROOMS = ("foundation", "terminology", "dosage", "records", "supply", "rules", "knowledge")
"""The parts of this package that can change what rules find."""


def brought_up(
    snapshot: store.Snapshot,
    as_of: date,
    rules: Sequence[Rule],
    sets: TerminologySets,
    weak: Mapping[str, frozenset[str]],
) -> Work:
    """What the rules find in a snapshot on a day, from what was found in an earlier state of it.

    From nothing where there is no such file, it was made otherwise, or the day is an earlier one.
    The result is kept for the next time.
    """
    day = days.to_day(as_of)
    key = made_with(rules, sets, weak.get(snapshot.practice, frozenset()))
    gates = {snapshot.practice: weak.get(snapshot.practice, frozenset())}
    tables = {name: snapshot.scan(name) for name in TABLES}
    folder = _folder(snapshot.practice)
    for part in reversed([path.name for path in snapshot.parts]):
        before = _read(folder / f"{part}.zip", key)
        touched = snapshot.touched(part)
        if before is None or touched is None:
            continue
        patients = [(snapshot.practice, patient) for patient in touched]
        found = renew(before, tables, rules, day, patients, sets, gates)
        break
    else:
        found = work(tables, rules, day, sets, gates)
    _write(folder / f"{snapshot.id}.zip", key, found)
    return found


def carry_over(practice: str, old: str, new: str) -> None:
    """The same record under a new id, compacted: what was found in it is found in that."""
    path = _folder(practice) / f"{old}.zip"
    if path.exists():
        _put(path.with_name(f"{new}.zip"), path.read_bytes())


def tidy(practice: str, wanted: Iterable[str]) -> None:
    """Remove what was found in snapshots other than these."""
    keep = set(wanted)
    for path in _folder(practice).glob("*.zip*"):
        if path.name.partition(".")[0] not in keep:
            path.unlink(missing_ok=True)


def made_with(rules: Sequence[Rule], sets: TerminologySets, weak: frozenset[str]) -> str:
    """A hash of everything but the record and the day that findings rest on."""
    chosen = {n: (one.name, one.version) for n, one in sets.chosen.items()}
    texts = [(r.id, r.version, r.text, str(r.override)) for r in rules]
    content = [_package(), _terminology(), texts, sorted(chosen.items()), sorted(weak)]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


@cache
def _package() -> str:
    """A hash of the code and knowledge that can change what rules find, once a process."""
    digest = hashlib.sha256()
    root = Path(str(files("counterfoil")))
    for room in ROOMS:
        for path in sorted((root / room).rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                digest.update(path.relative_to(root).as_posix().encode() + b"\0")
                digest.update(path.read_bytes())
    return digest.hexdigest()


def _terminology() -> list[tuple[str, int, int]]:
    """The files of releases, chosen sets and gates, by size and time of change."""
    root = home.current().terminology
    found = [p for p in root.rglob("*") if p.is_file() and "derived" not in p.parts]
    return sorted(
        (path.relative_to(root).as_posix(), (seen := path.stat()).st_size, seen.st_mtime_ns)
        for path in found
    )


# The file ----------------------------------------------------------------------------------


def _folder(practice: str) -> Path:
    return home.current().folder / "computed" / practice


def _write(path: Path, key: str, found: Work) -> None:
    state = found.state
    about = {
        "made_with": key,
        "as_of": state.as_of,
        "rules": state.rules,
        "gates": {practice: sorted(names) for practice, names in state.gates.items()},
        "people": state.people,
        "findings": [asdict(one) for one in found.findings],
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        file.writestr("about.json", json.dumps(about))
        for name, table in (
            ("now", state.now.table),
            ("ahead", state.ahead.table),
            ("wakes", state.wakes),
        ):
            rows = io.BytesIO()
            with pa.ipc.new_stream(rows, table.schema) as writer:
                writer.write_table(table)
            file.writestr(f"{name}.arrow", rows.getvalue())
    _put(path, buffer.getvalue())


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(prefix=f"{path.stem}.zip-", dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    Path(partial).replace(path)


def _read(path: Path, key: str) -> Work | None:
    """What was kept, if it was made with the same; a file that cannot be read is as good as none."""
    try:
        with zipfile.ZipFile(path) as file:
            about = json.loads(file.read("about.json"))
            if about["made_with"] != key:
                return None
            tables = {n: pa.ipc.open_stream(file.read(f"{n}.arrow")).read_all() for n in _TABLES}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, pa.ArrowInvalid):
        return None
    as_of = about["as_of"]
    state = State(
        as_of,
        tuple((rule, version) for rule, version in about["rules"]),
        Spans(tables["now"], as_of, False),
        Spans(tables["ahead"], as_of, True),
        tables["wakes"],
        {practice: frozenset(names) for practice, names in about["gates"].items()},
        about["people"],
    )
    return Work(state, tuple(_finding(one) for one in about["findings"]))


_TABLES = ("now", "ahead", "wakes")


def _finding(given: dict[str, Any]) -> Finding:
    reasons = tuple(
        Reason(**{**one, "rows": tuple((table, row) for table, row in one["rows"])})
        for one in given["reasons"]
    )
    return replace(Finding(**{**given, "reasons": ()}), reasons=reasons)

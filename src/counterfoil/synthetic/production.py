"""A network written as files, practice by practice, on as many cores as there are.

Each practice is made and written by itself, so the memory needed is that of one practice a core, and
the bytes are the same whatever the cores. What is true but not in any record stands beside the
practices: the scenes planted, and the lines of the letters.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from counterfoil.foundation import days as calendar
from counterfoil.foundation.errors import UsageError
from counterfoil.synthetic import formats
from counterfoil.synthetic.output import letter_table
from counterfoil.synthetic.people import Place
from counterfoil.synthetic.population import DENSITIES, make_practice, network

Progress = Callable[[str, float], None]
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be made: see :func:`counterfoil.synthetic.generate`, and which formats of it."""

    patients: int
    practices: int
    seed: int
    as_of: int
    formats: tuple[str, ...]
    density: str = "audit"
    letters: int | None = None


@dataclass(frozen=True, slots=True)
class _Made:
    """What one practice left: its account, and the truth to be put beside the others'."""

    account: dict[str, Any]
    truth: pa.Table
    lines: pa.Table


def usual_practices(patients: int) -> int:
    """As many practices as a network of this size would have: about 10,400 people on each list.

    A few more are made than are on the lists: those who left or died.
    """
    return max(1, min(2, patients // 100), round(patients / 10_900))


def produce(
    order: Order,
    folder: Path,
    *,
    only: Sequence[str] | None = None,
    cores: int | None = None,
    progress: Progress = lambda _what, _share: None,
) -> dict[str, Any]:
    """Write the network into ``folder`` and return its account, which ``manifest.json`` repeats.

    Under ``folder`` stands a folder a practice; ``truth`` and ``letter_truth`` (CSV where CSV is
    among the formats, else Parquet) stand beside them. The account: ``{"seed", "as_of",
    "patients", "density", "formats", "hash", "practices": [{"code", "name", "system", "patients",
    "rows", "files"}], "rows": {table: n}, "letters": {layout: n}, "planted": {kind: {"expected",
    "count"}}}``; ``hash`` is one SHA-256 over the names and hashes of all files. ``only`` writes
    some practices, byte for byte as in the whole. ``cores`` (else all) changes nothing but the
    time. ``UsageError`` where the order cannot be carried out.
    """
    _check(order)
    listed = network(order.patients, order.practices, order.seed)
    wanted = [i for i, place in enumerate(listed) if only is None or place.code in only]
    if only is not None and len(wanted) != len(set(only)):
        known = {place.code for place in listed}
        raise UsageError(f"there is no practice {', '.join(sorted(set(only) - known))} here")
    folder.mkdir(parents=True, exist_ok=True)
    made: dict[int, _Made] = {}
    for index, one in _work(order, listed, wanted, folder, cores):
        made[index] = one
        progress(f"{len(made)} of {len(wanted)} practices written", len(made) / (len(wanted) + 1))
    parts = [made[index] for index in wanted]
    ending = "csv" if "csv" in order.formats else "parquet"
    files = {}
    for name, tables in (
        ("truth", [part.truth for part in parts]),
        ("letter_truth", [part.lines for part in parts]),
    ):
        path = folder / f"{name}.{ending}"
        formats.write_table(pa.concat_tables(tables), path)
        files[path.name] = file_hash(path)
    account = _account(order, parts, files)
    (folder / MANIFEST).write_text(
        json.dumps(account, indent=1, ensure_ascii=False) + "\n", "utf-8"
    )
    progress("written", 1.0)
    return account


def _check(order: Order) -> None:
    unknown = sorted(set(order.formats) - set(formats.FORMATS))
    if unknown or not order.formats:
        raise UsageError(
            f"there is no format {', '.join(unknown) or '(none given)'}; "
            f"there are {', '.join(formats.FORMATS)}"
        )
    if order.density not in DENSITIES:
        raise UsageError(f"the density is one of {', '.join(DENSITIES)}, not {order.density}")


def _work(
    order: Order, listed: list[Place], wanted: list[int], folder: Path, cores: int | None
) -> Iterator[tuple[int, _Made]]:
    """Each practice as it is done: in this process, or the largest first in several."""
    count = min(cores or os.cpu_count() or 1, len(wanted))
    if count <= 1:
        for index in wanted:
            yield index, _one(order, listed, index, folder)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, mp_context=context) as pool:
        ordered = sorted(wanted, key=lambda index: -listed[index].size)
        jobs = {pool.submit(_one, order, listed, index, folder): index for index in ordered}
        for job in as_completed(jobs):
            yield jobs.pop(job), job.result()


def _one(order: Order, listed: list[Place], index: int, folder: Path) -> _Made:
    """Make one practice and write it in every format."""
    part = make_practice(
        listed, index, order.seed, order.as_of, density=order.density, letters=order.letters
    )
    home = folder / part.place.code
    home.mkdir(parents=True, exist_ok=True)
    files = {
        path.relative_to(home).as_posix(): file_hash(path)
        for name in order.formats
        for path in formats.FORMATS[name](part, home)
    }
    account = {
        "code": part.place.code,
        "name": part.place.name,
        "system": part.place.system,
        "patients": part.tables["patient"].num_rows,
        "rows": {name: table.num_rows for name, table in part.tables.items()},
        "letters": dict(Counter(letter.layout for letter in part.letters)),
        "files": files,
    }
    return _Made(account, part.truth, letter_table(part.letters))


def file_hash(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _account(order: Order, parts: list[_Made], files: dict[str, str]) -> dict[str, Any]:
    rows: Counter[str] = Counter()
    layouts: Counter[str] = Counter()
    planted: Counter[tuple[str, str]] = Counter()
    digest = hashlib.sha256()
    for part in parts:
        rows.update(part.account["rows"])
        layouts.update(part.account.pop("letters"))
        kinds, expected = (part.truth[name].to_pylist() for name in ("kind", "expected"))
        planted.update(zip(kinds, expected, strict=True))
        for name, value in part.account["files"].items():
            digest.update(f"{part.account['code']}/{name} {value}\n".encode())
        part.account["files"] = len(part.account["files"])
    for name, value in files.items():
        digest.update(f"{name} {value}\n".encode())
    return {
        "seed": order.seed,
        "as_of": calendar.to_date(order.as_of).isoformat(),
        "patients": sum(part.account["patients"] for part in parts),
        "density": order.density,
        "formats": list(order.formats),
        "hash": digest.hexdigest(),
        "practices": [part.account for part in parts],
        "rows": dict(rows),
        "letters": dict(sorted(layouts.items())),
        "planted": {
            kind: {"expected": expected, "count": count}
            for (kind, expected), count in sorted(planted.items())
        },
    }

"""The code lists under some paths, for checking: what is none is passed over, what is spoilt is said."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from counterfoil.foundation.errors import DataError, Problem
from counterfoil.terminology.codelists import (
    CodeList,
    cluster_column,
    codelist_of,
    header_of,
    holds_refsets,
    looks_like_codelist,
    refsets_of,
)

_TABLES = (".csv", ".txt", ".tsv", ".parquet")


@dataclass(frozen=True)
class Collected:
    """Lists in the order of their paths; files that could not be read, and why; other files."""

    lists: tuple[CodeList, ...]
    unreadable: tuple[tuple[str, tuple[Problem, ...]], ...]
    passed_over: tuple[str, ...]


def collect(paths: Iterable[Path]) -> Collected:
    """Every code list at or below the paths. A file named itself must be a list."""
    lists: list[CodeList] = []
    unreadable: list[tuple[str, tuple[Problem, ...]]] = []
    passed: list[str] = []
    for path in paths:
        if not path.exists():
            raise DataError.at(str(path), "a code list or a folder of code lists", "nothing there")
        folder = path.is_dir()
        files = sorted(p for p in path.rglob("*") if p.is_file()) if folder else [path]
        for file in files:
            if folder and (file.suffix.lower() not in _TABLES or not _may_be(file)):
                passed.append(file.name)
                continue
            try:
                lists += _read(file)
            except DataError as error:
                unreadable.append((file.stem, error.problems))
    return Collected(tuple(lists), tuple(unreadable), tuple(passed))


def _may_be(file: Path) -> bool:
    with file.open("rb") as stream:
        head = stream.read(1 << 16)
    if head[:4] == b"PAR1":
        return holds_refsets(file.read_bytes())
    return looks_like_codelist(head) is not None or cluster_column(header_of(head)) is not None


def _read(file: Path) -> list[CodeList]:
    raw = file.read_bytes()
    if raw[:4] == b"PAR1" or cluster_column(header_of(raw[: 1 << 16])) is not None:
        return refsets_of(raw, file.name)
    return [codelist_of(raw, file.name, file.stem)]


def read_items(path: Path) -> dict[str, int]:
    """Items dispensed by VMP id, from a table with the columns ``vpid`` and ``items`` (CSV, may be
    gzipped); a product that stands in several rows has their sum."""
    raw = path.read_bytes()
    try:
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DataError.at(path.name, "a CSV file, gzipped or plain", str(error)) from error
    reader = csv.DictReader(io.StringIO(text, newline=""))
    if not {"vpid", "items"} <= set(reader.fieldnames or ()):
        found = ", ".join(reader.fieldnames or ())
        raise DataError.at(path.name, "the columns vpid and items", found)
    items: dict[str, int] = {}
    for number, row in enumerate(reader, start=2):
        if not row["vpid"]:
            continue
        if not (row["items"] or "").isdigit():
            place = f"{path.name}, row {number}, column items"
            raise DataError.at(place, "a whole number", row["items"] or "")
        items[row["vpid"]] = items.get(row["vpid"], 0) + int(row["items"])
    return items

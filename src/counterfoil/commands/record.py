"""``import``: records in from files."""

from __future__ import annotations

import argparse
import csv
import re
from pathlib import Path
from typing import Any

from counterfoil.commands.common import (
    Subparsers,
    as_of,
    command,
    formats,
    show_json,
    table,
)
from counterfoil.foundation.days import to_date
from counterfoil.foundation.errors import DataError, UsageError

ODS = re.compile(r"[A-Z0-9]{3,12}")
MOST_SHOWN = 50
"""Rows not loaded that are printed one by one."""


def add(to: Subparsers) -> None:
    """The commands of this module."""
    load = command(
        to,
        "import",
        _import,
        "Load a GP record and bring the findings up to it",
        "counterfoil import extract/ --practice X00001",
    )
    load.add_argument(
        "kind",
        metavar="KIND",
        nargs="?",
        default="auto",
        help="auto (find out; the default), emis, systmone, gpconnect, fhir or csv",
    )
    load.add_argument("path", type=Path, help="a file, or the folder of an extract")
    load.add_argument(
        "--practice",
        required=True,
        metavar="ODS",
        help="the ODS code of the practice whose record this is",
    )
    load.add_argument(
        "--delta", action="store_true", help="emis, systmone: the extract holds only what changed"
    )
    load.add_argument(
        "--codes", type=Path, metavar="DIR", help="emis: the extract whose code tables hold"
    )
    load.add_argument(
        "--map",
        type=Path,
        metavar="FILE",
        help="csv: how the columns of one file are mapped (TOML)",
    )
    load.add_argument(
        "--suggest",
        metavar="TABLE",
        help="csv: print a map to begin with for a file of this table's rows; load nothing",
    )
    load.add_argument("--dry", action="store_true", help="try it, and change nothing")
    load.add_argument(
        "--rejects", type=Path, metavar="FILE", help="write the rows not loaded, with reasons (CSV)"
    )
    load.add_argument(
        "--accept-loss",
        action="store_true",
        help="go on though the load takes away more than 5%% of a table",
    )
    as_of(load)
    formats(load, "table", "json")


def _import(args: argparse.Namespace) -> int:
    if not ODS.fullmatch(args.practice):
        raise UsageError(f"--practice: '{args.practice}' is not an ODS code such as X00001")
    if args.suggest is not None:
        return _suggest(args)
    from counterfoil.records.importers import mapped
    from counterfoil.service.commands import import_record

    day = None if args.as_of is None else to_date(args.as_of)
    result = import_record(
        None,
        args.kind,
        args.path,
        args.practice,
        day,
        args.accept_loss,
        dry=args.dry,
        delta=args.delta,
        codes=args.codes,
        map=None if args.map is None else mapped.read_map(args.map),
    )
    if args.rejects is not None:
        _write_rejects(result["rejects"], args.rejects)
    if args.format == "json":
        show_json(result)
        return 1 if result["rejects"] else 0
    _show(result)
    return 1 if result["rejects"] else 0


def _show(result: dict[str, Any]) -> None:
    rows = [
        {"table": name, **counts} for name, counts in result["tables"].items() if counts["read"]
    ]
    print(table(rows, ["table", "read", "loaded", "rejected"]), end="")
    kinds = result["resources"]
    if kinds:
        names = ["read", "loaded", "merged", "not_carried", "rejected"]
        found = [{"source": kind, **counts} for kind, counts in kinds.items() if counts["read"]]
        print(table(found, ["source", *names]), end="")
    for reject in result["rejects"][:MOST_SHOWN]:
        print(f"not loaded: {reject['place']} ({reject['table']}): {reject['reason']}")
    if len(result["rejects"]) > MOST_SHOWN:
        print(f"not loaded: {len(result['rejects']) - MOST_SHOWN} more (--rejects FILE names them)")
    for note in result.get("notes", []):
        print(f"note: {note}")
    if result["snapshot"] is None:
        print(f"{result['practice']}: tried only, nothing was changed.")
    else:
        print(f"{result['practice']}: snapshot {result['snapshot']} is published.")


def _suggest(args: argparse.Namespace) -> int:
    """A map to begin with, and what it still lacks."""
    from counterfoil.records.importers import mapped

    if args.suggest not in mapped.MAPPED:
        raise UsageError(f"--suggest: there are {', '.join(mapped.MAPPED)}")
    made = mapped.suggest(args.path, args.suggest)
    print(made.to_toml(), end="")
    try:
        mapped.check_map(made)
    except DataError as error:
        for problem in error.problems:
            print(f"# still to do: {problem}")
    return 0


def _write_rejects(rejects: list[dict[str, str]], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["place", "table", "reason"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rejects)

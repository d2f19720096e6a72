"""``import``: records in from files."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from counterfoil.commands.common import (
    Subparsers,
    as_of,
    command,
    formats,
    show_json,
    table,
)
from counterfoil.foundation.days import to_date
from counterfoil.foundation.errors import UsageError

ODS = re.compile(r"[A-Z0-9]{3,12}")


def add(to: Subparsers) -> None:
    """The commands of this module."""
    load = command(
        to,
        "import",
        _import,
        "Load a GP record and bring the findings up to it",
        "counterfoil import gpconnect patient.json --practice X00001",
    )
    load.add_argument("kind", metavar="KIND", help="gpconnect or csv")
    load.add_argument("path", type=Path)
    load.add_argument(
        "--practice",
        required=True,
        metavar="ODS",
        help="the ODS code of the practice whose record this is",
    )
    as_of(load)
    formats(load, "table", "json")


def _import(args: argparse.Namespace) -> int:
    if not ODS.fullmatch(args.practice):
        raise UsageError(f"--practice: '{args.practice}' is not an ODS code such as X00001")
    from counterfoil.service.commands import import_record

    day = None if args.as_of is None else to_date(args.as_of)
    result = import_record(None, args.kind, args.path, args.practice, day)
    if args.format == "json":
        show_json(result)
        return 1 if result["rejects"] else 0
    rows = [
        {"table": name, **counts} for name, counts in result["tables"].items() if counts["read"]
    ]
    print(table(rows, ["table", "read", "loaded", "rejected"]), end="")
    for reject in result["rejects"]:
        print(f"not loaded: {reject['place']} ({reject['table']}): {reject['reason']}")
    for note in result.get("notes", []):
        print(f"note: {note}")
    print(f"{result['practice']}: snapshot {result['snapshot']} is published.")
    return 1 if result["rejects"] else 0

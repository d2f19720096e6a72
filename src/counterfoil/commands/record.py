"""``import`` and ``synth``: records in from files, and made-up records out."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from counterfoil.commands.common import (
    Subparsers,
    as_of,
    command,
    formats,
    progress,
    show_json,
    show_rows,
    table,
    today,
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
    synth = command(
        to,
        "synth",
        _synth,
        "Write a made-up PCN as files",
        "counterfoil synth --patients 5000 --seed 1 --out made-up",
    )
    synth.add_argument("--patients", type=int, default=5000)
    synth.add_argument("--practices", type=int, default=2)
    synth.add_argument("--seed", type=int, default=1)
    synth.add_argument("--out", type=Path, required=True, metavar="DIR")
    as_of(synth)
    formats(synth, "table", "json")


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


def _synth(args: argparse.Namespace) -> int:
    if not 1 <= args.patients <= 2_000_000 or not 1 <= args.practices <= 200:
        raise UsageError("--patients must be 1 to 2000000 and --practices 1 to 200")
    if args.out.exists() and any(args.out.iterdir()):
        raise UsageError(f"--out {args.out} is not empty; nothing was written")
    from counterfoil import synthetic

    day = today() if args.as_of is None else args.as_of
    progress("making people, medicines and letters", 0.1)
    made = synthetic.generate(args.patients, args.practices, args.seed, day)
    progress("writing files", 0.6)
    synthetic.write_csv(made, args.out)
    progress("written", 1)
    result = synthetic.summary(made)
    if args.format == "json":
        show_json(result)
    else:
        show_rows(
            [{"what": k, "count": v} for k, v in result.items() if not isinstance(v, list | dict)],
            "table",
            ["what", "count"],
        )
    return 0

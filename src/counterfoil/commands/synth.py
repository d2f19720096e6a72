"""``synth``: made-up records as files, and how they compare with published figures."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from counterfoil.commands.common import (
    Subparsers,
    as_of,
    command,
    formats,
    progress,
    show_json,
    show_rows,
    today,
)
from counterfoil.foundation.days import to_date
from counterfoil.foundation.errors import UsageError

FILES = ("csv", "parquet", "emis", "systmone", "gpconnect", "letters", "requests")
MOST_PATIENTS, MOST_PRACTICES = 5_000_000, 2000
DEFAULT = ("csv", "letters", "requests")
EARLIEST = "1990-01-01"
WHOLE = ("all kinds together", "letters", "lines of letters")
"""Subjects of leaks that are printed; the page has every kind."""


def add(to: Subparsers) -> None:
    """The command of this module."""
    synth = command(
        to,
        "synth",
        _synth,
        "Write a made-up PCN as files",
        "counterfoil synth --patients 5000 --seed 1 --out made-up",
    )
    synth.add_argument("--patients", type=int, default=5000, help="in all (else 5000)")
    synth.add_argument(
        "--practices", type=int, help="else one for about 8,500 patients, at least 2"
    )
    synth.add_argument("--seed", type=int, default=1, help="the same seed, the same bytes (else 1)")
    synth.add_argument("--out", type=Path, metavar="DIR", help="a new folder")
    synth.add_argument(
        "--format",
        nargs="+",
        action="extend",
        choices=(*FILES, "json"),
        metavar="FORMAT",
        help=f"what to write, several allowed: {', '.join(FILES)} (else {' '.join(DEFAULT)}); "
        "json prints the account as JSON",
    )
    synth.add_argument(
        "--density",
        choices=("audit", "emis"),
        default="audit",
        help="audit: what audits read, about 80 rows a patient; "
        "emis: all that a clinical system holds, about 780",
    )
    synth.add_argument("--letters", type=int, metavar="N", help="hospital letters in all")
    synth.add_argument(
        "--only", nargs="+", metavar="CODE", help="write only these practices of the network"
    )
    synth.add_argument("--cores", type=int, metavar="N", help="processes at work (else all cores)")
    as_of(synth)
    parts = synth.add_subparsers(metavar="validate")
    check = command(
        parts,
        "validate",
        _validate,
        "Compare a written network with published figures, and draw it",
        "counterfoil synth validate made-up --out made-up.html",
    )
    check.add_argument("folder", type=Path, metavar="DIR", help="a folder that synth wrote")
    check.add_argument("--out", type=Path, metavar="PAGE", help="the page (else DIR/report.html)")
    check.add_argument("--json", type=Path, metavar="FILE", help="(else DIR/report.json)")
    formats(check, "table", "json")


def _validate(args: argparse.Namespace) -> int:
    from counterfoil.synthetic.pictures import page
    from counterfoil.synthetic.realism import look

    found = look(args.folder)
    for path, text in (
        (args.out or args.folder / "report.html", page(found)),
        (args.json or args.folder / "report.json", json.dumps(found.to_json(), indent=1) + "\n"),
    ):
        try:
            path.write_text(text, "utf-8")
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}") from None
    if args.format == "json":
        show_json(found.to_json())
        return 1 if found.missed else 0
    rows = [
        {
            "figure": c.name,
            "target": c.value,
            "either way": "" if c.tolerance is None else f"{c.tolerance:.3g}",
            "here": c.got,
            "error": "" if c.error is None else f"{c.error:.2g}",
            "": f"{c.verdict}: needs {c.needs}" if c.needs else c.verdict,
        }
        for c in found.checks
    ]
    show_rows(rows, "table", ["figure", "target", "either way", "here", "error", ""])
    for leak in found.leaks:
        if leak.subject in WHOLE:
            words = {True: "no leak", False: "LEAK", None: "cannot tell at this size"}[leak.met]
            print(f"{leak.guess} of {leak.subject}: AUC {leak.auc:.3f}, {words}")
    for line in found.missed:
        print(f"missed: {line}")
    for line in found.explained:
        print(f"missed, with the reason: {line}")
    unsure = sum(c.verdict == "cannot tell" for c in found.checks)
    print(
        f"{len(found.missed)} missed without a reason, {len(found.explained)} with one, {unsure} that "
        f"this size cannot tell; the page is {args.out or args.folder / 'report.html'}"
    )
    return 1 if found.missed else 0


def _synth(args: argparse.Namespace) -> int:
    if args.out is None:
        raise UsageError("--out DIR is needed: where the files go")
    day = today() if args.as_of is None else args.as_of
    wanted = args.format or []
    files = tuple(dict.fromkeys(name for name in wanted if name != "json")) or DEFAULT
    _check(args, day)
    from counterfoil import synthetic

    practices = args.practices or synthetic.usual_practices(args.patients)
    if args.patients < practices * 50:
        raise UsageError(
            f"--patients {args.patients} for --practices {practices}: "
            "a practice needs 50 patients at least"
        )
    order = synthetic.Order(
        args.patients, practices, args.seed, day, files, args.density, args.letters
    )
    progress("making people, medicines and letters", 0.01)
    account = synthetic.produce(
        order, args.out, only=args.only, cores=args.cores, progress=progress
    )
    if "json" in wanted:
        show_json(account)
        return 0
    rows = [
        {
            "practice": place["code"],
            "name": place["name"],
            "system": place["system"],
            "patients": place["patients"],
            "rows": sum(place["rows"].values()),
        }
        for place in account["practices"]
    ]
    show_rows(rows, "table", ["practice", "name", "system", "patients", "rows"])
    total = sum(account["rows"].values())
    print(
        f"{account['patients']} made-up patients, {total} rows, "
        f"{sum(account['letters'].values())} letters in {args.out}, as of "
        f"{to_date(day).isoformat()}; seed {args.seed}\nhash {account['hash']}"
    )
    return 0


def _check(args: argparse.Namespace, day: int) -> None:
    """``UsageError`` for what cannot be made or has nowhere to go."""
    if not 50 <= args.patients <= MOST_PATIENTS:
        raise UsageError(f"--patients {args.patients}: from 50 to {MOST_PATIENTS}")
    if args.practices is not None and not 1 <= args.practices <= MOST_PRACTICES:
        raise UsageError(f"--practices {args.practices}: from 1 to {MOST_PRACTICES}")
    if args.cores is not None and args.cores < 1:
        raise UsageError(f"--cores {args.cores}: at least 1")
    if args.letters is not None and args.letters < 0:
        raise UsageError(f"--letters {args.letters}: 0 or more")
    first, last = to_date(day).replace(year=1990, month=1, day=1), today() + 366 * 10
    if to_date(day) < first or day > last:
        raise UsageError(
            f"--as-of {to_date(day).isoformat()}: from {EARLIEST} to ten years from today"
        )
    _empty_folder(args.out)


def _empty_folder(out: Path) -> None:
    """``UsageError`` unless ``out`` is, or can be made, an empty folder."""
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file; name a folder")
    if out.exists() and any(out.iterdir()):
        raise UsageError(f"--out {out} is not empty; nothing was written")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {out} cannot be made: {error.strerror}") from None
    if not os.access(out, os.W_OK | os.X_OK):
        raise UsageError(f"--out {out} cannot be written to")

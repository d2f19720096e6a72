"""``evidence activity``: the typed work log of an installation as a file."""

from __future__ import annotations

import argparse
from pathlib import Path

from counterfoil.commands.common import Subparsers, command
from counterfoil.foundation.errors import UsageError


def add(to: Subparsers) -> None:
    """The command, among those of ``evidence``."""
    activity = command(
        to,
        "activity",
        _activity,
        "Write the work log as the activity table; it names no patient and nobody who worked",
        "counterfoil evidence activity --out activity.parquet",
    )
    activity.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="ending in .csv or .parquet"
    )
    activity.add_argument("--practice", metavar="ODS", help="one practice (else all)")
    activity.add_argument(
        "--idle-minutes",
        type=float,
        metavar="N",
        help="a longer gap between two events is not work (else 5)",
    )


def _activity(args: argparse.Namespace) -> int:
    if args.out.suffix not in (".csv", ".parquet"):
        raise UsageError("--out is a file ending in .csv or .parquet")
    if args.idle_minutes is not None and not 0 <= args.idle_minutes <= 120:
        raise UsageError("--idle-minutes must be 0 to 120")
    if not args.out.absolute().parent.is_dir():
        raise UsageError(f"there is no folder {args.out.parent}")
    from counterfoil.evidence import activity
    from counterfoil.service import commands

    commands.open_home()
    from counterfoil.service.organisations.models import Organisation
    from counterfoil.service.pilot import worklog

    practices = Organisation.objects.filter(kind=Organisation.Kind.PRACTICE)
    codes = list(practices.order_by("pk").values_list("pk", flat=True))
    if args.practice is not None and args.practice not in codes:
        raise UsageError(f"there is no practice {args.practice} here")
    chosen = [args.practice] if args.practice else codes
    rows = worklog.activity(chosen, idle_minutes=args.idle_minutes)
    activity.write(rows, args.out)
    minutes = sum(row.minutes or 0 for row in rows)
    print(
        f"{len(rows)} rows of {', '.join(chosen) or 'no practice'} written to {args.out}; "
        f"{minutes:.0f} active minutes."
    )
    return 0

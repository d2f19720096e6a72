"""``inbox``: letters that come by themselves, by MESH or through a watched folder."""

from __future__ import annotations

import argparse
import time

from counterfoil.commands.common import Subparsers, command, formats, group, show_json, table
from counterfoil.foundation.errors import UsageError

_LEAST_SECONDS = 5


def add(to: Subparsers) -> None:
    """The commands of this module."""
    inbox = group(to, "inbox", "Letters that come by MESH or through a watched folder")
    listed = command(
        inbox, "list", _list, "Say which inboxes this installation has", "counterfoil inbox list"
    )
    formats(listed, "table", "json")
    fetch = command(
        inbox,
        "fetch",
        _fetch,
        "Fetch the letters that wait: downloaded, stored, then acknowledged",
        "counterfoil inbox fetch --every 300",
    )
    fetch.add_argument("--inbox", metavar="NAME", help="one inbox (else all)")
    fetch.add_argument(
        "--every",
        type=int,
        metavar="SECONDS",
        help="go on, and fetch again after so many seconds, until stopped",
    )
    formats(fetch, "table", "json")


def _list(args: argparse.Namespace) -> int:
    from counterfoil.service import commands

    rows = commands.inboxes()
    if args.format == "json":
        show_json(rows)
    elif rows:
        print(table(rows, ["inbox", "kind", "practice", "place"]), end="")
    else:
        print("There are no inboxes yet; they are described in inboxes.toml of the home.")
    return 0


def _fetch(args: argparse.Namespace) -> int:
    if args.every is not None and args.every < _LEAST_SECONDS:
        raise UsageError(f"--every must be at least {_LEAST_SECONDS} seconds")
    from counterfoil.service import commands

    while True:
        report = commands.fetch_inboxes(only=args.inbox)
        if args.format == "json":
            show_json(report)
        else:
            for one in report:
                _say(one)
        if args.every is None:
            return 1 if any(one["failed"] or one["left"] for one in report) else 0
        time.sleep(args.every)


def _say(one: dict[str, object]) -> None:
    letters, left = one["letters"], one["left"]
    assert isinstance(letters, list)
    assert isinstance(left, list)
    known = f", {one['known']} here already" if one["known"] else ""
    print(f"{one['inbox']} ({one['practice']}): {len(letters)} new{known}", flush=True)
    for item in left:
        print(f"  left where it is: {item['item']}: {item['reason']}")
    if one["failed"]:
        print(f"  {one['failed']}")

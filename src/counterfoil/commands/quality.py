"""``record``: what the records that are published lack, and looking after their files."""

from __future__ import annotations

import argparse

from counterfoil.commands.common import Subparsers, command, formats, group, show_json, table
from counterfoil.foundation.errors import UsageError


def add(to: Subparsers) -> None:
    """The commands of this module."""
    record = group(to, "record", "Look at the records that are published, and keep them small")
    quality = command(
        record,
        "quality",
        _quality,
        "Say what each published record lacks, what was not loaded, and how new it is",
        "counterfoil record quality --practice X00001",
    )
    quality.add_argument("--practice", metavar="ODS", help="one practice (else all)")
    formats(quality, "table", "json")
    compact = command(
        record,
        "compact",
        _compact,
        "Make one base of each record and its deltas; for a nightly job",
        "counterfoil record compact",
    )
    compact.add_argument("--practice", metavar="ODS", help="one practice (else all)")


def _quality(args: argparse.Namespace) -> int:
    codes = _practices(args.practice)
    from counterfoil.service.records import quality

    found = quality.of_practices(codes)
    if args.format == "json":
        show_json([one.to_json() for one in found])
        return 0
    for one in found:
        print(f"{one.practice_name} ({one.practice}), {one.format}, data as at {one.data_as_at}")
        print(
            table(
                list(one.tables),
                ["table", "rows", "undated", "uncoded", "unitless", "incomparable", "newest"],
            ),
            end="",
        )
        for name in one.late:
            print(f"late: nothing new in {name} for two weeks before the newest data")
        for each in one.rejected:
            print(f"not loaded: {each['count']} of {each['table']}: {each['reason']}")
        for each in one.rare:
            print(f"implausibly rare: {each['title']}: {each['why']}")
        print()
    if not found:
        print("Nothing has been imported yet.")
    return 0


def _compact(args: argparse.Namespace) -> int:
    codes = _practices(args.practice)
    from counterfoil.service.records import publishing

    for code in codes:
        fresh = publishing.compact(code)
        said = f"one base now, snapshot {fresh}" if fresh else "nothing to do"
        print(f"{code}: {said}.")
    return 0


def _practices(code: str | None) -> list[str]:
    """The practice asked about, or all; ``UsageError`` where it is not here."""
    from counterfoil.service import commands

    commands.open_home()
    from counterfoil.service.organisations.models import Organisation

    rows = Organisation.objects.filter(kind=Organisation.Kind.PRACTICE).order_by("pk")
    codes = list(rows.values_list("pk", flat=True))
    if code is None:
        return codes
    if code not in codes:
        raise UsageError(f"there is no practice {code} here")
    return [code]

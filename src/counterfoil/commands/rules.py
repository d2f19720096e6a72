"""``rules``: which rules there are, and whether their examples prove them."""

from __future__ import annotations

import argparse
from pathlib import Path

from counterfoil.commands.common import Subparsers, command, formats, group, show_rows


def add(to: Subparsers) -> None:
    """The commands of this module."""
    rules = group(to, "rules", "The rules themselves")
    for name, function, about in (
        ("list", _list, "List the rules with version, source and approval status"),
        ("test", _test, "Run the examples of the rules"),
    ):
        one = command(rules, name, function, about, f"counterfoil rules {name}")
        one.add_argument(
            "--rules",
            nargs="+",
            type=Path,
            metavar="FILE",
            help="rule files (else the rules that come with the package)",
        )
        formats(one, "table", "json")


def _list(args: argparse.Namespace) -> int:
    from counterfoil import rules

    rows = [
        {
            "rule": r.id,
            "version": r.version,
            "title": r.title,
            "owner": r.owner,
            "makes work": r.makes_work,
            "examples": len(r.examples),
            "source": "; ".join(f"{s.title} ({s.status} {s.read_on})".strip() for s in r.sources),
        }
        for r in rules.load(args.rules)
    ]
    columns = ["rule", "version", "title", "owner", "makes work", "examples"]
    show_rows(rows, args.format, [*columns, "source"] if args.format == "json" else columns)
    return 0


def _test(args: argparse.Namespace) -> int:
    from counterfoil.rules.examples import check_rules, run_example
    from counterfoil.rules.language import read_rules
    from counterfoil.rules.sets import TerminologySets

    chosen, sets = read_rules(args.rules), TerminologySets()
    rows = [
        {
            "rule": rule.id,
            "example": example.name,
            "expected": example.expect,
            "found": (found := run_example(rule, example, sets)[0]),
            "right": found == example.expect,
        }
        for rule in chosen
        for example in rule.examples
    ]
    show_rows(rows, args.format, ["rule", "example", "expected", "found", "right"])
    check_rules(chosen, sets)
    if args.format == "table":
        print(f"\n{len(rows)} examples of {len(chosen)} rules; every clause is proved by a pair.")
    return 0

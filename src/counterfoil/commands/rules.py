"""``rules``: which rules there are, whether their examples prove them, and what a change does."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from counterfoil.commands.common import (
    Subparsers,
    as_of,
    command,
    formats,
    group,
    show_json,
    show_rows,
    table,
    today,
)
from counterfoil.foundation.errors import DataError

MOVED = ["change", "patient_id", "practice", "before", "after", "because"]


def add(to: Subparsers) -> None:
    """The commands of this module."""
    rules = group(to, "rules", "The rules themselves")
    for name, function, about in (
        ("list", _list, "List the rules with version, source and approval status"),
        ("test", _test, "Run the examples, and show that each would notice a changed rule"),
    ):
        one = command(rules, name, function, about, f"counterfoil rules {name}")
        _files(one)
        formats(one, "table", "json")
    diff = command(
        rules,
        "diff",
        _diff,
        "Say who would enter a rule's list and who would leave it if the rule changed, and why",
        "counterfoil rules diff monitoring.methotrexate changed.toml --as-of 2026-11-20",
    )
    diff.add_argument("old", metavar="OLD", help="a rule file, or the id of a shipped rule")
    diff.add_argument("new", metavar="NEW", help="a rule file, or an override of OLD's parameters")
    diff.add_argument("--practice", metavar="ODS", help="one practice (else all of them)")
    as_of(diff)
    formats(diff, "table", "json")


def _files(to: argparse.ArgumentParser) -> None:
    to.add_argument(
        "--rules",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="rule files (else the rules that come with the package)",
    )


def _list(args: argparse.Namespace) -> int:
    from counterfoil import rules

    rows = [
        {
            "rule": r.id,
            "version": r.version,
            "title": r.title,
            "purpose": r.purpose,
            "owner": r.owner,
            "makes work": r.makes_work,
            "examples": len(r.examples),
            "parameters": dict(r.parameters),
            "source": "; ".join(f"{s.title} ({s.status} {s.read_on})".strip() for s in r.sources),
        }
        for r in rules.load(args.rules)
    ]
    if args.format == "json":
        show_json([{key.replace(" ", "_"): value for key, value in row.items()} for row in rows])
        return 0
    columns = ["rule", "version", "title", "purpose", "owner", "makes work", "examples"]
    show_rows(rows, args.format, columns)
    return 0


def _test(args: argparse.Namespace) -> int:
    from counterfoil.rules.examples import check_rules, try_examples
    from counterfoil.rules.language import read_rules
    from counterfoil.rules.mutants import try_mutants
    from counterfoil.rules.sets import TerminologySets, check_sets

    chosen, sets = read_rules(args.rules), TerminologySets()
    check_sets(chosen)
    trials = {rule.id: try_examples(rule, sets) for rule in chosen}
    verdicts = {rule.id: try_mutants(rule, sets) for rule in chosen}
    results: list[dict[str, Any]] = [
        {
            "rule": rule.id,
            "version": rule.version,
            "examples": [
                {"name": t.example.name, "expected": t.example.expect, "found": t.said}
                for t in trials[rule.id]
            ],
            "mutants": len(verdicts[rule.id]),
            "killed": sum(not v.survived for v in verdicts[rule.id]),
            "survivors": [
                {"clause": v.mutant.clause, "change": v.mutant.change}
                for v in verdicts[rule.id]
                if v.survived
            ],
        }
        for rule in chosen
    ]
    if args.format == "json":
        show_json(results)
    else:
        rows = [
            {
                "rule": r["rule"],
                "examples": len(r["examples"]),
                "right": sum(e["expected"] == e["found"] for e in r["examples"]),
                "mutants": r["mutants"],
                "killed": r["killed"],
            }
            for r in results
        ]
        show_rows(rows, args.format, ["rule", "examples", "right", "mutants", "killed"])
        for result in results:
            for s in result["survivors"]:
                print(f"{result['rule']}: no example notices {s['clause']}: {s['change']}")
    check_rules(chosen, sets)
    survivors = sum(len(r["survivors"]) for r in results)
    if args.format == "table":
        examples, mutants = (sum(r[k] for r in rows) for k in ("examples", "mutants"))
        print(
            f"\n{examples} examples of {len(chosen)} rules; every clause is proved by a pair. "
            f"{mutants} mutants, {mutants - survivors} killed."
        )
    return 1 if survivors else 0


def _diff(args: argparse.Namespace) -> int:
    from counterfoil.rules.changes import difference
    from counterfoil.rules.examples import check_rules
    from counterfoil.service import commands

    day = today() if args.as_of is None else int(args.as_of)
    old, new = _pair(args.old, args.new, day)
    check_rules([old] if new.override else [old, new])
    commands.open_home()
    from counterfoil.service.records.published import published

    with published(args.practice) as data:
        found = difference(data.tables, old, new, day)
        said = data.said
    if args.format == "json":
        show_json([moved.to_json() for moved in found.moved])
        return 0
    rows = [
        {**m.to_json(), "because": "; ".join(f"{b.clause}: {b.text}" for b in m.because)}
        for m in found.moved
    ]
    if rows:
        print(table(rows, MOVED))
    enters, leaves = (sum(m.change == word for m in found.moved) for word in ("enters", "leaves"))
    print(
        f"{found.before} on the list before, {found.after} after: {enters} enter, {leaves} leave."
    )
    print(f"Data: {said}.")
    return 0


def _pair(first: str, second: str, day: int) -> Any:
    """The two rules: files, the id of a shipped rule, or a rule and an override of it."""
    from counterfoil.rules.language import override, read_override, read_rule, read_rules, read_text

    shipped = {rule.id: rule for rule in read_rules()}
    old = shipped[first] if first in shipped else read_rule(read_text(Path(first)), first)
    if second in shipped:
        return old, shipped[second]
    text = read_text(Path(second))
    try:
        return old, read_rule(text, second)
    except DataError as error:
        try:
            by = read_override(text, second)
        except DataError:
            raise error from None
        return old, override(old, by, day)

"""``audit``: who meets a rule, why, since when, and what comes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from counterfoil.commands import engines
from counterfoil.commands.common import (
    Subparsers,
    as_of,
    command,
    day,
    formats,
    group,
    show_json,
    show_rows,
    table,
    today,
)
from counterfoil.foundation.errors import DataError, UsageError

FINDING = [
    "finding_id",
    "rule",
    "version",
    "purpose",
    "approved",
    "person_id",
    "patient_id",
    "practice",
    "subject",
    "state",
    "since",
    "until",
    "due",
    "owner",
    "cause",
    "reasons",
]
SHORT = ["rule", "purpose", "state", "patient_id", "practice", "since", "due", "owner", "approved"]
TREND = [
    "rule",
    "version",
    "practice",
    "month_end",
    "at_risk",
    "open",
    "cannot_tell",
    "days_at_risk",
]
FORECAST = ["rule", "version", "practice", "date", "open", "new"]


def add(to: Subparsers) -> None:
    """The commands of this module."""
    audit = group(to, "audit", "Run the rules over the published records")
    run = command(
        audit,
        "run",
        _run,
        "List the findings of the rules on a day",
        "counterfoil audit run --as-of 2026-11-20 --format csv --out findings.csv",
    )
    _known(run)
    engines.options(run)
    _common(run, "table", "csv", "json", "parquet")
    explain = command(
        audit,
        "explain",
        _explain,
        "Say why one patient meets a rule, or misses it",
        "counterfoil audit explain monitoring.methotrexate --patient 1000123",
    )
    explain.add_argument("rule")
    explain.add_argument("--patient", required=True, metavar="PATIENT_ID")
    _known(explain)
    _common(explain, "table", "json")
    trend = command(
        audit,
        "trend",
        _trend,
        "Count by month: at risk, open, cannot tell",
        "counterfoil audit trend --months 24 --format csv",
    )
    trend.add_argument("--months", type=int, default=24)
    trend.add_argument("--by", choices=("practice", "pcn"), default="practice")
    engines.options(trend)
    _common(trend, "table", "csv", "json", "parquet")
    forecast = command(
        audit,
        "forecast",
        _forecast,
        "Count by week ahead, if treatment goes on and no further test is done",
        "counterfoil audit forecast --weeks 12",
    )
    forecast.add_argument("--weeks", type=int, default=12)
    engines.options(forecast)
    _common(forecast, "table", "csv", "json", "parquet")


def _known(to: argparse.ArgumentParser) -> None:
    to.add_argument(
        "--as-known-on",
        type=day,
        metavar="DATE",
        help="as it was on record on that day: what was entered later is not there, what was "
        "withdrawn later still is",
    )


def _common(to: argparse.ArgumentParser, *forms: str) -> None:
    as_of(to)
    to.add_argument(
        "--rules",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="rule files (else the rules that come with the package)",
    )
    to.add_argument("--practice", metavar="ODS", help="one practice (else all of them)")
    to.add_argument("--out", metavar="FILE", help="write to a file instead of the screen")
    formats(to, *forms)


def _day(args: argparse.Namespace) -> int:
    return today() if args.as_of is None else int(args.as_of)


def _published(args: argparse.Namespace) -> Any:
    from counterfoil.service import commands

    commands.open_home()
    from counterfoil.service.records.published import published

    return published(args.practice)


def _run(args: argparse.Namespace) -> int:
    from counterfoil import rules

    found: list[Any] = []
    with _published(args) as data, engines.engine(args) as opens:
        for use in _in_use(data, args):
            found += rules.run(
                use.tables,
                use.rules,
                _day(args),
                use.sets,
                use.weak,
                known_on=args.as_known_on,
                opens=opens,
            )
        found.sort(key=lambda one: (one.rule, one.practice, one.patient_id))
        rows = data.identified(found)
    show_rows(rows, args.format, SHORT if args.format == "table" else FINDING, args.out)
    if args.format == "table" and not args.out:
        work = [r for r in rows if r["purpose"] == "work"]
        count = sum(1 for row in work if row["state"] == "open")
        waiting = sorted({r["rule"] for r in work if not r["approved"]})
        print(f"\n{len(work)} findings, {count} open. Data: {data.said}.")
        if counted := sorted({r["rule"] for r in rows if r["purpose"] == "measure"}):
            print(
                f"{len(rows) - len(work)} rows of measures, which are counted and nobody's work: "
                + ", ".join(counted)
                + "."
            )
        if waiting:
            print("Not approved here, so no work is made of: " + ", ".join(waiting) + ".")
    return 0


def _in_use(data: Any, args: argparse.Namespace) -> Any:
    """Practices with the same rules, and what those read: as published, or the rules named."""
    from counterfoil import rules
    from counterfoil.foundation.days import to_date

    given, problems = rules.load_usable(args.rules) if args.rules else (None, [])
    found = data.in_use(to_date(_day(args)), given)
    left_out = [*map(str, problems), *dict.fromkeys(said for use in found for said in use.left_out)]
    for said in left_out:
        print(f"Left out of this run: {said}", file=sys.stderr)
    return found


def _explain(args: argparse.Namespace) -> int:
    from counterfoil import rules

    with _published(args) as data:
        records = data.records(args.patient)
        if not records:
            raise DataError.at("--patient", "no published practice has a patient with this id")
        words = {0: "clear", 1: "cannot tell", 2: "open"}
        results = []
        for record in records:
            [use] = _in_use(data.of(record.patient.practice), args)
            chosen = {rule.id: rule for rule in use.rules}
            if args.rule not in chosen:
                raise UsageError(f"there is no rule {args.rule}; there are {', '.join(chosen)}")
            value, reasons = rules.explain(
                record,
                chosen[args.rule],
                _day(args),
                use.sets,
                known_on=args.as_known_on,
                gated=frozenset(use.weak.get(record.patient.practice, ())),
            )
            results.append(
                {
                    "practice": record.patient.practice,
                    "rule": args.rule,
                    "state": words[value].replace(" ", "_"),
                    "reasons": [reason.to_json() for reason in reasons],
                }
            )
    if args.format == "json":
        show_json(results)
        return 0
    for result in results:
        print(f"{result['rule']} at {result['practice']}: {result['state'].replace('_', ' ')}")
        marks = {True: "holds", False: "does not hold", None: "cannot tell"}
        print(
            table(
                [
                    {"clause": r["clause"], "": marks[r["holds"]], "why": r["text"]}
                    for r in result["reasons"]
                ],
                ["clause", "", "why"],
            )
        )
    return 0


def _trend(args: argparse.Namespace) -> int:
    from counterfoil import rules

    if not 1 <= args.months <= 240:
        raise UsageError("--months must be 1 to 240")
    with _published(args) as data, engines.engine(args) as opens:
        rows = [
            row
            for use in _in_use(data, args)
            for row in rules.trend(
                use.tables, use.rules, _day(args), args.months, use.sets, use.weak, opens=opens
            )
        ]
        rows.sort(key=lambda row: (row["rule"], row["practice"]))
        if args.by == "pcn":
            rows = _summed(rows, data.parents, ("rule", "version", "practice", "month_end"))
    show_rows(rows, args.format, TREND, args.out)
    return 0


def _summed(
    rows: list[dict[str, Any]], parents: dict[str, str], keys: tuple[str, ...]
) -> list[dict[str, Any]]:
    """Counts of practices added up to their PCN, whose code then stands under ``practice``."""
    total: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        row = {**row, "practice": parents.get(row["practice"], row["practice"])}
        key = tuple(row[k] for k in keys)
        if key not in total:
            total[key] = row
            continue
        for name in row.keys() - set(keys):
            total[key][name] += row[name]
    return list(total.values())


def _forecast(args: argparse.Namespace) -> int:
    from counterfoil import rules

    if not 1 <= args.weeks <= 104:
        raise UsageError("--weeks must be 1 to 104")
    with _published(args) as data, engines.engine(args) as opens:
        rows = [
            row
            for use in _in_use(data, args)
            for row in rules.forecast(
                use.tables, use.rules, _day(args), args.weeks, use.sets, use.weak, opens=opens
            )
        ]
        rows.sort(key=lambda row: (row["rule"], row["practice"]))
    show_rows(rows, args.format, FORECAST, args.out)
    return 0

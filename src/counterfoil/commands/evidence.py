"""``evidence``: charts by the NHS rules, and what a registered pilot may say."""

from __future__ import annotations

import argparse
import csv
import io
from pathlib import Path
from typing import Any

from counterfoil.commands import team, worklog
from counterfoil.commands.common import (
    Subparsers,
    as_of,
    command,
    day,
    formats,
    group,
    show_json,
    table,
    today,
)
from counterfoil.foundation.days import words
from counterfoil.foundation.errors import DataError, UsageError


def add(to: Subparsers) -> None:
    """The commands of this module."""
    evidence = group(to, "evidence", "Charts and reports of what the work shows")
    worklog.add(evidence)
    team.add_evidence(evidence)
    spc = command(
        evidence,
        "spc",
        _spc,
        "Chart a series by the NHS Making Data Count rules",
        "counterfoil evidence spc letters.csv --improvement increase --target 0.9 --fix-after 26",
    )
    spc.add_argument("file", type=Path, metavar="FILE", help="CSV with the columns date and value")
    _options(spc)
    formats(spc, "table", "json")
    report = command(
        evidence,
        "report",
        _report,
        "Write the one-page report of a registered pilot",
        "counterfoil evidence report docs/reference/examples/protocol.toml --series "
        "letters_within_7_days=docs/reference/examples/letters-within-7-days.csv --out report.html",
    )
    report.add_argument("protocol", type=Path, metavar="PROTOCOL", help="the protocol, TOML")
    report.add_argument(
        "--series",
        nargs="+",
        action="extend",
        default=[],
        metavar="MEASURE=FILE",
        help="weekly values of a measure: CSV with the columns date and value",
    )
    report.add_argument(
        "--activity", type=Path, metavar="FILE", help="the activity table, CSV or Parquet"
    )
    report.add_argument(
        "--gaps", type=Path, metavar="FILE", help="gaps found: CSV with text, site, owner"
    )
    report.add_argument("--out", type=Path, metavar="FILE", help="else standard output")
    as_of(report)
    formats(report, "html", "pdf", "json")


def _options(to: argparse.ArgumentParser) -> None:
    to.add_argument(
        "--improvement",
        required=True,
        choices=("increase", "decrease", "neutral"),
        help="which way is better",
    )
    to.add_argument("--target", type=float, metavar="X", help="the value to be reached")
    to.add_argument(
        "--fix-after",
        type=int,
        metavar="N",
        help="take mean and limits from the first N points of each segment (12 or more)",
    )
    to.add_argument(
        "--rebase",
        type=day,
        nargs="+",
        action="extend",
        default=[],
        metavar="DATE",
        help="start a new segment, with its own mean and limits, at these points",
    )
    to.add_argument(
        "--keep-outliers",
        action="store_true",
        help="draw the limits from all moving ranges, as the Excel tool does",
    )


def _spc(args: argparse.Namespace) -> int:
    from counterfoil.evidence import series, spc

    chart = spc.xmr(
        series.read(args.file),
        args.improvement,
        target=args.target,
        fix_after=args.fix_after,
        rebase=args.rebase,
        screen_outliers=not args.keep_outliers,
    )
    if args.format == "json":
        show_json(chart.to_json())
        return 0
    _say(chart)
    return 0


def _say(chart: Any) -> None:
    rows = [
        {
            "date": words(point.day),
            "value": f"{point.value:g}",
            "mean": f"{point.mean:.4g}",
            "lower": "" if point.lower is None else f"{point.lower:.4g}",
            "upper": "" if point.upper is None else f"{point.upper:.4g}",
            "type": point.type.replace("_", " "),
            "rule": (point.rule or "").replace("_", " "),
        }
        for point in chart.points
    ]
    print(table(rows, ["date", "value", "mean", "lower", "upper", "type", "rule"]))
    print(f"Variation: {chart.variation.replace('_', ' ')} (the last point).")
    if chart.assurance:
        print(f"Assurance: {chart.assurance.replace('_', ' ')} (target {chart.target:g}).")
    for note in chart.notes:
        print(f"Note: {note}")


def _report(args: argparse.Namespace) -> int:
    from counterfoil.evidence import protocol, report
    from counterfoil.evidence.claims import statement

    if args.format == "pdf" and not args.out:
        raise UsageError("--format pdf needs --out FILE")
    registered = protocol.read(args.protocol)
    now = today() if args.as_of is None else args.as_of
    shown = [report.chart_for(registered, m, p, about) for m, p, about in _series(args, now)]
    first = registered.phase("delivery").first
    before = [sum(p.day < first for p in one.chart.points) for one in shown if one.chart]
    said = min(before) if before else None
    if args.format == "json":
        show_json(
            {
                "protocol": registered.id,
                "version": registered.version,
                "sha256": registered.sha256,
                "statement": statement(registered, said).to_json(),
                "charts": [
                    {
                        "measure": s.measure.id,
                        "about": s.about,
                        "note": s.note,
                        "chart": s.chart.to_json() if s.chart else None,
                    }
                    for s in shown
                ],
            }
        )
        return 0
    text = report.html(registered, shown, _gaps(args.gaps), now, weeks_before=said)
    if args.format == "pdf":
        args.out.write_bytes(report.pdf(text))
    elif args.out:
        args.out.write_text(text, "utf-8")
    else:
        print(text, end="")
    return 0


def _series(args: argparse.Namespace, now: int) -> list[Any]:
    from counterfoil.evidence import activity, series, weekly
    from counterfoil.evidence.measures import measure

    found: list[Any] = []
    for given in args.series:
        name, sign, path = given.partition("=")
        if not sign:
            raise UsageError(f"--series is MEASURE=FILE, not '{given}'")
        found.append((measure(name), series.read(Path(path)), "all sites"))
    if args.activity:
        rows = activity.read(args.activity)
        for make in (weekly.letters_within_7_days, weekly.active_minutes_per_task):
            made = make(rows, now)
            found.append((made.measure, made.points, made.about))
    return found


def _gaps(path: Path | None) -> list[Any]:
    from counterfoil.evidence.report import Gap
    from counterfoil.evidence.series import read_text

    if path is None:
        return []
    rows = csv.DictReader(io.StringIO(read_text(path), newline=""))
    if "text" not in (rows.fieldnames or ()):
        raise DataError.at(f"{path.name}, row 1", "the columns text, site and owner are needed")
    return [
        Gap(row["text"] or "", row.get("site") or "", row.get("owner") or "")
        for row in rows
        if row["text"]
    ]

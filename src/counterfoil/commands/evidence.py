"""``evidence``: charts by the NHS rules, and what a registered pilot may say."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from counterfoil.commands.common import Subparsers, command, day, formats, group, show_json, table
from counterfoil.foundation.days import words


def add(to: Subparsers) -> None:
    """The commands of this module."""
    evidence = group(to, "evidence", "Charts and reports of what the work shows")
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

"""``terminology``: releases and code sets loaded, names matched, products searched, ids resolved."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from counterfoil.commands import terminology_check, terminology_records
from counterfoil.commands.common import (
    Subparsers,
    command,
    formats,
    group,
    json_lines,
    lines_in,
    progress,
    show_json,
    show_rows,
    table,
)

if TYPE_CHECKING:
    from counterfoil.terminology.releases import LoadReport, Release, Releases


def add(to: Subparsers) -> None:
    """The commands of this module."""
    terms = group(to, "terminology", "Releases, products, names and code sets")
    _add_releases(terms)
    match = command(
        terms,
        "match",
        _match,
        "Match drug names: a line in, a JSON object out",
        'echo "amlodipine 5mg tabs" | counterfoil terminology match',
    )
    formats(match, "json")
    search = command(
        terms, "search", _search, "Search the products", "counterfoil terminology search ramipril"
    )
    search.add_argument("text", nargs="+")
    search.add_argument("--limit", type=int, default=20)
    formats(search, "table", "json")
    terminology_check.add(terms)
    terminology_records.add(terms)


def _add_releases(terms: Subparsers) -> None:
    load = command(
        terms,
        "load",
        _load,
        "Load a terminology release or a code set",
        "counterfoil terminology load nhsbsa_dmd_8.3.0_20250818000001.zip",
    )
    load.add_argument(
        "path",
        type=Path,
        help="a dm+d release or its supplement (zip or folder), a product list (Parquet or CSV), a "
        "BNF mapping (xlsx), a code list, SNOMED CT RF2: the content says which",
    )
    load.add_argument("--name", metavar="SET", help="the name of a code set")
    load.add_argument("--system", choices=["snomed", "dmd"], help="the coding system of a code set")
    load.add_argument(
        "--allow-mixed", action="store_true", help="take files of several dates as one release"
    )
    load.add_argument(
        "--accept-loss",
        action="store_true",
        help="load although a table has lost more than 5%% of its rows",
    )
    formats(load, "table", "json")
    releases = command(
        terms,
        "releases",
        _releases,
        "Show what is loaded and in use, or one release with its counts and oddities",
        "counterfoil terminology releases dmd-2025-08-14",
    )
    releases.add_argument("name", nargs="?", help="the release to look at")
    formats(releases, "table", "json")
    use = command(
        terms,
        "use",
        _use,
        "Use this release from now on, whatever is newer",
        "counterfoil terminology use dmd-2025-08-14",
    )
    use.add_argument("name", help="a release, or 'newest' for the newest of every kind")
    resolve = command(
        terms,
        "resolve",
        _resolve,
        "Say what became of dm+d ids (from standard input where none are given)",
        "counterfoil terminology resolve 10925511000001108",
    )
    resolve.add_argument("id", nargs="*")
    formats(resolve, "table", "json")


def _store() -> Releases:
    from counterfoil.service.config.home import Home, default_folder
    from counterfoil.terminology.releases import Releases

    return Releases(Home(default_folder()).terminology)


def _load(args: argparse.Namespace) -> int:
    from counterfoil.terminology import prepare

    store = _store()
    progress("reading", 0.05)
    try:
        report = store.load(
            args.path,
            allow_mixed=args.allow_mixed,
            accept_loss=args.accept_loss,
            name=args.name,
            system=args.system,
            progress=progress,
        )
        release = store.get(report.name) if report.kind in _OF_PRODUCTS else None
        if release is not None:
            progress("reading the names", 0.9)
            prepare(release)
    finally:
        progress("done", 1)
    if args.format == "json":
        show_json(report.to_json())
    else:
        _show_report(report)
    return 0


_OF_PRODUCTS = ("dmd", "product-list")


def _show_report(report: LoadReport) -> None:
    print(f"{report.name}: {report.title} ({report.why}).")
    rows = [{"table": name, **counts} for name, counts in report.tables.items()]
    if rows:
        print(table(rows, list(rows[0])), end="")
    for anomaly in report.anomalies:
        print(f"odd: {anomaly}")
    for note in report.notes:
        print(f"note: {note}")
    if report.attribution:
        print(report.attribution)
    if report.already:
        print("The same content was loaded before: nothing has changed.")
    if report.in_use == report.name:
        print(f"{report.name} is in use.")
    elif report.in_use is not None:
        print(
            f"{report.in_use} stays in use; 'counterfoil terminology use {report.name}' changes it."
        )


def _releases(args: argparse.Namespace) -> int:
    store = _store()
    if args.name:
        return _one_release(store, store.get(args.name), args.format)
    pinned = set(store.pinned().values())
    rows = [
        {
            "name": release.name,
            "kind": release.kind,
            "date": release.date,
            "rows": sum(release.counts.values()),
            "in_use": release.name in pinned,
        }
        for release in store.all()
    ]
    if rows or args.format == "json":
        show_rows(rows, args.format, ["name", "kind", "date", "rows", "in_use"])
    else:
        print(
            "No release is loaded: names are matched to the project's own formulary. "
            "See 'counterfoil terminology load --help'."
        )
    return 0


def _one_release(store: Releases, release: Release, form: str) -> int:
    report = store.report(release, f"loaded as {release.kind}", already=True)
    damaged = release.damaged()
    if form == "json":
        show_json({**report.to_json(), "damaged": damaged})
    else:
        print(f"{release.name}: {report.title}, {report.date or 'no date'}")
        rows = [{"table": name, **counts} for name, counts in report.tables.items()]
        print(table(rows, list(rows[0])), end="")
        for file in report.files:
            print(f"from: {file['file']}  {file['sha256'][:16]}  {file['bytes']:,} bytes")
        for anomaly in report.anomalies:
            print(f"odd: {anomaly}")
        for note in report.notes:
            print(f"note: {note}")
        print("in use" if report.in_use == release.name else f"in use: {report.in_use}")
        print(report.attribution)
        for name in damaged:
            print(f"damaged: {name} is not what was written; load the release again")
    return 1 if damaged else 0


def _use(args: argparse.Namespace) -> int:
    store = _store()
    if args.name == "newest":
        for role in store.pinned():
            store.use_newest(role)
    else:
        store.use(args.name)
    for role, name in store.pinned().items():
        print(f"{role}: {name}")
    return 0


def _resolve(args: argparse.Namespace) -> int:
    together = _store().in_use()
    codes = args.id or [line.strip() for line in lines_in() if line.strip()]
    rows: list[dict[str, Any]] = []
    for code in codes:
        trace = together.trace(code)
        product = together.product(trace.current or "")
        rows.append(
            {
                "id": code,
                "state": trace.state,
                "current": None if trace.state == "unknown" else trace.current,
                "name": product["name"] if product else None,
                "successors": list(trace.successors),
                "path": list(trace.path),
            }
        )
    if args.format == "json":
        show_json({"releases": together.pinned, "ids": rows})
    else:
        show_rows(rows, "table", ["id", "state", "current", "name"])
        print(f"By: {', '.join(together.pinned.values()) or 'no release'}.", file=sys.stderr)
    return 0


def _match(args: argparse.Namespace) -> int:
    from counterfoil.terminology.commands import match_lines

    return json_lines(match_lines(lines_in()))


def _search(args: argparse.Namespace) -> int:
    from counterfoil.terminology import formulary

    found = formulary().search(" ".join(args.text), args.limit)
    rows = [
        {
            "name": p.name,
            "level": p.level,
            "ingredients": ", ".join(p.ingredients),
            "form": p.form,
            "route": p.route,
            "class": p.drug_class,
            "id": p.id,
        }
        for p in found
    ]
    show_rows(rows, args.format, ["name", "level", "ingredients", "form", "route", "class", "id"])
    return 0

"""``terminology check``, ``sets`` and ``choose``: code sets looked at, kept, and put to use."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from counterfoil.commands.common import (
    Subparsers,
    as_of,
    command,
    day,
    formats,
    show_json,
    show_rows,
    today,
)
from counterfoil.foundation.days import to_date
from counterfoil.foundation.errors import DataError, UsageError

if TYPE_CHECKING:
    from counterfoil.terminology.check import Against, Report
    from counterfoil.terminology.collect import Collected
    from counterfoil.terminology.releases import Releases

_COLUMNS = ["list", "kind", "id", "name", "why", "items", "sure", "listed"]


def add(terms: Subparsers) -> None:
    """The commands of this module, under ``terminology``."""
    check = command(
        terms,
        "check",
        _check,
        "Check code lists: stale ids, missing strengths, products that do not fit",
        "counterfoil terminology check codelists/ --items items.csv",
    )
    check.add_argument(
        "paths",
        nargs="*",
        type=Path,
        metavar="PATH",
        help="code lists, or folders of them (else the sets that are loaded)",
    )
    check.add_argument(
        "--items",
        type=Path,
        metavar="FILE",
        help="items dispensed (columns vpid and items): the most dispensed come first",
    )
    check.add_argument("--kind", nargs="+", metavar="KIND", help="only findings of these kinds")
    check.add_argument("--out", metavar="FILE", help="write there instead of the terminal")
    formats(check, "table", "csv", "json")
    _add_expand(terms)
    sets = command(
        terms,
        "sets",
        _sets,
        "List the sets: those of the rules, those loaded, those chosen",
        "counterfoil terminology sets",
    )
    as_of(sets)
    formats(sets, "table", "csv", "json")
    choose = command(
        terms,
        "choose",
        _choose,
        "Let a loaded set stand for a set of the rules, with a reason and a last day",
        "counterfoil terminology choose lithium pincer-lith --reason 'agreed 1 June 2026' "
        "--until 2027-05-31",
    )
    choose.add_argument("name", help="the set of the rules")
    choose.add_argument("loaded", nargs="?", help="the loaded set that stands for it")
    choose.add_argument("--version", help="its version (else the last loaded)")
    choose.add_argument("--reason", help="why, and who agreed")
    choose.add_argument("--until", type=day, metavar="DATE", help="its last day")
    choose.add_argument("--own", action="store_true", help="read the rules' own set again")


def _add_expand(terms: Subparsers) -> None:
    expand = command(
        terms,
        "expand",
        _expand,
        "List the concepts that an expression names in the loaded SNOMED CT release",
        "counterfoil terminology expand '<< 73211009 |Diabetes mellitus|' --name our-diabetes",
    )
    expand.add_argument("expression", help="ids with <, <<, ^, *, AND, OR, MINUS and parentheses")
    expand.add_argument("--name", metavar="SET", help="keep the concepts as a set of this name")
    expand.add_argument("--out", metavar="FILE", help="write there instead of the terminal")
    formats(expand, "table", "csv", "json")


def releases() -> Releases:
    """The terminology of the installation."""
    from counterfoil.service.config.home import default_folder
    from counterfoil.terminology.releases import Releases

    return Releases(default_folder() / "terminology")


def _check(args: argparse.Namespace) -> int:
    from counterfoil.terminology.check import KINDS, check
    from counterfoil.terminology.collect import Collected, collect
    from counterfoil.terminology.sets import SetStore

    unknown = set(args.kind or ()) - set(KINDS)
    if unknown:
        raise UsageError(f"No kind {sorted(unknown)[0]!r}. There are: {', '.join(KINDS)}.")
    known = releases()
    if args.paths:
        found = collect(args.paths)
    else:
        loaded = SetStore(known.root).all()
        if not loaded:
            raise UsageError("no set is loaded yet: name a code list or a folder of them")
        found = Collected(tuple(s.codelist() for s in loaded), (), ())
    report = check(found.lists, _against(known, args.items))
    rows = [r for r in _rows(found, report) if not args.kind or r["kind"] in args.kind]
    if args.format == "json":
        document = {
            "against": known.pinned(),
            "lists": [s.to_json() for s in report.summaries],
            "findings": rows,
            "passed_over": list(found.passed_over),
        }
        _write_json(document, args.out)
    else:
        shown = [{**row, "listed": _listed(row, args.format)} for row in rows]
        show_rows(shown, args.format, _COLUMNS, args.out)
    if args.format == "table":
        _say(known, found, report)
    return 1 if found.unreadable else 0


def _against(known: Releases, items: Path | None) -> Against:
    from counterfoil.terminology.check import Against
    from counterfoil.terminology.collect import read_items
    from counterfoil.terminology.products import Products
    from counterfoil.terminology.snomed import Snomed

    used = known.in_use()
    products = None
    if used.release("products") is not None:
        products = Products.of(used.products, used.history)
    rf2 = used.release("snomed")
    snomed = None if rf2 is None else Snomed({name: rf2.table(name) for name in rf2.tables()})
    return Against(products, snomed, {} if items is None else read_items(items))


def _rows(found: Collected, report: Report) -> list[dict[str, Any]]:
    spoilt: list[dict[str, Any]] = [
        {
            "list": name,
            "kind": "unreadable",
            "id": "",
            "name": "",
            "why": str(problem),
            "listed": [],
            "sure": True,
            "items": None,
        }
        for name, problems in found.unreadable
        for problem in problems
    ]
    return spoilt + [f.to_json() for f in report.findings]


def _listed(row: dict[str, Any], form: str) -> str:
    rows = [f"row {e['row']}: {e['id']} {e['term']}".rstrip() for e in row["listed"]]
    most = 2 if form == "table" else len(rows)
    return "; ".join(rows[:most]) + (f"; {len(rows) - most} more" if len(rows) > most else "")


def _say(known: Releases, found: Collected, report: Report) -> None:
    """What was checked against what, and what could not be."""
    from counterfoil.terminology.check import KINDS

    kinds = [f.kind for f in report.findings] + ["unreadable"] * len(found.unreadable)
    print()
    for kind, words in KINDS.items():
        if kind in kinds:
            print(f"{kinds.count(kind):6d}  {kind}: {words}")
    ids = sum(s.ids for s in report.summaries)
    print(f"{len(report.summaries)} lists with {ids:,} ids were read.")
    pinned = known.pinned()
    if not {"products", "snomed"} & pinned.keys():
        print(
            "No release is loaded, so that no id could be looked up. Load one with "
            "counterfoil terminology load PATH."
        )
        return
    print("Held against " + ", ".join(f"{role} {name}" for role, name in pinned.items()) + ".")
    former, unchecked = (
        sum(getattr(s, n) for s in report.summaries) for n in ("former", "not_checked")
    )
    print(f"{former:,} ids are former ones; where the current id is listed too, that does no harm.")
    if unchecked:
        print(
            f"{unchecked:,} ids could not be checked: the releases loaded do not hold their kind."
        )
    for summary in report.summaries:
        for note in summary.notes:
            print(f"{summary.name}: {note}")


def _write_json(document: dict[str, Any], out: str | None) -> None:
    import json

    if out is None:
        show_json(document)
    else:
        Path(out).write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _expand(args: argparse.Namespace) -> int:
    from counterfoil.terminology.codelists import codelist_of
    from counterfoil.terminology.ecl import evaluate
    from counterfoil.terminology.sets import SetStore
    from counterfoil.terminology.snomed import Snomed

    known = releases()
    rf2 = known.in_use().release("snomed")
    if rf2 is None:
        raise UsageError("no SNOMED CT release is loaded: counterfoil terminology load PATH")
    snomed = Snomed({name: rf2.table(name) for name in rf2.tables()})
    codes = sorted(evaluate(args.expression, snomed), key=int)
    rows = [{"code": code, "term": snomed.name(code)} for code in codes]
    show_rows(rows, args.format, ["code", "term"], args.out)
    if args.name:
        source = f"{args.expression} in {rf2.name}"
        text = "code\n" + "".join(f"{code}\n" for code in codes)
        found = codelist_of(text.encode(), source, args.name)
        terms = {row["code"]: row["term"] for row in rows}
        named = tuple(replace(e, term=terms[e.code]) for e in found.entries)
        kept, _ = SetStore(known.root).add(replace(found, entries=named))
        print(f"Kept as {kept.name}, version {kept.version}: {len(codes)} codes.", file=sys.stderr)
    return 0


def _sets(args: argparse.Namespace) -> int:
    from counterfoil.terminology.codesets import CodeSet, all_sets
    from counterfoil.terminology.sets import SetStore

    store = SetStore(releases().root)
    choices = store.choices()
    chosen = store.chosen(today() if args.as_of is None else args.as_of)
    rows = []
    for name, each in sorted(all_sets().items()):
        used = chosen.get(name, each)
        rows.append(
            {
                "set": name,
                "kind": "codes" if isinstance(each, CodeSet) else "drugs",
                "where": "rules",
                "version": used.version,
                "title": used.title,
                "stands for it": choices[name].loaded if name in chosen else "",
                "until": choices[name].until.isoformat() if name in choices else "",
            }
        )
    for loaded in store.all():
        said = loaded.manifest
        kind = "drugs" if said["system"] == "dmd" else "codes"
        row = {"set": loaded.name, "kind": kind, "where": "loaded", "version": loaded.version}
        rows.append({**row, "title": said["title"], "stands for it": "", "until": ""})
    columns = ["set", "kind", "where", "version", "title", "stands for it", "until"]
    show_rows(rows, args.format, columns)
    return 0


def _choose(args: argparse.Namespace) -> int:
    from counterfoil.terminology.codesets import CodeSet, all_sets
    from counterfoil.terminology.sets import Choice, SetStore

    own = all_sets().get(args.name)
    if own is None:
        raise UsageError(f"The rules have no set {args.name!r}: see counterfoil terminology sets.")
    store = SetStore(releases().root)
    if args.own:
        store.unchoose(args.name)
        print(f"The rules read their own {args.name} again.")
        return 0
    if args.loaded is None or not args.reason or args.until is None:
        raise UsageError("name the loaded set and give --reason and --until (or --own)")
    loaded = store.get(args.loaded, args.version)
    if isinstance(loaded.as_set(), CodeSet) != isinstance(own, CodeSet):
        kinds = ("SNOMED CT codes", "dm+d ids")
        want, got = kinds if isinstance(own, CodeSet) else kinds[::-1]
        raise DataError.at(args.name, f"a set of {want} to stand for it", f"{got}, {args.loaded}")
    until = to_date(args.until)
    store.choose(Choice(args.name, loaded.name, loaded.version, args.reason, until))
    print(
        f"{loaded.name}, version {loaded.version}, stands for {args.name} until "
        f"{until.isoformat()}. See first who enters and leaves: "
        f"counterfoil terminology effect {args.name} {loaded.name}"
    )
    return 0

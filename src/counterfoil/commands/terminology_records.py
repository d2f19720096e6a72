"""``terminology effect`` and ``prevalence``: sets held against the published records."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from counterfoil.commands.common import Subparsers, as_of, command, formats, show_rows, today
from counterfoil.commands.terminology_check import releases
from counterfoil.foundation.errors import UsageError


def add(terms: Subparsers) -> None:
    """The commands of this module, under ``terminology``."""
    effect = command(
        terms,
        "effect",
        _effect,
        "Show who would enter and leave each rule if a loaded set stood for a set of the rules",
        "counterfoil terminology effect lithium pincer-lith --as-of 2026-11-20",
    )
    effect.add_argument("name", help="the set of the rules")
    effect.add_argument("loaded", help="the loaded set")
    effect.add_argument("--version", help="its version (else the last loaded)")
    _over_records(effect)
    shares = command(
        terms,
        "prevalence",
        _prevalence,
        "Count how many patients each set finds, by practice and clinical system",
        "counterfoil terminology prevalence --as-of 2026-11-20",
    )
    shares.add_argument("--set", nargs="+", metavar="SET", help="these sets (else all)")
    shares.add_argument(
        "--keep",
        action="store_true",
        help="let the rules know: where a set is rare, its absence shows nothing",
    )
    _over_records(shares)


def _over_records(to: argparse.ArgumentParser) -> None:
    as_of(to)
    to.add_argument("--practice", metavar="ODS", help="one practice (else all of them)")
    to.add_argument("--out", metavar="FILE", help="write there instead of the terminal")
    formats(to, "table", "csv", "json")


def _effect(args: argparse.Namespace) -> int:
    from counterfoil import rules
    from counterfoil.rules.set_changes import preview
    from counterfoil.rules.sets import TerminologySets, check_sets
    from counterfoil.terminology.sets import SetStore

    day_ = today() if args.as_of is None else args.as_of
    store = SetStore(releases().root)
    chosen = store.chosen(day_)
    new = {**chosen, args.name: store.get(args.loaded, args.version).as_set(args.name)}
    every = rules.load(None)
    if not any(args.name in r.drug_sets | r.code_sets for r in every):
        raise UsageError(f"No rule reads a set {args.name!r}: see counterfoil terminology sets.")
    check_sets(every, new)
    with _published(args.practice) as data:
        found = preview(data.tables, every, day_, TerminologySets(chosen), TerminologySets(new))
    rows = [c.to_json() for c in found.changes]
    if args.format != "json":
        rows = [{**row, "causes": _causes(row)} for row in rows]
    columns = ["rule", "change", "before", "after", "patient_id", "practice", "causes"]
    more = [] if args.format == "table" else ["person_id", "at_risk_before", "at_risk_after"]
    show_rows(rows, args.format, [*columns, *more], args.out)
    if args.format == "table":
        print()
        for e in found.effects:
            print(
                f"{e.rule}: {e.enters} enter, {e.leaves} leave; open {e.open_before} to "
                f"{e.open_after}, cannot tell {e.cannot_tell_before} to {e.cannot_tell_after}, "
                f"at risk {e.at_risk_before} to {e.at_risk_after}"
            )
    return 0


def _causes(row: dict[str, Any]) -> str:
    return "; ".join(
        f"{c['change']}: {c['text'] or c['code']} ({c['rows']} rows)" for c in row["causes"]
    )


def _prevalence(args: argparse.Namespace) -> int:
    from counterfoil.rules.gates import changes, decide
    from counterfoil.rules.prevalence import prevalence, published
    from counterfoil.rules.sets import TerminologySets
    from counterfoil.service.casework import sets_in_use
    from counterfoil.terminology.codesets import set_names
    from counterfoil.terminology.sets import SetStore

    day_ = today() if args.as_of is None else args.as_of
    drugs, codes = set_names("drugsets"), set_names("codesets")
    if args.set:
        unknown = sorted(set(args.set) - {*drugs, *codes})
        if unknown:
            raise UsageError(f"The rules have no set {unknown[0]!r}.")
        drugs, codes = ([n for n in names if n in args.set] for names in (drugs, codes))
    sets = TerminologySets(SetStore(releases().root).chosen(day_))
    with _published(args.practice) as data:
        before = sets_in_use.gates()
        measured = prevalence(data.tables_by_code, sets, day_, drug_sets=drugs, code_sets=codes)
    gates = decide(measured, day_, before=before, published=published())
    if args.keep:
        sets_in_use.keep(gates)
        for change in changes(before, gates):
            print(
                f"{change.after.practice}, {change.after.name}: now {change.after.status}",
                file=sys.stderr,
            )
    counted = {(m.name, m.practice): m for m in measured}
    rows = [
        {
            "set": g.name,
            "set_version": g.set_version,
            "practice": g.practice,
            "system": g.system,
            "patients": m.patients,
            "found": m.found,
            "percent": round(100 * m.found / m.patients, 2) if m.patients else None,
            "status": g.status,
            "why": g.why,
        }
        for g in gates
        for m in (counted[g.name, g.practice],)
    ]
    columns = ["set", "practice", "system", "patients", "found", "percent", "status", "why"]
    show_rows(rows, args.format, [*columns, "set_version"], args.out)
    return 0


def _published(practice: str | None) -> Any:
    from counterfoil.service import commands

    commands.open_home()
    from counterfoil.service.records.published import published

    return published(practice)

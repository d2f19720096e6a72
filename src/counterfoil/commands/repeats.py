"""``repeats check`` and ``repeats erd``: what is in the way of a request, and of repeat dispensing."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
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
from counterfoil.foundation.days import to_date, to_day
from counterfoil.foundation.errors import DataError

COLUMNS = ["request_id", "request_item_id", "item_text", "outcome", "checks"]


def add(to: Subparsers) -> None:
    """The commands of this module."""
    repeats = group(to, "repeats", "Repeat requests and repeat dispensing")
    check = command(
        repeats,
        "check",
        _check,
        "Check repeat requests, with a reason for everything",
        "counterfoil repeats check requests.csv --format json",
    )
    check.add_argument(
        "requests",
        type=Path,
        help="a folder with request.csv and request_item.csv, or one CSV file with a row an item",
    )
    _where(check)
    as_of(check, "the day each request was received")
    formats(check, "table", "csv", "json")
    erd = command(
        repeats,
        "erd",
        _erd,
        "Show the criteria of repeat dispensing for one patient",
        "counterfoil repeats erd --patient 1000123",
    )
    erd.add_argument("--patient", required=True, metavar="PATIENT_ID")
    _where(erd)
    as_of(erd)
    formats(erd, "table", "json")


def _where(to: argparse.ArgumentParser) -> None:
    to.add_argument(
        "--record",
        type=Path,
        metavar="RECORD",
        help="a GP record file or CSV folder (else the published records)",
    )
    to.add_argument("--practice", metavar="ODS", help="one practice (else all of them)")


class _People:
    """Finds the record of who asks: in a record file, or in the published practices."""

    def __init__(self, args: argparse.Namespace, stack: ExitStack, folder: Path | None) -> None:
        self.load: Any = None
        self.found: dict[str, Any] = {}
        self._sets: dict[int, Any] = {}
        given = args.record or (folder if folder and (folder / "patient.csv").exists() else None)
        if given is not None:
            from counterfoil.records import read_record_file

            if not given.exists():
                raise DataError.at(
                    str(given), "a GP record file or folder is needed", "nothing there"
                )
            self.load = read_record_file(given)
        else:
            from counterfoil.service import commands

            commands.open_home()
            from counterfoil.service.records.published import published

            self.published = stack.enter_context(published(args.practice))

    def sets(self, day: int) -> Any:
        """The sets that the rules read: with published records, those that the home has chosen."""
        if day not in self._sets:
            if self.load is None:
                from counterfoil.service.casework.sets_in_use import sets_on

                self._sets[day] = sets_on(to_date(day))
            else:
                from counterfoil.rules.sets import TerminologySets

                self._sets[day] = TerminologySets()
        return self._sets[day]

    def record(self, patient_id: str, nhs_number: str | None = None) -> Any:
        """The one record, or None where nobody (or more than one) fits."""
        key = nhs_number or patient_id
        if key not in self.found:
            self.found[key] = self._find(patient_id, nhs_number)
        return self.found[key]

    def _find(self, patient_id: str, nhs_number: str | None) -> Any:
        from counterfoil.records.patient import PatientRecord

        if self.load is None:
            if nhs_number:
                from counterfoil.service.commands import stored_record

                try:
                    return stored_record(None, nhs_number)
                except DataError:
                    return None
            records = self.published.records(patient_id)
            return records[0] if len(records) == 1 else None
        people = self.load.tables["patient"].select(["patient_id", "nhs_number"]).to_pylist()
        wanted = (nhs_number or "").replace(" ", "")
        fits = [
            p["patient_id"]
            for p in people
            if (p["nhs_number"] == wanted if wanted else p["patient_id"] == patient_id)
        ]
        if len(fits) != 1:
            return None
        return PatientRecord.from_tables(self.load.tables, fits[0])


def _check(args: argparse.Namespace) -> int:
    from counterfoil import repeats, rules
    from counterfoil.repeats.reading import read_requests

    asked = read_requests(args.requests, args.practice or "")
    folder = args.requests if args.requests.is_dir() else None
    used, rows = rules.load(), []
    contexts: dict[tuple[str, int], repeats.Context] = {}
    with ExitStack() as stack:
        people = _People(args, stack, folder)
        for one in asked:
            record = people.record(one.request.patient_id, one.nhs_number)
            day = to_day(one.request.received_at.date()) if args.as_of is None else args.as_of
            key = (one.nhs_number or one.request.patient_id, day)
            if key not in contexts:
                contexts[key] = repeats.Context(record, day, used, sets=people.sets(day))
            rows += repeats.check_request(contexts[key], one.request, one.items)
    if args.format == "json":
        show_json([row.to_json() for row in rows])
    elif args.format == "csv":
        show_rows([row.to_json() for row in rows], "csv", COLUMNS)
    else:
        print(
            table(
                [
                    {
                        "request": r.request_id,
                        "item": r.item_text,
                        "outcome": r.outcome,
                        "why": r.reason,
                    }
                    for r in rows
                ],
                ["request", "item", "outcome", "why"],
            )
        )
        clear = sum(1 for r in rows if r.outcome == "ok")
        print(
            f"{len(rows)} items of {len(asked)} requests; no technical query on {clear}. "
            "A prescriber signs."
        )
    return 0


def _erd(args: argparse.Namespace) -> int:
    from counterfoil import repeats, rules

    day = today() if args.as_of is None else args.as_of
    with ExitStack() as stack:
        people = _People(args, stack, None)
        record, sets = people.record(args.patient), people.sets(day)
    if record is None:
        raise DataError.at("--patient", "one patient with this id is needed", "none, or several")
    found = repeats.suitability(repeats.Context(record, day, rules.load(), sets=sets)).to_json()
    if args.format == "json":
        show_json(found)
        return 0
    marks = {True: "met", False: "no", None: "cannot tell"}
    print(
        f"Criteria of repeat dispensing: {found['answer'].replace('_', ' ')}. A prescriber and "
        "the patient decide.\n"
    )
    groups = [("the patient", found["criteria"])]
    groups += [(item["text"], item["criteria"]) for item in found["items"]]
    rows = [
        {"about": about, "criterion": c["id"], "": marks[c["met"]], "why": c["text"]}
        for about, criteria in groups
        for c in criteria
    ]
    print(table(rows, ["about", "criterion", "", "why"]), end="")
    return 0

"""``dose`` and ``reconcile``: what a dose text or a letter says."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from counterfoil.commands.common import (
    Subparsers,
    as_of,
    command,
    formats,
    json_lines,
    lines_in,
    show_json,
    show_rows,
)
from counterfoil.foundation.errors import DataError


def add(to: Subparsers) -> None:
    """The commands of this module."""
    dose = command(
        to,
        "dose",
        _dose,
        "Read dose texts: a line in, a JSON object out",
        'echo "Take ONE tablet TWICE a day" | counterfoil dose',
    )
    dose.add_argument(
        "--product",
        help="the product the doses are for, which informs the reading "
        "(or a tab and the product after each text)",
    )
    formats(dose, "json")
    reconcile = command(
        to,
        "reconcile",
        _reconcile,
        "Compare a hospital letter with a GP record, line by line",
        "counterfoil reconcile letter.txt --record record.json --format json",
    )
    reconcile.add_argument("letter", type=Path)
    reconcile.add_argument(
        "--record",
        required=True,
        metavar="RECORD",
        help="a GP record file (GP Connect bundle or CSV folder), or the NHS "
        "number of a patient in the store",
    )
    as_of(reconcile, "the letter's date")
    formats(reconcile, "table", "json")


def _dose(args: argparse.Namespace) -> int:
    from counterfoil.dosage import read_lines

    texts = (
        f"{line}\t{args.product}" if args.product and "\t" not in line else line
        for line in lines_in()
    )
    return json_lines(read_lines(texts))


def _reconcile(args: argparse.Namespace) -> int:
    from counterfoil.reconciliation import reconcile_file

    if not args.letter.exists():
        raise DataError.at(str(args.letter), "a letter file is needed", "nothing there")
    outcome = reconcile_file(args.letter, _record(args.record), args.as_of).to_json()
    if args.format == "json":
        show_json(outcome)
    elif outcome["status"] == "refused":
        print(f"Refused: {outcome['reason']}")
    else:
        rows = [
            {
                "class": line["class"] + (f" ({line['subclass']})" if line["subclass"] else ""),
                "letter": " / ".join(part["text"] for part in line["letter_lines"]),
                "GP list": " / ".join(part["text"] for part in line["plans"]),
                "for": line["owner"],
            }
            for line in outcome["lines"]
        ]
        show_rows(rows, "table", ["class", "letter", "GP list", "for"])
        for part in outcome["unread"]:
            print(f"Not read: {part['text'] if isinstance(part, dict) else part}")
    return 1 if outcome["status"] == "refused" else 0


def _record(given: str) -> Any:
    """The record of a file with one patient, or of a patient of the store by NHS number."""
    from counterfoil.records import read_record_file
    from counterfoil.records.patient import PatientRecord

    path = Path(given)
    if path.exists():
        load = read_record_file(path)
        patients = load.tables["patient"].column("patient_id").to_pylist()
        if len(patients) != 1:
            raise DataError.at(
                str(path), "a record of one patient is needed", f"{len(patients)} patients"
            )
        return PatientRecord.from_tables(load.tables, patients[0])
    digits = given.replace(" ", "")
    if digits.isdigit() and len(digits) == 10:
        from counterfoil.service.commands import stored_record

        return stored_record(None, digits)
    raise DataError.at(
        "--record",
        "a GP record file or an NHS number of 10 digits is needed",
        "neither" if digits.isdigit() else given,
    )

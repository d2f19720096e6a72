"""Requests from CSV: the record's template (request.csv with request_item.csv), or one flat file.

The flat file has a row an item: ``request_id`` (rows of one request share it; else each row is its
own), ``patient_id`` or ``nhs_number``, ``received_at``, ``item_text``, and if known ``channel``,
``requester``, ``note``, ``product_code``, ``plan_id``, ``quantity``, ``quantity_unit``.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from pathlib import Path

from counterfoil.foundation.errors import DataError, Problem
from counterfoil.records.rows import Request, RequestItem

NEEDED = {
    "request": ("request_id", "patient_id", "received_at"),
    "request_item": ("request_item_id", "request_id", "item_text"),
    "flat": ("item_text", "received_at"),
}


@dataclass(frozen=True)
class Asked:
    """One request as read: who asks is a patient id, or an NHS number still to be looked up."""

    request: Request
    items: tuple[RequestItem, ...]
    nhs_number: str | None = None


def read_requests(path: Path, practice: str = "") -> list[Asked]:
    """The requests of a folder or a flat file; ``DataError`` lists every row that is wrong."""
    if path.is_dir():
        return _folder(path, practice)
    if not path.exists():
        raise DataError.at(
            str(path), "a folder with request.csv and request_item.csv, or one CSV file, is needed"
        )
    return _flat(path, practice)


def _rows(path: Path, kind: str) -> list[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns = [c.strip() for c in reader.fieldnames or []]
            missing = [c for c in NEEDED[kind] if c not in columns]
            if missing:
                raise DataError(
                    *(
                        Problem(
                            f"{path.name}, header", f"a column {c} is needed", ", ".join(columns)
                        )
                        for c in missing
                    )
                )
            reader.fieldnames = columns
            return [
                (n, {k: (v or "").strip() for k, v in row.items() if k})
                for n, row in enumerate(reader, 2)
            ]
    except (OSError, UnicodeDecodeError, csv.Error):
        raise DataError.at(path.name, "a CSV file in UTF-8 is needed") from None


def _folder(path: Path, practice: str) -> list[Asked]:
    problems: list[Problem] = []
    items: dict[str, list[RequestItem]] = {}
    seen: dict[str, str] = {}
    file = "request_item.csv"
    requests = _rows(path / "request.csv", "request")
    for line, row in requests:
        if row["request_id"] in seen:
            problems.append(
                Problem(
                    f"request.csv, row {line}, request_id", "each request once", row["request_id"]
                )
            )
        seen[row["request_id"]] = row["patient_id"]
    for line, row in _rows(path / file, "request_item"):
        if row["request_id"] not in seen:
            problems.append(
                Problem(
                    f"{file}, row {line}, request_id",
                    "a request of request.csv is needed",
                    row["request_id"],
                )
            )
            continue
        made = _item(
            row,
            f"{file}, row {line}",
            row["request_item_id"],
            row["request_id"],
            seen[row["request_id"]],
            practice,
            problems,
        )
        items.setdefault(row["request_id"], []).append(made)
    asked = [
        Asked(
            _request(row, f"request.csv, row {line}", row["request_id"], practice, problems),
            tuple(items.get(row["request_id"], ())),
        )
        for line, row in requests
    ]
    if problems:
        raise DataError(*problems)
    return asked


def _flat(path: Path, practice: str) -> list[Asked]:
    problems: list[Problem] = []
    grouped: dict[str, list[tuple[int, dict[str, str]]]] = {}
    for line, row in _rows(path, "flat"):
        if not row.get("patient_id") and not row.get("nhs_number"):
            problems.append(
                Problem(f"{path.name}, row {line}", "patient_id or nhs_number is needed")
            )
            continue
        grouped.setdefault(row.get("request_id") or f"row-{line}", []).append((line, row))
    asked = []
    for key, rows in grouped.items():
        line, first = rows[0]
        items = tuple(
            _item(
                row,
                f"{path.name}, row {n}",
                row.get("request_item_id") or f"{key}-{i}",
                key,
                first.get("patient_id", ""),
                practice,
                problems,
            )
            for i, (n, row) in enumerate(rows, 1)
        )
        for n, row in rows[1:]:
            if (row.get("patient_id"), row.get("nhs_number")) != (
                first.get("patient_id"),
                first.get("nhs_number"),
            ):
                problems.append(
                    Problem(f"{path.name}, row {n}", "rows of one request must be of one patient")
                )
        request = _request(first, f"{path.name}, row {line}", key, practice, problems)
        asked.append(Asked(request, items, first.get("nhs_number") or None))
    if problems:
        raise DataError(*problems)
    return asked


def _request(
    row: dict[str, str], place: str, key: str, practice: str, problems: list[Problem]
) -> Request:
    received = _time(row["received_at"])
    if received is None:
        problems.append(
            Problem(
                f"{place}, received_at",
                "a date or time such as 2026-11-22 or 2026-11-22T09:30:00 is needed",
                row["received_at"],
            )
        )
        received = datetime(1970, 1, 1, tzinfo=UTC)
    return Request(
        practice=row.get("practice") or practice,
        source_system="csv",
        source_id=key,
        source_place=place,
        request_id=key,
        patient_id=row.get("patient_id", ""),
        channel=row.get("channel") or "other",
        received_at=received,
        requester=row.get("requester") or "patient",
        note=row.get("note") or None,
    )


def _item(
    row: dict[str, str],
    place: str,
    key: str,
    request: str,
    patient: str,
    practice: str,
    problems: list[Problem],
) -> RequestItem:
    amount = None
    if row.get("quantity"):
        try:
            amount = Decimal(row["quantity"])
            if not amount.is_finite():
                raise InvalidOperation
        except InvalidOperation:
            problems.append(Problem(f"{place}, quantity", "a number is needed", row["quantity"]))
    if not row.get("item_text"):
        problems.append(Problem(f"{place}, item_text", "what is asked for is needed"))
    return RequestItem(
        practice=row.get("practice") or practice,
        source_system="csv",
        source_id=key,
        source_place=place,
        request_item_id=key,
        request_id=request,
        patient_id=row.get("patient_id") or patient,
        item_text=row.get("item_text", ""),
        product_code=row.get("product_code") or None,
        plan_id=row.get("plan_id") or None,
        quantity=amount,
        quantity_unit=row.get("quantity_unit") or None,
    )


def _time(text: str) -> datetime | None:
    try:
        if len(text) == 10:
            return datetime.combine(date.fromisoformat(text), time(9), UTC)
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except ValueError:
        return None

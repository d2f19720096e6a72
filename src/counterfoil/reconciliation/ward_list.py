"""The GP list for a ward that has taken a patient in: what is prescribed, and when it was last issued.

It is one source of a drug history, not the history: it does not say what is taken. Nothing here is
judged; what an admitting team needs to doubt an item (not issued for long, ended lately) stands beside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from counterfoil.foundation.days import to_date, to_day
from counterfoil.reconciliation.sides import CURRENT, Entry, entries_of
from counterfoil.records.patient import PatientRecord
from counterfoil.records.rows import Issue

Kind = Literal["current", "acute", "ended"]
LONG = 2
"""Supply lengths without an issue from which an item may not be taken (reference notes, 5.4)."""


@dataclass(frozen=True, slots=True)
class WardItem:
    """One item of the list, in the words of the record.

    ``kind``: in force; issued once; or ended, both of the 90 days before. ``last_issued`` is ``None``
    where no issue is recorded. ``long_ago``: no issue for two supply lengths; ``None`` where the
    length of its supply is not known. ``high_risk`` as the formulary flags it.
    """

    kind: Kind
    product: str
    dose: str
    last_issued: date | None
    quantity: str
    long_ago: bool | None
    high_risk: bool
    suspended: bool
    ended_on: date | None


def ward_list(record: PatientRecord, as_of: int) -> tuple[WardItem, ...]:
    """The list on day *as_of* (a day number): in force first, then acute, then ended; by name."""
    issues = [i for i in record.issues if i.cancelled_on is None and i.deleted_on is None]
    items = [_item(entry, issues, as_of) for entry in entries_of(record, as_of)]
    order: dict[Kind, int] = {"current": 0, "acute": 1, "ended": 2}
    return tuple(sorted(items, key=lambda i: (order[i.kind], i.product.lower(), i.dose)))


def _item(entry: Entry, issues: Iterable[Issue], as_of: int) -> WardItem:
    own = [
        i
        for i in issues
        if to_day(i.issued_on) <= as_of
        and (i.plan_id == entry.plan.plan_id if entry.plan else i is entry.issue)
    ]
    last = max(own, key=lambda i: i.issued_on, default=None)
    supply = (last.supply_days if last else None) or (
        entry.plan.supply_days if entry.plan else None
    )
    kind: Kind = "acute" if entry.acute else "current"
    if entry.plan is not None and entry.plan.status not in CURRENT:
        kind = "ended"
    long_ago = None
    if kind == "current" and last is not None and supply:
        long_ago = as_of - to_day(last.issued_on) > LONG * supply
    return WardItem(
        kind=kind,
        product=" ".join(entry.drug_text.split()),
        dose=" ".join(entry.dose_text.split()),
        last_issued=last.issued_on if last else None,
        quantity=_quantity(last),
        long_ago=long_ago,
        high_risk="high_risk" in entry.match.flags,
        suspended=entry.suspended,
        ended_on=to_date(entry.ended) if entry.ended is not None else None,
    )


def _quantity(issue: Issue | None) -> str:
    if issue is None or issue.quantity is None:
        return ""
    number = Decimal(issue.quantity).normalize()
    return f"{number:f} {issue.quantity_unit or ''}".strip()

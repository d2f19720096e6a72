"""Small made-up populations for the rules, written as a person would tell them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from counterfoil.records import schema
from counterfoil.rules.sets import TerminologySets

SETS = TerminologySets()


@dataclass
class People:
    """Rows by table, added to by patient id."""

    rows: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {t: [] for t in ("patient", "issue", "plan", "coded_entry")}
    )

    def _common(self) -> dict[str, Any]:
        number = sum(len(rows) for rows in self.rows.values())
        return {"practice": "X00001", "source_system": "test", "source_id": str(number)}

    def patient(
        self,
        key: str,
        born: date = date(1950, 1, 1),
        joined: date | None = date(2000, 1, 1),
        **more: Any,
    ) -> None:
        self.rows["patient"].append(
            self._common()
            | {
                "patient_id": key,
                "person_id": f"person {key}",
                "birth_date": born,
                "birth_precision": "day",
                "sex": "female",
                "nhs_status": "absent",
                "registration_type": "regular",
                "registered_from": joined,
                "is_test": True,
                "is_sensitive": False,
                **more,
            }
        )

    def issued(
        self, key: str, product: str, first: date, last: date, every: int = 28, **more: Any
    ) -> None:
        day = first
        while day <= last:
            common = self._common()
            self.rows["issue"].append(
                common
                | {
                    "issue_id": "i" + common["source_id"],
                    "patient_id": key,
                    "product_text": product,
                    "issue_type": "repeat",
                    "issued_on": day,
                    **more,
                }
            )
            day += timedelta(days=every)

    def tested(
        self, key: str, codes: str, *days: date, value: int | None = None, unit: str | None = None
    ) -> None:
        for day in days:
            common = self._common()
            self.rows["coded_entry"].append(
                common
                | {
                    "entry_id": "e" + common["source_id"],
                    "patient_id": key,
                    "kind": "result",
                    "code": min(SETS.codes(codes)),
                    "term": codes,
                    "happened_on": day,
                    "precision": "day",
                    "value": None if value is None else Decimal(value),
                    "unit_ucum": unit,
                }
            )

    def tables(self) -> dict[str, pa.Table]:
        return {name: schema.from_rows(name, rows) for name, rows in self.rows.items()}

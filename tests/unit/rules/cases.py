"""Made-up rules and records for the law that all engines agree, drawn from a seed.

Days lie around month ends, 29 February and a 65th birthday on purpose, and near one another at the
distances at which windows and intervals turn. What is unknown (dates to the month, units,
comparators, dates of birth, joining, hospital supply, unclear products) is common. A library of
shrinking generators was tried first and drew records so empty that seeded faults survived.
"""

from __future__ import annotations

import random
from datetime import date
from decimal import Decimal
from typing import Any

from counterfoil.foundation.days import to_date, to_day
from counterfoil.rules import model
from counterfoil.rules.model import Clause, Length, Rule, Source

AS_OF = to_day(date(2026, 3, 31))
DRUGS = ("drug a", "drug b", "drug c")
CODES = ("101", "102")
ENDS = [
    to_day(date(y, m, d))
    for y in (2023, 2024, 2025, 2026)
    for m, d in ((1, 31), (2, 28), (3, 1), (3, 31), (4, 30), (5, 31), (8, 31), (11, 30), (12, 31))
    if (y, m) < (2026, 4)
] + [to_day(date(2024, 2, 29))]
STEPS = (
    0,
    1,
    -1,
    7,
    14,
    20,
    27,
    28,
    29,
    39,
    40,
    41,
    60,
    83,
    84,
    85,
    90,
    91,
    92,
    100,
    182,
    183,
    365,
)
LENGTHS = [Length(months=m) for m in (1, 2, 3, 6, 12)] + [Length(days=d) for d in (7, 28, 84, 100)]


class FakeSets:
    """Drug set and code set names are the product's text and the code themselves."""

    def truth(self, drug_set: str, code: str | None, text: str) -> bool | None:
        return None if text == f"{drug_set} or so" else drug_set == text

    def codes(self, code_set: str) -> frozenset[str]:
        return frozenset({code_set})


class Draw:
    """Rules and records from one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def one(self, *options: Any) -> Any:
        return self.random.choice(options)

    def often(self, share: float) -> bool:
        return self.random.random() < share

    # Rules ---------------------------------------------------------------------------------

    def issued(self, drug: str | None = None) -> model.Issued:
        return model.Issued(drug or self.one(*DRUGS), self.one(*LENGTHS))

    def comparison(self) -> model.Comparison:
        return model.Comparison(self.one(">=", "<"), 48_000_000, "u")

    def simple(self) -> model.Fact:
        kind = self.random.randrange(7)
        if kind == 0:
            return self.issued()
        if kind == 1:
            return model.IssuedTogether(
                "drug a", self.one(*DRUGS), self.one(1, 28, 40), self.one(*LENGTHS)
            )
        if kind == 2:
            return model.Ever(self.one(*CODES))
        if kind == 3:
            return model.Latest(self.one(*CODES), self.comparison(), self.one(None, *LENGTHS))
        if kind == 4:
            return model.Repeated(self.one(*CODES), self.comparison(), 2, self.one(1, 30))
        if kind == 5:
            return model.Repeated(self.one(*CODES), self.comparison(), 3)
        return model.Age(65)

    def due(self, driver: model.Issued) -> model.Due:
        sooner = tuple(
            model.Sooner(self.simple(), self.one(*LENGTHS), self.one("from_start", "at_once"))
            for _ in range(self.one(0, 1, 1, 2))
        )
        return model.Due(
            self.one(*CODES),
            driver,
            self.one(*LENGTHS),
            sooner,
            self.often(0.5),
            self.one(0, 0, 14),
        )

    def rule(self, number: int = 0) -> Rule:
        """A rule with a driver, mostly a monitoring fact or two, and up to two more facts."""
        driver = self.issued("drug a")
        facts: list[model.Fact] = [self.due(driver) for _ in range(self.one(0, 1, 1, 2))]
        facts += [self.simple() for _ in range(self.one(0, 1, 2) if facts else 2)]
        clauses = [Clause("driver", driver, "driver")]
        clauses += [Clause(f"x{i}", fact, f"x{i}") for i, fact in enumerate(facts)]
        parts = tuple(
            model.Not(model.Is(c.name)) if self.often(0.25) else model.Is(c.name)
            for c in clauses[1:]
        )
        rest: model.Expression = parts[0]
        if len(parts) > 1:
            rest = self.one(model.All, model.Some, model.Some)(parts)
        return Rule(
            id=f"made.up{number}", version=1, title="t", theme="t", klass="t", why="w",
            owner="technician", urgency="week", subject="s", clauses=tuple(clauses),
            when=model.All((model.Is("driver"), rest)), at_risk=model.Is("driver"), driver="driver",
            sources=(Source("s", "read", "2026"),), technician="t", hands_over="h",
        )  # fmt: skip

    # Records -------------------------------------------------------------------------------

    def record(self, patient_id: str) -> dict[str, list[dict[str, Any]]]:
        """One patient's rows by table, around a few days."""
        anywhere = self.random.randrange(to_day(date(2023, 1, 1)), AS_OF)
        bases = [self.one(*ENDS), anywhere, AS_OF - self.one(*STEPS)]

        def day() -> date:
            if self.often(0.2):
                return to_date(self.random.randrange(AS_OF - 900, AS_OF + 30))
            return to_date(min(self.one(*bases) + self.one(*STEPS), AS_OF + 40))

        def perhaps(share: float) -> date | None:
            return day() if self.often(share) else None

        birth = self.one(date(1960, 2, 29), date(1960, 8, 31), date(1959, 6, 1), date(1990, 1, 1))
        patient = common(patient_id) | {
            "patient_id": patient_id, "person_id": "p" + patient_id,
            "birth_date": birth if self.often(0.9) else None,
            "birth_precision": self.one("day", "day", "day", "month", "year", "unknown"),
            "sex": "female", "nhs_status": "absent", "registration_type": "regular",
            "registered_from": perhaps(0.4), "registered_to": perhaps(0.1),
            "death_date": perhaps(0.05), "is_test": True, "is_sensitive": False,
        }  # fmt: skip
        numbers = range(self.random.randrange(1, 14))
        issues = [self._issue(f"{patient_id}-i{i}", patient_id, day, perhaps) for i in numbers]
        plans = [
            common(f"{patient_id}-p{i}") | {
                "plan_id": f"{patient_id}-p{i}", "patient_id": patient_id,
                "product_text": self.one("drug a", *DRUGS),
                "plan_type": self.one("repeat", "repeat", "hospital"), "status": "active",
                "status_inferred": False, "start_date": perhaps(0.7), "end_date": perhaps(0.4),
                "dose_changed_on": perhaps(0.6),
            }
            for i in range(self.one(0, 0, 1, 2))
        ]  # fmt: skip
        entries = [
            self._entry(f"{patient_id}-e{i}", patient_id, perhaps)
            for i in range(self.random.randrange(0, 12))
        ]
        problems = [
            common(f"{patient_id}-q{i}") | {
                "problem_id": f"{patient_id}-q{i}", "patient_id": patient_id,
                "code": self.one(*CODES), "term": "a problem", "onset_on": perhaps(0.8),
                "status": "active",
            }
            for i in range(self.one(0, 0, 0, 1))
        ]  # fmt: skip
        return {"patient": [patient], "issue": issues, "plan": plans, "coded_entry": entries,
                "problem": problems}  # fmt: skip

    def _issue(self, key: str, patient_id: str, day: Any, perhaps: Any) -> dict[str, Any]:
        return common(key) | {
            "issue_id": key, "patient_id": patient_id, "issue_type": "repeat",
            "product_text": self.one("drug a", "drug a", *DRUGS, "drug a or so"),
            "issued_on": day(), "cancelled_on": perhaps(0.08), "deleted_on": perhaps(0.08),
        }  # fmt: skip

    def _entry(self, key: str, patient_id: str, perhaps: Any) -> dict[str, Any]:
        return common(key) | {
            "entry_id": key, "patient_id": patient_id, "kind": "result", "code": self.one(*CODES),
            "term": "a test", "happened_on": perhaps(0.95),
            "precision": self.one(*["day"] * 6, "month", "year", "unknown"),
            "value": Decimal(self.one(47, 48, 60)) if self.often(0.8) else None,
            "comparator": self.one(*[None] * 5, "<", "<=", ">", ">=", "~"),
            "unit_ucum": self.one("u", "u", "u", "other", None),
            "value_text": self.one(None, None, "see comment"),
        }  # fmt: skip


def common(row_id: str) -> dict[str, Any]:
    """The common columns."""
    return {"practice": "X00001", "source_system": "test", "source_id": row_id}

"""Made-up rules and records for the law that all engines agree, drawn from a seed.

Days lie around month ends, 29 February and a 65th birthday on purpose, and near one another at the
distances at which windows and intervals turn. What is unknown (dates to the month, units,
comparators, dates of birth, joining, hospital supply, unclear products) is common. A library of
shrinking generators was tried first and drew records so empty that seeded faults survived.
"""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from counterfoil.foundation.days import to_date, to_day
from counterfoil.rules import facts, model
from counterfoil.rules.facts import Length, Window
from counterfoil.rules.model import Clause, Rule, Source

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

    def ingredients(self, code: str | None, text: str) -> tuple[str, ...]:
        return {"drug a": ("x",), "drug b": ("x", "y"), "drug c": ("z", "w")}.get(text, ())

    def allergen(self, drug_set: str, code: str | None, text: str) -> bool | None:
        return self.truth(drug_set, code, text)

    def daily(
        self, drug_set: str, code: str | None, text: str, dose: str | None, unit: str
    ) -> tuple[int, int] | None:
        amounts = {"ONE daily": (1, 1), "ONE or TWO daily": (1, 2), "TWO daily": (2, 2)}
        found = amounts.get(dose or "")
        return None if found is None else (found[0] * 10**6, found[1] * 10**6)


class Draw:
    """Rules and records from one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def one(self, *options: Any) -> Any:
        return self.random.choice(options)

    def often(self, share: float) -> bool:
        return self.random.random() < share

    # Rules ---------------------------------------------------------------------------------

    def issued(self, drug: str | None = None) -> facts.Issued:
        return facts.Issued(drug or self.one(*DRUGS), Window(self.one(*LENGTHS)))

    def comparison(self) -> facts.Comparison:
        plausible = self.one(None, None, 47_500_000)
        return facts.Comparison(self.one(">=", "<", ">", "<="), 48_000_000, "u", plausible)

    def window(self) -> Window:
        back = self.one(None, *LENGTHS)
        ago = self.one(None, *LENGTHS[:4], Length(days=28))
        if back and ago and (ago.months, ago.days) >= (back.months, back.days):
            back = Length(months=24)
        first = self.one(None, None, None, AS_OF - 400)
        return Window(back, ago, self.often(0.2), first, self.one(None, None, None, AS_OF - 60))

    def source(self) -> facts.Source:
        return self.one(
            facts.Drugs(self.one(*DRUGS)),
            facts.Codes(self.one(*CODES)),
            facts.Stay(self.one("admitted", "discharged"), self.one("", "emergency")),
            facts.Letter(self.one("", "discharge")),
        )

    def happened(self) -> facts.Fact:
        """A fact about rows that happened."""
        drug, code, window = self.one(*DRUGS), self.one(*CODES), self.window()
        trailing = self.one(Window(self.one(*LENGTHS)), Window(qof_year=True))
        return self.one(
            facts.Issued(drug, window),
            facts.IssuedTogether("drug a", drug, self.one(1, 28, 40), self.one(*LENGTHS)),
            facts.Ever(code),
            facts.Ever(code, window),
            facts.Happened(self.one(facts.Stay("admitted"), facts.Letter("discharge")), window),
            facts.LaterThan(*self.one(CODES, CODES[::-1]), self.one(None, *LENGTHS)),
            facts.NotFollowed(
                self.source(), self.source(), self.one(0, 1, 7), self.one(7, 28, 90),
                self.one(None, *LENGTHS),
            ),
            facts.Counted(self.source(), self.one(2, 3), trailing),
            facts.Quantity(drug, self.one(28, 60) * 10**6, "tablet", trailing),
            facts.Ingredients(self.one("drug b", "drug c"), 2, self.one(*LENGTHS)),
        )  # fmt: skip

    def measured(self) -> facts.Fact:
        """A fact about results."""
        code, test = self.one(*CODES), self.comparison()
        percent = self.often(0.5)
        return self.one(
            facts.Latest(code, test, self.one(None, *LENGTHS), self.one(None, None, *LENGTHS)),
            facts.Repeated(code, test, 2, self.one(1, 30)),
            facts.Repeated(code, test, self.one(2, 3), self.one(1, 20), consecutive=True),
            facts.Repeated(code, test, self.one(2, 3), back=self.one(*LENGTHS)),
            facts.Change(
                code, self.one("fall", "rise"), 20 if percent else 10 * 10**6, percent, "u",
                self.one(*LENGTHS),
            ),
        )  # fmt: skip

    def standing(self) -> facts.Fact:
        """A fact about what is in force, or about the patient."""
        drug, code = self.one(*DRUGS), self.one(*CODES)
        return self.one(
            facts.ActiveProblem(code, self.one("", *CODES)),
            facts.DailyDose(
                drug, facts.Comparison(self.one(">=", "<", ">", "<="), 2 * 10**6, "mg")
            ),
            facts.DoseText(drug, ("two",)),
            facts.PlanFor(drug, code),
            facts.Supplied(drug, self.one(*LENGTHS)),
            facts.Allergy(drug),
            facts.Age(65),
            facts.Sex(self.one("female", "male")),
            facts.Registered(self.one(*LENGTHS)),
        )

    def lowly(self) -> facts.Fact:
        """A fact that rests on no other."""
        if self.often(0.2):
            return self.issued()
        return self.one(self.happened, self.measured, self.standing)()

    def simple(self) -> facts.Fact:
        """A fact that is not a monitoring fact."""
        if self.often(0.75):
            return self.lowly()
        of = self.one(self.lowly, self.issued)()
        if self.often(0.2):
            of = facts.Lingering(of, self.one(*LENGTHS))
        short = self.one(Length(months=1), Length(months=3), Length(days=28))
        return self.one(facts.Lasting, facts.Lingering, facts.Began)(of, short)

    def every(self) -> Length | facts.ByValue:
        if self.often(0.15):
            return facts.ByValue(self.one(*CODES), "u", 10 * 10**6, 1, 6)
        length: Length = self.one(*LENGTHS)
        return length

    def due(self, driver: facts.Issued) -> facts.Due:
        sooner = tuple(
            facts.Sooner(self.simple(), self.every(), self.one("from_start", "at_once"))
            for _ in range(self.one(0, 1, 1, 2))
        )
        return facts.Due(
            self.one(*CODES), driver, self.every(), sooner, self.often(0.5), self.one(0, 0, 14),
            tuple(self.source() for _ in range(self.one(0, 0, 0, 1))),
        )  # fmt: skip

    def another(self, driver: facts.Issued) -> facts.Fact:
        """Any fact for a clause; now and then one that rests on a monitoring fact."""
        if self.often(0.1):
            return facts.Lasting(self.due(driver), Length(days=28))
        return self.simple()

    def rule(self, number: int = 0) -> Rule:
        """A rule with a driver, mostly a monitoring fact or two, and up to two more facts."""
        driver = self.issued("drug a")
        found: list[facts.Fact] = [self.due(driver) for _ in range(self.one(0, 1, 1, 2))]
        found += [self.another(driver) for _ in range(self.one(0, 1, 2) if found else 2)]
        clauses = [Clause("driver", driver, "driver")]
        clauses += [Clause(f"x{i}", fact, f"x{i}") for i, fact in enumerate(found)]
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
            "sex": self.one("female", "male", "unknown"), "nhs_status": "absent", "registration_type": "regular",
            "registered_from": perhaps(0.4), "registered_to": perhaps(0.1),
            "death_date": perhaps(0.05), "is_test": True, "is_sensitive": False,
        }  # fmt: skip
        numbers = range(self.random.randrange(1, 14))
        issues = [self._issue(f"{patient_id}-i{i}", patient_id, day, perhaps) for i in numbers]
        plans = [
            common(f"{patient_id}-p{i}") | {
                "plan_id": f"{patient_id}-p{i}", "patient_id": patient_id,
                "product_text": self.one("drug a", *DRUGS, "drug a or so"),
                "dose_text": self.one("ONE daily", "ONE or TWO daily", "TWO daily", "as told", None),
                "problem_id": self.one(None, f"{patient_id}-q0"),
                "plan_type": self.one("repeat", "repeat", "hospital", "other"), "status": "active",
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
                "status": self.one("active", "active", "past"), "ended_on": perhaps(0.3),
            }
            for i in range(self.one(0, 0, 1, 2))
        ]  # fmt: skip
        allergies = [
            common(f"{patient_id}-l{i}") | {
                "allergy_id": f"{patient_id}-l{i}", "patient_id": patient_id, "kind": "allergy",
                "substance_text": self.one(*DRUGS, "drug a or so"), "onset_on": perhaps(0.6),
                "status": self.one("active", "active", "ended"), "is_degraded": False,
            }
            for i in range(self.one(0, 0, 1, 2))
        ]  # fmt: skip
        admissions = [
            common(f"{patient_id}-a{i}") | {
                "admission_id": f"{patient_id}-a{i}", "patient_id": patient_id,
                "admitted_on": perhaps(0.9), "discharged_on": perhaps(0.7),
                "kind": self.one("emergency", "elective"),
            }
            for i in range(self.one(0, 0, 1, 2))
        ]  # fmt: skip
        documents = [
            common(f"{patient_id}-d{i}") | {
                "document_id": f"{patient_id}-d{i}", "patient_id": patient_id,
                "kind": self.one("discharge", "outpatient"), "event_on": perhaps(0.7),
                "received_at": datetime.combine(day(), time(9), UTC), "media_type": "text/plain",
                "sha256": "0",
            }
            for i in range(self.one(0, 0, 1, 2))
        ]  # fmt: skip
        return {"patient": [patient], "issue": issues, "plan": plans, "coded_entry": entries,
                "problem": problems, "allergy": allergies, "admission": admissions,
                "document": documents}  # fmt: skip

    def _issue(self, key: str, patient_id: str, day: Any, perhaps: Any) -> dict[str, Any]:
        return common(key) | {
            "issue_id": key, "patient_id": patient_id, "issue_type": "repeat",
            "product_text": self.one("drug a", "drug a", *DRUGS, "drug a or so"),
            "quantity": self.one(None, Decimal(28), Decimal(28), Decimal(14)),
            "quantity_unit": self.one("tablet", "tablet", "tablet", "ml"),
            "dose_text": self.one("ONE daily", "ONE or TWO daily", "when needed", None),
            "supply_days": self.one(None, None, 28), "valid_from": perhaps(0.1),
            "issued_on": day(), "cancelled_on": perhaps(0.08), "deleted_on": perhaps(0.08),
        }  # fmt: skip

    def _entry(self, key: str, patient_id: str, perhaps: Any) -> dict[str, Any]:
        return common(key) | {
            "entry_id": key, "patient_id": patient_id, "kind": "result", "code": self.one(*CODES),
            "term": "a test", "happened_on": perhaps(0.95),
            "precision": self.one(*["day"] * 6, "month", "year", "unknown"),
            "value": Decimal(self.one(47, 48, 60, 30, 12)) if self.often(0.8) else None,
            "comparator": self.one(*[None] * 5, "<", "<=", ">", ">=", "~"),
            "unit_ucum": self.one("u", "u", "u", "other", None),
            "value_text": self.one(None, None, "see comment"),
        }  # fmt: skip


def common(row_id: str) -> dict[str, Any]:
    """The common columns."""
    return {"practice": "X00001", "source_system": "test", "source_id": row_id}

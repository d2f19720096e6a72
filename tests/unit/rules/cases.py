"""Made-up rules and records for the law that all engines agree, drawn by hypothesis.

The days lie around month ends, 29 February and a 65th birthday on purpose, and what is unknown
(dates to the month, units, comparators, dates of birth, joining, hospital supply) is common.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from counterfoil.foundation.days import to_date, to_day
from counterfoil.rules import model
from counterfoil.rules.model import Clause, Length, Rule, Source

AS_OF = to_day(date(2026, 3, 31))
DRUGS = ("drug a", "drug b", "drug c")
PRODUCTS = (*DRUGS, *DRUGS, "drug a or so")
CODES = ("101", "102")


class FakeSets:
    """Drug set and code set names are the product's text and the code themselves."""

    def truth(self, drug_set: str, code: str | None, text: str) -> bool | None:
        return None if text == f"{drug_set} or so" else drug_set == text

    def codes(self, code_set: str) -> frozenset[str]:
        return frozenset({code_set})


_ENDS = [
    to_day(date(y, m, d))
    for y in (2023, 2024, 2025, 2026)
    for m, d in ((1, 31), (2, 28), (3, 1), (3, 31), (4, 30), (5, 31), (8, 31), (11, 30), (12, 31))
] + [to_day(date(2024, 2, 29))]

days = st.one_of(
    st.sampled_from([d for d in _ENDS if d <= AS_OF + 40]),
    st.integers(to_day(date(2023, 1, 1)), AS_OF + 40),
)
lengths = st.one_of(
    st.sampled_from([1, 2, 3, 6, 12]).map(lambda m: Length(months=m)),
    st.sampled_from([7, 28, 84, 100]).map(lambda d: Length(days=d)),
)
issued = st.builds(model.Issued, st.sampled_from(DRUGS), lengths)
comparisons = st.builds(
    model.Comparison, st.sampled_from([">=", "<"]), st.just(48_000_000), st.just("u")
)
simple = st.one_of(
    issued,
    st.builds(
        model.IssuedTogether,
        st.just(DRUGS[0]),
        st.sampled_from(DRUGS),
        st.sampled_from([1, 28, 40]),
        lengths,
    ),
    st.builds(model.Ever, st.sampled_from(CODES)),
    st.builds(model.Latest, st.sampled_from(CODES), comparisons, st.none() | lengths),
    st.builds(
        model.Repeated, st.sampled_from(CODES), comparisons, st.just(2), st.sampled_from([1, 30])
    ),
    st.builds(model.Repeated, st.sampled_from(CODES), comparisons, st.just(3)),
    st.builds(model.Age, st.just(65)),
)
sooner = st.builds(model.Sooner, simple, lengths, st.sampled_from(["from_start", "at_once"]))


def _negated(part: model.Expression, flip: bool) -> model.Expression:
    return model.Not(part) if flip else part


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """A rule with a driver, up to two more facts, and often a monitoring fact."""
    driver = draw(issued)
    clauses = [Clause("driver", driver, "driver")]
    if draw(st.booleans()):
        clauses.append(
            Clause(
                "due",
                model.Due(
                    draw(st.sampled_from(CODES)),
                    driver,
                    draw(lengths),
                    tuple(draw(st.lists(sooner, max_size=2))),
                    draw(st.booleans()),
                    draw(st.sampled_from([0, 0, 14])),
                ),
                "due",
            )
        )
    for i in range(draw(st.integers(0, 2))):
        clauses.append(Clause(f"x{i}", draw(simple), f"x{i}"))
    parts = tuple(_negated(model.Is(c.name), draw(st.booleans())) for c in clauses[1:])
    rest: model.Expression = model.Is("driver")
    if len(parts) == 1:
        rest = parts[0]
    elif parts:
        rest = draw(st.sampled_from([model.All(parts), model.Some(parts)]))
    when = model.All((model.Is("driver"), rest))
    return Rule(
        id="made.up",
        version=1,
        title="t",
        theme="t",
        klass="t",
        why="w",
        owner="technician",
        urgency="week",
        subject="s",
        clauses=tuple(clauses),
        when=when,
        at_risk=model.Is("driver"),
        driver="driver",
        sources=(Source("s", "read", "2026"),),
        technician="t",
        hands_over="h",
    )


def common(row_id: str) -> dict[str, Any]:
    return {"practice": "X00001", "source_system": "test", "source_id": row_id}


@st.composite
def records(draw: st.DrawFn, patient_id: str) -> dict[str, list[dict[str, Any]]]:
    """One patient's rows by table."""
    birth = draw(
        st.sampled_from(
            [date(1960, 2, 29), date(1960, 8, 31), date(1959, 6, 1), date(1990, 1, 1), None]
        )
    )
    patient = common(patient_id) | {
        "patient_id": patient_id,
        "person_id": "p" + patient_id,
        "birth_date": birth,
        "birth_precision": draw(st.sampled_from(["day", "day", "month", "year", "unknown"])),
        "sex": "female",
        "nhs_status": "absent",
        "registration_type": "regular",
        "registered_from": draw(st.none() | days.map(to_date)),
        "registered_to": draw(st.one_of(st.none(), st.none(), days.map(to_date))),
        "death_date": draw(st.one_of(st.none(), st.none(), st.none(), days.map(to_date))),
        "is_test": True,
        "is_sensitive": False,
    }
    rows: dict[str, list[dict[str, Any]]] = {
        "patient": [patient],
        "issue": [],
        "plan": [],
        "coded_entry": [],
        "problem": [],
    }
    for i in range(draw(st.integers(0, 9))):
        key = f"{patient_id}-i{i}"
        rows["issue"].append(
            common(key)
            | {
                "issue_id": key,
                "patient_id": patient_id,
                "product_text": draw(st.sampled_from(PRODUCTS)),
                "issue_type": "repeat",
                "issued_on": to_date(draw(days)),
                "cancelled_on": draw(st.one_of(*[st.none()] * 5, days.map(to_date))),
                "deleted_on": draw(st.one_of(*[st.none()] * 5, days.map(to_date))),
            }
        )
    for i in range(draw(st.integers(0, 2))):
        key = f"{patient_id}-p{i}"
        rows["plan"].append(
            common(key)
            | {
                "plan_id": key,
                "patient_id": patient_id,
                "product_text": draw(st.sampled_from(DRUGS)),
                "plan_type": draw(st.sampled_from(["repeat", "hospital"])),
                "status": "active",
                "status_inferred": False,
                "start_date": draw(st.none() | days.map(to_date)),
                "end_date": draw(st.one_of(st.none(), days.map(to_date))),
                "dose_changed_on": draw(st.one_of(st.none(), days.map(to_date))),
            }
        )
    for i in range(draw(st.integers(0, 8))):
        key = f"{patient_id}-e{i}"
        rows["coded_entry"].append(common(key) | _entry(draw, key, patient_id))
    for i in range(draw(st.integers(0, 1))):
        key = f"{patient_id}-q{i}"
        rows["problem"].append(
            common(key)
            | {
                "problem_id": key,
                "patient_id": patient_id,
                "code": draw(st.sampled_from(CODES)),
                "term": "a problem",
                "onset_on": draw(st.none() | days.map(to_date)),
                "status": "active",
            }
        )
    return rows


def _entry(draw: st.DrawFn, key: str, patient_id: str) -> dict[str, Any]:
    return {
        "entry_id": key,
        "patient_id": patient_id,
        "kind": "result",
        "code": draw(st.sampled_from(CODES)),
        "term": "a test",
        "happened_on": draw(st.one_of(*[days.map(to_date)] * 9, st.none())),
        "precision": draw(st.sampled_from(["day"] * 5 + ["month", "year", "unknown"])),
        "value": draw(st.none() | st.sampled_from([47, 48, 60]).map(Decimal)),
        "comparator": draw(st.sampled_from([None] * 5 + ["<", "<=", ">", ">=", "~"])),
        "unit_ucum": draw(st.sampled_from(["u", "u", "u", "other", None])),
        "value_text": draw(st.sampled_from([None, None, "see comment"])),
    }

"""Laws that hold for every letter: nothing lost, nothing twice, no difference shown as the same."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil import dosage
from counterfoil.documents import read
from counterfoil.foundation.days import to_day, words
from counterfoil.reconciliation import CLASSES, Outcome, knowledge, reconcile
from counterfoil.reconciliation.knowledge import subclasses
from counterfoil.records.patient import PatientRecord
from counterfoil.records.rows import Plan
from counterfoil.terminology import formulary
from made_up_patient import COMMON, PATIENT

DISCHARGED = date(2026, 11, 17)
ORAL = sorted(
    p.name
    for p in formulary().products
    if p.unit_dose in ("tablet", "capsule")
    and p.level == "VMP"
    and dosage.read("ONE daily", p).status == "read"  # not what is taken once a week or a month
)
DOSES = {
    "ONE in the morning": 1,
    "ONE twice a day": 2,
    "TWO twice a day": 4,
    "FIVE daily": 5,
    "TWO at night": 2,
    "THREE daily": 3,
    "FOUR daily": 4,
}

products = st.lists(st.sampled_from(ORAL), min_size=1, max_size=12, unique=True)
doses = st.sampled_from(sorted(DOSES))
Items = list[tuple[str, str]]


@st.composite
def lists(draw: st.DrawFn) -> Items:
    return [(name, draw(doses)) for name in draw(products)]


def plan(number: int, product: str, dose: str, **facts: Any) -> Plan:
    values: dict[str, Any] = {
        "plan_id": f"g{number}",
        "patient_id": "p1",
        "product_text": product,
        "dose_text": dose,
        "plan_type": "repeat",
        "status": "active",
        "status_inferred": False,
        "start_date": DISCHARGED - timedelta(days=400),
        **COMMON,
        **facts,
    }
    return Plan(**values)


def record(items: Items) -> PatientRecord:
    return PatientRecord(PATIENT, plans=tuple(plan(n, p, d) for n, (p, d) in enumerate(items)))


def letter_text(items: Items, stopped: Items = (), family: str = "Sample") -> bytes:  # type: ignore[assignment]
    lines = [
        "Invented Hospital",
        f"Patient: Amina {family}",
        "NHS number: 999 000 0026   DOB: 14/03/1948",
        f"Discharged: {words(DISCHARGED)}",
        "",
        "Medicines on discharge",
        *(f"- {product}, {dose}" for product, dose in items),
        "",
    ]
    if stopped:
        lines += ["Medicines stopped", *(f"- {product}" for product, _ in stopped)]
    return "\n".join(lines).encode()


def run(items: Items, plans: PatientRecord, **facts: Any) -> Outcome:
    letter = read(letter_text(items, **facts))
    assert len(letter.lines) == len(items) + len(facts.get("stopped", ()))
    outcome = reconcile(letter, plans, to_day(DISCHARGED))
    assert outcome.status == "done"
    found = [i.id for x in outcome.lines for i in x.letter_lines]
    assert sorted(found) == sorted(x.id for x in letter.lines), "every letter line exactly once"
    held = [i.id for x in outcome.lines for i in x.plans]
    assert sorted(held) == sorted(p.plan_id for p in plans.plans), "every current plan exactly once"
    for line in outcome.lines:
        assert line.cls in CLASSES
        assert line.subclass in subclasses(line.cls)
        assert line.why
    return outcome


def shape(outcome: Outcome) -> list[tuple[Any, ...]]:
    return sorted(
        (
            x.id,
            x.cls,
            x.subclass,
            x.found,
            x.owner,
            tuple(i.text for i in x.letter_lines),
            tuple(i.id for i in x.plans),
        )
        for x in outcome.lines
    )


@settings(max_examples=60, deadline=None)
@given(lists(), lists())
def test_every_line_and_plan_exactly_once(one: Items, other: Items) -> None:
    run(one, record(other))


@settings(max_examples=60, deadline=None)
@given(lists())
def test_a_list_against_itself_is_all_same(items: Items) -> None:
    outcome = run(items, record(items))
    assert {x.cls for x in outcome.lines} == {"same"}


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(lists(), lists(), st.integers(0, 10**6))
def test_order_changes_nothing(one: Items, other: Items, seed: int) -> None:
    first = run(one, record(other))
    shuffled = random.Random(seed)
    again = list(one)
    shuffled.shuffle(again)
    plans = list(record(other).plans)
    shuffled.shuffle(plans)
    second = run(again, PatientRecord(PATIENT, plans=tuple(plans)))
    assert shape(first) == shape(second)


@settings(max_examples=120, deadline=None)
@given(lists(), st.data())
def test_a_planted_difference_is_never_the_same(items: Items, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(items) - 1))
    product, dose = items[at]
    kind = data.draw(st.sampled_from(["dose", "left out", "added", "stopped", "other product"]))
    plans = record(items)
    if kind == "dose":
        other = data.draw(st.sampled_from([d for d in sorted(DOSES) if DOSES[d] != DOSES[dose]]))
        changed = [*items[:at], (product, other), *items[at + 1 :]]
        outcome = run(changed, plans)
        line = next(x for x in outcome.lines if f"g{at}" in [p.id for p in x.plans])
        assert line.cls not in ("same", "done")
    elif kind == "left out" and len(items) > 1:
        outcome = run(items[:at] + items[at + 1 :], plans)
        line = next(x for x in outcome.lines if f"g{at}" in [p.id for p in x.plans])
        assert line.cls not in ("same", "done", "stopped")
    elif kind == "added":
        extra = data.draw(st.sampled_from([n for n in ORAL if n not in dict(items)]))
        outcome = run([*items, (extra, "ONE in the morning")], plans)
        line = next(x for x in outcome.lines if any(extra in i.text for i in x.letter_lines))
        assert line.cls not in ("same", "done") or len(line.letter_lines) > 1
    elif kind == "other product":
        other = data.draw(st.sampled_from([n for n in ORAL if n not in dict(items)]))
        outcome = run([*items[:at], (other, dose), *items[at + 1 :]], plans)
        line = next(x for x in outcome.lines if f"g{at}" in [p.id for p in x.plans])
        assert (line.cls, line.subclass) not in (
            ("same", "identical"),
            ("same", "brand or generic of the same product"),
        )
        assert line.cls != "done"
    elif kind == "stopped":
        outcome = run(items[:at] + items[at + 1 :], plans, stopped=[items[at]])
        line = next(x for x in outcome.lines if f"g{at}" in [p.id for p in x.plans])
        assert line.cls not in ("same", "done", "missing")


@settings(max_examples=20, deadline=None)
@given(lists(), st.sampled_from(["number", "birth", "family"]))
def test_another_patients_letter_is_refused(items: Items, what: str) -> None:
    held = record(items)
    patient = {
        "number": replace(PATIENT, nhs_number="9990000034"),
        "birth": replace(PATIENT, birth_date=date(1948, 4, 14)),
        "family": replace(PATIENT, family_name="Example"),
    }[what]
    letter = read(letter_text(items))
    outcome = reconcile(letter, replace(held, patient=patient), to_day(DISCHARGED))
    assert outcome.status == "refused"
    assert outcome.reason
    assert not outcome.lines
    assert "999" not in outcome.reason
    assert "Sample" not in outcome.reason


SUSPECTED = knowledge.data()["suspected_duplicates"]["classes"]
OF_CLASS = {
    one: sorted(
        {
            p.name
            for p in formulary().products
            if p.name in ORAL and p.drug_class == one and len(p.ingredients) == 1
        }
    )
    for one in SUSPECTED
}


@settings(max_examples=40, deadline=None)
@given(
    st.data(),
    st.sampled_from(sorted(c for c, names in OF_CLASS.items() if len(names) > 1)),
    lists(),
)
def test_another_of_one_class_is_suspected_and_never_paired(
    data: st.DataObject, drug_class: str, others: Items
) -> None:
    held, started = data.draw(
        st.lists(st.sampled_from(OF_CLASS[drug_class]), min_size=2, max_size=2)
    )
    one, other = (formulary().match(name) for name in (held, started))
    if set(one.ingredients) & set(other.ingredients):
        return
    rest = [i for i in others if formulary().match(i[0]).drug_class != drug_class]
    rest = [
        i
        for i in rest
        if not set(formulary().match(i[0]).ingredients) & {*one.ingredients, *other.ingredients}
    ]
    dose = "ONE in the morning"
    outcome = run([(held, dose), (started, dose), *rest], record([(held, dose), *rest]))
    for line in outcome.lines:
        named = {
            i
            for t in line.letter_lines
            for i in formulary().match(t.text.split(",")[0]).ingredients
        }
        kept = {i for p in line.plans for i in formulary().match(p.text.split(",")[0]).ingredients}
        assert not (named and kept) or named & kept, "a class pairs nothing"
        if named == set(other.ingredients):
            assert (line.cls, line.subclass, line.owner) == (
                "duplicate",
                "same class suspected",
                "pharmacist",
            )


def test_another_of_its_class_that_the_letter_does_not_mention_is_only_suggested() -> None:
    dose = "ONE in the morning"
    outcome = run(
        [("Lansoprazole 15mg gastro-resistant capsules", dose)],
        record([("Omeprazole 20mg gastro-resistant capsules", dose)]),
    )
    assert {x.cls for x in outcome.lines} == {"new", "missing"}
    assert all(any("Possible substitution" in w.text for w in x.why) for x in outcome.lines)


def test_every_suspected_class_is_one_of_the_formulary() -> None:
    assert set(SUSPECTED) <= {p.drug_class for p in formulary().products}

"""Examples are the licence to load: each runs on the reference, and together they prove each clause.

A clause is proved when two examples differ in it alone and the rule says different things of
them. A rule whose examples fail, or leave a clause unproved, is not loaded.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from counterfoil.foundation.errors import DataError, Problem
from counterfoil.records.patient import PatientRecord
from counterfoil.records.rows import CodedEntry, Issue, Patient, Plan
from counterfoil.rules import model
from counterfoil.rules.history import history
from counterfoil.rules.model import Example, Rule
from counterfoil.rules.reference import Reference
from counterfoil.rules.sets import TerminologySets, check_sets

OUTCOMES = {0: "clear", 1: "cannot_tell", 2: "open"}
_COMMON: dict[str, Any] = {"practice": "X00000", "source_system": "example"}


def record_of(example: Example, sets: TerminologySets) -> PatientRecord:
    """The example's small record: issues are (date, product), entries (date, code set[, value, unit])."""
    given = example.patient
    patient = Patient(
        **_COMMON,
        source_id="p",
        patient_id="p",
        person_id="p",
        nhs_status="absent",
        birth_date=given.get("born"),
        sex=given.get("sex", "unknown"),
        birth_precision=given.get("born_precision", "day" if "born" in given else "unknown"),
        registered_from=given.get("joined"),
        registered_to=given.get("left"),
        death_date=given.get("died"),
        registration_type="regular",
        is_test=True,
        is_sensitive=False,
    )
    issues = tuple(
        Issue(
            **_COMMON,
            source_id=f"i{n}",
            issue_id=f"i{n}",
            patient_id="p",
            issued_on=day,
            product_text=text,
            issue_type="repeat",
        )
        for n, (day, text) in enumerate(example.issues)
    )
    plans = tuple(
        Plan(
            **_COMMON,
            source_id=f"m{n}",
            plan_id=f"m{n}",
            patient_id="p",
            product_text=plan["product"],
            plan_type=plan.get("type", "repeat"),
            status="active",
            status_inferred=False,
            start_date=plan.get("from"),
            dose_changed_on=plan.get("dose_changed"),
        )
        for n, plan in enumerate(example.plans)
    )
    entries = tuple(_entry(n, cells, sets) for n, cells in enumerate(example.entries))
    return PatientRecord(patient=patient, issues=issues, plans=plans, entries=entries)


def _entry(n: int, cells: tuple[Any, ...], sets: TerminologySets) -> CodedEntry:
    day, name, value, unit = (*cells, None, None)[:4]
    precision = "day"
    if isinstance(day, str):
        precision = "month" if len(day) == 7 else "year"
        day = date.fromisoformat((day + "-01-01")[:10])
    return CodedEntry(
        **_COMMON,
        source_id=f"e{n}",
        entry_id=f"e{n}",
        patient_id="p",
        kind="result",
        code=min(sets.codes(name)),
        term=sets.title(name),
        happened_on=day,
        precision=precision,
        value=None if value is None else Decimal(str(value)),
        unit_ucum=unit,
    )


def run_example(rule: Rule, example: Example, sets: TerminologySets) -> tuple[str, dict[str, int]]:
    """What the rule says of an example, and the truth of each of its clauses there."""
    reference = Reference(history(record_of(example, sets), example.as_of), sets)
    values = {c.name: reference.fact(c.fact, example.as_of) for c in rule.clauses}
    return OUTCOMES[reference.rule(rule, example.as_of)], values


def check_examples(rule: Rule, sets: TerminologySets) -> list[Problem]:
    """What is wrong with a rule's examples: those that fail, and the clauses they do not prove."""
    problems, seen = [], []
    for example in rule.examples:
        outcome, values = run_example(rule, example, sets)
        if outcome != example.expect:
            problems.append(
                Problem(rule.file, f"example '{example.name}' should be {example.expect}", outcome)
            )
        seen.append((outcome, values))
    for name in dict.fromkeys(model.names(rule.when)):
        proved = any(
            a_says != b_says
            and a[name] != b[name]
            and all(a[other] == b[other] for other in _others(rule, name))
            for i, (a_says, a) in enumerate(seen)
            for b_says, b in seen[i + 1 :]
        )
        if not proved:
            problems.append(
                Problem(
                    rule.file,
                    f"the clause {name} needs two examples that differ "
                    "in it alone, one on each side of the rule",
                )
            )
    return problems


def _others(rule: Rule, name: str) -> list[str]:
    """The other clauses, but for those that say nothing without this one."""
    this = rule.clause(name).fact
    return [
        c
        for c in dict.fromkeys(model.names(rule.when))
        if c != name and not (isinstance(f := rule.clause(c).fact, model.Due) and f.taking == this)
    ]


def check_rules(rules: list[Rule], sets: TerminologySets | None = None) -> None:
    """Sets there, false of an empty record, examples right and sufficient; else ``DataError``."""
    known = sets or TerminologySets()
    check_sets(rules, known.chosen)
    problems = []
    for rule in rules:
        nothing = Example("an empty record", 20_000, "clear", {})
        if run_example(rule, nothing, known)[0] != "clear":
            problems.append(Problem(rule.file, "a rule must be false of an empty record"))
        problems += check_examples(rule, known)
    if problems:
        raise DataError(*problems)

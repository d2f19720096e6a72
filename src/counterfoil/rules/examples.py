"""Examples are the licence to load: each runs on the reference, and together they prove each clause.

A clause is proved when two examples differ in it alone and the rule says different things of
them. A rule whose examples fail, or leave a clause unproved, is not loaded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from counterfoil.foundation.errors import DataError, Problem
from counterfoil.records.patient import PatientRecord
from counterfoil.records.rows import Admission, Allergy, CodedEntry, Document, Issue, Patient, Plan
from counterfoil.records.rows import Problem as RecordedProblem
from counterfoil.rules import model
from counterfoil.rules.history import history
from counterfoil.rules.language import implies
from counterfoil.rules.model import Example, Rule
from counterfoil.rules.reference import Reference
from counterfoil.rules.sets import TerminologySets, check_sets
from counterfoil.terminology.codesets import set_names

OUTCOMES = {0: "clear", 1: "cannot_tell", 2: "open"}
_COMMON: dict[str, Any] = {"practice": "X00000", "source_system": "example"}


def record_of(example: Example, sets: TerminologySets) -> PatientRecord:
    """The example's small record as canonical rows; a code set stands for one of its codes.

    ``gi_bleed 37372002`` stands for that very code.
    """
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
    problems = [_problem(f"q{n}", problem, sets) for n, problem in enumerate(example.problems)]
    plans = []
    for n, plan in enumerate(example.plans):
        if "for" in plan:
            problems.append(_problem(f"r{n}", {"codes": plan["for"]}, sets))
        plans.append(_plan(n, plan))
    return PatientRecord(
        patient=patient,
        issues=tuple(_issue(n, *cells) for n, cells in enumerate(example.issues)),
        plans=tuple(plans),
        entries=tuple(_entry(n, cells, sets) for n, cells in enumerate(example.entries)),
        problems=tuple(problems),
        allergies=tuple(
            Allergy(
                **_mine(f"l{n}"),
                allergy_id=f"l{n}",
                substance_text=allergy["substance"],
                kind="allergy",
                status="active",
                onset_on=allergy.get("from"),
                is_degraded=False,
            )
            for n, allergy in enumerate(example.allergies)
        ),
        admissions=tuple(
            Admission(
                **_mine(f"a{n}"),
                admission_id=f"a{n}",
                admitted_on=stay.get("admitted"),
                discharged_on=stay.get("discharged"),
                kind=stay["kind"],
            )
            for n, stay in enumerate(example.admissions)
        ),
        documents=tuple(
            Document(
                **_mine(f"d{n}"),
                document_id=f"d{n}",
                kind=letter["kind"],
                event_on=letter.get("about"),
                received_at=datetime.combine(letter["received"], time(9), UTC),
                media_type="text/plain",
                sha256="",
            )
            for n, letter in enumerate(example.documents)
        ),
    )


def _mine(key: str) -> dict[str, Any]:
    return {**_COMMON, "source_id": key, "patient_id": "p"}


def _issue(
    n: int,
    day: date,
    product: str,
    quantity: float | None = None,
    unit: str | None = None,
    dose: str | None = None,
) -> Issue:
    return Issue(
        **_mine(f"i{n}"),
        issue_id=f"i{n}",
        issued_on=day,
        product_text=product,
        issue_type="repeat",
        quantity=None if quantity is None else Decimal(str(quantity)),
        quantity_unit=unit,
        dose_text=dose,
    )


def _plan(n: int, plan: dict[str, Any]) -> Plan:
    return Plan(
        **_mine(f"m{n}"),
        plan_id=f"m{n}",
        product_text=plan["product"],
        plan_type=plan.get("type", "repeat"),
        status="active",
        status_inferred=False,
        start_date=plan.get("from"),
        end_date=plan.get("until"),
        dose_text=plan.get("dose"),
        dose_changed_on=plan.get("dose_changed"),
        problem_id=f"r{n}" if "for" in plan else None,
    )


def _problem(key: str, problem: dict[str, Any], sets: TerminologySets) -> RecordedProblem:
    return RecordedProblem(
        **_mine(key),
        problem_id=key,
        code=min(sets.codes(problem["codes"])),
        term=sets.title(problem["codes"]),
        onset_on=problem.get("from"),
        ended_on=problem.get("until"),
        status="past" if problem.get("past") else "active",
    )


def _entry(n: int, cells: tuple[Any, ...], sets: TerminologySets) -> CodedEntry:
    day, named, value, unit = (*cells, None, None)[:4]
    name, _, code = named.partition(" ")
    precision = "day"
    if isinstance(day, str):
        precision = "month" if len(day) == 7 else "year"
        day = date.fromisoformat((day + "-01-01")[:10])
    written = "" if value is None else str(value)
    figure = written.lstrip("<>=~ ")
    return CodedEntry(
        **_mine(f"e{n}"),
        entry_id=f"e{n}",
        kind="result",
        code=code or min(sets.codes(name)),
        term=sets.title(name),
        happened_on=day,
        precision=precision,
        value=Decimal(figure) if figure else None,
        comparator=written[: len(written) - len(figure)].strip() or None,
        unit_ucum=unit,
    )


def run_example(rule: Rule, example: Example, sets: TerminologySets) -> tuple[str, dict[str, int]]:
    """What the rule says of an example, and the truth of each of its clauses there."""
    reference = Reference(history(record_of(example, sets), example.as_of), sets)
    values = {c.name: reference.fact(c.fact, example.as_of) for c in rule.clauses}
    return OUTCOMES[reference.rule(rule, example.as_of)], values


@dataclass(frozen=True)
class Trial:
    """One example tried: what the rule said, and the truth of each clause."""

    example: Example
    said: str
    values: dict[str, int] = field(hash=False)

    @property
    def right(self) -> bool:
        """Whether the rule said what the example expects."""
        return self.said == self.example.expect


def try_examples(rule: Rule, sets: TerminologySets) -> list[Trial]:
    """Every example of the rule, run on the day-by-day reference."""
    return [Trial(e, *run_example(rule, e, sets)) for e in rule.examples]


def unproved(rule: Rule, trials: list[Trial]) -> list[str]:
    """The clauses of ``when`` that no pair of examples proves.

    A pair proves a clause when they differ in it alone and the rule says different things.
    """
    return [
        name
        for name in dict.fromkeys(model.names(rule.when))
        if not any(
            a.said != b.said
            and a.values[name] != b.values[name]
            and all(a.values[other] == b.values[other] for other in _others(rule, name))
            for i, a in enumerate(trials)
            for b in trials[i + 1 :]
        )
    ]


def check_examples(rule: Rule, sets: TerminologySets) -> list[Problem]:
    """What is wrong with a rule's examples: those that fail, and the clauses they do not prove."""
    if not rule.examples:
        needed = "a rule needs [[examples]]: of each clause two that differ in it alone"
        return [Problem(rule.file, needed)]
    trials = try_examples(rule, sets)
    problems = [
        Problem(
            f"{rule.file}, line {trial.example.line}",
            f"example '{trial.example.name}' should be {trial.example.expect}",
            trial.said,
        )
        for trial in trials
        if not trial.right
    ]
    for name in unproved(rule, trials):
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
        if c != name and not implies(rule.clause(c).fact, this)
    ]


def check_rules(rules: list[Rule], sets: TerminologySets | None = None) -> None:
    """Sets there, false of an empty record, examples right and sufficient; else ``DataError``."""
    known = sets or TerminologySets()
    check_sets(rules, known.chosen)
    problems = []
    for rule in rules:
        problems += check_sets_of_examples(rule, known)
    if not problems:
        for rule in rules:
            nothing = Example("an empty record", 20_000, "clear", {})
            if run_example(rule, nothing, known)[0] != "clear":
                problems.append(Problem(rule.file, "a rule must be false of an empty record"))
            problems += check_examples(rule, known)
    if problems:
        raise DataError(*problems)


def check_sets_of_examples(rule: Rule, sets: TerminologySets) -> list[Problem]:
    """The code sets that examples name and that are not there."""
    problems = []
    for example in rule.examples:
        named = [cells[1] for cells in example.entries]
        named += [problem["codes"] for problem in example.problems]
        named += [plan["for"] for plan in example.plans if "for" in plan]
        place = f"{rule.file}, line {example.line}"
        for text in dict.fromkeys(named):
            name, _, code = text.partition(" ")
            if name not in sets.chosen and name not in set_names("codesets"):
                expected = f"example '{example.name}' names a code set that is not there"
                problems.append(Problem(place, expected, name))
            elif code and code not in sets.codes(name):
                expected = f"example '{example.name}' names a code that is not in {name}"
                problems.append(Problem(place, expected, code))
    return problems

"""Electronic repeat dispensing: whether one patient's repeats look suitable, with a reason for every no.

Criteria from the working notes on repeats (1.5: law, usual policy and NHSBSA's advice as read in
November 2026). They are criteria to show, not a decision: a prescriber and the patient agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor
from typing import Any

from counterfoil.dosage import read
from counterfoil.foundation.days import minus_months, to_day, words
from counterfoil.records.rows import Plan
from counterfoil.repeats.check import Context
from counterfoil.repeats.matching import in_force
from counterfoil.rules.facts import Issued
from counterfoil.supply import daily_use_why, supply_days
from counterfoil.terminology import formulary


@dataclass(frozen=True)
class Criterion:
    """One criterion: met, not met, or (None) cannot be told from the record."""

    id: str
    met: bool | None
    text: str
    rows: tuple[tuple[str, str], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values for machines."""
        return {
            "id": self.id,
            "met": self.met,
            "text": self.text,
            "rows": [{"table": t, "id": k} for t, k in self.rows],
        }


@dataclass(frozen=True)
class Suitability:
    """The criteria of one patient and of each repeat item.

    ``answer``: ``no`` where one is not met, ``cannot_tell`` where one is unknown, else ``criteria
    met``, which is not the same as suitable: that is for a prescriber and the patient.
    """

    criteria: tuple[Criterion, ...]
    items: tuple[tuple[str, str, tuple[Criterion, ...]], ...]

    @property
    def answer(self) -> str:
        """The answer for the patient: the criteria of the person, then whether any item is left."""
        met = [c.met for c in self.criteria] + [any(self.met(i) for i in self.items)]
        if False in met:
            return "no"
        return "cannot_tell" if None in met else "criteria met"

    @staticmethod
    def met(item: tuple[str, str, tuple[Criterion, ...]]) -> bool:
        """Whether no criterion of the item is against it."""
        return all(c.met is not False for c in item[2])

    def to_json(self) -> dict[str, Any]:
        """Plain values for machines."""
        return {
            "answer": self.answer,
            "criteria": [c.to_json() for c in self.criteria],
            "items": [
                {"plan_id": key, "text": text, "criteria": [c.to_json() for c in criteria]}
                for key, text, criteria in self.items
            ],
        }


def suitability(context: Context) -> Suitability:
    """Every criterion for the patient of *context*, on its day."""
    record, day, policy = context.record, context.as_of, context.policy
    if record is None:
        return Suitability(
            (Criterion("registered", False, "Nobody with this identity is registered here"),), ()
        )
    plans = [p for p in record.plans if in_force(p, day) and p.plan_type in ("repeat", "erd")]
    criteria = [
        Criterion(
            "repeats",
            bool(plans),
            f"{len(plans)} repeat items are in force"
            + (
                ""
                if len(plans) <= policy.erd_most_items
                else f"; begin with {policy.erd_most_items} at the most"
            ),
        ),
        _admissions(context),
        _problems(context),
        _monitoring(context),
        _review(context, plans),
        Criterion("nomination", None, "A nominated pharmacy is not part of the record held here"),
        Criterion("consent", None, "The patient's agreement has to be asked for"),
    ]
    items = tuple((p.plan_id, p.product_text, _item(context, p)) for p in plans)
    return Suitability(tuple(criteria), items)


def _admissions(context: Context) -> Criterion:
    assert context.record is not None
    months = context.policy.erd_admission_free_months
    since = minus_months(context.as_of, months)
    found = [
        a
        for a in context.record.admissions
        if a.kind != "elective"
        and a.admitted_on is not None
        and since <= to_day(a.admitted_on) <= context.as_of
    ]
    if not found:
        return Criterion("admission", True, f"No unplanned admission in {months} months on record")
    last = max(found, key=lambda a: str(a.admitted_on))
    assert last.admitted_on is not None
    return Criterion(
        "admission",
        False,
        f"Admitted on {words(last.admitted_on)} ({last.kind})",
        (("admission", last.admission_id),),
    )


def _problems(context: Context) -> Criterion:
    assert context.record is not None
    since = minus_months(context.as_of, context.policy.erd_admission_free_months)
    found = [
        p
        for p in context.record.problems
        if p.onset_on is not None and since <= to_day(p.onset_on) <= context.as_of
    ]
    if not found:
        return Criterion(
            "condition",
            True,
            f"No new problem on record in {context.policy.erd_admission_free_months} months",
        )
    return Criterion(
        "condition",
        False,
        "New on record: " + "; ".join(p.term for p in found),
        tuple(("problem", p.problem_id) for p in found),
    )


def _monitoring(context: Context) -> Criterion:
    values = [
        (rule, context.explainer.reference.rule(rule, context.as_of))
        for rule in context.rules
        if rule.monitors
    ]
    over = [rule.title for rule, value in values if value == 2]
    unsure = [rule.title for rule, value in values if value == 1]
    if over:
        return Criterion("monitoring", False, "; ".join(over))
    if unsure:
        return Criterion("monitoring", None, "Cannot be told: " + "; ".join(unsure))
    return Criterion("monitoring", True, "No monitoring rule in use is overdue")


def _review(context: Context, plans: list[Plan]) -> Criterion:
    dates = [to_day(p.review_date) for p in plans if p.review_date is not None]
    if not dates:
        return Criterion("review", None, "No review date is on record")
    first = min(dates)
    if first <= context.as_of:
        return Criterion("review", False, f"A review was due {words(first)}")
    return Criterion(
        "review",
        True,
        f"The first review is due {words(first)}; whether the last "
        f"was within {context.policy.erd_review_within_months} months is for a person",
    )


def _item(context: Context, plan: Plan) -> tuple[Criterion, ...]:
    match = formulary().match(plan.product_text, plan.product_code)
    rows = (("plan", plan.plan_id),)
    found = [_schedule(plan), _policy(context, plan)]
    changed = plan.dose_changed_on or plan.start_date
    months = context.policy.erd_change_free_months
    if changed is None:
        found.append(Criterion("stable", None, "When it was last changed is not on record", rows))
    else:
        stable = to_day(changed) <= minus_months(context.as_of, months)
        found.append(
            Criterion(
                "stable",
                stable,
                f"Last changed {words(changed)} (asked for: {months} months or more ago)",
                rows,
            )
        )
    asked = [
        r
        for r in context.rules
        if r.monitors
        and isinstance(f := r.clause(r.driver).fact, Issued)
        and context.sets.truth(f.drugs, plan.product_code, plan.product_text)
    ]
    if asked:
        found.append(
            Criterion(
                "monitored",
                False,
                f"{', '.join(match.ingredients)}: close monitoring applies",
                rows,
            )
        )
    found.append(_number(context, plan))
    return tuple(found)


def _schedule(plan: Plan) -> Criterion:
    product = formulary().match(plan.product_text, plan.product_code).product
    rows = (("plan", plan.plan_id),)
    if product is None:
        return Criterion("schedule", None, "The product is not known exactly", rows)
    if product.cd_schedule in ("2", "3"):
        return Criterion(
            "schedule", False, f"Schedule {product.cd_schedule} drugs are excluded by law", rows
        )
    if product.cd_schedule == "4":
        return Criterion(
            "schedule",
            None,
            "Schedule 4: lawful, the first issue within 28 days; many areas exclude it",
            rows,
        )
    return Criterion("schedule", True, "Not a controlled drug of schedules 2 to 4", rows)


def _policy(context: Context, plan: Plan) -> Criterion:
    match, policy = formulary().match(plan.product_text, plan.product_code), context.policy
    rows = (("plan", plan.plan_id),)
    named = policy.erd_excluded_ingredients.intersection(match.ingredients)
    if (
        named
        or match.drug_class in policy.erd_excluded_classes
        or match.flags & policy.erd_excluded_flags
    ):
        return Criterion("policy", False, "Excluded by the policy for this kind of medicine", rows)
    dose = read(plan.dose_text, plan.product_text) if plan.dose_text else None
    if dose is None or dose.status != "read" or dose.per_day is None:
        return Criterion("policy", None, "The dose gives no amount a day", rows)
    if any(step.as_needed for step in dose.steps):
        return Criterion("policy", False, "Taken when needed: excluded by usual policy", rows)
    return Criterion("policy", True, "A regular dose of a medicine that the policy allows", rows)


def _number(context: Context, plan: Plan) -> Criterion:
    """How many issues one signature could hold: a year's worth at most, and not past the review."""
    days = plan.supply_days
    if plan.quantity is not None and plan.dose_text:
        use, _ = daily_use_why(
            read(plan.dose_text, plan.product_text), plan.quantity_unit, plan.product_text
        )
        if use is not None:
            days = floor(supply_days(plan.quantity, use).low)
    rows = (("plan", plan.plan_id),)
    if not days:
        return Criterion("number", None, "How long one issue lasts is not known", rows)
    most = most_issues(days, context.policy.erd_most_days)
    text = f"{days} days an issue: {most} issues at most in a year"
    if plan.review_date is not None and to_day(plan.review_date) > context.as_of:
        before = (to_day(plan.review_date) - context.as_of) // days
        text += f", {min(most, before)} before the review on {words(plan.review_date)}"
    return Criterion("number", most >= 1, text, rows)


def most_issues(days: int, limit: int = 365) -> int:
    """The greatest number of issues of so many days each that fit in *limit* days."""
    return limit // days

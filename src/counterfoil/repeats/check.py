"""The checks of a repeat request: all of them, for every item, each with its reason.

The tests are those of the working notes on repeats (section 1.3), by their ids there. Missing
data never gives ``ok``: the check says what it lacked. Figures come from the policy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import floor

from counterfoil.dosage import Dose, read
from counterfoil.foundation.days import to_day, words
from counterfoil.records.patient import PatientRecord
from counterfoil.records.rows import Issue, Plan, Request, RequestItem
from counterfoil.repeats.matching import Matched, in_force, match_item
from counterfoil.repeats.model import Check, ItemOutcome, Outcome
from counterfoil.repeats.policy import Policy, load_policy
from counterfoil.rules.explain import Explainer, iso
from counterfoil.rules.facts import Issued
from counterfoil.rules.history import history
from counterfoil.rules.model import Rule
from counterfoil.rules.reference import Reference
from counterfoil.rules.sets import TerminologySets
from counterfoil.supply import Coverage, covered, daily_use_why, days_left, supply_days, timing
from counterfoil.terminology import Match, formulary


@dataclass(frozen=True)
class Context:
    """What the checks of one patient's requests read.

    ``record`` is None where the person is not registered here; ``reconciled`` holds the ids of
    discharge documents already dealt with; ``rules`` are the monitoring rules in use;
    ``gated`` sets cannot be trusted in the practice's data.
    """

    record: PatientRecord | None
    as_of: int
    rules: Sequence[Rule] = ()
    reconciled: frozenset[str] = frozenset()
    policy: Policy = field(default_factory=load_policy)
    sets: TerminologySets = field(default_factory=TerminologySets)
    gated: frozenset[str] = frozenset()

    @cached_property
    def explainer(self) -> Explainer:
        """The rule reference for this patient on this day."""
        assert self.record is not None
        reference = Reference(history(self.record, self.as_of), self.sets, gated=self.gated)
        return Explainer(reference, self.sets, self.as_of)


@dataclass(frozen=True)
class Item:
    """One requested item with the plan it means and everything the checks share about it."""

    context: Context
    request: Request
    item: RequestItem
    matched: Matched

    @property
    def plan(self) -> Plan | None:
        """The plan that the item means, where that is known."""
        return self.matched.plan

    @cached_property
    def product(self) -> Match:
        """What the plan's product is, or the item's where there is no plan."""
        if self.plan is not None:
            return formulary().match(self.plan.product_text, self.plan.product_code)
        return formulary().match(self.item.item_text, self.item.product_code)

    @cached_property
    def dose(self) -> Dose | None:
        """The plan's dose as read for its product; None where the plan holds no dose."""
        if self.plan is None or not self.plan.dose_text:
            return None
        return read(self.plan.dose_text, self.plan.product_text)

    @cached_property
    def issues(self) -> list[Issue]:
        """The issues of the plan."""
        record = self.context.record
        if record is None or self.plan is None:
            return []
        return [i for i in record.issues if i.plan_id == self.plan.plan_id]

    @cached_property
    def coverage(self) -> Coverage:
        """What the plan's issues cover, as known on the day."""
        return covered(self.issues, self.context.as_of)

    @property
    def controlled(self) -> bool:
        """Whether the product is a controlled drug of schedules 2 to 4."""
        product = self.product.product
        return product is not None and product.cd_schedule in ("2", "3", "4")

    @property
    def critical(self) -> bool:
        """Whether a gap in this medicine is taken as urgent, by the formulary's flag."""
        return "critical" in self.product.flags

    @property
    def high_risk(self) -> bool:
        """Whether the medicine is on the high-risk list, by the formulary's flag."""
        return "high_risk" in self.product.flags


def check_request(
    context: Context, request: Request, items: Sequence[RequestItem]
) -> list[ItemOutcome]:
    """Every check of every item of one request, in the order given."""
    outcomes = []
    plans = [] if context.record is None else list(context.record.plans)
    for one in items:
        item = Item(context, request, one, match_item(one, plans, context.as_of))
        checks = tuple(_run(check, item) for check in CHECKS)
        plan_id = item.plan.plan_id if item.plan else None
        outcomes.append(
            ItemOutcome(request.request_id, one.request_item_id, one.item_text, plan_id, checks)
        )
    return outcomes


def _run(check: tuple[str, bool, Callable[[Item], Check]], item: Item) -> Check:
    """A check, or the statement that it cannot be made for lack of a patient or a plan."""
    name, needs_plan, function = check
    if name not in ("R01", "R33") and item.context.record is None:
        return Check(
            name, "cannot_check", "There is no record to check against", {}, (), ("record",)
        )
    if needs_plan and item.plan is None:
        return Check(
            name, "cannot_check", "Which repeat item is meant is not known", {}, (), ("plan",)
        )
    return function(item)


def identity(item: Item) -> Check:
    """R01: registered here, alive, and the NHS number valid."""
    record, day = item.context.record, item.context.as_of
    if record is None:
        return Check(
            "R01",
            "technician",
            "Nobody with this identity is registered here: find out "
            "who is asking before anything else",
            {},
            (),
            ("patient",),
        )
    patient = record.patient
    rows = (("patient", patient.patient_id),)
    if patient.death_date is not None and to_day(patient.death_date) <= day:
        return Check(
            "R01",
            "prescriber",
            f"The patient died on {words(patient.death_date)}: end what is still open",
            {"death_date": patient.death_date.isoformat()},
            rows,
        )
    if patient.registered_to is not None and to_day(patient.registered_to) <= day:
        return Check(
            "R01",
            "technician",
            f"The patient left the practice on {words(patient.registered_to)}",
            {},
            rows,
        )
    if patient.nhs_status == "invalid":
        return Check("R01", "technician", "The NHS number on record is not valid", {}, rows)
    missing = [
        name
        for name, value in (
            ("NHS number", patient.nhs_number),
            ("date of birth", patient.birth_date),
        )
        if value is None
    ]
    if missing:
        return Check(
            "R01",
            "cannot_check",
            "Two identifiers cannot be compared: " + " and ".join(missing) + " not on record",
            {},
            rows,
            tuple(missing),
        )
    return Check("R01", "ok", "Registered here; NHS number and date of birth on record", {}, rows)


def on_repeat(item: Item) -> Check:
    """R03: the item is an active repeat or eRD plan."""
    matched, plan = item.matched, item.plan
    if matched.how == "ambiguous":
        names = "; ".join(p.product_text for p in matched.others)
        return Check(
            "R03",
            "contact",
            f"More than one item on the list fits what is written: {names}",
            {"written": item.item.item_text},
            tuple(("plan", p.plan_id) for p in matched.others),
        )
    if plan is None:
        known = item.product.level != "none"
        text = (
            f"{item.item.item_text} is not on the patient's list"
            if known
            else "What is asked for cannot be read as a medicine: ask which is meant"
        )
        return Check(
            "R03",
            "prescriber" if known else "contact",
            text,
            {"written": item.item.item_text},
            (),
            () if known else ("product",),
        )
    rows = (("plan", plan.plan_id),)
    if not in_force(plan, item.context.as_of):
        return Check("R03", "pharmacist", "This was on the list and is not any more", {}, rows)
    if plan.plan_type not in ("repeat", "erd"):
        return Check(
            "R03",
            "prescriber",
            f"This is an item of type {plan.plan_type}, not a repeat: "
            "only a prescriber makes it one",
            {"plan_type": plan.plan_type},
            rows,
        )
    return Check("R03", "ok", f"On the repeat list ({matched.how})", {"matched": matched.how}, rows)


def stopped(item: Item) -> Check:
    """R04: the plan was ended or suspended by the day of the request."""
    plan = _plan(item)
    rows = (("plan", plan.plan_id),)
    if in_force(plan, item.context.as_of):
        return Check("R04", "ok", "The item is in force", {}, rows)
    when = f" on {words(plan.end_date)}" if plan.end_date else ""
    why = f" ({plan.end_reason})" if plan.end_reason else ""
    return Check(
        "R04",
        "pharmacist",
        f"The item was {plan.status}{when}{why}: ask why it is "
        "wanted again; it is not put back here",
        {"status": plan.status, "end_date": str(plan.end_date or "")},
        rows,
    )


def early(item: Item) -> Check:
    """R07: more supply left than the policy allows at a request."""
    left, text = _left(item)
    if left is None:
        return Check(
            "R07",
            "cannot_check",
            f"How long the last supply lasts is not known: {text}",
            {},
            _issue_rows(item),
            ("supply",),
        )
    low, _ = left
    plan, policy = _plan(item), item.context.policy
    limit = policy.due_controlled if item.controlled else policy.due
    inputs = {
        "covered_until": iso(item.coverage.covered_until_low),
        "days_left": low,
        "limit": limit,
    }
    if plan.min_days is not None and item.issues:
        last = max(to_day(i.valid_from or i.issued_on) for i in item.issues)
        passed = item.context.as_of - last
        inputs |= {"min_days": plan.min_days, "days_since_issue": passed}
        is_early = passed < plan.min_days
    else:
        is_early = low > limit
    if not is_early:
        return Check("R07", "ok", f"{text}; not early", inputs, _issue_rows(item))
    said = _note_kind(item) == "early_reason"
    if item.controlled or item.high_risk:
        outcome: Outcome = "pharmacist"
    else:
        outcome = "technician"
    reason = ", with a reason given in the note" if said else ", with no reason given"
    return Check("R07", outcome, f"Early: {text}{reason}", inputs, _issue_rows(item))


def late(item: Item) -> Check:
    """R08: the last supply ended longer ago than the policy lets pass."""
    left, text = _left(item)
    if left is None:
        return Check(
            "R08",
            "cannot_check",
            f"How long the last supply lasts is not known: {text}",
            {},
            _issue_rows(item),
            ("supply",),
        )
    policy = item.context.policy
    state = timing(item.coverage, item.context.as_of, policy.due, policy.lapsed)
    inputs = {
        "covered_until": iso(item.coverage.covered_until_high),
        "days_left": left[1],
        "state": state,
    }
    rows = _issue_rows(item)
    if state == "cannot_tell":
        return Check(
            "R08", "cannot_check", f"Late or not cannot be told: {text}", inputs, rows, ("supply",)
        )
    if state not in ("late", "missed_cycle", "lapsed"):
        return Check("R08", "ok", f"{text}; not late", inputs, rows)
    if state == "lapsed":
        return Check("R08", "pharmacist", f"Lapsed: {text}", inputs, rows)
    if item.critical:
        return Check(
            "R08", "same_day", f"Late, and a gap in this medicine is urgent: {text}", inputs, rows
        )
    if state == "missed_cycle":
        return Check("R08", "contact", f"A whole supply was missed: {text}", inputs, rows)
    return Check("R08", "technician", f"Late: {text}", inputs, rows)


def review(item: Item) -> Check:
    """R09: the review date of the plan."""
    plan = _plan(item)
    rows = (("plan", plan.plan_id),)
    if plan.review_date is None:
        return Check(
            "R09",
            "cannot_check",
            "No review date is on record for this item",
            {},
            rows,
            ("review date",),
        )
    over = item.context.as_of - to_day(plan.review_date)
    inputs = {"review_date": plan.review_date.isoformat(), "days_over": max(0, over)}
    if over <= 0:
        return Check("R09", "ok", f"Review by {words(plan.review_date)}", inputs, rows)
    grace = item.context.policy.review_grace
    text = f"The review was due {words(plan.review_date)}, {over} days ago"
    if over <= grace:
        return Check(
            "R09", "technician", f"{text}: by protocol once, and book the review", inputs, rows
        )
    return Check("R09", "pharmacist", f"{text} (more than {grace})", inputs, rows)


def authorised(item: Item) -> Check:
    """R10: issues authorised and made, and the end of the authorisation."""
    plan = _plan(item)
    rows = (("plan", plan.plan_id),)
    inputs = {
        "issues_authorised": plan.issues_authorised,
        "issues_made": plan.issues_made,
        "authorised_until": str(plan.authorised_until or ""),
    }
    if plan.authorised_until is not None and to_day(plan.authorised_until) < item.context.as_of:
        return Check(
            "R10",
            "pharmacist",
            f"The authorisation ended on {words(plan.authorised_until)}",
            inputs,
            rows,
        )
    if plan.issues_authorised and plan.issues_made is not None:
        if plan.issues_made >= plan.issues_authorised:
            return Check(
                "R10",
                "pharmacist",
                f"All {plan.issues_authorised} authorised issues have been made",
                inputs,
                rows,
            )
        left = plan.issues_authorised - plan.issues_made
        return Check(
            "R10", "ok", f"{left} of {plan.issues_authorised} authorised issues left", inputs, rows
        )
    if plan.authorised_until is not None:
        return Check("R10", "ok", f"Authorised until {words(plan.authorised_until)}", inputs, rows)
    return Check(
        "R10",
        "cannot_check",
        "Neither a number of authorised issues nor an end of the authorisation is on record",
        inputs,
        rows,
        ("authorisation",),
    )


def quantity(item: Item) -> Check:
    """R12: the quantity against the dose, the stated days and the usual cycles."""
    plan = _plan(item)
    rows = (("plan", plan.plan_id),)
    amount, unit = item.item.quantity or plan.quantity, plan.quantity_unit
    if amount is None or amount <= 0 or item.dose is None:
        lacks = "quantity" if amount is None or amount <= 0 else "dose"
        return Check("R12", "cannot_check", f"No {lacks} is on record", {}, rows, (lacks,))
    use, why = daily_use_why(item.dose, unit, plan.product_text)
    if use is None:
        return Check(
            "R12",
            "cannot_check",
            f"The quantity cannot be set against the dose: {why}",
            {},
            rows,
            ("daily use",),
        )
    days = supply_days(amount, use)
    inputs = {
        "quantity": str(amount),
        "unit": unit,
        "days_low": _number(days.low),
        "days_high": None if days.high is None else _number(days.high),
        "stated_days": plan.supply_days,
    }
    if days.high is None or days.low != days.high:
        return Check(
            "R12",
            "ok",
            "A dose with a range has no fixed number of days: not compared",
            inputs,
            rows,
        )
    tolerance = item.context.policy.quantity_tolerance
    wrong = []
    if plan.supply_days is not None and abs(days.low - plan.supply_days) > tolerance:
        wrong.append(f"{plan.supply_days} days are stated")
    if not any(abs(days.low - c) <= tolerance for c in item.context.policy.cycles):
        wrong.append("that is none of the usual cycles")
    text = f"{_number(amount)} {unit or 'units'} last {_number(days.low)} days at this dose"
    if not wrong:
        return Check("R12", "ok", text, inputs, rows)
    outcome: Outcome = "pharmacist" if item.controlled else "technician"
    return Check("R12", outcome, f"{text}, and {' and '.join(wrong)}", inputs, rows)


def dose_readable(item: Item) -> Check:
    """R15: the dose can be read, and does not contradict its product or coded timing."""
    plan, dose = _plan(item), item.dose
    rows = (("plan", plan.plan_id),)
    worse: Outcome = "pharmacist" if item.high_risk else "technician"
    if dose is None:
        return Check(
            "R15", worse, "No dose is on record: a clear instruction is needed", {}, rows, ("dose",)
        )
    inputs = {"dose_text": dose.text, "status": dose.status}
    why = "; ".join(dose.reasons)
    if dose.status == "conflict":
        outcome: Outcome = "same_day" if item.high_risk else "pharmacist"
        return Check(
            "R15",
            outcome,
            f"The dose contradicts itself or its product: {why}",
            inputs,
            rows,
            ("dose",),
        )
    if dose.status != "read" or dose.per_day is None:
        note = f": {why}" if why else ""
        return Check(
            "R15",
            worse,
            f'The dose "{dose.text}" gives no amount a day{note}',
            inputs,
            rows,
            ("daily use",),
        )
    return Check("R15", "ok", f'The dose "{dose.text}" is read', inputs, rows)


def monitoring(item: Item) -> Check:
    """R16: monitoring of this medicine, by the rule engine."""
    product = item.product
    asked = []
    for rule in item.context.rules:
        driver = rule.clause(rule.driver).fact
        if rule.monitors and isinstance(driver, Issued):
            plan = item.plan
            code, text = (
                (plan.product_code, plan.product_text)
                if plan
                else (item.item.product_code, item.item.item_text)
            )
            if item.context.sets.truth(driver.drugs, code, text):
                asked.append(rule)
    if not asked:
        if product.level == "none":
            return Check(
                "R16",
                "cannot_check",
                "The product is not known, so its monitoring is not known either",
                {},
                (),
                ("product",),
            )
        return Check("R16", "ok", "No monitoring rule in use asks for a test of this medicine")
    rule = asked[0]
    explainer = item.context.explainer
    value = explainer.reference.rule(rule, item.context.as_of)
    reasons = [r for r in explainer.reasons(rule) if r.values.get("due")]
    said = [
        r for r in reasons if r.holds is (True if value == 2 else None if value == 1 else False)
    ]
    text = "; ".join(r.text for r in said)
    rows = tuple(row for r in said for row in r.rows)
    inputs = {"rule": rule.id, "version": rule.version}
    if value == 2:
        return Check("R16", "pharmacist", f"Monitoring overdue. {text}", inputs, rows)
    if value == 1:
        return Check(
            "R16", "cannot_check", f"Monitoring cannot be told. {text}", inputs, rows, ("test",)
        )
    return Check("R16", "ok", f"Monitoring in date. {text}".strip(), inputs, rows)


def controlled(item: Item) -> Check:
    """R18: controlled drugs of schedules 2 and 3."""
    product = item.product.product
    if product is None:
        return Check(
            "R18",
            "cannot_check",
            "The product is not known exactly, so neither is its schedule",
            {},
            (),
            ("product",),
        )
    plan, schedule = item.plan, product.cd_schedule
    inputs = {"schedule": schedule}
    if schedule not in ("2", "3"):
        return Check("R18", "ok", "Not a controlled drug of schedule 2 or 3", inputs)
    if plan is not None and plan.plan_type == "erd":
        return Check(
            "R18",
            "prescriber",
            f"Schedule {schedule} cannot be on repeat dispensing",
            inputs,
            (("plan", plan.plan_id),),
        )
    days = _plan_days(item)
    limit = item.context.policy.controlled_supply
    over = (
        f"; {_number(days)} days are more than {limit}, which needs a recorded reason"
        if days is not None and days > limit
        else ""
    )
    return Check("R18", "pharmacist", f"Controlled drug of schedule {schedule}{over}", inputs)


def discharge(item: Item) -> Check:
    """R24: a discharge after the plan's last change that nobody has reconciled yet."""
    record, context = item.context.record, item.context
    assert record is not None
    plan = item.plan
    changed = (
        max((to_day(d) for d in (plan.start_date, plan.dose_changed_on) if d), default=0)
        if plan
        else 0
    )
    since = max(changed, context.as_of - context.policy.discharge)
    found = [
        (to_day(d.event_on), "document", d.document_id)
        for d in record.documents
        if d.kind == "discharge"
        and d.event_on is not None
        and since <= to_day(d.event_on) <= context.as_of
        and d.document_id not in context.reconciled
    ]
    if not found:
        known = {to_day(d.event_on) for d in record.documents if d.event_on}
        found = [
            (to_day(a.discharged_on), "admission", a.admission_id)
            for a in record.admissions
            if a.discharged_on is not None
            and since <= to_day(a.discharged_on) <= context.as_of
            and not any(abs(to_day(a.discharged_on) - day) <= 1 for day in known)
        ]
    if not found:
        return Check("R24", "ok", "No discharge waits to be reconciled")
    day, table, key = max(found)
    what = "letter" if table == "document" else "stay (no letter is on record)"
    outcome: Outcome = "same_day" if item.critical else "technician"
    return Check(
        "R24",
        outcome,
        f"The discharge {what} of {words(day)} is not reconciled yet: do that first",
        {"discharged": iso(day)},
        ((table, key),),
    )


def note(item: Item) -> Check:
    """R33: the patient's own words, which somebody has to read."""
    text = (item.request.note or "").strip()
    if not text:
        return Check("R33", "ok", "No note")
    kind = _note_kind(item)
    outcome: Outcome = "contact"
    if kind in ("same_day", "pharmacist"):
        outcome = "same_day" if kind == "same_day" else "pharmacist"
    elif kind in ("early_reason", ""):
        outcome = "technician"
    return Check(
        "R33",
        outcome,
        f'The patient wrote: "{text}"',
        {"kind": kind or "other"},
        (("request", item.request.request_id),),
    )


CHECKS: tuple[tuple[str, bool, Callable[[Item], Check]], ...] = (
    ("R01", False, identity),
    ("R03", False, on_repeat),
    ("R04", True, stopped),
    ("R07", True, early),
    ("R08", True, late),
    ("R09", True, review),
    ("R10", True, authorised),
    ("R12", True, quantity),
    ("R15", True, dose_readable),
    ("R16", False, monitoring),
    ("R18", False, controlled),
    ("R24", False, discharge),
    ("R33", False, note),
)
"""Id, whether it needs to know the plan, and the check."""


def _plan(item: Item) -> Plan:
    assert item.plan is not None
    return item.plan


def _note_kind(item: Item) -> str:
    """Which list of words the note falls under; empty where none fits."""
    text = (item.request.note or "").casefold()
    for kind, phrases in item.context.policy.notes:
        if text and any(phrase in text for phrase in phrases):
            return kind
    return ""


def _left(item: Item) -> tuple[tuple[int, int | None] | None, str]:
    """Days of cover left, at the least and at the most, and how to say it; or why not known."""
    coverage = item.coverage
    left = days_left(coverage, item.context.as_of)
    if not item.issues:
        return None, "no issue of this item is on record"
    if left is None:
        return None, "; ".join(coverage.unknown_reasons[-1:]) or "the last supply is not known"
    low, high = left
    if high is None:
        return left, f"covered until {words(_day(coverage))} at the least, taken at most"
    ends = (
        words(_day(coverage))
        if low == high
        else (f"{words(_day(coverage))} to {words(coverage.covered_until_high or 0)}")
    )
    if high >= 0:
        return left, f"covered until {ends}, {low} days left"
    return left, f"covered until {ends}, {-high} days ago"


def _day(coverage: Coverage) -> int:
    assert coverage.covered_until_low is not None
    return coverage.covered_until_low


def _issue_rows(item: Item) -> tuple[tuple[str, str], ...]:
    return tuple(("issue", i.issue_id) for i in item.issues[-6:])


def _plan_days(item: Item) -> Fraction | None:
    plan = item.plan
    if plan is None or plan.quantity is None or item.dose is None:
        return None if plan is None or plan.supply_days is None else Fraction(plan.supply_days)
    use, _ = daily_use_why(item.dose, plan.quantity_unit, plan.product_text)
    return supply_days(plan.quantity, use).low if use is not None else None


def _number(value: object) -> str:
    number = Fraction(str(value))
    if number.denominator == 1:
        return str(number.numerator)
    return str(floor(number * 10) / 10)

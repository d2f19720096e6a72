"""From what the engine says of a snapshot to findings as casework takes them in."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from counterfoil import rules
from counterfoil.foundation import days
from counterfoil.records import store
from counterfoil.service.casework import computed, intake, policy, sets_in_use
from counterfoil.service.casework.models import Finding
from counterfoil.service.rulebook import force
from counterfoil.terminology import formulary

ISSUE_COLUMNS = ["issue_id", "issued_on", "product_text", "product_code"]
"""What is told of the issues that a finding cites."""


shipped = force.shipped


def findings_of(snapshot: store.Snapshot, as_of: date) -> list[intake.Incoming]:
    """What the rules in force at the snapshot's practice find: the ``Compute`` of publishing.

    After a delta, or on a later day, only whoever may have changed is looked at again.
    """
    used = force.at(snapshot.practice, as_of).rules
    found = computed.brought_up(
        snapshot, as_of, used, sets_in_use.sets_on(as_of), sets_in_use.weak()
    ).findings
    people = {one.patient_id for one in found}
    return as_incoming(found, used, snapshot.scan("issue").read(ISSUE_COLUMNS, patients=people))


def as_incoming(
    found: Sequence[rules.Finding], used: Sequence[rules.Rule], issues: pa.Table
) -> list[intake.Incoming]:
    """The engine's findings as casework takes them in; *issues* is the snapshot's table."""
    by_id = {rule.id: rule for rule in used}
    cited = _cited(issues, {key for f in found for key in _issues_of(f)})
    return [_incoming(one, by_id[one.rule], cited) for one in found]


@dataclass(frozen=True)
class _Issue:
    """What a cited issue tells: the day and the product as sent."""

    issued_on: date
    text: str
    code: str | None


def _issues_of(finding: rules.Finding) -> Iterable[str]:
    for reason in finding.reasons:
        for table, key in reason.rows if reason.holds is not False else ():
            if table == "issue":
                yield key


def _cited(issues: pa.Table, ids: Collection[str]) -> dict[str, _Issue]:
    if not ids:
        return {}
    wanted = pa.array(sorted(ids), pa.string())
    mine = issues.filter(pc.is_in(issues["issue_id"], wanted))
    return {
        row["issue_id"]: _Issue(row["issued_on"], row["product_text"], row["product_code"])
        for row in mine.select(ISSUE_COLUMNS).to_pylist()
    }


def _incoming(one: rules.Finding, rule: rules.Rule, cited: dict[str, _Issue]) -> intake.Incoming:
    table = policy.load()
    klass = one.klass if one.klass in table.classes else table.class_for_rule(one.rule)
    issues = [cited[key] for key in _issues_of(one) if key in cited]
    reasons = [reason.to_json() for reason in one.reasons]
    drugs = sorted({name for issue in issues for name in _drug(issue)[0]})
    return intake.Incoming(
        person_id=one.person_id,
        patient_id=one.patient_id,
        kind=Finding.Kind.RULE,
        rule=one.rule,
        rule_version=str(one.version),
        klass=klass,
        subject=one.subject,
        state=one.state,
        owner=one.owner,
        title=one.title or one.rule,
        summary=_summary(one),
        since=_date(one.since),
        until=_date(one.until),
        due=_date(one.due),
        urgency=one.urgency,
        cause=one.cause[:200],
        reasons=reasons,
        fingerprint=intake.default_fingerprint(one.state, reasons, drugs),
        high_risk=any(_drug(issue)[1] for issue in issues) if issues else None,
        issued_on=max((issue.issued_on for issue in issues), default=None),
        recalled=not rule.makes_work,
    )


def _drug(issue: _Issue) -> tuple[tuple[str, ...], bool]:
    """The ingredients of a product as sent, and whether it is marked high-risk."""
    match = formulary().match(issue.text, issue.code)
    return match.ingredients, "high_risk" in match.flags


def _summary(one: rules.Finding) -> str:
    """The sentences that carry the finding: what is due, else what holds, else why not known."""
    if one.state == "cannot_tell":
        return one.cause[:400]
    holding = [reason for reason in one.reasons if reason.holds]
    due = [reason.text for reason in holding if "due" in reason.values]
    texts = due or [reason.text for reason in holding]
    return "; ".join(texts[:2])[:400]


def _date(day: int | None) -> date | None:
    """A day number as a date; days before or beyond any record become ``None``."""
    if day is None or day >= days.FOREVER:
        return None
    try:
        return days.to_date(day)
    except (ValueError, OverflowError):
        return None

"""From rows to the values of ``shapes``: what a finding, a question or a person looks like to a user.

Rows are given; reach was decided before (``scope``). Nothing here queries outside a case.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date

from counterfoil.foundation import days
from counterfoil.service.accounts.models import User
from counterfoil.service.casework import actions, policy
from counterfoil.service.casework.models import (
    Decision,
    Finding,
    Handover,
    LetterDocument,
    RuleApproval,
)
from counterfoil.service.casework.shapes import (
    ActionOption,
    DecisionLine,
    FindingCard,
    HandoverLine,
    HandoverTarget,
    LetterSummary,
    PersonLine,
)
from counterfoil.service.casework.work import REOPENED
from counterfoil.service.records.models import PersonIndex


def person_line(row: PersonIndex, today: date) -> PersonLine:
    """A patient as a list names them; the age is on *today*, or at death."""
    age = None
    if row.birth_date is not None:
        age = days.age_on(days.to_day(row.birth_date), days.to_day(row.death_date or today))
    return PersonLine(
        given_name=row.given_name,
        family_name=row.family_name,
        birth_date=row.birth_date,
        age=age,
        sex=row.sex,
        nhs_number=row.nhs_number,
        practice_code=row.practice_id,
        practice_name=row.practice.name,
        death_date=row.death_date,
        registered_to=row.registered_to,
    )


def days_left(due: date | None, today: date) -> int | None:
    """Days until *due*; negative when it has passed."""
    return (due - today).days if due is not None else None


def option(action: policy.Action) -> ActionOption:
    """An action as a form shows it."""
    return ActionOption(
        name=action.name,
        label=action.label,
        effect=action.effect,
        needs=action.needs,
        reasons=tuple(action.reasons.items()),
        hint=action.hint,
    )


def label_of(action: str) -> str:
    """The words of an action's name."""
    if action == REOPENED:
        return "Reopened"
    known = policy.load().actions.get(action)
    return known.label if known else action


def decision_line(row: Decision) -> DecisionLine:
    """One decision in words."""
    return DecisionLine(
        at=row.at,
        who=row.actor.display_name if row.actor else "Counterfoil",
        role=row.role,
        action=row.action,
        label=label_of(row.action),
        note=row.note,
        until=row.until,
        evidence={k: v for k, v in row.evidence.items() if k != "fingerprint"},
        rule_version=row.rule_version,
    )


def handover_line(row: Handover, user: User) -> HandoverLine:
    """One question with its answer."""
    return HandoverLine(
        ref=str(row.pk),
        sender=row.sender.display_name,
        to_role=row.to_role,
        question=row.question,
        sent_at=row.sent_at,
        status=row.status,
        reply=row.reply,
        instruction=row.instruction,
        decision_label=label_of(row.decision) if row.decision else "",
        replied_by=row.replied_by.display_name if row.replied_by else "",
        replied_at=row.replied_at,
        acknowledged_by=row.acknowledged_by.display_name if row.acknowledged_by else "",
        acknowledged_at=row.acknowledged_at,
        mine=row.sender_id == user.pk,
    )


def cards(
    findings: Collection[Finding],
    user: User,
    roles: Collection[str],
    protocol: Collection[str],
    today: date,
    blocked: str = "",
) -> list[FindingCard]:
    """The findings as cards, in the order given. *blocked*: why the case is not the user's to work."""
    ids = [finding.pk for finding in findings]
    decisions: dict[str, list[Decision]] = defaultdict(list)
    for decision in Decision.objects.filter(finding__in=ids).select_related(
        "actor", "verification"
    ):
        decisions[decision.finding_id].append(decision)
    handovers: dict[str, list[Handover]] = defaultdict(list)
    for handover in _handovers_of(ids):
        for finding in handover.findings.all():
            handovers[finding.pk].append(handover)
    approvals = approvals_of(findings)
    return [
        _card(f, user, roles, protocol, today, blocked, decisions[f.pk], handovers[f.pk], approvals)
        for f in findings
    ]


def _handovers_of(ids: Collection[str]) -> Iterable[Handover]:
    return (
        Handover.objects.filter(findings__in=ids)
        .distinct()
        .select_related("sender", "replied_by", "acknowledged_by")
        .prefetch_related("findings")
    )


def approvals_of(findings: Collection[Finding]) -> dict[tuple[str, str, str], str]:
    """(practice, rule, version) -> who approved it, in words."""
    found: dict[tuple[str, str, str], str] = {}
    rules = {finding.rule for finding in findings if finding.kind == Finding.Kind.RULE}
    rows = list(RuleApproval.objects.filter(rule__in=rules).select_related("by"))
    for finding in findings:
        above = {finding.practice_id, finding.practice.parent_id}
        for row in rows:
            same = (row.rule, row.version) == (finding.rule, finding.rule_version)
            if same and row.organisation_id in above:
                who = f"{row.by.display_name}, {days.words(row.at.date())}"
                found[finding.practice_id, row.rule, row.version] = who
    return found


def _card(
    row: Finding,
    user: User,
    roles: Collection[str],
    protocol: Collection[str],
    today: date,
    blocked: str,
    decisions: list[Decision],
    handovers: list[Handover],
    approvals: Mapping[tuple[str, str, str], str],
) -> FindingCard:
    why_not = blocked or _why_not(row, roles)
    targets = policy.hand_over_targets(policy.load(), roles, row.klass)
    shut = row.work in (Finding.Work.DONE, Finding.Work.HANDED_OVER) or bool(why_not)
    return FindingCard(
        ref=row.pk,
        kind=row.kind,
        klass=row.klass,
        rule=row.rule,
        rule_version=row.rule_version,
        approved_by=approvals.get((row.practice_id, row.rule, row.rule_version), ""),
        title=row.title,
        summary=row.summary,
        state=row.state,
        cause=row.cause,
        since=row.since,
        until=row.until,
        due=row.due,
        days_left=days_left(row.due, today),
        owner=row.owner,
        urgency=row.urgency,
        reasons=tuple(row.reasons) if row.kind != Finding.Kind.LETTER_LINE else (),
        work=effective_work(row, today),
        waiting_until=row.waiting_until,
        with_role=row.with_role,
        must_hand_over=row.must_hand_over,
        high_risk=row.high_risk,
        issued_on=row.issued_on,
        verification=_verification(row, decisions),
        verification_text=_seen_in_record(decisions)[1],
        makes_work=row.makes_work,
        subject=row.subject,
        actions=() if why_not else tuple(_options(row, user, roles, protocol, decisions)),
        hand_over_to=()
        if shut
        else tuple(HandoverTarget(role, f"Hand over to {role}") for role in targets),
        blocked=why_not,
        decisions=tuple(decision_line(d) for d in decisions),
        handovers=tuple(handover_line(h, user) for h in handovers),
    )


def effective_work(row: Finding, today: date) -> str:
    """The state of the work as of today: what waits for a date that has passed is to do again."""
    if row.work != Finding.Work.WAITING:
        return row.work
    passed = row.waiting_until is not None and row.waiting_until < today
    return Finding.Work.TODO if passed or row.must_hand_over else Finding.Work.WAITING


def _why_not(row: Finding, roles: Collection[str]) -> str:
    if not row.makes_work:
        return "This version of the rule is not approved for the practice: it makes no work yet."
    if row.work == Finding.Work.HANDED_OVER and row.with_role not in roles:
        return ""  # bookings and notes stay open while a question is with somebody
    return ""


def _options(
    row: Finding,
    user: User,
    roles: Collection[str],
    protocol: Collection[str],
    decisions: list[Decision],
) -> Iterable[ActionOption]:
    """What may be done now: the policy's actions less those the state of the work refuses."""
    table = policy.load()
    elsewhere = row.work == Finding.Work.HANDED_OVER and row.with_role not in roles
    for name in policy.allowed(table, roles, actions.subject_of(row), protocol):
        action = table.actions[name]
        over = row.work == Finding.Work.DONE and not actions.follows(action, decisions)
        if over and name not in actions.QUIET:
            continue
        if action.effect == "done" and (elsewhere or row.work == Finding.Work.ANSWERED):
            continue
        first = action.second_person_after
        if first and {d.actor_id for d in decisions if d.action == first} <= {user.pk}:
            continue
        yield option(action)


def _seen_in_record(decisions: list[Decision]) -> tuple[str, str]:
    """State and words of the last decision on a letter line that the record was asked about."""
    for decision in reversed(decisions):
        seen = getattr(decision, "verification", None)
        if seen is not None:
            return seen.state, seen.text
    return "", ""


def _verification(row: Finding, decisions: list[Decision]) -> str:
    """Whether the record, at a later load, shows what was decided."""
    done = [d for d in decisions if d.outcome == "done"]
    if row.kind == Finding.Kind.LETTER_LINE:
        return _seen_in_record(decisions)[0]
    if row.work != Finding.Work.DONE or row.kind != Finding.Kind.RULE or not done:
        return ""
    if row.state == Finding.State.CLEAR:
        return "verified"
    return "outstanding" if row.snapshot != done[-1].snapshot else ""


def letter_summary(
    row: LetterDocument, person: PersonLine | None, lines: Collection[Finding], today: date
) -> LetterSummary:
    """A letter in a list."""
    by_class: dict[str, int] = defaultdict(int)
    for line in lines:
        by_class[line.klass.removeprefix("letter.").removesuffix("_for_pharmacist")] += 1
    return LetterSummary(
        ref=str(row.pk),
        case_ref=str(row.case_id) if row.case_id else None,
        person=person,
        practice_code=row.practice_id,
        practice_name=row.practice.name,
        sender=row.sender,
        ward=row.ward,
        discharged_on=row.discharged_on,
        received_at=row.received_at,
        due_on=row.due_on,
        days_left=(row.due_on - today).days,
        status=row.status,
        reason=row.reason,
        lines=len(lines),
        decided=sum(1 for line in lines if line.work != Finding.Work.TODO),
        by_class=dict(by_class),
        setting=row.content.get("setting", "discharge"),
    )

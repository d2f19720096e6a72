"""The only writer. Each function is one transaction that writes the state and its event.

All take the acting user first and refuse with ``PolicyError``, ``ConflictError`` or ``ScopeError``
(``errors.py``); a refusal changes nothing. ``expected_version`` is the ``version`` of the case that
the person was looking at; ``None`` skips that check (commands). What comes in by itself (findings,
letters) is written by ``intake.py``, the service's own half of this layer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from counterfoil.service.accounts.models import Role, User
from counterfoil.service.casework import clock, events, policy, scope, work
from counterfoil.service.casework.errors import ConflictError, PolicyError
from counterfoil.service.casework.intake import refresh_status
from counterfoil.service.casework.models import (
    Case,
    Decision,
    Finding,
    Handover,
    LetterDocument,
    RuleApproval,
)
from counterfoil.service.config import home

QUIET = ("add_note", "read_note")
"""Actions that stay open when a finding is done."""


def signed_in(user: User) -> None:
    """Record a sign-in."""
    _session_event("signed_in", user)
    events.anchor_if_due(home.current().anchors)


def signed_out(user: User) -> None:
    """Record a sign-out."""
    _session_event("signed_out", user)


def sign_in_failed() -> None:
    """Record that somebody failed to sign in; not who they said they were."""
    with transaction.atomic():
        events.append("", [events.Entry("sign_in_failed", {})])


def _session_event(kind: str, user: User) -> None:
    chains = sorted(set(user.memberships.values_list("organisation_id", flat=True))) or [""]
    with transaction.atomic():
        for chain in chains:
            events.append(chain, [events.Entry(kind, {})], user)


def view_patient(user: User, case_ref: str, purpose: str = "case") -> None:
    """Record that the user opened this patient's record."""
    case = scope.case(user, case_ref)
    with transaction.atomic():
        _log(case, user, _main(_roles(user, case)), "patient_viewed", {"purpose": purpose})


def search_patient(user: User, found: int) -> None:
    """Record that the user searched by NHS number, and how many were found; not the number."""
    with transaction.atomic():
        for chain in sorted(scope.practices(user).values_list("pk", flat=True)):
            events.append(chain, [events.Entry("patient_searched", {"found": found})], user)


def claim(user: User, case_ref: str) -> None:
    """Take the case; ``ConflictError`` names who holds it and until when."""
    case = scope.case(user, case_ref)
    with transaction.atomic():
        _take(case, user)
        _log(case, user, _main(_roles(user, case)), "case_claimed", {})


def release(user: User, case_ref: str) -> None:
    """Give the case back."""
    case = scope.case(user, case_ref)
    with transaction.atomic():
        gone = Case.objects.filter(pk=case.pk, claimed_by=user).update(
            claimed_by=None, claimed_until=None, version=F("version") + 1
        )
        if not gone:
            raise ConflictError("You do not hold this case.")
        _log(case, user, _main(_roles(user, case)), "case_released", {})


def _take(case: Case, user: User) -> None:
    """One guarded UPDATE: of two people at one moment, the database lets one through."""
    now = clock.now()
    taken = (
        Case.objects.filter(pk=case.pk)
        .filter(Q(claimed_by=None) | Q(claimed_by=user) | Q(claimed_until__lte=now))
        .update(
            claimed_by=user,
            claimed_until=now + timedelta(hours=settings.COUNTERFOIL_CLAIM_HOURS),
            version=F("version") + 1,
        )
    )
    if not taken:
        raise ConflictError(_held(case))


def _held(case: Case) -> str:
    holder = Case.objects.select_related("claimed_by").get(pk=case.pk)
    if holder.claimed_by is None or holder.claimed_until is None:
        return "Somebody else has just had this case. Open it again."
    until = timezone.localtime(holder.claimed_until)
    hour = until.hour % 12 or 12
    half = "am" if until.hour < 12 else "pm"
    return f"{holder.claimed_by.display_name} has this case until {hour}:{until:%M}{half}."


def decide(
    user: User,
    finding_id: str,
    action: str,
    note: str = "",
    *,
    until: date | None = None,
    evidence: dict[str, Any] | None = None,
    expected_version: int | None = None,
) -> Decision:
    """Do *action* (a name of ``ActionOption``) to a finding.

    *evidence* carries what the action needs besides: ``found_on`` (ISO date), ``place``,
    ``reason``. The case becomes the user's; a question asked of the user's own role may be decided
    while the asker holds the case.
    """
    finding = scope.finding(user, finding_id)
    with transaction.atomic():
        case, roles = _hold(user, finding.case, expected_version, asked_about=(finding,))
        finding = _locked(finding)
        decision = _decide(user, case, roles, finding, action, note, until, evidence or {})
        _settle(case, (finding,))
    return decision


def read_note(user: User, case_ref: str, request_id: str) -> int:
    """Record on every open item of a request that the user has read the patient's note."""
    case = scope.case(user, case_ref)
    items = [
        f
        for f in case.findings.filter(kind=Finding.Kind.REQUEST_ITEM).order_by("pk")
        if f.reasons and f.reasons[0].get("request", {}).get("id") == request_id
    ]
    if not items:
        raise PolicyError("There is no such request.")
    with transaction.atomic():
        case = Case.objects.select_for_update().get(pk=case.pk)
        roles = _roles(user, case)
        for item in items:
            if not item.decisions.filter(action="read_note", actor=user).exists():
                _decide(user, case, roles, _locked(item), "read_note", "", None, {})
    return len(items)


def confirm_same(user: User, finding_id: str, *, expected_version: int | None = None) -> Decision:
    """Confirm a letter line that is the same as the GP plan."""
    return decide(user, finding_id, "confirm_same", expected_version=expected_version)


def send_query(
    user: User,
    finding_id: str,
    text: str,
    until: date,
    *,
    expected_version: int | None = None,
) -> Decision:
    """Record that the ward was asked about a letter line, and when to look again."""
    return decide(
        user, finding_id, "query_ward", text, until=until, expected_version=expected_version
    )


def hand_over(
    user: User,
    finding_ids: Sequence[str],
    to_role: str,
    question: str,
    *,
    expected_version: int | None = None,
) -> Handover:
    """Ask *to_role* about findings of one case."""
    if not question.strip():
        raise PolicyError("Say what you want to know.")
    found = [scope.finding(user, ref) for ref in dict.fromkeys(finding_ids)]
    if not found or len({finding.case_id for finding in found}) != 1:
        raise PolicyError("A hand-over is about one patient: choose findings of one case.")
    with transaction.atomic():
        case, roles = _hold(user, found[0].case, expected_version, asked_about=found)
        found = [_locked(finding) for finding in found]
        role = ""
        for finding in found:
            targets = policy.hand_over_targets(policy.load(), roles, finding.klass)
            if to_role not in targets:
                raise PolicyError(f"This cannot be handed over to a {to_role} by you.")
            role = targets[to_role]
            if finding.work == Finding.Work.HANDED_OVER and finding.with_role not in roles:
                raise ConflictError(f"This waits for an answer of the {finding.with_role} already.")
            if finding.work == Finding.Work.DONE:
                raise ConflictError(_done_by(finding))
        handover = Handover.objects.create(
            case=case,
            practice=found[0].practice,
            sender=user,
            to_role=to_role,
            question=question.strip(),
            sent_at=clock.now(),
        )
        handover.findings.set(found)
        refs = {"handover": str(handover.pk), "to": to_role, "findings": [f.pk for f in found]}
        _log(case, user, role, "handed_over", refs)
        _settle(case, found)
    return handover


def reply(
    user: User,
    handover_ref: str,
    text: str,
    instruction: str = "",
    *,
    decision: str = "",
    until: date | None = None,
    evidence: dict[str, Any] | None = None,
    expected_version: int | None = None,
) -> Handover:
    """Answer a hand-over; *decision* is an action the answerer takes on each of its findings."""
    handover = scope.handover(user, handover_ref)
    if not text.strip():
        raise PolicyError("Write the answer.")
    with transaction.atomic():
        case = Case.objects.select_for_update().get(pk=handover.case_id)
        roles = _roles(user, case)
        if handover.to_role not in roles:
            raise PolicyError(f"This question is for a {handover.to_role}.")
        _expect(case, expected_version)
        answered = Handover.objects.filter(pk=handover.pk, status=Handover.Status.SENT).update(
            status=Handover.Status.ANSWERED,
            reply=text.strip(),
            instruction=instruction.strip(),
            decision=decision,
            replied_by=user,
            replied_at=clock.now(),
        )
        if not answered:
            raise ConflictError("This question has been answered already.")
        found = [_locked(finding) for finding in handover.findings.order_by("pk")]
        if decision:
            given = {**(evidence or {}), "in_reply_to": str(handover.pk)}
            for finding in found:
                _decide(user, case, roles, finding, decision, text, until, given)
        _log(case, user, handover.to_role, "replied", {"handover": str(handover.pk)})
        _settle(case, found)
    handover.refresh_from_db()
    return handover


def acknowledge_reply(user: User, handover_ref: str) -> Handover:
    """Take up an answer: its findings are done if it decided them, else to do again."""
    handover = scope.handover(user, handover_ref)
    with transaction.atomic():
        case, roles = _hold(user, handover.case, None)
        asker = handover.sender.memberships.values_list("role", flat=True)
        if handover.sender_id != user.pk and not roles & set(asker):
            raise PolicyError(
                "The answer is for the person who asked, or a colleague in that role."
            )
        taken = Handover.objects.filter(pk=handover.pk, status=Handover.Status.ANSWERED).update(
            status=Handover.Status.ACKNOWLEDGED,
            acknowledged_by=user,
            acknowledged_at=clock.now(),
        )
        if not taken:
            raise ConflictError("There is no answer to take up.")
        found = [_locked(finding) for finding in handover.findings.order_by("pk")]
        _log(case, user, _main(roles), "acknowledged", {"handover": str(handover.pk)})
        _settle(case, found)
    handover.refresh_from_db()
    return handover


def finish_letter(user: User, letter_ref: str, *, expected_version: int | None = None) -> None:
    """Finish a letter; ``PolicyError`` while a line is neither decided, queried nor handed over."""
    letter = scope.letter(user, letter_ref)
    if letter.case is None:
        raise PolicyError("The patient of this letter has not been found yet.")
    with transaction.atomic():
        case, roles = _hold(user, letter.case, expected_version)
        if not roles & set(policy.CLINICAL_ROLES):
            raise PolicyError("Finishing a letter needs a clinical role.")
        left = letter.lines.filter(work=Finding.Work.TODO).count()
        if left:
            lines = "1 line is" if left == 1 else f"{left} lines are"
            raise PolicyError(f"{lines} neither decided, queried nor handed over.")
        done = (
            LetterDocument.objects.filter(pk=letter.pk)
            .filter(status__in=(LetterDocument.Status.NEW, LetterDocument.Status.IN_PROGRESS))
            .update(
                status=LetterDocument.Status.FINISHED, finished_by=user, finished_at=clock.now()
            )
        )
        if not done:
            raise ConflictError("This letter is finished already.")
        _log(case, user, _main(roles), "letter_finished", {"letter": str(letter.pk)})
        refresh_status([case.pk])


def hold_letter(
    user: User, letter: LetterDocument, expected_version: int | None
) -> tuple[Case, str]:
    """The case of a letter, locked and in the user's hands, and the clinical role they act in."""
    if letter.case is None:
        raise PolicyError("The patient of this letter has not been found yet.")
    case, roles = _hold(user, letter.case, expected_version)
    if not roles & set(policy.CLINICAL_ROLES):
        raise PolicyError("This needs a clinical role.")
    return case, _main(roles)


def letter_changed(case: Case) -> None:
    """Say that what a person may be looking at is no longer so."""
    Case.objects.filter(pk=case.pk).update(version=F("version") + 1)
    refresh_status([case.pk])


def approve_rule(user: User, organisation: str, rule: str, version: str) -> RuleApproval:
    """Approve this version of a rule for an organisation; its findings become work there."""
    place = scope.organisation_for_approval(user, organisation)
    with transaction.atomic():
        approval, made = RuleApproval.objects.get_or_create(
            organisation=place,
            rule=rule,
            version=version,
            defaults={"by": user, "at": clock.now(), "is_demo": home.current().demo},
        )
        if not made:
            raise ConflictError("This version has been approved already.")
        rows = Finding.objects.filter(
            Q(practice=place) | Q(practice__parent=place), rule=rule, rule_version=version
        )
        cases = list(rows.values_list("case_id", flat=True).distinct())
        rows.update(makes_work=True)
        refresh_status(cases)
        refs = {"rule": rule, "version": version}
        events.append(place.pk, [events.Entry("rule_approved", refs)], user, role=Role.PHARMACIST)
    return approval


# What they share


def _roles(user: User, case: Case) -> frozenset[str]:
    reached = scope.practices(user).filter(cases=case).values_list("pk", flat=True)
    return scope.roles_at(user, list(reached))


def _main(roles: Collection[str]) -> str:
    """The role in which somebody does what asks for none in particular."""
    return next((role for role in policy.CLINICAL_ROLES if role in roles), "")


def _hold(
    user: User,
    case: Case,
    expected_version: int | None,
    asked_about: Iterable[Finding] = (),
) -> tuple[Case, frozenset[str]]:
    """The case, locked, at the version expected and in the user's hands; and the user's roles."""
    case = Case.objects.select_for_update().get(pk=case.pk)
    roles = _roles(user, case)
    _expect(case, expected_version)
    held_by_other = (
        case.claimed_by_id not in (None, user.pk)
        and case.claimed_until is not None
        and case.claimed_until > clock.now()
    )
    asked = list(asked_about)
    fresh = Finding.objects.filter(pk__in=[f.pk for f in asked])
    question = bool(asked) and all(
        (f.work == Finding.Work.HANDED_OVER and f.with_role in roles) or _to_sign(f, roles)
        for f in fresh
    )
    if not (held_by_other and question):
        _take(case, user)
    return case, roles


def _to_sign(finding: Finding, roles: Collection[str]) -> bool:
    """Whether an item waits for the user's signature, whoever holds the case."""
    ready = finding.kind == Finding.Kind.REQUEST_ITEM and finding.work == Finding.Work.DONE
    return ready and Role.PRESCRIBER in roles


def _expect(case: Case, version: int | None) -> None:
    if version is not None and case.version != version:
        raise ConflictError(
            "This case has changed since you opened it. Look at what is new, then do it again."
        )


def _locked(finding: Finding) -> Finding:
    return Finding.objects.select_for_update().get(pk=finding.pk)


def _done_by(finding: Finding) -> str:
    last = finding.decisions.filter(outcome="done").select_related("actor").last()
    who = last.actor.display_name if last is not None and last.actor is not None else "somebody"
    return f"This was finished by {who} already."


def _decide(
    user: User,
    case: Case,
    roles: frozenset[str],
    finding: Finding,
    action: str,
    note: str,
    until: date | None,
    evidence: Mapping[str, Any],
) -> Decision:
    table = policy.load()
    subject = subject_of(finding)
    known, role = policy.check(
        table,
        roles,
        subject,
        action,
        note=note,
        until=until,
        evidence=evidence,
        today=clock.today(),
        protocol=protocol_of(case),
    )
    _check_state(finding, known, roles, bool(evidence.get("in_reply_to")))
    _check_people(user, finding, known)
    _check_blocks(finding, known)
    _check_note(user, finding, known)
    kept = {k: evidence[k] for k in ("found_on", "place", "reason", "in_reply_to") if k in evidence}
    kept["fingerprint"] = finding.fingerprint
    if because := policy.must_hand_over(table, known, role, subject, clock.today()):
        kept["must_hand_over"] = because
    decision = Decision.objects.create(
        finding=finding,
        action=known.name,
        outcome=known.effect,
        until=until if known.effect == "waiting" else None,
        note=note.strip(),
        actor=user,
        role=role,
        at=clock.now(),
        rule_version=finding.rule_version,
        snapshot=finding.snapshot,
        evidence=kept,
    )
    refs = {
        "finding": finding.pk,
        "decision": decision.pk,
        "action": known.name,
        "outcome": known.effect,
        "class": finding.klass,
    }
    _log(case, user, role, "decided", refs)
    return decision


def _check_state(
    finding: Finding, action: policy.Action, roles: Collection[str], answering: bool
) -> None:
    if not finding.makes_work:
        raise PolicyError("This rule is not approved for the practice: it makes no work yet.")
    if (
        finding.work == Finding.Work.DONE
        and action.name not in QUIET
        and not follows(action, finding.decisions.all())
    ):
        raise ConflictError(_done_by(finding))
    elsewhere = finding.work == Finding.Work.HANDED_OVER and finding.with_role not in roles
    if elsewhere and action.effect == "done":
        raise ConflictError(f"This waits for an answer of the {finding.with_role}.")
    if finding.work == Finding.Work.ANSWERED and action.effect == "done" and not answering:
        raise ConflictError("Take up the answer first.")


def follows(action: policy.Action, decisions: Iterable[Decision]) -> bool:
    """Whether an action may follow what finished a finding: signing follows "ready"."""
    done = [d.action for d in decisions if d.outcome in ("done", "todo")]
    return bool(done) and done[-1] in action.after


def note_of(finding: Finding) -> str:
    """What the patient wrote beside the request that an item belongs to; empty where nothing."""
    if finding.kind != Finding.Kind.REQUEST_ITEM or not finding.reasons:
        return ""
    return str(finding.reasons[0].get("request", {}).get("note", ""))


def _check_note(user: User, finding: Finding, action: policy.Action) -> None:
    """The patient's own words first: nobody finishes a request item without having read them."""
    if action.effect != "done" or not note_of(finding):
        return
    if not finding.decisions.filter(action="read_note", actor=user).exists():
        raise PolicyError("Read the patient's note first, and say that you have.")


def _check_people(user: User, finding: Finding, action: policy.Action) -> None:
    first = action.second_person_after
    if not first:
        return
    label = policy.load().actions[first].label
    by = set(finding.decisions.filter(action=first).values_list("actor", flat=True))
    if not by:
        raise PolicyError(f"“{label}” comes first.")
    if by == {user.pk}:
        raise PolicyError("A second person confirms what you proposed.")


def _check_blocks(finding: Finding, action: policy.Action) -> None:
    """Conflicts and unreadable lines first: until then nothing on that letter changes a treatment."""
    if not action.changes_treatment or finding.letter_id is None:
        return
    blocking = [name for name, known in policy.load().classes.items() if known.blocks]
    left = (
        Finding.objects.filter(letter=finding.letter_id, klass__in=blocking)
        .exclude(work=Finding.Work.DONE)
        .exclude(state=Finding.State.CLEAR, work=Finding.Work.TODO)
    )
    if left.exclude(pk=finding.pk).exists():
        raise PolicyError("First settle the lines of this letter that conflict or cannot be read.")


def subject_of(finding: Finding) -> policy.Subject:
    """What the policy needs to know of a finding."""
    return policy.Subject(finding.klass, finding.high_risk, finding.issued_on, finding.urgency)


def protocol_of(case: Case) -> frozenset[str]:
    """What the signed protocols of the case's practices and their PCNs name, all of them alike."""
    named: set[str] | None = None
    for practice in case.practices.select_related("parent"):
        own = set(practice.protocol) | set(practice.parent.protocol if practice.parent else ())
        named = own if named is None else named & own
    return frozenset(named or ())


def _settle(case: Case, findings: Iterable[Finding]) -> None:
    """Derive anew what people have done about these findings, and whether the case is open."""
    letters = set()
    for finding in findings:
        now = work.derive(finding.decisions.all(), finding.handovers.all())
        finding.work, finding.waiting_until = now.state, now.waiting_until
        finding.with_role, finding.must_hand_over = now.with_role, now.must_hand_over
        finding.save(update_fields=["work", "waiting_until", "with_role", "must_hand_over"])
        if finding.letter_id:
            letters.add(finding.letter_id)
    LetterDocument.objects.filter(pk__in=letters, status=LetterDocument.Status.NEW).update(
        status=LetterDocument.Status.IN_PROGRESS
    )
    Case.objects.filter(pk=case.pk).update(version=F("version") + 1)
    refresh_status([case.pk])


def _log(case: Case, user: User, role: str, kind: str, refs: Mapping[str, Any]) -> None:
    """One event in the chain of the practice where the user does it."""
    reached = scope.practices(user).filter(cases=case).order_by("pk").values_list("pk", flat=True)
    place = next(iter(reached), "")
    events.append(place, [events.Entry(kind, {"case": str(case.pk), **refs})], user, role)

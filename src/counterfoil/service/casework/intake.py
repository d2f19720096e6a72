"""The service's own half of the write layer: findings come in, are renewed, and reopen.

Called inside the transaction that publishes a snapshot or takes in a letter. A second run with the
same findings changes nothing but ``last_seen``; identity is (person, rule, subject, episode), so a
finding survives new data, new rule versions, late entries and a change of practice.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from counterfoil.service.casework import clock, events, policy
from counterfoil.service.casework.models import (
    Case,
    Decision,
    Finding,
    LetterDocument,
    RuleApproval,
)
from counterfoil.service.casework.work import REOPENED
from counterfoil.service.organisations.models import Organisation
from counterfoil.service.records.models import PersonIndex


@dataclass(frozen=True)
class Incoming:
    """One finding as it comes in. Dates are calendar dates; ``reasons`` are JSON (design section 9).

    ``recalled``: the rule's source is not confirmed, so that it never makes work by itself.
    """

    person_id: str
    patient_id: str
    kind: str
    rule: str
    rule_version: str
    klass: str
    subject: str
    state: str
    owner: str
    title: str
    summary: str = ""
    since: date | None = None
    until: date | None = None
    due: date | None = None
    urgency: str = "routine"
    cause: str = ""
    reasons: list[dict[str, Any]] = field(default_factory=list)
    fingerprint: str = ""
    high_risk: bool | None = None
    issued_on: date | None = None
    recalled: bool = False
    letter_id: uuid.UUID | None = None

    @property
    def identity(self) -> tuple[str, str, str]:
        """What the finding is about, episodes apart."""
        return self.person_id, self.rule, self.subject


@dataclass(frozen=True)
class Upserted:
    """What an intake did. ``unchanged`` counts findings whose content was the same as before."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    cleared: int = 0
    reopened: int = 0
    entries: tuple[events.Entry, ...] = field(default=(), repr=False, compare=False)
    """What is to be logged. The caller appends it last: whoever holds a chain's head waits for
    nothing else, or two transactions could wait for each other."""


DATE_PASSED = "the date it was waiting for has passed"
FACTS_CHANGED = "the facts it was decided on have changed"

CONTENT = (
    "patient_id",
    "practice_id",
    "rule_version",
    "klass",
    "state",
    "since",
    "until",
    "due",
    "owner",
    "urgency",
    "cause",
    "title",
    "summary",
    "reasons",
    "fingerprint",
    "high_risk",
    "issued_on",
    "makes_work",
)


def finding_id(person_id: str, rule: str, subject: str, episode: int) -> str:
    """The id of a finding: a function of its identity, so that no run can make it twice."""
    text = "|".join((person_id, rule, subject, str(episode)))
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def default_fingerprint(
    state: str, reasons: Iterable[Mapping[str, Any]], extra: object = ""
) -> str:
    """What a decision is about: the state and each clause's truth, not every new row behind them."""
    content = [state, [(r.get("clause", ""), r.get("holds")) for r in reasons], extra]
    return hashlib.sha256(json.dumps(content, default=str).encode()).hexdigest()[:32]


def approved_rules(practice: Organisation) -> set[tuple[str, str]]:
    """Rules and versions approved for a practice, by itself or by its PCN."""
    above = [practice.pk, *([practice.parent_id] if practice.parent_id else [])]
    rows = RuleApproval.objects.filter(organisation__in=above).values_list("rule", "version")
    return set(rows)


def upsert_findings(
    practice: Organisation,
    incoming: Collection[Incoming],
    snapshot: str,
    as_of: date,
    *,
    clears: bool = True,
    kind: str = Finding.Kind.RULE,
) -> Upserted:
    """Bring the findings of a practice up to a snapshot, in the caller's transaction.

    With *clears*, a finding of this *kind* and practice that is not among *incoming* has become
    clear, which ends its episode. Work on a finding whose fingerprint changed, or whose date has
    come, is to do again. The caller logs ``entries`` of the result, last of all.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("findings are written in the transaction that publishes them")
    plan = _Plan(practice, incoming, snapshot, as_of, kind)
    plan.sort_out(clears)
    return plan.write()


class _Plan:
    """One run of :func:`upsert_findings`: first sorted out in memory, then written in bulk."""

    def __init__(
        self,
        practice: Organisation,
        incoming: Collection[Incoming],
        snapshot: str,
        as_of: date,
        kind: str,
    ) -> None:
        self.practice, self.snapshot, self.as_of, self.kind = practice, snapshot, as_of, kind
        self.incoming = {one.identity: one for one in incoming}
        self.approved = approved_rules(practice)
        self.cases = self._lock_cases()
        self.now = clock.now()  # once nobody else can decide: what is written is then in order
        self.latest = self._latest()
        self.new_cases: list[Case] = []
        self.new: list[Finding] = []
        self.changed: list[Finding] = []
        self.unchanged: list[Finding] = []
        self.cleared: list[Finding] = []
        self.reopened: list[tuple[Finding, str]] = []

    def _lock_cases(self) -> dict[str, Case]:
        """The cases concerned, locked: an action locks its case first, so that nobody decides
        between what is read here and what is written."""
        known = Finding.objects.filter(practice=self.practice, kind=self.kind)
        people = set(known.values_list("person_id", flat=True).distinct())
        people |= {one.person_id for one in self.incoming.values()}
        return {case.person_id: case for case in _in_chunks(Case, people, lock=True)}

    def _latest(self) -> dict[tuple[str, str, str], Finding]:
        """The last episode of everything known of this practice or of these persons."""
        rows = list(
            Finding.objects.filter(practice=self.practice, kind=self.kind).order_by("episode")
        )
        known = {row.pk for row in rows}
        people = {o.person_id for o in self.incoming.values()}
        rows += [row for row in _in_chunks(Finding, people, kind=self.kind) if row.pk not in known]
        rows.sort(key=lambda row: row.episode)
        return {(row.person_id, row.rule, row.subject): row for row in rows}

    def sort_out(self, clears: bool) -> None:
        """Decide for every finding, known and incoming, what becomes of it."""
        for identity, one in self.incoming.items():
            before = self.latest.get(identity)
            if before is None or (before.state == Finding.State.CLEAR != one.state):
                if one.state != Finding.State.CLEAR:
                    self._add(one, before.episode + 1 if before else 1)
            elif one.state == Finding.State.CLEAR:
                self._clear(before, one.until)
            else:
                self._renew(before, one)
        if clears:
            for identity, before in self.latest.items():
                if identity not in self.incoming and before.practice_id == self.practice.pk:
                    self._clear(before, self.as_of)

    def _values(self, one: Incoming, due: date | None) -> dict[str, Any]:
        values = {name: getattr(one, name) for name in CONTENT if hasattr(one, name)}
        values["practice_id"] = self.practice.pk
        values["reasons"] = list(one.reasons)
        values["due"] = due
        values["fingerprint"] = one.fingerprint or default_fingerprint(one.state, one.reasons)
        values["makes_work"] = one.kind != Finding.Kind.RULE or (
            not one.recalled and (one.rule, one.rule_version) in self.approved
        )
        return values

    def _add(self, one: Incoming, episode: int) -> None:
        case = self.cases.get(one.person_id)
        if case is None:
            case = self.cases[one.person_id] = Case(person_id=one.person_id)
            self.new_cases.append(case)
        self.new.append(
            Finding(
                id=finding_id(*one.identity, episode),
                case=case,
                person_id=one.person_id,
                kind=one.kind,
                rule=one.rule,
                subject=one.subject,
                episode=episode,
                letter_id=one.letter_id,
                snapshot=self.snapshot,
                first_seen=self.now,
                last_seen=self.now,
                **self._values(one, self._first_due(one)),
            )
        )

    def _renew(self, before: Finding, one: Incoming) -> None:
        values = self._values(one, one.due or before.due)
        same = all(getattr(before, name) == value for name, value in values.items())
        other_facts = before.fingerprint != values["fingerprint"]
        for name, value in values.items():
            setattr(before, name, value)
        before.snapshot, before.last_seen = self.snapshot, self.now
        (self.unchanged if same else self.changed).append(before)
        if other_facts and before.work in (Finding.Work.DONE, Finding.Work.WAITING):
            self._reopen(before, FACTS_CHANGED)
        else:
            self._reopen_if_due(before)

    def _first_due(self, one: Incoming) -> date:
        """The rule's own date, else so many days from first sight as its urgency says."""
        within = policy.load().urgency
        days = within.get(one.urgency, within["routine"])
        return one.due or self.as_of + timedelta(days=days)

    def _reopen_if_due(self, finding: Finding) -> None:
        passed = finding.waiting_until is not None and finding.waiting_until < self.as_of
        if finding.work == Finding.Work.WAITING and passed:
            self._reopen(finding, DATE_PASSED)

    def _reopen(self, finding: Finding, because: str) -> None:
        _to_do_again(finding)
        self.reopened.append((finding, because))

    def _clear(self, before: Finding, until: date | None) -> None:
        if before.state == Finding.State.CLEAR:
            return
        before.state = Finding.State.CLEAR
        before.until = until or self.as_of
        before.snapshot, before.last_seen = self.snapshot, self.now
        self.cleared.append(before)

    def write(self) -> Upserted:
        """Write it all, with its events."""
        Case.objects.bulk_create(self.new_cases, batch_size=400)
        Finding.objects.bulk_create(self.new, batch_size=40)
        renewed = [*self.changed, *self.unchanged, *self.cleared]
        _bulk_renew(renewed)
        Decision.objects.bulk_create(
            [_reopening(finding, why, self.now) for finding, why in self.reopened], batch_size=60
        )
        entries = [
            *(_entry("finding_arrived", f) for f in self.new),
            *(_entry("finding_cleared", f) for f in self.cleared),
            *(_entry("finding_reopened", f) for f, _ in self.reopened),
        ]
        touched = {f.person_id for f in (*self.new, *renewed)}
        place_cases(touched, self.as_of, self.practice)
        return Upserted(
            len(self.new),
            len(self.changed),
            len(self.unchanged),
            len(self.cleared),
            len(self.reopened),
            tuple(entries),
        )


def _entry(kind: str, finding: Finding) -> events.Entry:
    refs = {"finding": finding.pk, "case": str(finding.case_id), "class": finding.klass}
    return events.Entry(kind, refs)


def _reopening(finding: Finding, because: str, now: Any) -> Decision:
    return Decision(
        finding=finding,
        action=REOPENED,
        outcome="todo",
        note=because,
        at=now,
        rule_version=finding.rule_version,
        snapshot=finding.snapshot,
        evidence={"fingerprint": finding.fingerprint},
    )


_RENEWED = (
    *CONTENT,
    "snapshot",
    "last_seen",
    "work",
    "waiting_until",
    "with_role",
    "must_hand_over",
)


def _bulk_renew(rows: Collection[Finding]) -> None:
    """One INSERT .. ON CONFLICT UPDATE a batch: far fewer words than a CASE for every column."""
    if rows:
        Finding.objects.bulk_create(
            list(rows),
            batch_size=25,
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=[
                name.removesuffix("_id") if name == "practice_id" else name for name in _RENEWED
            ],
        )


def lock_cases(people: Collection[str], new: Collection[str]) -> None:
    """Lock the cases of these persons, and make those of *new* that are missing, in one order.

    For whoever writes many cases in a transaction, before the first: two of them, or one and
    somebody at work, then never wait for each other in a circle.
    """
    known = {case.person_id for case in _in_chunks(Case, new)}
    missing = [Case(person_id=person) for person in sorted(set(new) - known)]
    Case.objects.bulk_create(missing, batch_size=400, ignore_conflicts=True)
    _in_chunks(Case, {*people, *new}, lock=True)


def _in_chunks(
    model: Any, people: Collection[str], *, lock: bool = False, **more: Any
) -> list[Any]:
    """Rows of these persons; in chunks, because a statement takes only so many parameters."""
    found: list[Any] = []
    ordered = sorted(people)
    for start in range(0, len(ordered), 500):
        rows = model.objects.filter(person_id__in=ordered[start : start + 500], **more)
        found += rows.select_for_update().order_by("person_id") if lock else rows
    return found


def case_for(person_id: str, practice: Organisation, as_of: date) -> Case:
    """The one case of a person, made where there is none, seen by the right practices."""
    case, _ = Case.objects.get_or_create(person_id=person_id)
    place_cases({person_id}, as_of, practice)
    return case


def place_cases(people: Collection[str], as_of: date, fallback: Organisation | None) -> None:
    """Say which practices see the cases of these persons, and whether each is open.

    The practices where a person is registered on *as_of*; where there is none left, those that saw
    the case last keep it.
    """
    cases = {case.person_id: case for case in _in_chunks(Case, people)}
    registered: dict[str, set[str]] = {}
    for row in _in_chunks(PersonIndex, people):
        if row.registered_to is None or row.registered_to > as_of:
            registered.setdefault(row.person_id, set()).add(row.practice_id)
    through = Case.practices.through
    wanted, gone = [], []
    held: dict[uuid.UUID, set[str]] = {}
    ids = [case.pk for case in cases.values()]
    for start in range(0, len(ids), 500):
        for case_id, code in through.objects.filter(case__in=ids[start : start + 500]).values_list(
            "case_id", "organisation_id"
        ):
            held.setdefault(case_id, set()).add(code)
    for person, case in cases.items():
        now = held.get(case.pk, set())
        want = registered.get(person) or now or ({fallback.pk} if fallback else set())
        wanted += [through(case_id=case.pk, organisation_id=code) for code in want - now]
        gone += [(case.pk, code) for code in now - want]
    for case_id, code in gone:
        through.objects.filter(case=case_id, organisation=code).delete()
    through.objects.bulk_create(wanted, batch_size=400)
    refresh_status(ids)


def refresh_status(case_ids: Collection[uuid.UUID]) -> None:
    """Close cases with nothing left to do, open those with something."""
    left = Finding.objects.filter(case=OuterRef("pk"), makes_work=True).exclude(
        Q(state=Finding.State.CLEAR, work__in=(Finding.Work.TODO, Finding.Work.WAITING))
        | Q(work=Finding.Work.DONE)
    )
    letters = LetterDocument.objects.filter(
        case=OuterRef("pk"),
        status__in=(LetterDocument.Status.NEW, LetterDocument.Status.IN_PROGRESS),
    )
    ids = list(case_ids)
    for start in range(0, len(ids), 500):
        rows = Case.objects.filter(pk__in=ids[start : start + 500])
        busy = Exists(left) | Exists(letters)
        rows.filter(busy).exclude(status=Case.Status.OPEN).update(status=Case.Status.OPEN)
        rows.filter(~busy).exclude(status=Case.Status.CLOSED).update(
            status=Case.Status.CLOSED, claimed_by=None, claimed_until=None
        )


def bring_back(case_id: uuid.UUID | None, because: Mapping[str, str]) -> list[events.Entry]:
    """Findings of one case are to do again, each with its reason; what is to be logged.

    In the caller's transaction, which logs the entries last of all.
    """
    if case_id is None or not because:
        return []
    Case.objects.select_for_update().get(pk=case_id)
    rows = list(Finding.objects.filter(case=case_id, pk__in=because).order_by("pk"))
    now = clock.now()
    for finding in rows:
        _to_do_again(finding)
    _bulk_renew(rows)
    Decision.objects.bulk_create([_reopening(f, because[f.pk], now) for f in rows], batch_size=60)
    refresh_status([case_id])
    return [_entry("finding_reopened", f) for f in rows]


def reopen_due(as_of: date) -> int:
    """Bring back every finding whose date has passed; how many. Run at start and daily."""
    count = 0
    for practice in Organisation.objects.filter(kind=Organisation.Kind.PRACTICE).order_by("pk"):
        with transaction.atomic():
            count += _reopen_due_at(practice, as_of)
    return count


def _reopen_due_at(practice: Organisation, as_of: date) -> int:
    due = Finding.objects.filter(
        practice=practice, work=Finding.Work.WAITING, waiting_until__lt=as_of
    ).exclude(state=Finding.State.CLEAR)
    people = set(due.values_list("person_id", flat=True))
    if not people:
        return 0
    cases = _in_chunks(Case, people, lock=True)
    rows = list(due.all())
    for finding in rows:
        _to_do_again(finding)
    _bulk_renew(rows)
    now = clock.now()
    Decision.objects.bulk_create([_reopening(f, DATE_PASSED, now) for f in rows], batch_size=60)
    refresh_status([case.pk for case in cases])
    events.append(practice.pk, [_entry("finding_reopened", f) for f in rows])
    return len(rows)


def _to_do_again(finding: Finding) -> None:
    finding.work, finding.waiting_until = Finding.Work.TODO, None
    finding.with_role, finding.must_hand_over = "", False

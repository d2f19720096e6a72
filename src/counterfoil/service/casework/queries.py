"""Everything the pages read. Each function takes the user and answers from their organisations only.

A thing outside the user's reach and a thing that does not exist are the same: ``ScopeError``,
which a view turns into 404. Nothing here writes: call ``actions.view_patient`` before showing one
patient, so that reading is attributable. Today's list is in ``worklist.py``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Count, Q
from django.utils import timezone

from counterfoil.foundation import days
from counterfoil.reconciliation import LEFT_ALONE
from counterfoil.records.nhs import normalise
from counterfoil.records.patient import PatientRecord
from counterfoil.service.accounts.models import Role, User
from counterfoil.service.casework import actions, cards, clock, policy, scope
from counterfoil.service.casework.errors import ScopeError
from counterfoil.service.casework.models import (
    Case,
    Finding,
    Handover,
    LetterDocument,
    RuleApproval,
)
from counterfoil.service.casework.shapes import (
    ActionOption,
    CaseView,
    DataAsAt,
    FindingCard,
    FoundPatient,
    HistoryLine,
    LetterLine,
    LetterSummary,
    LetterView,
    PersonLine,
    PracticeCount,
    Question,
    RuleLine,
    SenderQuality,
)
from counterfoil.service.casework.worklist import data_of, today
from counterfoil.service.config import home
from counterfoil.service.records import reading
from counterfoil.service.records.models import PersonIndex

__all__ = [
    "answers",
    "case_view",
    "data_as_at",
    "find_patient",
    "letter_quality",
    "letter_view",
    "letters",
    "original_letter",
    "practices",
    "questions",
    "roles",
    "rules_book",
    "team_counts",
    "today",
]

ANY_ROLE = tuple(Role.values)
OPEN_LETTERS = (
    LetterDocument.Status.NEW,
    LetterDocument.Status.IN_PROGRESS,
    LetterDocument.Status.UNMATCHED,
    LetterDocument.Status.REFUSED,
)
LINE_ORDER = (
    "conflict",
    "unreadable",
    "changed",
    "missing",
    "stopped",
    "new",
    "duplicate",
    "done",
    "same_for_pharmacist",
    "same",
)
"""Of a letter's lines: what blocks the rest first, what is the same last."""


def roles(user: User) -> frozenset[str]:
    """All roles the user holds, wherever: for navigation and greetings, never for permission."""
    return scope.roles_anywhere(user)


def practices(user: User) -> tuple[tuple[str, str], ...]:
    """Code and name of the practices whose patients this user sees, by name."""
    return tuple(scope.practices(user).order_by("name").values_list("pk", "name"))


def case_view(user: User, case_ref: str) -> CaseView:
    """One case with its findings, letters, questions, history and the published record."""
    case = scope.case(user, case_ref)
    when = clock.today()
    person_row = _person_row(user, case)
    held = _roles(user, case)
    rows = list(
        case.findings.exclude(kind=Finding.Kind.LETTER_LINE)
        .exclude(state=Finding.State.CLEAR, work__in=(Finding.Work.TODO, Finding.Work.WAITING))
        .select_related("practice")
    )
    rows.sort(key=lambda f: _finding_order(f, when))
    person = cards.person_line(person_row, when)
    claimed_by, mine = _claim(case, user)
    handovers = case.handovers.select_related("sender", "replied_by", "acknowledged_by")
    return CaseView(
        ref=str(case.pk),
        version=case.version,
        status=case.status,
        person=person,
        claimed_by=claimed_by,
        claimed_until=case.claimed_until if claimed_by else None,
        mine=mine,
        findings=tuple(cards.cards(rows, user, held, actions.protocol_of(case), when)),
        letters=tuple(_summaries(case.letters.select_related("practice"), {case.pk: person}, when)),
        handovers=tuple(cards.handover_line(h, user) for h in handovers),
        history=tuple(_history(case)),
        roles=held,
        data=data_of(person_row.practice, when),
        record=_record(person_row),
    )


def letter_view(user: User, letter_ref: str) -> LetterView:
    """One letter beside the record, with each line's decision."""
    letter = scope.letter(user, letter_ref)
    when = clock.today()
    person: PersonLine | None = None
    lines: list[LetterLine] = []
    claimed_by, mine, version = "", False, 0
    if letter.case is not None:
        person = cards.person_line(_person_row(user, letter.case), when)
        claimed_by, mine = _claim(letter.case, user)
        version = letter.case.version
        lines = _letter_lines(user, letter, letter.case, when)
    rows = list(letter.lines)
    decided = sum(1 for row in rows if row.work != Finding.Work.TODO)
    open_now = letter.status in (LetterDocument.Status.NEW, LetterDocument.Status.IN_PROGRESS)
    left = len(rows) - decided
    because = f"{left} of {len(rows)} lines are still to decide" if left else ""
    return LetterView(
        summary=cards.letter_summary(letter, person, rows, when),
        version=version,
        text=letter.content.get("text", ""),
        unread=tuple(letter.content.get("unread", ())),
        lines=tuple(lines),
        decided=decided,
        total=len(rows),
        finishable=open_now and not left and letter.case is not None,
        to_finish_because=because if open_now else "",
        mine=mine,
        claimed_by=claimed_by,
        as_of=letter.as_of,
        document_name=letter.name,
        finished_at=letter.finished_at,
        from_pictures=letter.content.get("trust") == "ocr",
        corrected=letter.content.get("corrected", {}),
        left_alone=tuple(
            item["text"]
            for line in letter.outcome.get("lines", ())
            if line["subclass"] == LEFT_ALONE
            for item in line["plans"]
        ),
    )


def _letter_lines(user: User, letter: LetterDocument, case: Case, when: date) -> list[LetterLine]:
    rows = list(letter.lines.select_related("practice"))
    rows.sort(key=lambda f: (_line_rank(f.klass), f.subject))
    shown = cards.cards(rows, user, _roles(user, case), actions.protocol_of(case), when)
    outcome = {str(line["id"]): line for line in letter.outcome.get("lines", ())}
    places = {str(line["id"]): line for line in letter.content.get("lines", ())}
    found = []
    for row, card in zip(rows, shown, strict=True):
        line_id = row.subject.split(":", 1)[1]
        line = outcome.get(line_id) or (row.reasons[0] if row.reasons else {})
        found.append(
            LetterLine(
                finding=card,
                line_id=line_id,
                klass=str(line.get("class", row.klass.removeprefix("letter."))),
                subclass=line.get("subclass") or "",
                stated=line.get("stated") or "",
                found=line.get("found") or "",
                letter_lines=tuple(
                    {**places.get(str(one["id"]), {}), **one}
                    for one in line.get("letter_lines", ())
                ),
                plans=tuple(line.get("plans", ())),
                owner=row.owner,
                why=tuple(line.get("why", ())),
                proposal=_text(line.get("proposal")),
            )
        )
    return found


def _line_rank(klass: str) -> int:
    name = klass.removeprefix("letter.")
    return LINE_ORDER.index(name) if name in LINE_ORDER else 0


def letters(user: User) -> tuple[LetterSummary, ...]:
    """Letters that are not finished, by due date; unmatched and refused ones among them."""
    rows = list(
        scope.letters(user)
        .filter(status__in=OPEN_LETTERS)
        .select_related("practice", "case")
        .order_by("due_on", "pk")
    )
    when = clock.today()
    people = people_of(user, [row.case for row in rows if row.case is not None], when)
    return tuple(_summaries(rows, people, when))


def letter_quality(user: User, since: date) -> tuple[SenderQuality, ...]:
    """What letters received since a day state, by sender and ward, by name: counts, no patients.

    For anybody with a role at the practices. Each sender has a row with an empty ward, for all its
    letters, and where it has several wards one for each after it.
    """
    start = timezone.make_aware(datetime.combine(since, time()))
    rows = (
        LetterDocument.objects.filter(
            practice__in=scope.practices(user, ANY_ROLE), received_at__gte=start
        )
        .order_by("-sender", "-ward")
        .values_list("sender", "ward", "content__quality")
    )
    sums: dict[tuple[str, str], tuple[int, dict[str, tuple[int, int]]]] = {}
    wards: dict[str, set[str]] = defaultdict(set)
    spelt: dict[str, str] = {}
    for sender, ward, stated in rows:
        if not stated:
            continue
        sender, ward = (_one_spelling(text, spelt) for text in (sender, ward))
        wards[sender].add(ward)
        for key in {(sender, ""), (sender, ward)}:
            count, criteria = sums.setdefault(key, (0, {}))
            for one in stated:
                met, of = criteria.get(one["name"], (0, 0))
                criteria[one["name"]] = (met + one["met"], of + one["of"])
            sums[key] = (count + 1, criteria)
    return tuple(
        SenderQuality(sender, ward, count, criteria)
        for (sender, ward), (count, criteria) in sorted(sums.items())
        if not ward or len(wards[sender]) > 1
    )


def _one_spelling(text: str, spelt: dict[str, str]) -> str:
    """*text* as it was first spelt: one hospital writes its name in capitals and not."""
    words = " ".join(text.split())
    return spelt.setdefault(words.casefold(), words)


def questions(user: User) -> tuple[Question, ...]:
    """Hand-overs that wait for an answer of one of this user's roles; same-day, then oldest first."""
    mine = scope.roles_anywhere(user) & set(policy.CLINICAL_ROLES)
    rows = scope.handovers(user).filter(status=Handover.Status.SENT, to_role__in=mine)
    found = [q for q in _questions(user, rows) if q.handover.to_role in _roles_of(user, q)]
    found.sort(key=lambda q: (all(f.urgency != "same_day" for f in q.findings), q.handover.sent_at))
    return tuple(found)


def answers(user: User) -> tuple[Question, ...]:
    """Hand-overs this user sent whose answers wait to be taken up."""
    rows = scope.handovers(user).filter(status=Handover.Status.ANSWERED, sender=user)
    return tuple(_questions(user, rows))


def _roles_of(user: User, question: Question) -> frozenset[str]:
    return scope.roles_at(user, [question.practice_code])


def _questions(user: User, rows: Any) -> Iterable[Question]:
    when = clock.today()
    handovers = list(
        rows.select_related("case", "sender", "replied_by", "acknowledged_by")
        .prefetch_related("findings__practice")
        .order_by("sent_at", "pk")
    )
    people = people_of(user, [row.case for row in handovers], when)
    for row in handovers:
        case, person = row.case, people[row.case_id]
        findings = list(row.findings.all())
        shown = cards.cards(findings, user, _roles(user, case), actions.protocol_of(case), when)
        letters_of = {f.letter_id for f in findings if f.letter_id}
        yield Question(
            handover=cards.handover_line(row, user),
            case_ref=str(case.pk),
            case_version=case.version,
            person=person,
            practice_code=person.practice_code,
            practice_name=person.practice_name,
            findings=tuple(shown),
            decisions=tuple(_common(shown)),
            letter_ref=str(letters_of.pop()) if len(letters_of) == 1 else None,
        )


def _common(shown: Collection[FindingCard]) -> Iterable[ActionOption]:
    """What may be done to all of them at once and is a decision, not a note."""
    first, *others = shown
    for option in first.actions:
        if option.effect == "done" and all(option in other.actions for other in others):
            yield option


def find_patient(user: User, nhs_number: str) -> tuple[FoundPatient, ...]:
    """Patients of the user's practices with this NHS number (spaces allowed); empty if none."""
    number = normalise(nhs_number)
    if not number:
        return ()
    rows = list(scope.people(user).filter(nhs_number=number).select_related("practice"))
    people = {row.person_id for row in rows}
    seen = dict(scope.cases(user).filter(person_id__in=people).values_list("person_id", "pk"))
    when = clock.today()
    return tuple(
        FoundPatient(
            case_ref=str(seen[row.person_id]) if row.person_id in seen else None,
            person=cards.person_line(row, when),
        )
        for row in rows
    )


def team_counts(user: User) -> tuple[PracticeCount, ...]:
    """Counts a practice, for the PCN lead; anybody with a role there may see them."""
    when = clock.today()
    found = []
    for practice in scope.practices(user, ANY_ROLE).order_by("name"):
        rows = Finding.objects.filter(practice=practice, makes_work=True)
        live = rows.filter(state__in=(Finding.State.OPEN, Finding.State.CANNOT_TELL))
        counts = dict(live.values_list("work").annotate(n=Count("pk")).values_list("work", "n"))
        todo = live.filter(
            Q(work=Finding.Work.TODO)
            | Q(work=Finding.Work.WAITING, waiting_until__lt=when)
            | Q(work=Finding.Work.WAITING, must_hand_over=True)
        )
        todo_count = todo.count()
        moved = todo_count - counts.get(Finding.Work.TODO, 0)
        open_letters = practice.letters.filter(status__in=OPEN_LETTERS)
        since = clock.now() - timedelta(days=7)
        found.append(
            PracticeCount(
                practice_code=practice.pk,
                practice_name=practice.name,
                todo=todo_count,
                handed_over=counts.get(Finding.Work.HANDED_OVER, 0),
                answered=counts.get(Finding.Work.ANSWERED, 0),
                waiting=counts.get(Finding.Work.WAITING, 0) - moved,
                overdue=todo.filter(due__lt=when).count(),
                done_last_7_days=rows.filter(
                    decisions__outcome="done", decisions__at__gte=since, work=Finding.Work.DONE
                )
                .distinct()
                .count(),
                letters_open=open_letters.count(),
                letters_late=open_letters.filter(due_on__lt=when).count(),
                data=data_of(practice, when),
            )
        )
    return tuple(found)


def rules_book(user: User) -> tuple[RuleLine, ...]:
    """The rules that found something in the user's practices, and their approvals.

    ``organisations`` are the codes at which this user could approve the rule: those of the user's
    own memberships as a pharmacist.
    """
    practices = list(scope.practices(user, ANY_ROLE))
    codes = {p.pk for p in practices}
    above = codes | {p.parent_id for p in practices if p.parent_id}
    counts: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for rule, version, state, n in (
        Finding.objects.filter(practice__in=codes, kind=Finding.Kind.RULE)
        .values_list("rule", "rule_version", "state")
        .annotate(n=Count("pk"))
    ):
        counts[rule, version][state] += n
    approvals = {
        (row.rule, row.version): row
        for row in RuleApproval.objects.filter(organisation__in=above).select_related("by")
    }
    may = tuple(
        user.memberships.filter(role=Role.PHARMACIST).values_list("organisation_id", flat=True)
    )
    found = []
    for rule, version in sorted({*counts, *approvals}):
        approval = approvals.get((rule, version))
        states = counts[rule, version]
        found.append(
            RuleLine(
                rule=rule,
                version=version,
                title=rule,
                approved_by=approval.by.display_name if approval else "",
                approved_at=approval.at if approval else None,
                approved_is_demo=bool(approval and approval.is_demo),
                open=states.get(Finding.State.OPEN, 0),
                near=states.get(Finding.State.NEAR, 0),
                cannot_tell=states.get(Finding.State.CANNOT_TELL, 0),
                organisations=() if approval else may,
            )
        )
    return tuple(found)


def data_as_at(user: User) -> tuple[DataAsAt, ...]:
    """How fresh each of the user's practices is."""
    when = clock.today()
    return tuple(data_of(p, when) for p in scope.practices(user, ANY_ROLE).order_by("name"))


def original_letter(user: User, letter_ref: str) -> tuple[bytes, str, str]:
    """The letter's own bytes, its media type and its file name."""
    letter = scope.letter(user, letter_ref)
    path = home.current().documents / letter.sha256
    return path.read_bytes(), letter.media_type, letter.name


# What they share


def people_of(user: User, cases: Collection[Case], when: date) -> dict[Any, PersonLine]:
    """Case id -> the person as the user's own practices know them."""
    by_person = _person_rows(user, {case.person_id for case in cases})
    return {
        case.pk: cards.person_line(by_person[case.person_id], when)
        for case in cases
        if case.person_id in by_person
    }


def _person_rows(user: User, people: Collection[str]) -> dict[str, PersonIndex]:
    """One row a person: where they are registered now before where they were."""
    best: dict[str, PersonIndex] = {}
    rows = scope.people(user).filter(person_id__in=list(people)).select_related("practice")
    for row in rows.order_by("person_id", "registered_from", "pk"):
        kept = best.get(row.person_id)
        if kept is None or row.registered_to is None or kept.registered_to is not None:
            best[row.person_id] = row
    return best


def _person_row(user: User, case: Case) -> PersonIndex:
    rows = _person_rows(user, [case.person_id])
    if case.person_id not in rows:
        raise ScopeError("This patient is not in the published record of your practices.")
    return rows[case.person_id]


def _roles(user: User, case: Case) -> frozenset[str]:
    reached = scope.practices(user).filter(cases=case).values_list("pk", flat=True)
    return scope.roles_at(user, list(reached))


def _claim(case: Case, user: User) -> tuple[str, bool]:
    """Who holds the case (empty: nobody) and whether that is the user."""
    held = case.claimed_until is not None and case.claimed_until > clock.now()
    if not held or case.claimed_by is None:
        return "", False
    return case.claimed_by.display_name, case.claimed_by_id == user.pk


def _finding_order(row: Finding, when: date) -> tuple[Any, ...]:
    work = cards.effective_work(row, when)
    states = (Finding.State.OPEN, Finding.State.CANNOT_TELL, Finding.State.NEAR)
    return (
        work == Finding.Work.DONE,
        row.urgency != "same_day",
        states.index(row.state) if row.state in states else 3,
        row.due or date.max,
        row.pk,
    )


def _summaries(
    rows: Iterable[LetterDocument], people: dict[Any, PersonLine], when: date
) -> Iterable[LetterSummary]:
    letters_ = list(rows)
    lines: dict[Any, list[Finding]] = defaultdict(list)
    known = Finding.objects.filter(letter__in=[row.pk for row in letters_])
    for line in known.exclude(state=Finding.State.CLEAR, work=Finding.Work.TODO):
        lines[line.letter_id].append(line)
    for row in letters_:
        yield cards.letter_summary(row, people.get(row.case_id), lines[row.pk], when)


def _record(row: PersonIndex) -> PatientRecord | None:
    """The patient's record in the published snapshot, read under a lease."""
    with reading.leased(row.practice_id) as snapshot:
        if snapshot is None:
            return None
        try:
            return reading.store().patient(snapshot.snapshot_id, row.patient_id)
        except KeyError:
            return None


def _history(case: Case) -> list[HistoryLine]:
    """Decisions, questions and answers, letters, oldest first."""
    found = []
    for finding in case.findings.prefetch_related("decisions__actor"):
        for row in finding.decisions.all():
            line = cards.decision_line(row)
            until = f", until {days.words(line.until)}" if line.until else ""
            note = f": {line.note}" if line.note else ""
            found.append(
                HistoryLine(row.at, line.who, f"{finding.title}: {line.label}{until}{note}")
            )
    for handover in case.handovers.select_related("sender", "replied_by", "acknowledged_by"):
        sender = handover.sender.display_name
        found.append(
            HistoryLine(
                handover.sent_at, sender, f"Asked the {handover.to_role}: {handover.question}"
            )
        )
        if handover.replied_at and handover.replied_by:
            who = handover.replied_by.display_name
            found.append(HistoryLine(handover.replied_at, who, f"Answered: {handover.reply}"))
        if handover.acknowledged_at and handover.acknowledged_by:
            who = handover.acknowledged_by.display_name
            found.append(HistoryLine(handover.acknowledged_at, who, "Took up the answer"))
    for letter in case.letters.all():
        text = f"Letter received{' from ' + letter.sender if letter.sender else ''}"
        found.append(HistoryLine(letter.received_at, "Counterfoil", text))
        if letter.finished_at and letter.finished_by:
            who = letter.finished_by.display_name
            found.append(HistoryLine(letter.finished_at, who, "Finished the letter"))
    found.sort(key=lambda line: line.at)
    return found


def _text(value: object) -> str:
    return value if isinstance(value, str) else (str(value) if value else "")

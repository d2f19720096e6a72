"""Today: one list of cases, same-day first, then by due date, never by a score.

A *piece* of work is a finding of a rule, an open letter, or what a letter left with somebody; a
line of the list is a case with its strongest piece in the view asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, cast

from counterfoil.documents import Setting
from counterfoil.reconciliation import frame
from counterfoil.service.accounts.models import Role, User
from counterfoil.service.casework import cards, clock, policy, scope
from counterfoil.service.casework.models import Case, Finding, LetterDocument
from counterfoil.service.casework.shapes import (
    CaseLine,
    Choice,
    Counts,
    DataAsAt,
    Filters,
    PersonLine,
    Today,
)
from counterfoil.service.organisations.models import Organisation
from counterfoil.service.records.models import Snapshot

Work, State = Finding.Work, Finding.State
OPEN_STATUS = (LetterDocument.Status.NEW, LetterDocument.Status.IN_PROGRESS)


@dataclass(frozen=True)
class Piece:
    """One piece of work of a case."""

    case_id: Any
    practice: str
    kind: str
    what: str
    why: str
    urgency: str
    due: date | None
    state: str
    work: str
    owner: str
    with_role: str
    waiting_until: date | None
    letter_id: Any = None
    person_id: str = ""

    @property
    def order(self) -> tuple[Any, ...]:
        """Same-day, then due date, then the older question; ties are ordered fully."""
        states = (State.OPEN, State.CANNOT_TELL, State.NEAR)
        return (
            self.urgency != "same_day",
            self.due or date.max,
            states.index(self.state) if self.state in states else 3,
            str(self.case_id or self.letter_id),
            self.what,
        )


def today(user: User, filters: Filters = Filters()) -> Today:  # noqa: B008
    """The one list of work of this user's practices."""
    when = clock.today()
    practices = list(scope.practices(user).order_by("name"))
    names = {practice.pk: practice.name for practice in practices}
    held = {
        row.pk: row
        for row in scope.cases(user)
        .filter(claimed_until__gt=clock.now())
        .select_related("claimed_by")
    }
    place = _Places(user, set(names))
    pieces = [*_finding_pieces(user, place, when), *_letter_pieces(user, place, when)]
    mine = {pk for pk, row in held.items() if row.claimed_by_id == user.pk}
    in_view = _views(mine, when)
    counts = {view: _cases_of(filter(test, pieces)) for view, test in in_view.items()}
    view = in_view.get(filters.view, in_view["team"])
    shown = [piece for piece in pieces if view(piece)]
    kept = [piece for piece in shown if _passes(piece, filters, when)]
    strongest = _strongest(kept)
    start = (max(filters.page, 1) - 1) * filters.page_size
    page = strongest[start : start + filters.page_size]
    return Today(
        lines=tuple(_lines(page, pieces, held, names, user, when)),
        total=len(strongest),
        pages=max(1, -(-len(strongest) // filters.page_size)),
        counts=Counts(**{k: n for k, n in counts.items() if k in Counts.__annotations__}),
        filters=filters,
        practices=_choices(shown, lambda p: p.practice, names),
        kinds=_choices(shown, lambda p: p.kind, _kind_titles()),
        owners=_choices(shown, lambda p: p.owner, dict(Role.choices)),
        data=tuple(data_of(practice, when) for practice in practices),
        today=when,
        empty_because="" if strongest else _why_empty(user, practices, shown, filters),
    )


class _Places:
    """Which of the user's practices a case is shown under: where its person is registered."""

    def __init__(self, user: User, mine: set[str]) -> None:
        self.user, self.mine = user, mine
        self._moved: dict[Any, str] | None = None

    def of(self, case_id: Any, practice: str) -> str:
        """*practice* where that is the user's; else, for who moved, the one that is."""
        if practice in self.mine or case_id is None:
            return practice
        if self._moved is None:
            rows = Case.practices.through.objects.filter(organisation__in=self.mine)
            pairs = rows.order_by("-organisation").values_list("case_id", "organisation_id")
            self._moved = dict(pairs)
        return self._moved.get(case_id, "")


FINDING_FIELDS = (
    "case_id",
    "practice_id",
    "klass",
    "title",
    "summary",
    "urgency",
    "due",
    "state",
    "work",
    "owner",
    "with_role",
    "waiting_until",
    "must_hand_over",
    "person_id",
    "letter_id",
    "letter__due_on",
    "letter__status",
    "letter__content__setting",
)


def _finding_pieces(user: User, place: _Places, when: date) -> Iterable[Piece]:
    """Findings of rules one by one; what a letter left with somebody, by letter and state."""
    rows = (
        scope.findings(user)
        .filter(makes_work=True, case__status=Case.Status.OPEN)
        .exclude(work=Work.DONE)
        .exclude(state=State.CLEAR, work__in=(Work.TODO, Work.WAITING))
        .values(*FINDING_FIELDS)
    )
    letters: dict[tuple[Any, str], list[dict[str, Any]]] = defaultdict(list)
    for row in rows.iterator(chunk_size=2000):
        work = _effective(row, when)
        if row["letter_id"] is not None:
            if work != Work.TODO or row["letter__status"] not in OPEN_STATUS:
                letters[row["letter_id"], work].append(row)
            continue
        yield Piece(
            case_id=row["case_id"],
            practice=place.of(row["case_id"], row["practice_id"]),
            kind=row["klass"].split(".", 1)[0],
            what=row["title"],
            why=_also(row) + row["summary"],
            urgency=row["urgency"],
            due=row["waiting_until"] if work == Work.WAITING else row["due"],
            state=row["state"],
            work=work,
            owner=row["owner"],
            with_role=row["with_role"],
            waiting_until=row["waiting_until"],
            person_id=row["person_id"],
        )
    for (letter_id, work), lines in letters.items():
        first = lines[0]
        waits = [row["waiting_until"] for row in lines if row["waiting_until"]]
        yield Piece(
            case_id=first["case_id"],
            practice=place.of(first["case_id"], first["practice_id"]),
            kind="letter",
            what=f"{_title(first['letter__content__setting'])}, "
            f"{_count(len(lines), 'line')} {Work(work).label}",
            why=", ".join(sorted({row["title"] for row in lines})[:2]),
            urgency=min((row["urgency"] for row in lines), key=lambda u: u != "same_day"),
            due=min(waits) if work == Work.WAITING and waits else first["letter__due_on"],
            state=State.OPEN,
            work=work,
            owner=first["owner"],
            with_role=first["with_role"],
            waiting_until=min(waits) if waits else None,
            letter_id=letter_id,
            person_id=first["person_id"],
        )


def _effective(row: dict[str, Any], when: date) -> str:
    if row["work"] != Work.WAITING:
        return str(row["work"])
    passed = row["waiting_until"] is not None and row["waiting_until"] < when
    return Work.TODO if passed or row["must_hand_over"] else Work.WAITING


def _also(row: dict[str, Any]) -> str:
    return "must also be handed over; " if row["must_hand_over"] else ""


def _letter_pieces(user: User, place: _Places, when: date) -> Iterable[Piece]:
    """Open letters, and those whose patient was not found or that were refused."""
    rows = list(
        scope.letters(user)
        .filter(status__in=(*OPEN_STATUS, "unmatched", "refused"))
        .order_by("due_on", "pk")
        .defer("content", "outcome")
    )
    lines: dict[Any, list[tuple[str, str]]] = defaultdict(list)
    known = Finding.objects.filter(letter__in=[row.pk for row in rows])
    for letter_id, klass, work in known.exclude(state=State.CLEAR, work=Work.TODO).values_list(
        "letter_id", "klass", "work"
    ):
        lines[letter_id].append((klass, work))
    for row in rows:
        yield Piece(
            case_id=row.case_id,
            practice=place.of(row.case_id, row.practice_id),
            kind="letter",
            what=_letter_title(row, lines[row.pk]),
            why=_letter_why(row, lines[row.pk], when),
            urgency="routine",
            due=row.due_on,
            state=State.OPEN,
            work=Work.TODO,
            owner=Role.TECHNICIAN,
            with_role="",
            waiting_until=None,
            letter_id=row.pk,
            person_id=row.person_id,
        )


def _title(setting: str | None) -> str:
    """What a letter of this change of setting is called; one that says none is a discharge's."""
    return str(frame(cast(Setting, setting or "discharge"))["title"])


def _letter_title(row: LetterDocument, lines: list[tuple[str, str]]) -> str:
    title = _title(row.content.get("setting"))
    if row.status == LetterDocument.Status.UNMATCHED:
        return f"{title}: patient not found"
    if row.status == LetterDocument.Status.REFUSED:
        return f"{title} that could not be used"
    return f"{title}, {_count(len(lines), 'line')}"


def _letter_why(row: LetterDocument, lines: list[tuple[str, str]], when: date) -> str:
    age = (when - days_of(row)).days
    parts = ["received today" if age <= 0 else f"received {_count(age, 'day')} ago"]
    if row.reason:
        parts.append(row.reason)
    conflicts = sum(1 for klass, _ in lines if klass == "letter.conflict")
    unread = sum(1 for klass, _ in lines if klass == "letter.unreadable")
    left = sum(1 for _, work in lines if work == Work.TODO)
    if conflicts:
        parts.append(f"{_count(conflicts, 'line')} in conflict")
    if unread:
        parts.append(f"{_count(unread, 'line')} unreadable")
    if lines:
        parts.append("ready to finish" if not left else f"{left} to decide")
    return "; ".join(parts)


def days_of(row: LetterDocument) -> date:
    """The day a letter was received, in the practices' zone."""
    return row.due_on - timedelta(days=7)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _views(mine: set[Any], when: date) -> dict[str, Callable[[Piece], bool]]:
    """Each view of the list as a test of a piece."""

    def live(piece: Piece) -> bool:
        return piece.state in (State.OPEN, State.CANNOT_TELL)

    def to_do(piece: Piece) -> bool:
        return piece.work in (Work.TODO, Work.ANSWERED) and (live(piece) or piece.work != Work.TODO)

    return {
        "team": to_do,
        "mine": lambda p: p.case_id in mine and p.work != Work.DONE and p.state != State.NEAR,
        "handed_over": lambda p: p.work == Work.HANDED_OVER,
        "answered": lambda p: p.work == Work.ANSWERED,
        "waiting": lambda p: p.work == Work.WAITING and p.state != State.CLEAR,
        "overdue": lambda p: to_do(p) and p.due is not None and p.due < when,
        "near": lambda p: p.state == State.NEAR and p.work == Work.TODO,
    }


def _passes(piece: Piece, filters: Filters, when: date) -> bool:
    if filters.practice and piece.practice != filters.practice:
        return False
    if filters.kind and piece.kind != filters.kind:
        return False
    if filters.owner and piece.owner != filters.owner:
        return False
    due = piece.due
    if filters.due == "overdue":
        return due is not None and due < when
    if filters.due == "today":
        return due is not None and due <= when
    if filters.due == "week":
        return due is not None and due <= when + timedelta(days=7)
    if filters.due == "none":
        return due is None
    return True


def _key(piece: Piece) -> Any:
    return piece.case_id or piece.letter_id


def _cases_of(pieces: Iterable[Piece]) -> int:
    return len({_key(piece) for piece in pieces})


def _strongest(kept: list[Piece]) -> list[Piece]:
    """One piece a case: the first in the order of the list."""
    found: dict[Any, Piece] = {}
    for piece in sorted(kept, key=lambda p: p.order):
        found.setdefault(_key(piece), piece)
    return list(found.values())


def _lines(
    page: list[Piece],
    pieces: list[Piece],
    held: dict[Any, Case],
    names: dict[str, str],
    user: User,
    when: date,
) -> Iterable[CaseLine]:
    """The lines of one page: other pieces counted whatever the filters, persons looked up."""
    keys = {_key(piece) for piece in page}
    pieces_of: dict[Any, int] = defaultdict(int)
    for piece in pieces:
        if _key(piece) in keys:
            pieces_of[_key(piece)] += 1
    people = _people(user, {piece.person_id for piece in page if piece.person_id}, when)
    for piece in page:
        case = held.get(piece.case_id)
        mine = case is not None and case.claimed_by_id == user.pk
        with_whom = piece.with_role
        if not with_whom and case is not None and case.claimed_by is not None:
            with_whom = "me" if mine else case.claimed_by.display_name
        yield CaseLine(
            case_ref=str(piece.case_id) if piece.case_id else None,
            letter_ref=str(piece.letter_id) if piece.letter_id else None,
            person=people.get(piece.person_id),
            practice_code=piece.practice,
            practice_name=names.get(piece.practice, ""),
            kind=piece.kind,
            what=piece.what,
            why=piece.why,
            urgency=piece.urgency,
            due=piece.due,
            days_left=cards.days_left(piece.due, when),
            state=piece.state,
            work=piece.work,
            with_whom=with_whom,
            mine=mine,
            others=pieces_of[_key(piece)] - 1,
            owner=piece.owner,
        )


def _people(user: User, people: set[str], when: date) -> dict[str, PersonLine]:
    known: dict[str, PersonLine] = {}
    rows = scope.people(user).filter(person_id__in=people).select_related("practice")
    for row in rows.order_by("person_id", "registered_from", "pk"):
        if row.person_id not in known or row.registered_to is None:
            known[row.person_id] = cards.person_line(row, when)
    return known


def _kind_titles() -> dict[str, str]:
    titles = {name: known.title for name, known in policy.load().classes.items() if "." not in name}
    return {**titles, "letter": "Letters", "request": "Requests"}


def _choices(
    pieces: list[Piece], key: Callable[[Piece], str], labels: dict[str, str]
) -> tuple[Choice, ...]:
    found: dict[str, set[Any]] = defaultdict(set)
    for piece in pieces:
        found[key(piece)].add(_key(piece))
    return tuple(
        Choice(value, labels.get(value, value), len(cases))
        for value, cases in sorted(found.items(), key=lambda kv: labels.get(kv[0], kv[0]))
    )


def _why_empty(
    user: User, practices: list[Organisation], shown: list[Piece], filters: Filters
) -> str:
    """A list that is empty says why; "no work" is only said of published and approved data."""
    if not practices:
        return "You have no clinical role in a practice, so no patients are listed for you."
    if shown:
        return "Nothing matches the filters. Take one off to see more."
    because = []
    published = set(scope.snapshots(user).values_list("practice_id", flat=True))
    missing = [practice.name for practice in practices if practice.pk not in published]
    if missing:
        because.append(f"No record has been loaded for {' or '.join(missing)} yet.")
    waiting = scope.findings(user).filter(makes_work=False).exclude(state=State.CLEAR)
    if filters.view == "team" and waiting.exists():
        because.append(
            "Rules have found something, but none of them is approved for your practices yet."
        )
    if because:
        return " ".join(because)
    return "Nothing is in this list. It covers what the loaded records and approved rules show."


def data_of(practice: Organisation, when: date) -> DataAsAt:
    """How fresh a practice's published record is."""
    row = Snapshot.objects.filter(practice=practice, published=True).first()
    at = row.data_as_at if row else None
    old = (when - at.date()).days if at else None
    return DataAsAt(practice.pk, practice.name, at, old)

"""What queries return: plain, typed, frozen values that presenters turn into page components.

Nothing here is a model; nothing here can be written. Every ``ref`` is an opaque id fit for a URL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True)
class Filters:
    """What Today was asked for. ``None`` means not filtered.

    ``view``: ``team`` (to do and answered), ``mine`` (cases claimed by me), ``handed_over``,
    ``answered``, ``waiting``, ``overdue``, ``near`` (coming due), ``done``. ``kind``: a class of
    the role policy up to its first dot (``monitoring``, ``letter`` ...). ``owner``: a role.
    ``due``: ``overdue``, ``today``, ``week`` or ``none``. ``practice``: an ODS code. ``page``
    counts from 1.
    """

    view: str = "team"
    practice: str | None = None
    kind: str | None = None
    owner: str | None = None
    due: str | None = None
    page: int = 1
    page_size: int = 50


@dataclass(frozen=True)
class PersonLine:
    """A patient as a list names them."""

    given_name: str
    family_name: str
    birth_date: date | None
    age: int | None
    sex: str
    nhs_number: str
    practice_code: str
    practice_name: str
    death_date: date | None = None
    registered_to: date | None = None

    @property
    def name(self) -> str:
        """``EXAMPLE, Ann``"""
        return f"{self.family_name.upper()}, {self.given_name}".strip(", ")


@dataclass(frozen=True)
class CaseLine:
    """One line of Today: a case with its strongest piece of work.

    ``case_ref`` is ``None`` for a letter whose patient was not found; then ``letter_ref`` is set
    and ``person`` is ``None``. ``letter_ref`` is also set where the strongest work is a letter:
    the line then opens the letter. ``others`` counts further pieces of work in the case.
    """

    case_ref: str | None
    letter_ref: str | None
    person: PersonLine | None
    practice_code: str
    practice_name: str
    kind: str
    what: str
    why: str
    urgency: str
    due: date | None
    days_left: int | None
    state: str
    work: str
    with_whom: str
    mine: bool
    others: int
    owner: str


@dataclass(frozen=True)
class Counts:
    """Cases (and unmatched letters) in each view, whatever the other filters."""

    mine: int
    team: int
    handed_over: int
    answered: int
    waiting: int
    overdue: int
    near: int


@dataclass(frozen=True)
class DataAsAt:
    """How fresh one practice's published record is; ``at`` is ``None`` where none is published."""

    practice_code: str
    practice_name: str
    at: datetime | None
    days_old: int | None


@dataclass(frozen=True)
class Choice:
    """One value of a filter, with the number of cases it would leave."""

    value: str
    label: str
    count: int


@dataclass(frozen=True)
class Today:
    """The one list of work. ``empty_because`` is a sentence when ``lines`` is empty."""

    lines: tuple[CaseLine, ...]
    total: int
    pages: int
    counts: Counts
    filters: Filters
    practices: tuple[Choice, ...]
    kinds: tuple[Choice, ...]
    owners: tuple[Choice, ...]
    data: tuple[DataAsAt, ...]
    today: date
    empty_because: str = ""


@dataclass(frozen=True)
class ActionOption:
    """Something this user may do to a finding: the name goes to ``actions.decide``.

    ``effect`` is ``done``, ``waiting`` or ``none``; ``needs`` lists what the form must ask for:
    ``note``, ``until`` (a date ahead), ``found_on`` (a date past), ``place``, ``reason`` (one of
    ``reasons``). Hand-overs are separate: see ``FindingCard.hand_over_to``.
    """

    name: str
    label: str
    effect: str
    needs: tuple[str, ...] = ()
    reasons: tuple[tuple[str, str], ...] = ()
    hint: str = ""

    @property
    def finishes(self) -> bool:
        """Whether nothing is left to do after it."""
        return self.effect == "done"


@dataclass(frozen=True)
class HandoverTarget:
    """A role this finding may be handed to, with the words of the button."""

    role: str
    label: str


@dataclass(frozen=True)
class DecisionLine:
    """One entry of what was done, newest last."""

    at: datetime
    who: str
    role: str
    action: str
    label: str
    note: str
    until: date | None
    evidence: dict[str, Any]
    rule_version: str


@dataclass(frozen=True)
class HandoverLine:
    """A question and, once there, its answer."""

    ref: str
    sender: str
    to_role: str
    question: str
    sent_at: datetime
    status: str
    reply: str
    instruction: str
    decision_label: str
    replied_by: str
    replied_at: datetime | None
    acknowledged_by: str
    acknowledged_at: datetime | None
    mine: bool


@dataclass(frozen=True)
class FindingCard:
    """One finding with its reasons, what was done, and what this user may do now.

    ``reasons`` are the engine's, as design section 9. ``verification`` is ``""``, ``verified``
    (the record now shows it), ``outstanding`` (does not yet), ``conflict`` or ``cannot_tell``;
    ``verification_text`` says it in words.
    ``blocked`` says in words why nothing may be done here, where that is so.
    """

    ref: str
    kind: str
    klass: str
    rule: str
    rule_version: str
    approved_by: str
    title: str
    summary: str
    state: str
    cause: str
    since: date | None
    until: date | None
    due: date | None
    days_left: int | None
    owner: str
    urgency: str
    reasons: tuple[dict[str, Any], ...]
    work: str
    waiting_until: date | None
    with_role: str
    must_hand_over: bool
    high_risk: bool | None
    issued_on: date | None
    verification: str
    makes_work: bool
    subject: str
    actions: tuple[ActionOption, ...]
    hand_over_to: tuple[HandoverTarget, ...]
    blocked: str
    decisions: tuple[DecisionLine, ...]
    handovers: tuple[HandoverLine, ...]
    verification_text: str = ""


@dataclass(frozen=True)
class LetterSummary:
    """A letter in a list or on a case."""

    ref: str
    case_ref: str | None
    person: PersonLine | None
    practice_code: str
    practice_name: str
    sender: str
    ward: str
    discharged_on: date | None
    received_at: datetime
    due_on: date
    days_left: int
    status: str
    reason: str
    lines: int
    decided: int
    by_class: dict[str, int]
    setting: str = "discharge"
    """The change of setting it is about: a key of the reconciliation's frames."""


@dataclass(frozen=True)
class SenderQuality:
    """What the letters of one sender (and ward; empty: all its wards) state: criterion to met, of."""

    sender: str
    ward: str
    letters: int
    criteria: dict[str, tuple[int, int]]


@dataclass(frozen=True)
class HistoryLine:
    """One entry of a case's history, in words, oldest first."""

    at: datetime
    who: str
    text: str


@dataclass(frozen=True)
class CaseView:
    """All of one case. ``version`` goes back with every form (``expected_version``)."""

    ref: str
    version: int
    status: str
    person: PersonLine
    claimed_by: str
    claimed_until: datetime | None
    mine: bool
    findings: tuple[FindingCard, ...]
    letters: tuple[LetterSummary, ...]
    handovers: tuple[HandoverLine, ...]
    history: tuple[HistoryLine, ...]
    roles: frozenset[str]
    data: DataAsAt
    record: Any = None
    """The ``records.PatientRecord`` of the published snapshot; ``None`` where there is none."""


@dataclass(frozen=True)
class LetterLine:
    """One line of the reconciliation: a letter line, a GP plan, or a pair of them.

    ``letter_lines`` and ``plans`` are the dictionaries of ``reconcile`` (design section 9), the
    letter's with ``start`` and ``end`` in ``LetterView.text`` added where known.
    """

    finding: FindingCard
    line_id: str
    klass: str
    subclass: str
    stated: str
    found: str
    letter_lines: tuple[dict[str, Any], ...]
    plans: tuple[dict[str, Any], ...]
    owner: str
    why: tuple[dict[str, Any], ...]
    proposal: str


@dataclass(frozen=True)
class LetterView:
    """A letter and each of its lines; conflicts and unreadable lines first, same lines last.

    ``decided`` of ``total`` are decided, queried or handed over; ``finishable`` when all are and
    ``to_finish_because`` is then empty, else says what is missing.
    """

    summary: LetterSummary
    version: int
    text: str
    unread: tuple[dict[str, Any], ...]
    lines: tuple[LetterLine, ...]
    decided: int
    total: int
    finishable: bool
    to_finish_because: str
    mine: bool
    claimed_by: str
    as_of: date
    document_name: str
    finished_at: datetime | None = None
    left_alone: tuple[str, ...] = ()
    """GP items that a letter of changes does not mention: they stay as they are."""
    corrected: Mapping[str, str] = field(default_factory=dict)
    """Where a person said what kind of letter it is: ``was``, ``by`` and ``on``."""
    from_pictures: bool = False
    """Read by OCR: every line is to be checked against the letter."""


@dataclass(frozen=True)
class Question:
    """A hand-over that waits for an answer, with its evidence and what may be decided with it."""

    handover: HandoverLine
    case_ref: str
    case_version: int
    person: PersonLine
    practice_code: str
    practice_name: str
    findings: tuple[FindingCard, ...]
    decisions: tuple[ActionOption, ...]
    """Actions the answerer may take on all the findings as part of the answer."""
    letter_ref: str | None = None


@dataclass(frozen=True)
class PracticeCount:
    """One practice's work, for the PCN lead: counts only, nobody named."""

    practice_code: str
    practice_name: str
    todo: int
    handed_over: int
    answered: int
    waiting: int
    overdue: int
    done_last_7_days: int
    letters_open: int
    letters_late: int
    data: DataAsAt


@dataclass(frozen=True)
class FoundPatient:
    """An answer to a search by NHS number. ``case_ref`` is ``None`` where there is no work."""

    case_ref: str | None
    person: PersonLine


@dataclass(frozen=True)
class RuleLine:
    """One rule at one organisation: what it holds, and whether it is approved there."""

    rule: str
    version: str
    title: str
    approved_by: str
    approved_at: datetime | None
    approved_is_demo: bool
    open: int
    near: int
    cannot_tell: int
    organisations: tuple[str, ...] = field(default=())

"""Everything the pages read. Each function takes the user and answers from their organisations only.

A thing outside the user's reach and a thing that does not exist are the same: ``ScopeError``,
which a view turns into 404. Nothing here writes: call ``actions.view_patient`` before showing one
patient, so that reading is attributable.
"""

from __future__ import annotations

from counterfoil.service.accounts.models import User
from counterfoil.service.casework.shapes import (
    CaseView,
    DataAsAt,
    Filters,
    FoundPatient,
    LetterSummary,
    LetterView,
    PracticeCount,
    Question,
    RuleLine,
    Today,
)


def today(user: User, filters: Filters = Filters()) -> Today:  # noqa: B008
    """The one list of work: same-day first, then by due date, never by a score."""
    raise NotImplementedError


def case_view(user: User, case_ref: str) -> CaseView:
    """One case with its findings, letters, questions, history and the published record."""
    raise NotImplementedError


def letter_view(user: User, letter_ref: str) -> LetterView:
    """One letter beside the record, with each line's decision."""
    raise NotImplementedError


def letters(user: User) -> tuple[LetterSummary, ...]:
    """Letters that are not finished, by due date; unmatched and refused ones among them."""
    raise NotImplementedError


def questions(user: User) -> tuple[Question, ...]:
    """Hand-overs that wait for an answer of one of this user's roles; same-day, then oldest first."""
    raise NotImplementedError


def answers(user: User) -> tuple[Question, ...]:
    """Hand-overs this user sent whose answers wait to be taken up."""
    raise NotImplementedError


def find_patient(user: User, nhs_number: str) -> tuple[FoundPatient, ...]:
    """Patients of the user's practices with this NHS number (spaces allowed); empty if none."""
    raise NotImplementedError


def team_counts(user: User) -> tuple[PracticeCount, ...]:
    """Counts a practice, for the PCN lead."""
    raise NotImplementedError


def rules_book(user: User) -> tuple[RuleLine, ...]:
    """The rules that found something in the user's practices, and their approvals."""
    raise NotImplementedError


def data_as_at(user: User) -> tuple[DataAsAt, ...]:
    """How fresh each of the user's practices is."""
    raise NotImplementedError


def original_letter(user: User, letter_ref: str) -> tuple[bytes, str, str]:
    """The letter's own bytes, its media type and its file name."""
    raise NotImplementedError

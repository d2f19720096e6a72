"""The only writer. Each function is one transaction that writes the state and its event.

All take the acting user first and refuse with ``PolicyError``, ``ConflictError`` or ``ScopeError``
(``errors.py``); a refusal changes nothing. ``expected_version`` is the ``version`` of the case that
the person was looking at; ``None`` skips that check (commands).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from counterfoil.service.accounts.models import User
from counterfoil.service.casework.models import Decision, Handover, RuleApproval


def signed_in(user: User) -> None:
    """Record a sign-in."""
    raise NotImplementedError


def signed_out(user: User) -> None:
    """Record a sign-out."""
    raise NotImplementedError


def sign_in_failed() -> None:
    """Record that somebody failed to sign in; not who they said they were."""
    raise NotImplementedError


def view_patient(user: User, case_ref: str, purpose: str = "case") -> None:
    """Record that the user opened this patient's record."""
    raise NotImplementedError


def claim(user: User, case_ref: str) -> None:
    """Take the case; ``ConflictError`` names who holds it and until when."""
    raise NotImplementedError


def release(user: User, case_ref: str) -> None:
    """Give the case back."""
    raise NotImplementedError


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
    ``reason``.
    """
    raise NotImplementedError


def confirm_same(user: User, finding_id: str, *, expected_version: int | None = None) -> Decision:
    """Confirm a letter line that is the same as the GP plan."""
    raise NotImplementedError


def hand_over(
    user: User,
    finding_ids: Sequence[str],
    to_role: str,
    question: str,
    *,
    expected_version: int | None = None,
) -> Handover:
    """Ask *to_role* about findings of one case."""
    raise NotImplementedError


def reply(
    user: User,
    handover_ref: str,
    text: str,
    instruction: str = "",
    *,
    decision: str = "",
    evidence: dict[str, Any] | None = None,
    expected_version: int | None = None,
) -> Handover:
    """Answer a hand-over; *decision* is an action the answerer takes on each of its findings."""
    raise NotImplementedError


def acknowledge_reply(user: User, handover_ref: str) -> Handover:
    """Take up an answer: its findings are done if it decided them, else to do again."""
    raise NotImplementedError


def send_query(
    user: User,
    finding_id: str,
    text: str,
    until: date,
    *,
    expected_version: int | None = None,
) -> Decision:
    """Record that the ward was asked about a letter line, and when to look again."""
    raise NotImplementedError


def finish_letter(user: User, letter_ref: str, *, expected_version: int | None = None) -> None:
    """Finish a letter; ``PolicyError`` while a line is neither decided, queried nor handed over."""
    raise NotImplementedError


def approve_rule(user: User, organisation: str, rule: str, version: str) -> RuleApproval:
    """Approve this version of a rule for an organisation; its findings become work there."""
    raise NotImplementedError

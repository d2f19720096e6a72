"""The only writer of an organisation's own rules. Each action is one transaction with its event."""

from __future__ import annotations

import re
import tomllib
from datetime import date

from django.db import transaction
from django.db.models import Max

from counterfoil.foundation.errors import DataError
from counterfoil.service.accounts.models import Role, User
from counterfoil.service.casework import actions as casework
from counterfoil.service.casework import clock, events, scope
from counterfoil.service.casework.errors import ConflictError, PolicyError, ScopeError
from counterfoil.service.organisations.models import Organisation
from counterfoil.service.rulebook import force
from counterfoil.service.rulebook.models import LocalRule

WRITING = (Role.TECHNICIAN, Role.PHARMACIST)
MOST_CHARACTERS = 60_000
LONGEST_ID = 80
_VERSION = re.compile(r"(?m)^version\s*=\s*\d+[ \t]*$")
Status = LocalRule.Status


def organisations(user: User) -> list[Organisation]:
    """Where this user may write rules: the organisations they belong to as a writer."""
    held = user.memberships.filter(role__in=WRITING).values("organisation_id")
    return list(Organisation.objects.filter(pk__in=held).order_by("name"))


def find(user: User, ref: str) -> LocalRule:
    """One version within the user's reach; ``ScopeError`` where there is none."""
    found = LocalRule.objects.filter(pk=ref).select_related("organisation").first()
    if found is None or found.organisation_id not in reach(user):
        raise ScopeError("There is no such rule version in your organisations.")
    return found


def reach(user: User) -> set[str]:
    """Codes of the organisations whose rules the user may see."""
    practices = scope.practices(user, tuple(Role.values))
    codes = set(practices.values_list("pk", flat=True))
    codes |= set(practices.exclude(parent=None).values_list("parent_id", flat=True))
    return codes | set(user.memberships.values_list("organisation_id", flat=True))


def keep_draft(
    user: User,
    organisation: str,
    text: str,
    reason: str = "",
    expires_on: date | None = None,
    ref: str = "",
) -> LocalRule:
    """Keep a draft. Its id is the rule file's; its version follows on the highest known one.

    ``DataError`` where the text cannot be read as far as its id, ``PolicyError`` where the user may
    not write rules there, ``ConflictError`` where *ref* is no draft any more.
    """
    place = _place(user, organisation)
    if len(text) > MOST_CHARACTERS:
        raise PolicyError(f"A rule file may have {MOST_CHARACTERS:,} characters at the most.")
    rule_id = rule_id_of(text)
    with transaction.atomic():
        if ref:
            row = LocalRule.objects.select_for_update().get(pk=find(user, ref).pk)
            if row.status != Status.DRAFT:
                raise ConflictError("This version was submitted already; change it as a new one.")
            if row.rule != rule_id:
                raise PolicyError("The id of a rule stays the same; make a new rule for another.")
        else:
            row = LocalRule(organisation=place, rule=rule_id, version=_next(place, rule_id))
            shipped = {r.id: r for r in force.shipped()}.get(rule_id)
            row.based_on = str(shipped.version) if shipped else ""
        row.text = numbered(text, row.version)
        row.reason, row.expires_on = reason.strip(), expires_on
        row.author, row.saved_at = user, clock.now()
        row.save()
        _log(row, user, "rule_saved")
    return row


def submit(user: User, ref: str) -> LocalRule:
    """Ask for approval; only of a rule that its own examples prove, with a reason."""
    with transaction.atomic():
        row = _locked(user, ref, Status.DRAFT)
        _place(user, row.organisation_id)
        if not row.reason:
            raise PolicyError("Say why the organisation does this in its own way.")
        if row.expires_on is not None and row.expires_on <= clock.today():
            raise PolicyError("The day it ends must lie ahead.")
        force.checked(row.text, row.rule)
        row.status, row.submitted_at = Status.SUBMITTED, clock.now()
        row.save()
        _log(row, user, "rule_submitted")
    return row


def approve(user: User, ref: str, note: str = "") -> LocalRule:
    """A pharmacist of the organisation approves this version; what it finds is work from now on.

    The caller renews the findings of the practices concerned (``renewing``).
    """
    with transaction.atomic():
        row = _decided(user, ref, Status.SUBMITTED, Status.APPROVED, note)
        force.checked(row.text, row.rule)
        casework.approve_rule(user, row.organisation_id, row.rule, str(row.version))
    return row


def send_back(user: User, ref: str, note: str) -> LocalRule:
    """A pharmacist returns a version with what is to be different."""
    if not note.strip():
        raise PolicyError("Say what is to be different.")
    with transaction.atomic():
        row = _decided(user, ref, Status.SUBMITTED, Status.RETURNED, note)
        _log(row, user, "rule_returned")
    return row


def withdraw(user: User, ref: str, note: str) -> LocalRule:
    """A pharmacist takes a version out of force; the one before it, or the shipped rule, returns."""
    if not note.strip():
        raise PolicyError("Say why it is withdrawn.")
    with transaction.atomic():
        row = _decided(user, ref, Status.APPROVED, Status.WITHDRAWN, note)
        _log(row, user, "rule_withdrawn")
    return row


def rule_id_of(text: str) -> str:
    """The id that a rule file states; ``DataError`` where it cannot be read that far."""
    try:
        found = tomllib.loads(text).get("id")
    except tomllib.TOMLDecodeError as error:
        raise DataError.at("the rule", f"the text must be TOML; {error}") from None
    if not isinstance(found, str) or not re.fullmatch(
        r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+", found
    ):
        raise DataError.at("the rule", "id must read theme.name in lower case", str(found or ""))
    if len(found) > LONGEST_ID:
        raise DataError.at("the rule", "a shorter id", found)
    return found


def numbered(text: str, version: int) -> str:
    """The text with this version in it."""
    if _VERSION.search(text):
        return _VERSION.sub(f"version = {version}", text, count=1)
    return f"version = {version}\n{text}"


def problems(text: str) -> list[tuple[int | None, str]]:
    """Every mistake of a rule text: the line where known, and what to write instead."""
    try:
        force.checked(text, "line")
    except DataError as error:
        return [
            _placed(problem.place, problem.expected, problem.found) for problem in error.problems
        ]
    return []


def _placed(place: str, expected: str, found: str) -> tuple[int | None, str]:
    line = re.search(r"line (\d+)", f"{place} {expected}")
    said = f"{expected}. Found: {found}" if found else expected
    return (int(line[1]) if line else None), said


def _place(user: User, organisation: str) -> Organisation:
    for place in organisations(user):
        if place.pk == organisation:
            return place
    raise PolicyError("Rules are written by a technician or pharmacist of the organisation.")


def _next(place: Organisation, rule_id: str) -> int:
    """One more than any version of this rule: the shipped one, the organisation's, its PCN's."""
    shipped = max((r.version for r in force.shipped() if r.id == rule_id), default=0)
    known = LocalRule.objects.filter(rule=rule_id).aggregate(n=Max("version"))["n"] or 0
    return max(shipped, known) + 1


def _locked(user: User, ref: str, status: str) -> LocalRule:
    row = LocalRule.objects.select_for_update().get(pk=find(user, ref).pk)
    if row.status != status:
        raise ConflictError(f"This version is {row.get_status_display()}.")
    return row


def _decided(user: User, ref: str, before: str, after: str, note: str) -> LocalRule:
    row = _locked(user, ref, before)
    scope.organisation_for_approval(user, row.organisation_id)
    row.status, row.note = after, note.strip()
    row.decided_by, row.decided_at = user, clock.now()
    row.save()
    return row


def _log(row: LocalRule, user: User, kind: str) -> None:
    refs = {"rule": row.rule, "version": str(row.version)}
    role = next((r for r in (Role.PHARMACIST, Role.TECHNICIAN) if _holds(user, row, r)), "")
    events.append(row.organisation_id, [events.Entry(kind, refs)], user, role)


def _holds(user: User, row: LocalRule, role: str) -> bool:
    return user.memberships.filter(organisation=row.organisation_id, role=role).exists()


__all__ = [
    "approve",
    "find",
    "keep_draft",
    "numbered",
    "organisations",
    "problems",
    "reach",
    "rule_id_of",
    "send_back",
    "submit",
    "withdraw",
]

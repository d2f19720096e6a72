"""What a user can reach: always through the organisations they are a member of.

Views and queries start here and never from a model's own manager (``tools/lint_scope.py``). A
clinical role in a PCN reaches its practices; a lead or administrator reaches counts, no patients.
A person who leaves for another practice takes their case along; the old practice loses sight of it.
"""

from __future__ import annotations

from collections.abc import Collection

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet

from counterfoil.service.accounts.models import Role, User
from counterfoil.service.casework.errors import ScopeError
from counterfoil.service.casework.models import Case, Finding, Handover, LetterDocument
from counterfoil.service.casework.policy import CLINICAL_ROLES
from counterfoil.service.organisations.models import Organisation
from counterfoil.service.records.models import PersonIndex, Snapshot


def practices(user: User, roles: Collection[str] = CLINICAL_ROLES) -> QuerySet[Organisation]:
    """Practices in which the user holds one of *roles*, themselves or through their PCN."""
    if not user.is_authenticated or not user.is_active:
        return Organisation.objects.none()
    mine = user.memberships.filter(role__in=roles).values("organisation_id")
    return Organisation.objects.filter(
        Q(pk__in=mine) | Q(parent__in=mine, parent__kind=Organisation.Kind.PCN),
        kind=Organisation.Kind.PRACTICE,
    )


def roles_at(user: User, codes: Collection[str]) -> frozenset[str]:
    """The user's roles at any of these practices."""
    if not user.is_authenticated or not user.is_active:
        return frozenset()
    above = Organisation.objects.filter(
        children__in=list(codes), kind=Organisation.Kind.PCN
    ).values("pk")
    held = user.memberships.filter(
        Q(organisation__in=list(codes)) | Q(organisation__in=above)
    ).values_list("role", flat=True)
    return frozenset(held)


def roles_anywhere(user: User) -> frozenset[str]:
    """All roles the user holds."""
    return frozenset(user.memberships.values_list("role", flat=True))


def cases(user: User) -> QuerySet[Case]:
    """Cases of persons registered at the user's practices."""
    return Case.objects.filter(
        pk__in=Case.practices.through.objects.filter(
            organisation__in=practices(user).values("pk")
        ).values("case_id")
    )


def case(user: User, ref: str) -> Case:
    """One case; ``ScopeError`` where there is none in reach."""
    return _one(cases(user), ref, "case")


def findings(user: User) -> QuerySet[Finding]:
    """Findings of the user's cases."""
    return Finding.objects.filter(case__in=cases(user).values("pk"))


def finding(user: User, ref: str) -> Finding:
    """One finding; ``ScopeError`` where there is none in reach."""
    return _one(findings(user), ref, "finding")


def letters(user: User) -> QuerySet[LetterDocument]:
    """Letters of the user's cases, and unmatched ones that came to the user's practices."""
    return LetterDocument.objects.filter(
        Q(case__in=cases(user).values("pk"))
        | Q(case__isnull=True, practice__in=practices(user).values("pk"))
    )


def letter(user: User, ref: str) -> LetterDocument:
    """One letter; ``ScopeError`` where there is none in reach."""
    return _one(letters(user), ref, "letter")


def handovers(user: User) -> QuerySet[Handover]:
    """Hand-overs in the user's cases."""
    return Handover.objects.filter(case__in=cases(user).values("pk"))


def handover(user: User, ref: str) -> Handover:
    """One hand-over; ``ScopeError`` where there is none in reach."""
    return _one(handovers(user), ref, "question")


def people(user: User) -> QuerySet[PersonIndex]:
    """Patients of the user's practices."""
    return PersonIndex.objects.filter(practice__in=practices(user).values("pk"))


def snapshots(user: User, roles: Collection[str] = CLINICAL_ROLES) -> QuerySet[Snapshot]:
    """The published snapshots of the user's practices."""
    return Snapshot.objects.filter(practice__in=practices(user, roles).values("pk"), published=True)


def organisation_for_approval(user: User, code: str) -> Organisation:
    """An organisation in which the user is a pharmacist; ``ScopeError`` otherwise."""
    mine = user.memberships.filter(role=Role.PHARMACIST).values("organisation_id")
    return _one(
        Organisation.objects.filter(
            Q(pk__in=mine) | Q(parent__in=mine, parent__kind=Organisation.Kind.PCN)
        ),
        code,
        "organisation",
    )


def _one(rows: QuerySet, ref: str, what: str):  # type: ignore[no-untyped-def]
    try:
        found = rows.filter(pk=ref).first()
    except (ValidationError, ValueError):  # not even the shape of an id
        found = None
    if found is None:
        raise ScopeError(f"There is no such {what} in your practices.")
    return found

"""How an organisation's switches stand. They are turned in :mod:`.actions`.

A switch of a PCN holds for its practices. It is on only while the version of the statement that was
confirmed is the one in force.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from counterfoil.rules import calculators
from counterfoil.service.accounts.models import Role, User
from counterfoil.service.organisations.models import Organisation, Switch


@dataclass(frozen=True)
class SwitchLine:
    """One organisation's calculator switch, for the page of its lead.

    ``stale``: it was on, for an earlier version of the statement, and is off until confirmed again.
    """

    organisation: str
    name: str
    on: bool
    stale: bool
    turned_by: str
    turned_at: datetime | None


def calculators_on(practice: str) -> bool:
    """Whether calculators are shown for patients of this practice."""
    return (
        Switch.objects.filter(
            Q(organisation=practice) | Q(organisation__children=practice),
            name=Switch.Name.CALCULATORS,
            on=True,
            statement=calculators.purpose().version,
        ).exists()
        and Organisation.objects.filter(pk=practice, kind=Organisation.Kind.PRACTICE).exists()
    )


def led(user: User) -> list[Organisation]:
    """The organisations in which the user is the lead, whose switches they may turn."""
    mine = user.memberships.filter(role=Role.LEAD).values("organisation_id")
    return list(Organisation.objects.filter(pk__in=mine).order_by("name"))


def calculator_lines(user: User) -> list[SwitchLine]:
    """The calculator switch of every organisation that the user leads."""
    version = calculators.purpose().version
    lines = []
    for place in led(user):
        row = place.switches.filter(name=Switch.Name.CALCULATORS).first()
        on = row is not None and row.on
        current = row is not None and row.statement == version
        lines.append(
            SwitchLine(
                organisation=place.pk,
                name=place.name,
                on=on and current,
                stale=on and not current,
                turned_by="" if row is None else row.turned_by,
                turned_at=None if row is None else row.turned_at,
            )
        )
    return lines

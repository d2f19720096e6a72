"""Organisations are made and renamed here by commands, and their switches turned by their leads."""

from __future__ import annotations

from django.db import transaction

from counterfoil.rules import calculators
from counterfoil.service.accounts.models import Role, User
from counterfoil.service.casework import clock, events
from counterfoil.service.casework.errors import ConflictError, PolicyError, ScopeError
from counterfoil.service.organisations import switches
from counterfoil.service.organisations.models import Organisation, Switch


def organisation_named(code: str, name: str, kind: str, parent: str | None = None) -> Organisation:
    """The organisation of this code, made or renamed (commands)."""
    place, _ = Organisation.objects.update_or_create(
        code=code, defaults={"name": name, "kind": kind, "parent_id": parent}
    )
    return place


def turn_calculators(
    user: User, organisation: str, *, on: bool, statement: str = "", confirmed: bool = False
) -> Switch:
    """Switch the calculators of an organisation on or off; each turn is an event.

    Only its lead may. Switching on needs *confirmed*, and the version of the *statement* that was
    on the page: a statement that has changed meanwhile must be read again.
    """
    place = next((p for p in switches.led(user) if p.pk == organisation), None)
    if place is None:
        raise ScopeError("There is no such organisation that you lead.")
    version = calculators.purpose().version
    if on and not confirmed:
        raise PolicyError("Confirm that the intended purpose was read before switching on.")
    if on and statement != version:
        raise ConflictError("The statement has changed. Read it again before switching on.")
    with transaction.atomic():
        row, _ = Switch.objects.select_for_update().update_or_create(
            organisation=place,
            name=Switch.Name.CALCULATORS,
            defaults={
                "on": on,
                "statement": version,
                "turned_by": user.display_name,
                "turned_at": clock.now(),
            },
        )
        refs = {"switch": row.name, "on": on, "statement": version}
        events.append(place.pk, [events.Entry("switch_turned", refs)], user, role=Role.LEAD)
    return row

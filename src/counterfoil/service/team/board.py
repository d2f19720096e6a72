"""The board as the pages read it: the plan of the user's PCN, and where the user is today.

Everybody of the PCN and its practices may look; it names colleagues and no patient.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from counterfoil.service.accounts.models import User
from counterfoil.service.casework import clock, scope
from counterfoil.service.organisations.models import Organisation
from counterfoil.service.team import kept
from counterfoil.service.team.kept import Kept


@dataclass(frozen=True)
class Board:
    """A PCN's plan, as of a day."""

    organisation: str
    name: str
    kept: Kept
    today: date


def boards(user: User) -> tuple[Board, ...]:
    """The plans of the user's PCNs, or of practices of theirs that belong to none."""
    if not user.is_active:
        return ()
    found: list[Board] = []
    for membership in user.memberships.select_related("organisation__parent"):
        place = membership.organisation
        if place.kind == Organisation.Kind.PRACTICE and place.parent is not None:
            place = place.parent
        plan = kept.kept(place.pk)
        if plan is not None and place.pk not in [one.organisation for one in found]:
            found.append(Board(place.pk, place.name, plan, clock.today()))
    return tuple(found)


def place_today(user: User) -> tuple[str, str] | None:
    """Id and name of the site at which the user is placed today; ``None`` without a place."""
    for board in boards(user):
        site = board.kept.where(user.username, board.today)
        names = {one.id: one.name for one in board.kept.problem.sites}
        if site is not None:
            return site, names[site]
    return None


def practice_today(user: User) -> str | None:
    """The practice whose work the user's Today opens with: where they are, if that is one of theirs."""
    place = place_today(user)
    if place is None or not scope.practices(user).filter(pk=place[0]).exists():
        return None
    return place[0]

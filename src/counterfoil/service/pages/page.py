"""What every view needs: who is signed in, the frame of the page, and how refusals are shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render as django_render
from django.urls import reverse

from counterfoil.service.accounts.models import Role, User
from counterfoil.service.casework import queries
from counterfoil.service.casework.errors import ScopeError
from counterfoil.service.pages.presenters.frame import NavigationItem, data_line

View = Callable[..., HttpResponse]
ANSWERING = {Role.PHARMACIST, Role.PRESCRIBER}
COUNTING = {Role.LEAD, Role.ADMIN}
IMPORTING = {*COUNTING, Role.TECHNICIAN}
KEYS = "keys_off"
"""Session key: the person switched the single keys off."""


@dataclass(frozen=True)
class Page:
    """The frame of a page for one user."""

    user_name: str
    roles: str
    place: str
    navigation: tuple[NavigationItem, ...]
    data_line: str
    keys_on: bool
    may_import: bool = False


@dataclass(frozen=True)
class Problem:
    """Why something was refused, shown at the top of the page with a link to the place."""

    text: str
    href: str = ""
    title: str = "That was not done"


@dataclass(frozen=True)
class FormState:
    """What somebody typed in a form that was refused, so that nothing has to be typed again."""

    key: str = ""
    values: Mapping[str, str] = field(default_factory=dict)

    def open(self, key: str) -> bool:
        """Whether this is the form that was refused."""
        return bool(key) and key == self.key

    def value(self, key: str, name: str, default: str = "") -> str:
        """What was typed in field *name* of form *key*, else *default*."""
        return self.values.get(name, default) if self.open(key) else default


def user_of(request: HttpRequest) -> User:
    """The signed-in user; only for views behind :func:`page_view`."""
    return cast(User, request.user)


def page_view(view: View) -> View:
    """A view for signed-in people; what is out of their reach does not exist."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except ScopeError as error:
            raise Http404(str(error)) from None

    return login_required(guarded)


def frame(request: HttpRequest, current: str) -> Page:
    """The frame with the item named *current* marked."""
    user = user_of(request)
    roles = queries.roles(user)
    items = []
    if roles & {Role.TECHNICIAN, Role.PHARMACIST, Role.PRESCRIBER}:
        items += [("today", "Today"), ("letters", "Letters"), ("requests", "Requests")]
        if roles & ANSWERING:
            items.append(("questions", "Questions"))
        items.append(("patients", "Patients"))
    items += [("audits", "Audits"), ("medicines", "Medicines"), ("team", "Team")]
    items.append(("pilot", "Pilot"))
    if Role.LEAD in roles:
        items.append(("settings", "Settings"))
    return Page(
        user_name=user.display_name,
        roles=", ".join(sorted(str(Role(role).label) for role in roles)),
        place=_place(user),
        navigation=tuple(
            NavigationItem(text, reverse(name), current=name == current) for name, text in items
        ),
        data_line=data_line(queries.data_as_at(user)),
        keys_on=not request.session.get(KEYS, False),
        may_import=bool(roles & IMPORTING),
    )


def _place(user: User) -> str:
    places = sorted({m.organisation.name for m in user.memberships.select_related("organisation")})
    return " and ".join(places) if len(places) < 3 else f"{len(places)} organisations"


def render(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any],
    *,
    current: str = "",
    status: int = 200,
) -> HttpResponse:
    """Render *template* in the frame; ``title`` in *context* names no patient."""
    filled = {
        "page": frame(request, current),
        "form": FormState(),
        "get_messages": lambda: messages.get_messages(request),
        **context,
    }
    return django_render(request, template, filled, status=status)


def say(request: HttpRequest, text: str) -> None:
    """Show *text* once, on the next page."""
    messages.success(request, text)


def posted(request: HttpRequest) -> dict[str, str]:
    """The fields of a form, the last of each name, without the token."""
    return {
        name: value
        for name, value in request.POST.items()
        if name != "csrfmiddlewaretoken" and isinstance(value, str)
    }


def version_of(request: HttpRequest) -> int | None:
    """The version of the case that the form was made from."""
    text = request.POST.get("version", "")
    return int(text) if text.isdecimal() else None

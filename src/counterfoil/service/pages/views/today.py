"""Today: what shall I do next?"""

from __future__ import annotations

import itertools
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from counterfoil.service.accounts.models import Role
from counterfoil.service.casework import queries
from counterfoil.service.pages.page import page_view, render, user_of
from counterfoil.service.pages.presenters import today as presenter
from counterfoil.service.team import board

LAST = "today_query"
"""Session key: the filters of the list that was seen last; no identifier is in them."""
EVERYWHERE = "today_everywhere"
"""Session key: the person took off the filter of the practice where they are placed."""


@require_safe
@page_view
def today(request: HttpRequest) -> HttpResponse:
    """The one list of work; a PCN lead, who sees no patients, gets the counts instead."""
    user = user_of(request)
    if not queries.roles(user) & {Role.TECHNICIAN, Role.PHARMACIST, Role.PRESCRIBER}:
        return redirect("team")
    query = _opening(request)
    found = queries.today(user, presenter.filters_from(query))
    request.session[LAST] = query.urlencode()
    place = board.place_today(user)
    context = {"today": presenter.present(found), "place": place[1] if place else ""}
    return render(request, "today.jinja", context, current="today")


def _opening(request: HttpRequest) -> QueryDict:
    """The filters asked for; where none are, the practice where the person is placed today.

    That filter is shown like any other; once taken off (an empty ``practice``) it stays off until
    they sign in again.
    """
    if request.GET.get("practice") == "":
        request.session[EVERYWHERE] = True
    if request.GET or request.session.get(EVERYWHERE):
        return request.GET
    practice = board.practice_today(user_of(request))
    return QueryDict(urlencode({"practice": practice}) if practice else "")


def back_to_list(request: HttpRequest, anchor: str = "") -> str:
    """The list as it was seen last, at the row that was left."""
    query = request.session.get(LAST, "")
    return reverse("today") + (f"?{query}" if query else "") + (f"#c-{anchor}" if anchor else "")


@require_safe
@page_view
def following(request: HttpRequest) -> HttpResponse:
    """The line after the one that is open, on the list as it was seen last."""
    filters = presenter.filters_from(QueryDict(request.session.get(LAST, "")))
    rows = presenter.present(queries.today(user_of(request), filters)).rows
    after = request.GET.get("after", "")
    for here, there in itertools.pairwise(rows):
        if after in (here.line.case_ref, here.line.letter_ref):
            return redirect(there.href_name, there.ref)
    return redirect(back_to_list(request))

"""Today: what shall I do next?"""

from __future__ import annotations

import itertools

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET

from counterfoil.service.accounts.models import Role
from counterfoil.service.casework import queries
from counterfoil.service.pages.page import page_view, render, user_of
from counterfoil.service.pages.presenters import today as presenter

LAST = "today_query"
"""Session key: the filters of the list that was seen last; no identifier is in them."""


@require_GET
@page_view
def today(request: HttpRequest) -> HttpResponse:
    """The one list of work; a PCN lead, who sees no patients, gets the counts instead."""
    user = user_of(request)
    if not queries.roles(user) & {Role.TECHNICIAN, Role.PHARMACIST, Role.PRESCRIBER}:
        return redirect("team")
    found = queries.today(user, presenter.filters_from(request.GET))
    request.session[LAST] = request.GET.urlencode()
    return render(request, "today.jinja", {"today": presenter.present(found)}, current="today")


def back_to_list(request: HttpRequest, anchor: str = "") -> str:
    """The list as it was seen last, at the row that was left."""
    query = request.session.get(LAST, "")
    return reverse("today") + (f"?{query}" if query else "") + (f"#c-{anchor}" if anchor else "")


@require_GET
@page_view
def following(request: HttpRequest) -> HttpResponse:
    """The line after the one that is open, on the list as it was seen last."""
    from django.http import QueryDict

    filters = presenter.filters_from(QueryDict(request.session.get(LAST, "")))
    rows = presenter.present(queries.today(user_of(request), filters)).rows
    after = request.GET.get("after", "")
    for here, there in itertools.pairwise(rows):
        if after in (here.line.case_ref, here.line.letter_ref):
            return redirect(there.href_name, there.ref)
    return redirect(back_to_list(request))

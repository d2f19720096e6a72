"""Requests: what is in the way of this one?"""

from __future__ import annotations

import itertools
from uuid import UUID

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from counterfoil.foundation import days
from counterfoil.service.accounts.models import Role
from counterfoil.service.casework import actions, clock, queries, request_queries
from counterfoil.service.casework.errors import ConflictError, PolicyError
from counterfoil.service.pages import clinical, timeline
from counterfoil.service.pages.page import FormState, Problem, page_view, render, say, user_of
from counterfoil.service.pages.presenters import case as case_presenter
from counterfoil.service.pages.presenters import requests as presenter

LAST = "requests_query"
"""Session key: the filters of the queue that was seen last; no identifier is in them."""
DRAWN_BACK, DRAWN_AHEAD = 120, 45


@require_safe
@page_view
def requests(request: HttpRequest) -> HttpResponse:
    """The queue; a prescriber's opens with what is ready for signature."""
    user = user_of(request)
    query = request.GET
    if not query and Role.PRESCRIBER in queries.roles(user):
        query = QueryDict("view=sign")
    page = presenter.present(request_queries.queue(user, presenter.filters_from(query.dict())))
    request.session[LAST] = query.urlencode()
    return render(
        request, "requests.jinja", {"title": "Requests", "list": page}, current="requests"
    )


def back_to_queue(request: HttpRequest, ref: str = "") -> str:
    """The queue as it was seen last, at the row that was left."""
    query = request.session.get(LAST, "")
    return reverse("requests") + (f"?{query}" if query else "") + (f"#c-{ref}" if ref else "")


@require_safe
@page_view
def one(request: HttpRequest, ref: UUID) -> HttpResponse:
    """One person's requests; opening them is recorded."""
    actions.view_patient(user_of(request), str(ref), "request")
    return show(request, str(ref))


def show(
    request: HttpRequest,
    ref: str,
    *,
    problem: Problem | None = None,
    form: FormState | None = None,
    status: int = 200,
) -> HttpResponse:
    """Render the requests, with what was refused and what had been typed."""
    today = clock.today()
    view = request_queries.request_view(user_of(request), ref)
    rows = case_presenter.index_rows(view.case.record)
    drawing = None
    if view.case.record is not None:
        drawing = timeline.build(
            view.case.record,
            as_of=days.to_day(today),
            back=DRAWN_BACK,
            ahead=DRAWN_AHEAD,
            first=[c.title.removeprefix("Request: ") for r in view.requests for c in r.items],
            supply_days=clinical.supply_days,
            dose_words=clinical.dose_words,
        )
    context = {
        "title": "Request",
        "case": view.case,
        "requests": [
            (r, presenter.received(r, today), [presenter.item_card(c, rows) for c in r.items])
            for r in view.requests
        ],
        "allergies": case_presenter.allergies(view.case.record),
        "drawing": timeline.svg(drawing, title="Supply of each medicine") if drawing else None,
        "table": timeline.table(drawing) if drawing else (),
        "today": today,
        "problem": problem,
        "form": form or FormState(),
        "back": back_to_queue(request, ref),
        "here": reverse("request", args=[ref]),
    }
    return render(request, "request.jinja", context, current="requests", status=status)


@require_POST
@page_view
def read_note(request: HttpRequest, ref: UUID) -> HttpResponse:
    """Record that the note of one request was read."""
    try:
        actions.read_note(user_of(request), str(ref), request.POST.get("request", ""))
    except (PolicyError, ConflictError) as error:
        return show(request, str(ref), problem=Problem(str(error)), status=409)
    say(request, "Recorded: you have read the note.")
    return redirect("request", ref)


@require_safe
@page_view
def following(request: HttpRequest, ref: UUID) -> HttpResponse:
    """The next person of the queue as it was seen last."""
    query = QueryDict(request.session.get(LAST, ""))
    filters = presenter.filters_from(query.dict())
    people = request_queries.people_in(user_of(request), filters, str(ref))
    for here, there in itertools.pairwise(people):
        if here == str(ref):
            return redirect("request", there)
    if str(ref) not in people and people:
        return redirect("request", people[0])
    return redirect(back_to_queue(request))


@require_safe
@page_view
def erd(request: HttpRequest, ref: UUID) -> HttpResponse:
    """Whether the criteria of repeat dispensing are met for one patient, and why not."""
    actions.view_patient(user_of(request), str(ref), "erd")
    case, found = request_queries.erd(user_of(request), str(ref))
    context = {
        "title": "Repeat dispensing",
        "case": case,
        "answer": presenter.ERD_ANSWERS[found.answer],
        "groups": presenter.criteria(found),
        "allergies": case_presenter.allergies(case.record),
        "here": reverse("erd", args=[ref]),
    }
    return render(request, "erd.jinja", context, current="requests")

"""A case: what is true of this patient, and what have we done?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from counterfoil.foundation.days import to_day
from counterfoil.rules import calculators
from counterfoil.rules.calculators import Calculation
from counterfoil.service.casework import actions, clock, queries
from counterfoil.service.casework.errors import ConflictError, PolicyError
from counterfoil.service.casework.shapes import CaseView
from counterfoil.service.organisations import switches
from counterfoil.service.pages import clinical
from counterfoil.service.pages.page import (
    FormState,
    Problem,
    page_view,
    posted,
    render,
    say,
    user_of,
    version_of,
)
from counterfoil.service.pages.presenters import case as presenter
from counterfoil.service.pages.presenters import letter as letter_presenter
from counterfoil.service.pages.views import letter as letter_page
from counterfoil.service.pages.views.today import back_to_list

SAID = {
    "book_test": "Recorded: test booked.",
    "found_elsewhere": "Recorded: test found elsewhere.",
    "confirm_same": "Confirmed as the same.",
    "query_ward": "Recorded: asked, to be looked at again.",
    "add_note": "Note added.",
    "draft": "Draft saved.",
}


@require_safe
@page_view
def case(request: HttpRequest, ref: UUID) -> HttpResponse:
    """The page of one case; opening it is recorded."""
    actions.view_patient(user_of(request), str(ref), "case")
    return show(request, str(ref))


BACK = {"1": 365, "3": 1096, "10": 3652}
"""How far back the time line can be asked to go, in years and days."""


@require_safe
@page_view
def timeline(request: HttpRequest, ref: UUID) -> HttpResponse:
    """One patient's medicines, tests and problems on a page of their own, to look at or print."""
    user = user_of(request)
    actions.view_patient(user, str(ref), "timeline")
    view = queries.case_view(user, str(ref))
    years = request.GET.get("years", "1")
    years = years if years in BACK else "1"
    everything = request.GET.get("medicines") == "all"
    today = clock.today()
    context = {
        "title": "Time line",
        "case": view,
        "allergies": presenter.allergies(view.record),
        "drawing": _drawing(view, today, everything, back=BACK[years], own_page=True),
        "years": years,
        "choices": tuple(BACK),
        "everything": everything,
        "today": today,
        "here": reverse("timeline", args=[ref]),
    }
    return render(request, "timeline.jinja", context, current="today")


def _drawing(
    view: CaseView, today: date, everything: bool, **more: Any
) -> presenter.Drawing | None:
    """The time line of a case's record; ``None`` where no record is published."""
    if view.record is None:
        return None
    return presenter.draw(
        view.record,
        today,
        presenter.order(view),
        clinical.tests(),
        everything=everything,
        test_of=clinical.test_of,
        supply_days=clinical.supply_days,
        dose_words=clinical.dose_words,
        **more,
    )


def show(
    request: HttpRequest,
    ref: str,
    *,
    problem: Problem | None = None,
    form: FormState | None = None,
    status: int = 200,
) -> HttpResponse:
    """Render the case, with what was refused and what had been typed where there is any."""
    view = queries.case_view(user_of(request), ref)
    rows = presenter.index_rows(view.record)
    cards = tuple(presenter.card_of(card, rows) for card in presenter.order(view))
    today = clock.today()
    drawing = _drawing(view, today, request.GET.get("medicines") == "all")
    context = {
        "title": "Patient",
        "case": view,
        "cards": cards,
        "allergies": presenter.allergies(view.record),
        "drawing": drawing,
        "tables": presenter.record_tables(view.record) if view.record else (),
        "calculations": _calculations(view, today),
        "history": presenter.history(view.history),
        "letter_title": lambda one: letter_presenter.frame_of(one)["title"],
        "asked": sum(card.kind == "request_item" for card in view.findings),
        "today": today,
        "problem": problem,
        "form": form or FormState(),
        "back": back_to_list(request, ref),
        "here": reverse("case", args=[ref]),
    }
    return render(request, "case.jinja", context, current="today", status=status)


def _calculations(view: CaseView, today: date) -> tuple[Calculation, ...]:
    """The calculations, where the organisation has switched them on and there is a record."""
    if view.record is None or not switches.calculators_on(view.person.practice_code):
        return ()
    return calculators.calculations(view.record, to_day(today))


def _return(request: HttpRequest, ref: str, anchor: str = "") -> HttpResponseRedirect:
    """Back to the page the form was on, at the place that was worked on."""
    back = request.POST.get("back", "")
    known = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()})
    return HttpResponseRedirect(back if known else reverse("case", args=[ref]) + anchor)


def _again(
    request: HttpRequest, ref: str, key: str, error: PolicyError | ConflictError
) -> HttpResponse:
    """The page the form was on, with the refusal at its top and the form as it was typed."""
    conflict = isinstance(error, ConflictError)
    finding = key.split(":")[0]
    back = request.POST.get("back", "")
    shown: dict[str, Any] = {
        "problem": Problem(
            str(error),
            href=f"#f-{finding}" if finding else "",
            title="Somebody else was faster" if conflict else "That was not done",
        ),
        "form": FormState(key, posted(request)),
        "status": 409 if conflict else 422,
    }
    if back.startswith("/requests/"):
        from counterfoil.service.pages.views import requests as requests_page

        return requests_page.show(request, ref, **shown)
    if back.startswith("/letters/"):
        return letter_page.show(request, back.split("/")[2], **shown)
    return show(request, ref, **shown)


def _act(
    request: HttpRequest,
    ref: str,
    key: str,
    done: Callable[[], object],
    said: str,
    anchor: str = "",
) -> HttpResponse:
    try:
        done()
    except (PolicyError, ConflictError) as error:
        return _again(request, ref, key, error)
    say(request, said)
    return _return(request, ref, anchor)


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise PolicyError("That is not a date.") from None


@require_POST
@page_view
def decide(request: HttpRequest, ref: UUID, finding: str, action: str) -> HttpResponse:
    """Do one action to one finding of the case."""
    fields = posted(request)
    evidence: dict[str, Any] = {
        name: fields[name] for name in ("found_on", "place", "reason") if name in fields
    }

    def done() -> object:
        return actions.decide(
            user_of(request),
            finding,
            action,
            fields.get("note", ""),
            until=_date(fields.get("until", "")),
            evidence=evidence,
            expected_version=version_of(request),
        )

    said = SAID.get(action, "Recorded.")
    return _act(request, str(ref), f"{finding}:{action}", done, said, f"#f-{finding}")


@require_POST
@page_view
def hand_over(request: HttpRequest, ref: UUID) -> HttpResponse:
    """Send a question about one or more findings of the case."""
    findings = request.POST.getlist("finding")
    role = request.POST.get("to_role", "")

    def done() -> object:
        return actions.hand_over(
            user_of(request),
            findings,
            role,
            request.POST.get("question", ""),
            expected_version=version_of(request),
        )

    first = findings[0] if findings else ""
    said = f"Handed over to the {role}."
    return _act(request, str(ref), f"{first}:hand_over", done, said, f"#f-{first}")


@require_POST
@page_view
def acknowledge(request: HttpRequest, ref: UUID, handover: UUID) -> HttpResponse:
    """Take up an answer."""
    return _act(
        request,
        str(ref),
        "",
        lambda: actions.acknowledge_reply(user_of(request), str(handover)),
        "Answer taken up.",
    )


@require_POST
@page_view
def claim(request: HttpRequest, ref: UUID) -> HttpResponse:
    """Assign the case to me, or give it back."""
    give_back = request.POST.get("give_back") == "1"
    do = actions.release if give_back else actions.claim
    said = "Given back to the team." if give_back else "Assigned to you."
    return _act(request, str(ref), "", lambda: do(user_of(request), str(ref)), said)

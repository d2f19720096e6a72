"""The GP list for a ward that has taken the patient in: on the screen, and on paper."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from counterfoil.service.casework import actions, clock, queries
from counterfoil.service.pages import pdf
from counterfoil.service.pages.page import page_view, render, user_of
from counterfoil.service.pages.presenters import case as case_presenter
from counterfoil.service.pages.presenters import ward_list as presenter


@require_safe
@page_view
def ward_list(request: HttpRequest, ref: UUID) -> HttpResponse:
    """The list on the screen; opening it is recorded."""
    return render(request, "ward-list.jinja", _context(request, str(ref)), current="today")


@require_safe
@page_view
def ward_list_pdf(request: HttpRequest, ref: UUID) -> HttpResponse:
    """The same on paper, with its day."""
    context = _context(request, str(ref))
    return pdf.answered(request, "ward-list-print.jinja", context, "medicines-list.pdf")


def _context(request: HttpRequest, ref: str) -> dict[str, Any]:
    user = user_of(request)
    actions.view_patient(user, ref, "ward_list")
    view = queries.case_view(user, ref)
    return {
        "title": "Medicines list for a ward",
        "case": view,
        "allergies": case_presenter.allergies(view.record),
        "groups": presenter.groups(view.record, clock.today()) if view.record else (),
        "pdf": pdf.possible(),
    }

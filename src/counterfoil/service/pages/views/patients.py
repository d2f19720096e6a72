"""Patients: search by NHS number. Posted, so that no number stands in an address or a log."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from counterfoil.service.casework import actions, queries
from counterfoil.service.pages import words
from counterfoil.service.pages.page import page_view, render, user_of


@require_http_methods(["GET", "POST"])
@page_view
def patients(request: HttpRequest) -> HttpResponse:
    """The search and what it found."""
    user = user_of(request)
    typed = request.POST.get("nhs_number", "").strip()
    digits = "".join(c for c in typed if not c.isspace() and c != "-")
    context: dict[str, object] = {"title": "Patients", "typed": typed, "found": None, "error": ""}
    if request.method == "POST":
        if not (digits.isdecimal() and len(digits) == 10):
            context["error"] = "An NHS number has 10 digits, for example 999 000 0018."
        else:
            found = queries.find_patient(user, digits)
            actions.search_patient(user, len(found))
            context["found"] = found
            context["practices"] = [one.practice_name for one in queries.data_as_at(user)]
            context["shown"] = words.nhs_number(digits)
    status = 422 if context["error"] else 200
    return render(request, "patients.jinja", context, current="patients", status=status)

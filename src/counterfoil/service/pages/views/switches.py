"""Settings of an organisation: the calculator switch, for its lead."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from counterfoil.rules import calculators
from counterfoil.service.casework.errors import ConflictError, PolicyError
from counterfoil.service.organisations import actions, switches
from counterfoil.service.pages.page import Problem, page_view, render, say, user_of


@require_http_methods(["GET", "POST"])
@page_view
def settings(request: HttpRequest) -> HttpResponse:
    """The calculators: what they are for, whether they are on, and turning them."""
    if request.method == "GET":
        return _show(request)
    on = request.POST.get("turn") == "on"
    try:
        actions.turn_calculators(
            user_of(request),
            request.POST.get("organisation", ""),
            on=on,
            statement=request.POST.get("statement", ""),
            confirmed=request.POST.get("confirmed") == "yes",
        )
    except (PolicyError, ConflictError) as error:
        problem = Problem(str(error), href="#confirmed-" + request.POST.get("organisation", ""))
        return _show(request, problem=problem, status=409)
    say(request, "Calculators are on." if on else "Calculators are off.")
    return redirect("settings")


def _show(
    request: HttpRequest, *, problem: Problem | None = None, status: int = 200
) -> HttpResponse:
    lines = switches.calculator_lines(user_of(request))
    if not lines:
        raise Http404("Only the lead of an organisation has settings.")
    context = {
        "title": "Settings",
        "lines": lines,
        "purpose": calculators.purpose(),
        "problem": problem,
    }
    return render(request, "settings.jinja", context, current="settings", status=status)

"""The pilot: where are we, and what may we say?"""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.http import require_safe

from counterfoil.evidence import report as evidence
from counterfoil.foundation import days
from counterfoil.service.pages.page import page_view, render, user_of
from counterfoil.service.pages.presenters import pilot as presenter
from counterfoil.service.pilot import figures


@require_safe
@page_view
def pilot(request: HttpRequest) -> HttpResponse:
    """Phases, measures and what the design can carry; counts only, so a lead may look."""
    found = [presenter.present(one) for one in figures.pilots(user_of(request))]
    context = {"title": "Pilot", "pilots": found}
    return render(request, "pilot.jinja", context, current="pilot")


@require_safe
@page_view
def report(request: HttpRequest, organisation: str) -> HttpResponse:
    """The one-page report as it would read today; ``?save`` gives a file that needs nothing else."""
    found = [one for one in figures.pilots(user_of(request)) if one.organisation == organisation]
    if not found:
        raise Http404("There is no such pilot.")
    one = found[0]
    save = "save" in request.GET
    text = evidence.html(
        one.protocol,
        one.shown,
        (),
        days.to_day(one.today),
        weeks_before=one.weeks_before,
        stylesheet=None if save else reverse("pilot-style"),
    )
    if not save:
        icon = f'<link rel="icon" href="{static("cf/icon.svg")}" type="image/svg+xml">'
        text = text.replace("</head>", f"{icon}</head>", 1)
    answer = HttpResponse(text)
    if save:
        name = f"{one.protocol.id}-{one.today.isoformat()}.html"
        answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@require_safe
@page_view
def style(request: HttpRequest) -> HttpResponse:
    """The report's style sheet: the policy of the pages allows none inside a page."""
    return HttpResponse(evidence.STYLE, content_type="text/css; charset=utf-8")

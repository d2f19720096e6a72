"""Data quality: what each of the user's practices' records lack."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from counterfoil.service.casework import queries
from counterfoil.service.pages.page import page_view, render, user_of
from counterfoil.service.pages.presenters import quality as presenter
from counterfoil.service.records import quality as measuring


@require_safe
@page_view
def quality(request: HttpRequest) -> HttpResponse:
    """Counts by practice: no patient is named, so that leads and administrators see them too."""
    practices = queries.data_as_at(user_of(request))
    found = measuring.of_practices([one.practice_code for one in practices])
    context = {
        "title": "Data quality",
        "practices": [presenter.practice(one) for one in found],
        "without": presenter.without(practices, found),
    }
    return render(request, "quality.jinja", context)

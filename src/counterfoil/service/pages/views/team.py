"""Team: who is where, and is it enough?"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from counterfoil.service.casework import queries
from counterfoil.service.pages.page import page_view, render, user_of
from counterfoil.service.pages.presenters import team as presenter
from counterfoil.service.team import board


@require_safe
@page_view
def team(request: HttpRequest) -> HttpResponse:
    """The board of the user's PCN, and for a lead the counts a practice; no patient is named."""
    user = user_of(request)
    context = {
        "title": "Team",
        "boards": [presenter.present(one, user.username) for one in board.boards(user)],
        "counts": queries.team_counts(user),
    }
    return render(request, "team.jinja", context, current="team")

"""The page on which the columns of a search's file are mapped, once."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from counterfoil.foundation.errors import DataError
from counterfoil.records.importers.mapped import DATES
from counterfoil.service.pages.page import Problem, page_view, render, user_of
from counterfoil.service.setup import mapping


@require_http_methods(["GET", "POST"])
@page_view
def columns(request: HttpRequest, ref: UUID) -> HttpResponse:
    """Map the columns; posted with ``try``, the file is tried dry with the map."""
    user = user_of(request)
    told = {name: str(value) for name, value in request.POST.items()}
    problem = None
    other = "shown" in told and told.get("table") != told["shown"]
    if request.method == "POST" and "try" in told and other:
        said = "You chose other rows than the columns were mapped for. Map them, then try again."
        problem = Problem(said, href="#columns", title="Not tried yet")
    elif request.method == "POST" and "try" in told:
        try:
            mapping.choose(user, str(ref), told)
            return redirect("import-tried", ref)
        except DataError as error:
            said = " ".join(str(each) for each in error.problems)
            problem = Problem(said, href="#columns", title="Not tried yet")
    changed = told.get("table") if told.get("table") == told.get("shown") else None
    try:
        file = mapping.waiting(user, str(ref), told.get("table"), told if changed else None)
    except DataError as error:
        wrong = {"title": "The file cannot be read", "problems": [str(p) for p in error.problems]}
        return render(request, "import-unreadable.jinja", wrong, status=422)
    context = {
        "title": "Map the columns",
        "file": file,
        "tables": mapping.TABLE_WORDS,
        "dates": DATES,
        "problem": problem,
    }
    return render(request, "import-columns.jinja", context, status=422 if problem else 200)

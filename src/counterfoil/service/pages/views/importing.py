"""Import: try a practice's record dry, see what would change, then import it.

The work is done by a worker beside the service; the page of an import says how it stands.
"""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from counterfoil.service.casework.errors import ConflictError
from counterfoil.service.pages.page import Problem, page_view, render, say, user_of
from counterfoil.service.pages.presenters.importing import card, listed
from counterfoil.service.setup import importing
from counterfoil.service.setup.uploads import MEGABYTE, MOST_UPLOADED


@require_http_methods(["GET", "POST"])
@page_view
def start(request: HttpRequest) -> HttpResponse:
    """Choose a practice and a file; posted, it is tried dry."""
    user = user_of(request)
    practices = importing.practices(user)
    chosen = request.POST.get("practice", practices[0][0] if len(practices) == 1 else "")
    delta = request.POST.get("delta") == "yes"
    problem = None
    if request.method == "POST":
        file = request.FILES.get("record")
        if request.META.get("counterfoil.too_large"):
            said = f"A file may have {MOST_UPLOADED // MEGABYTE} MB at the most. Pack it as a zip."
            problem = Problem(said, href="#record", title="The file was not kept")
        elif not chosen:
            said = "Choose the practice whose record it is, and the file once more."
            problem = Problem(said, href="#practice", title="Nothing was tried")
        elif file is None or not file.size:
            problem = Problem("Choose a file first.", href="#record", title="Nothing was tried")
        else:
            ref = importing.receive(user, chosen, file.name or "", file.chunks(), delta)
            waits = importing.found(user, ref).state == "columns"
            return redirect("import-columns" if waits else "import-tried", ref)
    context = {
        "title": "Import records",
        "practices": practices,
        "chosen": chosen,
        "delta": delta,
        "most": MOST_UPLOADED // MEGABYTE,
        "imports": [listed(job, own) for job, own in importing.lately(user)],
        "problem": problem,
    }
    return render(request, "import.jinja", context, status=422 if problem else 200)


@require_safe
@page_view
def tried(request: HttpRequest, ref: UUID) -> HttpResponse:
    """How an import stands: what it would do, is doing or did."""
    return _show(request, str(ref))


def _show(request: HttpRequest, ref: str, problem: Problem | None = None) -> HttpResponse:
    job = card(importing.found(user_of(request), ref))
    context = {"title": job.title, "job": job, "run": job.run, "problem": problem}
    return render(request, "import-tried.jinja", context, status=409 if problem else 200)


@require_POST
@page_view
def publish(request: HttpRequest, ref: UUID) -> HttpResponse:
    """Have what was tried imported."""
    try:
        accepted = request.POST.get("accept_loss") == "yes"
        importing.confirm(user_of(request), str(ref), accepted, request.POST.get("seen", ""))
    except ConflictError as error:
        return _show(request, str(ref), Problem(str(error), title="Nothing was imported"))
    return redirect("import-tried", ref)


@require_POST
@page_view
def forget(request: HttpRequest, ref: UUID) -> HttpResponse:
    """Remove the file that was tried."""
    try:
        importing.forget(user_of(request), str(ref))
    except ConflictError as error:
        return _show(request, str(ref), Problem(str(error), title="The file was not removed"))
    say(request, "The file was removed. Nothing was imported.")
    return redirect("import")

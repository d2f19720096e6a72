"""Import: try a practice's record dry, see what would change, then import it."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from counterfoil.service.casework.errors import ConflictError
from counterfoil.service.pages.page import Problem, page_view, render, say, user_of
from counterfoil.service.setup import importing
from counterfoil.service.setup.uploads import MEGABYTE, MOST_UPLOADED


@require_http_methods(["GET", "POST"])
@page_view
def start(request: HttpRequest) -> HttpResponse:
    """Choose a file; posted, it is tried dry."""
    user = user_of(request)
    problem = None
    if request.method == "POST":
        file = request.FILES.get("record")
        if request.META.get("counterfoil.too_large"):
            said = f"A file may have {MOST_UPLOADED // MEGABYTE} MB at the most. Pack it as a zip."
            problem = Problem(said, href="#record", title="The file was not kept")
        elif file is None or not file.size:
            problem = Problem("Choose a file first.", href="#record", title="Nothing was tried")
        else:
            practice = request.POST.get("practice", "")
            delta = request.POST.get("delta") == "yes"
            ref = importing.dry_run(user, practice, file.name or "", file.chunks(), delta)
            return redirect("import-columns" if importing.is_waiting(ref) else "import-tried", ref)
    context = {
        "title": "Import records",
        "practices": importing.practices(user),
        "most": MOST_UPLOADED // MEGABYTE,
        "problem": problem,
    }
    return render(request, "import.jinja", context, status=422 if problem else 200)


@require_safe
@page_view
def tried(request: HttpRequest, ref: UUID) -> HttpResponse:
    """What the import would do."""
    return _show(request, str(ref))


def _show(request: HttpRequest, ref: str, problem: Problem | None = None) -> HttpResponse:
    run = importing.found(user_of(request), ref)
    context = {"title": "Dry run of an import", "run": run, "problem": problem}
    return render(request, "import-tried.jinja", context, status=409 if problem else 200)


@require_POST
@page_view
def publish(request: HttpRequest, ref: UUID) -> HttpResponse:
    """Import what was tried."""
    user = user_of(request)
    run = importing.found(user, str(ref))
    try:
        accepted = request.POST.get("accept_loss") == "yes"
        done = importing.publish(user, str(ref), accepted)
    except ConflictError as error:
        return _show(request, str(ref), Problem(str(error), title="Nothing was imported"))
    new = done.findings.new
    say(
        request,
        f"Imported. {run.practice_name} has {done.patients:,} patients now; "
        + (f"{new:,} new findings." if new != 1 else "1 new finding."),
    )
    return redirect("import")


@require_POST
@page_view
def forget(request: HttpRequest, ref: UUID) -> HttpResponse:
    """Remove the file that was tried."""
    importing.forget(user_of(request), str(ref))
    say(request, "The file was removed. Nothing was imported.")
    return redirect("import")

"""A letter: is every line dealt with? And the list of letters."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from counterfoil.documents.leaf import drawn
from counterfoil.foundation.errors import DataError
from counterfoil.service.casework import actions, clock, queries
from counterfoil.service.casework.errors import ConflictError, PolicyError
from counterfoil.service.casework.letters import correct_setting, take_in
from counterfoil.service.pages import pdf, words
from counterfoil.service.pages.page import (
    FormState,
    Problem,
    page_view,
    render,
    say,
    user_of,
    version_of,
)
from counterfoil.service.pages.presenters import case as case_presenter
from counterfoil.service.pages.presenters import closing
from counterfoil.service.pages.presenters import letter as presenter
from counterfoil.service.pages.views.today import back_to_list

MOST_BYTES = 10 * 1024 * 1024
OPEN = ("new", "in_progress")


@require_safe
@page_view
def letters(request: HttpRequest) -> HttpResponse:
    """Letters that are not finished, by due date."""
    return _list(request)


def _list(request: HttpRequest, problem: Problem | None = None) -> HttpResponse:
    found = queries.letters(user_of(request))
    context = {
        "title": "Letters",
        "open": [one for one in found if one.status in OPEN],
        "stray": [one for one in found if one.status not in OPEN],
        "practices": queries.practices(user_of(request)),
        "problem": problem,
    }
    status = 422 if problem else 200
    return render(request, "letters.jinja", context, current="letters", status=status)


@require_safe
@page_view
def quality(request: HttpRequest) -> HttpResponse:
    """What the letters of each hospital and ward state and leave unsaid; ``?csv`` for a table."""
    since = clock.today() - timedelta(days=365)
    rows = queries.letter_quality(user_of(request), since)
    if "csv" in request.GET:
        response = HttpResponse(presenter.quality_csv(rows), content_type="text/csv")
        response["Content-Disposition"] = 'attachment; filename="letter-quality.csv"'
        return response
    context = {
        "title": "What letters state",
        "criteria": presenter.CRITERIA,
        "rows": presenter.quality_rows(rows),
        "since": since,
    }
    return render(request, "letter-quality.jinja", context, current="letters")


@require_POST
@page_view
def add(request: HttpRequest) -> HttpResponse:
    """Take in a letter that came another way, for one of the user's practices."""
    user = user_of(request)
    file = request.FILES.get("letter")
    if file is None or not file.size:
        return _list(request, Problem("Choose the file of the letter first.", href="#letter"))
    if file.size > MOST_BYTES:
        return _list(request, Problem("A letter may have 10 MB at the most.", href="#letter"))
    try:
        ref = take_in(user, request.POST.get("practice", ""), file.read(), file.name or "letter")
    except DataError as error:
        return _list(request, Problem(str(error), href="#letter", title="The letter was not kept"))
    return redirect("letter", ref)


@require_safe
@page_view
def letter(request: HttpRequest, ref: UUID) -> HttpResponse:
    """The page of one letter; opening it is recorded."""
    return show(request, str(ref))


def show(
    request: HttpRequest,
    ref: str,
    *,
    problem: Problem | None = None,
    form: FormState | None = None,
    status: int = 200,
) -> HttpResponse:
    """Render the letter beside the GP list."""
    user = user_of(request)
    view = queries.letter_view(user, ref)
    case = None
    if view.summary.case_ref:
        if request.method == "GET":
            actions.view_patient(user, view.summary.case_ref, "letter")
        case = queries.case_view(user, view.summary.case_ref)
    groups = presenter.groups(view)
    context = {
        "title": "Letter",
        "letter": view,
        "summary": view.summary,
        "frame": presenter.frame_of(view.summary),
        "kinds": presenter.kinds(),
        "corrected_on": date.fromisoformat(view.corrected["on"]) if view.corrected else None,
        "text": presenter.marked_text(view),
        "leaves": presenter.leaves(view),
        "groups": groups,
        "counts": presenter.counts(groups),
        "others_of": presenter.others_of(groups),
        "confirmable": presenter.confirmable(groups),
        "case": case,
        "allergies": case_presenter.allergies(case.record) if case else "",
        "today": clock.today(),
        "again": presenter.look_again(view.summary, clock.today()),
        "problem": problem,
        "form": form or FormState(),
        "back": back_to_list(request, view.summary.case_ref or ref),
        "here": reverse("letter", args=[ref]),
    }
    return render(request, "letter.jinja", context, current="letters", status=status)


@require_POST
@page_view
def confirm_same(request: HttpRequest, ref: UUID) -> HttpResponse:
    """Confirm each of the same lines that were on the page, and no other class."""
    user = user_of(request)
    view = queries.letter_view(user, str(ref))
    version = version_of(request)
    if version is not None and version != view.version:
        text = "Something was done on this letter since you opened it. Look again, then confirm."
        problem = Problem(text, title="Somebody else was faster")
        return show(request, str(ref), problem=problem, status=409)
    wanted = set(request.POST.getlist("finding"))
    done = 0
    try:
        for line in presenter.confirmable(presenter.groups(view)):
            if line.line.finding.ref in wanted:
                actions.confirm_same(user, line.line.finding.ref)
                done += 1
    except (PolicyError, ConflictError) as error:
        text = f"{words.count(done, 'line')} confirmed, then this stood in the way: {error}"
        return show(request, str(ref), problem=Problem(text), status=409)
    say(request, f"{words.count(done, 'line')} confirmed as the same.")
    return redirect(reverse("letter", args=[ref]) + "#same")


@require_POST
@page_view
def correct(request: HttpRequest, ref: UUID) -> HttpResponse:
    """Say what kind of letter it is; it is read and compared anew."""
    try:
        done = correct_setting(
            user_of(request),
            str(ref),
            request.POST.get("setting", ""),
            expected_version=version_of(request),
        )
    except (PolicyError, ConflictError) as error:
        return show(request, str(ref), problem=Problem(str(error)), status=409)
    parts = ["Read anew."]
    if done.kept:
        parts.append(f"{words.count(done.kept, 'line')} decided before: kept.")
    if done.again:
        parts.append(f"{words.count(done.again, 'line')} decided before: to decide again.")
    if done.gone:
        parts.append(f"{words.count(done.gone, 'line')} not asked about any more.")
    say(request, " ".join(parts))
    return redirect("letter", ref)


@require_POST
@page_view
def finish(request: HttpRequest, ref: UUID) -> HttpResponse:
    """Finish the letter; refused while a line is open."""
    try:
        actions.finish_letter(user_of(request), str(ref), expected_version=version_of(request))
    except (PolicyError, ConflictError) as error:
        return show(request, str(ref), problem=Problem(str(error)), status=409)
    say(request, "Letter finished. This is what is to be done now.")
    return redirect("letter-outcome", ref)


@require_safe
@page_view
def outcome(request: HttpRequest, ref: UUID) -> HttpResponse:
    """What to do now: changes to enter, the query to the ward, the call to the patient."""
    return render(request, "letter-outcome.jinja", _outcome(request, str(ref)), current="letters")


@require_safe
@page_view
def outcome_pdf(request: HttpRequest, ref: UUID) -> HttpResponse:
    """The same on paper, as a PDF with its times."""
    context = _outcome(request, str(ref))
    return pdf.answered(request, "letter-outcome-print.jinja", context, "letter-outcome.pdf")


def _outcome(request: HttpRequest, ref: str) -> dict[str, Any]:
    user = user_of(request)
    view = queries.letter_view(user, ref)
    if view.summary.case_ref is None:
        raise Http404("The patient of this letter has not been found yet.")
    actions.view_patient(user, view.summary.case_ref, "letter")
    case = queries.case_view(user, view.summary.case_ref)
    return {
        "title": "What to do now",
        "letter": view,
        "summary": view.summary,
        "frame": presenter.frame_of(view.summary),
        "closing": closing.closing(view),
        "allergies": case_presenter.allergies(case.record),
        "finished": view.finished_at,
        "pdf": pdf.possible(),
    }


@require_safe
@page_view
def leaf(request: HttpRequest, ref: UUID, number: int) -> HttpResponse:
    """One page of a PDF letter as a picture."""
    content, media_type, _ = queries.original_letter(user_of(request), str(ref))
    if media_type != "application/pdf":
        raise Http404("Only the pages of a PDF are shown as pictures.")
    try:
        picture = drawn(content, number)
    except DataError as error:
        raise Http404("The letter has no such page that can be shown.") from error
    response = HttpResponse(picture, content_type="image/png")
    response["X-Content-Type-Options"] = "nosniff"
    return response


@require_safe
@page_view
def original(request: HttpRequest, ref: UUID) -> HttpResponse:
    """The letter's own bytes, as a download: never shown as a page of ours."""
    content, media_type, name = queries.original_letter(user_of(request), str(ref))
    response = HttpResponse(content, content_type=media_type or "application/octet-stream")
    suffix = "." + name.rsplit(".", 1)[1] if "." in name else ""
    safe = suffix if suffix[1:].isalnum() and len(suffix) < 8 else ""
    response["Content-Disposition"] = f'attachment; filename="letter{safe}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response

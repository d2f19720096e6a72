"""Writing and changing rules: the editor, its checks, the preview, approval."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from counterfoil.foundation.errors import DataError
from counterfoil.service.accounts.models import User
from counterfoil.service.casework.errors import ConflictError, PolicyError
from counterfoil.service.pages.page import Problem, page_view, render, say, user_of
from counterfoil.service.pages.presenters import rulebook as presenter
from counterfoil.service.rulebook import actions, force, preview, queries, renewing

Refused = (PolicyError, ConflictError, DataError)


@page_view
def edit(request: HttpRequest, name: str = "", ref: UUID | None = None) -> HttpResponse:
    """Write or change a rule. What is posted is checked, previewed, kept or submitted."""
    user = user_of(request)
    places = actions.organisations(user)
    if not places:
        raise Http404("Rules are written by technicians and pharmacists.")
    found = queries.version(user, str(ref)) if ref is not None else None
    if found is not None and not found[0].may_edit:
        raise Http404("This version is no draft.")
    if name and not queries.text_to_start_from(user, places[0].pk, name):
        raise Http404("There is no rule of this name.")
    if request.method == "POST":
        return _posted(request, user, str(ref or ""))
    if found is not None:
        line, text = found
        form = presenter.Form(line.organisation, text, line.reason, line.expires_on, str(ref))
    else:
        first = places[0].pk
        text = queries.text_to_start_from(user, first, name) if name else presenter.SKELETON
        form = presenter.Form(first, text)
    return _editor(request, user, form)


def _posted(request: HttpRequest, user: User, ref: str) -> HttpResponse:
    form, wrong = presenter.form_of(request.POST, ref)
    wanted = request.POST.get("do", "check")
    if wrong:
        return _editor(request, user, form, problem=Problem(wrong, href="#expires"), status=422)
    try:
        if wanted in ("save", "submit"):
            row = actions.keep_draft(
                user, form.organisation, form.text, form.reason, form.expires_on, form.ref
            )
            form = presenter.Form(
                row.organisation_id, row.text, row.reason, row.expires_on, str(row.pk)
            )
            if wanted == "submit":
                actions.submit(user, str(row.pk))
                say(request, f"Version {row.version} waits for a pharmacist's approval.")
                return redirect("rule", row.rule)
            say(request, f"Kept as a draft: version {row.version}.")
            return redirect("edit-draft", row.pk)
        found = None
        if wanted == "preview":
            found = preview.preview(user, form.organisation, force.checked(form.text, "line"))
        return _editor(request, user, form, found=found, looked=True)
    except DataError as error:
        several = f"{len(error.problems)} things stand in the way; they are listed beside the text."
        text = several if len(error.problems) > 1 else error.problems[0].expected
        problem = Problem(text, href="#text", title="The rule cannot be used yet")
        return _editor(request, user, form, problem=problem, looked=True, status=422)
    except (PolicyError, ConflictError) as error:
        return _editor(request, user, form, problem=Problem(str(error)), looked=True, status=409)


def _editor(
    request: HttpRequest,
    user: User,
    form: presenter.Form,
    *,
    found: preview.Preview | None = None,
    problem: Problem | None = None,
    looked: bool = False,
    status: int = 200,
) -> HttpResponse:
    context: dict[str, Any] = {
        "title": "Change a rule",
        "edited": form,
        "places": [(p.pk, p.name) for p in actions.organisations(user)],
        "faults": presenter.faults(actions.problems(form.text)),
        "examples": presenter.examples(queries.examples(form.text)),
        "preview": presenter.preview(found) if found else None,
        "words": queries.completions(),
        "problem": problem,
        "looked": looked,
        "action": reverse("edit-draft", args=[form.ref]) if form.ref else reverse("new-rule"),
    }
    return render(request, "rule-edit.jinja", context, current="audits", status=status)


@require_safe
@page_view
def version(request: HttpRequest, ref: UUID) -> HttpResponse:
    """One version: its text against the one it changes, its examples, what it would do."""
    return _version(request, str(ref))


def _version(
    request: HttpRequest, ref: str, problem: Problem | None = None, status: int = 200
) -> HttpResponse:
    user = user_of(request)
    line, text = queries.version(user, ref)
    found = None
    if "preview" in request.GET:
        found = preview.preview(user, line.organisation, force.checked(text, line.rule))
    context = {
        "title": f"{line.rule}, version {line.version}",
        "version": line,
        "difference": presenter.difference(force.shipped_texts().get(line.rule, ""), text),
        "examples": presenter.examples(queries.examples(text)),
        "preview": presenter.preview(found) if found else None,
        "problem": problem,
    }
    return render(request, "rule-version.jinja", context, current="audits", status=status)


@require_POST
@page_view
def decide(request: HttpRequest, ref: UUID, action: str) -> HttpResponse:
    """Approve, return or withdraw a version; what is in force is run again at once."""
    done: dict[str, Callable[[User, str, str], Any]] = {
        "approve": actions.approve,
        "return": actions.send_back,
        "withdraw": actions.withdraw,
    }
    if action not in done:
        raise Http404("There is no such step.")
    try:
        row = done[action](user_of(request), str(ref), request.POST.get("note", ""))
        if action != "return":
            renewing.after_change(row)
    except Refused as error:
        return _version(request, str(ref), Problem(str(error)), 409)
    said = {
        "approve": "Approved. What it finds is work from now on.",
        "return": "Returned to its author.",
        "withdraw": "Withdrawn. The rule before it is in force again.",
    }
    say(request, said[action])
    return redirect("rule", row.rule)

"""Audits: the book of rules, and one rule."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from counterfoil.service.casework import actions, queries
from counterfoil.service.casework.errors import ConflictError, PolicyError
from counterfoil.service.pages.page import Problem, page_view, render, say, user_of
from counterfoil.service.pages.presenters import audits as presenter
from counterfoil.service.rulebook import actions as writing
from counterfoil.service.rulebook import queries as rulebook


@require_safe
@page_view
def audits(request: HttpRequest) -> HttpResponse:
    """Rules with what each found, their versions, approvals and sources."""
    user = user_of(request)
    context = {
        "title": "Audits",
        "themes": presenter.book(queries.rules_book(user), rulebook.in_force(user)),
        "waiting": rulebook.waiting(user),
        "broken": rulebook.not_readable(user),
        "may_write": bool(writing.organisations(user)),
    }
    return render(request, "audits.jinja", context, current="audits")


@require_POST
@page_view
def approve(request: HttpRequest, name: str) -> HttpResponse:
    """Approve this version of a rule for an organisation of mine."""
    organisation = request.POST.get("organisation", "")
    try:
        actions.approve_rule(
            user_of(request), organisation, name, request.POST.get("rule_version", "")
        )
    except (PolicyError, ConflictError) as error:
        return _show(request, name, problem=Problem(str(error)), status=409)
    say(request, "Approved. What the rule finds is work from now on.")
    return redirect("rule", name)


@require_safe
@page_view
def rule(request: HttpRequest, name: str) -> HttpResponse:
    """One rule: plain words, criteria, examples, source, approval, counts."""
    return _show(request, name)


def _show(
    request: HttpRequest, name: str, *, problem: Problem | None = None, status: int = 200
) -> HttpResponse:
    user = user_of(request)
    shown = presenter.rule_page(name, queries.rules_book(user), rulebook.in_force(user))
    versions = rulebook.versions(user, name)
    if shown is None and versions:
        return redirect("rule-version", versions[0].ref)
    if shown is None:
        raise Http404("There is no rule of this name.")
    context = {
        "title": shown.title,
        "rule": shown,
        "problem": problem,
        "versions": versions,
        "may_write": bool(writing.organisations(user)),
    }
    return render(request, "rule.jinja", context, current="audits", status=status)

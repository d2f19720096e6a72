"""Audits: the book of rules, and one rule."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from counterfoil.service.casework import queries
from counterfoil.service.pages.page import page_view, render, user_of
from counterfoil.service.pages.presenters import audits as presenter


@require_GET
@page_view
def audits(request: HttpRequest) -> HttpResponse:
    """Rules with what each found, their versions, approvals and sources."""
    book = presenter.book(queries.rules_book(user_of(request)))
    context = {"title": "Audits", "themes": book}
    return render(request, "audits.jinja", context, current="audits")


@require_GET
@page_view
def rule(request: HttpRequest, name: str) -> HttpResponse:
    """One rule: plain words, criteria, examples, source, approval, counts."""
    shown = presenter.rule_page(name, queries.rules_book(user_of(request)))
    if shown is None:
        raise Http404("There is no rule of this name.")
    context = {"title": shown.title, "rule": shown}
    return render(request, "rule.jinja", context, current="audits")

"""Questions: what is asked of me?"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from counterfoil.service.casework import actions, clock, queries
from counterfoil.service.casework.errors import ConflictError, PolicyError
from counterfoil.service.pages.page import (
    FormState,
    Problem,
    page_view,
    posted,
    render,
    say,
    user_of,
    version_of,
)
from counterfoil.service.pages.presenters import questions as presenter


@require_safe
@page_view
def questions(request: HttpRequest) -> HttpResponse:
    """Hand-overs that wait for an answer of one of my roles."""
    return show(request)


def show(
    request: HttpRequest,
    *,
    problem: Problem | None = None,
    form: FormState | None = None,
    status: int = 200,
) -> HttpResponse:
    """Render the questions, with what was refused and what had been typed."""
    user = user_of(request)
    today = clock.today()
    context = {
        "title": "Questions",
        "questions": [presenter.present(one, today) for one in queries.questions(user)],
        "today": today,
        "problem": problem,
        "form": form or FormState(),
    }
    return render(request, "questions.jinja", context, current="questions", status=status)


@require_POST
@page_view
def reply(request: HttpRequest, ref: UUID) -> HttpResponse:
    """Send an answer, with the decision taken where one was."""
    fields = posted(request)
    evidence: dict[str, Any] = {
        name: fields[name] for name in ("found_on", "place", "reason") if name in fields
    }
    try:
        actions.reply(
            user_of(request),
            str(ref),
            fields.get("text", ""),
            fields.get("instruction", ""),
            decision=fields.get("decision", ""),
            evidence=evidence,
            expected_version=version_of(request),
        )
    except (PolicyError, ConflictError) as error:
        state = FormState(str(ref), fields)
        conflict = isinstance(error, ConflictError)
        problem = Problem(str(error), href=f"#q-{ref}")
        return show(request, problem=problem, form=state, status=409 if conflict else 422)
    say(request, "Answer sent.")
    return redirect("questions")

"""The switch for single keys."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from counterfoil.service.pages.page import KEYS, page_view, render, say


@require_http_methods(["GET", "POST"])
@page_view
def keys(request: HttpRequest) -> HttpResponse:
    """The list of single keys, and switching them off or on."""
    if request.method == "POST":
        off = request.POST.get("keys") == "off"
        request.session[KEYS] = off
        say(request, "Single keys are off." if off else "Single keys are on.")
        return redirect("keys")
    return render(request, "keys.jinja", {"title": "Keys"})

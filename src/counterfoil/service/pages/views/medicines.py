"""Medicines: how a dose text is read, and what a drug name or a code means. No patient's data."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from counterfoil.dosage.tokens import MAX_TEXT
from counterfoil.service.pages.page import page_view, render
from counterfoil.service.pages.presenters import dose as dose_presenter
from counterfoil.service.pages.presenters import medicines as presenter

MAX_NAME = 300


@require_http_methods(["GET", "HEAD", "POST"])
@page_view
def dose(request: HttpRequest) -> HttpResponse:
    """A dose text as it is read, word by word. Posted: people paste more than a dose."""
    text = request.POST.get("text", "").strip()
    typed = " ".join((request.POST.get("choose") or request.POST.get("product", "")).split())
    product = typed[:MAX_NAME]
    error = ""
    if request.method == "POST" and not text:
        error = "Type a dose, for example: ONE to be taken TWICE a day."
    elif len(text) > MAX_TEXT:
        error = f"A dose has at most {MAX_TEXT:,} characters; this text has {len(text):,}."
    context = {
        "title": "How a dose is read",
        "text": text,
        "product": product,
        "error": error,
        "longest": MAX_TEXT,
        "read": dose_presenter.dose_page(text, product) if text and not error else None,
        "of": dose_presenter.product_read(product) if text and not error else None,
    }
    status = 422 if error else 200
    return render(request, "dose.jinja", context, current="medicines", status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@page_view
def medicines(request: HttpRequest) -> HttpResponse:
    """The search for a drug name, a code or a set; what is found, or all sets where none is asked.

    Posted: words then go into the address, so that they can be kept and gone back to. A number does
    not: somebody may have pasted a patient's.
    """
    asked = request.POST if request.method == "POST" else request.GET
    query = " ".join(asked.get("q", "").split())[:MAX_NAME]
    if request.method == "POST" and not any(c.isdecimal() for c in query[:1]):
        address = reverse("medicines")
        return redirect(f"{address}?{urlencode({'q': query})}" if query else address)
    context = {
        "title": "Medicines and codes",
        "query": query,
        "found": presenter.look_up(query) if query else None,
        "sets": presenter.all_sets() if not query else (),
        "source": presenter.source_line(),
    }
    return render(request, "medicines.jinja", context, current="medicines")


@require_safe
@page_view
def suggest(request: HttpRequest) -> JsonResponse:
    """Product names for what is being typed: ``{"names": [...]}``, at most ten."""
    query = " ".join(request.GET.get("q", "").split())[:MAX_NAME]
    return JsonResponse({"names": presenter.suggestions(query)})


@require_safe
@page_view
def product(request: HttpRequest, ref: str) -> HttpResponse:
    """One product: its family, what it is, the sets and rules it belongs to."""
    shown = presenter.product_page(ref)
    if shown is None:
        raise Http404("No product has this id.")
    context = {"title": shown.name, "product": shown, "source": presenter.source_line()}
    return render(request, "product.jinja", context, current="medicines")


@require_safe
@page_view
def one_set(request: HttpRequest, name: str) -> HttpResponse:
    """One code set or drug set: what is in it, where it comes from, the rules that use it."""
    shown = presenter.set_page(name)
    if shown is None:
        raise Http404("There is no set of this name.")
    context = {"title": shown.title, "set": shown}
    return render(request, "set.jinja", context, current="medicines")

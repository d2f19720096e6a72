"""Pages on paper: a PDF from a template of its own, where the Pango library is there to set it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string

from counterfoil.service.casework import clock
from counterfoil.service.config import home
from counterfoil.service.pages import words
from counterfoil.service.pages.page import user_of


@cache
def possible() -> bool:
    """Whether this installation can make PDFs."""
    try:
        import weasyprint  # noqa: F401
    except (ImportError, OSError):  # the library is loaded when the package is
        return False
    return True


def answered(
    request: HttpRequest, template: str, context: Mapping[str, Any], filename: str
) -> HttpResponse:
    """A page on paper as a PDF to keep under this name; ``Http404`` where none can be made."""
    if not possible():
        raise Http404("This installation cannot make PDFs: it lacks the Pango library.")
    response = HttpResponse(_made(request, template, context), content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response


def _made(request: HttpRequest, template: str, context: Mapping[str, Any]) -> bytes:
    """The PDF itself. Nothing is fetched while it is set."""
    import weasyprint

    now = clock.now()
    filled = {
        **context,
        "demo": home.current().demo,
        "printed": f"{words.day_words(now)}, {words.clock(now)}",
        "by": user_of(request).display_name,
    }
    text = render_to_string(template, filled, request)
    return bytes(weasyprint.HTML(string=text, url_fetcher=_nothing).write_pdf() or b"")


def _nothing(url: str, *_: object, **__: object) -> Any:
    raise ValueError("a page on paper fetches nothing")

"""The Jinja environment of the pages: the NHS components, and what every template may call."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from django.templatetags.static import static
from django.urls import reverse
from jinja2 import ChainableUndefined, ChoiceLoader, Environment, PackageLoader

from counterfoil.foundation import days

PAGES = Path(__file__).resolve().parents[1] / "pages"


def environment(**options: Any) -> Environment:
    """An environment whose loader finds our templates first, then ``nhsuk/...`` macros.

    ``counterfoil.service.pages.jinja.extend(env)`` adds the pages' own filters where it exists.
    """
    options["loader"] = ChoiceLoader([options["loader"], PackageLoader("nhsuk_frontend_jinja")])
    # The NHS macros read parameters that callers left out.
    options["undefined"] = ChainableUndefined
    env = Environment(trim_blocks=True, lstrip_blocks=True, **options)
    env.globals.update(static=static, url=_url)
    env.filters["date_words"] = lambda value: days.words(value) if value is not None else ""
    if (PAGES / "jinja.py").exists():
        import_module("counterfoil.service.pages.jinja").extend(env)
    return env


def _url(name: str, *args: Any, **kwargs: Any) -> str:
    return reverse(name, args=args, kwargs=kwargs)

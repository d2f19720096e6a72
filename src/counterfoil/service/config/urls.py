"""Addresses: signing in and out here, everything else in ``pages``."""

from __future__ import annotations

from pathlib import Path

from django.urls import URLPattern, URLResolver, include, path

from counterfoil.service.accounts import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("sign-in/", views.SignIn.as_view(), name="sign-in"),
    path("sign-out/", views.SignOut.as_view(), name="sign-out"),
]
if (Path(__file__).resolve().parents[1] / "pages" / "urls.py").exists():
    urlpatterns.append(path("", include("counterfoil.service.pages.urls")))

"""Signing in and out: Django's own views, with the events and the words of this service.

The template ``sign-in.jinja`` belongs to ``pages``.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse

from counterfoil.service.accounts import throttle
from counterfoil.service.casework import actions


class SignInForm(AuthenticationForm):
    """User name and password; says when an account is paused."""

    error_messages = {  # noqa: RUF012
        "invalid_login": "The user name or password is not right.",
        "inactive": "This account has been closed.",
    }

    def get_invalid_login_error(self) -> forms.ValidationError:
        """The same words whether or not the account exists."""
        if throttle.paused(self.request, self.cleaned_data.get("username", "")):
            return forms.ValidationError(
                "Too many tries. Wait a quarter of an hour, or ask your administrator.",
                code="paused",
            )
        return super().get_invalid_login_error()


class SignIn(LoginView):
    """``/sign-in/``"""

    template_name = "sign-in.jinja"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Sign in and say so in the log."""
        response = super().form_valid(form)
        actions.signed_in(form.get_user())
        return response

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Say so in the log; the name that was typed is not kept there."""
        actions.sign_in_failed()
        return super().form_invalid(form)


class SignOut(LogoutView):
    """``/sign-out/``, posted."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Sign out and say so in the log."""
        if request.user.is_authenticated:
            actions.signed_out(request.user)
        return super().post(request, *args, **kwargs)

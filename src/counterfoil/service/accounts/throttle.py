"""Failed sign-ins, counted per account and address in the database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone

from counterfoil.service.accounts.models import FailedSignIn, User


def _key(request: HttpRequest | None, username: str) -> dict[str, str]:
    address = request.META.get("REMOTE_ADDR", "") if request is not None else ""
    return {"account": username.strip().lower()[:150], "address": address[:45]}


def paused(request: HttpRequest | None, username: str) -> bool:
    """Whether this account is closed to this address for now."""
    since = timezone.now() - timedelta(minutes=settings.COUNTERFOIL_SIGN_IN_PAUSE_MINUTES)
    return FailedSignIn.objects.filter(
        **_key(request, username),
        last_at__gt=since,
        failures__gte=settings.COUNTERFOIL_SIGN_IN_FAILURES,
    ).exists()


def failed(request: HttpRequest | None, username: str) -> None:
    """Count one failure; a count older than the pause starts anew."""
    now = timezone.now()
    stale = now - timedelta(minutes=settings.COUNTERFOIL_SIGN_IN_PAUSE_MINUTES)
    key = _key(request, username)
    with transaction.atomic():
        FailedSignIn.objects.filter(**key, last_at__lte=stale).delete()
        _, made = FailedSignIn.objects.get_or_create(
            **key, defaults={"failures": 1, "last_at": now}
        )
        if not made:
            FailedSignIn.objects.filter(**key).update(failures=F("failures") + 1, last_at=now)


def succeeded(request: HttpRequest | None, username: str) -> None:
    """Forget the failures of this account from this address."""
    FailedSignIn.objects.filter(**_key(request, username)).delete()


class ThrottledBackend(ModelBackend):
    """Django's own check of the password, behind the count."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """The user, or ``None``; ``PermissionDenied`` while the account is paused."""
        if not username or password is None:
            return None
        if paused(request, username):
            raise PermissionDenied
        user = super().authenticate(request, username=username, password=password, **kwargs)
        if user is None:
            failed(request, username)
            return None
        succeeded(request, username)
        return user if isinstance(user, User) else None

"""The service's clock: one place that says what now and today are."""

from __future__ import annotations

from datetime import date, datetime

from django.conf import settings
from django.utils import timezone


def now() -> datetime:
    """This moment, with its zone."""
    return timezone.now()


def today() -> date:
    """Today in the practices' zone, or the day that ``COUNTERFOIL_TODAY`` sets."""
    if settings.COUNTERFOIL_TODAY:
        return date.fromisoformat(settings.COUNTERFOIL_TODAY)
    return timezone.localdate()

"""The Django app of an organisation's own rules."""

from __future__ import annotations

from django.apps import AppConfig


class RulebookConfig(AppConfig):
    """``counterfoil.service.rulebook``."""

    name = "counterfoil.service.rulebook"
    label = "rulebook"
    default_auto_field = "django.db.models.BigAutoField"

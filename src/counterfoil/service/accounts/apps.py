"""The Django application of this folder."""

from __future__ import annotations

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Its label is the folder's name."""

    name = "counterfoil.service.accounts"
    label = "accounts"

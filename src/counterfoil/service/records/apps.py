"""The Django application of this folder."""

from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings


class RecordsConfig(AppConfig):
    """Its label is the folder's name."""

    name = "counterfoil.service.records"
    label = "records"

    def ready(self) -> None:
        """Match names with the release in use in this home, if it has one."""
        from counterfoil.service.config.home import Home
        from counterfoil.terminology import use_home

        use_home(Home(settings.COUNTERFOIL_HOME).terminology)

"""Practices, PCNs and trusts, and which holds which."""

from __future__ import annotations

from django.db import models


class Organisation(models.Model):
    """A practice, PCN or trust, named by its ODS code."""

    class Kind(models.TextChoices):
        """What an organisation is."""

        PRACTICE = "practice", "practice"
        PCN = "pcn", "PCN"
        TRUST = "trust", "trust"

    code = models.CharField(primary_key=True, max_length=12)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )
    protocol = models.JSONField(default=list, blank=True)
    """Actions that this organisation's signed protocol names, as ``"class:action"``."""

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

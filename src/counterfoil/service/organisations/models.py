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


class Switch(models.Model):
    """Something an organisation has switched on or off, with the statement it confirmed.

    No row is off. ``statement`` is the version of the intended purpose that was confirmed; a later
    version must be confirmed again. The event log keeps every turn; this is how it stands.
    """

    class Name(models.TextChoices):
        """What can be switched."""

        CALCULATORS = "calculators", "calculators"

    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="switches"
    )
    name = models.CharField(max_length=20, choices=Name.choices)
    on = models.BooleanField(default=False)
    statement = models.CharField(max_length=20)
    turned_by = models.CharField(max_length=150)
    turned_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("organisation", "name"), name="one_switch_each"),
        )

    def __str__(self) -> str:
        return f"{self.name} of {self.organisation_id}: {'on' if self.on else 'off'}"

"""Rules that an organisation wrote or changed, each version with its text, its reason and its fate."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from counterfoil.service.organisations.models import Organisation


class LocalRule(models.Model):
    """One version of a rule in one organisation.

    A draft changes until it is submitted; then its text never changes. Of the approved versions of
    a rule the highest is in force, until the day it expires or is withdrawn.
    """

    class Status(models.TextChoices):
        """How far a version is."""

        DRAFT = "draft", "draft"
        SUBMITTED = "submitted", "waiting for approval"
        APPROVED = "approved", "approved"
        RETURNED = "returned", "returned"
        WITHDRAWN = "withdrawn", "withdrawn"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="local_rules"
    )
    rule = models.CharField(max_length=80)
    version = models.PositiveIntegerField()
    text = models.TextField()
    """The rule file. Its ``version`` is this row's."""
    based_on = models.CharField(max_length=20, blank=True)
    """The version of the shipped rule it was made from; empty for a rule of one's own."""
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT)
    reason = models.TextField(blank=True)
    """Why the organisation does it in another way."""
    expires_on = models.DateField(null=True)
    """First day on which it is no longer in force."""
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="rules_written"
    )
    saved_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="rules_decided",
    )
    decided_at = models.DateTimeField(null=True)
    note = models.TextField(blank=True)
    """What the pharmacist wrote when approving, returning or withdrawing it."""

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("organisation", "rule", "version"), name="one_text_a_version"
            ),
        )
        ordering = ("rule", "-version")

"""People who sign in, and the role each holds in an organisation."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models

from counterfoil.service.organisations.models import Organisation


class Role(models.TextChoices):
    """What a person may decide; the policy itself is ``knowledge/roles.toml``."""

    TECHNICIAN = "technician", "technician"
    PHARMACIST = "pharmacist", "pharmacist"
    PRESCRIBER = "prescriber", "prescriber"
    LEAD = "lead", "PCN lead"
    ADMIN = "admin", "administrator"


class User(AbstractUser):
    """Somebody who signs in. What they may see and do hangs on their memberships."""

    @property
    def display_name(self) -> str:
        """The name colleagues read on a page."""
        return self.get_full_name() or self.username


class Membership(models.Model):
    """A user's role in an organisation; one held in a PCN reaches its practices."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="memberships"
    )
    role = models.CharField(max_length=12, choices=Role.choices)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("user", "organisation", "role"), name="one_membership_each"
            ),
        )

    def __str__(self) -> str:
        return f"{self.role} at {self.organisation_id}"


class FailedSignIn(models.Model):
    """Failed sign-ins of one account from one address; enough of them close the door a while."""

    account = models.CharField(max_length=150)
    address = models.CharField(max_length=45)
    failures = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("account", "address"), name="one_count_each"),
        )

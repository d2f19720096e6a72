"""Published snapshots, their readers, and who the patients of a practice are."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models

from counterfoil.service.organisations.models import Organisation


class Snapshot(models.Model):
    """One load of one practice's record. At most one a practice is published."""

    key = models.CharField(primary_key=True, max_length=80)
    """``practice/snapshot_id``: the folder under the store's root."""
    practice = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="snapshots")
    snapshot_id = models.CharField(max_length=64)
    published = models.BooleanField(default=False)
    format = models.CharField(max_length=20)
    as_of = models.DateField()
    """The index day of its findings."""
    data_as_at = models.DateTimeField()
    """When the source system wrote what was loaded."""
    published_at = models.DateTimeField(null=True)
    superseded_at = models.DateTimeField(null=True)
    """When another took its place; it may be kept a while, by setting."""
    counts = models.JSONField(default=dict)
    quality = models.JSONField(default=dict)
    """What its record lacks, once somebody asked."""

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("practice",),
                condition=models.Q(published=True),
                name="one_published_snapshot",
            ),
        )


class Lease(models.Model):
    """Somebody reads a snapshot, or is about to publish it; its files stay until the lease ends."""

    snapshot_id = models.CharField(max_length=64, db_index=True)
    holder = models.CharField(max_length=80)
    expires_at = models.DateTimeField()


class PersonIndex(models.Model):
    """One patient of one practice as the published snapshot names them (denormalised at publish)."""

    practice = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="people")
    patient_id = models.CharField(max_length=80)
    person_id = models.CharField(max_length=80, db_index=True)
    nhs_number = models.CharField(max_length=10, blank=True, db_index=True)
    given_name = models.CharField(max_length=120, blank=True)
    family_name = models.CharField(max_length=120, blank=True)
    birth_date = models.DateField(null=True)
    sex = models.CharField(max_length=8)
    death_date = models.DateField(null=True)
    registered_from = models.DateField(null=True)
    registered_to = models.DateField(null=True)
    is_sensitive = models.BooleanField(default=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("practice", "patient_id"), name="one_row_a_patient"),
        )


class ImportJob(models.Model):
    """A file that somebody gave on the import page, from there to its end.

    A worker that reads or publishes it is its *holder*; a job whose holder is gone is taken up
    again. It becomes done in the transaction that publishes, so that it says which world it is.
    """

    class State(models.TextChoices):
        """Where a job stands. Two of them are a person's turn: columns, asks."""

        COLUMNS = "columns"
        QUEUED = "queued"
        READING = "reading"
        ASKS = "asks"
        CONFIRMED = "confirmed"
        PUBLISHING = "publishing"
        DONE = "done"
        REFUSED = "refused"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    practice = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="imports")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    file = models.CharField(max_length=80)
    """What the person's computer called the file."""
    table = models.BooleanField(default=False)
    """One table of a search, whose columns are mapped."""
    delta = models.BooleanField(default=False)
    state = models.CharField(max_length=12, choices=State.choices, db_index=True)
    step = models.CharField(max_length=20, blank=True)
    """The last point of the publish protocol that was passed."""
    holder = models.CharField(max_length=80, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    accept_loss = models.BooleanField(default=False)
    followed = models.BooleanField(default=True)
    """False from publication until letters and figures have been brought up to it."""
    made_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    tried: Any = models.JSONField(default=dict)
    """What a dry run found."""
    reasons: Any = models.JSONField(default=list)
    """Sentences: why it was refused, or is asked about once more."""
    result: Any = models.JSONField(default=dict)

"""Reading published snapshots: who reads holds a lease, so that no file goes while it is read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from counterfoil.records import snapshot as files
from counterfoil.records.store import Store
from counterfoil.service.config import home
from counterfoil.service.records.models import Lease, Snapshot

LEASE_MINUTES = 10


def store() -> Store:
    """The snapshot store of this installation."""
    return Store(home.current().store)


@contextmanager
def leased(practice: str) -> Iterator[Snapshot | None]:
    """The practice's published snapshot, held while the block runs; ``None`` where none is."""
    with transaction.atomic():
        row = Snapshot.objects.filter(practice=practice, published=True).first()
        lease = None if row is None else take_lease(row.snapshot_id)
    try:
        yield row
    finally:
        if lease is not None:
            lease.delete()


def opened(row: Snapshot | None) -> files.Snapshot | None:
    """The files of a published snapshot that is held; ``None`` for ``None``."""
    return None if row is None else store().open(row.snapshot_id)


def take_lease(snapshot_id: str) -> Lease:
    """Hold a snapshot's files; the lease ends when it is deleted, or by itself after a while."""
    return Lease.objects.create(
        snapshot_id=snapshot_id,
        holder=f"{os.getpid()}",
        expires_at=timezone.now() + timedelta(minutes=LEASE_MINUTES),
    )

"""Reading published snapshots: who reads holds a lease, so that no file goes while it is read.

A lease ends when its reader is done, when its process is gone, or by itself after a while.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

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


def patients_by_number(practice: str) -> dict[str, str]:
    """The patient ids of the practice's published record by NHS number.

    A number that two patients have is left out: whose it is cannot be known.
    """
    with leased(practice) as row:
        found = opened(row)
        if found is None:
            return {}
        table = found.scan("patient").read(["nhs_number", "patient_id"])
    ids: dict[str, set[str]] = {}
    numbers = table["nhs_number"].to_pylist()
    for number, patient_id in zip(numbers, table["patient_id"].to_pylist(), strict=True):
        if number is not None:
            ids.setdefault(number, set()).add(patient_id)
    return {number: min(held) for number, held in ids.items() if len(held) == 1}


def take_lease(snapshot_id: str) -> Lease:
    """Hold a snapshot's files; the lease ends when it is deleted, or by itself after a while."""
    return Lease.objects.create(
        snapshot_id=snapshot_id,
        holder=this_process(),
        expires_at=timezone.now() + timedelta(minutes=LEASE_MINUTES),
    )


def drop_dead_leases() -> None:
    """Remove the leases of processes of this machine that are gone, and of others what has run out.

    A process that is there keeps its own, however long a large load takes it.
    """
    here = f"{socket.gethostname()[:40]}:"
    held = set(Lease.objects.values_list("holder", flat=True))
    ours = {holder for holder in held if holder.startswith(here)}
    alive = {holder for holder in ours if is_there(holder)}
    Lease.objects.filter(holder__in=ours - alive).delete()
    Lease.objects.filter(expires_at__lt=timezone.now()).exclude(holder__in=alive).delete()


def this_process() -> str:
    """The name under which this process holds what is its own."""
    return _holder(os.getpid())


def is_there(holder: str) -> bool:
    """Whether a process of this machine that calls itself so is at work still."""
    name, _, rest = holder.partition(":")
    number = rest.partition(":")[0]
    here = name == socket.gethostname()[:40] and number.isdecimal()
    return here and holder == _holder(int(number))


def is_here(holder: str) -> bool:
    """Whether it is, or was, a process of this machine."""
    return holder.startswith(f"{socket.gethostname()[:40]}:")


def _holder(process: int) -> str:
    """A process of this machine, told from a later one of the same number by when it began."""
    return f"{socket.gethostname()[:40]}:{process}:{_began(process)}"


def _began(process: int) -> str:
    """When a process began, in the system's own count; ``gone`` where there is none."""
    stat = Path(f"/proc/{process}/stat")
    try:
        # The name of the program stands in brackets and may hold anything.
        state, *rest = stat.read_text("utf-8").rpartition(")")[2].split()
        return "gone" if state == "Z" else rest[18]
    except FileNotFoundError:
        if stat.parent.parent.joinpath("self").exists():
            return "gone"
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return "gone"
    except PermissionError:
        pass
    return ""

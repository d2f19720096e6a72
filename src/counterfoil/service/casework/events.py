"""The event log: append-only, one hash chain an organisation, its heads anchored outside.

An event's hash covers its place, its content and the hash before it, so that a changed or removed
event breaks the chain. A rebuilt chain or a cut tail would look whole: the anchors in the home
folder name hashes that were once heads, and must still be found. Ship that file elsewhere daily.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.db import transaction

from counterfoil.service.accounts.models import User
from counterfoil.service.casework import clock
from counterfoil.service.casework.models import ChainHead, Event

START = "0" * 64
SYSTEM = "system"


@dataclass(frozen=True)
class Entry:
    """What is to be logged: a kind, and the ids it concerns. No names, no NHS numbers."""

    kind: str
    refs: Mapping[str, Any]


def append(chain: str, entries: Iterable[Entry], user: User | None = None, role: str = "") -> None:
    """Add events to an organisation's chain. Only inside the transaction that does the thing."""
    todo = list(entries)
    if not todo:
        return
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("an event is written in the transaction of what it records")
    ChainHead.objects.get_or_create(chain=chain)
    head = ChainHead.objects.select_for_update().get(chain=chain)
    now = clock.now()
    actor = str(user.pk) if user is not None else SYSTEM
    rows, seq, before = [], head.seq, head.hash or START
    for entry in todo:
        seq += 1
        row = Event(
            chain=chain,
            seq=seq,
            prev_hash=before,
            at=now,
            actor=actor,
            role=role,
            kind=entry.kind,
            refs=dict(entry.refs),
        )
        row.hash = before = digest(row)
        rows.append(row)
    Event.objects.bulk_create(rows, batch_size=200)
    ChainHead.objects.filter(chain=chain).update(seq=seq, hash=before)


def digest(event: Event) -> str:
    """The hash that this event must have."""
    content = [
        event.chain,
        event.seq,
        event.prev_hash,
        event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        event.actor,
        event.role,
        event.kind,
        event.refs,
    ]
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def anchor(path: Path) -> int:
    """Append the head of every chain that moved since its last anchor; how many were written."""
    last = {chain: seq for chain, seq, _, _ in read_anchors(path)}
    moved = [
        {"chain": h.chain, "seq": h.seq, "hash": h.hash, "at": clock.now().isoformat()}
        for h in ChainHead.objects.order_by("chain")
        if h.seq > last.get(h.chain, 0)
    ]
    if moved:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in moved)
            file.flush()
            os.fsync(file.fileno())
    return len(moved)


def anchor_if_due(path: Path) -> int:
    """Anchor when the last anchor is not of today; for the daily moments (sign-in, start, publish)."""
    lines = read_anchors(path)
    if lines and lines[-1][3].date() == clock.now().date():
        return 0
    return anchor(path)


def read_anchors(path: Path) -> list[tuple[str, int, str, datetime]]:
    """Anchors as (chain, seq, hash, at). A last line cut short by a crash is left out."""
    if not path.is_file():
        return []
    found = []
    for line in path.read_text("utf-8").splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        found.append((row["chain"], row["seq"], row["hash"], datetime.fromisoformat(row["at"])))
    return found


@dataclass(frozen=True)
class Verification:
    """What a check of the log found; whole when ``problems`` is empty."""

    chains: int
    events: int
    anchors: int
    problems: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Whether nothing was changed, removed or rebuilt, as far as the anchors reach."""
        return not self.problems


def verify(path: Path) -> Verification:
    """Walk every chain from its start and compare it with the anchors in *path*."""
    problems: list[str] = []
    hashes: dict[tuple[str, int], str] = {}
    heads: dict[str, tuple[int, str]] = {}
    for event in Event.objects.order_by("chain", "seq").iterator(chunk_size=2000):
        name = event.chain or "installation"
        seq, before = heads.get(event.chain, (0, START))
        if event.seq != seq + 1:
            problems.append(f"{name}: events {seq + 1} to {event.seq - 1} are missing")
        if event.prev_hash != before:
            problems.append(f"{name}, event {event.seq}: does not follow from the one before")
        if digest(event) != event.hash:
            problems.append(f"{name}, event {event.seq}: was altered")
        heads[event.chain] = (event.seq, event.hash)
        hashes[event.chain, event.seq] = event.hash
    for head in ChainHead.objects.order_by("chain"):
        if (head.seq, head.hash) != heads.get(head.chain, (0, "")) and head.seq:
            problems.append(f"{head.chain or 'installation'}: the end of the log is not its head")
    anchors = read_anchors(path)
    for chain, seq, value, at in anchors:
        name = f"{chain or 'installation'}, event {seq}, anchored {at:%Y-%m-%d %H:%M}"
        if (chain, seq) not in hashes:
            problems.append(f"{name}: is gone")
        elif hashes[chain, seq] != value:
            problems.append(f"{name}: is another one now, the chain was rebuilt")
    return Verification(len(heads), len(hashes), len(anchors), tuple(problems))

"""Where letters wait: a MESH mailbox, or a folder that something else writes to."""

from __future__ import annotations

import gzip
import io
import os
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from counterfoil.foundation.errors import DataError
from counterfoil.service.casework import clock
from counterfoil.service.inbox.settings import Inbox

if TYPE_CHECKING:
    from mesh_client import MeshClient

LARGEST = 50_000_000
"""Bytes. What is larger is no letter: it is left where it is, and said."""
_TOO_LARGE = f"it is larger than {LARGEST // 1_000_000} MB"
_GZIP = b"\x1f\x8b"
_PASSING = (".part", ".tmp", ".crdownload", ".filepart")
TAKEN = "taken"


class LeftWaitingError(Exception):
    """Why something that waits is left where it is."""


@dataclass(frozen=True)
class Waiting:
    """Something that waits. ``key`` is the source's own id of it; ``content`` its bytes."""

    key: str
    name: str
    content: bytes
    received_at: datetime


class Source(Protocol):
    """Lists what waits, downloads one, and acknowledges one once it is stored."""

    def keys(self) -> list[str]:
        """What waits now, oldest first as far as the source knows."""

    def download(self, key: str) -> Waiting:
        """The bytes of one; ``LeftWaitingError`` where it is not to be taken."""

    def acknowledge(self, key: str) -> None:
        """Say that it is safe here. Acknowledging twice is harmless."""


class FolderSource:
    """Files in a watched folder. Acknowledged means moved to ``taken/`` inside it."""

    def __init__(self, inbox: Inbox) -> None:
        assert inbox.path is not None
        self.path, self.settle = inbox.path, inbox.settle_seconds
        if not self.path.is_dir():
            raise DataError.at(f"inbox {inbox.name!r}", "expected a folder that can be read")

    def keys(self) -> list[str]:
        """Names of the files that have settled; hidden and half-written ones are passed over."""
        found = []
        for entry in os.scandir(self.path):
            if entry.name.startswith(".") or entry.name.endswith(_PASSING):
                continue
            if not entry.is_file(follow_symlinks=False):
                continue
            changed = entry.stat(follow_symlinks=False).st_mtime
            if time.time() - changed >= self.settle:
                found.append((changed, entry.name))
        return [name for _, name in sorted(found)]

    def download(self, key: str) -> Waiting:
        """The file's bytes; received when it was last changed."""
        path = self.path / key
        try:
            size, changed = path.stat().st_size, path.stat().st_mtime
            if size > LARGEST:
                raise LeftWaitingError(_TOO_LARGE)
            content = path.read_bytes()
        except OSError as error:
            raise LeftWaitingError(f"it cannot be read ({type(error).__name__})") from None
        return Waiting(key, key, content, datetime.fromtimestamp(changed, UTC))

    def acknowledge(self, key: str) -> None:
        """Move the file to ``taken/``, beside others of its name."""
        path, taken = self.path / key, self.path / TAKEN
        taken.mkdir(exist_ok=True)
        target, number = taken / key, 1
        while target.exists():
            number += 1
            target = taken / f"{Path(key).stem}-{number}{Path(key).suffix}"
        if path.exists():
            path.rename(target)


class MeshSource:
    """Messages in a MESH mailbox. Nothing is downloaded that is not one of the letters' workflows."""

    def __init__(self, inbox: Inbox, client: MeshClient) -> None:
        self.inbox, self.client = inbox, client

    def keys(self) -> list[str]:
        """Ids of every message that waits, page by page."""
        return list(dict.fromkeys(self.client.iterate_message_ids()))

    def download(self, key: str) -> Waiting:
        """One message, its parts joined and unpacked; received when MESH says it was delivered."""
        message = self.client.retrieve_message(key)
        try:
            workflow = str(message.workflow_id or "")
            if self.inbox.workflows and workflow not in self.inbox.workflows:
                raise LeftWaitingError(f"its workflow {workflow or '(none)'} carries no letters")
            if str(message.message_type or "DATA").upper() != "DATA":
                raise LeftWaitingError("it is a delivery report, not a letter")
            content = _whole(message)
            if message.compressed or content[:2] == _GZIP:
                content = _unpacked(content)
            return Waiting(key, str(message.filename or key), content, clock.now())
        finally:
            message.close()

    def acknowledge(self, key: str) -> None:
        """Tell MESH that the message is safe here; it leaves the mailbox."""
        self.client.acknowledge_message(key)


def _whole(message: BinaryIO | Any) -> bytes:
    parts, size = [], 0
    while part := message.read(1 << 20):
        parts.append(part)
        size += len(part)
        if size > LARGEST:
            raise LeftWaitingError(_TOO_LARGE)
    return b"".join(parts)


def _unpacked(content: bytes) -> bytes:
    """What a sender packed with gzip before sending; never more than :data:`LARGEST` bytes of it."""
    if content[:2] != _GZIP:
        return content
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
            unpacked = packed.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error):
        return content  # kept as it came: it will be shown as unreadable
    if len(unpacked) > LARGEST:
        raise LeftWaitingError(_TOO_LARGE)
    return unpacked


@contextmanager
def source_of(inbox: Inbox) -> Iterator[Source]:
    """The source of an inbox, ready to use; ``DataError`` where it cannot be reached or signed in to."""
    if inbox.kind == "folder":
        yield FolderSource(inbox)
        return
    with _client(inbox) as client:
        yield MeshSource(inbox, client)


@contextmanager
def _client(inbox: Inbox) -> Iterator[MeshClient]:
    from mesh_client import MeshClient
    from requests import RequestException
    from urllib3.exceptions import HTTPError

    cert = (str(inbox.certificate), str(inbox.key)) if inbox.certificate and inbox.key else None
    place = f"inbox {inbox.name!r}"
    try:
        with MeshClient(
            inbox.url,
            inbox.mailbox,
            inbox.secret("password_file"),
            shared_key=inbox.secret("shared_key_file").encode(),
            cert=cert,
            verify=str(inbox.ca) if inbox.ca else None,
            application_name="counterfoil",
            timeout=60,
        ) as client:
            client.handshake()
            yield client
    except (RequestException, HTTPError) as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        found = f"status {status}" if status else type(error).__name__
        raise DataError.at(
            place, "expected a MESH server that lets this mailbox in", found
        ) from None

"""The one folder that holds all data of an installation.

``db.sqlite3`` (unless PostgreSQL is set), ``store/`` (snapshots), ``terminology/`` (releases and
code sets), ``documents/`` (letters as they came), ``computed/`` (what rules found,
so that a delta is worked out from it; may be lost), ``anchors.jsonl`` (heads of the event log),
``secret.key`` and ``home.json``.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


def default_folder() -> Path:
    """``COUNTERFOIL_HOME``, else the platform's folder for user data."""
    if named := os.environ.get("COUNTERFOIL_HOME"):
        return Path(named).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", "~")).expanduser() / "Counterfoil"
    if sys.platform == "darwin":
        return Path("~/Library/Application Support/Counterfoil").expanduser()
    return Path(os.environ.get("XDG_DATA_HOME", "~/.local/share")).expanduser() / "counterfoil"


@dataclass(frozen=True)
class Home:
    """An installation's folder. Nothing is made until :meth:`create`."""

    folder: Path

    @property
    def database(self) -> Path:
        """The SQLite database, where that is used."""
        return self.folder / "db.sqlite3"

    @property
    def store(self) -> Path:
        """The root of the snapshot store."""
        return self.folder / "store"

    @property
    def terminology(self) -> Path:
        """The root of terminology releases and code sets; need not exist."""
        return self.folder / "terminology"

    @property
    def documents(self) -> Path:
        """Letters, each in a file named by its SHA-256."""
        return self.folder / "documents"

    @property
    def anchors(self) -> Path:
        """Heads of the event log, kept outside the database."""
        return self.folder / "anchors.jsonl"

    @property
    def exists(self) -> bool:
        """Whether this folder has been made into a home."""
        return (self.folder / "home.json").is_file()

    def facts(self) -> dict[str, Any]:
        """What ``home.json`` says; empty where the home does not exist yet."""
        path = self.folder / "home.json"
        return dict(json.loads(path.read_text("utf-8"))) if path.is_file() else {}

    @property
    def demo(self) -> bool:
        """Whether this is a demo home. A demo home is demo for ever."""
        return bool(self.facts().get("demo", False))

    def secret(self, name: str = "secret.key") -> str:
        """The key in this file; ``""`` where it has not been made."""
        path = self.folder / name
        return path.read_text("utf-8").strip() if path.is_file() else ""

    def create(self, *, demo: bool, **facts: Any) -> Home:
        """Make the folder, its keys and ``home.json``; an existing home keeps what it is."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for part in (self.store, self.documents):
            part.mkdir(exist_ok=True)
        (self.folder / "importing").mkdir(mode=0o700, exist_ok=True)
        for name in ("secret.key", "person.key"):
            if not (self.folder / name).exists():
                _write_private(self.folder / name, secrets.token_urlsafe(48))
        if not self.exists:
            text = json.dumps({"demo": demo, "version": 1, **facts}, indent=1)
            _write_private(self.folder / "home.json", text)
        return self


def _write_private(path: Path, text: str) -> None:
    partial = path.with_suffix(".part")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def current() -> Home:
    """The home the running service was configured with."""
    from django.conf import settings

    return Home(Path(settings.COUNTERFOIL_HOME))

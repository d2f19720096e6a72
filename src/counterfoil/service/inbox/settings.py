"""Which inboxes an installation has: ``inboxes.toml`` in its home.

Secrets are never in that file: it names the files that hold them, which only their owner may read.
"""

from __future__ import annotations

import stat
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from counterfoil.foundation.errors import DataError, Problem

FILE = "inboxes.toml"
_NEEDED = {
    "mesh": ("name", "practice", "url", "mailbox", "password_file", "shared_key_file"),
    "folder": ("name", "practice", "path"),
}
_MAY = {
    "mesh": ("certificate", "key", "ca", "workflows"),
    "folder": ("settle_seconds",),
}
_PATHS = ("password_file", "shared_key_file", "certificate", "key", "ca", "path")


@dataclass(frozen=True)
class Inbox:
    """One inbox of one practice; which fields count depends on ``kind`` (``mesh`` or ``folder``).

    ``workflows``: MESH workflow ids that carry letters; messages of others are left where they are.
    Empty means every message is a letter. ``settle_seconds``: how long a file in a watched folder
    must have been unchanged before it is taken.
    """

    kind: str
    name: str
    practice: str
    url: str = ""
    mailbox: str = ""
    password_file: Path | None = None
    shared_key_file: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    ca: Path | None = None
    workflows: tuple[str, ...] = ()
    path: Path | None = None
    settle_seconds: float = 5.0

    def secret(self, which: str) -> str:
        """The secret in ``password_file`` or ``shared_key_file``; ``DataError`` where it is not
        there, or where others than its owner may read it."""
        path: Path | None = getattr(self, which)
        place = f"{FILE} inbox {self.name!r}, {which}"
        if path is None or not path.is_file():
            raise DataError.at(place, "expected the path of a file that holds the secret")
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise DataError.at(place, "expected a file that only its owner may read (chmod 600)")
        return path.read_text("utf-8").strip()


def load(folder: Path) -> list[Inbox]:
    """The inboxes of the home in *folder*, in the order of the file; none where there is no file.

    ``DataError`` names every entry that is wrong. Relative paths are relative to the home.
    """
    path = folder / FILE
    if not path.is_file():
        return []
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError.at(FILE, "expected a TOML file in UTF-8", str(error)) from None
    problems: list[Problem] = []
    found: list[Inbox] = []
    for kind, entries in data.items():
        if kind not in _NEEDED or not isinstance(entries, list):
            problems.append(Problem(FILE, "expected [[mesh]] and [[folder]] entries only", kind))
            continue
        for number, entry in enumerate(entries, 1):
            wrong = _wrong(kind, entry)
            if wrong:
                problems += [Problem(f"{FILE} {kind}[{number}]", *one) for one in wrong]
            else:
                found.append(_inbox(folder, kind, entry))
    names = [inbox.name for inbox in found]
    for name in sorted({n for n in names if names.count(n) > 1}):
        problems.append(Problem(FILE, "expected each name once", name))
    if problems:
        raise DataError(*problems)
    return found


def _wrong(kind: str, entry: Any) -> list[tuple[str, str]]:
    if not isinstance(entry, dict):
        return [("expected a table of settings", repr(entry))]
    wrong = [(f"expected {key}, a text", "") for key in _NEEDED[kind] if not _text(entry.get(key))]
    known = (*_NEEDED[kind], *_MAY[kind])
    wrong += [(f"expected one of {', '.join(known)}", key) for key in entry if key not in known]
    seconds = entry.get("settle_seconds", 0)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
        wrong.append(("expected settle_seconds, a number of seconds", str(seconds)))
    workflows = entry.get("workflows", [])
    if not isinstance(workflows, list) or not all(_text(w) for w in workflows):
        wrong.append(("expected workflows, a list of texts", str(workflows)))
    if bool(entry.get("certificate")) != bool(entry.get("key")):
        wrong.append(("expected certificate and key together", ""))
    wrong += [
        (f"expected {key}, a text", str(entry[key]))
        for key in ("certificate", "key", "ca")
        if key in entry and not _text(entry[key])
    ]
    return wrong


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _inbox(folder: Path, kind: str, entry: dict[str, Any]) -> Inbox:
    known = {f.name for f in fields(Inbox)}
    values = {key: value for key, value in entry.items() if key in known}
    for key in _PATHS:
        if key in values:
            values[key] = folder / Path(values[key]).expanduser()
    if "workflows" in values:
        values["workflows"] = tuple(values["workflows"])
    return Inbox(kind=kind, **values)

"""Terminology releases on disk: immutable folders beside each other, and which are in use.

Layout, under ``<home>/terminology``::

    releases/<name>/manifest.json     kind, role, version, date, files with hashes, counts, anomalies
    releases/<name>/<table>.parquet   what every kind of the role offers: product, strength, ...
    releases/<name>/source/*.parquet  the rows of the files, a table each
    in-use.json                       the releases chosen by hand, by role
    sets/                             code sets, which ``terminology.codelists`` keeps

Releases that answer the same question have one *role* (``products``: a dm+d release or a product
list; ``supplement``; ``bnf``). In use is, by role, what was chosen, else the newest by date. A folder
is written beside its place, synced and renamed into it: a kill at any moment leaves it whole or
absent.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from counterfoil.foundation.errors import DataError, UsageError
from counterfoil.terminology.releases.in_use import InUse
from counterfoil.terminology.releases.report import Anomaly, LoadReport

FORMAT = 1
"""Raised when the tables change; a release of another format is made again by loading its files."""

_PARTIAL = ".partial-"
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,80}\Z")


@dataclass(frozen=True)
class Release:
    """One immutable release on disk."""

    folder: Path

    @property
    def name(self) -> str:
        """The folder's name, as ``terminology use`` takes it."""
        return self.folder.name

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What ``manifest.json`` says."""
        found: dict[str, Any] = json.loads((self.folder / "manifest.json").read_text("utf-8"))
        return found

    @property
    def kind(self) -> str:
        """``dmd``, ``dmd-supplement``, ``product-list``, ``bnf-map``, ..."""
        return str(self.manifest["kind"])

    @property
    def role(self) -> str:
        """The question it answers: of the releases of one role, one is in use."""
        return str(self.manifest["role"])

    @property
    def date(self) -> str | None:
        """The release date (ISO), where the files state one."""
        found = self.manifest["date"]
        return None if found is None else str(found)

    @property
    def counts(self) -> dict[str, int]:
        """Rows by table, as loaded from the files."""
        return {t: int(n["loaded"]) for t, n in self.manifest["tables"].items()}

    def tables(self) -> list[str]:
        """The names of its derived tables."""
        return sorted(p.stem for p in self.folder.glob("*.parquet"))

    def has(self, table: str) -> bool:
        """Whether it holds that table; ``source/NAME`` for the rows of a file."""
        return (self.folder / f"{table}.parquet").is_file()

    def table(self, name: str, columns: Sequence[str] | None = None) -> pa.Table:
        """A table in memory, in the order in which it was written; ``KeyError`` where it has none."""
        if not self.has(name):
            raise KeyError(f"{self.name} has no table {name}")
        return pq.read_table(
            str(self.folder / f"{name}.parquet"), columns=None if columns is None else list(columns)
        )

    def damaged(self) -> list[str]:
        """The files that are missing or no longer what the manifest says of them."""
        wrong = []
        for name, digest in self.manifest["parquet"].items():
            path = self.folder / name
            if not path.is_file() or _sha256(path) != digest:
                wrong.append(name)
        return wrong


@dataclass(frozen=True)
class Facts:
    """What a kind knows of a release before it is written.

    ``content`` identifies what the files hold, whatever they are packed in: the same content is one
    release. ``version`` makes the name readable (``2019-04-01``, ``2025w34``).
    """

    kind: str
    title: str
    role: str
    version: str
    date: str | None
    content: str
    files: tuple[dict[str, Any], ...]
    attribution: str


@dataclass(frozen=True)
class Written:
    """What a kind wrote: rows by table (read, loaded), oddities, notes."""

    tables: dict[str, dict[str, int]]
    anomalies: tuple[Anomaly, ...] = ()
    notes: tuple[str, ...] = ()


class Releases:
    """The releases of one installation. *root* is ``<home>/terminology``; it need not exist."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "releases"
        self._together: InUse | None = None

    def load(
        self,
        path: Path,
        *,
        allow_mixed: bool = False,
        accept_loss: bool = False,
        name: str | None = None,
        system: str | None = None,
        progress: Callable[[str, float], None] | None = None,
    ) -> LoadReport:
        """Load what lies at *path*; its kind is found from the content and said in the report.

        All or nothing: a :class:`DataError` names what is wrong and leaves everything as it was.
        The same content again changes nothing. See :class:`sniff.Options` for the choices.
        """
        from counterfoil.terminology.releases.sniff import Options, kind_of, quiet
        from counterfoil.terminology.releases.source import Source

        with self._locked(), Source(path) as source:
            kind, why = kind_of(source, is_set=bool(name or system))
            options = Options(allow_mixed, accept_loss, name, system, why, progress or quiet)
            return kind.load(self, source, options)

    def all(self) -> list[Release]:
        """Every release of this format, newest first; of one date, the one with most rows."""
        if not self.folder.is_dir():
            return []
        found = [
            Release(p)
            for p in self.folder.iterdir()
            if _NAME.match(p.name) and (p / "manifest.json").is_file()
        ]
        found = [r for r in found if r.manifest.get("format") == FORMAT]
        return sorted(
            found, key=lambda r: (r.date or "", sum(r.counts.values()), r.name), reverse=True
        )

    def names(self) -> list[str]:
        """The names of every release, newest first."""
        return [r.name for r in self.all()]

    def get(self, name: str) -> Release:
        """The release of that name; ``UsageError`` where there is none."""
        for release in self.all():
            if release.name == name:
                return release
        known = ", ".join(self.names()) or "none yet"
        raise UsageError(f"There is no release {name!r}. There are: {known}.")

    def current(self, kind: str) -> Release | None:
        """The release in use of a role (``products``), or of one kind (``dmd``) if that is in use.

        The one chosen by :meth:`use`, else the newest by date.
        """
        every = self.all()
        chosen = set(self._chosen().values())
        roles = {r.role for r in every}
        mine = [r for r in every if kind in (r.role, r.kind)]
        if kind not in roles:
            in_use = [self.current(role) for role in {r.role for r in mine}]
            return next((r for r in in_use if r is not None and r.kind == kind), None)
        return next((r for r in mine if r.name in chosen), mine[0] if mine else None)

    def use(self, name: str) -> Release:
        """Take this release for its role from now on, whatever is newer."""
        release = self.get(name)
        with self._locked():
            self._choose({**self._chosen(), release.role: name})
        return release

    def use_newest(self, role: str) -> Release | None:
        """Take the newest release of a role from now on."""
        with self._locked():
            self._choose({r: n for r, n in self._chosen().items() if r != role})
        return self.current(role)

    def pinned(self) -> dict[str, str]:
        """The releases in use by role: what an output names, so that it can be made again."""
        roles = sorted({r.role for r in self.all()})
        return {role: found.name for role in roles if (found := self.current(role)) is not None}

    def in_use(self) -> InUse:
        """The releases in use, taken together; the same object until something else is in use."""
        pinned = self.pinned()
        if self._together is None or self._together.pinned != pinned:
            self._together = InUse({role: self.get(name) for role, name in pinned.items()})
        return self._together

    def resolve(self, code: str) -> str:
        """The id that stands for *code* now by the releases in use: see :meth:`InUse.resolve`."""
        return self.in_use().resolve(code)

    def find(self, facts: Facts) -> Release | None:
        """The release with this content, if it has been loaded."""
        return next(
            (
                r
                for r in self.all()
                if r.kind == facts.kind and r.manifest["content"] == facts.content
            ),
            None,
        )

    def before(self, facts: Facts) -> Release | None:
        """The newest release of this kind that is older, to compare with."""
        date = facts.date or ""
        return next((r for r in self.all() if r.kind == facts.kind and (r.date or "") < date), None)

    def add(self, facts: Facts, why: str, write: Callable[[Path], Written]) -> LoadReport:
        """Write a release (or find that it is there) and report it. For the kinds' ``load``."""
        there = self.find(facts)
        if there is not None:
            return self.report(there, why, already=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=self.folder))
        try:
            written = write(partial)
            manifest = {
                "format": FORMAT,
                "kind": facts.kind,
                "title": facts.title,
                "role": facts.role,
                "version": facts.version,
                "date": facts.date,
                "content": facts.content,
                "files": list(facts.files),
                "tables": written.tables,
                "anomalies": [a.to_json() for a in written.anomalies],
                "notes": list(written.notes),
                "attribution": facts.attribution,
                "parquet": {
                    p.relative_to(partial).as_posix(): _sha256(p)
                    for p in sorted(partial.rglob("*.parquet"))
                },
            }
            (partial / "manifest.json").write_text(
                json.dumps(manifest, indent=1, ensure_ascii=False), "utf-8"
            )
            partial.chmod(0o755)
            _sync_tree(partial)
            final = self._free_name(facts)
            partial.rename(final)
            _sync(self.folder)
        except BaseException as error:
            shutil.rmtree(partial, ignore_errors=True)
            if isinstance(error, OSError):  # a full disk, say
                raise UsageError(f"{self.folder} cannot be written: {error.strerror}") from error
            raise
        return self.report(Release(final), why, already=False)

    def report(self, release: Release, why: str, *, already: bool) -> LoadReport:
        """What is known of a release, as the report of loading it."""
        said = release.manifest
        current = self.current(release.role)
        return LoadReport(
            kind=release.kind,
            title=said["title"],
            why=why,
            name=release.name,
            version=said["version"],
            date=release.date,
            already=already,
            in_use=None if current is None else current.name,
            files=tuple(said["files"]),
            tables=said["tables"],
            anomalies=tuple(
                Anomaly(a["what"], a["count"], tuple(a["examples"])) for a in said["anomalies"]
            ),
            notes=tuple(said["notes"]),
            attribution=said["attribution"],
        )

    def _free_name(self, facts: Facts) -> Path:
        """``dmd-2019-04-01``; with the start of the content's hash where another has that name."""
        plain = f"{facts.kind}-{facts.version}".lower()
        for name in (plain, f"{plain}-{facts.content[:8]}"):
            if not (self.folder / name).exists():
                return self.folder / name
        raise DataError.at(plain, "a release of another name is expected", "it exists already")

    def _chosen(self) -> dict[str, str]:
        path = self.root / "in-use.json"
        if not path.is_file():
            return {}
        try:
            found = json.loads(path.read_text("utf-8"))
        except ValueError as error:
            raise DataError.at(str(path), "a JSON object", str(error)) from error
        return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}

    def _choose(self, chosen: dict[str, str]) -> None:
        path = self.root / "in-use.json"
        partial = path.with_suffix(".part")
        with partial.open("w", encoding="utf-8") as file:
            json.dump(chosen, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        _sync(self.root)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One load at a time; what a killed load left behind is removed."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            lock = (self.root / "load.lock").open("w")
        except OSError as error:
            raise UsageError(f"{self.root} cannot be written: {error.strerror}") from error
        with lock as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if self.folder.is_dir():
                for left in self.folder.glob(f"{_PARTIAL}*"):
                    shutil.rmtree(left, ignore_errors=True)
            yield


def content_hash(parts: dict[str, str]) -> str:
    """The identity of a content: names and hashes of its files, and the format they become."""
    text = json.dumps([FORMAT, sorted(parts.items())])
    return hashlib.sha256(text.encode()).hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_tree(folder: Path) -> None:
    for path in [*folder.rglob("*"), folder]:
        _sync(path)

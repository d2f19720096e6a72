"""Sets that an organisation has loaded: immutable versions beside each other, and those it chose.

Layout, under ``<home>/terminology/sets``::

    NAME/VERSION/manifest.json   system, title, source, hashes, licence, how the list was read
    NAME/VERSION/codes.parquet   code, term, level, row
    chosen.toml                  which loaded set stands for a set of the rules, why and until when

Loading a set changes no rule. A rule's set is replaced only where ``chosen.toml`` names the loaded
set's version with a reason and a last day; after that day the rules read their own set again.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from counterfoil.foundation.days import to_date
from counterfoil.foundation.errors import DataError, UsageError
from counterfoil.terminology.codelists import LICENCES, CodeList, Listed, System
from counterfoil.terminology.codesets import CodeSet, DrugSet, ProductSet, Source

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,120}")
AnySet = CodeSet | DrugSet | ProductSet


@dataclass(frozen=True)
class LoadedSet:
    """One version of a loaded set on disk."""

    folder: Path

    @property
    def manifest(self) -> dict[str, Any]:
        """What ``manifest.json`` says."""
        found: dict[str, Any] = json.loads((self.folder / "manifest.json").read_text("utf-8"))
        return found

    @property
    def name(self) -> str:
        """The set's name."""
        return self.folder.parent.name

    @property
    def version(self) -> str:
        """The hash of its codes."""
        return self.folder.name

    def codelist(self) -> CodeList:
        """The list as it was read."""
        said = self.manifest
        rows = pq.read_table(str(self.folder / "codes.parquet")).to_pylist()
        entries = tuple(Listed(r["code"], r["term"], r["level"], r["row"]) for r in rows)
        return CodeList(
            name=self.name,
            system=said["system"],
            why=said["why"],
            column=said["column"],
            entries=entries,
            rows=said["rows"],
            source=said["source"],
            file_hash=said["file_hash"],
            title=said["title"],
            notes=tuple(said["notes"]),
            codes=frozenset(e.code for e in entries),
        )

    def as_set(self, name: str | None = None) -> CodeSet | ProductSet:
        """The set as rules ask it: codes of coded entries, or ids of products."""
        found = self.codelist()
        return as_set(found, name or self.name, self.version)


def as_set(found: CodeList, name: str, version: str) -> CodeSet | ProductSet:
    """A list as a set for rules; its status is ``read``, its source the file and its hash."""
    found.only_one_system()
    source = Source(found.source, version, found.file_hash, found.licence)
    terms = {e.code: e.term for e in found.entries}
    title = found.title or name
    if found.system == "dmd":
        return ProductSet(name, version, title, source, "read", found.codes, terms)
    return CodeSet(name, version, title, source, "read", found.codes, terms)


@dataclass(frozen=True)
class Choice:
    """That a loaded set stands for the rules' set *name*: which, why, and its last day."""

    name: str
    loaded: str
    version: str
    reason: str
    until: date


class SetStore:
    """The sets of one installation. *root* is ``<home>/terminology``; it need not exist."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "sets"

    def add(self, found: CodeList, *, why: str = "") -> tuple[LoadedSet, bool]:
        """Keep this list; the same codes again change nothing. Whether it was there comes second.

        ``DataError`` where the list mixes coding systems or its name cannot name a folder.
        """
        found.only_one_system()
        if not NAME.fullmatch(found.name):
            raise DataError.at(
                found.source, "a name of letters, digits, '-', '_' and '.'", found.name
            )
        final = self.folder / found.name / found.version
        if (final / "manifest.json").is_file():
            return LoadedSet(final), True
        final.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=final.parent))
        try:
            columns = {
                "code": [e.code for e in found.entries],
                "term": [e.term for e in found.entries],
                "level": [e.level for e in found.entries],
            }
            table = pa.table(columns).append_column(
                "row", pa.array([e.row for e in found.entries], pa.int32())
            )
            pq.write_table(table, partial / "codes.parquet")
            (partial / "manifest.json").write_text(
                json.dumps(_manifest(found, why), indent=1, ensure_ascii=False), "utf-8"
            )
            partial.chmod(0o755)
            partial.rename(final)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        return LoadedSet(final), False

    def names(self) -> list[str]:
        """The names of every loaded set."""
        if not self.folder.is_dir():
            return []
        return sorted(p.name for p in self.folder.iterdir() if p.is_dir() and self.versions(p.name))

    def versions(self, name: str) -> list[LoadedSet]:
        """The versions of a set, the last loaded first."""
        folder = self.folder / name
        if not NAME.fullmatch(name) or not folder.is_dir():
            return []
        found = [p for p in folder.iterdir() if (p / "manifest.json").is_file()]
        found.sort(key=lambda p: ((p / "manifest.json").stat().st_mtime_ns, p.name), reverse=True)
        return [LoadedSet(p) for p in found if not p.name.startswith(".")]

    def get(self, name: str, version: str | None = None) -> LoadedSet:
        """A loaded set, its last version where none is given; ``UsageError`` where there is none."""
        for each in self.versions(name):
            if version is None or each.version == version:
                return each
        known = ", ".join(self.names()) or "none yet"
        which = f"{name!r}" + (f", version {version}" if version else "")
        raise UsageError(f"No set {which} is loaded. There are: {known}.")

    def all(self) -> list[LoadedSet]:
        """The last version of every set."""
        return [self.get(name) for name in self.names()]

    def choices(self) -> dict[str, Choice]:
        """What ``chosen.toml`` says, by the rules' set; ``DataError`` where it is wrong."""
        path = self.folder / "chosen.toml"
        if not path.is_file():
            return {}
        try:
            data = tomllib.loads(path.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise DataError.at(str(path), "a TOML file", str(error)) from error
        return {name: _choice(path, name, table) for name, table in data.items()}

    def choose(self, choice: Choice) -> None:
        """Let a loaded set stand for the rules' set from now on."""
        self.get(choice.loaded, choice.version)
        self._write({**self.choices(), choice.name: choice})

    def unchoose(self, name: str) -> None:
        """Let the rules read their own set again."""
        self._write({n: c for n, c in self.choices().items() if n != name})

    def chosen(self, as_of: int) -> dict[str, CodeSet | ProductSet]:
        """The sets that stand for sets of the rules on a day, by the rules' name of them."""
        day = to_date(as_of)
        return {
            name: self.get(choice.loaded, choice.version).as_set(name)
            for name, choice in self.choices().items()
            if day <= choice.until
        }

    def _write(self, choices: Mapping[str, Choice]) -> None:
        parts = []
        for name, choice in sorted(choices.items()):
            lines = (
                f"set = {json.dumps(choice.loaded)}",
                f"version = {json.dumps(choice.version)}",
                f"reason = {json.dumps(choice.reason, ensure_ascii=False)}",
                f"until = {choice.until.isoformat()}",
            )
            parts.append("\n".join((f"[{json.dumps(name)}]", *lines)) + "\n")
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "chosen.toml"
        partial = path.with_suffix(".part")
        partial.write_text("\n".join(parts), "utf-8")
        partial.replace(path)


def _manifest(found: CodeList, why: str) -> dict[str, Any]:
    return {
        "name": found.name,
        "title": found.title,
        "version": found.version,
        "system": found.system,
        "why": why or found.why,
        "column": found.column,
        "rows": found.rows,
        "codes": len(found.codes),
        "source": found.source,
        "file_hash": found.file_hash,
        "licence": found.licence,
        "notes": list(found.notes),
    }


def _choice(path: Path, name: str, table: Any) -> Choice:
    place = f"{path.name} [{name}]"
    if not isinstance(table, dict):
        raise DataError.at(place, "a table with set, version, reason and until")
    until = table.get("until")
    texts = {k: table.get(k) for k in ("set", "version", "reason")}
    for key, value in texts.items():
        if not isinstance(value, str) or not value.strip():
            raise DataError.at(f"{place} {key}", "a text", str(value))
    if not isinstance(until, date):
        raise DataError.at(f"{place} until", "a date such as 2027-03-31", str(until))
    return Choice(name, str(texts["set"]), str(texts["version"]), str(texts["reason"]), until)


__all__ = ["LICENCES", "Choice", "LoadedSet", "SetStore", "System", "as_set"]

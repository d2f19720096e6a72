"""The dm+d release and its supplement as TRUD delivers them: a zip, or what was unpacked from it.

A file is taken for what its name and its root element both say. The supplementary ("bonus")
release has its own date and is a release of its own, used beside the dm+d release; in one folder
with a dm+d release of the same date, or with ``allow_mixed``, the two are loaded as one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from lxml import etree

from counterfoil.foundation.errors import DataError, Problem
from counterfoil.terminology.releases import checks, derive
from counterfoil.terminology.releases.markup import MOST_SCHEMA, Tables, head_of, parse, read_schema
from counterfoil.terminology.releases.oddities import oddities
from counterfoil.terminology.releases.report import Anomaly, LoadReport
from counterfoil.terminology.releases.sniff import Kind, Options, Progress
from counterfoil.terminology.releases.source import Entry, Source
from counterfoil.terminology.releases.store import Facts, Release, Releases, Written, content_hash
from counterfoil.terminology.releases.tables import (
    BY_ROOT,
    CORE,
    FILES,
    SECTION_COLUMN,
    SUPPLEMENT,
    FileKind,
    read_name,
)

ATTRIBUTION = (
    "Contains public sector information licensed under the Open Government Licence v3.0. "
    "© Crown copyright, NHS Business Services Authority / NHS England (dm+d). The identifiers are "
    "SNOMED CT identifiers, used under the UK SNOMED CT licence."
)


@dataclass(frozen=True)
class _File:
    """One file of a release: what it is, of which date, and the XSD that it names."""

    entry: Entry
    kind: FileKind
    date: str
    schema: str | None


def _looks_like(entry: Entry) -> FileKind | None:
    """The kind of dm+d file that a file is by its name or, failing that, by its root element."""
    if not entry.name.lower().endswith(".xml"):
        return None
    named = read_name(entry.name)
    if named is not None:
        return FILES[named[0]]
    try:
        return BY_ROOT.get(head_of(entry)[0] or "")
    except DataError:
        return None


def _sniff(source: Source, wanted: Callable[[set[str]], bool]) -> str | None:
    found = {
        kind.name: entry.name
        for entry in reversed(source.entries)
        if (kind := _looks_like(entry)) is not None
    }
    if not wanted(set(found)):
        return None
    name = sorted(found)[0] if "vmp" not in found else "vmp"
    return f"it holds {len(found)} kinds of dm+d file, such as {found[name]}"


def sniff_release(source: Source) -> str | None:
    """A dm+d release: any of its own files, whether or not the supplement's are there too."""
    return _sniff(source, lambda found: bool(found - set(SUPPLEMENT)))


def sniff_supplement(source: Source) -> str | None:
    """A supplementary release alone: BNF sections and ATC codes, history, VTM ingredients."""
    return _sniff(source, lambda found: bool(found) and found <= set(SUPPLEMENT))


def load_release(releases: Releases, source: Source, options: Options) -> LoadReport:
    """Load a dm+d release; :class:`DataError` names what is wrong and where."""
    files = _files(source)
    missing = [name for name in CORE if name not in {f.kind.name for f in files}]
    if missing:
        raise DataError(
            *(
                Problem(str(source.path), f"a file f_{name}2_... is expected in a release", "none")
                for name in missing
            )
        )
    return _load(releases, source, options, files, "dmd", "a dm+d release", "products")


def load_supplement(releases: Releases, source: Source, options: Options) -> LoadReport:
    """Load a supplementary release; :class:`DataError` names what is wrong and where."""
    title = "a dm+d supplementary (bonus) release"
    return _load(releases, source, options, _files(source), "dmd-supplement", title, "supplement")


KINDS = (
    Kind("dmd", "a dm+d release (TRUD zip or folder)", sniff_release, load_release),
    Kind(
        "dmd-supplement",
        "a dm+d supplementary release (zip or folder)",
        sniff_supplement,
        load_supplement,
    ),
)


def _files(source: Source) -> list[_File]:
    """The release's files, each once, its name and its content agreeing."""
    files: list[_File] = []
    problems: list[Problem] = []
    for entry in source.entries:
        kind = _looks_like(entry)
        if kind is None:
            continue
        root, schema = head_of(entry)
        named = read_name(entry.name)
        if named is None:
            problems.append(
                Problem(
                    entry.place,
                    "a dm+d file name with its release date is expected, such as "
                    f"f_{kind.name}2_3010419.xml",
                    entry.name,
                )
            )
        elif root != kind.root:
            problems.append(
                Problem(entry.place, f"the root element {kind.root} is expected", root or "none")
            )
        else:
            files.append(_File(entry, kind, named[1], schema))
    if problems:
        raise DataError(*problems)
    return files


def _once(files: list[_File], hashes: dict[str, str]) -> list[_File]:
    """Each kind of file once; a copy of the same content (a zip beside its folder) is left out."""
    kept: dict[str, _File] = {}
    for file in files:
        other = kept.setdefault(file.kind.name, file)
        if hashes[other.entry.place] != hashes[file.entry.place]:
            raise DataError.at(
                file.entry.place,
                f"one file of each kind is expected; another f_{file.kind.name} file is "
                f"{other.entry.place}",
            )
    return list(kept.values())


def _one_date(files: list[_File], options: Options) -> str:
    """The release's date: that of its own files, the newest of them."""
    dates: defaultdict[str, list[str]] = defaultdict(list)
    for file in files:
        dates[file.date].append(file.entry.name)
    if len(dates) > 1 and not options.allow_mixed:
        raise DataError(
            *(
                Problem(
                    ", ".join(names),
                    "files of one release date are expected (--allow-mixed loads them as one)",
                    f"dated {day}",
                )
                for day, names in sorted(dates.items())
            )
        )
    own = [f.date for f in files if f.kind.name in CORE] or list(dates)
    return max(own)


def _load(
    releases: Releases,
    source: Source,
    options: Options,
    files: list[_File],
    kind: str,
    title: str,
    role: str,
) -> LoadReport:
    hashes = {f.entry.place: f.entry.sha256() for f in files}
    day = _one_date(files, options)
    files = _once(files, hashes)
    facts = Facts(
        kind=kind,
        title=title,
        role=role,
        version=day,
        date=day,
        content=content_hash({f.entry.name: hashes[f.entry.place] for f in files}),
        files=tuple(
            {
                "file": f.entry.place,
                "sha256": hashes[f.entry.place],
                "bytes": f.entry.size,
                "date": f.date,
            }
            for f in files
        ),
        attribution=ATTRIBUTION,
    )
    before = None if options.accept_loss else releases.before(facts)

    def write(folder: Path) -> Written:
        return _write(folder, source, files, before, options.progress)

    return releases.add(facts, options.why, write)


def _write(
    folder: Path,
    source: Source,
    files: list[_File],
    before: Release | None,
    progress: Progress,
) -> Written:
    rows = folder / "source"
    rows.mkdir()
    odd, notes = _parse(rows, source, files, progress)
    present = {p.stem for p in rows.glob("*.parquet")}
    counts = {name: pq.read_metadata(str(rows / f"{name}.parquet")).num_rows for name in present}
    for file in files:
        first = next(iter(file.kind.tables.values())).name
        if not counts.get(first):
            raise DataError.at(file.entry.place, f"at least one row of {first} is expected")
    if before is not None:
        checks.stop_at_loss(str(source.path), before.name, before.counts, counts)

    @lru_cache(maxsize=4)
    def read(name: str) -> pa.Table:
        path = rows / f"{name}.parquet"
        return pq.read_table(str(path)) if path.is_file() else _no_rows(name)

    progress("checking references", 0.8)
    odd += checks.check(read, present, _places(files))
    read.cache_clear()
    pa.default_memory_pool().release_unused()
    progress("writing products", 0.9)
    odd += _derive(folder, read, present)
    tables = {name: {"read": counts[name], "loaded": counts[name]} for name in sorted(counts)}
    return Written(tables, tuple(odd), tuple(notes))


def _parse(
    rows: Path, source: Source, files: list[_File], progress: Progress
) -> tuple[list[Anomaly], list[str]]:
    odd: list[Anomaly] = []
    unchecked: list[str] = []
    out = Tables(rows)
    size = sum(file.entry.size for file in files) or 1
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        progress("reading the release", 0.05 + 0.75 * done / size)

    try:
        for file in files:
            schema = _schema(source, file)
            if schema is None:
                unchecked.append(file.entry.name)
            parsed = parse(file.entry, file.kind, schema, out, advance)
            odd += [
                Anomaly(f"{file.entry.name}: {name} is not known and was left out", count)
                for name, count in sorted(parsed.unknown.items())
            ]
            odd += [
                Anomaly(f"{file.entry.name}: the section {name} is missing, taken as empty", 1)
                for name in parsed.missing
            ]
    finally:
        out.close()
    notes = []
    if unchecked:
        notes.append(
            f"Not checked against an XSD, which is not beside them: {', '.join(unchecked)}. Their "
            "rows were checked against the known columns."
        )
    taken = {f.entry.place for f in files}
    others = [
        e.name
        for e in source.entries
        if e.place not in taken and not e.name.lower().endswith(".xsd") and not _looks_like(e)
    ]
    if others:
        notes.append(f"Not part of a release, not read: {', '.join(sorted(others)[:10])}.")
    return odd, notes


def _schema(source: Source, file: _File) -> etree.XMLSchema | None:
    """The XSD that a file names, else one that declares its root element; None where none is there."""
    every = source.named(".xsd")
    named = [e for e in every if e.name == file.schema]
    declared = f'name="{file.kind.root}"'.encode()
    for entry in named or [e for e in every if declared in e.read(MOST_SCHEMA)]:
        return read_schema(entry)
    return None


def _places(files: list[_File]) -> dict[str, str]:
    """The words for where a table's records stand; of the history, which has sections, the file."""
    places: dict[str, str] = {}
    for file in files:
        for (section, record), table in file.kind.tables.items():
            path = f"{section}/{record}" if section not in ("", "*") else record
            places[table.name] = f"{file.entry.place} {path}"
    return places


def _no_rows(name: str) -> pa.Table:
    for kind in FILES.values():
        for table in kind.tables.values():
            if table.name == name:
                names = [c.name for c in table.columns]
                if name in SECTION_COLUMN:
                    names.insert(0, SECTION_COLUMN[name])
                return pa.schema([(c, pa.string()) for c in names]).empty_table()
    raise KeyError(name)


def _derive(folder: Path, read: derive.Read, present: set[str]) -> list[Anomaly]:
    """Write the derived tables that this release has the rows for; what is odd in them."""
    odd: list[Anomaly] = []
    if "vmp" in present:
        products, strengths = derive.products(read), derive.strengths(read)
        _save(products, folder / "product.parquet")
        _save(strengths, folder / "strength.parquet")
        _save(derive.lookups(read), folder / "lookup.parquet")
        odd += oddities(read, products, strengths)
    if "vtm_ingredient" in present:
        _save(derive.vtm_ingredients(read), folder / "vtm_ingredient.parquet")
    current, found = derive.current_ids(read)
    _save(current, folder / "current_id.parquet")
    return odd + found


def _save(table: pa.Table, path: Path) -> None:
    pq.write_table(table, str(path), compression="zstd", row_group_size=65_536)

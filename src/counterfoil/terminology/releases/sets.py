"""Loading code sets and SNOMED CT: what their files look like, and where they are kept.

A code list or a table of reference sets becomes loaded sets (:mod:`counterfoil.terminology.sets`),
an RF2 release a release of the role ``snomed`` beside those of dm+d.
"""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from counterfoil.foundation.errors import DataError, UsageError
from counterfoil.terminology.codelists import (
    LICENCES,
    CodeList,
    System,
    cluster_column,
    codelist_of,
    header_of,
    holds_refsets,
    looks_like_codelist,
    refsets_of,
)
from counterfoil.terminology.releases.report import LoadReport
from counterfoil.terminology.releases.sniff import Kind, Options
from counterfoil.terminology.releases.source import Entry, Source
from counterfoil.terminology.releases.store import Facts, Releases, Written, content_hash
from counterfoil.terminology.sets import SetStore
from counterfoil.terminology.snomed import read_rf2, role_of

MOST_BYTES = 1 << 30
_HEAD = 1 << 16
_TEXT = (".csv", ".txt", ".tsv")
_NOT_LISTS = {"items", "appid", "vppid", "gtin", "quantity", "nic", "price"}
"""Headers of tables that hold ids beside other things: lists of packs, dispensing data."""
_DATE = re.compile(r"_(20\d{6})(?:T\d+Z)?\.txt\Z")


def sniff_codelist(source: Source) -> str | None:
    """One code list, or a folder of nothing but code lists."""
    tables = [e for e in source.entries if e.name.lower().endswith(_TEXT)]
    others = [e for e in source.entries if e not in tables and not _is_note(e)]
    if not tables or others:
        return None
    signs = [_codelist_sign(e) for e in tables if not _is_note(e)]
    if not signs or None in signs:
        return None
    return signs[0] if len(signs) == 1 else f"{len(signs)} files, in each of which a {signs[0]}"


def _is_note(entry: Entry) -> bool:
    return entry.name.lower().endswith((".md", "readme.txt", "licence.txt", ".json"))


def _codelist_sign(entry: Entry) -> str | None:
    head = entry.head(_HEAD)
    header = [re.sub(r"[^a-z0-9]", "", h.lower()) for h in header_of(head)]
    if cluster_column(header) is not None or _NOT_LISTS & set(header) or role_of(entry):
        return None
    return looks_like_codelist(head)


def sniff_refsets(source: Source) -> str | None:
    """One table of reference sets: a column of clusters and one of codes."""
    if len(source.entries) != 1:
        return None
    entry = source.entries[0]
    head = entry.head(_HEAD)
    if head[:4] == b"PAR1":
        raw = entry.read(MOST_BYTES)
        return "its columns are a set and a code" if holds_refsets(raw) else None
    columns = header_of(head)
    coded = role_of(entry) is None
    key = cluster_column(columns)
    return (
        None if key is None or not coded else f"column {columns[key]} says which set a code is in"
    )


def sniff_rf2(source: Source) -> str | None:
    """An RF2 release, told by the header lines of its files."""
    found = {role_of(e): e.name for e in source.entries if e.name.lower().endswith(".txt")}
    known = sorted(role for role in found if role is not None)
    if "concept" not in known and "relationship" not in known:
        return None
    return f"header lines of RF2 ({', '.join(known)}), such as {found[known[0]]}"


def load_codelists(releases: Releases, source: Source, options: Options) -> LoadReport:
    """Keep the lists of a file or folder; nothing is kept unless all of it can be read."""
    entries = [e for e in source.entries if not _is_note(e)]
    if options.name is not None and len(entries) > 1:
        raise UsageError(f"--name names one set, and {source.path} holds {len(entries)} lists.")
    lists = [
        codelist_of(e.read(MOST_BYTES), e.place, options.name or Path(e.name).stem) for e in entries
    ]
    return _keep(releases, lists, entries, options, "code-list", "a code list")


def load_refsets(releases: Releases, source: Source, options: Options) -> LoadReport:
    """Keep every set of a table; with ``--name``, only the set of that cluster."""
    entry = source.entries[0]
    lists = refsets_of(entry.read(MOST_BYTES), entry.place)
    if options.name is not None:
        names = [x.name for x in lists]
        lists = [x for x in lists if options.name in (x.name, x.title)]
        if not lists:
            raise UsageError(
                f"{entry.place} holds no set {options.name!r}. It holds: {', '.join(names[:20])}"
                + (" ..." if len(names) > 20 else ".")
            )
    return _keep(releases, lists, [entry], options, "reference-sets", "a table of reference sets")


def _keep(
    releases: Releases,
    lists: list[CodeList],
    entries: list[Entry],
    options: Options,
    kind: str,
    title: str,
) -> LoadReport:
    for each in lists:
        each.only_one_system()
        if options.system is not None and each.system != options.system:
            said, found = (_SYSTEMS[s] for s in (options.system, each.system))
            raise DataError.at(
                each.source, f"a list of {said} ids, as --system says", f"{found}: {each.why}"
            )
    store = SetStore(releases.root)
    kept = [store.add(each, why=each.why) for each in lists]
    one = len(lists) == 1
    licences = {LICENCES[each.system] for each in lists}
    notes = [f"{x.name}: {note}" if not one else note for x in lists for note in x.notes]
    notes += [] if not one else [f"{_SYSTEMS[lists[0].system]}: {lists[0].why}"]
    return LoadReport(
        kind=kind,
        title=title,
        why=options.why,
        name=lists[0].name if one else f"{len(lists)} sets",
        version=kept[0][0].version if one else "",
        date=None,
        already=all(there for _, there in kept),
        in_use=None,
        files=tuple(
            {"file": e.place, "sha256": e.sha256(), "bytes": e.size, "date": None} for e in entries
        ),
        tables={x.name: {"read": x.rows, "loaded": len(x.codes)} for x in lists},
        notes=tuple(notes),
        attribution=" ".join(sorted(licences)),
    )


_SYSTEMS: dict[str | System, str] = {"snomed": "SNOMED CT", "dmd": "dm+d"}


def load_rf2(releases: Releases, source: Source, options: Options) -> LoadReport:
    """Read an RF2 snapshot (or full) release into tables."""
    files = [e for e in source.entries if e.name.lower().endswith(".txt")]
    read = [e for e in files if role_of(e) is not None]
    hashes = {e.place: e.sha256() for e in read}
    dates = sorted({found[1] for e in read if (found := _DATE.search(e.name)) is not None})
    day = f"{dates[-1][:4]}-{dates[-1][4:6]}-{dates[-1][6:]}" if dates else None
    facts = Facts(
        kind="snomed",
        title="a SNOMED CT release (RF2)",
        role="snomed",
        version=day or content_hash(hashes)[:12],
        date=day,
        content=content_hash(hashes),
        files=tuple(
            {"file": e.place, "sha256": hashes[e.place], "bytes": e.size, "date": day} for e in read
        ),
        attribution=LICENCES["snomed"],
    )

    def write(folder: Path) -> Written:
        tables = read_rf2(read)
        for name, table in tables.items():
            pq.write_table(table, folder / f"{name}.parquet", compression="zstd")
        active = pc.sum(tables["concept"].column("active")).as_py() or 0
        passed = len(files) - len(read)
        notes = [f"{active:,} of {tables['concept'].num_rows:,} concepts are active"]
        notes += [f"{passed} text files are of other kinds and were not read"] if passed else []
        counts = {n: {"read": t.num_rows, "loaded": t.num_rows} for n, t in tables.items()}
        return Written(counts, notes=tuple(notes))

    return releases.add(facts, options.why, write)


KINDS = (
    Kind("code-list", "a code list (CSV)", sniff_codelist, load_codelists, general=True),
    Kind("reference-sets", "a table of reference sets", sniff_refsets, load_refsets),
    Kind("snomed", "a SNOMED CT release (RF2)", sniff_rf2, load_rf2),
)

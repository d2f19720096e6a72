"""SNOMED CT from a user's own RF2 release: concepts, is-a, reference sets, and what replaced what.

:func:`read_rf2` turns RF2 files (snapshot or full; tab separated, nothing quoted) into tables;
:class:`Snomed` answers from those tables. What a file is, is told by its header line. Of several
rows of one component the latest by effective time counts, so that a full release and files of
several modules read alike. Ids are text to the caller and exact 64-bit integers inside.

The metadata ids are those of the SNOMED CT model component (read in public code lists of
reference sets, November 2026).
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from counterfoil.foundation.errors import DataError, Problem
from counterfoil.terminology.ids import check_ids

Ids = npt.NDArray[np.int64]

IS_A = 116680003
FULL_NAME = 900000000000003001
STATED = 900000000000010007
SAME_AS = 900000000000527005
REPLACED_BY = 900000000000526001
POSSIBLY = 900000000000523009
_KINDS = {SAME_AS: "SAME_AS", REPLACED_BY: "REPLACED_BY", POSSIBLY: "POSSIBLY_EQUIVALENT_TO"}
_SURE = ("SAME_AS", "REPLACED_BY", "HISTORY_SUBSTITUTION")

_COMMON = ("id", "effectiveTime", "active", "moduleId")
_HEADERS = {
    "concept": (*_COMMON, "definitionStatusId"),
    "description": (
        *_COMMON,
        *("conceptId", "languageCode", "typeId", "term", "caseSignificanceId"),
    ),
    "relationship": (
        *_COMMON,
        *("sourceId", "destinationId", "relationshipGroup", "typeId", "characteristicTypeId"),
        "modifierId",
    ),
    "member": (*_COMMON, "refsetId", "referencedComponentId"),
    "association": (*_COMMON, "refsetId", "referencedComponentId", "targetComponentId"),
}
_WANTED = {
    "concept": ("id",),
    "description": ("conceptId", "typeId", "term"),
    "relationship": ("sourceId", "destinationId", "typeId", "characteristicTypeId"),
    "member": ("refsetId", "referencedComponentId"),
    "association": ("refsetId", "referencedComponentId", "targetComponentId"),
}
_SUBSTITUTION = (("oldcui", "oldconceptid"), ("newcui", "newconceptid"))


class File(Protocol):
    """One file of a release: where it lies, and its bytes."""

    @property
    def place(self) -> str: ...

    def head(self, size: int = 4096) -> bytes: ...

    def open(self) -> AbstractContextManager[_Readable]: ...


class _Readable(Protocol):
    def read(self, size: int = -1) -> bytes: ...


class _Stream(io.RawIOBase):
    """A reader that pyarrow can read from."""

    def __init__(self, inner: _Readable) -> None:
        self._inner = inner

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        block = self._inner.read(len(buffer))
        buffer[: len(block)] = block
        return len(block)


def role_of(file: File) -> str | None:
    """What an RF2 file holds: concept, description, relationship, member, association; else None.

    ``substitution`` is the UK history substitution table. Other reference sets are not read.
    """
    line = file.head().split(b"\n", 1)[0].decode("utf-8-sig", "replace").strip("\r")
    header = tuple(line.split("\t"))
    for role, wanted in _HEADERS.items():
        if tuple(h.strip() for h in header) == wanted:
            return role
    plain = [_plain(h) for h in header]
    return "substitution" if all(any(n in plain for n in two) for two in _SUBSTITUTION) else None


def _plain(header: str) -> str:
    return header.strip().lower().replace("_", "")


def read_rf2(files: Iterable[File]) -> dict[str, pa.Table]:
    """The tables of a release: ``concept``, ``is_a``, ``name``, ``member``, ``association``.

    ``concept``: id, active. ``is_a``: child, parent. ``name``: concept_id, term (the full name, or a
    synonym where there is none). ``member``: refset_id, concept_id. ``association``: old_id,
    kind, new_id. Ids are int64. Only active rows of the last four are there.

    ``DataError`` where concepts or relationships are missing, a line does not fit its header, or an
    id fails its check digit.
    """
    parts: dict[str, list[pa.Table]] = {}
    for file in files:
        role = role_of(file)
        if role is not None:
            parts.setdefault(role, []).append(_read(file, role))
    missing = [role for role in ("concept", "relationship") if role not in parts]
    if missing:
        raise DataError.at("the release", f"RF2 files of each {' and '.join(missing)}")
    whole = {role: pa.concat_tables(found) for role, found in parts.items()}
    latest = {role: _latest(table) for role, table in whole.items() if role != "substitution"}
    concept = latest["concept"]
    _check_digits(concept)
    associations = _associations(latest.get("association"), whole.get("substitution"))
    return {
        "concept": pa.table({"id": concept.column("id"), "active": concept.column("active")}),
        "is_a": _is_a(_active(latest["relationship"])),
        "name": _names(latest.get("description")),
        "member": _renamed(
            latest.get("member"), {"refsetId": "refset_id", "referencedComponentId": "concept_id"}
        ),
        "association": associations,
    }


def _read(file: File, role: str) -> pa.Table:
    if role == "substitution":
        return _read_substitution(file)
    wanted = ("id", "effectiveTime", "active", *(w for w in _WANTED[role] if w != "id"))
    numbers = {c: pa.int64() for c in wanted if c.endswith("Id")}
    # A reference set member has a UUID, every other component a SNOMED CT id.
    own = pa.string() if role in ("member", "association") else pa.int64()
    types = {"id": own, "effectiveTime": pa.int32(), "term": pa.string(), **numbers}
    types["active"] = pa.int8()
    table = _csv(file, [*wanted], types)
    active = pc.equal(table.column("active"), 1)
    return table.set_column(table.column_names.index("active"), "active", active)


def _read_substitution(file: File) -> pa.Table:
    header = file.head().split(b"\n", 1)[0].decode("utf-8-sig", "replace").strip("\r").split("\t")
    plain = [_plain(h) for h in header]
    old, new = (next(header[plain.index(n)] for n in two if n in plain) for two in _SUBSTITUTION)
    doubt = next((h for h, p in zip(header, plain, strict=True) if p == "isambiguous"), None)
    types: dict[str, pa.DataType] = {old: pa.int64(), new: pa.int64()}
    if doubt is not None:
        types[doubt] = pa.string()
    table = _csv(file, list(types), types)
    unsure = (
        pc.not_equal(table.column(doubt).fill_null(""), "0")
        if doubt is not None
        else pa.array([False] * table.num_rows)
    )
    return pa.table({"old_id": table.column(old), "new_id": table.column(new), "unsure": unsure})


def _csv(file: File, columns: list[str], types: Mapping[str, pa.DataType]) -> pa.Table:
    wrong: list[str] = []

    def invalid(row: pacsv.InvalidRow) -> str:
        wrong.append(f"{row.actual_columns} cells instead of {row.expected_columns}")
        return "error"

    with file.open() as stream:
        try:
            reader = pacsv.open_csv(
                io.BufferedReader(_Stream(stream), 1 << 20),
                read_options=pacsv.ReadOptions(block_size=8 << 20),
                parse_options=pacsv.ParseOptions(
                    delimiter="\t", quote_char=False, invalid_row_handler=invalid
                ),
                convert_options=pacsv.ConvertOptions(
                    column_types=dict(types), include_columns=columns, strings_can_be_null=False
                ),
            )
            batches = list(reader)
        except pa.ArrowInvalid as error:
            words = wrong[0] if wrong else str(error).split("\n")[0]
            raise DataError.at(file.place, "lines of RF2 that fit the header", words) from error
    return pa.Table.from_batches(batches, reader.schema)


def _latest(table: pa.Table) -> pa.Table:
    """Of the rows of one component, the one with the latest effective time."""
    if pc.count_distinct(table.column("id")).as_py() == table.num_rows:
        return table
    order = pc.sort_indices(table, sort_keys=[("id", "ascending"), ("effectiveTime", "ascending")])
    ordered = table.take(order)
    ids = ordered.column("id").combine_chunks().dictionary_encode().indices.to_numpy()
    last = np.append(ids[1:] != ids[:-1], True)
    return ordered.filter(pa.array(last))


def _active(table: pa.Table) -> pa.Table:
    return table.filter(table.column("active"))


def _renamed(table: pa.Table | None, names: Mapping[str, str]) -> pa.Table:
    if table is None:
        return pa.table({new: pa.array([], pa.int64()) for new in names.values()})
    active = _active(table)
    return pa.table({new: active.column(old) for old, new in names.items()})


def _is_a(table: pa.Table) -> pa.Table:
    wanted = pc.and_(
        pc.equal(table.column("typeId"), IS_A),
        pc.not_equal(table.column("characteristicTypeId"), STATED),
    )
    table = table.filter(wanted)
    return pa.table({"child": table.column("sourceId"), "parent": table.column("destinationId")})


def _names(table: pa.Table | None) -> pa.Table:
    if table is None:
        return pa.table({"concept_id": pa.array([], pa.int64()), "term": pa.array([], pa.string())})
    active = _active(table)
    full = active.filter(pc.equal(active.column("typeId"), FULL_NAME))
    rest = active.filter(
        pc.invert(pc.is_in(active.column("conceptId"), full.column("conceptId").combine_chunks()))
    )
    both = pa.concat_tables([full, rest])
    ids = both.column("conceptId").to_numpy()
    _, first = np.unique(ids, return_index=True)
    kept = both.take(pa.array(first))
    return pa.table({"concept_id": kept.column("conceptId"), "term": kept.column("term")})


def _associations(table: pa.Table | None, substitution: pa.Table | None) -> pa.Table:
    old: list[Ids] = []
    new: list[Ids] = []
    kind: list[npt.NDArray[np.object_]] = []
    if table is not None:
        active = _active(table)
        for refset, name in _KINDS.items():
            rows = active.filter(pc.equal(active.column("refsetId"), refset))
            old.append(rows.column("referencedComponentId").to_numpy())
            new.append(rows.column("targetComponentId").to_numpy())
            kind.append(np.full(rows.num_rows, name, dtype=object))
    if substitution is not None:
        old.append(substitution.column("old_id").to_numpy())
        new.append(substitution.column("new_id").to_numpy())
        unsure = substitution.column("unsure").to_numpy(zero_copy_only=False)
        kind.append(np.where(unsure, "HISTORY_AMBIGUOUS", "HISTORY_SUBSTITUTION").astype(object))
    return pa.table(
        {
            "old_id": pa.array(np.concatenate(old) if old else [], pa.int64()),
            "kind": pa.array(np.concatenate(kind) if kind else [], pa.string()),
            "new_id": pa.array(np.concatenate(new) if new else [], pa.int64()),
        }
    )


def _check_digits(concept: pa.Table) -> None:
    texts = concept.column("id").cast(pa.string()).to_pylist()
    bad = np.flatnonzero(~check_ids(texts))
    if len(bad):
        raise DataError(
            *(
                Problem("the concept file", "an id whose check digit is right", texts[i])
                for i in bad[:20]
            )
        )


@dataclass(frozen=True, slots=True)
class Successor:
    """What stands for an inactive concept: its id, by which kind of link, and whether it is sure.

    A link is sure where it is the only one and says the same or replaced; of several, or of one
    that is only possibly equivalent, a person chooses.
    """

    id: str
    kind: str
    sure: bool


class Snomed:
    """Questions about a release, answered from the tables of :func:`read_rf2`."""

    def __init__(self, tables: Mapping[str, pa.Table]) -> None:
        concept = tables["concept"]
        ids = concept.column("id").to_numpy()
        order = np.argsort(ids, kind="stable")
        self._ids: Ids = ids[order]
        self._active = concept.column("active").to_numpy(zero_copy_only=False)[order]
        self._children = _Pairs(tables["is_a"], "parent", "child", self._ids)
        self._parents = _Pairs(tables["is_a"], "child", "parent", self._ids)
        self._members = tables["member"]
        names = tables["name"].combine_chunks()
        self._named: Ids = names.column("concept_id").to_numpy()
        self._terms = names.column("term")
        self._history: dict[int, list[tuple[str, int]]] | None = None
        self._association = tables["association"]

    def __contains__(self, concept: str) -> bool:
        return self._place(concept) is not None

    def is_active(self, concept: str) -> bool | None:
        """Whether the concept is active; None where the release does not know it."""
        place = self._place(concept)
        return None if place is None else bool(self._active[place])

    def name(self, concept: str) -> str:
        """The concept's full name, or the empty text."""
        if not concept.isdigit():
            return ""
        at = int(np.searchsorted(self._named, int(concept)))
        known = at < len(self._named) and self._named[at] == int(concept)
        return str(self._terms[at].as_py()) if known else ""

    def descendants(self, concepts: Iterable[str], *, and_self: bool = False) -> frozenset[str]:
        """Every active concept below the given ones."""
        return texts(self.below(numbers(concepts), and_self))

    def ancestors(self, concepts: Iterable[str], *, and_self: bool = False) -> frozenset[str]:
        """Every active concept above the given ones."""
        start = self._places(numbers(concepts))
        return texts(self._ids[self._parents.closure(start, and_self)])

    def below(self, concepts: Ids, and_self: bool) -> Ids:
        """:meth:`descendants` on sorted arrays of ids."""
        found = self._children.closure(self._places(concepts), and_self)
        active: Ids = self._ids[found[self._active[found]]]
        return active

    def members(self, refset: str) -> frozenset[str]:
        """The active concepts of a reference set."""
        return texts(self.members_of(int(refset)))

    def members_of(self, refset: int) -> Ids:
        """:meth:`members` as a sorted array."""
        rows = self._members.filter(pc.equal(self._members.column("refset_id"), refset))
        found = np.unique(rows.column("concept_id").to_numpy())
        places = self._places(found)
        active: Ids = self._ids[places[self._active[places]]]
        return active

    def everything(self) -> Ids:
        """Every active concept, sorted."""
        active: Ids = self._ids[self._active]
        return active

    def successors(self, concept: str) -> tuple[Successor, ...]:
        """What took the place of a concept, followed to concepts that are active; empty: nothing.

        The answer is sure where each step has one successor and says the same or replaced.
        """
        if self._history is None:
            self._history = {}
            columns = (
                self._association.column(c).to_pylist() for c in ("old_id", "kind", "new_id")
            )
            for old, kind, new in zip(*columns, strict=True):
                self._history.setdefault(old, []).append((kind, new))
        found: dict[int, Successor] = {}
        if concept.isdigit():
            self._follow(int(concept), True, {int(concept)}, found)
        return tuple(found[i] for i in sorted(found))

    def _follow(self, old: int, sure: bool, seen: set[int], found: dict[int, Successor]) -> None:
        links = (self._history or {}).get(old, [])
        if any(kind in _SURE for kind, _ in links):
            links = [(kind, new) for kind, new in links if kind in _SURE]
        targets = {new for _, new in links}
        for kind, new in links:
            firm = sure and kind in _SURE and len(targets) == 1
            if new in seen:
                continue
            if self.is_active(str(new)):
                found.setdefault(new, Successor(str(new), kind, firm))
            else:
                self._follow(new, firm, seen | {new}, found)

    def _place(self, concept: str) -> int | None:
        if not (concept.isascii() and concept.isdigit() and len(concept) <= 18):
            return None
        at = int(np.searchsorted(self._ids, int(concept)))
        return at if at < len(self._ids) and self._ids[at] == int(concept) else None

    def _places(self, concepts: Ids) -> Ids:
        """Where the known ones of these ids stand, sorted."""
        places: Ids = np.searchsorted(self._ids, np.intersect1d(concepts, self._ids))
        return places


class _Pairs:
    """From one concept to the others, as one sorted array of starts and one of targets."""

    def __init__(self, table: pa.Table, source: str, target: str, ids: Ids) -> None:
        a, b = (table.column(c).to_numpy() for c in (source, target))
        known = np.isin(a, ids) & np.isin(b, ids)
        starts, ends = np.searchsorted(ids, a[known]), np.searchsorted(ids, b[known])
        order = np.argsort(starts, kind="stable")
        self._ends = ends[order]
        self._first = np.searchsorted(starts[order], np.arange(len(ids) + 1))

    def closure(self, start: Ids, and_self: bool) -> Ids:
        """Every place that can be reached, sorted; the start itself only where asked for."""
        seen = np.zeros(len(self._first) - 1, dtype=np.bool_)
        front = start
        while len(front):
            low, count = self._first[front], self._first[front + 1] - self._first[front]
            step = np.repeat(low - np.append(0, np.cumsum(count)[:-1]), count)
            reached = self._ends[step + np.arange(len(step))]
            front = np.unique(reached[~seen[reached]])
            seen[front] = True
        if and_self:
            seen[start] = True
        return np.flatnonzero(seen)


def numbers(concepts: Iterable[str]) -> Ids:
    """Ids as a sorted array without repeats."""
    return np.unique(np.array([int(c) for c in concepts], dtype=np.int64))


def texts(concepts: Ids | Sequence[int]) -> frozenset[str]:
    """Ids as text."""
    return frozenset(str(c) for c in concepts)

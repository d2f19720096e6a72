"""Published code lists: OpenCodelists files, whose headers vary, and NHS reference set tables.

The column of ids and the coding system are found from the content and the header, never from the
file's name, and said: :attr:`CodeList.column`, :attr:`CodeList.system`, :attr:`CodeList.why`. Ids
stay text. A cell that a spreadsheet has spoilt (``1.96E+14``) or that fails its check digit is
refused with its row and column; what can be passed over (an empty cell, a code given twice, a cell
too many) is passed over with a reason in :attr:`CodeList.notes`.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from counterfoil.foundation.errors import DataError, Problem
from counterfoil.terminology.ids import check_ids, is_concept_id, namespace

System = Literal["snomed", "dmd"]

DMD_NAMESPACE = "1000001"
LICENCES: dict[System, str] = {
    "snomed": "SNOMED CT content: for use under the UK SNOMED CT licence (free, from TRUD).",
    "dmd": "dm+d content: Open Government Licence v3.0, Crown copyright, NHSBSA and NHS England; "
    "its ids are SNOMED CT ids, covered by the UK SNOMED CT licence.",
}

_SPOILT = re.compile(r"[0-9]+([.,][0-9]+)?[eE]\+?[0-9]+|[0-9]{5,}[.,]0*")
_ID_LIKE = re.compile(r"[0-9]{6,18}")
_ID_HEADERS = {
    "code",
    "id",
    "dmdid",
    "dmdcode",
    "snomed",
    "snomedct",
    "snomedctid",
    "snomedctcode",
    "snomedid",
    "snomedcode",
    "sctid",
    "conceptid",
    "vpid",
    "vmpid",
    "apid",
    "ampid",
    "vtmid",
}
_PRODUCT_HEADERS = {"dmdid", "dmdtype", "dmdname", "vpid", "apid", "vmpid", "ampid", "bnfcode"}
_TERM_HEADERS = (
    "term",
    "name",
    "nm",
    "description",
    "dmdname",
    "dmddescription",
    "codedescription",
)
_CLUSTER_HEADERS = ("clusterid", "cluster", "codelistid", "refsetid", "refsetcode")
_CLUSTER_NAMES = ("clusterdesc", "clusterdescription", "codelistname", "refsetname")
_LEVELS = {"VTM", "VMP", "VMPP", "AMP", "AMPP"}
_COLUMN_LEVELS = {"vpid": "VMP", "vmpid": "VMP", "apid": "AMP", "ampid": "AMP", "vtmid": "VTM"}
_PRODUCT_TERM = re.compile(
    r"\d\s?(mg|g|ml|micrograms?|nanograms?|units?|%|iu|mmol)\b.*\b(tablets?|capsules?|solution|"
    r"suspension|injection|cream|ointment|gel|patch(es)?|inhaler|drops|spray|powder|granules|"
    r"sachets?|liquid|suppositor(y|ies)|vials?|ampoules?|syringes?|foam|lotion|elixir|syrup)\b",
    re.IGNORECASE,
)
_MOST = 20


@dataclass(frozen=True, slots=True)
class Listed:
    """One code of a list: its row in the file (the header is row 1), its term, and its level.

    ``level`` is VTM, VMP, VMPP, AMP or AMPP where the list says so, else empty.
    """

    code: str
    term: str
    level: str
    row: int


@dataclass(frozen=True, slots=True)
class CodeList:
    """A list as it was read. ``version`` is a hash of the codes and their system.

    ``foreign`` are the entries whose ids lie in the other system's namespace: such a list can be
    looked at and checked, but is no set for a rule (:meth:`only_one_system`).
    """

    name: str
    system: System
    why: str
    column: str
    entries: tuple[Listed, ...]
    rows: int
    source: str
    file_hash: str
    title: str = ""
    foreign: tuple[Listed, ...] = ()
    notes: tuple[str, ...] = ()
    codes: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def version(self) -> str:
        """Twelve hex digits that follow from the system and the codes alone."""
        text = self.system + "\n" + "\n".join(sorted(self.codes))
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def licence(self) -> str:
        """Under what licence the content may be used."""
        return LICENCES[self.system]

    def only_one_system(self) -> CodeList:
        """The list itself; ``DataError`` where it mixes SNOMED CT and dm+d."""
        if self.foreign:
            other = "SNOMED CT clinical" if self.system == "dmd" else "dm+d"
            raise DataError(
                *(
                    Problem(
                        f"{self.source}, row {e.row}, column {self.column}",
                        f"{_said(self.system)} ids only; this id is in a {other} namespace",
                        e.code,
                    )
                    for e in self.foreign[:_MOST]
                )
            )
        return self


def read_codelist(path: Path, *, name: str | None = None, column: str | None = None) -> CodeList:
    """One list from a CSV file; *column* chooses the column of ids instead of finding it.

    ``DataError`` names the file, row and column of what cannot be read.
    """
    return codelist_of(path.read_bytes(), path.name, name or path.stem, column)


def codelist_of(raw: bytes, place: str, name: str, column: str | None = None) -> CodeList:
    """:func:`read_codelist` on the bytes of a file; *place* stands in the messages."""
    header, rows = _cells(place, raw)
    return _Table(place, header, rows, hashlib.sha256(raw).hexdigest()).codelist(name, column)


def looks_like_codelist(head: bytes) -> str | None:
    """By which sign the start of a file is that of a code list; None where it is not."""
    text = _text(head)
    if text is None or "\n" not in text.strip():
        return None
    try:
        header, rows = _cells("", text.rsplit("\n", 1)[0].encode())
        column = header[_Table("", header, rows, "").code_column(None)]
    except DataError:
        return None
    return f"column {column} holds SNOMED CT or dm+d ids"


def header_of(head: bytes) -> list[str]:
    """The cells of the first line of a delimited text; none where it is no text."""
    text = _text(head)
    if text is None:
        return []
    first = text.lstrip().split("\n", 1)[0].strip("\r")
    delimiter = max(",;\t", key=first.count)
    return [h.strip() for h in next(csv.reader([first], delimiter=delimiter), [])]


def read_refsets(path: Path) -> list[CodeList]:
    """The lists of a reference set table (CSV, TXT or Parquet), one for each cluster or refset.

    The table has a column of clusters (``Cluster_ID``, ``CODELIST_ID``, ``refset_id``) and one of
    codes. A row without a code is a cluster that the table names and leaves empty: no list.
    """
    return refsets_of(path.read_bytes(), path.name)


def refsets_of(raw: bytes, place: str) -> list[CodeList]:
    """:func:`read_refsets` on the bytes of a file; *place* stands in the messages."""
    header, rows = _parquet(place, raw) if raw[:4] == b"PAR1" else _cells(place, raw)
    key = cluster_column(header)
    if key is None:
        raise DataError.at(place, "a column such as Cluster_ID", ", ".join(header))
    names = _column(header, _CLUSTER_NAMES)
    file_hash = hashlib.sha256(raw).hexdigest()
    whole = _Table(place, header, rows, file_hash)
    if names == key:
        names = None
    groups: dict[str, list[tuple[int, list[str]]]] = {}
    column = whole.code_column(None, apart_from=key)
    for number, cells in rows:
        if cells[key].strip() and cells[column].strip():
            groups.setdefault(cells[key].strip(), []).append((number, cells))
    whole.check(column)
    lists = []
    for cluster, members in groups.items():
        part = _Table(place, header, members, file_hash)
        title = members[0][1][names].strip() if names is not None else ""
        lists.append(part.codelist(cluster, header[column], title))
    return lists


def holds_refsets(raw: bytes) -> bool:
    """Whether a Parquet file has the columns of a table of reference sets."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        names = pq.read_schema(pa.BufferReader(raw)).names
    except pa.ArrowException:
        return False
    return cluster_column(names) is not None and any(_plain(n) in _ID_HEADERS for n in names)


def cluster_column(header: Sequence[str]) -> int | None:
    """Which column says the cluster or reference set of a row, if the table has one."""
    return _column(header, _CLUSTER_HEADERS)


def _plain(header: str) -> str:
    return re.sub(r"[^a-z0-9]", "", header.lower())


def _column(header: Sequence[str], wanted: Iterable[str]) -> int | None:
    plain = [_plain(h) for h in header]
    return next((plain.index(w) for w in wanted if w in plain), None)


def _said(system: System) -> str:
    return "dm+d" if system == "dmd" else "SNOMED CT"


def _cells(place: str, raw: bytes) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Header and rows of a delimited text, each row with its number as a spreadsheet shows it."""
    text = _decoded(place, raw)
    first = text.lstrip().split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    table: list[tuple[int, list[str]]] = []
    try:
        for number, cells in enumerate(reader, start=1):
            table.append((number, cells))
    except csv.Error as error:
        at = f"{place}, row {len(table) + 1}"
        raise DataError.at(at, f"a row of a CSV file; {error}") from error
    table = [(n, c) for n, c in table if any(x.strip() for x in c)]
    if not table:
        raise DataError.at(place, "a header and at least one row", "an empty file")
    header = [h.strip() for h in table[0][1]]
    if any(_ID_LIKE.fullmatch(h) or _SPOILT.fullmatch(h) for h in header):
        return [f"column {i}" for i in range(1, len(header) + 1)], table
    return header, table[1:]


def _decoded(place: str, raw: bytes) -> str:
    text = _text(raw)
    if text is None:
        raise DataError.at(place, "a text file of comma-separated values", "binary content")
    return text


def _text(raw: bytes) -> str | None:
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", "replace")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
    return None if "\0" in text else text


def _parquet(place: str, raw: bytes) -> tuple[list[str], list[tuple[int, list[str]]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(pa.BufferReader(raw))
    except pa.ArrowException as error:
        raise DataError.at(place, "a Parquet file", str(error).split("\n")[0]) from error
    columns = [
        table.column(i).cast(pa.string()).fill_null("").to_pylist()
        for i in range(table.num_columns)
    ]
    rows = [(n, list(cells)) for n, cells in enumerate(zip(*columns, strict=True), start=1)]
    return list(table.column_names), rows


class _Table:
    """Header and rows while the list is found in them."""

    def __init__(
        self, place: str, header: list[str], rows: list[tuple[int, list[str]]], file_hash: str
    ) -> None:
        self.place = place
        self.header = header
        self.file_hash = file_hash
        self.notes: list[str] = []
        self.rows = [(number, self._fitted(number, cells)) for number, cells in rows]

    def _fitted(self, number: int, cells: list[str]) -> list[str]:
        """The row with as many cells as the header: a term may hold an unquoted comma."""
        width = len(self.header)
        if len(cells) <= width:
            return cells + [""] * (width - len(cells))
        extra = [c for c in cells[width:] if c.strip()]
        if extra:
            self.notes.append(f"row {number}: {len(extra)} more cells than the header has names")
        return [*cells[: width - 1], ",".join(cells[width - 1 :]).rstrip(",")]

    def _at(self, column: int) -> list[str]:
        return [_bare(cells[column]) for _, cells in self.rows]

    def code_column(self, wanted: str | None, apart_from: int = -1) -> int:
        """The column of ids: ``code`` where it holds ids, else the leftmost column that does."""
        if wanted is not None:
            if wanted not in self.header:
                raise DataError.at(
                    self.place, f"a column called {wanted}", ", ".join(h for h in self.header if h)
                )
            return self.header.index(wanted)
        found = [i for i in range(len(self.header)) if i != apart_from and self._holds_ids(i)]
        if not found:
            raise DataError.at(
                self.place,
                "a column of SNOMED CT or dm+d ids (headed code, id, dmd_id or the like)",
                "the columns " + ", ".join(h or "(no header)" for h in self.header),
            )
        named = [i for i in found if _plain(self.header[i]) == "code"]
        chosen = (named or found)[0]
        self._others(chosen, found)
        return chosen

    def _holds_ids(self, column: int) -> bool:
        cells = [c for c in self._at(column) if c]
        if not cells:
            return False
        valid = int(check_ids(cells).sum())
        if 2 * valid >= len(cells):
            return True
        like = sum(1 for c in cells if _ID_LIKE.fullmatch(c) or _SPOILT.fullmatch(c))
        return _plain(self.header[column]) in _ID_HEADERS and 2 * like >= len(cells)

    def _others(self, chosen: int, found: list[int]) -> None:
        mine = set(self._at(chosen))
        for column in found:
            more = {c for c in self._at(column) if c} - mine
            if more:
                self.notes.append(
                    f"column {self.header[column]} holds {len(more)} other ids; "
                    f"column {self.header[chosen]} was read"
                )

    def check(self, column: int) -> None:
        """``DataError`` for each id that is spoilt, fails its check digit or is no concept's."""
        texts = self._at(column)
        valid = check_ids(texts)
        problems = []
        for (number, _), text, good in zip(self.rows, texts, valid, strict=True):
            if not text or (good and is_concept_id(text)):
                continue
            place = f"{self.place}, row {number}, column {self.header[column]}"
            problems.append(Problem(place, _wanted(text, bool(good)), text))
        if len(problems) > _MOST:
            more = len(problems) - _MOST
            problems = [*problems[:_MOST], Problem(self.place, f"{more} more cells like these")]
        if problems:
            raise DataError(*problems)

    def codelist(self, name: str, column: str | None, title: str = "") -> CodeList:
        """The list in these rows."""
        at = self.code_column(column)
        self.check(at)
        term, level = self._term_column(at), self._level_column()
        of_column = _COLUMN_LEVELS.get(_plain(self.header[at]), "")
        entries: dict[str, Listed] = {}
        again: Counter[str] = Counter()
        for number, cells in self.rows:
            code = _bare(cells[at])
            if not code:
                self.notes.append(f"row {number}: no id in column {self.header[at]}")
                continue
            if code in entries:
                again[code] += 1
                continue
            stated = of_column or (cells[level].strip().upper() if level is not None else "")
            entries[code] = Listed(
                code,
                " ".join(cells[term].split()) if term is not None else "",
                stated if stated in _LEVELS else "",
                number,
            )
        if not entries:
            raise DataError.at(self.place, "at least one id", "none")
        if again:
            self.notes.append(f"{sum(again.values())} rows repeat an id that stands above them")
        system, why = self._system(entries)
        wrong = _foreign(system)
        return CodeList(
            name=name,
            system=system,
            why=why,
            column=self.header[at],
            entries=tuple(entries.values()),
            rows=len(self.rows),
            source=self.place,
            file_hash=self.file_hash,
            title=title,
            foreign=tuple(e for e in entries.values() if wrong(namespace(e.code))),
            notes=tuple(self.notes),
            codes=frozenset(entries),
        )

    def _term_column(self, code: int) -> int | None:
        named = _column(self.header, _TERM_HEADERS)
        if named is not None:
            return named
        others = [i for i in range(len(self.header)) if i != code and not self._holds_ids(i)]
        length = {i: sum(len(c) for c in self._at(i)) for i in others}
        return max(others, key=lambda i: length[i], default=None)

    def _level_column(self) -> int | None:
        for column in range(len(self.header)):
            cells = {c.upper() for c in self._at(column) if c}
            if cells and cells <= _LEVELS:
                return column
        return None

    def _system(self, entries: dict[str, Listed]) -> tuple[System, str]:
        """dm+d or SNOMED CT, and by which sign."""
        spaces = Counter(namespace(code) for code in entries)
        products = spaces[DMD_NAMESPACE]
        clinical = len(entries) - products - spaces[""]
        if products or clinical:
            share = f"{products} of {len(entries)} ids lie in dm+d's namespace"
            return ("dmd" if products > clinical else "snomed"), share
        signs = [h for h in self.header if _plain(h) in _PRODUCT_HEADERS]
        if signs:
            return "dmd", "the columns " + ", ".join(signs)
        named = sum(1 for e in entries.values() if _PRODUCT_TERM.search(e.term))
        if 2 * named >= len(entries):
            return "dmd", f"{named} of {len(entries)} terms name a strength and a form"
        return "snomed", "no id in dm+d's namespace, and the terms are not products"


def _foreign(system: System) -> Callable[[str], bool]:
    if system == "dmd":
        return lambda space: space not in ("", DMD_NAMESPACE)
    return lambda space: space == DMD_NAMESPACE


def _bare(cell: str) -> str:
    """A cell without the marks that spreadsheets put about an id to keep it text."""
    text = cell.strip()
    if text.startswith('="') and text.endswith('"'):
        return text[2:-1].strip()
    return text[1:] if text.startswith("'") else text


def _wanted(text: str, valid: bool) -> str:
    if valid:
        return "the id of a concept; this is that of a description or relationship"
    if _SPOILT.fullmatch(text):
        return "an id as text; a spreadsheet has made a rounded number of it, so the id is lost"
    if _ID_LIKE.fullmatch(text):
        return "an id whose check digit is right; a digit is missing, added or changed"
    return "a SNOMED CT id of 6 to 18 digits"

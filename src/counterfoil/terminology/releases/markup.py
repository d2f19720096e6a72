"""Release XML as tables: streamed, checked row by row, written as Parquet as it comes.

Every column is text, exactly as the file states it but for surrounding blanks. A row that breaks a
column's kind, or the file's XSD, refuses the whole file with its place: the file, the section and
the number of the record in it, as in ``f_vmp2_3010419.xml VMPS/VMP[17]``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from lxml import etree

from counterfoil.foundation.errors import DataError
from counterfoil.terminology.id_columns import wrong_ids
from counterfoil.terminology.releases.source import Bytes, Entry
from counterfoil.terminology.releases.tables import SECTION_COLUMN, Column, FileKind, Table

_ROOT = re.compile(rb"<([A-Za-z_][\w.-]*)")
_BEFORE = re.compile(rb"<\?.*?\?>|<!--.*?-->", re.DOTALL)
_XSD = re.compile(rb"noNamespaceSchemaLocation\s*=\s*[\"']([^\"']+)[\"']")

ROWS = 16_384
"""Rows held before they are checked and written."""
MOST_BETWEEN = 64 << 20
"""Bytes without a record that is known; more is refused, so that memory stays bounded."""
MOST_SCHEMA = 4 << 20

_KINDS = {
    "digits": (r"^\d{1,18}$", "digits"),
    "code": (r"^\d{1,18}$", "a code of digits"),
    "number": (r"^\+?(\d{1,15}(\.\d{0,15})?|\.\d{1,15})([eE][+-]?\d{1,2})?$", "a number"),
    "flag": (r"^0*[01]$", "0 or 1"),
    "date": (r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])Z?$", "a date such as 2025-02-13"),
}


@dataclass
class Parsed:
    """What was read of one file: rows by table, what is not known, sections that are missing."""

    rows: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    missing: list[str] = field(default_factory=list)


class Tables:
    """Parquet files being written, one for each table; rows may come from several files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writers: dict[str, pq.ParquetWriter] = {}
        self.rows: Counter[str] = Counter()

    def write(self, name: str, columns: list[str], arrays: list[pa.Array]) -> None:
        """Append rows to the table *name*."""
        schema = pa.schema([(c, pa.string()) for c in columns])
        if name not in self._writers:
            self._writers[name] = pq.ParquetWriter(
                self._folder / f"{name}.parquet", schema, compression="zstd"
            )
        self._writers[name].write_batch(pa.record_batch(arrays, schema=schema))
        self.rows[name] += len(arrays[0])

    def close(self) -> None:
        """Finish every file."""
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()


class _Batch:
    """Rows of one table of one section, until they are checked and written."""

    def __init__(self, table: Table, place: str, section: str) -> None:
        self.table = table
        self.place = place
        self.section = section
        self.names = [c.name for c in table.columns]
        self.known = frozenset(self.names)
        self.done = 0
        self.rows: list[list[str | None]] = []

    def flush(self, out: Tables) -> None:
        """Check and write the rows; ``DataError`` names the first that is wrong."""
        if not self.rows:
            return
        arrays = [
            _checked(pa.array(values, pa.string()), column, self)
            for column, values in zip(self.table.columns, zip(*self.rows, strict=True), strict=True)
        ]
        names = list(self.names)
        if self.table.name in SECTION_COLUMN:
            names.insert(0, SECTION_COLUMN[self.table.name])
            arrays.insert(0, pa.array([self.section] * len(self.rows), pa.string()))
        out.write(self.table.name, names, arrays)
        self.done += len(self.rows)
        self.rows.clear()

    @property
    def next_place(self) -> str:
        """Where the record that is being read stands."""
        return f"{self.place}[{self.done + len(self.rows) + 1}]"

    def wrong(self, row: int, column: Column, expected: str, found: str) -> DataError:
        """The error for one cell."""
        return DataError.at(
            f"{self.place}[{self.done + row + 1}] {column.name}", f"expected {expected}", found
        )


def _checked(values: pa.Array, column: Column, batch: _Batch) -> pa.Array:
    values = pc.utf8_trim_whitespace(values)
    values = pc.if_else(pc.equal(values, ""), pa.scalar(None, pa.string()), values)
    if column.required and values.null_count:
        row = int(np.flatnonzero(values.is_null().to_numpy(zero_copy_only=False))[0])
        raise batch.wrong(row, column, "a value", "nothing")
    if column.kind in ("key", "id", "ref"):
        there = np.flatnonzero(values.is_valid().to_numpy(zero_copy_only=False))
        wrong = wrong_ids(values.drop_null())
        if len(wrong):
            row = int(there[wrong[0]])
            expected = "a SNOMED CT identifier with a right check digit"
            raise batch.wrong(row, column, expected, _short(values[row].as_py()))
    elif column.kind in _KINDS:
        pattern, words = _KINDS[column.kind]
        right = pc.fill_null(pc.match_substring_regex(values, pattern), True)
        if not pc.all(right).as_py():
            row = int(np.flatnonzero(~right.to_numpy(zero_copy_only=False))[0])
            raise batch.wrong(row, column, words, _short(values[row].as_py()))
    return values


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}...")


def head_of(entry: Entry) -> tuple[str | None, str | None]:
    """The root element and the name of the XSD that the start of a file states.

    Raises :class:`DataError` where a document type stands before the root: a release has none, and
    what it could bring in is not wanted.
    """
    head = _BEFORE.sub(b"", entry.head(8192))
    found, schema = _ROOT.search(head), _XSD.search(head)
    if b"<!DOCTYPE" in head[: found.start() if found else len(head)].upper():
        raise DataError.at(entry.place, "XML without a document type declaration is expected")
    return (
        found[1].decode("ascii", "replace") if found else None,
        Path(schema[1].decode("utf-8", "replace")).name if schema else None,
    )


def read_schema(entry: Entry) -> etree.XMLSchema:
    """The XSD in *entry*; ``DataError`` where it is none, or refers to other files."""
    content = entry.read(MOST_SCHEMA)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root: Any = etree.fromstring(content, parser)
        xs = "{http://www.w3.org/2001/XMLSchema}"
        if root.getroottree().docinfo.doctype or any(
            next(root.iter(xs + word), None) is not None
            for word in ("include", "import", "redefine")
        ):
            raise DataError.at(entry.place, "an XSD that refers to no other file is expected")
        return etree.XMLSchema(root)
    except (etree.XMLSyntaxError, etree.XMLSchemaParseError, ValueError) as error:
        raise DataError.at(entry.place, "an XSD is expected", str(error)) from error


def parse(
    entry: Entry,
    kind: FileKind,
    schema: etree.XMLSchema | None,
    out: Tables,
    advance: Callable[[int], None],
) -> Parsed:
    """Stream one file into *out*; *advance* is told how many bytes have been read further.

    Raises :class:`DataError` with the place where the XML is broken or cut short, a row or the
    document breaks the XSD or a column's kind, or the file is of another kind.
    """
    parsed = Parsed()
    batches: dict[tuple[str, str], _Batch] = {}
    try:
        with entry.open() as stream:
            _stream(entry, kind, schema, _Paced(stream, entry.place, advance), out, batches, parsed)
    except _SchemaError as error:
        assert schema is not None
        raise _invalid(entry, kind, schema, error.message) from error
    except etree.XMLSyntaxError as error:
        words = re.sub(r"^line \d+: b'(.*)'$", r"\1", str(error.msg))
        raise DataError.at(
            f"{entry.place} line {error.lineno}", "whole, well-formed XML is expected", words
        ) from error
    return parsed


class _SchemaError(Exception):
    """The document breaks its XSD; the stream does not know where."""

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


def _elements(events: Any, kind: FileKind, parsed: Parsed) -> Iterator[Any]:
    """The records, to the end of the document; :class:`_SchemaError` where that breaks the XSD.

    A section at the end that is missing altogether is taken as empty and counted: extracts of a
    release leave empty sections out.
    """
    try:
        for _, element in events:
            yield element
    except etree.XMLSyntaxError as error:
        # The parser's own log: the exception's also holds what other parsers met before.
        log = list(events.error_log)
        broken = [e for e in log if not e.domain_name.startswith("SCHEMAS")]
        messages = [e.message for e in log if e.domain_name.startswith("SCHEMAS")]
        if broken or not messages:
            raise
        for message in messages:
            section = _missing_section(message, kind)
            if section is None:
                raise _SchemaError(message) from error
            parsed.missing.append(section)


def _missing_section(message: str, kind: FileKind) -> str | None:
    """The section that a complaint of the XSD says is missing, unless it is the file's first."""
    found = re.match(
        rf"Element '{kind.root}': Missing child element\(s\)\. Expected is \( (\w+) \)\.", message
    )
    sections = [section for section, _ in kind.tables]
    return found[1] if found and found[1] in sections[1:] else None


def _stream(
    entry: Entry,
    kind: FileKind,
    schema: etree.XMLSchema | None,
    stream: _Paced,
    out: Tables,
    batches: dict[tuple[str, str], _Batch],
    parsed: Parsed,
) -> None:
    events = etree.iterparse(
        stream,
        events=("end",),
        tag=[kind.root, *{record for _, record in kind.tables}],
        schema=schema,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )
    root, ended = None, False
    for element in _elements(events, kind, parsed):
        if root is None:
            root = _rooted(element, entry, kind)
        parent = element.getparent()
        if parent is None:
            ended = True
            continue
        batch = _batch_of(element.tag, parent, root, kind, entry, batches)
        if batch is None:
            continue
        if batch.table.name == "gtin":
            rows = list(_gtin_rows(element, batch))
        else:
            rows = [_row(element, batch, parsed, schema is None)]
        batch.rows += rows
        parsed.rows[batch.table.name] += len(rows)
        stream.found()
        element.clear()
        while element.getprevious() is not None:
            if (name := parent[0].tag) != element.tag:
                parsed.unknown[f"{batch.section}/{name}" if batch.section else name] += 1
            del parent[0]
        if len(batch.rows) >= ROWS:
            batch.flush(out)
            if events.error_log:
                raise _SchemaError(events.error_log[0].message)
    if root is None or not ended:
        raise DataError.at(entry.place, "XML to the end of its root element is expected")
    for batch in batches.values():
        batch.flush(out)
    _left_over(root, kind, parsed)


def _rooted(element: Any, entry: Entry, kind: FileKind) -> Any:
    """The root, when it is the right one and brings no document type of its own.

    (Entities are kept out by :func:`head_of`, which refuses a document type before any is parsed:
    the parser's own switch for them hides a cut-off document when an XSD is checked as well.)
    """
    tree = element.getroottree()
    if tree.docinfo.doctype or tree.docinfo.internalDTD is not None:
        raise DataError.at(entry.place, "XML without a document type declaration is expected")
    if tree.getroot().tag != kind.root:
        raise DataError.at(
            entry.place, f"the root element {kind.root} is expected", str(tree.getroot().tag)
        )
    return tree.getroot()


def _batch_of(
    tag: str,
    parent: Any,
    root: Any,
    kind: FileKind,
    entry: Entry,
    batches: dict[tuple[str, str], _Batch],
) -> _Batch | None:
    """The rows that a record belongs to; None for an element in no place that is known."""
    if parent is root:
        section = ""
    elif parent.getparent() is root:
        section = parent.tag
    else:
        return None
    batch = batches.get((section, tag))
    if batch is None:
        table = kind.tables.get((section, tag)) or (
            kind.tables.get(("*", tag)) if section else None
        )
        if table is None:
            return None
        place = f"{entry.place} {section}/{tag}" if section else f"{entry.place} {tag}"
        batch = batches[section, tag] = _Batch(table, place, section)
    return batch


def _row(element: Any, batch: _Batch, parsed: Parsed, unchecked: bool) -> list[str | None]:
    """The cells of one record. Where no XSD has checked it, that its elements hold text only."""
    cells: dict[str, str | None] = {child.tag: child.text for child in element}
    if len(cells) != len(element) or (unchecked and any(len(child) for child in element)):
        raise DataError.at(batch.next_place, "each element once, with text only, is expected")
    if not cells.keys() <= batch.known:
        for name in cells.keys() - batch.known:
            parsed.unknown[f"{batch.table.name}: {name}"] += 1
    return [cells.get(name) for name in batch.names]


def _gtin_rows(element: Any, batch: _Batch) -> Iterator[list[str | None]]:
    """An AMPP with its GTINs, as the 2.0 schema nests them: a row for each GTIN."""
    pack: str | None = None
    for child in element:
        if child.tag == "AMPPID":
            pack = child.text
            continue
        row: list[str | None] | None = None
        for part in child:
            if part.tag == "GTIN":
                if row is not None:
                    yield row
                row = [pack, part.text, None, None]
            elif row is None or part.tag not in ("STARTDT", "ENDDT"):
                place = f"{batch.next_place} {part.tag}"
                raise DataError.at(place, "GTIN, then STARTDT and ENDDT, are expected")
            else:
                row[2 if part.tag == "STARTDT" else 3] = part.text
        if row is not None:
            yield row


def _left_over(root: Any, kind: FileKind, parsed: Parsed) -> None:
    """Count what stands in the file and was not read: sections and records of a later schema."""
    sections = {section for section, _ in kind.tables}
    for child in root:
        if "" in sections:
            if ("", child.tag) not in kind.tables:
                parsed.unknown[str(child.tag)] += 1
        elif "*" in sections or child.tag in sections:
            for record in child:
                if not {(child.tag, record.tag), ("*", record.tag)} & kind.tables.keys():
                    parsed.unknown[f"{child.tag}/{record.tag}"] += 1
        else:
            parsed.unknown[str(child.tag)] += len(child)


class _Paced:
    """A stream that stops a file which goes on without records: its memory could not be freed."""

    def __init__(self, stream: Bytes, place: str, advance: Callable[[int], None]) -> None:
        self._stream = stream
        self._place = place
        self._advance = advance
        self._since = 0

    def read(self, size: int = -1) -> bytes:
        block = self._stream.read(size)
        self._since += len(block)
        self._advance(len(block))
        if self._since > MOST_BETWEEN:
            raise DataError.at(
                self._place, f"a record of a known kind within {MOST_BETWEEN:,} bytes is expected"
            )
        return block

    def found(self) -> None:
        """A record was read and freed."""
        self._since = 0


def _invalid(entry: Entry, kind: FileKind, schema: etree.XMLSchema, message: str) -> DataError:
    """The first thing that breaks the XSD, with its line: read again, a tag at a time.

    The stream that validates on the way says what is wrong but not where.
    """
    expected = "XML that its XSD allows is expected"
    names = {record for _, record in kind.tables}
    parser = etree.XMLPullParser(
        events=("end",), tag=list(names), schema=schema, no_network=True, load_dtd=False
    )
    line, seen, inside = 1, Counter[str](), ""
    with entry.open() as stream:
        while block := stream.read(1 << 16):
            for part in re.findall(rb"[^>]*>|[^>]+", block):
                line += part.count(b"\n")
                said = _complaint(parser, part)
                if said:
                    record = f", {inside}[{seen[inside] + 1}]" if inside else ""
                    return DataError.at(f"{entry.place} line {line}{record}", expected, said)
                opened = re.search(rb"<([A-Z_]+)>\Z", part)
                if opened and (name := opened[1].decode()) in names:
                    inside = name
                for _, found in parser.read_events():
                    element: Any = found
                    seen[element.tag] += 1
                    inside = ""
                    element.clear()
                    parent = element.getparent()
                    while parent is not None and element.getprevious() is not None:
                        del parent[0]
    return DataError.at(f"{entry.place} line {line}", expected, message)


def _complaint(parser: etree.XMLPullParser, part: bytes) -> str:
    """What the parser says against the next part of a document; nothing where it is right so far."""
    try:
        parser.feed(part)
    except etree.XMLSyntaxError as error:
        return str(error.msg)
    log = parser.feed_error_log
    return str(log[0].message) if log else ""

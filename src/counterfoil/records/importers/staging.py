"""What the importers of extracts share: rows are staged with their faults, sorted out, and told of.

A source's table is staged once, as typed rows with ``id``, ``_part``, ``_row`` and:

- ``_why``: 0, or the number of the check that the row fails (1 is the first);
- ``_found``: what stood in the cell that fails;
- ``_other``: the row is of another practice's record; ``_deleted``: the source withdrew it;
- ``_blank``: it says no more than that.

:func:`sort_out` finds the rows that stand twice; :func:`settle` counts what became of every row and
names those that are not loaded. In a large import the stages are Parquet files, so that no table
need fit in memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa

from counterfoil.records.importers.extract import Extract, Part, first
from counterfoil.records.importers.shown import EARLIEST, LATEST, found
from counterfoil.records.load import Reject, ResourceCount

LARGE = 300_000_000
"""Bytes of CSV from which on stages are kept in files."""

MOST_REJECTS = 2000
"""Rejects that are named one by one, by table; the rest are counted by reason."""


@dataclass(frozen=True)
class Check:
    """A row fails where *condition* (SQL) is true. *cell* is SQL for the text that is shown."""

    condition: str
    column: str
    expected: str
    cell: str | None = None
    personal: bool = False

    def reason(self, cell: str | None) -> str:
        """The sentence for a report."""
        said = f"column {self.column}: expected {self.expected}"
        if self.cell is None:
            return said
        shown = "an empty cell" if cell is None else found(cell, self.personal)
        return f"{said}, found {shown}"


@dataclass
class Stage:
    """A staged table: SQL that names its rows, and what is to be said of some of them.

    ``odd`` names rows that are not loaded though they are sound: ``_part``, ``_row``, ``fate`` and
    ``first``. They stand twice (``superseded``, ``twice`` or ``again``, with the row they repeat),
    or what they belong to is not there (``alone``, which the sentence :attr:`alone` explains).
    ``gone`` names rows that a later file withdrew.
    """

    name: str
    sql: str
    columns: tuple[str, ...]
    checks: Sequence[Check]
    fields: frozenset[str]
    odd: str = ""
    gone: str = ""
    alone: str = ""

    def good(self, more: str = "true") -> str:
        """SQL for the rows that are loaded, under the name ``s``, with ``_gone``."""
        gone = (
            f"EXISTS (SELECT 1 FROM {self.gone} AS g WHERE g._part = s._part AND g._row = s._row)"
            if self.gone
            else "false"
        )
        odd = (
            f"AND NOT EXISTS (SELECT 1 FROM {self.odd} AS o "
            "WHERE o._part = s._part AND o._row = s._row)"
            if self.odd
            else ""
        )
        return (
            f"(SELECT s.*, s._deleted OR {gone} AS _gone FROM {self.sql} AS s "
            f"WHERE s._why = 0 AND NOT s._blank AND NOT s._other AND {more} {odd})"
        )


@dataclass
class Staging:
    """The stages of one import."""

    extract: Extract
    large: bool
    stages: dict[str, Stage] = field(default_factory=dict)

    @property
    def db(self) -> duckdb.DuckDBPyConnection:
        """The database of the import."""
        return self.extract.db

    def arrow(self, sql: str) -> pa.Table:
        """The rows of a query as an Arrow table."""
        made: pa.Table = self.db.sql(sql).to_arrow_table()
        return made

    def stage(
        self,
        name: str,
        parts: Sequence[Part],
        fields: Mapping[str, tuple[str, ...]],
        needed: Iterable[str],
        values: Mapping[str, str],
        checks: Sequence[Check],
        *,
        source: str = "{raw} AS x",
        other: str = "false",
        deleted: str = "false",
        blank: str = "false",
        known: Iterable[str] = (),
    ) -> Stage:
        """Read the parts of a table into typed rows.

        *values* is SQL by column over ``x``, the row as text, whose names must be others; *source*
        says what else is joined to it. Checks may use the names of both. The first must be that of
        the id: rows of another practice, and rows that only withdraw, must pass no other.
        """
        if both := set(fields) & set(values):
            raise ValueError(f"{name}: {sorted(both)[0]} is the name of a field and of a column")
        tests = " ".join(f"WHEN {c.condition} THEN {n}" for n, c in enumerate(checks[1:], 2))
        cells = " ".join(f"WHEN {n} THEN {c.cell}" for n, c in enumerate(checks, 1) if c.cell)
        shown = f"left(CASE _why {cells} END, 60)" if cells else "NULL::VARCHAR"
        typed = ", ".join(f"{sql} AS {column}" for column, sql in values.items())
        own = f"{', '.join(values)}, _part, _row, _other, _deleted, _blank"

        def make(raw: str, number: int) -> str:
            return self._into(
                f"{name}-{number}" if self.large else name,
                f"SELECT {own}, _why, {shown} AS _found FROM (SELECT *, CASE "
                f"WHEN {checks[0].condition} THEN 1 WHEN _blank OR _other THEN 0 {tests} ELSE 0 "
                f"END::TINYINT AS _why FROM (SELECT x.*, {typed}, coalesce({other}, false) AS "
                f"_other, coalesce({deleted}, false) AS _deleted, coalesce({blank}, false) AS "
                f"_blank FROM {source.format(raw=raw)}))",
            )

        present = self.extract.load(name, parts, fields, needed, make, known, apart=self.large)
        staged = self._numbered(name, max(len(parts), 1)) if self.large else self._named(name)
        stage = Stage(name, staged, tuple(values), checks, present)
        self.stages[name] = stage
        return stage

    def keep(self, name: str, select: str) -> str:
        """Run *select* once; SQL that names its rows from then on, in any database if large."""
        self.db.execute(self._into(name, select))
        return self._named(name)

    def _into(self, name: str, select: str) -> str:
        if not self.large:
            return f"CREATE OR REPLACE TABLE stage_{name} AS {select}"
        return f"COPY ({select}) TO '{self._path(name)}' (FORMAT parquet, COMPRESSION lz4_raw)"

    def _named(self, name: str) -> str:
        return f"read_parquet('{self._path(name)}')" if self.large else f"stage_{name}"

    def _numbered(self, name: str, parts: int) -> str:
        """The rows of a table's files, those without a number by their place in the file."""
        paths = ", ".join(f"'{self._path(f'{name}-{number}')}'" for number in range(parts))
        return (
            "(SELECT * EXCLUDE (file_row_number) REPLACE (coalesce(_row, file_row_number + 2) "
            f"AS _row) FROM read_parquet([{paths}], file_row_number = true))"
        )

    def _path(self, name: str) -> Path:
        return self.extract.folder / f"{name}.parquet"

    def sort_out(self, stage: Stage, key: str) -> None:
        """Find rows with one *key*: which of them holds, and which a later file withdrew.

        The newest file's row holds; of one file, or of files of one age, the first row. One that
        says the same again is passed over, one that says something else is rejected.
        """
        repeated = first(
            self.db,
            f"SELECT count(*) FROM (SELECT hash({key}) FROM {stage.sql} WHERE _why = 0 "
            f"AND NOT _other GROUP BY ALL HAVING count(*) > 1)",
        )
        if not repeated:
            return
        stamps = sorted({part.stamp for part in self.extract.parts.values()})
        ages = ", ".join(
            f"({p.number}, {stamps.index(p.stamp)})" for p in self.extract.parts.values()
        )
        self._several(stage, key, ages)
        stage.odd = self.keep(
            f"odd_{stage.name}",
            "SELECT _part, _row, fate, first FROM several WHERE fate IS NOT NULL",
        )
        gone = "SELECT _part, _row FROM several WHERE fate IS NULL AND gone"
        if first(self.db, f"SELECT count(*) FROM ({gone})"):
            stage.gone = self.keep(f"gone_{stage.name}", gone)

    def leave_alone(self, stage: Stage, column: str, other: Stage, key: str, why: str) -> None:
        """Reject the good rows of a stage whose *column* is no *key* of *other*, because *why*.

        The other table may be too large to look into: its rows are held against this one's.
        """
        found = self.keep(
            f"found_{stage.name}",
            f"SELECT DISTINCT o.{key} AS id FROM {other.good()} AS o WHERE o.{key} IN "
            f"(SELECT {column} FROM {stage.good()} WHERE {column} IS NOT NULL)",
        )
        condition = f"s.{column} IS NULL OR s.{column} NOT IN (SELECT id FROM {found})"
        before = f"SELECT * FROM {stage.odd} UNION ALL " if stage.odd else ""
        alone = self.keep(
            f"alone_{stage.name}",
            f"{before}SELECT _part, _row, 'alone' AS fate, 0::BIGINT AS first "
            f"FROM {stage.good()} AS s WHERE {condition}",
        )
        stage.odd, stage.alone = alone, why

    def _several(self, stage: Stage, key: str, ages: str) -> None:
        """The rows whose key stands more than once, with what becomes of each."""
        said = ", ".join(f"c.{column}" for column in (*stage.columns, "_deleted"))
        self.db.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE several AS
            WITH twice AS (
                SELECT hash({key}) AS h FROM {stage.sql} WHERE _why = 0 AND NOT _other
                GROUP BY ALL HAVING count(*) > 1
            ), candidates AS (
                SELECT * FROM {stage.sql}
                WHERE _why = 0 AND NOT _other AND hash({key}) IN (SELECT h FROM twice)
            ), marked AS (
                SELECT c.{key} AS key, c._part, c._row, c._blank, a.age,
                    md5(CAST(row({said}) AS VARCHAR)) AS said
                FROM candidates AS c JOIN (VALUES {ages}) AS a(part, age) ON a.part = c._part
            ), ranked AS (
                SELECT *, first_value(said) OVER content AS said_first,
                    first_value(_row) OVER content AS first,
                    first_value(age) OVER content AS age_first,
                    row_number() OVER content AS place,
                    max(age) FILTER (_blank) OVER (PARTITION BY key) AS withdrawn,
                    count(*) OVER (PARTITION BY key) AS n
                FROM marked
                WINDOW content AS (PARTITION BY key ORDER BY _blank, age DESC, _part, _row)
            )
            SELECT _part, _row, first, coalesce(withdrawn > age, false) AS gone,
                CASE WHEN place = 1 OR _blank THEN NULL
                    WHEN age < age_first THEN 'superseded'
                    WHEN said = said_first THEN 'twice'
                    ELSE 'again' END AS fate
            FROM ranked WHERE n > 1
            """
        )

    def settle(self, stage: Stage, table: str) -> Settled:
        """What became of the rows of a stage, whose rejects belong to the canonical *table*."""
        extract = self.extract
        torn = extract.torn.get(stage.name, [])
        counts: Counter[str] = Counter(torn=len(torn))
        for why, other, blank, rows in self.db.execute(
            f"SELECT _why, _other, _blank, count(*) FROM {stage.sql} GROUP BY ALL"
        ).fetchall():
            fate = (
                "other" if other and why != 1 else "wrong" if why else "blank" if blank else "good"
            )
            counts[fate] += rows
        if stage.odd:
            for fate, rows in self.db.execute(
                f"SELECT fate, count(*) FROM {stage.odd} GROUP BY ALL"
            ).fetchall():
                counts[fate] += rows
                counts["good"] -= rows
        rejects = [
            Reject(
                table,
                extract.place(each.part, each.row),
                f"expected {each.expected} cells as in the header, found {each.found}",
            )
            for each in torn[:MOST_REJECTS]
        ]
        for part, row, why, cell in self.db.execute(
            f"SELECT _part, _row, _why, _found FROM {stage.sql} WHERE _why > 0 "
            f"ORDER BY _part, _row LIMIT {MOST_REJECTS}"
        ).fetchall():
            reason = stage.checks[why - 1].reason(cell)
            rejects.append(Reject(table, extract.place(part, row), reason))
        if stage.odd:
            for part, row, fate, first in self.db.execute(
                f"SELECT _part, _row, fate, first FROM {stage.odd} WHERE fate IN ('again', 'alone')"
                f" ORDER BY _part, _row LIMIT {MOST_REJECTS}"
            ).fetchall():
                why = f"the id of row {first} again" if fate == "again" else stage.alone
                reason = f"column {stage.checks[0].column}: {why}"
                rejects.append(Reject(table, extract.place(part, row), reason))
        rejected = counts["torn"] + counts["wrong"] + counts["again"] + counts["alone"]
        notes = self._notes(stage, counts, rejected - len(rejects))
        merged = counts["superseded"] + counts["twice"] + counts["blank"]
        read = counts["good"] + rejected + merged + counts["other"]
        return Settled(
            ResourceCount(read, counts["good"], merged, counts["other"], rejected),
            rejects,
            notes,
        )

    def _notes(self, stage: Stage, counts: Counter[str], unnamed: int) -> list[str]:
        notes = []
        said = {
            "other": "rows are of another organisation: not loaded",
            "superseded": "rows are replaced by rows of newer files",
            "twice": "rows stand there twice: taken once",
            "blank": "rows withdraw a row by its id",
        }
        for fate, words in said.items():
            if counts[fate]:
                notes.append(f"{stage.name}: {counts[fate]} {words}")
        if unnamed > 0:
            whys = self.db.execute(
                f"SELECT _why, count(*) FROM {stage.sql} WHERE _why > 0 GROUP BY ALL ORDER BY 2 DESC"
            ).fetchall()
            most = "; ".join(
                f"{rows} for column {stage.checks[why - 1].column}" for why, rows in whys
            )
            notes.append(f"{stage.name}: {unnamed} more rows were rejected than are named ({most})")
        return notes


@dataclass(frozen=True)
class Settled:
    """The account of one stage."""

    count: ResourceCount
    rejects: list[Reject]
    notes: list[str]


def same(columns: str) -> dict[str, str]:
    """SQL by column for columns that are taken from the stage as they are."""
    return {name: f"s.{name}" for name in columns.split()}


MACROS = f"""
CREATE MACRO identifier(x) AS CASE
    WHEN length(x) = 38 AND x[1] = '{{' THEN upper(substr(x, 2, 36))
    WHEN length(x) = 36 AND substr(x, 9, 1) = '-' AND substr(x, 24, 1) = '-' THEN upper(x)
    WHEN starts_with(x, '{{') AND ends_with(x, '}}') AND NOT contains(x, ' ')
        THEN nullif(substr(x, 2, length(x) - 2), '')
    ELSE nullif(trim(x, '{{}} '), '') END;
CREATE MACRO tidy(x) AS CASE WHEN contains(x, ' ') THEN trim(x) ELSE x END;
CREATE MACRO flag(x) AS CASE WHEN x = 'false' THEN false WHEN x = 'true' THEN true
    ELSE contains(' true t yes y 1 ', ' ' || lower(trim(x)) || ' ') AND trim(x) <> '' END;
CREATE MACRO no_flag(x) AS CASE WHEN x IS NULL OR x = 'false' OR x = 'true' THEN false
    ELSE NOT contains(' true t yes y 1 false f no n 0 ', ' ' || lower(trim(x)) || ' ') END;
CREATE MACRO exact(x) AS CASE
    WHEN length(x) <= 7 AND NOT contains(x, '_') THEN TRY_CAST(x AS DECIMAL(24, 6))
    WHEN regexp_full_match(trim(x), '[+-]?([0-9]{{1,18}}([.][0-9]{{0,6}}0*)?|[.][0-9]{{1,6}}0*)')
        THEN TRY_CAST(x AS DECIMAL(24, 6)) END;
CREATE MACRO whole(x) AS CASE
    WHEN regexp_full_match(trim(x), '[+-]?[0-9]{{1,15}}([.]0*)?')
        THEN CAST(TRY_CAST(x AS DECIMAL(24, 6)) AS BIGINT) END;
CREATE MACRO worded(x) AS regexp_extract(x, '^\\s*(?:([0-9]{{1,6}})\\s*[xX*\u00d7]\\s*)?'
    || '([0-9]{{1,3}}(?:,[0-9]{{3}})+(?:[.][0-9]+)?|[0-9]+(?:[.][0-9]+)?|[.][0-9]+)\\s*'
    || '([A-Za-z]+(?:[(]s[)])?)?[.]?\\s*$', ['times', 'one', 'unit']);
CREATE MACRO same_unit(a, b) AS coalesce(lower(left(trim(a), least(3, length(trim(a)),
    length(trim(b))))) = lower(left(trim(b), least(3, length(trim(a)), length(trim(b))))), true);
CREATE MACRO amount_in(x, unit) AS CASE
    WHEN worded(x).one = '' OR lower(worded(x).unit) = 'x' THEN NULL
    WHEN NOT same_unit(nullif(worded(x).unit, ''), unit) THEN NULL
    ELSE TRY(CAST(exact(replace(worded(x).one, ',', ''))
        * coalesce(exact(nullif(worded(x).times, '')), 1) AS DECIMAL(24, 6))) END;
CREATE MACRO digit(x, i) AS ascii(substr(x, i, 1)) - 48;
CREATE MACRO nhs_valid(x) AS regexp_full_match(x, '[0-9]{{10}}') AND (11 - (10 * digit(x, 1)
    + 9 * digit(x, 2) + 8 * digit(x, 3) + 7 * digit(x, 4) + 6 * digit(x, 5) + 5 * digit(x, 6)
    + 4 * digit(x, 7) + 3 * digit(x, 8) + 2 * digit(x, 9)) % 11) % 11 = digit(x, 10);
CREATE MACRO usual(d) AS CASE
    WHEN d BETWEEN DATE '{EARLIEST}' AND DATE '{LATEST}' THEN d END;
CREATE MACRO unusual(d) AS coalesce(d NOT BETWEEN DATE '{EARLIEST}' AND DATE '{LATEST}', false);
"""
"""SQL functions that every importer of extracts uses: ids without braces, flags, exact numbers.

``amount_in`` reads a quantity written out, such as ``28 tablets``, ``2 x 28`` or ``1,000``, where one
number and at most one word of unit is all that it says, and that word is the unit of the row.
They are run for every cell, so the usual case comes first and does little: to trim takes longer
than to see that there is nothing to trim.
"""

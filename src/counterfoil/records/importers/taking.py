"""From stages to a load: canonical rows, the account of the source, and what it withdrew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from counterfoil.records.importers.extract import Part, first
from counterfoil.records.importers.shown import EARLIEST, LATEST
from counterfoil.records.importers.staging import Stage, Staging
from counterfoil.records.load import Load, Made, Reject, ResourceCount, Staged, TableCount
from counterfoil.records.persons import person_id_for
from counterfoil.records.schema import TABLES, empty, from_rows
from counterfoil.terminology.units import to_ucum

_SQL_TYPES = {
    "text": "VARCHAR",
    "date": "DATE",
    "time": "TIMESTAMPTZ",
    "dec": "DECIMAL(24, 6)",
    "int": "BIGINT",
    "bool": "BOOLEAN",
}
_IN_MEMORY = 1_000_000
"""Rows up to which a table of a large import is handed over in memory."""

NO_DAY = date(1970, 1, 1)
"""The day of withdrawal where a source gives no day at all."""

_NONE: Mapping[str, Made] = {}


@dataclass(frozen=True)
class _Put:
    """Rows of a large import that are not fetched yet: how many, and how many of them hold."""

    values: Mapping[str, str]
    source: str
    rows: int
    held: int


@dataclass
class Taking:
    """What one import takes from its stages.

    ``as_at`` is the newest day the source vouches for, ``gone`` SQL that names the patients who
    were withdrawn.
    """

    staging: Staging
    format: str
    practice: str
    key: bytes
    delta: bool
    covers: frozenset[str]
    as_at: date | None = None
    gone: str = ""
    kept: object = None
    rejects: list[Reject] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    resources: dict[str, ResourceCount] = field(default_factory=dict)
    _tables: dict[str, list[pa.Table]] = field(default_factory=dict)
    _apart: dict[str, list[_Put]] = field(default_factory=dict)
    _withdrawn: dict[str, dict[str, date]] = field(default_factory=dict)
    _loaded: Counter[str] = field(default_factory=Counter)
    _rejected: Counter[str] = field(default_factory=Counter)

    @property
    def withdrawn_on(self) -> date:
        """The day from which on what the source deleted does not hold."""
        return self.as_at or NO_DAY

    @property
    def deleted_on(self) -> str:
        """SQL for ``deleted_on``: a row goes by itself, or with the patient it is about."""
        gone = f" OR s.patient_id IN (SELECT patient_id FROM {self.gone})" if self.gone else ""
        return f"CASE WHEN s._gone{gone} THEN DATE '{self.withdrawn_on}' END"

    def settle(self, stage: Stage, table: str, *, codes: bool = False) -> None:
        """Enter what became of a stage's rows; its rejects belong to *table*.

        *codes*: the rows are not loaded themselves, but read into those that use them.
        """
        settled = self.staging.settle(stage, table)
        count = settled.count
        if codes:
            count = replace(count, loaded=0, merged=count.merged + count.loaded)
        self.resources[stage.name] = count
        self.rejects += settled.rejects
        self.notes += settled.notes
        self._rejected[table] += settled.count.rejected

    def not_carried(self, name: str, parts: Sequence[Part], why: str) -> None:
        """Enter files of a table that the record has no place for."""
        rows = sum(self.staging.extract.count(part) for part in parts)
        self.resources[name] = ResourceCount(rows, not_carried=rows)
        if rows:
            self.notes.append(f"{name}: {rows} rows not carried, {why}")

    def withdraw(self, stage: Stage, key: str, tables: Iterable[str]) -> None:
        """Rows of *tables* whose key a stage withdraws without saying more."""
        db = self.staging.db
        blank = f"SELECT {key} FROM {stage.sql} WHERE _blank AND _why = 0 AND NOT _other"
        named = {each for (each,) in db.execute(blank).fetchall()}
        if not named:
            return
        held = f"SELECT s.{key} FROM {stage.good()} AS s WHERE s.{key} IN ({blank})"
        ids = sorted(named - {each for (each,) in db.execute(held).fetchall()})
        if ids and not self.delta:
            self.notes.append(
                f"{stage.name}: {len(ids)} rows withdraw what the extract does not hold"
            )
        elif ids:
            for table in tables:
                days = dict.fromkeys(ids, self.withdrawn_on)
                self._withdrawn.setdefault(table, {}).update(days)

    def odd_days(self, stage: Stage, *columns: str) -> None:
        """Note how many days of a stage stand for none."""
        odd = " + ".join(f"count(*) FILTER (unusual({column}))" for column in columns)
        found = first(self.staging.db, f"SELECT {odd} FROM {stage.sql}")
        if found:
            self.notes.append(
                f"{stage.name}: {found} days before {EARLIEST.year} or after {LATEST.year}: "
                "read as missing"
            )

    def ahead(self, stage: Stage, column: str, said: str) -> None:
        """Note how many rows say that something was after the day of the extract; *said* is what."""
        if self.as_at is not None:
            self.note_rows(
                stage,
                f"usual(s.{column}) > DATE '{self.as_at}'",
                f"{said} after {self.as_at:%Y-%m-%d}, the day of the extract: kept as sent",
            )

    def note_rows(self, stage: Stage, condition: str, words: str) -> None:
        """Note how many good rows of a stage fulfil *condition* (SQL), if any do."""
        found = first(
            self.staging.db, f"SELECT count(*) FROM {stage.good()} AS s WHERE {condition}"
        )
        if found:
            self.notes.append(f"{stage.name}: {found} {words}")

    def put(
        self, table: str, values: Mapping[str, str], source: str, *, counted: bool = True
    ) -> None:
        """Canonical rows of *table*: SQL by column over *source*, whose rows are stage rows ``s``.

        Columns that are not given are missing. Where ``deleted_on`` is not given, a row that was
        withdrawn (``s._gone``) is so from the day of the extract. *counted*: each is a source row.
        """
        select = self._select(table, values, source)
        if self.staging.large and not self.delta:
            counts = f"SELECT count(*), count(*) FILTER (deleted_on IS NULL) FROM ({select})"
            rows, held = self.staging.db.execute(counts).fetchall()[0]
            self._apart.setdefault(table, []).append(_Put(values, source, int(rows), int(held)))
            self._loaded[table] += rows if counted else 0
            return
        made = self.staging.arrow(select).cast(TABLES[table].arrow)
        self._tables.setdefault(table, []).append(made)
        self._loaded[table] += made.num_rows if counted else 0

    def _staged(self) -> dict[str, Staged]:
        """What was put apart, as one for each table; small tables are handed over in memory."""
        found = {}
        for table, puts in self._apart.items():
            own = frozenset().union(*(put.values for put in puts))
            later = {name: each for name, each in self._later(table).items() if name not in own}
            selects = [self._select(table, put.values, put.source, later) for put in puts]
            staged = Staged(
                " UNION ALL ".join(selects),
                sum(put.rows for put in puts),
                sum(put.held for put in puts),
                later,
            )
            if staged.rows > _IN_MEMORY:
                found[table] = staged
                continue
            schema = TABLES[table].arrow
            made = staged.complete(self.staging.arrow(staged.sql), schema.names).cast(schema)
            self._tables.setdefault(table, []).append(made)
        return found

    def _later(self, table: str) -> dict[str, Made]:
        """The columns that can be made when a large table has been sorted."""
        key = TABLES[table].key
        names = [part.path.name for part in self.staging.extract.parts.values()]
        return {
            "practice": Made((), _constant(self.practice)),
            "source_system": Made((), _constant(self.format)),
            "source_id": Made((key,), lambda rows: rows[key]),
            "source_place": Made(("_part", "_row"), _places(names)),
        }

    def _select(
        self, table: str, values: Mapping[str, str], source: str, later: Mapping[str, Made] = _NONE
    ) -> str:
        """SQL for canonical rows, and instead of what is made *later* for what that needs."""
        names = [part.path.name for part in self.staging.extract.parts.values()]
        listed = ", ".join("'" + name.replace("'", "''") + "'" for name in names)
        given = {
            "practice": f"'{self.practice}'",
            "source_system": f"'{self.format}'",
            "source_id": values[TABLES[table].key],
            "source_place": f"([{listed}])[s._part + 1] || ' row ' || s._row",
            "deleted_on": f"CASE WHEN s._gone THEN DATE '{self.withdrawn_on}' END",
            **values,
        }
        unknown = set(given) - {column.name for column in TABLES[table].columns}
        if unknown:
            raise ValueError(f"{table} has no column {sorted(unknown)[0]}")
        columns = [
            f"CAST({given.get(c.name, 'NULL')} AS {_SQL_TYPES[c.type]}) AS {c.name}"
            for c in TABLES[table].columns
            if c.name not in later
        ]
        if "source_place" in later:
            columns += ["s._part AS _part", "s._row AS _row"]
        # Whoever reads a staged table knows nothing of this database's own functions.
        return _expanded(f"SELECT {', '.join(columns)} FROM {source}")

    def put_patients(self, rows: list[dict[str, Any]]) -> None:
        """Patients, whose ``person_id`` and ``nhs_status`` follow from the number and its state.

        Each row has ``nhs_valid`` and ``verified`` beside the columns, and ``_part``, ``_row`` and
        ``_gone`` of its stage; a number that fails its check digit is left out, and noted with its
        place.
        """
        wrong = []
        names = [part.path.name for part in self.staging.extract.parts.values()]
        for row in rows:
            valid, verified = row.pop("nhs_valid"), row.pop("verified")
            part, number, gone = row.pop("_part"), row.pop("_row"), row.pop("_gone")
            row |= {
                "practice": self.practice,
                "source_system": self.format,
                "source_id": row["patient_id"],
                "source_place": f"{names[part]} row {number}",
                "birth_precision": "day" if row["birth_date"] else "unknown",
                "deleted_on": self.withdrawn_on if gone else None,
            }
            sent = row["nhs_number"] is not None
            if sent and not valid:
                wrong.append(row["source_place"])
                row["nhs_number"] = None
            row["nhs_status"] = (
                "absent"
                if not sent
                else "invalid"
                if not valid
                else "verified"
                if verified
                else "present"
            )
            row["person_id"] = person_id_for(
                row["nhs_number"], self.practice, row["patient_id"], self.key
            )
        for place in wrong[:20]:
            self.notes.append(f"{place}: an NHS number that fails its check: loaded without it")
        if len(wrong) > 20:
            self.notes.append(f"{len(wrong)} NHS numbers in all fail their check")
        numbers = Counter(r["nhs_number"] for r in rows if r["nhs_number"] and not r["deleted_on"])
        several = sum(1 for n in numbers.values() if n > 1)
        if several:
            self.notes.append(f"{several} NHS numbers are those of more than one patient")
        gone = {row["patient_id"]: row["deleted_on"] for row in rows if row["deleted_on"]}
        if gone and self.delta:
            # What the record holds of them beside the rows of this delta goes too.
            self._withdrawn.setdefault("patient", {}).update(gone)
        self._tables.setdefault("patient", []).append(from_rows("patient", rows))
        self._loaded["patient"] += len(rows)

    def units(self, stage: Stage, column: str) -> str:
        """A table of the units of a stage, ``text`` and ``ucum``: SQL that names its rows."""
        db = self.staging.db
        texts = [
            t
            for (t,) in db.execute(
                f"SELECT DISTINCT {column} FROM {stage.sql} WHERE {column} IS NOT NULL"
            ).fetchall()
        ]
        pairs = pa.table(
            {
                "text": pa.array(texts, pa.string()),
                "ucum": pa.array([to_ucum(t) for t in texts], pa.string()),
            }
        )
        db.register("units_found", pairs)
        return self.staging.keep(f"units_{stage.name}", "SELECT text, ucum FROM units_found")

    def load(self) -> Load:
        """The load, with all that was entered. Stages are kept as long as it needs them."""
        counts = {}
        for name in TABLES:
            loaded, rejected = self._loaded[name], self._rejected[name]
            counts[name] = TableCount(loaded + rejected, loaded, rejected)
        staged = self._staged()
        tables = {name: pa.concat_tables(found) for name, found in self._tables.items()}
        return Load(
            format=self.format,
            practice=self.practice,
            tables={name: tables.get(name, empty(name)) for name in TABLES},
            counts=counts,
            rejects=self.rejects,
            notes=[*self.staging.extract.notes, *self.notes],
            scope="delta" if self.delta else "practice",
            covers=self.covers,
            data_as_at=self.as_at,
            resources=self.resources,
            withdrawn=self._withdrawn,
            staged=staged,
            kept=self.kept,
        )


def _constant(value: str) -> Callable[[pa.Table], pa.Array]:
    return lambda rows: pa.repeat(pa.scalar(value), rows.num_rows)


def _places(names: Sequence[str]) -> Callable[[pa.Table], pa.Array]:
    """File and row in words, of rows that hold the number of each."""
    heads = pa.array([f"{name} row " for name in names])

    def work(rows: pa.Table) -> pa.Array:
        files = heads.take(rows["_part"].combine_chunks())
        return pc.binary_join_element_wise(
            files, rows["_row"].combine_chunks().cast(pa.string()), ""
        )

    return work


def _expanded(sql: str) -> str:
    """SQL in which ``usual(...)`` is written out."""
    while (at := sql.find("usual(")) >= 0:
        depth, end = 1, at + len("usual(")
        while depth:
            depth += {"(": 1, ")": -1}.get(sql[end], 0)
            end += 1
        day = sql[at + len("usual(") : end - 1]
        usual = f"CASE WHEN {day} BETWEEN DATE '{EARLIEST}' AND DATE '{LATEST}' THEN {day} END"
        sql = f"{sql[:at]}({usual}){sql[end:]}"
    return sql

"""Rules over a population with DuckDB: prepare whole-number tables once, then run the SQL text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from counterfoil.foundation.days import FOREVER, birthday, to_date
from counterfoil.records import schema
from counterfoil.records.patient import PatientRecord, typed_rows
from counterfoil.records.rows import Row
from counterfoil.records.scan import Scan
from counterfoil.rules.engines import sql
from counterfoil.rules.engines.calendars import window_ends
from counterfoil.rules.history import BEFORE, Sets, span_of
from counterfoil.rules.model import Rule

Tables = Mapping[str, "pa.Table | Scan | Sequence[Path]"]
"""Canonical tables by name: in memory, scans of snapshots, or Parquet files that stand alone."""

AHEAD = 3 * 366
"""How many days past ``as_of`` the calendars reach: the furthest that a forecast can look."""

_NEEDED = {
    "patient": "practice, patient_id, person_id, birth_date, birth_precision, registered_from, "
    "registered_to, death_date, deleted_on",
    "issue": "practice, patient_id, product_code, product_text, issued_on, cancelled_on, "
    "deleted_on",
    "plan": "practice, patient_id, product_code, product_text, plan_type, status, start_date, "
    "end_date, dose_changed_on, deleted_on",
    "coded_entry": "practice, patient_id, code, local_code, happened_on, precision, value, "
    "comparator, unit_ucum, value_text, deleted_on",
    "problem": "practice, patient_id, code, onset_on, deleted_on",
}


FIELD = {"issue": "issues", "plan": "plans", "coded_entry": "entries", "problem": "problems"}


@dataclass(frozen=True)
class Spans:
    """The spans of some rules: ``table`` has rule, practice, patient_id, person_id, since, until,
    ``v`` (truth of *when*) and ``r`` (truth of *at_risk*); 2 is true, 1 cannot tell."""

    table: pa.Table
    as_of: int
    continues: bool


class Engine:
    """One population, prepared for rules at one index day.

    Opened on canonical tables; ``spans`` may be asked for as often as wanted. Close it, or use it
    as a context manager.
    """

    def __init__(self, tables: Tables, sets: Sets, as_of: int, threads: int = 2) -> None:
        self.as_of = as_of
        self.sets = sets
        self._prepared = ""
        self._db = duckdb.connect(config={"threads": threads})
        for name, columns in _NEEDED.items():
            source = tables.get(name, schema.empty(name))
            if isinstance(source, pa.Table):
                self._db.register(f"_{name}", source)
                relation = f"_{name}"
            elif isinstance(source, Scan) and source:
                relation = f"({source.sql()})"
            elif isinstance(source, Scan):
                self._db.register(f"_{name}", schema.empty(name))
                relation = f"_{name}"
            else:
                files = ", ".join("'" + str(p).replace("'", "''") + "'" for p in source)
                relation = f"read_parquet([{files}])" if source else ""
                if not source:
                    self._db.register(f"_{name}", schema.empty(name))
                    relation = f"_{name}"
            self._db.execute(f"CREATE VIEW raw_{name} AS SELECT * FROM {relation}")
            self._db.execute(f"CREATE VIEW src_{name} AS SELECT {columns} FROM {relation}")
        self._people()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def spans(self, rules: Sequence[Rule], *, continues: bool = False) -> Spans:
        """Every span of every rule over the whole history, up to what is known on ``as_of``.

        *continues* asks the forecast question: a treatment that is true on ``as_of`` goes on and
        no further test is done; only due dates, ages and ends move.
        """
        program = sql.Program.of(rules, self.as_of, continues=continues)
        needs = str(
            (program.drug_sets, program.code_sets, program.units, program.months, program.years)
        )
        if needs != self._prepared:
            self._prepare(program)
            self._prepared = needs
        self._db.execute(
            "CREATE OR REPLACE TEMP TABLE fact (fid INTEGER, pid BIGINT, since BIGINT, "
            "until BIGINT, st INTEGER)"
        )
        for select in program.additions:
            self._db.execute(f"INSERT INTO fact SELECT fid, pid, since, until, st FROM ({select})")
        parts = " UNION ALL ".join(
            f"SELECT {i} AS n, * FROM ({select})" for i, select in enumerate(program.sweeps)
        )
        table = self._db.sql(
            "SELECT s.n, p.practice, p.patient_id, p.person_id, s.since, s.until, s.v, s.r "
            f"FROM ({parts}) s JOIN who p ON p.pid = s.pid ORDER BY s.n, s.pid, s.since"
        ).to_arrow_table()
        ids = pa.array([rule.id for rule in rules], pa.string())
        table = table.set_column(0, "rule", ids.take(table.column("n").combine_chunks()))
        return Spans(table, self.as_of, continues)

    def records(self, patients: Set[tuple[str, str]]) -> dict[tuple[str, str], PatientRecord]:
        """The records, as far as rules read them, of patients given by practice and patient id."""
        keys = sorted(patients)
        self._table("found", ("practice", "patient_id"), keys, (pa.string(), pa.string()))
        rows: dict[str, dict[tuple[str, str], list[Row]]] = {}
        for table in _NEEDED:
            arrow = self._db.sql(
                f"SELECT x.* FROM raw_{table} x JOIN found f ON f.practice = x.practice "
                "AND f.patient_id = x.patient_id"
            ).to_arrow_table()
            given = arrow.to_pylist()
            grouped = rows.setdefault(table, {})
            for cells, row in zip(given, typed_rows(table, given), strict=True):
                grouped.setdefault((cells["practice"], cells["patient_id"]), []).append(row)
        return {
            key: PatientRecord(
                patient=rows["patient"][key][0],  # type: ignore[arg-type]
                **{FIELD[t]: tuple(rows[t].get(key, ())) for t in FIELD},  # type: ignore[arg-type]
            )
            for key in keys
        }

    def _people(self) -> None:
        as_of = to_date(self.as_of).isoformat()
        alive = f"(deleted_on IS NULL OR deleted_on > DATE '{as_of}')"
        self._live = alive
        self._db.execute(
            "CREATE TABLE who AS SELECT ROW_NUMBER() OVER (ORDER BY practice, patient_id) AS pid, "
            f"* FROM src_patient WHERE {alive}"
        )
        self._db.execute(
            "CREATE TABLE person AS SELECT pid, "
            f"COALESCE(registered_from - DATE '1970-01-01', {BEFORE})::INTEGER AS since, "
            f"LEAST(COALESCE(registered_to - DATE '1970-01-01', {FOREVER}), "
            f"COALESCE(death_date - DATE '1970-01-01', {FOREVER}))::INTEGER AS until FROM who"
        )

    def _prepare(self, program: sql.Program) -> None:
        """The whole-number tables that the program reads, with its own numbers for the sets."""
        day = "DATE '1970-01-01'"
        cut = f"DATE '{to_date(self.as_of).isoformat()}'"
        run = self._db.execute
        self._members(program.drug_sets)
        who = "JOIN who w ON w.practice = x.practice AND w.patient_id = x.patient_id"
        member = (
            "JOIN member m ON m.product_text = x.product_text "
            "AND m.product_code IS NOT DISTINCT FROM x.product_code"
        )
        live = self._live.replace("deleted_on", "x.deleted_on")
        run(
            "CREATE OR REPLACE TEMP TABLE iss AS SELECT m.sid, w.pid, "
            f"x.issued_on - {day} AS day, MAX(m.st) AS st FROM src_issue x {member} {who} WHERE {live} "
            f"AND x.issued_on <= {cut} AND (x.cancelled_on IS NULL OR x.cancelled_on > {cut}) "
            "GROUP BY m.sid, w.pid, x.issued_on"
        )
        run(
            f"CREATE OR REPLACE TEMP TABLE hosp AS SELECT m.sid, w.pid, "
            f"COALESCE(x.start_date - {day}, {BEFORE})::INTEGER AS since, "
            f"CASE WHEN x.end_date IS NULL OR x.end_date > {cut} THEN {FOREVER} "
            f"ELSE x.end_date - {day} END::INTEGER AS until FROM src_plan x {member} {who} "
            f"WHERE {live} AND x.plan_type = 'hospital' "
            "AND (x.end_date IS NOT NULL OR x.status = 'active') "
            f"AND (x.start_date IS NULL OR x.start_date <= {cut})"
        )
        run(
            "CREATE OR REPLACE TEMP TABLE chg AS SELECT DISTINCT m.sid, w.pid, "
            f"x.dose_changed_on - {day} AS day FROM src_plan x {member} {who} "
            f"WHERE {live} AND x.dose_changed_on <= {cut} AND m.st = 2"
        )
        self._entries(program, who, live, day)
        self._calendars(program)

    def _members(self, drug_sets: dict[str, int]) -> None:
        """Which distinct products, as sent, belong to which drug set: asked once of terminology."""
        products = self._db.execute(
            "SELECT DISTINCT product_code, product_text FROM src_issue UNION "
            "SELECT DISTINCT product_code, product_text FROM src_plan"
        ).fetchall()
        rows = [
            (sid, code, text, 1 if belongs is None else 2)
            for name, sid in drug_sets.items()
            for code, text in products
            if (belongs := self.sets.truth(name, code, text)) is not False
        ]
        self._table(
            "member",
            ("sid", "product_code", "product_text", "st"),
            rows,
            (pa.int32(), pa.string(), pa.string(), pa.int32()),
        )

    def _entries(self, program: sql.Program, who: str, live: str, day: str) -> None:
        self._table(
            "wanted",
            ("sid", "code"),
            (
                (sid, code)
                for name, sid in program.code_sets.items()
                for code in sorted(self.sets.codes(name))
            ),
            (pa.int32(), pa.string()),
        )
        self._table(
            "unit",
            ("uid", "unit"),
            ((n, u) for u, n in program.units.items()),
            (pa.int32(), pa.string()),
        )
        comparator = " ".join(f"WHEN '{c}' THEN {n}" for c, n in sql.COMPARATORS.items() if c)
        cut = f"DATE '{to_date(self.as_of).isoformat()}'"
        low = (
            "CASE x.precision WHEN 'year' THEN date_trunc('year', x.happened_on) "
            "WHEN 'month' THEN date_trunc('month', x.happened_on) ELSE x.happened_on END::DATE"
        )
        high = (
            "CASE x.precision WHEN 'year' THEN date_trunc('year', x.happened_on) "
            "+ INTERVAL 1 YEAR - INTERVAL 1 DAY WHEN 'month' THEN last_day(x.happened_on) "
            "ELSE x.happened_on END::DATE"
        )
        self._db.execute(
            f"CREATE OR REPLACE TEMP TABLE ent AS SELECT c.sid, w.pid, ({low}) - {day} AS low, "
            f"({high}) - {day} AS high, (x.value * 1000000)::BIGINT AS val, "
            f"CASE COALESCE(x.comparator, '') WHEN '' THEN 0 {comparator} "
            f"ELSE {sql.OTHER_COMPARATOR} END AS cmp, COALESCE(u.uid, -1) AS uid, "
            "CASE WHEN x.value IS NOT NULL OR COALESCE(x.value_text, '') <> '' THEN 1 ELSE 0 END "
            f"AS res FROM src_coded_entry x JOIN wanted c ON c.code = COALESCE(x.code, x.local_code) "
            f"{who} LEFT JOIN unit u ON u.unit = x.unit_ucum WHERE {live} "
            f"AND x.happened_on IS NOT NULL AND x.precision <> 'unknown' AND ({low}) <= {cut} "
            f"UNION ALL SELECT c.sid, w.pid, x.onset_on - {day}, x.onset_on - {day}, NULL, 0, -1, 0 "
            f"FROM src_problem x JOIN wanted c ON c.code = x.code {who} WHERE {live} "
            f"AND x.onset_on <= {cut}"
        )

    def _calendars(self, program: sql.Program) -> None:
        earliest = self._db.execute(
            "SELECT LEAST((SELECT MIN(day) FROM iss), (SELECT MIN(low) FROM ent), "
            f"(SELECT MIN(day) FROM chg), (SELECT MIN(since) FROM hosp WHERE since > {BEFORE}), "
            f"(SELECT MIN(since) FROM person WHERE since > {BEFORE}), {self.as_of})"
        ).fetchall()
        first = int(earliest[0][0])
        parts = []
        for months in sorted(program.months):
            days, last = window_ends(first, self.as_of + AHEAD, months)
            parts.append(pa.table({"n": np.full(len(days), months), "day": days, "last": last}))
        none = pa.table({c: pa.array([], pa.int64()) for c in ("n", "day", "last")})
        self._replace("cal", pa.concat_tables(parts) if parts else none)
        rows: list[tuple[int, int, int, int]] = []
        if program.years:
            births = self._db.execute(
                "SELECT pid, birth_date - DATE '1970-01-01', birth_precision FROM who"
            ).fetchall()
            rows = [row for years in sorted(program.years) for row in _ages(births, years)]
        self._table("age", ("years", "pid", "low", "high"), rows, (pa.int64(),) * 4)

    def _table(
        self,
        name: str,
        columns: tuple[str, ...],
        rows: Iterable[tuple[object, ...]],
        types: tuple[pa.DataType, ...],
    ) -> None:
        cells = list(rows)
        self._replace(
            name,
            pa.table(
                {
                    column: pa.array([row[i] for row in cells], types[i])
                    for i, column in enumerate(columns)
                }
            ),
        )

    def _replace(self, name: str, table: pa.Table) -> None:
        self._db.register("_given", table)
        self._db.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM _given")
        self._db.unregister("_given")


def _ages(
    births: list[tuple[int, int | None, str]], years: int
) -> Iterable[tuple[int, int, int, int]]:
    """For each patient, the first and the last day on which they may turn *years*."""

    for pid, birth, precision in births:
        dated = span_of(None if birth is None else to_date(birth), precision)
        if dated is None:
            yield years, pid, BEFORE, FOREVER
        else:
            yield years, pid, birthday(dated[0], years), birthday(dated[1], years)

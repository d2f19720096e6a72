"""Rules over a population with DuckDB: prepare whole-number tables once, then run the SQL text."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from counterfoil.foundation.database import connect
from counterfoil.foundation.days import FOREVER
from counterfoil.records import schema
from counterfoil.records.patient import FIELDS, ORDERED_BY, PatientRecord, typed_rows
from counterfoil.records.rows import Row
from counterfoil.records.scan import Scan
from counterfoil.rules.engines import passes, windowed, windows
from counterfoil.rules.engines.passes import (
    SHIFT,
    Edges,
    Facts,
    Islands,
    days_of,
    edge,
    islands_of,
    packed,
    patients_of,
    rows_of,
    united,
)
from counterfoil.rules.engines.prepare import TABLES, Gates, Preparation
from counterfoil.rules.engines.program import SUPPORT
from counterfoil.rules.engines.sql import Program
from counterfoil.rules.facts import TREATMENT, Age, Drugs, Supplied, below, parts
from counterfoil.rules.history import Sets
from counterfoil.rules.model import Rule

Tables = Mapping[str, "pa.Table | Scan | Sequence[Path]"]
"""Canonical tables by name: in memory, scans of snapshots, or Parquet files that stand alone."""

READ = {
    "patient": "patient_id person_id sex birth_date birth_precision registered_from registered_to "
    "death_date",
    "issue": "patient_id product_code product_text issued_on cancelled_on quantity quantity_unit",
    "plan": "patient_id product_code product_text plan_type status start_date end_date "
    "dose_changed_on dose_text problem_id",
    "coded_entry": "patient_id code local_code happened_on precision value comparator unit_ucum "
    "value_text",
    "problem": "patient_id problem_id code status onset_on ended_on",
    "allergy": "patient_id substance_code substance_text status onset_on",
    "admission": "patient_id kind admitted_on discharged_on",
    "document": "patient_id kind event_on received_at",
}
"""The columns that rules read, where the rows of some patients are fetched; besides those of when
and where. A rule about supplies reads issues whole."""

FEW = 50
"""Patients up to whom their row groups are read into memory; of more, everything is scanned."""

_PRODUCT = (
    "EXISTS (SELECT 1 FROM member m WHERE m.product_text = y.product_text "
    "AND m.product_code IS NOT DISTINCT FROM y.product_code)"
)
_READ = {
    "issue": _PRODUCT,
    "plan": _PRODUCT,
    "coded_entry": "COALESCE(y.code, y.local_code) IN (SELECT code FROM wanted)",
}
"""Which rows of these tables the sets of the rules hold."""

NAMES = ("practice", "patient_id", "person_id")
"""What a patient's number stands for."""

FIELD = {table: field for field, table in FIELDS.items() if table in TABLES}


@dataclass(frozen=True)
class Spans:
    """The spans of some rules: ``table`` has rule, practice, patient_id, person_id, since, until,
    ``v`` (truth of *when*) and ``r`` (truth of *at_risk*); 2 is true, 1 cannot tell."""

    table: pa.Table
    as_of: int
    continues: bool

    @property
    def hash(self) -> str:
        """A hash of the rows in their order: the same from every engine."""
        digest = hashlib.sha256()
        for row in self.table.to_pylist():
            digest.update("\x1f".join(map(str, row.values())).encode() + b"\x1e")
        return digest.hexdigest()


class Engine:
    """One population, prepared for rules at one index day.

    Opened on canonical tables; ``spans`` may be asked for as often as wanted. Close it, or use it
    as a context manager. ``known_on`` asks what was known on a day; ``patients`` (practice and id)
    restricts it to some, and *rules*, which are then all that can be asked, to what these read;
    ``gates`` are the sets that cannot be trusted, by practice.
    """

    def __init__(
        self,
        tables: Tables,
        sets: Sets,
        as_of: int,
        threads: int = 2,
        *,
        known_on: int | None = None,
        gates: Gates | None = None,
        patients: Iterable[tuple[str, str]] | None = None,
        rules: Sequence[Rule] | None = None,
    ) -> None:
        self.as_of = as_of
        self.sets = sets
        self._prepared = ""
        self._threads = threads
        self._facts: Facts = {}
        self._driven: dict[int, set[int]] = {}
        self._treated: set[int] = set()
        self._there: bool | None = None
        """Whether the facts that are there are asked ahead; None where there are none yet."""
        self._db = duckdb.connect(config={"threads": threads})
        self._db.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        self._db.execute("CREATE MACRO unix_date(d) AS (CAST(d AS DATE) - DATE '1970-01-01')")
        self._tables = tables
        chosen = None if patients is None else sorted(set(patients))
        self._some = chosen is not None
        if chosen is not None:
            self._name("few", chosen)
        asked = (
            None if rules is None else {p for r in rules for c in r.clauses for p in parts(c.fact)}
        )
        supplied = asked is None or any(isinstance(fact, Supplied) for fact in asked)
        for name in TABLES:
            if chosen is None:
                self._db.execute(f"CREATE VIEW src_{name} AS SELECT * FROM {self._source(name)}")
            else:
                columns = [*READ[name].split(), "practice", "recorded_on", "deleted_on"]
                if name == "issue" and supplied:
                    columns = list(schema.TABLES[name].arrow.names)
                self.make(f"src_{name}", self._of(name, "few", chosen, columns))
        self._prepare = Preparation(self, sets, as_of, known_on, gates, chosen)
        who = self.fetch(f"SELECT {', '.join(NAMES)} FROM who ORDER BY pid").combine_chunks()
        self._who, self._people = who, int(who.num_rows)

    def _name(self, name: str, patients: Sequence[tuple[str, str]]) -> None:
        """A table of patients by practice and id."""
        columns = list(zip(*patients, strict=True)) or [(), ()]
        keys = (pa.array(column, pa.string()) for column in columns)
        self.give(name, pa.table(dict(zip(("practice", "patient_id"), keys, strict=True))))

    def _of(
        self,
        name: str,
        named: str,
        patients: Sequence[tuple[str, str]],
        columns: Sequence[str] = (),
    ) -> str:
        """A statement for the rows of the patients in the table *named*, in these columns or in all.

        Of few patients, a snapshot gives the row groups that can hold them.
        """
        source = self._tables.get(name)
        if isinstance(source, Scan) and source and len(patients) <= FEW:
            found = source.read(columns or source.columns, patients={key for _, key in patients})
            self._db.register("_few_rows", found)
            rows = "_few_rows"
        else:
            rows = self._source(name)
        shown = ", ".join(f"x.{column}" for column in columns) or "x.*"
        return (
            f"SELECT {shown} FROM {rows} x JOIN {named} f ON f.practice = x.practice "
            "AND f.patient_id = x.patient_id"
        )

    def _source(self, name: str) -> str:
        source = self._tables.get(name, ())
        if isinstance(source, Scan) and source:
            return f"({source.sql()})"
        if isinstance(source, Sequence) and source:
            files = ", ".join("'" + str(p).replace("'", "''") + "'" for p in source)
            return f"read_parquet([{files}])"
        self._db.register(
            f"_{name}", source if isinstance(source, pa.Table) else schema.empty(name)
        )
        return f"_{name}"

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    # What the preparation asks of a database

    def make(self, name: str, select: str) -> None:
        """Work a table out, and keep it under this name."""
        self._db.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {select}")

    def view(self, name: str, select: str) -> None:
        """Keep a statement under this name."""
        self._db.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {select}")

    def give(self, name: str, table: pa.Table) -> None:
        """Keep a table under this name."""
        self._db.register("_given", table)
        self.make(name, "SELECT * FROM _given")
        self._db.unregister("_given")

    def fetch(self, select: str) -> pa.Table:
        """The rows of a statement."""
        return self._db.sql(select).to_arrow_table()

    def distinct(self, table: str, columns: Sequence[str], where: str = "") -> pa.Table:
        """What stands in these columns of a canonical table, each once.

        Of files it is remembered: those of a snapshot never change.
        """
        condition = f" WHERE {where}" if where else ""
        shown = f"SELECT DISTINCT {', '.join(columns)} FROM"
        files = () if self._some else _files_of(self._tables.get(table, ()))
        if not files:
            return self.fetch(f"{shown} src_{table}{condition}")
        return _distinct(f"{shown} {{}}{condition}", files)

    # What is asked of the engine

    def spans(self, rules: Sequence[Rule], *, continues: bool = False) -> Spans:
        """Every span of every rule over the whole history, up to what is known on ``as_of``.

        *continues* asks the forecast question: a treatment that is true on ``as_of`` goes on and
        no further test is done; only due dates, ages and ends move.
        """
        gates = bool(self._prepare.gates)
        program = Program.of(rules, self.as_of, continues=continues, gates=gates)
        if program.asked() != self._prepared:
            self._prepare.prepare(program)
            self._prepared, self._there = program.asked(), None
        self._add(program)
        self._driven = defaultdict(set)
        for rule in rules:
            drivers = {program.facts[rule.clause(name).fact] for name in rule.drivers}
            for clause in rule.clauses:
                for part in parts(clause.fact):
                    self._driven[program.facts[part]] |= drivers
        self._treated = {fid for f, fid in program.facts.items() if isinstance(f, TREATMENT)}
        there = self.fetch(
            f"SELECT {edge('since')} AS a, {edge('until')} AS b FROM person "
            "WHERE since < until ORDER BY a"
        )
        gated = self._gated() if gates else {}
        islands = Islands(*(column.to_numpy() for column in there.columns))
        rows = passes.swept(program.swept, self._facts, islands, gated, self._people, self._threads)
        return Spans(self._named(rows, rules), self.as_of, continues)

    def _gated(self) -> dict[int, Edges]:
        """By fact, the patients with whom it cannot be trusted."""
        rows = self.fetch("SELECT DISTINCT fid, pid FROM gate ORDER BY fid, pid")
        fids, pids = (column.to_numpy() for column in rows.columns)
        return {int(fid): pids[fids == fid] for fid in np.unique(fids)}

    def _add(self, program: Program) -> None:
        """The facts, as they are or asked ahead; asked ahead after, only what differs.

        Only those on which others rest are given to the database, stage by stage.
        """
        if self._there == program.continues:
            return
        resting = {program.facts[part] for fact in program.facts for part in below(fact)}
        if self._there is False:
            moved, ahead = program.going_on()
            old, self._facts = (
                self._facts,
                {
                    key: islands
                    for key, islands in self._facts.items()
                    if not moved or (key[0] not in moved and key[1] != SUPPORT)
                },
            )
            self._run(ahead, resting, {key: one for key, one in old.items() if key[0] in moved})
        else:
            self._facts = self._plain(program)
            self._run(program, resting, {})
        self._there = program.continues

    def _run(self, program: Program, resting: Set[int], before: Facts) -> None:
        """What a program adds; its first stage reads the facts *before*, the others these."""
        done = 0
        for stage in program.stages:
            if done < stage:
                self._db.register("fact", rows_of(before))
                there = {fid for fid, _ in [*before, *self._facts]}
                for place in range(max(done, program.plain), stage):
                    if place not in program.rests or program.rests[place] & there:
                        found = self.fetch(packed(program.raw[place], self._people))
                        self._facts |= united(found, self._people)
            done = stage
            before = {key: one for key, one in self._facts.items() if key[0] in resting}

    def _plain(self, program: Program) -> Facts:
        """The facts of rows in windows, and of ages."""
        found = {fid: asked for f, fid in program.facts.items() if (asked := windowed.plain(f))}
        sids = {fid: program.source(source) for fid, (source, _) in found.items()}
        listed = ", ".join(map(str, sorted({-1, *sids.values()})))
        rows = self.fetch(
            "SELECT CAST(sid AS SMALLINT) AS sid, pid, CAST(low AS INT) AS low, "
            f"CAST(high AS INT) AS high, CAST(st AS TINYINT) AS st FROM ev WHERE sid IN ({listed})"
        )
        happened = windows.by_source(rows)
        stays = self.fetch("SELECT sid, pid, since, until FROM hosp")
        sid, pid, since, until = (column.to_numpy() for column in stays.columns)

        def one(fid: int) -> Facts:
            mine, (source, window) = sids[fid], found[fid]
            goes_on = self.as_of if program.continues and isinstance(source, Drugs) else None
            rows = happened.get(mine, windows.NONE)
            seen = windows.seen(rows, window, self._prepare.calendars, goes_on)
            if isinstance(source, Drugs):
                chosen = sid == mine
                more = windows.intervals(pid[chosen], since[chosen], until[chosen])
                seen[1] = windows.both(seen[1], more)
            return {(fid, st): islands_of(*edges) for st, edges in seen.items() if len(edges[0])}

        facts: Facts = {}
        with ThreadPoolExecutor(self._threads) as pool:
            for more in pool.map(one, found):
                facts |= more
        for fact, fid in program.facts.items():
            if isinstance(fact, Age):
                who, low, high = self._prepare.ages[fact.at_least]
                ever = np.full(len(who), FOREVER, np.int64)
                facts[fid, 2] = Islands(*windows.intervals(who, high, ever))
                facts[fid, 1] = Islands(*windows.intervals(who, low, high))
        return facts

    def _named(self, rows: pa.Table, rules: Sequence[Rule]) -> pa.Table:
        """Spans with the rule's id and the patient's names in place of their numbers."""
        at = pa.array(rows.column("pid").to_numpy() - 1)
        columns = {name: self._who.column(name).take(at) for name in NAMES}
        ids = pa.array([rule.id for rule in rules], pa.string())
        first = {"rule": ids.take(rows.column("n").combine_chunks())}
        rest = {name: rows.column(name) for name in ("since", "until", "v", "r")}
        return pa.table({**first, **columns, **rest})

    def wakes(self) -> pa.Table:
        """When a patient's spans, and what is said of them, may turn without a new row.

        Rows (practice, patient_id, day, turns), for those who have either; ask after ``spans`` of
        the day itself, before it is asked ahead. ``day``: the first day after ``as_of`` on which the
        spans asked on it may be others. Spans hold for days to come already; but a row dated ahead
        comes to count, or a treatment begins or ends that was, asked ahead, taken to go on or not.
        ``turns``: the first on which any fact of a rule turns.
        """
        day = np.full(self._people + 1, FOREVER, np.int64)
        rows = " UNION ALL ".join(self._prepare.ahead())
        found = self.fetch(
            f"SELECT pid, CAST(MIN(day) AS BIGINT) AS day FROM ({rows}) e GROUP BY pid"
        )
        day[found.column("pid").to_numpy()] = found.column("day").to_numpy()
        turns = day.copy()
        for fid, drivers in self._driven.items():
            # Without a driver a rule cannot hold, whatever its other facts do.
            mine = patients_of(drivers, self._facts, self._people)
            for st in (1, 2):
                if (fid, st) not in self._facts:
                    continue
                islands = self._facts[fid, st].of(mine)
                for edges in (islands.since, islands.until):
                    self._sooner(turns, edges)
                    if st == 2 and fid in self._treated:
                        self._sooner(day, edges)
        some = np.flatnonzero(turns < FOREVER)
        names = {name: self._who.column(name).take(some - 1) for name in NAMES[:2]}
        return pa.table({**names, "day": day[some], "turns": turns[some]})

    def _sooner(self, first: Edges, edges: Edges) -> None:
        """Lower each patient's first day to that of an edge of theirs to come."""
        days = days_of(edges)
        to_come = days > self.as_of
        np.minimum.at(first, edges[to_come] >> SHIFT, days[to_come])

    def records(
        self, patients: Set[tuple[str, str]], *, read: bool = False
    ) -> dict[tuple[str, str], PatientRecord]:
        """The records, as far as rules read them, of patients given by practice and patient id.

        With *read*, after ``spans``: only issues, plans and entries that those rules' sets hold.
        """
        keys = sorted(patients)
        self._name("found", keys)
        rows: dict[str, dict[tuple[str, str], list[Row]]] = {}
        for table in TABLES:
            found = self._of(table, "found", keys)
            if read and table in _READ:
                found = f"SELECT y.* FROM ({found}) y WHERE {_READ[table]}"
            key = schema.TABLES[table].key
            order = f'"{ORDERED_BY.get(table, key)}" NULLS FIRST, "{key}"'
            given = self.fetch(f"SELECT * FROM ({found}) z ORDER BY {order}").to_pylist()
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


def _files_of(source: pa.Table | Scan | Sequence[Path]) -> tuple[tuple[str, int, int], ...]:
    """The files of a table, each with its size and its time of change; none of one in memory."""
    if isinstance(source, pa.Table):
        return ()
    paths = source if not isinstance(source, Scan) else [f for p in source.parts for f in p.files]
    states = [(str(path), path.stat()) for path in paths]
    return tuple((path, state.st_size, state.st_mtime_ns) for path, state in states)


@lru_cache(maxsize=64)
def _distinct(statement: str, files: tuple[tuple[str, int, int], ...]) -> pa.Table:
    listed = ", ".join("'" + path.replace("'", "''") + "'" for path, _, _ in files)
    with connect(threads=2) as db:
        rows = db.sql(statement.format(f"read_parquet([{listed}])"))
        return rows.to_arrow_table()


def swept(select: str) -> str:
    """The rows of a sweep with the patients' names, in the order of spans."""
    return (
        "SELECT CAST(s.n AS INT) AS n, p.practice, p.patient_id, p.person_id, "
        "CAST(s.since AS BIGINT) AS since, CAST(s.until AS BIGINT) AS until, "
        "CAST(s.v AS INT) AS v, CAST(s.r AS INT) AS r "
        f"FROM ({select}) s JOIN who p ON p.pid = s.pid ORDER BY s.n, s.pid, s.since"
    )


def named(table: pa.Table, rules: Sequence[Rule]) -> pa.Table:
    """Spans with the rule's id in place of its number."""
    ids = pa.array([rule.id for rule in rules], pa.string())
    numbers = table.column("n").combine_chunks()
    return table.set_column(0, "rule", ids.take(numbers))

"""Rules over a population with Spark: the same SQL text over the same Parquet, many rules to a job.

Spark itself is not among what Counterfoil needs: install the extra ``spark`` (and Java 17 or newer)
where a cluster is to be used. The session is the caller's: local, of a standalone master, or a
remote one over Spark Connect.
"""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import pyarrow as pa

from counterfoil.records import schema
from counterfoil.records.patient import PatientRecord
from counterfoil.records.scan import Scan
from counterfoil.rules.engines.duckdb import Engine, Spans, named, swept
from counterfoil.rules.engines.prepare import TABLES, Gates, Preparation
from counterfoil.rules.engines.sql import Program
from counterfoil.rules.history import Sets
from counterfoil.rules.model import Rule

Sources = Mapping[str, "pa.Table | Scan | Sequence[Path]"]
"""Canonical tables by name: Parquet files that the workers can read, scans of snapshots, or tables
in memory, which are sent to them."""

FACTS_A_JOB = 8
"""Statements that make facts and do not need one another, in one job."""


def session(url: str = "local[2]", **settings: str) -> Any:
    """A Spark session fit for rules: days in UTC, few partitions, nothing shown on the screen.

    *url*: ``local[2]``, a standalone master (``spark://host:port``), or a Spark Connect server
    (``sc://host:port``), whose own settings of processes and memory hold.
    """
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName("counterfoil")
    given = {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "4",
        "spark.sql.autoBroadcastJoinThreshold": "64MB",
        "spark.sql.adaptive.coalescePartitions.enabled": "true",
        # A rule's statement is large and its rows few: compiling it costs more than it saves.
        "spark.sql.codegen.wholeStage": "false",
    }
    if url.startswith("sc://"):
        builder = builder.remote(url)
    else:
        builder = builder.master(url)
        given |= {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
    for key, value in (given | settings).items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


class SparkEngine:
    """One population on Spark, prepared for rules at one index day.

    As :class:`counterfoil.rules.engines.duckdb.Engine`, which gives the same spans in the same
    order. Its tables are temporary views of the session: one engine to a session at a time.
    *scratch* is a folder (or address) that driver and workers share, for what is worked out on the
    way; without one a temporary folder of this machine, which is removed on leaving.
    """

    def __init__(
        self,
        spark: Any,
        tables: Sources,
        sets: Sets,
        as_of: int,
        *,
        known_on: int | None = None,
        gates: Gates | None = None,
        patients: Iterable[tuple[str, str]] | None = None,
        scratch: str = "",
    ) -> None:
        self.as_of = as_of
        self._spark, self._tables, self._sets = spark, tables, sets
        self._prepared = ""
        self._numbers = itertools.count()
        self._own = "" if scratch else tempfile.mkdtemp(prefix="counterfoil-spark-")
        self._scratch = scratch or self._own
        for name in TABLES:
            self._source(name, tables.get(name, ())).createOrReplaceTempView(f"src_{name}")
        self._prepare = Preparation(self, sets, as_of, known_on, gates, patients)

    def __enter__(self) -> SparkEngine:
        return self

    def __exit__(self, *_: object) -> None:
        if self._own:
            shutil.rmtree(self._own, ignore_errors=True)

    def _source(self, name: str, source: pa.Table | Scan | Sequence[Path]) -> Any:
        if isinstance(source, Scan) and source:
            frames = [self._part(part.files, part.masks, source.key) for part in source.parts]
            found = frames[0]
            for frame in frames[1:]:
                found = found.unionByName(frame)
            return found
        if isinstance(source, Sequence) and source:
            return self._spark.read.parquet(*map(str, source))
        return self._sent(source if isinstance(source, pa.Table) else schema.empty(name))

    def _sent(self, table: pa.Table) -> Any:
        """A table of this process, sent to where the session works."""
        if table.num_rows:
            return self._spark.createDataFrame(table)
        # Spark Connect infers the columns of a table from its rows, and refuses one without any.
        from pyspark.sql.pandas.types import from_arrow_schema

        return self._spark.createDataFrame([], from_arrow_schema(table.schema))

    def _part(self, files: Iterable[Path], masks: Sequence[Path], key: str) -> Any:
        frame = self._spark.read.parquet(*map(str, files))
        if masks:
            gone = self._spark.read.parquet(*map(str, masks)).select("key").distinct()
            frame = frame.join(gone.withColumnRenamed("key", key), key, "left_anti")
        return frame

    # What the preparation asks of a database

    def make(self, name: str, select: str) -> None:
        """Work a table out once, and keep it under this name."""
        self._cut(self._spark.sql(select)).createOrReplaceTempView(name)

    def _cut(self, frame: Any) -> Any:
        """The rows written to the scratch folder and read from there, their history forgotten.

        Caching alone keeps the plan: facts read facts, and the plans of plans doubled at each.
        """
        path = f"{self._scratch}/{next(self._numbers)}"
        frame.write.parquet(path)
        return self._spark.read.schema(frame.schema).parquet(path)

    def view(self, name: str, select: str) -> None:
        """Work it out too: each reading of a statement would be analysed and planned anew."""
        self.make(name, select)

    def give(self, name: str, table: pa.Table) -> None:
        """Keep a table under this name."""
        self._sent(table).createOrReplaceTempView(name)

    def fetch(self, select: str) -> pa.Table:
        """The rows of a statement."""
        return self._spark.sql(select).toArrow()

    def distinct(self, table: str, columns: Sequence[str], where: str = "") -> pa.Table:
        """What stands in these columns of a canonical table, each once."""
        condition = f" WHERE {where}" if where else ""
        return self.fetch(f"SELECT DISTINCT {', '.join(columns)} FROM src_{table}{condition}")

    # What is asked of the engine

    def spans(self, rules: Sequence[Rule], *, continues: bool = False) -> Spans:
        """Every span of every rule over the whole history: see the DuckDB engine."""
        gates = bool(self._prepare.gates)
        program = Program.of(rules, self.as_of, continues=continues, gates=gates)
        if program.asked() != self._prepared:
            self._prepare.prepare(program)
            self._prepared = program.asked()
        self._facts(program)
        parts = [self.fetch(swept(select)) for select in program.sweeps]
        return Spans(named(pa.concat_tables(parts), rules), self.as_of, continues)

    def records(
        self, patients: Set[tuple[str, str]], *, read: bool = False
    ) -> dict[tuple[str, str], PatientRecord]:
        """The records of patients given by practice and patient id, read where the driver runs."""
        with Engine(self._tables, self._sets, self.as_of, patients=()) as here:
            return here.records(patients)

    def _facts(self, program: Program) -> None:
        """The facts, stage by stage; each sees those of the stages before it."""
        nothing = {"fid": pa.int32(), "pid": pa.int64(), "since": pa.int64(), "until": pa.int64()}
        none = {n: pa.array([], kind) for n, kind in {**nothing, "st": pa.int32()}.items()}
        facts = self._sent(pa.table(none))
        facts.createOrReplaceTempView("fact")
        done = 0
        for stage in program.stages:
            while done < stage:
                job = program.additions[done : min(done + FACTS_A_JOB, stage)]
                frame = self._spark.sql(
                    " UNION ALL ".join(
                        "SELECT CAST(fid AS INT) AS fid, CAST(pid AS BIGINT) AS pid, "
                        "CAST(since AS BIGINT) AS since, CAST(until AS BIGINT) AS until, "
                        f"CAST(st AS INT) AS st FROM ({select})"
                        for select in job
                    )
                )
                facts = facts.unionByName(self._cut(frame))
                facts.createOrReplaceTempView("fact")
                done += len(job)

"""Spark says the same as DuckDB and the reference: rows, order and hash, in one process and on workers.

Needs pyspark and Java; slow, and in a group of its own, so that one Java runs at a time.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from cases import AS_OF, Draw, FakeSets
from test_engines_agree import _check_one, tables_of

from counterfoil import synthetic
from counterfoil.foundation.days import to_day
from counterfoil.records.patient import PatientRecord
from counterfoil.rules import load
from counterfoil.rules.engines.duckdb import Engine
from counterfoil.rules.history import Sets, history
from counterfoil.rules.language import read_rule
from counterfoil.rules.model import Rule
from counterfoil.rules.reference import Reference
from counterfoil.rules.sets import TerminologySets

pyspark = pytest.importorskip("pyspark")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("spark"),
    # The sockets of pyspark's bridge to Java are closed by the collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.skipif(shutil.which("java") is None, reason="Java is not installed"),
]

HOME = Path(pyspark.__file__).parent
DAY = to_day(date(2026, 11, 20))
Files = dict[str, list[Path]]


def written(tables: dict[str, Any], folder: Path) -> Files:
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet")
    return {name: [folder / f"{name}.parquet"] for name in tables}


@cache
def drawn(seed: int, rules: int, people: int) -> tuple[list[Rule], list[dict[str, Any]]]:
    draw = Draw(seed)
    return [draw.rule(i) for i in range(rules)], [draw.record(str(i)) for i in range(people)]


QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""For a Java that lives a minute: what is compiled hard would never pay."""


FEW_ROWS = {
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}
"""For few rows: planning costs more than running."""


@contextmanager
def spark_of(master: str) -> Iterator[Any]:
    """A session of its own, its Java ended with it."""
    from counterfoil.rules.engines.spark import session

    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    spark = session(
        master,
        **FEW_ROWS,
        **{
            "spark.driver.extraJavaOptions": QUICK,
            "spark.executor.extraJavaOptions": QUICK,
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.memory": "1g",
            "spark.executor.memory": "700m",
            "spark.log.level": "ERROR",
        },
    )
    try:
        yield spark
    finally:
        spark.stop()


def equal(spark: Any, files: Files, sets: Sets, day: int, rules: list[Rule], **more: Any) -> str:
    """Both engines on the same files: the same rows in the same order; their hash."""
    from counterfoil.rules.engines.spark import SparkEngine

    continues, scratch = bool(more.pop("continues", False)), more.pop("scratch", "")
    with Engine(files, sets, day, **more) as engine:
        one = engine.spans(rules, continues=continues)
    with SparkEngine(spark, files, sets, day, scratch=scratch, **more) as engine_:
        other = engine_.spans(rules, continues=continues)
    assert one.table.to_pylist() == other.table.to_pylist()
    assert one.hash == other.hash
    print(f"{len(rules)} rules, {one.table.num_rows} spans, hash {one.hash[:16]}, equal")
    return one.hash


def test_spark_in_one_process_equals_duckdb_and_the_reference(tmp_path: Path) -> None:
    """A batch of generated rules and records, gates among them."""
    rules, records = drawn(7, 8, 24)
    tables = tables_of(records)
    weak = {"X00001": frozenset({"drug b", "101"})}
    with spark_of("local[2]") as spark:
        equal(spark, written(tables, tmp_path / "made"), FakeSets(), AS_OF, rules, gates=weak)
    with Engine(tables, FakeSets(), AS_OF, 1, gates=weak) as engine:
        rows = engine.spans(rules).table.to_pylist()
    for key in map(str, range(0, 24, 4)):
        seen = history(PatientRecord.from_tables(tables, key), AS_OF)
        reference = Reference(seen, FakeSets(), gated=weak["X00001"])
        for rule in rules:
            mine = [s for s in rows if s["rule"] == rule.id and s["patient_id"] == key]
            _check_one(rule, mine, reference, [AS_OF])


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def cluster(folder: Path) -> Iterator[str]:
    """A standalone master with two workers, on this machine, ended at the end."""
    port = free_port()
    address, command = f"spark://127.0.0.1:{port}", str(HOME / "bin" / "spark-class")
    environment = os.environ | {"SPARK_HOME": str(HOME), "SPARK_LOCAL_IP": "127.0.0.1",
                                "SPARK_DAEMON_MEMORY": "256m", "SPARK_NO_DAEMONIZE": "1"}  # fmt: skip
    deploy = "org.apache.spark.deploy"
    calls = [
        [command, f"{deploy}.master.Master", "--host", "127.0.0.1", "--port", str(port),
         "--webui-port", "0"],
        *([command, f"{deploy}.worker.Worker", address, "--host", "127.0.0.1", "-c", "1", "-m",
           "800m", "--webui-port", "0", "-d", str(folder / f"worker{n}")] for n in range(2)),
    ]  # fmt: skip
    running = []
    try:
        for n, call in enumerate(calls):
            with (folder / f"log{n}").open("w") as log:
                running.append(
                    subprocess.Popen(call, env=environment, stdout=log, stderr=subprocess.STDOUT)
                )
            if n == 0:
                _wait_for("127.0.0.1", port)
        yield address
    finally:
        for process in reversed(running):
            process.terminate()
        for process in running:
            process.wait(30)


def _wait_for(host: str, port: int) -> None:
    for _ in range(240):
        try:
            socket.create_connection((host, port), 1).close()
            return
        except OSError:
            time.sleep(0.5)
    raise TimeoutError("the Spark master did not start")


def test_spark_with_two_workers_equals_duckdb(tmp_path: Path) -> None:
    """Every shipped rule over 300 patients, asked ahead."""
    files = written(synthetic.generate(300, 1, 3, DAY).tables, tmp_path / "made")
    scratch = str(tmp_path / "scratch")
    with cluster(tmp_path) as master, spark_of(master) as spark:
        equal(spark, files, TerminologySets(), DAY, load(), continues=True, scratch=scratch)
        workers = spark.sparkContext._jsc.sc().getExecutorMemoryStatus().size() - 1
    assert workers == 2


ONE_FACT = """
id = "made_up.one_fact"
version = 1
title = "t"
theme = "t"
class = "safety"
subject = "s"
owner = "technician"
urgency = "week"
why = "w"
technician = "t"
hands_over = "h"
driver = "taking"
at_risk = "taking"
when = "taking"
[[source]]
title = "made up"
status = "recalled"
[facts.taking]
issued = "drug a"
in_last = "3 months"
says = "s"
"""
"""Each fact is a job or two, and a job over the wire costs what it costs elsewhere and a second."""


@contextmanager
def connect_server(folder: Path) -> Iterator[str]:
    """A Spark Connect server on this machine, ended at the end."""
    port = free_port()
    call = [
        str(HOME / "bin" / "spark-submit"), "--master", "local[2]", "--driver-memory", "1g",
        "--driver-java-options", QUICK, "--conf", "spark.ui.enabled=false",
        "--conf", "spark.connect.grpc.binding.address=127.0.0.1",
        "--conf", f"spark.connect.grpc.binding.port={port}",
        "--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "spark-internal",
    ]  # fmt: skip
    environment = os.environ | {"SPARK_HOME": str(HOME), "SPARK_LOCAL_IP": "127.0.0.1"}
    with (folder / "log").open("w") as log:
        running = subprocess.Popen(
            call, env=environment, stdout=log, stderr=subprocess.STDOUT, cwd=folder
        )
    try:
        _wait_for("127.0.0.1", port)
        yield f"sc://127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait(30)


def test_spark_connect_equals_duckdb(tmp_path: Path) -> None:
    """A session on somebody else's server: no Java here, tables and plans over the wire."""
    pytest.importorskip("grpc")
    from counterfoil.rules.engines.spark import session

    files = written(tables_of(drawn(7, 1, 8)[1]), tmp_path / "made")
    scratch = str(tmp_path / "scratch")
    rules = [read_rule(ONE_FACT, "one_fact.toml")]
    with connect_server(tmp_path) as address:
        spark = session(address, **FEW_ROWS)
        try:
            assert type(spark).__module__.startswith("pyspark.sql.connect")
            equal(spark, files, FakeSets(), AS_OF, rules, scratch=scratch)
        finally:
            spark.stop()

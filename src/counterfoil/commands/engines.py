"""Where audits are worked out: DuckDB here, Spark here or on a cluster, or day by day."""

from __future__ import annotations

import argparse
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

from counterfoil.foundation.errors import DataError, UsageError

if TYPE_CHECKING:
    from counterfoil.rules.run import Opens

SPARK = 'install it with pip install "counterfoil[spark]"'


def options(to: argparse.ArgumentParser) -> None:
    """The options that choose the engine."""
    to.add_argument(
        "--engine",
        choices=("duckdb", "spark", "reference"),
        default="duckdb",
        help="what works it out (else duckdb): all give the same rows. reference asks day by day, "
        "slowly, and is for checking a few hundred patients",
    )
    to.add_argument(
        "--spark-url",
        default="local[2]",
        metavar="URL",
        help="with --engine spark: local[2], spark://host:port, or sc://host:port for Spark Connect",
    )
    to.add_argument(
        "--spark-scratch",
        metavar="FOLDER",
        help="a folder that this machine and the cluster share, for what is worked out on the way",
    )


@contextmanager
def engine(args: argparse.Namespace) -> Iterator[Opens]:
    """What opens the engine asked for; a Spark session ends with the block.

    ``UsageError`` says what is missing where Spark cannot be had.
    """
    if args.engine == "spark":
        with _spark(args.spark_url, args.spark_scratch) as opens:
            yield opens
        return
    if args.spark_scratch or args.spark_url != "local[2]":
        raise UsageError("--spark-url and --spark-scratch go with --engine spark")
    from counterfoil.rules.by_day import ByDay
    from counterfoil.rules.engines.duckdb import Engine

    yield ByDay if args.engine == "reference" else Engine


@contextmanager
def _spark(url: str, scratch: str | None) -> Iterator[Opens]:
    _ready(url, scratch)
    from counterfoil.rules.engines.spark import SparkEngine, session

    folder, numbers = f"{scratch}/counterfoil-{uuid4().hex}" if scratch else "", count()

    def opens(*given: Any, **more: Any) -> SparkEngine:
        own = f"{folder}/{next(numbers)}" if folder else ""
        return SparkEngine(spark, *given, scratch=own, **more)

    spark = None
    try:
        spark = session(url, **({} if url.startswith("sc://") else {"spark.log.level": "ERROR"}))
        yield opens
    except Exception as error:
        if type(error).__module__.split(".")[0] not in ("pyspark", "py4j", "grpc"):
            raise
        raise _said(error, begun=spark is not None) from None
    finally:
        if spark is not None:
            spark.stop()
        if folder:
            shutil.rmtree(folder, ignore_errors=True)


def _ready(url: str, scratch: str | None) -> None:
    """What Spark needs is there: itself, Java where it runs here, a cluster that answers."""
    if not find_spec("pyspark"):
        raise UsageError(f"--engine spark needs Spark: {SPARK}")
    kind, cluster = url.partition("://")[0], "://" in url
    if (cluster and kind not in ("spark", "sc")) or not (cluster or url.startswith("local")):
        raise UsageError("--spark-url is local[2], spark://host:port or sc://host:port")
    if kind == "sc":
        if not find_spec("grpc"):
            raise UsageError(f"Spark Connect (sc://) needs more than Spark: {SPARK}")
    else:
        home = os.environ.get("JAVA_HOME")
        if not (Path(home, "bin", "java").exists() if home else shutil.which("java")):
            where = "in JAVA_HOME" if home else "on the PATH"
            raise UsageError(f"--engine spark needs Java 17 or newer, and there is none {where}")
    if not cluster:
        return
    _answers(url, {"spark": 7077, "sc": 15002}[kind])
    if not scratch:
        raise UsageError(
            "a cluster needs --spark-scratch FOLDER, which this machine and its workers share"
        )


def _answers(url: str, port: int) -> None:
    """Something listens at the first address of the url; waiting for Spark's own tries takes minutes."""
    try:
        place = urlsplit(url.split(",")[0].split(";")[0])
        at = (place.hostname or "", place.port or port)
    except ValueError:
        raise UsageError("--spark-url is spark://host:port or sc://host:port") from None
    try:
        socket.create_connection(at, 5).close()
    except OSError:
        raise DataError.at(
            "--spark-url",
            "a Spark master or Connect server must answer there",
            f"none at {at[0]}:{at[1]}",
        ) from None


def _said(error: Exception, *, begun: bool) -> DataError:
    """One message; Spark's own text can hold what is in the records."""
    condition = getattr(error, "getCondition", lambda: None)() or type(error).__name__
    if not begun:
        expected = (
            "a Spark session must start: Java 17 or newer, and the same Spark (4.1) on both sides"
        )
    elif "PATH" in condition or "FILE" in condition:
        expected = "the cluster must reach the published tables and the scratch folder under the same paths"
    else:
        expected = "Spark did not finish; its own log says why"
    return DataError.at("--spark-url", expected, condition)

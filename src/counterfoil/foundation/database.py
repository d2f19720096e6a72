"""A DuckDB database that keeps quiet."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


def connect(**config: str | int) -> duckdb.DuckDBPyConnection:
    """A database in memory with these settings, on two threads where none says otherwise.

    It draws no progress bar: what the program writes may be read by another, and a log is no screen.
    """
    import duckdb

    database = duckdb.connect(config={"threads": 2, **config})
    database.execute("SET enable_progress_bar = false")
    return database

"""What the writers of extracts share: canonical tables in, CSV files out, at the speed of DuckDB."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa

from counterfoil.foundation.database import connect
from counterfoil.records.schema import TABLES, empty


@dataclass
class Written:
    """What was written: files, rows by file, and rows of the record that the format has no place for.

    ``left_out`` is by canonical table.
    """

    files: list[Path] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)


@contextmanager
def opened(tables: Mapping[str, pa.Table], practice: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database with every canonical table's rows of *practice* as a view of its name."""
    with connect() as db:
        for name in TABLES:
            db.register(f"given_{name}", tables.get(name, empty(name)))
            of_practice = "" if name == "organisation" else f"WHERE practice = {quoted(practice)}"
            db.execute(f"CREATE VIEW {name} AS SELECT * FROM given_{name} {of_practice}")
        yield db


def quoted(text: str) -> str:
    """*text* as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def cases(expression: str, mapping: Mapping[str, str], otherwise: str = "NULL") -> str:
    """SQL that maps the values of *expression*; *otherwise* is SQL."""
    whens = " ".join(f"WHEN {quoted(old)} THEN {quoted(new)}" for old, new in mapping.items())
    return f"CASE {expression} {whens} ELSE {otherwise} END"


def number(column: str) -> str:
    """SQL for an exact decimal without idle noughts."""
    return f"rtrim(rtrim(CAST({column} AS VARCHAR), '0'), '.')"


def write_rows(
    db: duckdb.DuckDBPyConnection,
    path: Path,
    header: str,
    values: Mapping[str, str],
    source: str,
    written: Written,
    *,
    delimiter: str = ",",
) -> None:
    """One file: *header* names its columns in order, *values* gives SQL for those that are known."""
    columns = header.split()
    unknown = set(values) - set(columns)
    if unknown:
        raise ValueError(f"{path.name} has no column {sorted(unknown)[0]}")
    select = ", ".join(f'{values.get(name, "NULL")} AS "{name}"' for name in columns)
    found = db.execute(
        f"COPY (SELECT {select} FROM {source}) TO {quoted(str(path))} "
        f"(FORMAT csv, HEADER, DELIMITER {quoted(delimiter)}, QUOTE '\"', ESCAPE '\"')"
    ).fetchall()
    written.files.append(path)
    written.rows[path.name] = int(found[0][0])

"""Canonical tables as the project's CSV template, the inverse of the importer.

Law: reading what was written gives the same tables, provided that no text in them is empty (an
empty cell means missing), that days lie in the range the importer takes, and that text is valid
Unicode without NUL.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv

from counterfoil.records.schema import TABLES


def write_csv(tables: Mapping[str, pa.Table], folder: Path) -> list[Path]:
    """Write a file for each table that has rows, and ``patient.csv`` always; the files written.

    *folder* is made where it is missing. Columns stand in the order of the schema.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name in TABLES:
        table = tables.get(name)
        if table is None or (not table.num_rows and name != "patient"):
            continue
        path = folder / f"{name}.csv"
        pacsv.write_csv(table.select(TABLES[name].arrow.names), path)
        written.append(path)
    return written

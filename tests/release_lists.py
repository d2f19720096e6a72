"""The shared product lists as a release folder, for tests that match names against them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from support import shared

_COLUMNS = ("id", "level", "name", "vmp_id", "supplier", "atc", "bnf_section", "invalid")


class ProductLists:
    """The lists of week 34 of 2025 with one ``product`` table, as a loaded release has it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def table(self, name: str, columns: Sequence[str] | None = None) -> pa.Table:
        assert name == "product"
        levels = (("vmp", "vpid", "VMP"), ("vmpp", "vppid", "VMPP"), ("ampp", "appid", "AMPP"))
        rows = []
        for file, key, level in levels:
            for row in pq.read_table(
                shared("terminology", f"dmd_2025w34_{file}.parquet")
            ).to_pylist():
                known = {
                    "id": row[key],
                    "level": level,
                    "name": row.get("nm"),
                    "vmp_id": None if level == "VMP" else row["vpid"],
                    "atc": row.get("atc"),
                    "bnf_section": row.get("bnf_section8"),
                    "invalid": False,
                }
                rows.append(known)
        return pa.table({c: [row.get(c) for row in rows] for c in columns or _COLUMNS})

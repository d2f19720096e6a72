"""How many of a practice's patients a set finds: the measure by which a weak set is known.

A set that lost its codes, or never had those of one clinical system, finds few patients there. The
rules would then see an absence where there is only a gap in the set.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

import duckdb
import pyarrow as pa

from counterfoil.foundation.database import connect
from counterfoil.foundation.days import to_date
from counterfoil.records import schema
from counterfoil.records.scan import Scan
from counterfoil.rules.engines.duckdb import Tables
from counterfoil.rules.sets import TerminologySets

Kind = Literal["drugs", "codes"]
_TABLES = ("patient", "issue", "coded_entry", "problem")


@dataclass(frozen=True, slots=True)
class Prevalence:
    """Of the *patients* registered and alive at a practice, how many have anything of the set.

    For drugs an issue ever, for codes an entry or a problem ever, on or before the day asked about.
    ``system`` is the clinical system that the practice's record came from.
    """

    name: str
    kind: Kind
    version: str
    practice: str
    system: str
    patients: int
    found: int


@dataclass(frozen=True, slots=True)
class Published:
    """A published figure for a set: of 10,000 patients between ``low`` and ``high`` have it."""

    name: str
    low: int
    high: int
    of: str
    source: str
    read_on: str
    status: str
    note: str


@cache
def published() -> dict[str, Published]:
    """The published figures by set, from ``knowledge/prevalence.csv``."""
    text = (resources.files("counterfoil.knowledge") / "prevalence.csv").read_text("utf-8")
    return {
        row["set"]: Published(
            row["set"],
            int(row["low_per_10000"]),
            int(row["high_per_10000"]),
            row["of"],
            row["source"],
            row["read_on"],
            row["status"],
            row["note"],
        )
        for row in csv.DictReader(io.StringIO(text))
    }


def prevalence(
    tables: Tables,
    sets: TerminologySets,
    as_of: int,
    *,
    drug_sets: Collection[str] = (),
    code_sets: Collection[str] = (),
    threads: int = 2,
) -> list[Prevalence]:
    """Every set at every practice of the tables, ordered by set and practice.

    A practice in which a set finds nobody has a row too. A product whose name leaves open whether
    it belongs does not count.
    """
    with connect(threads=threads) as db:
        for name in _TABLES:
            _view(db, name, tables)
        cut = f"DATE '{to_date(as_of).isoformat()}'"
        _people(db, cut)
        found = _found(db, cut, sets, sorted(drug_sets), sorted(code_sets))
        practices = db.execute("SELECT practice, system, patients FROM practices").fetchall()
    wanted: tuple[tuple[Kind, list[str]], ...] = (
        ("drugs", sorted(drug_sets)),
        ("codes", sorted(code_sets)),
    )
    return [
        Prevalence(name, kind, sets.version(name), practice, system, patients, n)
        for kind, names in wanted
        for name in names
        for practice, system, patients in practices
        for n in (found.get((name, practice), 0),)
    ]


def _view(db: duckdb.DuckDBPyConnection, name: str, tables: Tables) -> None:
    source = tables.get(name)
    if isinstance(source, Scan) and source:
        relation = f"({source.sql()})"
    elif isinstance(source, pa.Table) or not source:
        db.register(f"_{name}", source if isinstance(source, pa.Table) else schema.empty(name))
        relation = f"_{name}"
    else:
        files = ", ".join("'" + str(path).replace("'", "''") + "'" for path in source)  # type: ignore[union-attr]
        relation = f"read_parquet([{files}])"
    db.execute(f"CREATE VIEW src_{name} AS SELECT * FROM {relation}")


def _people(db: duckdb.DuckDBPyConnection, cut: str) -> None:
    live = f"(deleted_on IS NULL OR deleted_on > {cut})"
    db.execute(
        "CREATE TABLE who AS SELECT practice, patient_id, source_system FROM src_patient "
        f"WHERE {live} AND (registered_from IS NULL OR registered_from <= {cut}) "
        f"AND (registered_to IS NULL OR registered_to > {cut}) "
        f"AND (death_date IS NULL OR death_date > {cut})"
    )
    db.execute(
        "CREATE TABLE practices AS SELECT practice, mode(source_system ORDER BY source_system) "
        "AS system, COUNT(*) AS patients FROM who GROUP BY practice ORDER BY practice"
    )


def _found(
    db: duckdb.DuckDBPyConnection,
    cut: str,
    sets: TerminologySets,
    drug_sets: list[str],
    code_sets: list[str],
) -> dict[tuple[str, str], int]:
    live = f"(x.deleted_on IS NULL OR x.deleted_on > {cut})"
    products = db.execute("SELECT DISTINCT product_code, product_text FROM src_issue").fetchall()
    member = [
        (name, code, text)
        for name in drug_sets
        for code, text in products
        if sets.truth(name, code, text) is True
    ]
    wanted = [(name, code) for name in code_sets for code in sorted(sets.codes(name))]
    _rows(db, "member", ("name", "product_code", "product_text"), member)
    _rows(db, "wanted", ("name", "code"), wanted)
    who = "JOIN who w ON w.practice = x.practice AND w.patient_id = x.patient_id"
    rows = db.execute(
        f"""
        SELECT name, practice, COUNT(*) FROM (
          SELECT m.name, w.practice, w.patient_id FROM src_issue x
            JOIN member m ON m.product_text = x.product_text
              AND m.product_code IS NOT DISTINCT FROM x.product_code {who}
            WHERE {live} AND x.issued_on <= {cut}
              AND (x.cancelled_on IS NULL OR x.cancelled_on > {cut})
          UNION
          SELECT c.name, w.practice, w.patient_id FROM src_coded_entry x
            JOIN wanted c ON c.code = COALESCE(x.code, x.local_code) {who}
            WHERE {live} AND (x.happened_on IS NULL OR x.happened_on <= {cut})
          UNION
          SELECT c.name, w.practice, w.patient_id FROM src_problem x
            JOIN wanted c ON c.code = x.code {who}
            WHERE {live} AND (x.onset_on IS NULL OR x.onset_on <= {cut})
        ) GROUP BY name, practice
        """
    ).fetchall()
    return {(name, practice): count for name, practice, count in rows}


def _rows(
    db: duckdb.DuckDBPyConnection,
    name: str,
    columns: tuple[str, ...],
    rows: Sequence[tuple[str | None, ...]],
) -> None:
    given = pa.table(
        {column: pa.array([r[i] for r in rows], pa.string()) for i, column in enumerate(columns)}
    )
    db.register("_given", given)
    db.execute(f"CREATE TABLE {name} AS SELECT * FROM _given")
    db.unregister("_given")

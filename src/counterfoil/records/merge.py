"""A load put together with what the practice's record holds already.

A load of the whole practice replaces it. A load of one patient replaces what the format carries
about that patient and leaves everybody else as they were.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from counterfoil.foundation.errors import DataError
from counterfoil.records.load import PATIENT_TABLES, Load
from counterfoil.records.schema import COMMON, TABLES, empty


def merge(previous: Mapping[str, pa.Table] | None, load: Load, scope: str | None = None) -> Load:
    """The load to write: *load* put into the tables of the practice's *previous* snapshot.

    *scope* is the load's own unless given: ``practice`` replaces everything, ``patient`` the rows
    of the patients in the load. Of these only the tables in ``load.covers`` are replaced: requests
    and documents stay. Somebody who is held under another patient id, known by the NHS number,
    is the same patient: their other rows go over to the new id.

    Raises :class:`DataError` where the load's patient id is held by somebody else, or an id of its
    rows by another patient: to go on would mix two people.
    """
    if previous is None:
        return load
    if (scope or load.scope) == "practice":
        return _instead(previous, load)
    held = {name: previous.get(name, empty(name)) for name in TABLES}
    renamed = _renamed(held["patient"], load)
    tables = {}
    for name in TABLES:
        if name in PATIENT_TABLES:
            both = [_kept(name, held[name], load, renamed), load.tables[name]]
        else:
            both = _update(name, held[name], load.tables[name])
        tables[name] = pa.concat_tables(both).combine_chunks()
        if pc.count_distinct(tables[name][TABLES[name].key]).as_py() != tables[name].num_rows:
            raise DataError.at(
                name,
                f"expected ids ({TABLES[name].key}) that no other patient's rows have",
                "one that another patient has",
            )
    notes = list(load.notes)
    if renamed:
        notes.append(
            f"{len(renamed)} patient held under another id before, known by the NHS number"
        )
    return replace(load, tables=tables, notes=notes)


def _instead(previous: Mapping[str, pa.Table], load: Load) -> Load:
    """The load as it is, with a note on who was in the practice's record and is not in the load."""
    before = previous.get("patient", empty("patient"))["patient_id"]
    now = load.tables["patient"]["patient_id"].combine_chunks()
    gone = pc.sum(pc.invert(pc.is_in(before, value_set=now))).as_py() or 0
    if not gone:
        return load
    said = (
        f"{gone} patients of the practice's record before are not in this load: it has them no more"
    )
    return replace(load, notes=[*load.notes, said])


def _renamed(patients: pa.Table, load: Load) -> dict[str, str]:
    """The ids under which the load's patients are held, where these are others."""
    columns = ["patient_id", "nhs_number", "birth_date"]
    rows = patients.select(columns).to_pylist()
    held_ids = {row["patient_id"]: row for row in rows}
    by_number: dict[str, list[str]] = {}
    for row in rows:
        if row["nhs_number"]:
            by_number.setdefault(row["nhs_number"], []).append(row["patient_id"])
    renamed = {}
    for row in load.tables["patient"].select([*columns, "source_place"]).to_pylist():
        same = held_ids.get(row["patient_id"])
        if same is not None and _differ(same, row):
            raise DataError.at(
                str(row["source_place"]),
                "expected a patient id that nobody else in the practice has",
                "the id of somebody with another NHS number or date of birth",
            )
        for old in by_number.get(row["nhs_number"] or "", ()):
            if old != row["patient_id"]:
                renamed[old] = row["patient_id"]
    return renamed


def _differ(held: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether two patients of one id are two people: the number decides, else the birth date."""
    for column in ("nhs_number", "birth_date"):
        if held[column] is not None and new[column] is not None:
            return bool(held[column] != new[column])
    return False


def _update(name: str, held: pa.Table, new: pa.Table) -> list[pa.Table]:
    """Rows that belong to no patient: a new row replaces the old one where it says something else.

    Where both say the same, the old one stays with its place, so that loading the same file twice
    changes nothing.
    """
    own = [column.name for column in TABLES[name].columns if column not in COMMON]
    known = {tuple(row.values()) for row in held.select(own).to_pylist()}
    says_new = pa.array(
        [tuple(row.values()) not in known for row in new.select(own).to_pylist()], pa.bool_()
    )
    news = new.filter(says_new)
    key = TABLES[name].key
    replaced = pc.is_in(held[key], value_set=news[key].combine_chunks())
    return [held.filter(pc.invert(replaced)), news]


def _kept(name: str, table: pa.Table, load: Load, renamed: Mapping[str, str]) -> pa.Table:
    """What stays of a patient table that was held before."""
    if not table.num_rows:
        return table
    mine = pa.concat_arrays(
        [
            load.tables["patient"]["patient_id"].combine_chunks(),
            pa.array(list(renamed), pa.string()),
        ]
    )
    if name in load.covers:
        return table.filter(pc.invert(pc.is_in(table["patient_id"], value_set=mine)))
    if renamed:
        ids = pa.array([renamed.get(i, i) for i in table["patient_id"].to_pylist()], pa.string())
        position = table.schema.get_field_index("patient_id")
        return table.set_column(position, table.schema.field(position), ids)
    return table

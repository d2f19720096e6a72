"""A load put on what the practice's record holds already: what is new, and what holds no more.

A load of the whole practice replaces the record. A load of one patient replaces what the format
carries about that patient. A delta replaces and withdraws rows by their key. The last two leave the
rest as it is, and become a small part on top of the snapshot before.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from counterfoil.foundation.errors import DataError, Problem
from counterfoil.records.load import PATIENT_TABLES, Load
from counterfoil.records.scan import MASK
from counterfoil.records.schema import COMMON, TABLES
from counterfoil.records.snapshot import Snapshot

MOST_LOST = 0.05
"""The share of a table that a load may take away without anybody being asked."""


SHOWN = 5
"""Rejected rows that are named where nothing else is left of a load."""

MOST_COMPARED = 2_000_000
"""Rows of one part that are read to see whether a delta says anything new. Beyond, its rows take
the place of the old ones even where they say the same: reading all of a large table would cost
more than that saves."""


@dataclass(frozen=True)
class Loss:
    """A table that a load would make smaller: rows in force before and after."""

    table: str
    before: int
    after: int

    @property
    def share(self) -> float:
        """The part of the rows that would go."""
        return 1 - self.after / self.before


class LossError(DataError):
    """A load would take away more of a table than is believed without asking."""

    def __init__(self, losses: Collection[Loss]) -> None:
        self.losses = tuple(losses)
        super().__init__(
            *(
                Problem(
                    loss.table,
                    f"expected at least {1 - MOST_LOST:.0%} of the {loss.before} rows held before",
                    f"{loss.after} rows: {loss.share:.1%} of the table would go",
                )
                for loss in losses
            )
        )


@dataclass(frozen=True)
class Merged:
    """What a load makes of a practice's record.

    ``on`` is the snapshot that it is put on, ``None`` where the load stands for itself. ``rows``
    are to be added, ``masked`` (columns of :data:`~counterfoil.records.scan.MASK`) name the rows of
    ``on`` that hold no more. ``before`` and ``after`` count the rows in force of every table.
    """

    load: Load
    on: Snapshot | None
    rows: Mapping[str, pa.Table]
    masked: Mapping[str, pa.Table] = field(default_factory=dict)
    before: Mapping[str, int] = field(default_factory=dict)
    after: Mapping[str, int] = field(default_factory=dict)

    @property
    def same(self) -> bool:
        """Whether the record holds all of it already."""
        return self.on is not None and not self.rows and not self.masked

    @property
    def losses(self) -> tuple[Loss, ...]:
        """The tables that would lose more than :data:`MOST_LOST` of their rows."""
        return tuple(
            Loss(name, before, self.after[name])
            for name, before in self.before.items()
            if self.after[name] < before * (1 - MOST_LOST)
        )


def merge(previous: Snapshot | None, load: Load) -> Merged:
    """What *load* makes of the practice's *previous* snapshot; its ``scope`` says how.

    With scope ``practice`` it replaces all that its format carries; of other tables the rows of
    patients who are in the load stay. With ``patient`` it replaces the rows of the
    patients in it, of the tables in ``load.covers`` only: requests and documents stay. Somebody who
    is held under another patient id, known by the NHS number, is the same patient: their other rows
    go over to the new id. With ``delta`` rows replace those of the same key, and the keys in
    ``load.withdrawn`` get their ``deleted_on``.

    Raises :class:`DataError` where a patient id is held by somebody else, an id of a patient's rows
    by another patient, or an id stands twice: to go on would mix two people. The load of a whole
    practice of which every row was rejected is refused, too.
    """
    if previous is None or load.scope == "practice":
        return _whole(previous, load)
    merging = _Merging(previous, load)
    if load.scope == "delta":
        merging.delta()
    else:
        merging.patients()
    return merging.done()


def _whole(previous: Snapshot | None, load: Load) -> Merged:
    """The load as it is, with a note on who was in the practice's record and is not in the load."""
    after = {name: _in_force(load, name) for name in TABLES}
    empty_handed = not any(load.rows[name] for name in PATIENT_TABLES)
    if load.scope == "practice" and load.rejects and empty_handed:
        raise DataError(
            Problem(
                "the whole load",
                "expected at least one row of a patient that can be loaded",
                f"{len(load.rejects)} rows that are rejected, of these the first",
            ),
            *(Problem(reject.place, reject.reason) for reject in load.rejects[:SHOWN]),
        )
    if previous is None:
        return Merged(load, None, load.tables, after=after)
    before = previous.scan("patient").read(["patient_id"])["patient_id"]
    now = load.tables["patient"]["patient_id"].combine_chunks()
    gone = pc.sum(pc.invert(pc.is_in(before, value_set=now))).as_py() or 0
    if gone:
        said = (
            f"{gone} patients of the practice's record before are not in this load: "
            "it has them no more"
        )
        load = replace(load, notes=[*load.notes, said])
    kept = {
        name: held.filter(pc.is_in(held["patient_id"], value_set=now))
        for name in PATIENT_TABLES
        if name not in load.covers and (held := previous.scan(name).read()).num_rows
    }
    after |= {name: rows["deleted_on"].null_count for name, rows in kept.items()}
    return Merged(load, None, load.tables | kept, before=previous.held, after=after)


def _in_force(load: Load, name: str) -> int:
    """Rows of a table of a load that are not withdrawn."""
    if name in load.staged:
        return load.staged[name].held
    return int(load.tables[name]["deleted_on"].null_count)


class _Merging:
    """One merge under way: gathers rows to add and rows that hold no more, table by table."""

    def __init__(self, previous: Snapshot, load: Load) -> None:
        if load.staged:
            raise ValueError("only the load of a whole practice may be staged")
        self.previous, self.load = previous, load
        self.rows: dict[str, pa.Table] = {}
        self.masked: dict[str, pa.Table] = {}
        self.before = previous.held
        self.after = dict(self.before)
        self.notes = list(load.notes)

    def done(self) -> Merged:
        load = replace(self.load, notes=self.notes)
        return Merged(load, self.previous, self.rows, self.masked, self.before, self.after)

    def delta(self) -> None:
        """Rows replace those of the same key; what the source withdrew is marked so."""
        for name in TABLES:
            new, gone = self.load.tables[name], self._gone(name)
            if not new.num_rows and not gone:
                continue
            key = TABLES[name].key
            _once(name, new)
            keys = new[key].combine_chunks()
            only = pa.array(sorted(set(gone) - set(keys.to_pylist())), pa.string())
            scan = self.previous.scan(name)
            held = scan.find(pa.concat_arrays([keys, only]), _told(name))
            by_itself = pc.is_in(_keys(held), value_set=only)
            left = scan.whole(held.filter(by_itself))
            if unknown := len(only) - left.num_rows:
                self.notes.append(
                    f"{name}: {unknown} rows to be withdrawn are not in the practice's record"
                )
            compared = scan.whole(held.filter(pc.invert(by_itself)), MOST_COMPARED)
            compared = pa.concat_tables([left, compared])
            both = pa.concat_tables([_withdrawn(name, new, gone), _withdrawn(name, left, gone)])
            self._put(name, both, compared, held, held.slice(0, 0))

    def _gone(self, name: str) -> Mapping[str, date]:
        """The keys of a table that the source withdrew, by themselves or with their patient.

        A row of the load goes with the patient that it names there, not with the one it had.
        """
        own = self.load.withdrawn.get(name, {})
        people = self.load.withdrawn.get("patient", {})
        if name == "patient" or name not in PATIENT_TABLES or not people:
            return own
        key = TABLES[name].key
        held = self.previous.scan(name).read([key, "patient_id"], set(people)).to_pylist()
        new = self.load.tables[name].select([key, "patient_id"]).to_pylist()
        whose = {row[key]: row["patient_id"] for row in (*held, *new)}
        return {**{k: people[who] for k, who in whose.items() if who in people}, **own}

    def patients(self) -> None:
        """The rows of the load's patients are replaced, as far as the format carries them."""
        load, previous = self.load, self.previous
        renamed = _renamed(previous.scan("patient").read(), load)
        mine = {*load.tables["patient"]["patient_id"].to_pylist(), *renamed}
        for name in TABLES:
            new = load.tables[name]
            _once(name, new)
            key, scan = TABLES[name].key, previous.scan(name)
            if name not in PATIENT_TABLES:
                found = scan.whole(scan.find(_keys(new), _told(name)))
                self._put(name, new, found, found, found.slice(0, 0))
                continue
            found = scan.find(_keys(new), list(dict.fromkeys([key, "patient_id"])))
            others = set(found["patient_id"].to_pylist()) - mine
            if others:
                raise DataError.at(
                    name,
                    f"expected ids ({key}) that no other patient's rows have",
                    "one that another patient has",
                )
            held = scan.read(patients=mine)
            if name in load.covers:
                keys = new[key].combine_chunks()
                gone = held.filter(pc.invert(pc.is_in(held[key], value_set=keys)))
                self._put(name, new, held, held, gone)
            else:
                both = pa.concat_tables([_moved(held, renamed), new])
                self._put(name, both, held, held, held.slice(0, 0))
        if renamed:
            self.notes.append(
                f"{len(renamed)} patient held under another id before, known by the NHS number"
            )

    def _put(
        self, name: str, new: pa.Table, compared: pa.Table, held: pa.Table, gone: pa.Table
    ) -> None:
        """Add those of the *new* rows that *compared* does not have so already; take away *gone*.

        *held* names every row that has the key of a new one.
        """
        news = new.filter(_differs(name, new, compared)).combine_chunks()
        replaced = held.filter(pc.is_in(held[TABLES[name].key], value_set=_keys(news)))
        out = pa.concat_tables([t.select(_told(name)) for t in (replaced, gone)])
        if news.num_rows:
            self.rows[name] = news
        if out.num_rows:
            self.masked[name] = _mask(name, out)
        self.after[name] += news["deleted_on"].null_count - out["deleted_on"].null_count


def _told(name: str) -> list[str]:
    """What must be known of a row that holds no more."""
    whose = ["patient_id"] if name in PATIENT_TABLES else []
    return list(dict.fromkeys([TABLES[name].key, *whose, "deleted_on"]))


def _keys(table: pa.Table) -> pa.Array:
    """The first column: what names a row."""
    return table.column(0).combine_chunks()


def _once(name: str, table: pa.Table) -> None:
    key = TABLES[name].key
    if pc.count_distinct(table[key]).as_py() != table.num_rows:
        raise DataError.at(name, f"expected ids ({key}) that stand once", "one that stands twice")


def _mask(name: str, rows: pa.Table) -> pa.Table:
    whose = rows["patient_id"] if name in PATIENT_TABLES else pa.nulls(rows.num_rows, pa.string())
    return pa.table({"patient_id": whose, "key": rows[TABLES[name].key]}).cast(MASK)


def _differs(name: str, new: pa.Table, held: pa.Table) -> pa.Array:
    """Whether each new row says something else than the row of its key that is held, if any.

    The place in the file does not count, so that the same row in another file changes nothing; nor
    does any common column of rows that belong to no patient.
    """
    key = TABLES[name].key
    apart = {"source_place"}
    if name not in PATIENT_TABLES:
        apart = {column.name for column in COMMON}
    at = pc.index_in(new[key].combine_chunks(), value_set=held[key].combine_chunks())
    before = held.take(at)
    differs = pc.is_null(at)
    for column in new.schema.names:
        if column not in apart:
            left, right = new[column].combine_chunks(), before[column].combine_chunks()
            same = pc.fill_null(pc.equal(left, right), False)
            same = pc.or_(same, pc.and_(pc.is_null(left), pc.is_null(right)))
            differs = pc.or_(differs, pc.invert(same))
    return differs


def _withdrawn(name: str, rows: pa.Table, gone: Mapping[str, date]) -> pa.Table:
    """The rows with ``deleted_on`` where *gone* names their key and they have none."""
    if not gone or not rows.num_rows:
        return rows
    days = pa.table({"key": list(gone), "day": pa.array(gone.values(), pa.date32())})
    at = pc.index_in(
        rows[TABLES[name].key].combine_chunks(), value_set=days["key"].combine_chunks()
    )
    deleted = pc.coalesce(
        rows["deleted_on"].combine_chunks(), days["day"].combine_chunks().take(at)
    )
    position = rows.schema.get_field_index("deleted_on")
    return rows.set_column(position, rows.schema.field(position), deleted)


def _moved(held: pa.Table, renamed: Mapping[str, str]) -> pa.Table:
    """The rows of patients who go by another id now, under that id."""
    old = pa.array(list(renamed), pa.string())
    rows = held.filter(pc.is_in(held["patient_id"], value_set=old))
    ids = pa.array([renamed[i] for i in rows["patient_id"].to_pylist()], pa.string())
    position = rows.schema.get_field_index("patient_id")
    return rows.set_column(position, rows.schema.field(position), ids)


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

"""After a delta, or on the next day, only whoever may have changed is looked at again.

What has been worked out is kept as a :class:`State`. A patient is looked at again when a delta
touched their rows, when a day has come on which one of their facts turns by itself or a row dated
ahead arrives (``wakes``), or when their practice's gates changed. The result equals a full run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from counterfoil.rules.engines.duckdb import Engine, Spans, Tables
from counterfoil.rules.engines.prepare import Gates
from counterfoil.rules.history import Sets
from counterfoil.rules.model import Rule
from counterfoil.rules.run import Finding, run
from counterfoil.rules.sets import TerminologySets

Patient = tuple[str, str]
"""Practice and patient id."""

_BETWEEN = "\x1f"


@dataclass(frozen=True)
class State:
    """The spans of some rules on a day, now and asked ahead, and when each patient wakes.

    ``wakes`` has practice, patient_id and ``day``: the first day after ``as_of`` on which anything
    about the patient may be otherwise without a new row. Patients that never wake are not in it.
    """

    as_of: int
    rules: tuple[tuple[str, int], ...]
    now: Spans
    ahead: Spans
    wakes: pa.Table
    gates: dict[str, frozenset[str]]


def full(
    tables: Tables,
    rules: Sequence[Rule],
    as_of: int,
    sets: Sets | None = None,
    gates: Gates | None = None,
) -> State:
    """The state of everybody, worked out from nothing."""
    return _state(tables, rules, as_of, sets or TerminologySets(), gates, None)


def _state(
    tables: Tables,
    rules: Sequence[Rule],
    as_of: int,
    sets: Sets,
    gates: Gates | None,
    patients: Iterable[Patient] | None,
) -> State:
    with Engine(tables, sets, as_of, gates=gates, patients=patients) as engine:
        now = engine.spans(rules)
        wakes = engine.wakes()
        ahead = engine.spans(rules, continues=True)
    weak = {practice: frozenset(names) for practice, names in (gates or {}).items()}
    return State(as_of, _versions(rules), now, ahead, wakes, weak)


def _versions(rules: Sequence[Rule]) -> tuple[tuple[str, int], ...]:
    return tuple((rule.id, rule.version) for rule in rules)


def update(
    before: State,
    tables: Tables,
    rules: Sequence[Rule],
    as_of: int,
    touched: Iterable[Patient],
    sets: Sets | None = None,
    gates: Gates | None = None,
) -> State:
    """The state on *as_of*, from the one before and the patients that a delta touched.

    *tables* are those after the delta; *touched* are all whose rows are new, changed or gone. Other
    rules than before, or an earlier day, are worked out from nothing.
    """
    sets = sets or TerminologySets()
    if before.rules != _versions(rules) or as_of < before.as_of:
        return _state(tables, rules, as_of, sets, gates, None)
    weak = {practice: frozenset(names) for practice, names in (gates or {}).items()}
    turned = {p for p in {*weak, *before.gates} if weak.get(p) != before.gates.get(p)}
    stale = {*touched, *_woken(before.wakes, as_of), *_of_practices(before, tables, turned)}
    fresh = _state(tables, rules, as_of, sets, gates, stale)
    keys = pa.array([f"{practice}{_BETWEEN}{patient}" for practice, patient in stale], pa.string())
    return State(
        as_of,
        before.rules,
        _merged(before.now, fresh.now, keys, rules),
        _merged(before.ahead, fresh.ahead, keys, rules),
        _without(before.wakes, keys, fresh.wakes).sort_by(
            [("practice", "ascending"), ("patient_id", "ascending")]
        ),
        weak,
    )


def _woken(wakes: pa.Table, as_of: int) -> Iterable[Patient]:
    due = wakes.filter(pc.less_equal(wakes["day"], as_of))
    return zip(due["practice"].to_pylist(), due["patient_id"].to_pylist(), strict=True)


def _of_practices(before: State, tables: Tables, practices: set[str]) -> Iterable[Patient]:
    """Everybody of some practices, as they are now and as they were."""
    if not practices:
        return []
    found: set[Patient] = set()
    with Engine(tables, TerminologySets(), before.as_of) as engine:
        listed = ", ".join("'" + p.replace("'", "''") + "'" for p in sorted(practices))
        rows = engine.fetch(
            f"SELECT practice, patient_id FROM src_patient WHERE practice IN ({listed})"
        )
        found.update(zip(*(c.to_pylist() for c in rows.columns), strict=True))
    for table in (before.now.table, before.ahead.table):
        mine = table.filter(pc.is_in(table["practice"], pa.array(sorted(practices), pa.string())))
        found.update(zip(mine["practice"].to_pylist(), mine["patient_id"].to_pylist(), strict=True))
    return found


def _without(old: pa.Table, keys: pa.Array, new: pa.Table) -> pa.Table:
    """The rows of others than these patients, and the new rows of these."""
    named = pc.binary_join_element_wise(old["practice"], old["patient_id"], _BETWEEN)
    return pa.concat_tables([old.filter(pc.invert(pc.is_in(named, keys))), new])


def _merged(old: Spans, new: Spans, keys: pa.Array, rules: Sequence[Rule]) -> Spans:
    table = _without(old.table, keys, new.table)
    order = pa.array([rule.id for rule in rules], pa.string())
    place = pc.index_in(table["rule"], order)
    sort = [(name, "ascending") for name in ("n", "practice", "patient_id", "since")]
    table = table.append_column("n", place).sort_by(sort).drop_columns(["n"])
    return Spans(table, new.as_of, new.continues)


def run_again(
    before: Iterable[Finding],
    tables: Tables,
    rules: Sequence[Rule],
    as_of: int,
    touched: Iterable[Patient],
    sets: TerminologySets | None = None,
    weak: Gates | None = None,
) -> list[Finding]:
    """The findings after a delta within one day: *before* are those of the same rules, day and gates.

    Equal to ``run`` on everybody, reasons included.
    """
    stale = set(touched)
    kept = [f for f in before if (f.practice, f.patient_id) not in stale]
    found = kept + run(tables, rules, as_of, sets, weak, patients=stale)
    order = {rule.id: i for i, rule in enumerate(rules)}
    return sorted(found, key=lambda f: (order[f.rule], f.practice, f.patient_id))

"""After a delta, or on the next day, only whoever may have changed is looked at again.

What has been worked out is kept as a :class:`State`. Spans hold for days to come, so that most days
change nothing of them. A patient is looked at again when a delta touched their rows, when a day has
come on which a treatment begins or ends or a row dated ahead arrives (``wakes``), when their
practice's gates changed, and, with a finding, when any fact turned that it may speak of. The result
equals a full run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from counterfoil.rules.engines.duckdb import Engine, Spans, Tables
from counterfoil.rules.engines.prepare import Gates
from counterfoil.rules.history import Sets
from counterfoil.rules.model import Rule
from counterfoil.rules.run import Finding, Hit, explained, hits_of
from counterfoil.rules.sets import TerminologySets
from counterfoil.rules.stands import on_day

Patient = tuple[str, str]
"""Practice and patient id."""

_BETWEEN = "\x1f"


@dataclass(frozen=True)
class State:
    """The spans of some rules on a day, now and asked ahead, and when each patient wakes.

    ``wakes`` has practice, patient_id, ``day`` and ``turns``: see ``Engine.wakes``. Who is not
    looked at on the day on which something turns keeps that day, which has then passed. Patients
    that never wake are not in it.
    """

    as_of: int
    rules: tuple[tuple[str, int], ...]
    now: Spans
    ahead: Spans
    wakes: pa.Table
    gates: dict[str, frozenset[str]]
    people: int = 0
    """How many patients there are, as far as it was counted last."""


@dataclass(frozen=True)
class Work:
    """A state with its findings, and who was looked at to bring them up to the day.

    ``looked_at`` is None where everybody was; ``explained`` counts findings whose reasons were
    worked out, and not taken from before.
    """

    state: State
    findings: tuple[Finding, ...]
    looked_at: frozenset[Patient] | None = None
    explained: int = 0


MOST = 10
"""Where more than one in so many patients would be looked at again, everybody is: it costs less."""


def full(
    tables: Tables,
    rules: Sequence[Rule],
    as_of: int,
    sets: Sets | None = None,
    gates: Gates | None = None,
) -> State:
    """The state of everybody, worked out from nothing."""
    with Engine(tables, sets or TerminologySets(), as_of, gates=gates) as engine:
        return _state(engine, rules, as_of, gates)


def _state(engine: Engine, rules: Sequence[Rule], as_of: int, gates: Gates | None) -> State:
    now = engine.spans(rules)
    wakes = engine.wakes()
    ahead = engine.spans(rules, continues=True)
    weak = {practice: frozenset(names) for practice, names in (gates or {}).items()}
    people = engine.fetch("SELECT COUNT(*) AS people FROM who").column(0)[0].as_py()
    return State(as_of, _versions(rules), now, ahead, wakes, weak, people)


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
    stale = _stale(before, tables, rules, as_of, touched, gates)
    if stale is None:
        return full(tables, rules, as_of, sets, gates)
    with Engine(tables, sets, as_of, gates=gates, patients=stale, rules=rules) as engine:
        return _updated(before, _state(engine, rules, as_of, gates), stale, rules)


def _stale(
    before: State,
    tables: Tables,
    rules: Sequence[Rule],
    as_of: int,
    touched: Iterable[Patient],
    gates: Gates | None,
) -> frozenset[Patient] | None:
    """Whoever must be looked at again; None where all must."""
    if before.rules != _versions(rules) or as_of < before.as_of:
        return None
    weak = {practice: frozenset(names) for practice, names in (gates or {}).items()}
    turned = {p for p in {*weak, *before.gates} if weak.get(p) != before.gates.get(p)}
    woken = _woken(before.wakes, "day", as_of)
    return frozenset({*touched, *woken, *_of_practices(before, tables, turned)})


def _updated(before: State, fresh: State, stale: Iterable[Patient], rules: Sequence[Rule]) -> State:
    keys = pa.array([f"{practice}{_BETWEEN}{patient}" for practice, patient in stale], pa.string())
    return State(
        fresh.as_of,
        before.rules,
        _merged(before.now, fresh.now, keys, rules),
        _merged(before.ahead, fresh.ahead, keys, rules),
        _without(before.wakes, keys, fresh.wakes).sort_by(
            [("practice", "ascending"), ("patient_id", "ascending")]
        ),
        fresh.gates,
        before.people,
    )


def work(
    tables: Tables,
    rules: Sequence[Rule],
    as_of: int,
    sets: TerminologySets,
    gates: Gates | None = None,
) -> Work:
    """State and findings of everybody, worked out from nothing: the findings equal ``run``'s."""
    with Engine(tables, sets, as_of, gates=gates) as engine:
        state = _state(engine, rules, as_of, gates)
        hits = hits_of(rules, state.now, state.ahead, as_of)
        records = engine.records({(h.practice, h.patient_id) for h in hits}, read=True)
    found = tuple(explained(hits, records, sets, as_of, gates))
    return Work(state, found, None, len(found))


def renew(
    before: Work,
    tables: Tables,
    rules: Sequence[Rule],
    as_of: int,
    touched: Iterable[Patient],
    sets: TerminologySets,
    gates: Gates | None = None,
) -> Work:
    """State and findings after a delta, or on a later day: equal to :func:`work`'s.

    Explained anew are the findings of whoever was looked at again, those whose span moved, and
    those whose words no longer stand; in the others only the count of days overdue is said anew.
    """
    state = before.state
    found = {(f.practice, f.patient_id) for f in before.findings}
    turned = found.intersection(_woken(state.wakes, "turns", as_of))
    stale = _stale(state, tables, rules, as_of, {*touched, *turned}, gates)
    if stale is None or len(stale) * MOST > state.people:
        return work(tables, rules, as_of, sets, gates)
    told = {(f.rule, f.practice, f.patient_id): f for f in before.findings}
    with Engine(tables, sets, as_of, gates=gates, patients=stale, rules=rules) as engine:
        after = _updated(state, _state(engine, rules, as_of, gates), stale, rules)
        hits = hits_of(rules, after.now, after.ahead, as_of)
        kept = [_kept(hit, told, stale, state.as_of, as_of) for hit in hits]
        anew = [hit for hit, one in zip(hits, kept, strict=True) if one is None]
        records = engine.records({(h.practice, h.patient_id) for h in anew})
    fresh = iter(explained(anew, records, sets, as_of, gates))
    findings = tuple(next(fresh) if one is None else one for one in kept)
    return Work(after, findings, stale, len(anew))


def _kept(
    hit: Hit, told: Mapping[tuple[str, str, str], Finding], stale: Set[Patient], was: int, day: int
) -> Finding | None:
    """What was said of a hit before, as it reads on *day*; None where it must be worked out."""
    one = told.get((hit.rule.id, hit.practice, hit.patient_id))
    if one is None or (hit.practice, hit.patient_id) in stale:
        return None
    if (one.state, one.since, one.until) != (hit.state, hit.since, hit.until):
        return None
    if was < day and any(reason.stands <= day for reason in one.reasons):
        return None
    return replace(one, reasons=tuple(on_day(reason, was, day) for reason in one.reasons))


def _woken(wakes: pa.Table, which: str, as_of: int) -> Iterable[Patient]:
    due = wakes.filter(pc.less_equal(wakes[which], as_of))
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

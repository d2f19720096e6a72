"""Issues: what was prescribed from each plan, early, late, lapsed, twice, cancelled, post-dated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from counterfoil.synthetic import columns
from counterfoil.synthetic.columns import NO_DAY
from counterfoil.synthetic.draws import Bools, Floats, Ints, stream, working_day
from counterfoil.synthetic.lists import dose_texts, options, product_codes, schedules
from counterfoil.synthetic.people import HISTORY
from counterfoil.synthetic.plans import ACUTE, ERD, HOSPITAL, TYPES, Plans
from counterfoil.synthetic.script import Script

CYCLE = 28
CYCLES = HISTORY // CYCLE + 1
BATCH = 6
LAPSE = 0.05
UNUSED = 0.03
WHEN_NEEDED = 0.42
YEAR = 366
TWICE = 0.005
CANCELLED = 0.008


@dataclass(slots=True)
class Issues:
    """One practice's issues as columns, sorted by patient and day; ``plan`` indexes the plans."""

    plan: Ints
    patient: Ints
    day: Ints
    valid_from: Ints
    cancelled: Ints
    withdrawn: Ints
    number: Ints

    @property
    def size(self) -> int:
        """How many issues."""
        return self.plan.size


def issues(script: Script, made: Plans, seed: int) -> Issues:
    """Every issue of the practice.

    A patient orders every 28 days, all items together, on a day that wanders; items of two months
    are ordered every other time; items taken when needed are ordered less often. The first issue
    of a plan is on the day it starts.
    """
    rng = stream(seed, "issues", script.who.place.code)
    phase = rng.integers(0, CYCLE, script.who.size)
    plan, day, cycle = _regular(rng, script, made, phase)
    old_plan, old_day, old_cycle = _older(rng, script, made, phase)
    first = np.flatnonzero((made.kind != HOSPITAL) & (made.start >= script.reach[made.patient]))
    plan = np.concatenate([plan, old_plan, first])
    day = np.concatenate([day, old_day, made.start[first]])
    cycle = np.concatenate([cycle, old_cycle, np.full(first.size, -1)])
    valid_from = day.copy()
    ahead_plan, ahead_day, ahead_from, ahead_cycle = _ahead(made, plan, day, cycle, script.as_of)
    twice = np.flatnonzero((rng.random(plan.size) < TWICE) & ~made.steady[plan])
    again = np.zeros(plan.size + twice.size + ahead_plan.size, dtype=np.bool_)
    again[plan.size : plan.size + twice.size] = rng.random(twice.size) < 0.5
    plan = np.concatenate([plan, plan[twice], ahead_plan])
    day = np.concatenate([day, day[twice], ahead_day])
    valid_from = np.concatenate([valid_from, valid_from[twice], ahead_from])
    cycle = np.concatenate([cycle, cycle[twice], ahead_cycle])
    patient = made.patient[plan]
    order = np.lexsort((valid_from, plan, day, patient))
    plan, day, patient = plan[order], day[order], patient[order]
    valid_from, cycle = valid_from[order], cycle[order]
    drop = (rng.random(plan.size) < CANCELLED) & ~made.steady[plan] & (made.kind[plan] != ERD)
    cancelled = np.where(drop, day + rng.integers(0, 5, plan.size), NO_DAY)
    cancelled = np.where(cancelled > script.as_of, NO_DAY, cancelled)
    back = day + rng.integers(1, 9, plan.size)
    withdrawn = np.where(again[order] & (back <= script.as_of), back, NO_DAY)
    cancelled = np.where(withdrawn == NO_DAY, cancelled, NO_DAY)
    number = np.where(made.kind[plan] == ERD, (CYCLES * 4 - cycle) % BATCH + 1, -1)
    return Issues(plan, patient, day, valid_from, cancelled, withdrawn, number)


def _regular(
    rng: np.random.Generator, script: Script, made: Plans, phase: Ints
) -> tuple[Ints, Ints, Ints]:
    """What was ordered within the usual history: plan, day and cycle counted back from now."""
    who = script.who
    repeat = np.flatnonzero((made.kind != ACUTE) & (made.kind != HOSPITAL))
    turn = rng.integers(0, 12, who.size)
    wander = np.clip(np.rint(rng.normal(0.0, 2.6, (who.size, CYCLES))), -8, 8).astype(np.int64)
    base = who.as_of - phase[:, None] - CYCLE * np.arange(CYCLES)[None, :] + wander
    patient = made.patient[repeat]
    day = working_day(base[patient])
    ends = np.where(made.end[repeat] == NO_DAY, who.as_of + 1, made.end[repeat])
    ends = np.minimum(ends, _last_order(rng, script, made, repeat))
    since = np.maximum(made.start[repeat] + 14, who.first[patient])
    keep = (day >= since[:, None]) & (day < ends[:, None]) & (day <= who.as_of)
    turns = np.arange(CYCLES)[None, :] + turn[patient][:, None]
    keep &= turns % made.multiple[repeat][:, None] == 0
    keep &= rng.random(keep.shape) < _ordered(made, repeat)[:, None]
    ways = _ways(script, made, repeat)
    apart = np.flatnonzero(ways == "apart")
    day[apart] = working_day(day[apart] + CYCLE // 2)
    keep[apart] &= day[apart] <= who.as_of
    cycles = np.arange(CYCLES)[None, :]
    keep &= ~((ways == "under")[:, None] & (cycles % 3 > 0))
    keep &= ~((ways == "never")[:, None] & (day > who.as_of - 380))
    line, cycle = np.nonzero(keep)
    plan, days = repeat[line], day[line, cycle]
    over = np.flatnonzero((ways[line] == "over") & (cycle > 0) & (cycle < 7))
    plan = np.concatenate([plan, plan[over]])
    days = np.concatenate([days, working_day(days[over] + CYCLE // 2)])
    return plan, days, np.concatenate([cycle, cycle[over]]).astype(np.int64)


def _ways(script: Script, made: Plans, repeat: Ints) -> npt.NDArray[np.str_]:
    """How each plan is ordered where a scene says so; elsewhere empty."""
    out = np.full(repeat.size, "", dtype="<U5")
    for (patient, group), way in script.ordering.items():
        for place in np.flatnonzero(made.patient[repeat] == patient):
            plan = repeat[place]
            if options()[int(made.option[plan])].group == group and made.end[plan] == NO_DAY:
                out[place] = way
    return out


def _ordered(made: Plans, repeat: Ints) -> Floats:
    """The share of their turns at which plans are ordered."""
    needed = np.array([schedules()[option.freq].as_needed for option in options()])
    share = np.where(needed[made.option[repeat]], WHEN_NEEDED, 1.0 - LAPSE)
    return np.where(made.steady[repeat], 1.0, share)


def _older(
    rng: np.random.Generator, script: Script, made: Plans, phase: Ints
) -> tuple[Ints, Ints, Ints]:
    """The same before the usual history, for those whose history reaches back further."""
    who = script.who
    edge = who.as_of - CYCLE * CYCLES
    since = np.maximum(made.start + 14, script.reach[made.patient])
    until = np.where(made.end == NO_DAY, who.as_of, made.end)
    until = np.minimum(until, who.last[made.patient])
    wanted = (made.kind != ACUTE) & (made.kind != HOSPITAL)
    wanted &= (since < edge) & (since < until)
    index = np.flatnonzero(wanted)
    turns = np.maximum((edge - since[index]) // CYCLE + 1, 0)
    plan = np.repeat(index, turns)
    turn = np.arange(plan.size) - np.repeat(np.cumsum(turns) - turns, turns)
    cycle = CYCLES + turn
    wander = np.clip(np.rint(rng.normal(0.0, 2.6, plan.size)), -8, 8).astype(np.int64)
    patient = made.patient[plan]
    day = working_day(who.as_of - phase[patient] - CYCLE * cycle + wander)
    keep = (day >= since[plan]) & (day < until[plan])
    keep &= (cycle + patient) % made.multiple[plan] == 0
    keep &= rng.random(plan.size) < _ordered(made, plan)
    return plan[keep], day[keep], cycle[keep]


def _last_order(rng: np.random.Generator, script: Script, made: Plans, repeat: Ints) -> Ints:
    """The day after which nothing is ordered: for most plans none, for a few long ago."""
    unused = (rng.random(repeat.size) < UNUSED) & ~made.steady[repeat]
    stopped = script.as_of - rng.integers(90, 600, repeat.size)
    needed = np.array([schedules()[option.freq].as_needed for option in options()])
    years = unused & (made.end[repeat] == NO_DAY) & (stopped < script.as_of - YEAR)
    years &= script.who.current[made.patient[repeat]] & ~needed[made.option[repeat]]
    script.lapsed = repeat[years & (made.start[repeat] < stopped - CYCLE)]
    return np.where(unused, stopped, script.as_of + 1)


def _ahead(
    made: Plans, plan: Ints, day: Ints, cycle: Ints, as_of: int
) -> tuple[Ints, Ints, Ints, Ints]:
    """The rest of each repeat dispensing batch: issued with it, valid from days to come."""
    on_erd = (made.kind[plan] == ERD) & (made.end[plan] == NO_DAY) & (day > as_of - 35)
    index = np.flatnonzero(on_erd & (cycle >= 0))
    _, latest = np.unique(plan[index], return_index=True)
    index = index[latest]
    done = (CYCLES * 4 - cycle[index]) % BATCH + 1
    left = BATCH - done
    which = np.repeat(np.arange(index.size), left)
    step = np.arange(which.size) - np.repeat(np.cumsum(left) - left, left) + 1
    issued = np.maximum(day[index] - CYCLE * (done - 1), made.start[plan[index]])
    start = day[index][which] + CYCLE * step
    return plan[index][which], issued[which], start, cycle[index][which] - step


def issue_table(script: Script, made: Plans, out: Issues) -> pa.Table:
    """The canonical ``issue`` table."""
    size, number = out.size, script.who.place.number
    units = sorted({option.quantity_unit for option in options()})
    unit = np.array([units.index(option.quantity_unit) for option in options()])
    option = made.option[out.plan]
    quantity: Floats = made.quantity[out.plan]
    supply = made.supply[out.plan]
    one_off: Bools = out.number < 0
    paper = out.patient * 100_000 + (out.day % 100_000)
    return columns.table(
        "issue",
        script.who.place.code,
        size,
        {
            "issue_id": columns.ids(f"I{number}", np.arange(size) + 1, 9),
            "patient_id": script.who.ids(out.patient),
            "plan_id": made.ids(number, out.plan),
            "product_code": columns.texts(product_codes(), made.code[out.plan]),
            "product_text": columns.texts([o.product for o in options()], option),
            "issue_type": columns.texts(TYPES, made.kind[out.plan]),
            "issued_on": columns.days(out.day),
            "valid_from": columns.days(out.valid_from),
            "quantity": columns.decimals(quantity),
            "quantity_unit": columns.texts(units, unit[option]),
            "supply_days": columns.integers(supply, supply < 0),
            "dose_text": columns.texts(dose_texts().words, made.text[out.plan]),
            "cancelled_on": columns.days(out.cancelled),
            "erd_number": columns.integers(out.number, one_off),
            "erd_of": columns.integers(np.full(size, BATCH), one_off),
            "prescription_id": columns.ids(f"R{number}", paper, 12),
            "deleted_on": columns.days(out.withdrawn),
        },
        out.day,
    )


def made_counts(made: Plans, out: Issues, since: Ints) -> Ints:
    """How many issues each plan has had since the day of its authorisation, at least none."""
    counted = (out.day >= since[out.plan]) & (out.cancelled == NO_DAY) & (out.withdrawn == NO_DAY)
    return np.bincount(out.plan[counted], minlength=made.size).astype(np.int64)


def next_due(made: Plans, out: Issues) -> Ints:
    """The day each plan's next order is due: a supply after its last issue, or its first day."""
    due = made.start.copy()
    from_day = np.where(out.valid_from == NO_DAY, out.day, out.valid_from)
    np.maximum.at(due, out.plan, from_day + CYCLE * made.multiple[out.plan])
    return due

"""Plans: who has which item authorised, since when, and how it is written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa

from counterfoil.synthetic import archive, columns
from counterfoil.synthetic.columns import NO_DAY
from counterfoil.synthetic.draws import Bools, Floats, Ints, stream, systematic, weighted
from counterfoil.synthetic.lists import (
    dose_texts,
    groups,
    options,
    product_codes,
    rows,
    schedules,
    target,
)
from counterfoil.synthetic.other_tables import forbidden
from counterfoil.synthetic.people import HISTORY, Place
from counterfoil.synthetic.script import Script

REPEAT, ERD, ACUTE, HOSPITAL = range(4)
TYPES = ["repeat", "erd", "acute", "hospital"]
REASONS = ["Dose changed", "Switched to another product", "No longer needed", "Course completed"]
CHANGED, SWITCHED, NOT_NEEDED, COMPLETED = range(4)

NEVER_ERD = frozenset(
    [
        "opioid",
        "gabapentinoid",
        "zopiclone",
        "methotrexate",
        "lithium",
        "warfarin",
        "morphine_liquid",
        "insulin_basal",
        "insulin_rapid",
        "hydroxocobalamin",
        "amiodarone",
        "leflunomide",
        "azathioprine",
    ]
)
SECOND_STRENGTH = {"warfarin": 0.4, "levothyroxine": 0.14}
ENDABLE = ("ssri", "antihistamine", "ppi", "amitriptyline", "cocodamol", "laxative", "iron", "ccb")
ACUTES_A_YEAR = 4.1
JUST_NOW = 4
"""A dose changed fewer days ago than this may be the answer to a letter."""

JUST_CHANGED = 0.035
TWO_MONTHS = 0.3
"""How many people are given two months at a time."""
STALE_ONE_IN = 67
"""One plan in so many carries a product id that is no longer current."""


@dataclass(slots=True)
class Plans:
    """One practice's plans as columns, sorted by patient and start.

    ``end`` is ``NO_DAY`` for a plan in force; ``steady`` plans are ordered without a gap;
    ``multiple`` is how many 28-day cycles one issue covers.
    """

    patient: Ints
    option: Ints
    kind: Ints
    start: Ints
    end: Ints
    ending: Ints
    changed: Ints
    reason: Ints
    steady: Bools
    multiple: Ints
    text: Ints
    quantity: Floats
    supply: Ints

    @property
    def size(self) -> int:
        """How many plans."""
        return self.patient.size

    @property
    def code(self) -> Ints:
        """Each plan's place in ``lists.product_codes``: a few systems hold stale ids."""
        stale = (self.patient * 7919 + self.option * 104_729) % STALE_ONE_IN == 0
        return self.option + np.where(stale, len(options()), 0)

    def ids(self, number: int, index: Ints) -> pa.Array:
        """Plan ids of the plans at ``index`` in practice ``number``."""
        return columns.ids(f"M{number}", index + 1, 8)


@dataclass(slots=True)
class _Line:
    patient: Ints
    option: Ints
    kind: Ints
    start: Ints
    end: Ints
    ending: Ints
    changed: Ints
    reason: Ints
    steady: Bools


def _line(size: int, **given: Ints | Bools | int) -> _Line:
    defaults = {"patient": 0, "option": 0, "kind": REPEAT, "start": NO_DAY, "end": NO_DAY}
    defaults |= {"ending": -1, "changed": NO_DAY, "reason": -1}
    filled = {
        name: np.broadcast_to(np.asarray(given.get(name, value)), (size,)).astype(np.int64)
        for name, value in defaults.items()
    }
    steady = np.broadcast_to(np.asarray(given.get("steady", False)), (size,)).astype(np.bool_)
    return _Line(**filled, steady=steady)


def plans(script: Script, allergic: Ints, seed: int) -> Plans:
    """Every plan of the practice; ``allergic`` is each patient's allergy or -1."""
    rng = stream(seed, "plans", script.who.place.code)
    lines = [_on_group(rng, script, group) for group in script.groups]
    lines += [_earlier(rng, script, line) for line in list(lines)]
    lines.append(_ended(rng, script))
    lines.append(_scenes(script))
    lines.append(_acutes(rng, script, allergic))
    if script.everything:
        lines += _long_ago(rng, script, allergic)
    joined = {
        name: np.concatenate([getattr(line, name) for line in lines]) for name in _Line.__slots__
    }
    return _finish(rng, script, _Line(**joined))


def first_option(group: str, drug: str = "") -> int:
    """The first option of a group, or of one drug in it."""
    indexes, _ = groups()[group]
    return next(int(i) for i in indexes if options()[i].drug.startswith(drug))


def _on_group(rng: np.random.Generator, script: Script, group: str) -> _Line:
    """The plans of everybody on one group of medicines."""
    indexes, weights = groups()[group]
    who = np.flatnonzero(script.groups[group])
    chosen = indexes[weighted(rng, weights, who.size)]
    fixed_option = script.choice.get(group)
    if fixed_option is not None:
        chosen = np.where(fixed_option[who] >= 0, fixed_option[who], chosen)
    began = script.as_of - 20 - np.floor(rng.exponential(1300.0, who.size)).astype(np.int64)
    fixed = script.days(script.start, group)[who]
    began = np.maximum(began, _diagnosed(script, script.reason[group][who], who))
    began = np.where(fixed == NO_DAY, began, fixed)
    steady = script.flags(script.steady, group)[who]
    line = _line(
        who.size,
        patient=who,
        option=chosen,
        start=began,
        end=script.days(script.stop, group)[who],
        ending=np.where(script.days(script.stop, group)[who] == NO_DAY, -1, NOT_NEEDED),
        reason=script.reason[group][who],
        steady=steady,
    )
    share = SECOND_STRENGTH.get(group)
    if share is None:
        return line
    twice = np.flatnonzero(rng.random(who.size) < share)
    other = indexes[(np.searchsorted(indexes, chosen[twice]) + 1) % indexes.size]
    return _join(
        line,
        _line(
            twice.size,
            patient=who[twice],
            option=other,
            start=began[twice],
            reason=line.reason[twice],
            steady=steady[twice],
        ),
    )


def _diagnosed(script: Script, reason: Ints, who: Ints) -> Ints:
    """The day on which the reason for a medicine was first coded; long ago where there is none."""
    out = np.full(who.size, script.as_of - 20_000, dtype=np.int64)
    for number, row in enumerate(rows("conditions")):
        mine = reason == number
        out[mine] = script.onset[row["condition"]][who[mine]]
    return out


def _join(one: _Line, two: _Line) -> _Line:
    return _Line(**{n: np.concatenate([getattr(one, n), getattr(two, n)]) for n in _Line.__slots__})


def _earlier(rng: np.random.Generator, script: Script, line: _Line) -> _Line:
    """For some plans, the one before it: another strength or product of the same group."""
    if not line.patient.size:
        return line
    group = options()[int(line.option[0])].group
    indexes, _ = groups()[group]
    free = ~line.steady & (line.end == NO_DAY) & (indexes.size > 1)
    chosen = np.flatnonzero(free & (rng.random(line.patient.size) < 0.16))
    if not chosen.size:
        return _line(0)
    when = script.as_of - rng.integers(12, 640, chosen.size)
    place = np.searchsorted(indexes, line.option[chosen])
    shift = rng.integers(1, indexes.size, chosen.size)
    before = indexes[(place + shift) % indexes.size]
    now = rng.random(chosen.size) < JUST_CHANGED
    when = np.where(now, script.as_of - rng.integers(1, JUST_NOW, chosen.size), when)
    drugs = np.array([option.drug for option in options()])
    same = drugs[before] == drugs[line.option[chosen]]
    when = np.where(now & ~same, when - 60, when)
    line.start[chosen] = when
    line.changed[chosen] = when
    return _line(
        chosen.size,
        patient=line.patient[chosen],
        option=before,
        start=when - rng.integers(60, 1500, chosen.size),
        end=when,
        ending=np.where(same, CHANGED, SWITCHED),
        reason=line.reason[chosen],
    )


def _ended(rng: np.random.Generator, script: Script) -> _Line:
    """Repeat items that ended within the history and were not replaced."""
    who = script.who
    adults = np.flatnonzero((who.age >= 18) & ~script.used)
    chosen = adults[rng.random(adults.size) < 0.10 + 0.003 * np.maximum(who.age[adults] - 30, 0)]
    pick = rng.integers(0, len(ENDABLE), chosen.size)
    option = np.zeros(chosen.size, dtype=np.int64)
    for number, group in enumerate(ENDABLE):
        indexes, weights = groups()[group]
        mine = np.flatnonzero((pick == number) & ~script.groups[group][chosen])
        option[mine] = indexes[weighted(rng, weights, mine.size)]
    taken = np.array([script.groups[ENDABLE[p]][c] for p, c in zip(pick, chosen, strict=True)])
    keep = ~taken.astype(np.bool_)
    ended = script.as_of - rng.integers(5, 720, chosen.size)
    return _line(
        int(keep.sum()),
        patient=chosen[keep],
        option=option[keep],
        start=(ended - rng.integers(60, 900, chosen.size))[keep],
        end=ended[keep],
        ending=np.where(rng.random(int(keep.sum())) < 0.5, NOT_NEEDED, COMPLETED),
    )


def _scenes(script: Script) -> _Line:
    """Plans that scenes asked for: earlier spells and hospital items."""
    first = {group: int(indexes[0]) for group, (indexes, _) in groups().items()}
    acute = [
        (p, _acute_of(first[g]), ACUTE, s, s + 28, COMPLETED) for p, g, s in script.extra_acutes
    ]
    spells = [(p, first[g], REPEAT, s, e, NOT_NEEDED) for p, g, s, e in script.extra_plans]
    away = [(p, first[g], HOSPITAL, s, NO_DAY, -1) for p, g, s in script.hospital_plans]
    table = np.array(spells + away + acute, dtype=np.int64).reshape(-1, 6)
    return _line(
        table.shape[0],
        patient=table[:, 0],
        option=table[:, 1],
        kind=table[:, 2],
        start=table[:, 3],
        end=table[:, 4],
        ending=table[:, 5],
        steady=np.ones(table.shape[0], dtype=np.bool_),
    )


def _acute_of(option: int) -> int:
    """The acute option of the same product, or the repeat option itself."""
    mine = options()[option].product
    indexes, _ = groups()["acute"]
    return next((int(i) for i in indexes if options()[i].product == mine), option)


def _acutes(rng: np.random.Generator, script: Script, allergic: Ints) -> _Line:
    """Acute items, each its own plan of one issue."""
    who = script.who
    span = np.maximum(who.last - who.first, 0)
    rate = (0.55 + who.age / 70 + (who.age < 5) * 0.5) * np.exp(0.45 * who.frailty)
    rate *= ACUTES_A_YEAR / np.mean(rate) / 365.25 * 1.5
    count = rng.poisson(rate * span)
    patient = np.repeat(np.arange(who.size), count)
    day = who.first[patient] + np.floor(rng.random(patient.size) * span[patient]).astype(np.int64)
    return _courses(rng, script, allergic, patient, day)


def _courses(
    rng: np.random.Generator, script: Script, allergic: Ints, patient: Ints, day: Ints
) -> _Line:
    """An acute item for each patient and day, where one fits the age and goes with the rest."""
    who = script.who
    indexes, weights = groups()["acute"]
    chosen = weighted(rng, weights, patient.size)
    low = np.array([int(r["age_from"]) for r in rows("acutes")])[chosen]
    high = np.array([int(r["age_to"]) for r in rows("acutes")])[chosen]
    age = who.age[patient]
    drug = np.array([options()[i].drug for i in indexes])[chosen]
    fits = (age >= low) & (age <= high)
    fits &= ~(script.used[patient] & np.isin(drug, ["Omeprazole", "Naproxen", "Ibuprofen"]))
    on, has = script.groups, script.has
    bleeding = on["doac"] | on["warfarin"] | on["methotrexate"] | has["hf"]
    bleeding = bleeding | has["peptic_ulcer"] | has["ckd"]
    bleeding = (
        bleeding | on["lithium"] | (on["acei_arb"] & (on["thiazide"] | on["loop"] | on["mra"]))
    )
    fits &= ~(bleeding[patient] & np.isin(drug, ["Naproxen", "Ibuprofen", "Trimethoprim"]))
    for name in dict.fromkeys(drug.tolist()):
        fits &= ~((drug == name) & forbidden(allergic, name)[patient])
    course = np.array([options()[i].days for i in indexes])[chosen]
    return _line(
        int(fits.sum()),
        patient=patient[fits],
        option=indexes[chosen[fits]],
        kind=ACUTE,
        start=day[fits],
        end=(day + course)[fits],
        ending=COMPLETED,
    )


def _long_ago(rng: np.random.Generator, script: Script, allergic: Ints) -> list[_Line]:
    """Acute items and ended repeats from before the usual history."""
    who = script.who
    need = (0.5 + who.age / 60) * np.exp(0.4 * who.frailty)
    patient, day = archive.old_days(rng, script, archive.ACUTES_A_PATIENT, need)
    patient_, began = archive.old_days(rng, script, archive.ENDED_A_PATIENT, need * (who.age > 20))
    option = np.zeros(patient_.size, dtype=np.int64)
    pick = rng.integers(0, len(ENDABLE), patient_.size)
    for number, group in enumerate(ENDABLE):
        indexes, weights = groups()[group]
        mine = np.flatnonzero(pick == number)
        option[mine] = indexes[weighted(rng, weights, mine.size)]
    end = began + 30 + np.floor(rng.exponential(430.0, patient_.size)).astype(np.int64)
    end = np.minimum(end, script.as_of - HISTORY)
    ended = _line(
        patient_.size, patient=patient_, option=option, start=began, end=end, ending=NOT_NEEDED
    )
    return [_courses(rng, script, allergic, patient, day), ended]


def _finish(rng: np.random.Generator, script: Script, line: _Line) -> Plans:
    """Clip to registration, choose words and quantities, and sort."""
    who = script.who
    keep = _clip(script, line)
    line = _Line(**{name: getattr(line, name)[keep] for name in _Line.__slots__})
    order = np.lexsort((line.option, line.start, line.patient))
    line = _Line(**{name: getattr(line, name)[order] for name in _Line.__slots__})
    size = line.patient.size
    names = [option.group for option in options()]
    never = np.array([name in NEVER_ERD for name in names])[line.option]
    usual = target("erd_share") / 100
    share = _erd_share(who.place, usual)
    likely = np.where((who.age >= 35) & ~script.used, share * 1.15, 0.0)
    on_erd = systematic(rng, np.minimum(likely, 0.9))
    kind = np.where((line.kind == REPEAT) & on_erd[line.patient] & ~never, ERD, line.kind)
    kind[_fixed(script, line, script.batched)] = ERD
    two_months = rng.random(who.size) < TWO_MONTHS * who.place.share(
        "two months", lambda rank: _beta_at(rank, 3.0, 7.0)
    )
    days = np.array([option.days for option in options()])[line.option]
    multiple = np.maximum(1, np.rint(days / 28).astype(np.int64))
    double = two_months[line.patient] & (multiple == 1) & ~never
    double &= (kind != ACUTE) & (kind != ERD)
    texts = dose_texts()
    draw = np.floor(rng.random(size) ** 1.5 * texts.count[line.option]).astype(np.int64)
    if who.place.system == "systmone":  # another system's users have another favourite
        draw = (draw + 1) % texts.count[line.option]
    quantity = np.array([option.quantity for option in options()])[line.option]
    quantity = np.where(double, quantity * 2, quantity)
    for key, amount in script.amounts.items():
        quantity[_fixed(script, line, {key})] = amount
    text = texts.start[line.option] + draw
    for key, words in script.words.items():
        text[_fixed(script, line, {key})] = texts.words.index(words)
    stated = np.array([option.daily is not None for option in options()])[line.option]
    needed = np.array([schedules()[option.freq].as_needed for option in options()])[line.option]
    supply = np.where(stated & ~needed, days * np.where(double, 2, 1), -1)
    return Plans(
        line.patient,
        line.option,
        kind,
        line.start,
        line.end,
        line.ending,
        line.changed,
        line.reason,
        line.steady,
        np.where(double, 2, multiple),
        text,
        quantity,
        supply,
    )


def _beta_at(rank: float, one: float, other: float) -> float:
    """The beta distribution's value at a rank, near enough: from many even draws."""
    return float(np.quantile(_beta(one, other), rank))


@cache
def _beta(one: float, other: float) -> Floats:
    return np.sort(stream(0, "beta").beta(one, other, 4096))


def _erd_share(place: Place, usual: float) -> float:
    """A practice's share of people on repeat dispensing: most low, a few many times as high."""
    return usual * place.share("erd", lambda rank: _beta_at(rank, 1.0, 1.0 / usual - 1.0))


def _fixed(script: Script, line: _Line, keys: Iterable[tuple[int, str]]) -> Ints:
    """The lines in force of these people and groups, on repeat."""
    found: list[int] = []
    for patient, group in keys:
        low, high = np.searchsorted(line.patient, [patient, patient + 1])
        found += [
            place
            for place in range(int(low), int(high))
            if options()[int(line.option[place])].group == group
            and line.end[place] == NO_DAY
            and line.kind[place] != ACUTE
        ]
    return np.array(found, dtype=np.int64)


def _clip(script: Script, line: _Line) -> Bools:
    """Keep plans within registration: later registration starts them, leaving ends them."""
    who = script.who
    begins, ends = who.registered_from[line.patient], who.last[line.patient]
    line.start = np.maximum(line.start, begins)
    gone = ~who.current[line.patient]
    beyond = gone & ((line.end == NO_DAY) | (line.end > ends))
    line.end = np.where(beyond, ends, line.end)
    born = who.birth[line.patient] + 30
    line.start = np.maximum(line.start, born)
    in_force = (line.end == NO_DAY) | (line.end > line.start)
    return np.asarray((line.start <= script.as_of) & in_force)


AUTHORISED = 365
"""Days from one authorisation to the review at which it ends."""


def review_days(script: Script, made: Plans, seed: int) -> Ints:
    """The day on which each plan's authorisation ends: a patient's are reviewed together, yearly."""
    rng = stream(seed, "plan table", script.who.place.code)
    month = rng.integers(0, AUTHORISED, script.who.size)
    days = script.as_of + np.where(script.review_late, -(month % 90) - 1, month)
    return np.asarray(days[made.patient], dtype=np.int64)


def plan_table(script: Script, made: Plans, issues_made: Ints, seed: int) -> pa.Table:
    """The canonical ``plan`` table."""
    size, as_of = made.size, script.as_of
    repeat = (made.kind == REPEAT) | (made.kind == ERD)
    review = np.where(repeat & (made.end == NO_DAY), review_days(script, made, seed), NO_DAY)
    yearly = AUTHORISED // (28 * made.multiple)
    allowed = np.where(made.kind == ACUTE, 1, np.where(made.kind == ERD, 6, yearly))
    number = script.who.place.number
    units = sorted({option.quantity_unit for option in options()})
    unit = np.array([units.index(option.quantity_unit) for option in options()])
    active = (made.end == NO_DAY) | (made.end > as_of)
    away = made.kind == HOSPITAL
    kept = repeat & (made.supply > 0) & (script.who.place.system == "emis")
    return columns.table(
        "plan",
        script.who.place.code,
        size,
        {
            "plan_id": made.ids(number, np.arange(size)),
            "patient_id": script.who.ids(made.patient),
            "product_code": columns.texts(product_codes(), made.code),
            "product_text": columns.texts([o.product for o in options()], made.option),
            "plan_type": columns.texts(TYPES, made.kind),
            "status": columns.texts(["ended", "active"], active.astype(np.int64)),
            "status_inferred": columns.booleans(np.zeros(size, dtype=np.bool_)),
            "start_date": columns.days(made.start),
            "end_date": columns.days(made.end),
            "end_reason": columns.texts(REASONS, np.where(active, -1, made.ending)),
            "review_date": columns.days(review),
            "authorised_until": columns.days(review),
            "issues_authorised": columns.integers(allowed, away),
            "issues_made": columns.integers(np.minimum(issues_made, allowed)),
            "min_days": columns.integers(28 * made.multiple - 7, ~kept),
            "max_days": columns.integers(28 * made.multiple + 14, ~kept),
            "quantity": columns.decimals(made.quantity, away),
            "quantity_unit": columns.texts(units, np.where(away, -1, unit[made.option])),
            "supply_days": columns.integers(made.supply, (made.supply < 0) | away),
            "dose_text": columns.texts(dose_texts().words, made.text),
            "dose_changed_on": columns.days(made.changed),
            "problem_id": _problem(script, made),
            "note": columns.texts(
                ["Supplied and monitored by the hospital"], np.where(away, 0, -1)
            ),
        },
        made.start,
    )


def problem_ids(script: Script, patient: Ints, condition: Ints) -> pa.Array:
    """Problem ids from the patient and the condition's number; a negative condition is null."""
    key = patient * 64 + np.maximum(condition, 0) + 1
    return columns.masked(columns.ids(f"B{script.who.place.number}", key, 10), condition >= 0)


def _problem(script: Script, made: Plans) -> pa.Array:
    """The problem a plan is linked to, for two plans in three whose condition is coded."""
    linked = (made.reason >= 0) & ((made.patient * 7 + made.option) % 3 > 0)
    for number, row in enumerate(rows("conditions")):
        gone = script.uncoded.get(row["condition"])
        if gone is not None:
            linked &= ~((made.reason == number) & gone[made.patient])
    return problem_ids(script, made.patient, np.where(linked, made.reason, -1))

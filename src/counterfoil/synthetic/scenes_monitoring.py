"""Scenes about blood tests: methotrexate, lithium, amiodarone and the direct anticoagulants.

Everybody on one of these drugs gets a scene, so whether a test is overdue is decided here and
never an accident of the draw. Intervals are those of the project's knowledge notes (methotrexate
12 weeks, lithium 6 months and 3 from the age of 65, amiodarone 6 months, a direct anticoagulant a
year at the outside); the days used keep clear of any grace period unless the scene is ``near``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from counterfoil.foundation import days as calendar
from counterfoil.synthetic.columns import NO_DAY
from counterfoil.synthetic.draws import stream
from counterfoil.synthetic.lists import target
from counterfoil.synthetic.script import ExtraEntry, Script

BLOODS = ("fbc", "lft", "ue", "renal")
LITHIUM_SIX_MONTHLY = ("ue", "renal", "tft", "calcium", "weight")

Scene = Callable[[Script, np.random.Generator, int], None]


def between(rng: np.random.Generator, low: int, high: int) -> int:
    """A whole number from ``low`` to ``high``, both included."""
    return int(rng.integers(low, high + 1))


def cast(
    script: Script, rng: np.random.Generator, pool: list[int], scenes: list[tuple[int, Scene]]
) -> list[int]:
    """Play each scene with as many people of the pool as it asks for; who is left is returned."""
    rest = list(pool)
    for count, scene in scenes:
        for _ in range(min(count, len(rest))):
            scene(script, rng, rest.pop())
    return rest


def _pool(script: Script, rng: np.random.Generator, group: str) -> list[int]:
    found = np.flatnonzero(script.groups[group] & script.who.current & ~script.used)
    return [int(p) for p in rng.permutation(found)]


# Methotrexate: FBC, LFT and U&E every 12 weeks


def mtx_up_to_date(script: Script, rng: np.random.Generator, patient: int) -> None:
    """Tested within the twelve weeks."""
    back = between(rng, 4, 66)
    script.on(patient, "methotrexate", back=between(rng, 420, 2500))
    script.tested(patient, BLOODS, back, 80)
    script.plant(
        patient,
        "methotrexate.up_to_date",
        "clear",
        ("methotrexate",),
        f"tested {back} days ago",
        "",
    )


def _mtx_overdue(script: Script, rng: np.random.Generator, patient: int, back: int) -> None:
    script.on(patient, "methotrexate", back=between(rng, 500, 2500))
    script.tested(patient, BLOODS, back, 80)


def mtx_overdue(script: Script, rng: np.random.Generator, patient: int) -> None:
    """All three tests last done well over twelve weeks ago."""
    back = 84 + between(rng, 16, 150)
    _mtx_overdue(script, rng, patient, back)
    script.plant(
        patient,
        "methotrexate.overdue",
        "open",
        ("methotrexate",),
        "FBC, LFT and U&E due every 12 weeks",
        f"last {back} days ago",
        day=script.as_of - back + 84,
    )


def mtx_just_overdue(script: Script, rng: np.random.Generator, patient: int) -> None:
    """A few days over the twelve weeks."""
    back = 84 + between(rng, 1, 7)
    _mtx_overdue(script, rng, patient, back)
    script.plant(
        patient,
        "methotrexate.just_overdue",
        "near",
        ("methotrexate",),
        "due every 12 weeks",
        f"last {back} days ago",
        2,
        "open or near, as the rule's grace decides",
        day=script.as_of - back + 84,
    )


def mtx_just_inside(script: Script, rng: np.random.Generator, patient: int) -> None:
    """A few days short of the twelve weeks."""
    back = 84 - between(rng, 2, 7)
    _mtx_overdue(script, rng, patient, back)
    script.plant(
        patient,
        "methotrexate.just_inside",
        "not_open",
        ("methotrexate",),
        "due every 12 weeks",
        f"last {back} days ago",
        2,
        "may be shown as near",
    )


def mtx_liver_missing(script: Script, rng: np.random.Generator, patient: int) -> None:
    """Blood count and kidney function are in date, the liver test was left off the form."""
    back = between(rng, 10, 60)
    script.on(patient, "methotrexate", back=between(rng, 500, 2500))
    script.tested(patient, ("fbc", "ue", "renal"), back, 80)
    late = 84 + between(rng, 30, 120)
    script.tested(patient, ("lft",), late, 80)
    script.plant(
        patient,
        "methotrexate.liver_missing",
        "open",
        ("methotrexate",),
        "LFT due every 12 weeks",
        f"LFT last {late} days ago, others {back}",
        2,
        day=script.as_of - late + 84,
    )


def mtx_new(script: Script, rng: np.random.Generator, patient: int) -> None:
    """Started days ago with a baseline: not overdue, whatever a trailing window says."""
    began = between(rng, 6, 12)
    script.on(patient, "methotrexate", script.as_of - began)
    script.groups["leflunomide"][patient] = False
    script.tested(patient, BLOODS, began + 3, 400)
    script.tests_from(patient, BLOODS, script.as_of - began - 4)
    script.plant(
        patient,
        "methotrexate.newly_started",
        "not_open",
        ("methotrexate",),
        f"started {began} days ago",
        f"baseline {began + 3} days ago",
        2,
    )


def mtx_restarted(script: Script, rng: np.random.Generator, patient: int) -> None:
    """Off it for months and started again days ago: the clock begins at the restart."""
    began = between(rng, 7, 12)
    stopped = 260 + between(rng, 0, 60)
    script.on(patient, "methotrexate", script.as_of - began)
    first = script.as_of - stopped - between(rng, 300, 420)
    script.extra_plans.append((patient, "methotrexate", first, script.as_of - stopped))
    last = stopped + between(rng, 5, 40)
    script.tested(patient, BLOODS, last, 80)
    script.plant(
        patient,
        "methotrexate.restarted",
        "not_open",
        ("methotrexate",),
        f"restarted {began} days ago after {stopped - began} days without",
        f"last tested {last} days ago",
        3,
    )


def mtx_declined(script: Script, rng: np.random.Generator, patient: int) -> None:
    """Overdue, and a blood test was declined a few weeks ago."""
    back = 84 + between(rng, 40, 90)
    _mtx_overdue(script, rng, patient, back)
    when = script.as_of - between(rng, 8, 25)
    script.extra_entries.append(ExtraEntry(patient, "declined", when, None))
    script.plant(
        patient,
        "methotrexate.declined",
        "any",
        ("methotrexate",),
        "overdue, blood test declined",
        f"last {back} days ago",
        3,
        "neither done nor missing: the rule says how long a refusal counts",
    )


def mtx_new_patient(script: Script, rng: np.random.Generator, patient: int) -> None:
    """Registered weeks ago; the old practice's results have not come."""
    joined = between(rng, 20, 30)
    script.who.registered_from[patient] = script.as_of - joined
    script.on(patient, "methotrexate", script.as_of - joined + 2)
    script.tested(patient, BLOODS, -1, 80)
    script.plant(
        patient,
        "methotrexate.new_patient",
        "not_open",
        ("methotrexate",),
        "tested at the last practice",
        "no result in this record",
        3,
    )


def mtx_with_leflunomide(script: Script, rng: np.random.Generator, patient: int) -> None:
    """With leflunomide the tests are monthly until stable for a year."""
    back = 28 + between(rng, 22, 48)
    script.on(patient, "methotrexate", back=between(rng, 700, 1500))
    script.on(patient, "leflunomide", back=between(rng, 150, 250))
    script.tested(patient, BLOODS, back, 40)
    script.plant(
        patient,
        "methotrexate.leflunomide",
        "open",
        ("methotrexate", "leflunomide"),
        "with leflunomide: monthly until stable for 12 months",
        f"last {back} days ago, inside 12 weeks",
        3,
        "only a rule that knows the shorter interval sees it",
        day=script.as_of - back + 28,
    )


def mtx_hospital(script: Script, rng: np.random.Generator, patient: int) -> None:
    """Supplied and monitored by the hospital: an entry on the list, no issues."""
    script.off(patient, "methotrexate", "folic")
    script.hospital_plans.append((patient, "methotrexate", script.as_of - between(rng, 200, 600)))
    script.tested(patient, BLOODS, -1, 80)
    script.plant(
        patient,
        "methotrexate.hospital",
        "not_open",
        ("methotrexate",),
        "monitored by the hospital",
        "no issue and no result here",
        3,
    )


def _methotrexate(script: Script, rng: np.random.Generator) -> None:
    pool = _pool(script, rng, "methotrexate")
    share = target("methotrexate_overdue") / 100
    scenes: list[tuple[int, Scene]] = [
        (max(2, round(share * len(pool))), mtx_overdue),
        (1, mtx_liver_missing),
        (1, mtx_just_overdue),
        (1, mtx_new),
        (1, mtx_restarted),
        (1, mtx_with_leflunomide),
        (1, mtx_declined),
        (1, mtx_new_patient),
        (1, mtx_just_inside),
        (1, mtx_hospital),
    ]
    cast(script, rng, pool, [*scenes, (len(pool), mtx_up_to_date)])


# Lithium: a level every 6 months, every 3 from the age of 65


def _aged(script: Script, rng: np.random.Generator, patient: int, low: int, high: int) -> None:
    if not low <= script.who.age[patient] <= high:
        years = between(rng, low, high)
        script.who.birth[patient] = calendar.minus_months(script.as_of, 12 * years) - between(
            rng, 20, 340
        )


def _on_lithium(script: Script, rng: np.random.Generator, patient: int, back: int) -> None:
    script.on(patient, "lithium", back=between(rng, 500, 3000))
    older = script.as_of - script.who.birth[patient] > 65 * 366
    script.tested(patient, ("lithium",), back, 85 if older else 150)
    script.tested(patient, LITHIUM_SIX_MONTHLY, min(back, between(rng, 20, 60)), 150)


def lithium_overdue_younger(script: Script, rng: np.random.Generator, patient: int) -> None:
    """Under 65, no level for well over six months."""
    _aged(script, rng, patient, 30, 62)
    back = 185 + between(rng, 20, 170)
    _on_lithium(script, rng, patient, back)
    script.plant(
        patient,
        "lithium.overdue",
        "open",
        ("lithium",),
        "level due every 6 months",
        f"last {back} days ago",
        day=script.as_of - back + 184,
    )


def lithium_overdue_older(script: Script, rng: np.random.Generator, patient: int) -> None:
    """66 or over with a level between three and six months ago."""
    _aged(script, rng, patient, 67, 82)
    back = 92 + between(rng, 20, 60)
    _on_lithium(script, rng, patient, back)
    script.plant(
        patient,
        "lithium.overdue_65",
        "open",
        ("lithium",),
        "level due every 3 months from 65",
        f"last {back} days ago",
        2,
        day=script.as_of - back + 92,
    )


def lithium_turned_65(script: Script, rng: np.random.Generator, patient: int) -> None:
    """Turned 65 weeks ago; the level is older than three months and younger than six."""
    turned = between(rng, 14, 40)
    script.who.birth[patient] = calendar.minus_months(script.as_of - turned, 65 * 12)
    back = turned + between(rng, 80, 110)
    _on_lithium(script, rng, patient, back)
    script.plant(
        patient,
        "lithium.turned_65",
        "not_open",
        ("lithium",),
        f"65 for {turned} days: three months run from the birthday",
        f"last {back} days ago",
        3,
    )


def lithium_younger_in_date(script: Script, rng: np.random.Generator, patient: int) -> None:
    """Under 65 with a level four or five months ago: in date."""
    _aged(script, rng, patient, 30, 62)
    back = between(rng, 115, 160)
    _on_lithium(script, rng, patient, back)
    script.plant(
        patient,
        "lithium.in_date_under_65",
        "not_open",
        ("lithium",),
        "level due every 6 months",
        f"last {back} days ago",
        2,
    )


def lithium_up_to_date(script: Script, rng: np.random.Generator, patient: int) -> None:
    """A level within the last ten weeks."""
    back = between(rng, 6, 70)
    _on_lithium(script, rng, patient, back)
    script.plant(patient, "lithium.up_to_date", "clear", ("lithium",), f"level {back} days ago", "")


def _lithium(script: Script, rng: np.random.Generator) -> None:
    pool = _pool(script, rng, "lithium")
    share = target("lithium_overdue") / 100
    many = max(1, round(share * len(pool)) - 1)
    scenes: list[tuple[int, Scene]] = [
        (many, lithium_overdue_younger),
        (1, lithium_overdue_older),
        (1, lithium_turned_65),
        (1, lithium_younger_in_date),
        (len(pool), lithium_up_to_date),
    ]
    cast(script, rng, pool, scenes)


# Amiodarone: TFT and LFT every 6 months


def _amiodarone(
    script: Script, rng: np.random.Generator, patient: int, thyroid: int, liver: int
) -> None:
    script.on(patient, "amiodarone", back=between(rng, 700, 2500))
    script.tested(patient, ("tft",), thyroid, 160)
    script.tested(patient, ("lft",), liver, 160)
    script.tested(patient, ("ue", "renal", "weight"), between(rng, 10, 100), 160)


def amiodarone_overdue(script: Script, rng: np.random.Generator, patient: int) -> None:
    """Thyroid and liver tests both well over six months ago."""
    back = 185 + between(rng, 20, 220)
    _amiodarone(script, rng, patient, back, back)
    script.plant(
        patient,
        "amiodarone.overdue",
        "open",
        ("amiodarone",),
        "TFT and LFT due every 6 months",
        f"last {back} days ago",
        day=script.as_of - back + 184,
    )


def amiodarone_thyroid(script: Script, rng: np.random.Generator, patient: int) -> None:
    """Only the thyroid test is overdue."""
    back = 185 + between(rng, 30, 400)
    liver = between(rng, 10, 120)
    _amiodarone(script, rng, patient, back, liver)
    script.plant(
        patient,
        "amiodarone.thyroid_missing",
        "open",
        ("amiodarone",),
        "TFT due every 6 months",
        f"TFT last {back} days ago, LFT {liver}",
        2,
        day=script.as_of - back + 184,
    )


def amiodarone_new(script: Script, rng: np.random.Generator, patient: int) -> None:
    """Started two months ago with a baseline."""
    began = between(rng, 40, 80)
    script.on(patient, "amiodarone", script.as_of - began)
    groups = ("tft", "lft", "ue", "renal", "weight")
    script.tested(patient, groups, began + 5, 400)
    script.plant(
        patient,
        "amiodarone.newly_started",
        "not_open",
        ("amiodarone",),
        f"started {began} days ago",
        "baseline before the start",
        2,
    )


def amiodarone_up_to_date(script: Script, rng: np.random.Generator, patient: int) -> None:
    """Both tests within five months."""
    back = between(rng, 6, 150)
    _amiodarone(script, rng, patient, back, back)
    script.plant(
        patient, "amiodarone.up_to_date", "clear", ("amiodarone",), f"tested {back} days ago", ""
    )


def _play_amiodarone(script: Script, rng: np.random.Generator) -> None:
    pool = _pool(script, rng, "amiodarone")
    many = max(1, round(target("amiodarone_overdue") / 100 * len(pool)) - 1)
    scenes: list[tuple[int, Scene]] = [
        (many, amiodarone_overdue),
        (1, amiodarone_thyroid),
        (1, amiodarone_new),
        (len(pool), amiodarone_up_to_date),
    ]
    cast(script, rng, pool, scenes)


# Direct anticoagulants: weight and renal function within a year at the outside

RENAL = ("ue", "renal")
DOAC_OVERDUE = 0.11


def _on_doac(
    script: Script, rng: np.random.Generator, patient: int, weight: int, renal: int
) -> None:
    script.on(patient, "doac", back=between(rng, 500, 2200))
    script.tested(patient, ("weight",), weight, 260)
    script.tested(patient, RENAL, renal, 200)


def doac_no_weight(script: Script, rng: np.random.Generator, patient: int) -> None:
    """No weight for over a year."""
    weight, renal = 366 + between(rng, 30, 250), between(rng, 10, 110)
    _on_doac(script, rng, patient, weight, renal)
    script.plant(
        patient,
        "doac.no_weight",
        "open",
        ("doac",),
        "weight at least once a year",
        f"weight last {weight} days ago",
        day=script.as_of - weight + 366,
    )


def doac_no_renal(script: Script, rng: np.random.Generator, patient: int) -> None:
    """No renal function for over a year."""
    weight, renal = between(rng, 10, 300), 366 + between(rng, 30, 200)
    _on_doac(script, rng, patient, weight, renal)
    script.plant(
        patient,
        "doac.no_renal_function",
        "open",
        ("doac",),
        "renal function at least once a year",
        f"creatinine last {renal} days ago",
        day=script.as_of - renal + 366,
    )


def doac_neither(script: Script, rng: np.random.Generator, patient: int) -> None:
    """Weight never recorded, renal function over a year ago."""
    renal = 366 + between(rng, 40, 300)
    _on_doac(script, rng, patient, -1, renal)
    script.plant(
        patient,
        "doac.neither",
        "open",
        ("doac",),
        "weight and renal function at least once a year",
        f"no weight ever, creatinine {renal} days ago",
        day=script.as_of - renal + 366,
    )


def doac_new(script: Script, rng: np.random.Generator, patient: int) -> None:
    """Started this month; weight and bloods taken at the start."""
    began = between(rng, 10, 25)
    script.on(patient, "doac", script.as_of - began)
    script.tested(patient, ("weight", "ue", "renal"), began + 2, 700)
    script.plant(
        patient,
        "doac.newly_started",
        "not_open",
        ("doac",),
        f"started {began} days ago",
        "baseline before the start",
        2,
    )


def doac_up_to_date(script: Script, rng: np.random.Generator, patient: int) -> None:
    """Both within four months: silent; too many to write each into the truth."""
    _on_doac(script, rng, patient, between(rng, 8, 110), between(rng, 8, 110))


def _doac(script: Script, rng: np.random.Generator) -> None:
    pool = _pool(script, rng, "doac")
    many = max(2, round(DOAC_OVERDUE * len(pool)))
    scenes: list[tuple[int, Scene]] = [
        (max(1, many * 2 // 5), doac_no_weight),
        (max(1, many // 3), doac_no_renal),
        (max(1, many // 4), doac_neither),
        (1, doac_new),
        (len(pool), doac_up_to_date),
    ]
    if len(pool) > 6:
        cast(script, rng, pool, scenes)
    else:
        cast(script, rng, pool, scenes[-1:])


def play(script: Script, seed: int) -> None:
    """Play every monitoring scene."""
    rng = stream(seed, "monitoring scenes", script.who.place.code)
    script.groups["doac"] &= ~script.groups["methotrexate"]
    _methotrexate(script, rng)
    _lithium(script, rng)
    _play_amiodarone(script, rng)
    _doac(script, rng)
    # Somebody on two monitored drugs keeps the first scene; the anticoagulant is in date there.
    for patient in np.flatnonzero(script.groups["doac"] & script.who.current & script.used):
        if script.days(script.start, "doac")[patient] == NO_DAY:
            script.on(int(patient), "doac", back=900)
            weight = script.days(script.last_test, "weight")
            weight[patient] = max(weight[patient], script.as_of - 100)

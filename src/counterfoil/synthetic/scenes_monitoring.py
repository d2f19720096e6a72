"""Scenes about monitoring: lithium, amiodarone and the direct anticoagulants.

Everybody on one of these drugs gets a scene, so whether a test is overdue is decided here and
never an accident of the draw. Intervals are those of the project's knowledge notes (lithium 6
months and 3 from the age of 65, amiodarone 6 months, a direct anticoagulant a year at the outside).
"""

from __future__ import annotations

import numpy as np

from counterfoil.foundation import days as calendar
from counterfoil.synthetic.columns import NO_DAY
from counterfoil.synthetic.draws import stream
from counterfoil.synthetic.scenes import (
    Scene,
    as_late_as_now,
    between,
    cast,
    natural,
    pool_of,
    practice_share,
)
from counterfoil.synthetic.scenes_methotrexate import methotrexate
from counterfoil.synthetic.script import Lateness, Script

LITHIUM_SIX_MONTHLY = ("ue", "renal", "tft", "calcium", "weight")
LITHIUM_LATE = Lateness(92, 150)
"""Levels are taken every three months; the published share has none in three months."""

IN_TIME = Lateness(184, 0)
AMIODARONE_LATE = Lateness(184, 220)
WEIGHT_LATE = Lateness(366, 260)

# Lithium: a level every 6 months, every 3 from the age of 65


def _aged(script: Script, rng: np.random.Generator, patient: int, low: int, high: int) -> None:
    if not low <= script.who.age[patient] <= high:
        years = between(rng, low, high)
        day = calendar.minus_months(script.as_of, 12 * years) - between(rng, 20, 340)
        script.born(patient, day)


def _on_lithium(script: Script, rng: np.random.Generator, patient: int, back: int) -> None:
    script.on(patient, "lithium", back=between(rng, 500, 3000))
    script.tested(patient, ("lithium",), back, 85, LITHIUM_LATE)
    script.tested(patient, LITHIUM_SIX_MONTHLY, min(back, between(rng, 20, 60)), 150, IN_TIME)


def lithium_overdue_younger(script: Script, rng: np.random.Generator, patient: int) -> None:
    """Under 65, no level for well over six months."""
    _aged(script, rng, patient, 30, 62)
    back = 185 + between(rng, 20, 110)
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
    script.born(patient, calendar.minus_months(script.as_of - turned, 65 * 12))
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
    back = between(rng, 100, 165)
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
    """A level within the last eleven weeks."""
    back = between(rng, 6, 78)
    _on_lithium(script, rng, patient, back)
    script.plant(patient, "lithium.up_to_date", "clear", ("lithium",), f"level {back} days ago", "")


BEYOND_SIX_MONTHS = 0.39
"""Of those without a level in three months, how many have none in six: follows from the lateness."""


def _lithium(script: Script, rng: np.random.Generator) -> None:
    pool = pool_of(script, rng, "lithium", 250)
    late = max(1, round(practice_share(script, "pincer_li") * len(pool)))
    older = max(min(1, late - 1), round(0.2 * late))
    beyond = max(1, round(BEYOND_SIX_MONTHS * (late - older)))
    birthday = min(1 if late >= 5 or script.who.place.number % 2 else 0, late - older - beyond)
    scenes: list[tuple[int, Scene]] = [
        (beyond, lithium_overdue_younger),
        (older, lithium_overdue_older),
        (birthday, lithium_turned_65),
        (late - older - beyond - birthday, lithium_younger_in_date),
        (len(pool), lithium_up_to_date),
    ]
    cast(script, rng, pool, scenes)
    share = min(late, len(pool)) / max(len(pool), 1)
    as_late_as_now(script, pool, share, LITHIUM_LATE, 85)


# Amiodarone: TFT and LFT every 6 months


def _amiodarone(
    script: Script, rng: np.random.Generator, patient: int, thyroid: int, liver: int
) -> None:
    script.on(patient, "amiodarone", back=between(rng, 700, 2500))
    script.tested(patient, ("tft",), thyroid, 160, AMIODARONE_LATE)
    script.tested(patient, ("lft",), liver, 160, AMIODARONE_LATE)
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
    pool = pool_of(script, rng, "amiodarone", 250)
    many = max(1, round(practice_share(script, "pincer_am") * len(pool)) - 1)
    scenes: list[tuple[int, Scene]] = [
        (many, amiodarone_overdue),
        (1, amiodarone_thyroid),
        (1, amiodarone_new),
        (len(pool), amiodarone_up_to_date),
    ]
    cast(script, rng, pool, scenes)
    share = min(many + 1, len(pool)) / max(len(pool), 1)
    as_late_as_now(script, pool, share, AMIODARONE_LATE, 160)


# Direct anticoagulants: weight and renal function within a year at the outside

RENAL = ("ue", "renal")


def _on_doac(
    script: Script, rng: np.random.Generator, patient: int, weight: int, renal: int
) -> None:
    script.on(patient, "doac", back=400 + natural(rng))
    script.tested(patient, ("weight",), weight, 260, WEIGHT_LATE)
    script.tested(patient, RENAL, renal, 240, WEIGHT_LATE)


def doac_no_weight(script: Script, rng: np.random.Generator, patient: int) -> None:
    """No weight for over a year."""
    weight, renal = 366 + between(rng, 30, 250), between(rng, 10, 220)
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
    """Both within the year: silent; too many to write each into the truth."""
    _on_doac(script, rng, patient, between(rng, 8, 245), between(rng, 8, 225))


def _doac(script: Script, rng: np.random.Generator) -> None:
    pool = pool_of(script, rng, "doac", 430)
    share = practice_share(script, "doac_overdue")
    many = max(2, round(share * len(pool)))
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
    # Weight and renal function run late apart from each other: half of the share each.
    as_late_as_now(script, pool, many / max(len(pool), 1) * 0.55, WEIGHT_LATE, 250)


def play(script: Script, seed: int) -> None:
    """Play every monitoring scene."""
    rng = stream(seed, "monitoring scenes", script.who.place.code)
    script.groups["doac"] &= ~script.groups["methotrexate"]
    methotrexate(script, rng)
    _lithium(script, rng)
    _play_amiodarone(script, rng)
    _doac(script, rng)
    # Somebody on two monitored drugs keeps the first scene; the anticoagulant is in date there.
    for patient in np.flatnonzero(script.groups["doac"] & script.who.current & script.used):
        if script.days(script.start, "doac")[patient] == NO_DAY:
            script.on(int(patient), "doac", back=900)
            weight = script.days(script.last_test, "weight")
            weight[patient] = max(weight[patient], script.as_of - 100)

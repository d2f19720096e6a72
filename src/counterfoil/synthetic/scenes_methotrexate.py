"""Scenes about methotrexate: full blood count, liver and renal function every 12 weeks.

Everybody on it gets a scene, so whether a test is overdue is decided here and never an accident of
the draw. The days keep clear of any grace period unless the scene is about the limit itself.
"""

from __future__ import annotations

import numpy as np

from counterfoil.synthetic.regimens import sparse
from counterfoil.synthetic.scenes import (
    Scene,
    as_late_as_now,
    between,
    cast,
    pool_of,
    practice_share,
)
from counterfoil.synthetic.script import ExtraEntry, Lateness, Script

BLOODS = ("fbc", "lft", "ue", "renal")
LATE = Lateness(84, 150)
LATE_MONTHLY = Lateness(28, 66)


def mtx_up_to_date(script: Script, rng: np.random.Generator, patient: int) -> None:
    """Tested within the twelve weeks."""
    back = between(rng, 4, 74)
    script.on(patient, "methotrexate", back=between(rng, 420, 2500))
    script.tested(patient, BLOODS, back, 80, LATE)
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
    script.tested(patient, BLOODS, back, 80, LATE)


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
    script.tested(patient, ("fbc", "ue", "renal"), back, 80, LATE)
    late = 84 + between(rng, 30, 120)
    script.tested(patient, ("lft",), late, 80, LATE)
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
    script.tested(patient, BLOODS, last, 80, LATE)
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
    script.tested(patient, BLOODS, -1, 80, LATE)
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
    script.tested(patient, BLOODS, back, 27, LATE_MONTHLY)
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
    script.tested(patient, BLOODS, -1, 80, LATE)
    script.plant(
        patient,
        "methotrexate.hospital",
        "not_open",
        ("methotrexate",),
        "monitored by the hospital",
        "no issue and no result here",
        3,
    )


def mtx_never(script: Script, rng: np.random.Generator, patient: int) -> None:
    """On it for years, and no result of any kind in the record."""
    script.on(patient, "methotrexate", back=between(rng, 500, 2500))
    script.tested(patient, BLOODS, -1, 80, LATE)
    script.plant(
        patient,
        "methotrexate.never_tested",
        "open",
        ("methotrexate",),
        "FBC, LFT and U&E due every 12 weeks",
        "no result ever",
    )


def mtx_withdrawn(script: Script, rng: np.random.Generator, patient: int) -> None:
    """The results that would be in date were another person's, and were withdrawn."""
    back = 84 + between(rng, 30, 120)
    _mtx_overdue(script, rng, patient, back)
    wrong = script.as_of - between(rng, 20, 50)
    for analyte, value in (("haemoglobin", 131.0), ("alt", 22.0), ("sodium", 140.0)):
        script.extra_entries.append(
            ExtraEntry(patient, analyte, wrong, value, None, wrong + between(rng, 2, 9))
        )
    script.plant(
        patient,
        "methotrexate.withdrawn_result",
        "open",
        ("methotrexate",),
        f"last {back} days ago",
        f"results {script.as_of - wrong} days ago, withdrawn",
        2,
        day=script.as_of - back + 84,
    )


def mtx_elsewhere(script: Script, rng: np.random.Generator, patient: int) -> None:
    """Tested at the hospital: a letter may say so, the record holds no result."""
    back = 84 + between(rng, 30, 120)
    _mtx_overdue(script, rng, patient, back)
    script.plant(
        patient,
        "methotrexate.tested_elsewhere",
        "open",
        ("methotrexate",),
        "tested at the hospital",
        f"last in this record {back} days ago",
        3,
        "not in the GP record: to be looked for, not to be called not monitored",
        day=script.as_of - back + 84,
    )


ODD: tuple[Scene, ...] = (mtx_liver_missing, mtx_declined, mtx_never)
EVEN: tuple[Scene, ...] = (mtx_with_leflunomide, mtx_just_overdue, mtx_withdrawn)
RARE: tuple[Scene, ...] = (*ODD, *EVEN, mtx_elsewhere)
UNTESTED = 2
SILENT: tuple[Scene, ...] = (mtx_new, mtx_restarted, mtx_new_patient, mtx_just_inside, mtx_hospital)


def methotrexate(script: Script, rng: np.random.Generator) -> None:
    """Everybody on it; practices take turns at the rarer scenes."""
    pool = pool_of(script, rng, "methotrexate")
    wanted = practice_share(script, "pincer_me_no_fbc") * len(pool)
    small = sparse(script.who)
    number = script.who.place.number
    if small:
        rare = (ODD if number % 2 else EVEN)[: max(1, len(pool) // 4)]
        many = max(1, round(wanted - len(rare)))
    else:
        # New patients and restarts are silent, and without a test all the same.
        room = max(1, round(wanted) - UNTESTED)
        turn = [RARE[(number + place) % len(RARE)] for place in range(len(RARE))]
        rare = tuple(turn[: max(1, room // 2)])
        many = max(1, room - len(rare))
    scenes: list[tuple[int, Scene]] = [(many, mtx_overdue)]
    scenes += [(1, scene) for scene in (*rare, *SILENT)]
    cast(script, rng, pool, [*scenes, (len(pool), mtx_up_to_date)])
    share = min(many + len(rare), len(pool)) / max(len(pool), 1)
    as_late_as_now(script, pool, share, LATE, 80)

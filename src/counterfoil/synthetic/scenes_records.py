"""Scenes about doses, interactions, repeats and coding: one or two of each a practice.

No rule of the first release looks for most of these. They are labelled all the same, so that a rule
that comes to claim one can be scored from the day it is written.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from counterfoil.synthetic import scenes_more
from counterfoil.synthetic.draws import Bools, stream, systematic
from counterfoil.synthetic.plans import first_option
from counterfoil.synthetic.scenes import Scene, between, cast, running
from counterfoil.synthetic.scenes_pincer import free
from counterfoil.synthetic.script import ExtraEntry, Script

ONE_FOR = 2500
"""One scene of a kind for so many patients, at least one."""


def mtx_daily(script: Script, rng: np.random.Generator, patient: int) -> None:
    """Methotrexate written as a daily dose."""
    script.words[patient, "methotrexate"] = "Six To Be Taken Each Day"
    script.plant(
        patient,
        "dose.methotrexate_daily",
        "open",
        ("methotrexate",),
        "once a week",
        "Six To Be Taken Each Day",
    )


def lithium_nsaid(script: Script, rng: np.random.Generator, patient: int) -> None:
    """Lithium with an NSAID, protected, so that only the pair is at fault."""
    back = running(rng)
    script.on(patient, "nsaid", back=back)
    script.on(patient, "ppi", back=between(rng, 1900, 2400))
    script.off(patient, "h2ra")
    script.plant(
        patient,
        "lithium_nsaid.together",
        "open",
        ("lithium", "nsaid"),
        "an NSAID raises lithium",
        "issued together",
        day=script.as_of - back,
    )


def triple_whammy(script: Script, rng: np.random.Generator, patient: int) -> None:
    """An ACE inhibitor or angiotensin receptor blocker, a diuretic and an NSAID."""
    script.on(patient, "acei_arb", back=between(rng, 1200, 3000))
    script.on(patient, "thiazide", back=between(rng, 1200, 3000))
    back = running(rng)
    script.on(patient, "nsaid", back=back)
    script.on(patient, "ppi", back=between(rng, 1900, 2400))
    script.off(patient, "h2ra")
    script.plant(
        patient,
        "triple_whammy.together",
        "open",
        ("acei_arb", "thiazide", "nsaid"),
        "three medicines that strain the kidney together",
        "issued together",
        day=script.as_of - back,
    )


def amiodarone_citalopram(script: Script, rng: np.random.Generator, patient: int) -> None:
    """Two medicines that lengthen the QT interval."""
    script.take(patient, "ssri", first_option("ssri", "Citalopram"))
    script.on(patient, "ssri", back=between(rng, 100, 900))
    script.plant(
        patient,
        "qt_pair.amiodarone_citalopram",
        "open",
        ("amiodarone", "ssri"),
        "both lengthen the QT interval",
        "issued together",
    )


def amiodarone_sertraline(script: Script, rng: np.random.Generator, patient: int) -> None:
    """Amiodarone with an SSRI that is not citalopram."""
    script.take(patient, "ssri", first_option("ssri"))
    script.on(patient, "ssri", back=between(rng, 100, 900))
    script.plant(
        patient,
        "qt_pair.sertraline",
        "clear",
        ("amiodarone", "ssri"),
        "not a pair that the scene above is about",
        "issued together",
        2,
    )


def opioid_high(script: Script, rng: np.random.Generator, patient: int) -> None:
    """A high daily dose of morphine, for pain that is not cancer's."""
    script.off(patient, "cocodamol", "opioid", "morphine_liquid")
    script.on(patient, "opioid_high", back=between(rng, 200, 1500))
    script.plant(
        patient, "opioid.high_dose", "open", ("opioid_high",), "120 mg of morphine a day", ""
    )


def metformin_kidney(script: Script, rng: np.random.Generator, patient: int) -> None:
    """Metformin with an eGFR that has been below 30 twice."""
    latest = script.as_of - between(rng, 10, 60)
    for day in (latest - between(rng, 95, 160), latest):
        script.extra_entries.append(ExtraEntry(patient, "egfr", day, float(between(rng, 19, 28))))
    script.tested(patient, ("ue", "renal"), script.as_of - latest + 300, 300)
    script.on(patient, "metformin", back=between(rng, 900, 3000))
    script.plant(
        patient, "kidney_dose.metformin", "open", ("metformin",), "eGFR below 30", "", day=latest
    )


def kidney_nsaid(script: Script, rng: np.random.Generator, patient: int) -> None:
    """An NSAID with an eGFR that has been below 45 twice, protected."""
    latest = script.as_of - between(rng, 10, 60)
    for day in (latest - between(rng, 95, 160), latest):
        script.extra_entries.append(ExtraEntry(patient, "egfr", day, float(between(rng, 33, 42))))
    script.tested(patient, ("ue", "renal"), script.as_of - latest + 300, 300)
    script.off(patient, "acei_arb", "thiazide", "mra", "h2ra")
    back = running(rng)
    script.on(patient, "nsaid", back=back)
    script.on(patient, "ppi", back=between(rng, 1900, 2400))
    script.plant(
        patient,
        "egfr_nsaid.together",
        "open",
        ("nsaid",),
        "eGFR below 45",
        "an NSAID, with a proton pump inhibitor",
        day=max(latest, script.as_of - back),
    )


def alt_rising(script: Script, rng: np.random.Generator, patient: int) -> None:
    """Tests in date, ALT rising past three times the limit, nothing done."""
    day = script.as_of
    for back, value in (
        (196, 38.0),
        (112, 71.0),
        (between(rng, 12, 30), float(between(rng, 128, 170))),
    ):
        script.extra_entries.append(ExtraEntry(patient, "alt", day - back, value))
    script.plant(
        patient, "abnormal_result.alt", "open", ("statin",), "ALT over three times the limit", ""
    )


# Repeats


def _ordering(kind: str, way: str, what: str) -> Scene:
    def scene(script: Script, rng: np.random.Generator, patient: int) -> None:
        script.ordering[patient, "ccb"] = way
        script.on(patient, "ccb", back=between(rng, 900, 2500))
        script.plant(patient, kind, "open", ("ccb",), "every 28 days", what)

    return scene


over_ordering = _ordering("repeat.over_ordered", "over", "every fortnight for half a year")
under_ordering = _ordering("repeat.under_ordered", "under", "every third time")
unused = _ordering("repeat.unused", "never", "not ordered for over a year")


def wrong_quantity(script: Script, rng: np.random.Generator, patient: int) -> None:
    """A quantity that does not last as long as it is said to."""
    script.amounts[patient, "ccb"] = 20.0
    script.on(patient, "ccb", back=between(rng, 300, 2500))
    script.plant(
        patient, "repeat.quantity_mismatch", "open", ("ccb",), "28 for 28 days", "20 for 28 days"
    )


def acute_twice(script: Script, rng: np.random.Generator, patient: int) -> None:
    """The same medicine as an acute item days after the repeat was issued."""
    script.on(patient, "ppi", back=between(rng, 300, 2500))
    script.take(patient, "ppi", first_option("ppi"))
    script.extra_acutes.append((patient, "ppi", script.as_of - between(rng, 4, 12)))
    script.plant(
        patient, "repeat.acute_duplicate", "open", ("ppi",), "one supply", "an acute item as well"
    )


def batch_controlled(script: Script, rng: np.random.Generator, patient: int) -> None:
    """A schedule 3 controlled drug in a repeat dispensing batch."""
    script.batched.add((patient, "gabapentinoid"))
    script.on(patient, "gabapentinoid", back=between(rng, 300, 2000))
    script.plant(
        patient,
        "erd.controlled_drug",
        "open",
        ("gabapentinoid",),
        "schedule 3 drugs cannot be repeat dispensed",
        "in a batch",
    )


# Coding


def kidney_uncoded(script: Script, rng: np.random.Generator, patient: int) -> None:
    """Two eGFR below 60 more than three months apart, and no code."""
    latest = script.as_of - between(rng, 20, 300)
    for day in (latest - between(rng, 100, 300), latest):
        script.extra_entries.append(ExtraEntry(patient, "egfr", day, float(between(rng, 41, 56))))
    script.tested(patient, ("ue", "renal"), script.as_of - latest + 320, 330)
    script.plant(
        patient, "kidney.uncoded", "open", (), "chronic kidney disease", "no code", day=latest
    )


def resolved_treated(script: Script, rng: np.random.Generator, patient: int) -> None:
    """Diabetes coded as resolved, and still treated."""
    script.extra_entries.append(
        ExtraEntry(patient, "diabetes_resolved", script.as_of - between(rng, 60, 500), None)
    )
    script.plant(
        patient, "diabetes.resolved_treated", "open", ("metformin",), "diabetes", "coded resolved"
    )


def listed_twice(script: Script, rng: np.random.Generator, patient: int) -> None:
    """The same problem on the list twice."""
    script.twice_listed.append((patient, "hypertension"))
    script.plant(patient, "problem.duplicate", "open", (), "hypertension once", "on the list twice")


def vague_diabetes(script: Script, rng: np.random.Generator, patient: int) -> None:
    """Diabetes coded without its type."""
    script.other_code["diabetes2", patient] = "diabetes_vague"
    script.plant(
        patient, "diabetes.vague_code", "open", (), "type 2 diabetes", "diabetes, no type", 2
    )


def _tame(script: Script) -> Bools:
    """Whom an NSAID would not put in the way of any other scene."""
    on, has = script.groups, script.has
    out = ~has["hf"] & ~has["peptic_ulcer"]
    for group in ("aspirin", "clopidogrel", "doac", "warfarin", "lithium", "loop", "methotrexate"):
        out &= ~on[group]
    return out


def _pools(script: Script) -> list[tuple[Scene, Callable[[], Bools]]]:
    """Each scene with who could play it when its turn comes."""
    on, has, who = script.groups, script.has, script.who
    adult, tame = who.age >= 25, _tame(script)
    diabetic = has["diabetes2"] & on["metformin"]
    calm = on["ccb"] & (who.age < 73)
    return [
        (triple_whammy, lambda: on["acei_arb"] & tame & ~has["ckd"] & (who.age < 64) & adult),
        (opioid_high, lambda: has["pain"] & adult),
        (metformin_kidney, lambda: diabetic & (who.age < 73) & ~on["acei_arb"] & ~on["nsaid"]),
        (kidney_nsaid, lambda: has["ckd"] & tame & (who.age < 73)),
        (alt_rising, lambda: on["statin"] & tame & (who.age < 73)),
        (over_ordering, lambda: calm),
        (under_ordering, lambda: calm),
        (unused, lambda: calm),
        (wrong_quantity, lambda: calm),
        (acute_twice, lambda: on["ppi"] & adult & (who.age < 63)),
        (batch_controlled, lambda: on["gabapentinoid"] & adult),
        (kidney_uncoded, lambda: ~has["ckd"] & ~on["nsaid"] & (who.age >= 60) & (who.age < 73)),
        (resolved_treated, lambda: diabetic & adult),
        (listed_twice, lambda: has["hypertension"] & adult),
        (vague_diabetes, lambda: has["diabetes2"] & adult),
    ]


def _on_monitored(script: Script, rng: np.random.Generator) -> None:
    """Scenes for people whose monitoring is in order: a second thing is wrong with them."""
    calm: dict[str, list[int]] = {}
    for plant in script.plants:
        subject, _, scene = plant.kind.partition(".")
        if scene == "up_to_date":
            calm.setdefault(subject, []).append(plant.patient)
    count = max(1, round(np.count_nonzero(script.who.current) / ONE_FOR / 2))
    young = [p for p in calm.get("lithium", []) if script.who.age[p] < 64]
    fits: list[tuple[list[int], Scene]] = [
        (calm.get("methotrexate", []), mtx_daily),
        (young, lithium_nsaid),
        (calm.get("amiodarone", []), amiodarone_citalopram),
    ]
    for people, second in fits:
        for patient in people[:count]:
            second(script, rng, patient)
    for patient in calm.get("amiodarone", [])[count : count + 1]:
        amiodarone_sertraline(script, rng, patient)


REVIEW_LATE = 0.1
"""How many people with repeat items are past their review: our choice, nobody publishes it."""


def _late_reviews(script: Script, seed: int) -> None:
    """Reviews that are overdue: with people of any scene and of none."""
    rng = stream(seed, "late reviews", script.who.place.code)
    has_repeats = np.any(np.array(list(script.groups.values())), axis=0) & script.who.current
    script.review_late = systematic(rng, np.where(has_repeats, REVIEW_LATE, 0.0))


def play(script: Script, seed: int) -> None:
    """Play every scene of this module, last of all."""
    _late_reviews(script, seed)
    rng = stream(seed, "record scenes", script.who.place.code)
    current = int(np.count_nonzero(script.who.current))
    if current < 250:
        return
    count = max(1, round(current / ONE_FOR))
    _on_monitored(script, rng)
    for scene, fits in _pools(script):
        cast(script, rng, free(script, rng, fits()), [(count, scene)])
    for place in range(len(scenes_more.pools(script, _tame(script)))):
        scene, now = scenes_more.pools(script, _tame(script))[place]
        cast(script, rng, free(script, rng, now), [(count, scene)])

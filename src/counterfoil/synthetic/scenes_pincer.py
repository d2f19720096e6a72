"""Scenes of the PINCER indicators that need a diagnosis, and of renal monitoring in older people.

Indicators and their published rates: notes beside ``pincer_*`` in ``targets.csv``. Nobody outside a
scene meets one of them: ``regimens`` keeps the medicines apart, and whoever is left is put in order
here.
"""

from __future__ import annotations

import numpy as np

from counterfoil.synthetic.draws import Bools, Ints, stream
from counterfoil.synthetic.plans import first_option
from counterfoil.synthetic.regimens import PROTECTION
from counterfoil.synthetic.scenes import (
    SETTLED,
    Scene,
    between,
    cast,
    ended,
    natural,
    practice_count,
    practice_share,
    running,
    stopped_of,
)
from counterfoil.synthetic.script import Lateness, Script

RENAL = ("ue", "renal")
UNTESTED = Lateness(458, 300)
"""No test in 15 months, the indicator's window."""


def free(script: Script, rng: np.random.Generator, wanted: Bools) -> list[int]:
    """Current patients who fit, play in no scene yet and have long been here, in random order."""
    long_here = script.who.registered_from < script.as_of - SETTLED
    found = np.flatnonzero(wanted & script.who.current & ~script.used & long_here)
    return [int(p) for p in rng.permutation(found)]


def _many(name: str, at_risk: Bools, script: Script) -> int:
    """How many of those at risk are to be found here, by the practice's own share."""
    return practice_count(script, name, int(np.count_nonzero(at_risk & script.who.current)))


def _stopped(group: str, kind: str, *others: str) -> Scene:
    """The same hazard, until somebody stopped the medicine months ago."""

    def scene(script: Script, rng: np.random.Generator, patient: int) -> None:
        script.off(patient, *PROTECTION)
        began, over = ended(rng)
        script.on(patient, group, script.as_of - began)
        script.days(script.stop, group)[patient] = script.as_of - over
        script.plant(patient, kind, "clear", (group, *others), "stopped", f"until {over} days ago")

    return scene


def _hazard(group: str, kind: str, why: str, seen: str, *others: str, bare: bool = True) -> Scene:
    """A medicine that the person's history speaks against, with nothing that would protect."""

    def scene(script: Script, rng: np.random.Generator, patient: int) -> None:
        if bare:
            script.off(patient, *PROTECTION)
        back = running(rng)
        script.on(patient, group, back=back)
        script.plant(patient, kind, "open", (group, *others), why, seen, day=script.as_of - back)

    return scene


def _protected(group: str, kind: str) -> Scene:
    """The same with a proton pump inhibitor ordered as steadily."""

    def scene(script: Script, rng: np.random.Generator, patient: int) -> None:
        script.on(patient, group, back=between(rng, 100, 1800))
        script.on(patient, "ppi", back=between(rng, 1900, 2400))
        script.plant(patient, kind, "clear", (group, "ppi"), "protected", "")

    return scene


def _ulcer(script: Script, rng: np.random.Generator) -> None:
    """Indicators B and C: a history of peptic ulcer with an NSAID or an antiplatelet."""
    ulcer, on = script.has["peptic_ulcer"], script.groups
    thinned = on["doac"] | on["warfarin"]
    for name, rate, group in (
        ("ulcer_nsaid", "pincer_b", "nsaid"),
        ("ulcer_antiplatelet", "pincer_c", "clopidogrel"),
    ):
        young = script.who.age < 65 if group == "nsaid" else script.who.age < 120
        young = young & ~script.has["ckd"]
        many = _many(rate, ulcer, script)
        pool = free(script, rng, ulcer & young & ~thinned & ~on["aspirin"] & ~on["lithium"])
        scenes: list[tuple[int, Scene]] = [
            (many, _hazard(group, f"{name}.unprotected", "needs gastroprotection", "none")),
            (1, _protected(group, f"{name}.protected")),
            (stopped_of(many), _stopped(group, f"{name}.stopped")),
        ]
        cast(script, rng, pool, scenes)
    planted = {plant.patient for plant in script.plants if plant.kind.startswith("ulcer_")}
    for group in ("aspirin", "clopidogrel"):
        for patient in np.flatnonzero(ulcer & on[group]).tolist():
            if patient in planted:
                continue
            back = between(rng, 100, 1800)
            script.on(patient, group, back=back)
            script.on(patient, "ppi", back=back + 30)
            script.off(patient, "h2ra")


def _anticoagulant_nsaid(script: Script, rng: np.random.Generator) -> None:
    """Indicator D: an oral anticoagulant with an NSAID, protected or not."""
    on = script.groups
    thinned = on["doac"] | on["warfarin"]
    many = _many("pincer_d", thinned, script)
    long_here = script.who.registered_from < script.as_of - SETTLED
    quiet = thinned & ~script.used & long_here & script.who.current
    quiet &= ~script.has["peptic_ulcer"] & ~script.has["hf"] & ~on["loop"] & ~script.has["ckd"]
    pool = [int(p) for p in rng.permutation(np.flatnonzero(quiet))]

    def both(script: Script, rng: np.random.Generator, patient: int) -> None:
        drug = "doac" if script.groups["doac"][patient] else "warfarin"
        script.on(patient, drug, back=between(rng, 1500, 2200))
        back = running(rng)
        script.on(patient, "nsaid", back=back)
        script.on(patient, "ppi", back=between(rng, 2200, 2400))
        script.off(patient, "h2ra")
        script.plant(
            patient,
            "anticoagulant_nsaid.together",
            "open",
            (drug, "nsaid"),
            "an anticoagulant and an NSAID",
            "issued together, with a proton pump inhibitor",
            day=script.as_of - back,
        )

    def once(script: Script, rng: np.random.Generator, patient: int) -> None:
        drug = "doac" if script.groups["doac"][patient] else "warfarin"
        script.on(patient, drug, back=between(rng, 1500, 2200))
        script.on(patient, "ppi", back=between(rng, 2200, 2400))
        began, over = ended(rng)
        script.on(patient, "nsaid", script.as_of - began)
        script.days(script.stop, "nsaid")[patient] = script.as_of - over
        script.plant(
            patient, "anticoagulant_nsaid.stopped", "clear", (drug, "nsaid"), "NSAID stopped", ""
        )

    cast(script, rng, pool, [(many, both), (stopped_of(many), once)])


def _two_antiplatelets(script: Script, rng: np.random.Generator) -> None:
    """Indicator F: aspirin with another antiplatelet, without gastroprotection."""
    aspirin = script.groups["aspirin"]
    many = _many("pincer_f", aspirin, script)
    pool = free(script, rng, aspirin & ~script.has["peptic_ulcer"])

    def both(script: Script, rng: np.random.Generator, patient: int) -> None:
        script.on(patient, "aspirin", back=between(rng, 1500, 2200))
        _hazard(
            "clopidogrel",
            "aspirin_antiplatelet.unprotected",
            "needs gastroprotection",
            "none",
            "aspirin",
        )(script, rng, patient)

    def kept(script: Script, rng: np.random.Generator, patient: int) -> None:
        script.on(patient, "aspirin", back=between(rng, 800, 1800))
        _protected("clopidogrel", "aspirin_antiplatelet.protected")(script, rng, patient)

    def once(script: Script, rng: np.random.Generator, patient: int) -> None:
        script.on(patient, "aspirin", back=between(rng, 1800, 2200))
        _stopped("clopidogrel", "aspirin_antiplatelet.stopped", "aspirin")(script, rng, patient)

    cast(script, rng, pool, [(many, both), (1, kept), (stopped_of(many), once)])


def _asthma(script: Script, rng: np.random.Generator) -> None:
    """Indicator G: asthma with a beta-blocker that is not selective for the heart."""
    asthma, on = script.has["asthma"], script.groups
    adults = asthma & (script.who.age >= 18)
    many = _many("pincer_g", asthma, script)
    pool = free(script, rng, adults & ~on["betablocker"])
    scene = _hazard(
        "propranolol",
        "asthma_betablocker.together",
        "asthma",
        "a non-selective beta-blocker",
        bare=False,
    )

    def selective(script: Script, rng: np.random.Generator, patient: int) -> None:
        script.on(patient, "betablocker", back=between(rng, 200, 2000))
        script.plant(
            patient,
            "asthma_betablocker.selective",
            "clear",
            ("betablocker",),
            "selective for the heart",
            "a beta-blocker",
            2,
        )

    def once(script: Script, rng: np.random.Generator, patient: int) -> None:
        began, over = ended(rng)
        script.on(patient, "propranolol", script.as_of - began)
        script.days(script.stop, "propranolol")[patient] = script.as_of - over
        script.plant(
            patient, "asthma_betablocker.stopped", "clear", ("propranolol",), "stopped", ""
        )

    cast(script, rng, pool, [(many, scene), (1, selective), (stopped_of(many), once)])


def _heart_failure(script: Script, rng: np.random.Generator) -> None:
    """Indicator I: heart failure with an NSAID."""
    failing, on = script.has["hf"], script.groups
    many = _many("pincer_i", failing, script)
    thinned = on["doac"] | on["warfarin"]
    pool = free(script, rng, failing & ~thinned & ~on["lithium"] & ~script.has["ckd"])

    def covered(script: Script, rng: np.random.Generator, patient: int) -> None:
        back = running(rng)
        script.on(patient, "nsaid", back=back)
        script.on(patient, "ppi", back=between(rng, 1900, 2400))
        script.off(patient, "h2ra")
        script.off(patient, "acei_arb")
        script.plant(
            patient,
            "heart_failure_nsaid.together",
            "open",
            ("nsaid",),
            "heart failure",
            "an NSAID, with a proton pump inhibitor",
            day=script.as_of - back,
        )

    def gel(script: Script, rng: np.random.Generator, patient: int) -> None:
        script.on(patient, "nsaid_gel", back=between(rng, 100, 900))
        script.plant(
            patient, "heart_failure_nsaid.gel", "clear", ("nsaid_gel",), "topical", "an NSAID", 2
        )

    cast(script, rng, pool, [(many, covered), (1, gel)])


def _older_kidneys(script: Script, rng: np.random.Generator) -> None:
    """Indicator AC: 75 and over on an ACE inhibitor or a loop diuretic, renal function in 15 months."""
    who, on = script.who, script.groups
    taking = (on["acei_arb"] | on["loop"]) & who.current
    besides = _older_besides(script, taking)
    older = np.flatnonzero(taking & (who.age >= 73) & ~_scripted(script))
    share = practice_share(script, "pincer_ac")
    fit = (who.age[older] >= 76) & (who.registered_from[older] < script.as_of - UNTESTED.limit - 12)
    fit &= ~script.used[older]
    missed = older[fit]
    many = practice_count(script, "pincer_ac", int(np.count_nonzero(taking & (who.age >= 75))))
    missed = rng.permutation(missed)[: max(many - besides, 0)]
    taken = np.isin(older, missed)
    back = np.where(taken, 462 + rng.integers(0, 200, older.size), rng.integers(4, 330, older.size))
    for group in RENAL:
        script.days(script.last_test, group)[older] = script.as_of - back
        script.days(script.test_gap, group)[older] = 330
        none = np.zeros(who.size, dtype=np.int64)
        limit, by = script.test_late.setdefault(group, (none, none.copy()))
        limit[older], by[older] = UNTESTED.limit, UNTESTED.by
    gap, over = 0.95 * 330, float(UNTESTED.by)
    script.late_share[older] = share * gap / (over - share * (UNTESTED.limit + over - gap))
    for patient, days in zip(missed.tolist(), back[taken].tolist(), strict=True):
        group = "acei_arb" if on["acei_arb"][patient] else "loop"
        for name in ("acei_arb", "loop"):
            if on[name][patient]:
                script.on(patient, name, back=UNTESTED.limit + natural(rng))
        script.plant(
            patient,
            "acei_loop_renal.overdue",
            "open",
            (group,),
            "renal function within 15 months from 75",
            "none in 15 months",
            day=script.as_of - days + UNTESTED.limit,
        )


def _older_besides(script: Script, taking: Bools) -> int:
    """Label whom another scene left without renal function for as long; how many they are."""
    last = script.days(script.last_test, "renal")
    missed = _scripted(script) & taking & (script.who.age >= 75)
    missed &= last < script.as_of - UNTESTED.limit
    for patient in np.flatnonzero(missed):
        group = "acei_arb" if script.groups["acei_arb"][patient] else "loop"
        script.plant(
            int(patient),
            "acei_loop_renal.besides",
            "any",
            (group,),
            "renal function within 15 months from 75",
            "none in 15 months, as another scene has it",
            intentional=False,
        )
    return int(np.count_nonzero(missed))


def _scripted(script: Script) -> Bools:
    """Whose renal tests a scene has fixed already."""
    last: Ints = script.days(script.last_test, "renal")
    return np.asarray(last != np.iinfo(np.int32).min)


def _put_in_order(script: Script, rng: np.random.Generator) -> None:
    """What later draws could still put side by side."""
    on = script.groups
    loose = (on["doac"] | on["warfarin"]) & on["nsaid"] & ~script.used
    on["nsaid"] &= ~loose
    sertraline = first_option("ssri")
    for patient in np.flatnonzero(on["amiodarone"] & on["ssri"]):
        script.take(int(patient), "ssri", sertraline)
    valproate = first_option("antiepileptic", "Sodium valproate")
    other = first_option("antiepileptic")
    women = (script.who.sex == 1) & (script.who.age >= 11) & (script.who.age <= 56)
    for patient in np.flatnonzero(on["antiepileptic"] & women):
        script.take(int(patient), "antiepileptic", other)
    many = max(1, round(0.08 * np.count_nonzero(on["antiepileptic"] & women & script.who.current)))
    fertile = on["antiepileptic"] & women & (script.who.age >= 16) & (script.who.age <= 49)

    def planted(script: Script, rng: np.random.Generator, patient: int) -> None:
        script.take(patient, "antiepileptic", valproate)
        script.on(patient, "antiepileptic", back=between(rng, 200, 2500))
        script.plant(
            patient,
            "teratogen.valproate",
            "open",
            ("antiepileptic",),
            "a woman of childbearing age",
            "valproate",
        )

    cast(script, rng, free(script, rng, fertile), [(many, planted)])


def play(script: Script, seed: int) -> None:
    """Play every scene of this module, after those of the first rules."""
    rng = stream(seed, "pincer scenes", script.who.place.code)
    _ulcer(script, rng)
    _anticoagulant_nsaid(script, rng)
    _two_antiplatelets(script, rng)
    _asthma(script, rng)
    _heart_failure(script, rng)
    _put_in_order(script, rng)
    _older_kidneys(script, rng)

"""Scenes for rules to come: doses of anticoagulants, load of anticholinergics, repeats and codes.

Beside each fault stand neighbours that look like it and must stay silent. Facts: apixaban in atrial
fibrillation, 5 mg twice a day, and 2.5 mg where two of three hold (80 or over, 60 kg or less,
creatinine 133 micromol/L or more) or clearance is 15 to 29 mL/min (notes on clinical knowledge,
row 16a, read). That amitriptyline and solifenacin are anticholinergic is recalled; no scale's score
is claimed.
"""

from __future__ import annotations

import numpy as np

from counterfoil.synthetic.draws import Bools
from counterfoil.synthetic.lists import groups, options
from counterfoil.synthetic.plans import first_option
from counterfoil.synthetic.scenes import Scene, between
from counterfoil.synthetic.script import ExtraEntry, Lateness, Script

RENAL = ("ue", "renal")
LATE = Lateness(366, 260)
"""As with everybody on an anticoagulant: the history reaches back as far."""


def _apixaban(strength: str) -> int:
    indexes, _ = groups()["doac"]
    return next(
        int(i)
        for i in indexes
        if options()[i].drug == "Apixaban" and options()[i].strength == strength
    )


def _anticoagulated(
    kind: str,
    expected: str,
    strength: str,
    weight: tuple[int, int],
    creatinine: tuple[int, int],
    truth: str,
    difficulty: int,
) -> Scene:
    """Atrial fibrillation on apixaban with a weight and a creatinine that decide the dose."""

    def scene(script: Script, rng: np.random.Generator, patient: int) -> None:
        day = script.as_of - between(rng, 10, 60)
        kilograms, micromoles = float(between(rng, *weight)), float(between(rng, *creatinine))
        script.tested(patient, ("weight", *RENAL), script.as_of - day + 150, 250, LATE)
        script.extra_entries.append(ExtraEntry(patient, "weight", day, kilograms))
        script.extra_entries.append(ExtraEntry(patient, "creatinine", day, micromoles))
        script.take(patient, "doac", _apixaban(strength))
        script.on(patient, "doac", back=between(rng, 300, 1500))
        seen = (
            f"{strength} twice a day at {int(script.who.age[patient])} years, {kilograms:.0f} kg, "
            f"creatinine {micromoles:.0f}"
        )
        script.plant(patient, kind, expected, ("doac",), truth, seen, difficulty, day=day)

    return scene


too_low = _anticoagulated(
    "doac_dose.too_low", "open", "2.5mg", (78, 95), (62, 88), "5 mg: no criterion holds", 3
)
too_high = _anticoagulated(
    "doac_dose.too_high", "open", "5mg", (48, 57), (70, 95), "2.5 mg: two criteria hold", 3
)
reduced = _anticoagulated(
    "doac_dose.reduced", "clear", "2.5mg", (48, 57), (70, 95), "2.5 mg: two criteria hold", 3
)
one_criterion = _anticoagulated(
    "doac_dose.one_criterion", "clear", "5mg", (72, 88), (70, 95), "5 mg: age alone is one", 3
)


def anticholinergics(script: Script, rng: np.random.Generator, patient: int) -> None:
    """75 or over on two medicines with strong anticholinergic effects."""
    script.on(patient, "amitriptyline", back=between(rng, 200, 2000))
    script.on(patient, "solifenacin", back=between(rng, 100, 1500))
    script.plant(
        patient,
        "anticholinergic.two",
        "open",
        ("amitriptyline", "solifenacin"),
        "two anticholinergic medicines at 75 or over (recalled; no scale's score)",
        "both issued",
        2,
    )


def anticholinergic_one(script: Script, rng: np.random.Generator, patient: int) -> None:
    """75 or over on one of them, and on mirabegron, which is for the same and is none."""
    script.off(patient, "solifenacin")
    script.on(patient, "mirabegron", back=between(rng, 100, 1500))
    script.plant(
        patient,
        "anticholinergic.one",
        "clear",
        ("amitriptyline", "mirabegron"),
        "one anticholinergic medicine",
        "two medicines, one of them for the bladder",
        2,
    )


# Repeats


def unsynchronised(script: Script, rng: np.random.Generator, patient: int) -> None:
    """One item ordered a fortnight after the others, month after month."""
    script.ordering[patient, "ccb"] = "apart"
    script.on(patient, "ccb", back=between(rng, 900, 2500))
    script.plant(
        patient,
        "repeat.unsynchronised",
        "open",
        ("ccb",),
        "all items on one day",
        "a fortnight after the others",
        2,
    )


def as_needed_unused(script: Script, rng: np.random.Generator, patient: int) -> None:
    """A reliever taken when needed that was not needed for over a year."""
    script.ordering[patient, "paracetamol"] = "never"
    script.on(patient, "paracetamol", back=between(rng, 900, 2500))
    script.plant(
        patient,
        "repeat.as_needed_unused",
        "clear",
        ("paracetamol",),
        "taken when needed",
        "not ordered for over a year",
        2,
    )


# Silent neighbours of scenes in ``scenes_records``


def three_without_nsaid(script: Script, rng: np.random.Generator, patient: int) -> None:
    """An ACE inhibitor, a diuretic, and an NSAID that is a gel."""
    script.on(patient, "acei_arb", back=between(rng, 1200, 3000))
    script.on(patient, "thiazide", back=between(rng, 1200, 3000))
    script.off(patient, "nsaid")
    script.on(patient, "nsaid_gel", back=between(rng, 100, 900))
    script.plant(
        patient,
        "triple_whammy.gel",
        "clear",
        ("acei_arb", "thiazide", "nsaid_gel"),
        "the NSAID is a gel",
        "three medicines",
        2,
    )


def valproate_older(script: Script, rng: np.random.Generator, patient: int) -> None:
    """Valproate in a woman well past childbearing age."""
    script.take(patient, "antiepileptic", first_option("antiepileptic", "Sodium valproate"))
    script.on(patient, "antiepileptic", back=between(rng, 200, 2500))
    script.plant(
        patient, "teratogen.older", "clear", ("antiepileptic",), "60 or over", "valproate", 1
    )


def opioid_low(script: Script, rng: np.random.Generator, patient: int) -> None:
    """Morphine, far below the dose of the high-dose scene."""
    script.take(patient, "opioid", first_option("opioid", "Zomorph"))
    script.off(patient, "cocodamol", "morphine_liquid", "opioid_high")
    script.on(patient, "opioid", back=between(rng, 200, 1500))
    script.plant(patient, "opioid.low_dose", "clear", ("opioid",), "20 mg of morphine a day", "", 1)


def _two_egfr(kind: str, group: str, low: int, high: int, truth: str) -> Scene:
    def scene(script: Script, rng: np.random.Generator, patient: int) -> None:
        latest = script.as_of - between(rng, 10, 60)
        for day in (latest - between(rng, 95, 160), latest):
            value = float(between(rng, low, high))
            script.extra_entries.append(ExtraEntry(patient, "egfr", day, value))
        script.tested(patient, RENAL, script.as_of - latest + 300, 300)
        script.on(patient, group, back=between(rng, 900, 3000))
        script.plant(patient, kind, "clear", (group,), truth, "", 2)

    return scene


metformin_above = _two_egfr("kidney_dose.above", "metformin", 33, 44, "eGFR 30 or more, twice")


def kidney_once(script: Script, rng: np.random.Generator, patient: int) -> None:
    """One eGFR below 60 between two above."""
    latest = script.as_of - between(rng, 20, 200)
    for back, low, high in ((0, 66, 80), (60, 52, 58), (200, 68, 82)):
        value = float(between(rng, low, high))
        script.extra_entries.append(ExtraEntry(patient, "egfr", latest - back, value))
    script.tested(patient, RENAL, script.as_of - latest + 320, 330)
    script.plant(patient, "kidney.once", "clear", (), "no kidney disease", "one low eGFR", 2)


def alt_settled(script: Script, rng: np.random.Generator, patient: int) -> None:
    """A raised ALT that was taken again and had settled."""
    for back, low, high in ((140, 22, 38), (80, 128, 160), (between(rng, 12, 40), 24, 38)):
        value = float(between(rng, low, high))
        script.extra_entries.append(ExtraEntry(patient, "alt", script.as_of - back, value))
    script.plant(patient, "abnormal_result.settled", "clear", ("statin",), "settled", "", 2)


def diabetes_without_evidence(script: Script, rng: np.random.Generator, patient: int) -> None:
    """Diabetes coded, never treated, and every HbA1c far below the limit."""
    onset = script.as_of - between(rng, 700, 1500)
    script.extra_entries.append(ExtraEntry(patient, "diabetes2", onset, None))
    script.days(script.last_test, "hba1c")[patient] = script.as_of - 800
    script.days(script.test_gap, "hba1c")[patient] = 0
    for back in (between(rng, 20, 200), between(rng, 300, 500)):
        value = float(between(rng, 34, 39))
        script.extra_entries.append(ExtraEntry(patient, "hba1c", script.as_of - back, value))
    script.plant(
        patient,
        "diabetes.no_evidence",
        "open",
        (),
        "no diabetes",
        "coded, no treatment, HbA1c below 40",
        2,
        day=onset,
    )


def pools(script: Script, tame: Bools) -> list[tuple[Scene, Bools]]:
    """Each scene of this module with who could play it now; ``tame`` as in ``scenes_records``."""
    on, has, who = script.groups, script.has, script.who
    af = on["doac"] & has["af"] & ~has["vte"] & ~on["amiodarone"] & ~has["ckd"]
    younger, older = (who.age >= 50) & (who.age <= 74), (who.age >= 81) & (who.age <= 89)
    frail = on["amitriptyline"] & (who.age >= 75) & ~on["doac"]
    calm = on["ccb"] & (who.age < 73)
    plain = ~has["diabetes1"] & ~has["diabetes2"] & ~has["ndh"]
    return [
        (too_low, af & younger),
        (too_high, af & older),
        (reduced, af & older),
        (one_criterion, af & older),
        (anticholinergics, frail),
        (anticholinergic_one, frail),
        (unsynchronised, calm & (np.sum(list(on.values()), axis=0) >= 3)),
        (as_needed_unused, on["paracetamol"] & (who.age < 73)),
        (three_without_nsaid, on["acei_arb"] & tame & ~has["ckd"] & (who.age < 64)),
        (valproate_older, on["antiepileptic"] & (who.sex == 1) & (who.age >= 60)),
        (opioid_low, has["pain"] & (who.age >= 25) & (who.age < 73)),
        (
            metformin_above,
            has["diabetes2"]
            & on["metformin"]
            & (who.age < 73)
            & ~on["acei_arb"]
            & ~on["nsaid"]
            & has["ckd"],
        ),
        (kidney_once, ~has["ckd"] & ~on["nsaid"] & (who.age >= 60) & (who.age < 73)),
        (alt_settled, on["statin"] & tame & (who.age < 73)),
        (diabetes_without_evidence, plain & (who.age >= 40) & (who.age < 75)),
    ]

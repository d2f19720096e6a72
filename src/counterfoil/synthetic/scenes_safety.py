"""Scenes about prescribing and coding: what must be found, and what looks like it and must not."""

from __future__ import annotations

import numpy as np

from counterfoil.foundation import days as calendar
from counterfoil.synthetic.draws import Bools, stream
from counterfoil.synthetic.regimens import ANTICOAGULANTS, ANTIPLATELETS, PROTECTION, sparse
from counterfoil.synthetic.scenes import (
    SETTLED,
    Scene,
    between,
    cast,
    ended,
    practice_share,
    running,
    stopped_of,
)
from counterfoil.synthetic.script import ExtraEntry, Script

UNCODED_THYROID = 0.05
RAISED_HBA1C = 0.0022


def _people(script: Script, rng: np.random.Generator, wanted: Bools) -> list[int]:
    """Current patients who fit and take part in no scene yet, in random order.

    People new to the practice are left out: their history here is short.
    """
    long_here = script.who.registered_from < script.as_of - SETTLED
    found = np.flatnonzero(wanted & script.who.current & ~script.used & long_here)
    return [int(p) for p in rng.permutation(found)]


def _bare(script: Script, patient: int) -> None:
    script.off(patient, *PROTECTION)


# An oral NSAID at 65 or over without gastroprotection


def nsaid_unprotected(script: Script, rng: np.random.Generator, patient: int) -> None:
    """65 or over on a regular oral NSAID, nothing to protect the stomach."""
    _bare(script, patient)
    script.off(patient, *ANTICOAGULANTS)
    script.on(patient, "nsaid", back=running(rng))
    script.plant(
        patient, "nsaid.unprotected", "open", ("nsaid",), "needs gastroprotection from 65", "none"
    )


def nsaid_nearly_65(script: Script, rng: np.random.Generator, patient: int) -> None:
    """64, and 65 within weeks: silent today, open after the birthday."""
    _bare(script, patient)
    script.born(patient, calendar.minus_months(script.as_of + between(rng, 8, 40), 65 * 12))
    script.on(patient, "nsaid", back=between(rng, 100, 900))
    script.plant(
        patient, "nsaid.nearly_65", "not_open", ("nsaid",), "64 years old", "turns 65 soon", 2
    )


def nsaid_stopped(script: Script, rng: np.random.Generator, patient: int) -> None:
    """65 or over, unprotected until the NSAID was stopped months ago."""
    _bare(script, patient)
    began, over = ended(rng)
    script.on(patient, "nsaid", script.as_of - began)
    script.days(script.stop, "nsaid")[patient] = script.as_of - over
    script.plant(patient, "nsaid.stopped", "clear", ("nsaid",), "stopped", "last issue long ago")


def nsaid_gel(script: Script, rng: np.random.Generator, patient: int) -> None:
    """65 or over on a gel: the same ingredient, not by mouth."""
    _bare(script, patient)
    script.off(patient, "nsaid")
    script.on(patient, "nsaid_gel", back=between(rng, 100, 900))
    script.plant(
        patient, "nsaid.gel", "clear", ("nsaid_gel",), "topical", "ingredient is an NSAID", 2
    )


def nsaid_famotidine(script: Script, rng: np.random.Generator, patient: int) -> None:
    """65 or over, protected by an H2 antagonist instead of a proton pump inhibitor."""
    _bare(script, patient)
    script.on(patient, "nsaid", back=between(rng, 100, 900))
    script.on(patient, "h2ra", back=between(rng, 900, 1200))
    script.plant(
        patient,
        "nsaid.famotidine",
        "clear",
        ("nsaid", "h2ra"),
        "protected",
        "not by a PPI",
        3,
        "clear where the set of protective drugs holds H2 antagonists",
    )


def nsaid_protected(script: Script, rng: np.random.Generator, patient: int) -> None:
    """65 or over with a proton pump inhibitor."""
    script.on(patient, "nsaid", back=between(rng, 100, 900))
    script.on(patient, "ppi", back=between(rng, 900, 1200))
    script.plant(patient, "nsaid.protected", "clear", ("nsaid", "ppi"), "protected", "")


def _nsaid(script: Script, rng: np.random.Generator) -> None:
    who = script.who
    older = who.age >= 66
    bleeding = _any(script, (*ANTICOAGULANTS, *ANTIPLATELETS))
    many = round(practice_share(script, "pincer_a") * np.count_nonzero(older & who.current))
    natural = _people(script, rng, older & script.groups["nsaid"])
    fit = older & ~bleeding & ~script.groups["nsaid"] & ~_prone(script)
    # From those in pain who have none yet: or whoever is left with one would have come of late.
    sore = script.has["osteoarthritis"] | script.has["pain"]
    others = _people(script, rng, fit & sore)
    rest = (others + natural)[: many + stopped_of(many) + 8]
    scenes: list[tuple[int, Scene]] = [
        (many, nsaid_unprotected),
        (2, nsaid_protected),
        (max(1, stopped_of(many)), nsaid_stopped),
        (1, nsaid_gel),
        (1, nsaid_famotidine),
    ]
    cast(script, rng, rest, scenes)
    pool = _people(script, rng, (who.age >= 62) & (who.age <= 66) & ~bleeding & ~_prone(script))
    cast(script, rng, pool, [(1, nsaid_nearly_65)])
    # Whoever else has an NSAID at 63 or over is protected, and orders both steadily.
    left = np.flatnonzero(script.groups["nsaid"] & (who.age >= 63) & ~script.used)
    for patient in left:
        began = int(script.as_of - running(rng))
        script.on(int(patient), "nsaid", began)
        if not script.groups["h2ra"][patient]:
            script.on(int(patient), "ppi", began - 30)


def _prone(script: Script) -> Bools:
    """Who must not be given an NSAID by a scene about something else."""
    on, has = script.groups, script.has
    strained = on["acei_arb"] & (on["thiazide"] | on["loop"] | on["mra"])
    frail = has["hf"] | has["peptic_ulcer"] | has["ckd"]
    return np.asarray(frail | strained | on["lithium"] | on["loop"])


def _any(script: Script, groups: tuple[str, ...]) -> Bools:
    out = np.zeros(script.who.size, dtype=np.bool_)
    for group in groups:
        out |= script.groups[group]
    return out


# An anticoagulant and an antiplatelet within 28 days, without gastroprotection


def both_unprotected(script: Script, rng: np.random.Generator, patient: int) -> None:
    """Anticoagulant and antiplatelet ordered together, nothing to protect the stomach."""
    _bare(script, patient)
    drug = "doac" if script.groups["doac"][patient] else "warfarin"
    other = ANTIPLATELETS[between(rng, 0, 1)]
    script.on(patient, drug, back=between(rng, 1500, 2200))
    script.on(patient, other, back=running(rng))
    script.plant(
        patient,
        "anticoagulant_antiplatelet.unprotected",
        "open",
        (drug, other),
        "needs gastroprotection or a stop",
        "issued together",
    )


def both_protected(script: Script, rng: np.random.Generator, patient: int) -> None:
    """The same pair with a proton pump inhibitor."""
    drug = "doac" if script.groups["doac"][patient] else "warfarin"
    script.on(patient, drug, back=between(rng, 400, 900))
    script.on(patient, "clopidogrel", back=between(rng, 200, 800))
    script.on(patient, "ppi", back=between(rng, 900, 1200))
    script.plant(
        patient,
        "anticoagulant_antiplatelet.protected",
        "clear",
        (drug, "clopidogrel", "ppi"),
        "protected",
        "",
    )


def changed_over(script: Script, rng: np.random.Generator, patient: int) -> None:
    """The antiplatelet ended weeks before the anticoagulant began."""
    _bare(script, patient)
    began = between(rng, 12, 24)
    drug = "doac"
    script.off(patient, "warfarin")
    script.on(patient, drug, script.as_of - began)
    script.tested(patient, ("weight", "ue", "renal"), began + 2, 300)
    script.on(patient, "aspirin", back=800)
    script.days(script.stop, "aspirin")[patient] = script.as_of - began - between(rng, 50, 60)
    script.plant(
        patient,
        "anticoagulant_antiplatelet.changed_over",
        "clear",
        (drug, "aspirin"),
        "one ended before the other began",
        "more than 28 days apart",
        2,
    )


def both_until_then(script: Script, rng: np.random.Generator, patient: int) -> None:
    """The same pair, until somebody stopped the antiplatelet months ago."""
    _bare(script, patient)
    drug = "doac" if script.groups["doac"][patient] else "warfarin"
    script.on(patient, drug, back=between(rng, 1500, 2200))
    began, over = ended(rng)
    script.on(patient, "aspirin", script.as_of - began)
    script.days(script.stop, "aspirin")[patient] = script.as_of - over
    script.plant(
        patient,
        "anticoagulant_antiplatelet.stopped",
        "clear",
        (drug, "aspirin"),
        "the antiplatelet was stopped",
        "together until then",
    )


def _both(script: Script, rng: np.random.Generator) -> None:
    anticoagulated = _any(script, ANTICOAGULANTS)
    current = script.who.current
    least = 2 if sparse(script.who) else 0
    share = practice_share(script, "pincer_e")
    # Whoever changed over has had both within three months, and counts among the published.
    many = max(least, round(share * np.count_nonzero(anticoagulated & current)) - 1)
    long_here = script.who.registered_from < script.as_of - SETTLED
    apart = ~script.has["peptic_ulcer"] & ~script.used
    mixed = np.flatnonzero(anticoagulated & current & apart & long_here)
    pool = [int(p) for p in rng.permutation(mixed)]
    scenes: list[tuple[int, Scene]] = [
        (many, both_unprotected),
        (2, both_protected),
        (1, changed_over),
        (stopped_of(many), both_until_then),
    ]
    cast(script, rng, pool, scenes)


# Two HbA1c of 48 or more without a diabetes code


def _raised(script: Script, patient: int, days: list[int], values: list[float]) -> None:
    for day, value in zip(days, values, strict=True):
        script.extra_entries.append(ExtraEntry(patient, "hba1c", day, value))


def _no_hba1c(script: Script, patient: int) -> None:
    script.days(script.last_test, "hba1c")[patient] = script.as_of - 800
    script.days(script.test_gap, "hba1c")[patient] = 0


def hba1c_uncoded(script: Script, rng: np.random.Generator, patient: int) -> None:
    """Two results in the diabetic range, months apart, and no code."""
    _no_hba1c(script, patient)
    latest = script.as_of - int(between(rng, 150, 850) * rng.random()) - 8
    first = latest - between(rng, 60, 240)
    values = [float(between(rng, 48, 54)), float(between(rng, 49, 58))]
    _raised(script, patient, [first, latest], values)
    script.plant(
        patient,
        "hba1c.uncoded",
        "open",
        (),
        "diabetes",
        f"HbA1c {values[0]:.0f} then {values[1]:.0f} mmol/mol, no code",
        day=latest,
    )


def hba1c_treated(script: Script, rng: np.random.Generator, patient: int) -> None:
    """Treated for diabetes, the code was never entered."""
    script.flags(script.uncoded, "diabetes2")[patient] = True
    _no_hba1c(script, patient)
    latest = script.as_of - between(rng, 20, 150)
    values = [float(between(rng, 55, 66)), float(between(rng, 52, 64))]
    _raised(script, patient, [latest - between(rng, 150, 200), latest], values)
    script.plant(
        patient,
        "hba1c.treated_uncoded",
        "open",
        (),
        "diabetes",
        "on treatment, no code",
        day=latest,
    )


def hba1c_coded_late(script: Script, rng: np.random.Generator, patient: int) -> None:
    """Raised twice, and coded some months after the second."""
    coded = script.as_of - between(rng, 10, 730)
    script.onset["diabetes2"][patient] = coded
    second = coded - between(rng, 150, 850)
    _raised(script, patient, [second - between(rng, 60, 120), second], [51.0, 53.0])
    script.plant(patient, "hba1c.coded_late", "clear", (), "diabetes", "coded months later")


def hba1c_once(script: Script, rng: np.random.Generator, patient: int) -> None:
    """One raised result and then a normal one."""
    _no_hba1c(script, patient)
    latest = script.as_of - between(rng, 20, 150)
    _raised(script, patient, [latest - 120, latest], [float(between(rng, 48, 51)), 44.0])
    script.plant(patient, "hba1c.once", "clear", (), "no diabetes", "one result of 48 or more", 2)


def hba1c_at_47(script: Script, rng: np.random.Generator, patient: int) -> None:
    """Two results one below the limit."""
    _no_hba1c(script, patient)
    latest = script.as_of - between(rng, 20, 150)
    _raised(script, patient, [latest - 130, latest], [47.0, 47.0])
    script.plant(patient, "hba1c.at_47", "clear", (), "no diabetes", "47 twice", 2)


def hba1c_no_unit(script: Script, rng: np.random.Generator, patient: int) -> None:
    """Two figures over the limit without a unit: they cannot be compared."""
    _no_hba1c(script, patient)
    latest = script.as_of - between(rng, 20, 150)
    for day, value in ((latest - 120, 50.0), (latest, 53.0)):
        script.extra_entries.append(ExtraEntry(patient, "hba1c", day, value, ""))
    script.plant(
        patient, "hba1c.no_unit", "not_open", (), "cannot be told", "50 then 53, no unit", 3
    )


def _hba1c(script: Script, rng: np.random.Generator) -> None:
    has, who = script.has, script.who
    plain = ~has["diabetes1"] & ~has["diabetes2"]
    adults = plain & (who.age >= 35) & (who.age <= 85)
    many = max(2, round(RAISED_HBA1C * np.count_nonzero(adults & who.current)))
    scenes: list[tuple[int, Scene]] = [
        (many, hba1c_uncoded),
        (1, hba1c_once),
        (1, hba1c_at_47),
        (1, hba1c_no_unit),
    ]
    cast(script, rng, _people(script, rng, adults), scenes)
    treated = has["diabetes2"] & script.groups["metformin"]
    cast(script, rng, _people(script, rng, treated), [(2, hba1c_treated)])
    coded = _people(script, rng, has["diabetes2"] & (who.age >= 35))
    cast(script, rng, coded, [(round(1.46 * many), hba1c_coded_late)])


# Levothyroxine without a thyroid code


def thyroid_uncoded(script: Script, rng: np.random.Generator, patient: int) -> None:
    """On levothyroxine for months or years, no thyroid diagnosis coded."""
    script.flags(script.uncoded, "hypothyroid")[patient] = True
    script.on(patient, "levothyroxine", back=between(rng, 60, 1300))
    script.plant(
        patient, "levothyroxine.uncoded", "open", ("levothyroxine",), "hypothyroidism", "no code"
    )


def thyroid_coded_late(script: Script, rng: np.random.Generator, patient: int) -> None:
    """Treated for years, the code entered within the last two."""
    script.onset["hypothyroid"][patient] = script.as_of - between(rng, 20, 640)
    script.on(patient, "levothyroxine", back=between(rng, 900, 4000))
    script.plant(
        patient,
        "levothyroxine.coded_late",
        "clear",
        ("levothyroxine",),
        "hypothyroidism",
        "coded after years of treatment",
    )


def thyroid_other_code(script: Script, rng: np.random.Generator, patient: int) -> None:
    """Coded with a narrower thyroid code."""
    script.other_code["hypothyroid", patient] = "acquired_hypothyroid"
    script.on(patient, "levothyroxine", back=between(rng, 400, 4000))
    script.plant(
        patient,
        "levothyroxine.other_code",
        "clear",
        ("levothyroxine",),
        "hypothyroidism",
        "acquired hypothyroidism",
        2,
    )


def _thyroid(script: Script, rng: np.random.Generator) -> None:
    pool = _people(script, rng, script.groups["levothyroxine"] & script.has["hypothyroid"])
    many = max(1, round(UNCODED_THYROID * len(pool)))
    scenes: list[tuple[int, Scene]] = [
        (many, thyroid_uncoded),
        (1, thyroid_other_code),
        (max(1, round(0.55 * many)), thyroid_coded_late),
    ]
    cast(script, rng, pool, scenes)


# More than one finding in one person


def _more_than_one(script: Script, rng: np.random.Generator) -> None:
    """A few people found by one scene get a second, so that one case holds several findings."""
    overdue = [
        p.patient
        for p in script.plants
        if p.kind in ("methotrexate.overdue", "lithium.overdue_65", "doac.no_weight")
    ]
    for patient in overdue[:4]:
        if script.has["hypothyroid"][patient]:
            continue
        script.groups["levothyroxine"][patient] = True
        script.has["hypothyroid"][patient] = True
        thyroid_uncoded(script, rng, patient)
    prone = _prone(script) | script.groups["doac"]
    older = [p for p in overdue if script.who.age[p] >= 67 and not prone[p]]
    for patient in older[:2]:
        if not script.groups["lithium"][patient]:
            nsaid_unprotected(script, rng, patient)


def play(script: Script, seed: int) -> None:
    """Play every prescribing and coding scene. Monitoring scenes come first."""
    rng = stream(seed, "safety scenes", script.who.place.code)
    _more_than_one(script, rng)
    _nsaid(script, rng)
    _both(script, rng)
    _hba1c(script, rng)
    _thyroid(script, rng)

"""From conditions to medicines: who is on which group, as the ladders say."""

from __future__ import annotations

import numpy as np

from counterfoil.synthetic.draws import Bools, Ints, stream, systematic, weighted
from counterfoil.synthetic.lists import floor, groups, rows, target
from counterfoil.synthetic.people import HISTORY, People
from counterfoil.synthetic.script import Script

ANTICOAGULANTS = ("doac", "warfarin")
ANTIPLATELETS = ("aspirin", "clopidogrel")
PROTECTION = ("ppi", "h2ra")
MONITORED = ("methotrexate", "lithium", "amiodarone")


def start_script(who: People, has: dict[str, Bools], onset: dict[str, Ints], seed: int) -> Script:
    """Everybody's groups of medicines before any scene is played.

    What the first rules look for does not arise here by accident: nobody is on an anticoagulant
    and an antiplatelet, and nobody of 64 or over has an oral NSAID without gastroprotection. Such
    people exist only where a scene puts them.
    """
    rng = stream(seed, "regimens", who.place.code)
    names = [name for name in groups() if name != "acute"]
    on = {name: np.zeros(who.size, dtype=np.bool_) for name in names}
    reason = {name: np.full(who.size, -1, dtype=np.int64) for name in names}
    order = {row["condition"]: index for index, row in enumerate(rows("conditions"))}
    for row in rows("ladders"):
        name = row["group"]
        chance = np.where(has[row["condition"]] & ~on[name], float(row["share"]), 0.0)
        chosen = systematic(rng, chance)
        reason[name][chosen] = order[row["condition"]]
        on[name] |= chosen
    _fill_up(rng, who, on)
    _keep_apart(who, has, on)
    for name in MONITORED:
        _enrol(rng, who, has, on, reason, name, order)
    _protect(rng, who, on)
    return Script(who, has, on, reason, onset)


SMALL = 4000
"""Below this a practice holds floors of what its patients are too few for: see ``floors.csv``."""

FILL_UP, FILL_POWER, FILL_ALONE, FILL_FRAILTY = 1.25, 1.4, 0.05, 0.7
"""Items a head, and how they gather on those who have many: fitted to the published curve."""

FILLING = {
    "ppi": 9.0,
    "statin": 5.0,
    "paracetamol": 5.0,
    "laxative": 4.0,
    "emollient": 4.0,
    "colecalciferol": 4.0,
    "antihistamine": 3.0,
    "amitriptyline": 3.0,
    "cocodamol": 2.5,
    "nasal_steroid": 2.0,
    "tears": 2.0,
    "iron": 1.5,
    "ssri": 3.0,
    "saba": 2.0,
    "nsaid_gel": 1.5,
    "topical_steroid": 2.0,
    "mirtazapine": 1.0,
    "thiamine": 1.0,
    "ccb": 2.0,
    "alginate": 1.0,
    "solifenacin": 1.0,
    "gabapentinoid": 1.5,
    "alphablocker": 1.5,
    "ezetimibe": 1.0,
    "allopurinol": 1.5,
    "mirabegron": 1.0,
    "montelukast": 1.0,
    "carbocisteine": 1.0,
    "cyanocobalamin": 1.0,
    "calcium_d": 2.0,
    "nitrate_spray": 1.0,
    "triptan": 0.7,
}


def sparse(who: People) -> bool:
    """Whether the practice holds floors of what its patients are too few for."""
    return who.place.floors and int(np.count_nonzero(who.current)) < SMALL


def _fill_up(rng: np.random.Generator, who: People, on: dict[str, Bools]) -> None:
    """Medicines whose reason the record does not hold: more with age and frailty.

    Conditions alone give too short a tail; this brings the number of repeat items near the curve
    of the published surveys.
    """
    names = list(FILLING)
    weights = np.array([FILLING[name] for name in names])
    items = np.sum([on[name] for name in on], axis=0)
    rate = np.exp(FILL_FRAILTY * who.frailty) * (items + FILL_ALONE) ** FILL_POWER
    rate *= np.clip(who.age / 58, 0.02, 1.7)
    rate *= FILL_UP / max(float(np.mean(rate[who.current])), 1e-9)
    count = np.minimum(rng.poisson(rate), 16)
    patient = np.repeat(np.arange(who.size), count)
    pick = weighted(rng, weights, patient.size)
    for number, name in enumerate(names):
        on[name][patient[pick == number]] = True


def _keep_apart(who: People, has: dict[str, Bools], on: dict[str, Bools]) -> None:
    on["warfarin"] &= ~on["doac"]
    anticoagulated = on["doac"] | on["warfarin"]
    for name in ANTIPLATELETS:
        on[name] &= ~anticoagulated
    on["clopidogrel"] &= ~on["aspirin"]
    on["nsaid"] &= ~anticoagulated & ~on["aspirin"] & ~on["clopidogrel"] & ~on["loop"]
    on["nsaid"] &= ~has["hf"] & ~has["peptic_ulcer"] & ~has["ckd"]
    on["nsaid"] &= ~(on["acei_arb"] & (on["thiazide"] | on["mra"]))
    on["opioid_high"][:] = False
    on["propranolol"] &= ~has["asthma"]
    on["triple"] &= ~on["lama"]
    on["icslaba"] &= ~on["triple"]
    on["ics"] &= ~on["icslaba"] & ~on["triple"]
    on["thiazide"] &= ~on["loop"]
    on["propranolol"] &= ~on["betablocker"]
    on["colecalciferol"] &= ~on["calcium_d"]
    on["cyanocobalamin"] &= ~on["hydroxocobalamin"]
    on["duloxetine"] &= ~on["snri"] & ~on["ssri"]
    on["snri"] &= ~on["ssri"]
    on["opioid"] &= ~on["cocodamol"]
    on["paracetamol"] &= ~on["cocodamol"]


def _protect(rng: np.random.Generator, who: People, on: dict[str, Bools]) -> None:
    """Gastroprotection for older people on an NSAID or an antiplatelet, and folic acid."""
    on["ppi"] |= on["nsaid"] & (who.age >= 63) & ~on["h2ra"]
    on["h2ra"] |= systematic(rng, np.where(on["ppi"], 0.02, 0.004))
    on["h2ra"] &= ~on["ppi"]
    older = (on["aspirin"] | on["clopidogrel"] | on["doac"]) & (who.age >= 65)
    on["ppi"] |= systematic(rng, np.where(older & ~on["ppi"] & ~on["h2ra"], 0.45, 0.0))
    on["folic"] |= on["methotrexate"]


SOURCES = {
    "methotrexate": (("rheumatoid", 8.0), ("psoriasis", 1.2), ("crohn", 0.8)),
    "lithium": (("bipolar", 1.0),),
    "amiodarone": (("af", 1.0),),
}


def _enrol(
    rng: np.random.Generator,
    who: People,
    has: dict[str, Bools],
    on: dict[str, Bools],
    reason: dict[str, Ints],
    name: str,
    order: dict[str, int],
) -> None:
    """Put the target's number of people (or the floor's) on a monitored drug.

    Small practices hold more of them than the country does; the floor says so and why.
    """
    listed = int(np.count_nonzero(who.current))
    wanted = round(listed * target(f"{name}_rate") / 100)
    if sparse(who):
        wanted = max(wanted, min(floor(name), listed // 120))
    fit = who.current & (who.age >= 22) & (who.age <= 93)
    fit &= who.registered_from < who.as_of - HISTORY
    for other in MONITORED:
        fit &= ~on[other]
    weight = np.where(fit, 0.0005, 0.0)
    for condition, much in SOURCES[name]:
        weight = np.where(fit & has[condition], weight + much, weight)
    if name == "amiodarone":
        weight *= who.age >= 50
    wanted = min(wanted, int(np.count_nonzero(weight)))
    if not wanted:
        return
    chosen = rng.choice(who.size, size=wanted, replace=False, p=weight / weight.sum())
    on[name][chosen] = True
    for person in chosen:
        fits = [c for c, _ in SOURCES[name] if has[c][person]]
        condition = fits[0] if fits else SOURCES[name][0][0]
        has[condition][person] = True
        reason[name][person] = order[condition]
        if name == "methotrexate":
            on["nsaid"][person] = False
        if name == "lithium":
            for group in ("nsaid", "acei_arb", "thiazide", "loop"):
                on[group][person] = False

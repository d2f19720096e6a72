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
    _fill_up(rng, who, has, on, reason, order)
    _keep_apart(who, has, on)
    for name in MONITORED:
        _enrol(rng, who, has, on, reason, name, order)
    _protect(rng, who, on)
    return Script(who, has, on, reason, onset)


SMALL = 4000
"""Below this a practice holds floors of what its patients are too few for: see ``floors.csv``."""

FILL_UP, FILL_POWER, FILL_ALONE, FILL_FRAILTY = 0.84, 1.1, 0.002, 0.15
FILL_AGE, FILL_MOST = 3.6, 4
"""Items a head, and how they gather on those who have many: fitted to the published curve."""

CHILD, CHILDHOOD = 0.172, {"emollient": 1.0, "topical_steroid": 1.0, "colecalciferol": 0.4}
"""How many children under ten, and half as many up to 17, have something on repeat besides; and what."""

FILLING = {
    "ppi": (6.5, "reflux"),
    "statin": (8.0, "hyperlipidaemia"),
    "paracetamol": (3.5, "osteoarthritis"),
    "laxative": (4.0, "constipation"),
    "emollient": (1.0, "eczema"),
    "colecalciferol": (4.0, "vitamind"),
    "antihistamine": (2.0, "rhinitis"),
    "amitriptyline": (2.2, "neuropathic"),
    "cocodamol": (2.0, "pain"),
    "nasal_steroid": (1.2, "rhinitis"),
    "tears": (1.0, "dryeye"),
    "iron": (1.5, "anaemia"),
    "ssri": (3.0, "anxiety"),
    "saba": (2.0, "asthma"),
    "nsaid_gel": (0.8, "osteoarthritis"),
    "topical_steroid": (0.6, "eczema"),
    "mirtazapine": (1.0, "anxiety"),
    "thiamine": (1.0, "alcohol"),
    "ccb": (3.0, "hypertension"),
    "alginate": (1.0, "reflux"),
    "solifenacin": (1.0, "bladder"),
    "gabapentinoid": (1.2, "neuropathic"),
    "alphablocker": (1.5, "hypertension"),
    "ezetimibe": (1.0, "hyperlipidaemia"),
    "allopurinol": (1.0, "gout"),
    "mirabegron": (1.0, "bladder"),
    "montelukast": (1.0, "asthma"),
    "carbocisteine": (1.0, "copd"),
    "cyanocobalamin": (1.0, "bdeficiency"),
    "calcium_d": (2.0, "osteoporosis"),
    "nitrate_spray": (1.0, "chd"),
    "triptan": (0.7, "migraine"),
}
"""How often each group fills up a list, and the condition that it is then for."""


OTHER_CAUSES = (("folic", "anaemia"), ("nsaid", "rheumatoid"), ("opioid_high", "pain"))
"""Reasons for what scenes give."""


def sparse(who: People) -> bool:
    """Whether the practice holds floors of what its patients are too few for."""
    return who.place.floors and int(np.count_nonzero(who.current)) < SMALL


def _fill_up(
    rng: np.random.Generator,
    who: People,
    has: dict[str, Bools],
    on: dict[str, Bools],
    reason: dict[str, Ints],
    order: dict[str, int],
) -> None:
    """More medicines with age and frailty, each with the condition that it is for.

    Conditions alone give too short a tail; this brings the number of repeat items near the curve
    of the published surveys. Conditions with a register are not given: whoever has none of these
    is not given the medicine for them.
    """
    names = list(FILLING)
    items = np.minimum(np.sum([on[name] for name in on], axis=0), FILL_MOST)
    rate = np.exp(FILL_FRAILTY * who.frailty) * (items + FILL_ALONE) ** FILL_POWER
    rate *= np.clip(who.age / 58, 0.02, 2.0) ** FILL_AGE
    rate *= FILL_UP / max(float(np.mean(rate[who.current])), 1e-9)
    count = np.minimum(rng.poisson(rate), 16)
    patient = np.repeat(np.arange(who.size), count)
    weights = np.array([weight for weight, _ in FILLING.values()])
    pick = weighted(rng, weights, patient.size)
    child = np.where(who.age < 10, CHILD, np.where(who.age < 18, CHILD / 2, 0.0))
    young = np.flatnonzero(systematic(rng, child))
    registers = {row["condition"] for row in rows("conditions") if not row["target_percent"]}
    for number, name in enumerate(names):
        cause = FILLING[name][1]
        given = patient[pick == number]
        if name in CHILDHOOD:
            some = rng.random(young.size) < CHILDHOOD[name]
            given = np.concatenate([given, young[some]])
        if cause in registers:
            given = given[has[cause][given]]
        given = np.unique(given[~on[name][given]])
        on[name][given] = True
        reason[name][given] = order[cause]
        has[cause][given] = True


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
    on["ppi"] |= systematic(rng, np.where(older & ~on["ppi"] & ~on["h2ra"], 0.4, 0.0))
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
    wanted = int(listed * target(f"{name}_rate") / 100 + who.place.rank(f"{name}, how many"))
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

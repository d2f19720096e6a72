"""Who has what: conditions by age, sex and a shared frailty, each meeting its target."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from counterfoil.synthetic.draws import Bools, Floats, Ints, stream, systematic
from counterfoil.synthetic.lists import Row, rows, target
from counterfoil.synthetic.people import People

CLUSTER = 2.0
"""How strongly conditions gather in the frail, beyond each one's own figure."""

SPREAD = 0.06
"""How much prevalences differ between practices (standard deviation of the log)."""


def names() -> list[str]:
    """Every condition, in the order in which they are drawn."""
    return [row["condition"] for row in rows("conditions")]


def conditions(who: People, seed: int) -> dict[str, Bools]:
    """For each condition, which patients have it.

    The chance is ``1 - exp(-c * w)``: ``w`` grows with age about the condition's middle age, with
    sex, with frailty and with conditions already drawn; ``c`` is solved so that the expected
    number is the target's.
    """
    rng = stream(seed, "conditions", who.place.code)
    age = ((who.as_of - who.birth) / 365.25).astype(np.float64)
    factors: dict[str, list[tuple[str, float]]] = {}
    for row in rows("comorbidity"):
        factors.setdefault(row["condition"], []).append((row["given"], float(row["times"])))
    has: dict[str, Bools] = {}
    for row in rows("conditions"):
        spread = who.place.share(row["condition"], _spread)
        weight = 1.0 / (1.0 + np.exp(-(age - float(row["age_mid"])) / float(row["age_width"])))
        only_men = row["male"] == "only"
        weight *= np.where(
            who.sex == 0, 1.0 if only_men else float(row["male"]), float(not only_men)
        )
        weight *= np.exp(CLUSTER * float(row["frailty"]) * who.frailty)
        weight *= (age >= float(row["age_from"])) & (age <= float(row["age_to"]))
        for given, times in factors.get(row["condition"], []):
            if given in has:
                weight *= np.where(has[given], times, 1.0)
        listed = who.current & (age >= float(row["of_age_from"]))
        wanted = percent(row) / 100 * spread * np.count_nonzero(listed)
        has[row["condition"]] = _deal(rng, _solve(weight, listed, wanted), listed)
    return has


def _spread(rank: float) -> float:
    return math.exp(NormalDist(0.0, SPREAD).inv_cdf(rank))


def _deal(rng: np.random.Generator, chance: Floats, listed: Bools) -> Bools:
    """Who is drawn: the list apart, so that their number is the one wanted."""
    return systematic(rng, np.where(listed, chance, 0.0)) | systematic(
        rng, np.where(listed, 0.0, chance)
    )


def percent(row: Row) -> float:
    """A condition's share of its list: its own, or where that is empty its register's target."""
    if row["target_percent"]:
        return float(row["target_percent"])
    return target(f"prevalence_{REGISTERS.get(row['condition'], row['condition'])}")


REGISTERS = {"peptic_ulcer": "ulcer"}


def _solve(weight: Floats, listed: Bools, wanted: float) -> Floats:
    """The chances whose sum over the list is ``wanted``."""
    low, high = 0.0, 1e6
    counted = weight[listed]
    for _ in range(60):
        middle = (low + high) / 2 if high < 1e5 else max(low * 4, 1e-6)
        if np.sum(1 - np.exp(-middle * counted)) < wanted:
            low = middle
            if middle >= 1e5:
                break
        else:
            high = middle
    return np.asarray(1 - np.exp(-low * weight), dtype=np.float64)


def residents(who: People, has: dict[str, Bools], seed: int) -> Bools:
    """Who lives in a care home: the oldest, the frail and people with dementia."""
    rng = stream(seed, "care homes", who.place.code)
    weight = np.exp((who.age - 85) / 7.0 + 0.6 * who.frailty) * (who.age >= 65)
    weight *= np.where(has["dementia"], 8.0, 1.0)
    wanted = target("care_home") / 100 * np.count_nonzero(who.current)
    return systematic(rng, np.where(who.current, _solve(weight, who.current, wanted), 0.0))


def onsets(who: People, has: dict[str, Bools], seed: int) -> dict[str, Ints]:
    """For each condition the day of its first code; only meaningful for those who have it."""
    rng = stream(seed, "onsets", who.place.code)
    out = {}
    for name in has:
        back = 120 + rng.exponential(2600.0, who.size)
        out[name] = np.maximum(who.as_of - back.astype(np.int64), who.birth + 30)
    return out


def carry(
    who: People,
    has: dict[str, Bools],
    onset: dict[str, Ints],
    theirs: People,
    their_has: dict[str, Bools],
    their_onset: dict[str, Ints],
) -> None:
    """Give those who moved here the conditions that they had at the practice before."""
    place = {serial: index for index, serial in enumerate(theirs.serial.tolist())}
    arrived = np.arange(who.size - who.place.arrivals, who.size)
    origin = np.array([place[serial] for serial in who.serial[arrived].tolist()], dtype=np.int64)
    for name in has:
        has[name][arrived] = their_has[name][origin]
        onset[name][arrived] = their_onset[name][origin]

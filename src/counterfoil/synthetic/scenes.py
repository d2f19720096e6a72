"""How scenes are cast: who plays what, in the order in which scenes ask for people."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from counterfoil.synthetic.lists import target
from counterfoil.synthetic.people import HISTORY
from counterfoil.synthetic.script import Lateness, Script

Scene = Callable[[Script, np.random.Generator, int], None]


SETTLED = 180
"""Who came fewer days ago plays in no scene: no longer, or the day of coming would tell who does."""


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


def pool_of(
    script: Script, rng: np.random.Generator, group: str, settled: int = SETTLED
) -> list[int]:
    """Current patients on a group who play in no scene yet, in random order.

    Who came fewer than ``settled`` days ago stands first and is so cast last: of them nobody could tell.
    """
    found = np.flatnonzero(script.groups[group] & script.who.current & ~script.used)
    mixed = rng.permutation(found)
    lately = script.who.registered_from[mixed] > script.as_of - settled
    return [int(p) for p in (*mixed[lately], *mixed[~lately])]


BETWEEN_PRACTICES = 0.3
"""How practices differ about a published median (standard deviation of the log odds): our choice."""


def practice_share(script: Script, name: str) -> float:
    """A practice's own share, as a fraction, about the target's median."""
    middle = target(name) / 100
    effect = BETWEEN_PRACTICES * script.who.place.effect(name)
    return 1 / (1 + math.exp(-math.log(middle / (1 - middle)) - effect))


def practice_count(script: Script, name: str, at_risk: int) -> int:
    """How many of those at risk are found here: binomial at the practice's own share."""
    share, rank = practice_share(script, name), script.who.place.rank(f"{name}, how many")
    chance = total = (1 - share) ** at_risk
    count = 0
    while total < rank and count < at_risk:
        chance *= (at_risk - count) / (count + 1) * share / (1 - share)
        total += chance
        count += 1
    return count


def natural(rng: np.random.Generator) -> int:
    """How long ago a medicine that somebody has been on for a while was begun."""
    return 100 + int(rng.exponential(1300.0))


SPELL = (250, 1500)
"""How many days a hazard lasts from its start until somebody stops it: our choice."""


def running(rng: np.random.Generator) -> int:
    """How long ago a spell that still goes on began, in a steady state of starts and stops."""
    low, high = SPELL
    length = math.sqrt(rng.random() * (high**2 - low**2) + low**2)
    return 6 + int(rng.random() * (length - 6))


def ended(rng: np.random.Generator) -> tuple[int, int]:
    """When a spell began and ended, in days ago, ended long enough ago to show as such."""
    over = between(rng, 115, 115 + HISTORY)
    return over + between(rng, *SPELL), over


def stopped_of(many: int) -> int:
    """How many spells ended in the history for ``many`` that go on, so that their number is steady."""
    return round(many * HISTORY / (sum(SPELL) / 2))


def as_late_as_now(
    script: Script, people: list[int], share: float, late: Lateness, usual: int
) -> None:
    """Make earlier tests late as often as leaves the same ``share`` overdue at any time.

    Of gaps of ``usual`` days and gaps of ``limit + by``, one in ``q`` late, the share of time spent
    overdue is ``q * by / ((1 - q) * usual + q * (limit + by))``; solved for ``q``.
    """
    gap = 0.95 * usual
    share = min(share, 0.85)
    chance = share * gap / (late.by - share * (late.limit + late.by - gap))
    script.late_share[people] = min(max(chance, 0.0), 0.95)

"""How scenes are cast: who plays what, in the order in which scenes ask for people."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from counterfoil.synthetic.script import Script

Scene = Callable[[Script, np.random.Generator, int], None]


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


def pool_of(script: Script, rng: np.random.Generator, group: str) -> list[int]:
    found = np.flatnonzero(script.groups[group] & script.who.current & ~script.used)
    return [int(p) for p in rng.permutation(found)]

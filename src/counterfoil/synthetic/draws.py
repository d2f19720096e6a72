"""Random numbers that depend on the seed, the stage and the practice, and on nothing else.

Each stage of each practice has its own Philox stream, so the same seed gives the same bytes
whatever the order of practices, and one practice can be made alone.
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def stream(seed: int, stage: str, practice: str = "") -> np.random.Generator:
    """The generator of one stage of one practice."""
    key = hashlib.blake2b(f"{seed}|{stage}|{practice}".encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(key, "little")))


def systematic(rng: np.random.Generator, chance: Floats) -> Bools:
    """Draw each item with its own chance so that the total hardly varies.

    Items are laid end to end in random order and picked at even steps: the count is the sum of
    the chances, rounded up or down, and small populations keep their prevalences.
    """
    order = rng.permutation(chance.size)
    steps = np.floor(np.cumsum(chance[order]) + rng.random())
    picked = np.diff(steps, prepend=0.0 if steps.size == 0 else np.floor(steps[0])) > 0
    if steps.size:
        picked[0] = steps[0] >= 1.0
    out = np.zeros(chance.size, dtype=np.bool_)
    out[order] = picked
    return out


def weighted(rng: np.random.Generator, weights: Floats, size: int) -> Ints:
    """``size`` indexes drawn in proportion to ``weights``."""
    edges = np.cumsum(weights) / weights.sum()
    return np.minimum(np.searchsorted(edges, rng.random(size), side="right"), weights.size - 1)


def working_day(days: Ints) -> Ints:
    """Each day, or the Friday before where it falls on a weekend."""
    weekday = (days + 3) % 7  # day 0 was a Thursday
    return days - np.where(weekday >= 5, weekday - 4, 0)

"""NHS numbers of the test range and numbers for ids."""

from __future__ import annotations

from functools import cache
from math import gcd

import numpy as np

from counterfoil.synthetic.draws import Ints, stream

KEPT = 100
"""Numbers at the start of the range that no population uses: for examples in tests and pages."""

CAPACITY = 900_000
"""How many people can have a number of their own; a few above this are kept for letters."""


@cache
def _valid() -> Ints:
    """Every six-figure middle whose 999 number has a check digit of one figure."""
    middle = np.arange(1_000_000, dtype=np.int64)
    return middle[_check(middle) < 10][KEPT:]


def _check(middle: Ints) -> Ints:
    digits = [np.full_like(middle, 9)] * 3 + [middle // 10**k % 10 for k in range(5, -1, -1)]
    total = sum((10 - place) * digit for place, digit in enumerate(digits))
    return (11 - np.asarray(total, dtype=np.int64) % 11) % 11


def nhs_numbers(seed: int, serials: Ints) -> Ints:
    """Ten-figure NHS numbers, 999 000 0000 to 999 999 9999, one for each serial; -1 beyond capacity.

    Serials are spread over the range by a step that depends on the seed, so that neighbours in
    the list do not have neighbouring numbers.
    """
    valid = _valid()
    rng = stream(seed, "nhs numbers")
    step = int(rng.integers(valid.size // 3, valid.size // 2))
    while gcd(step, valid.size) != 1:
        step += 1
    middle = valid[(serials * step + int(rng.integers(valid.size))) % valid.size]
    numbers = 9_990_000_000 + middle * 10 + _check(middle)
    return np.where(serials < valid.size, numbers, -1)

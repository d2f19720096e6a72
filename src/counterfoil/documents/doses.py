"""Dose readings, kept: the same words beside the same product read the same."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from counterfoil.dosage import Dose, read
from counterfoil.terminology import Match


class _Keyed:
    """A match that is hashed by what it was read from and as."""

    __slots__ = ("key", "match")

    def __init__(self, match: Match) -> None:
        self.key = (match.text, match.id, match.level)
        self.match = match

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Keyed) and other.key == self.key


def read_dose(text: str, product: Match, coded: Any = None) -> Dose:
    """The dose reader's reading of *text* for *product*; kept where there is no coded part."""
    if coded:
        return read(text, product, coded)
    return _read(text, _Keyed(product))


@lru_cache(maxsize=65536)
def _read(text: str, product: _Keyed) -> Dose:
    return read(text, product.match)

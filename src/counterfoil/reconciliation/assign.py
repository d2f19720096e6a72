"""Which letter line belongs to which GP entry: groups by moiety, then an assignment by cost.

Costs follow the reference notes, reconciliation section 5.4: same brand 0, same product .05, other
strength .15, other form .25, other release or device .35, other route .45, unmatched .60.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from counterfoil.reconciliation.differences import (
    amounts,
    direction,
    product_difference,
    same_words,
    strength_differs,
    total,
)
from counterfoil.reconciliation.sides import Cluster, Entry, Side, Unit

UNMATCHED = 0.60
_APART = {"form": 0.25, "release": 0.35, "device": 0.35, "route": 0.45}


def cost(gp: Side, letter: Side) -> float:
    """How far two entries of one moiety stand from each other, 0 to 1."""
    one, other = gp.match, letter.match
    if one.product is not None and other.product is not None:
        if one.product.id == other.product.id:
            base = 0.0
        elif one.product.vmp_id == other.product.vmp_id:
            base = 0.05
        else:
            base = _distance(gp, letter)
    elif same_words(gp, letter):
        base = 0.0
    else:
        base = _distance(gp, letter)
    return base + _tie(gp, letter)


def _distance(gp: Side, letter: Side) -> float:
    apart = product_difference(gp, letter)
    base = _APART[apart] if apart else 0.10
    return base + (0.05 if strength_differs(gp, letter) else 0.0)


def _tie(gp: Side, letter: Side) -> float:
    """Less than any cost: as needed first, then how often, then the amount, then the words."""
    if not gp.dose.steps or not letter.dose.steps:
        return 0.0
    extra = 0.02 if gp.as_needed != letter.as_needed else 0.0
    one, other = gp.dose.steps[0], letter.dose.steps[0]
    if (one.times_low, one.per_days) != (other.times_low, other.per_days):
        extra += 0.008
    before, after = amounts(gp), amounts(letter)
    if before and after and direction(before, after) != "equal":
        extra += 0.004
    if gp.dose_words != letter.dose_words:
        extra += 0.001
    return extra


def pair(
    units: Sequence[Unit], entries: Sequence[Entry]
) -> tuple[list[Cluster], list[Unit], list[Entry]]:
    """The cheapest assignment within one group, and what it leaves on either side."""
    if not units or not entries:
        return [], list(units), list(entries)
    n, m = len(units), len(entries)
    if n == m == 1:
        return [Cluster([units[0]], [entries[0]])], [], []
    costs = np.full((n + m, n + m), UNMATCHED)
    costs[n:, m:] = 0.0
    for i, unit in enumerate(units):
        for j, entry in enumerate(entries):
            aside = 0.0 if entry.current else 0.2 if not (entry.gone and unit.active) else 0.25
            costs[i, j] = min(cost(entry, unit) + aside, 2 * UNMATCHED - 0.01) + 1e-7 * (i * m + j)
    rows, columns = linear_sum_assignment(costs)
    clusters, used_units, used_entries = [], set(), set()
    for i, j in zip(rows.tolist(), columns.tolist(), strict=True):
        if i < n and j < m:
            margin, close = _margin(costs, i, j, n, m, entries)
            clusters.append(Cluster([units[i]], [entries[j]], margin, close))
            used_units.add(i)
            used_entries.add(j)
    return (
        clusters,
        [u for i, u in enumerate(units) if i not in used_units],
        [e for j, e in enumerate(entries) if j not in used_entries],
    )


def _margin(
    costs: npt.NDArray[np.float64], i: int, j: int, n: int, m: int, entries: Sequence[Entry]
) -> tuple[float | None, tuple[str, ...]]:
    """By how much this pair beat the unit's next best entry; which entries came close."""
    others = [(float(costs[i, k] - costs[i, j]), entries[k].id) for k in range(m) if k != j]
    if not others:
        return None, ()
    best = min(others)[0]
    return round(max(best, 0.0), 3), tuple(sorted(name for gap, name in others if gap < 0.1))


def groups(
    units: Sequence[Unit], entries: Sequence[Entry]
) -> list[tuple[frozenset[str], list[Unit], list[Entry]]]:
    """Units and entries that share the same set of ingredients (or, unknown, the same name)."""
    table: dict[frozenset[str], tuple[list[Unit], list[Entry]]] = defaultdict(lambda: ([], []))
    for unit in units:
        table[unit.moiety][0].append(unit)
    for entry in entries:
        table[entry.moiety][1].append(entry)
    return [(k, *table[k]) for k in sorted(table, key=sorted)]


def kin(one: Side, other: Side) -> bool:
    """Whether two entries of one moiety would be one medicine split over strengths."""
    apart = product_difference(one, other)
    return apart in (None, "form") and one.as_needed == other.as_needed


def equal_totals(units: Sequence[Unit], entries: Sequence[Entry]) -> bool:
    """Whether both sides come to the same regular amount a day."""
    if any(s.as_needed or s.tapers for s in [*units, *entries]):
        return False
    before, after = total(entries), total(units)
    return before is not None and after is not None and direction(before, after) == "equal"

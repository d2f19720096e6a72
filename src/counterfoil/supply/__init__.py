"""What was supplied and for how long: daily use, end of cover, early and late, adherence."""

from __future__ import annotations

from counterfoil.supply.exposure import (
    Coverage,
    CoveredSpan,
    Ratio,
    Supplied,
    Timing,
    cover,
    covered,
    covered_until,
    days_left,
    live,
    mpr,
    pdc,
    supplied,
    timing,
)
from counterfoil.supply.quantities import (
    DayRange,
    Range,
    daily_use,
    daily_use_why,
    read_quantity,
    supply_days,
    unit_of,
)

__all__ = [
    "Coverage",
    "CoveredSpan",
    "DayRange",
    "Range",
    "Ratio",
    "Supplied",
    "Timing",
    "cover",
    "covered",
    "covered_until",
    "daily_use",
    "daily_use_why",
    "days_left",
    "live",
    "mpr",
    "pdc",
    "read_quantity",
    "supplied",
    "supply_days",
    "timing",
    "unit_of",
]

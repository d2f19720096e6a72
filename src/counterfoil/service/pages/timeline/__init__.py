"""One patient's medicines, tests, hospital stays and problems on a line of time: as SVG, and in words.

``build`` says what stands on it, ``svg`` draws it, ``table`` tells the same to people who do not
see the drawing.
"""

from __future__ import annotations

from counterfoil.service.pages.timeline.drawing import NARROW, sheets, svg
from counterfoil.service.pages.timeline.lanes import (
    LANES,
    PROBLEMS,
    MedicineLane,
    SupplyDays,
    Timeline,
    build,
    stated_supply,
)
from counterfoil.service.pages.timeline.told import TableRow, describe, table

__all__ = [
    "LANES",
    "NARROW",
    "PROBLEMS",
    "MedicineLane",
    "SupplyDays",
    "TableRow",
    "Timeline",
    "build",
    "describe",
    "sheets",
    "stated_supply",
    "svg",
    "table",
]

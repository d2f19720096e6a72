"""The things a dose instruction is made of, before they are put together."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple


class Item(NamedTuple):
    """A stretch of tokens that the grammar understood as one thing.

    ``kind`` is one of the letters below, ``first`` and ``last`` token places (half-open),
    ``label`` how a person is told it was read.
    """

    kind: str
    first: int
    last: int
    value: Any
    label: str


# Kinds that say something about the dose
AMOUNT = "amount"
FREQUENCY = "frequency"
TIME = "time"
WEEKDAYS = "weekdays"
MANNER = "manner"
PRN = "as needed"
DURATION = "duration"
MAXIMUM = "maximum"
ROUTE = "route"
SITE = "site"
DIRECTED = "directed"
STAT = "stat"
SINGLE = "single"
INDICATION = "indication"
EQUIVALENT = "equivalent"
REPLACE = "replace"
DAY_NUMBER = "day number"
DAYS_A_WEEK = "days a week"
CYCLE_OFF = "cycle off"
CYCLE_ON = "cycle on"
CYCLE_WORD = "cycle word"
AGAIN = "again"
ALTERNATING = "alternating"
EXCEPT = "except"
COUNT = "count"
# Kinds that order the steps
THEN = "then"
AFTER = "after"
CHANGE_BY = "change by"
UNFIXED = "unfixed"
STOP = "stop"
# Kinds that only join or that change nothing
VERB = "verb"
NAME = "name"
AND = "and"
OR = "or"
MARK = "mark"
HARMLESS = "harmless"
# Kinds that stop a reading
AMBIGUOUS = "ambiguous"
UNKNOWN = "unknown"
JUNK = "junk"

LABELS = {
    VERB: "how it is used",
    HARMLESS: "advice, changes nothing",
    MARK: "separator",
    AND: "and",
    OR: "or",
}


class Quantity(NamedTuple):
    """An amount at one time. ``low`` is ``None`` for "up to"; ``strength`` is that of one unit.

    ``bare``: written without a unit. ``product``: written as "2 x 200 mg".
    """

    low: Fraction | None
    high: Fraction
    unit: str | None
    strength: tuple[Fraction, str] | None = None
    multiplied: bool = False
    written: str = "figure"

    @property
    def bare(self) -> bool:
        """Written without a unit."""
        return self.unit is None


DAILY = "daily"
"""Label of a bare "daily", which does not go with another count ("daily bd")."""


class Often(NamedTuple):
    """How often: ``low`` to ``high`` times per ``days`` days.

    ``bare``: a length of time alone ("daily"), which a list of times may refine.
    ``interval``: given as "every n hours".
    """

    low: Fraction | None
    high: Fraction
    days: Fraction
    bare: bool = False
    interval: bool = False
    label: str = ""


class Limit(NamedTuple):
    """A maximum per day: of ``value`` ``unit``, or of ``value`` times."""

    value: Fraction
    unit: str | None
    times: bool


class Change(NamedTuple):
    """A dose that goes down or up by ``amount`` every ``days`` until ``target`` or stopped.

    ``daily``: the target is said to be taken once a day.
    """

    sign: int
    amount: Quantity
    days: Fraction
    target: Quantity | None
    stops: bool
    daily: bool = False

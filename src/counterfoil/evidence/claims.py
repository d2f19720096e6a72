"""What a registered design can carry and what it cannot, in plain words.

The figures come from this project's own simulations of weekly series (November 2026): normal noise
of standard deviation 1, successive weeks uncorrelated or with autocorrelation 0.3, 26 weeks of
delivery, 800 replicates or more. They guide; they are no result about any one service.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from math import factorial
from typing import TypeVar

from counterfoil.evidence.protocol import Protocol
from counterfoil.foundation.days import words

T = TypeVar("T")
ENOUGH = 52
FALSE_SIGNALS = {4: (65, 82), 8: (53, 79), 12: (48, 75), 20: (41, 72), 26: (40, 73), 52: (34, 69)}
"""Weeks that fix the limits: per cent of steady series with at least one signal in the following 26
weeks, uncorrelated and with autocorrelation 0.3."""
POWER = {4: 36, 8: 50, 12: 60, 26: 76, 52: 86, 104: 93}
"""Weeks before: per cent of analyses that find a step of one standard deviation (level only,
autocorrelated errors modelled, autocorrelation 0.3)."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What may be said and what may not, each a sentence; ``design`` says in one what it is."""

    design: str
    can: tuple[str, ...]
    cannot: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """As plain values."""
        return {"design": self.design, "can": list(self.can), "cannot": list(self.cannot)}


def statement(protocol: Protocol, weeks_before: int | None = None) -> Statement:
    """The statement for a protocol; *weeks_before*: weekly points that the record really gave
    before delivery (else as many as were registered)."""
    before = protocol.baseline_weeks if weeks_before is None else weeks_before
    return Statement(_design(protocol, before), _can(protocol, before), _cannot(protocol, before))


def _design(protocol: Protocol, before: int) -> str:
    sites = len(protocol.pilot_sites)
    if protocol.staggered:
        order = (
            f"in an order randomised by seed {protocol.seed}"
            if protocol.seed is not None
            else "in an order that was not randomised"
        )
        starts = f"{sites} sites that start one after another {order} (a stepped wedge)"
    elif sites == 1:
        starts = "one site, before and after"
    else:
        starts = f"{sites} sites that start on the same day, before and after"
    others = len(protocol.comparisons)
    against = (
        f", beside {_count(others, 'comparison site')}" if others else ", without comparison sites"
    )
    delivery = words(protocol.phase("delivery").first)
    return (
        f"{starts[0].upper()}{starts[1:]}{against}; {_count(before, 'weekly point')} before "
        f"delivery began on {delivery}, {_count(protocol.delivery_weeks, 'week')} of delivery."
    )


def _can(protocol: Protocol, before: int) -> tuple[str, ...]:
    found = [
        "What was done: how many tasks, of which kind, by which role, how long they took, what was "
        "handed over and why, what went wrong.",
        "Whether the work could be done as planned, and which gaps it found.",
    ]
    if before >= ENOUGH:
        found.append(
            f"Whether the weekly series changed, and about when: limits fixed on {before} weekly "
            "points from the record are steady enough to read a lasting shift against. A single "
            "signal is weak evidence; a shift that lasts is stronger."
        )
    if protocol.comparisons or (protocol.staggered and protocol.seed is not None):
        found.append(
            "An estimate of the change that goes with the start of the service, with its interval, "
            "set against sites that had not started at the time; the registered analysis gives it, "
            "not the charts. Once the last site has started nothing is left to "
            "compare with, unless comparison sites were registered."
        )
    return tuple(found)


def _cannot(protocol: Protocol, before: int) -> tuple[str, ...]:
    found = []
    if before < ENOUGH:
        weeks, (low, high) = _nearest(FALSE_SIGNALS, before)
        found.append(
            f"Whether anything changed: {_count(before, 'weekly point')} before delivery cannot carry an "
            f"inference. With limits fixed on {weeks} points and no change at all, {low} per cent of "
            "simulated series showed a signal within 26 weeks, and "
            f"{high} per cent where neighbouring weeks were alike. Take at least {ENOUGH} weekly points "
            "from the record."
        )
    else:
        weeks, (low, high) = _nearest(FALSE_SIGNALS, before)
        power_weeks, power = _nearest(POWER, before)
        found.append(
            f"That every signal is real: with limits fixed on {weeks} points and no change at all, "
            f"{low} per cent of simulated series still showed a signal within 26 weeks "
            f"({high} per cent where neighbouring weeks were alike)."
        )
        found.append(
            "That a small change did not happen: with "
            f"{power_weeks} weeks before and 26 after, a step as large as the usual week-to-week "
            f"spread (one standard deviation) was found in {power} per cent of simulations; half such "
            "a step in well under half of them."
        )
    found.extend(_cause(protocol))
    found.append(
        "Anything about admissions avoided, deaths, harm prevented, staff retention or value for "
        "money: too few events, too short a time, or not measured."
    )
    found.append(
        "GP minutes released: blank until minutes were timed in a sample, before and after, on the "
        "same kind of task."
    )
    return tuple(found)


def _cause(protocol: Protocol) -> list[str]:
    if not protocol.staggered and not protocol.comparisons:
        return [
            "That the service caused a change: there is no comparison, so anything else that "
            "changed at the time (staff, season, another scheme, recording itself) explains it as "
            "well. In simulation a before-and-after estimate under an outside drift was twice the truth."
        ]
    found = []
    if protocol.staggered and protocol.seed is None:
        found.append(
            "That the service caused a change, without doubt: the order of starts was chosen, not "
            "randomised, so sites that started early may differ from those that started late."
        )
    if not protocol.staggered:
        found.append(
            "That the service caused a change, without doubt: comparison sites were not chosen by "
            "chance, so they may have changed for reasons of their own."
        )
    orders = factorial(len(protocol.pilot_sites))
    if protocol.staggered and orders < 1000:
        found.append(
            f"That chance is ruled out: {len(protocol.pilot_sites)} sites can start in {orders} "
            f"orders, so a test over the orders can never give a p-value below {1 / orders:.2g}."
        )
    sites = len(protocol.sites)
    if sites < 12:
        found.append(
            f"A precise estimate: with {_count(sites, 'site')} the interval is wide. In simulation six "
            "staggered sites found an effect of 0.5 standard deviations in about a third of trials."
        )
    return found


def _nearest(table: dict[int, T], weeks: int) -> tuple[int, T]:
    keys = sorted(table)
    key = keys[max(0, bisect_right(keys, weeks) - 1)]
    return key, table[key]


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"

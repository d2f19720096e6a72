"""On which days a patient's supplies of some drug cover them, as spans that rules can read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import ceil, floor

from counterfoil.foundation.days import window_end
from counterfoil.records.rows import Issue
from counterfoil.rules.facts import Length
from counterfoil.supply import cover, supplied

Span = tuple[int, int, int]
"""From a day up to, not including, another; and how true it is (2 true, 1 unknown)."""


def covered_spans(
    issues: Iterable[Issue], truth: Callable[[Issue], bool | None], unknown_for: Length
) -> list[Span]:
    """The days that issues of a drug set cover, by quantity and dose, left-overs carried on.

    *truth* says whether an issue belongs to the set. What is not known for sure (a product whose
    name leaves it open, a range of days) is unknown; a supply without a length, or without an
    upper end, is unknown for *unknown_for* from its start.
    """
    possible = [(i, truth(i)) for i in issues if truth(i) is not False]
    possible.sort(key=lambda p: (p[0].valid_from or p[0].issued_on, p[0].issued_on, p[0].issue_id))
    sure = [supplied(issue) for issue, belongs in possible if belongs]
    every = [supplied(issue) for issue, _ in possible]
    spans = [(s.since, floor(s.until_low), 2) for s in cover(sure).spans]
    for span in cover(every).spans:
        spans.append((span.since, ceil(span.until_high or span.until_low), 1))
    for supply in every:
        if supply.days is None or supply.days.high is None:
            end = supply.start + unknown_for.days
            if unknown_for.months:
                end = window_end(supply.start, unknown_for.months)
            spans.append((supply.start, end + 1, 1))
    return [span for span in spans if span[0] < span[1]]

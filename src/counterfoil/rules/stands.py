"""How long what a finding says stays true as the days pass, and what to say on a later day.

A clause may go on holding while its words do not: an issue leaves the window, a birthday comes, a
test is a day more overdue. The first two are days that can be foreseen (:func:`until`); the last is
said anew from the day due (:func:`on_day`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from counterfoil.foundation.days import FOREVER, age_on, birthday, parse_day, words
from counterfoil.rules import facts
from counterfoil.rules.facts import Fact, Window
from counterfoil.rules.model import FALSE, TRUE, UNKNOWN
from counterfoil.rules.reference import before, due_after, reach

if TYPE_CHECKING:
    from counterfoil.rules.explain import Explainer, Reason

_ALWAYS = (facts.Repeated, facts.Sex, facts.Registered, facts.ActiveProblem, facts.Allergy)
"""Facts whose words change only when their truth does, or a row comes."""


def until(by: Explainer, fact: Fact) -> int:
    """The first day on which a fact's words may differ though no row came and its truth is the same.

    Words that speak of days overdue are not counted: :func:`on_day` renews them.
    """
    match fact:
        case facts.Issued(drugs, window):
            return _of_window(by, window, ((day, day) for day, _, _ in by.issues(drugs, BEGIN)))
        case facts.Ever(codes, window):
            return _of_window(by, window, ((e.low, e.high) for e in by.coded(codes)))
        case facts.IssuedTogether():
            return _of_pair(by, fact)
        case facts.LaterThan(codes, other, ago):
            rows = [(e.low, e.high) for name in (codes, other) for e in by.coded(name)]
            return _of_window(by, Window(ago=ago), rows)
        case facts.Latest():
            entries = ((e.low, e.high) for e in by.coded(fact.codes))
            return _of_window(by, Window(ago=fact.ago), entries)
        case facts.Age():
            birth = by.history.birth
            return FOREVER if birth is None else birthday(birth[1], age_on(birth[1], by.day) + 1)
        case facts.Due():
            if not by.reference.fact(fact.taking, by.day):
                return FOREVER
            if any(e.low <= by.day < e.high for e in by.history.entries):
                # A test of some day this month may have been today, and tomorrow tomorrow.
                return by.day + 1
            active = [s.when for s in fact.sooner if by.reference.fact(s.when, by.day)]
            return min((until(by, each) for each in active), default=FOREVER)
        case _ if isinstance(fact, _ALWAYS):
            return FOREVER
        case _:
            return by.day + 1


BEGIN = -(10**6)
"""A day before any record."""


def _of_window(by: Explainer, window: Window, rows: Iterable[tuple[int, int]]) -> int:
    """The first day on which one of these rows enters the window, or leaves it."""
    if window.qof_year:
        return by.day + 1
    first, last = reach(window, by.day)
    ends = [FOREVER]
    for low, high in rows:
        if window.ago is not None:
            ends += [due_after(d - 1, window.ago) + 1 for d in {low, high} if d > last]
        if window.back is not None:
            ends += [due_after(d, window.back) + 1 for d in {low, high} if d >= first]
    return min(ends)


def _of_pair(by: Explainer, fact: facts.IssuedTogether) -> int:
    """The first day on which an issue that may be one of a pair leaves the window."""
    first = before(by.day, fact.back)
    days = [d for name in (fact.drugs, fact.other) for d, _, _ in by.issues(name, first)]
    return min((due_after(day, fact.back) + 1 for day in days), default=FOREVER)


def overdue(due: int, day: int, value: int) -> str:
    """How a test stands on a day, in the words of a reason."""
    if value == UNKNOWN:
        return "cannot tell"
    count = day - due if value == TRUE else due - day
    days = f"{count} day{'' if count == 1 else 's'}"
    if value == TRUE:
        return "due today" if count == 0 else f"{days} overdue"
    return f"in {days}"


def on_day(reason: Reason, told: int, day: int) -> Reason:
    """A reason told on the day *told* as it reads on *day*, until which it stands."""
    if day == told or "days_overdue" not in reason.values or reason.values["due"] is None:
        return reason
    due = parse_day(reason.values["due"])
    value = {True: TRUE, None: UNKNOWN, False: FALSE}[reason.holds]
    was, now = (f"due {words(due)} ({overdue(due, at, value)})" for at in (told, day))
    late = max(0, day - due) if value else 0
    return replace(
        reason,
        text=reason.text.replace(was, now),
        values={**reason.values, "days_overdue": late},
    )

"""What the time line asks the library rooms: codes of tests, days a supply lasts, amount a day."""

from __future__ import annotations

from functools import cache

from counterfoil.foundation.errors import DataError, UsageError
from counterfoil.records.rows import Issue, Plan
from counterfoil.rules import Rule
from counterfoil.rules.model import Due
from counterfoil.service.casework import from_rules
from counterfoil.service.pages import timeline
from counterfoil.terminology import codesets

DRAWN_TESTS = {
    "FBC": ("fbc",),
    "LFT": ("lft",),
    "U&E": ("u_and_e",),
    "Creatinine, eGFR": ("renal_function", "egfr", "creatinine"),
    "Lithium level": ("lithium_level",),
    "TFT": ("tft",),
    "HbA1c": ("hba1c",),
    "Weight": ("weight",),
}
"""Tests that get a lane, by the name a technician reads, and the code sets behind each."""


@cache
def tests() -> dict[str, frozenset[str]]:
    """The codes of each test that is drawn; a set that is not shipped leaves its lane out."""
    found = {}
    for name, sets in DRAWN_TESTS.items():
        codes: frozenset[str] = frozenset()
        for one in sets:
            try:
                codes |= codesets.load_codeset(one).codes
            except (DataError, UsageError):
                continue
        if codes:
            found[name] = codes
    return found


def supply_days(issue: Issue, plan: Plan | None) -> int | None:
    """How many days an issue lasts, as the record states it."""
    return timeline.stated_supply(issue, plan)


def dose_words(plan: Plan) -> str:
    """The dose as the plan states it."""
    return " ".join((plan.dose_text or "").split())


@cache
def rules() -> dict[str, Rule]:
    """The shipped rules by id."""
    return {rule.id: rule for rule in from_rules.shipped()}


def test_of(rule: str, clause: str) -> str | None:
    """The drawn test that a clause of a rule is about, where it is about one."""
    known = rules().get(rule)
    if known is None:
        return None
    fact = next((c.fact for c in known.clauses if c.name == clause), None)
    if not isinstance(fact, Due):
        return None
    return next((name for name, sets in DRAWN_TESTS.items() if fact.tests in sets), None)


def set_title(name: str) -> str:
    """The title of a code set; the name itself where there is none of that name."""
    try:
        return codesets.load_codeset(name).title
    except (DataError, UsageError):
        return name

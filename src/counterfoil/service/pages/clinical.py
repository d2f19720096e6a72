"""What the time line asks the library rooms: codes of tests, days a supply lasts, amount a day."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from math import floor

from counterfoil.dosage import ingredient_per_day, read
from counterfoil.foundation.errors import DataError, UsageError
from counterfoil.records.rows import Issue, Plan
from counterfoil.rules import Rule
from counterfoil.rules.facts import Due
from counterfoil.service.casework import from_rules
from counterfoil.service.pages import timeline
from counterfoil.supply import supplied
from counterfoil.terminology import codesets, formulary

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
    """Whole days an issue lasts at its dose, else as stated; ``None`` where neither can be told.

    A medicine taken when needed has no such length.
    """
    days = supplied(issue).days
    if days is None:
        return timeline.stated_supply(issue, plan)
    return None if days.high is None else floor(days.low)


def dose_words(plan: Plan) -> str:
    """The amount a day or a week where the dose was read (``15 mg a week``), else the dose's text."""
    text = " ".join((plan.dose_text or "").split())
    product = formulary().match(plan.product_text, plan.product_code)
    dose = read(text, product)
    if any(step.as_needed for step in dose.steps):
        return text
    amounts = ingredient_per_day(dose, product) or {}
    if len(amounts) != 1:
        return text
    low, high, unit = next(iter(amounts.values()))
    if low != high or unit not in UNITS:
        return text
    for times, word in ((1, "day"), (7, "week")):
        if (low * times * 1000) % 1 == 0:
            return f"{_decimal(low * times)} {UNITS[unit]} a {word}"
    return text


UNITS = {"mg": "mg", "microgram": "micrograms", "g": "g", "unit": "units"}


def _decimal(value: Fraction) -> str:
    whole, rest = divmod(value, 1)
    return str(whole) if not rest else f"{float(value):.3f}".rstrip("0")


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

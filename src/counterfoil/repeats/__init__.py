"""Repeat requests: matched to plans and checked, every exception with its reason; eRD suitability.

Nothing here approves an issue. An item without a query is one on which no technical query was
found, with the checks that were made; a prescriber signs.
"""

from counterfoil.repeats.check import Context, check_request
from counterfoil.repeats.erd import Criterion, Suitability, suitability
from counterfoil.repeats.model import OUTCOMES, Check, ItemOutcome
from counterfoil.repeats.policy import Policy, load_policy

__all__ = [
    "OUTCOMES",
    "Check",
    "Context",
    "Criterion",
    "ItemOutcome",
    "Policy",
    "Suitability",
    "check_request",
    "load_policy",
    "suitability",
]

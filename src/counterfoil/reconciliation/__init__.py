"""The hospital's list against the GP list: same, changed, new, stopped, missing, and what blocks."""

from counterfoil.reconciliation.engine import reconcile, reconcile_file
from counterfoil.reconciliation.identity import Identity, identify
from counterfoil.reconciliation.model import CLASSES, Class, Item, Outcome, OutcomeLine, Why
from counterfoil.reconciliation.texts import call_script, draft_query, to_do
from counterfoil.reconciliation.verify import EXPECTED, Expected, Verified, verify

__all__ = [
    "CLASSES",
    "EXPECTED",
    "Class",
    "Expected",
    "Identity",
    "Item",
    "Outcome",
    "OutcomeLine",
    "Verified",
    "Why",
    "call_script",
    "draft_query",
    "identify",
    "reconcile",
    "reconcile_file",
    "to_do",
    "verify",
]

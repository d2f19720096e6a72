"""The hospital's list against the GP list: same, changed, new, stopped, missing, and what blocks."""

from counterfoil.reconciliation.closing import Change, Decided, changes, script
from counterfoil.reconciliation.engine import reconcile, reconcile_file
from counterfoil.reconciliation.identity import Identity, identify
from counterfoil.reconciliation.knowledge import frame
from counterfoil.reconciliation.model import (
    CLASSES,
    LEFT_ALONE,
    Class,
    Item,
    Outcome,
    OutcomeLine,
    Why,
)
from counterfoil.reconciliation.texts import (
    call_script,
    draft_query,
    query_about,
    to_do,
    worth_asking,
)
from counterfoil.reconciliation.verify import EXPECTED, Expected, Verified, verify
from counterfoil.reconciliation.ward_list import WardItem, ward_list

__all__ = [
    "CLASSES",
    "EXPECTED",
    "LEFT_ALONE",
    "Change",
    "Class",
    "Decided",
    "Expected",
    "Identity",
    "Item",
    "Outcome",
    "OutcomeLine",
    "Verified",
    "WardItem",
    "Why",
    "call_script",
    "changes",
    "draft_query",
    "frame",
    "identify",
    "query_about",
    "reconcile",
    "reconcile_file",
    "script",
    "to_do",
    "verify",
    "ward_list",
    "worth_asking",
]

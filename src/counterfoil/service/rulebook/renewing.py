"""After a change of rules: the findings of the practices concerned, run again on today's record."""

from __future__ import annotations

from counterfoil.service.casework import clock
from counterfoil.service.records import renewing
from counterfoil.service.rulebook.models import LocalRule


def after_change(row: LocalRule) -> int:
    """Renew the practices where *row*'s organisation's rules count; how many."""
    return len(renewing.renew_all(clock.today(), row.organisation_id))

"""Findings brought up to a day, or to other rules, on the record that is published already."""

from __future__ import annotations

from datetime import date

from django.db import transaction

from counterfoil.service.casework import events, from_rules, intake, requests
from counterfoil.service.casework.errors import ConflictError
from counterfoil.service.casework.models import Finding
from counterfoil.service.config import home
from counterfoil.service.organisations.models import Organisation
from counterfoil.service.records import publishing, reading
from counterfoil.service.records.models import Snapshot


def renew(practice: str, as_of: date) -> intake.Upserted | None:
    """Run the rules in force over a practice's published record on *as_of*, and renew its findings.

    ``None`` where nothing is published. ``ConflictError`` where another record was published
    meanwhile: its own publication has renewed the findings.
    """
    place = Organisation.objects.get(pk=practice, kind=Organisation.Kind.PRACTICE)
    with reading.leased(practice) as row:
        opened = reading.opened(row)
        if row is None or opened is None:
            return None
        incoming = from_rules.findings_of(opened, as_of)
        asked = requests.incoming_of(opened, as_of, place)
        with transaction.atomic():
            publishing.in_turn()
            now = Snapshot.objects.select_for_update().get(practice=place, published=True)
            if now.pk != row.pk:
                raise ConflictError("The practice's record was imported meanwhile.")
            publishing.lock_cases(place, [*incoming, *asked])
            found = intake.upsert_findings(place, incoming, row.pk, as_of)
            kind = Finding.Kind.REQUEST_ITEM
            items = intake.upsert_findings(place, asked, row.pk, as_of, kind=kind)
            Snapshot.objects.filter(pk=row.pk).update(as_of=as_of)
            refs = {"snapshot": row.snapshot_id, "as_of": as_of.isoformat(), "new": found.new}
            entries = [*found.entries, *items.entries, events.Entry("findings_renewed", refs)]
            events.append(place.pk, entries)
    events.anchor(home.current().anchors)
    return found


def renew_all(as_of: date, below: str = "") -> dict[str, intake.Upserted]:
    """Renew every practice with a published record, or those of one organisation; by practice."""
    rows = Organisation.objects.filter(kind=Organisation.Kind.PRACTICE).order_by("pk")
    done = {}
    for place in rows:
        if below and below not in (place.pk, place.parent_id):
            continue
        found = renew(place.pk, as_of)
        if found is not None:
            done[place.pk] = found
    return done

"""The publish protocol: a load becomes what everybody sees, all of it or nothing.

1. The load is put on the practice's published snapshot, which is held meanwhile.
2. What that makes is written as immutable files, synced, under a lease: a whole record, or a small
   part on top of the snapshot before.
3. Findings are computed from those files.
4. One database transaction publishes the snapshot, renews who the patients are, brings the findings
   up to it and appends the events.

Pages read only what step 4 committed. A kill between any two steps leaves the old world whole and
at most a folder that ``tidy`` removes. ``fault`` is called at each point by name (``POINTS``): a job
says there how far it is, and tests kill there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pyarrow.compute as pc
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet

from counterfoil.records import store as files
from counterfoil.records.load import Load
from counterfoil.records.merge import LossError, Merged, merge
from counterfoil.records.nhs import check_demo
from counterfoil.records.schema import empty
from counterfoil.service.casework import clock, computed, events, intake, requests
from counterfoil.service.casework.errors import ConflictError
from counterfoil.service.casework.models import Case, Finding
from counterfoil.service.config import home
from counterfoil.service.organisations.models import Organisation
from counterfoil.service.records import reading
from counterfoil.service.records.models import Lease, PersonIndex, Snapshot

POINTS = (
    "start",
    "merged",
    "written",
    "computed",
    "published",
    "indexed",
    "upserted",
    "committed",
    "tidied",
)
"""Where ``fault`` is called, in order: the last two lie after the commit."""

TURN = 0x636F756E746572
"""The number of the lock that publications take in turn on PostgreSQL."""

Compute = Callable[[files.Snapshot, date], Iterable[intake.Incoming]]
"""Findings of a written snapshot on an index day. Runs before the transaction, however long it is."""

Fault = Callable[[str], None]


def no_fault(point: str) -> None:
    """Nothing happens here."""


@dataclass(frozen=True)
class Published:
    """What a publication did. ``same`` when this snapshot was the published one already."""

    practice: str
    snapshot: str
    same: bool
    patients: int
    findings: intake.Upserted
    notes: tuple[str, ...] = ()
    """What the load and its merging have to say to whoever imported it."""


def and_nothing_else(done: Published) -> None:
    """The publication alone is the transaction."""


def publish(
    load: Load,
    as_of: date,
    compute: Compute,
    *,
    accept_loss: bool = False,
    fault: Fault = no_fault,
    inside: Callable[[Published], None] = and_nothing_else,
) -> Published:
    """Put *load* on the record of its practice and publish that, with its findings on *as_of*.

    The practice must exist. In a demo home ``DataError`` names every real-looking NHS number's
    place. :class:`~counterfoil.records.merge.LossError` where the load would take away more than a
    twentieth of a table, unless that is accepted. Loading the same data again publishes nothing
    new; findings are renewed on *as_of*. Publications of one practice wait for each other. *inside*
    is called in the transaction that publishes: what it writes holds if and only if the record does.
    """
    place = Organisation.objects.get(pk=load.practice, kind=Organisation.Kind.PRACTICE)
    if home.current().demo:
        check_demo(load)
    fault("start")
    leases: list[Lease] = []
    with reading.store().turn(place.pk), reading.leased(place.pk) as before:
        merged = merge(reading.opened(before), load)
        if merged.losses and not accept_loss:
            raise LossError(merged.losses)
        fault("merged")
        try:
            written = reading.store().write(
                merged, hold=lambda found: leases.append(reading.take_lease(found))
            )
            fault("written")
            incoming = list(compute(written, as_of))
            asked = requests.incoming_of(written, as_of, place)
            fault("computed")
            result = _commit(place, merged, written, incoming, asked, as_of, fault, inside)
        finally:
            for lease in leases:
                lease.delete()
    fault("committed")
    events.anchor(home.current().anchors)
    tidy()
    fault("tidied")
    return result


def _commit(
    place: Organisation,
    merged: Merged,
    written: files.Snapshot,
    incoming: Collection[intake.Incoming],
    asked: Collection[intake.Incoming],
    as_of: date,
    fault: Fault,
    inside: Callable[[Published], None],
) -> Published:
    key = f"{place.pk}/{written.id}"
    with transaction.atomic():
        in_turn()
        before = Snapshot.objects.select_for_update().filter(practice=place, published=True).first()
        same = before is not None and before.pk == key
        if merged.on is not None and (before is None or before.snapshot_id != merged.on.id):
            raise ConflictError("The practice's record was imported anew meanwhile. Try once more.")
        _publish_row(place, merged.load, written, key, as_of)
        fault("published")
        patients = _index_people(place, merged, as_of)
        fault("indexed")
        lock_cases(place, [*incoming, *asked])
        found = intake.upsert_findings(place, incoming, key, as_of)
        items = intake.upsert_findings(place, asked, key, as_of, kind=Finding.Kind.REQUEST_ITEM)
        _replace_cases(place, as_of)
        refs = {"snapshot": written.id, "new": found.new, "same": same}
        events.append(place.pk, [*found.entries, *items.entries, events.Entry("published", refs)])
        fault("upserted")
        done = Published(place.pk, written.id, same, patients, found, tuple(merged.load.notes))
        inside(done)
    return done


def in_turn() -> None:
    """Wait until no other practice is being published: they may share people, whose cases both
    would make, move and close. SQLite has one writer at a time anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [TURN])


def lock_cases(place: Organisation, incoming: Collection[intake.Incoming]) -> None:
    """Lock every case that this publication may write before it writes the first."""
    new = {one.person_id for one in incoming if one.state != Finding.State.CLEAR}
    here = PersonIndex.objects.filter(practice=place).values("person_id")
    found = Case.objects.filter(
        Q(practices=place) | Q(person_id__in=here) | Q(findings__practice=place)
    )
    intake.lock_cases(set(found.values_list("person_id", flat=True)), new)


def _publish_row(
    place: Organisation, load: Load, written: files.Snapshot, key: str, as_of: date
) -> None:
    now = clock.now()
    at = datetime.combine(load.data_as_at, time(12), UTC) if load.data_as_at else now
    _supersede(place, key, now)
    row, _ = Snapshot.objects.update_or_create(
        key=key,
        defaults={
            "practice": place,
            "snapshot_id": written.id,
            "published": True,
            "superseded_at": None,
            "format": load.format,
            "as_of": as_of,
            "data_as_at": min(at, now),
            "counts": {n: [c.read, c.loaded, c.rejected] for n, c in load.counts.items()},
        },
    )
    if row.published_at is None:
        Snapshot.objects.filter(pk=key).update(published_at=now)


def _supersede(place: Organisation, key: str, now: datetime) -> None:
    """Take the place of what is published, unless that is *key* itself."""
    before = Snapshot.objects.filter(practice=place, published=True).exclude(pk=key)
    before.update(published=False, superseded_at=now)


PERSON_FIELDS = (
    "person_id",
    "nhs_number",
    "given_name",
    "family_name",
    "birth_date",
    "sex",
    "death_date",
    "registered_from",
    "registered_to",
    "is_sensitive",
)


def _index_people(place: Organisation, merged: Merged, as_of: date) -> int:
    """Name the practice's patients as this snapshot does; how many there are.

    Who is gone from it, or was withdrawn, is gone from here, unless there is a case: a question
    that is still open must say of whom it speaks. They are then kept as having left.
    """
    patients = merged.rows.get("patient", empty("patient"))
    patients = patients.filter(pc.fill_null(pc.greater(patients["deleted_on"], as_of), True))
    rows = [
        PersonIndex(
            practice=place,
            patient_id=row["patient_id"],
            **{name: _plain(name, row[name]) for name in PERSON_FIELDS},
        )
        for row in patients.select(["patient_id", "nhs_status", *PERSON_FIELDS]).to_pylist()
    ]
    known = PersonIndex.objects.filter(practice=place)
    names = {row.patient_id for row in rows}
    if merged.on is None:
        have = {row.patient_id: row for row in known}
    else:
        have = _known_of(known, names, merged)
    gone = [row for patient_id, row in have.items() if patient_id not in names]
    for start in range(0, len(gone), 500):
        some = PersonIndex.objects.filter(pk__in=[row.pk for row in gone[start : start + 500]])
        worked = Case.objects.filter(person_id__in=some.values("person_id")).values("person_id")
        left = some.filter(person_id__in=worked)
        left.filter(Q(registered_to=None) | Q(registered_to__gt=as_of)).update(registered_to=as_of)
        some.exclude(pk__in=list(left.values_list("pk", flat=True))).delete()
    moved = [row for row in rows if not _same_person(have.get(row.patient_id), row)]
    PersonIndex.objects.bulk_create(
        moved,
        batch_size=60,
        update_conflicts=True,
        unique_fields=["practice", "patient_id"],
        update_fields=list(PERSON_FIELDS),
    )
    return merged.after["patient"]


def _known_of(
    known: QuerySet[PersonIndex], names: Collection[str], merged: Merged
) -> dict[str, PersonIndex]:
    """What is known of the patients whose own row a delta added, replaced or took away."""
    masked = merged.masked.get("patient")
    of = sorted({*names, *(masked["patient_id"].to_pylist() if masked is not None else ())})
    return {
        row.patient_id: row
        for start in range(0, len(of), 500)
        for row in known.filter(patient_id__in=of[start : start + 500])
    }


def _plain(name: str, value: Any) -> Any:
    """No number, no name: an empty text, so that a search never meets a null."""
    return "" if value is None and name in ("nhs_number", "given_name", "family_name") else value


def _same_person(before: PersonIndex | None, now: PersonIndex) -> bool:
    return before is not None and all(
        getattr(before, name) == getattr(now, name) for name in PERSON_FIELDS
    )


def _replace_cases(place: Organisation, as_of: date) -> None:
    """Cases of everybody in this practice's record, and of those it knew: who sees them now."""
    seen = set(Case.objects.filter(practices=place).values_list("person_id", flat=True))
    here = PersonIndex.objects.filter(practice=place).values("person_id")
    seen |= set(Case.objects.filter(person_id__in=here).values_list("person_id", flat=True))
    intake.place_cases(seen, as_of, None)


def tidy() -> list[str]:
    """Remove snapshots that are neither published nor read, and leases nobody holds any more.

    Run at start and after each publication. Superseded snapshots stay as long as the settings say;
    those that findings or decisions refer to by name need no files: what a decision rested on is
    kept with it.
    """
    reading.drop_dead_leases()
    _tidy_computed()
    return reading.store().remove_orphans(
        published=_wanted,
        leased=lambda: list(Lease.objects.values_list("snapshot_id", flat=True)),
    )


def _tidy_computed() -> None:
    """Remove what was found in snapshots that are not published any more, and are not about to be."""
    held = set(Lease.objects.values_list("snapshot_id", flat=True))
    rows = Snapshot.objects.filter(published=True).values_list("practice_id", "snapshot_id")
    for practice, snapshot in rows:
        computed.tidy(practice, {snapshot, *held})


def _wanted() -> list[str]:
    """The snapshots to keep: the published ones, and of the superseded so many or so long."""
    kept = list(Snapshot.objects.filter(published=True).values_list("snapshot_id", flat=True))
    number, days = settings.COUNTERFOIL_KEEP_SNAPSHOTS, settings.COUNTERFOIL_KEEP_SNAPSHOT_DAYS
    old = Snapshot.objects.filter(published=False, superseded_at__isnull=False)
    if days:
        since = clock.now() - timedelta(days=days)
        kept += old.filter(superseded_at__gte=since).values_list("snapshot_id", flat=True)
    if number:
        for practice in old.values_list("practice", flat=True).distinct().order_by("practice"):
            newest = old.filter(practice=practice).order_by("-superseded_at", "pk")[:number]
            kept += [row.snapshot_id for row in newest]
    return kept


def compact(practice: str, *, fault: Fault = no_fault) -> str | None:
    """Make one base of a practice's published snapshot and its deltas: the same record, row for
    row, under a new id. The new id, or ``None`` where there is nothing to make one of.

    Findings and decisions are not touched; who reads the old one goes on reading it.
    """
    leases: list[Lease] = []
    store = reading.store()
    with store.turn(practice), reading.leased(practice) as before:
        opened = reading.opened(before)
        if before is None or opened is None or len(opened.parts) == 1:
            return None
        fault("start")
        try:
            fresh = store.compact(opened, lambda found: leases.append(reading.take_lease(found)))
            fault("written")
            computed.carry_over(practice, before.snapshot_id, fresh.id)
            _take_place(before, fresh)
        finally:
            for lease in leases:
                lease.delete()
    fault("committed")
    tidy()
    fault("tidied")
    return fresh.id


def _take_place(before: Snapshot, fresh: files.Snapshot) -> None:
    """Publish the compacted snapshot in place of what it was made of."""
    with transaction.atomic():
        held = Snapshot.objects.select_for_update().filter(pk=before.pk, published=True).first()
        if held is None:
            raise ConflictError("The practice's record was imported anew meanwhile. Try once more.")
        key = f"{held.practice_id}/{fresh.id}"
        _supersede(held.practice, key, clock.now())
        Snapshot.objects.update_or_create(
            key=key,
            defaults={
                "practice": held.practice,
                "snapshot_id": fresh.id,
                "published": True,
                "superseded_at": None,
                "format": held.format,
                "as_of": held.as_of,
                "data_as_at": held.data_as_at,
                "published_at": held.published_at,
                "counts": held.counts,
            },
        )
        refs = {"snapshot": fresh.id, "of": held.snapshot_id}
        events.append(held.practice_id, [events.Entry("record_compacted", refs)])


def summary_counts(practices: Sequence[str]) -> list[dict[str, Any]]:
    """Findings by kind, rule, state, owner and practice, in a fixed order."""
    from django.db.models import Count

    rows = (
        Finding.objects.filter(practice__in=practices)
        .exclude(state=Finding.State.CLEAR)
        .values("kind", "rule", "state", "owner", "practice_id")
        .annotate(count=Count("pk"))
        .order_by("kind", "rule", "state", "owner", "practice_id")
    )
    return [
        {
            "kind": row["kind"],
            "rule": row["rule"],
            "state": row["state"],
            "owner": row["owner"],
            "practice": row["practice_id"],
            "count": row["count"],
        }
        for row in rows
    ]

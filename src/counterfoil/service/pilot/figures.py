"""The figures of the pilot page: weekly series of the registered measures, with their charts.

Monitoring comes from the record's own spans, one reading of the published snapshots, and is kept
until a practice publishes again. Letters and minutes come from the work log. Counts only: nobody is
named, so leads may look.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa

from counterfoil.evidence import weekly
from counterfoil.evidence.activity import Activity
from counterfoil.evidence.protocol import Protocol
from counterfoil.evidence.report import Shown, chart_for
from counterfoil.evidence.weekly import Series
from counterfoil.foundation import days
from counterfoil.rules import Rule
from counterfoil.rules.engines.duckdb import Engine
from counterfoil.service.accounts.models import User
from counterfoil.service.casework import clock, computed
from counterfoil.service.casework.models import ChainHead
from counterfoil.service.organisations.models import Organisation
from counterfoil.service.pilot import kept, worklog
from counterfoil.service.records import reading
from counterfoil.service.records.models import Snapshot
from counterfoil.service.records.published import InUse, Published
from counterfoil.service.team import kept as plans

ALWAYS = (
    "letters_within_7_days",
    "monitoring_overdue_rate",
    "monitoring_days_at_risk",
    "active_minutes_per_task",
)


@dataclass(frozen=True)
class Pilot:
    """A PCN's registered pilot as it stands on a day."""

    organisation: str
    name: str
    protocol: Protocol
    today: date
    shown: tuple[Shown, ...]
    weeks_before: int
    made_up: bool
    """Part of its work log was made up, for a demonstration."""


def pilots(user: User) -> tuple[Pilot, ...]:
    """The pilots of the user's PCNs, or of practices of theirs that belong to none."""
    places: dict[str, Organisation] = {}
    if user.is_active:
        for membership in user.memberships.select_related("organisation__parent"):
            place = membership.organisation
            if place.kind == Organisation.Kind.PRACTICE and place.parent is not None:
                place = place.parent
            places[place.pk] = place
    found = [_pilot(place) for place in places.values()]
    return tuple(one for one in found if one is not None)


def _pilot(place: Organisation) -> Pilot | None:
    protocol = kept.registered(place.pk)
    if protocol is None:
        return None
    today = clock.today()
    series = {one.measure.id: one for one in (*monitoring(place.pk), *worked(place.pk))}
    first = protocol.primary.measure.id
    order = [first, *(name for name in ALWAYS if name != first)]
    shown = tuple(
        chart_for(protocol, series[name].measure, _points(series[name], protocol))
        for name in order
        if name in series
    )
    start = protocol.phase("delivery").first
    before = [day for day, _ in series[first].points if day < start] if first in series else []
    counted = min(len(before), protocol.baseline_weeks)
    made_up = bool(kept.before_changed(place.pk)) and _demo()
    return Pilot(place.pk, place.name, protocol, today, shown, counted, made_up)


def _points(series: Series, protocol: Protocol) -> list[tuple[int, float]]:
    """From as many weeks before delivery as were registered, to the end of the analysis."""
    first = weekly.monday(protocol.phase("delivery").first) - 7 * protocol.baseline_weeks
    last = protocol.phases[-1].last
    return [(day, value) for day, value in series.points if first <= day <= last]


def _demo() -> bool:
    from counterfoil.service.config import home

    return home.current().demo


def practices_of(organisation: str) -> list[str]:
    """The practices whose work is counted: the PCN's, or the practice itself."""
    rows = Organisation.objects.filter(kind=Organisation.Kind.PRACTICE)
    codes = list(rows.filter(parent=organisation).order_by("pk").values_list("pk", flat=True))
    return codes or list(rows.filter(pk=organisation).values_list("pk", flat=True))


def monitoring(organisation: str) -> tuple[Series, ...]:
    """Monitoring overdue as rate and as days at risk, from the published records.

    As at the earliest index day of the snapshots, so that no week is counted before its data came.
    """
    rows = list(
        Snapshot.objects.filter(practice__in=practices_of(organisation), published=True).order_by(
            "practice_id"
        )
    )
    if not rows:
        return ()
    as_of = min(row.as_of for row in rows)
    groups = Published(tuple(rows)).in_use(as_of)
    parts = [(group, [rule for rule in group.rules if rule.monitors]) for group in groups]
    made_with = [
        computed.made_with(used, group.sets, frozenset(map(str, sorted(group.weak.items()))))
        for group, used in parts
    ]
    named_by = ("monitoring", [row.pk for row in rows], as_of.isoformat(), *made_with)
    found = kept.cached(*named_by)
    if found is None:
        leases: list[Any] = [reading.take_lease(row.snapshot_id) for row in rows]
        try:
            tables = [_spans(group, used, days.to_day(as_of)) for group, used in parts]
            found = weekly.from_spans(pa.concat_tables(tables), days.to_day(as_of))
        finally:
            for lease in leases:
                lease.delete()
        kept.cache(found, *named_by)
    return found


def work_out(practice: str) -> None:
    """After a publication: the series of the pilots the practice is in, so that no page waits."""
    place = Organisation.objects.get(pk=practice)
    for code in (place.pk, place.parent_id):
        if code and kept.registered(code) is not None:
            monitoring(code)


def _spans(group: InUse, used: list[Rule], as_of: int) -> pa.Table:
    """Every span of some rules in the practices where they are in force."""
    with Engine(group.tables, group.sets, as_of, gates=group.weak) as engine:
        return engine.spans(used).table


def worked(organisation: str) -> tuple[Series, ...]:
    """Letters within 7 days and active minutes a task, from the work log up to yesterday."""
    codes = practices_of(organisation)
    as_of = days.to_day(clock.today())
    heads = ChainHead.objects.filter(chain__in=codes).order_by("chain")
    named_by = (
        "worked",
        organisation,
        as_of,
        list(heads.values_list("chain", "seq")),
        kept.before_changed(organisation),
    )
    found = kept.cached(*named_by)
    if found is None:
        rows = [*kept.before(organisation), *activity(organisation)]
        found = (
            weekly.letters_within_7_days(rows, as_of),
            weekly.active_minutes_per_task(rows, as_of),
        )
        kept.cache(found, *named_by)
    return found


def activity(organisation: str, idle_minutes: float | None = None) -> list[Activity]:
    """The work log of a PCN's practices, with the site at which its plan had each person."""
    plan = plans.kept(organisation)
    if plan is None:
        return worklog.activity(practices_of(organisation), idle_minutes=idle_minutes)
    people = [person.id for person in plan.problem.people]
    rows = User.objects.filter(username__in=people).values_list("pk", "username")
    names = {str(pk): name for pk, name in rows}

    def where(user: str, day: date) -> str | None:
        return plan.where(names[user], day) if user in names else None

    return worklog.activity(practices_of(organisation), idle_minutes=idle_minutes, where=where)

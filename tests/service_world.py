"""A small made-up PCN for tests of the service: two practices, four roles, a stranger next door."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from counterfoil.records.load import Load, of_tables
from counterfoil.records.schema import from_rows

AS_OF = date(2026, 11, 20)
RULE, VERSION = "monitoring.methotrexate", "1"


def patient(
    practice: str, patient_id: str, person_id: str, nhs: str = "", **more: Any
) -> dict[str, object]:
    """A canonical patient row."""
    return {
        "patient_id": patient_id,
        "person_id": person_id,
        "nhs_number": nhs or None,
        "nhs_status": "verified" if nhs else "absent",
        "given_name": "Mary",
        "family_name": "Test",
        "birth_date": date(1955, 3, 3),
        "birth_precision": "day",
        "sex": "female",
        "registered_from": date(2010, 1, 1),
        "registration_type": "regular",
        "is_test": True,
        "is_sensitive": False,
        "practice": practice,
        "source_system": "synthetic",
        "source_id": patient_id,
        **more,
    }


def load_of(practice: str, patients: list[dict[str, object]]) -> Load:
    """A load that holds these patients and nothing else."""
    return of_tables(practice, {"patient": from_rows("patient", patients)})


def overdue(person_id: str, patient_id: str, **more: Any) -> Any:
    """A methotrexate test overdue, as it comes in from the rules."""
    from counterfoil.service.casework.intake import Incoming

    return replace(
        Incoming(
            person_id=person_id,
            patient_id=patient_id,
            kind="rule",
            rule=RULE,
            rule_version=VERSION,
            klass="monitoring",
            subject="fbc",
            state="open",
            owner="technician",
            title="Methotrexate: FBC overdue",
            summary="last 2 July 2026; every 12 weeks",
            since=date(2026, 9, 24),
            due=date(2026, 9, 24),
            reasons=[{"clause": "overdue", "holds": True, "text": "no FBC in 12 weeks"}],
            high_risk=True,
            issued_on=date(2026, 9, 1),
        ),
        **more,
    )


def publish(practice: str, patients: list[dict[str, object]], findings: Iterable[Any]) -> Any:
    """Publish a load with these findings, however many patients it leaves out."""
    from counterfoil.service.records import publishing

    given = list(findings)
    load = load_of(practice, patients)
    return publishing.publish(load, AS_OF, lambda _s, _d: given, accept_loss=True)


@dataclass(frozen=True)
class World:
    """The PCN ``U1`` with practices ``X1`` and ``X2``; ``X9`` belongs to nobody here."""

    tess: Any
    tom: Any
    phil: Any
    grace: Any
    lena: Any
    stranger: Any


def build() -> World:
    """Organisations, users and the approval of the one rule; no records yet."""
    from counterfoil.service.accounts.models import Membership, User
    from counterfoil.service.casework import actions
    from counterfoil.service.organisations.actions import organisation_named

    organisation_named("U1", "Riverside PCN", "pcn")
    organisation_named("X1", "Riverside", "practice", "U1")
    organisation_named("X2", "Hill Street", "practice", "U1")
    organisation_named("X9", "Elsewhere", "practice")

    def user(name: str, first: str, last: str, place: str, role: str) -> Any:
        made = User.objects.create_user(name, password=None, first_name=first, last_name=last)
        Membership.objects.create(user=made, organisation_id=place, role=role)
        return made

    world = World(
        tess=user("tess", "Tess", "Technician", "U1", "technician"),
        tom=user("tom", "Tom", "Technician", "U1", "technician"),
        phil=user("phil", "Phil", "Pharmacist", "U1", "pharmacist"),
        grace=user("grace", "Grace", "Prescriber", "X1", "prescriber"),
        lena=user("lena", "Lena", "Lead", "U1", "lead"),
        stranger=user("stranger", "Sam", "Stranger", "X9", "technician"),
    )
    actions.approve_rule(world.phil, "U1", RULE, VERSION)
    return world

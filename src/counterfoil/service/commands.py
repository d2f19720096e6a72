"""What the command line asks of the service. Nothing here prints; results are plain values.

Django is loaded inside the functions, so that ``counterfoil --help`` does not wait for it. One
process works on one home: :func:`ready` refuses a second.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from counterfoil.foundation.errors import DataError, UsageError
from counterfoil.service.config.home import Home

if TYPE_CHECKING:
    from counterfoil.records.load import Load
    from counterfoil.records.patient import PatientRecord
    from counterfoil.records.scan import Scan

Progress = Callable[[str, float], None]
"""Told what is being done and how much of the whole is behind us (0 to 1)."""

DEMO_PASSWORD = "counterfoil-demo"
DEMO_PCN = ("PCN01", "Riverside PCN (made up)")
DEMO_USERS = (
    ("tess", "Tess", "Technician", "technician"),
    ("phil", "Phil", "Pharmacist (made up)", "pharmacist"),
    ("grace", "Grace", "Prescriber", "prescriber"),
    ("lena", "Lena", "Lead", "lead"),
)
"""User name, given and family name, role: all in the made-up PCN, all with the one password."""


def quiet(what: str, share: float) -> None:
    """No progress to show."""


def ready(folder: Path | None = None) -> Home:
    """Django set up on this home (or the one of the environment); the home need not exist yet."""
    from django.apps import apps
    from django.conf import settings

    if not settings.configured:
        if folder is not None:
            os.environ["COUNTERFOIL_HOME"] = str(folder)
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "counterfoil.service.config.settings")
    if not apps.ready:
        import django

        django.setup()
    home = Home(Path(settings.COUNTERFOIL_HOME))
    if folder is not None and folder.resolve() != home.folder.resolve():
        raise UsageError(f"this process works on {home.folder} already")
    return home


def init_home(folder: Path, *, demo: bool = False, **facts: Any) -> Home:
    """Make the home where there is none, and bring its database up to date.

    A home is demo for ever or never: ``UsageError`` where *demo* is asked of a real one.
    """
    home = Home(folder)
    if demo and home.exists and not home.demo:
        raise UsageError(f"{folder} is not a demo home; name another folder with --home")
    home.create(demo=demo, **facts)
    home = ready(folder)
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    return home


def open_home(folder: Path | None = None) -> Home:
    """A home ready for work: made if need be, its database up to date, what a kill left removed."""
    from counterfoil.service.config.home import default_folder

    home = init_home(folder or default_folder())
    from counterfoil.service.casework import clock, events, intake
    from counterfoil.service.records import publishing

    publishing.tidy()
    intake.reopen_due(clock.today())
    events.anchor_if_due(home.anchors)
    return home


def create_demo(
    folder: Path,
    *,
    seed: int = 1,
    patients: int = 5000,
    practices: int = 2,
    as_of: date | None = None,
    progress: Progress = quiet,
) -> dict[str, Any]:
    """A made-up PCN in a demo home: records, findings, letters, users, approvals; its summary.

    A demo home that has been filled already is left as it is.
    """
    progress("Preparing the database", 0.0)
    home = init_home(folder, demo=True)
    from counterfoil.service.casework import clock
    from counterfoil.service.organisations.models import Organisation

    if not Organisation.objects.filter(kind=Organisation.Kind.PRACTICE).exists():
        when = as_of or clock.today()
        _fill_demo(home, seed, patients, practices, when, progress)
    progress("Ready", 1.0)
    return demo_summary(folder)


def _fill_demo(
    home: Home, seed: int, patients: int, practices: int, when: date, progress: Progress
) -> None:
    from counterfoil import synthetic
    from counterfoil.foundation import days
    from counterfoil.records.load import of_tables
    from counterfoil.service.casework import from_rules
    from counterfoil.service.organisations.actions import organisation_named
    from counterfoil.service.records import publishing
    from counterfoil.service.team import example

    organisation_named(*DEMO_PCN, "pcn")
    _demo_users()
    progress("Making up patients", 0.05)
    made = synthetic.generate(patients, practices, seed, days.to_day(when))
    for place in made.practices:
        organisation_named(place.code, place.name, "practice", DEMO_PCN[0])
    _demo_approvals()
    for number, place in enumerate(made.practices):
        share = 0.15 + 0.6 * number / len(made.practices)
        progress(f"Loading {place.name} and looking for findings", share)
        load = of_tables(place.code, made.for_practice(place.code))
        publishing.publish(load, when, from_rules.findings_of)
    _demo_letters(made.letters, progress)
    progress("Planning the rotation", 0.96)
    example.make(DEMO_PCN[0], [(place.code, place.name) for place in made.practices], when)
    progress("Charting the pilot", 0.98)
    _demo_pilot([(place.code, place.name) for place in made.practices], when, seed)
    _remember(home, seed=seed, as_of=when.isoformat(), patients=patients)


def _demo_users() -> None:
    from django.contrib.auth.hashers import make_password

    from counterfoil.service.accounts.models import Membership, User

    password = make_password(DEMO_PASSWORD)
    for name, given, family, role in DEMO_USERS:
        user, _ = User.objects.get_or_create(
            username=name,
            defaults={"first_name": given, "last_name": family, "password": password},
        )
        Membership.objects.get_or_create(user=user, organisation_id=DEMO_PCN[0], role=role)


def _demo_approvals() -> None:
    """Every shipped rule, approved by somebody who does not exist, and marked so."""
    from counterfoil.service.accounts.models import User
    from counterfoil.service.casework import actions, from_rules

    approver = User.objects.get(username="phil")
    for rule in from_rules.shipped():
        actions.approve_rule(approver, DEMO_PCN[0], rule.id, str(rule.version))


def _demo_letters(letters: Any, progress: Progress) -> None:
    from counterfoil.foundation import days

    if not letters:
        return
    from counterfoil.service.casework.letters import receive_letter

    for number, letter in enumerate(letters):
        progress("Reading discharge letters", 0.75 + 0.2 * number / len(letters))
        received = datetime.combine(days.to_date(letter.received_at), time(9), UTC)
        receive_letter(letter.practice, letter.content, letter.name, received)


def _demo_pilot(practices: list[tuple[str, str]], when: date, seed: int) -> None:
    """The made-up pilot of the demo, its series worked out beforehand."""
    from counterfoil.service.pilot import example, figures

    example.make(DEMO_PCN[0], practices, when, seed)
    figures.monitoring(DEMO_PCN[0])


def _remember(home: Home, **facts: Any) -> None:
    import json

    path = home.folder / "home.json"
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps({**home.facts(), **facts}, indent=1), "utf-8")
    partial.replace(path)


def demo_summary(folder: Path) -> dict[str, Any]:
    """What the demo made, as ``counterfoil demo --once`` prints it (design section 9)."""
    home = ready(folder)
    from counterfoil.service.casework.models import LetterDocument
    from counterfoil.service.organisations.models import Organisation
    from counterfoil.service.records.models import PersonIndex, Snapshot
    from counterfoil.service.records.publishing import summary_counts

    practices = Organisation.objects.filter(kind=Organisation.Kind.PRACTICE)
    codes = list(practices.order_by("pk").values_list("pk", flat=True))
    published = Snapshot.objects.filter(published=True)
    facts = home.facts()
    return {
        "seed": facts.get("seed"),
        "as_of": facts.get("as_of"),
        "practices": len(codes),
        "persons": PersonIndex.objects.values("person_id").distinct().count(),
        "findings": summary_counts(codes),
        "letters": LetterDocument.objects.count(),
        "requests": sum(row.counts.get("request", [0, 0, 0])[1] for row in published),
    }


def demo_sign_ins() -> list[dict[str, str]]:
    """The demo's sign-ins, to print."""
    return [
        {"user": name, "password": DEMO_PASSWORD, "name": f"{given} {family}", "role": role}
        for name, given, family, role in DEMO_USERS
    ]


def import_record(
    folder: Path | None,
    kind: str,
    path: Path,
    practice: str,
    as_of: date | None = None,
    accept_loss: bool = False,
    *,
    dry: bool = False,
    **told: Any,
) -> dict[str, Any]:
    """Load a record for a practice and publish it; the JSON of ``counterfoil import``.

    *told* are options of :class:`counterfoil.records.importers.Options`. With *dry* nothing is
    stored, and ``snapshot`` is missing. One patient's bundle is put into what the practice holds. ``DataError`` leaves everything as
    it was; a load that would take away more than a twentieth of a table is one, unless *accept_loss*.
    """
    home = open_home(folder)
    from counterfoil.records import importers
    from counterfoil.records.persons import DEMO_KEY
    from counterfoil.service.casework import clock, from_rules, loop
    from counterfoil.service.pilot import figures
    from counterfoil.service.records import publishing, reading

    key = DEMO_KEY if home.demo else home.secret("person.key").encode()
    options = importers.Options(patients=reading.patients_by_number(practice), **told)
    load = importers.read(kind, path, practice, key=key, options=options)
    if home.demo:
        from counterfoil.records.nhs import check_demo

        check_demo(load)
    if dry:
        return load.to_json()
    _practice_of(load)
    done = publishing.publish(
        load, as_of or clock.today(), from_rules.findings_of, accept_loss=accept_loss
    )
    loop.after_publication(practice)
    figures.work_out(practice)
    return {**load.to_json(done.snapshot), "notes": list(done.notes)}


def _practice_of(load: Load) -> None:
    """The practice of a load, made on first sight under the name the load gives it."""
    from counterfoil.service.organisations.actions import organisation_named
    from counterfoil.service.organisations.models import Organisation

    if Organisation.objects.filter(pk=load.practice).exists():
        return
    named = {
        row["org_code"]: row["name"]
        for row in load.tables["organisation"].select(["org_code", "name"]).to_pylist()
    }
    organisation_named(load.practice, named.get(load.practice, load.practice), "practice")


def import_letter(folder: Path | None, path: Path, practice: str) -> dict[str, Any]:
    """Take in one letter for a practice: its status, and why where it could not be used."""
    open_home(folder)
    from counterfoil.service.casework import clock
    from counterfoil.service.casework.letters import receive_letter
    from counterfoil.service.organisations.models import Organisation

    if not Organisation.objects.filter(pk=practice).exists():
        raise UsageError(f"there is no practice {practice} here; import its record first")
    if not path.is_file():
        raise DataError.at(path.name, "expected a file", "nothing there")
    row = receive_letter(practice, path.read_bytes(), path.name, clock.now())
    lines = len(row.outcome.get("lines", ()))
    return {"letter": str(row.pk), "status": row.status, "reason": row.reason, "lines": lines}


def renew(below: str = "", folder: Path | None = None) -> list[dict[str, Any]]:
    """Run the rules in force again on every published record, or those of one organisation."""
    open_home(folder)
    from counterfoil.service.casework import clock
    from counterfoil.service.organisations.models import Organisation
    from counterfoil.service.records.renewing import renew_all

    if below and not Organisation.objects.filter(pk=below).exists():
        raise UsageError(f"there is no organisation {below} here")
    return [
        {
            "practice": practice,
            "new": done.new,
            "changed": done.changed,
            "unchanged": done.unchanged,
            "cleared": done.cleared,
            "reopened": done.reopened,
        }
        for practice, done in renew_all(clock.today(), below).items()
    ]


def inboxes(folder: Path | None = None) -> list[dict[str, str]]:
    """The inboxes this home has, without their secrets."""
    home = open_home(folder)
    from counterfoil.service import inbox

    return [
        {
            "inbox": one.name,
            "kind": one.kind,
            "practice": one.practice,
            "place": f"{one.url} {one.mailbox}" if one.kind == "mesh" else str(one.path),
        }
        for one in inbox.load(home.folder)
    ]


def fetch_inboxes(folder: Path | None = None, only: str | None = None) -> list[dict[str, Any]]:
    """Fetch letters from every inbox, or the one called *only*; a report for each."""
    home = open_home(folder)
    from counterfoil.service import inbox

    chosen = [one for one in inbox.load(home.folder) if only in (None, one.name)]
    if not chosen:
        known = f"no inbox is called {only!r}" if only else "there are no inboxes yet"
        raise UsageError(f"{known}; inboxes are described in {inbox.settings.FILE} of the home")
    return [found.to_json() for found in inbox.fetch_all(chosen)]


def stored_record(folder: Path | None, nhs_number: str) -> PatientRecord:
    """The published record of the one patient with this NHS number; ``DataError`` otherwise."""
    open_home(folder)
    from counterfoil.records.nhs import normalise
    from counterfoil.service.records import reading
    from counterfoil.service.records.models import PersonIndex

    rows = list(PersonIndex.objects.filter(nhs_number=normalise(nhs_number) or "-"))
    current = [row for row in rows if row.registered_to is None] or rows
    if len(current) != 1:
        found = f"{len(current)} patients" if current else "nobody"
        raise DataError.at("--record", "expected the NHS number of one patient in the store", found)
    row = current[0]
    with reading.leased(row.practice_id) as snapshot:
        if snapshot is None:
            raise DataError.at("--record", "expected a practice whose record is published")
        return reading.store().patient(snapshot.snapshot_id, row.patient_id)


def published_files(folder: Path | None) -> dict[str, Scan]:
    """Every published snapshot by table: what ``audit run`` reads."""
    open_home(folder)
    from counterfoil.service.records import reading
    from counterfoil.service.records.models import Snapshot

    ids = Snapshot.objects.filter(published=True).order_by("practice_id")
    return reading.store().tables([row.snapshot_id for row in ids])


def approved_rules(folder: Path | None) -> dict[str, set[tuple[str, str]]]:
    """Practice -> (rule, version) approved there, by itself or by its PCN."""
    open_home(folder)
    from counterfoil.service.casework import intake
    from counterfoil.service.organisations.models import Organisation

    return {
        place.pk: intake.approved_rules(place)
        for place in Organisation.objects.filter(kind=Organisation.Kind.PRACTICE)
    }


def verify_log(folder: Path | None) -> dict[str, Any]:
    """Check the event log against itself and its anchors; anchor it anew where it is whole."""
    home = open_home(folder)
    from counterfoil.service.casework import events

    found = events.verify(home.anchors)
    if found.whole:
        events.anchor(home.anchors)
    return {
        "whole": found.whole,
        "chains": found.chains,
        "events": found.events,
        "anchors": found.anchors,
        "problems": list(found.problems),
    }


def add_user(
    folder: Path | None, username: str, name: str, role: str, organisation: str, password: str
) -> None:
    """Make an account with a role in an organisation; ``UsageError`` where it cannot be."""
    open_home(folder)
    from django.contrib.auth.password_validation import validate_password
    from django.core.exceptions import ValidationError

    from counterfoil.service.accounts.models import Membership, Role, User
    from counterfoil.service.organisations.models import Organisation

    if role not in Role.values:
        raise UsageError(f"there is no role {role}; there are {', '.join(Role.values)}")
    if not Organisation.objects.filter(pk=organisation).exists():
        raise UsageError(f"there is no organisation {organisation} here")
    if User.objects.filter(username=username).exists():
        raise UsageError(f"there is an account {username} already")
    given, _, family = name.partition(" ")
    user = User(username=username, first_name=given, last_name=family)
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise UsageError(" ".join(error.messages)) from None
    user.set_password(password)
    user.save()
    Membership.objects.create(user=user, organisation_id=organisation, role=role)


def serve(folder: Path | None, host: str = "127.0.0.1", port: int = 8000) -> None:
    """Serve the pages until stopped. A demo home is served on the loopback address only.

    What was left of an import is taken up; what works on one when the service stops is stopped too.
    """
    home = open_home(folder)
    if home.demo and not _loopback(host):
        raise UsageError("a demo home is served on the loopback address only (127.0.0.1)")
    from granian.constants import Interfaces
    from granian.server import Server

    os.environ["COUNTERFOIL_HOME"] = str(home.folder)
    from django.db import connections

    from counterfoil.service.setup import importing, starting

    if importing.under_way():
        starting.start()
    connections.close_all()
    server = Server(
        "counterfoil.service.config.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=4,
        log_access=False,
        respawn_failed_workers=True,
    )
    try:
        server.serve()
    finally:
        starting.stop()


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"

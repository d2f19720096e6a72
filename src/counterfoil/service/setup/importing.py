"""Imports from the page, as jobs: a file is kept, tried dry, asked about, and then imported.

A job's row says where it stands; its file waits in a private folder of the home. Reading and
publishing is not done here, in a request, but by a worker beside the service
(:mod:`counterfoil.service.setup.working`): what is asked for here outlives the request, and a restart.
A person has an hour to answer; then the file is removed.

Leads, administrators and technicians of a practice may import its record: they are shown counts and
places in files, no patient.
"""

from __future__ import annotations

import shutil
import threading
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Q

from counterfoil.records.importers import mapped
from counterfoil.service.accounts.models import Role, User
from counterfoil.service.casework import clock, scope
from counterfoil.service.casework.errors import ConflictError, ScopeError
from counterfoil.service.config import home
from counterfoil.service.organisations.models import Organisation
from counterfoil.service.records.models import ImportJob
from counterfoil.service.setup import starting, trying
from counterfoil.service.setup.trying import DryRun

IMPORTING = (Role.LEAD, Role.ADMIN, Role.TECHNICIAN)
KEPT = timedelta(hours=1)
"""How long a file waits for a person."""
REMEMBERED = timedelta(days=30)
"""How long what became of it is shown."""
SHOWN_JOBS = 20
State = ImportJob.State
UNDER_WAY = (State.QUEUED, State.READING, State.CONFIRMED, State.PUBLISHING)
"""The worker's turn."""
NOBODY = "Nobody decided within an hour, and the file was removed. Nothing was changed."


@dataclass(frozen=True)
class Job:
    """One import as its page shows it."""

    ref: str
    practice: str
    practice_name: str
    file: str
    who: str
    state: str
    step: str
    table: bool
    made_at: datetime
    changed_at: datetime
    tries: int
    reasons: tuple[str, ...]
    run: DryRun
    result: dict[str, Any]

    @property
    def under_way(self) -> bool:
        """Whether it goes on by itself."""
        return self.state in UNDER_WAY

    @property
    def until(self) -> datetime:
        """Until when the file waits for a person."""
        return self.changed_at + KEPT


def practices(user: User) -> tuple[tuple[str, str], ...]:
    """Code and name of the practices whose record this user may import."""
    found = scope.practices(user, IMPORTING).order_by("name")
    return tuple(found.values_list("pk", "name"))


def receive(
    user: User, practice: str, name: str, chunks: Iterable[bytes], delta: bool = False
) -> str:
    """Keep the file and have it tried dry; the reference of the job.

    A single CSV file is not tried yet: it waits until its columns are mapped. *delta*: it holds only
    what changed. ``ScopeError`` where the user may not import this practice's record.
    """
    place = _place(user, practice)
    sweep()
    job = ImportJob(
        practice=place,
        user=user,
        file=_shown_name(name),
        delta=delta,
        made_at=clock.now(),
        changed_at=clock.now(),
    )
    folder = folder_of(job)
    folder.mkdir(mode=0o700)
    try:
        with (folder / trying.FILE).open("xb") as file:
            for chunk in chunks:
                file.write(chunk)
        job.table = trying.is_table(folder / trying.FILE)
        job.state = State.COLUMNS if job.table else State.QUEUED
        job.save(force_insert=True)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    later = threading.Timer((KEPT + timedelta(seconds=5)).total_seconds(), sweep)
    later.daemon = True
    later.start()
    _have_it_done()
    return str(job.pk)


def found(user: User, ref: str) -> Job:
    """The user's own job; ``ScopeError`` where there is none (any more).

    Where nobody is at work on it though it is the worker's turn, one is started.
    """
    sweep()
    job = _own(user, ref)
    if job.state in UNDER_WAY:
        starting.start()
    return shown(job)


def lately(user: User) -> list[tuple[Job, bool]]:
    """The newest jobs of the practices whose record the user may import, and which are their own."""
    sweep()
    rows = ImportJob.objects.filter(practice__in=scope.practices(user, IMPORTING).values("pk"))
    newest = rows.select_related("practice", "user").order_by("-made_at")[:SHOWN_JOBS]
    return [(shown(row), row.user_id == user.pk) for row in newest]


def confirm(user: User, ref: str, accept_loss: bool = False, seen: str = "") -> None:
    """Have what was tried imported; *seen* is the dry run that was looked at, by its moment.

    ``ConflictError`` where it cannot be: it was not tried to an end, it is under way or done
    already, or it would take away more than is believed and that was not accepted.
    """
    job = _own(user, ref)
    if job.state == State.REFUSED:
        raise ConflictError("This file cannot be imported: the dry run says why.")
    if seen and seen != job.changed_at.isoformat():
        raise ConflictError("The file was tried again since. Look at these figures, then confirm.")
    if DryRun.from_json(job.tried).losses and not accept_loss:
        raise ConflictError(
            "It would take away more than 5% of a table. Say that the rows may go, or remove the file."
        )
    asked = ImportJob.objects.filter(pk=job.pk, state=State.ASKS, changed_at=job.changed_at)
    if not asked.update(
        state=State.CONFIRMED,
        accept_loss=accept_loss,
        reasons=[],
        step="",
        tries=0,
        changed_at=clock.now(),
    ):
        raise ConflictError("This file is being worked on already.")
    _have_it_done()


def forget(user: User, ref: str) -> None:
    """Remove a job that waits for a person, or has come to its end, and its file."""
    job = _own(user, ref)
    gone, _ = ImportJob.objects.filter(pk=job.pk).exclude(state__in=UNDER_WAY).delete()
    if not gone:
        raise ConflictError("This file is being worked on. Wait until that is done.")
    shutil.rmtree(folder_of(job), ignore_errors=True)


def waiting_file(user: User, ref: str) -> tuple[dict[str, Any], Path]:
    """What is known of the user's own file of one table, and the file, to map its columns."""
    sweep()
    job = _own(user, ref)
    path = folder_of(job) / trying.FILE
    if not job.table or job.state in UNDER_WAY or not path.exists():
        raise ScopeError("There is no such file; files are kept for an hour.")
    about = {
        "practice": job.practice_id,
        "practice_name": job.practice.name,
        "file": job.file,
    }
    return about, path


def try_mapped(user: User, ref: str, given: mapped.ColumnMap) -> None:
    """Have a file of one table tried with this map; it can be tried with another one afterwards."""
    _, path = waiting_file(user, ref)
    (path.parent / trying.MAP).write_text(given.to_toml(), "utf-8")
    waits = ImportJob.objects.filter(pk=ref).exclude(state__in=(*UNDER_WAY, State.DONE))
    waits.update(state=State.QUEUED, tried={}, reasons=[], tries=0, changed_at=clock.now())
    _have_it_done()


def sweep() -> None:
    """Remove files that have waited for somebody for more than an hour, and jobs long over."""
    now = clock.now()
    late = ImportJob.objects.filter(changed_at__lt=now - KEPT)
    late.filter(state__in=(State.COLUMNS, State.ASKS)).update(
        state=State.REFUSED, reasons=[NOBODY], changed_at=now
    )
    ImportJob.objects.filter(changed_at__lt=now - REMEMBERED).exclude(state__in=UNDER_WAY).delete()
    oldest = now - KEPT
    for path in _folder().iterdir():
        try:
            at = datetime.fromtimestamp(path.stat().st_mtime, oldest.tzinfo)
        except OSError:
            continue
        if at >= oldest:
            continue
        if path.is_dir() and not _wanted(path.name):
            shutil.rmtree(path, ignore_errors=True)
        elif path.is_file():
            path.unlink(missing_ok=True)


def folder_of(job: ImportJob) -> Path:
    """Where a job's file waits."""
    return _folder() / str(job.pk)


def shown(job: ImportJob) -> Job:
    """A job's row as a page shows it."""
    return Job(
        ref=str(job.pk),
        practice=job.practice_id,
        practice_name=job.practice.name,
        file=job.file,
        who=job.user.display_name,
        state=str(job.state),
        step=job.step,
        table=job.table,
        made_at=job.made_at,
        changed_at=job.changed_at,
        tries=job.tries,
        reasons=tuple(job.reasons),
        run=DryRun.from_json(job.tried),
        result=dict(job.result),
    )


def _have_it_done() -> None:
    """Start the worker once what it is to do can be seen."""
    transaction.on_commit(starting.start)


def _own(user: User, ref: str) -> ImportJob:
    job = ImportJob.objects.select_related("practice", "user").filter(pk=uuid.UUID(ref)).first()
    if job is None or job.user_id != user.pk:
        raise ScopeError("There is no such import.")
    _place(user, job.practice_id)
    return job


def _wanted(ref: str) -> bool:
    """Whether a file that is old is still to be worked on, or a person has time left."""
    job = ImportJob.objects.filter(pk=ref).first()
    if job is None or job.state == State.DONE:
        return False
    return job.state in UNDER_WAY or job.changed_at >= clock.now() - KEPT


def under_way() -> bool:
    """Whether anything is the worker's turn."""
    rows = ImportJob.objects.filter(Q(state__in=UNDER_WAY) | Q(followed=False))
    return rows.exists()


def _folder() -> Path:
    folder = home.current().folder / "importing"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def _place(user: User, practice: str) -> Organisation:
    place = scope.practices(user, IMPORTING).filter(pk=practice).first()
    if place is None:
        raise ScopeError("You cannot import records for this practice.")
    return place


def _shown_name(name: str) -> str:
    kept = "".join(c for c in Path(name.replace("\\", "/")).name if c.isprintable())
    return kept[:80] or "file"

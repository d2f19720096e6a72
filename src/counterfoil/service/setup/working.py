"""The worker of imports: reads what waits, publishes what was confirmed, then ends.

It runs as ``python -m counterfoil.service.worker`` and may be killed at any moment: whoever works next
takes up what it held. A job that was being
published is done if and only if the record is published, because both are one transaction.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from datetime import timedelta

from django.db.models import Q, QuerySet

from counterfoil.foundation.errors import DataError
from counterfoil.records.merge import LossError
from counterfoil.service.casework.errors import ConflictError
from counterfoil.service.records import publishing, reading
from counterfoil.service.records.models import ImportJob

MOST_TRIES = 3
ELSEWHERE = timedelta(hours=2)
"""A worker of another machine cannot be seen: one that says nothing for so long is gone."""
MOVED_ON = (
    "The practice's record was imported again since the file was tried, so it was tried once more. "
    "Look at the figures again."
)
State = ImportJob.State
_log = logging.getLogger(__name__)


def work(fault: publishing.Fault = publishing.no_fault) -> int:
    """Work on what waits, one job after another; how many steps were taken.

    None where another worker of this home is at it. *fault* is called at each point of the publish
    protocol.
    """
    from counterfoil.service.setup import starting

    done = 0
    while True:
        with starting.alone() as mine:
            if not mine:
                return done
            repair()
            while job := _taken():
                _guarded(job, fault)
                done += 1
                repair()
        # What was given between the last look and the end of the lock has started nobody.
        if not _waiting().exists():
            return done


def repair() -> None:
    """Take from workers that are gone what they held, so that it is worked on again.

    What was cut short too often is refused: something about it ends the worker each time.
    """
    from counterfoil.service.casework import clock

    held = ImportJob.objects.exclude(holder="")
    for job in held:
        late = job.changed_at < clock.now() - ELSEWHERE
        gone = not reading.is_there(job.holder) if reading.is_here(job.holder) else late
        if not gone:
            continue
        back = {State.READING: State.QUEUED, State.PUBLISHING: State.CONFIRMED}
        state = back.get(State(job.state), State(job.state))
        mine = ImportJob.objects.filter(pk=job.pk, holder=job.holder)
        if job.tries < MOST_TRIES:
            mine.update(state=state, holder="", step="", changed_at=clock.now())
        elif state == State.DONE:
            _log.error("import %s: what follows a publication was cut short too often", job.pk)
            mine.update(holder="", followed=True)
        else:
            said = f"The work on this file was cut short {job.tries} times. Nothing was changed."
            mine.update(state=State.REFUSED, holder="", reasons=[said], changed_at=clock.now())
            _remove_files(job)


def _waiting() -> QuerySet[ImportJob]:
    """Jobs that a worker can take."""
    return ImportJob.objects.filter(holder="").filter(
        Q(state__in=(State.QUEUED, State.CONFIRMED)) | Q(state=State.DONE, followed=False)
    )


def _taken() -> ImportJob | None:
    """The job that waits longest, held by this process now; ``None`` where none waits."""
    from django.db.models import F

    from counterfoil.service.casework import clock

    for job in _waiting().select_related("practice", "user").order_by("changed_at"):
        at = {State.QUEUED: State.READING, State.CONFIRMED: State.PUBLISHING}
        state = at.get(State(job.state), State(job.state))
        free = ImportJob.objects.filter(pk=job.pk, holder="", state=job.state)
        if free.update(
            state=state,
            holder=reading.this_process(),
            tries=F("tries") + 1,
            changed_at=clock.now(),
        ):
            job.state = state
            return job
    return None


def _guarded(job: ImportJob, fault: publishing.Fault) -> None:
    """One step of a job. What goes wrong within this program is said, and named in the log."""
    steps: dict[str, Callable[[], None]] = {
        State.READING: lambda: _read(job),
        State.PUBLISHING: lambda: _publish(job, fault),
        State.DONE: lambda: _follow(job),
    }
    try:
        steps[job.state]()
    except Exception as error:
        # Not the message: it may hold what a file holds.
        _log.exception("import %s: %s", job.pk, type(error).__name__, exc_info=_bare(error))
        if ImportJob.objects.filter(pk=job.pk, state=State.DONE).exists():
            _settle(job, State.DONE, followed=True)
            return
        said = f"A fault of this program stopped the import ({type(error).__name__}). "
        _refuse(job, [said + "Nothing was changed. The service's log says where."])


def _bare(error: Exception) -> Exception:
    """The same fault with its place and without its words."""
    return RuntimeError("see the place above").with_traceback(error.__traceback__)


def _read(job: ImportJob) -> None:
    from counterfoil.service.setup import importing, trying

    found = trying.dry_run(importing.folder_of(job), job.practice_id, job.delta)
    if found.problems:
        _settle(job, State.REFUSED, tried=found.to_json(), reasons=list(found.problems))
        if not job.table:
            _remove_files(job)
        return
    _settle(job, State.ASKS, tried=found.to_json())


def _publish(job: ImportJob, fault: publishing.Fault) -> None:
    """Publish what was confirmed, and in the same transaction say so in the job and the log."""
    from counterfoil.service.casework import clock, events, from_rules, scope
    from counterfoil.service.setup import importing, trying

    run = trying.DryRun.from_json(job.tried)
    allowed = scope.practices(job.user, importing.IMPORTING).filter(pk=job.practice_id)
    if not allowed.exists():
        _refuse(job, ["Whoever asked for this cannot import records for this practice any more."])
        return
    if trying.published_key(job.practice_id) != run.published:
        _settle(job, State.QUEUED, tried={}, reasons=[MOVED_ON])
        return
    held = set(importing.IMPORTING) & scope.roles_at(job.user, [job.practice_id])
    role = next(iter(sorted(held)), "")

    def inside(done: publishing.Published) -> None:
        said = {
            "snapshot": done.snapshot,
            "patients": done.patients,
            "new": done.findings.new,
            "same": done.same,
        }
        if not _settle(job, State.DONE, result=said, followed=False, holder=job_holder):
            raise ConflictError("another worker has taken this job over")
        refs = {"snapshot": done.snapshot, "format": run.format}
        events.append(job.practice_id, [events.Entry("record_imported", refs)], job.user, role)

    def at(point: str) -> None:
        if point in ("start", "merged", "written", "computed"):
            mine = ImportJob.objects.filter(pk=job.pk, state=State.PUBLISHING)
            mine.update(step=point, changed_at=clock.now())
        fault(point)

    job_holder = reading.this_process()
    try:
        with trying.loaded(importing.folder_of(job), job.practice_id, job.delta) as load:
            publishing.publish(
                load,
                clock.today(),
                from_rules.findings_of,
                accept_loss=job.accept_loss,
                fault=at,
                inside=inside,
            )
    except (ConflictError, LossError):
        _settle(job, State.QUEUED, tried={}, reasons=[MOVED_ON])
        return
    except DataError as error:
        _refuse(job, [str(problem) for problem in error.problems])
        return
    _follow(job)


def _follow(job: ImportJob) -> None:
    """Bring letters and figures up to the record, and remove the file."""
    from counterfoil.service.casework import loop
    from counterfoil.service.pilot import figures

    _remove_files(job)
    loop.after_publication(job.practice_id)
    figures.work_out(job.practice_id)
    ImportJob.objects.filter(pk=job.pk).update(followed=True, holder="", tries=0)


def _settle(job: ImportJob, state: ImportJob.State, **changes: object) -> bool:
    """Say where a job stands now; false where another worker has taken it over meanwhile."""
    from counterfoil.service.casework import clock

    said = {"holder": "", "tries": 0, "step": "", "changed_at": clock.now(), **changes}
    mine = ImportJob.objects.filter(pk=job.pk, holder=reading.this_process())
    return bool(mine.update(state=state, **said))


def _refuse(job: ImportJob, reasons: list[str]) -> None:
    if _settle(job, State.REFUSED, reasons=reasons):
        _remove_files(job)


def _remove_files(job: ImportJob) -> None:
    from counterfoil.service.setup import importing

    shutil.rmtree(importing.folder_of(job), ignore_errors=True)

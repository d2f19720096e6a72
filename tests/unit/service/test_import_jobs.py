"""An import is a job: worked on once, taken up again when its worker is gone, never half done."""

from __future__ import annotations

from typing import Any

import pytest

import service_world as sw
from counterfoil.service.casework.errors import ConflictError
from counterfoil.service.pages.presenters.importing import STATES, STEPS, card, listed
from counterfoil.service.records import publishing, reading
from counterfoil.service.records.models import ImportJob, PersonIndex, Snapshot
from counterfoil.service.setup import importing, starting, trying, working
from unit.service.test_importing import PATIENTS, imported, packed, tried

State = ImportJob.State
GONE = f"{reading.this_process().split(':')[0]}:1:gone"
"""A holder of this machine that is not there: the first process began at another time."""


class Killed(BaseException):
    """Stands for a kill: nothing within the worker may catch it."""


def killed_at(point: str) -> publishing.Fault:
    def fault(at: str) -> None:
        if at == point:
            raise Killed

    return fault


@pytest.mark.slow
@pytest.mark.parametrize("point", ["upserted", "committed"])
def test_killed_while_publishing_the_job_says_which_world_it_is(world: Any, point: str) -> None:
    sw.publish("X1", [sw.patient("X1", "p9", "A"), sw.patient("X1", "p8", "B")], [])
    job = tried(world.lena, packed(patient=PATIENTS))
    importing.confirm(world.lena, job.ref)
    with pytest.raises(Killed):
        working.work(killed_at(point))
    row = ImportJob.objects.get()
    old = point != "committed"
    assert row.state == (State.PUBLISHING if old else State.DONE)
    assert Snapshot.objects.count() == (1 if old else 2)
    assert importing.found(world.lena, job.ref).under_way == old
    # Whoever works next finds that the holder is gone.
    ImportJob.objects.update(holder=GONE)
    working.work()
    done = importing.found(world.lena, job.ref)
    assert (done.state, done.result["patients"]) == ("done", 2)
    assert Snapshot.objects.count() == 2
    assert PersonIndex.objects.filter(practice="X1", patient_id="p1").exists()
    assert ImportJob.objects.get().followed
    assert not importing.under_way()


def test_what_is_cut_short_again_and_again_is_refused_and_changes_nothing(world: Any) -> None:
    ref = importing.receive(world.lena, "X1", "record", [packed(patient=PATIENTS)])
    for _ in range(working.MOST_TRIES):
        working.repair()
        assert working._taken() is not None
        ImportJob.objects.update(holder=GONE)
    assert card(importing.found(world.lena, ref)).again
    working.work()
    job = importing.found(world.lena, ref)
    assert job.state == "refused"
    assert "cut short 3 times" in job.reasons[0]
    assert not Snapshot.objects.exists()


def test_a_job_of_a_worker_that_is_there_is_left_alone(world: Any) -> None:
    ref = importing.receive(world.lena, "X1", "record", [packed(patient=PATIENTS)])
    assert working._taken() is not None
    assert working.work() == 0
    assert importing.found(world.lena, ref).state == "reading"
    with pytest.raises(ConflictError):
        importing.forget(world.lena, ref)


def test_one_worker_a_home(world: Any, monkeypatch: Any, settings: Any) -> None:
    ref = importing.receive(world.lena, "X1", "record", [packed(patient=PATIENTS)])
    settings.COUNTERFOIL_STARTS_WORKER = True
    started = []
    monkeypatch.setattr(starting.subprocess, "Popen", lambda *a, **k: started.append(a) or Done())
    with starting.alone() as mine, starting.alone() as other:
        assert (mine, other) == (True, False)
        assert working.work() == 0
        assert not starting.start()
    # The page starts one where it is the worker's turn and nobody is there.
    importing.found(world.lena, ref)
    assert len(started) == 1


class Done:
    def poll(self) -> int:
        return 0


@pytest.mark.slow
def test_two_people_at_once(world: Any) -> None:
    """Both files are tried; the second to be imported is tried again before anything happens."""
    first = tried(world.lena, packed(patient=PATIENTS))
    second = tried(world.tess, packed(patient=PATIENTS.replace("Joe", "Jim")))
    importing.confirm(world.lena, first.ref)
    importing.confirm(world.tess, second.ref)
    working.work()
    assert importing.found(world.lena, first.ref).state == "done"
    again = importing.found(world.tess, second.ref)
    assert (again.state, again.run.patients_before) == ("asks", 2)
    assert "imported again" in again.reasons[0]
    assert imported(world.tess, again).state == "done"
    lines = [listed(job, own) for job, own in importing.lately(world.lena)]
    assert [(line.own, line.file) for line in lines] == [(False, ""), (True, "record")]
    assert [line.who for line in lines] == [world.tess.display_name, world.lena.display_name]
    assert importing.lately(world.stranger) == []


def test_a_load_that_shrinks_a_table_asks(world: Any) -> None:
    sw.publish("X1", [sw.patient("X1", f"p{n}", f"P{n}") for n in range(40)], [])
    job = tried(world.lena, packed(patient=PATIENTS))
    assert job.state == "asks"
    assert [loss["table"] for loss in job.run.losses] == ["patient"]
    with pytest.raises(ConflictError, match="5%"):
        importing.confirm(world.lena, job.ref)
    assert imported(world.lena, job, accept_loss=True).state == "done"


def test_a_fault_of_the_program_is_said_without_what_the_file_holds(
    world: Any, monkeypatch: Any, caplog: Any
) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError("999" + "0000018")

    monkeypatch.setattr(trying, "dry_run", broken)
    job = tried(world.lena, packed(patient=PATIENTS))
    assert job.state == "refused"
    assert "ZeroDivisionError" in job.reasons[0]
    assert "9990000018" not in caplog.text + job.reasons[0]
    assert "in broken" in caplog.text


def test_who_may_not_import_any_more_does_not(world: Any) -> None:
    job = tried(world.lena, packed(patient=PATIENTS))
    importing.confirm(world.lena, job.ref)
    world.lena.memberships.all().delete()
    working.work()
    row = ImportJob.objects.get()
    assert row.state == State.REFUSED
    assert "any more" in row.reasons[0]
    assert not Snapshot.objects.exists()


def test_every_state_and_step_has_its_words() -> None:
    assert set(STATES) == set(State.values)
    before = publishing.POINTS[: publishing.POINTS.index("published")]
    assert set(STEPS) == {"", *before}

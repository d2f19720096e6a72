"""A dry run changes nothing, a confirmed one is an import, and no archive does harm."""

from __future__ import annotations

import hashlib
import io
import os
import re
import time
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

import service_world as sw
from counterfoil.foundation.errors import DataError
from counterfoil.service.casework import clock
from counterfoil.service.casework.errors import ConflictError, ScopeError
from counterfoil.service.casework.models import Event
from counterfoil.service.records.models import ImportJob, PersonIndex, Snapshot
from counterfoil.service.setup import importing, uploads, working

PATIENTS = (
    "patient_id,nhs_number,given_name,family_name,birth_date,sex,registered_from\n"
    "p1,9990000018,Mary,Test,1955-03-03,female,2010-01-01\n"
    "p2,,Joe,Sample,1959-06-01,male,2011-01-01\n"
    "p3,,Ann,Example,not a date,female,2011-01-01\n"
)
SESSIONS = ("django_session", "sqlite_sequence", "records_lease", "records_importjob")


def packed(**files: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as pack:
        for name, text in files.items():
            pack.writestr(name.replace("__", "/") + ".csv", text)
    return made.getvalue()


def everything(home: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """All rows of all tables but the sessions, and a hash of every file of store and letters."""
    rows = {}
    with connection.cursor() as cursor:
        for table in sorted(set(connection.introspection.table_names(cursor)) - set(SESSIONS)):
            cursor.execute(f'SELECT * FROM "{table}"')
            rows[table] = sorted(map(repr, cursor.fetchall()))
    files = [f for part in (home.store, home.documents) for f in part.rglob("*") if f.is_file()]
    return rows, {str(f): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def tried(user: Any, content: bytes, practice: str = "X1") -> Any:
    ref = importing.receive(user, practice, "record", [content])
    assert importing.found(user, ref).state == "queued"
    working.work()
    return importing.found(user, ref)


def imported(user: Any, job: Any, accept_loss: bool = False) -> Any:
    importing.confirm(user, job.ref, accept_loss)
    assert importing.found(user, job.ref).state == "confirmed"
    working.work()
    return importing.found(user, job.ref)


@pytest.mark.hazard("HZ-003")
def test_a_dry_run_leaves_database_and_store_as_they_were(world: Any, home: Any) -> None:
    sw.publish("X1", [sw.patient("X1", "p9", "A")], [sw.overdue("A", "p9")])
    before = everything(home)
    job = tried(world.lena, packed(patient=PATIENTS))
    run = job.run
    assert everything(home) == before
    assert (run.patients, run.patients_before, run.patients_after) == (2, 1, 2)
    assert run.rejected == 1
    assert re.search(r"patient\.csv row 4", run.rejects[0]["place"])
    assert any("not in this load" in note for note in run.notes)
    line = next(t for t in run.tables if t.name == "patient")
    assert (line.read, line.loaded, line.rejected) == (3, 2, 1)
    kept = home.folder / "importing" / job.ref
    assert kept.stat().st_mode & 0o077 == 0


@pytest.mark.slow
def test_what_was_tried_is_imported_and_who_did_is_logged(world: Any, home: Any) -> None:
    job = tried(world.tess, packed(export__patient=PATIENTS))
    done = imported(world.tess, job)
    assert done.state == "done"
    assert done.result["patients"] == PersonIndex.objects.filter(practice="X1").count() == 2
    event = Event.objects.get(kind="record_imported")
    assert (event.chain, event.actor, event.role) == ("X1", str(world.tess.pk), "technician")
    assert list((home.folder / "importing").iterdir()) == []
    with pytest.raises(ConflictError, match="already"):
        importing.confirm(world.tess, job.ref)


def test_a_record_that_moved_on_is_not_overwritten_unseen(world: Any) -> None:
    job = tried(world.lena, packed(patient=PATIENTS))
    sw.publish("X1", [sw.patient("X1", "p9", "A")], [])
    again = imported(world.lena, job)
    assert again.state == "asks"
    assert "imported again" in again.reasons[0]
    assert (again.run.patients_before, again.run.patients_after) == (1, 2)
    assert Snapshot.objects.filter(practice="X1").count() == 1


def test_only_who_may_import_reaches_a_dry_run_and_only_their_own(world: Any) -> None:
    for user in (world.phil, world.grace, world.stranger):
        with pytest.raises(ScopeError):
            importing.receive(user, "X1", "record", [b"{}"])
    job = tried(world.lena, packed(patient=PATIENTS))
    for user in (world.tess, world.stranger):
        for call in (importing.found, importing.forget, importing.confirm):
            with pytest.raises(ScopeError):
                call(user, job.ref)


def test_a_file_waits_an_hour_for_somebody_and_no_longer(world: Any, home: Any) -> None:
    job = tried(world.lena, packed(patient=PATIENTS))
    folder = home.folder / "importing" / job.ref
    old = time.time() - 3700
    os.utime(folder, (old, old))
    assert importing.found(world.lena, job.ref).state == "asks"
    assert folder.exists()
    ImportJob.objects.update(changed_at=clock.now() - timedelta(seconds=3700))
    late = importing.found(world.lena, job.ref)
    assert (late.state, late.reasons) == ("refused", (importing.NOBODY,))
    os.utime(folder, (old, old))
    ImportJob.objects.update(changed_at=clock.now() - timedelta(seconds=3700))
    importing.sweep()
    assert not folder.exists()
    with pytest.raises(ConflictError):
        importing.confirm(world.lena, job.ref)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "a bundle (JSON)"),
        (b"\x00\x01\x02", "a bundle (JSON)"),
        (b"{not json", "JSON"),
        (b'{"resourceType": "Patient"}', "FHIR bundle"),
        (b"PK\x03\x04 cut short", "can be unpacked"),
        (packed(other="a,b\n"), "patient.csv"),
        (packed(patient=PATIENTS)[:-30], "can be unpacked"),
        (packed(patient=PATIENTS, deep__patient=PATIENTS), "once"),
        (packed(**{"..__..__patient": PATIENTS}), "one folder"),
        (packed(patient=PATIENTS + "x" * 5_000_000), "packed no tighter"),
        (packed(**{f"f{n}": "a" for n in range(70)}), "at most 60 files"),
    ],
)
def test_a_bad_file_is_refused_in_words(world: Any, home: Any, content: bytes, words: str) -> None:
    job = tried(world.lena, content)
    assert words in " ".join(job.reasons)
    assert job.state == "refused"
    assert not (home.folder / "importing" / job.ref).exists()
    with pytest.raises(ConflictError):
        importing.confirm(world.lena, job.ref)


def test_an_archive_within_an_archive_is_not_opened_and_a_full_disk_is_said(
    tmp_path: Path, monkeypatch: Any
) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as pack:
        pack.writestr("week.zip", packed(patient=PATIENTS))
    with pytest.raises(DataError, match="archive within the archive: unpack it"):
        uploads.unpack(archive, tmp_path / "into")
    archive.write_bytes(packed(patient=PATIENTS))
    monkeypatch.setattr(uploads.shutil, "disk_usage", lambda _: type("Disk", (), {"free": 5}))
    with pytest.raises(DataError, match="free on the disk"):
        uploads.unpack(archive, tmp_path / "into")


@pytest.mark.parametrize("how", ["flag", "both systems"])
def test_a_password_or_two_systems_are_refused_in_words(world: Any, how: str) -> None:
    made = bytearray(packed(patient=PATIENTS))
    if how == "flag":
        for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            made[made.index(mark) + offset] |= 1
        assert "without a password" in " ".join(tried(world.lena, bytes(made)).reasons)
        return
    rows = "RowIdentifier,NHSNumber\n1,9990000018\n"
    both = packed(Admin_Patient="PatientGuid\n{A}\n", SRPatient=rows)
    assert "one system" in " ".join(tried(world.lena, both).reasons)


def test_an_archive_that_lies_about_its_size_is_stopped(tmp_path: Path, monkeypatch: Any) -> None:
    archive = tmp_path / "a.zip"
    archive.write_bytes(packed(patient=PATIENTS))
    monkeypatch.setattr(uploads, "MOST_UNPACKED", 1_000_000)
    with zipfile.ZipFile(archive) as pack:
        chosen, _ = uploads._choose(pack)
        monkeypatch.setattr(uploads, "MOST_UNPACKED", 100)
        (tmp_path / "into").mkdir()
        with pytest.raises(DataError, match="unpacked"):
            uploads._extract(pack, chosen, tmp_path / "into")


@pytest.mark.slow
def test_the_page_tries_shows_and_imports(world: Any, home: Any) -> None:
    client = Client()
    client.force_login(world.lena)
    assert b"Try it without changing anything" in client.get("/import/").content
    assert client.post("/import/", {"practice": "X1"}).status_code == 422
    file = SimpleUploadedFile("mine.zip", packed(patient=PATIENTS))
    assert client.post("/import/", {"practice": "", "record": file}).status_code == 422
    file = SimpleUploadedFile("mine.zip", packed(patient=PATIENTS))
    answer = client.post("/import/", {"practice": "X1", "record": file})
    waits = client.get(answer["Location"]).content.decode()
    assert "Waiting its turn" in waits
    assert 'http-equiv="refresh"' in waits
    working.work()
    shown = client.get(answer["Location"])
    assert shown.status_code == 200
    text = shown.content.decode()
    assert "nothing changed yet" in text
    assert 'http-equiv="refresh"' not in text
    assert "Mary" not in text
    assert "9990000018" not in text
    assert Snapshot.objects.count() == 0
    asked = client.post(answer["Location"] + "publish/", follow=True)
    assert "Waiting its turn" in asked.content.decode()
    assert b"Wait until that is done" in client.post(answer["Location"] + "forget/").content
    working.work()
    done = client.get(answer["Location"])
    assert "Imported. Riverside has 2 patients now" in done.content.decode()
    assert b"mine.zip" in client.get("/import/").content
    stranger = Client()
    stranger.force_login(world.phil)
    file = SimpleUploadedFile("mine.zip", packed(patient=PATIENTS))
    assert stranger.post("/import/", {"practice": "X1", "record": file}).status_code == 404
    assert b"You cannot import records" in stranger.get("/import/").content


def test_a_file_that_is_too_large_is_not_kept(world: Any, home: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(uploads, "MOST_UPLOADED", 1000)
    client = Client()
    client.force_login(world.lena)
    file = SimpleUploadedFile("mine.zip", b"x" * 200_000)
    answer = client.post("/import/", {"practice": "X1", "record": file})
    assert answer.status_code == 422
    assert b"at the most" in answer.content
    assert list((home.folder / "importing").iterdir()) == []

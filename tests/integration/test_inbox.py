"""Letters that come by themselves: through a watched folder, and from a real MESH server."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import mesh_server
from command_line import fits
from counterfoil import synthetic
from counterfoil.foundation import days
from counterfoil.foundation.errors import DataError
from counterfoil.records.load import of_tables
from counterfoil.service import inbox as inboxes
from counterfoil.service.casework import queries
from counterfoil.service.casework.models import Event, LetterDocument
from counterfoil.service.config.home import Home
from counterfoil.service.inbox import fetching, sources
from counterfoil.service.records import publishing

AS_OF = date(2026, 11, 22)


@pytest.fixture(scope="module")
def made() -> synthetic.Population:
    return synthetic.generate(900, 1, 3, days.to_day(AS_OF))


@pytest.fixture
def practice(world: Any, made: synthetic.Population) -> str:
    """The made-up practice of the letters, its record published."""
    from counterfoil.service.organisations.actions import organisation_named

    [place] = made.practices
    organisation_named(place.code, place.name, "practice", "U1")
    publishing.publish(
        of_tables(place.code, made.for_practice(place.code)), AS_OF, lambda _s, _d: []
    )
    return place.code


@pytest.fixture
def letters(made: synthetic.Population) -> list[tuple[str, bytes]]:
    """A few letters, each other bytes."""
    return list({letter.content: (letter.name, letter.content) for letter in made.letters}.values())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[mesh_server.Server]:
    with mesh_server.running(tmp_path_factory.mktemp("mesh")) as running:
        yield running


@pytest.fixture
def mesh(server: mesh_server.Server) -> Iterator[mesh_server.Server]:
    """The server, its mailbox emptied."""

    def empty() -> None:
        with server.client(mesh_server.PRACTICE) as client:
            for message in list(client.iterate_message_ids()):
                client.acknowledge_message(message)

    empty()
    yield server
    empty()


def only(home: Home) -> inboxes.Inbox:
    [one] = inboxes.load(home.folder)
    return one


def watched(home: Home, practice: str) -> Path:
    path = home.folder / "letters-in"
    path.mkdir()
    text = f'[[folder]]\nname = "scans"\npractice = "{practice}"\npath = "letters-in"\n'
    (home.folder / "inboxes.toml").write_text(text + "settle_seconds = 2\n")
    return path


def age(path: Path, seconds: float = 60) -> None:
    then = path.stat().st_mtime - seconds
    os.utime(path, (then, then))


def test_no_file_means_no_inboxes(home: Home) -> None:
    assert inboxes.load(home.folder) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[mesh]\n", "a TOML file"),
        ("mesh = 3\n", r"\[\[mesh\]\] and \[\[folder\]\]"),
        ('[[post]]\nname = "x"\n', r"\[\[mesh\]\] and \[\[folder\]\]"),
        ('[[folder]]\nname = "x"\npractice = "X1"\n', "expected path"),
        ('[[folder]]\nname = "x"\npractice = "X1"\npath = "p"\nwatch = 1\n', "expected one of"),
        ('[[folder]]\nname = "x"\npractice = "X1"\npath = "p"\nsettle_seconds = -1\n', "number of"),
        ('[[folder]]\nname = "x"\npractice = "X1"\npath = "p"\n' * 2, "each name once"),
        ('[[mesh]]\nname = "x"\npractice = "X1"\nurl = 5\nmailbox = "m"\n', "expected url"),
    ],
)
def test_a_wrong_description_is_named(home: Home, text: str, says: str) -> None:
    (home.folder / "inboxes.toml").write_text(text)
    with pytest.raises(DataError, match=says):
        inboxes.load(home.folder)


def test_a_secret_that_others_can_read_is_refused(home: Home) -> None:
    mesh_server.Server("http://127.0.0.1:9").inbox(home.folder, "X1")
    assert only(home).secret("password_file") == mesh_server.PASSWORD
    (home.folder / "mesh.password").chmod(0o644)
    with pytest.raises(DataError, match="only its owner"):
        only(home).secret("password_file")


def test_files_in_a_watched_folder_become_letters_once(
    practice: str, home: Home, letters: list[tuple[str, bytes]]
) -> None:
    path = watched(home, practice)
    for name, content in letters[:3]:
        (path / name).write_bytes(content)
        age(path / name)
    (path / "half.pdf.part").write_bytes(b"%PDF")
    age(path / "half.pdf.part")
    (path / "just-now.txt").write_bytes(b"still being written")
    again = path / ("again-" + letters[0][0])
    again.write_bytes(letters[0][1])
    age(again, 1)
    [report] = inboxes.fetch_all([only(home)])
    assert (len(report.letters), report.known, report.left, report.failed) == (3, 0, [], "")
    fits("inbox-fetch", [report.to_json()])
    assert sorted(p.name for p in (path / "taken").iterdir()) == sorted(n for n, _ in letters[:3])
    age(again)
    [report] = inboxes.fetch_all([only(home)])
    assert (report.letters, report.known) == ([], 1)
    assert {p.name for p in path.iterdir()} == {"half.pdf.part", "just-now.txt", "taken"}
    assert LetterDocument.objects.count() == 3
    came = [e.refs["came"] for e in Event.objects.filter(kind="letter_received")]
    assert sorted(came) == sorted(f"folder:scans:{name}" for name, _ in letters[:3])


def test_what_cannot_be_read_is_kept_and_shown(practice: str, home: Home, world: Any) -> None:
    path = watched(home, practice)
    (path / "scan.pdf").write_bytes(b"%PDF-1.4 cut short")
    age(path / "scan.pdf")
    [report] = inboxes.fetch_all([only(home)])
    [row] = LetterDocument.objects.all()
    assert report.letters == [str(row.pk)]
    assert row.status == LetterDocument.Status.REFUSED
    assert row.reason
    assert (home.documents / row.sha256).read_bytes() == b"%PDF-1.4 cut short"


def test_what_is_too_large_is_left_where_it_is(
    practice: str, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "LARGEST", 10)
    path = watched(home, practice)
    (path / "large.txt").write_bytes(b"x" * 11)
    age(path / "large.txt")
    [report] = inboxes.fetch_all([only(home)])
    assert [item["item"] for item in report.left] == ["large.txt"]
    assert (path / "large.txt").exists()


def test_an_inbox_of_an_unknown_practice_or_folder_fails_alone(
    practice: str, home: Home, letters: list[tuple[str, bytes]]
) -> None:
    path = watched(home, practice)
    (path / "a.txt").write_bytes(letters[0][1])
    age(path / "a.txt")
    good = only(home)
    from dataclasses import replace

    lost = replace(good, name="lost", path=home.folder / "nowhere")
    foreign = replace(good, name="foreign", practice="Y99")
    reports = inboxes.fetch_all([lost, foreign, good])
    assert "a folder that can be read" in reports[0].failed
    assert "a practice of this installation" in reports[1].failed
    assert len(reports[2].letters) == 1


@pytest.mark.slow
def test_a_letter_sent_by_mesh_arrives_in_the_worklist(
    practice: str, home: Home, world: Any, mesh: mesh_server.Server, letters: Any
) -> None:
    mesh.inbox(home.folder, practice, workflows=["LETTERS"])
    for name, content in letters[:4]:
        mesh.send(content, name)
    packed = mesh.send(gzip.compress(letters[4][1]), "packed.gz")
    other = mesh.send(b"a result", "result.hl7", "RESULTS")
    [report] = inboxes.fetch_all([only(home)])
    assert report.failed == ""
    assert len(report.letters) == 5
    assert [item["item"] for item in report.left] == [other]
    assert packed not in mesh.waiting()
    assert mesh.waiting() == [other]
    assert len(queries.letters(world.tess)) == 5
    assert any(
        row.case_id
        for row in LetterDocument.objects.all()
        if row.status == LetterDocument.Status.NEW
    )
    mesh.send(letters[0][1], "the same again.txt")
    [report] = inboxes.fetch_all([only(home)])
    assert (report.letters, report.known) == ([], 1)
    assert LetterDocument.objects.count() == 5


@pytest.mark.slow
@pytest.mark.parametrize("point", fetching.STEPS)
def test_a_crash_after_any_step_loses_and_doubles_nothing(
    practice: str, home: Home, mesh: mesh_server.Server, letters: Any, point: str
) -> None:
    class Crash(BaseException):
        pass

    def crash(step: str) -> None:
        if step == point:
            raise Crash

    mesh.inbox(home.folder, practice)
    for name, content in letters[:3]:
        mesh.send(content, name)
    with pytest.raises(Crash), inboxes.source_of(only(home)) as source:
        inboxes.fetch(only(home), source, crash)
    here = LetterDocument.objects.count()
    assert here + len(mesh.waiting()) >= 3
    inboxes.fetch_all([only(home)])
    assert mesh.waiting() == []
    assert LetterDocument.objects.count() == 3
    assert Event.objects.filter(kind="letter_received").count() == 3


@pytest.mark.slow
def test_a_wrong_password_or_no_server_is_said(
    practice: str, home: Home, mesh: mesh_server.Server
) -> None:
    mesh.inbox(home.folder, practice)
    (home.folder / "mesh.password").write_text("another")
    [report] = inboxes.fetch_all([only(home)])
    assert "lets this mailbox in" in report.failed
    assert "another" not in report.failed
    mesh_server.Server("http://127.0.0.1:9").inbox(home.folder, practice)
    [report] = inboxes.fetch_all([only(home)])
    assert "lets this mailbox in" in report.failed

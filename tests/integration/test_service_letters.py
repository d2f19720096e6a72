"""Letters of a made-up PCN come in, are matched and reconciled, and are worked to their end."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

import service_world as sw
from counterfoil import synthetic
from counterfoil.foundation import days
from counterfoil.foundation.errors import DataError
from counterfoil.records.load import of_tables
from counterfoil.service.casework import actions, queries
from counterfoil.service.casework.errors import ConflictError, PolicyError, ScopeError
from counterfoil.service.casework.letters import (
    correct_setting,
    match_again,
    receive_letter,
    take_in,
)
from counterfoil.service.casework.models import Event, Finding, LetterDocument
from counterfoil.service.config.home import Home
from counterfoil.service.records import publishing

AS_OF = date(2026, 11, 22)
RECEIVED = datetime(2026, 11, 20, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def made() -> synthetic.Population:
    return synthetic.generate(400, 1, 4, days.to_day(AS_OF))


@pytest.fixture
def loaded(world: Any, made: synthetic.Population) -> Any:
    """The made-up practice's record, published as that of X1."""
    [place] = made.practices
    from counterfoil.service.organisations.actions import organisation_named

    organisation_named(place.code, place.name, "practice", "U1")
    load = of_tables(place.code, made.for_practice(place.code))
    publishing.publish(load, AS_OF, lambda _s, _d: [])
    return world


def matched(made: synthetic.Population) -> list[LetterDocument]:
    rows = []
    for letter in made.letters:
        row = receive_letter(letter.practice, letter.content, letter.name, RECEIVED)
        if row.status == LetterDocument.Status.NEW:
            rows.append(row)
    return rows


def test_every_letter_is_kept_and_every_line_is_work(
    loaded: Any, made: synthetic.Population, home: Home
) -> None:
    assert len(made.letters) >= 2
    rows = matched(made)
    assert rows
    assert LetterDocument.objects.count() == len({letter.content for letter in made.letters})
    for letter in made.letters:
        row = receive_letter(letter.practice, letter.content, letter.name, RECEIVED)
        assert (home.documents / row.sha256).read_bytes() == letter.content
        outcome = row.outcome.get("lines", [])
        assert row.findings.count() == (len(outcome) if row.case_id else 0)
        assert row.due_on == date(2026, 11, 27)
        if not row.case_id:
            assert row.reason
    letters = queries.letters(loaded.tess)
    assert len(letters) == LetterDocument.objects.count()
    assert (
        sum(letter.lines for letter in letters)
        == Finding.objects.filter(kind="letter_line").count()
    )


def test_the_same_letter_twice_is_one_letter(loaded: Any, made: synthetic.Population) -> None:
    first = matched(made)
    count, events = Finding.objects.count(), Event.objects.count()
    assert [row.pk for row in matched(made)] == [row.pk for row in first]
    assert (Finding.objects.count(), Event.objects.count()) == (count, events)


def test_a_letter_is_worked_to_its_end(loaded: Any, made: synthetic.Population) -> None:
    """The technician confirms what is the same and hands over the rest; the pharmacist answers."""

    def classes(row: LetterDocument) -> set[str]:
        return {finding.klass for finding in row.findings.all()}

    row = max(matched(made), key=lambda r: ("letter.missing" in classes(r), len(classes(r))))
    view = queries.letter_view(loaded.tess, str(row.pk))
    assert view.total == len(view.lines) > 1
    for line in view.lines:
        for part in line.letter_lines:
            if "start" in part:
                assert view.text[part["start"] : part["end"]]
    with pytest.raises(PolicyError, match="neither decided, queried nor handed over"):
        actions.finish_letter(loaded.tess, str(row.pk))

    rest: dict[str, list[str]] = {}
    for line in view.lines:
        if line.finding.klass == "letter.same":
            actions.confirm_same(loaded.tess, line.finding.ref)
        else:
            assert not any(option.finishes for option in line.finding.actions)
            to = line.finding.hand_over_to[0].role
            rest.setdefault(to, []).append(line.finding.ref)
    assert rest
    for role, refs in rest.items():
        actions.hand_over(loaded.tess, refs, role, "Please look at these.")
    actions.finish_letter(loaded.tess, str(row.pk))
    with pytest.raises(ConflictError, match="finished already"):
        actions.finish_letter(loaded.tess, str(row.pk))
    view = queries.letter_view(loaded.tess, str(row.pk))
    assert (view.decided, view.finishable, view.summary.status) == (view.total, False, "finished")

    question = next(q for q in queries.questions(loaded.phil) if q.letter_ref == str(row.pk))
    actions.reply(loaded.phil, question.handover.ref, "Seen.", "Ring the patient.")
    answer = queries.answers(loaded.tess)[0]
    assert answer.handover.instruction == "Ring the patient."
    actions.acknowledge_reply(loaded.tess, answer.handover.ref)


def test_treatment_waits_for_the_lines_in_conflict(loaded: Any, made: synthetic.Population) -> None:
    row = matched(made)[0]
    first, second = list(row.findings.all())[:2]
    row.findings.update(klass="letter.same")
    Finding.objects.filter(pk=first.pk).update(klass="letter.conflict")
    Finding.objects.filter(pk=second.pk).update(klass="letter.changed", high_risk=False)
    with pytest.raises(PolicyError, match="First settle the lines"):
        actions.decide(loaded.phil, second.pk, "approve_change")
    actions.decide(loaded.phil, first.pk, "resolve", "the ward says 5 mg")
    actions.decide(loaded.phil, second.pk, "approve_change")


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (b"Discharge letter\nNHS number 999 000 0018\nramipril 5mg", "unmatched", "no "),
        (b"Discharge letter\nNHS number 999 000 0019\nramipril 5mg", "unmatched", "valid"),
        (b"\x00\x01\x02", "refused", ""),
        (b"", "refused", ""),
    ],
)
@pytest.mark.hazard("HZ-004")
def test_what_cannot_be_used_is_kept_and_says_why(
    loaded: Any, home: Home, made: synthetic.Population, content: bytes, status: str, words: str
) -> None:
    code = made.practices[0].code
    row = receive_letter(code, content, "letter.txt", RECEIVED)
    assert row.status == status, row.reason
    assert words in row.reason
    assert row.reason
    assert "999" not in row.reason
    assert (home.documents / row.sha256).read_bytes() == content
    assert not Finding.objects.filter(kind="letter_line").exists()
    line = next(x for x in queries.today(loaded.tess).lines if x.letter_ref == str(row.pk))
    assert (line.case_ref, line.person) == (None, None)
    assert row.reason in line.why


def test_a_letter_that_ends_its_reader_is_kept_for_a_person(
    loaded: Any,
    home: Home,
    made: synthetic.Population,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    words = "Mary Test 999 000 0018"

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(words)

    monkeypatch.setattr("counterfoil.documents.read", broken)
    row = receive_letter(made.practices[0].code, b"any letter", "letter.txt", RECEIVED)
    assert (row.status, "RuntimeError" in row.reason) == ("refused", True)
    assert (home.documents / row.sha256).read_bytes() == b"any letter"
    assert "Mary" not in caplog.text
    assert "999" not in row.reason


def test_a_patient_who_arrives_later_is_matched(loaded: Any, made: synthetic.Population) -> None:
    letter = (
        b"Discharge letter\nNHS number 999 000 0018\nMary Test, born 3 March 1955\nramipril 5mg"
    )
    row = receive_letter("X2", letter, "letter.txt", RECEIVED)
    assert row.status == "unmatched"
    assert match_again("X2") == 0
    sw.publish("X2", [sw.patient("X2", "m1", "M", "9990000018")], [])
    assert match_again("X2") == 1
    row.refresh_from_db()
    assert row.status in ("new", "refused"), row.reason


def test_a_demo_home_takes_no_letter_of_a_real_looking_person(
    world: Any, home: Home, settings: Any, tmp_path: Any
) -> None:
    demo = Home(tmp_path / "demo").create(demo=True)
    settings.COUNTERFOIL_HOME = demo.folder
    letter = b"Discharge letter\nNHS number 000 000 0000\nramipril 5mg od"
    with pytest.raises(DataError, match="a demo home takes no real records"):
        receive_letter("X1", letter, "letter.txt", RECEIVED)
    assert not LetterDocument.objects.exists()
    assert not list(demo.documents.iterdir())
    with pytest.raises(DataError, match="a demo home takes no real records"):
        sw.publish("X1", [sw.patient("X1", "p1", "A", "0000000000")], [])
    assert not (demo.store / "X1").exists()


def test_lateness_is_seven_days_after_receipt(loaded: Any, made: synthetic.Population) -> None:
    letter = next(one for one in made.letters if one.expected == "reconcile")
    received = RECEIVED - timedelta(days=8)
    receive_letter(letter.practice, letter.content, letter.name, received)
    [line] = [one for one in queries.today(loaded.tess).lines if one.letter_ref]
    assert line.days_left == -3
    counts = {c.practice_code: c for c in queries.team_counts(loaded.lena)}
    assert counts[letter.practice].letters_late == 1


def test_who_hands_a_letter_in_stands_in_the_log_and_needs_the_practice(
    loaded: Any, made: synthetic.Population
) -> None:
    code, letter = made.practices[0].code, made.letters[0]
    ref = take_in(loaded.tess, code, letter.content, letter.name)
    event = Event.objects.get(kind="letter_received")
    assert (event.refs["letter"], event.actor) == (ref, str(loaded.tess.pk))
    for outsider in (loaded.stranger, loaded.lena):
        with pytest.raises(ScopeError):
            take_in(outsider, code, letter.content, letter.name)


def test_a_clinic_letter_leaves_alone_what_it_does_not_mention(
    loaded: Any, made: synthetic.Population
) -> None:
    """Its lines are work; the items it is silent on are shown, and are nobody's work."""
    known = matched(made)[0]
    record = queries.case_view(loaded.tess, str(known.case_id)).record
    person = record.patient
    text = (
        "Cardiology outpatient clinic\n"
        f"Patient: {person.given_name} {person.family_name}\n"
        f"NHS number: {person.nhs_number}   DOB: {person.birth_date:%d/%m/%Y}\n"
        "Clinic date: 18/11/2026\n\nMedication changes\n"
        "Ezetimibe 10mg tablets one daily, new, for cholesterol\n"
    )
    row = receive_letter(known.practice_id, text.encode(), "clinic.txt", RECEIVED)
    assert row.status == LetterDocument.Status.NEW, row.reason
    view = queries.letter_view(loaded.tess, str(row.pk))
    assert view.summary.setting == "outpatient"
    assert view.left_alone
    assert not [line for line in view.lines if line.klass == "missing"]
    assert view.total == len(view.lines) == row.findings.count() < len(row.outcome["lines"])
    assert len(view.left_alone) + view.total == len(row.outcome["lines"])


@pytest.mark.slow
def test_the_list_for_a_ward_is_shown_printed_and_recorded(
    loaded: Any, made: synthetic.Population
) -> None:
    from django.test import Client
    from django.urls import reverse

    case = str(matched(made)[0].case_id)
    client = Client()
    client.force_login(loaded.tess)
    page = client.get(reverse("ward-list", args=[case]))
    assert page.status_code == 200
    words = page.content.decode()
    record = queries.case_view(loaded.tess, case).record
    current = [p for p in record.plans if p.status == "active" and p.deleted_on is None]
    assert all(p.product_text.split()[0] in words for p in current)
    assert "not what is taken" in words
    paper = client.get(reverse("ward-list-pdf", args=[case]))
    assert paper.content.startswith(b"%PDF")
    last = Event.objects.filter(kind="patient_viewed").order_by("-at", "-seq").first()
    assert last is not None
    assert last.refs["purpose"] == "ward_list"
    stranger = Client()
    stranger.force_login(loaded.stranger)
    assert stranger.get(reverse("ward-list", args=[case])).status_code == 404


def test_a_page_of_a_pdf_is_shown_with_its_lines_marked(
    loaded: Any, made: synthetic.Population
) -> None:
    from django.test import Client
    from django.urls import reverse

    from fuzzed_letters import FILES

    person = queries.case_view(loaded.tess, str(matched(made)[0].case_id)).record.patient
    lines = [
        f"Patient: {person.given_name} {person.family_name}",
        f"NHS number: {person.nhs_number}   DOB: {person.birth_date:%d/%m/%Y}",
        "Discharged: 18/11/2026",
        "Medicines at discharge",
        "1. Ezetimibe 10mg tablets one daily, new",
    ]
    content = FILES.pdf([[[(40.0, words)] for words in lines]])
    row = receive_letter(made.letters[0].practice, content, "letter.pdf", RECEIVED)
    assert row.status == LetterDocument.Status.NEW, row.reason
    client = Client()
    client.force_login(loaded.tess)
    shown = client.get(reverse("letter", args=[row.pk])).content.decode()
    address = reverse("letter-leaf", args=[row.pk, 1])
    assert address in shown
    assert shown.count("<rect data-line=") == 1
    picture = client.get(address)
    assert picture.headers["Content-Type"] == "image/png"
    assert picture.content.startswith(b"\x89PNG")
    assert client.get(reverse("letter-leaf", args=[row.pk, 2])).status_code == 404
    stranger = Client()
    stranger.force_login(loaded.stranger)
    assert stranger.get(address).status_code == 404


def with_missing(made: synthetic.Population) -> LetterDocument:
    """A discharge letter that leaves an item of the GP list out, and has the same otherwise."""
    for row in matched(made):
        classes = [f.klass for f in row.findings.all()]
        if row.content["setting"] == "discharge" and {"letter.missing", "letter.same"} <= set(
            classes
        ):
            return row
    raise AssertionError("no such letter in the made-up PCN")


def test_a_letter_taken_for_the_wrong_kind_is_read_anew(
    loaded: Any, made: synthetic.Population
) -> None:
    """A decision of which the line says the same stays; what nobody touched is asked no more."""
    row = with_missing(made)
    before = {
        line.finding.ref: line for line in queries.letter_view(loaded.tess, str(row.pk)).lines
    }
    same = next(ref for ref, line in before.items() if line.finding.klass == "letter.same")
    missing = [ref for ref, line in before.items() if line.finding.klass == "letter.missing"]
    actions.confirm_same(loaded.tess, same)
    done = correct_setting(loaded.tess, str(row.pk), "outpatient")
    assert (done.kept, done.again, done.gone) == (1, 0, len(missing))
    view = queries.letter_view(loaded.tess, str(row.pk))
    after = {line.finding.ref for line in view.lines}
    assert after == set(before) - set(missing)
    assert view.decided == 1
    assert view.total == len(after)
    assert view.left_alone
    assert view.summary.setting == "outpatient"
    assert view.corrected["was"] == "discharge"
    event = Event.objects.get(kind="letter_setting_corrected")
    assert (event.actor, event.role) == (str(loaded.tess.pk), "technician")
    assert (event.refs["was"], event.refs["is"]) == ("discharge", "outpatient")

    back = correct_setting(loaded.tess, str(row.pk), "discharge")
    assert (back.kept, back.again, back.gone) == (1, 0, 0)
    view = queries.letter_view(loaded.tess, str(row.pk))
    assert sum(line.finding.klass == "letter.missing" for line in view.lines) == len(missing)


def test_a_line_somebody_asked_about_stays_when_the_letter_is_read_anew(
    loaded: Any, made: synthetic.Population
) -> None:
    row = with_missing(made)
    missing = row.findings.filter(klass="letter.missing").first()
    assert missing is not None
    actions.send_query(loaded.tess, missing.pk, "Was it to go on?", AS_OF + timedelta(days=2))
    correct_setting(loaded.tess, str(row.pk), "outpatient")
    view = queries.letter_view(loaded.tess, str(row.pk))
    line = next(line for line in view.lines if line.finding.ref == missing.pk)
    assert line.plans, "it still says what it is about"
    assert line.finding.work == "waiting"
    assert [d.note for d in missing.decisions.all()] == ["Was it to go on?"]


def test_a_kind_is_corrected_only_by_those_who_work_the_letter(
    loaded: Any, made: synthetic.Population
) -> None:
    row = with_missing(made)
    with pytest.raises(ScopeError):
        correct_setting(loaded.stranger, str(row.pk), "outpatient")
    with pytest.raises(PolicyError, match="Choose what kind"):
        correct_setting(loaded.tess, str(row.pk), "holiday")
    with pytest.raises(PolicyError, match="already"):
        correct_setting(loaded.tess, str(row.pk), "discharge")
    version = queries.letter_view(loaded.tess, str(row.pk)).version
    correct_setting(loaded.tess, str(row.pk), "care_home", expected_version=version)
    with pytest.raises(ConflictError):
        correct_setting(loaded.tess, str(row.pk), "discharge", expected_version=version)


def test_the_page_speaks_of_who_wrote_the_letter(
    loaded: Any, made: synthetic.Population, client: Any
) -> None:
    row = with_missing(made)
    client.force_login(loaded.tess)
    page = f"/letters/{row.pk}/"
    assert "Query the ward" in client.get(page).content.decode()
    answer = client.post(f"{page}setting/", {"setting": "outpatient"}, follow=True)
    text = answer.content.decode()
    assert "Query the clinic" in text
    assert "Query the ward" not in text
    assert "Read as this kind since" in text
    assert client.post(f"{page}setting/", {"setting": "holiday"}).status_code == 409

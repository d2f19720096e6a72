"""The loop closes: the next import says whether the record shows what was decided about a letter."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

import service_world as sw
from counterfoil.records.load import of_tables
from counterfoil.records.schema import from_rows
from counterfoil.service.casework import actions, loop, queries
from counterfoil.service.casework.letters import receive_letter
from counterfoil.service.casework.models import Event, Finding, LetterDocument, Verification
from counterfoil.service.records import publishing
from counterfoil.service.records.models import Snapshot

NHS = "9990000026"
LETTER = f"""Northgate Hospital
Discharge summary
Patient: TEST, Mary   Date of birth: 03/03/1955   NHS number: {NHS}
Discharged: 17/11/2026

MEDICINES STARTED
Sertraline 50mg tablets, ONE in the morning

MEDICINES STOPPED
Naproxen 500mg tablets: kidney injury

MEDICINES CONTINUED UNCHANGED
Amlodipine 5mg tablets, ONE in the morning
""".encode()
PLANS = {
    "nap": ("Naproxen 500mg tablets", "One To Be Taken Twice A Day"),
    "aml": ("Amlodipine 5mg tablets", "One To Be Taken Each Morning"),
}
SERTRALINE = {"ser": ("Sertraline 50mg tablets", "One To Be Taken Each Morning")}


def publish(plans: dict[str, tuple[str, str]], ended: tuple[str, ...] = ()) -> None:
    rows = [
        {
            "plan_id": key,
            "patient_id": "p1",
            "product_text": product,
            "dose_text": dose,
            "plan_type": "repeat",
            "status": "ended" if key in ended else "active",
            "end_date": date(2026, 11, 21) if key in ended else None,
            "status_inferred": False,
            "start_date": date(2026, 11, 20) if key == "ser" else date(2024, 5, 1),
            "practice": "X1",
            "source_system": "synthetic",
            "source_id": key,
        }
        for key, (product, dose) in plans.items()
    ]
    tables = {
        "patient": from_rows("patient", [sw.patient("X1", "p1", "P1", NHS)]),
        "plan": from_rows("plan", rows),
    }
    publishing.publish(of_tables("X1", tables), sw.AS_OF, lambda _s, _d: [], accept_loss=True)
    later = datetime.now(UTC) + timedelta(seconds=1)
    Snapshot.objects.filter(published=True).update(published_at=later)


@pytest.fixture
def decided(world: Any) -> LetterDocument:
    """The letter with every line decided: confirmed, authorised, ended."""
    publish(PLANS)
    Snapshot.objects.update(published_at=datetime(2026, 11, 1, tzinfo=UTC))
    row = receive_letter("X1", LETTER, "letter.txt", datetime(2026, 11, 18, 9, tzinfo=UTC))
    assert row.status == "new"
    for finding in row.findings.all():
        ref = finding.pk
        if finding.klass == "letter.same":
            actions.confirm_same(world.grace, ref)
        elif finding.klass == "letter.new":
            actions.decide(world.grace, ref, "authorise_new")
        else:
            actions.decide(world.grace, ref, "end_item", "Agreed: kidney injury.")
    assert not row.findings.exclude(work=Finding.Work.DONE).exists()
    return row


def states(row: LetterDocument, user: Any) -> dict[str, str]:
    view = queries.letter_view(user, str(row.pk))
    return {line.klass: line.finding.verification for line in view.lines}


def test_nothing_is_asked_of_the_record_the_decision_was_made_on(
    decided: LetterDocument, world: Any
) -> None:
    assert loop.verify_letters("X1").counts == {}
    assert set(states(decided, world.tess).values()) == {""}


def test_what_the_next_record_shows_is_verified_and_the_rest_outstanding(
    decided: LetterDocument, world: Any
) -> None:
    publish({**PLANS, **SERTRALINE})
    assert loop.verify_letters("X1").counts == {"verified": 2, "outstanding": 1}
    seen = states(decided, world.tess)
    assert seen["new"] == "verified"
    assert seen["same"] == "verified"
    assert seen["stopped"] == "outstanding"
    publish({**PLANS, **SERTRALINE}, ended=("nap",))
    assert loop.verify_letters("X1").counts == {"verified": 1}
    assert set(states(decided, world.tess).values()) == {"verified"}
    checked = [e.refs["shows"] for e in Event.objects.filter(kind="decision_checked")]
    assert sorted(checked) == ["outstanding", "verified", "verified", "verified"]
    assert loop.verify_letters("X1").counts == {}


def test_a_record_that_shows_something_else_brings_the_line_back(
    decided: LetterDocument, world: Any
) -> None:
    other = {"ser": ("Sertraline 100mg tablets", "One To Be Taken Each Morning")}
    publish({**PLANS, **other}, ended=("nap",))
    closed = loop.verify_letters("X1")
    assert closed.counts == {"verified": 2, "conflict": 1}
    assert closed.brought_back == 1
    line = decided.findings.get(klass="letter.new")
    assert line.work == Finding.Work.TODO
    [card] = [
        one.finding
        for one in queries.letter_view(world.tess, str(decided.pk)).lines
        if one.klass == "new"
    ]
    assert card.verification == "conflict"
    assert "something else" in card.verification_text
    assert card.decisions[-1].action == "reopened"
    decided.case.refresh_from_db()
    assert decided.case.status == "open"
    assert loop.verify_letters("X1").counts == {}
    assert Verification.objects.count() == 3


def test_a_patient_who_is_gone_is_left_as_last_seen(decided: LetterDocument) -> None:
    tables = {"patient": from_rows("patient", [sw.patient("X1", "p2", "P2")])}
    publishing.publish(of_tables("X1", tables), sw.AS_OF, lambda _s, _d: [], accept_loss=True)
    later = datetime.now(UTC) + timedelta(seconds=1)
    Snapshot.objects.filter(published=True).update(published_at=later)
    assert loop.verify_letters("X1").counts == {}


@pytest.mark.slow
def test_the_outcome_says_what_to_enter_and_prints(
    decided: LetterDocument, world: Any, client: Any
) -> None:
    """The page and the PDF, and nobody else's."""
    client.force_login(world.tess)
    page = client.get(f"/letters/{decided.pk}/outcome/").content.decode()
    assert "Add what the letter says" in page
    assert "Sertraline 50mg tablets, ONE in the morning" in page
    assert "End Naproxen 500mg tablets" in page
    assert "has been stopped" in page
    pdf = client.get(f"/letters/{decided.pk}/outcome.pdf")
    assert pdf["Content-Type"] == "application/pdf"
    assert pdf.content.startswith(b"%PDF")
    import pypdfium2

    text = pypdfium2.PdfDocument(pdf.content)[0].get_textpage().get_text_range()
    assert "999 000 0026" in text
    assert "Sertraline 50mg tablets, ONE in the morning" in text
    client.force_login(world.stranger)
    assert client.get(f"/letters/{decided.pk}/outcome/").status_code == 404
    assert client.get(f"/letters/{decided.pk}/outcome.pdf").status_code == 404


def test_what_letters_state_is_counted_for_everybody_at_the_practices(
    decided: LetterDocument, world: Any, client: Any
) -> None:
    receive_letter(
        "X1",
        LETTER.replace(b"Northgate Hospital", b"NORTHGATE HOSPITAL"),
        "again.txt",
        datetime(2026, 11, 19, 9, tzinfo=UTC),
    )
    [row] = queries.letter_quality(world.lena, date(2026, 11, 1))
    assert (row.sender, row.letters) == ("Northgate Hospital", 2)
    assert row.criteria["reason_stopped"] == (2, 2)
    assert row.criteria["reason_started"] == (0, 2)
    assert row.criteria["route"] == (0, 4)
    assert queries.letter_quality(world.lena, date(2026, 11, 20)) == ()
    assert queries.letter_quality(world.stranger, date(2026, 11, 1)) == ()
    client.force_login(world.lena)
    page = client.get("/letters/quality/").content.decode()
    assert "Northgate Hospital" in page
    table = client.get("/letters/quality/?csv").content.decode().splitlines()
    assert table[0].startswith("sender,ward,letters,dose_met,dose_of")
    assert table[1].startswith("Northgate Hospital,,2,")

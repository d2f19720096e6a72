"""Views over a small PCN: frames, refusals, and what never stands on a page."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver, reverse

import service_world

NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def case(world: Any) -> Any:
    """A case at Riverside with one overdue test."""
    from counterfoil.service.casework.models import Case

    people = [service_world.patient("X1", "1", "person-1", "9990000018")]
    service_world.publish("X1", people, [service_world.overdue("person-1", "1")])
    return Case.objects.get(person_id="person-1")


def client_of(user: Any) -> Client:
    """A client signed in as *user*."""
    client = Client()
    client.force_login(user)
    return client


def test_every_page_asks_to_sign_in_first(db: None) -> None:
    shut = 0
    for pattern in get_resolver("counterfoil.service.pages.urls").url_patterns:
        values = {
            name: {"finding": "f", "action": "add_note", "name": "rule", "number": 1}.get(
                name, NOBODY
            )
            for name in pattern.pattern.converters  # type: ignore[union-attr]
        }
        address = reverse(str(pattern.name), kwargs=values)  # type: ignore[union-attr]
        response = Client().get(address)
        if response.status_code == 405:
            response = Client().post(address)
        assert response.status_code == 302, address
        assert response["Location"].startswith("/sign-in/")
        shut += 1
    assert shut > 18


def test_a_case_of_another_practice_does_not_exist(world: Any, case: Any) -> None:
    stranger = client_of(world.stranger)
    assert stranger.get(f"/cases/{case.pk}/").status_code == 404
    refused = stranger.post(f"/cases/{case.pk}/hand-over/", {"finding": "x", "to_role": "lead"})
    assert refused.status_code == 404
    assert "Test" not in refused.content.decode()


def test_the_case_page_is_never_stored_and_its_title_names_nobody(world: Any, case: Any) -> None:
    response = client_of(world.tess).get(f"/cases/{case.pk}/")
    page = response.content.decode()
    assert "TEST, Mary" in page
    assert "999 000 0018" in page
    assert "<title>Patient - Counterfoil</title>" in page
    assert "no-store" in response["Cache-Control"]
    assert "'unsafe-inline'" not in response["Content-Security-Policy"]
    assert " style=" not in page
    assert "onclick" not in page


def test_what_was_typed_is_kept_when_it_is_refused(world: Any, case: Any) -> None:
    finding = case.findings.get()
    client = client_of(world.tess)
    response = client.post(
        f"/cases/{case.pk}/findings/{finding.pk}/declined/",
        {"note": "She said no, twice", "until": "2020-01-01", "version": case.version},
    )
    page = response.content.decode()
    assert response.status_code == 422
    assert "She said no, twice" in page
    assert "The date must lie ahead." in page


def test_a_form_made_before_somebody_elses_work_is_a_conflict(world: Any, case: Any) -> None:
    finding = case.findings.get()
    client = client_of(world.tess)
    fields = {"note": "Mine", "version": case.version}
    assert (
        client.post(f"/cases/{case.pk}/findings/{finding.pk}/add_note/", fields).status_code == 302
    )
    again = client.post(f"/cases/{case.pk}/findings/{finding.pk}/add_note/", fields)
    assert again.status_code == 409
    assert "Somebody else was faster" in again.content.decode()


def test_a_form_sends_nobody_to_another_site(world: Any, case: Any) -> None:
    finding = case.findings.get()
    response = client_of(world.tess).post(
        f"/cases/{case.pk}/findings/{finding.pk}/add_note/",
        {"note": "x", "back": "https://elsewhere.example/"},
    )
    assert response["Location"].startswith(f"/cases/{case.pk}/")


def test_an_empty_list_says_why(world: Any) -> None:
    page = client_of(world.tess).get("/").content.decode()
    assert "No record has been loaded for" in page


def test_a_search_says_whose_patients_it_asked(world: Any, case: Any) -> None:
    client = client_of(world.tess)
    page = client.post("/patients/", {"nhs_number": "999 000 0026"}).content.decode()
    assert "has the NHS number 999 000 0026" in page
    assert "Riverside" in page
    wrong = client.post("/patients/", {"nhs_number": "12"})
    assert wrong.status_code == 422
    assert "10 digits" in wrong.content.decode()


def test_a_lead_is_shown_counts_and_no_list(world: Any, case: Any) -> None:
    client = client_of(world.lena)
    assert client.get("/")["Location"] == "/team/"
    page = client.get("/team/").content.decode()
    assert "TEST, Mary" not in page
    assert client.get(f"/cases/{case.pk}/").status_code == 404


def test_a_letter_for_another_practice_is_refused(world: Any) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    client = client_of(world.tess)
    file = SimpleUploadedFile("letter.txt", b"Discharge letter\n", "text/plain")
    assert client.post("/letters/add/", {"practice": "X9", "letter": file}).status_code == 404
    nothing = client.post("/letters/add/", {"practice": "X1"})
    assert nothing.status_code == 422
    assert "Choose the file of the letter first." in nothing.content.decode()


def test_a_letter_is_taken_in_and_shown_with_what_is_the_matter(world: Any) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    client = client_of(world.tess)
    file = SimpleUploadedFile("letter.txt", b"Discharge letter\nNo number here\n", "text/plain")
    response = client.post("/letters/add/", {"practice": "X1", "letter": file})
    assert response.status_code == 302
    page = client.get(response["Location"]).content.decode()
    assert "NHS number" in page
    assert "Nothing was compared." in page
    original = client.get(response["Location"] + "original/")
    assert original.content.startswith(b"Discharge letter")
    assert original["Content-Disposition"] == 'attachment; filename="letter.txt"'


def test_a_pharmacist_approves_a_version_of_a_rule_once(world: Any, case: Any) -> None:
    from counterfoil.service.casework.models import Finding

    other = service_world.overdue("person-1", "1", rule="monitoring.lithium", subject="lithium")
    people = [service_world.patient("X1", "1", "person-1", "9990000018")]
    service_world.publish("X1", people, [service_world.overdue("person-1", "1"), other])
    assert not Finding.objects.get(rule="monitoring.lithium").makes_work
    client = client_of(world.phil)
    page = client.get("/audits/monitoring.lithium/").content.decode()
    assert "Approve version 1 for U1" in page
    assert "Draft: makes no work" in page
    fields = {"organisation": "U1", "rule_version": "1"}
    assert client.post("/audits/monitoring.lithium/approve/", fields).status_code == 302
    assert Finding.objects.get(rule="monitoring.lithium").makes_work
    assert client.post("/audits/monitoring.lithium/approve/", fields).status_code == 409
    refused = client_of(world.tess).post("/audits/monitoring.methotrexate/approve/", fields)
    assert refused.status_code in (404, 409)


def test_keys_are_switched_off_for_good(world: Any) -> None:
    client = client_of(world.tess)
    assert 'data-keys="on"' in client.get("/keys/").content.decode()
    client.post("/keys/", {"keys": "off"})
    assert 'data-keys="off"' in client.get("/keys/").content.decode()

"""The page on which a search's columns are mapped: once, tried dry, kept, published."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

import service_world as sw
from counterfoil.service.casework.errors import ScopeError
from counterfoil.service.records import reading
from counterfoil.service.setup import importing, mapping, working

NUMBER = "9990000018"
SEARCH = (
    "NHS Number,Medication,Issue date,Quantity,Directions\n"
    f"{NUMBER},Aspirin 75mg tablets,04/05/2026,28 tablets,One daily\n"
    f"{NUMBER},Aspirin 75mg tablets,31/02/2026,28 tablets,One daily\n"
)
FORM = {
    "table": "issue",
    "shown": "issue",
    "date": "dd/mm/yyyy",
    "column-0": "nhs_number",
    "column-1": "product_text",
    "column-2": "issued_on",
    "column-3": "quantity and unit",
    "column-4": "dose_text",
    "fixed-issue_type": "repeat",
    "keep": "yes",
    "try": "yes",
}


@pytest.fixture
def page(world: Any) -> Client:
    sw.publish("X1", [sw.patient("X1", "p1", "A", NUMBER)], [])
    client = Client()
    client.force_login(world.tess)
    return client


def upload(page: Client) -> str:
    file = SimpleUploadedFile("issues.csv", SEARCH.encode(), "text/csv")
    answer = page.post("/import/", {"practice": "X1", "record": file})
    assert answer.status_code == 302
    assert answer["Location"].endswith("/columns/")
    assert NUMBER not in answer["Location"]
    return str(answer["Location"])


@pytest.mark.slow
def test_a_file_is_mapped_once_tried_and_published(page: Client, world: Any, home: Any) -> None:
    place = upload(page)
    shown = page.get(place).content.decode()
    assert "Aspirin 75mg tablets" in shown
    assert 'value="dd/mm/yyyy" selected' in shown
    answer = page.post(place, FORM)
    assert answer.status_code == 302, answer.content.decode()[:2000]
    ref = place.split("/")[-3]
    working.work()
    run = importing.found(world.tess, ref).run
    assert (run.format, run.scope, run.rejected) == ("csv", "delta", 1)
    assert run.rejects[0]["place"] == "file row 3"
    assert "issued_on" in run.rejects[0]["reason"]
    line = next(t for t in run.tables if t.name == "issue")
    assert (line.read, line.loaded, line.rejected, line.after) == (2, 1, 1, 1)
    importing.confirm(world.tess, ref)
    working.work()
    with reading.leased("X1") as row:
        found = reading.opened(row)
        assert found is not None
        (issue,) = found.scan("issue").read().to_pylist()
    assert (issue["patient_id"], str(issue["quantity"])) == ("p1", "28.000000")
    again = mapping.waiting(world.tess, upload(page).split("/")[-3])
    assert again.saved
    assert [c.target for c in again.columns][:3] == ["nhs_number", "product_text", "issued_on"]


def test_a_map_that_lacks_something_is_said_and_nothing_is_tried(page: Client, world: Any) -> None:
    place = upload(page)
    answer = page.post(place, FORM | {"column-2": "", "fixed-issue_type": ""})
    assert answer.status_code == 422
    said = answer.content.decode()
    assert "issued_on" in said
    assert "issue_type" in said
    working.work()
    assert importing.found(world.tess, place.split("/")[-3]).state == "columns"


def test_another_table_shows_its_own_columns(page: Client) -> None:
    place = upload(page)
    shown = page.post(place, {"table": "problem", "shown": "issue", "change": "yes"})
    assert 'value="onset_on"' in shown.content.decode()


def test_other_rows_are_not_tried_with_the_columns_of_these(page: Client) -> None:
    """The list of tables was changed and the file tried at once, without a look at its columns."""
    place = upload(page)
    answer = page.post(place, FORM | {"table": "problem", "shown": "issue"})
    assert answer.status_code == 422
    said = answer.content.decode()
    assert "other rows than the columns were mapped for" in said
    assert '<input type="hidden" name="shown" value="problem">' in said


def test_nobody_else_sees_a_file_that_waits(page: Client, world: Any) -> None:
    ref = upload(page).split("/")[-3]
    for user in (world.lena, world.stranger, world.phil):
        with pytest.raises(ScopeError):
            mapping.waiting(user, ref)

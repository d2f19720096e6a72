"""An import from the page: the page starts its worker, says how it stands, and asks."""

from __future__ import annotations

import io
import zipfile

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from system.conftest import People

pytestmark = pytest.mark.slow


def test_a_file_is_tried_by_a_process_that_the_page_starts(people: People) -> None:
    """Nothing is imported: other tests work on the same records."""
    page = people.sign_in("lena")
    page.goto("/import/")
    rows = "patient_id,nhs_number,birth_date,sex\np1,9990000018,1950-02-28,female\n"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("patient.csv", rows)
    file = {"name": "mine.zip", "mimeType": "application/zip", "buffer": packed.getvalue()}
    page.get_by_label("File").set_input_files([file])
    expect(page.get_by_label("Practice whose record it is")).to_have_value("")
    page.get_by_label("Practice whose record it is").select_option(index=1)
    page.get_by_role("button", name="Try it").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Import:")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Dry run:", timeout=60_000)
    expect(page.get_by_text("This would take away more than 5%")).to_be_visible()
    found = Axe().run(page).response["violations"]
    assert found == []
    page.get_by_role("button", name="Remove the file").click()
    expect(page.get_by_text("Nothing was imported")).to_be_visible()

"""The queue of requests, as the technician and then the prescriber work it."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect


def violations(page: Page) -> list[str]:
    """What axe finds wrong, with all that is folded opened."""
    page.evaluate("document.querySelectorAll('main details').forEach(d => { d.open = true })")
    found = Axe().run(page).response["violations"]
    return [f"{v['id']}: {n['target']}" for v in found for n in v["nodes"]]


def test_a_request_from_the_queue_to_the_signature(people: Any) -> None:
    technician = people.sign_in("tess")
    technician.get_by_role("link", name="Requests", exact=True).click()
    assert violations(technician) == []

    # The note first: nothing can be finished until it is read.
    noted = technician.locator("tr", has_text="Note").locator("[data-open]").first
    if noted.count():
        noted.click()
        expect(technician.get_by_role("button", name="Ready for signature")).to_have_count(0)
        technician.get_by_role("button", name="I have read the note").click()
        expect(technician.get_by_text("Recorded: you have read the note.")).to_be_visible()
        assert violations(technician) == []

    # By keys to an item without a query, and ready for signature.
    technician.goto("/requests/?outcome=ok")
    technician.keyboard.press("j")
    technician.keyboard.press("Enter")
    technician.wait_for_url(lambda url: "/requests/" in url and "outcome" not in url)
    name = technician.locator(".cf-id__name").inner_text()
    expect(technician.locator("svg.cf-timeline")).to_be_visible()
    read = technician.get_by_role("button", name="I have read the note")
    if read.count():
        read.first.click()
    assert "approved" not in technician.locator("main").inner_text().lower()
    ready = technician.get_by_role("button", name="Ready for signature").first
    item = technician.locator(".cf-card", has=ready).first.locator("h3").inner_text()
    ready.click()
    expect(technician.locator(".cf-notice").first).to_be_visible()
    technician.get_by_role("link", name="Repeat dispensing").click()
    assert violations(technician) == []

    # The prescriber opens with what is ready, and signs although the technician holds the case.
    prescriber = people.sign_in("grace")
    prescriber.get_by_role("link", name="Requests", exact=True).click()
    assert violations(prescriber) == []
    row = prescriber.get_by_role("row").filter(has_text=name)
    expect(row).to_contain_text(item)
    row.locator("[data-open]").click()
    first = prescriber.locator(".cf-card").first
    expect(first).to_contain_text(item)
    first.get_by_role("button", name="Record signed in the GP system").click()
    card = prescriber.locator(".cf-card", has_text=item).first
    expect(card).to_contain_text("Signed in the GP system by Grace Prescriber")
    assert violations(prescriber) == []

"""A rule is changed in the browser: checked, previewed, submitted, approved; the worklist follows."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect

RULE = "safety.nsaid_65_no_gastroprotection"


def open_count(page: Page, address: str) -> int:
    """How many patients the rule lists now."""
    page.goto(f"{address}/audits/{RULE}/")
    return int(page.locator("table tr", has_text="Open").first.locator("td").inner_text())


def moved_on(text: str) -> str:
    """From 40 instead of 65, the patients of the examples 25 years younger."""
    text = text.replace("age_at_least = 65", "age_at_least = 40")
    return re.sub(r"born = (\d{4})", lambda found: f"born = {int(found[1]) + 25}", text)


def test_a_limit_is_changed_and_the_worklist_with_it(people: Any, service: Any) -> None:
    writer = people.sign_in("tess")
    before = open_count(writer, service.address)
    writer.get_by_role("link", name="Change this rule").click()
    field = writer.get_by_label("The rule")
    text = field.input_value()

    # A change that the examples do not bear is said, with the example that fails.
    field.fill(text.replace("age_at_least = 65", "age_at_least = 60"))
    writer.get_by_role("button", name="Check the text and examples").click()
    expect(writer.get_by_text("Fails").first).to_be_visible()

    # Words are offered at the caret, by the keyboard alone.
    field = writer.get_by_label("The rule")
    field.fill("own")
    field.press("Control+Space")
    expect(writer.get_by_role("option", name="owner")).to_be_visible()
    field.press("Enter")
    assert field.input_value() == "owner"

    # The right change: previewed, then submitted with its reason.
    field.fill(moved_on(text))
    writer.get_by_role("button", name="Preview the patients").click()
    lead = writer.locator("#preview").inner_text()
    enters = int(re.search(r"(\d+) patients? would enter", lead)[1])  # type: ignore[index]
    assert enters > 0
    writer.get_by_label("Why the organisation").fill("Our formulary asks from 40.")
    writer.get_by_role("button", name="Submit for approval").click()
    expect(writer.get_by_text("waits for a pharmacist's approval")).to_be_visible()
    assert open_count(writer, service.address) == before

    pharmacist = people.sign_in("phil")
    pharmacist.goto(f"{service.address}/audits/")
    pharmacist.locator("section", has_text="Waiting for your approval").get_by_role("link").click()
    expect(
        pharmacist.locator(".cf-changes ins", has_text="age_at_least = 40").first
    ).to_be_visible()
    pharmacist.get_by_role("button", name="Approve version").click()
    expect(pharmacist.get_by_text("Approved.", exact=False).first).to_be_visible()
    after = open_count(pharmacist, service.address)
    assert after > before

    # Withdrawn, everything is as it was.
    pharmacist.get_by_role("link", name=re.compile("^Version ")).first.click()
    pharmacist.get_by_label("Note").fill("The test is over.")
    pharmacist.get_by_role("button", name="Withdraw this version").click()
    expect(pharmacist.get_by_text("Withdrawn.", exact=False).first).to_be_visible()
    assert open_count(pharmacist, service.address) == before

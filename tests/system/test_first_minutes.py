"""The first ten minutes of a lead and of an evaluator, step by step as the tutorial tells them."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import expect


def test_a_leads_first_ten_minutes(people: Any) -> None:
    lead = people.sign_in("lena")
    expect(lead.locator("main")).not_to_contain_text(re.compile(r"999 \d{3} \d{4}"))

    # Who is where, and is it enough?
    lead.get_by_role("link", name="Team").click()
    expect(lead.get_by_role("heading", level=1)).to_have_text("Team")
    board = lead.locator("main").inner_text()
    assert "Riverside Surgery" in board
    assert "Cover against need" in board
    assert re.search(r"\d\.\d short|every site has what it needs", board)

    # The audits as counts, and a rule with its source.
    lead.get_by_role("link", name="Audits").click()
    lead.get_by_role("link", name="Methotrexate: blood tests overdue").first.click()
    expect(lead.locator("main")).to_contain_text("every 12 weeks")
    expect(lead.locator("main")).to_contain_text("read November 2026")

    # What comes in: a dry run can be made, and nothing is imported by looking.
    lead.get_by_role("link", name="Import records").click()
    expect(lead.get_by_role("heading", level=1)).to_contain_text("Import")


def test_an_evaluators_first_ten_minutes(people: Any) -> None:
    evaluator = people.sign_in("lena")
    evaluator.get_by_role("link", name="Pilot").click()
    page = evaluator.locator("main")
    for words in (
        "Baseline",
        "Delivery",
        "Analysis",
        "What this design can show",
        "What it cannot show",
        "Primary outcome",
    ):
        expect(page).to_contain_text(words)
    assert evaluator.locator("main svg").count() >= 4
    evaluator.get_by_text("What is counted").first.click()
    evaluator.get_by_text("Table", exact=True).first.click()
    expect(evaluator.locator("main table").first).to_be_visible()
    evaluator.get_by_role("link", name="Report as it reads today").click()
    expect(evaluator.locator("body")).to_contain_text("It may not be said")

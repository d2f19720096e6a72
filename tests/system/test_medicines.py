"""How a dose is read and what a name means, as a technician asks the pages."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect


def violations(page: Page) -> list[str]:
    """What axe finds wrong."""
    found = Axe().run(page).response["violations"]
    return [f"{v['id']}: {n['target']}" for v in found for n in v["nodes"]]


def ask(page: Page, text: str, product: str = "") -> None:
    """Type a dose and have it read."""
    page.get_by_label("Dose, as it is written").fill(text)
    page.get_by_label("Product, if you know it").fill(product)
    page.get_by_role("button", name="Read the dose").click()
    expect(page.locator("ol.cf-words")).to_be_visible()


def test_a_dose_word_by_word_then_a_conflict(people: Any) -> None:
    page = people.sign_in("tess")
    page.get_by_role("link", name="Medicines", exact=True).click()
    page.get_by_role("link", name="Dose", exact=True).click()
    ask(
        page,
        "ONE or TWO tablets every 4 to 6 hours prn, max 8 in 24 hours",
        "Paracetamol 500mg tablets",
    )
    words = page.locator("ol.cf-words")
    expect(words).to_contain_text("amount: 1 to 2 tablets")
    expect(words).to_contain_text("only when needed")
    expect(page.get_by_text("0 to 8 tablets a day", exact=True)).to_be_visible()
    expect(page.get_by_text("Paracetamol: 0 to 4000 mg a day")).to_be_visible()
    expect(page.locator("[data-answer]")).to_be_focused()
    assert violations(page) == []

    ask(page, "Take SIX tablets daily", "Methotrexate 2.5mg tablets")
    conflict = page.get_by_role("note", name="Conflict")
    expect(conflict).to_contain_text("taken once a week; the text says 6 tablets once a day")
    expect(
        page.get_by_text("None can be given while what is written does not agree.")
    ).to_be_visible()
    assert violations(page) == []
    assert page.url.endswith("/medicines/dose/")


def test_a_dose_is_read_without_script_and_by_keyboard(people: Any) -> None:
    page = people.sign_in("phil", java_script_enabled=False)
    page.goto("/medicines/dose/")
    ask(page, "one tablet flurble twice a day", "paracetamol")
    expect(page.locator(".cf-words__missed")).to_contain_text("not understood")
    page.get_by_role("button", name="Paracetamol 500mg tablets").click()
    expect(page.get_by_label("Product, if you know it")).to_have_value("Paracetamol 500mg tablets")

    typed = people.sign_in("tess")
    typed.goto("/medicines/dose/")
    typed.keyboard.press("/")
    typed.keyboard.type("2 puffs bd")
    typed.keyboard.press("Tab")
    typed.keyboard.press("Enter")
    expect(typed.get_by_text("4 puffs a day", exact=True)).to_be_visible()


def test_names_are_suggested_while_typing_and_numbers_never_sent(people: Any) -> None:
    page = people.sign_in("tess")
    page.goto("/medicines/dose/")
    box = page.get_by_label("Product, if you know it")
    with page.expect_response("**/medicines/suggest/**"):
        box.press_sequentially("ramip")
    expect(page.locator("#products option").first).to_have_attribute(
        "value", "Ramipril 1.25mg capsules"
    )
    page.goto("/medicines/")
    page.get_by_label("Drug, brand, code or set").press_sequentially("9990000018")
    page.get_by_role("button", name="Look up").click()
    expect(page.locator("main")).to_contain_text("check digit")
    assert not [a for a in people.addresses if "9990000018" in a]


def test_from_a_name_to_its_rules(people: Any) -> None:
    page = people.sign_in("tess")
    page.goto("/medicines/")
    assert violations(page) == []
    page.get_by_label("Drug, brand, code or set").fill("methotrexate 2.5mg tablets")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Methotrexate 2.5mg tablets").click()
    expect(page.locator(".cf-family")).to_contain_text("Maxtrex 2.5mg tablets")
    expect(page.locator(".cf-tags")).to_contain_text("once a week")
    assert violations(page) == []
    page.get_by_role("link", name="Oral methotrexate").click()
    assert violations(page) == []
    page.get_by_role("link", name="Methotrexate: blood tests overdue").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Methotrexate")


def test_the_medicines_pages_fit_320_pixels(people: Any) -> None:
    page = people.sign_in("tess", viewport={"width": 320, "height": 640})
    for address in ("/medicines/", "/medicines/?q=methotrexate", "/medicines/sets/egfr/"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, address
    page.goto("/medicines/dose/")
    ask(
        page,
        "40mg od for 7 days, then reduce by 5mg weekly until stopped",
        "Prednisolone 5mg tablets",
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 320

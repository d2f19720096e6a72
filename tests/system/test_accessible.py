"""Every page with axe, at a narrow window, by keyboard alone, and without script."""

from __future__ import annotations

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

PAGES = (
    "/",
    "/?view=near",
    "/?view=handed_over&due=none",
    "/letters/",
    "/patients/",
    "/audits/",
    "/audits/monitoring.methotrexate/",
    "/medicines/",
    "/medicines/dose/",
    "/keys/",
    "/team/",
    "/pilot/",
    "/import/",
)
NARROW = {"width": 320, "height": 640}


def violations(page: Page) -> list[str]:
    """What axe finds wrong, by rule and place."""
    found = Axe().run(page).response["violations"]
    return [f"{v['id']}: {n['target']} {n['failureSummary']}" for v in found for n in v["nodes"]]


def first_of(page: Page, address: str, locator: str) -> str:
    """The address of the first row's page on a list."""
    page.goto(address)
    return str(page.locator(locator).first.evaluate("link => link.href"))


def open_everything(page: Page) -> None:
    """Open all that is folded, so that axe sees it."""
    page.evaluate("document.querySelectorAll('main details').forEach(d => { d.open = true })")


def letter_with_changes(page: Page) -> str:
    """A letter with more than same lines."""
    page.goto("/letters/")
    links = page.locator("table[data-rows] tr", has=page.locator(".nhsuk-tag"))
    return str(links.locator("[data-open]").first.evaluate("link => link.href"))


@pytest.mark.parametrize("folded", [True, False], ids=["as shown", "all opened"])
def test_axe_finds_nothing_wrong(people: Any, folded: bool) -> None:
    found = {}

    def look(page: Page, address: str) -> None:
        page.goto(address)
        if not folded:
            open_everything(page)
        found[address] = violations(page)

    look(people.window(), "/sign-in/")
    technician = people.sign_in("tess")
    case = first_of(technician, "/?kind=monitoring", "[data-open]")
    ward_list = f"{case.split('#')[0].split('?')[0]}ward-list/"
    for address in (*PAGES, case, ward_list, letter_with_changes(technician)):
        look(technician, address)
    technician.goto(case)
    if technician.locator("details[data-hand-over]").count():
        technician.locator("details[data-hand-over] > summary").first.click()
        technician.get_by_role("button", name="Send question").first.click()
    look(people.sign_in("phil"), "/questions/")
    look(people.sign_in("lena"), "/team/?of=lead")
    assert {a: v for a, v in found.items() if v} == {}
    assert len(found) == len(PAGES) + 6


def test_axe_finds_nothing_wrong_on_the_error_page(people: Any) -> None:
    page = people.sign_in("tess")
    page.goto("/cases/00000000-0000-4000-8000-000000000000/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Page not found")
    assert violations(page) == []
    people.complaints.clear()  # the browser says that it was a 404


def test_nothing_scrolls_sideways_at_320_pixels(people: Any) -> None:
    page = people.sign_in("tess", viewport=NARROW)
    case = first_of(page, "/?kind=monitoring", "[data-open]")
    too_wide = {}
    ward_list = f"{case.split('#')[0].split('?')[0]}ward-list/"
    for address in (*PAGES, case, ward_list, letter_with_changes(page)):
        page.goto(address)
        open_everything(page)
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > NARROW["width"]:
            too_wide[address] = width
    assert too_wide == {}


def test_the_identity_bar_does_not_cover_what_has_the_focus(people: Any) -> None:
    page = people.sign_in("tess")
    page.goto(letter_with_changes(page))
    covered = []
    for _ in range(60):
        page.keyboard.press("Tab")
        hidden = page.evaluate(
            """() => {
              const e = document.activeElement, bar = document.querySelector('.cf-id')
              if (!e || bar.contains(e) || e === document.body) return ''
              const place = e.getBoundingClientRect(), top = bar.getBoundingClientRect()
              const stuck = getComputedStyle(bar).position === 'sticky' && top.top <= 0
              return stuck && place.bottom <= top.bottom && place.height ? e.outerHTML : ''
            }"""
        )
        if hidden:
            covered.append(hidden)
    assert covered == []


def test_a_question_is_sent_by_keyboard_alone(people: Any) -> None:
    page = people.window()
    page.goto("/sign-in/")
    for _ in range(10):
        if page.evaluate("document.activeElement.id") == "id_username":
            break
        page.keyboard.press("Tab")
    page.keyboard.type("tess")
    page.keyboard.press("Tab")
    page.keyboard.type("counterfoil-demo")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Today")

    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    opened = page.evaluate("document.activeElement.textContent")
    assert opened == page.locator("[data-open]").first.inner_text()
    page.goto("/?kind=monitoring")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/cases/"))
    page.keyboard.press("h")
    assert page.evaluate("document.activeElement.name") in ("to_role", "question")
    while page.evaluate("document.activeElement.name") != "question":
        page.keyboard.press("Tab")
    page.keyboard.press("End")
    page.keyboard.type(" jk?n")  # keys do nothing but write while somebody types
    assert " jk?n" in page.evaluate("document.activeElement.value")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent.trim()") == "Send question"
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile("^Handed over to the"))).to_be_visible()

    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).not_to_be_visible()
    page.keyboard.press("/")
    page.wait_for_url(re.compile("/patients/"))


def test_single_keys_can_be_switched_off(people: Any) -> None:
    page = people.sign_in("tess")
    page.goto("/keys/")
    page.get_by_role("button", name="Switch single keys off").click()
    page.goto("/")
    before = page.evaluate("document.activeElement.tagName")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.tagName") == before
    page.goto("/keys/")
    page.get_by_role("button", name="Switch single keys on").click()


def test_the_work_can_be_done_without_script(people: Any) -> None:
    page = people.sign_in("tess", java_script_enabled=False)
    page.get_by_label("Kind").select_option("coding")
    page.get_by_role("button", name="Show").click()
    page.locator("[data-open]").first.click()
    card = page.locator(".cf-card").first
    if not card.locator("summary", has_text="Add a note").is_visible():
        card.locator("details.cf-more > summary").click()
    card.locator("summary", has_text="Add a note").click()
    form = card.locator("form[action$='/add_note/']")
    form.locator("textarea[name=note]").fill("Looked at the letters")
    form.get_by_role("button", name="Add a note").click()
    expect(page.get_by_text("Note added.")).to_be_visible()
    expect(page.locator(".cf-card").first).to_contain_text("Looked at the letters")

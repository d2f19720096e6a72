"""A served demo home and a real browser, for tests that use the pages as people do."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from support import ROOT

PASSWORD = "counterfoil-demo"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = (
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
)
START_SECONDS = 60


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of this folder drives one browser on one home: together, and left out of make quick."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.system)
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.xdist_group("browser"))


def _chromium() -> str:
    for name in CHROMIUM:
        found = shutil.which(name)
        if found:
            return found
    pytest.fail(f"no Chromium is installed (looked for {', '.join(CHROMIUM)}); run make test")


@dataclass
class Service:
    """A running service: where it answers, and what it wrote to its log."""

    address: str
    log: Path
    home: Path


def _command(*words: str) -> list[str]:
    return [sys.executable, "-m", "counterfoil.cli", *words]


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A demo home of 1,200 patients served on a free port of this machine."""
    folder = tmp_path_factory.mktemp("service")
    home = folder / "home"
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("COUNTERFOIL_", "DJANGO_"))},
        "COUNTERFOIL_HOME": str(home),
        "COUNTERFOIL_TODAY": "2026-11-22",
        "PYTHONPATH": str(ROOT / "src"),
    }
    made = subprocess.run(
        _command("demo", "--once", "--patients", "1200", "--seed", "3", "--as-of", "2026-11-22"),
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / "service.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            _command("serve", "--port", str(port)), env=environment, stdout=output, stderr=output
        )
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_for(address, process, log)
            yield Service(address, log, home)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"{address}/sign-in/", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    pytest.fail(f"the service did not answer within {START_SECONDS} s:\n{log.read_text()}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium of the system, nothing sent home. A module's own: its loop must not outlive it."""
    arguments = [*QUIET, *(["--no-sandbox"] if hasattr(os, "geteuid") and not os.geteuid() else [])]
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=_chromium(), args=arguments)
        yield launched
        launched.close()


@dataclass
class People:
    """Opens a window for a person and signs them in; keeps what the windows complained about."""

    browser: Browser
    service: Service
    complaints: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)
    windows: list[BrowserContext] = field(default_factory=list)

    def window(self, **options: Any) -> Page:
        """A window of somebody who has not signed in."""
        context = self.browser.new_context(
            **{
                "base_url": self.service.address,
                "viewport": {"width": 1366, "height": 768},
                **options,
            }
        )
        context.set_default_timeout(15_000)
        self.windows.append(context)
        page = context.new_page()
        page.on(
            "console",
            lambda m: self.complaints.append(m.text) if m.type in ("error", "warning") else None,
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.addresses.append(request.url))
        page.on("load", lambda loaded: self.titles.append(loaded.title()))
        return page

    def sign_in(self, name: str, **options: Any) -> Page:
        """A window of *name*, at their first page."""
        page = self.window(**options)
        page.goto("/sign-in/")
        page.get_by_label("User name").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(lambda url: "/sign-in/" not in url)
        return page


@pytest.fixture
def people(browser: Browser, service: Service) -> Iterator[People]:
    """People at their windows; a complaint of the browser's console fails the test."""
    made = People(browser, service)
    yield made
    for window in made.windows:
        window.close()
    assert not made.complaints
    elsewhere = [a for a in made.addresses if not a.startswith((service.address, "data:"))]
    assert not elsewhere, "the pages ask nothing of anybody else"

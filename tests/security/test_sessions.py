"""Signing in, staying signed in, and what a browser is told."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from counterfoil.service.accounts import throttle
from counterfoil.service.accounts.middleware import SEEN, STARTED
from counterfoil.service.accounts.models import FailedSignIn
from counterfoil.service.casework.models import Event

PASSWORD = "a long enough phrase"


@pytest.fixture
def tess(world: Any) -> Any:
    world.tess.set_password(PASSWORD)
    world.tess.save()
    return world.tess


def signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_passwords_are_hashed_with_argon2(tess: Any) -> None:
    assert tess.password.startswith("argon2$argon2id$")


@pytest.mark.slow
def test_five_failures_pause_an_account_for_one_address(tess: Any) -> None:
    for _ in range(5):
        assert not Client().login(username="tess", password="wrong")
    assert not Client().login(username="tess", password=PASSWORD)
    assert throttle.paused(None, "TESS ")
    FailedSignIn.objects.update(last_at=timezone.now() - timedelta(minutes=16))
    assert Client().login(username="tess", password=PASSWORD)
    assert not FailedSignIn.objects.exists()


@pytest.mark.slow
def test_unknown_names_are_counted_like_known_ones(world: Any) -> None:
    for _ in range(5):
        assert not Client().login(username="nobody", password="wrong")
    assert throttle.paused(None, "nobody")


@pytest.mark.parametrize(
    ("idle", "whole", "stays"),
    [(14 * 60, 3600, True), (16 * 60, 3600, False), (10, 12 * 3600 + 60, False)],
)
def test_sessions_end_when_idle_and_when_old(
    world: Any, idle: int, whole: int, stays: bool
) -> None:
    client = Client()
    client.force_login(world.tess)
    session = client.session
    session[SEEN], session[STARTED] = time.time() - idle, time.time() - whole
    session.save()
    client.get("/no-such-page/")
    assert signed_in(client) is stays


def test_the_first_request_starts_the_clock(world: Any) -> None:
    client = Client()
    client.force_login(world.tess)
    client.get("/no-such-page/")
    assert abs(client.session[STARTED] - time.time()) < 60


def test_nothing_is_cached_for_who_is_signed_in_and_the_policy_is_strict(world: Any) -> None:
    client = Client()
    client.force_login(world.tess)
    answer = client.get("/no-such-page/")
    assert answer["Cache-Control"] == "no-store, private"
    directives = dict(
        part.strip().split(" ", 1) for part in answer["Content-Security-Policy"].split(";")
    )
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert directives["default-src"] == directives["frame-ancestors"] == "'none'"
    assert directives["script-src"].startswith("'self'")
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"


def test_posts_need_the_token(world: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.tess)
    assert client.post("/sign-out/").status_code == 403
    assert signed_in(client)


def test_signing_out_is_posted_and_logged(world: Any) -> None:
    client = Client()
    client.force_login(world.tess)
    assert client.get("/sign-out/").status_code == 405
    client.post("/sign-out/")
    assert not signed_in(client)
    assert Event.objects.get(kind="signed_out").actor == str(world.tess.pk)


def settings_of(apart: dict[str, str], **more: str) -> dict[str, Any]:
    """Some settings as a fresh process with this environment sees them."""
    names = (
        "ALLOWED_HOSTS SESSION_COOKIE_SECURE CSRF_COOKIE_SECURE SECURE_SSL_REDIRECT "
        "SECURE_HSTS_SECONDS DEBUG COUNTERFOIL_DEMO"
    )
    code = (
        "import json; from django.conf import settings as s; "
        f"print(json.dumps({{n: getattr(s, n) for n in {names.split()!r}}}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**apart, **more},
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("demo", [True, False])
def test_a_demo_answers_to_loopback_and_a_real_home_wants_tls(
    apart: dict[str, str], demo: bool
) -> None:
    from pathlib import Path

    from counterfoil.service.config.home import Home

    home = Home(Path(apart["COUNTERFOIL_HOME"])).create(demo=demo)
    found = settings_of(apart, COUNTERFOIL_HOSTS="work.example.nhs.uk")
    assert found["DEBUG"] is False
    assert found["COUNTERFOIL_DEMO"] is demo
    assert ("work.example.nhs.uk" in found["ALLOWED_HOSTS"]) is not demo
    assert found["SESSION_COOKIE_SECURE"] is found["CSRF_COOKIE_SECURE"] is not demo
    assert found["SECURE_SSL_REDIRECT"] is not demo
    assert found["SECURE_HSTS_SECONDS"] == (0 if demo else 365 * 24 * 3600)
    assert (home.folder / "secret.key").stat().st_mode & 0o077 == 0

"""Fixtures that several test rooms share: a home folder of its own, and a small made-up PCN."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import hypothesis
import pytest

# The suite generates the same cases each time, so that a change is judged and not luck; ``make explore``
# looks for new ones. What it finds becomes an example of its own.
hypothesis.settings.register_profile("suite", derandomize=True, database=None, deadline=None)
hypothesis.settings.register_profile("explore", derandomize=False, deadline=None)
hypothesis.settings.load_profile(os.environ.get("COUNTERFOIL_HYPOTHESIS", "suite"))


def pytest_configure(config: pytest.Config) -> None:
    """No test may see the home folder, or the strictness over HTTP, of whoever runs it."""
    from django.conf import settings

    settings.COUNTERFOIL_HOME = Path(tempfile.gettempdir()) / "counterfoil-no-home"
    settings.COUNTERFOIL_DEMO = False
    settings.COUNTERFOIL_TODAY = "2026-11-22"
    settings.COUNTERFOIL_STARTS_WORKER = False
    settings.ALLOWED_HOSTS = ["127.0.0.1", "localhost", "testserver"]
    settings.SECURE_SSL_REDIRECT = False
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = False


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """Transactional tests empty every table afterwards: let them, append-only ones too."""
    from django.db import connection

    from counterfoil.service.casework import guards

    flush = connection.ops.execute_sql_flush

    def unguarded(statements: Any) -> None:
        guards.remove(connection)
        try:
            flush(statements)
        finally:
            guards.install(connection)

    connection.ops.execute_sql_flush = unguarded  # type: ignore[method-assign]
    yield
    connection.ops.execute_sql_flush = flush  # type: ignore[method-assign]


@pytest.fixture
def home(tmp_path: Path, settings: Any) -> Any:
    """A home folder of its own; not a demo."""
    from counterfoil.service.config.home import Home

    made = Home(tmp_path / "home").create(demo=False)
    settings.COUNTERFOIL_HOME = made.folder
    return made


@pytest.fixture
def world(db: None, home: Any) -> Any:
    """A PCN with two practices and a user in each role; see ``service_world``."""
    import service_world

    return service_world.build()


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a process with a home, and on PostgreSQL a database, of its own."""
    import uuid

    root = Path(__file__).resolve().parents[1]
    environment = {
        **os.environ,
        "COUNTERFOIL_HOME": str(tmp_path / "apart"),
        "COUNTERFOIL_TODAY": "2026-11-22",
        "DJANGO_SETTINGS_MODULE": "counterfoil.service.config.settings",
        "PYTHONPATH": f"{root / 'src'}{os.pathsep}{root / 'tests'}",
    }
    url = os.environ.get("COUNTERFOIL_DATABASE_URL")
    if not url:
        yield environment
        return
    import psycopg
    from psycopg import sql

    name = f"counterfoil_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    parts = urlsplit(url)
    try:
        yield {**environment, "COUNTERFOIL_DATABASE_URL": parts._replace(path=f"/{name}").geturl()}
    finally:
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )

"""One settings module, driven by the environment and the home folder.

``COUNTERFOIL_HOME`` names the folder, ``COUNTERFOIL_DATABASE_URL`` a PostgreSQL database instead of
the embedded SQLite one, ``COUNTERFOIL_HOSTS`` the names a real installation answers to (comma
between), ``COUNTERFOIL_TRUST_PROXY=1`` that a proxy in front ends TLS and says so. Nothing is
written at import: ``commands.init_home`` makes a home.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from csp.constants import NONCE, NONE, SELF

from counterfoil.service.config.home import Home, default_folder

SERVICE = Path(__file__).resolve().parents[1]
PAGES = SERVICE / "pages"

COUNTERFOIL_HOME = default_folder()
_home = Home(COUNTERFOIL_HOME)
COUNTERFOIL_DEMO = _home.demo

# A home that does not exist yet has no key: one for this process serves `--help`, checks and tests.
SECRET_KEY = _home.secret() or secrets.token_urlsafe(48)
DEBUG = False
LOOPBACK = ["127.0.0.1", "localhost", "[::1]"]
_named = [h.strip() for h in os.environ.get("COUNTERFOIL_HOSTS", "").split(",") if h.strip()]
ALLOWED_HOSTS = LOOPBACK if COUNTERFOIL_DEMO else [*LOOPBACK, *_named]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "counterfoil.service.organisations",
    "counterfoil.service.accounts",
    "counterfoil.service.records",
    "counterfoil.service.casework",
    "counterfoil.service.rulebook",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "counterfoil.service.accounts.middleware.SessionLimits",
    "counterfoil.service.accounts.middleware.NeverStored",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "counterfoil.service.config.urls"
WSGI_APPLICATION = "counterfoil.service.config.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [PAGES / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "environment": "counterfoil.service.config.jinja.environment",
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csrf",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]


def _postgres(url: str) -> dict[str, Any]:
    """Django's settings for ``postgresql://user:password@host:port/name?host=/socket/folder``."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        raise ValueError("COUNTERFOIL_DATABASE_URL: expected postgresql://user@host:port/name")
    query = parse_qs(parts.query)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.get("host", [parts.hostname or ""])[0],
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }


def _sqlite(home: Home) -> dict[str, Any]:
    """WAL for readers beside a writer; IMMEDIATE because an upgrade of a read lock fails at once;
    FULL because an acknowledged decision must outlive a power cut."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(home.database),
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        },
    }


_url = os.environ.get("COUNTERFOIL_DATABASE_URL", "")
DATABASES = {"default": _postgres(_url) if _url else _sqlite(_home)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
AUTHENTICATION_BACKENDS = ["counterfoil.service.accounts.throttle.ThrottledBackend"]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "today"
LOGOUT_REDIRECT_URL = "sign-in"

COUNTERFOIL_IDLE_MINUTES = 15
COUNTERFOIL_SESSION_HOURS = 12
COUNTERFOIL_ACTIVE_GAP_MINUTES = float(os.environ.get("COUNTERFOIL_ACTIVE_GAP_MINUTES", "5"))
"""A longer gap between a person's events is not counted as work on anything."""
COUNTERFOIL_CLAIM_HOURS = 2
COUNTERFOIL_REQUEST_DAYS = int(os.environ.get("COUNTERFOIL_REQUEST_DAYS", "14"))
"""Repeat requests received longer ago than this are no work any more."""
COUNTERFOIL_REQUEST_DUE_DAYS = 2
"""Days within which a request is to be dealt with: a limit of this software, not a standard."""
COUNTERFOIL_SIGN_IN_FAILURES = 5
COUNTERFOIL_SIGN_IN_PAUSE_MINUTES = 15
COUNTERFOIL_KEEP_SNAPSHOTS = int(os.environ.get("COUNTERFOIL_KEEP_SNAPSHOTS", "0"))
"""How many superseded snapshots of a practice are kept."""
COUNTERFOIL_KEEP_SNAPSHOT_DAYS = int(os.environ.get("COUNTERFOIL_KEEP_SNAPSHOT_DAYS", "0"))
"""For how many days a superseded snapshot is kept, however many there are."""

COUNTERFOIL_STARTS_WORKER = True
"""Whether a page that asks for an import starts the process that does it. Tests work by themselves."""

COUNTERFOIL_TODAY = os.environ.get("COUNTERFOIL_TODAY", "")
"""An ISO date that stands for today, for tests and demonstrations; empty: the clock."""

SESSION_COOKIE_AGE = COUNTERFOIL_SESSION_HOURS * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"

# Plain HTTP is for a demo on the loopback address only.
_https = not COUNTERFOIL_DEMO and _home.exists
SESSION_COOKIE_SECURE = _https
CSRF_COOKIE_SECURE = _https
SECURE_SSL_REDIRECT = _https
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _https
if os.environ.get("COUNTERFOIL_TRUST_PROXY") == "1":
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
    }
}

DATA_UPLOAD_MAX_MEMORY_SIZE = 20 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
FILE_UPLOAD_HANDLERS = [
    "counterfoil.service.setup.uploads.SizeLimit",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
# Uploads wait in the home, in a folder that nobody else of the machine can read.
_uploads = _home.folder / "importing"
FILE_UPLOAD_TEMP_DIR = str(_uploads) if _uploads.is_dir() else None

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "Europe/London"
USE_I18N = False
USE_TZ = True

STATIC_URL = "/static/"
# WhiteNoise serves straight from the packages: there is no collect step to forget.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
STATICFILES_DIRS = [
    (prefix, folder)
    for prefix, folder in (("", PAGES / "static"), ("nhsuk", SERVICE / "assets" / "nhsuk"))
    if folder.is_dir()
]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
}

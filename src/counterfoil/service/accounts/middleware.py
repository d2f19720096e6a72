"""Sessions end after a quarter of an hour idle and after twelve hours in all; nothing is cached."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse

Handler = Callable[[HttpRequest], HttpResponse]

STARTED, SEEN = "started_at", "seen_at"


class SessionLimits:
    """Sign out whoever was idle too long or signed in too long ago."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            now = time.time()
            started = float(request.session.get(STARTED, now))
            seen = float(request.session.get(SEEN, now))
            idle = now - seen > settings.COUNTERFOIL_IDLE_MINUTES * 60
            if idle or now - started > settings.COUNTERFOIL_SESSION_HOURS * 3600:
                logout(request)
            elif STARTED not in request.session:
                request.session[STARTED] = request.session[SEEN] = now
            elif now - seen > 30:  # one write in half a minute, not one a page
                request.session[SEEN] = now
        return self.get_response(request)


class NeverStored:
    """Pages of somebody who is signed in stay out of every cache."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        signed_in = request.user.is_authenticated
        response = self.get_response(request)
        if signed_in or request.user.is_authenticated:
            response["Cache-Control"] = "no-store, private"
            response["Pragma"] = "no-cache"
        return response

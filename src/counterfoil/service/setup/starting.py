"""The worker of imports as a process: started when there is work, one at a time, ended on request.

It is no child that a request waits for, and no service that must be kept up: whoever asks for an
import starts it, it works until nothing waits, and goes. A lock on a file of the home, which the
system lets go of when a process ends however it ends, says whether one is there.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from django.conf import settings

from counterfoil.service.config import home
from counterfoil.service.records import reading

MODULE = "counterfoil.service.worker"
LOOKS = (0.0, 0.05, 0.2, 0.5)
"""Seconds between looks at the lock: somebody who asks whether it is held holds it for a moment."""
_started: list[subprocess.Popen[bytes]] = []


def start() -> bool:
    """Start a worker in a session of its own, unless one is at work; whether one was started."""
    if not settings.COUNTERFOIL_STARTS_WORKER or _at_work():
        return False
    environment = {
        **os.environ,
        "COUNTERFOIL_HOME": str(home.current().folder),
        "DJANGO_SETTINGS_MODULE": "counterfoil.service.config.settings",
    }
    # Those that have ended are asked, so that the system can forget them.
    _started[:] = [one for one in _started if one.poll() is None]
    made = subprocess.Popen(
        [sys.executable, "-m", MODULE],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    _started.append(made)
    return True


def stop() -> None:
    """End the worker of this home, if one is at work; what it was doing is taken up again later."""
    if not _at_work():
        return
    holder = _lock_file().read_text("utf-8").strip()
    if reading.is_there(holder):
        os.kill(int(holder.split(":")[1]), signal.SIGTERM)


@contextmanager
def alone() -> Iterator[bool]:
    """Whether this process is the one worker of the home while the block runs."""
    with _lock_file().open("a+", encoding="utf-8") as file:
        for wait in LOOKS:
            time.sleep(wait)
            if _locked(file):
                break
        else:
            yield False
            return
        file.truncate(0)
        file.write(reading.this_process())
        file.flush()
        yield True


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _at_work() -> bool:
    with _lock_file().open("a", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _lock_file() -> Path:
    path: Path = home.current().folder / "importing.lock"
    return path

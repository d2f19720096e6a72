"""``python -m counterfoil.service.worker``: does the imports that wait in a home, then ends.

The pages start it (:mod:`counterfoil.service.setup.starting`); ``COUNTERFOIL_HOME`` names the home.
"""

from __future__ import annotations

import os

from counterfoil.service import commands


def main() -> None:
    """Work until nothing waits. What it writes nobody else of the machine can read."""
    os.umask(0o077)
    commands.open_home(None)
    from counterfoil.service.setup import working

    working.work()


if __name__ == "__main__":
    main()

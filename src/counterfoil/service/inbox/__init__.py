"""Letters that come by themselves: MESH mailboxes and watched folders, each belonging to a practice.

One order is kept everywhere: downloaded, stored, then acknowledged. A crash between any two of these
loses nothing (what was not acknowledged is still waiting) and doubles nothing (the same bytes for
the same practice are one letter).
"""

from counterfoil.service.inbox.fetching import Fetched, fetch, fetch_all
from counterfoil.service.inbox.settings import Inbox, load
from counterfoil.service.inbox.sources import FolderSource, MeshSource, Source, Waiting, source_of

__all__ = [
    "Fetched",
    "FolderSource",
    "Inbox",
    "MeshSource",
    "Source",
    "Waiting",
    "fetch",
    "fetch_all",
    "load",
    "source_of",
]

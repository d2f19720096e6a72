"""What several test rooms share: where the reference data lies, when it is there."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
_shared = ROOT.parent / "shared"
SHARED: Path | None = _shared if (_shared / "schema.toml").exists() else None

needs_shared = [
    pytest.mark.shared,
    pytest.mark.skipif(
        SHARED is None, reason="the shared reference data is not beside the project"
    ),
]
"""``pytestmark = needs_shared`` for a module that reads the reference data."""


def shared(*parts: str) -> Path:
    """A path in the reference data; only for tests marked with ``needs_shared``."""
    if SHARED is None:
        raise FileNotFoundError("the shared reference data is not beside the project")
    return SHARED.joinpath(*parts)

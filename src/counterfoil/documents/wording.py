"""The closed words of letters, compiled once from ``knowledge/letters.toml``."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

NUMBER_WORDS = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
"""Whole numbers as letters spell them, for a pattern; ``@number@`` in the file stands for them.

Every place that asks whether words can be a dose asks with all of them: a number that one list lacks
would let a dose pass for a remark.
"""


@cache
def _tables() -> dict[str, Any]:
    text = files("counterfoil").joinpath("knowledge/letters.toml").read_text("utf-8")
    return tomllib.loads(text.replace("@number@", NUMBER_WORDS))


@cache
def pattern(*path: str) -> re.Pattern[str]:
    """The pattern at this path of the file, e.g. ``pattern("status", "stopped")``."""
    value: Any = _tables()
    for step in path:
        value = value[step]
    return re.compile(value, re.IGNORECASE)


@cache
def plain_pattern(*path: str) -> re.Pattern[str]:
    """The same pattern for text in lower case, which is searched in half the time."""
    return re.compile(pattern(*path).pattern)


@cache
def patterns(*path: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Every pattern of a table with its name, in the order of the file."""
    value: Any = _tables()
    for step in path:
        value = value[step]
    return tuple((k, re.compile(v, re.IGNORECASE)) for k, v in value.items() if isinstance(v, str))


@cache
def change_code(code: str) -> str | None:
    """What a message's change code states, in our words; ``None`` where the list has no such code."""
    found = _tables()["status"]["codes"].get(code.strip().lower())
    return str(found) if found else None

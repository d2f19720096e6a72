"""What an import report may show of a value it could not take, and the days it takes at all."""

from __future__ import annotations

import re
from datetime import date

EARLIEST = date(1850, 1, 1)
LATEST = date(2199, 12, 31)
"""Days outside these are a system's way of saying "none" (9999-12-31): they are read as missing."""

_MOST = 24
_LIKE_A_DAY = re.compile(
    r"(?:\d{1,4}[-/. ]\d{1,2}[-/. ]\d{1,4}|\d{1,2}[-/ ][A-Za-z]{3}[-/ ]\d{2,4}|\d{5})(?: [\d:]+)?\Z",
    re.ASCII,
)
_DIGIT = re.compile(r"\d")
_LIKE_A_NUMBER_OF_SOMEBODY = re.compile(r"\d[\d\s-]{8,}\d")


def found(value: object, personal: bool = False) -> str:
    """The value as a report may show it: short, and nothing that may name a person.

    *personal* is for values that may hold a name or an address whatever they look like.
    """
    text = str(value)
    if personal and _LIKE_A_DAY.match(text):
        return f"one written like {_DIGIT.sub('0', text)}"
    if personal or len(text) > _MOST or _LIKE_A_NUMBER_OF_SOMEBODY.search(text):
        return f"{len(text)} characters"
    return repr(text)

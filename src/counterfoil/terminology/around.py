"""What people write around a name: a remark before it, directions and a quantity after it.

Only what stands in a closed list (``knowledge/names/around.csv``) is taken off, and only at the two
ends; what is taken off is given back, so that a caller can show it.
"""

from __future__ import annotations

import re
from functools import lru_cache

from counterfoil.terminology.names import rows

_QUANTITY = re.compile(r"^\s*\d+\s?x\s?(?=[a-z]{3})|[\s,;(]x\s?\d+\)?\s*$", re.IGNORECASE)
_LONGEST = 200
_PER_PERIOD = r"\d+/(?:7|52|12)"
_PLAIN = str.maketrans({"[": "(", "]": ")"})


@lru_cache(maxsize=1)
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    kinds: dict[str, list[str]] = {"before": [], "direction": []}
    for row in rows("around.csv"):
        kinds[row["kind"]].append(r"\s+".join(map(re.escape, row["words"].split())))
    before, after = ("|".join(sorted(words, key=len, reverse=True)) for words in kinds.values())
    lead = re.compile(rf"^[\s?*.\-]*(?:(?:{before})\b[\s:;,.\-]*)*(?=[a-z])", re.IGNORECASE)
    each = rf"(?:{after}|{_PER_PERIOD}|\d+(?:-\d+)?)(?![\w/%])"
    told = rf"(?<![\w/])(?:{after}|{_PER_PERIOD})(?![\w/%])"
    last = rf"[\s,;\-]+(?=(?:\d+(?:-\d+)?\s+)?{told})(?:{each}[\s,;.\-]*)+$"
    return lead, re.compile(last, re.IGNORECASE)


def name_within(text: str) -> tuple[str, str]:
    """The name that *text* gives, and what stood around it; (text, "") where nothing did.

    >>> name_within("?still taking citalopram 40mg tabs one od prn")
    ('citalopram 40mg tabs', '?still taking one od prn')
    >>> name_within("28xsitagliptin 50mg tablets [Krka]")
    ('sitagliptin 50mg tablets (Krka)', '28x')
    """
    if len(text) > _LONGEST:
        return text, ""
    lead, last = _patterns()
    plain, around = text.translate(_PLAIN), []
    for pattern in (_QUANTITY, lead, last, _QUANTITY):
        found = pattern.search(plain)
        if found is not None and found.group().strip(" -") and found.group() != plain:
            around.append(found.group().strip(" ,;-"))
            plain = plain[: found.start()] + plain[found.end() :]
    return plain.strip(" ,;-"), " ".join(around)

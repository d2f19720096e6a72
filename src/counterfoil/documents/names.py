"""Where a medicine's name begins and ends in running text, by the names the formulary knows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from counterfoil.documents.wording import NUMBER_WORDS
from counterfoil.terminology import Match, forget_on_use, formulary, own_formulary

WORD = re.compile(r"[A-Za-zÀ-ÿ][\w'’À-ÿ]*|\d[\w.]*")
_CUT = re.compile(r"\s+(?=\d)|\s*[(/]")
_FORM_WORDS = frozenset(
    [
        "tablets",
        "tablet",
        "capsules",
        "capsule",
        "oral",
        "solution",
        "suspension",
        "cream",
        "ointment",
        "gel",
        "injection",
        "eye",
        "ear",
        "nasal",
        "drops",
        "drop",
        "spray",
        "patches",
        "patch",
        "inhaler",
        "sachets",
        "powder",
        "liquid",
        "lotion",
        "granules",
        "gum",
        "foam",
        "sugar",
        "free",
        "modified",
        "release",
        "gastro",
        "resistant",
        "dispersible",
        "effervescent",
        "soluble",
        "generic",
    ]
)


@dataclass(frozen=True, slots=True)
class Name:
    """A known name found in text: its stretch."""

    start: int
    end: int


@cache
def _index() -> dict[str, tuple[tuple[str, ...], ...]]:
    """Known names by their first word, longest first."""
    names: set[tuple[str, ...]] = set()
    for product in formulary().products:
        heads = [_CUT.split(product.name)[0], *product.ingredients]
        if product.brand:
            heads.append(product.brand)
        for head in heads:
            words = tuple(w.lower() for w in WORD.findall(head) if w.lower() not in _FORM_WORDS)
            if words and len("".join(words)) > 2:
                names.add(words)
    table: dict[str, list[tuple[str, ...]]] = {}
    for words in names:
        table.setdefault(words[0], []).append(words)
    return {k: tuple(sorted(v, key=lambda w: (-len(w), w))) for k, v in table.items()}


@cache
def _products() -> dict[str, tuple[str, ...]]:
    """Whole product names in lower case by their first word, longest first."""
    table: dict[str, set[str]] = {}
    for product in formulary().products:
        name = " ".join(product.name.lower().split())
        table.setdefault(name.split()[0], set()).add(name)
    return {k: tuple(sorted(v, key=lambda n: (-len(n), n))) for k, v in table.items()}


def product_at(text: str, start: int) -> int | None:
    """The end of the longest whole product name that begins at *start*; ``None`` where none does."""
    first = text[start : start + 40].split(maxsplit=1)
    if not first:
        return None
    for name in _products().get(first[0].lower(), ()):
        end = start + len(name)
        if text[start:end].lower() == name and not text[end : end + 1].isalnum():
            return end
    return None


@lru_cache(maxsize=16384)
def _known_alone(word: str) -> bool:
    """Whether the formulary knows this one word as a name: an old name, a trade name, a short one.

    Our own alone is asked: a whole release has brands that are everyday words.
    """
    return own_formulary().match(word).level != "none"


@lru_cache(maxsize=65536)
def look_up(text: str, code: str | None = None) -> Match:
    """The formulary's reading of a drug text."""
    return formulary().match(text, code)


forget_on_use(look_up.cache_clear)


@lru_cache(maxsize=4096)
def name_at(text: str, start: int = 0, *, ask: bool = True) -> Name | None:
    """The longest known name that begins exactly at *start*; ``None`` where none does.

    With *ask*, a first word that the index of names lacks is put to the formulary, which also knows
    old names and abbreviations.
    """
    first = WORD.match(text, start)
    if first is None or not first.group()[0].isalpha():
        return None
    word = first.group().lower()
    for candidate in _index().get(word, ()):
        end = first.end()
        for wanted in candidate[1:]:
            following = WORD.search(text, end)
            if (
                following is None
                or following.group().lower() != wanted
                or text[end : following.start()].strip(" -/")
            ):
                break
            end = following.end()
        else:
            return Name(start, end)
    if ask and len(word) > 2 and word not in _PLAIN and _known_alone(word):
        return Name(start, first.end())
    return None


@lru_cache(maxsize=4096)
def first_name(text: str, start: int = 0) -> Name | None:
    """The first known name anywhere from *start*, at the beginning of a word."""
    for word in WORD.finditer(text, start):
        if word.group().lower() in _index():
            found = name_at(text, word.start(), ask=False)
            if found:
                return found
    return None


def names_several(lines: Sequence[str]) -> bool:
    """Whether each line begins a medicine of its own: most are known, and at least two differ."""
    found = []
    for words in lines:
        name = name_at(words)
        if name is None and not re.match(r"[A-Z][A-Za-z]{3,}", words):
            return False
        if name is not None:
            found.append(look_up(words[name.start : name.end]).ingredients)
    return len(set(found)) >= 2 and len(found) * 2 > len(lines)


_PLAIN = frozenset(
    [
        "the",
        "and",
        "for",
        "with",
        "was",
        "has",
        "have",
        "had",
        "been",
        "her",
        "his",
        "their",
        "this",
        "that",
        "please",
        "patient",
        "take",
        "taken",
        *NUMBER_WORDS.split("|"),
        "half",
        "tablet",
        "tablets",
        "capsule",
        "capsules",
        "once",
        "twice",
        "daily",
        "day",
        "night",
        "morning",
        "evening",
        "weekly",
        "apply",
        "inhale",
        "inject",
        "use",
        "put",
        "give",
        "insert",
        "new",
        "stopped",
        "stop",
        "started",
        "continue",
        "continued",
        "changed",
        "change",
        "increased",
        "decreased",
        "reduced",
        "dose",
        "doses",
        "route",
        "oral",
        "orally",
        "reason",
        "indication",
        "comment",
        "comments",
        "status",
        "duration",
        "supply",
        "supplied",
        "hospital",
        "ward",
        "none",
        "nil",
        "days",
        "weeks",
        "months",
        "review",
        "bloods",
        "check",
        "blood",
        "pressure",
        "gp",
        "surgery",
        "clinic",
        "follow",
        "outpatient",
        "appointment",
        "from",
        "until",
        "then",
        "when",
        "required",
        "needed",
        "not",
        "own",
        "due",
        "see",
        "all",
        "other",
        "regular",
        "medication",
        "medicines",
        "medicine",
        "medications",
        "drug",
        "drugs",
        "discharge",
        "admission",
        "allergies",
        "allergy",
        "date",
        "name",
        "address",
    ]
)

forget_on_use(name_at.cache_clear)
forget_on_use(first_name.cache_clear)

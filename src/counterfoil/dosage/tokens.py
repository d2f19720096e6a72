"""Text to tokens: words, numbers, slashed numbers, dates, clock times and signs, with places."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

MAX_TEXT = 1500
"""Longer texts are not dose instructions and are left to a person unread."""

_TOKEN = re.compile(
    r"""
  (?P<date>[0-9]{1,2}([./-])[0-9]{1,2}\2(?:[0-9]{4}|[0-9]{2})(?![0-9/]))
| (?P<clock>(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?![0-9]))
| (?P<frac>[0-9]{1,3}/[0-9]{1,3}(?![0-9/]))
| (?P<num>[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])(?:\.[0-9]+)?|[0-9]{1,9}(?:\.[0-9]{1,9})?|(?<![\w.])\.[0-9]{1,6})
| (?P<vulgar>[¼½¾⅓⅔⅛])
| (?P<abbr>(?:[^\W\d_]\.){2,}(?:[^\W\d_](?![^\W\d_]))?)
| (?P<word>[^\W\d_]+(?:['’][^\W\d_]+)*(?:\((?:s|S|es|ES)\))?)
| (?P<sym>[^\s])
""",
    re.VERBOSE,
)


class Token(NamedTuple):
    """A token: its kind, its text in lower case, and where it stands."""

    kind: str
    low: str
    start: int
    end: int


_DASHES = frozenset("-–—‐‑−‒")
_PLAIN = str.maketrans({"’": "'", "×": "x", "✕": "x", "✖": "x", "@": "at"})
_JOIN = frozenset({"word", "abbr"})


@lru_cache(maxsize=8192)
def _plain_word(raw: str) -> str:
    low = raw.lower().translate(_PLAIN).replace("'", "")
    if low.endswith(")"):
        low = low[: low.index("(")]
        if low in ("eye", "ear"):
            low += "s"
    return low


def tokenise(text: str, ranged: frozenset[str]) -> list[Token]:
    """The tokens of *text*, in order. Hyphens that only join words are left out.

    A dash between two numbers stays, as it does between words of *ranged* (number words, "bd-tds", "Mon-Fri"): it makes a range.
    """
    out: list[Token] = []
    dashed = False
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or "sym"
        start, end = match.span()
        raw = match.group()
        if kind == "word":
            low = _plain_word(raw)
        elif kind == "abbr":
            kind, low = "word", raw.lower().replace(".", "")
        elif kind == "sym":
            if raw in _DASHES:
                low, dashed = "-", True
            else:
                low = raw.translate(_PLAIN)
                if low in ("x", "at"):
                    kind = "word"
        else:
            low = raw
        out.append(Token(kind, low, start, end))
    if dashed:
        out = _join(out, ranged)
    return out


def _join(tokens: list[Token], ranged: frozenset[str]) -> list[Token]:
    out: list[Token] = []
    last = len(tokens) - 1
    for i, token in enumerate(tokens):
        if token.low == "-" and 0 < i < last:
            before, after = tokens[i - 1], tokens[i + 1]
            glued = before.end == token.start and after.start == token.end
            if (
                glued
                and not (_is_number(before, ranged) and _is_number(after, ranged))
                and (before.kind in ("word", "num", "frac") and after.kind in ("word", "num"))
            ) and not (before.kind == "word" and after.kind == "num"):
                continue
        out.append(token)
    return out


def _is_number(token: Token, ranged: frozenset[str]) -> bool:
    return token.kind in ("num", "frac", "vulgar") or token.low in ranged

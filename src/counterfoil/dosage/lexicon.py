"""The closed lexicon as look-up tables, built once from ``lexicon.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from fractions import Fraction
from importlib import resources
from typing import Any, TypeAlias

from counterfoil.dosage.tokens import Token, tokenise

Trie: TypeAlias = dict[str, Any]
"""Words to tries; the key ``""`` holds the entry, ``(category, value)``, of a phrase that ends."""

END = ""
_RANGED = frozenset(
    [
        "od",
        "bd",
        "bds",
        "bid",
        "tds",
        "tid",
        "qds",
        "qid",
        "mon",
        "tue",
        "tues",
        "wed",
        "weds",
        "thu",
        "thur",
        "thurs",
        "fri",
        "sat",
        "sun",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "once",
        "twice",
    ]
)
"""Words that a dash makes a range of, besides numbers."""
_SIDE = ("unit", "adjective", "period", "until")
"""Tables that the grammar asks for by name; all other phrases may stand anywhere."""


def expand(pattern: str) -> list[str]:
    """Every phrase a pattern stands for: ``(a|b)`` a choice, ``[a|b]`` an optional one."""
    phrases, rest = _choice(pattern, 0)
    if rest != len(pattern):
        raise ValueError(f"lexicon: unbalanced bracket in {pattern!r}")
    return [" ".join(p.split()) for p in phrases]


def _choice(text: str, at: int) -> tuple[list[str], int]:
    done: list[str] = []
    current = [""]
    while at < len(text) and text[at] not in ")]":
        char = text[at]
        if char == "|":
            done += current
            current = [""]
            at += 1
        elif char in "([":
            inner, at = _choice(text, at + 1)
            if at >= len(text):
                raise ValueError(f"lexicon: unbalanced bracket in {text!r}")
            if char == "[":
                inner = ["", *inner]
            current = [a + b for a in current for b in inner]
            at += 1
        else:
            current = [c + char for c in current]
            at += 1
    return done + current, at


def _add(trie: Trie, words: list[str], entry: tuple[str, Any]) -> None:
    node = trie
    for word in words:
        node = node.setdefault(word, {})
    node.setdefault(END, entry)


class Lexicon:
    """All tables. ``main`` is the trie of phrases that may stand anywhere."""

    def __init__(self, data: dict[str, dict[str, list[str]]]) -> None:
        self.numbers: dict[str, Fraction] = {
            word: Fraction(value) for value, words in data["number"].items() for word in words
        }
        self.number_words = frozenset(self.numbers) | {"half", "quarter"}
        self.ranged = self.number_words | _RANGED
        self.main: Trie = {}
        self.side: dict[str, Trie] = {name: {} for name in _SIDE}
        for category, entries in data.items():
            for value, patterns in entries.items():
                if category in ("number", "indication_word"):
                    continue
                read: Any = value
                if category in ("per", "period") or category == "count" or category == "off_days":
                    read = Fraction(value)
                elif category == "frequency":
                    times, days = value.split("/")
                    read = (Fraction(times), Fraction(days))
                trie = self.side.get(category, self.main)
                for words in self._tokens(patterns):
                    _add(trie, words, (category, read))
        self.unit: Trie = self.side["unit"]
        self.adjective: Trie = self.side["adjective"]
        self.period: Trie = self.side["period"]
        self.until: Trie = self.side["until"]
        for words in self._tokens(data["indication_word"]["intro"]):
            _add(self.main, words, ("intro", None))
        self.nouns: Trie = {}
        for words in self._tokens(data["indication_word"]["noun"]):
            _add(self.nouns, words, ("noun", None))

    def _tokens(self, patterns: list[str]) -> Iterator[list[str]]:
        for pattern in patterns:
            for phrase in expand(pattern):
                if phrase.replace(" ", "").isalpha() and phrase.isascii():
                    yield phrase.split()
                elif phrase:
                    yield [t.low for t in tokenise(phrase, self.ranged)]


def _load() -> Lexicon:
    source = resources.files("counterfoil.dosage").joinpath("lexicon.toml")
    return Lexicon(tomllib.loads(source.read_text(encoding="utf-8")))


LEXICON = _load()


def longest(trie: Trie, tokens: list[Token], at: int) -> tuple[int, Any] | None:
    """The longest phrase of *trie* that starts at token *at*: where it ends, and its entry."""
    node = trie
    found: tuple[int, Any] | None = None
    n = len(tokens)
    while at < n:
        node = node.get(tokens[at].low)  # type: ignore[assignment]
        if node is None:
            break
        at += 1
        entry = node.get(END)
        if entry is not None:
            found = (at, entry)
    return found

"""Misspelt and shortened drug words.

A word is corrected only to a drug of the formulary with the same first letter, by at most one edit
for each six letters and never more than two, and only where no other real medicine name lies as
near or one edit further. A shortened word must be at least half of exactly one real name. Both
always leave a reason on the match.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import takewhile

from rapidfuzz import process
from rapidfuzz.distance import OSA

from counterfoil.terminology.names import Lexicon, other_drugs, words_of

LETTERS_AN_EDIT = 6
MOST_EDITS = 2
SHORTEST = 6
_REMEMBERED = 50_000
_RIVALS = 10
_SHORT = 3


class Speller:
    """Corrects single words towards the words of a lexicon's drugs, guarded by every other word."""

    def __init__(self, lexicon: Lexicon, names: Iterable[str]) -> None:
        self._targets = lexicon.drug_words
        self._drugs = sorted(w for w in {*lexicon.drug_words, *other_drugs()} if len(w) > _SHORT)
        guards = set(lexicon.vocabulary) | other_drugs()
        guards |= {word for name in names for word in words_of(name)}
        self._guards = sorted(g for g in guards if len(g) > _SHORT)
        self._by_length: dict[int, list[str]] = {}
        for guard in self._guards:
            self._by_length.setdefault(len(guard), []).append(guard)
        self._seen: dict[str, tuple[str, str] | None] = {}
        self.drugs_near = lru_cache(_REMEMBERED)(self._drugs_near)
        self.names_near = lru_cache(_REMEMBERED)(self._names_near)

    def __call__(self, word: str) -> tuple[str, str] | None:
        """The drug word that *word* must be, with the reason to show; None where it is not sure."""
        if len(word) < SHORTEST:
            return None
        if word not in self._seen:
            if len(self._seen) > _REMEMBERED:
                self._seen.clear()
            self._seen[word] = self._shortened(word) or self._misspelt(word)
        return self._seen[word]

    def _drugs_near(self, word: str, edits: int) -> tuple[str, ...]:
        """The drugs' words that are at most so many edits from *word*."""
        return _near(word, self._drugs, edits)

    def _names_near(self, word: str, edits: int) -> tuple[str, ...]:
        """The words of any name at all that are at most so many edits from *word*."""
        return _near(word, self._guards, edits)

    def drugs_beginning(self, word: str) -> list[str]:
        """The words of drugs that begin with *word* or are it with one letter changed."""
        start = bisect_left(self._drugs, word)
        longer = list(takewhile(lambda d: d.startswith(word), self._drugs[start:]))
        return [*longer, *self.drugs_near(word, 1)]

    def _shortened(self, word: str) -> tuple[str, str] | None:
        start = bisect_left(self._guards, word)
        longer = list(takewhile(lambda g: g.startswith(word), self._guards[start:]))
        if len({self._meaning(g) for g in longer}) != 1 or longer[0] not in self._targets:
            return None
        if 2 * len(word) < len(longer[0]) or set(self.names_near(word, 1)) - set(longer):
            return None
        return longer[0], f"{word!r} read as {longer[0]}, which it begins"

    def _meaning(self, word: str) -> str:
        return self._targets.get(word, word)

    def _misspelt(self, word: str) -> tuple[str, str] | None:
        allowed = min(len(word) // LETTERS_AN_EDIT, MOST_EDITS)
        reach = range(len(word) - allowed - 1, len(word) + allowed + 2)
        guards = [guard for length in reach for guard in self._by_length.get(length, ())]
        near = process.extract(
            word, guards, scorer=OSA.distance, score_cutoff=allowed + 1, limit=_RIVALS
        )
        if not near:
            return None
        best, edits, _ = near[0]
        if edits > allowed or best not in self._targets or best[0] != word[0]:
            return None
        meaning = self._meaning(best)
        if any(d <= edits + 1 and self._meaning(g) != meaning for g, d, _ in near[1:]):
            return None
        letters = "1 letter" if edits == 1 else f"{edits} letters"
        return best, f"{word!r} read as {best}, {letters} apart"


def _near(word: str, names: Sequence[str], edits: int) -> tuple[str, ...]:
    found = process.extract(word, names, scorer=OSA.distance, score_cutoff=edits, limit=None)
    return tuple(name for name, _, _ in found)

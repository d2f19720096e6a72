"""Misspelt and shortened drug words.

A word is corrected only to a drug of the formulary with the same first letter, by at most one edit
for each six letters and never more than two, and only where no other real medicine name lies as
near or one edit further. A shortened word must be at least half of exactly one real name. Both
always leave a reason on the match.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache
from itertools import takewhile

from rapidfuzz import process
from rapidfuzz.distance import OSA

from counterfoil.terminology.abbreviations import in_order
from counterfoil.terminology.names import JOINING, Lexicon, closed_words, other_drugs, words_of

LETTERS_AN_EDIT = 6
MOST_EDITS = 2
SHORTEST = 6
_REMEMBERED = 50_000
_RIVALS = 10
_SHORT = 3
_SHORTEST_OF_FORM = 3
_LONGEST_CUT = 4


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
        self._within: dict[tuple[int, int], list[str]] = {}
        self._seen: dict[str, tuple[str, str] | None] = {}
        self.drugs_near = lru_cache(_REMEMBERED)(self._drugs_near)
        self.names_near = lru_cache(_REMEMBERED)(self._names_near)

    def __call__(self, word: str) -> tuple[str, str] | None:
        """The drug word that *word* must be, with the reason to show; None where it is not sure."""
        if word not in self._seen:
            if len(self._seen) > _REMEMBERED:
                self._seen.clear()
            found = None
            if len(word) >= SHORTEST:
                found = self._by_rule(word) or self._shortened(word) or self._misspelt(word)
            self._seen[word] = found or self._of_form(word)
        return self._seen[word]

    @cached_property
    def _ruled(self) -> dict[str, set[str]]:
        """The drugs' words by what is left of them where old and new spelling are made one."""
        found: dict[str, set[str]] = {}
        for word in self._drugs:
            found.setdefault(_one_spelling(word), set()).add(word)
        return found

    def _by_rule(self, word: str) -> tuple[str, str] | None:
        """``baclophen`` is baclofen: the one drug that is spelt so but for ph, th, y, oe and ae."""
        same = self._ruled.get(_one_spelling(word), ())
        if len(same) != 1 or word in same:
            return None
        (drug,) = same
        if drug not in self._targets:
            return None
        return (
            drug,
            f"{word!r} read as {drug}, the same but for f and ph, t and th, i and y, e and oe",
        )

    def _of_form(self, word: str) -> tuple[str, str] | None:
        """The one word of the closed lists that *word* shortens, where no drug begins so."""
        if len(word) < _SHORTEST_OF_FORM:
            return None
        words = {full.removesuffix("s") for full in _words_of_form() if _shortens(word, full)}
        if len(words) != 1 or self.drugs_beginning(word):
            return None
        (full,) = words
        full = full if full in _words_of_form() else f"{full}s"
        return full, f"{word!r} read as {full}"

    def _drugs_near(self, word: str, edits: int) -> tuple[str, ...]:
        """The drugs' words that are at most so many edits from *word*."""
        return _near(word, self._drugs, edits)

    def _names_near(self, word: str, edits: int) -> tuple[str, ...]:
        """The words of any name at all that are at most so many edits from *word*."""
        return _near(word, self._guards, edits)

    def one_begins(self, word: str) -> bool:
        """Whether every real name that begins with *word* means one and the same drug."""
        start = bisect_left(self._guards, word)
        longer = takewhile(lambda g: g.startswith(word), self._guards[start:])
        return len({self._meaning(g).split()[0] for g in longer}) == 1

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

    def _of_lengths(self, least: int, most: int) -> list[str]:
        reach = (least, most)
        if reach not in self._within:
            lengths = range(least, most + 1)
            self._within[reach] = [g for n in lengths for g in self._by_length.get(n, ())]
        return self._within[reach]

    def _misspelt(self, word: str) -> tuple[str, str] | None:
        allowed = min(len(word) // LETTERS_AN_EDIT, MOST_EDITS)
        guards = self._of_lengths(len(word) - allowed - 1, len(word) + allowed + 1)
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


@lru_cache(maxsize=1)
def _words_of_form() -> frozenset[str]:
    """The words, in full, of forms, routes and releases."""
    phrases = closed_words().phrases("form", "route", "release")
    words = {w for said, _ in phrases for w in said if len(w) > _LONGEST_CUT}
    return frozenset(w for w in words if w.isalpha() and w not in JOINING)


def _shortens(word: str, full: str) -> bool:
    return full.startswith(word) or (
        word[-1] == full.removesuffix("s")[-1] and in_order(word, full)
    )


def _one_spelling(word: str) -> str:
    for old, new in _RESPELT:
        word = word.replace(old, new)
    return word


_RESPELT = (("ph", "f"), ("th", "t"), ("oe", "e"), ("ae", "e"), ("y", "i"))


def _near(word: str, names: Sequence[str], edits: int) -> tuple[str, ...]:
    found = process.extract(word, names, scorer=OSA.distance, score_cutoff=edits, limit=None)
    return tuple(name for name, _, _ in found)

"""The last way to read an entry of the older lists: word by word against whole names.

Where no drug and no brand's full name is in the text, it may still be that every word of it stands in
one listed name (``Canesten Oral_Cap 150mg`` is ``Canesten Thrush Oral 150mg capsules``). Such a name
counts only if form, release, device and every strength agree, if each ingredient of a generic is
named, and if all names for which that is so are of one product.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from counterfoil.terminology.abbreviations import (
    closed_word,
    salts_of,
    shortens,
    stands_for,
    variants,
)
from counterfoil.terminology.matching import TOLD, agrees_as_a_whole, every_strength
from counterfoil.terminology.model import Product
from counterfoil.terminology.names import (
    INORGANIC,
    closed_words,
    open_words,
    telling_words,
    words_of,
)
from counterfoil.terminology.reading import Reading
from counterfoil.terminology.search import WordIndex
from counterfoil.terminology.stated import Stated

_MOST = 300
_SHORTEST = 2
_REMEMBERED = 20_000
_EXTRA = {"VMP": 1, "AMP": 4}


@dataclass(frozen=True, slots=True)
class Shelf:
    """One list of products: where its names' words stand, and the product in a row."""

    index: WordIndex
    product: Callable[[int], Product]


@dataclass(frozen=True, slots=True)
class Whole:
    """A name in which every word of the text stands; ``extra`` are its words that the text lacks."""

    stated: Stated
    extra: tuple[str, ...]


class Wordwise:
    """Finds the names that hold every word of a text; ``whole`` are words never taken as short."""

    def __init__(
        self,
        shelves: Sequence[Shelf],
        state: Callable[[Product], Stated],
        whole: Callable[[str], bool],
    ) -> None:
        self._shelves = shelves
        self._state = state
        self._whole = whole
        self._known: dict[str, Stated] = {}

    def _stated(self, product: Product) -> Stated:
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        if product.id not in self._known:
            self._known[product.id] = self._state(product)
        return self._known[product.id]

    def find(self, words: tuple[str, ...], reading: Reading) -> list[Product]:
        """The products, all of one generic, whose names alone agree with all that was read."""
        said = words_of(reading.text)
        for variant in variants(words):
            if max(map(len, variant)) > _SHORTEST:
                found = self._find(variant, reading, said)
                if found:
                    return found
        return []

    def _find(
        self, words: tuple[str, ...], reading: Reading, said: tuple[str, ...]
    ) -> list[Product]:
        pool = list(self._agreeing(words, reading, said))
        if reading.amounts:
            sized = all(a.unit in ("ml", "litre") for a in reading.amounts)
            if sized and not reading.forms and not any(map(_form, words)):
                return []  # so much of what is not said
            found = [w for w in pool if every_strength(reading, w.stated)]
            most = max(_EXTRA.values())
            if not found and all(a.unit not in (None, "ml", "litre") for a in reading.amounts):
                silent = [w for w in pool if not w.stated.reading.amounts]
                found, most = [w for w in silent if not w.extra or len(silent) == len(pool)], 1
        else:
            found, most = [w for w in pool if not _unsaid(w)], min(len(words) - 1, 1)
        for alike in (_as_said(reading), lambda w: not w.extra):
            if len(_generics(found)) > 1:
                found = [w for w in found if alike(w)]
        if len(_generics(found)) != 1:
            return []
        fewest = min(len(w.extra) for w in found)
        return [w.stated.product for w in found if len(w.extra) == fewest <= most]

    def _agreeing(
        self, words: tuple[str, ...], reading: Reading, said: tuple[str, ...]
    ) -> Iterator[Whole]:
        for shelf in self._shelves:
            rows = shelf.index.pairing(words, self._meant, self._pairs)
            if len(rows) > _MOST:
                continue
            for row in rows:
                product = shelf.product(row)
                extra = self._extra(words, product, said)
                if extra is None:
                    continue
                stated = self._stated(product)
                if agrees_as_a_whole(reading, stated, _said):
                    yield Whole(stated, extra)

    def _extra(
        self, words: tuple[str, ...], product: Product, said: tuple[str, ...]
    ) -> tuple[str, ...] | None:
        """The words of the name that the text lacks; None where they are too many or a drug."""
        left, paired = list(words_of(product.name)), []
        for word in sorted(words, key=len, reverse=True):
            other = word if word in left else next((o for o in left if self._pairs(word, o)), None)
            if other is None:
                return None
            left.remove(other)
            paired.append(other)
        if product.level == "VMP" and not all(
            set(words_of(ingredient)) & set(paired) for ingredient in product.ingredients
        ):
            return None
        if product.level == "AMP" and salts_of(tuple(paired)) is not None:
            return None  # a salt in a brand's name does not name the brand
        extra = [
            w
            for w in open_words(product.name)
            if w in left and not any(shortens(word, w) for word in said)
        ]
        if product.level == "AMP" and telling_words().intersection(extra):
            return None
        if product.level == "VMP" and (
            any(map(self._whole, extra)) or (extra and _is_inorganic(product))
        ):
            return None
        return tuple(extra) if len(extra) <= _EXTRA[product.level] else None

    def _meant(self, word: str) -> Iterable[str]:
        return (word,) if self._whole(word) else stands_for(word)

    def _pairs(self, word: str, other: str) -> bool:
        return word == other or (not self._whole(word) and shortens(word, other))


def _form(word: str) -> bool:
    longer = closed_word(word)
    return longer is not None and closed_words().single_words[longer[0]].kind == "form"


def _is_inorganic(product: Product) -> bool:
    """Whether its name begins with what many salts are of: calcium is no calcium gluconate."""
    return words_of(product.name)[0] in INORGANIC


def _unsaid(whole: Whole) -> bool:
    """Whether a generic's strength is taken from a text that states none."""
    stated = whole.stated
    if stated.understood:
        return any(stated.product.strengths)
    return stated.product.level == "VMP" and bool(stated.reading.amounts)


def _as_said(reading: Reading) -> Callable[[Whole], bool]:
    """Whether a name has just the qualifiers and release that were said."""

    def same(whole: Whole) -> bool:
        stated = whole.stated
        told = stated.product.qualifiers | stated.reading.qualifiers
        return told & TOLD == reading.qualifiers & TOLD and stated.releases == reading.releases

    return same


def _generics(found: Iterable[Whole]) -> set[str]:
    return {w.stated.product.vmp_id for w in found}


def _said(form: str, product: Product) -> bool:
    """Whether each word of a *form* of the text stands in the product's name."""
    name = words_of(product.name)
    return all(any(shortens(word, other) for other in name) for word in form.split())

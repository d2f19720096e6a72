"""Reads an entry of the older NHS lists (``Mag Ox_Cap 160mg``) against every name of the formulary.

First as a drug, a combination or a brand whose words the entry shortens; then word by word against
whole names. One product has to be left, and no word may be read as short for a drug where it is, or
is one letter from, the name of another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from counterfoil.terminology.abbreviations import (
    Guess,
    Head,
    Heads,
    Listed,
    listed,
    resolve_rest,
    salts_of,
    spelt_out,
    stands_for,
    uncut,
    variants,
)
from counterfoil.terminology.families import Families
from counterfoil.terminology.matching import drop_tube_sizes, fit_brand, fit_generic
from counterfoil.terminology.model import Match, Product
from counterfoil.terminology.names import Lexicon, Phrase, closed_words, words_of
from counterfoil.terminology.outcome import of_product
from counterfoil.terminology.reading import Drug, Reading, no_spelling, read
from counterfoil.terminology.search import WordIndex
from counterfoil.terminology.spelling import Speller
from counterfoil.terminology.wordwise import Shelf, Wordwise

if TYPE_CHECKING:
    from counterfoil.terminology.catalogue import Catalogue

_PIECES_APART = 2
_BEGINNING_APART = 1


class OlderLists:
    """:meth:`match` gives the one product that an entry can mean, or None."""

    def __init__(
        self,
        products: Sequence[Product],
        catalogue: Catalogue,
        lexicon: Lexicon,
        spell: Speller,
        families: Families,
        by_id: Callable[[str], Product | None],
        own_index: Callable[[], WordIndex],
    ) -> None:
        self._products = products
        self._catalogue = catalogue
        self._lexicon = lexicon
        self._spell = spell
        self._families = families
        self._by_id = by_id
        self._own_index = own_index
        self._release_phrases: list[Phrase] = catalogue.phrases()

    def match(self, text: str) -> Match | None:
        """The one product that *text* can mean as an entry of the older lists, or None."""
        return self._match_listed(text) or self._match_whole(text)

    @cached_property
    def _heads(self) -> Heads:
        """Every name of the formulary in use, to be found by its words' beginnings."""
        return Heads(
            Head(words, entry.kind, entry.value)
            for words, entry in (
                *self._lexicon.phrases("ingredient", "brand"),
                *(p for p in self._release_phrases if p[1].kind == "named"),
            )
        )

    def _match_listed(self, text: str) -> Match | None:
        """The one product that an entry of the older, abbreviated lists can mean, or None.

        Of several ways to read the name, those count that pair most words and shorten fewest.
        """
        found: dict[str, tuple[Product, Guess, Reading]] = {}
        best: tuple[int, int] | None = None
        for entry, rest, tail in _readings(text):
            for guess in self._guesses(entry, tail):
                rank = (-guess.paired, guess.shortened)
                if best is not None and rank > best:
                    continue
                for product in self._fitting(guess, rest):
                    if self._another(entry.words, product):
                        continue
                    if best is None or rank < best:
                        best = rank
                        found.clear()
                    found[product.id] = (product, guess, rest)
        if len({p.vmp_id for p, _, _ in found.values()}) != 1:
            return None
        product, guess, rest = next(iter(found.values()))
        if len(found) > 1:
            product = self._by_id(product.vmp_id) or product
        names = ", ".join(d for d, _ in guess.drugs) or guess.value
        reason = f"an entry of the older lists, its name read as {names}"
        return of_product(text, product, dict(rest.words), (*rest.reasons, reason))

    @cached_property
    def _wordwise(self) -> Wordwise:
        shelves = [Shelf(self._own_index(), self._products.__getitem__)]
        if self._catalogue:
            shelves.append(Shelf(self._catalogue.index, self._catalogue.product))
        entries = self._lexicon.single_words

        def whole(word: str) -> bool:
            entry = entries.get(word)
            return entry is not None and entry.kind in ("ingredient", "other")

        return Wordwise(shelves, lambda product: self._families.stated((product,))[0], whole)

    def _match_whole(self, text: str) -> Match | None:
        """The one product whose name holds every word of an entry of the older lists, or None."""
        found: dict[str, tuple[Product, Reading]] = {}
        for entry in listed(text):
            for rest, words in self._ways(entry, text):
                products = self._wordwise.find(words, rest)
                products = [p for p in products if not self._another(words, p)]
                found |= {p.id: (p, rest) for p in products}
                if products:
                    break
        if len({p.vmp_id for p, _ in found.values()}) != 1:
            return None
        product, rest = next(iter(found.values()))
        if len(found) > 1:
            product = self._by_id(product.vmp_id) or product
        reason = f"an entry of the older lists: the one product named so is {product.name}"
        return of_product(text, product, dict(rest.words), (*rest.reasons, reason))

    def _ways(self, entry: Listed, text: str) -> Iterator[tuple[Reading, tuple[str, ...]]]:
        """What is closed words of an entry and what has to stand in a name, the fullest way first.

        A word may be one of the name's (Cold & Flu), or a form's shortened; one in brackets says
        what tells two products apart, or nothing.
        """
        for shorten in (False, True):
            rest = read(entry.rest, closed_words(), no_spelling)
            rest.listed, rest.text = True, text
            drop_tube_sizes(rest)
            unread = tuple(rest.unread)
            tail = resolve_rest(rest) if shorten else unread
            if shorten and tail == unread:
                return
            words = (*entry.words, *uncut(text, tail))
            aside = words_of(rest.words.get("supplier", ""))
            if aside:
                yield rest, (*words, *aside)
            yield rest, words

    def _another(self, words: Iterable[str], product: Product) -> bool:
        """Whether one of *words*, read as short for a word of *product*, may be another drug's name.

        It is that name in full; or it is no word that is known and lies so near one that it may be
        that name misspelt. A word of two pieces of a name is held to more than its beginning.
        """
        own: set[str] | None = None
        for word in words:
            entry = self._lexicon.single_words.get(word)
            if entry is not None and entry.kind not in ("ingredient", "other"):
                continue
            if salts_of((word,)) is not None:
                continue
            if own is None:
                own = self._own_words(product)
            if entry is None:
                if self._near_another(word, own):
                    return True
            elif not own & {word, *words_of(entry.value)}:
                return True
        return False

    def _own_words(self, product: Product) -> set[str]:
        generic = self._by_id(product.vmp_id) or product
        names = (product.name, generic.name, *product.ingredients, *product.salts)
        return {word for name in names for word in words_of(name)}

    def _near_another(self, word: str, own: set[str]) -> bool:
        if word in own or word in self._lexicon.vocabulary or own.intersection(stands_for(word)):
            return False
        if any(full.startswith(word) for full in own):
            near = self._spell.drugs_near(word, _BEGINNING_APART)
        else:
            near = self._spell.names_near(word, _PIECES_APART)
        return any(name not in own for name in near)

    def _guesses(self, entry: Listed, tail: tuple[str, ...]) -> list[Guess]:
        heads, words = self._heads, (*entry.words, *tail)
        guesses = [guess for variant in variants(words) for guess in heads.names(variant)]
        if entry.parts:
            parts = [*entry.parts[:-1], (*entry.parts[-1], *tail)]
            guesses += heads.combinations(parts)
            if len(parts) > 1:
                guesses += heads.combinations([words])
        return sorted(guesses, key=lambda g: (-g.paired, g.shortened))

    def _fitting(self, guess: Guess, rest: Reading) -> list[Product]:
        """The products of what was guessed that agree with the rest of the text."""
        reading = replace(rest, unread=[], drugs=[], brands=[])
        if guess.drugs:
            reading.drugs = [Drug((d,), i, set(s)) for i, (d, s) in enumerate(guess.drugs)]
            return fit_generic(reading, self._families.generics(d for d, _ in guess.drugs)).found
        named = self._families.brands if guess.kind == "brand" else self._families.named
        fit = fit_brand(reading, named(guess.value))
        if guess.kind == "named" and not reading.amounts:  # no strength of a generic is guessed
            fit.found = [p for p in fit.found if not (p.ingredients and any(p.strengths))]
        return [] if fit.other_flavour else fit.found


def _readings(text: str) -> Iterator[tuple[Listed, Reading, tuple[str, ...]]]:
    """Each way to take *text* apart: the words of its name, what follows, and what was not read of that.

    Where not all was read as it stands, its short words are written out too.
    """
    for entry in listed(text):
        ways = [entry.rest]
        while ways:
            written = ways.pop()
            rest = read(written, closed_words(), no_spelling)
            rest.listed = True
            drop_tube_sizes(rest)
            tail = uncut(text, resolve_rest(rest))
            yield entry, rest, tail
            if tail and written is entry.rest:
                ways.append(spelt_out(written))

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
    as_listed,
    listed,
    read_rest,
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
from counterfoil.terminology.names import Lexicon, Phrase, closed_words, open_words, words_of
from counterfoil.terminology.outcome import of_product
from counterfoil.terminology.reading import Drug, Reading
from counterfoil.terminology.remaining import Remaining, loose_words, size_of, without_sizes
from counterfoil.terminology.search import WordIndex
from counterfoil.terminology.spelling import Speller
from counterfoil.terminology.stated import Stated
from counterfoil.terminology.wordwise import Shelf, Wordwise

if TYPE_CHECKING:
    from counterfoil.terminology.catalogue import Catalogue

_PIECES_APART = 2
_BEGINNING_APART = 1
_SHORTEST_DRUG = 4
_SHORTEST_BRAND = 3
_SHORTEST_ALONE = 5
_MOST_OF_A_BRAND = 200


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
        for way in (self._match_listed, self._match_whole, self._match_left):
            found = way(text)
            if found is None or found.product is None:
                continue
            if way == self._match_left or not self.doubted(text, found.product):
                return found
        return None

    def match_shortened(self, text: str, found: Match) -> Match | None:
        """The one product that a free text of shortened words can mean, or None.

        A name's word may be shortened only where nothing else begins so, and what is read in full
        (*found*) has to agree.
        """
        as_list = as_listed(text)
        if found.level == "VTM":
            return None  # all was read, and does not tell one product
        if as_list is None:
            return self._match_name(text)
        vocabulary = self._lexicon.vocabulary
        name = words_of(as_list.partition("_")[0])
        known = all(
            w in vocabulary or (len(w) >= _SHORTEST_ALONE and self._spell.one_begins(w))
            for w in name
        )
        if not known and not self._beginning(name[0]):
            return None
        match = self.match(as_list)
        if match is None or match.product is None or not (known or self._as_named(text, match)):
            return None
        if not set(found.ingredients) <= {*match.ingredients, *match.product.salts}:
            return None
        reasons = (
            r.replace("an entry of the older lists", "a shortened name") for r in match.reasons
        )
        return replace(match, text=text, reasons=tuple(reasons))

    def _match_name(self, text: str) -> Match | None:
        """The one generic of all brands whose names begin with the one word that *text* is."""
        word = text.strip().lower()
        if len(word) < _SHORTEST_ALONE or not word.isalpha():
            return None
        family = [s.product for s in self._beginning(word)]
        if len({p.vmp_id for p in family}) != 1:
            return None
        read, reason = {"brand": text.strip()}, ("this name is of one product",)
        if not any(self._as_named(text, of_product(text, p, read, reason)) for p in family):
            return None  # the word only begins the names
        product = family[0] if len(family) == 1 else self._by_id(family[0].vmp_id) or family[0]
        return of_product(text, product, read, reason)

    def _as_named(self, text: str, match: Match) -> bool:
        """Whether *match* is of a brand of which *text* says every word but of form and generic."""
        product = match.product
        if product is None or product.level != "AMP":
            return False
        generic = self._by_id(product.vmp_id)
        aside = {*words_of(text), *words_of(generic.name if generic else "")}
        return not set(open_words(product.name)) - aside

    @cached_property
    def _heads(self) -> Heads:
        """Every name of the formulary in use, to be found by its words' beginnings."""
        return Heads(
            Head(words, entry.kind, entry.value)
            for words, entry in (
                *self._lexicon.phrases("ingredient", "brand"),
                *(p for p in self._release_phrases if p[1].kind == "named"),
                *self._salts_of_acids(),
            )
        )

    def _salts_of_acids(self) -> Iterator[Phrase]:
        """``Mycophenolate`` for mycophenolic acid; never a salt of another drug (citrate)."""
        for words, entry in self._lexicon.phrases("ingredient"):
            if len(words) == 2 and words[1] == "acid" and words[0].endswith("ic"):
                salt = f"{words[0].removesuffix('ic')}ate"
                if salt not in closed_words().vocabulary:
                    yield (salt,), entry

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

    @cached_property
    def _remaining(self) -> Remaining:
        return Remaining(self._by_id, self._is_another)

    def _match_left(self, text: str) -> Match | None:
        """The one product left of the drug or brand that begins an entry of the older lists."""
        found: dict[str, tuple[Product, Reading, tuple[str, ...]]] = {}
        for entry in listed(text):
            size, written = size_of(entry.rest)
            rest = read_rest(written)
            rest.listed, rest.text, rest.unread = True, text, []
            drop_tube_sizes(rest)
            rest = without_sizes(rest)
            said = uncut(text, loose_words(written))
            for drugs, family, named, over in self._beginnings(entry):
                family = [s for s in family if not size or size_of(s.product.name)[0] == size]
                reading = replace(rest, drugs=drugs)
                one = self._remaining.find(reading, (*over, *said), family)
                if one is not None and not self._another(named, one.product):
                    product = one.product
                    found[product.id] = (product, rest, one.unaligned)
            if found:
                break
        if len({p.vmp_id for p, _, _ in found.values()}) != 1:
            return None
        product, rest, left = next(iter(found.values()))
        if len(found) > 1:
            product = self._by_id(product.vmp_id) or product
        reasons = [*rest.reasons, "an entry of the older lists: of its drug and strength only this"]
        if left:
            reasons.append(f"not read: {' '.join(left)}")
        return of_product(text, product, dict(rest.words), tuple(reasons))

    def doubted(self, text: str, product: Product) -> bool:
        """Whether another product of the same drugs and strength has more of the words of *text*."""
        rest = text.strip("_ ").partition("_")[2]
        words = uncut(text, loose_words(rest))
        if product.level != "VMP" or not self._remaining.lacks(words, product):
            return False
        family = self._families.generics(product.ingredients)
        alike = [s for s in family if s.product.strengths == product.strengths]
        return self._remaining.better(words, product, alike)

    def _is_another(self, word: str, product: Product) -> bool:
        """Whether *word* is, begins or lies near the name of a drug that *product* has not."""
        own = self._own_words(product)
        entry = self._lexicon.single_words.get(word)
        if entry is not None and entry.kind in ("ingredient", "other", "brand", "group"):
            return word not in own
        if len(word) < _SHORTEST_DRUG:
            return False
        return any(name not in own for name in self._spell.drugs_beginning(word))

    def _beginnings(
        self, entry: Listed
    ) -> Iterator[tuple[list[Drug], Sequence[Stated], tuple[str, ...], tuple[str, ...]]]:
        """The drugs that an entry's first words may be, else its brand: family, words, others."""
        heads: list[tuple[str, ...]] = []
        over: list[str] = []
        for part in entry.parts:
            sizes = range(len(part), 0, -1)
            size = next((n for n in sizes if self._heads.drugs(part[:n])), 0)
            heads.append(part[:size])
            over += part[size:]
        drugs, named = False, tuple(word for head in heads for word in head)
        for guess in self._heads.combinations(heads) if heads and all(heads) else ():
            family = self._family(guess)
            drugs |= bool(family)
            yield _drugs_of(guess), family, named, tuple(over)
        if not drugs and entry.words:
            family = self._beginning(entry.words[0])
            if family:
                yield [], family, entry.words[:1], entry.words[1:]

    def _beginning(self, word: str) -> Sequence[Stated]:
        """The brands whose names begin with that *word* in full, which is no drug and no form."""
        entry = self._lexicon.single_words.get(word)
        if len(word) < _SHORTEST_BRAND or (entry is not None and entry.kind != "brand"):
            return ()
        rows = self._catalogue.index.beginning(word)
        if len(rows) > _MOST_OF_A_BRAND:
            return ()
        products = [self._catalogue.product(row) for row in rows]
        found = {p.id: p for p in products if p.level == "AMP"}
        if entry is not None:  # a list may hold one of the brand's products, the formulary others
            found |= {s.product.id: s.product for s in self._families.brands(entry.value)}
        return self._families.stated(found.values())

    def _ways(self, entry: Listed, text: str) -> Iterator[tuple[Reading, tuple[str, ...]]]:
        """What is closed words of an entry and what has to stand in a name, the fullest way first.

        A word may be one of the name's (Cold & Flu), or a form's shortened; one in brackets says
        what tells two products apart, or nothing.
        """
        for shorten in (False, True):
            rest = read_rest(entry.rest)
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
        reading = replace(rest, unread=[], drugs=_drugs_of(guess), brands=[])
        if guess.drugs:
            return fit_generic(reading, self._family(guess)).found
        fit = fit_brand(reading, self._family(guess))
        if guess.kind == "named" and not reading.amounts:  # no strength of a generic is guessed
            fit.found = [p for p in fit.found if not (p.ingredients and any(p.strengths))]
        return [] if fit.other_flavour else fit.found

    def _family(self, guess: Guess) -> Sequence[Stated]:
        if guess.drugs:
            return self._families.generics(d for d, _ in guess.drugs)
        named = self._families.brands if guess.kind == "brand" else self._families.named
        return named(guess.value)


def _drugs_of(guess: Guess) -> list[Drug]:
    return [Drug((d,), i, set(s)) for i, (d, s) in enumerate(guess.drugs)]


def _readings(text: str) -> Iterator[tuple[Listed, Reading, tuple[str, ...]]]:
    """Each way to take *text* apart: the words of its name, what follows, and what was not read of that.

    Where not all was read as it stands, its short words are written out too.
    """
    for entry in listed(text):
        ways = [entry.rest]
        while ways:
            written = ways.pop()
            rest = read_rest(written)
            rest.listed = True
            drop_tube_sizes(rest)
            tail = uncut(text, resolve_rest(rest))
            yield entry, rest, tail
            if tail and written is entry.rest:
                ways.append(spelt_out(written))

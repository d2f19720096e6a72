"""The one product that is left of a drug or brand: every other word aligned to the products' names.

A form is shortened in too many ways to list (``Orodisper Film``, ``Oral Lyoph``, ``P/Spy``). But
where the drug or brand is read, and the strengths are, few products of the release agree, and each
has its own words. So a word of the text counts as read where it may stand for a word of a
candidate's own name: its beginning, its consonants in order, the first letters of several. A product
is named where it alone has all words, or where it alone agrees with drug and strength, nothing read
contradicts it, and what could not be aligned is no drug and tells no two products apart. Of two that
are left, neither is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

from counterfoil.terminology.abbreviations import closed_word, in_order, shortens
from counterfoil.terminology.amounts import states_of_brand, states_strengths
from counterfoil.terminology.matching import TOLD, agrees_as_a_whole, salts_agree, with_diluent
from counterfoil.terminology.model import Product
from counterfoil.terminology.names import (
    JOINING,
    KEPT_WORDS,
    closed_words,
    open_words,
    telling_words,
    tokens,
    words_of,
)
from counterfoil.terminology.reading import Reading
from counterfoil.terminology.stated import Stated
from counterfoil.terminology.strengths import UNITS

_MOST_UNALIGNED = 2
_LONGEST_INITIALS = 4
_SHORTEST_CUT = 3
_VOWELS = frozenset("aeiou")
_ASIDE = frozenset({"filler", "supplier", "flavour"})


@dataclass(frozen=True, slots=True)
class Aligned:
    """A product beside the words of a text that nothing in its name explains.

    ``apart`` counts those too that say nothing of a product: letters at a stroke, packs.
    """

    product: Product
    unaligned: tuple[str, ...]
    apart: int = 0


def loose_words(text: str) -> tuple[str, ...]:
    """The words of *text* that are no numbers, no units and no joining words.

    A letter at a stroke keeps it: ``P/Spy`` is ``p/`` and ``spy``.
    """
    items = ["", *tokens(text), ""]
    found = []
    for before, token, after in zip(items, items[1:], items[2:], strict=False):
        if not token[:1].isalpha() or token in JOINING:
            continue
        if (before[:1].isdigit() or before == "/") and (token in UNITS or token == "d"):
            continue
        letter = len(token) == 1 and "/" in (after, before)
        found.append(f"{token}/" if letter else token)
    return tuple(found)


_SIZE = re.compile(
    r"(?<![\w.])(\d+(?:\.\d+)?)\s*(?:cm|mm|m)?\s*x\s*(\d+(?:\.\d+)?)\s*(?:cm|mm|m)?(?![\w.])",
    re.IGNORECASE,
)


def size_of(text: str) -> tuple[frozenset[Fraction], str]:
    """The two sides that *text* gives of a dressing, and the text without them.

    >>> size_of("dressing 7.5cm x 10cm")[1], size_of("10x10")[0] == size_of("10cm x 10cm")[0]
    ('dressing', True)
    """
    found = _SIZE.search(text)
    if found is None:
        return frozenset(), text
    sides = frozenset({Fraction(found[1]), Fraction(found[2])})
    return sides, f"{text[: found.start()]}{text[found.end() :]}".strip()


def unaligned(words: Iterable[str], name: Sequence[str]) -> tuple[str, ...]:
    """Those of *words* that pair with no word of *name*, each word of which pairs once.

    >>> unaligned(("orodisper", "film"), ("ondansetron", "orodispersible", "films"))
    ()
    >>> unaligned(("aq", "lot"), ("malathion", "alcoholic", "lotion"))
    ('aq',)
    """
    left, missing = list(name), []
    for word in sorted(words, key=len, reverse=True):
        if word in left:
            left.remove(word)
            continue
        other = next((o for o in left if _stands(word, o)), None)
        if other is not None:
            left.remove(other)
        elif not _initials(word, left):
            missing.append(word)
    return tuple(missing)


@lru_cache(maxsize=50_000)
def _stands(word: str, other: str) -> bool:
    if word.endswith("/") or len(word) == 1:
        return word[0] == other[0]
    if shortens(word, other) or in_order_of_closed(word, other):
        return True
    if len(word) >= _SHORTEST_CUT and other.startswith(word):
        return True
    return word[-1] == other[-1] and in_order(word, other)  # strgth, aging


def in_order_of_closed(word: str, other: str) -> bool:
    """Whether *word* is a shortening of *other*, a word of the closed lists: by its consonants too."""
    if other not in closed_words().vocabulary or not word.isalpha() or word[0] != other[0]:
        return False
    if in_order(word, other):
        return True
    if _VOWELS.intersection(word[1:]):
        return False
    letters = iter(other)
    return all(letter in letters for letter in word)


def _initials(word: str, left: list[str]) -> bool:
    """Whether *word* is the first letters of words of the name, one after the other (``pfs``)."""
    size = len(word)
    if not 1 < size <= _LONGEST_INITIALS:
        return False
    for start in range(len(left) - size + 1):
        if all(left[start + i][0] == letter for i, letter in enumerate(word)):
            del left[start : start + size]
            return True
    return False


def said_of(product: Product, generic: Product | None) -> tuple[str, ...]:
    """The words that a text may use of *product*: its name's, a brand's generic's too."""
    own = words_of(product.name)
    if generic is None or generic.id == product.id:
        return own
    return (*own, *(w for w in words_of(generic.name) if w not in own))


class Remaining:
    """Finds the one product left of a family.

    ``generic`` gives a product by id; ``is_other`` tells whether a word may be another drug's.
    """

    def __init__(
        self, generic: Callable[[str], Product | None], is_other: Callable[[str, Product], bool]
    ) -> None:
        self._generic = generic
        self._is_other = is_other

    def find(
        self, reading: Reading, words: Sequence[str], family: Sequence[Stated]
    ) -> Aligned | None:
        """The product of *family* that alone is left; ``words`` are all but the drug's or brand's."""
        strong = [s for s in family if _strengths(reading, s)]
        if reading.drugs:
            strong = [s for s in strong if salts_agree(reading, s.product, strong, family)]
        told = reading.qualifiers & TOLD
        if reading.drugs:
            strong = [s for s in strong if s.product.qualifiers & TOLD == told] or strong
        agreeing = list(self._agreeing(reading, words, strong))
        whole = [a for a in agreeing if not a.unaligned]
        left = _one(reading, whole or agreeing) or _one(reading, self._nothing_more(words, whole))
        if not left:
            return None
        found = self._said_most(words, left)
        if not found.unaligned:
            return found
        product = found.product
        alone = len({s.product.vmp_id for s in strong}) == 1 or bool(reading.forms)
        harmless = all(self._harmless(w, product, family) for w in found.unaligned)
        return found if alone and harmless and len(found.unaligned) <= _MOST_UNALIGNED else None

    def lacks(self, words: Sequence[str], product: Product) -> bool:
        """Whether one of *words* has no place in the product's name."""
        return bool(self._missing(words, product))

    def better(self, words: Sequence[str], product: Product, family: Sequence[Stated]) -> bool:
        """Whether another product of *family* has each word that *product* has, and one more."""
        missing = set(self._missing(words, product))
        return bool(missing) and any(
            set(self._missing(words, s.product)) < missing
            for s in family
            if s.product.vmp_id != product.vmp_id
        )

    def _missing(self, words: Sequence[str], product: Product) -> list[str]:
        return [w for w in self._apart(words, product) if not _aside(w, product)]

    def _apart(self, words: Sequence[str], product: Product) -> tuple[str, ...]:
        return unaligned(words, said_of(product, self._generic(product.vmp_id)))

    def _agreeing(
        self, reading: Reading, words: Sequence[str], strong: Sequence[Stated]
    ) -> Iterator[Aligned]:
        for stated in strong:
            product = stated.product
            name = said_of(product, self._generic(product.vmp_id))

            def said(form: str, of: Product, name: tuple[str, ...] = name) -> bool:
                over = unaligned(loose_words(form), name)
                return all(_agrees(w, of) for w in over)

            if agrees_as_a_whole(reading, stated, said):
                apart = self._apart(words, product)
                left = (w for w in apart if not _aside(w, product))
                over = tuple(w for w in left if not _agrees(w, product))
                yield Aligned(product, over, len(apart))

    def _nothing_more(self, words: Sequence[str], left: Sequence[Aligned]) -> list[Aligned]:
        """The brands of whose names *words* are all but what they begin with and the generic's."""
        found = []
        for aligned in left:
            product, generic = aligned.product, self._generic(aligned.product.vmp_id)
            aside = {words_of(product.name)[0], *words, *words_of(generic.name if generic else "")}
            over = {*open_words(product.name)} - aside
            over |= telling_words().intersection(words_of(product.name)).difference(words)
            if product.level == "AMP" and not over:
                found.append(aligned)
        return found

    def _said_most(self, words: Sequence[str], left: Sequence[Aligned]) -> Aligned:
        """The brand of one generic that has most words and fewest others; else the generic."""
        fewest = min(len(a.unaligned) for a in left)
        left = [a for a in left if len(a.unaligned) == fewest]

        def over(aligned: Aligned) -> tuple[int, int]:
            name = words_of(aligned.product.name)
            missing = len(unaligned(words, name))
            return missing, len(name) + missing

        best = min(map(over, left))
        same = [a for a in left if over(a) == best]
        generic = self._generic(same[0].product.vmp_id)
        if len(same) == 1 or generic is None:
            return same[0]
        return replace(same[0], product=generic)

    def _harmless(self, word: str, product: Product, family: Sequence[Stated]) -> bool:
        """Whether a word that was not aligned tells nothing: no drug, no word of another product."""
        entry = closed_words().single_words.get(word)
        if entry is not None and entry.kind == "salt":
            return False
        if word in telling_words() or self._is_other(word, product):
            return False
        others = (s.product for s in family if s.product.vmp_id != product.vmp_id)
        return not any(_stands(word, o) for p in others for o in words_of(p.name))


def without_sizes(reading: Reading) -> Reading:
    """*reading* with a lone volume taken as the container's, which no strength is."""
    if not reading.amounts or any(a.unit not in ("ml", "litre") for a in reading.amounts):
        return reading
    return replace(reading, amounts=[], packs=[*reading.packs, *reading.amounts])


def _strengths(reading: Reading, stated: Stated) -> bool:
    if stated.product.level == "AMP":
        return not reading.amounts or states_of_brand(reading, stated)
    return bool(reading.amounts) and states_strengths(reading, stated)


def _aside(word: str, product: Product) -> bool:
    """Whether *word* is one that the lists put beside any name: a pack, a generic's salt."""
    entry = closed_words().single_words.get(word)
    if entry is not None and entry.kind == "salt":
        return product.level == "VMP"
    if word.endswith("/"):
        return True
    return entry is not None and entry.kind in _ASIDE and word not in KEPT_WORDS


def _agrees(word: str, product: Product) -> bool:
    """Whether *word*, of the closed lists, says of the product what is so (``Liq`` of a solution)."""
    known = closed_words().single_words
    longer = (word,) if word in known else closed_word(word)
    if longer is None:
        return False
    entry = known[longer[0]]
    if entry.kind == "form":
        return product.form in entry.value.split("|")
    if entry.kind == "route":
        return product.route == entry.value
    if entry.kind == "release":
        return entry.value in product.release.split()
    return entry.kind in ("device", "qualifier")


def _one(reading: Reading, left: Sequence[Aligned]) -> Sequence[Aligned]:
    """Those of one generic; of several, of that which says just what was said beside the form."""
    said = reading.qualifiers & TOLD
    diluent = with_diluent(reading)
    for same in (
        lambda p: p.qualifiers & TOLD == said,
        lambda p: ("solvent" in p.name) == diluent,
    ):
        if len({a.product.vmp_id for a in left}) > 1:
            left = [a for a in left if same(a.product)]
    if len({a.product.vmp_id for a in left}) > 1:
        fewest = min(a.apart for a in left)
        left = [a for a in left if a.apart == fewest]
    return left if len({a.product.vmp_id for a in left}) == 1 else ()

"""The older NHS abbreviations: ``Mag Ox_Cap 160mg``, ``Ethinylestr/Levonorgest_Tab 30mcg/150mcg``.

Prescribing lists before 2019 wrote a product as name, underscore, form and strength, cut to forty
characters, with every word shortened as the space asked. There was no fixed table of short forms,
so a word is taken for any real name's word that it begins, or that it is a shortening of. That is
only safe because of what follows: every word of the text and of the name has to be paired, and form,
release, salts and exact strength of a listed product have to agree, and only one product may. A
text without the underscore is never read so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from itertools import product as each_combination

from counterfoil.terminology.names import (
    INORGANIC,
    JOINING,
    KEPT_WORDS,
    RADICAL,
    closed_words,
    rows,
    tokens,
)
from counterfoil.terminology.reading import Reading, no_spelling, read, unglued
from counterfoil.terminology.strengths import UNITS, in_units

LONGEST = 40
_SHORTEST = 3
_SHORTEST_CLOSED = 4
_SHORTEST_IN_PIECES = 7
_MOST = 60
_START = 3
_LONGEST_TEXT = 120
_SHARE = 1.5
_JOINING = frozenset({"/", "&", "+", "and"})
_UNNAMED = frozenset({"gppe"})


@dataclass(frozen=True, slots=True)
class Head:
    """One name that texts may shorten: its words, and what it is the name of.

    ``kind`` is ``ingredient``, ``brand`` or ``named`` (a product that only its name tells).
    """

    words: tuple[str, ...]
    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Guess:
    """What the words may mean: drugs, each with its salts, or a brand or named product.

    ``paired`` counts the words that were read, ``shortened`` those that stand for a longer one.
    """

    drugs: tuple[tuple[str, frozenset[str]], ...]
    kind: str
    value: str
    paired: int
    shortened: int


@lru_cache(maxsize=1)
def _short_words() -> dict[str, frozenset[str]]:
    """Short forms that no rule of shortening yields: ``zn`` for zinc, ``strgh`` for strength."""
    found: dict[str, set[str]] = {}
    for row in rows("abbreviations.csv"):
        found.setdefault(row["short"], set()).add(row["word"])
    return {short: frozenset(words) for short, words in found.items()}


@lru_cache(maxsize=100_000)
def shortens(short: str, word: str) -> bool:
    """Whether *short* may stand for *word*: its beginning, or two pieces of it.

    The pieces are its beginning and another stretch of it, of three letters or more each: letters
    that merely stand in a word in order are as likely another word misspelt.

    >>> shortens("clobet", "clobetasone"), shortens("hydchloroth", "hydrochlorothiazide")
    (True, True)
    >>> shortens("ox", "oxybutynin"), shortens("betaie", "bendroflumethiazide")
    (False, False)
    """
    if short == word or word in _short_words().get(short, ()):
        return True
    if not short.isalpha() or short[0] != word[0]:
        return False
    if len(short) >= _SHORTEST and word.startswith(short):
        return word[len(short) :].isalpha()  # Cystine500 is not cystine
    return _two_pieces(short, word)


def _two_pieces(short: str, word: str) -> bool:
    if len(short) < _SHORTEST_IN_PIECES or len(short) >= len(word):
        return False
    return any(
        word.startswith(short[:cut]) and short[cut:] in word[cut:]
        for cut in range(_SHORTEST, len(short) - _SHORTEST + 1)
    )


def in_order(short: str, word: str) -> bool:
    """Whether the letters of *short*, four or more, stand in *word* in order from its second on.

    Only for the words of the closed lists (``supps``, ``oint``): no drug is told by these.
    """
    if len(short) < _SHORTEST_CLOSED or short[:2] != word[:2] or not short.isalpha():
        return shortens(short, word)
    letters = iter(word)
    return all(letter in letters for letter in short)


def stands_for(short: str) -> tuple[str, ...]:
    """*short* itself, and the words that the list of short forms has for it."""
    return (short, *sorted(_short_words().get(short, ())))


class Heads:
    """The names of a formulary, to be found by their words' beginnings."""

    def __init__(self, heads: Iterable[Head]) -> None:
        self._by_start: dict[str, list[Head]] = {}
        self._names: dict[tuple[str, int], list[Head]] = {}
        self._joined: dict[str, list[Head]] = {}
        for head in heads:
            if head.kind == "ingredient":
                self._by_start.setdefault(head.words[0][:_START], []).append(head)
                continue
            for words in variants(head.words):
                variant = Head(words, head.kind, head.value)
                self._joined.setdefault("".join(words), []).append(variant)
                for start in {word[:_START] for word in words}:
                    self._names.setdefault((start, len(words)), []).append(variant)
        self._drugs: dict[tuple[str, ...], list[tuple[str, frozenset[str], int]]] = {}

    def names(self, words: tuple[str, ...]) -> Iterator[Guess]:
        """The brands and named products whose words are these, in any order, full or shortened."""
        if not words or sum(map(len, words)) < _SHORTEST:
            return
        for head in self._joined.get("".join(words), ()):
            yield Guess((), head.kind, head.value, len(words), 0)
        longest = max(words, key=len)
        for head in self._names.get((longest[:_START], len(words)), ()):
            if len(words) == 1 and _SHARE * len(words[0]) < len(head.words[0]):
                continue
            count = _bag(words, head.words)
            if count:
                yield Guess((), head.kind, head.value, len(words), count)

    def drugs(self, words: tuple[str, ...]) -> list[tuple[str, frozenset[str], int]]:
        """The drugs that *words* may be: the name, then nothing but salts; words shortened."""
        found = self._drugs.get(words)
        if found is None:
            found = self._drugs[words] = list(self._drugs_of(words))
        return found

    def _drugs_of(self, words: tuple[str, ...]) -> Iterator[tuple[str, frozenset[str], int]]:
        orders = [words, words[::-1]] if len(words) == 2 else [words]  # silver sulfadiazine
        for order in orders:
            for head in self._starting(order):
                count = min(len(head.words), len(order))
                left_out = head.words[count:]
                shortened = _paired(order[:count], head.words[:count])
                salts = salts_of(order[count:])
                if shortened is None or salts is None or salts_of(left_out) is None:
                    continue
                if left_out and head.words[0] in INORGANIC:  # calcium is no calcium gluconate
                    continue
                if order is words or not salts:
                    yield head.value, salts, shortened + len(left_out)

    def _starting(self, words: tuple[str, ...]) -> Iterator[Head]:
        first = words[0]
        meant = (first, *_short_words().get(first, ()))
        for start in sorted({word[:_START] for word in meant}):
            for head in self._by_start.get(start, ()):
                if shortens(first, head.words[0]):
                    yield head

    def combinations(self, parts: Sequence[tuple[str, ...]]) -> Iterator[Guess]:
        """The sets of drugs that the parts of a combination's name may be."""
        options = [self.drugs(part) for part in parts]
        if not options or not all(options) or _count(options) > _MOST:
            return
        for chosen in each_combination(*options):
            drugs = tuple((drug, salts) for drug, salts, _ in chosen)
            if len({drug for drug, _ in drugs}) == len(drugs):
                paired = sum(len(part) for part in parts)
                yield Guess(drugs, "ingredient", "", paired, sum(n for _, _, n in chosen))


def uncut(text: str, tail: tuple[str, ...]) -> tuple[str, ...]:
    """*tail* without a last word that the lists' forty characters cut off.

    A longer text was not cut, nor one that ends with a bracket.
    """
    text = text.strip().strip('"')
    last = tokens(text)[-1:]
    return tail[:-1] if len(text) == LONGEST and tail and last == [tail[-1]] else tail


@lru_cache(maxsize=4096)
def variants(words: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """*words*, then without those that say form and the like, then without salts, each once."""
    words = tuple(w for w in words if w not in JOINING)
    known = closed_words().single_words
    kinds = [known[w].kind if w in known and w not in KEPT_WORDS else "" for w in words]
    no_form = tuple(w for w, k in zip(words, kinds, strict=True) if k in ("", "salt", "flavour"))
    no_salt = tuple(w for w, k in zip(words, kinds, strict=True) if k in ("", "flavour"))
    shorter = (no_form, no_salt) if len(no_salt) > 1 else (no_form,)
    told = [v for v in shorter if v and (no_salt or v == words)]  # never a salt alone
    return tuple(dict.fromkeys((words, *told) if words else ()))


def _bag(words: Sequence[str], full: Sequence[str]) -> int | None:
    """How many of *words* are shortened, where each pairs with its own word of *full*."""
    left = list(full)
    shortened = []
    for word in words:
        if word in left:
            left.remove(word)
        else:
            shortened.append(word)
    for word in sorted(shortened, key=len, reverse=True):
        other = next((o for o in left if shortens(word, o)), None)
        if other is None:
            return None
        left.remove(other)
    return len(shortened)


def _count(options: Sequence[Sequence[object]]) -> int:
    total = 1
    for option in options:
        total *= len(option)
    return total


def _paired(words: Sequence[str], full: Sequence[str]) -> int | None:
    """How many of *words* are shortened, where each may stand for the word of *full* beside it."""
    shortened = 0
    for word, other in zip(words, full, strict=True):
        if word != other:
            if not shortens(word, other):
                return None
            shortened += 1
    return shortened


@lru_cache(maxsize=4096)
def salts_of(words: tuple[str, ...]) -> frozenset[str] | None:
    """The salts that *words* name, in full or shortened; None where one of them is no salt."""
    found: set[str] = set()
    for word in words:
        salt = _salt(word)
        if salt is None:
            return None
        found.add(salt)
    return frozenset(found)


@lru_cache(maxsize=4096)
def _salt(word: str) -> str | None:
    salts = _salt_words()
    if word in salts:
        return salts[word]
    known = closed_words().single_words
    usual = (f for f in salts if known[f].note != RADICAL)  # carb is no carbesilate
    longer = {salts[full] for full in usual if shortens(word, full)}
    return longer.pop() if len(longer) == 1 else None


@lru_cache(maxsize=1)
def _salt_words() -> dict[str, str]:
    known = closed_words().single_words
    return {word: entry.value for word, entry in known.items() if entry.kind == "salt"}


@lru_cache(maxsize=8192)
def closed_word(word: str) -> tuple[str, ...] | None:
    """The words of the closed lists that *word* shortens, where all of them say the same."""
    known = closed_words().single_words
    longer = [w for w, e in known.items() if e.kind in _SHORTENED and in_order(word, w)]
    meanings = {(known[w].kind, known[w].value) for w in longer}
    return (longer[0],) if len(meanings) == 1 else None


_SHORTENED = frozenset({"form", "release", "route", "device", "qualifier"})


_BRACKET = re.compile(r"\([^()]*\)?")
_RELEASE = re.compile(r"\b([em])/([cr])\b", re.IGNORECASE)
_UNGLUED = tuple(
    (re.compile(pattern, re.IGNORECASE), instead)
    for pattern, instead in (
        (r"(?<=\d(?:mg|ml))(?=\d+(?:\.\d+)?(?:mg|mcg))", "/"),  # EyeDps10mg2mgml
        (r"(?<=\dmg)ml\b", "/ml"),
        (r"(?<=[a-z]{3})(?=\d+(?:\.\d+)?(?:/\d+(?:\.\d+)?)?(?:mg|mcg|g|u|ml|%))", " "),
        (r"(?<=\dml)(?=(?:pf|pfs|pfpen|pfos|cart|btl|amp|vl|bag|sach)\b)", " "),
        (r"(?<=mcg|.mg)(?=\d+d\b)", " "),
        (r"\bpfpen\b", "pf pen"),
        (r"\bi/vinf", "i/v inf "),
        (r"(?<=\dg|mg)/d\b", "/dose"),
    )
)
_AMOUNT = re.compile(r"\d[\d.,]*\s?(?:mg|mcg|g|u|mmol|%)(?![a-z])", re.IGNORECASE)


@lru_cache(maxsize=1)
def _said_anywhere() -> frozenset[str]:
    """Releases and qualifiers, which may stand with the name as well as with the form."""
    words = closed_words().single_words
    return frozenset(w for w, e in words.items() if e.kind in ("release", "qualifier"))


@lru_cache(maxsize=1)
def _longhand() -> dict[str, tuple[str, ...]]:
    """Letters that stand for several words: ``wsp`` for white soft paraffin."""
    return {
        row["short"]: tuple(row["word"].split())
        for row in rows("abbreviations.csv")
        if " " in row["word"]
    }


@dataclass(frozen=True, slots=True)
class Listed:
    """A text of the older lists: the words of its name in parts, and the amounts and rest of it.

    ``numbers`` tells whether bare numbers were taken as words (Carbomer 980) or as amounts.
    """

    parts: tuple[tuple[str, ...], ...]
    rest: str
    numbers: bool

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the name, in order."""
        return tuple(word for part in self.parts for word in part)


def listed(text: str) -> list[Listed]:
    """*text* as an entry of the older lists: name, underscore, the rest; nothing where it is none."""
    name, underscore, rest = in_units(text).strip().strip('"').partition("_")
    rest = _parted(rest)
    if not underscore or not name.strip() or not rest.strip() or len(text) > _LONGEST_TEXT:
        return []
    if name.lower().startswith("gppe "):  # the form of a brand's generic, then the brand
        return [*_sides(rest, name[len("gppe ") :]), *_sides(name, rest)]
    return _sides(name, rest)


_NAME_WORDS = 3


def as_listed(text: str) -> str | None:
    """A free text as the older lists write it, parted before its first number or word of form.

    Else after its first word. None where no name of at most three words stands before that place.

    >>> as_listed("mebev MR 200mg caps")
    'mebev_MR 200mg caps'
    """
    words = text.split()
    closed = closed_words().single_words
    for at, word in enumerate(words):
        plain = tokens(word)
        entry = closed.get(plain[0]) if plain else None
        telling = entry is not None and entry.kind in _SHORTENED
        if telling or any(sign.isdigit() for sign in word):
            return _parted_at(words, at)
    return _parted_at(words, 1)


def _parted_at(words: Sequence[str], at: int) -> str | None:
    name = [part for w in words[:at] for part in w.strip(".,;:-").split("-")]
    if not 0 < len(name) <= _NAME_WORDS or not all(w.isalpha() for w in name) or at == len(words):
        return None
    return f"{' '.join(name)}_{' '.join(words[at:])}"


def _parted(rest: str) -> str:
    """What follows the underscore with spaces between words run together: ``2.4mlPfs(60D)``.

    ``1g/D`` is an amount in a dose.
    """
    if not any(sign.isdigit() for sign in rest):
        return rest
    for pattern, instead in _UNGLUED:
        rest = pattern.sub(instead, rest)
    return rest


def spelt_out(rest: str) -> str:
    """*rest* with each short word that has one meaning in the list of short forms written out."""
    short = _short_words()
    return " ".join(
        next(iter(short[token])) if len(short.get(token, ())) == 1 else token
        for token in tokens(rest)
    )


def _sides(name: str, rest: str) -> list[Listed]:
    if not _AMOUNT.search(rest):  # Magnesiocard (Mag 2.5mmol)_Tab
        rest = " ".join((rest, *_AMOUNT.findall(" ".join(_BRACKET.findall(name)))))
    items = tokens(unglued(_RELEASE.sub(r"\1\2", _BRACKET.sub(" ", name)), set()))
    if any(token.isdigit() for token in items):
        return [_listed(items, rest, numbers=True), _listed(items, rest, numbers=False)]
    return [_listed(items, rest, numbers=False)]


def _listed(items: Sequence[str], rest: str, numbers: bool) -> Listed:
    items = [w for token in items for w in _longhand().get(token, (token,))]
    parts: list[list[str]] = [[]]
    amounts: list[str] = []
    for i, token in enumerate(items):
        following = items[i + 1] if i + 1 < len(items) else ""
        if token in _JOINING:
            amounts.append("/")
            parts.append([])
        elif token[0].isdigit():
            bare = following not in UNITS
            (parts[-1] if bare and numbers else amounts).append(token)
        elif token in UNITS and i and items[i - 1][0].isdigit():
            amounts.append(token)
        elif token in _said_anywhere():
            rest = f"{rest} {token}"
        elif token[0].isalpha() and token not in _UNNAMED and token not in JOINING:
            parts[-1].append(token)
    kept = tuple(tuple(part) for part in parts if part)
    return Listed(kept, f"{' '.join(amounts).strip(' /')} {rest}", numbers)


@lru_cache(maxsize=20_000)
def _rest_of(written: str) -> Reading:
    return read(written, closed_words(), no_spelling)


def read_rest(written: str) -> Reading:
    """What stands beside a name, read by the closed lists alone; many names have the same."""
    known = _rest_of(written)
    fresh = {name: copy(getattr(known, name)) for name in _FIELDS}
    return replace(known, **fresh)


_FIELDS = tuple(
    f.name for f in fields(Reading) if isinstance(getattr(Reading(""), f.name), (list, set, dict))
)


def resolve_rest(reading: Reading) -> tuple[str, ...]:
    """Take the shortened forms and devices among the words not read, and return the others."""
    left: list[str] = []
    for word in reading.unread:
        longer = closed_word(word)
        if longer is None:
            left.append(word)
            continue
        entry = closed_words().single_words[longer[0]]
        if entry.kind == "form":
            reading.forms.append(frozenset(entry.value.split("|")))
        elif entry.kind in _TAKEN:
            getattr(reading, _TAKEN[entry.kind]).add(entry.value)
        reading.note(entry.kind, word)
    reading.unread = []
    return tuple(left)


_TAKEN = {"release": "releases", "route": "routes", "device": "devices", "qualifier": "qualifiers"}

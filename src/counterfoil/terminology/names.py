"""The words of medicine names: a closed, versioned lexicon, read from ``knowledge/names``.

Every word of a name must be in the lexicon, be a drug or brand of the formulary, or be left unread:
there is no open-ended guessing here.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from itertools import pairwise

from counterfoil.foundation.errors import DataError
from counterfoil.terminology.model import Product, Strength
from counterfoil.terminology.strengths import UNITS, in_units, parse_strength

LONG_WORD = 8
RADICAL = "radical"
PLAIN_WORDS = frozenset({"carbonate", "chloride", "compound", "conjugated", "phosphate"})
RELEASE_SUFFIXES = ("xl", "sr", "mr", "la", "cr", "retard", "prolonged release")

_TOKEN = re.compile(r"\d[\d,]*(?:\.\d+)?|\.\d+|[^\W\d_][^\W_']*(?:'[^\W_]+)*|[%/+&()\-]")
_REPLACED = str.maketrans({"μ": "u", "µ": "u", "_": " ", '"': " ", "‘": "'", "’": "'", "–": "-"})
_JOINED = re.compile(r"^(la|xl|sr|mr|xr|ml|mg|mcg)(\d+|sf|ud|xl|sr|mr)$")


@dataclass(frozen=True, slots=True)
class Entry:
    """What a phrase means: its kind (``ingredient``, ``form``, ``release``...) and value."""

    kind: str
    value: str
    note: str = ""


Phrase = tuple[tuple[str, ...], Entry]


_SHORT = {"fte": "forte"}
_BRACKET = re.compile(r"\([^()]*\)")
INORGANIC = frozenset(
    [
        "aluminium",
        "ammonium",
        "barium",
        "bismuth",
        "calcium",
        "copper",
        "ferric",
        "ferrous",
        "hydrogen",
        "iron",
        "lithium",
        "magnesium",
        "manganese",
        "potassium",
        "selenium",
        "silver",
        "sodium",
        "zinc",
    ]
)
JOINING = frozenset({"and", "with", "in", "of", "for", "the"})


def tokens(text: str) -> list[str]:
    """The words, numbers and joining signs of *text*, in lower case; other signs fall away."""
    found: list[str] = []
    for token in _TOKEN.findall(text.lower().translate(_REPLACED)):
        if token[0].isalpha():
            joined = _JOINED.match(token)
            if joined is not None:
                found.extend(joined.groups())
                continue
            token = token.removesuffix("'s").strip("'")
        found.append(_SHORT.get(token, token))
    return found


@lru_cache(maxsize=20_000)
def words_of(name: str) -> tuple[str, ...]:
    """The tokens of a lexicon phrase, without the signs that texts leave out."""
    return tuple(t for t in tokens(name) if t not in "-()&+")


class Lexicon:
    """Phrases by first word, longest first.

    ``vocabulary`` is every word of every phrase; ``drug_words`` are those of drugs, each with the
    drug it means where it means one alone.
    """

    def __init__(self, phrases: Iterable[Phrase]) -> None:
        self._by_first: dict[str, list[Phrase]] = {}
        self.single_words: dict[str, Entry] = {}
        self.vocabulary: set[str] = set()
        self.drug_words: dict[str, str] = {}
        seen: set[tuple[str, ...]] = set()
        for words, entry in phrases:
            if not words or words in seen:
                continue
            seen.add(words)
            self._by_first.setdefault(words[0], []).append((words, entry))
            self.vocabulary.update(words)
            if len(words) == 1:
                self.single_words[words[0]] = entry
            if entry.kind in ("ingredient", "group"):
                self._learn(words, entry)
        for same in self._by_first.values():
            same.sort(key=lambda phrase: -len(phrase[0]))

    def _learn(self, words: tuple[str, ...], entry: Entry) -> None:
        """The words that a misspelt word may be corrected to; of several, only the long ones."""
        if len(words) == 1:
            self.drug_words[words[0]] = entry.value
            return
        for word in words:
            if len(word) >= LONG_WORD and word not in PLAIN_WORDS:
                self.drug_words.setdefault(word, word)

    def phrases(self, *kinds: str) -> Iterator[Phrase]:
        """Its phrases of these kinds."""
        for same in self._by_first.values():
            yield from (phrase for phrase in same if phrase[1].kind in kinds)

    def at(self, items: Sequence[str], start: int) -> tuple[Entry, int] | None:
        """The longest phrase that starts at *start*, with the position after it."""
        for words, entry in self._by_first.get(items[start], ()):
            end = start + len(words)
            if tuple(items[start:end]) == words:
                return entry, end
        return None


def rows(name: str) -> Iterator[dict[str, str]]:
    """The rows of one CSV file of ``knowledge/names``."""
    folder = resources.files("counterfoil.knowledge") / "names"
    yield from csv.DictReader(io.StringIO((folder / name).read_text(encoding="utf-8")))


@lru_cache(maxsize=1)
def other_drugs() -> frozenset[str]:
    """Names of medicines that the formulary does not hold."""
    return _lines("other_drugs.txt")


@lru_cache(maxsize=1)
def telling_words() -> frozenset[str]:
    """Words that tell two products of one brand apart: ``plus``, ``max``, ``junior``."""
    return _lines("telling_words.txt")


def _lines(name: str) -> frozenset[str]:
    folder = resources.files("counterfoil.knowledge") / "names"
    lines = (folder / name).read_text(encoding="utf-8").splitlines()
    return frozenset(line.strip() for line in lines if line.strip() and not line.startswith("#"))


@lru_cache(maxsize=2)
def usual_salts(unsaid: bool = False) -> frozenset[tuple[str, str]]:
    """(ingredient, salt word) pairs that do not tell two products apart.

    dm+d's name leaves the salt out, or people do; with *unsaid* also the salts that only people
    leave out, and that mean another product where they are said of one without (phenytoin sodium).
    """
    return frozenset(
        (name.replace("-", " "), word)
        for row in rows("salts.csv")
        if row["when"] == "both" or unsaid
        for name in row["ingredients"].split()
        for word in row["salt"].split()
    )


@lru_cache(maxsize=1)
def equivalents() -> dict[str, tuple[Strength, ...]]:
    """Generic product name to other ways of stating its strength (lithium citrate in mmol)."""
    found: dict[str, tuple[Strength, ...]] = {}
    for row in rows("equivalents.csv"):
        strength = parse_strength(row["strength"])
        if strength is None:
            raise DataError.at("names/equivalents.csv", "a strength", row["strength"])
        found[row["product"]] = (*found.get(row["product"], ()), strength)
    return found


@lru_cache(maxsize=1)
def only_releases() -> dict[tuple[tuple[str, ...], str], str]:
    """(ingredients, form) to the one release in which that drug and form is made."""
    return {((row["ingredient"],), row["form"]): row["release"] for row in rows("releases.csv")}


def brand_head(brand: str) -> tuple[tuple[str, ...], frozenset[str]]:
    """A brand's words without its release words, and those: ``Efexor XL`` is (efexor), {xl}.

    ``Half``, ``Chrono`` and the like stay: they are part of the name.
    """
    words = list(words_of(brand))
    released = set()
    for suffix in RELEASE_SUFFIXES:
        part = suffix.split()
        for start in range(1, len(words) - len(part) + 1):
            if words[start : start + len(part)] == part:
                del words[start : start + len(part)]
                released.add(suffix)
                break
    return tuple(words), frozenset(released)


def plain_name(text: str) -> str:
    """A name for looking up: lower case, single spaces."""
    return " ".join(text.lower().split())


_WRITTEN = (
    (re.compile(r"\btab(?:s|lets)?\b"), "tablets"),
    (re.compile(r"\bcap(?:s|sules)?\b"), "capsules"),
    (re.compile(r"(?<=\d) ?micrograms?\b"), "mcg"),
    (re.compile(r"(?<=\d)[\s\-]+(?=\d)"), "-"),
    (re.compile(r"(?<!\d)[\s\-]+|[\s\-]+(?!\d)|[.,;]+$"), ""),
)


def loose_name(text: str) -> str:
    """A name for looking up whatever its spaces, hyphens and the way of writing tablets.

    >>> loose_name("Co-codamol 8 mg/500mg tabs.") == loose_name("CO CODAMOL 8mg/500mg Tablets")
    True
    """
    found = plain_name(text)
    for pattern, instead in _WRITTEN:
        found = pattern.sub(instead, found)
    return found


@lru_cache(maxsize=1)
def form_words() -> Lexicon:
    """The forms as dm+d uses the words: a powder is a powder, not the powder of a suspension."""
    return Lexicon([*_forms(), *_words()])


def forms_of(name: str) -> list[frozenset[str]]:
    """The forms that a product's own *name* states, in dm+d's sense of the words.

    A word before the first amount is part of what the thing is called: coal tar solution.
    """
    items = words_of(name)
    at, found = _first_amount(items), []
    while at < len(items):
        hit = form_words().at(items, at)
        if hit is not None and hit[0].kind == "form":
            found.append(frozenset(hit[0].value.split("|")))
        at = hit[1] if hit else at + 1
    return found


@lru_cache(maxsize=1)
def closed_words() -> Lexicon:
    """The words of every name that are no drug and no brand: forms, releases, devices, flavours."""
    return Lexicon([*_words(), *_forms()])


def brand_of(name: str) -> tuple[tuple[str, ...], frozenset[str], str] | None:
    """The brand that a product's *name* begins with: its words, its release words, as written.

    It ends where the rest of the name is closed words and amounts: ``Half Sinemet CR 25mg/100mg
    tablets`` is ``Half Sinemet``. None where no such end is found.
    """
    items = words_of(in_units(name))
    start = _rest_of(items)
    if start is None:
        return None
    while 0 < start < len(items) and items[start - 1][0].isdigit():
        start -= 1
    if start == 0 or (start == 1 and items[0] in closed_words().single_words):
        return None
    if any(a[0].isdigit() and b in UNITS for a, b in pairwise(items[:start])):
        return None
    written: list[str] = []
    for word in name.split():
        if len(words_of(" ".join(written))) >= start:
            break
        written.append(word)
    head, released = brand_head(" ".join(items[:start]))
    return (head, released, " ".join(written).strip(" -/+&(")) if head else None


def _rest_of(items: Sequence[str]) -> int | None:
    """The first place from which *items* are closed words, numbers and units to the end."""
    closed = closed_words()
    understood = [False] * len(items) + [True]
    for i in range(len(items) - 1, -1, -1):
        token = items[i]
        hit = closed.at(items, i)
        if hit is not None:
            understood[i] = understood[hit[1]]
        elif token[0].isdigit() or token in UNITS or token in JOINING or not token[0].isalpha():
            understood[i] = understood[i + 1]
    return next((i for i in range(1, len(items)) if understood[i]), None)


def _first_amount(items: Sequence[str]) -> int:
    """Where the first number with a unit stands, a volume left out; 0 where none does."""
    amounts = (
        i
        for i, (a, b) in enumerate(pairwise(items))
        if a[0].isdigit() and b in UNITS and UNITS[b] not in ("ml", "litre")
    )
    return next(amounts, 0)


def open_words(name: str) -> tuple[str, ...]:
    """The words of *name* that are neither of the closed lists nor amounts, in order.

    What stands in brackets is left out; a salt or a flavour is kept, and so is any word before the
    first amount: it may be part of what the thing is called (coal tar solution).
    """
    plain = _BRACKET.sub(" ", name)
    while plain != name:
        name, plain = plain, _BRACKET.sub(" ", plain)
    items = words_of(plain)
    found: list[str] = []
    at = 0
    before = _first_amount(items)
    while at < len(items):
        hit = closed_words().at(items, at)
        kept = hit is None or hit[0].kind in _KEPT or items[at] in KEPT_WORDS
        if hit is not None and at >= before and not kept:
            at = hit[1]
            continue
        token = items[at]
        in_unit = token in UNITS and at > 0 and items[at - 1][0].isdigit()
        if token[0].isalpha() and not in_unit and token not in JOINING:
            found.append(token)
        at += 1
    return tuple(found)


KEPT_WORDS = frozenset({"aq", "aqueous"})
_KEPT = frozenset({"salt", "flavour", "supplier"})


def lexicon(products: Sequence[Product], release: Sequence[Phrase] = ()) -> Lexicon:
    """The lexicon of *products* and of a *release*'s phrases: drugs, brands, closed word lists.

    What comes first counts: our own names, then the closed words, then those of the release.
    """
    release = [phrase for phrase in release if phrase[1].kind != "named"]
    beside = {words for words, entry in _words() if entry.kind == "salt"}
    drugs = {e.value for words, e in release if e.kind == "ingredient" and words not in beside}
    return Lexicon(
        [
            *_brands(products),
            *_ingredients(products, drugs),
            *_groups(),
            *_words(),
            *_forms(),
            *release,
            *_others(),
        ]
    )


def _forms() -> Iterator[Phrase]:
    """The forms as dm+d writes them, singular and plural; the route where the form leaves it open."""
    listed = list(rows("forms.csv"))
    routes: dict[str, set[str]] = {}
    for row in listed:
        routes.setdefault(row["form"], set()).add(row["route"])
    for row in listed:
        words = words_of(row["phrase"])
        tells = words[0] != row["form"].split()[0] and len(routes[row["form"]]) > 1
        entry = Entry("form", row["form"], row["route"] if tells else "")
        yield words, entry
        if words[-1].endswith("s"):
            yield (*words[:-1], words[-1].removesuffix("s")), entry


def _brands(products: Sequence[Product]) -> Iterator[Phrase]:
    for product in products:
        if product.brand:
            head, _ = brand_head(product.brand)
            yield head, Entry("brand", " ".join(head))
    heads = {p.brand: brand_head(p.brand)[0] for p in products if p.brand}
    for row in rows("brands.csv"):
        if row["brand"] in heads:
            yield words_of(row["alias"]), Entry("brand", " ".join(heads[row["brand"]]))


def _ingredients(products: Sequence[Product], release: Iterable[str] = ()) -> Iterator[Phrase]:
    known: dict[str, str] = {name: name for name in release}
    for product in products:
        for ingredient in product.ingredients:
            known[ingredient] = ingredient
        first = product.name.split()[0].lower()
        if first.startswith("co-"):
            known[first] = known[first.replace("-", "")] = " + ".join(product.ingredients)
    for name, value in known.items():
        yield words_of(name), Entry("ingredient", value)
    for row in rows("synonyms.csv"):
        meaning = row["means"]
        base, salt = meaning, ""
        if meaning not in known and " " in meaning:
            base, _, salt = meaning.rpartition(" ")
        if base in known:
            yield words_of(row["alias"]), Entry("ingredient", known[base], salt)
        elif meaning in other_drugs():
            yield words_of(row["alias"]), Entry("other", meaning)
        else:
            raise DataError.at("names/synonyms.csv", "a drug of the formulary", meaning)


@lru_cache(maxsize=1)
def groups_of_drugs() -> dict[str, frozenset[str]]:
    """A word that stands for several drugs, and those drugs (lithium: the carbonate, the citrate)."""
    return {row["word"]: frozenset(row["members"].split("|")) for row in rows("groups.csv")}


def _groups() -> Iterator[Phrase]:
    for row in rows("groups.csv"):
        yield words_of(row["word"]), Entry("group", row["members"], row["word"])


def _words() -> Iterator[Phrase]:
    for row in rows("words.csv"):
        yield words_of(row["phrase"]), Entry(row["kind"], row["value"] or row["phrase"])
    for row in rows("radicals.csv"):
        yield (row["radical"],), Entry("salt", row["salt"] or row["radical"], RADICAL)


def _others() -> Iterator[Phrase]:
    for name in other_drugs():
        yield words_of(name), Entry("other", name)

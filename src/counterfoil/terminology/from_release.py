"""Products from the names of a dm+d release: a grammar of names, and nothing that it cannot read.

A VMP's name is ingredients with their strengths, a form, a container and qualifiers, in that order:
``Fluticasone propionate 50micrograms/dose nasal spray``. A name that the grammar does not consume to
its last word stays a product by its name alone: no ingredient, strength or form is inferred.

An AMP's name is its VMP's name (a generic of one supplier) or begins with a brand. A product list
without AMPs has them in the names of its packs: brand, supplier in brackets, pack.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from counterfoil.terminology.model import Product, Strength
from counterfoil.terminology.names import INORGANIC, Entry, Lexicon, rows, words_of
from counterfoil.terminology.strengths import in_units, parse_strength

_NUMBER = r"\d[\d,]*(?:\.\d+)?(?:-\d+(?:\.\d+)?)?"
_ABOVE = r"mg|g|micrograms?|nanograms?|units?|mmol|%"
_BELOW = r"ml|g|mg|dose|drop|application|hours?"
_STRENGTH = re.compile(
    rf"(?<![\w.])(?:{_NUMBER}(?:{_ABOVE})/)*"
    rf"{_NUMBER}(?:{_ABOVE})(?:/(?:\d[\d,]*(?:\.\d+)?)?(?:{_BELOW}))?(?![\w/])"
)
_DOSED = re.compile(rf"\d ?(?:{_ABOVE})(?![a-z])")
_VOLUME = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?:ml|litres?|mg|g)(?![\w/])")
_RESTATED = re.compile(r"\((?:1 in [\d,]+|[^()]*\d[^()]*|base)\)")
_PACK = re.compile(r" \d[\d,.]* ?[A-Za-z]")
_SHORTEST_BASE = 5
_NOTHING = frozenset({"/", "bp", "bpc"})

Row = tuple[str, str, str, str | None, str | None]
"""A row of a release: id, level (VMP, AMP, AMPP), name, VMP id, supplier."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What the end of a name says: form, route, release, container, qualifiers, dose unit."""

    form: str
    route: str
    release: str
    device: str
    qualifiers: frozenset[str]
    unit_dose: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """A generic name taken apart; the lists stand parallel."""

    ingredients: tuple[str, ...]
    salts: tuple[str, ...]
    strengths: tuple[Strength | None, ...]
    shape: Shape


@dataclass(frozen=True, slots=True)
class MadeBy:
    """An AMP or its pack: the product's name, its supplier, the VMP it is one of."""

    id: str
    name: str
    supplier: str
    vmp_id: str
    level: str


@lru_cache(maxsize=1)
def _tail_words() -> Lexicon:
    phrases: list[tuple[tuple[str, ...], Entry]] = []
    for row in rows("forms.csv"):
        note = f"{row['route']}|{row['unit_dose']}"
        words = tuple(w for w in words_of(row["phrase"]) if w != "/")
        phrases.append((words, Entry("form", row["form"], note)))
    for row in rows("containers.csv"):
        entry = Entry("container", row["device"], row["qualifier"])
        phrases.append((words_of(row["phrase"]), entry))
    for row in rows("words.csv"):
        if row["kind"] in ("release", "qualifier"):
            value = row["value"] or row["phrase"]
            phrases.append((words_of(row["phrase"]), Entry(row["kind"], value)))
    return Lexicon(phrases)


@lru_cache(maxsize=8192)
def shape(tail: str) -> Shape | None:
    """What the words after the last strength say; None where one of them is not understood.

    The order is that of dm+d: release, form, volume, container, qualifiers.
    """
    words = [w for w in words_of(_RESTATED.sub(" ", _VOLUME.sub(" ", tail))) if w not in _NOTHING]
    found: dict[str, list[Entry]] = {"release": [], "form": [], "container": [], "qualifier": []}
    at = 0
    while at < len(words):
        hit = _tail_words().at(words, at)
        if hit is None:
            return None
        entry, at = hit
        if entry.kind == "release" and found["form"]:
            return None
        found[entry.kind].append(entry)
    if len(found["form"]) != 1 or len(found["container"]) > 1:
        return None
    form = found["form"][0]
    route, _, unit = form.note.partition("|")
    qualifiers = {e.value for e in found["qualifier"]}
    qualifiers |= {e.note for e in found["container"] if e.note}
    return Shape(
        form=form.value,
        route=route,
        release=" ".join(dict.fromkeys(e.value for e in found["release"])),
        device="".join(e.value for e in found["container"]),
        qualifiers=frozenset(qualifiers),
        unit_dose=unit,
    )


@dataclass(frozen=True, slots=True)
class Grammar:
    """Reads generic names; ``known`` are ingredients and ``compounds`` names such as co-codamol."""

    known: frozenset[str]
    compounds: Mapping[str, tuple[str, ...]]
    salt_words: frozenset[str]

    @classmethod
    def of(cls, own: Sequence[Product]) -> Grammar:
        """The grammar that knows the ingredients and compound names of *own* products."""
        compounds = {
            row["name"]: tuple(row["ingredients"].split(" + ")) for row in rows("compounds.csv")
        }
        for product in own:
            first = product.name.split()[0].lower()
            if first.startswith("co-"):
                compounds[first] = product.ingredients
        salts = {
            w for row in rows("words.csv") if row["kind"] == "salt" for w in row["value"].split()
        }
        return cls(frozenset(i for p in own for i in p.ingredients), compounds, frozenset(salts))

    def read(self, name: str) -> Parsed | None:
        """The parts of a generic *name*; None where a word of it is not understood."""
        if not name.strip() or name.startswith("Generic "):
            return None
        name = in_units(name)
        first = name.split(maxsplit=1)[0].lower()
        parts = name.split(" / ")
        last = _STRENGTH.search(parts[-1])
        if last is None:
            return None
        ending = shape(parts[-1][last.end() :])
        if ending is None:
            return None
        if first in self.compounds and len(parts) == 1:
            strengths = _compound_strengths(last.group(), len(self.compounds[first]))
            if strengths is None or parts[0][: last.start()].strip().lower() != first:
                return None
            return Parsed(self.compounds[first], (), strengths, ending)
        return self._components([*parts[:-1], parts[-1][: last.end()]], ending)

    def _components(self, parts: Sequence[str], ending: Shape) -> Parsed | None:
        ingredients: list[str] = []
        salts: list[str] = []
        strengths: list[Strength | None] = []
        release = ending.release
        for part in parts:
            found = _STRENGTH.search(part)
            if found is None:
                return None
            after = shape_words(_RESTATED.sub(" ", part[found.end() :]))
            strength = parse_strength(found.group())
            drug = self.ingredient(part[: found.start()])
            if strength is None or drug is None or after is None:
                return None
            release = release or after
            ingredients.append(drug[0])
            salts.append(drug[1])
            strengths.append(strength)
        if len(set(ingredients)) != len(ingredients):
            return None
        return Parsed(
            tuple(ingredients),
            tuple(salts) if any(salts) else (),
            tuple(strengths),
            replace(ending, release=release, unit_dose=_unit_dose(ending, parts[0])),
        )

    def ingredient(self, text: str) -> tuple[str, str] | None:
        """The drug and the salt that the words before a strength name."""
        plain = " ".join(text.lower().replace("'", "").replace("(base)", "base").split())
        if not plain or "(" in plain or not plain[0].isalpha() or _DOSED.search(plain):
            return None
        if plain in self.known:
            return plain, ""
        words = plain.split()
        for cut in range(1, len(words)):
            base, rest = " ".join(words[:-cut]), words[-cut:]
            if base in self.known and self._salt(rest):
                return base, " ".join(rest)
        if words[:2] == ["insulin", "isophane"] and "human" in words:
            words.remove("human")
            return (" ".join(words), "human") if " ".join(words) in self.known else None
        kept = list(words)
        while len(kept) > 1 and self._salt(kept[-1:]):
            kept.pop()
        if kept[0] in INORGANIC or len(kept[0]) < _SHORTEST_BASE:
            return plain, ""
        return " ".join(kept), " ".join(words[len(kept) :])

    def _salt(self, words: Sequence[str]) -> bool:
        return all(word in self.salt_words for word in words)


def shape_words(text: str) -> str | None:
    """The release that words between two ingredients say; None where they say anything else."""
    words = words_of(text)
    at, found = 0, []
    while at < len(words):
        hit = _tail_words().at(words, at)
        if hit is None or hit[0].kind != "release":
            return None
        found.append(hit[0].value)
        at = hit[1]
    return " ".join(found)


def _unit_dose(ending: Shape, first: str) -> str:
    """Insulin and the like, in units a millilitre (not a syringe of 1ml), are dosed in units."""
    return "unit" if ending.form == "injection" and "units/ml" in first else ending.unit_dose


def _compound_strengths(text: str, count: int) -> tuple[Strength | None, ...] | None:
    """``125mg/31mg/5ml`` as one strength for each of *count* ingredients."""
    pieces = text.split("/")
    below = ""
    if len(pieces) == count + 1:
        below = f"/{pieces.pop()}"
    if len(pieces) != count:
        return None
    found = tuple(parse_strength(piece + below) for piece in pieces)
    return None if None in found else found


# --- packs, suppliers and brands ----------------------------------------------------------------


def pack_parts(name: str) -> tuple[str, str] | None:
    """A pack's name as the product's and the supplier's; None where it has not that shape.

    ``Emla 5% cream (CST Pharma Ltd) 30 gram`` is ``Emla 5% cream`` by ``CST Pharma Ltd``.
    """
    groups = list(_brackets(name))
    for start, end in reversed(groups):
        if _PACK.match(name, end) and start > 1:
            return name[: start - 1].rstrip(), name[start + 1 : end - 1]
    return None


def supplied(name: str) -> tuple[str, str] | None:
    """A name that ends with a supplier in brackets as the two; None where it does not."""
    groups = list(_brackets(name))
    if not groups or groups[-1][1] != len(name) or groups[-1][0] < 1:
        return None
    start, end = groups[-1]
    return name[:start].rstrip(), name[start + 1 : end - 1]


def _brackets(name: str) -> Iterable[tuple[int, int]]:
    depth = start = 0
    for i, sign in enumerate(name):
        if sign == "(":
            start = i if depth == 0 else start
            depth += 1
        elif sign == ")" and depth:
            depth -= 1
            if depth == 0:
                yield start, i + 1


def made_by(release: Sequence[Row]) -> Iterator[MadeBy]:
    """The AMPs of *release*, then its packs, each as the product and the supplier it names.

    Where a list has packs only, the id of an AMP's first pack has to stand for the AMP.
    """
    for wanted, part in (("AMP", supplied), ("AMPP", pack_parts)):
        for id_, level, name, vmp_id, supplier in release:
            if level == wanted and vmp_id is not None:
                found = part(name) or (name, supplier or "")
                yield MadeBy(id_, found[0], supplier or found[1], vmp_id, wanted)


def generic_products(release: Iterable[Row], grammar: Grammar) -> list[Product]:
    """The VMPs of *release* as products."""
    return [
        _product(id_, name, grammar.read(name))
        for id_, level, name, _, _ in release
        if level == "VMP"
    ]


def _product(id_: str, name: str, parts: Parsed | None) -> Product:
    ending = parts.shape if parts else Shape("", "", "", "", frozenset(), "")
    return Product(
        id=id_,
        name=name,
        level="VMP",
        vmp_id=id_,
        brand=None,
        ingredients=parts.ingredients if parts else (),
        strengths=parts.strengths if parts else (),
        form=ending.form,
        route=ending.route,
        release=ending.release,
        device=ending.device,
        unit_dose=ending.unit_dose,
        drug_class="",
        brand_matters=False,
        dmd_id=id_,
        qualifiers=ending.qualifiers,
        salts=parts.salts if parts else (),
    )

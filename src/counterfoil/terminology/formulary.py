"""The formulary: products written by hand, and the reading of names against them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from importlib import resources

from counterfoil.foundation.errors import DataError, Problem
from counterfoil.terminology.matching import Fit, Stated, drop_tube_sizes, fit_brand, fit_generic
from counterfoil.terminology.model import Match, Product, Strength
from counterfoil.terminology.names import Entry, equivalents, lexicon, rows, words_of
from counterfoil.terminology.outcome import nothing as _nothing
from counterfoil.terminology.outcome import of_product, outcome
from counterfoil.terminology.reading import Drug, Reading, read
from counterfoil.terminology.spelling import Speller
from counterfoil.terminology.strengths import parse_strength

_LIST = " + "


class Formulary:
    """Products by id and name, and :meth:`match`, which reads a name as one of them."""

    def __init__(self, products: Sequence[Product]) -> None:
        self.products = tuple(products)
        self._by_id = {p.id: p for p in self.products}
        self._by_id |= {p.dmd_id: p for p in self.products if p.dmd_id}
        self._lexicon = lexicon(self.products)
        drugs = {i for p in self.products for i in p.ingredients}
        self._spell = Speller(self._lexicon, drugs | {p.brand for p in self.products if p.brand})
        self._generics: dict[frozenset[str], list[Stated]] = {}
        self._brands: dict[str, list[Stated]] = {}
        generics = {p.id: p.name for p in self.products if p.level == "VMP"}
        for product in self.products:
            also = equivalents().get(generics.get(product.vmp_id, ""), ())
            stated = Stated.of(product, self.read(product.name), also)
            if product.level == "VMP":
                self._generics.setdefault(frozenset(product.ingredients), []).append(stated)
            else:
                self._brands.setdefault(stated.head, []).append(stated)
        self._by_name = {_plain(p.name): p for p in self.products}
        self._aliases = _aliases(self._by_name)
        self._device_names = {p.device.lower() for p in self.products}
        self._seen: dict[str, Match] = {}

    def by_id(self, product_id: str) -> Product | None:
        """The product with that id, own or linked dm+d, or None."""
        return self._by_id.get(product_id)

    def linked(self, dmd_names: Mapping[str, str]) -> Formulary:
        """This formulary with ``dmd_id`` set wherever a release holds the exact name.

        ``dmd_names`` maps a dm+d name, as the release writes it, to its id.
        """
        return Formulary(
            [replace(p, dmd_id=dmd_names.get(p.name, p.dmd_id)) for p in self.products]
        )

    def read(self, text: str) -> Reading:
        """What the words of *text* say, before any product is looked for."""
        reading = read(text, self._lexicon, self._spell)
        drop_tube_sizes(reading)
        return reading

    def match(self, text: str, code: str | None = None) -> Match:
        """What *text* names, as far as it is sure: see :class:`Match`.

        A *code* that the formulary knows decides, unless the words name another drug: then nothing
        is matched and ``conflict`` is set. A code that it does not know is said in the reasons.
        """
        found = self._seen.get(text)
        if found is None:
            if len(self._seen) >= _REMEMBERED:
                self._seen.clear()
            found = self._seen[text] = self._match(text)
        if code is None:
            return found
        product = self.by_id(code)
        if product is None:
            return replace(found, reasons=(*found.reasons, "the code is not in the formulary"))
        if found.ingredients and set(found.ingredients) != set(product.ingredients):
            reason = f"the code is that of {product.name}, the words name another drug"
            return Match(text, "none", reasons=(reason,), conflict=True)
        return of_product(text, product, {"code": code})

    def _match(self, text: str) -> Match:
        product = self._by_name.get(_plain(text))
        if product is not None:
            return of_product(text, product, {"name": text.strip()})
        product = self._aliases.get(_alias_key(text))
        if product is not None:
            return of_product(text, product, {"alias": text.strip()})
        return self.match_words(text)

    def match_words(self, text: str) -> Match:
        """The match by reading the words, without looking the whole text up as a name."""
        reading = self.read(text)
        if reading.brands:
            if len(reading.brands) > 1:  # Fobumix Easyhaler, beside Easyhaler Budesonide
                named = [b for b in reading.brands if b not in self._device_names]
                reading.brands = named or reading.brands
            family = [s for b in reading.brands for s in self._brands[b]]
            if len(reading.brands) > 1:
                return _nothing(text, reading, "names more than one brand", conflict=True)
            fit = fit_brand(reading, family)
            if not fit.possible and reading.ingredients:
                known = {i for s in family for i in s.product.ingredients}
                if not known >= set(reading.ingredients):
                    return _nothing(text, reading, "brand and drug differ", conflict=True)
        elif reading.ingredients:
            family = self._generics.get(frozenset(reading.ingredients), [])
            fit = fit_generic(reading, family)
        elif reading.group is not None:
            return self._match_group(text, reading, reading.group)
        else:
            return _nothing(text, reading, "no medicine of the formulary is named")
        if reading.several:
            return _nothing(text, reading, "names more than one medicine")
        if reading.others:
            return _nothing(text, reading, "names a medicine the formulary does not hold")
        if reading.unread and reading.separated:
            return _nothing(text, reading, "a part that was not read may be another medicine")
        return outcome(text, reading, fit, [s.product for s in family], self._by_id)

    def _match_group(self, text: str, reading: Reading, group: Entry) -> Match:
        """A word that stands for several drugs (lithium, insulin): which one, if one is left."""
        families = {
            member: self._generics.get(frozenset((member,)), [])
            for member in group.value.split("|")
        }
        fits: list[tuple[str, Fit]] = []
        for member, family in families.items():
            reading.drugs = [Drug((member,), 0)]
            fits.append((member, fit_generic(reading, family)))
        found = [(member, fit) for member, fit in fits if fit.found]
        if len(found) == 1 and not reading.unread and not reading.others:
            member, fit = found[0]
            reading.drugs = [Drug((member,), 0)]
            reading.reasons.append(f"{group.note!r} alone: of these only {member} fits")
            family = families[member]
        else:
            reading.drugs = [Drug((group.note,), 0)]
            fit = Fit(possible=tuple(p for _, f in fits for p in f.possible))
            reading.reasons.append(f"which {group.note} is not stated")
            family = []
        return outcome(text, reading, fit, [s.product for s in family], self._by_id)

    def search(self, text: str, limit: int = 20) -> list[Product]:
        """Products whose names hold every word of *text*, or words beginning so; best first."""
        wanted = [self._means(word) for word in words_of(text)]
        if not wanted:
            return []
        ranked: list[tuple[bool, bool, int, Product]] = []
        for product in self.products:
            words = words_of(product.name)
            if all(any(w.startswith(x) for w in words for x in any_of) for any_of in wanted):
                first = any(words[0].startswith(x) for x in wanted[0])
                ranked.append((not first, product.level == "AMP", len(ranked), product))
        ranked.sort(key=lambda r: r[:3])
        return [r[3] for r in ranked[:limit]]

    def _means(self, word: str) -> tuple[str, ...]:
        entry = self._lexicon.single_words.get(word)
        if entry is not None and entry.kind == "ingredient":
            return (word, *words_of(entry.value)[:1])
        return (word,)


_REMEMBERED = 200_000
_FORM_WORDS = {"tablet", "tablets", "tab", "tabs", "capsule", "capsules", "cap", "caps"}


def _plain(text: str) -> str:
    return " ".join(text.lower().split())


def _alias_key(text: str) -> tuple[str, ...]:
    return tuple(w for w in words_of(text) if w not in _FORM_WORDS)


def _aliases(by_name: Mapping[str, Product]) -> dict[tuple[str, ...], Product]:
    """Older names of a product that state another strength (Sinemet CR 250mg)."""
    return {
        _alias_key(row["alias"]): by_name[_plain(row["product"])]
        for row in rows("aliases.csv")
        if _plain(row["product"]) in by_name
    }


@lru_cache(maxsize=1)
def formulary() -> Formulary:
    """The project's own formulary, read once from ``knowledge/formulary*.csv``."""
    return Formulary(load_products())


def load_products() -> list[Product]:
    """Every product of the formulary files, VMPs first; ``DataError`` names a row that is wrong."""
    problems: list[Problem] = []
    generics: dict[str, Product] = {}
    for row, record in _rows("formulary.csv"):
        try:
            product = _generic(record)
        except ValueError as error:
            problems.append(Problem(f"formulary.csv row {row}", str(error), record["name"]))
            continue
        generics[product.id] = product
    brands: list[Product] = []
    for row, record in _rows("formulary_brands.csv"):
        parent = generics.get(record["vmp_id"])
        if parent is None or parent.name != record["vmp_name"]:
            problems.append(
                Problem(
                    f"formulary_brands.csv row {row}",
                    "vmp_id and vmp_name name one row of formulary.csv",
                    record["vmp_name"],
                )
            )
            continue
        brands.append(_brand(record, parent))
    if problems:
        raise DataError(*problems)
    return [*generics.values(), *brands]


def _rows(name: str) -> list[tuple[int, dict[str, str]]]:
    text = (resources.files("counterfoil.knowledge") / name).read_text(encoding="utf-8")
    return list(enumerate(csv.DictReader(io.StringIO(text)), start=2))


def _set(text: str) -> frozenset[str]:
    return frozenset(part.strip() for part in text.split(",") if part.strip())


def _generic(record: dict[str, str]) -> Product:
    ingredients = tuple(record["ingredients"].split(_LIST))
    strengths = tuple(_strength(part) for part in record["strengths"].split(_LIST))
    if len(strengths) != len(ingredients):
        raise ValueError("one strength for each ingredient")
    return Product(
        id=record["id"],
        name=record["name"],
        level="VMP",
        vmp_id=record["id"],
        brand=None,
        ingredients=ingredients,
        strengths=strengths,
        form=record["form"],
        route=record["route"],
        release=record["release"],
        device=record["device"],
        unit_dose=record["unit_dose"],
        drug_class=record["drug_class"],
        brand_matters=record["brand_matters"] == "yes",
        salts=tuple(record["salts"].split(_LIST)) if record["salts"] else (),
        flags=_set(record["flags"]),
        cd_schedule=record["cd_schedule"],
        qualifiers=_set(record["qualifiers"]),
    )


def _strength(text: str) -> Strength | None:
    if not text.strip():
        return None
    strength = parse_strength(text)
    if strength is None:
        raise ValueError(f"a strength such as 250mg/5ml, not {text!r}")
    return strength


def _brand(record: dict[str, str], parent: Product) -> Product:
    return Product(
        id=record["id"],
        name=record["name"],
        level="AMP",
        vmp_id=parent.id,
        brand=record["brand"],
        ingredients=parent.ingredients,
        strengths=parent.strengths,
        form=parent.form,
        route=parent.route,
        release=parent.release,
        device=record["device"] or parent.device,
        unit_dose=parent.unit_dose,
        drug_class=parent.drug_class,
        brand_matters=parent.brand_matters,
        salts=parent.salts,
        flags=parent.flags,
        cd_schedule=parent.cd_schedule,
        qualifiers=parent.qualifiers,
    )

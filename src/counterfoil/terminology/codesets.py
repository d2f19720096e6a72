"""Code sets and drug sets: named, versioned lists that rules refer to.

A :class:`CodeSet` holds SNOMED CT codes of coded entries; a :class:`DrugSet` says in words which
products belong (ingredients, classes, routes). They are different types, so that a drug set can
never be asked about coded entries, nor a code set about drugs. The files are TOML under
``knowledge/codesets`` and ``knowledge/drugsets``. A :class:`ProductSet` is a drug set that a published
list gives by dm+d ids; such lists are loaded by the user (:mod:`counterfoil.terminology.sets`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, Literal

from counterfoil.foundation.errors import DataError, Problem, UsageError
from counterfoil.terminology.formulary import Formulary
from counterfoil.terminology.ids import is_snomed_id
from counterfoil.terminology.model import Match, Product
from counterfoil.terminology.products import plain, without_supplier

Status = Literal["read", "recalled"]
_WORDS = {"codesets": "code set", "drugsets": "drug set"}


@dataclass(frozen=True, slots=True)
class Source:
    """Where a set's facts come from: title, address or file, and the date or version of it."""

    title: str
    version: str
    reference: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class CodeSet:
    """SNOMED CT codes that mean one thing. ``terms`` gives a short wording of our own per code."""

    name: str
    version: str
    title: str
    source: Source
    status: Status
    codes: frozenset[str]
    terms: Mapping[str, str]
    system: Literal["snomed"] = "snomed"

    def holds(self, code: str | None) -> bool:
        """Whether *code* is one of the set's codes."""
        return code in self.codes


@dataclass(frozen=True, slots=True)
class DrugSet:
    """Products that belong together for a rule.

    A product belongs when one of its ingredients is listed or its class is, and its route is one
    of ``routes`` (any route where that is empty), unless it is excluded.
    """

    name: str
    version: str
    title: str
    source: Source
    status: Status
    ingredients: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()
    routes: frozenset[str] = frozenset()
    forms: frozenset[str] = frozenset()
    exclude_ingredients: frozenset[str] = frozenset()
    exclude_classes: frozenset[str] = frozenset()
    system: Literal["dmd"] = field(default="dmd")

    def truth(self, item: Product | Match) -> bool | None:
        """Whether *item* belongs; None where its name did not say enough to know.

        A match without a product is judged by the products it may still be.
        """
        if isinstance(item, Match) and item.product is None and item.possible:
            answers = {self._belongs(p) for p in item.possible}
            return answers.pop() if len(answers) == 1 else None
        return self._belongs(item)

    def _belongs(self, item: Product | Match) -> bool | None:
        named = bool(self.ingredients.intersection(item.ingredients))
        if not (named or item.drug_class in self.classes):
            return None if self._open(item) else False
        if self.exclude_ingredients.intersection(item.ingredients):
            return False
        if item.drug_class is not None and item.drug_class in self.exclude_classes:
            return False
        answers = [_among(item.route, self.routes), _among(item.form, self.forms)]
        return False if False in answers else None if None in answers else True

    def _open(self, item: Product | Match) -> bool:
        """Whether what is not known of a release's product leaves open that it belongs.

        That is its class where the set goes by class, and its ingredients where the name was not
        understood and holds one of the set's.
        """
        product = item.product if isinstance(item, Match) else item
        if product is None or product.drug_class:
            return False
        if self.classes and (product.route or None) in {None, *(self.routes or (product.route,))}:
            return True
        name = product.name.lower()
        return not product.ingredients and any(i in name for i in self.ingredients)

    def holds(self, item: Product | Match) -> bool:
        """Whether *item* surely belongs."""
        return self.truth(item) is True

    def products(self, formulary: Formulary) -> tuple[Product, ...]:
        """The formulary's products that belong, generics and brands."""
        return tuple(p for p in formulary.products if self.holds(p))


@dataclass(frozen=True, slots=True)
class ProductSet:
    """dm+d ids that belong together for a rule, as a published list gives them.

    ``terms`` are the list's names of them. A brand belongs when its generic product is listed. A
    generic product cannot be told where only suppliers' products of its name are listed: such a
    list has most likely lost the generic product's present id.
    """

    name: str
    version: str
    title: str
    source: Source
    status: Status
    ids: frozenset[str]
    terms: Mapping[str, str]
    system: Literal["dmd"] = field(default="dmd")
    _names: frozenset[str] = field(default=frozenset(), init=False, repr=False, compare=False)
    _supplied: frozenset[str] = field(default=frozenset(), init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        names = frozenset(plain(t) for t in self.terms.values() if t)
        object.__setattr__(self, "_names", names)
        object.__setattr__(self, "_supplied", frozenset(without_supplier(n) for n in names))

    def truth(self, match: Match, code: str | None, text: str, known: Formulary) -> bool | None:
        """Whether a product, as sent and as *match* read it, belongs; None where it is open.

        *known* is the formulary that read it, which knows the generic product of a brand.
        """
        if code in self.ids or plain(text) in self._names:
            return True
        if match.product is None and match.possible:
            answers = {self._belongs(p, known) for p in match.possible}
            return answers.pop() if len(answers) == 1 else None
        return False if match.product is None else self._belongs(match.product, known)

    def _belongs(self, product: Product, known: Formulary) -> bool | None:
        generic = known.by_id(product.vmp_id) or product
        names = {plain(product.name), plain(generic.name)}
        ids = {product.id, product.dmd_id, product.vmp_id, generic.dmd_id}
        if names & self._names or ids & self.ids:
            return True
        return None if product is generic and names & self._supplied else False


def _among(value: str | None, allowed: frozenset[str]) -> bool | None:
    if not allowed:
        return True
    return value in allowed if value else None  # a release's product may not say


@cache
def load_codeset(name: str) -> CodeSet:
    """The code set *name*; ``UsageError`` where there is none, ``DataError`` where it is wrong."""
    place, data = _read("codesets", name)
    head = _head(place, name, data)
    entries: list[dict[str, str]] = data.get("codes", [])
    problems = [
        Problem(f"{place} codes[{i}]", "a SNOMED CT id with a valid check digit", entry["code"])
        for i, entry in enumerate(entries)
        if not is_snomed_id(entry["code"])
    ]
    terms = {entry["code"]: entry["term"] for entry in entries}
    if len(terms) != len(entries):
        problems.append(Problem(place, "each code once"))
    if not terms:
        problems.append(Problem(place, "at least one code"))
    if data.get("system") != "snomed":
        problems.append(Problem(f"{place} system", "snomed", str(data.get("system"))))
    if problems:
        raise DataError(*problems)
    return CodeSet(codes=frozenset(terms), terms=terms, **head)


@cache
def load_drugset(name: str) -> DrugSet:
    """The drug set *name*; ``UsageError`` where there is none, ``DataError`` where it is wrong."""
    place, data = _read("drugsets", name)
    lists: dict[str, Any] = {
        key: frozenset(data.get(key, ()))
        for key in (
            "ingredients",
            "classes",
            "routes",
            "forms",
            "exclude_ingredients",
            "exclude_classes",
        )
    }
    if not (lists["ingredients"] or lists["classes"]):
        raise DataError.at(place, "ingredients or classes")
    return DrugSet(**lists, **_head(place, name, data))


def all_sets() -> dict[str, CodeSet | DrugSet]:
    """Every set by name, code sets and drug sets; a name is never both."""
    sets: dict[str, CodeSet | DrugSet] = {}
    for name in set_names("codesets"):
        sets[name] = load_codeset(name)
    for name in set_names("drugsets"):
        if name in sets:
            raise DataError.at(f"drugsets/{name}.toml", "a name that no code set has", name)
        sets[name] = load_drugset(name)
    return sets


def set_names(kind: Literal["codesets", "drugsets"]) -> list[str]:
    """The names of the files of one kind, in order."""
    folder = resources.files("counterfoil.knowledge") / kind
    return sorted(
        f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml")
    )


def _read(kind: Literal["codesets", "drugsets"], name: str) -> tuple[str, dict[str, Any]]:
    if name not in set_names(kind):
        known = ", ".join(set_names(kind))
        raise UsageError(f"No {_WORDS[kind]} is called {name!r}. There are: {known}.")
    place = f"{kind}/{name}.toml"
    text = (resources.files("counterfoil.knowledge") / kind / f"{name}.toml").read_text("utf-8")
    try:
        return place, tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError.at(place, "a TOML file", str(error)) from error


def _head(place: str, name: str, data: dict[str, Any]) -> dict[str, Any]:
    if data.get("name") != name:
        raise DataError.at(f"{place} name", f"the file's name, {name}", str(data.get("name")))
    if data.get("status") not in ("read", "recalled"):
        raise DataError.at(f"{place} status", "read or recalled", str(data.get("status")))
    missing = [key for key in ("version", "title", "source") if key not in data]
    if missing:
        raise DataError.at(place, f"the keys {', '.join(missing)}")
    try:
        source = Source(**data["source"])
    except TypeError as error:
        raise DataError.at(f"{place} source", "title, version, reference and note") from error
    return {
        "name": name,
        "version": data["version"],
        "title": data["title"],
        "source": source,
        "status": data["status"],
    }

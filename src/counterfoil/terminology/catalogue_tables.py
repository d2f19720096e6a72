"""The tables of a catalogue, from the rows of a release and what our own formulary knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from counterfoil.terminology.from_release import Grammar, MadeBy, Row, generic_products, made_by
from counterfoil.terminology.model import Product
from counterfoil.terminology.names import (
    brand_of,
    forms_of,
    loose_name,
    open_words,
    plain_name,
    words_of,
)
from counterfoil.terminology.search import index_of

LIST = " + "
_COLUMNS = (
    "id", "name", "level", "vmp_id", "brand", "ingredients", "salts", "strengths", "form", "route",
    "release", "device", "qualifiers", "unit_dose", "drug_class", "brand_matters", "flags",
    "cd_schedule", "dmd_id", "family", "loose",
)  # fmt: skip
_APPLIANCE_CHAPTERS = ("20", "21", "22", "23")


def generic_family(ingredients: Iterable[str]) -> str:
    return "=" + LIST.join(sorted(ingredients))


def brand_family(head: str) -> str:
    return f"*{head}"


def named_family(words: Iterable[str]) -> str:
    """The key of products that only the words of their names tell; empty where there are none."""
    joined = " ".join(words)
    return f"~{joined}" if joined else ""


def _as_row(product: Product, family: str) -> dict[str, Any]:
    return {
        "id": product.id,
        "name": product.name,
        "level": product.level,
        "vmp_id": product.vmp_id,
        "brand": product.brand or "",
        "ingredients": LIST.join(product.ingredients),
        "salts": LIST.join(product.salts),
        "strengths": LIST.join("" if s is None else str(s) for s in product.strengths),
        "form": product.form,
        "route": product.route,
        "release": product.release,
        "device": product.device,
        "qualifiers": ",".join(sorted(product.qualifiers)),
        "unit_dose": product.unit_dose,
        "drug_class": product.drug_class,
        "brand_matters": product.brand_matters,
        "flags": ",".join(sorted(product.flags)),
        "cd_schedule": product.cd_schedule,
        "dmd_id": product.dmd_id or "",
        "family": family,
        "loose": loose_name(product.name),
    }


@dataclass(frozen=True, slots=True)
class Facts:
    """What a release says of a VMP beside its name: ATC code and BNF section, where it has them."""

    atc: str = ""
    section: str = ""


def build(
    release: Iterable[Row], own: Sequence[Product], facts: Mapping[str, Facts] | None = None
) -> dict[str, pa.Table]:
    """The catalogue's tables from a *release*'s rows and the *facts* of its VMPs by id.

    What our *own* formulary knows (class, flags, whether the brand matters, the route of an
    injection) is carried over to products of the same ingredients and route; a class and the flags
    that go with it also within an ATC chemical subgroup in which all our own products share it.
    What the BNF lists in its chapters of appliances is one. Everything else stays unknown.
    """
    release = list(release)
    facts = facts or {}
    own_by_name = {plain_name(p.name): p for p in own}
    links: dict[str, str] = {}
    linked: set[str] = set()
    rows: list[dict[str, Any]] = []
    generic: dict[str, Product] = {}
    products = generic_products(release, Grammar.of(own))
    known = _Known(own, products, facts)
    brands = _Brands(own_by_name, generic, facts)
    for product in products:
        same = own_by_name.get(plain_name(product.name))
        if same is not None:
            links[product.id] = same.id
            linked.add(product.id)
            generic[product.id] = same
            continue
        told = generic[product.id] = known.told(product)
        if told.ingredients:
            family = generic_family(told.ingredients)
        else:
            family = named_family(brands.named(product.name))
        rows.append(_as_row(told, family))
    for amp in made_by(release):
        brands.add(amp)
    links |= brands.links
    linked |= brands.linked
    for id_, level, _, vmp_id, _ in release:
        if level == "VMPP" and vmp_id in generic:
            links[id_] = generic[vmp_id].id
    rows += brands.rows
    rows.sort(key=lambda row: (row["family"], row["level"] != "VMP", row["name"]))
    text = pa.string()
    words, names = index_of([r["name"] for r in rows], [r["level"] == "AMP" for r in rows])
    return {
        "words": words,
        "names": names,
        "products": pa.table({c: [r[c] for r in rows] for c in _COLUMNS}),
        "suppliers": pa.table(
            [pa.array([s[c] for s in brands.suppliers], text) for c in range(3)]
            + [pa.array([s[3] for s in brands.suppliers], pa.bool_())],
            names=["vmp_id", "supplier", "id", "amp"],
        ),
        "ids": pa.table(
            {
                "id": pa.array(links, text),
                "target": pa.array(links.values(), text),
                "same": [id_ in linked for id_ in links],
            }
        ),
        "phrases": _phrases(generic.values(), brands.heads, brands.names),
    }


class _Known:
    """What our own formulary says of products like one of a release."""

    def __init__(
        self, own: Sequence[Product], products: Sequence[Product], facts: Mapping[str, Facts]
    ) -> None:
        self._alike: dict[tuple[object, ...], list[Product]] = {}
        generics = {plain_name(p.name): p for p in own if p.level == "VMP"}
        for product in generics.values():
            drugs = frozenset(product.ingredients)
            for key in (
                (drugs, product.route, product.form),
                (drugs, product.route),
                (drugs, product.form),
            ):
                self._alike.setdefault(key, []).append(product)
        self._facts = facts
        for product in products:
            group = self._group(product)
            same = generics.get(plain_name(product.name))
            if group and same is not None:
                self._alike.setdefault((group, same.route), []).append(same)

    def _group(self, product: Product) -> str:
        """The ATC chemical subgroup (five characters)."""
        atc = self._facts.get(product.id, Facts()).atc
        return atc[:5] if len(atc) >= 5 else ""

    def told(self, product: Product) -> Product:
        """*product* with the class, flags, route and the like that are known of it."""
        if self._facts.get(product.id, Facts()).section[:2] in _APPLIANCE_CHAPTERS:
            return replace(product, drug_class="appliance")
        if not product.ingredients:
            return product
        drugs = frozenset(product.ingredients)
        if product.route == "parenteral":
            routes = {p.route for p in self._alike.get((drugs, product.form), ())}
            if len(routes) == 1:
                product = replace(product, route=routes.pop())
        exact = self._alike.get((drugs, product.route, product.form), [])
        alike = exact or self._alike.get((drugs, product.route), [])
        group = self._group(product)
        near = alike or (self._alike.get((group, product.route), []) if group else [])
        classes = {p.drug_class for p in near}
        if len(classes) != 1:
            return product
        flags = frozenset.intersection(*(p.flags for p in near))
        return replace(
            product,
            drug_class=classes.pop(),
            flags=flags - ({"weekly"} if not alike else frozenset()),
            brand_matters=bool(alike) and all(p.brand_matters for p in alike),
        )


class _Brands:
    """Products of suppliers, gathered: generics by supplier, and brands whoever supplies them."""

    def __init__(
        self,
        own_by_name: Mapping[str, Product],
        generic: Mapping[str, Product],
        facts: Mapping[str, Facts],
    ) -> None:
        self._own, self._generic, self._facts = own_by_name, generic, facts
        self._targets: dict[tuple[str, ...], str] = {}
        self.links: dict[str, str] = {}
        self.linked: set[str] = set()
        self.rows: list[dict[str, Any]] = []
        self.suppliers: list[tuple[str, str, str, bool]] = []
        self._medicines: dict[str, bool] = {}
        self.heads: Counter[str] = Counter()
        self.names: Counter[str] = Counter()

    def add(self, amp: MadeBy) -> None:
        """Take in one AMP, or one pack of it."""
        generic = self._generic.get(amp.vmp_id)
        if generic is None:
            return
        plain = plain_name(amp.name)
        branded = plain != plain_name(generic.name)
        key = (generic.id, plain) if branded else (generic.id, "", amp.supplier)
        if not branded and not amp.supplier:
            self.links[amp.id] = generic.id
            return
        target = self._targets.get(key)
        if target is None:
            target = self._new(amp, generic, plain) if branded else self._supplied(amp, generic)
            self._targets[key] = target
        if target != amp.id:
            self.links[amp.id] = target

    def named(self, name: str) -> tuple[str, ...]:
        """The words that only this name has."""
        words = open_words(name)
        if words:
            self.names[" ".join(words)] += 1
        return words

    def _is_medicine(self, vmp_id: str, generic: Product) -> bool:
        """Not an appliance: those are found by their whole names alone."""
        found = self._medicines.get(vmp_id)
        if found is None:
            section = self._facts.get(vmp_id, Facts()).section
            has_form = bool(generic.form or forms_of(generic.name))
            found = has_form and section[:2] not in _APPLIANCE_CHAPTERS
            self._medicines[vmp_id] = found
        return found

    def _supplied(self, amp: MadeBy, generic: Product) -> str:
        self.suppliers.append((generic.id, amp.supplier, amp.id, amp.level == "AMP"))
        return amp.id

    def _new(self, amp: MadeBy, generic: Product, plain: str) -> str:
        own = self._own.get(plain)
        if own is not None and own.vmp_id == generic.id:
            if amp.level == "AMP":
                self.linked.add(amp.id)
            return own.id
        named = brand_of(amp.name) if self._is_medicine(amp.vmp_id, generic) else None
        brand, family = "", ""
        if named is not None:
            head, _, brand = named
            drugs = {w for i in generic.ingredients for w in words_of(i)}
            if not set(head) <= drugs:
                family = brand_family(" ".join(head))
                self.heads[" ".join(head)] += 1
            else:
                brand = ""
        if not family and self._is_medicine(amp.vmp_id, generic):
            family = named_family(self.named(amp.name))
        product = replace(
            generic,
            id=amp.id,
            name=amp.name,
            level="AMP",
            vmp_id=generic.id,
            brand=brand or None,
            dmd_id=amp.id if amp.level == "AMP" else None,
        )
        self.rows.append(_as_row(product, family))
        return amp.id


def _phrases(
    generics: Iterable[Product], heads: Mapping[str, int], names: Mapping[str, int]
) -> pa.Table:
    """Drugs first: a brand that is called as a drug is not a brand."""
    found: dict[str, tuple[str, str]] = {}
    for product in generics:
        for ingredient in product.ingredients:
            found.setdefault(" ".join(words_of(ingredient)), ("ingredient", ingredient))
        first = product.name.split(maxsplit=1)[0].lower()
        if first.startswith("co-") and product.ingredients:
            meant = ("ingredient", LIST.join(product.ingredients))
            found.setdefault(" ".join(words_of(first)), meant)
            found.setdefault(first.replace("-", ""), meant)
    for head in heads:
        found.setdefault(head, ("brand", head))
    listed = [(words, *meant) for words, meant in found.items()]
    listed += [(name, "named", name) for name in names]
    columns = zip(*listed, strict=True) if listed else ((), (), ())
    return pa.table(
        [pa.array(column, pa.string()) for column in columns], names=["words", "kind", "value"]
    )


def rows_of(table: Callable[..., pa.Table]) -> tuple[list[Row], dict[str, Facts]]:
    """The rows and facts of a release's ``product`` table, given the function that reads tables."""
    columns = ["id", "level", "name", "vmp_id", "supplier", "atc", "bnf_section", "invalid"]
    found: list[Row] = []
    facts: dict[str, Facts] = {}
    products = table("product", columns)
    for id_, level, name, vmp_id, supplier, atc, section, invalid in zip(
        *(products[c].to_pylist() for c in columns), strict=True
    ):
        if invalid or level not in ("VMP", "AMP", "VMPP", "AMPP"):
            continue
        found.append((id_, level, name or "", vmp_id, supplier))
        if level == "VMP":
            code = atc if atc and atc != "n/a" else ""
            facts[id_] = Facts(code, section or "")
    return found, facts

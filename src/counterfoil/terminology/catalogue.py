"""The products of a release beside our own: built once, kept on disk, looked up as they are needed.

A release holds some 24,000 generics and 100,000 products of suppliers. :func:`build` reads their
names once into a few Parquet tables; a :class:`Catalogue` answers from these without making a
:class:`Product` before one is asked for.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from counterfoil.terminology.from_release import Grammar, MadeBy, Row, generic_products, made_by
from counterfoil.terminology.model import Product
from counterfoil.terminology.names import (
    Entry,
    Phrase,
    brand_of,
    forms_of,
    open_words,
    plain_name,
    words_of,
)
from counterfoil.terminology.search import WordIndex, index_of
from counterfoil.terminology.strengths import parse_strength

_LIST = " + "
_COLUMNS = (
    "id", "name", "level", "vmp_id", "brand", "ingredients", "salts", "strengths", "form", "route",
    "release", "device", "qualifiers", "unit_dose", "drug_class", "brand_matters", "flags",
    "cd_schedule", "dmd_id", "family",
)  # fmt: skip
_TABLES = ("products", "suppliers", "ids", "phrases", "words", "names")
_APPLIANCE_CHAPTERS = ("20", "21", "22", "23")


class Catalogue:
    """The products of one release that our own formulary does not hold, and links to those it does."""

    def __init__(self, tables: Mapping[str, pa.Table], own: Mapping[str, Product]) -> None:
        self._rows: pa.Table = tables["products"].combine_chunks()
        self._tables = tables
        self._own = own
        self._row_of = {id_: i for i, id_ in enumerate(self._rows["id"].to_pylist())}
        self._families: dict[str, range] = {}
        start = 0
        for family, same in groupby(self._rows["family"].to_pylist()):
            end = start + sum(1 for _ in same)
            self._families[family] = range(start, end)
            start = end
        self._made: dict[int, Product] = {}

    @cached_property
    def _target_of(self) -> dict[str, str]:
        ids = self._tables["ids"]
        return dict(zip(ids["id"].to_pylist(), ids["target"].to_pylist(), strict=True))

    @cached_property
    def _row_by_name(self) -> dict[str, int]:
        """Rows by name; a brand name that two generics share names neither."""
        found: dict[str, int] = {}
        shared: set[str] = set()
        vmp_ids = self._rows["vmp_id"].to_pylist()
        for row, name in enumerate(self._rows["name"].to_pylist()):
            plain = plain_name(name)
            first = found.setdefault(plain, row)
            if vmp_ids[first] != vmp_ids[row]:
                shared.add(plain)
        return {plain: row for plain, row in found.items() if plain not in shared}

    @cached_property
    def _supplied(self) -> dict[str, list[tuple[str, str, bool]]]:
        """VMP id to (supplier, AMP id, whether that is an AMP's id and not a pack's)."""
        found: dict[str, list[tuple[str, str, bool]]] = {}
        table = self._tables["suppliers"]
        for vmp, *made in zip(*(table[c].to_pylist() for c in table.column_names), strict=True):
            found.setdefault(vmp, []).append((made[0], made[1], made[2]))
        return found

    @cached_property
    def _supplied_by_id(self) -> dict[str, tuple[str, tuple[str, str, bool]]]:
        return {made[1]: (vmp, made) for vmp, each in self._supplied.items() for made in each}

    def __len__(self) -> int:
        return int(self._rows.num_rows)

    def phrases(self) -> list[Phrase]:
        """The drugs and brands of the release as phrases of a lexicon."""
        table = self._tables["phrases"]
        columns = (table[c].to_pylist() for c in ("words", "kind", "value"))
        return [
            (tuple(words.split(" ")), Entry(kind, value))
            for words, kind, value in zip(*columns, strict=True)
        ]

    def product(self, row: int) -> Product:
        """The product in that row of the release's table."""
        return self._products(range(row, row + 1))[0]

    def _products(self, rows: range) -> list[Product]:
        if any(row not in self._made for row in rows):
            for row, values in zip(
                rows, self._rows.slice(rows.start, len(rows)).to_pylist(), strict=True
            ):
                self._made.setdefault(row, _product(values))
        return [self._made[row] for row in rows]

    def _family(self, key: str) -> list[Product]:
        return self._products(self._families.get(key, range(0)))

    def generics(self, ingredients: frozenset[str]) -> list[Product]:
        """The generics with exactly these ingredients that our own formulary does not hold."""
        return self._family(generic_family(ingredients))

    def brands(self, head: str) -> list[Product]:
        """The brands whose name begins with *head*, beside our own."""
        return self._family(brand_family(head))

    @cached_property
    def index(self) -> WordIndex:
        """Its names by the beginnings of their words; rows as :meth:`product` takes them."""
        return WordIndex(self._tables["words"], self._tables["names"])

    def named(self, words: str) -> list[Product]:
        """The products that only these words of their names tell."""
        return self._family(named_family(words.split()))

    def by_id(self, id_: str) -> Product | None:
        """The product with that dm+d id: of a VMP, an AMP or a pack; None where there is none."""
        row = self._row_of.get(id_)
        if row is not None:
            return self.product(row)
        target = self._target_of.get(id_, id_)
        if target in self._supplied_by_id:
            vmp, made = self._supplied_by_id[target]
            generic = self._own.get(vmp) or self.by_id(vmp)
            return None if generic is None else _by_supplier(generic, *made)
        return self._own.get(target) or self.by_id(target) if target != id_ else None

    def dmd_id(self, own: Product) -> str | None:
        """The dm+d id of a product of our own formulary, by exact name."""
        return self._dmd_ids.get(own.id)

    @cached_property
    def _dmd_ids(self) -> dict[str, str]:
        table = self._tables["ids"].filter(pc.equal(self._tables["ids"]["same"], True))
        return dict(zip(table["target"].to_pylist(), table["id"].to_pylist(), strict=True))

    def by_name(self, plain: str) -> Product | None:
        """The product with that name, as :func:`plain_name` writes it."""
        row = self._row_by_name.get(plain)
        return None if row is None else self.product(row)

    def supplied(self, product: Product, words: str) -> Product | None:
        """*product* as the one supplier sells it whose name is *words*, or begins so, or None."""
        wanted = words_of(words)
        made = [(words_of(who[0]), who) for who in self._supplied.get(product.id, ())]
        found = [who for name, who in made if name == wanted]
        found = found or [who for name, who in made if name[: len(wanted)] == wanted]
        return _by_supplier(product, *found[0]) if len(found) == 1 else None


def _by_supplier(generic: Product, supplier: str, id_: str, is_amp: bool) -> Product:
    name = f"{generic.name} ({supplier})"
    dmd_id = id_ if is_amp else None
    return replace(generic, id=id_, name=name, level="AMP", supplier=supplier, dmd_id=dmd_id)


def generic_family(ingredients: Iterable[str]) -> str:
    return "=" + _LIST.join(sorted(ingredients))


def brand_family(head: str) -> str:
    return f"*{head}"


def named_family(words: Iterable[str]) -> str:
    """The key of products that only the words of their names tell; empty where there are none."""
    joined = " ".join(words)
    return f"~{joined}" if joined else ""


def _product(row: Mapping[str, Any]) -> Product:
    return Product(
        id=row["id"],
        name=row["name"],
        level=row["level"],
        vmp_id=row["vmp_id"],
        brand=row["brand"] or None,
        ingredients=tuple(row["ingredients"].split(_LIST)) if row["ingredients"] else (),
        strengths=tuple(parse_strength(s) if s else None for s in row["strengths"].split(_LIST))
        if row["ingredients"]
        else (),
        form=row["form"],
        route=row["route"],
        release=row["release"],
        device=row["device"],
        unit_dose=row["unit_dose"],
        drug_class=row["drug_class"],
        brand_matters=row["brand_matters"],
        flags=frozenset(filter(None, row["flags"].split(","))),
        cd_schedule=row["cd_schedule"],
        dmd_id=row["dmd_id"] or None,
        qualifiers=frozenset(filter(None, row["qualifiers"].split(","))),
        salts=tuple(row["salts"].split(_LIST)) if row["salts"] else (),
    )


def _as_row(product: Product, family: str) -> dict[str, Any]:
    return {
        "id": product.id,
        "name": product.name,
        "level": product.level,
        "vmp_id": product.vmp_id,
        "brand": product.brand or "",
        "ingredients": _LIST.join(product.ingredients),
        "salts": _LIST.join(product.salts),
        "strengths": _LIST.join("" if s is None else str(s) for s in product.strengths),
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
    }


# --- building ------------------------------------------------------------------------------------


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
            meant = ("ingredient", _LIST.join(product.ingredients))
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


# --- on disk -------------------------------------------------------------------------------------


def opened(
    folder: Path,
    own: Sequence[Product],
    rows: Callable[[], tuple[Iterable[Row], Mapping[str, Facts]]],
) -> Catalogue:
    """The catalogue kept under *folder*, built from *rows* where it is not there yet.

    It is named after the words and the code it was built by, so that another version of either
    builds its own.
    """
    place = folder / f"names-{_version()}"
    by_id = {p.id: p for p in own}
    if not (place / "phrases.parquet").exists():
        release, facts = rows()
        tables = build(release, own, facts)
        try:
            _write(tables, place)
        except OSError:  # a folder that may not be written: built anew by each process
            return Catalogue(tables, by_id)
    return Catalogue({name: pq.read_table(place / f"{name}.parquet") for name in _TABLES}, by_id)


def _write(tables: Mapping[str, pa.Table], place: Path) -> None:
    """All tables or none: written beside, then moved."""
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(dir=place.parent, prefix=".names-"))
    try:
        for name in _TABLES:
            pq.write_table(tables[name], beside / f"{name}.parquet")
        beside.replace(place)
    except OSError:
        if not place.exists():  # another process was first: its tables are the same
            raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)


@lru_cache(maxsize=1)
def _version() -> str:
    digest = hashlib.sha256()
    for package, ending in (("counterfoil.terminology", ".py"), ("counterfoil.knowledge", ".csv")):
        _hash(resources.files(package), ending, digest)
    _hash(resources.files("counterfoil.knowledge") / "names", ".csv", digest)
    return digest.hexdigest()[:16]


def _hash(folder: Traversable, ending: str, digest: hashlib._Hash) -> None:
    for file in sorted(folder.iterdir(), key=lambda f: f.name):
        if file.is_file() and file.name.endswith(ending):
            digest.update(file.name.encode() + file.read_bytes())

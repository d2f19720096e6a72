"""The products of a release beside our own: built once, kept on disk, looked up as they are needed.

A release holds some 24,000 generics and 100,000 products of suppliers. :func:`catalogue_tables.build` reads their
names once into a few Parquet tables; a :class:`Catalogue` answers from these without making a
:class:`Product` before one is asked for.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from counterfoil.terminology.catalogue_tables import (
    LIST,
    Facts,
    brand_family,
    build,
    generic_family,
    named_family,
)
from counterfoil.terminology.from_release import Row
from counterfoil.terminology.model import Product
from counterfoil.terminology.names import Entry, Phrase, plain_name, words_of
from counterfoil.terminology.search import WordIndex
from counterfoil.terminology.strengths import parse_strength

_TABLES = ("products", "suppliers", "ids", "phrases", "words", "names")


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
        return self._rows_by(map(plain_name, self._rows["name"].to_pylist()))

    @cached_property
    def _row_by_loose(self) -> dict[str, int]:
        return self._rows_by(self._rows["loose"].to_pylist())

    def _rows_by(self, keys: Iterable[str]) -> dict[str, int]:
        found: dict[str, int] = {}
        shared: set[str] = set()
        vmp_ids = self._rows["vmp_id"].to_pylist()
        for row, key in enumerate(keys):
            first = found.setdefault(key, row)
            if vmp_ids[first] != vmp_ids[row]:
                shared.add(key)
        return {key: row for key, row in found.items() if key not in shared}

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

    def by_loose(self, loose: str) -> Product | None:
        """The product with that name, as :func:`loose_name` writes it."""
        row = self._row_by_loose.get(loose)
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


def _product(row: Mapping[str, Any]) -> Product:
    return Product(
        id=row["id"],
        name=row["name"],
        level=row["level"],
        vmp_id=row["vmp_id"],
        brand=row["brand"] or None,
        ingredients=tuple(row["ingredients"].split(LIST)) if row["ingredients"] else (),
        strengths=tuple(parse_strength(s) if s else None for s in row["strengths"].split(LIST))
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
        salts=tuple(row["salts"].split(LIST)) if row["salts"] else (),
    )


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

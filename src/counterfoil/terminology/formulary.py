"""The formulary: products written by hand, and the reading of names against them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from counterfoil.terminology.around import name_within
from counterfoil.terminology.families import Families
from counterfoil.terminology.matching import Fit, drop_tube_sizes, fit_brand, fit_generic
from counterfoil.terminology.model import Match, Product
from counterfoil.terminology.names import (
    Entry,
    brand_head,
    closed_words,
    lexicon,
    loose_name,
    plain_name,
    rows,
    words_of,
)
from counterfoil.terminology.older_lists import OlderLists
from counterfoil.terminology.outcome import nothing as _nothing
from counterfoil.terminology.outcome import of_product, outcome
from counterfoil.terminology.own_products import load_products
from counterfoil.terminology.reading import Drug, Reading, read
from counterfoil.terminology.remaining import without_sizes
from counterfoil.terminology.search import WordIndex, index_of
from counterfoil.terminology.spelling import Speller
from counterfoil.terminology.stated import Stated

if TYPE_CHECKING:
    import pyarrow as pa

    from counterfoil.terminology.catalogue import Catalogue


class Formulary:
    """Products by id and name, and :meth:`match`, which reads a name as one of them.

    ``products`` are our own. With a *catalogue* those of a release stand beside them: they are
    found by id, name and :meth:`match`, and are made only when they are.
    """

    def __init__(
        self,
        products: Sequence[Product],
        catalogue: Catalogue | None = None,
        resolve: Callable[[str], str] | None = None,
    ) -> None:
        self.products = tuple(products)
        self.catalogue = catalogue
        self._resolve = resolve
        self._by_id = {p.id: p for p in self.products}
        self._by_id |= {p.dmd_id: p for p in self.products if p.dmd_id}
        phrases = catalogue.phrases() if catalogue else []
        self._lexicon = lexicon(self.products, phrases)
        drugs = {i for p in self.products for i in p.ingredients}
        brands = {p.brand for p in self.products if p.brand}
        named = {" ".join(words) for words, _ in phrases}
        self._spell = Speller(self._lexicon, drugs | brands | named)
        self._families = Families(self.products, catalogue, self.read)
        self._older: OlderLists | None = None
        if catalogue:
            self._older = OlderLists(
                self.products,
                catalogue,
                self._lexicon,
                self._spell,
                self._families,
                self.by_id,
                lambda: self._index,
            )
        self._by_name = {plain_name(p.name): p for p in self.products}
        self._aliases = _aliases(self._by_name)
        self._own_brands = {
            " ".join(brand_head(p.brand)[0]) for p in self.products if p.brand is not None
        }
        self._device_names = {p.device.lower() for p in self.products}
        self._seen: dict[str, Match] = {}

    def by_id(self, product_id: str) -> Product | None:
        """The product with that id, own or dm+d, or None. A former dm+d id leads to its product."""
        found = self._by_id.get(product_id)
        if found is None and self.catalogue is not None:
            found = self.catalogue.by_id(product_id)
            if found is None and self._resolve is not None:
                current = self._resolve(product_id)
                found = self._by_id.get(current) or self.catalogue.by_id(current)
        return found

    def by_name(self, name: str) -> Product | None:
        """The product of exactly that name, whatever its case and spaces, or None."""
        plain = plain_name(name)
        found = self._by_name.get(plain)
        return found if found or not self.catalogue else self.catalogue.by_name(plain)

    def _by_loose_name(self, text: str) -> Product | None:
        """The one product of a release that is called so, whatever spaces and hyphens."""
        if self.catalogue is None:
            return None
        loose = loose_name(text)
        found, own = self.catalogue.by_loose(loose), self._own_loose.get(loose)
        if own is None or found is None or own.vmp_id == found.vmp_id:
            return own or found
        return None

    @cached_property
    def _own_loose(self) -> dict[str, Product]:
        return {loose_name(p.name): p for p in self.products}

    def linked(self, dmd_names: Mapping[str, str]) -> Formulary:
        """This formulary with ``dmd_id`` set wherever a release holds the exact name.

        ``dmd_names`` maps a dm+d name, as the release writes it, to its id.
        """
        return Formulary(
            [replace(p, dmd_id=dmd_names.get(p.name, p.dmd_id)) for p in self.products],
            self.catalogue,
        )

    def read(self, text: str) -> Reading:
        """What the words of *text* say, before any product is looked for."""
        reading = read(text, self._lexicon, self._spell)
        reading.every_brand = self.catalogue is not None
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
        differ = set(found.ingredients) != set(product.ingredients)
        if found.ingredients and product.ingredients and differ:
            reason = f"the code is that of {product.name}, the words name another drug"
            return Match(text, "none", reasons=(reason,), conflict=True)
        return of_product(text, product, {"code": code})

    def _match(self, text: str, inner: bool = False) -> Match:
        product = self.by_name(text)
        if product is not None:
            return of_product(text, product, {"name": text.strip()})
        product = self._aliases.get(_alias_key(text))
        if product is not None:
            return of_product(text, product, {"alias": text.strip()})
        product = self._by_loose_name(text)
        if product is not None:
            return of_product(text, product, {"name": text.strip()})
        generic, _, supplier = text.strip().removesuffix(")").partition(" (")
        if supplier and self.catalogue and text.rstrip().endswith(")"):
            product = self.by_name(generic)
            if product is not None and product.level == "VMP":
                return self._supplied(of_product(text, product, {"name": generic}), supplier)
        found = self._supplied(self.match_words(text), "")
        if found.product is None and not inner:
            found = self._within(text, found)
        if found.product is None and self._older is not None and "_" not in text:
            found = self._older.match_shortened(text, found) or found
        if self._older is not None and "_" in text:
            doubted = found.product is not None and self._older.doubted(text, found.product)
            if found.product is None or doubted:
                older = self._older.match(text)
                if older is not None or not doubted:
                    return older or found
        return found

    def _within(self, text: str, found: Match) -> Match:
        """The match of the name within remarks and directions, where that says more than *found*."""
        name, around = name_within(text)
        if name == text.strip() or not name:
            return found
        within = self._match(name, inner=True)
        if within.product is None and (found.ingredients or not within.ingredients):
            return found
        read = {**within.read, "around": around} if around else within.read
        return replace(within, text=text, read=read)

    def _supplied(self, match: Match, supplier: str) -> Match:
        """*match* as the supplier's own product, where its words name one of the generic's."""
        product, words = match.product, supplier or match.read.get("supplier", "")
        if product is None or product.level != "VMP" or match.brand or not words:
            return match
        made = self.catalogue.supplied(product, words) if self.catalogue else None
        if made is None:
            return match
        read = {**match.read, "supplier": words}
        return of_product(match.text, made, read, match.reasons)

    def match_words(self, text: str) -> Match:
        """The match by reading the words, without looking the whole text up as a name."""
        reading = self.read(text)
        if reading.unread and not reading.brands and _only_salts(reading):
            return _nothing(text, reading, "what the salt or flavour is of was not read")
        if reading.brands:
            if reading.late and not self._own_brands.intersection(reading.brands):
                return _nothing(text, reading, "a word before the brand was not read")
            if len(reading.brands) > 1:  # Fobumix Easyhaler, beside Easyhaler Budesonide
                named = [b for b in reading.brands if b not in self._device_names]
                reading.brands = named or reading.brands
            family = [s for b in reading.brands for s in self._families.brands(b)]
            reading = reading if reading.listed else without_sizes(reading)
            alone = len(reading.brands) == 1 and not reading.amounts
            if alone and reading.every_brand and not reading.listed:
                family = [*family, *self._longer_brands(reading, family)]
            if len(reading.brands) > 1:
                return _nothing(text, reading, "names more than one brand", conflict=True)
            fit = fit_brand(reading, family)
            if not fit.possible and reading.ingredients:
                known = {i for s in family for i in s.product.ingredients}
                if not known >= set(reading.ingredients):
                    return _nothing(text, reading, "brand and drug differ", conflict=True)
        elif reading.ingredients:
            family = self._families.generics(reading.ingredients)
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
        return outcome(text, reading, fit, [s.product for s in family], self.by_id)

    def _longer_brands(self, reading: Reading, family: Sequence[Stated]) -> list[Stated]:
        """A release's brands whose names go on after that brand's: EpiPen Jr, beside EpiPen."""
        if self.catalogue is None:
            return []
        head = words_of(reading.brands[0])
        held = {s.product.id for s in family}
        rows = self.catalogue.index.beginning(head[0])
        products = (self.catalogue.product(row) for row in rows)
        longer = [p for p in products if p.level == "AMP" and p.id not in held]
        longer = [p for p in longer if words_of(p.name)[: len(head)] == head]
        return self._families.stated(
            p for p in longer if set(p.release.split()) <= reading.releases
        )

    def _match_group(self, text: str, reading: Reading, group: Entry) -> Match:
        """A word that stands for several drugs (lithium, insulin): which one, if one is left."""
        families = {member: self._families.generics((member,)) for member in group.value.split("|")}
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
        return outcome(text, reading, fit, [s.product for s in family], self.by_id)

    @cached_property
    def drugs(self) -> tuple[str, ...]:
        """Every ingredient of one word, ours and the release's, in order."""
        found = {e.value for words, e in self._lexicon.phrases("ingredient") if len(words) == 1}
        return tuple(sorted(drug for drug in found if " " not in drug))

    @property
    def known_words(self) -> frozenset[str]:
        """Every word that some name or closed list explains."""
        return frozenset(self._lexicon.vocabulary)

    def search(self, text: str, limit: int = 20) -> list[Product]:
        """Products whose names hold every word of *text*, or words beginning so; best first.

        Best is the very name, then a name that begins so, generics before brands, our own before
        those of a release and in the order of our list; a release's short names first.
        """
        wanted = [self._means(word) for word in words_of(text)]
        if not wanted:
            return []
        exact = self.by_name(text)
        ranked: list[tuple[tuple[bool, bool, bool, int], Product]] = []
        for (later, brand, _), row in self._index.find(wanted, limit):
            ranked.append(((later, brand, False, row), self.products[row]))
        if self.catalogue:
            for (later, brand, length), row in self.catalogue.index.find(wanted, limit):
                ranked.append(((later, brand, True, length), self.catalogue.product(row)))
        ranked.sort(key=lambda r: r[0])
        found = [product for _, product in ranked if product is not exact]
        return [*([exact] if exact else []), *found][:limit]

    @cached_property
    def _index(self) -> WordIndex:
        names = [p.name for p in self.products]
        brands = [p.level == "AMP" for p in self.products]
        return WordIndex(*index_of(names, brands, range(len(names))))

    def _means(self, word: str) -> tuple[str, ...]:
        entry = self._lexicon.single_words.get(word)
        if entry is not None and entry.kind == "ingredient":
            return (word, *words_of(entry.value)[:1])
        return (word,)


def _only_salts(reading: Reading) -> bool:
    """Whether all that is read as a drug is such as stands beside a drug: ``sodium``, ``honey``."""
    closed = closed_words().single_words
    kinds = (closed.get(i) for i in reading.ingredients)
    return bool(reading.drugs) and all(e is not None and e.kind in _BESIDE for e in kinds)


_BESIDE = frozenset({"salt", "flavour"})
_REMEMBERED = 200_000
_FORM_WORDS = {"tablet", "tablets", "tab", "tabs", "capsule", "capsules", "cap", "caps"}


def _alias_key(text: str) -> tuple[str, ...]:
    return tuple(w for w in words_of(text) if w not in _FORM_WORDS)


def _aliases(by_name: Mapping[str, Product]) -> dict[tuple[str, ...], Product]:
    """Older names of a product that state another strength (Sinemet CR 250mg)."""
    return {
        _alias_key(row["alias"]): by_name[plain_name(row["product"])]
        for row in rows("aliases.csv")
        if plain_name(row["product"]) in by_name
    }


class ReleaseFolder(Protocol):
    """What :func:`use` needs of a release: its folder, and its tables by name."""

    @property
    def folder(self) -> Path: ...

    def table(self, name: str, columns: Sequence[str] | None = None) -> pa.Table: ...


@dataclass(slots=True)
class _Use:
    """What :func:`formulary` answers with beside our own products."""

    release: ReleaseFolder | None = None
    root: Path | None = None


_use = _Use()
_forget: list[Callable[[], None]] = []


@lru_cache(maxsize=1)
def formulary() -> Formulary:
    """The formulary in use: the project's own, with the release that was chosen for it."""
    release, resolve = _use.release, None
    if _use.root is not None:
        from counterfoil.terminology.releases import Releases

        releases = Releases(_use.root)
        release = releases.current("products")
        together = releases.in_use()
        resolve = together.resolve
    if release is None:
        return own_formulary()
    products = load_products()
    catalogue = _catalogue_of(release, products)
    linked = [replace(p, dmd_id=catalogue.dmd_id(p)) for p in products]
    return Formulary(linked, catalogue, resolve)


def _catalogue_of(release: ReleaseFolder, own: Sequence[Product]) -> Catalogue:
    from counterfoil.terminology.catalogue import opened
    from counterfoil.terminology.catalogue_tables import rows_of

    return opened(release.folder / "derived", own, lambda: rows_of(release.table))


def prepare(release: ReleaseFolder) -> None:
    """Read the names of *release* and keep them in its folder, so that the first match is fast."""
    _catalogue_of(release, load_products())


@lru_cache(maxsize=1)
def own_formulary() -> Formulary:
    """The project's own formulary alone, read once from ``knowledge/formulary*.csv``."""
    return Formulary(load_products())


def use(release: ReleaseFolder | None) -> None:
    """Have :func:`formulary` answer with *release* beside our own products; None: without one.

    Called before anything is matched. The release's names are read on first use and kept in its
    folder, under ``derived``.
    """
    _choose(_Use(release=release))


def use_home(root: Path) -> None:
    """Have :func:`formulary` answer with the release of products in use under *root*, if any.

    *root* is ``<home>/terminology``. What is in use is looked up when a name is first asked for.
    """
    _choose(_Use(root=root if (root / "releases").is_dir() else None))


def _choose(wanted: _Use) -> None:
    if wanted == _use:
        return
    _use.release, _use.root = wanted.release, wanted.root
    formulary.cache_clear()
    for forget in _forget:
        forget()


def forget_on_use(forget: Callable[[], None]) -> None:
    """Have *forget* called whenever another release is used: to clear what hangs on the formulary."""
    _forget.append(forget)

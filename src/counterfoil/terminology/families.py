"""Products that go together: the generics of one drug, the brands of one name, with what they state."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from counterfoil.terminology.model import Product
from counterfoil.terminology.names import brand_head, equivalents
from counterfoil.terminology.reading import Reading
from counterfoil.terminology.stated import Stated

if TYPE_CHECKING:
    from counterfoil.terminology.catalogue import Catalogue


class Families:
    """Our own products and those of a *catalogue*, by drugs and by name, each family made once.

    ``read`` takes a product's name apart when a test asks for it.
    """

    def __init__(
        self,
        products: Sequence[Product],
        catalogue: Catalogue | None,
        read: Callable[[str], Reading],
    ) -> None:
        self._catalogue = catalogue
        self._read = read
        self._generic_names = {p.id: p.name for p in products if p.level == "VMP"}
        self._own_generics: dict[frozenset[str], list[Product]] = {}
        self._own_brands: dict[str, list[Product]] = {}
        for product in products:
            if product.level == "VMP":
                self._own_generics.setdefault(frozenset(product.ingredients), []).append(product)
            else:
                head = " ".join(brand_head(product.brand or "")[0])
                self._own_brands.setdefault(head, []).append(product)
        self._known: dict[frozenset[str] | str, list[Stated]] = {}

    def generics(self, ingredients: Iterable[str]) -> list[Stated]:
        """The generics with exactly these ingredients."""
        drugs = frozenset(ingredients)
        if drugs not in self._known:
            products = list(self._own_generics.get(drugs, ()))
            if self._catalogue:
                products += self._catalogue.generics(drugs)
            self._known[drugs] = self.stated(products)
        return self._known[drugs]

    def brands(self, head: str) -> list[Stated]:
        """The brands of that name."""
        if head not in self._known:
            products = list(self._own_brands.get(head, ()))
            if self._catalogue:
                products += self._catalogue.brands(head)
            self._known[head] = self.stated(products)
        return self._known[head]

    def named(self, words: str) -> list[Stated]:
        """The products that only these words of their names tell."""
        key = f"~{words}"
        if key not in self._known:
            products = self._catalogue.named(words) if self._catalogue else ()
            self._known[key] = self.stated(products)
        return self._known[key]

    def stated(self, products: Iterable[Product]) -> list[Stated]:
        """*products*, each with what its own name states."""
        also = equivalents()
        names = self._generic_names
        return [Stated(p, self._read, also.get(names.get(p.vmp_id, ""), ())) for p in products]

"""A product beside what its own name states."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cached_property

from counterfoil.terminology.model import Product, Strength
from counterfoil.terminology.names import brand_head, forms_of
from counterfoil.terminology.reading import Reading, volumes_of


class Stated:
    """A product with what its own name states, read by the reader of this room when it is asked."""

    def __init__(
        self, product: Product, read: Callable[[str], Reading], also: tuple[Strength, ...] = ()
    ) -> None:
        self.product = product
        self._read = read
        self._also = also

    @cached_property
    def reading(self) -> Reading:
        """The product's own name, taken apart."""
        return self._read(self.product.name)

    @property
    def understood(self) -> bool:
        """Whether it is a generic whose name was taken apart, and states nothing twice."""
        product = self.product
        return product.level == "VMP" and bool(product.ingredients) and "(" not in product.name

    @cached_property
    def released(self) -> frozenset[str]:
        """The release words that are part of the brand (Efexor XL)."""
        return brand_head(self.product.brand or "")[1]

    @cached_property
    def releases(self) -> frozenset[str]:
        """Every release that the product or its name states."""
        return frozenset(self.product.release.split()) | self.reading.releases

    @cached_property
    def volume(self) -> Fraction | None:
        """The volume of its container, in millilitres."""
        return next(iter(sorted(volumes_of(self.reading))), None)

    @cached_property
    def also(self) -> tuple[Strength, ...]:
        """Other ways of stating its strength: in the brackets of its name, or listed."""
        if "(" not in self.product.name:
            return self._also
        restated = (a.strength() for a in self.reading.equivalents)
        return (*self._also, *(s for s in restated if s is not None))

    @cached_property
    def forms(self) -> tuple[frozenset[str], ...]:
        """The forms that its own name states, in dm+d's sense of the words."""
        return tuple(forms_of(self.product.name))

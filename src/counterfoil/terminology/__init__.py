"""What a code or a drug name means: products, code sets, drug sets, units, names."""

from counterfoil.terminology.formulary import (
    Formulary,
    forget_on_use,
    formulary,
    own_formulary,
    prepare,
    use,
    use_home,
)
from counterfoil.terminology.model import Match, Product, Strength

__all__ = [
    "Formulary",
    "Match",
    "Product",
    "Strength",
    "forget_on_use",
    "formulary",
    "own_formulary",
    "prepare",
    "use",
    "use_home",
]

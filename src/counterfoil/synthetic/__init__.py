"""A made-up Primary Care Network whose truth is known. No real person, practice or place."""

from __future__ import annotations

from counterfoil.synthetic.population import Population, SyntheticLetter, generate

__all__ = ["Population", "SyntheticLetter", "generate"]

"""A made-up Primary Care Network whose truth is known. No real person, practice or place."""

from __future__ import annotations

from counterfoil.synthetic.letters.model import LetterLine, SyntheticLetter
from counterfoil.synthetic.population import Population, generate

__all__ = ["LetterLine", "Population", "SyntheticLetter", "generate"]

"""Discharge letters from invented trusts, each with the truth of every line beside it."""

from __future__ import annotations

from counterfoil.synthetic.letters.model import LetterLine, SyntheticLetter

__all__ = ["LetterLine", "SyntheticLetter"]

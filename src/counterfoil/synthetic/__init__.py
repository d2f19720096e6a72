"""A made-up Primary Care Network whose truth is known. No real person, practice or place.

This room imports the record's schema and nothing that judges it: dose texts and letters are written
by its own code from its own lists, so a checker and the generator cannot share a mistake.
"""

from __future__ import annotations

from counterfoil.synthetic.example import EXAMPLE_NHS_NUMBER, example_bundle
from counterfoil.synthetic.letters.model import LetterLine, SyntheticLetter
from counterfoil.synthetic.output import (
    fingerprint,
    letter_truth,
    summary,
    write_csv,
    write_parquet,
)
from counterfoil.synthetic.population import Population, generate
from counterfoil.synthetic.production import Order, produce, usual_practices
from counterfoil.synthetic.scoring import DoseTruth, Score, dose_truths, score_findings
from counterfoil.synthetic.validation import Check, validate

__all__ = [
    "EXAMPLE_NHS_NUMBER",
    "Check",
    "DoseTruth",
    "LetterLine",
    "Order",
    "Population",
    "Score",
    "SyntheticLetter",
    "dose_truths",
    "example_bundle",
    "fingerprint",
    "generate",
    "letter_truth",
    "produce",
    "score_findings",
    "summary",
    "usual_practices",
    "validate",
    "write_csv",
    "write_parquet",
]

"""The sets that rules name, answered by terminology."""

from __future__ import annotations

from functools import cache
from typing import Literal

from counterfoil.foundation.errors import DataError, Problem
from counterfoil.rules.model import Rule
from counterfoil.terminology import formulary
from counterfoil.terminology.codesets import load_codeset, load_drugset, set_names

Kind = Literal["codesets", "drugsets"]


class TerminologySets:
    """Membership by the shipped drug sets and code sets; each product is asked about once."""

    def __init__(self) -> None:
        self._truths: dict[tuple[str, str | None, str], bool | None] = {}

    def truth(self, drug_set: str, code: str | None, text: str) -> bool | None:
        """Whether a product, as sent, belongs to the drug set; None: its name leaves it open."""
        key = (drug_set, code, text)
        if key not in self._truths:
            self._truths[key] = load_drugset(drug_set).truth(formulary().match(text, code))
        return self._truths[key]

    def codes(self, code_set: str) -> frozenset[str]:
        """The codes of a code set."""
        return load_codeset(code_set).codes

    def title(self, name: str) -> str:
        """The set's title in words."""
        return _title(name)


@cache
def _title(name: str) -> str:
    return (load_drugset(name) if name in set_names("drugsets") else load_codeset(name)).title


def check_sets(rules: list[Rule]) -> None:
    """Every set that the rules name must be there, of the right kind, and not empty.

    ``DataError`` names the rule file and the set. A drug set asked about coded entries, or a code
    set about issues, is such an error.
    """
    problems = []
    for rule in rules:
        kinds: tuple[tuple[Kind, frozenset[str], Kind], ...] = (
            ("drugsets", rule.drug_sets, "codesets"),
            ("codesets", rule.code_sets, "drugsets"),
        )
        for wanted, mentioned, other in kinds:
            problems += _missing(rule.file, wanted, mentioned, other)
    if problems:
        raise DataError(*problems)


def _missing(file: str, wanted: Kind, mentioned: frozenset[str], other: Kind) -> list[Problem]:
    problems = []
    word = "drug set" if wanted == "drugsets" else "code set"
    for name in sorted(mentioned):
        if name not in set_names(wanted):
            rows = "coded entries" if wanted == "drugsets" else "issues and plans"
            hint = f"; {name} is a set for {rows}" if name in set_names(other) else ""
            problems.append(Problem(file, f"there is no {word} called {name}{hint}"))
        elif wanted == "codesets" and not load_codeset(name).codes:
            problems.append(Problem(file, f"code set {name} must not be empty"))
    return problems

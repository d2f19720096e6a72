"""The sets that rules name, answered by terminology."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from math import ceil, floor
from typing import Literal

from counterfoil.dosage import convert, ingredient_per_day, read
from counterfoil.foundation.errors import DataError, Problem
from counterfoil.rules.model import Rule
from counterfoil.rules.source_file import nearest
from counterfoil.terminology import formulary
from counterfoil.terminology.codesets import (
    CodeSet,
    DrugSet,
    ProductSet,
    load_codeset,
    load_drugset,
    set_names,
)

Kind = Literal["codesets", "drugsets"]
AnySet = CodeSet | DrugSet | ProductSet


class TerminologySets:
    """Membership by the shipped sets, or by those chosen in their place.

    *chosen* maps a rule's name of a set to the set that stands for it. Each product is asked about
    once.
    """

    def __init__(self, chosen: Mapping[str, AnySet] | None = None) -> None:
        self.chosen: dict[str, AnySet] = dict(chosen or {})
        self._truths: dict[tuple[str, str | None, str], bool | None] = {}
        self._daily: dict[tuple[str, str, str | None, str], tuple[int, int] | None] = {}

    def truth(self, drug_set: str, code: str | None, text: str) -> bool | None:
        """Whether a product, as sent, belongs to the drug set; None: its name leaves it open."""
        key = (drug_set, code, text)
        if key not in self._truths:
            found = self.drugs(drug_set)
            known = formulary()
            match = known.match(text, code)
            self._truths[key] = (
                found.truth(match, code, text, known)
                if isinstance(found, ProductSet)
                else found.truth(match)
            )
        return self._truths[key]

    def codes(self, code_set: str) -> frozenset[str]:
        """The codes of a code set."""
        found = self.chosen.get(code_set)
        if found is None:
            return load_codeset(code_set).codes
        if isinstance(found, CodeSet):
            return found.codes
        raise DataError.at(code_set, "a set of codes for coded entries", "a set of drugs")

    def drugs(self, drug_set: str) -> DrugSet | ProductSet:
        """The drug set of that name."""
        found = self.chosen.get(drug_set)
        if found is None:
            return load_drugset(drug_set)
        if isinstance(found, CodeSet):
            raise DataError.at(drug_set, "a set of drugs for issues and plans", "a set of codes")
        return found

    def get(self, name: str) -> AnySet:
        """The set of that name, of either kind."""
        return self.chosen.get(name) or _shipped(name)

    def ingredients(self, code: str | None, text: str) -> tuple[str, ...]:
        """The ingredients of a product, as sent; none where it is not recognised."""
        return formulary().match(text, code).ingredients

    def allergen(self, drug_set: str, code: str | None, text: str) -> bool | None:
        """Whether a substance, as sent, is of the drug set, whatever the route.

        None where only a class of the set is named ("penicillin") or its name leaves it open.
        """
        wanted, match = self.drugs(drug_set), formulary().match(text, code)
        if isinstance(wanted, ProductSet):
            return wanted.truth(match, code, text, formulary())
        named = {*match.ingredients, " ".join(text.casefold().split())}
        if named & wanted.ingredients:
            return True
        if match.drug_class is not None:
            return match.drug_class in wanted.classes
        return None if any(name in text.casefold() for name in wanted.classes) else False

    def daily(
        self, drug_set: str, code: str | None, text: str, dose: str | None, unit: str
    ) -> tuple[int, int] | None:
        """The least and most a day of the set's ingredients in a plan, in millionths of *unit*.

        None where the dose or the strength cannot be read.
        """
        key = (drug_set, text, dose, unit)
        if key not in self._daily:
            found = self.drugs(drug_set)
            named = found.ingredients if isinstance(found, DrugSet) else frozenset()
            self._daily[key] = _daily(named, text, dose, unit)
        return self._daily[key]

    def title(self, name: str) -> str:
        """The set's title in words."""
        return self.get(name).title

    def version(self, name: str) -> str:
        """The set's version, which findings can name."""
        return self.get(name).version


def _daily(
    wanted: frozenset[str], text: str, dose: str | None, unit: str
) -> tuple[int, int] | None:
    amounts = ingredient_per_day(read(dose, text), text) if dose else None
    if not amounts:
        return None
    low = high = Fraction(0)
    for name, (least, most, given) in amounts.items():
        if wanted and name not in wanted:
            continue
        converted = convert(least, given, unit), convert(most, given, unit)
        if converted[0] is None or converted[1] is None:
            return None
        low, high = low + converted[0], high + converted[1]
    return floor(low * 10**6), ceil(high * 10**6)


@cache
def _shipped(name: str) -> CodeSet | DrugSet:
    return load_drugset(name) if name in set_names("drugsets") else load_codeset(name)


def check_sets(rules: list[Rule], chosen: Mapping[str, AnySet] | None = None) -> None:
    """Every set that the rules name must be there, of the right kind, and not empty.

    ``DataError`` names the rule file and the set. A drug set asked about coded entries, or a code
    set about issues, is such an error; so is a chosen set of the wrong kind.
    """
    problems = [problem for rule in rules for problem in wrong_sets(rule, chosen)]
    if problems:
        raise DataError(*problems)


def wrong_sets(rule: Rule, chosen: Mapping[str, AnySet] | None = None) -> list[Problem]:
    """What is wrong with the sets that a rule names; a run goes on without such a rule."""
    kinds: tuple[tuple[Kind, frozenset[str], Kind], ...] = (
        ("drugsets", rule.drug_sets, "codesets"),
        ("codesets", rule.code_sets, "drugsets"),
    )
    return [
        problem
        for wanted, mentioned, other in kinds
        for problem in _wrong(rule, wanted, mentioned, other, chosen or {})
    ]


def _wrong(
    rule: Rule, wanted: Kind, mentioned: frozenset[str], other: Kind, chosen: Mapping[str, AnySet]
) -> list[Problem]:
    problems = []
    word, rows = _WORDS[wanted]
    for name in sorted(mentioned):
        file = _place(rule, name)
        stand_in = chosen.get(name)
        if stand_in is not None and isinstance(stand_in, CodeSet) != (wanted == "codesets"):
            holds = "SNOMED CT codes" if isinstance(stand_in, CodeSet) else "dm+d products"
            problems.append(
                Problem(
                    file,
                    f"{name} is asked about {rows}, so that only a {word} can stand for it",
                    f"the chosen set {stand_in.name}, version {stand_in.version}, holds {holds}",
                )
            )
        elif stand_in is None and name not in set_names(wanted):
            near = nearest(name, set_names(wanted))
            hint = f"; {name} is a set for {_WORDS[other][1]}" if name in set_names(other) else ""
            hint = hint or (f"; write {near}" if near else "")
            problems.append(Problem(file, f"there is no {word} called {name}{hint}"))
        elif wanted == "codesets" and not _codes(name, stand_in):
            problems.append(Problem(file, f"code set {name} must not be empty"))
    return problems


def _place(rule: Rule, name: str) -> str:
    """The rule file and the first line on which it names a set."""
    said = re.compile(rf"""["' ]{re.escape(name)}["']""")
    lines = (n for n, line in enumerate(rule.text.splitlines(), 1) if said.search(line))
    first = next(lines, None)
    return rule.file if first is None else f"{rule.file}, line {first}"


_WORDS: dict[Kind, tuple[str, str]] = {
    "drugsets": ("drug set", "issues and plans"),
    "codesets": ("code set", "coded entries"),
}


def _codes(name: str, stand_in: AnySet | None) -> frozenset[str]:
    found = load_codeset(name) if stand_in is None else stand_in
    return found.codes if isinstance(found, CodeSet) else frozenset()

"""Rules: files read into a small algebra, run over a population as intervals of index days.

``load`` reads and checks rules, ``run`` gives findings with reasons, ``trend`` and ``forecast``
read the same spans. The day-by-day meaning is in :mod:`counterfoil.rules.reference`.
"""

from __future__ import annotations

from pathlib import Path

from counterfoil.foundation.errors import DataError, Problem
from counterfoil.rules.examples import check_rules
from counterfoil.rules.explain import Reason
from counterfoil.rules.language import read_rules
from counterfoil.rules.model import Rule
from counterfoil.rules.run import Finding, explain, forecast, run, trend
from counterfoil.rules.sets import wrong_sets

__all__ = [
    "Finding",
    "Reason",
    "Rule",
    "explain",
    "forecast",
    "load",
    "load_usable",
    "run",
    "trend",
]


def load(paths: list[Path] | None = None) -> list[Rule]:
    """The rules of these files, or the shipped ones, checked by their own examples.

    ``DataError`` lists every mistake: file, line, and what was expected.
    """
    rules = read_rules(paths)
    check_rules(rules)
    return rules


def load_usable(paths: list[Path]) -> tuple[list[Rule], list[Problem]]:
    """The rules of these files but for those with a set that is missing, empty or of another kind.

    With what is wrong with their sets. Any other mistake is a ``DataError``, and so is it where no
    rule is left.
    """
    rules = read_rules(paths)
    wrong = {rule.id: wrong_sets(rule) for rule in rules}
    left = [rule for rule in rules if not wrong[rule.id]]
    problems = [problem for found in wrong.values() for problem in found]
    if not left:
        raise DataError(*problems)
    check_rules(left)
    return left, problems

"""Rules: files read into a small algebra, run over a population as intervals of index days.

``load`` reads and checks rules, ``run`` gives findings with reasons, ``trend`` and ``forecast``
read the same spans. The day-by-day meaning is in :mod:`counterfoil.rules.reference`.
"""

from __future__ import annotations

from pathlib import Path

from counterfoil.rules.examples import check_rules
from counterfoil.rules.explain import Reason
from counterfoil.rules.language import read_rules
from counterfoil.rules.model import Rule
from counterfoil.rules.run import Finding, explain, forecast, run, trend

__all__ = ["Finding", "Reason", "Rule", "explain", "forecast", "load", "run", "trend"]


def load(paths: list[Path] | None = None) -> list[Rule]:
    """The rules of these files, or the shipped ones, checked by their own examples.

    ``DataError`` lists every mistake: file, line, and what was expected.
    """
    rules = read_rules(paths)
    check_rules(rules)
    return rules

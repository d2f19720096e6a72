"""Former identifiers and what stands for them now.

dm+d gives an id's predecessor (``VPIDPREV`` and its like), the supplementary release the history
of every id. An id may have been replaced more than once, the two sources may state different steps
of one chain, and (twice in the release of February 2025) one id has two successors: then nothing
is chosen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

State = Literal["current", "invalid", "replaced", "ambiguous", "cycle", "unknown"]


@dataclass(frozen=True)
class Trace:
    """What became of an id.

    ``current`` is the id that stands for it now: itself where it is current or nothing is known of
    it, or it is marked INVALID and nothing took its place; None where it has several successors (``ambiguous``) or its chain runs in a circle
    (``cycle``). ``path`` are the steps from the id to where the chain ended, itself included.
    """

    id: str
    state: State
    current: str | None
    successors: tuple[str, ...] = ()
    path: tuple[str, ...] = ()


class History:
    """The steps from former ids to later ones, followed to the end.

    *steps* are pairs (former id, later id). *current* are ids known to be in use: a chain stops at
    one, even where a step leads on from it.
    """

    def __init__(
        self, steps: Iterable[tuple[str, str]], current: Collection[str] = frozenset()
    ) -> None:
        self._after: defaultdict[str, set[str]] = defaultdict(set)
        self._ends: set[str] = set()
        for former, later in steps:
            if former != later:
                self._after[former].add(later)
                self._ends.add(later)
        self._current = current

    def __len__(self) -> int:
        """How many former ids are known."""
        return len(self._after)

    def former(self) -> list[str]:
        """Every id that a step leads on from, in order."""
        return sorted(self._after)

    def trace(self, code: str) -> Trace:
        """What became of *code*."""
        if code in self._current:
            return Trace(code, "current", code, (), (code,))
        if code not in self._after:
            known: State = "current" if code in self._ends else "unknown"
            return Trace(code, known, code, (), (code,))
        ends, circle, path = self._follow(code)
        if len(ends) == 1 and not circle:
            (end,) = ends
            return Trace(code, "replaced", end, (end,), tuple(path))
        if not ends:
            return Trace(code, "cycle", None, (), tuple(path))
        return Trace(code, "ambiguous", None, tuple(sorted(ends)), tuple(path))

    def _follow(self, code: str) -> tuple[set[str], bool, list[str]]:
        """The ids at the ends of every chain from *code*, whether a chain runs in a circle."""
        ends: set[str] = set()
        circle = False
        path: list[str] = []
        todo: list[tuple[str, frozenset[str]]] = [(code, frozenset())]
        seen: set[str] = set()
        while todo:
            at, before = todo.pop()
            if at in before:
                circle = True
                continue
            if at in seen:
                continue
            seen.add(at)
            path.append(at)
            after = self._after.get(at)
            if not after or (at in self._current and at != code):
                ends.add(at)
                continue
            todo += [(later, before | {at}) for later in sorted(after, reverse=True)]
        return ends, circle, path

    def resolve(self, code: str) -> str:
        """The id that stands for *code* now; *code* itself where that is not known or not sure."""
        return self.trace(code).current or code

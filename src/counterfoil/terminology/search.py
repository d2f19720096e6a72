"""Finding names by the beginnings of their words, while they are being typed."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from counterfoil.terminology.names import words_of

Rows = npt.NDArray[np.int32]
_START = 3
_LAST = "\U0010ffff"


class WordIndex:
    """Which of a list of names hold a word that begins so; names are known by their row.

    It is made from tables that :func:`index_of` yields, so that it can be kept on disk.
    """

    def __init__(self, words: pa.Table, names: pa.Table) -> None:
        self._words: list[str] = words["word"].to_pylist()
        lists = words["rows"].combine_chunks()
        self._offsets = lists.offsets.to_numpy()
        self._rows: Rows = lists.values.to_numpy()
        self._first: Rows = names["first"].to_numpy()
        self._brand = names["brand"].to_numpy()
        self._order: Rows = names["order"].to_numpy()

    def find(
        self, wanted: Sequence[Sequence[str]], limit: int
    ) -> list[tuple[tuple[bool, bool, int], int]]:
        """The best rows in which each of *wanted* begins a word, each with its rank.

        *wanted* gives for each word typed what it may begin: itself, or a drug's name of today.
        Names that begin with the first word come first, then generics, then by their order.
        """
        found: Rows | None = None
        for beginnings in wanted:
            rows = self._holding(beginnings)
            found = rows if found is None else np.intersect1d(found, rows, assume_unique=True)
            if not len(found):
                return []
        if found is None:
            return []
        later = np.ones(len(found), dtype=bool)
        first = self._first[found]
        for beginning in wanted[0]:
            start, end = self._range(beginning)
            later &= (first < start) | (first >= end)
        order = np.lexsort((self._order[found], self._brand[found], later))[:limit]
        return [
            (
                (bool(later[i]), bool(self._brand[found[i]]), int(self._order[found[i]])),
                int(found[i]),
            )
            for i in order
        ]

    def pairing(
        self,
        words: Sequence[str],
        meant: Callable[[str], Iterable[str]],
        pairs: Callable[[str, str], bool],
    ) -> list[int]:
        """The rows whose names hold, for each of *words*, one that it pairs with, in order.

        ``meant`` gives what a word may begin like: only names' words with the same three first
        letters as one of these are asked for with ``pairs``.
        """
        found: Rows | None = None
        for word in sorted(set(words), key=len, reverse=True):
            parts = [np.empty(0, dtype=np.int32)]
            for beginning in sorted({other[:_START] for other in meant(word)}):
                start, end = self._range(beginning)
                parts += [
                    self._rows[self._offsets[i] : self._offsets[i + 1]]
                    for i in range(start, end)
                    if pairs(word, self._words[i])
                ]
            rows = np.unique(np.concatenate(parts))
            found = rows if found is None else np.intersect1d(found, rows, assume_unique=True)
            if not len(found):
                break
        return [] if found is None else [int(row) for row in found]

    def beginning(self, word: str) -> list[int]:
        """The rows whose names begin with just that *word*, in order."""
        place = bisect_left(self._words, word)
        if place == len(self._words) or self._words[place] != word:
            return []
        return [int(row) for row in np.nonzero(self._first == place)[0]]

    def _range(self, beginning: str) -> tuple[int, int]:
        return bisect_left(self._words, beginning), bisect_left(self._words, beginning + _LAST)

    def _holding(self, beginnings: Iterable[str]) -> Rows:
        parts = []
        for beginning in beginnings:
            start, end = self._range(beginning)
            parts.append(self._rows[self._offsets[start] : self._offsets[end]])
        return np.unique(np.concatenate(parts))


def index_of(
    names: Sequence[str], brands: Sequence[bool], order: Sequence[int] | None = None
) -> tuple[pa.Table, pa.Table]:
    """The tables of a :class:`WordIndex` over *names*; ``brands`` tells which are brands.

    Names that match alike come in their *order*, else the shorter first.
    """
    holding: dict[str, list[int]] = {}
    firsts: list[str] = []
    for row, name in enumerate(names):
        words = words_of(name) or ("",)
        firsts.append(words[0])
        for word in set(words):
            holding.setdefault(word, []).append(row)
    vocabulary = sorted(holding)
    place = {word: i for i, word in enumerate(vocabulary)}
    words_table = pa.table(
        {
            "word": pa.array(vocabulary, pa.string()),
            "rows": pa.array([holding[w] for w in vocabulary], pa.list_(pa.int32())),
        }
    )
    names_table = pa.table(
        {
            "first": pa.array([place[w] for w in firsts], pa.int32()),
            "brand": pa.array(list(brands), pa.bool_()),
            "order": pa.array(order or [len(name) for name in names], pa.int32()),
        }
    )
    return words_table, names_table

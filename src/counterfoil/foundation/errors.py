"""Errors that a person can act on: they name the place, what was found and what was expected."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing wrong with an input.

    ``place`` is the file with row and column, or file and JSON path; ``expected`` says in words
    what would have been right. Neither ever holds a patient identifier.
    """

    place: str
    expected: str
    found: str = ""

    def __str__(self) -> str:
        found = f" Found: {self.found}." if self.found else ""
        return f"{self.place}: {self.expected}.{found}"


class DataError(Exception):
    """The input is wrong. Nothing was changed. Exit status 1 on the command line."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__("; ".join(str(p) for p in problems))

    @classmethod
    def at(cls, place: str, expected: str, found: str = "") -> DataError:
        """A single problem."""
        return cls(Problem(place, expected, found))


class UsageError(Exception):
    """The command or call itself is wrong. Exit status 2 on the command line."""

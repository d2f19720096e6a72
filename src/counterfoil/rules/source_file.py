"""A rule file while it is read: its lines, its parameters, and every mistake with its place."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from counterfoil.foundation.errors import DataError, Problem
from counterfoil.rules.facts import Length

LONGEST_FILE = 200_000
"""Characters. The longest shipped rule has some 7,000."""

_LENGTH = re.compile(r"(\d{1,5}) (day|week|month|year)s?")
_PLACE = re.compile(r"\(at (?:line (\d+), column (\d+)|end of document)\)")


@dataclass(frozen=True)
class Mistake:
    """One thing wrong with a rule file: where, what was found, what to write instead.

    ``line`` and ``column`` count from 1; ``table`` and ``key`` name the setting ("" at the top).
    """

    line: int
    column: int
    table: str
    key: str
    expected: str
    found: str = ""

    def problem(self, name: str) -> Problem:
        """The mistake as an error names it."""
        return Problem(f"{name}, line {self.line}", self.expected, self.found)


class RuleFile:
    """One rule file while it is read: collects the mistakes with their lines."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.lines = text.splitlines()
        self.mistakes: list[Mistake] = []
        self.nth = 0
        """Which of several tables of one name is being read."""

    @classmethod
    def parsed(cls, name: str, text: str) -> tuple[RuleFile, dict[str, Any]]:
        """The file and its TOML; where it is no TOML, no settings and the mistake."""
        # Some editors begin a file with a mark of its encoding.
        text = text.removeprefix("\ufeff")
        file = cls(name, text)
        if not text.strip():
            file._not_toml(1, 1, "the file is empty; a rule begins with id, version and title")
            return file, {}
        if len(text) > LONGEST_FILE:
            file._not_toml(1, 1, f"a rule file has at most {LONGEST_FILE:,} characters")
            return file, {}
        try:
            return file, tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            place = _PLACE.search(str(error))
            line = int(place[1]) if place and place[1] else max(1, len(file.lines))
            column = int(place[2]) if place and place[2] else 1
            why = _PLACE.sub("", str(error)).strip()
            file._not_toml(line, column, f"the file must be TOML; {why}")
        except (ValueError, RecursionError):
            file._not_toml(1, 1, "the file must be TOML; a number or a nesting goes too far")
        return file, {}

    def _not_toml(self, line: int, column: int, expected: str) -> None:
        self.mistakes.append(Mistake(line, column, "", "", expected))

    def check(self) -> None:
        """``DataError`` with every mistake so far, if there is one."""
        if self.mistakes:
            raise DataError(*(mistake.problem(self.name) for mistake in self.mistakes))

    def place(self, table: str, key: str = "") -> tuple[int, int]:
        """The line and column of a key within a table, as near as can be told."""
        inside, seen, header = table == "", 0, 1
        for number, line in enumerate(self.lines, 1):
            words = line.strip()
            if words.startswith("[") and words.split("#")[0].strip().endswith("]"):
                named = words.split("#")[0].strip(" []\"'")
                if not table and named == key:
                    return number, 1
                if named == table:
                    seen += 1
                    inside = not words.startswith("[[") or seen == self.nth + 1
                    header = number if inside else header
                    if inside and not key:
                        return number, 1
                else:
                    inside = False
            elif inside and key and re.match(rf"[\"']?{re.escape(key)}[\"']?\s*[=.]", words):
                return number, len(line) - len(line.lstrip()) + 1
        return header, 1

    def wrong(self, table: str, key: str, expected: str, found: object = "") -> None:
        """Note a mistake."""
        line, column = self.place(table, key)
        said = "" if found is None else _shown(found)
        said = said if len(said) <= 80 else said[:77] + "..."
        self.mistakes.append(Mistake(line, column, table, key, expected, said))

    def named(
        self, data: dict[str, Any], table: str, known: Collection[str], otherwise: str
    ) -> dict[str, Any]:
        """The settings, those that are not *known* noted as mistakes and left out.

        One that is nearly a known one that is missing is read as that: one mistake, not two.
        *otherwise* is what else to say, of ``{key}``.
        """
        result = {key: value for key, value in data.items() if key in known}
        for key in sorted(data.keys() - set(known)):
            near = nearest(key, set(known) - result.keys())
            if near:
                self.wrong(table, key, f"there is no setting called {key}; write {near}")
                result[near] = data[key]
            else:
                self.wrong(table, key, otherwise.format(key=key))
        return result

    # Values --------------------------------------------------------------------------------

    def text(self, data: dict[str, Any], table: str, key: str, default: str | None = None) -> str:
        """A text that is not empty."""
        value = data.get(key, default)
        if not isinstance(value, str) or not value.strip():
            where = f" in [{table}]" if table else ""
            self.wrong(table, key, f"{key} must be a text{where}", value)
            return ""
        return value.strip()

    def length(self, data: dict[str, Any], table: str, key: str) -> Length:
        """A length such as ``3 months``."""
        value = data.get(key)
        found = _LENGTH.fullmatch(value) if isinstance(value, str) else None
        try:
            if found:
                count, unit = int(found[1]), found[2]
                if unit in ("month", "year"):
                    return Length(months=count * (12 if unit == "year" else 1))
                return Length(days=count * (7 if unit == "week" else 1))
        except ValueError:
            pass
        self.wrong(
            table,
            key,
            f'{key} must be a length such as "3 months" or "84 days", to 60 years',
            value,
        )
        return Length(days=1)

    def whole(self, data: dict[str, Any], table: str, key: str, default: int | None = None) -> int:
        """A whole number of no more than six digits."""
        value = data.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) > 999_999:
            self.wrong(table, key, f"{key} must be a whole number", quoted(value))
            return 1
        return value


def nearest(name: str, there: Collection[str]) -> str:
    """Which of these a misspelt name most likely means; "" where none is near."""
    return next(iter(get_close_matches(name, sorted(there), 1, 0.7)), "")


def quoted(value: object) -> object:
    """A text in its quotation marks, where something else than a text was wanted."""
    return f'"{value}"' if isinstance(value, str) else value


def _shown(value: object) -> str:
    """A value as a rule file would write it, near enough."""
    parts = isinstance(value, list | dict)
    return json.dumps(value, default=str, ensure_ascii=False) if parts else str(value)

"""The examples of a rule file, read and checked cell by cell, so that running one cannot fail."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

from counterfoil.foundation.days import to_day
from counterfoil.rules.model import Example
from counterfoil.rules.source_file import RuleFile

MOST_EXAMPLES = 200
MOST_ROWS = 500

_PART_DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2]))?")
_RESULT = re.compile(r"(<=|>=|<|>|~)?\s*-?\d{1,9}(\.\d{1,6})?")

Test = tuple[Callable[[Any], bool], str]


def _one_of(*words: str) -> Test:
    return (lambda v: v in words, " or ".join(words))


def _date(value: Any) -> bool:
    return type(value) is date and 1900 <= value.year <= 2100


_DAY: Test = (_date, "a date such as 2026-06-01")
_TEXT: Test = (lambda v: isinstance(v, str) and bool(v.strip()), "a text")
_FLAG: Test = (lambda v: isinstance(v, bool), "true or false")
_NUMBER: Test = (
    lambda v: isinstance(v, int | float) and not isinstance(v, bool) and abs(v) < 1e9,
    "a number",
)
_WHEN: Test = (
    lambda v: _date(v) or (isinstance(v, str) and bool(_PART_DATE.fullmatch(v))),
    'a date, or "2026-05" or "2026" where no more is known',
)
_VALUE: Test = (
    lambda v: _NUMBER[0](v) or (isinstance(v, str) and bool(_RESULT.fullmatch(v))),
    'a number, or a text such as "<40"',
)

_PATIENT = {
    "born": _DAY,
    "born_precision": _one_of("day", "month", "year", "unknown"),
    "sex": _one_of("female", "male", "other", "unknown"),
    "joined": _DAY,
    "left": _DAY,
    "died": _DAY,
}
_TABLES: dict[str, tuple[dict[str, Test], tuple[str, ...]]] = {
    "plans": (
        {
            "product": _TEXT,
            "type": _one_of("acute", "repeat", "erd", "automatic", "hospital", "other"),
            "from": _DAY,
            "until": _DAY,
            "dose": _TEXT,
            "dose_changed": _DAY,
            "for": _TEXT,
        },
        ("product",),
    ),
    "problems": (
        {"codes": _TEXT, "from": _DAY, "until": _DAY, "past": _FLAG},
        ("codes",),
    ),
    "allergies": ({"substance": _TEXT, "from": _DAY}, ("substance",)),
    "admissions": (
        {
            "kind": _one_of("emergency", "elective", "day case", "other"),
            "admitted": _DAY,
            "discharged": _DAY,
        },
        ("kind",),
    ),
    "documents": (
        {
            "kind": _one_of("discharge", "outpatient", "emergency", "registration", "other"),
            "about": _DAY,
            "received": _DAY,
        },
        ("kind", "received"),
    ),
}
"""Each table of an example: its settings, and those that must be there."""

_LISTS: dict[str, tuple[tuple[str, Test], ...]] = {
    "issues": (("day", _DAY), ("product", _TEXT), ("quantity", _NUMBER), ("unit", _TEXT),
               ("dose", _TEXT)),
    "entries": (("day", _WHEN), ("code set", _TEXT), ("value", _VALUE), ("unit", _TEXT)),
}  # fmt: skip
"""Each list of rows: its cells in order; the first two must be there."""

_KNOWN = {"name", "as_of", "expect", "patient", *_LISTS, *_TABLES}


def read_examples(file: RuleFile, data: object) -> tuple[Example, ...]:
    """The ``[[examples]]`` of a file; what is wrong with them goes to the file."""
    rows = data if isinstance(data, list) else []
    if not isinstance(data, list):
        file.wrong("", "examples", "examples are written as [[examples]] tables", data)
    if len(rows) > MOST_EXAMPLES:
        file.wrong("", "examples", f"a rule has at most {MOST_EXAMPLES} examples", len(rows))
        return ()
    found = []
    for file.nth, row in enumerate(rows):
        if not isinstance(row, dict):
            file.wrong("", "examples", "an example is an [[examples]] table", row)
            continue
        before = len(file.mistakes)
        listed = ", ".join(sorted(_KNOWN))
        row = file.named(row, "examples", _KNOWN, f"an example has {listed}, not {{key}}")
        name, as_of, expect = (
            file.text(row, "examples", "name"),
            row.get("as_of"),
            row.get("expect"),
        )
        if not _date(as_of):
            file.wrong("examples", "as_of", "as_of must be a date such as 2026-06-01", as_of)
        if expect not in ("open", "cannot_tell", "clear"):
            file.wrong("examples", "expect", "expect must be open, cannot_tell or clear", expect)
        _settings(file, "patient", row.get("patient", {}), _PATIENT, ())
        for key, cells in _LISTS.items():
            _rows(file, key, row.get(key, []), cells)
        for key, (settings, needed) in _TABLES.items():
            _tables(file, key, row.get(key, []), settings, needed)
        if len(file.mistakes) == before:
            assert isinstance(as_of, date)
            assert isinstance(expect, str)
            found.append(_example(row, name, to_day(as_of), expect, file.place("examples")[0]))
    file.nth = 0
    return tuple(found)


def _example(row: dict[str, Any], name: str, as_of: int, expect: Any, line: int) -> Example:
    lists: dict[str, Any] = {
        key: tuple(tuple(cells) for cells in row.get(key, ())) for key in _LISTS
    }
    tables: dict[str, Any] = {key: tuple(row.get(key, ())) for key in _TABLES}
    return Example(name, as_of, expect, row.get("patient", {}), line=line, **lists, **tables)


def _rows(file: RuleFile, key: str, data: object, cells: tuple[tuple[str, Test], ...]) -> None:
    shape = ", ".join(name for name, _ in cells)
    if not isinstance(data, list) or len(data) > MOST_ROWS:
        file.wrong("examples", key, f"{key} is a list of [{shape}], at most {MOST_ROWS}")
        return
    for row in data:
        if not isinstance(row, list) or not 2 <= len(row) <= len(cells):
            file.wrong("examples", key, f"each of {key} is [{shape}]", row)
            continue
        for (name, (right, expected)), value in zip(cells, row, strict=False):
            if not right(value):
                file.wrong("examples", key, f"the {name} in {key} must be {expected}", value)


def _tables(
    file: RuleFile, key: str, data: object, settings: dict[str, Test], needed: tuple[str, ...]
) -> None:
    if not isinstance(data, list) or len(data) > MOST_ROWS:
        file.wrong("examples", key, f"{key} is a list of {{ {', '.join(settings)} }}", data)
        return
    for row in data:
        _settings(file, key, row, settings, needed)


def _settings(
    file: RuleFile, key: str, row: object, settings: dict[str, Test], needed: tuple[str, ...]
) -> None:
    if not isinstance(row, dict) or any(name not in row for name in needed):
        must = f" with {' and '.join(needed)}" if needed else ""
        file.wrong("examples", key, f"{key} must be {{ {', '.join(settings)} }}{must}", row)
        return
    for name, value in row.items():
        if name not in settings:
            file.wrong("examples", key, f"{key} has {', '.join(settings)}", name)
        elif not settings[name][0](value):
            file.wrong("examples", key, f"{name} in {key} must be {settings[name][1]}", value)

"""One FHIR element with its place: every access either gives the type asked for or says where not.

An element that is absent is ``None`` or empty. An element of another type than FHIR gives it
raises :class:`UnreadableError` with its JSON path, so that a resource is rejected with its place and
never half read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from counterfoil.records.importers.shown import EARLIEST, LATEST, found

_DATE_TIME = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T[\d:.,]+(?:Z|[+-]\d\d:?\d\d)?)?)?)?\Z", re.ASCII
)
_UTC = re.compile(r"T2[23].*(?:Z|[+-]00:?00)\Z")
_ENGLAND = ZoneInfo("Europe/London")
_NUMBER = re.compile(r"-?\d{1,20}(\.\d{1,20})?\Z", re.ASCII)


class UnreadableError(Exception):
    """An element that is not what FHIR says it is. The text holds path and expectation."""

    def __init__(self, path: str, expected: str, value: object = None) -> None:
        shown = "" if value is None else f", found {found(value)}"
        super().__init__(f"{path}: expected {expected}{shown}")


@dataclass(frozen=True)
class Moment:
    """A day with its precision: ``day``, ``month`` or ``year``; the first day of a longer span.

    ``day`` is ``None`` where the source's date stands for "none" (the year 9999).
    """

    day: date | None
    precision: str


@dataclass(frozen=True)
class Element:
    """A JSON object at a path such as ``entry[3].resource.code``.

    ``odd_days`` collects the paths of days that stand for "none"; a document has one such set.
    """

    value: Mapping[str, Any]
    path: str
    odd_days: set[str] = field(default_factory=set, compare=False, repr=False)

    def has(self, name: str) -> bool:
        """Whether the element is there at all."""
        return self.value.get(name) is not None

    def child(self, name: str) -> Element | None:
        """An object; of a list, where FHIR allows one only, the first."""
        every = self.children(name)
        return every[0] if every else None

    def children(self, name: str) -> list[Element]:
        """A list of objects; one alone counts as a list of one."""
        value = self.value.get(name)
        if value is None:
            return []
        if isinstance(value, dict):
            return [Element(value, f"{self.path}.{name}", self.odd_days)]
        if not isinstance(value, list):
            raise UnreadableError(f"{self.path}.{name}", "an object", value)
        for index, each in enumerate(value):
            if not isinstance(each, dict):
                raise UnreadableError(f"{self.path}.{name}[{index}]", "an object")
        return [
            Element(each, f"{self.path}.{name}[{i}]", self.odd_days) for i, each in enumerate(value)
        ]

    def text(self, name: str) -> str | None:
        """Text as sent; ``None`` where there is none or it is blank; a list of one counts as one."""
        value = self.value.get(name)
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if value is None:
            return None
        if not isinstance(value, str) or not _is_storable(value):
            raise UnreadableError(f"{self.path}.{name}", "text")
        return value if value.strip() else None

    def texts(self, name: str) -> list[str]:
        """A list of text; one alone counts as a list of one."""
        value = self.value.get(name)
        values = value if isinstance(value, list) else [] if value is None else [value]
        if not all(isinstance(each, str) and _is_storable(each) for each in values):
            raise UnreadableError(f"{self.path}.{name}", "text")
        return [each for each in values if each.strip()]

    def number(self, name: str) -> Decimal | None:
        """A number, exact as written."""
        value = self.value.get(name)
        if value is None:
            return None
        # The published examples of the standard themselves send numbers as text.
        if isinstance(value, str) and _NUMBER.match(value):
            value = Decimal(value)
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise UnreadableError(f"{self.path}.{name}", "a number")
        return Decimal(value)

    def count(self, name: str) -> int | None:
        """A whole number."""
        value = self.number(name)
        if value is None:
            return None
        if value != value.to_integral() or abs(value) >= 10**9:
            raise UnreadableError(f"{self.path}.{name}", "a whole number", value)
        return int(value)

    def flag(self, name: str) -> bool | None:
        """true or false."""
        value = self.value.get(name)
        if value is None or isinstance(value, bool):
            return value
        raise UnreadableError(f"{self.path}.{name}", "true or false")

    def moment(self, name: str) -> Moment | None:
        """A FHIR date or dateTime. The day is that written; of a time in UTC, that in England."""
        text = self.text(name)
        if text is None:
            return None
        match = _DATE_TIME.match(text)
        try:
            if match is None:
                raise ValueError
            year, month, day = match.groups()
            value = date(int(year), int(month or 1), int(day or 1))
            if _UTC.search(text):
                value = _in_england(text, value)
        except ValueError:
            raise UnreadableError(f"{self.path}.{name}", "a FHIR date", text) from None
        usual = EARLIEST <= value <= LATEST
        if not usual:
            self.odd_days.add(f"{self.path}.{name}")
        return Moment(value if usual else None, "day" if day else "month" if month else "year")

    def day(self, name: str) -> date | None:
        """The day of a date or dateTime."""
        moment = self.moment(name)
        return moment.day if moment else None

    def extension(self, *names: str) -> Element | None:
        """The first extension whose url ends with one of these names.

        GP Connect spells the same extension with and without "GPC-", on two hosts.
        """
        for each in self.children("extension"):
            url = (each.text("url") or "").rsplit("/", 1)[-1].replace("-GPC-", "-")
            if url in names:
                return each
        return None


def _in_england(text: str, written: date) -> date:
    """The day in England of a time in UTC: 23:00 on a day in summer is the next day's midnight."""
    try:
        return datetime.fromisoformat(text).astimezone(_ENGLAND).date()
    except (ValueError, OverflowError):
        return written


def _is_storable(text: str) -> bool:
    """Whether text can be written as UTF-8 and held by a database: no half pairs, no NUL."""
    if "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

"""A rotation problem out of plain values, every mistake named."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from counterfoil.foundation.days import to_day
from counterfoil.foundation.errors import DataError
from counterfoil.foundation.errors import Problem as Mistake
from counterfoil.workforce.model import (
    SECTORS,
    Held,
    Leave,
    Person,
    Placement,
    Problem,
    Sector,
    Site,
)

MOST = {"person": 200, "site": 100}
LARGEST = 50_000
"""People times blocks times sites: beyond it a plan would take hours, so it is refused at once."""
MISSING = object()


def parse_problem(raw: Mapping[str, Any], place: str) -> Problem:
    """The problem in *raw*; *place* names the file in messages. ``DataError`` names every mistake."""
    reading = _Reading(place)
    problem = reading.problem(raw)
    if problem.size > LARGEST:
        said = f"people times blocks times sites may be at most {LARGEST:,}; plan in parts"
        reading.wrong(place, said, problem.size)
    if reading.mistakes:
        raise DataError(*reading.mistakes)
    return problem


class _Reading:
    """One file being read: values out, mistakes gathered."""

    def __init__(self, place: str) -> None:
        self.place = place
        self.mistakes: list[Mistake] = []

    def wrong(self, place: str, expected: str, found: Any = MISSING) -> None:
        shown = "" if found is MISSING else repr(found)[:60]
        self.mistakes.append(Mistake(place, expected, shown))

    # -- values ----------------------------------------------------------------------------

    def keys(self, raw: Mapping[str, Any], place: str, known: Iterable[str]) -> None:
        allowed = {*known, "_place"}
        for key in raw:
            if key not in allowed:
                named = ", ".join(sorted(allowed - {"_place"}))
                self.wrong(place, f"'{key}' is not known here; known are {named}")

    def text(self, raw: Mapping[str, Any], key: str, place: str, default: str | None = None) -> str:
        value = raw.get(key, default)
        if not isinstance(value, str) or not value.strip() or len(value) > 80:
            self.wrong(f"{place}, {key}", "a text of 1 to 80 characters is needed", value)
            return default or "?"
        return value.strip()

    def number(
        self, raw: Mapping[str, Any], key: str, place: str, default: Any, low: float, high: float
    ) -> int:
        """A number of at most two decimals, in hundredths."""
        value = raw.get(key, default)
        whole = isinstance(value, int | float) and not isinstance(value, bool)
        if (
            not whole
            or not math.isfinite(value)
            or not low <= value <= high
            or abs(value * 100 - round(value * 100)) > 1e-6
        ):
            said = f"a number from {low:g} to {high:g} with at most two decimals is needed"
            self.wrong(f"{place}, {key}", said, value)
            return round(100 * (default or low))
        hundredths: int = round(value * 100)
        return hundredths

    def count(
        self, raw: Mapping[str, Any], key: str, place: str, default: Any, low: int, high: int
    ) -> Any:
        value = raw.get(key, default)
        if value is None and default is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            self.wrong(f"{place}, {key}", f"a whole number from {low} to {high} is needed", value)
            return default if default is not None else low
        return value

    def flag(self, raw: Mapping[str, Any], key: str, place: str, default: bool) -> bool:
        value = raw.get(key, default)
        if not isinstance(value, bool):
            self.wrong(
                f"{place}, {key}", "true or false is needed (in a CSV file: yes or no)", value
            )
            return default
        return value

    def day(self, raw: Mapping[str, Any], key: str, place: str, needed: bool) -> int | None:
        value = raw.get(key)
        if value is None and not needed:
            return None
        if isinstance(value, str):
            try:
                value = date.fromisoformat(value)
            except ValueError:
                value = raw.get(key)
        if (
            not isinstance(value, date)
            or isinstance(value, datetime)
            or not 1990 <= value.year < 2200
        ):
            shown = MISSING if value is None else value
            self.wrong(f"{place}, {key}", "a date such as 2027-01-04 is needed", shown)
            return 0
        return to_day(value)

    def rows(
        self, raw: Mapping[str, Any], key: str, place: str
    ) -> list[tuple[str, dict[str, Any]]]:
        """The objects of a list, each with its place."""
        value = raw.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            self.wrong(f"{place}, {key}", "a list of objects is needed", value)
            return []
        return [(one.get("_place", f"{place}, {key} {i}"), one) for i, one in enumerate(value, 1)]

    def mapping(self, raw: Mapping[str, Any], key: str, place: str) -> Mapping[str, Any]:
        value = raw.get(key, {})
        if not isinstance(value, dict):
            self.wrong(f"{place}, {key}", "names with a number each are needed", value)
            return {}
        return value

    def names(self, raw: Mapping[str, Any], key: str, place: str) -> list[str]:
        value = raw.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
            self.wrong(f"{place}, {key}", "a list of names is needed", value)
            return []
        return value

    # -- the problem -----------------------------------------------------------------------

    def problem(self, raw: Mapping[str, Any]) -> Problem:
        known = ("rota", "person", "site", "competency", "need", "leave", "preference", "placement")
        self.keys(raw, self.place, known)
        rota, place = raw.get("rota"), f"{self.place}, rota"
        if not isinstance(rota, dict):
            self.wrong(place, "a rota with start, blocks and weeks is needed")
            rota = {"start": date(2027, 1, 4)}
        self.keys(rota, place, ("start", "blocks", "weeks", "education"))
        blocks = self.count(rota, "blocks", place, 13, 1, 53)
        sites = self.sites(raw)
        people = self.people(raw, {site.id for site in sites})
        return Problem(
            start=self.day(rota, "start", place, needed=True) or 0,
            blocks=blocks,
            weeks=self.count(rota, "weeks", place, 4, 1, 13),
            people=tuple(people),
            sites=tuple(sites),
            fixed=tuple(self.fixed(raw, people, sites, blocks)),
            education=self.education(rota, place, blocks),
        )

    def education(self, rota: Mapping[str, Any], place: str, blocks: int) -> dict[str, int]:
        given = self.mapping(rota, "education", place)
        place = f"{place}, education"
        self.keys(given, place, SECTORS)
        least: dict[str, int] = {} if "education" in rota else dict.fromkeys(SECTORS, 1)
        return {
            **least,
            **{s: self.count(given, s, place, 0, 0, blocks) for s in SECTORS if s in given},
        }

    def unique(self, key: str, raw: Mapping[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
        """(id, place, object) of each, with an id that no other has."""
        rows = self.rows(raw, key, self.place)
        if not rows:
            self.wrong(f"{self.place}, {key}", f"at least one {key} is needed")
        if len(rows) > MOST[key]:
            self.wrong(f"{self.place}, {key}", f"at most {MOST[key]} are understood", len(rows))
            rows = rows[:1]
        found: dict[str, tuple[str, str, dict[str, Any]]] = {}
        for place, one in rows:
            name = self.text(one, "id", place)
            if name in found:
                self.wrong(f"{place}, id", f"each {key} has an id of its own", name)
            found[name] = (name, place, one)
        return list(found.values())

    def sites(self, raw: Mapping[str, Any]) -> list[Site]:
        more: dict[str, dict[str, int]] = {}
        for place, one in self.rows(raw, "need", self.place):
            self.keys(one, place, ("site", "competency", "people"))
            people = self.count(one, "people", place, 1, 1, 200)
            more.setdefault(self.text(one, "site", place), {})[
                self.text(one, "competency", place)
            ] = people
        found = []
        for name, place, one in self.unique("site", raw):
            known = ("id", "name", "sector", "minimum_wte", "maximum_people", "requires", "needs")
            self.keys(one, place, known)
            sector = one.get("sector")
            if sector not in SECTORS:
                self.wrong(f"{place}, sector", "acute or primary is needed", sector)
            needs = self.mapping(one, "needs", place)
            found.append(
                Site(
                    id=name,
                    name=self.text(one, "name", place, name),
                    sector=_sector(sector),
                    minimum_wte=self.number(one, "minimum_wte", place, 0, 0, 200),
                    maximum_people=self.count(one, "maximum_people", place, None, 0, 200),
                    requires=frozenset(self.names(one, "requires", place)),
                    needs={
                        **{
                            str(key): self.count(needs, key, f"{place}, needs", 1, 1, 200)
                            for key in needs
                        },
                        **more.pop(name, {}),
                    },
                )
            )
        for name in more:
            self.wrong(f"{self.place}, need", "a need is of a site that is listed", name)
        return found

    def people(self, raw: Mapping[str, Any], sites: set[str]) -> list[Person]:
        lists = {key: self.by_person(raw, key) for key in ("competency", "leave", "preference")}
        found = []
        for name, place, one in self.unique("person", raw):
            known = ("id", "name", "wte", "rotates", "competencies", "leave", "prefers", "now")
            self.keys(one, place, known)
            now = one.get("now")
            if now is not None and not (isinstance(now, str) and now in sites):
                self.wrong(f"{place}, now", "the id of a site that is listed is needed", now)
            found.append(
                Person(
                    id=name,
                    name=self.text(one, "name", place, name),
                    wte=self.number(one, "wte", place, 1, 0.01, 1),
                    rotates=self.flag(one, "rotates", place, True),
                    competencies=(
                        *self.held(one, place),
                        *(self.one_held(r, p) for p, r in lists["competency"].pop(name, [])),
                    ),
                    leave=tuple(
                        self.one_leave(r, p)
                        for p, r in (
                            *self.rows(one, "leave", place),
                            *lists["leave"].pop(name, []),
                        )
                    ),
                    prefers=self.prefers(one, place, sites, lists["preference"].pop(name, [])),
                    now=now if isinstance(now, str) and now in sites else None,
                )
            )
        for key, left in lists.items():
            for name, rows in left.items():
                place = rows[0][0]
                self.wrong(f"{place}, person", f"a {key} is of a person who is listed", name)
        return found

    def by_person(
        self, raw: Mapping[str, Any], key: str
    ) -> dict[str, list[tuple[str, dict[str, Any]]]]:
        found: dict[str, list[tuple[str, dict[str, Any]]]] = {}
        for place, one in self.rows(raw, key, self.place):
            found.setdefault(self.text(one, "person", place), []).append((place, one))
        return found

    def held(self, raw: Mapping[str, Any], place: str) -> Iterable[Held]:
        value = raw.get("competencies", [])
        place = f"{place}, competencies"
        if not isinstance(value, list):
            self.wrong(place, "a list is needed", value)
            return
        for i, one in enumerate(value, 1):
            if isinstance(one, str) and one:
                yield Held(one)
            elif isinstance(one, dict):
                yield self.one_held(one, f"{place} {i}")
            else:
                self.wrong(f"{place} {i}", "a name, or a competency with from and to", one)

    def one_held(self, raw: Mapping[str, Any], place: str) -> Held:
        self.keys(raw, place, ("person", "competency", "from", "to"))
        since, until = (self.day(raw, key, place, needed=False) for key in ("from", "to"))
        if since is not None and until is not None and until <= since:
            self.wrong(f"{place}, to", "a date after from is needed")
        return Held(self.text(raw, "competency", place), since, until)

    def one_leave(self, raw: Mapping[str, Any], place: str) -> Leave:
        self.keys(raw, place, ("person", "from", "to"))
        first = self.day(raw, "from", place, needed=True) or 0
        last = self.day(raw, "to", place, needed=True) or 0
        if last < first:
            self.wrong(f"{place}, to", "the last day of leave, not before the first, is needed")
        return Leave(first, last)

    def prefers(
        self,
        raw: Mapping[str, Any],
        place: str,
        sites: set[str],
        rows: list[tuple[str, dict[str, Any]]],
    ) -> dict[str, int]:
        inside = self.mapping(raw, "prefers", place)
        found: dict[str, int] = {}
        given = [(f"{place}, prefers", str(site), {"score": inside[site]}) for site in inside]
        for where, one in rows:
            self.keys(one, where, ("person", "site", "score"))
            given.append((where, self.text(one, "site", where), one))
        for where, site, one in given:
            if site not in sites:
                self.wrong(where, "a preference is for a site that is listed", site)
            found[site] = self.count(one, "score", where, 0, -3, 3)
        return found

    def fixed(
        self, raw: Mapping[str, Any], people: list[Person], sites: list[Site], blocks: int
    ) -> Iterable[Placement]:
        known = {person.id for person in people}, {site.id for site in sites}
        for place, one in self.rows(raw, "placement", self.place):
            self.keys(one, place, ("person", "block", "site"))
            block = self.count(one, "block", place, 1, 1, blocks)
            person, site = (self.text(one, key, place) for key in ("person", "site"))
            for key, value, ids in zip(("person", "site"), (person, site), known, strict=True):
                if value not in ids:
                    self.wrong(f"{place}, {key}", f"the id of a {key} that is listed", value)
            yield Placement(person, block, site)


def _sector(value: Any) -> Sector:
    return "acute" if value == "acute" else "primary"

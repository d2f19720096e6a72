"""The registered protocol of a pilot: read, checked, and frozen by its hash.

A protocol says before the analysis what will be counted and how it will be judged. The hash is of
its canonical JSON: whoever changes a word afterwards changes the hash.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

from counterfoil.evidence.measures import Measure, all_measures
from counterfoil.evidence.series import read_text
from counterfoil.foundation.days import to_date, to_day, words
from counterfoil.foundation.errors import DataError, Problem

PHASES = ("baseline", "delivery", "analysis")
MOST_SECONDARY = 4
Role = Literal["pilot", "comparison"]


@dataclass(frozen=True, slots=True)
class Phase:
    """A phase of the pilot; first and last day both included."""

    name: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class PilotSite:
    """A practice in the pilot and the day it starts; a ``comparison`` site never starts."""

    id: str
    name: str
    role: Role
    starts: int | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """A measure that was registered, and the smallest change that matters, in its unit."""

    measure: Measure
    smallest_change: float | None
    why: str


@dataclass(frozen=True)
class Protocol:
    """A protocol as registered. ``baseline_weeks``: weekly points from the record before delivery
    that set the limits. ``seed`` is what the order of starts was randomised by, if it was."""

    id: str
    title: str
    version: int
    registered_on: int
    baseline_weeks: int
    seed: int | None
    phases: tuple[Phase, ...]
    sites: tuple[PilotSite, ...]
    primary: Outcome
    secondary: tuple[Outcome, ...]
    sha256: str

    def phase(self, name: str) -> Phase:
        """One phase by name."""
        return next(phase for phase in self.phases if phase.name == name)

    def phase_on(self, day: int) -> Phase | None:
        """The phase a day lies in; None before and after the pilot."""
        return next((p for p in self.phases if p.first <= day <= p.last), None)

    @property
    def delivery_weeks(self) -> int:
        """Whole weeks of the delivery phase."""
        phase = self.phase("delivery")
        return (phase.last - phase.first + 1) // 7

    @property
    def pilot_sites(self) -> tuple[PilotSite, ...]:
        """The sites that start."""
        return tuple(site for site in self.sites if site.role == "pilot")

    @property
    def comparisons(self) -> tuple[PilotSite, ...]:
        """The sites that never start."""
        return tuple(site for site in self.sites if site.role == "comparison")

    @property
    def staggered(self) -> bool:
        """Whether sites start on different days."""
        return len({site.starts for site in self.pilot_sites}) > 1


def read(path: Path) -> Protocol:
    """The protocol of a TOML file. ``DataError`` names every mistake by its place in the file."""
    try:
        raw = tomllib.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise DataError.at(path.name, "TOML is needed", str(error)[:120]) from None
    return parse(raw, path.name)


def fingerprint(raw: Mapping[str, Any]) -> str:
    """sha256 of the canonical JSON of a protocol: keys in order, no spaces, dates in ISO form.

    A key ``frozen`` is left out, because it holds this value.
    """
    content = {key: value for key, value in raw.items() if key != "frozen"}
    text = json.dumps(
        content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_iso
    )
    return hashlib.sha256(text.encode()).hexdigest()


def _iso(value: Any) -> str:
    return str(value.isoformat())


def parse(raw: Mapping[str, Any], place: str) -> Protocol:
    """The protocol in plain values; a ``frozen`` that is not its hash is a mistake."""
    reading = _Reading(place)
    protocol = reading.protocol(raw)
    problems = [*reading.problems, *([] if reading.problems else _checks(protocol, raw, place))]
    if problems:
        raise DataError(*problems)
    return protocol


class _Reading:
    def __init__(self, place: str) -> None:
        self.place = place
        self.problems: list[Problem] = []

    def wrong(self, where: str, expected: str, found: Any = None) -> None:
        shown = "nothing" if found is None else str(found)[:60]
        self.problems.append(Problem(f"{self.place}, {where}", expected, shown))

    def keys(self, raw: Mapping[str, Any], where: str, known: tuple[str, ...]) -> None:
        for key in raw:
            if key not in known:
                self.wrong(f"{where}{key}", f"known here are {', '.join(known)}", key)

    def text(self, raw: Mapping[str, Any], key: str, where: str, default: str | None = None) -> str:
        value = raw.get(key, default)
        if not isinstance(value, str) or (not value.strip() and default is None):
            self.wrong(f"{where}{key}", "a text is needed", value)
            return "?"
        return value.strip()

    def whole(
        self, raw: Mapping[str, Any], key: str, where: str, low: int, default: int | None = None
    ) -> int:
        value = raw.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < low:
            self.wrong(f"{where}{key}", f"a whole number of {low} or more is needed", value)
            return low
        return value

    def day(self, raw: Mapping[str, Any], key: str, where: str) -> int:
        value = raw.get(key)
        if type(value) is not date:
            self.wrong(f"{where}{key}", "a date such as 2027-01-04 is needed", value)
            return 0
        return to_day(value)

    def rows(self, raw: Mapping[str, Any], key: str) -> list[tuple[str, Mapping[str, Any]]]:
        value = raw.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            self.wrong(key, f"[[{key}]] tables are needed", value)
            return []
        return [(f"{key} {i}, ", one) for i, one in enumerate(value, 1)]

    def outcome(self, raw: Any, where: str) -> Outcome | None:
        if not isinstance(raw, dict):
            self.wrong(where, "a table with measure is needed", raw)
            return None
        self.keys(raw, f"{where}, ", ("measure", "smallest_change", "why"))
        name, known = raw.get("measure"), all_measures()
        if not isinstance(name, str) or name not in known:
            self.wrong(f"{where}, measure", f"one of {', '.join(known)} is needed", name)
            return None
        change = raw.get("smallest_change", known[name].smallest_change)
        if change is not None and (
            not isinstance(change, int | float) or isinstance(change, bool) or not 0 < change < 1e9
        ):
            self.wrong(f"{where}, smallest_change", "a number above 0 is needed", change)
            change = None
        why = self.text(raw, "why", f"{where}, ", "")
        return Outcome(known[name], None if change is None else float(change), why)

    def protocol(self, raw: Mapping[str, Any]) -> Protocol:
        known = ("protocol", "phase", "site", "primary", "secondary", "frozen")
        self.keys(raw, "", known)
        head = raw.get("protocol")
        if not isinstance(head, dict):
            self.wrong("protocol", "a table with id, title and registered_on is needed", head)
            head = {}
        at = "protocol, "
        names = ("id", "title", "version", "registered_on", "baseline_weeks", "seed")
        self.keys(head, at, names)
        primary = self.outcome(raw.get("primary"), "primary")
        secondary = [
            self.outcome(one, where.rstrip(", ")) for where, one in self.rows(raw, "secondary")
        ]
        fallback = next(iter(all_measures().values()))
        return Protocol(
            id=self.text(head, "id", at),
            title=self.text(head, "title", at),
            version=self.whole(head, "version", at, 1, 1),
            registered_on=self.day(head, "registered_on", at),
            baseline_weeks=self.whole(head, "baseline_weeks", at, 0),
            seed=self.whole(head, "seed", at, 0) if "seed" in head else None,
            phases=tuple(self.phase(one, where) for where, one in self.rows(raw, "phase")),
            sites=tuple(self.site(one, where) for where, one in self.rows(raw, "site")),
            primary=primary or Outcome(fallback, None, ""),
            secondary=tuple(one for one in secondary if one is not None),
            sha256=fingerprint(raw),
        )

    def phase(self, raw: Mapping[str, Any], where: str) -> Phase:
        self.keys(raw, where, ("name", "from", "to"))
        name = self.text(raw, "name", where)
        return Phase(name, self.day(raw, "from", where), self.day(raw, "to", where))

    def site(self, raw: Mapping[str, Any], where: str) -> PilotSite:
        self.keys(raw, where, ("id", "name", "role", "starts"))
        name, role = self.text(raw, "id", where), raw.get("role", "pilot")
        if role not in ("pilot", "comparison"):
            self.wrong(f"{where}role", "pilot or comparison is needed", role)
        starts = None
        if role == "comparison":
            if "starts" in raw:
                self.wrong(f"{where}starts", "a comparison site never starts", raw["starts"])
        else:
            starts = self.day(raw, "starts", where)
        kind: Role = "comparison" if role == "comparison" else "pilot"
        return PilotSite(name, self.text(raw, "name", where, name), kind, starts)


def _checks(protocol: Protocol, raw: Mapping[str, Any], place: str) -> Iterator[Problem]:
    """What only shows when the parts are seen together."""
    yield from _phases(protocol, place)
    yield from _sites(protocol, place)
    outcomes = [protocol.primary, *protocol.secondary]
    names = [one.measure.id for one in outcomes]
    if len(set(names)) < len(names):
        yield Problem(f"{place}, secondary", "each measure is registered once", ", ".join(names))
    if len(protocol.secondary) > MOST_SECONDARY:
        yield Problem(
            f"{place}, secondary",
            f"one primary outcome and at most {MOST_SECONDARY} others: "
            "with many outcomes some change by chance",
            str(len(protocol.secondary)),
        )
    if protocol.primary.smallest_change is None:
        yield Problem(
            f"{place}, primary, smallest_change",
            "the smallest change that would matter, in "
            f"{protocol.primary.measure.unit}, is said before the analysis",
        )
    if "frozen" in raw and raw["frozen"] != protocol.sha256:
        yield Problem(
            f"{place}, frozen",
            "the protocol is not the one that was frozen: its text has changed since. "
            f"Its hash is now {protocol.sha256}",
            str(raw["frozen"])[:64],
        )


def _phases(protocol: Protocol, place: str) -> Iterator[Problem]:
    names = tuple(phase.name for phase in protocol.phases)
    if names != PHASES:
        found = ", ".join(names) or "none"
        yield Problem(
            f"{place}, phase", f"the phases are {', '.join(PHASES)}, in this order", found
        )
        return
    for phase in protocol.phases:
        if phase.last < phase.first:
            yield Problem(f"{place}, phase {phase.name}", "a phase does not end before it begins")
    for before, after in zip(protocol.phases, protocol.phases[1:], strict=False):
        if after.first != before.last + 1:
            yield Problem(
                f"{place}, phase {after.name}, from",
                f"a phase begins on the day after the one before it: {to_date(before.last + 1)}",
                str(to_date(after.first)),
            )
    if protocol.registered_on > protocol.phase("delivery").first:
        yield Problem(
            f"{place}, protocol, registered_on",
            "a protocol is registered no later than delivery begins, "
            f"on {words(protocol.phase('delivery').first)}",
            words(protocol.registered_on),
        )


def _sites(protocol: Protocol, place: str) -> Iterator[Problem]:
    names = [site.id for site in protocol.sites]
    if not protocol.pilot_sites:
        yield Problem(f"{place}, site", "at least one site that starts is needed")
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Problem(f"{place}, site", "each site stands once", name)
    delivery = next((p for p in protocol.phases if p.name == "delivery"), None)
    for i, site in enumerate(protocol.sites, 1):
        if (
            delivery
            and site.starts is not None
            and not delivery.first <= site.starts <= delivery.last
        ):
            yield Problem(
                f"{place}, site {i}, starts",
                f"a site starts within delivery, {words(delivery.first)} to {words(delivery.last)}",
                words(site.starts),
            )
    if protocol.seed is not None and not protocol.staggered:
        yield Problem(
            f"{place}, protocol, seed",
            "a seed randomises the order of starts, so sites must start on different days",
        )

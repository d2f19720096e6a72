"""Rule files: TOML that a pharmacist can read aloud, read into :mod:`counterfoil.rules.model`.

Every mistake gets one message that names the file, the line and what to write instead. A file is
refused whole; nothing of it runs. The format is described in docs/reference/rules.md.
"""

from __future__ import annotations

import re
import tomllib
from datetime import date
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

from counterfoil.foundation.days import to_day
from counterfoil.foundation.errors import DataError, Problem
from counterfoil.rules import model
from counterfoil.rules.expression import parse
from counterfoil.rules.model import Clause, Example, Fact, Length, Rule, Source

_LENGTH = re.compile(r"(\d{1,3}) (day|week|month|year)s?")
_ID = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
_TEXTS = (
    "title",
    "theme",
    "class",
    "why",
    "owner",
    "urgency",
    "subject",
    "technician",
    "hands_over",
)
_KNOWN = {
    *_TEXTS,
    "id",
    "version",
    "when",
    "at_risk",
    "driver",
    "near_days",
    "source",
    "facts",
    "examples",
}
_OWNERS = ("technician", "pharmacist", "prescriber")
_URGENCIES = ("same_day", "week", "month", "routine")
_EXAMPLE = {"name", "as_of", "expect", "patient", "issues", "plans", "entries"}


class _File:
    """One rule file while it is read: collects the mistakes with their lines."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.lines = text.splitlines()
        self.problems: list[Problem] = []

    def line(self, table: str, key: str = "") -> int:
        """The line of a key within a table, as near as can be told."""
        inside = table == ""
        for number, line in enumerate(self.lines, 1):
            words = line.strip()
            if words.startswith("["):
                inside = words.strip("[] ") == table
                if inside and not key:
                    return number
            elif inside and key and re.match(rf"{re.escape(key)}\s*=", words):
                return number
        return 1

    def wrong(self, table: str, key: str, expected: str, found: object = "") -> None:
        place = f"{self.name}, line {self.line(table, key)}"
        self.problems.append(Problem(place, expected, str(found)))

    def text(self, data: dict[str, Any], table: str, key: str, default: str | None = None) -> str:
        value = data.get(key, default)
        if not isinstance(value, str) or not value.strip():
            self.wrong(
                table,
                key,
                f"{key} must be a text" + (f" in [{table}]" if table else ""),
                "" if value is None else value,
            )
            return ""
        return value.strip()

    def length(self, data: dict[str, Any], table: str, key: str) -> Length:
        value = data.get(key)
        found = _LENGTH.fullmatch(value) if isinstance(value, str) else None
        if not found or int(found[1]) == 0:
            self.wrong(
                table,
                key,
                f'{key} must be a length such as "3 months" or "84 days"',
                "" if value is None else value,
            )
            return Length(days=1)
        count, unit = int(found[1]), found[2]
        if unit in ("month", "year"):
            return Length(months=count * (12 if unit == "year" else 1))
        return Length(days=count * (7 if unit == "week" else 1))

    def whole(self, data: dict[str, Any], table: str, key: str, default: int | None = None) -> int:
        value = data.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool):
            self.wrong(table, key, f"{key} must be a whole number", "" if value is None else value)
            return 1
        return value


def read_rule(text: str, name: str) -> Rule:
    """One rule from the text of a rule file; ``DataError`` lists every mistake found."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError.at(name, f"the file must be TOML; {error}") from None
    source = _File(name, text)
    for key in data.keys() - _KNOWN:
        near = "; did you mean one of " + ", ".join(sorted(_KNOWN))
        source.wrong("", key, f"there is no setting called {key}{near}")
    values = {key: source.text(data, "", key) for key in _TEXTS}
    if values["owner"] not in _OWNERS:
        source.wrong("", "owner", "owner must be one of " + ", ".join(_OWNERS), values["owner"])
    if values["urgency"] not in _URGENCIES:
        source.wrong(
            "", "urgency", "urgency must be one of " + ", ".join(_URGENCIES), values["urgency"]
        )
    rule_id = source.text(data, "", "id")
    if rule_id and not _ID.fullmatch(rule_id):
        source.wrong("", "id", "id must read theme.name in lower case", rule_id)
    clauses = _clauses(source, data.get("facts"))
    when, at_risk = (
        _expression(source, data, "when", clauses),
        _expression(source, data, "at_risk", clauses),
    )
    driver = source.text(data, "", "driver")
    if driver and driver not in clauses:
        source.wrong("", "driver", "driver must name one of the facts", driver)
    if source.problems:
        raise DataError(*source.problems)
    rule = Rule(
        id=rule_id,
        version=source.whole(data, "", "version"),
        title=values["title"],
        theme=values["theme"],
        klass=values["class"],
        why=values["why"],
        owner=values["owner"],
        urgency=values["urgency"],
        subject=values["subject"],
        clauses=tuple(clauses.values()),
        when=when,
        at_risk=at_risk,
        driver=driver,
        sources=_sources(source, data.get("source")),
        technician=values["technician"],
        hands_over=values["hands_over"],
        near_days=source.whole(data, "", "near_days", 28),
        examples=_examples(source, data.get("examples", [])),
        file=name,
    )
    _driver_needed(source, rule)
    if source.problems:
        raise DataError(*source.problems)
    return rule


def read_rules(paths: list[Path] | None = None) -> list[Rule]:
    """The rules of these files, or the shipped ones, ordered by id; ids must differ."""
    if paths is None:
        folder = files("counterfoil.knowledge") / "rules"
        texts = [
            (f.name, f.read_text("utf-8")) for f in folder.iterdir() if f.name.endswith(".toml")
        ]
    else:
        texts = [(str(path), _read(path)) for path in paths]
    rules = sorted((read_rule(text, name) for name, text in sorted(texts)), key=lambda r: r.id)
    for one, other in pairwise(rules):
        if one.id == other.id:
            raise DataError.at(other.file, f"rule id {other.id} is already used by {one.file}")
    return rules


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise DataError.at(str(path), "a rule file in UTF-8 text is needed") from None


def _clauses(source: _File, data: object) -> dict[str, Clause]:
    if not isinstance(data, dict) or not data:
        source.wrong("", "facts", "a rule needs at least one [facts.NAME] table")
        return {}
    clauses: dict[str, Clause] = {}
    for name, table in data.items():
        where = f"facts.{name}"
        if not isinstance(table, dict):
            source.wrong("facts", name, f"[facts.{name}] must be a table")
            continue
        says = source.text(table, where, "says")
        try:
            fact = _fact(source, where, table, clauses)
        except ValueError as error:
            source.wrong(where, "", str(error))
            continue
        if fact is not None:
            clauses[name] = Clause(name, fact, says)
    return clauses


_FACT_KEYS = {
    "issued": {"in_last", "with", "fewer_days_apart"},
    "ever": set(),
    "latest": {"at_least", "below", "unit", "in_last"},
    "results": {"at_least", "below", "unit", "times", "days_apart"},
    "age_at_least": set(),
    "overdue": {"taking", "every", "sooner", "dose_changes", "grace_days"},
}


def _fact(
    source: _File, where: str, table: dict[str, Any], before: dict[str, Clause]
) -> Fact | None:
    kinds = [kind for kind in _FACT_KEYS if kind in table]
    if len(kinds) != 1:
        source.wrong(
            where, "", "a fact has exactly one of " + ", ".join(_FACT_KEYS), " and ".join(kinds)
        )
        return None
    kind = kinds[0]
    for key in table.keys() - _FACT_KEYS[kind] - {kind, "says"}:
        source.wrong(where, key, f"{key} has no meaning beside {kind}")
    if kind == "age_at_least":
        return model.Age(source.whole(table, where, kind))
    subject = source.text(table, where, kind)
    match kind:
        case "issued":
            window = source.length(table, where, "in_last")
            if "with" not in table:
                return model.Issued(subject, window)
            return model.IssuedTogether(
                subject,
                source.text(table, where, "with"),
                source.whole(table, where, "fewer_days_apart"),
                window,
            )
        case "ever":
            return model.Ever(subject)
        case "latest":
            window_ = source.length(table, where, "in_last") if "in_last" in table else None
            return model.Latest(subject, _comparison(source, where, table), window_)
        case "results":
            return model.Repeated(
                subject,
                _comparison(source, where, table),
                source.whole(table, where, "times"),
                source.whole(table, where, "days_apart", 1),
            )
    return _due(source, where, table, before, subject)


def _due(
    source: _File, where: str, table: dict[str, Any], before: dict[str, Clause], tests: str
) -> Fact | None:
    name = source.text(table, where, "taking")
    taking = before[name].fact if name in before else None
    if not isinstance(taking, model.Issued):
        source.wrong(where, "taking", "taking must name an issued fact written above", name)
        return None
    sooner = []
    for part in table.get("sooner", []):
        inner = f"{where}.sooner"
        other = source.text(part, inner, "when")
        bites = part.get("bites", "")
        if other not in before or isinstance(before[other].fact, model.Due):
            source.wrong(
                inner,
                "when",
                "when must name a fact written above that is not a monitoring fact",
                other,
            )
        elif bites not in ("from its start", "at once"):
            source.wrong(inner, "bites", 'bites must be "from its start" or "at once"', bites)
        else:
            sooner.append(
                model.Sooner(
                    before[other].fact,
                    source.length(part, inner, "every"),
                    "from_start" if bites == "from its start" else "at_once",
                )
            )
    return model.Due(
        tests,
        taking,
        source.length(table, where, "every"),
        tuple(sooner),
        bool(table.get("dose_changes", False)),
        source.whole(table, where, "grace_days", 0),
    )


def _comparison(source: _File, where: str, table: dict[str, Any]) -> model.Comparison:
    unit = source.text(table, where, "unit")
    given = [key for key in ("at_least", "below") if key in table]
    if len(given) != 1 or not isinstance(table[given[0]], int | float):
        source.wrong(
            where,
            given[0] if given else "",
            "a limit is at_least = NUMBER or below = NUMBER, one of them",
        )
        return model.Comparison(">=", 0, unit)
    value = round(table[given[0]] * 1_000_000)
    return model.Comparison(">=" if given[0] == "at_least" else "<", value, unit)


def _expression(
    source: _File, data: dict[str, Any], key: str, clauses: dict[str, Clause]
) -> model.Expression:
    text = source.text(data, "", key)
    try:
        result = parse(text) if text else model.Is("")
    except ValueError as error:
        source.wrong("", key, str(error))
        return model.Is("")
    for name in model.names(result):
        if name and name not in clauses:
            source.wrong(
                "", key, f"there is no fact called {name}; there are " + ", ".join(clauses), name
            )
    return result


def _sources(source: _File, data: object) -> tuple[Source, ...]:
    rows = data if isinstance(data, list) else []
    if not rows:
        source.wrong("", "source", "a rule needs at least one [[source]] with title and status")
    result = []
    for row in rows:
        status = row.get("status")
        if status not in ("read", "recalled"):
            source.wrong("source", "status", 'status must be "read" or "recalled"', status)
            continue
        if status == "read" and not row.get("read_on"):
            source.wrong("source", "read_on", "a source that was read says when, in read_on")
        result.append(
            Source(
                source.text(row, "source", "title"),
                status,
                str(row.get("read_on", "")),
                str(row.get("note", "")),
            )
        )
    return tuple(result)


def _examples(source: _File, data: object) -> tuple[Example, ...]:
    result = []
    for row in data if isinstance(data, list) else []:
        as_of, expect = row.get("as_of"), row.get("expect")
        if not isinstance(as_of, date):
            source.wrong("examples", "as_of", "as_of must be a date such as 2026-06-01", as_of)
        elif expect not in ("open", "cannot_tell", "clear"):
            source.wrong("examples", "expect", "expect must be open, cannot_tell or clear", expect)
        else:
            for key in row.keys() - _EXAMPLE:
                source.wrong("examples", key, "an example has " + ", ".join(sorted(_EXAMPLE)), key)
            result.append(
                Example(
                    source.text(row, "examples", "name"),
                    to_day(as_of),
                    expect,
                    row.get("patient", {}),
                    tuple(tuple(cells) for cells in row.get("issues", ())),
                    tuple(row.get("plans", ())),
                    tuple(tuple(cells) for cells in row.get("entries", ())),
                )
            )
    return tuple(result)


def _driver_needed(source: _File, rule: Rule) -> None:
    """The driver must be needed by both expressions, whatever the other clauses say."""
    driver = rule.clause(rule.driver).fact
    if isinstance(driver, model.Age | model.Due):
        source.wrong("", "driver", "driver must be a fact of issues, codes or results", rule.driver)
    false = {rule.driver} | {c.name for c in rule.clauses if _implies(c.fact, driver)}
    for key, expression in (("when", rule.when), ("at_risk", rule.at_risk)):
        if _bounds(expression, false)[1] != model.FALSE:
            source.wrong(
                "",
                key,
                f"{key} can hold without the driver {rule.driver}; a rule must "
                "be false of an empty record",
                key,
            )


def _implies(fact: Fact, driver: Fact) -> bool:
    """Whether a fact cannot hold without the driver: a test of its treatment, a pair with it."""
    match fact:
        case model.Due():
            return fact.taking == driver
        case model.IssuedTogether(drugs, _, _, window):
            return model.Issued(drugs, window) == driver
        case _:
            return False


def _bounds(expression: model.Expression, false: set[str]) -> tuple[int, int]:
    """The least and greatest truth that an expression can have while these clauses are false."""
    match expression:
        case model.Is(name):
            return (0, 0) if name in false else (0, 2)
        case model.Not(inner):
            low, high = _bounds(inner, false)
            return 2 - high, 2 - low
        case model.All(parts):
            bounds = [_bounds(p, false) for p in parts]
            return min(b[0] for b in bounds), min(b[1] for b in bounds)
        case model.Some(parts):
            bounds = [_bounds(p, false) for p in parts]
            return max(b[0] for b in bounds), max(b[1] for b in bounds)

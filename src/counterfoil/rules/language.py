"""Rule files: TOML that a pharmacist can read aloud, read into :mod:`counterfoil.rules.model`.

Every mistake gets one message that names the file, the line and what to write instead. A file is
refused whole; nothing of it runs. The format is described in docs/reference/rules.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from counterfoil.foundation.days import to_day, words
from counterfoil.foundation.errors import DataError
from counterfoil.rules import facts, model
from counterfoil.rules.example_tables import read_examples
from counterfoil.rules.expression import parse
from counterfoil.rules.facts import Fact
from counterfoil.rules.model import Clause, Override, Rule, Source
from counterfoil.rules.source_file import RuleFile
from counterfoil.rules.wording import read_fact

_ID = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
_SOURCE = ("title", "status", "read_on", "note")
_READ_ON = re.compile(r"\d{4}-\d{2}(-\d{2})?")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
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
    "purpose",
    "reopens",
    "parameters",
    "source",
    "facts",
    "examples",
}
_OWNERS = ("technician", "pharmacist", "prescriber")
_URGENCIES = ("same_day", "week", "month", "routine")
_PURPOSES = ("work", "measure")
MOST_FACTS = 60


def read_rule(text: str, name: str, values: Mapping[str, Any] | None = None) -> Rule:
    """One rule from the text of a rule file; ``DataError`` lists every mistake found.

    *values* stand in for some of the parameters the file gives.
    """
    file, data = RuleFile.parsed(name, text)
    file.check()
    rule = from_toml(file, data, values)
    file.check()
    assert rule is not None
    return replace(rule, text=text)


def from_toml(
    file: RuleFile, data: dict[str, Any], values: Mapping[str, Any] | None = None
) -> Rule | None:
    """The rule of a parsed file; None where mistakes leave nothing to go on."""
    listed = ", ".join(sorted(_KNOWN))
    data = file.named(data, "", _KNOWN, f"there is no setting called {{key}}; there are {listed}")
    texts = {key: file.text(data, "", key) for key in _TEXTS}
    _one_of(file, "owner", texts["owner"], _OWNERS)
    _one_of(file, "urgency", texts["urgency"], _URGENCIES)
    purpose: Literal["work", "measure"] = "work"
    if "purpose" in data:
        _one_of(file, "purpose", file.text(data, "", "purpose"), _PURPOSES)
        purpose = "measure" if data["purpose"] == "measure" else "work"
    rule_id = file.text(data, "", "id")
    if rule_id and not _ID.fullmatch(rule_id):
        file.wrong("", "id", "id must read theme.name in lower case", rule_id)
    parameters = _parameters(file, data.get("parameters", {}), values or {})
    clauses = _clauses(file, data.get("facts"), parameters)
    when = _expression(file, data, "when", clauses)
    at_risk = _expression(file, data, "at_risk", clauses)
    drivers = _drivers(file, data, clauses)
    sources = _sources(file, data.get("source"))
    examples = read_examples(file, data.get("examples", []))
    version = file.whole(data, "", "version")
    near = file.whole(data, "", "near_days", 28)
    if not 0 <= near <= 366:
        file.wrong("", "near_days", "near_days must be 0 to 366", near)
    reopens = file.text(data, "", "reopens") if "reopens" in data else ""
    if file.mistakes:
        return None
    rule = Rule(
        id=rule_id,
        version=version,
        title=texts["title"],
        theme=texts["theme"],
        klass=texts["class"],
        why=texts["why"],
        owner=texts["owner"],
        urgency=texts["urgency"],
        subject=texts["subject"],
        clauses=tuple(clauses.values()),
        when=when,
        at_risk=at_risk,
        driver=drivers[0],
        other_drivers=drivers[1:],
        sources=sources,
        technician=texts["technician"],
        hands_over=texts["hands_over"],
        near_days=near,
        examples=examples,
        file=file.name,
        purpose=purpose,
        reopens=reopens,
        parameters=tuple(parameters.items()),
    )
    _drivers_needed(file, rule)
    return rule


def read_rules(paths: list[Path] | None = None) -> list[Rule]:
    """The rules of these files, or the shipped ones, ordered by id; ids must differ."""
    if paths is None:
        folder = files("counterfoil.knowledge") / "rules"
        texts = [
            (f.name, f.read_text("utf-8")) for f in folder.iterdir() if f.name.endswith(".toml")
        ]
    else:
        texts = [(str(path), read_text(path)) for path in paths]
    rules = sorted((read_rule(text, name) for name, text in sorted(texts)), key=lambda r: r.id)
    for one, other in pairwise(rules):
        if one.id == other.id:
            raise DataError.at(other.file, f"rule id {other.id} is already used by {one.file}")
    return rules


def read_text(path: Path) -> str:
    """The text of a file that a user names; ``DataError`` where it cannot be read as text."""
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        raise DataError.at(str(path), "there is no such file") from None
    except IsADirectoryError:
        raise DataError.at(str(path), "this is a folder; name the files in it") from None
    except (OSError, UnicodeDecodeError):
        raise DataError.at(str(path), "a file in UTF-8 text is needed") from None


# Overrides ---------------------------------------------------------------------------------


def read_override(text: str, name: str) -> Override:
    """An organisation's override of a rule's parameters; ``DataError`` lists every mistake."""
    file, data = RuleFile.parsed(name, text)
    file.check()
    known = {"rule", "version", "organisation", "reason", "expires", "parameters"}
    for key in sorted(data.keys() - known):
        file.wrong(
            "", key, f"there is no setting called {key}; there are {', '.join(sorted(known))}"
        )
    texts = [file.text(data, "", key) for key in ("rule", "organisation", "reason")]
    expires = data.get("expires")
    if type(expires) is not date:
        file.wrong("", "expires", "expires must be a date such as 2027-03-31", expires)
    given = data.get("parameters")
    if not isinstance(given, dict) or not given:
        file.wrong("", "parameters", "an override has [parameters] with the values to use")
        given = {}
    version = file.whole(data, "", "version")
    file.check()
    assert isinstance(expires, date)
    return Override(
        texts[0], version, texts[1], texts[2], to_day(expires), tuple(given.items()), name
    )


def override(rule: Rule, by: Override, as_of: int) -> Rule:
    """The rule with an organisation's own parameters; ``DataError`` where it does not fit.

    It does not where it was written for another rule or version, has run out by *as_of*, names a
    parameter the rule does not have, or gives a value the rule cannot be read with. The rule's
    examples prove its own values, not the organisation's.
    """
    if by.rule != rule.id or by.version != rule.version:
        expected = f"it must be written for {rule.id} version {rule.version}"
        raise DataError.at(by.file, expected, f"{by.rule} version {by.version}")
    if by.expires <= as_of:
        raise DataError.at(by.file, "expires must lie ahead", words(by.expires))
    there = dict(rule.parameters)
    for key, _ in by.parameters:
        if key not in there:
            listed = ", ".join(there) or "none"
            raise DataError.at(by.file, f"{rule.id} has no parameter {key}; it has {listed}")
    changed = read_rule(rule.text, f"{by.file} on {rule.file}", dict(by.parameters))
    return replace(changed, file=rule.file, override=by)


# Parts -------------------------------------------------------------------------------------


def _one_of(file: RuleFile, key: str, value: str, allowed: tuple[str, ...]) -> None:
    if value and value not in allowed:
        file.wrong("", key, f"{key} must be one of {', '.join(allowed)}", value)


def _parameters(file: RuleFile, data: object, values: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(data, dict):
        file.wrong("", "parameters", "[parameters] must be a table of names and values")
        return {}
    for name, value in data.items():
        if isinstance(value, dict | list):
            file.wrong("parameters", name, f"{name} must be one value: a text, a number or a date")
    return {**data, **{k: v for k, v in values.items() if k in data}}


def _filled(file: RuleFile, where: str, key: str, value: Any, parameters: dict[str, Any]) -> Any:
    """A setting with ``$name`` replaced by the parameter of that name."""
    if isinstance(value, str) and value.startswith("$"):
        if value[1:] not in parameters:
            listed = ", ".join(parameters) or "none; write them under [parameters]"
            file.wrong(where, key, f"there is no parameter {value[1:]}; there are {listed}", value)
        return parameters.get(value[1:])
    if isinstance(value, dict):
        return {k: _filled(file, where, k, v, parameters) for k, v in value.items()}
    if isinstance(value, list):
        return [_filled(file, where, key, v, parameters) for v in value]
    return value


def _clauses(file: RuleFile, data: object, parameters: dict[str, Any]) -> dict[str, Clause]:
    if not isinstance(data, dict) or not data:
        file.wrong("", "facts", "a rule needs at least one [facts.NAME] table")
        return {}
    if len(data) > MOST_FACTS:
        file.wrong("", "facts", f"a rule has at most {MOST_FACTS} facts", len(data))
        return {}
    clauses: dict[str, Clause] = {}
    for name, table in data.items():
        where = f"facts.{name}"
        if not isinstance(table, dict):
            file.wrong("facts", name, f"[facts.{name}] must be a table")
            continue
        if not _NAME.fullmatch(name) or name in ("and", "or", "not"):
            file.wrong(where, "", "a fact's name is lower-case letters, digits and _", name)
            continue
        before = len(file.mistakes)
        says = file.text(table, where, "says")
        said = len(file.mistakes)
        settings = {k: _filled(file, where, k, v, parameters) for k, v in table.items()}
        if len(file.mistakes) > said:
            continue
        above = {c.name: c.fact for c in clauses.values()}
        fact = read_fact(file, where, settings, above)
        if fact is not None:
            clauses[name] = Clause(name, fact, says)
        elif len(file.mistakes) == before:
            file.wrong(where, "", "the fact cannot be read")
    return clauses


def _expression(
    file: RuleFile, data: dict[str, Any], key: str, clauses: dict[str, Clause]
) -> model.Expression:
    text = file.text(data, "", key)
    try:
        result = parse(text) if text else model.Is("")
    except ValueError as error:
        file.wrong("", key, str(error))
        return model.Is("")
    written = (data.get("facts") or {}) if isinstance(data.get("facts"), dict) else {}
    for name in dict.fromkeys(model.names(result)):
        # A fact that is there and wrong has its own message.
        if name and name not in clauses and name not in written:
            file.wrong(
                "", key, f"there is no fact called {name}; there are " + ", ".join(clauses), name
            )
    return result


def _drivers(file: RuleFile, data: dict[str, Any], clauses: dict[str, Clause]) -> tuple[str, ...]:
    value = data.get("driver")
    names = value if isinstance(value, list) else [value]
    if not names or not all(isinstance(name, str) and name in clauses for name in names):
        # A fact that is there and wrong has its own message.
        if not names or not all(isinstance(n, str) and n in data.get("facts", {}) for n in names):
            expected = f"driver must name one of the facts: {', '.join(clauses)}"
            file.wrong("", "driver", expected, value)
        return ("",)
    return tuple(names)


def _sources(file: RuleFile, data: object) -> tuple[Source, ...]:
    rows = data if isinstance(data, list) else []
    if not rows:
        file.wrong("", "source", "a rule needs at least one [[source]] with title and status")
    result = []
    for file.nth, row in enumerate(rows):
        if not isinstance(row, dict):
            file.wrong("", "source", "a source is a [[source]] table with title and status", row)
            continue
        row = file.named(row, "source", _SOURCE, f"a source has {', '.join(_SOURCE)}, not {{key}}")
        status = row.get("status")
        if status not in ("read", "recalled"):
            file.wrong("source", "status", 'status must be "read" or "recalled"', status)
            continue
        if status == "read" and not row.get("read_on"):
            file.wrong("source", "read_on", "a source that was read says when, in read_on")
        elif "read_on" in row and not _READ_ON.fullmatch(str(row["read_on"])):
            expected = 'read_on must be a month or a day such as "2026-11"'
            file.wrong("source", "read_on", expected, row["read_on"])
        result.append(
            Source(
                file.text(row, "source", "title"),
                status,
                str(row.get("read_on", "")),
                str(row.get("note", "")),
            )
        )
    file.nth = 0
    return tuple(result)


# The driver --------------------------------------------------------------------------------

_NEVER_ALONE = (facts.Age, facts.Sex, facts.Registered, facts.Due)


def _drivers_needed(file: RuleFile, rule: Rule) -> None:
    """The drivers must be needed by both expressions, whatever the other clauses say."""
    found = {name: rule.clause(name).fact for name in rule.drivers}
    for name, fact in found.items():
        if any(isinstance(part, _NEVER_ALONE) for part in facts.parts(fact)):
            file.wrong("", "driver", "driver must be a fact of issues, codes or results", name)
    false = {
        c.name
        for c in rule.clauses
        if c.name in found or any(implies(c.fact, fact) for fact in found.values())
    }
    for key, expression in (("when", rule.when), ("at_risk", rule.at_risk)):
        if _bounds(expression, false)[1] != model.FALSE:
            file.wrong(
                "",
                key,
                f"{key} can hold without the driver {' or '.join(rule.drivers)}; a rule must "
                "be false of an empty record",
                key,
            )


def implies(fact: Fact, driver: Fact) -> bool:
    """Whether a fact cannot hold without the driver: a test of its treatment, a pair with it."""
    if fact == driver:
        return True
    match fact:
        case facts.Due():
            return implies(fact.taking, driver)
        case facts.Lasting(of):
            return implies(of, driver)
        case facts.IssuedTogether(drugs, other, _, back):
            one, two = (facts.Issued(name, facts.Window(back)) for name in (drugs, other))
            return implies(one, driver) or implies(two, driver)
        case facts.Issued(drugs, window) if window.trailing:
            return (
                isinstance(driver, facts.Issued)
                and driver.drugs == drugs
                and driver.window.trailing
                and _longer(driver.window.back, window.back)
            )
        case _:
            return False


def _longer(one: facts.Length | None, other: facts.Length | None) -> bool:
    """Whether one length is surely no shorter than another."""
    if one is None or other is None:
        return False
    return one == other or (one.months > other.months > 0) or (one.days > other.days > 0)


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

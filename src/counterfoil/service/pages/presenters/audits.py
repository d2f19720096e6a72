"""The book of rules, and one rule in plain words: criteria, source, approval, counts, examples."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from counterfoil.foundation import days
from counterfoil.rules import Rule
from counterfoil.rules.model import Example
from counterfoil.service.casework.shapes import RuleLine
from counterfoil.service.pages import clinical, words

THEMES = {
    "monitoring": "Monitoring of medicines",
    "interaction": "Medicines together",
    "safety": "Prescribing safety",
    "prescribing": "Prescribing safety",
    "coding": "Coding",
    "measure": "Measures: counted, no work for anybody",
}
OUTCOMES = {
    "open": ("listed", "red"),
    "cannot_tell": ("cannot tell", "yellow"),
    "clear": ("not listed", "grey"),
}


@dataclass(frozen=True)
class BookLine:
    """One rule in the book."""

    name: str
    version: str
    title: str
    open: int
    near: int
    cannot_tell: int
    status: str
    colour: str
    approval: str
    source: str
    source_status: str


@dataclass(frozen=True)
class Theme:
    """Rules of one theme."""

    title: str
    rules: tuple[BookLine, ...]


@dataclass(frozen=True)
class ExampleTable:
    """An example of a rule file as a small table: what the record holds, what the rule says."""

    title: str
    outcome: str
    colour: str
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class RulePage:
    """One rule."""

    name: str
    version: str
    title: str
    status: str
    colour: str
    approval: str
    sections: tuple[tuple[str, str | tuple[str, ...]], ...]
    sources: tuple[str, ...]
    counts: tuple[tuple[str, int], ...]
    approve_for: tuple[str, ...]
    examples: tuple[ExampleTable, ...]


def approval(line: RuleLine | None) -> tuple[str, str, str]:
    """Status, its colour, and who approved when."""
    if line is None or not line.approved_by:
        return "Draft: makes no work", "white", ""
    at = f", {words.day_words(line.approved_at)}" if line.approved_at else ""
    demo = ", for this demonstration only" if line.approved_is_demo else ""
    return "In use", "green", f"Approved by {line.approved_by}{at}{demo}"


def _book_line(line: RuleLine, rule: Rule | None) -> BookLine:
    status, colour, said = approval(line)
    source = rule.sources[0] if rule and rule.sources else None
    return BookLine(
        name=line.rule,
        version=line.version,
        title=rule.title if rule else line.title,
        open=line.open,
        near=line.near,
        cannot_tell=line.cannot_tell,
        status=status,
        colour=colour,
        approval=said,
        source=_short(source.title) if source else "",
        source_status=_status(source) if source else "",
    )


def _short(title: str) -> str:
    """The name of a source without what it says: the rule's own page has it whole."""
    return re.split(r"[.:;] ", title, maxsplit=1)[0].rstrip(".")


def _status(source: Any) -> str:
    if source.status == "read":
        return f"read {_when(source.read_on)}" if source.read_on else "read"
    return "recalled, not confirmed: makes no work"


def _when(text: str) -> str:
    """``2026-11`` and ``2026-11-02`` in words."""
    parts = text.split("-")
    if len(parts) == 3:
        return days.words(days.parse_day(text))
    if len(parts) == 2 and parts[1].isdecimal():
        return f"{days.MONTHS[int(parts[1]) - 1]} {parts[0]}"
    return text


def book(lines: Iterable[RuleLine], known: Mapping[str, Rule]) -> tuple[Theme, ...]:
    """The rules by theme, in the order of the rule files; rules of which none is known at the end.

    *known* are the rules in force by id. Of a rule's versions the one in force is shown, or where
    none is the newest.
    """
    themes: dict[str, list[BookLine]] = {}
    for line in _in_force(lines, known):
        rule = known.get(line.rule)
        theme = rule.theme if rule else line.rule.split(".")[0]
        themes.setdefault(theme, []).append(_book_line(line, rule))
    order = list(dict.fromkeys(rule.theme for rule in known.values()))
    return tuple(
        Theme(
            THEMES.get(theme, words.initial_capital(theme)),
            tuple(sorted(found, key=lambda line: line.title)),
        )
        for theme, found in sorted(
            themes.items(), key=lambda kv: order.index(kv[0]) if kv[0] in order else len(order)
        )
    )


def _in_force(lines: Iterable[RuleLine], known: Mapping[str, Rule]) -> list[RuleLine]:
    """One line a rule."""
    by_rule: dict[str, list[RuleLine]] = {}
    for line in lines:
        by_rule.setdefault(line.rule, []).append(line)
    return [
        next(
            (v for v in versions if name in known and v.version == str(known[name].version)),
            versions[-1],
        )
        for name, versions in by_rule.items()
    ]


def rule_page(name: str, lines: Sequence[RuleLine], known: Mapping[str, Rule]) -> RulePage | None:
    """One rule by its id; ``None`` where it is neither in force nor in the book."""
    line = next((one for one in _in_force(lines, known) if one.rule == name), None)
    rule = known.get(name)
    if rule is None and line is None:
        return None
    status, colour, said = approval(line)
    sections: list[tuple[str, str | tuple[str, ...]]] = []
    if rule is not None:
        sections = [
            ("Why it matters", rule.why),
            ("What it looks at", tuple(clause.says for clause in rule.clauses)),
            ("A patient is listed when", _expression(rule)),
            ("What a technician does", rule.technician),
            ("What is handed over", rule.hands_over),
        ]
    return RulePage(
        name=name,
        version=str(rule.version) if rule else line.version if line else "",
        title=rule.title if rule else name,
        status=status,
        colour=colour,
        approval=said,
        sections=tuple((head, text) for head, text in sections if text),
        sources=tuple(
            f"{s.title} ({_status(s)}){'. ' + s.note if s.note else ''}"
            for s in (rule.sources if rule else ())
        ),
        counts=(
            ("Open", line.open),
            ("Coming due", line.near),
            ("Cannot tell", line.cannot_tell),
        )
        if line
        else (),
        approve_for=line.organisations if line else (),
        examples=tuple(_example(one, rule) for one in rule.examples[:6]) if rule else (),
    )


def _expression(rule: Rule) -> str:
    """The rule's condition with each clause's own words in place of its name."""
    from counterfoil.rules import model

    says = {clause.name: clause.says for clause in rule.clauses}

    def said(part: model.Expression, inner: bool = False) -> str:
        match part:
            case model.Is(name):
                return words_of(says[name])
            case model.Not(of):
                return f"not ({said(of)})"
            case model.All(parts):
                return _join([said(p, True) for p in parts], " and ", inner)
            case model.Some(parts):
                return _join([said(p, True) for p in parts], " or ", inner)

    return words.initial_capital(said(rule.when)) + "."


def words_of(sentence: str) -> str:
    """A clause's sentence inside another: small first letter unless an abbreviation."""
    bare = sentence.rstrip(".")
    return bare if bare[1:2].isupper() else bare[:1].lower() + bare[1:]


def _join(parts: list[str], word: str, inner: bool) -> str:
    text = f";{word}".join(parts) if any("," in p for p in parts) else word.join(parts)
    return f"({text})" if inner and len(parts) > 1 else text


def _example(example: Example, rule: Rule) -> ExampleTable:
    rows: list[tuple[int, str]] = []
    for issue in example.issues:
        rows.append((_day(issue[0]), f"issued: {issue[1]}"))
    for entry in example.entries:
        value = " ".join(str(part) for part in entry[2:] if part not in (None, ""))
        title = clinical.set_title(str(entry[1]).split(" ")[0])
        known = f" (dated {entry[0]}, no more is known)" if isinstance(entry[0], str) else ""
        rows.append((_day(entry[0]), f"{title} {value}".strip() + known))
    rows.sort()
    said = [(days.words(day) if day > -40000 else "", text) for day, text in rows]
    outcome, colour = OUTCOMES[example.expect]
    said.append((days.words(example.as_of), f"looked at: {outcome}"))
    return ExampleTable(example.name, outcome, colour, tuple(said))


def _day(value: Any) -> int:
    if isinstance(value, int):
        return value
    if hasattr(value, "toordinal"):
        return days.to_day(value)
    # "2026" or "2026-03", where an example knows no more: told from its first day.
    return days.parse_day(f"{value}-01-01"[:10])

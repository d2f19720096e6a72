"""Mutants: a rule with one thing changed. An example must notice each, or it proves too little.

Clause by clause: turned round, left out, joined by the other word. Fact by fact: a window one step
longer or shorter, a limit that takes or leaves its own value, a count one more or less, a modifier
left out. A mutant that every example agrees with *survives*.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Literal

from counterfoil.rules import facts, model
from counterfoil.rules.examples import run_example
from counterfoil.rules.facts import Comparison, Fact, Length, Window
from counterfoil.rules.model import Clause, Expression, Rule
from counterfoil.rules.sets import TerminologySets

_STRICT: dict[str, Literal[">=", "<", ">", "<="]] = {">=": ">", ">": ">=", "<": "<=", "<=": "<"}


@dataclass(frozen=True)
class Mutant:
    """A changed rule, the clause that was changed, and what was done to it."""

    clause: str
    change: str
    rule: Rule


@dataclass(frozen=True)
class Verdict:
    """A mutant and the example that noticed it; without one it survived."""

    mutant: Mutant
    killed_by: str

    @property
    def survived(self) -> bool:
        """Whether no example noticed."""
        return not self.killed_by


def try_mutants(rule: Rule, sets: TerminologySets) -> list[Verdict]:
    """Every mutant of a rule, and the first of the rule's examples that says something else."""
    return [Verdict(mutant, _killer(mutant.rule, sets)) for mutant in mutants(rule)]


def _killer(rule: Rule, sets: TerminologySets) -> str:
    for example in rule.examples:
        if run_example(rule, example, sets)[0] != example.expect:
            return example.name
    return ""


def mutants(rule: Rule) -> Iterator[Mutant]:
    """Every mutant of a rule, in the order of its clauses."""
    for name in dict.fromkeys(model.names(rule.when)):
        yield Mutant(name, "turned round", replace(rule, when=_turned(rule.when, name)))
        without = _without(rule.when, name)
        if without is not None:
            yield Mutant(name, "left out", replace(rule, when=without))
    if (swapped := _swapped(rule.when)) != rule.when:
        yield Mutant("when", "and for or, or for and", replace(rule, when=swapped))
    asked = {p for name in model.names(rule.when) for p in facts.parts(rule.clause(name).fact)}
    for clause in (c for c in rule.clauses if c.fact in asked):
        for change, fact in _changed(clause.fact):
            yield Mutant(clause.name, change, _with(rule, clause.fact, fact))


# Expressions -------------------------------------------------------------------------------


def _turned(expression: Expression, name: str) -> Expression:
    match expression:
        case model.Is(found):
            return model.Not(expression) if found == name else expression
        case model.Not(inner):
            return model.Not(_turned(inner, name))
        case model.All(parts):
            return model.All(tuple(_turned(p, name) for p in parts))
        case model.Some(parts):
            return model.Some(tuple(_turned(p, name) for p in parts))


def _without(expression: Expression, name: str) -> Expression | None:
    """The expression without a clause; None where nothing is left of it."""
    match expression:
        case model.Is(found):
            return None if found == name else expression
        case model.Not(inner):
            rest = _without(inner, name)
            return None if rest is None else model.Not(rest)
        case model.All(parts) | model.Some(parts):
            left = tuple(p for part in parts if (p := _without(part, name)) is not None)
            if len(left) < 2:
                return left[0] if left else None
            return model.All(left) if isinstance(expression, model.All) else model.Some(left)


def _swapped(expression: Expression) -> Expression:
    match expression:
        case model.Is():
            return expression
        case model.Not(inner):
            return model.Not(_swapped(inner))
        case model.All(parts):
            return model.Some(tuple(_swapped(p) for p in parts))
        case model.Some(parts):
            return model.All(tuple(_swapped(p) for p in parts))


# Facts -------------------------------------------------------------------------------------


def _changed(fact: Fact) -> Iterator[tuple[str, Fact]]:
    """A fact with one of its settings moved by the least that makes a difference."""
    for field in fields(fact):
        value = getattr(fact, field.name)
        for change, other in _neighbours(field.name, value):
            try:
                yield change, replace(fact, **{field.name: other})
            except ValueError:
                # Not a fact at all: nothing to notice.
                continue


def _neighbours(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    match value:
        case bool():
            yield f"{name} is {not value}", not value
        case int():
            yield f"{name} is {value + 1}", value + 1
            yield f"{name} is {value - 1}", value - 1
        case Length():
            yield from ((f"{name}: {other}", other) for other in _lengths(value))
        case Window():
            for inner in ("back", "ago"):
                if (length := getattr(value, inner)) is not None:
                    for other in _lengths(length):
                        words = "in_last" if inner == "back" else "at_least_ago"
                        yield f"{words}: {other}", _with_length(value, inner, other)
            if value.qof_year:
                yield "not of this QOF year", replace(value, qof_year=False)
        case Comparison():
            yield "the limit itself on the other side", replace(value, op=_STRICT[value.op])
        case tuple() if name in ("sooner", "anchors"):
            for i, part in enumerate(value):
                yield f"{name} {i + 1} left out", (*value[:i], *value[i + 1 :])
                if isinstance(part, facts.Sooner):
                    for change, put in _sooner(part):
                        yield f"{name} {i + 1}: {change}", (*value[:i], put, *value[i + 1 :])
        case _:
            return


def _with_length(window: Window, which: str, length: Length) -> Window:
    return replace(window, back=length) if which == "back" else replace(window, ago=length)


def _sooner(part: facts.Sooner) -> Iterator[tuple[str, facts.Sooner]]:
    other: Literal["from_start", "at_once"]
    other = "at_once" if part.bites == "from_start" else "from_start"
    yield f"bites {other.replace('_', ' ')}", replace(part, bites=other)
    if isinstance(part.every, Length):
        for length in _lengths(part.every):
            yield f"every {length}", replace(part, every=length)


def _lengths(length: Length) -> Iterator[Length]:
    """One step longer, and one shorter: a month or a day."""
    for step in (1, -1):
        months, days = (
            length.months + step * bool(length.months),
            length.days + step * bool(length.days),
        )
        if months > 0 or days > 0:
            yield Length(months, days)


def _with(rule: Rule, old: Fact, new: Fact) -> Rule:
    """The rule with one fact in place of another, wherever it stands."""
    return replace(
        rule, clauses=tuple(Clause(c.name, _put(c.fact, old, new), c.says) for c in rule.clauses)
    )


def _put(fact: Any, old: Fact, new: Fact) -> Any:
    if fact == old:
        return new
    if isinstance(fact, tuple):
        return tuple(_put(part, old, new) for part in fact)
    if is_dataclass(fact) and not isinstance(fact, type):
        changes = {
            f.name: put
            for f in fields(fact)
            if (put := _put(value := getattr(fact, f.name), old, new)) != value
        }
        return replace(fact, **changes) if changes else fact
    return fact

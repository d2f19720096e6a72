"""What a rule is: clauses of facts, joined by *and*, *or* and *not*, and how a pharmacist reads it.

A *fact* is true, unknown or false at every index day *t* of one patient's record. Facts are
combined by *and*, *or* and *not* in Kleene's three-valued logic (unknown and false is false,
unknown or true is true). The engines and the day-by-day reference give this algebra its meaning
twice; :mod:`counterfoil.rules.language` reads it from rule files.

The facts themselves are in :mod:`counterfoil.rules.facts`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from counterfoil.rules.facts import Fact, sets_of

FALSE, UNKNOWN, TRUE = 0, 1, 2
"""Kleene's truth values in the order that makes *and* the least and *or* the greatest."""


@dataclass(frozen=True)
class Clause:
    """A named fact of a rule and how to say it."""

    name: str
    fact: Fact
    says: str


@dataclass(frozen=True)
class Is:
    """The clause of this name."""

    name: str


@dataclass(frozen=True)
class Not:
    """Not the expression."""

    of: Expression


@dataclass(frozen=True)
class All:
    """Every one of the expressions."""

    of: tuple[Expression, ...]


@dataclass(frozen=True)
class Some:
    """At least one of the expressions."""

    of: tuple[Expression, ...]


Expression = Is | Not | All | Some


def names(expression: Expression) -> Iterator[str]:
    """The clauses that an expression mentions, in order, repeats included."""
    match expression:
        case Is(name):
            yield name
        case Not(inner):
            yield from names(inner)
        case All(parts) | Some(parts):
            for part in parts:
                yield from names(part)


def truth(expression: Expression, values: dict[str, int]) -> int:
    """The truth value of an expression, given that of each clause."""
    match expression:
        case Is(name):
            return values[name]
        case Not(inner):
            return TRUE - truth(inner, values)
        case All(parts):
            return min(truth(part, values) for part in parts)
        case Some(parts):
            return max(truth(part, values) for part in parts)


@dataclass(frozen=True)
class Source:
    """Where a fact of the rule comes from. Only what was read makes work; recalled never does."""

    title: str
    status: Literal["read", "recalled"]
    read_on: str = ""
    note: str = ""


@dataclass(frozen=True)
class Example:
    """A small made-up record and what the rule must say of it on *as_of*."""

    name: str
    as_of: int
    expect: Literal["open", "cannot_tell", "clear"]
    patient: dict[str, Any] = field(hash=False)
    issues: tuple[tuple[Any, ...], ...] = field(default=(), hash=False)
    plans: tuple[dict[str, Any], ...] = field(default=(), hash=False)
    entries: tuple[tuple[Any, ...], ...] = ()
    problems: tuple[dict[str, Any], ...] = field(default=(), hash=False)
    allergies: tuple[dict[str, Any], ...] = field(default=(), hash=False)
    admissions: tuple[dict[str, Any], ...] = field(default=(), hash=False)
    documents: tuple[dict[str, Any], ...] = field(default=(), hash=False)
    line: int = 1


@dataclass(frozen=True)
class Override:
    """An organisation's own values for some of a rule's parameters, with the reason and an end.

    Written for one version of the rule: a later version asks for it anew. ``expires`` is the first
    day on which it no longer counts.
    """

    rule: str
    version: int
    organisation: str
    reason: str
    expires: int
    parameters: tuple[tuple[str, Any], ...]
    file: str = ""


@dataclass(frozen=True)
class Rule:
    """A rule as a pharmacist reads it. ``when`` makes a finding; ``at_risk`` is its denominator.

    Every rule is about patients registered and alive on the index day; the engines add that.
    ``near_days``: how long before it opens a finding is shown as near. ``driver`` is
    a clause without which (or without one of the ``other_drivers``) neither expression can hold.
    ``purpose``: a rule that makes work, or a measure that is only counted. ``parameters`` are the
    values an organisation may override.
    """

    id: str
    version: int
    title: str
    theme: str
    klass: str
    why: str
    owner: str
    urgency: str
    subject: str
    clauses: tuple[Clause, ...]
    when: Expression
    at_risk: Expression
    driver: str
    sources: tuple[Source, ...]
    technician: str
    hands_over: str
    near_days: int = 28
    examples: tuple[Example, ...] = ()
    file: str = ""
    other_drivers: tuple[str, ...] = ()
    purpose: Literal["work", "measure"] = "work"
    reopens: str = ""
    parameters: tuple[tuple[str, Any], ...] = ()
    override: Override | None = None
    text: str = field(default="", repr=False, compare=False)

    @property
    def drivers(self) -> tuple[str, ...]:
        """The clauses without one of which the rule cannot hold: engines look at their patients."""
        return (self.driver, *self.other_drivers)

    def clause(self, name: str) -> Clause:
        """The clause of this name; ``KeyError`` where there is none."""
        for clause in self.clauses:
            if clause.name == name:
                return clause
        raise KeyError(name)

    @property
    def makes_work(self) -> bool:
        """False for a measure, and where any source is only recalled: it is shown, no more."""
        return self.purpose == "work" and all(s.status == "read" for s in self.sources)

    @property
    def monitors(self) -> bool:
        """Whether it says of a medicine that a test is due: not a measure, which only counts."""
        return self.klass == "monitoring" and self.purpose == "work"

    @property
    def drug_sets(self) -> frozenset[str]:
        """The drug sets that the rule reads."""
        return frozenset(s for c in self.clauses for s in sets_of(c.fact)[0])

    @property
    def code_sets(self) -> frozenset[str]:
        """The code sets that the rule reads."""
        return frozenset(s for c in self.clauses for s in sets_of(c.fact)[1])

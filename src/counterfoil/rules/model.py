"""The meaning of a rule: a small typed algebra of facts over index days.

A *fact* is true, unknown or false at every index day *t* of one patient's record. Facts are
combined by *and*, *or* and *not* in Kleene's three-valued logic (unknown and false is false,
unknown or true is true). The engines and the day-by-day reference give this algebra its meaning
twice; :mod:`counterfoil.rules.language` reads it from rule files.

Every type is checked when it is constructed; a mistake raises ``ValueError`` in words for the
author of a rule.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

FALSE, UNKNOWN, TRUE = 0, 1, 2
"""Kleene's truth values in the order that makes *and* the least and *or* the greatest."""


@dataclass(frozen=True)
class Length:
    """A stretch of time: whole months by the published month rule, or whole days; not both."""

    months: int = 0
    days: int = 0

    def __post_init__(self) -> None:
        if (self.months > 0) == (self.days > 0) or self.months < 0 or self.days < 0:
            raise ValueError("a length is a number of months or a number of days, more than 0")

    def __str__(self) -> str:
        if self.months:
            count, unit = self.months, "month"
            if count % 12 == 0:
                count, unit = count // 12, "year"
        else:
            count, unit = self.days, "day"
            if count % 7 == 0 and count > 7:
                count, unit = count // 7, "week"
        return f"{count} {unit}{'' if count == 1 else 's'}"


@dataclass(frozen=True)
class Issued:
    """A product of the drug set was issued in the last *window* (both ends included).

    An active plan of type *hospital* makes it unknown: somebody else supplies the drug.
    """

    drugs: str
    window: Length


@dataclass(frozen=True)
class IssuedTogether:
    """Issues of two drug sets fewer than *apart* days from each other, both in the last *window*."""

    drugs: str
    other: str
    apart: int
    window: Length

    def __post_init__(self) -> None:
        if self.apart < 1:
            raise ValueError("issues must be fewer than at least 1 day apart")


@dataclass(frozen=True)
class Ever:
    """A code of the set is on record as an entry or a problem, on or before the index day.

    An entry dated to a month or a year is unknown until that month or year is over.
    """

    codes: str


@dataclass(frozen=True)
class Comparison:
    """A limit on a numeric result. ``value`` is in millionths of ``unit`` (UCUM), a whole number."""

    op: Literal[">=", "<"]
    value: int
    unit: str


@dataclass(frozen=True)
class Latest:
    """The latest result of the code set (in the last *window*, if one is given) meets the limit.

    Where several were taken on one day the fact is as true as the truest of them. A result whose
    unit is not known, or whose comparator leaves both sides possible, is unknown.
    """

    codes: str
    test: Comparison
    window: Length | None = None


@dataclass(frozen=True)
class Repeated:
    """At least *times* results that meet the limit, on different days, from the first onwards.

    With two results, *apart* asks that they lie at least so many days from each other.
    """

    codes: str
    test: Comparison
    times: int
    apart: int = 1

    def __post_init__(self) -> None:
        if self.times < 2:
            raise ValueError("times must be 2 or more; for one result use ever or latest")
        if self.apart < 1 or (self.apart > 1 and self.times != 2):
            raise ValueError("days_apart of more than 1 is understood for two results only")


@dataclass(frozen=True)
class Age:
    """The patient is *at_least* so many years old; unknown while the date of birth leaves it open."""

    at_least: int

    def __post_init__(self) -> None:
        if not 0 < self.at_least < 130:
            raise ValueError("age_at_least must be between 1 and 129")


@dataclass(frozen=True)
class Sooner:
    """While *when* holds, the interval of a test is *every* instead.

    ``from_start``: counted from the later of the last test and the day on which *when* began, so
    that nobody is overdue the day it begins. ``at_once``: counted from the last test or anchor.
    """

    when: Fact
    every: Length
    bites: Literal["from_start", "at_once"]


@dataclass(frozen=True)
class Due:
    """A test is overdue while the drug is taken.

    Overdue from the day ``max(last test, latest anchor) + interval in force + grace``. Anchors are
    the start of treatment and each restart after a gap in *taking*, and dose changes if asked for.
    Where treatment is first seen within its own window of joining the practice, an earlier test
    may lie in the former record: until one interval has passed the answer is unknown.
    """

    tests: str
    taking: Issued
    every: Length
    sooner: tuple[Sooner, ...] = ()
    dose_changes: bool = False
    grace: int = 0


Fact = Issued | IssuedTogether | Ever | Latest | Repeated | Age | Due


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
    issues: tuple[tuple[Any, ...], ...] = ()
    plans: tuple[dict[str, Any], ...] = field(default=(), hash=False)
    entries: tuple[tuple[Any, ...], ...] = ()


@dataclass(frozen=True)
class Rule:
    """A rule as a pharmacist reads it. ``when`` makes a finding; ``at_risk`` is its denominator.

    Every rule is about patients registered and alive on the index day; the engines add that.
    ``near_days``: how long before it opens a finding is shown as near. ``asks`` names the driver,
    a clause without which neither expression can hold: engines look only at its patients.
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

    def clause(self, name: str) -> Clause:
        """The clause of this name; ``KeyError`` where there is none."""
        for clause in self.clauses:
            if clause.name == name:
                return clause
        raise KeyError(name)

    @property
    def makes_work(self) -> bool:
        """False where any source is only recalled: such a rule is shown and makes no work."""
        return all(source.status == "read" for source in self.sources)

    @property
    def drug_sets(self) -> frozenset[str]:
        """The drug sets that the rule reads."""
        return frozenset(s for c in self.clauses for s in sets_of(c.fact)[0])

    @property
    def code_sets(self) -> frozenset[str]:
        """The code sets that the rule reads."""
        return frozenset(s for c in self.clauses for s in sets_of(c.fact)[1])


def sets_of(fact: Fact) -> tuple[set[str], set[str]]:
    """The drug sets and the code sets that a fact reads, those of its parts included."""
    match fact:
        case Issued(drugs):
            return {drugs}, set()
        case IssuedTogether(drugs, other):
            return {drugs, other}, set()
        case Ever(codes) | Latest(codes) | Repeated(codes):
            return set(), {codes}
        case Age():
            return set(), set()
        case Due(tests, taking, _, sooner):
            drugs_, codes_ = sets_of(taking)
            for modifier in sooner:
                more_drugs, more_codes = sets_of(modifier.when)
                drugs_, codes_ = drugs_ | more_drugs, codes_ | more_codes
            return drugs_, codes_ | {tests}

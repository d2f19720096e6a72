"""The facts that rules are made of: what may be true, unknown or false of a patient on an index day.

A fact is a frozen value, checked when it is made; a mistake raises ``ValueError`` in words for the
author of a rule. What each means is said here, worked out day by day in
:mod:`counterfoil.rules.reference`, and over whole populations in :mod:`counterfoil.rules.engines`.
Numbers of results are whole millionths; days are whole days since 1970-01-01.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

LONGEST_MONTHS, LONGEST_DAYS = 720, 22_000
"""The longest stretch a rule may speak of: sixty years."""


@dataclass(frozen=True)
class Length:
    """A stretch of time: whole months by the published month rule, or whole days; not both."""

    months: int = 0
    days: int = 0

    def __post_init__(self) -> None:
        if (self.months > 0) == (self.days > 0) or self.months < 0 or self.days < 0:
            raise ValueError("a length is a number of months or a number of days, more than 0")
        if self.months > LONGEST_MONTHS or self.days > LONGEST_DAYS:
            raise ValueError("a length is at most 60 years")

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
class Window:
    """Which rows count on an index day, by the day they happened.

    ``back``: in the last so long, both ends included (None: ever). ``ago``: at least so long ago.
    ``qof_year``: since the last 1 April. ``first`` and ``end``: on or after, and before, a fixed
    day. All that are given must hold.
    """

    back: Length | None = None
    ago: Length | None = None
    qof_year: bool = False
    first: int | None = None
    end: int | None = None

    def __post_init__(self) -> None:
        if self.first is not None and self.end is not None and self.first >= self.end:
            raise ValueError("on_or_after must be an earlier date than before")

    @property
    def trailing(self) -> bool:
        """Whether it is no more than "in the last so long"."""
        return self == Window(self.back) and self.back is not None

    def __str__(self) -> str:
        from counterfoil.foundation.days import words

        parts = [f"in the last {self.back}"] if self.back else []
        parts += [f"at least {self.ago} ago"] if self.ago else []
        parts += ["in this QOF year"] if self.qof_year else []
        parts += [f"on or after {words(self.first)}"] if self.first is not None else []
        parts += [f"before {words(self.end)}"] if self.end is not None else []
        return ", ".join(parts) or "ever"


# Where rows come from ----------------------------------------------------------------------


@dataclass(frozen=True)
class Drugs:
    """Issues of products in a drug set."""

    name: str


@dataclass(frozen=True)
class Codes:
    """Entries and problems with a code of a code set."""

    name: str


@dataclass(frozen=True)
class Stay:
    """Hospital admissions, by the day of admission or of discharge; *which* kind ("": any)."""

    at: Literal["admitted", "discharged"]
    which: str = ""


@dataclass(frozen=True)
class Letter:
    """Documents, by the day they are about (else the day they came); *which* kind ("": any)."""

    which: str = ""


Source = Drugs | Codes | Stay | Letter


# Facts about rows that happened ------------------------------------------------------------


@dataclass(frozen=True)
class Issued:
    """A product of the drug set was issued within the window.

    An active plan of type *hospital* makes it unknown: somebody else supplies the drug.
    """

    drugs: str
    window: Window


@dataclass(frozen=True)
class IssuedTogether:
    """Issues of two drug sets fewer than *apart* days from each other, both in the last *back*."""

    drugs: str
    other: str
    apart: int
    back: Length

    def __post_init__(self) -> None:
        if self.apart < 1:
            raise ValueError("issues must be fewer than at least 1 day apart")


@dataclass(frozen=True)
class Ever:
    """A code of the set is on record as an entry or a problem, dated within the window.

    An entry dated to a month or a year is unknown where the window turns within it.
    """

    codes: str
    window: Window = Window()


@dataclass(frozen=True)
class Happened:
    """A hospital stay began or ended, or a document came, within the window."""

    source: Stay | Letter
    window: Window = Window()


@dataclass(frozen=True)
class LaterThan:
    """The latest code of one set is later than the latest of another, as seen *ago* before.

    True where the other was never coded. Both on one day is unknown: their order is not recorded.
    """

    codes: str
    other: str
    ago: Length | None = None


@dataclass(frozen=True)
class NotFollowed:
    """One thing happened, and another did not follow it *after* to *within* days later.

    It holds from the day after the time is up until the other thing happens after all. ``back``
    limits it to first things in the last so long.
    """

    one: Source
    then: Source
    after: int
    within: int
    back: Length | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.after <= self.within <= LONGEST_DAYS:
            raise ValueError("after_days must be 0 or more and within_days no less than it")


@dataclass(frozen=True)
class Counted:
    """It happened on at least *times* different days within the window."""

    source: Source
    times: int
    window: Window

    def __post_init__(self) -> None:
        if not 2 <= self.times <= 1000:
            raise ValueError("times must be 2 to 1000")
        if self.window.back is None and not self.window.qof_year:
            raise ValueError("counting needs a window: in_last or this_qof_year")


@dataclass(frozen=True)
class Quantity:
    """Quantities issued within the window add up to at least *value* millionths of *unit*.

    An issue without a quantity, or in another unit, leaves it unknown unless the rest suffice.
    """

    drugs: str
    value: int
    unit: str
    window: Window

    def __post_init__(self) -> None:
        if self.value <= 0:
            raise ValueError("at_least must be more than 0")
        if self.window.back is None and not self.window.qof_year:
            raise ValueError("adding up needs a window: in_last or this_qof_year")


@dataclass(frozen=True)
class Ingredients:
    """Products of the drug set issued in the last *back* hold at least so many ingredients."""

    drugs: str
    at_least: int
    back: Length

    def __post_init__(self) -> None:
        if not 2 <= self.at_least <= 100:
            raise ValueError("at_least must be 2 to 100 ingredients")


# Facts about results -----------------------------------------------------------------------


@dataclass(frozen=True)
class Comparison:
    """A limit on a numeric result. ``value`` is in millionths of ``unit`` (UCUM), a whole number.

    A result under ``plausible_from`` (or "less than" it) is not believed: it leaves things unknown.
    """

    op: Literal[">=", "<", ">", "<="]
    value: int
    unit: str
    plausible_from: int | None = None

    @property
    def upward(self) -> bool:
        """Whether it asks for a value that is great enough."""
        return self.op in (">=", ">")

    @property
    def limit(self) -> int:
        """The least value, in millionths, that is great enough (or no longer small enough)."""
        return self.value + (self.op in (">", "<="))


@dataclass(frozen=True)
class Latest:
    """The latest result of the code set (of those within the window) meets the limit.

    Where several were taken on one day the fact is as true as the truest of them. A result whose
    unit is not known, or whose comparator leaves both sides possible, is unknown. With ``ago`` it
    is the result that was the latest that long ago.
    """

    codes: str
    test: Comparison
    back: Length | None = None
    ago: Length | None = None


@dataclass(frozen=True)
class Repeated:
    """At least *times* results that meet the limit, on different days.

    The first and the last lie at least *apart* days from each other. It holds from then on; with
    *back*, while so many lie in the last so long; if *consecutive*, while the latest results have
    met the limit without a break.
    """

    codes: str
    test: Comparison
    times: int
    apart: int = 1
    consecutive: bool = False
    back: Length | None = None

    def __post_init__(self) -> None:
        if not 2 <= self.times <= 1000:
            raise ValueError("times must be 2 to 1000; for one result use ever or latest")
        if not 1 <= self.apart <= LONGEST_DAYS:
            raise ValueError("days_apart must be 1 or more")
        if self.back and (self.consecutive or self.apart > 1):
            raise ValueError("in_last cannot be asked together with days_apart or consecutive")


@dataclass(frozen=True)
class Change:
    """The latest result lies *by* below the highest (or above the lowest) of those before it.

    Compared with results of earlier days within *within* before it. ``by`` is in millionths of
    ``unit``, or a whole percentage of the earlier result. It holds until the next result.
    """

    codes: str
    direction: Literal["fall", "rise"]
    by: int
    percent: bool
    unit: str
    within: Length

    def __post_init__(self) -> None:
        if self.by <= 0 or (self.percent and self.by > 1000):
            raise ValueError("a change is by more than 0; a percentage is at most 1000")


# Facts about what is in force --------------------------------------------------------------


@dataclass(frozen=True)
class ActiveProblem:
    """A problem of the code set has begun and has not ended; a *resolved* code ends it too.

    Without a beginning, or past without an end, it is unknown when it was active.
    """

    codes: str
    resolved: str = ""


@dataclass(frozen=True)
class DailyDose:
    """The doses of active plans of the drug set add up to an amount a day that meets the limit.

    Plans whose dose or strength cannot be read leave it unknown unless the rest decide it.
    """

    drugs: str
    test: Comparison


@dataclass(frozen=True)
class DoseText:
    """An active plan of the drug set has one of the phrases in its dose text; unknown without one."""

    drugs: str
    phrases: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.phrases or not all(p.strip() for p in self.phrases):
            raise ValueError("contains must list the words to look for")


@dataclass(frozen=True)
class PlanFor:
    """An active plan of the drug set is linked to a problem of the code set."""

    drugs: str
    codes: str


@dataclass(frozen=True)
class Supplied:
    """Supplies of the drug set cover the day, worked out from quantity and dose.

    What is left over is carried on (see ``supply``). A supply whose length is not known, or has no
    upper end, leaves it unknown for *unknown_for* from its start.
    """

    drugs: str
    unknown_for: Length


@dataclass(frozen=True)
class Allergy:
    """An allergy or intolerance to an ingredient of the drug set is on record and active."""

    drugs: str


@dataclass(frozen=True)
class Age:
    """The patient is *at_least* so many years old; unknown while the date of birth leaves it open."""

    at_least: int

    def __post_init__(self) -> None:
        if not 0 < self.at_least < 130:
            raise ValueError("age_at_least must be between 1 and 129")


@dataclass(frozen=True)
class Sex:
    """The recorded sex; unknown where it is not recorded."""

    sex: Literal["female", "male"]


@dataclass(frozen=True)
class Registered:
    """Registered with the practice for at least so long; unknown without a joining date."""

    least: Length


# Facts about facts -------------------------------------------------------------------------


@dataclass(frozen=True)
class Lasting:
    """Another fact has held on every day of the last *least*."""

    of: Fact
    least: Length


@dataclass(frozen=True)
class Lingering:
    """Another fact holds, or held on some day of the last *within*."""

    of: Fact
    within: Length


@dataclass(frozen=True)
class Began:
    """Another fact began to hold on some day of the last *within*.

    Issues first seen within their own window of joining the practice may be a continuation: then
    it is unknown.
    """

    of: Fact
    within: Length


@dataclass(frozen=True)
class ByValue:
    """As many months as the latest result, divided by *divisor* and rounded down, says.

    At least *least* and at most *most*. Several results on one day: the shortest interval. Without
    a result in *unit* it may be any of them.
    """

    codes: str
    unit: str
    divisor: int
    least: int
    most: int

    def __post_init__(self) -> None:
        if self.divisor <= 0 or not 1 <= self.least < self.most <= 60:
            raise ValueError(
                "months_from needs divided_by above 0, and at_least below at_most, from 1 to 60 months"
            )


@dataclass(frozen=True)
class Sooner:
    """While *when* holds, the interval of a test is *every* instead, if that is due sooner.

    ``from_start``: counted from the later of the last test and the day on which *when* began, so
    that nobody is overdue the day it begins. ``at_once``: counted from the last test or anchor.
    """

    when: Fact
    every: Length | ByValue
    bites: Literal["from_start", "at_once"]


@dataclass(frozen=True)
class Due:
    """A test is overdue while the drug is taken.

    Overdue from the day ``max(last test, latest anchor) + interval in force + grace``. Anchors are
    the start of treatment and each restart after a gap in *taking*, dose changes if asked for, and
    what else is named: a stay, a letter, a code. Where treatment is first seen within its own
    window of joining the practice, an earlier test may lie in the former record: until one
    interval has passed the answer is unknown.
    """

    tests: str
    taking: Issued
    every: Length | ByValue
    sooner: tuple[Sooner, ...] = ()
    dose_changes: bool = False
    grace: int = 0
    anchors: tuple[Source, ...] = ()

    def __post_init__(self) -> None:
        if not self.taking.window.trailing:
            raise ValueError("taking must be an issued fact with in_last and nothing more")
        if not 0 <= self.grace <= LONGEST_DAYS:
            raise ValueError("grace_days must be 0 or more")
        if any(isinstance(f, Due) for s in self.sooner for f in parts(s.when)):
            raise ValueError("what makes a test due sooner cannot be a monitoring fact")


Fact = (
    Issued
    | IssuedTogether
    | Ever
    | Happened
    | LaterThan
    | NotFollowed
    | Counted
    | Quantity
    | Ingredients
    | Latest
    | Repeated
    | Change
    | ActiveProblem
    | DailyDose
    | DoseText
    | PlanFor
    | Supplied
    | Allergy
    | Age
    | Sex
    | Registered
    | Lasting
    | Lingering
    | Began
    | Due
)

TREATMENT = (Issued, IssuedTogether, Ingredients, Supplied)
"""Facts of treatment: asked ahead, one that is true goes on."""


def below(fact: Fact) -> tuple[Fact, ...]:
    """The facts that a fact rests on directly."""
    match fact:
        case Lasting(of) | Lingering(of) | Began(of):
            return (of,)
        case Due():
            return (fact.taking, *(s.when for s in fact.sooner))
        case _:
            return ()


def parts(fact: Fact) -> Iterator[Fact]:
    """The fact and everything that it rests on, lowest first."""
    for part in below(fact):
        yield from parts(part)
    yield fact


def sets_of(fact: Fact) -> tuple[set[str], set[str]]:
    """The drug sets and the code sets that a fact reads, those of its parts included."""
    drugs: set[str] = set()
    codes: set[str] = set()
    for part in parts(fact):
        for source in sources_of(part):
            match source:
                case Drugs(name):
                    drugs.add(name)
                case Codes(name):
                    codes.add(name)
                case _:
                    pass
    return drugs, codes


def sources_of(fact: Fact) -> tuple[Source, ...]:
    """The sources of rows that a fact reads itself, those of its parts not included."""
    match fact:
        case IssuedTogether(drugs, other):
            return Drugs(drugs), Drugs(other)
        case PlanFor(drugs, codes):
            return Drugs(drugs), Codes(codes)
        case Issued(drugs) | Quantity(drugs) | Ingredients(drugs) | DailyDose(drugs):
            return (Drugs(drugs),)
        case DoseText(drugs) | Supplied(drugs) | Allergy(drugs):
            return (Drugs(drugs),)
        case Ever(codes) | Latest(codes) | Repeated(codes) | Change(codes):
            return (Codes(codes),)
        case LaterThan(codes, other):
            return Codes(codes), Codes(other)
        case ActiveProblem(codes, resolved):
            return (Codes(codes), Codes(resolved)) if resolved else (Codes(codes),)
        case Counted(source) | Happened(source):
            return (source,)
        case NotFollowed(one, then):
            return one, then
        case Due():
            values = [fact.every, *(s.every for s in fact.sooner)]
            by = tuple(Codes(v.codes) for v in values if isinstance(v, ByValue))
            return (Codes(fact.tests), *fact.anchors, *by)
        case _:
            return ()

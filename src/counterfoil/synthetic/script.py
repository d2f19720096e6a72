"""What is planted: the scenes that were decided before any row was written.

Faults and their silent neighbours are chosen here, by name, and laid down when the rows are made;
nothing ever looks for them again. The truth table is this list.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from counterfoil.synthetic.columns import NO_DAY
from counterfoil.synthetic.draws import Bools, Floats, Ints
from counterfoil.synthetic.people import DEEP, HISTORY, People

LIFE = 7300
"""How far back the history of a whole clinical system reaches here, in days."""

NEVER = NO_DAY + 1
"""In ``last_test``: no test of the group at all."""


@dataclass(frozen=True, slots=True)
class Plant:
    """One planted fault or silent neighbour.

    ``kind`` names the rule's subject and the scene (``methotrexate.overdue``). ``expected`` is
    ``open``, ``near`` (within the days about a limit where a grace period decides), ``clear``,
    ``cannot_tell``, ``not_open`` (clear or cannot tell) or ``any`` (no claim). ``difficulty``: 1
    exact, 2 needs equivalence, 3 needs context.
    """

    patient: int
    kind: str
    expected: str
    difficulty: int
    groups: tuple[str, ...]
    true_value: str
    seen_value: str
    note: str = ""
    intentional: bool = True
    day: int | None = None


@dataclass(frozen=True, slots=True)
class ExtraEntry:
    """A coded entry laid down by a scene; ``unit`` overrides the analyte's (empty: none).

    ``withdrawn`` is the day on which the source took it back.
    """

    patient: int
    analyte: str
    day: int
    value: float | None
    unit: str | None = None
    withdrawn: int | None = None


@dataclass(frozen=True, slots=True)
class Lateness:
    """How tests of a group run late: due every ``limit`` days, ``by`` days over when late."""

    limit: int
    by: int


@dataclass(slots=True)
class Script:
    """What the scenes ask of the later stages.

    ``groups`` says who is on which group of medicines; ``onset`` when a condition was first coded;
    ``start`` and ``stop`` fix the day on which a plan begins or ends; ``steady`` plans are ordered
    without a gap; ``last_test`` is the day of the last test of a group of tests (``NEVER``: none),
    with one test on that day and none after; ``test_gap`` the usual days between the earlier ones
    and ``test_late`` how late a late one was, ``late_share`` (by drug) how many were. ``choice``,
    ``words``, ``amounts``, ``ordering`` and ``batched`` fix a plan's option, dose text, quantity,
    way of ordering and repeat dispensing. ``review_late`` are people whose medication review is
    overdue; ``resident`` those who live in a care home; ``lapsed`` the plans that were last ordered over a year ago without being ended.
    """

    who: People
    has: dict[str, Bools]
    groups: dict[str, Bools]
    reason: dict[str, Ints]
    onset: dict[str, Ints]
    start: dict[str, Ints] = field(default_factory=dict)
    stop: dict[str, Ints] = field(default_factory=dict)
    steady: dict[str, Bools] = field(default_factory=dict)
    last_test: dict[str, Ints] = field(default_factory=dict)
    test_gap: dict[str, Ints] = field(default_factory=dict)
    first_test: dict[str, Ints] = field(default_factory=dict)
    test_late: dict[str, tuple[Ints, Ints]] = field(default_factory=dict)
    late_share: Floats = field(default_factory=lambda: np.zeros(0))
    choice: dict[str, Ints] = field(default_factory=dict)
    words: dict[tuple[int, str], str] = field(default_factory=dict)
    amounts: dict[tuple[int, str], float] = field(default_factory=dict)
    ordering: dict[tuple[int, str], str] = field(default_factory=dict)
    batched: set[tuple[int, str]] = field(default_factory=set)
    extra_acutes: list[tuple[int, str, int]] = field(default_factory=list)
    twice_listed: list[tuple[int, str]] = field(default_factory=list)
    extra_entries: list[ExtraEntry] = field(default_factory=list)
    extra_plans: list[tuple[int, str, int, int]] = field(default_factory=list)
    hospital_plans: list[tuple[int, str, int]] = field(default_factory=list)
    uncoded: dict[str, Bools] = field(default_factory=dict)
    other_code: dict[tuple[str, int], str] = field(default_factory=dict)
    plants: list[Plant] = field(default_factory=list)
    resident: Bools = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    lapsed: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    review_late: Bools = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    everything: bool = False
    used: Bools = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))

    def __post_init__(self) -> None:
        self.used = np.zeros(self.who.size, dtype=np.bool_)
        self.late_share = np.zeros(self.who.size)
        self.review_late = np.zeros(self.who.size, dtype=np.bool_)
        self.resident = np.zeros(self.who.size, dtype=np.bool_)

    @property
    def as_of(self) -> int:
        """The day the record is made for."""
        return self.who.as_of

    def days(self, store: dict[str, Ints], group: str) -> Ints:
        """The array of days of a group, made on first use."""
        return store.setdefault(group, np.full(self.who.size, NO_DAY, dtype=np.int64))

    def flags(self, store: dict[str, Bools], group: str) -> Bools:
        """The array of flags of a group, made on first use."""
        return store.setdefault(group, np.zeros(self.who.size, dtype=np.bool_))

    def on(self, patient: int, group: str, started: int | None = None, back: int = 500) -> None:
        """Put somebody on a group of medicines, ordered steadily, from a day long enough ago."""
        self.groups[group][patient] = True
        begins = started if started is not None else self.as_of - back
        self.days(self.start, group)[patient] = begins
        self.flags(self.steady, group)[patient] = True

    def off(self, patient: int, *groups: str) -> None:
        """Take somebody off groups of medicines."""
        for group in groups:
            self.groups[group][patient] = False

    def born(self, patient: int, day: int) -> None:
        """Give somebody another birthday; nobody is registered before it."""
        self.who.birth[patient] = day
        self.who.registered_from[patient] = max(self.who.registered_from[patient], day)

    def tested(
        self,
        patient: int,
        groups: tuple[str, ...],
        back: int,
        every: int,
        late: Lateness | None = None,
    ) -> None:
        """The last tests of these groups were ``back`` days ago, about ``every`` days apart."""
        for group in groups:
            self.days(self.last_test, group)[patient] = self.as_of - back if back >= 0 else NEVER
            self.days(self.test_gap, group)[patient] = every
            limits = self.test_late.setdefault(
                group,
                (
                    np.zeros(self.who.size, dtype=np.int64),
                    np.zeros(self.who.size, dtype=np.int64),
                ),
            )
            limits[0][patient] = late.limit if late else 0
            limits[1][patient] = late.by if late else 0

    @property
    def deep(self) -> Bools:
        """Whose history reaches back further: everybody whose tests are scripted as a row."""
        out = np.zeros(self.who.size, dtype=np.bool_)
        for limit, _ in self.test_late.values():
            out |= limit > 0
        return out

    @property
    def reach(self) -> Ints:
        """The first day of each patient's history; with ``everything``, twenty years of it."""
        back = np.where(self.deep, DEEP, HISTORY) if not self.everything else LIFE
        return np.maximum(self.who.registered_from, self.as_of - back)

    def take(self, patient: int, group: str, option: int) -> None:
        """Fix which option of a group somebody is on."""
        chosen = self.choice.setdefault(group, np.full(self.who.size, -1, dtype=np.int64))
        chosen[patient] = option

    def tests_from(self, patient: int, groups: tuple[str, ...], day: int) -> None:
        """No tests of these groups before ``day``."""
        for group in groups:
            self.days(self.first_test, group)[patient] = day

    def plant(
        self,
        patient: int,
        kind: str,
        expected: str,
        groups: tuple[str, ...],
        true_value: str,
        seen_value: str,
        difficulty: int = 1,
        note: str = "",
        *,
        day: int | None = None,
        intentional: bool = True,
    ) -> None:
        """Write a scene into the truth; not ``intentional`` what follows from another scene."""
        self.used[patient] = True
        self.plants.append(
            Plant(
                patient,
                kind,
                expected,
                difficulty,
                groups,
                true_value,
                seen_value,
                note,
                intentional,
                day,
            )
        )

"""Who is registered: ages, names, registration spells, deaths and movers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
import pyarrow as pa

from counterfoil.synthetic import columns
from counterfoil.synthetic.columns import NO_DAY
from counterfoil.synthetic.draws import Bools, Floats, Ints, stream, weighted
from counterfoil.synthetic.lists import rows
from counterfoil.synthetic.numbers import nhs_numbers

HISTORY = 730
"""Days of prescribing and tests before ``as_of``."""

DEEP = 1461
"""The same for people whose monitoring is scripted: charts of two years need what came before."""

NETWORK, COUNTRY, MANY = 0.18, 0.5625, 30
"""How list sizes differ (standard deviation of the log) in a network and from many practices on."""

TILT, TILT_COUNTRY = 0.05, 0.16
"""How ages differ between practices of a network, and of many."""

MOVED_SHARE = 0.004
LEFT_SHARE = 0.030
DIED_SHARE = 0.016


@dataclass(frozen=True, slots=True)
class Place:
    """One practice of a run: its code, name, number from 1, and its patients' serials.

    ``size`` counts all its patients; the last ``arrivals`` of them came from another practice.
    ``floors``: in a network of few practices, small ones hold floors of what is rare. ``practices``,
    ``seed`` and ``sizes`` are the network's.
    """

    code: str
    name: str
    number: int
    size: int
    offset: int
    arrivals: int = 0
    floors: bool = True
    practices: int = 1
    seed: int = 0
    sizes: tuple[int, ...] = ()

    def ranks(self, what: str) -> list[float]:
        """Where the network's practices stand in one respect: shares within 0 and 1.

        The ranks are even steps dealt out at random, so that practices differ and their mean and
        median are those asked for, in a network of five as in one of a hundred.
        """
        dealt = stream(self.seed, f"ranks {what}").permutation(self.practices)
        return [(float(number) + 0.5) / self.practices for number in dealt]

    def rank(self, what: str) -> float:
        """Where this practice stands."""
        return self.ranks(what)[self.number - 1]

    def share(self, what: str, at: Callable[[float], float]) -> float:
        """``at`` this practice's rank, over what it is in the network's mean person's practice."""
        every = [at(rank) for rank in self.ranks(what)]
        return every[self.number - 1] / float(np.average(every, weights=self.sizes or None))

    def effect(self, what: str) -> float:
        """The same as a draw from the standard normal distribution."""
        return NormalDist().inv_cdf(self.rank(what))

    @property
    def system(self) -> str:
        """The clinical system in use: EMIS in odd practices, SystmOne in even ones."""
        return columns.system_of(self.code)


def places(patients: int, practices: int, seed: int) -> list[Place]:
    """The practices and how many patients each has; the sizes add up to ``patients``."""
    wide = COUNTRY if practices >= MANY else NETWORK
    dealt = stream(seed, "sizes").permutation(practices)
    spread = np.array([NormalDist(0.0, wide).inv_cdf((n + 0.5) / practices) for n in dealt])
    share = np.exp(spread) if practices > 2 else np.array([1.12, 0.88][:practices])
    edges = np.rint(np.cumsum(share) / share.sum() * patients).astype(int)
    sizes = tuple(np.diff(edges, prepend=0).tolist())
    names = [row["name"] for row in rows("practices")]
    out = []
    for index in range(practices):
        start = int(edges[index - 1]) if index else 0
        label = names[index] if index < len(names) else f"Sample Surgery {index + 1}"
        size = int(edges[index]) - start
        floors = practices < MANY
        out.append(
            Place(
                f"X{index + 1:05d}",
                label,
                index + 1,
                size,
                start,
                floors=floors,
                practices=practices,
                seed=seed,
                sizes=sizes,
            )
        )
    if practices == 1:
        return out
    return [
        replace(place, arrivals=round(min(place.size, out[index - 1].size) * MOVED_SHARE))
        for index, place in enumerate(out)
    ]


@dataclass(slots=True)
class People:
    """One practice's patients as columns; every array has one item a patient.

    ``serial`` numbers persons over the whole run; ``sex`` is 0 male, 1 female; days are day
    numbers with ``NO_DAY`` for none; ``first`` and ``last`` bound the days on which somebody can
    have been prescribed for here (``last`` not included).
    """

    place: Place
    as_of: int
    serial: Ints
    sex: Ints
    birth: Ints
    given: Ints
    family: Ints
    registered_from: Ints
    registered_to: Ints
    death: Ints
    frailty: Floats

    @property
    def size(self) -> int:
        """How many patients."""
        return self.serial.size

    @property
    def age(self) -> Ints:
        """Age in whole years on ``as_of``, near enough for drawing from."""
        return ((self.as_of - self.birth) / 365.25).astype(np.int64)

    @property
    def current(self) -> Bools:
        """Registered and alive on ``as_of``."""
        return np.asarray((self.registered_to == NO_DAY) & (self.death == NO_DAY))

    @property
    def first(self) -> Ints:
        """The first day of history here."""
        return np.maximum(self.registered_from, self.as_of - HISTORY)

    @property
    def last(self) -> Ints:
        """The first day without history here."""
        ends = np.where(self.registered_to == NO_DAY, self.as_of + 1, self.registered_to)
        return np.where(self.death == NO_DAY, ends, np.minimum(ends, self.death))

    def ids(self, index: Ints) -> pa.Array:
        """Patient ids of the patients at ``index``."""
        return columns.ids(f"{self.place.number}", index + 1, 7)

    def patient_id(self, index: int) -> str:
        """One patient's id."""
        return f"{self.place.number}{index + 1:07d}"


def own(place: Place, seed: int, as_of: int) -> People:
    """The people who first registered at this practice."""
    size = place.size - place.arrivals
    rng = stream(seed, "people", place.code)
    bands = rows("ages")
    low = np.array([int(b["age_from"]) for b in bands])
    high = np.array([int(b["age_to"]) + 1 for b in bands])
    lean = place.effect("age") * (TILT_COUNTRY if place.practices >= MANY else TILT)
    tilt = np.exp(lean * (low + high - 80) / 40)
    band = weighted(rng, np.array([float(b["weight"]) for b in bands]) * tilt, size)
    skew = np.where(low[band] >= 75, rng.random(size) ** 1.6, rng.random(size))
    age = low[band] + skew * (high - low)[band]
    birth = as_of - 1 - np.floor(age * 365.25).astype(np.int64)
    male = np.array([float(b["male"]) for b in bands])[band]
    sex = (rng.random(size) >= male).astype(np.int64)
    since = as_of - 8 - np.floor(rng.exponential(4200.0, size)).astype(np.int64)
    registered = np.maximum(since, birth + np.minimum(14, as_of - birth))
    registered_to, death = _endings(rng, age, as_of, size)
    unborn = np.maximum(registered_to, death) <= birth + 30
    registered_to, death = (np.where(unborn, NO_DAY, ends) for ends in (registered_to, death))
    registered = np.where(
        (registered_to != NO_DAY) | (death != NO_DAY), registered - HISTORY, registered
    )
    registered = np.maximum(registered, birth)
    return People(
        place,
        as_of,
        place.offset + np.arange(size),
        sex,
        birth,
        _given(rng, sex, birth),
        rng.integers(0, len(rows("family_names")), size),
        registered,
        registered_to,
        death,
        rng.normal(0.0, 1.0, size),
    )


def _endings(rng: np.random.Generator, age: Floats, as_of: int, size: int) -> tuple[Ints, Ints]:
    """Leaving dates and death dates. The first of the leavers move to the next practice."""
    when = as_of - 1 - rng.integers(3, HISTORY - 40, size)
    risk = np.exp((age - 75) / 10)
    dying = rng.random(size) < np.minimum(0.6, DIED_SHARE * size * risk / risk.sum())
    leaving = ~dying & (rng.random(size) < LEFT_SHARE)
    some = rng.permutation(np.flatnonzero(~dying))[: int(np.ceil(size * MOVED_SHARE)) + 1]
    leaving[some] = True
    return np.where(leaving, when, NO_DAY), np.where(dying, when, NO_DAY)


def _given(rng: np.random.Generator, sex: Ints, birth: Ints) -> Ints:
    """A given name that fits the sex and the decade of birth."""
    names = rows("given_names")
    kind = np.array([0 if r["sex"] == "male" else 1 for r in names])
    since = np.array([int(r["from_year"]) for r in names])
    until = np.array([int(r["to_year"]) for r in names])
    year = 1970 + birth // 365.25
    out = np.zeros(sex.size, dtype=np.int64)
    for decade in range(1920, 2040, 10):
        for value in (0, 1):
            who = np.flatnonzero((sex == value) & (year >= decade) & (year < decade + 10))
            fit = np.flatnonzero((kind == value) & (since <= decade + 9) & (until >= decade))
            if who.size:
                pick = rng.integers(0, max(fit.size, 1), who.size)
                out[who] = fit[pick] if fit.size else pick
    return out


def people(place: Place, before: Place | None, seed: int, as_of: int) -> People:
    """A practice's patients: its own, and at the end those who moved here from ``before``.

    A mover is one person with two patients: the same person, NHS number and name, the earlier
    registration ending on the day on which the later one begins.
    """
    mine = own(place, seed, as_of)
    if before is None or not place.arrivals:
        return mine
    theirs = own(before, seed, as_of)
    movers = np.flatnonzero(theirs.registered_to != NO_DAY)[: place.arrivals]

    def both(name: str) -> Ints:
        return np.concatenate([getattr(mine, name), getattr(theirs, name)[movers]])

    return People(
        place,
        as_of,
        both("serial"),
        both("sex"),
        both("birth"),
        both("given"),
        both("family"),
        np.concatenate([mine.registered_from, theirs.registered_to[movers]]),
        np.concatenate([mine.registered_to, np.full(movers.size, NO_DAY)]),
        both("death"),
        np.concatenate([mine.frailty, theirs.frailty[movers]]),
    )


def patient_table(who: People, seed: int) -> pa.Table:
    """The canonical ``patient`` table."""
    size = who.size
    numbers = nhs_numbers(seed, who.serial)
    given = [row["name"] for row in rows("given_names")]
    family = [row["name"] for row in rows("family_names")]
    words = columns.ids("", np.maximum(numbers, 0), 10)
    index = np.arange(size)
    return columns.table(
        "patient",
        who.place.code,
        size,
        {
            "patient_id": who.ids(index),
            "person_id": columns.ids("SP", who.serial, 8),
            "nhs_number": columns.masked(words, numbers >= 0),
            "nhs_status": columns.texts(["absent", "verified"], (numbers >= 0).astype(np.int64)),
            "given_name": columns.texts(given, who.given),
            "family_name": columns.texts(family, who.family),
            "birth_date": columns.days(who.birth),
            "birth_precision": columns.constant("day", size),
            "sex": columns.texts(["male", "female"], who.sex),
            "death_date": columns.days(who.death),
            "registered_from": columns.days(who.registered_from),
            "registered_to": columns.days(
                np.where(who.death == NO_DAY, who.registered_to, who.death)
            ),
            "registration_type": columns.constant("regular", size),
            "is_test": columns.booleans(np.zeros(size, dtype=np.bool_)),
            "is_sensitive": columns.booleans(np.zeros(size, dtype=np.bool_)),
        },
        who.registered_from,
    )

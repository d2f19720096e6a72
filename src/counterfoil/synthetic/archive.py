"""The rest of a clinical system: old acute items, ended repeats, and entries that no audit reads.

Only the density of a whole system asks for it. Figures aimed at, a patient: 42 drug records, 160
issues, 551 observations, 21 problems (``repeats-and-formats``, an EMIS extract's average).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from counterfoil.synthetic.draws import Floats, Ints, stream, weighted
from counterfoil.synthetic.lists import rows
from counterfoil.synthetic.people import HISTORY
from counterfoil.synthetic.script import LIFE, Script

ENTRIES_A_PATIENT = 531.0
VISITS_A_YEAR = 8.0
ACUTES_A_PATIENT = 25.3
ENDED_A_PATIENT = 9.2


@dataclass(slots=True)
class Archive:
    """Entries by patient, day and place in ``archive.csv``; sorted by nothing yet."""

    patient: Ints
    day: Ints
    term: Ints
    value: Floats


def nothing() -> Archive:
    """No archive at all."""
    none = np.zeros(0, dtype=np.int64)
    return Archive(none, none, none, np.zeros(0))


def span(script: Script, until: Ints) -> tuple[Ints, Ints]:
    """For each patient the first day of the archive and how many days it holds before ``until``."""
    who = script.who
    since = np.maximum(who.registered_from, np.maximum(who.birth + 10, script.as_of - LIFE))
    return since, np.maximum(until - since, 0)


def shared_out(rng: np.random.Generator, weight: Floats, mean: float) -> Ints:
    """A count for each patient whose mean over all is ``mean``, in proportion to ``weight``."""
    return rng.poisson(weight * mean / max(float(weight.mean()), 1e-9))


def archive(script: Script, seed: int) -> Archive:
    """Consultations with what was noted at each: more with age, frailty and years registered."""
    who = script.who
    rng = stream(seed, "archive", who.place.code)
    since, long = span(script, np.minimum(who.last, script.as_of))
    years = long / 365.25
    need = (0.35 + who.age / 55) * np.exp(0.35 * who.frailty)
    visits = np.maximum(shared_out(rng, years * need, VISITS_A_YEAR * float(years.mean())), 1)
    first = np.cumsum(visits) - visits
    owner = np.repeat(np.arange(who.size), visits)
    visit_day = since[owner] + np.floor(rng.random(owner.size) * long[owner]).astype(np.int64)
    count = shared_out(rng, visits.astype(np.float64) * (long > 0), ENTRIES_A_PATIENT)
    patient = np.repeat(np.arange(who.size, dtype=np.int32), count)
    pick = first[patient] + np.floor(
        rng.random(patient.size, dtype=np.float32) * visits[patient]
    ).astype(np.int64)
    pick = np.minimum(pick, (first + visits - 1)[patient])
    listed = rows("archive")
    term = weighted(rng, np.array([float(r["weight"]) for r in listed]), patient.size)
    mean = np.array([float(r["mean"] or "nan") for r in listed])
    spread = np.array([float(r["sd"] or 0) for r in listed])
    noise = rng.standard_normal(patient.size, dtype=np.float32)
    value = np.maximum(np.round(mean[term] + spread[term] * noise, 2), 0.0)
    return Archive(patient.astype(np.int64), visit_day[pick], term, value)


def old_days(
    rng: np.random.Generator, script: Script, mean: float, weight: Floats
) -> tuple[Ints, Ints]:
    """Patients and days before the usual history, ``mean`` a patient, in proportion to ``weight``."""
    since, long = span(script, np.minimum(script.who.last, script.as_of - HISTORY))
    count = shared_out(rng, weight * long, mean)
    patient = np.repeat(np.arange(script.who.size), count)
    day = since[patient] + np.floor(rng.random(patient.size) * long[patient]).astype(np.int64)
    return patient, day

"""The smaller tables: organisations, allergies, admissions."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from counterfoil.synthetic import columns
from counterfoil.synthetic.draws import Bools, Ints, stream, weighted
from counterfoil.synthetic.lists import rows, target
from counterfoil.synthetic.people import People, Place
from counterfoil.synthetic.script import Script

ALLERGIC = 0.14


def organisation_table(place: Place) -> pa.Table:
    """The practice itself, its network, the trusts and pharmacies. None of the codes is real."""
    listed = [dict(row) for row in rows("organisations")]
    listed.append(
        {"org_code": place.code, "kind": "practice", "name": place.name, "parent_code": "XU0001"}
    )
    index = np.arange(len(listed))
    parents = [row["parent_code"] or None for row in listed]
    return columns.table(
        "organisation",
        place.code,
        len(listed),
        {
            "org_code": columns.texts([row["org_code"] for row in listed], index),
            "kind": columns.texts([row["kind"] for row in listed], index),
            "name": columns.texts([row["name"] for row in listed], index),
            "parent_code": columns.texts(parents, index),
        },
        np.full(len(listed), columns.NO_DAY, dtype=np.int64),
    )


CLASHES = {
    "Ramipril": ("acei_arb",),
    "Codeine": ("cocodamol", "opioid"),
    "Statins": ("statin",),
    "Ibuprofen": ("nsaid", "nsaid_gel", "aspirin"),
    "Aspirin": ("nsaid", "nsaid_gel", "aspirin"),
}
"""Groups of medicines that nobody with the allergy is on: such a clash is a scene, never chance."""

ACUTE_CLASHES = {
    "Penicillin": ("Amoxicillin", "Flucloxacillin", "Phenoxymethylpenicillin"),
    "Trimethoprim": ("Trimethoprim",),
    "Erythromycin": ("Clarithromycin",),
    "Codeine": ("Co-codamol",),
    "Ibuprofen": ("Ibuprofen", "Naproxen"),
    "Aspirin": ("Ibuprofen", "Naproxen"),
}


def allergies(script: Script, seed: int) -> Ints:
    """For each patient the allergy's place in the list, or -1."""
    who = script.who
    rng = stream(seed, "allergies", who.place.code)
    listed = rows("allergies")
    has = rng.random(who.size) < ALLERGIC * np.minimum(1.6, 0.3 + who.age / 45)
    what = weighted(rng, np.array([float(r["weight"]) for r in listed]), who.size)
    for index, row in enumerate(listed):
        for group in CLASHES.get(row["substance"], ()):
            has &= ~((what == index) & script.groups[group])
    return np.where(has, what, -1)


def forbidden(what: Ints, drug: str) -> Bools:
    """Who must not be given an acute medicine."""
    out = np.zeros(what.size, dtype=np.bool_)
    for index, row in enumerate(rows("allergies")):
        if drug in ACUTE_CLASHES.get(row["substance"], ()):
            out |= what == index
    return out


def allergy_table(who: People, what_of: Ints, seed: int) -> pa.Table:
    """Allergies and intolerances; a few were transferred as text and cannot be checked by code."""
    rng = stream(seed, "allergy table", who.place.code)
    listed = rows("allergies")
    patient = np.flatnonzero(what_of >= 0)
    what = what_of[patient]
    day = who.as_of - rng.integers(30, 9000, patient.size)
    day = np.maximum(day, who.birth[patient] + 60)
    day = np.minimum(day, who.as_of)
    size = patient.size
    degraded = rng.random(size) < 0.04
    return columns.table(
        "allergy",
        who.place.code,
        size,
        {
            "allergy_id": columns.ids(f"A{who.place.number}", np.arange(size) + 1, 8),
            "patient_id": who.ids(patient),
            "substance_text": columns.texts([r["substance"] for r in listed], what),
            "kind": columns.texts([r["kind"] for r in listed], what),
            "status": columns.constant("active", size),
            "severity": columns.texts([r["severity"] for r in listed], what),
            "reaction_text": columns.texts([r["reaction"] for r in listed], what),
            "onset_on": columns.days(day),
            "is_degraded": columns.booleans(degraded),
        },
        day,
    )


SEEN = 0.93
"""How many stays the record keeps: some end after it does, or after the patient left."""


def admission_table(who: People, seed: int, lettered: list[tuple[int, int, int, str]]) -> pa.Table:
    """Hospital stays: those with a letter (patient, admitted, discharged, trust) and the others."""
    rng = stream(seed, "admissions", who.place.code)
    risk = np.exp((who.age - 45) / 32) * np.exp(0.5 * who.frailty)
    span = np.maximum(who.last - who.first, 0) / 365.25
    rate = target("admissions_per_1000_year") / 1000 / SEEN * risk / risk.mean() * span
    count = rng.poisson(rate)
    patient = np.repeat(np.arange(who.size), count)
    days = np.maximum(who.last - who.first, 1)[patient]
    inside = np.floor(rng.random(patient.size) * days).astype(np.int64)
    came = who.first[patient] + inside
    stay = np.minimum(np.floor(rng.exponential(2.6, patient.size)).astype(np.int64), 60)
    left = came + stay
    keep = (left < who.last[patient]) & (left < who.as_of - 14)
    kind = rng.random(patient.size)
    trusts = [r["org_code"] for r in rows("organisations") if r["kind"] == "trust"]
    trust = weighted(rng, np.array([6.0, 2.0, 2.0, 1.5, 1.0, 1.0][: len(trusts)]), patient.size)
    letter = np.array([(p, a, d, trusts.index(t)) for p, a, d, t in lettered], dtype=np.int64)
    letter = letter.reshape(-1, 4)
    patient = np.concatenate([patient[keep], letter[:, 0]])
    came = np.concatenate([came[keep], letter[:, 1]])
    left = np.concatenate([left[keep], letter[:, 2]])
    trust = np.concatenate([trust[keep], letter[:, 3]])
    kind = np.concatenate([kind[keep], np.zeros(len(lettered))])
    order = np.lexsort((left, came, patient))
    size = order.size
    urgent = target("emergency_per_1000_year") / target("admissions_per_1000_year")
    kinds = np.where(kind < urgent, 0, np.where(kind < (1 + urgent) / 2, 2, 1))
    return columns.table(
        "admission",
        who.place.code,
        size,
        {
            "admission_id": columns.ids(f"H{who.place.number}", np.arange(size) + 1, 8),
            "patient_id": who.ids(patient[order]),
            "org_code": columns.texts(trusts, trust[order]),
            "admitted_on": columns.days(came[order]),
            "discharged_on": columns.days(left[order]),
            "kind": columns.texts(["emergency", "elective", "day case"], kinds[order]),
        },
        left[order],
    )


RECALLS = {
    "diabetes2": "Diabetes annual review",
    "asthma": "Asthma annual review",
    "copd": "COPD annual review",
    "hypertension": "Blood pressure check",
    "hypothyroid": "Thyroid blood test",
    "chd": "Heart disease annual review",
}


def recall_table(script: Script, seed: int) -> pa.Table:
    """One recall a person with a long-term condition, most to come, some past."""
    who = script.who
    rng = stream(seed, "recalls", who.place.code)
    names = list(RECALLS)
    what = np.full(who.size, -1, dtype=np.int64)
    for index, name in enumerate(names):
        what = np.where((what < 0) & script.has[name] & who.current, index, what)
    patient = np.flatnonzero((what >= 0) & (rng.random(who.size) < 0.8))
    size = patient.size
    due = who.as_of + rng.integers(-60, 330, size)
    return columns.table(
        "recall",
        who.place.code,
        size,
        {
            "recall_id": columns.ids(f"K{who.place.number}", np.arange(size) + 1, 8),
            "patient_id": who.ids(patient),
            "what_text": columns.texts([RECALLS[name] for name in names], what[patient]),
            "due_on": columns.days(due),
            "status": columns.constant("due", size),
        },
        due - 365,
    )

"""Coded entries: diagnoses with their problems, and tests with their results."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from counterfoil.synthetic.columns import NO_DAY
from counterfoil.synthetic.draws import Bools, Floats, Ints, stream, systematic, working_day
from counterfoil.synthetic.lists import rows
from counterfoil.synthetic.people import DEEP, HISTORY
from counterfoil.synthetic.script import NEVER, Script

PRACTICE_SPREAD = 0.12
DATE_ONLY_YEAR = 0.03
NO_UNIT = 0.004
SECOND_LAB = 0.08


OTHER_TERMS: list[tuple[str, str, str, str]] = [
    ("declined", "116471000119100", "Blood test declined", "nhsd bldtestdec_cod refset"),
    ("acquired_hypothyroid", "111566002", "Acquired hypothyroidism", "nhsd thy_cod refset"),
    ("diabetes_resolved", "315051004", "Diabetes resolved", "nhsd dmres_cod refset"),
    ("care_home", "248171000000108", "Lives in care home", "nhsd carehome_cod refset"),
    ("diabetes_vague", "73211009", "Diabetes mellitus", "nhsd dm_cod refset"),
    ("medication_review", "314530002", "Medication review done", "monitoring_codes MEDRVW_COD"),
]
"""Codes used besides those of conditions and tests: key, SNOMED CT code, term, list read."""

KIND = {
    "declined": "procedure",
    "acquired_hypothyroid": "diagnosis",
    "diabetes_resolved": "diagnosis",
    "diabetes_vague": "diagnosis",
    "care_home": "finding",
    "medication_review": "procedure",
}
"""What each of them is."""


@dataclass(slots=True)
class Results:
    """Test results as columns: ``analyte`` indexes the list of tests."""

    patient: Ints
    day: Ints
    analyte: Ints
    value: Floats
    unit: Ints
    withdrawn: Ints


def analytes() -> dict[str, int]:
    """Each analyte's place in the list."""
    return {row["analyte"]: index for index, row in enumerate(rows("tests"))}


def _visits(script: Script, rng: np.random.Generator) -> tuple[Ints, Ints, Ints]:
    """Which panels were taken from whom and when: by condition, by medicine and at random."""
    who = script.who
    panels = _panels()
    anchor = rng.integers(0, 365, who.size)
    zeal = np.exp(PRACTICE_SPREAD * who.place.effect("tests"))
    keen = rng.random(who.size)
    patients, days, kinds = [], [], []
    for row in rows("monitoring"):
        driven = script.has.get(row["driver"], script.groups.get(row["driver"]))
        if driven is None:
            continue
        gap = int(row["months"]) * 30.4
        chance = np.clip(float(row["share"]) * zeal - 0.25 * (keen < 0.12), 0.0, 1.0)
        who_has = np.flatnonzero(driven & systematic(rng, chance))
        steps = np.arange(int(HISTORY / gap) + 1)
        offset = anchor[who_has] % max(int(gap), 1)
        when = who.as_of - offset[:, None] - np.rint(gap * steps)[None, :].astype(np.int64)
        when = when + np.where(steps[None, :] > 0, (anchor[who_has][:, None] * 7) % 23 - 11, 0)
        patients.append(np.repeat(who_has, steps.size))
        days.append(when.ravel())
        kinds.append(np.full(when.size, panels.index(row["panel"])))
    for row in rows("panels"):
        rate = float(row["share_per_year"]) * 2 * np.minimum(who.age / 55 + 0.15, 1.6)
        rate *= np.where(who.age < 14, 0.25, 1.0) * zeal
        count = rng.poisson(np.maximum(rate, 0.0))
        patients.append(np.repeat(np.arange(who.size), count))
        days.append(who.as_of - rng.integers(1, HISTORY, int(count.sum())))
        kinds.append(np.full(int(count.sum()), panels.index(row["panel"])))
    return np.concatenate(patients), np.concatenate(days), np.concatenate(kinds)


def _panels() -> list[str]:
    return list(dict.fromkeys(row["panel"] for row in rows("tests")))


def results(script: Script, seed: int) -> Results:
    """Every test result, with what the scenes ask of last tests already true."""
    rng = stream(seed, "tests", script.who.place.code)
    patient, day, panel = _visits(script, rng)
    day = working_day(day)
    panels = _panels()
    tests = rows("tests")
    diabetic = script.has["diabetes1"] | script.has["diabetes2"]
    plain = panels.index("hba1c")
    patient, day, panel = (
        column[~((panel == plain) & (diabetic | script.has["ndh"])[patient])]
        for column in (patient, day, panel)
    )
    first_code = np.minimum(
        *(
            np.where(script.has[n], script.onset[n], script.as_of)
            for n in ("diabetes1", "diabetes2")
        )
    )
    early = (panel == panels.index("hba1c_dm")) & (day < first_code[patient])
    patient, day, panel = patient[~early], day[~early], panel[~early]
    pace = _pace(rng, script.who.size)
    out_patient, out_day, out_analyte = [], [], []
    for index, row in enumerate(tests):
        group = row["group"]
        mine = panel == panels.index(row["panel"])
        if row["analyte"].endswith("_panel"):
            mine &= (patient + day) % 3 == 0
        who_, when = patient[mine], day[mine]
        who_, when = _as_scripted(script, group, who_, when, row["analyte"], pace)
        out_patient.append(who_)
        out_day.append(when)
        out_analyte.append(np.full(who_.size, index))
    patient, day, analyte = map(np.concatenate, (out_patient, out_day, out_analyte))
    keep = (day > script.who.birth[patient]) & (day <= script.as_of)
    keep &= day < script.who.last[patient]
    key = (patient[keep] * 40_000 + day[keep]) * 64 + analyte[keep]
    key = np.unique(key)
    analyte, rest = key % 64, key // 64
    patient, day = rest // 40_000, rest % 40_000
    value = _values(script, rng, patient, analyte)
    value = _age_of_weight(script, patient, analyte, value)
    unit = _units(script, rng, patient, analyte)
    return _with_extras(
        script, Results(patient, day, analyte, value, unit, np.full(patient.size, NO_DAY))
    )


ROWS_BACK = 60
"""The most earlier tests of one group that a scripted row can hold."""


@dataclass(slots=True)
class _Pace:
    """Draws for how far apart scripted tests lie, one row a patient: shared by groups of tests."""

    usual: Floats
    late: Floats
    over: Floats


def _pace(rng: np.random.Generator, size: int) -> _Pace:
    usual, late = rng.uniform(0.86, 1.04, (size, ROWS_BACK)), rng.random((size, ROWS_BACK))
    return _Pace(usual, late, rng.uniform(0.5, 1.5, (size, ROWS_BACK)))


def _as_scripted(
    script: Script, group: str, patient: Ints, day: Ints, analyte: str, pace: _Pace
) -> tuple[Ints, Ints]:
    """Drop tests after a scripted last one, add that one and a row of earlier ones.

    Where the row is scripted in full (a gap and how late a late one is) nothing else of the group
    is kept: the share overdue is then the same at any time. See ``scenes.as_late_as_now``.
    """
    last = script.last_test.get(group)
    if last is None:
        return patient, day
    bound, gaps = last[patient], script.test_gap[group]
    none = np.zeros_like(gaps)
    limit, by = script.test_late.get(group, (none, none))
    keep = (bound == NO_DAY) | ((limit[patient] == 0) & (day < bound - 10))
    first = script.first_test.get(group)
    if first is not None:
        keep &= (first[patient] == NO_DAY) | (day >= first[patient])
    patient, day = patient[keep], day[keep]
    if analyte in ("hba1c_ndh", "hba1c_monitoring", "fbc_panel", "lft_panel"):
        return patient, day
    who = np.flatnonzero((last != NO_DAY) & (last != NEVER) & (gaps > 0))
    shift = 7 if group == "weight" else 0  # weighing runs late apart from blood tests
    late = np.roll(pace.late[who], shift, axis=1) < script.late_share[who][:, None]
    late &= limit[who][:, None] > 0
    usual = gaps[who][:, None] * pace.usual[who]
    over = limit[who][:, None] + by[who][:, None] * pace.over[who]
    back = np.cumsum(np.where(late, over, usual), axis=1)
    back = np.concatenate([np.zeros((who.size, 1)), back[:, :-1]], axis=1)
    when = last[who][:, None] - np.rint(back).astype(np.int64)
    fits = when > np.where(limit[who] > 0, script.as_of - DEEP, script.as_of - HISTORY)[:, None]
    if first is not None:
        start = first[who][:, None]
        fits &= (start == NO_DAY) | (when >= start)
    more_patient = np.broadcast_to(who[:, None], when.shape)[fits]
    return np.concatenate([patient, more_patient]), np.concatenate([day, when[fits]])


def _values(script: Script, rng: np.random.Generator, patient: Ints, analyte: Ints) -> Floats:
    """A result about the patient's own mean, rounded as laboratories do."""
    tests = rows("tests")

    def number(name: str, default: float = np.nan) -> Floats:
        return np.array([float(r[name]) if r[name] else default for r in tests])

    own = rng.normal(0.0, 1.0, (len(tests), script.who.size))
    noise = rng.normal(0.0, 1.0, patient.size)
    mean = number("mean")[analyte] + number("sd_between", 0.0)[analyte] * own[analyte, patient]
    value = mean + number("sd_within", 0.0)[analyte] * noise
    names = analytes()
    value = _special(script, names, patient, analyte, value, own, noise)
    decimals = number("decimals", 0.0)[analyte]
    value = np.clip(value, number("low")[analyte], number("high")[analyte])
    ten = 10.0**decimals
    return np.asarray(np.rint(value * ten) / ten, dtype=np.float64)


def _special(
    script: Script,
    names: dict[str, int],
    patient: Ints,
    analyte: Ints,
    value: Floats,
    own: Floats,
    noise: Floats,
) -> Floats:
    """What depends on age, sex and conditions."""
    who, has = script.who, script.has
    age = who.age.astype(np.float64)
    kidney = 112 - 0.72 * np.maximum(age - 25, 0) + 9 * own[names["egfr"]]
    kidney = np.where(
        has["ckd"], np.clip(47 + 6 * own[names["egfr"]], 31, 58), np.maximum(kidney, 61)
    )
    egfr = np.clip(kidney[patient] + 2.5 * noise, 12, 120)
    value = np.where(analyte == names["egfr"], egfr, value)
    scale = np.where(who.sex == 0, 88.0, 67.0)[patient]
    value = np.where(analyte == names["creatinine"], scale * (95 / egfr) ** 0.9, value)
    plain = analyte == names["hba1c"]
    value = np.where(plain, np.minimum(value, 41.0), value)
    male = (who.sex == 0)[patient]
    value = np.where((analyte == names["haemoglobin"]) & male, value + 9, value)
    low = (analyte == names["haemoglobin"]) & has["anaemia"][patient]
    value = np.where(low, value - 28, value)
    high = (analyte == names["systolic"]) & has["hypertension"][patient]
    value = np.where(high, value + 9, value)
    old = (analyte == names["systolic"]) * np.minimum(age[patient] - 45, 35) * 0.25
    value = value + old
    acr = (analyte == names["acr"]) & (has["ckd"] | has["diabetes2"])[patient]
    value = np.where(acr, value + np.exp(1.4 * own[names["acr"]][patient]), value)
    thyroid = (analyte == names["tsh"]) & has["hypothyroid"][patient]
    return np.where(thyroid, value * np.exp(0.5 * noise), value)


def _age_of_weight(script: Script, patient: Ints, analyte: Ints, value: Floats) -> Floats:
    age = script.who.age[patient]
    male = np.where(script.who.sex[patient] == 0, 7.0, -5.0)
    weight = analyte == analytes()["weight"]
    grown = np.clip((value + male) * np.clip(0.10 + age * 0.052, 0.1, 1.0), 3.0, 190.0)
    return np.where(weight, np.rint(grown * 10) / 10, value)


def unit_list() -> list[str]:
    """Every unit as written, once."""
    found = dict.fromkeys(u for r in rows("tests") for u in r["units"].split("|") if u)
    return list(found)


def _units(script: Script, rng: np.random.Generator, patient: Ints, analyte: Ints) -> Ints:
    """The unit as written: one laboratory's way, sometimes another's; a few are missing."""
    words = unit_list()
    ways = [[words.index(u) for u in r["units"].split("|") if u] for r in rows("tests")]
    widest = max(len(w) for w in ways)
    grid = np.full((len(ways), widest), -1, dtype=np.int64)
    for index, found in enumerate(ways):
        for place in range(widest):
            if found:
                grid[index, place] = found[place % len(found)]
    lab = int(rng.integers(0, 2))
    second = rng.random(patient.size) < SECOND_LAB
    pick = np.where(second, (lab + 1 + rng.integers(0, 3, patient.size)) % widest, lab)
    unit = grid[analyte, pick]
    watched = np.zeros(script.who.size, dtype=np.bool_) | script.used | script.groups["doac"]
    missing = (rng.random(patient.size) < NO_UNIT) & ~watched[patient]
    return np.where(missing, -1, unit)


def _with_extras(script: Script, out: Results) -> Results:
    """Results that scenes laid down by hand."""
    names, words = analytes(), unit_list()
    extra = [e for e in script.extra_entries if e.analyte in names]
    if not extra:
        return out
    tests = rows("tests")
    unit = []
    for entry in extra:
        usual = tests[names[entry.analyte]]["units"].split("|")[0]
        text = usual if entry.unit is None else entry.unit
        unit.append(words.index(text) if text else -1)
    return Results(
        np.concatenate([out.patient, np.array([e.patient for e in extra])]),
        np.concatenate([out.day, np.array([e.day for e in extra])]),
        np.concatenate([out.analyte, np.array([names[e.analyte] for e in extra])]),
        np.concatenate([out.value, np.array([e.value or 0.0 for e in extra])]),
        np.concatenate([out.unit, np.array(unit)]),
        np.concatenate([out.withdrawn, _or_none([e.withdrawn for e in extra])]),
    )


def _or_none(days: list[int | None]) -> Ints:
    return np.array([NO_DAY if day is None else day for day in days], dtype=np.int64)


@dataclass(slots=True)
class Diagnoses:
    """Diagnoses and other codes without a value: ``term`` indexes :func:`terms`."""

    patient: Ints
    day: Ints
    term: Ints
    condition: Ints
    precision: Ints


def terms() -> list[tuple[str, str, str]]:
    """Key, code and term of everything coded without a value: conditions, then the others."""
    listed = [(r["condition"], r["code"], r["term"]) for r in rows("conditions")]
    return listed + [(key, code, term) for key, code, term, _ in OTHER_TERMS]


def diagnoses(script: Script, seed: int) -> Diagnoses:
    """The first code of each condition, some repeated, some dated to the year only."""
    rng = stream(seed, "diagnoses", script.who.place.code)
    onset = script.onset
    keys = [key for key, _, _ in terms()]
    patients, days, which, condition = [], [], [], []
    for number, row in enumerate(rows("conditions")):
        name = row["condition"]
        coded: Bools = script.has[name].copy()
        gone = script.uncoded.get(name)
        if gone is not None:
            coded &= ~gone
        who = np.flatnonzero(coded)
        term = np.full(who.size, number)
        for (about, person), other in script.other_code.items():
            if about == name:
                term[who == person] = keys.index(other)
        again = np.flatnonzero(rng.random(who.size) < 0.12)
        later = np.minimum(
            onset[name][who[again]] + rng.integers(40, 900, again.size), script.as_of - 3
        )
        patients += [who, who[again]]
        days += [onset[name][who], later]
        which += [term, term[again]]
        condition += [np.full(who.size, number), np.full(again.size, -1)]
    for entry in script.extra_entries:
        if entry.analyte in keys:
            patients.append(np.array([entry.patient]))
            days.append(np.array([entry.day]))
            which.append(np.array([keys.index(entry.analyte)]))
            condition.append(np.array([-1]))
    reviewed = np.flatnonzero(rng.random(script.who.size) < 0.3 * (script.who.age > 40))
    patients.append(reviewed)
    days.append(script.as_of - rng.integers(5, HISTORY, reviewed.size))
    which.append(np.full(reviewed.size, keys.index("medication_review")))
    condition.append(np.full(reviewed.size, -1))
    living = np.flatnonzero(script.resident)
    patients.append(living)
    days.append(script.as_of - rng.integers(30, 1200, living.size))
    which.append(np.full(living.size, keys.index("care_home")))
    condition.append(np.full(living.size, -1))
    patient, day, term, cond = map(np.concatenate, (patients, days, which, condition))
    day = np.minimum(day, script.who.last[patient] - 1)
    old = day < script.as_of - HISTORY
    vague = (rng.random(patient.size) < DATE_ONLY_YEAR) & old & (cond >= 0)
    keep = day > script.who.birth[patient]
    return Diagnoses(patient[keep], day[keep], term[keep], cond[keep], vague[keep].astype(np.int64))

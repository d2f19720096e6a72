"""The canonical ``coded_entry`` and ``problem`` tables out of results, diagnoses and the archive."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from counterfoil.synthetic import columns
from counterfoil.synthetic.archive import Archive
from counterfoil.synthetic.columns import NO_DAY
from counterfoil.synthetic.draws import Bools, Floats, Ints, stream
from counterfoil.synthetic.entries import KIND, Diagnoses, Results, analytes, terms, unit_list
from counterfoil.synthetic.lists import rows
from counterfoil.synthetic.plans import problem_ids
from counterfoil.synthetic.script import Script

LATE_RESULT, LATE_CODE = 0.01, 0.05
"""How often something is entered weeks or months after it happened."""

KINDS = ["result", "diagnosis", "procedure", "finding", "administrative"]


@dataclass(frozen=True, slots=True)
class _Words:
    """Everything that an entry can be: tests, then other terms, then those of the archive."""

    terms: list[str]
    codes: list[str | None]
    local: list[str | None]
    kinds: Ints
    units: list[str]
    ucum: list[str | None]
    low: Floats
    high: Floats
    panel: Bools


def _vocabulary() -> _Words:
    tests, others, old = rows("tests"), terms(), rows("archive")
    diagnosed = len(rows("conditions"))
    kinds = [0] * len(tests) + [KINDS.index("diagnosis")] * diagnosed
    kinds += [KINDS.index(KIND[key]) for key, _, _ in others[diagnosed:]]
    kinds += [KINDS.index(r["kind"]) for r in old]
    codes = [r["code"] for r in tests] + [c for _, c, _ in others] + [r["code"] for r in old]
    rest = len(others) + len(old)
    nan = np.full(rest, np.nan)
    return _Words(
        [r["term"] for r in tests] + [t for _, _, t in others] + [r["term"] for r in old],
        [code or None for code in codes],
        [None if code else f"SYN{n - len(tests):03d}" for n, code in enumerate(codes)],
        np.array(kinds),
        [*unit_list(), *[r["unit"] for r in old]],
        [r["ucum"] or None for r in tests]
        + [None] * len(others)
        + [r["ucum"] or None for r in old],
        np.concatenate([[float(r["range_low"] or "nan") for r in tests], nan]),
        np.concatenate([[float(r["range_high"] or "nan") for r in tests], nan]),
        np.array([r["analyte"].endswith("_panel") for r in tests] + [False] * rest),
    )


def entry_tables(
    script: Script, tests: Results, coded: Diagnoses, rest: Archive, seed: int
) -> tuple[pa.Table, pa.Table]:
    """The canonical ``coded_entry`` and ``problem`` tables."""
    place = script.who.place
    rng = stream(seed, "entry tables", place.code)
    words, n_tests, n_codes = _vocabulary(), tests.patient.size, coded.patient.size
    n_old = rest.patient.size
    size = n_tests + n_codes + n_old
    vague = _first_of_year(coded.day)
    patient = np.concatenate([tests.patient, coded.patient, rest.patient])
    day = np.concatenate([tests.day, np.where(coded.precision == 1, vague, coded.day), rest.day])
    others = len(rows("tests"))
    word = np.concatenate([tests.analyte, coded.term + others, rest.term + others + len(terms())])
    order = np.argsort(_key(patient, day, word), kind="stable")
    gone, nothing = np.full(n_codes, np.nan), np.full(n_codes, -1)
    old_units = np.where(np.isnan(rest.value), -1, rest.term + len(unit_list()))
    unit = np.concatenate([tests.unit, nothing, old_units])[order]
    value = np.concatenate([tests.value, gone, rest.value])[order]
    never = np.full(n_codes + n_old, NO_DAY)
    withdrawn = np.concatenate([tests.withdrawn, never])[order]
    year = np.concatenate([np.zeros(n_tests, np.int64), coded.precision, np.zeros(n_old, np.int64)])
    word, dates = word[order], day[order]
    is_test = words.kinds[word] == 0
    comparator, value = _comparators(np.where(word < others, word, -1), value)
    late = np.where(is_test, rng.integers(0, 3, size), 0)
    slow = rng.random(size) < np.where(is_test, LATE_RESULT, LATE_CODE)
    late = np.where(slow, rng.integers(5, 200, size), late)
    entry = columns.table(
        "coded_entry",
        place.code,
        size,
        {
            "entry_id": columns.ids(f"E{place.number}", np.arange(size) + 1, 9),
            "patient_id": script.who.ids(patient[order]),
            "kind": columns.texts(KINDS, words.kinds[word]),
            "code": columns.texts(words.codes, word),
            "local_code": columns.texts(words.local, word),
            "term": columns.texts(words.terms, word),
            "happened_on": columns.days(dates),
            "precision": columns.texts(["day", "year"], year[order]),
            "value": columns.decimals(value, words.panel[word]),
            "comparator": columns.texts(["<", ">"], comparator),
            "unit_text": columns.texts(words.units, unit),
            "unit_ucum": columns.texts(words.ucum, np.where(unit >= 0, word, -1)),
            "range_low": columns.decimals(words.low[word]),
            "range_high": columns.decimals(words.high[word]),
            "status": columns.texts(["final"], np.where(is_test, 0, -1)),
            "deleted_on": columns.days(withdrawn),
        },
        np.where(withdrawn == NO_DAY, np.minimum(dates + late, script.as_of), dates),
    )
    place_of = np.empty(size, dtype=np.int64)
    place_of[order] = np.arange(size)
    problem = _problems(script, coded, place_of[n_tests : n_tests + n_codes], rng)
    if n_old:
        minor = _minor_problems(script, rest, place_of[n_tests + n_codes :])
        problem = pa.concat_tables([problem, minor]).combine_chunks()
    return entry, problem


def _key(patient: Ints, day: Ints, word: Ints) -> Ints:
    """One number that orders by patient, then day, then word."""
    return (patient << 27) | ((day + 40_000) << 10) | word


def _minor_problems(script: Script, rest: Archive, row: Ints) -> pa.Table:
    """Past problems of short illnesses, each linked to its entry."""
    old = rows("archive")
    listed = np.array([r["problem"] == "1" for r in old])
    found = np.flatnonzero(listed[rest.term])
    found = found[np.argsort(row[found], kind="stable")]
    term, day = rest.term[found], rest.day[found]
    number, size = script.who.place.number, found.size
    return columns.table(
        "problem",
        script.who.place.code,
        size,
        {
            "problem_id": columns.ids(f"BM{number}", row[found] + 1, 10),
            "patient_id": script.who.ids(rest.patient[found]),
            "entry_id": columns.ids(f"E{number}", row[found] + 1, 9),
            "code": columns.texts([r["code"] or None for r in old], term),
            "term": columns.texts([r["term"] for r in old], term),
            "onset_on": columns.days(day),
            "ended_on": columns.days(np.where(day + 30 <= script.as_of, day + 30, NO_DAY)),
            "significance": columns.constant("minor", size),
            "status": columns.constant("past", size),
        },
        day,
    )


def _comparators(analyte: Ints, value: Floats) -> tuple[Ints, Floats]:
    """Results outside what the method measures: ``<1`` for CRP, ``>90`` for eGFR, and so on."""
    names = analytes()
    below = ((analyte == names["crp"]) & (value < 1)) | ((analyte == names["acr"]) & (value < 0.3))
    above = (analyte == names["egfr"]) & (value > 90)
    value = np.where(above, 90.0, value)
    value = np.where(below & (analyte == names["crp"]), 1.0, value)
    value = np.where(below & (analyte == names["acr"]), 0.3, value)
    return np.where(below, 0, np.where(above, 1, -1)), value


def _problems(script: Script, coded: Diagnoses, row: Ints, rng: np.random.Generator) -> pa.Table:
    """A problem for each condition coded, linked to its first code."""
    first = np.flatnonzero(coded.condition >= 0)
    again = _again(script, coded)
    patient, condition = coded.patient[first], coded.condition[first]
    size = first.size
    number = script.who.place.number
    listed = terms()
    minor = rng.random(size) < 0.2
    made = columns.table(
        "problem",
        script.who.place.code,
        size,
        {
            "problem_id": problem_ids(script, patient, condition),
            "patient_id": script.who.ids(patient),
            "entry_id": columns.ids(f"E{number}", row[first] + 1, 9),
            "code": columns.texts([code or None for _, code, _ in listed], coded.term[first]),
            "term": columns.texts([term for _, _, term in listed], coded.term[first]),
            "onset_on": columns.days(coded.day[first]),
            "significance": columns.texts(["significant", "minor"], minor.astype(np.int64)),
            "status": columns.constant("active", size),
        },
        coded.day[first],
    )
    if not again:
        return made
    twice = made.take(pa.array(np.searchsorted(first, again)))
    keys = pc.binary_join_element_wise(twice["problem_id"], "-2", "")
    for name in ("problem_id", "source_id"):
        twice = twice.set_column(twice.schema.get_field_index(name), made.schema.field(name), keys)
    return pa.concat_tables([made, twice]).combine_chunks()


def _again(script: Script, coded: Diagnoses) -> list[int]:
    """The first codes of problems that stand on the list twice."""
    names = [row["condition"] for row in rows("conditions")]
    wanted = {(patient, names.index(name)) for patient, name in script.twice_listed}
    if not wanted:
        return []
    patients = {patient for patient, _ in wanted}
    near = np.flatnonzero(np.isin(coded.patient, list(patients)))
    return [int(i) for i in near if (int(coded.patient[i]), int(coded.condition[i])) in wanted]


def _first_of_year(day: Ints) -> Ints:
    dates = day.astype("datetime64[D]")
    return dates.astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64)

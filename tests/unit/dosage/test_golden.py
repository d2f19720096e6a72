"""Dose texts of UK usage with their answers, written from usage and not from the parser.

The second set was written later, before its writer had read the lexicon, and states every field:
route, site and timing too. Of its 1,056 answers 129 were put right after the first reading, as its
comment in ``docs/reference/dosage.md`` says.
"""

from __future__ import annotations

import csv
import importlib.util
import sys
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import pytest

from counterfoil.dosage import Dose, Step, read

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "dosage"


def _notation() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "dosage_expected", Path(__file__).with_name("expected.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["dosage_expected"] = module
    spec.loader.exec_module(module)
    return module


notation = _notation()


def _rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((GOLDEN / name).read_text(encoding="utf-8").splitlines()))


FIRST = _rows("uk_texts.csv")
SECOND = _rows("uk_texts_2.csv")
ROWS = FIRST + SECOND


def fields(step: Step) -> tuple[object, ...]:
    """What the golden file states of a step."""
    if step.no_fixed_dose:
        return (step.sequence, "directed")
    return (
        step.sequence,
        step.low,
        step.high,
        step.unit,
        step.times_low,
        step.times_high,
        step.per_days,
        step.as_needed,
        step.max_per_day,
        step.duration_days,
        step.cycle_days,
    )


def wanted(text: str) -> list[tuple[object, ...]]:
    return [
        (s.sequence, "directed")
        if s.directed
        else (
            s.sequence,
            s.low,
            s.high,
            s.unit,
            s.times_low,
            s.times_high,
            s.per_days,
            s.prn,
            s.most,
            s.lasts,
            s.cycle,
        )
        for s in notation.steps(text)
    ]


def check_per_day(dose: Dose, text: str) -> None:
    """The amount a day, worked out a second time from the answer."""
    rows = notation.steps(text)
    totals = [r.per_day() for r in rows]
    several = len({r.sequence for r in rows}) > 1 or len({r.unit for r in rows}) > 1
    if several or any(t is None for t in totals):
        assert several or dose.per_day is None
        return
    low = sum((t[0] for t in totals if t), Fraction(0))
    high = sum((t[1] for t in totals if t), Fraction(0))
    assert dose.per_day is not None
    assert (dose.per_day.low, dose.per_day.high) == (low, high)


def test_the_sets_are_large_enough() -> None:
    assert len({r["text"] for r in FIRST}) >= 600
    assert len({r["text"] for r in SECOND}) >= 1000
    assert len({r["group"] for r in FIRST}) >= 15


def test_route_place_and_timing() -> None:
    for row in SECOND:
        if row["status"] != "read":
            continue
        dose = read(row["text"], row["product"] or None)
        for step, want in zip(dose.steps, notation.steps(row["steps"]), strict=True):
            if not want.directed:
                got = (step.route, step.site, step.when, step.as_needed_for)
                assert got == (want.route, want.site, want.when, want.prn_for), row["text"]


@pytest.mark.parametrize("row", ROWS, ids=[f"{r['text'][:60]}|{r['product']}" for r in ROWS])
def test_reads_as_written(row: dict[str, str]) -> None:
    dose = read(row["text"], row["product"] or None)
    if row["status"] == "left":
        assert dose.status != "read"
        assert dose.per_day is None
        assert dose.reasons
        return
    assert dose.status == row["status"], dose.reasons
    if row["status"] != "read":
        assert dose.per_day is None
        assert dose.reasons
        return
    assert [fields(s) for s in dose.steps] == wanted(row["steps"])
    needed = [s.prn_for for s in notation.steps(row["steps"])]
    for step, what in zip(dose.steps, needed, strict=True):
        assert what is None or step.as_needed_for == what
    check_per_day(dose, row["steps"])


def test_every_word_is_accounted_for() -> None:
    for row in ROWS:
        dose = read(row["text"], row["product"] or None)
        covered = {n for w in dose.words for n in range(w.start, w.end)}
        missing = [n for n, c in enumerate(row["text"]) if not c.isspace() and n not in covered]
        assert all(row["text"][n] in "-‐–" for n in missing), row["text"]
        if dose.status == "read":
            assert all(w.reading for w in dose.words), row["text"]

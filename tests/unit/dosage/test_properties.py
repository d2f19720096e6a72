"""What must hold of any dose and of any text."""

from __future__ import annotations

import csv
import json
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from counterfoil.dosage import Dose, Step, compare, from_fhir, read, render, render_steps, to_fhir
from counterfoil.dosage.clauses import WEEKDAYS
from counterfoil.dosage.lexicon import LEXICON
from counterfoil.dosage.model import MONTH
from counterfoil.dosage.reader import read_strictly

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "dosage"
ROWS = [
    row
    for name in ("uk_texts.csv", "uk_texts_2.csv")
    for row in csv.DictReader((GOLDEN / name).read_text(encoding="utf-8").splitlines())
]
F = Fraction
ONE = F(1)

counted = st.sampled_from(["tablet", "capsule", "puff", "drop", "sachet", "spray", "patch"])
weighed = st.sampled_from(["mg", "microgram", "ml", "g", "unit"])
halves = st.integers(1, 12).map(lambda n: F(n, 2))
decimals = st.integers(1, 4000).map(lambda n: F(n, 4))


@st.composite
def amounts(draw: st.DrawFn) -> dict[str, object]:
    """An amount at one time: fixed, a range, or up to."""
    many = draw(st.booleans())
    unit = draw(counted if many else weighed)
    high = draw(halves if many else decimals)
    kind = draw(st.sampled_from(["fixed", "fixed", "range", "up to"]))
    if kind == "fixed":
        return {"low": high, "high": high, "unit": unit}
    if kind == "up to":
        return {"low": None, "high": high, "unit": unit}
    return {"low": high, "high": high + draw(halves if many else decimals), "unit": unit}


@st.composite
def schedules(draw: st.DrawFn) -> dict[str, object]:
    """How often, with the times or days that go with it."""
    kind = draw(
        st.sampled_from(["times", "range", "upto", "days", "slots", "week", "weekdays", "hours"])
    )
    n = F(draw(st.integers(1, 6)))
    if kind == "times":
        return {"times_low": n, "times_high": n, "per_days": ONE}
    if kind == "range":
        return {"times_low": n, "times_high": n + 1, "per_days": ONE}
    if kind == "upto":
        return {"times_low": None, "times_high": n, "per_days": ONE}
    if kind == "days":
        days = draw(st.sampled_from([F(2), F(3), F(5), F(14), F(28), F(84), MONTH, MONTH * 3]))
        return {"times_low": ONE, "times_high": ONE, "per_days": days}
    if kind == "week":
        return {"times_low": n, "times_high": n, "per_days": F(7)}
    if kind == "slots":
        slots = draw(
            st.sampled_from(
                [
                    ("morning",),
                    ("morning", "night"),
                    ("08:00", "14:00", "22:30"),
                    ("with breakfast", "with lunch", "with evening meal"),
                    ("30 minutes before breakfast",),
                    ("morning or evening",),
                    ("bedtime",),
                ]
            )
        )
        return {
            "times_low": F(len(slots)),
            "times_high": F(len(slots)),
            "per_days": ONE,
            "when": slots,
        }
    if kind == "hours":
        hours = draw(st.sampled_from([1, 2, 3, 4, 6, 8, 12]))
        label = "every 1 hour" if hours == 1 else f"every {hours} hours"
        times = F(24, hours)
        return {"times_low": times, "times_high": times, "per_days": ONE, "when": (label,)}
    chosen = draw(st.sets(st.sampled_from(WEEKDAYS), min_size=1, max_size=5))
    days_named = tuple(d for d in WEEKDAYS if d in chosen)
    times = F(len(days_named)) * draw(st.integers(1, 3))
    return {"times_low": times, "times_high": times, "per_days": F(7), "when": days_named}


@st.composite
def single(draw: st.DrawFn, lasting: bool | None = None) -> Step:
    """One step that the reader could have made."""
    fields: dict[str, object] = {**draw(amounts()), **draw(schedules())}
    when = tuple(fields.pop("when", ()))  # type: ignore[call-overload]
    manner = draw(st.sampled_from([(), (), ("with food",), ("before food",), ("thinly",)]))
    needed = draw(st.booleans()) if lasting is None else False
    duration = draw(st.sampled_from([F(3), F(5), F(7), F(14), F(28)]))
    lasts = duration if lasting or (lasting is None and draw(st.booleans())) else None
    cycle = lasts + 7 if lasts and lasting is None and draw(st.booleans()) else None
    most: Fraction | None = None
    daily = fields["times_high"] == fields["per_days"] == 1
    if (
        needed
        and not daily
        and draw(st.booleans())
        and fields["unit"] in ("tablet", "capsule", "mg", "ml")
    ):
        most = F(8)
    return Step(
        **fields,  # type: ignore[arg-type]
        when=(*when, *manner),
        as_needed=needed,
        as_needed_for=draw(st.sampled_from([None, "pain", "nausea"])) if needed else None,
        route=draw(st.sampled_from([None, "oral", "subcutaneous", "inhaled", "rectal"]))
        if fields["unit"] not in ("tablet", "capsule", "sachet")
        else draw(st.sampled_from([None, "oral"])),
        duration_days=lasts,
        cycle_days=cycle,
        max_per_day=most,
        max_unit=str(fields["unit"]) if most is not None else None,
    )


def _entries(trie: dict[str, object]) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for key, value in trie.items():
        if key == "":
            found.append(value)  # type: ignore[arg-type]
        else:
            found += _entries(value)  # type: ignore[arg-type]
    return found


def again(steps: tuple[Step, ...]) -> Dose:
    return read(render_steps(steps))


@pytest.mark.slow
@given(single())
@settings(max_examples=200, deadline=None)
def test_read_gives_back_what_render_wrote(step: Step) -> None:
    dose = again((step,))
    assert dose.status == "read", (render_steps((step,)), dose.reasons)
    assert dose.steps == (step,), render_steps((step,))


@given(st.lists(single(lasting=True), min_size=1, max_size=3), single(lasting=False))
@settings(max_examples=100, deadline=None)
def test_steps_one_after_another_come_back(first: list[Step], last: Step) -> None:
    steps = tuple(replace(s, sequence=n) for n, s in enumerate([*first, last], 1))
    dose = again(steps)
    assert dose.steps == steps, render_steps(steps)


def test_what_is_read_from_the_golden_texts_comes_back() -> None:
    for row in ROWS:
        dose = read(row["text"], row["product"] or None)
        if dose.status != "read":
            continue
        back = read(render(dose))
        assert back.status == "read", (row["text"], render(dose), back.reasons)
        assert _plain(back) == _plain(dose), (row["text"], render(dose))


@pytest.mark.slow
def test_the_coding_of_the_golden_texts_says_what_they_say() -> None:
    for row in ROWS:
        product = row["product"] or None
        dose = read(row["text"], product)
        if dose.status != "read" or not all(_coded(s) for s in dose.steps):
            continue
        again = read(row["text"], product, to_fhir(dose))
        assert again.status == "read", (row["text"], again.reasons)


def _plain(dose: Dose) -> list[tuple[object, ...]]:
    return [
        (
            s.sequence,
            s.low,
            s.high,
            s.unit,
            s.times_low,
            s.times_high,
            s.per_days,
            s.as_needed,
            s.as_needed_for,
            s.route,
            s.site,
            frozenset(s.when),
            s.duration_days,
            s.max_per_day,
            s.cycle_days,
        )
        for s in dose.steps
    ]


def _coded(step: Step) -> bool:
    """Whether FHIR timing can say all of it."""
    named = [w for w in step.when if w in WEEKDAYS]
    return step.cycle_days is None and not any(w.startswith("except") for w in step.when) and (
        not named or step.times_high is not None
    )  # fmt: skip


@given(single())
@settings(max_examples=200, deadline=None)
def test_fhir_gives_back_the_schedule(step: Step) -> None:
    if not _coded(step):
        return
    (back,) = from_fhir(json.loads(json.dumps(to_fhir(Dose("", "read", (step,))))))
    assert (back.low, back.high, back.unit) == (step.low, step.high, step.unit)
    assert (back.times_low, back.times_high, back.per_days) == (
        step.times_low,
        step.times_high,
        step.per_days,
    )
    assert back.as_needed == step.as_needed
    assert back.duration_days == step.duration_days
    assert back.max_per_day == step.max_per_day
    assert set(step.when) <= set(back.when)


@given(single())
@settings(max_examples=100, deadline=None)
def test_text_never_conflicts_with_its_own_coding(step: Step) -> None:
    if not _coded(step):
        return
    coded = to_fhir(Dose("", "read", (step,)))
    dose = read(render_steps((step,)), coded=coded)
    assert dose.status == "read", dose.reasons


@given(single())
@settings(max_examples=100, deadline=None)
def test_a_dose_equals_itself(step: Step) -> None:
    dose = again((step,))
    assert compare(dose, dose) == "equal"


words = st.sampled_from(
    sorted({w for r in ROWS for w in r["text"].split()}) + sorted(LEXICON.main)[:400]
)


@given(st.lists(words, max_size=30).map(" ".join))
@settings(max_examples=200, deadline=None)
def test_dose_words_in_any_order_are_safe(text: str) -> None:
    sound(read_strictly(text))


@pytest.mark.slow
@given(st.text(max_size=300))
@settings(max_examples=200, deadline=None)
@example("½" * 200)
@example("((((((((((((((((((((1")
@example("1/0 1/7 0/7 0/0 00/52")
@example("1 x x x x 1 x 1 x")
@example("every every every for for for at at at on on a a a")
@example("\x00\ud800 1 tablet")
@example("١ tablet ٢ times a day")
@example("İ İİ 1 tablet")
@example("9999999999999999999 tablets daily")
@example("1e9 tablets daily")
@example("at .5 tablet")
@example("3 times with meals")
def test_any_text_gives_an_answer(text: str) -> None:
    sound(read_strictly(text))


@given(st.text(alphabet="1234567890/.-x() abdeimnorstuyp", max_size=60), st.sampled_from(ROWS))
@settings(max_examples=200, deadline=None)
def test_broken_dose_texts_are_safe(noise: str, row: dict[str, str]) -> None:
    text = row["text"]
    sound(
        read_strictly(
            text[: len(text) // 2] + noise + text[len(text) // 2 :], row["product"] or None
        )
    )


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda x: st.lists(x, max_size=3) | st.dictionaries(
        st.sampled_from(["timing", "repeat", "frequency", "period", "periodUnit", "doseAndRate",
                         "doseQuantity", "value", "unit", "text", "sequence", "when", "dayOfWeek",
                         "boundsDuration", "maxDosePerPeriod", "asNeededCodeableConcept"]), x, max_size=5),
    max_leaves=12))  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_any_coded_timing_gives_an_answer(coded: object) -> None:
    sound(read_strictly("One daily", coded=coded))  # type: ignore[arg-type]


def sound(dose: Dose) -> None:
    """What every answer owes."""
    assert dose.status in ("read", "partial", "unread", "conflict")
    json.dumps(dose.to_json())
    if dose.status != "read":
        assert dose.per_day is None
        assert dose.reasons
    if dose.per_day is not None:
        assert 0 <= dose.per_day.low <= dose.per_day.high
    render(dose)


def test_long_texts_are_answered_fast() -> None:
    for text in (
        "1 tablet daily and " * 600,
        "(" * 10_000,
        "1/2" * 3_000,
        "é" * 10_000,
        "1 x " * 300,
    ):
        start = time.perf_counter()
        dose = read_strictly(text[:10_000])
        assert time.perf_counter() - start < 1
        assert dose.status != "read"


LABELS = sorted(
    {
        (e[0], e[1])
        for e in _entries(LEXICON.main)
        if e[0] in ("manner", "amount_word", "site", "prn_for", "time")
    }
)  # type: ignore[type-var]


@pytest.mark.parametrize(("category", "label"), LABELS)
def test_names_in_the_lexicon_read_as_themselves(category: str, label: str) -> None:
    """Each label that a phrase stands for can be written and read: the round trip rests on it."""
    once: dict[str, object] = {"low": ONE, "high": ONE, "unit": "dose"}
    if category != "time":
        once |= {"times_low": F(3), "times_high": F(3), "per_days": ONE}
    if category == "site":
        step = Step(**once, site=label)  # type: ignore[arg-type]
    elif category == "prn_for":
        step = Step(**once, as_needed=True, as_needed_for=label)  # type: ignore[arg-type]
    elif category == "time":
        step = Step(**once, times_low=ONE, times_high=ONE, per_days=ONE, when=(label,))  # type: ignore[arg-type]
    else:
        step = Step(**once, when=(label,))  # type: ignore[arg-type]
    assert again((step,)).steps == (step,), render_steps((step,))

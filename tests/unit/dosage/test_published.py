"""The published dose texts: what is read of them, and what must not be.

The texts lie beside the project and are not copied. Our readings of the texts found in GP records
are kept by the hash of the text; each was checked by eye on 22 November 2026.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from counterfoil.dosage import Dose, Step, read, render
from support import needs_shared, shared

pytestmark = needs_shared

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "dosage"
F = Fraction
_PERIODS = {"hour": F(1, 24), "day": F(1), "week": F(7), "month": F(487, 16)}


def _key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _lines(name: str) -> list[str]:
    return shared("examples", "dosage", name).read_text(encoding="utf-8").splitlines()


def _read_as() -> Iterator[tuple[str, list[str]]]:
    for line in _lines("nhse_read_as.txt"):
        text, _, answer = line.partition(" => ")
        yield text, [part.strip() for part in answer.split("|")]


def _number(text: str) -> F:
    return F(text)


def _amount(part: str) -> tuple[F | None, F, str | None] | None:
    """The publisher's amount: "1 to 2 tablets", "up to 2 puffs", "1 to 2 x 5ml spoonfuls"."""
    match = re.fullmatch(
        r"(up to )?([\d.]+)(?: to ([\d.]+))?(?: x (\d+)ml spoonfuls| ([a-z]+))?", part
    )
    if not match:
        return None
    upto, low, high, spoon, unit = match.groups()
    first, last = F(low), F(high or low)
    if spoon:
        return first * int(spoon), last * int(spoon), "ml"
    if unit:
        unit = unit if unit == "ml" else unit.removesuffix("s")
    return (None if upto else first), last, unit


def _often(part: str) -> tuple[F | None, F] | None:
    """The publisher's frequency, as times a day."""
    match = re.fullmatch(
        r"(up to )?(once|\d+ times) every (?:(\d+)(?: to (\d+))? )?(hour|day|week)s?", part
    )
    if not match:
        return None
    upto, count, shortest, longest, unit = match.groups()
    times = F(1) if count == "once" else F(count.split()[0])
    near = F(shortest or 1) * _PERIODS[unit]
    far = F(longest or shortest or 1) * _PERIODS[unit]
    return (None if upto else times / far), times / near


def _mismatch(dose: Dose, parts: list[str]) -> str | None:
    """What is not as the publisher has it."""
    if dose.status != "read" or len(dose.steps) != 1:
        return f"status {dose.status}"
    step = dose.steps[0]
    needed = any(p.startswith(("as needed", "as required", "when required")) for p in parts)
    if step.as_needed != needed:
        return "as needed"
    amount = next((a for p in parts if (a := _amount(p))), None)
    if amount is None:
        if step.high is not None:
            return "an amount that is not there"
    elif (step.low, step.high, step.unit) != amount:
        return f"amount {amount}"
    often = next((o for p in parts if (o := _often(p))), None)
    if often is not None:
        if step.times_high is None or step.per_days is None:
            return "how often"
        low = None if step.times_low is None else step.times_low / step.per_days
        if (low, step.times_high / step.per_days) != often:
            return "how often"
    return _rest(step, parts)


def _rest(step: Step, parts: list[str]) -> str | None:
    for part in parts:
        if match := re.fullmatch(r"for (?:up to )?(\d+) (day|week)s?", part):
            if step.duration_days != int(match[1]) * _PERIODS[match[2]]:
                return "how long"
        elif match := re.fullmatch(r"up to a maximum of (\d+) tablets in 1 day", part):
            if step.max_per_day != int(match[1]):
                return "maximum"
        elif part == "on mondays":
            if (step.when, step.times_high, step.per_days) != (("monday",), 1, 7):
                return "day of the week"
        elif part in ("at night", "in the morning", "every morning"):
            if step.when != (part.split()[-1],) or (step.times_high, step.per_days) != (1, 1):
                return "time of day"
        elif part in ("with food", "thinly") and part not in step.when:
            return part
        elif part == "in each eye" and step.site != "each eye":
            return "site"
        elif part in ("oral", "sublingual") and step.route != part:
            return "route"
        elif (match := re.fullmatch(r"as needed for (\w+)", part)) and (
            step.as_needed_for != match[1]
        ):
            return "what for"
    return None


def test_97_of_100_lines_are_read_as_the_publisher_reads_them() -> None:
    rows = list(_read_as())
    wrong = {text: why for text, parts in rows if (why := _mismatch(read(text), parts)) is not None}
    assert 1 - len(wrong) / len(rows) >= 0.97, wrong
    assert all(why.startswith("status") for why in wrong.values()), "left to a person, never wrong"


TOTALS = {"take 2 tablets twice a day for 5 days then 1 tablet per day for constipation"}
"""The one text of the publisher's list that is safely read here: two steps, no amount a day."""


def test_texts_that_must_be_left_to_a_person() -> None:
    for text in _lines("nhse_must_not_be_read.txt"):
        dose = read(text)
        assert dose.per_day is None, text
        assert dose.status != "read" or text in TOTALS, text


def _gp_rows() -> list[dict[str, str]]:
    path = shared("examples", "dosage", "gp_text_unlabelled.csv")
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines(keepends=True)))


NO_INSTRUCTION = re.compile(
    r"\d+|n/a|not applicable|nmk.*|Dosage with special.*|This is some very.*"
)
"""Texts of the test records that hold no dose at all."""


def test_95_of_100_instructions_of_gp_records_are_read() -> None:
    rows = [r for r in _gp_rows() if not NO_INSTRUCTION.fullmatch(r["text"])]
    total = sum(int(r["count"]) for r in rows)
    done = sum(int(r["count"]) for r in rows if read(r["text"]).status == "read")
    assert done / total >= 0.95


def test_what_is_no_instruction_is_left() -> None:
    for row in _gp_rows():
        if NO_INSTRUCTION.fullmatch(row["text"]):
            assert read(row["text"]).status in ("unread", "partial"), row["text"]


def test_readings_of_gp_records_are_those_checked_by_eye() -> None:
    kept = {
        r["key"]: r
        for r in csv.DictReader(
            (GOLDEN / "gp_readings.csv").read_text(encoding="utf-8").splitlines()
        )
    }
    for row in _gp_rows():
        dose = read(row["text"])
        want = kept[_key(row["text"])]
        assert (dose.status, render(dose)) == (want["status"], want["reading"]), row["text"]


def _eps_rows() -> list[dict[str, str]]:
    path = shared("examples", "dosage", "eps_text_only.csv")
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines(keepends=True)))


@pytest.mark.parametrize(
    ("text", "drug", "status"),
    [
        ("4 times a day for 7 days", "Methotrexate", "conflict"),
        ("5 times a day - Inhalation", "Paracetamol", "conflict"),
        ("5 times a day - Inhalation", "Salbutamol", "read"),
        ("80mg at 8am", "Amlodipine", "conflict"),
        ("80mg at 8am", "Furosemide", "read"),
        ("Inject 10 milligram - 5 times", "Methotrexate", "conflict"),
        ("10 milligram, Inject", "Methotrexate", "read"),
        ("1 tablet, at NIGHT", "Diazepam", "read"),
    ],
)
def test_published_prescriptions(text: str, drug: str, status: str) -> None:
    rows = [r for r in _eps_rows() if r["text"].startswith(text) and r["drug"].startswith(drug)]
    assert rows
    for row in rows:
        assert read(row["text"], row["drug"]).status == status, row

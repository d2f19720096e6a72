"""How well letters are read and reconciled, against what the generator meant: our own letters.

A line of the truth is found where the outcome holds a line with a letter line at its place in the
letter (plain text), or else with most of its words; a plan not named where the outcome holds that plan.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from counterfoil import documents, reconciliation
from counterfoil.foundation.errors import DataError
from counterfoil.reconciliation import Outcome, OutcomeLine
from counterfoil.records.patient import PatientRecord

DIFFERENT = ("changed", "new", "stopped", "missing", "conflict", "duplicate")


@dataclass
class Score:
    """Counts over letters. ``confusion`` counts (expected, found); ``unsafe`` names every true
    difference that was shown as the same."""

    letters: int = 0
    unreadable_files: int = 0
    lines: int = 0
    found: int = 0
    drugs: int = 0
    doses: int = 0
    dose_abstained: int = 0
    dose_wrong: list[str] = field(default_factory=list)
    confusion: Counter[tuple[str, str]] = field(default_factory=Counter)
    by_layout: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    unsafe: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    refused_rightly: int = 0
    refused_wrongly: list[str] = field(default_factory=list)
    taken_wrongly: list[str] = field(default_factory=list)

    @property
    def macro_f1(self) -> float:
        """The mean of the classes' F1 over classes that occur in the truth."""
        classes = sorted({expected for expected, _ in self.confusion})
        return sum(self.f1(c) for c in classes) / len(classes)

    def f1(self, cls: str) -> float:
        """The F1 of one class."""
        right = self.confusion[cls, cls]
        said = sum(n for (_, found), n in self.confusion.items() if found == cls)
        true = sum(n for (expected, _), n in self.confusion.items() if expected == cls)
        return 2 * right / (said + true) if said + true else 0.0

    def table(self) -> str:
        """The confusion table as text: rows expected, columns found."""
        rows = sorted({e for e, _ in self.confusion})
        columns = sorted({f for _, f in self.confusion})
        lines = ["expected".ljust(12) + "".join(c[:10].rjust(11) for c in columns) + "      F1"]
        for row in rows:
            cells = "".join(str(self.confusion[row, c] or ".").rjust(11) for c in columns)
            lines.append(row.ljust(12) + cells + f"   {self.f1(row):.3f}")
        return "\n".join(lines)


def score(letters: Iterable[Any], records: dict[tuple[str, str], PatientRecord]) -> Score:
    """Read and reconcile each letter with its patient's record, and compare with its truth."""
    total = Score()
    for letter in letters:
        total.letters += 1
        one(letter, records, total)
    return total


def one(letter: Any, records: dict[tuple[str, str], PatientRecord], total: Score) -> None:
    """Add one letter to a score."""
    try:
        read = documents.read(letter.content, name=letter.name, received_on=letter.received_at)
    except DataError as error:
        if letter.expected == "for_a_person":
            total.refused_rightly += 1
            return
        total.unreadable_files += 1
        total.lost.append(f"{letter.layout}: {error}")
        return
    record = records.get((letter.practice, letter.patient_id or ""))
    if letter.expected != "reconcile":
        others = [r for r in records.values() if r.patient.nhs_number == letter.nhs_number]
        outcomes = [reconciliation.reconcile(read, r, letter.discharged_on) for r in others]
        wrong = any(o.status == "done" for o in outcomes)
        total.refused_rightly += not wrong
        if wrong:
            total.taken_wrongly.append(f"{letter.layout} {letter.name}")
        return
    assert record is not None, letter.name
    outcome = reconciliation.reconcile(read, record, letter.discharged_on)
    if outcome.status == "refused":
        total.refused_wrongly.append(f"{letter.layout} {letter.name}: {outcome.reason}")
        return
    used: set[str] = set()
    for truth in letter.truth:
        _line(letter, truth, read, outcome, total, used)


def _line(
    letter: Any, truth: Any, read: documents.Letter, outcome: Outcome, total: Score, used: set[str]
) -> None:
    total.lines += 1
    total.by_layout[letter.layout]["lines"] += 1
    line, medicine = _find(truth, read, outcome, used)
    if line is None and truth.expected == "unreadable" and outcome.unread:
        total.found += 1  # kept for a person, outside the lines
        total.confusion["unreadable", "unreadable"] += 1
        total.by_layout[letter.layout].update(found=1, right=1)
        return
    if line is None:
        total.lost.append(f"{letter.layout} {letter.name}: {truth.text or truth.gp_product!r}")
        total.confusion[truth.expected, "(not found)"] += 1
        return
    total.found += 1
    total.by_layout[letter.layout]["found"] += 1
    says = line.cls
    allowed = {truth.expected, *truth.also}
    counted = truth.expected if says in allowed else says
    total.confusion[truth.expected, counted] += 1
    total.by_layout[letter.layout]["right"] += says in allowed
    if says == "same" and "same" not in allowed and truth.expected in DIFFERENT:
        total.unsafe.append(
            f"{letter.layout} {letter.name}: {truth.expected}/{truth.subclass}: "
            f"{truth.text!r} | {truth.gp_product} {truth.gp_daily} -> {truth.letter_daily}"
        )
    if medicine is not None:
        _medicine(letter, truth, medicine, total)


def _medicine(letter: Any, truth: Any, medicine: documents.MedicineLine, total: Score) -> None:
    wanted = set(re.findall(r"[a-z]{4,}", truth.letter_product.lower()))
    total.drugs += bool(medicine.product.ingredients) and any(
        name.split()[0] in " ".join(wanted) or set(name.split()) & wanted
        for name in medicine.product.ingredients
    )
    if not truth.amount or not truth.times or not truth.per_days:
        return
    daily = float(truth.amount.split("-")[-1]) * truth.times / truth.per_days
    dose = medicine.dose
    if dose.status != "read" or dose.per_day is None:
        total.dose_abstained += 1
        return
    if abs(float(dose.per_day.high) - daily) < 1e-6:
        total.doses += 1
    elif dose.per_day.unit in ("mg", "microgram", "g"):
        total.dose_abstained += 1  # by weight: the truth is in units of the form
    else:
        total.dose_wrong.append(f"{letter.layout}: {truth.text!r}: {dose.per_day} for {daily}")


def _find(
    truth: Any, read: documents.Letter, outcome: Outcome, used: set[str]
) -> tuple[OutcomeLine | None, documents.MedicineLine | None]:
    if truth.place is None:
        for line in outcome.lines:
            if {i.id for i in line.plans} & set(truth.plan_ids):
                return line, None
        return None, None
    by_id = {m.id: m for m in read.lines}
    best: tuple[float, OutcomeLine, documents.MedicineLine | None] | None = None
    for line in outcome.lines:
        for item in line.letter_lines:
            medicine = by_id.get(item.id)
            near = _nearness(truth, medicine, item.text)
            if near > 0.4 and item.id not in used and (best is None or near > best[0]):
                best = (near, line, medicine)
    if best is None:
        return None, None
    if best[2] is not None:
        used.add(best[2].id)
    return best[1], best[2]


def _nearness(truth: Any, medicine: documents.MedicineLine | None, text: str) -> float:
    if medicine is not None and truth.start is not None:
        overlap = min(medicine.end, truth.end) - max(medicine.start, truth.start)
        if overlap > 0:
            return 1 + overlap
    wanted = set(re.findall(r"\w+", (truth.text or truth.letter_product).lower()))
    there = set(re.findall(r"\w+", text.lower()))
    share = len(wanted & there) / max(1, len(wanted))
    first = re.match(r"\w+", truth.letter_product.lower())
    return 0.5 + share / 2 if first and first.group() in there else share / 2

"""The two sides as they are compared: units of the letter, entries of the GP record."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from functools import cached_property
from typing import Any, Literal

from counterfoil.documents import Letter, MedicineLine, Stated
from counterfoil.documents.doses import read_dose
from counterfoil.documents.names import look_up
from counterfoil.dosage import Dose, convert, ingredient_per_day
from counterfoil.foundation.days import to_day
from counterfoil.reconciliation.knowledge import context_days
from counterfoil.records.patient import PatientRecord
from counterfoil.records.rows import Issue, Plan
from counterfoil.terminology import Match

Amounts = dict[str, tuple[Fraction, Fraction, str]]
"""Ingredient to low, high, unit a day."""

CURRENT = frozenset({"active", "suspended"})
"""Statuses of a plan that is in force, or only held."""


@dataclass(frozen=True)
class Side:
    """A medicine on one side: its words, its reading, its dose."""

    id: str
    text: str
    drug_text: str
    match: Match
    dose_text: str
    dose: Dose

    @cached_property
    def moiety(self) -> frozenset[str]:
        """What the medicine is made of. Where the name is not known, the name's own words."""
        if self.match.ingredients:
            return frozenset(self.match.ingredients)
        words = plain_words(self.drug_text)
        return frozenset({f"words:{words}"} if words else {f"line:{self.id}"})

    @cached_property
    def amounts(self) -> Amounts | None:
        """The amount of each ingredient a day, masses in mg; ``None`` where the dose does not fix it."""
        found = ingredient_per_day(self.dose, self.match)
        if found is None:
            return None
        out: Amounts = {}
        for name, (low, high, unit) in found.items():
            if unit == "%":
                return None
            small, large = convert(low, unit, "mg"), convert(high, unit, "mg")
            if small is None or large is None:
                out[name] = (low, high, unit)
            else:
                out[name] = (small, large, "mg")
        return out

    @property
    def known(self) -> bool:
        """Whether the formulary knows the medicine."""
        return bool(self.match.ingredients)

    @property
    def as_needed(self) -> bool:
        """Whether any part of the dose is taken only when needed."""
        return any(step.as_needed for step in self.dose.steps)

    @property
    def tapers(self) -> bool:
        """Whether the dose changes in steps."""
        return len({step.sequence for step in self.dose.steps}) > 1

    @property
    def no_fixed_dose(self) -> bool:
        """Whether the text leaves the dose to somebody else."""
        return any(step.no_fixed_dose for step in self.dose.steps)

    @cached_property
    def dose_words(self) -> str:
        """The dose text for comparing word with word."""
        return " ".join(re.findall(r"[a-z0-9.½¼¾/%]+", self.dose_text.lower())).strip(" .")


@dataclass(frozen=True)
class Unit(Side):
    """One medicine of the letter, in all the lines that speak about it."""

    lines: tuple[MedicineLine, ...] = ()
    stated: Stated | None = None
    conflicts: tuple[str, ...] = ()

    @property
    def active(self) -> bool:
        """Whether the letter means the medicine to be taken."""
        return self.stated not in ("stopped", "on_hold")

    @property
    def main(self) -> MedicineLine:
        """The line that carries product and dose."""
        return self.lines[0]


@dataclass(frozen=True)
class Entry(Side):
    """One plan, or an issue without a plan, of the GP record.

    ``current`` entries must appear in the outcome; the others are context: ended, or issued once
    in the days before the letter. ``began`` and ``ended`` are day numbers.
    """

    plan: Plan | None = None
    issue: Issue | None = None
    current: bool = True
    acute: bool = False
    suspended: bool = False
    began: int | None = None
    ended: int | None = None
    gone: bool = False

    @property
    def place(self) -> str:
        """How reasons name it as a source."""
        return f"plan {self.id}" if self.plan is not None else f"issue {self.id}"


def plain_words(text: str) -> str:
    """A drug text for word-for-word comparison: name only, no strength, no form."""
    words = re.sub(r"\([^)]*\)", " ", text.lower())
    words = re.split(r"\d", words)[0]
    kept = [w for w in re.findall(r"[a-z][a-z\-]+", words) if w not in _FORM_WORDS]
    return " ".join(kept)


_FORM_WORDS = frozenset(
    [
        "tablets",
        "tablet",
        "tabs",
        "tab",
        "capsules",
        "capsule",
        "caps",
        "cap",
        "oral",
        "solution",
        "suspension",
        "cream",
        "ointment",
        "eye",
        "ear",
        "drops",
        "spray",
        "inhaler",
        "patches",
        "patch",
        "gel",
        "lotion",
        "sachets",
        "injection",
        "generic",
    ]
)


def adopt(units: list[Unit], entries: list[Entry]) -> list[Unit]:
    """Gives a unit the formulary does not know the name of the GP entry its words begin with."""
    out = []
    for unit in units:
        if not unit.known:
            words = _letters(unit.main.shown)
            named = [e for e in entries if not e.known and words.startswith(_letters(e.drug_text))]
            if named:
                best = max(named, key=lambda e: (len(e.drug_text), e.id))
                unit = _renamed(unit, best)
        out.append(unit)
    return out


def _letters(text: str) -> str:
    return "".join(re.findall(r"[a-z0-9%/.]+", text.lower()))


def _renamed(unit: Unit, entry: Entry) -> Unit:
    """The unit under the entry's name, its dose read without the name's words."""
    extra = [w for w in entry.drug_text.split() if w.lower() not in unit.drug_text.lower()]
    dose_text = unit.dose_text
    for word in extra:
        dose_text = re.sub(rf"(?:^|(?<=\s)){re.escape(word)}(?=\s|,|$)", " ", dose_text, flags=re.I)
    dose_text = " ".join(dose_text.split()).strip(" ,")
    dose = unit.dose if dose_text == unit.dose_text else read_dose(dose_text, entry.match)
    return replace(unit, drug_text=entry.drug_text, dose_text=dose_text, dose=dose)


def units_of(letter: Letter) -> list[Unit]:
    """Every line of the letter as a unit of its own, in an order its place cannot change."""
    return sorted(
        (
            Unit(
                line.id,
                line.shown,
                line.drug_text,
                line.product,
                line.dose_text,
                line.dose,
                lines=(line,),
                stated=line.stated,
                conflicts=line.conflicts,
            )
            for line in letter.lines
        ),
        key=lambda u: (u.text.lower(), u.id),
    )


def entries_of(record: PatientRecord, as_of: int) -> list[Entry]:
    """The GP side: current plans, plans ended and acute issues of the days before the letter."""
    entries = [e for p in record.plans if (e := _plan(p, record.issues, as_of)) is not None]
    known = {p.plan_id for p in record.plans}
    since = as_of - context_days()
    for issue in record.issues:
        day = to_day(issue.issued_on)
        if issue.plan_id in known or issue.cancelled_on is not None or _withdrawn(issue, as_of):
            continue
        if since <= day:
            entries.append(_issue(issue, day))
    return sorted(entries, key=lambda e: (e.text.lower(), e.id))


def _withdrawn(row: Plan | Issue, as_of: int) -> bool:
    return row.deleted_on is not None and to_day(row.deleted_on) <= as_of


def _day(value: date | None) -> int | None:
    return None if value is None else to_day(value)


def _plan(plan: Plan, issues: Iterable[Issue], as_of: int) -> Entry | None:
    if _withdrawn(plan, as_of):
        return None
    began, ended = _day(plan.start_date), _day(plan.end_date)
    gone = plan.status not in CURRENT or (ended is not None and ended <= as_of)
    acute = plan.plan_type == "acute"
    since = as_of - context_days()
    at_letter = (began is None or began <= as_of) and (ended is not None and ended > as_of)
    current = not gone or at_letter
    if acute and current:
        last = max(
            [to_day(i.issued_on) for i in issues if i.plan_id == plan.plan_id] + [began or since],
        )
        until = last + (plan.supply_days or context_days())
        if (began is not None or last != since) and until < as_of:
            current = False
    if not current and ended is not None and ended < since:
        return None
    if not current and ended is None and began is not None and began < since and gone and acute:
        return None
    changed = _day(plan.dose_changed_on)
    effective = max((d for d in (began, changed) if d is not None), default=None)
    return Entry(
        plan.plan_id,
        _shown(plan.product_text, plan.dose_text),
        plan.product_text,
        (match := look_up(plan.product_text, plan.product_code)),
        plan.dose_text or "",
        _dose(plan.dose_text or "", match, plan.dose_coded),
        plan=plan,
        current=current,
        acute=acute,
        suspended=plan.status == "suspended",
        began=effective,
        ended=ended,
        gone=plan.status not in CURRENT or ended is not None,
    )


def _issue(issue: Issue, day: int) -> Entry:
    match = look_up(issue.product_text, issue.product_code)
    return Entry(
        issue.issue_id,
        _shown(issue.product_text, issue.dose_text),
        issue.product_text,
        match,
        issue.dose_text or "",
        _dose(issue.dose_text or "", match, None),
        issue=issue,
        current=False,
        acute=True,
        began=day,
    )


def _shown(product: str, dose: str | None) -> str:
    return " ".join(f"{product}, {dose}".split()) if dose else " ".join(product.split())


def _dose(text: str, match: Match, coded: str | None) -> Dose:
    if not coded:
        return read_dose(text, match)
    try:
        structure: Any = json.loads(coded)
    except (ValueError, RecursionError):
        structure = None
    return read_dose(text, match, structure if isinstance(structure, dict | list) else None)


@dataclass
class Cluster:
    """Units and entries that are about one medicine; either side may be empty."""

    units: list[Unit] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    margin: float | None = None
    candidates: tuple[str, ...] = ()
    note: Literal["", "sum", "compound"] = ""
    against: list[str] = field(default_factory=list)

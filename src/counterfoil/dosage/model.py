"""What a dose instruction says, once it is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal, TypeAlias

Status: TypeAlias = Literal["read", "partial", "unread", "conflict"]

NO_FIXED_DOSE = "no fixed dose"
"""In ``Step.when``: the text leaves the amount or the schedule to somebody else."""

MONTH = Fraction(487, 16)
"""A month in days, 30.4375, as UCUM defines ``mo`` (a twelfth of a Julian year). Recalled."""

YEAR = MONTH * 12

Number: TypeAlias = int | float


def number(value: Fraction) -> Number:
    """A fraction as a JSON number: whole where it is whole, else the nearest decimal."""
    return value.numerator if value.denominator == 1 else value.numerator / value.denominator


def optional(value: Fraction | None) -> Number | None:
    """As :func:`number`; ``None`` stays ``None`` (not stated)."""
    return None if value is None else number(value)


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount a day, as a range, in the unit given. ``unit`` ``None``: counted, unit not said."""

    low: Fraction
    high: Fraction
    unit: str | None

    def to_json(self) -> dict[str, Any]:
        """As the design's JSON."""
        return {"low": number(self.low), "high": number(self.high), "unit": self.unit}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do. Steps that hold at the same time share a ``sequence``.

    ``low`` to ``high`` is the amount at one time in ``unit``; ``times_low`` to ``times_high`` how
    often that is per ``per_days`` days. ``None`` means not stated; a missing low with a high is
    "up to". With a ``site`` that names two places ("each eye") the amount is for each of them.
    ``cycle_days``: the step lasts ``duration_days`` out of every ``cycle_days``.
    ``when`` holds times of day (``"morning"``, ``"08:00"``), days of the week and manner
    (``"with food"``) in plain words, or :data:`NO_FIXED_DOSE`.
    """

    sequence: int = 1
    text: str = field(default="", compare=False)
    low: Fraction | None = None
    high: Fraction | None = None
    unit: str | None = None
    times_low: Fraction | None = None
    times_high: Fraction | None = None
    per_days: Fraction | None = None
    as_needed: bool = False
    as_needed_for: str | None = None
    route: str | None = None
    site: str | None = None
    when: tuple[str, ...] = ()
    duration_days: Fraction | None = None
    max_per_day: Fraction | None = None
    max_unit: str | None = None
    cycle_days: Fraction | None = None

    @property
    def no_fixed_dose(self) -> bool:
        """Whether the text leaves the dose to somebody else ("as directed")."""
        return NO_FIXED_DOSE in self.when

    def to_json(self) -> dict[str, Any]:
        """As the design's JSON."""
        from counterfoil.dosage.fhir import step_to_fhir

        return {
            "sequence": self.sequence,
            "text": self.text,
            "low": optional(self.low),
            "high": optional(self.high),
            "unit": self.unit,
            "times_low": optional(self.times_low),
            "times_high": optional(self.times_high),
            "per_days": optional(self.per_days),
            "as_needed": self.as_needed,
            "as_needed_for": self.as_needed_for,
            "route": self.route,
            "site": self.site,
            "when": list(self.when) or None,
            "duration_days": optional(self.duration_days),
            "max_per_day": optional(self.max_per_day),
            "max_unit": self.max_unit,
            "cycle_days": optional(self.cycle_days),
            "fhir": step_to_fhir(self),
        }


_STEP_FIELDS = tuple(Step.__dataclass_fields__)
_set = object.__setattr__


def changed(step: Step, **fields: Any) -> Step:
    """A step with some fields changed: ``dataclasses.replace``, several times as fast."""
    made = object.__new__(Step)
    for name in _STEP_FIELDS:
        _set(made, name, fields[name] if name in fields else getattr(step, name))
    return made


@dataclass(frozen=True, slots=True)
class Word:
    """How one stretch of the text was read. ``start`` and ``end`` are offsets into it.

    ``reading`` is empty for words that were not understood. ``kind`` is the sort of thing it is, a
    constant of :mod:`counterfoil.dosage.items` (``"amount"``, ``"frequency"``, ``"unknown"`` ...).
    """

    start: int
    end: int
    word: str
    reading: str
    kind: str = ""

    def to_json(self) -> dict[str, Any]:
        """For pages and scripts."""
        return {
            "start": self.start,
            "end": self.end,
            "word": self.word,
            "reading": self.reading,
            "kind": self.kind,
        }


@dataclass(frozen=True, slots=True)
class Dose:
    """A dose instruction and what it says.

    ``status``: ``read`` (every word understood, one reading), ``partial`` (the steps shown, but
    words or facts are missing), ``unread``, or ``conflict`` (text, coded timing and product
    disagree). ``per_day`` is the amount a day, only where the status is read and the text fixes
    it; ``reasons`` say why not, in words for a technician.
    """

    text: str
    status: Status
    steps: tuple[Step, ...] = ()
    per_day: Amount | None = None
    reasons: tuple[str, ...] = ()
    words: tuple[Word, ...] = field(default=(), compare=False, repr=False)

    def to_json(self) -> dict[str, Any]:
        """As the design's JSON (section 9, ``dose``)."""
        return {
            "text": self.text,
            "status": self.status,
            "steps": [s.to_json() for s in self.steps],
            "per_day": self.per_day.to_json() if self.per_day else None,
            "reasons": list(self.reasons),
        }

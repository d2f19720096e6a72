"""Text against product, and text against coded timing. Disagreement is shown, never settled here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from counterfoil.dosage import items as k
from counterfoil.dosage.arithmetic import convert, per_day
from counterfoil.dosage.fhir import from_fhir
from counterfoil.dosage.items import Item, Quantity
from counterfoil.dosage.model import MONTH, Dose, Status, Step, changed
from counterfoil.dosage.product import View
from counterfoil.dosage.render import render_steps
from counterfoil.dosage.words import amount_words

_WEIGHT = frozenset({"mg", "microgram", "nanogram", "g", "unit", "mmol", "dose"})
_UNITS: dict[str, frozenset[str]] = {
    "tablet": _WEIGHT | {"tablet", "piece"},
    "capsule": _WEIGHT | {"capsule"},
    "liquid": _WEIGHT
    | {"ml", "litre", "drop", "spoonful", "bottle", "sachet", "syringe", "application"},
    "inhaler": _WEIGHT | {"puff", "inhalation", "capsule", "spray"},
    "drops": _WEIGHT | {"drop", "ml", "ampoule", "vial", "application"},
    "spray": _WEIGHT | {"spray", "puff", "application", "drop"},
    "injection": _WEIGHT | {"injection", "ml", "syringe", "pen", "ampoule", "vial"},
    "patch": _WEIGHT | {"patch"},
    "plaster": _WEIGHT | {"plaster", "patch"},
    "cream": _WEIGHT
    | {"application", "cm", "ml", "fingertip_unit", "applicatorful", "pump", "sachet"},
    "sachet": _WEIGHT | {"sachet", "ml", "scoop"},
    "nebule": _WEIGHT | {"nebule", "ml", "vial", "ampoule"},
    "film": _WEIGHT | {"film", "tablet"},
}
_INSIDE = frozenset({"tablet", "capsule", "liquid", "sachet", "lozenge", "pastille"})
_NOT_ORAL = frozenset({"inhaler", "patch", "plaster", "suppository", "pessary", "nebule", "enema"})
_ROUTES_AGAINST: dict[str, frozenset[str]] = {
    "oral": _NOT_ORAL,
    "inhaled": _INSIDE
    | {"patch", "plaster", "suppository", "pessary", "injection", "drops", "cream"},
    "subcutaneous": _INSIDE | _NOT_ORAL | {"drops", "cream", "spray"},
    "intramuscular": _INSIDE | _NOT_ORAL | {"drops", "cream", "spray"},
    "intravenous": _INSIDE | _NOT_ORAL | {"drops", "cream", "spray"},
    "transdermal": _INSIDE | {"inhaler", "drops", "nebule"},
    "topical": _INSIDE | {"inhaler", "nebule"},
}
_SWALLOWED_UNITS = frozenset({"tablet", "capsule", "sachet", "spoonful"})
_WEEK = Fraction(7)


def against_itself(steps: tuple[Step, ...]) -> list[str]:
    """What the text says that cannot hold together: a tablet into the eye."""
    found = []
    for step in steps:
        place = step.site or ""
        if step.unit in _SWALLOWED_UNITS and any(w in place for w in ("eye", "ear", "nostril")):
            found.append(f"a {step.unit} is not given in the {place}")
        if step.unit in _SWALLOWED_UNITS and step.route in (
            "subcutaneous",
            "intramuscular",
            "intravenous",
            "transdermal",
            "ocular",
        ):
            found.append(f"a {step.unit} is not given by the {step.route} route")
    return found


def against_product(
    status: Status, steps: tuple[Step, ...], items: Sequence[Item], view: View
) -> tuple[Status, tuple[Step, ...], list[str]]:
    """Fill the unit that the product counts in, and hold the text against the product."""
    reasons: list[str] = []
    made: list[Step] = []
    for step in steps:
        if step.high is not None and step.unit is None:
            if view.unit_dose:
                step = changed(
                    step,
                    unit=view.unit_dose,
                    max_unit=view.unit_dose
                    if step.max_per_day is not None and step.max_unit is None
                    else step.max_unit,
                )
            elif view.kind:
                status = "partial" if status == "read" else status
                reasons.append(f"the unit is not stated, and {view.name} is not counted")
        made.append(step)
    steps = tuple(made)
    against = _mismatches(steps, view) + _strengths(items, view) + _said(items, view)
    unchecked = _equivalents(items, view, against)
    if view.interval is not None:
        against += _guarded(steps, view, view.interval)
    if against:
        return "conflict", steps, reasons + against
    if unchecked and status == "read":
        return "partial", steps, reasons + unchecked
    return status, steps, reasons + unchecked


def _mismatches(steps: tuple[Step, ...], view: View) -> list[str]:
    found = []
    allowed = _UNITS.get(view.kind)
    if allowed is None and view.kind:
        allowed = _WEIGHT | {view.kind}
    for step in steps:
        if step.unit and allowed is not None and step.unit not in allowed:
            found.append(
                f"the text says {amount_words(Fraction(2), Fraction(2), step.unit)[2:]}, the product is {view.name}"
            )
        against = _ROUTES_AGAINST.get(step.route or "")
        if against and view.kind in against:
            found.append(f"the text gives the {step.route} route, the product is {view.name}")
        if view.eye and step.route == "oral":
            found.append(f"the text gives the oral route, the product is {view.name}")
    return list(dict.fromkeys(found))


_VERBS_AGAINST = {
    "inhale": _INSIDE - {"capsule"} | {"patch", "cream", "suppository", "pessary", "injection"},
    "inject": _INSIDE | _NOT_ORAL | {"cream", "drops", "spray"},
    "nebulise": _INSIDE | {"patch", "cream", "suppository"},
}


def _said(items: Sequence[Item], view: View) -> list[str]:
    """Verbs, named medicines and bare strengths that do not go with the product."""
    found = []
    for item in items:
        if item.kind == k.VERB and view.kind in _VERBS_AGAINST.get(item.value, ()):
            found.append(f"the text says {item.value}, the product is {view.name}")
        if item.kind == k.NAME and item.value:
            found.append(f"the text names {item.value}, the product is {view.name}")
        if item.kind == k.AMOUNT and item.value.written.startswith("strength "):
            form = item.value.written.partition(" ")[2]
            allowed = _UNITS.get(view.kind)
            if allowed is not None and form not in allowed:
                found.append(f"the text says {form}, the product is {view.name}")
    return found


def _strength(view: View) -> tuple[Fraction, str] | None:
    """The strength of one counted unit, or of 1 ml, of a product with one ingredient."""
    if len(view.ingredients) != 1 or not view.strengths or view.strengths[0] is None:
        return None
    strength = view.strengths[0]
    if strength.denominator is None:
        return strength.numerator, strength.unit
    return strength.numerator / strength.denominator, strength.unit


def _strengths(items: Sequence[Item], view: View) -> list[str]:
    size = _strength(view)
    strength = view.strengths[0] if view.strengths else None
    if size is None or strength is None or strength.denominator is not None:
        return []
    found = []
    for item in items:
        if item.kind == k.AMOUNT and item.value.strength is not None:
            value, unit = item.value.strength
            same = convert(value, unit, size[1])
            if same is not None and same != size[0]:
                words = amount_words(value, value, unit)
                found.append(f"the text says {words} in each, the product is {view.name}")
    return found


def _equivalents(items: Sequence[Item], view: View, against: list[str]) -> list[str]:
    """Amounts said twice: "25 ml (1000 mg)" must agree by the product's strength."""
    unchecked = []
    before: Item | None = None
    for item in items:
        if item.kind == k.EQUIVALENT and before is not None:
            agreed = _agree(before.value, item.value, view)
            if agreed is None:
                unchecked.append(
                    "an amount is written in two units that cannot be held against each other"
                )
            elif not agreed:
                one = amount_words(before.value.low, before.value.high, before.value.unit)
                other = amount_words(item.value.low, item.value.high, item.value.unit)
                against.append(f"{one} of {view.name} is not {other}")
        if item.kind == k.AMOUNT:
            before = item
    return unchecked


def _in_mass(quantity: Quantity, view: View | None) -> tuple[Fraction, Fraction, str] | None:
    low = quantity.low if quantity.low is not None else quantity.high
    if quantity.unit in ("mg", "microgram", "nanogram", "g"):
        scale = convert(Fraction(1), quantity.unit, "mg") or Fraction(0)
        return low * scale, quantity.high * scale, "mg"
    if quantity.unit in ("unit", "mmol"):
        return low, quantity.high, quantity.unit
    size: tuple[Fraction, str] | None = quantity.strength
    if size is None and view is not None:
        strength = view.strengths[0] if view.strengths else None
        liquid = strength is not None and strength.denominator_unit == "ml"
        counted = strength is not None and strength.denominator is None
        fits = (quantity.unit == "ml" and liquid) or (
            counted and (quantity.unit is None or view.counts(quantity.unit))
        )
        if fits or (
            quantity.unit == "puff" and strength is not None and strength.denominator_unit == "dose"
        ):
            size = _strength(view)
    if size is None:
        return None
    scale2 = convert(size[0], size[1], "mg")
    if scale2 is None:
        return low * size[0], quantity.high * size[0], size[1]
    return low * scale2, quantity.high * scale2, "mg"


def _agree(one: Quantity, other: Quantity, view: View | None) -> bool | None:
    if one.unit == other.unit:
        return (one.low, one.high) == (other.low, other.high)
    a, b = _in_mass(one, view), _in_mass(other, view)
    if a is None or b is None or a[2] != b[2]:
        return None
    return a == b


_COUNTED_WHOLE = frozenset(
    {"tablet", "capsule", "sachet", "suppository", "pessary", "patch", "lozenge"}
)


def equivalents_without_product(items: Sequence[Item]) -> tuple[list[str], list[str]]:
    """What disagrees, and what cannot be told, of amounts said twice, with no product given.

    "1 tablet (500 mg)" counts tablets, and what is in one is the product's matter; of "2.5 ml (5 mg)" either
    may be the slip.
    """
    against: list[str] = []
    unchecked: list[str] = []
    before: Item | None = None
    for item in items:
        if item.kind == k.EQUIVALENT and before is not None:
            agreed = _agree(before.value, item.value, None)
            if agreed is None and before.value.unit not in _COUNTED_WHOLE:
                unchecked.append(
                    "the amount is written in two units; without the product they cannot be held "
                    "against each other"
                )
            elif agreed is False:
                one = amount_words(before.value.low, before.value.high, before.value.unit)
                other = amount_words(item.value.low, item.value.high, item.value.unit)
                against.append(f"{one} is not {other}")
        if item.kind == k.AMOUNT:
            before = item
    return against, unchecked


def _guarded(steps: tuple[Step, ...], view: View, interval: Fraction) -> list[str]:
    """The guard of medicines taken once a week or once a month: no other interval passes.

    Source: the reconciliation notes, section 5.2 (weekly guard), read November 2026.
    """
    week = interval == _WEEK
    word = "week" if week else "month"
    fits = {_WEEK} if week else {MONTH, Fraction(28), Fraction(30)}
    for step in steps:
        if step.high is None and step.times_high is None and not step.no_fixed_dose:
            continue
        once = step.per_days in fits and step.times_high == 1 and step.times_low == 1
        if not once or step.as_needed or step.cycle_days is not None:
            said = render_steps((step,)) or "nothing"
            return [f"{view.name} is taken once a {word}; the text says {said}"]
    if len({s.sequence for s in steps}) != len(steps):
        return [f"{view.name} is taken once a {word}; the text gives it more than once"]
    return []


# -- coded timing ----------------------------------------------------------------------------------


def against_coded(dose: Dose, coded: list[Any], view: View | None = None) -> Dose:
    """Hold the words against coded timing, and that against the product.

    A disagreement is a conflict with both sides shown.
    """
    steps = from_fhir(coded)
    if not steps:
        return dose
    said = render_steps(steps)
    against = _coded_against_product(steps, view) if view is not None else []
    if against and dose.status != "conflict":
        reasons = (*dose.reasons, f"the coded timing says: {said}", *against)
        kept = dose.steps or steps
        return replace(dose, status="conflict", steps=kept, per_day=None, reasons=reasons)
    if not dose.text.strip():
        amount, why = per_day(steps)
        reasons = ("taken from the coded timing: there is no text", *((why,) if why else ()))
        return replace(dose, status="read", steps=steps, per_day=amount, reasons=reasons)
    if dose.status in ("unread", "partial"):
        return replace(dose, reasons=(*dose.reasons, f"the coded timing says: {said}"))
    problem = _differs(dose.steps, steps)
    if problem is None:
        return dose
    mine = render_steps(dose.steps)
    reason = f"{problem}: the text says {mine}; the coded timing says {said}"
    return replace(dose, status="conflict", per_day=None, reasons=(*dose.reasons, reason))


def _coded_against_product(steps: tuple[Step, ...], view: View) -> list[str]:
    found = _mismatches(steps, view)
    if view.interval is not None:
        found += _guarded(steps, view, view.interval)
    return [words.replace("the text ", "the coded timing ") for words in found]


def _rate(step: Step) -> tuple[Fraction, Fraction] | None:
    if step.times_high is None or step.per_days is None:
        return None
    low = step.times_low if step.times_low is not None else Fraction(0)
    return low / step.per_days, step.times_high / step.per_days


def _differs(text: tuple[Step, ...], coded: tuple[Step, ...]) -> str | None:
    if len(text) != len(coded):
        one, _ = per_day(text)
        other, _ = per_day(coded)
        if one is not None and other is not None and one == other:
            return None
        return "text and coded timing have different steps"
    for mine, theirs in zip(text, coded, strict=True):
        if mine.no_fixed_dose:
            fixed = theirs.high is not None and theirs.times_high is not None
            if fixed and not theirs.no_fixed_dose:
                return "the text leaves the dose open, the coded timing does not"
            continue
        a, b = _rate(mine), _rate(theirs)
        if a is not None and b is not None and a != b:
            return "text and coded timing differ in how often"
        if mine.high is not None and theirs.high is not None:
            high = convert(theirs.high, theirs.unit, mine.unit)
            low = None if theirs.low is None else convert(theirs.low, theirs.unit, mine.unit)
            counted = mine.unit is None or theirs.unit is None
            if counted:
                low, high = theirs.low, theirs.high
            if high is None and mine.unit in _SWALLOWED_UNITS and theirs.unit in _SWALLOWED_UNITS:
                return "text and coded timing differ in the unit"
            if high is not None and (low, high) != (mine.low, mine.high):
                return "text and coded timing differ in the amount"
        if mine.as_needed != theirs.as_needed:
            return "text and coded timing differ in whether it is taken only when needed"
        if None not in (mine.duration_days, theirs.duration_days) and (
            mine.duration_days != theirs.duration_days
        ):
            return "text and coded timing differ in how long"
    return None

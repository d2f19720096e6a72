"""FHIR R4 Dosage out of steps, and steps out of FHIR Dosage (R4, and the STU3 fields of GP Connect)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from counterfoil.dosage.model import MONTH, NO_FIXED_DOSE, YEAR, Dose, Step, number

_ONE = Fraction(1)
_HOUR = Fraction(1, 24)
_UNITS = {
    "s": _HOUR / 3600, "min": _HOUR / 60, "h": _HOUR, "d": _ONE, "wk": Fraction(7), "mo": MONTH, "a": YEAR,
}  # fmt: skip
_DAYS = {
    "mon": "monday", "tue": "tuesday", "wed": "wednesday", "thu": "thursday", "fri": "friday",
    "sat": "saturday", "sun": "sunday",
}  # fmt: skip
_DAY_CODES = {v: k for k, v in _DAYS.items()}
_WHEN = {
    "MORN": "morning", "NOON": "noon", "AFT": "afternoon", "EVE": "evening", "NIGHT": "night",
    "HS": "bedtime", "WAKE": "waking", "C": "with meals", "CM": "with breakfast",
    "CD": "with lunch", "CV": "with evening meal", "AC": "before meals", "ACM": "before breakfast",
    "ACD": "before lunch", "ACV": "before evening meal", "PC": "after meals",
    "PCM": "after breakfast", "PCD": "after lunch", "PCV": "after evening meal",
}  # fmt: skip
_WHEN_CODES = {v: k for k, v in _WHEN.items()}
_ONCE_A_DAY = frozenset(set(_WHEN) - {"C", "AC", "PC"})
_UNIT_WORDS = {
    "milligram": "mg", "milligrams": "mg", "mcg": "microgram", "ug": "microgram", "gram": "g", "grams": "g",
    "millilitre": "ml", "mL": "ml", "milliliter": "ml", "micrograms": "microgram", "iu": "unit", "IU": "unit",
    "international unit": "unit", "actuation": "puff", "inhalation": "puff",
}  # fmt: skip


def _period(days: Fraction) -> tuple[int | float, str]:
    for unit in ("a", "mo", "wk", "d", "h"):
        size = days / _UNITS[unit]
        if size.denominator == 1:
            return int(size), unit
    return number(days), "d"


def _interval(when: Sequence[str]) -> dict[str, Any] | None:
    for label in when:
        if label.startswith("every "):
            words = label.split()
            unit = {"h": "h", "d": "d", "w": "wk", "m": "mo"}.get(words[-1][0])
            if unit is None or words[-1].startswith("min"):
                return None
            low = words[1]
            repeat: dict[str, Any] = {"frequency": 1, "period": number(Fraction(low))}
            if "to" in words:
                repeat["periodMax"] = number(Fraction(words[3]))
            return {**repeat, "periodUnit": unit}
    return None


def _repeat(step: Step) -> dict[str, Any]:
    repeat: dict[str, Any] = {}
    days = [_DAY_CODES[w] for w in step.when if w in _DAY_CODES]
    clock = [f"{w}:00" for w in step.when if len(w) == 5 and w[2] == ":"]
    when = [_WHEN_CODES[w] for w in step.when if w in _WHEN_CODES]
    interval = _interval(step.when)
    high, low, per = step.times_high, step.times_low, step.per_days
    if "once only" in step.when:
        repeat["count"] = 1
    elif interval and high is not None and low is not None:
        repeat.update(interval)
    elif high is not None and per is not None:
        if days and per == 7:
            high, low = high / len(days), None if low is None else low / len(days)
            per = _ONE
        if low is not None:
            repeat["frequency"] = number(low)
        if low != high:
            repeat["frequencyMax"] = number(high)
        repeat["period"], repeat["periodUnit"] = _period(per)
    if days:
        repeat["dayOfWeek"] = days
    if clock:
        repeat["timeOfDay"] = clock
    elif when:
        repeat["when"] = when
    if step.duration_days is not None and "count" not in repeat:
        value, unit = _period(step.duration_days)
        repeat["boundsDuration"] = {
            "value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit,
        }  # fmt: skip
    return repeat


def _quantity(value: Fraction, unit: str | None) -> dict[str, Any]:
    made: dict[str, Any] = {"value": number(value)}
    if unit:
        made["unit"] = unit
    return made


def step_to_fhir(step: Step) -> dict[str, Any]:
    """One FHIR R4 Dosage. Its ``text`` says what the coded part cannot (cycles, "up to" limits)."""
    made: dict[str, Any] = {"sequence": step.sequence}
    if step.text:
        made["text"] = step.text
    said = [w for w in step.when if _uncoded(w, step)]
    if said:
        made["additionalInstruction"] = [{"text": w} for w in said]
    repeat = _repeat(step)
    if repeat:
        made["timing"] = {"repeat": repeat}
    if step.as_needed and step.as_needed_for:
        made["asNeededCodeableConcept"] = {"text": step.as_needed_for}
    elif step.as_needed:
        made["asNeededBoolean"] = True
    if step.site:
        made["site"] = {"text": step.site}
    if step.route:
        made["route"] = {"text": step.route}
    if step.high is not None:
        if step.low == step.high:
            made["doseAndRate"] = [{"doseQuantity": _quantity(step.high, step.unit)}]
        else:
            dose_range = {"high": _quantity(step.high, step.unit)}
            if step.low is not None:
                dose_range["low"] = _quantity(step.low, step.unit)
            made["doseAndRate"] = [{"doseRange": dose_range}]
    if step.max_per_day is not None:
        made["maxDosePerPeriod"] = {
            "numerator": _quantity(step.max_per_day, step.max_unit),
            "denominator": {"value": 1, "unit": "d"},
        }
    return made


def _uncoded(word: str, step: Step) -> bool:
    if word in _DAY_CODES or word == "once only":
        return False
    if word.startswith("every "):
        return step.times_low is None  # "up to 4 times a day" stands in the code instead
    clock = any(len(w) == 5 and w[2] == ":" for w in step.when)
    if len(word) == 5 and word[2] == ":":
        return False
    return word not in _WHEN_CODES or clock


def to_fhir(dose: Dose) -> list[dict[str, Any]]:
    """FHIR R4 Dosage of each step; the text alone where nothing was read."""
    if not dose.steps:
        return [{"text": dose.text}] if dose.text else []
    return [step_to_fhir(step) for step in dose.steps]


# -- in ----------------------------------------------------------------------------------------


def _fraction(value: Any) -> Fraction | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return Fraction(str(value)).limit_denominator(10**9)
    except (ValueError, ZeroDivisionError, OverflowError):
        return None


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _array(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _unit(quantity: dict[str, Any]) -> str | None:
    from counterfoil.dosage.lexicon import LEXICON, longest
    from counterfoil.dosage.tokens import tokenise

    unit = quantity.get("unit") or quantity.get("code")
    if not isinstance(unit, str) or not unit:
        return None
    unit = _UNIT_WORDS.get(unit, unit)
    tokens = tokenise(unit[:60], LEXICON.ranged)
    found = longest(LEXICON.unit, tokens, 0)
    return str(found[1][1]) if found and found[0] == len(tokens) else unit.lower()


def _amount(dosage: dict[str, Any]) -> tuple[Fraction | None, Fraction | None, str | None]:
    rates = _array(dosage.get("doseAndRate"))
    holder = _object(rates[0]) if rates else dosage
    single = _object(holder.get("doseQuantity") or holder.get("doseSimpleQuantity"))
    if single:
        value = _fraction(single.get("value"))
        return value, value, _unit(single)
    both = _object(holder.get("doseRange"))
    low, high = _object(both.get("low")), _object(both.get("high"))
    return _fraction(low.get("value")), _fraction(high.get("value")), _unit(high or low)


def _text(value: Any) -> str | None:
    concept = _object(value)
    if isinstance(concept.get("text"), str):
        return str(concept["text"])
    for coding in _array(concept.get("coding")):
        display = _object(coding).get("display")
        if isinstance(display, str):
            return display
    return None


def _times(
    repeat: dict[str, Any], slots: int, days: int
) -> tuple[Fraction | None, Fraction | None, Fraction | None]:
    period = _fraction(repeat.get("period"))
    unit = _UNITS.get(str(repeat.get("periodUnit") or repeat.get("periodUnits") or ""))
    low, high = _fraction(repeat.get("frequency")), _fraction(repeat.get("frequencyMax"))
    longest = _fraction(repeat.get("periodMax"))
    if period is None or unit is None or period <= 0:
        count = Fraction(max(1, slots))
        if days:
            return count * days, count * days, Fraction(7)
        return (count, count, _ONE) if slots else (None, None, None)
    if high is None:
        high = low = low if low is not None else _ONE
    span = period * unit
    if longest is not None and longest > period:
        end = longest * unit
        if end <= 1:
            return (low or _ONE) / end, high / span, _ONE
        return low, high * end / span, end
    if days and span == 1:
        return None if low is None else low * days, high * days, Fraction(7)
    if span <= 1:
        return None if low is None else low / span, high / span, _ONE
    return low, high, span


def step_from_fhir(dosage: dict[str, Any]) -> Step:
    """The step a FHIR Dosage codes; its text is kept and not read."""
    repeat = _object(_object(dosage.get("timing")).get("repeat"))
    days = [_DAYS[d] for d in _array(repeat.get("dayOfWeek")) if d in _DAYS]
    clock = [str(t)[:5] for t in _array(repeat.get("timeOfDay"))]
    raw = repeat.get("when")
    codes = [c for c in (raw if isinstance(raw, list) else [raw]) if c in _WHEN]
    slots = len(clock) + sum(1 for c in codes if c in _ONCE_A_DAY)
    low, high, unit = _amount(dosage)
    when = clock + [_WHEN[c] for c in codes] + days
    once = repeat.get("count") == 1 and "period" not in repeat
    times: tuple[Fraction | None, Fraction | None, Fraction | None]
    times = (_ONE, _ONE, _ONE) if once else _times(repeat, slots, len(days))
    if repeat.get("periodUnit") == "h" or repeat.get("periodMax") is not None:
        when.insert(0, _every(repeat))
    when += [t for t in map(_text, _array(dosage.get("additionalInstruction"))) if t]
    if once:
        when.append("once only")
    bounds = _object(repeat.get("boundsDuration"))
    length = _fraction(bounds.get("value"))
    size = _UNITS.get(str(bounds.get("code") or bounds.get("unit") or ""))
    most = _object(dosage.get("maxDosePerPeriod"))
    numerator = _object(most.get("numerator"))
    needed = dosage.get("asNeededCodeableConcept")
    sequence = dosage.get("sequence")
    return Step(
        sequence=sequence if isinstance(sequence, int) and not isinstance(sequence, bool) else 1,
        text=str(dosage.get("text") or ""),
        low=low,
        high=high,
        unit=unit,
        times_low=times[0],
        times_high=times[1],
        per_days=times[2],
        as_needed=dosage.get("asNeededBoolean") is True or needed is not None,
        as_needed_for=_text(needed) if needed is not None else None,
        route=_text(dosage.get("route")),
        site=_text(dosage.get("site")),
        when=tuple(when),
        duration_days=_ONE if once else (length * size if length is not None and size else None),
        max_per_day=_per_day(most, numerator),
        max_unit=_unit(numerator) if numerator else None,
    )


def _per_day(most: dict[str, Any], numerator: dict[str, Any]) -> Fraction | None:
    below = _object(most.get("denominator"))
    value, length = _fraction(numerator.get("value")), _fraction(below.get("value"))
    size = _UNITS.get(str(below.get("code") or below.get("unit") or ""))
    if str(below.get("unit")) in ("day", "days"):
        size = _ONE
    if value is None or length is None or size is None or length * size != 1:
        return None
    return value


def _every(repeat: dict[str, Any]) -> str:
    unit = {"h": "hour", "d": "day", "wk": "week", "mo": "month"}.get(
        str(repeat.get("periodUnit")), "hour"
    )
    low, high = _fraction(repeat.get("period")), _fraction(repeat.get("periodMax"))
    count = str(low) if high is None else f"{low} to {high}"
    return f"every {count} {unit}{'' if count == '1' else 's'}"


def from_fhir(dosage: Any) -> tuple[Step, ...]:
    """The steps that FHIR Dosage codes, one object or a list of them.

    Only the coded parts are taken; a Dosage that is text alone gives no step. Text is for
    :func:`counterfoil.dosage.read`.
    """
    steps = []
    for one in dosage if isinstance(dosage, list) else [dosage]:
        if not isinstance(one, dict):
            continue
        step = step_from_fhir(one)
        if step.high is not None or step.times_high is not None or NO_FIXED_DOSE in step.when:
            steps.append(step)
    return tuple(steps)

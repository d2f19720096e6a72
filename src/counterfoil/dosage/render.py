"""A structured dose in clear English, by the manner of the NHS dose-to-text rules.

``read(render(dose))`` gives the steps back; a property test holds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from counterfoil.dosage.clauses import ONCE_ONLY, WEEKDAYS
from counterfoil.dosage.model import NO_FIXED_DOSE, Dose, Step
from counterfoil.dosage.words import amount_words, days_words, figure

_TIMES = {
    "morning": "in the morning",
    "noon": "at midday",
    "afternoon": "in the afternoon",
    "evening": "in the evening",
    "night": "at night",
    "bedtime": "at bedtime",
    "teatime": "at teatime",
    "lunchtime": "at lunchtime",
    "waking": "on waking",
    "mid-morning": "mid-morning",
}
_ROUTES = {
    "oral": "by mouth",
    "sublingual": "under the tongue",
    "inhaled": "by inhalation",
    "nebulised": "via nebuliser",
    "rectal": "rectally",
    "vaginal": "vaginally",
    "buccal": "buccally",
    "nasal": "by nose",
    "transdermal": "transdermally",
    "subcutaneous": "by subcutaneous injection",
    "intramuscular": "by intramuscular injection",
    "intravenous": "by intravenous injection",
    "topical": "to the skin",
    "gastrostomy": "via PEG tube",
    "nasogastric": "via NG tube",
    "jejunostomy": "via jejunostomy tube",
    "nasojejunal": "via NJ tube",
    "enteral": "via feeding tube",
}
MEAL_TIMES = frozenset(
    f"{word} {meal}"
    for word in ("with", "before", "after")
    for meal in ("breakfast", "lunch", "evening meal", "dinner", "largest meal")
)


_OWN_WORDS = ("variable dose", "sliding scale", "according to", "reduc", "increas", "titrat")
"""Beginnings of labels that say of themselves that no dose is fixed."""


def is_time(label: str) -> bool:
    """Whether an entry of ``Step.when`` is a time of day that comes once a day."""
    if " or " in label:
        return all(is_time(part) for part in label.split(" or "))
    if label in _TIMES or label in MEAL_TIMES or (len(label) == 5 and label[2] == ":"):
        return True
    return label.endswith(
        ("before breakfast", "after breakfast", "before lunch", "after lunch", "before dinner",
         "after dinner", "evening meal", "before bedtime", "after waking")
    ) and "food" not in label  # fmt: skip


def _time(label: str) -> str:
    if " or " in label:
        return " or ".join(_time(part) for part in label.split(" or "))
    if len(label) == 5 and label[2] == ":":
        return f"at {label}"
    return _TIMES.get(label, label)


def listed(words: Sequence[str]) -> str:
    """Words as a list: "a, b and c"."""
    if len(words) < 2:
        return "".join(words)
    return ", ".join(words[:-1]) + " and " + words[-1]


def _times_words(low: Fraction | None, high: Fraction, days: Fraction) -> str:
    count = {1: "once", 2: "twice"}.get(high.numerator if high.denominator == 1 else 0)
    count = count or f"{figure(high)} times"
    if low is None:
        count = f"up to {figure(high)} times" if high > 1 else "up to once"
    elif low != high:
        count = f"{figure(low)} to {figure(high)} times"
    if days == 1:
        return f"{count} a day"
    if days == 7:
        return f"{count} a week"
    length = days_words(days)
    if length in ("1 month", "1 year"):
        return f"{count} a {length[2:]}"
    if low == high == 1:
        return f"every {length}"
    return f"{count} every {length}"


def _how_often(step: Step) -> list[str]:
    slots = [w for w in step.when if is_time(w)]
    days = [w for w in step.when if w in WEEKDAYS]
    interval = [w for w in step.when if w.startswith("every ")]
    a_week = [w for w in step.when if w.endswith(" days a week")]
    without = "except on methotrexate day" in step.when
    said: list[str] = []
    low, high, per = step.times_low, step.times_high, step.per_days
    if high is not None and per is not None:
        shared = Fraction(
            len(days) or (6 if without else 0) or (int(a_week[0].split()[0]) if a_week else 0)
        )
        if shared and per == 7:
            high, low, per = high / shared, None if low is None else low / shared, Fraction(1)
            if low == high == 1 and (days or without) and not slots:
                said += ["once a day"] if without else []
                high = None
        if ONCE_ONLY in step.when:
            high = None
        if interval and per == 1:
            said.append(interval[0])
            if low is None and high is not None:
                said.append(_times_words(low, high, per))
            high = None
        elif interval:
            said.append(interval[0])
            high = None
        if high is not None and not (slots and low == high == len(slots) and per == 1):
            said.append(_times_words(low, high, per or Fraction(1)))
    if slots:
        said.append(listed([_time(s) for s in slots]))
    if days:
        said.append("on " + listed([d.capitalize() for d in days]))
    if a_week:
        said.append(a_week[0])
    if without:
        said.append("except on methotrexate day")
    return said


def _manner(step: Step) -> list[str]:
    said = []
    for word in step.when:
        if word == NO_FIXED_DOSE:
            if not any(w.startswith(_OWN_WORDS) for w in step.when):
                said.append("as directed")
        elif (
            not is_time(word)
            and word not in WEEKDAYS
            and word != "except on methotrexate day"
            and not word.startswith("every ")
            and not word.endswith(" days a week")
        ):
            said.append(word)
    return said


def _site(site: str) -> str:
    if " and " in site and site != "face and body":
        return " and ".join(_site(part) for part in site.split(" and "))
    article = "" if site.split()[0] in ("both", "each", "one") else "the "
    last = site.split()[-1].removesuffix("s")
    inside = last in ("eye", "ear", "nostril", "mouth", "groin") and "corners" not in site
    return f"{'in' if inside else 'to'} {article}{site}"


def render_step(step: Step, with_duration: bool = True) -> str:
    """One step in English."""
    said: list[str] = []
    if step.high is not None:
        said.append(amount_words(step.low, step.high, step.unit))
        if step.unit is None:
            said.append("to be taken")
    said += _how_often(step)
    said += _manner(step)
    if step.site:
        said.append(_site(step.site))
    if step.route:
        said.append(_ROUTES.get(step.route, step.route))
    if step.as_needed:
        said.append("as required" + (f" for {step.as_needed_for}" if step.as_needed_for else ""))
    if with_duration and step.duration_days is not None and ONCE_ONLY not in step.when:
        said.append(f"for {days_words(step.duration_days)}")
        if step.cycle_days is not None:
            said.append(f"then {days_words(step.cycle_days - step.duration_days)} off")
    text = " ".join(said)
    if step.max_per_day is not None:
        limit = amount_words(step.max_per_day, step.max_per_day, step.max_unit)
        text += f", up to a maximum of {limit} in 24 hours"
    return text


def render_steps(steps: Sequence[Step]) -> str:
    """Steps in English: at the same time joined by "and", one after another by "then"."""
    rows: list[str] = []
    for sequence in dict.fromkeys(s.sequence for s in steps):
        row = [s for s in steps if s.sequence == sequence]
        if _alternates(row):
            rows.append(_alternating(row))
            continue
        shared = len(row) > 1 and len({(s.duration_days, s.cycle_days) for s in row}) == 1
        said = ", and ".join(render_step(s, not shared) for s in row)
        if shared and row[0].duration_days is not None:
            only = replace(
                row[0], low=None, high=None, times_high=None, when=(), site=None, route=None,
                as_needed=False, max_per_day=None,
            )  # fmt: skip
            said += " " + render_step(only)
        rows.append(said)
    return ", then ".join(rows)


def _alternates(row: Sequence[Step]) -> bool:
    return len(row) == 2 and all(
        s.times_low == s.times_high == 1 and s.per_days == 2 and s.high is not None for s in row
    )


def _alternating(row: Sequence[Step]) -> str:
    one, other = row
    assert one.high is not None
    first = amount_words(one.low, one.high, one.unit)
    rest = replace(other, times_high=None)
    return f"{first} alternating with {render_step(rest)} on alternate days"


def render(dose: Dose) -> str:
    """A dose in clear English; empty where nothing of it was read."""
    return render_steps(dose.steps)

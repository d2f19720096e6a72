"""What differs between a letter line and a GP entry: product first, then dose, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from counterfoil.dosage import compare, convert
from counterfoil.reconciliation.sides import Amounts, Side, plain_words
from counterfoil.terminology import Match


@dataclass(frozen=True, slots=True)
class Difference:
    """What was found. ``kind`` is a sub-class of ``same``, ``changed`` or ``unreadable``.

    ``found`` says it in words with the arithmetic; ``same`` holds only where product and dose were
    both compared and are equal, or stand there in the same words.
    """

    same: bool
    kind: str
    found: str
    readable: bool = True
    words_only: bool = False


def product_difference(gp: Side, letter: Side) -> str | None:
    """The sub-class of the first difference between two products; ``None`` where there is none.

    What one side does not state is not a difference. Strengths are compared by amount, elsewhere.
    """
    a, b = gp.match, letter.match
    if a.product is not None and b.product is not None and a.product.vmp_id == b.product.vmp_id:
        return None
    for attribute in ("route", "release", "device", "form"):
        one, other = _attribute(a, attribute), _attribute(b, attribute)
        if one and other and one != other:
            return attribute
        if attribute == "release" and one != other and one is not None and other is not None:
            return attribute
    return None


def _attribute(match: Match, name: str) -> str | None:
    value = getattr(match.product, name) if match.product is not None else getattr(match, name)
    return None if value is None else str(value)


def strength_differs(gp: Side, letter: Side) -> bool:
    """Whether both sides state strengths and they differ."""
    a, b = gp.match.strengths, letter.match.strengths
    if not a or not b or None in a or None in b or gp.match.ingredients != letter.match.ingredients:
        return False
    return [s.key for s in a if s] != [s.key for s in b if s]


def same_words(gp: Side, letter: Side) -> bool:
    """Whether two medicines the formulary may not know are named by the same words."""

    def words(side: Side) -> tuple[str, str]:
        text = side.drug_text.lower().replace("micrograms", "microgram").replace("mcg", "microgram")
        rest = "".join(text[len(text) - len(text.lstrip()) :].split())
        return plain_words(side.drug_text), rest.rstrip("s").replace("tabs", "tablets")

    return words(gp) == words(letter)


def amounts(side: Side) -> Amounts | None:
    """The amount of each ingredient a day; ``None`` where the dose does not fix it."""
    return side.amounts


def total(sides: Sequence[Side]) -> Amounts | None:
    """The sum over several entries of one medicine; ``None`` where one of them is not fixed."""
    out: Amounts = {}
    for side in sides:
        part = amounts(side)
        if part is None:
            return None
        for name, (low, high, unit) in part.items():
            before = out.get(name)
            if before is not None and before[2] != unit:
                return None
            out[name] = (
                low + (before[0] if before else 0),
                high + (before[1] if before else 0),
                unit,
            )
    return out or None


def direction(before: Amounts, after: Amounts) -> str:
    """``equal``, ``up``, ``down``, or ``mixed`` where ingredients move apart or cannot be compared."""
    if before.keys() != after.keys():
        return "mixed"
    moves = set()
    for name, (low, high, unit) in before.items():
        new_low, new_high, new_unit = after[name]
        if unit != new_unit:
            return "mixed"
        if (low, high) == (new_low, new_high):
            moves.add("equal")
        elif new_high > high or (new_high == high and new_low > low):
            moves.add("up")
        else:
            moves.add("down")
    if len(moves) == 1:
        return moves.pop()
    return "mixed"


def said(values: Amounts) -> str:
    """Amounts a day in words: ``5 mg a day``; several ingredients one after the other."""
    parts = []
    for name, (low, high, unit) in sorted(values.items()):
        if unit == "mg" and 0 < high < 1:
            low, high, unit = low * 1000, high * 1000, "microgram"
        amount = plain(low) if low == high else f"{plain(low)} to {plain(high)}"
        parts.append(f"{amount} {unit}" if len(values) == 1 else f"{name} {amount} {unit}")
    return " and ".join(parts) + " a day"


def plain(value: Fraction) -> str:
    """A number as people write it; a fraction stays one where no short decimal is exact."""
    if value.denominator == 1:
        return f"{value.numerator:,}" if value.numerator > 99999 else str(value.numerator)
    text = f"{float(value):.4f}".rstrip("0").rstrip(".")
    return text if Fraction(text) == value else f"about {float(value):.2f}"


def difference(gp: Side, letter: Side) -> Difference:
    """Lays one GP entry and one letter unit side by side."""
    apart = product_difference(gp, letter)
    identical = _identical(gp, letter)
    if letter.dose.status == "conflict":
        return Difference(False, "text v code", "; ".join(letter.dose.reasons), readable=False)
    if not letter.dose_text.strip():
        return Difference(False, "dose not stated", "the letter gives no dose", readable=False)
    if identical and letter.dose_words == gp.dose_words:
        return Difference(
            True,
            _same_kind(gp, letter),
            "no difference",
            words_only=letter.dose.status != "read" or letter.no_fixed_dose,
        )
    for side, whose in ((letter, "the letter’s"), (gp, "the GP list’s")):
        if side.dose.status != "read":
            why = "; ".join(side.dose.reasons) or "not every word was understood"
            what = f"{whose} dose “{side.dose_text or 'none'}” was not read: {why}"
            return Difference(False, "dose not parsed", what, readable=False)
    moved = _dose_move(gp, letter)
    if apart:
        return Difference(False, apart, _words(apart, gp, letter, moved))
    if moved.kind == "doses cannot be compared":
        return moved
    if not moved.same:
        return moved
    if not (identical or _equal_product(gp, letter)):
        if strength_differs(gp, letter):
            values = amounts(letter)
            if values is None:
                return Difference(False, "strength-and-dose", "another strength")
            return Difference(
                True,
                "same daily amount by other strength",
                f"the same {said(values)} by other strengths",
            )
        if not gp.known or not letter.known:
            return Difference(
                False, "drug unknown", "the names could not be compared", readable=False
            )
    return Difference(True, _same_kind(gp, letter), "no difference")


def _identical(gp: Side, letter: Side) -> bool:
    if _equal_product(gp, letter):
        return True
    return (not gp.known or gp.match.level in ("VTM", "ingredients")) and same_words(gp, letter)


def _equal_product(gp: Side, letter: Side) -> bool:
    one, other = gp.match.product, letter.match.product
    return one is not None and other is not None and one.vmp_id == other.vmp_id


def _same_kind(gp: Side, letter: Side) -> str:
    one, other = gp.match, letter.match
    if one.id != other.id and (one.brand or other.brand) and one.brand != other.brand:
        return "brand or generic of the same product"
    return "identical"


def _words(apart: str, gp: Side, letter: Side, moved: Difference) -> str:
    old, new = _attribute(gp.match, apart) or "none", _attribute(letter.match, apart) or "none"
    if apart == "release":
        old, new = old or "standard release", new or "standard release"
    words = f"{apart}, {old} to {new}"
    return words if moved.same or not moved.readable else f"{words}; {moved.found}"


def _dose_move(gp: Side, letter: Side) -> Difference:
    """The dose alone, by the two instructions and by ingredient."""
    if letter.no_fixed_dose or gp.no_fixed_dose:
        if gp.dose_words == letter.dose_words:
            return Difference(True, "identical", "no difference", words_only=True)
        return Difference(
            False,
            "doses cannot be compared",
            f"no fixed dose: “{gp.dose_text}” and “{letter.dose_text}”",
            readable=False,
        )
    if gp.as_needed != letter.as_needed:
        how = ("as needed", "regular")
        old, new = how if gp.as_needed else how[::-1]
        return Difference(False, "as needed or regular", f"{old} to {new}")
    before, after = amounts(gp), amounts(letter)
    if gp.tapers or letter.tapers:
        if compare(gp.dose, letter.dose) == "equal":
            return Difference(True, "identical", "no difference")
        return Difference(False, "schedule only", "the steps of the dose differ")
    if before and after:
        verdict = direction(before, after)
        if verdict == "equal" and not same_schedule(gp, letter):
            verdict = "schedule_only"
    else:
        verdict = str(compare(gp.dose, letter.dose))
        if verdict == "schedule_only" and same_schedule(gp, letter):
            verdict = "equal"
        if verdict == "overlaps":
            verdict = _by_most(gp, letter)
        if verdict == "not_comparable":
            verdict = _each_time(gp, letter)
    if verdict == "not_comparable":
        return Difference(
            False,
            "doses cannot be compared",
            f"“{gp.dose_text}” and “{letter.dose_text}” do not state the same things",
            readable=False,
        )
    return _verdict(verdict, gp, letter, before, after)


def _by_most(gp: Side, letter: Side) -> str:
    one, other = gp.dose.per_day, letter.dose.per_day
    assert one is not None
    assert other is not None
    high = convert(other.high, other.unit, one.unit)
    low = convert(other.low, other.unit, one.unit)
    assert high is not None
    assert low is not None
    return "up" if (high, low) > (one.high, one.low) else "down"


def _each_time(gp: Side, letter: Side) -> str:
    """Doses without an amount a day: by the amount at one time, where one step stands for all."""
    if len(gp.dose.steps) != 1 or len(letter.dose.steps) != 1:
        return "not_comparable"
    one, other = gp.dose.steps[0], letter.dose.steps[0]
    if one.unit != other.unit or one.high is None or other.high is None:
        apart = one.site and other.site and one.site != other.site
        if one.high is None and other.high is None and not apart:
            return "equal" if same_schedule(gp, letter) else "schedule_only"
        return "not_comparable"
    if one.site and other.site and one.site != other.site:
        return "not_comparable"
    often = (one.times_low, one.times_high, one.per_days, one.max_per_day)
    if (one.low, one.high) == (other.low, other.high):
        limits = (other.times_low, other.times_high, other.per_days, other.max_per_day)
        if one.as_needed and (one.per_days is None) != (other.per_days is None):
            return "not_comparable"
        return "equal" if often == limits and same_schedule(gp, letter) else "schedule_only"
    return "up" if (other.high, other.low or 0) > (one.high, one.low or 0) else "down"


def same_schedule(gp: Side, letter: Side) -> bool:
    """Whether the same number of doses is taken a day, at times that do not contradict each other.

    A time of day that only one side states is not a difference.
    """
    if gp.as_needed and letter.as_needed and _each(gp) == _each(letter):
        return True
    one, other = _rates(gp), _rates(letter)
    if one is None or other is None:
        return one == other
    if _equal_product(gp, letter) and {u for _, u in one} == {u for _, u in other}:
        if one != other:
            return False
    elif sum(one.values()) != sum(other.values()):
        return False
    when, then = _times_of_day(gp), _times_of_day(letter)
    return when <= then or then <= when


def _each(side: Side) -> list[tuple[Fraction | None, Fraction | None, str | None]]:
    """The amounts at one time: with equal totals, all that counts for a medicine taken as needed."""
    return sorted(((s.low, s.high, s.unit) for s in side.dose.steps), key=str)


def _rates(side: Side) -> dict[tuple[Fraction | None, str | None], Fraction] | None:
    """How many times a day each amount is taken; ``None`` where a step does not say how often."""
    out: dict[tuple[Fraction | None, str | None], Fraction] = {}
    for step in side.dose.steps:
        if step.times_high is None or step.per_days is None:
            return None
        key = (step.high, step.unit)
        out[key] = out.get(key, Fraction(0)) + step.times_high / step.per_days
    return out


_MANNER = ("food", "meal", "water", "stomach", "required", "directed", "glass")
_LINKS = frozenset(("at", "in", "the", "on", "with", "before", "after", "each", "every"))
_SAME_TIME = {
    "breakfast": "morning",
    "bed": "night",
    "lunch": "midday",
    "noon": "midday",
    "teatime": "evening",
}


def _times_of_day(side: Side) -> frozenset[str]:
    out = set()
    for step in side.dose.steps:
        for when in step.when:
            if any(m in when for m in _MANNER):
                continue
            known = [time for word, time in _SAME_TIME.items() if word in when.lower()]
            words = [w for w in when.lower().split() if w not in _LINKS]
            out.add(known[0] if known else " ".join(words))
    return frozenset(out)


def _verdict(
    verdict: str, gp: Side, letter: Side, before: Amounts | None, after: Amounts | None
) -> Difference:
    if verdict == "equal":
        return Difference(True, "identical", "no difference")
    if verdict == "schedule_only":
        return Difference(False, "schedule only", f"“{gp.dose_text}” to “{letter.dose_text}”")
    if before and after:
        arithmetic = f"{said(before).removesuffix(' a day')} to {said(after)}"
    else:
        arithmetic = f"“{gp.dose_text}” to “{letter.dose_text}”"
    if verdict in ("up", "down"):
        return Difference(False, f"dose {verdict}", f"dose {verdict}, {arithmetic}")
    return Difference(False, "strength-and-dose", f"strength and dose, {arithmetic}")


def brand_changed(gp: Match, letter: Match) -> bool:
    """Whether both sides name a brand and the brands differ."""
    return bool(gp.brand and letter.brand and gp.brand.lower() != letter.brand.lower())

"""How a dose text is read: word by word, as steps, as an amount a day with its arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from counterfoil.dosage import (
    NO_FIXED_DOSE,
    Amount,
    Dose,
    Step,
    Word,
    ingredient_per_day,
    read,
    render,
    step_per_day,
)
from counterfoil.dosage import items as k
from counterfoil.dosage.model import changed
from counterfoil.dosage.product import view_of
from counterfoil.dosage.words import amount_words, days_words, figure, unit_words
from counterfoil.terminology import formulary
from counterfoil.terminology.model import Match

NOT_UNDERSTOOD = "not understood"
STATUSES = {
    "read": ("Read", "green", "Every word was understood, and there is one reading."),
    "partial": ("Partly read", "yellow", "Something is missing or was not understood."),
    "unread": ("Left to a person", "orange", "No reading, or more than one: a person reads it."),
    "conflict": ("Conflict", "red", "What is written does not agree with itself or the product."),
}
_SORTS = {
    "amount": (k.AMOUNT, k.EQUIVALENT),
    "how often": (k.FREQUENCY, k.COUNT, k.DAYS_A_WEEK, k.ALTERNATING, k.STAT, k.SINGLE, k.REPLACE),
    "when": (k.TIME, k.WEEKDAYS, k.EXCEPT, k.DAY_NUMBER),
    "how": (k.MANNER,),
    "only when needed": (k.PRN, k.AGAIN),
    "what for": (k.INDICATION,),
    "how long": (k.DURATION, k.CYCLE_OFF, k.CYCLE_ON, k.CYCLE_WORD),
    "at most": (k.MAXIMUM,),
    "route or place": (k.ROUTE, k.SITE),
    "left open": (k.DIRECTED, k.UNFIXED),
    "next step": (k.THEN, k.AFTER, k.CHANGE_BY, k.STOP),
    "two ways": (k.AMBIGUOUS,),
    NOT_UNDERSTOOD: (k.UNKNOWN, k.JUNK),
}
_SORT_OF = {kind: sort for sort, kinds in _SORTS.items() for kind in kinds}
PASSED = "changes nothing"
_STYLES = {
    "amount": "amount", "at most": "amount",
    "how often": "often", "when": "often", "how": "often", "how long": "often",
    "only when needed": "open", "left open": "open", "what for": "open",
    "route or place": "place", "next step": "place",
    PASSED: "passed", "two ways": "missed", NOT_UNDERSTOOD: "missed",
}  # fmt: skip


@dataclass(frozen=True)
class Stretch:
    """A stretch of the text and what it was taken for. ``style`` names one of six looks."""

    text: str
    sort: str
    detail: str
    style: str


@dataclass(frozen=True)
class StepLine:
    """One step as a row: every cell in words, a dash where the text says nothing."""

    number: str
    amount: str
    often: str
    when: str
    needed: str
    place: str
    lasts: str
    most: str
    a_day: str


@dataclass(frozen=True)
class DosePage:
    """A dose text as it was read."""

    text: str
    status: str
    colour: str
    meaning: str
    stretches: tuple[Stretch, ...]
    english: str
    steps: tuple[StepLine, ...]
    per_day: str
    working: tuple[str, ...]
    conflicts: tuple[str, ...]
    unknown: tuple[str, ...]
    guard: str


@dataclass(frozen=True)
class ProductRead:
    """What a typed product was taken for; ``choices`` where the name leaves it open."""

    typed: str
    name: str
    href_id: str
    words: str
    choices: tuple[str, ...] = ()


def dose_page(text: str, product: str) -> DosePage:
    """How *text* is read for *product* (a name, or nothing)."""
    dose = read(text, product or None)
    label, colour, meaning = STATUSES[dose.status]
    reasons = tuple(_sentence(r) for r in dose.reasons)
    conflict = dose.status == "conflict"
    per_day, working = _a_day(dose, product)
    return DosePage(
        text=text,
        status=label,
        colour=colour,
        meaning=meaning,
        stretches=tuple(_stretches(dose)),
        english=_sentence(render(dose)) if dose.status != "unread" else "",
        steps=tuple(_step(s, conflict) for s in dose.steps),
        per_day=per_day,
        working=working,
        conflicts=reasons if conflict else (),
        unknown=() if conflict else reasons,
        guard=_guard(product),
    )


def product_read(typed: str) -> ProductRead | None:
    """What the words typed as a product were taken for."""
    if not typed:
        return None
    match: Match = formulary().match(typed)
    if match.product is not None:
        words = "" if match.product.name.lower() == typed.lower() else "Read as"
        return ProductRead(typed, match.product.name, match.product.id, words)
    choices = [p.name for p in match.possible[:8]] or [p.name for p in formulary().search(typed, 8)]
    if match.level == "none":
        words = "No product of this name is known, so only its words informed the reading."
    else:
        words = f"Read as {match.name or ' and '.join(match.ingredients)}, but not which product."
    return ProductRead(typed, "", "", words, tuple(dict.fromkeys(choices)))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _stretches(dose: Dose) -> list[Stretch]:
    made = []
    for word in dose.words:
        sort = _SORT_OF.get(word.kind, PASSED)
        if sort == PASSED and word.kind == k.MARK:
            made.append(Stretch(word.word, "", "", "mark"))
            continue
        made.append(Stretch(word.word, sort, _detail(word, sort), _STYLES[sort]))
    return made


_SAID = ("amount: ", "time: ", "where: ", "route: ", "what it is for: ", "at most ")


def _detail(word: Word, sort: str) -> str:
    """What the stretch was read as, without saying its sort again."""
    if word.kind in (k.AND, k.OR, k.UNKNOWN, k.JUNK, k.AMBIGUOUS):
        return ""
    detail = word.reading
    for prefix in (*_SAID, sort):
        detail = detail.removeprefix(prefix)
    return detail.lstrip(", ")


def _step(step: Step, conflict: bool) -> StepLine:
    label = [w for w in step.when if w != NO_FIXED_DOSE]
    needed = "Only when needed" if step.as_needed else ""
    if step.as_needed_for:
        needed += f", for {step.as_needed_for}"
    lasts = days_words(step.duration_days) if step.duration_days is not None else ""
    if lasts and step.cycle_days is not None and step.duration_days is not None:
        lasts += f", then {days_words(step.cycle_days - step.duration_days)} without"
    most = ""
    if step.max_per_day is not None:
        most = f"{amount_words(step.max_per_day, step.max_per_day, step.max_unit)} in 24 hours"
    amount = amount_words(step.low, step.high, step.unit) if step.high is not None else ""
    if step.no_fixed_dose:
        amount = f"{amount}, not fixed" if amount else "not fixed"
    return StepLine(
        number=str(step.sequence),
        amount=amount,
        often=_often(step),
        when=", ".join(w.capitalize() if w.endswith("day") else w for w in label),
        needed=needed,
        place=", ".join(p for p in (step.route, step.site) if p),
        lasts=lasts,
        most=most,
        a_day="" if conflict else _step_a_day(step),
    )


def _step_a_day(step: Step) -> str:
    amount, _ = step_per_day(step)
    if amount is None:
        return ""
    unit = unit_words(amount.unit, amount.high != 1) if amount.unit else ""
    return f"{_between(amount)} {unit}".strip()


def _often(step: Step) -> str:
    if step.times_high is None or step.per_days is None:
        return ""
    if "once only" in step.when:
        return "once"
    count = f"{_range(step.times_low, step.times_high)} times"
    if step.times_low is not None:
        count = {"1 times": "once", "2 times": "twice"}.get(count, count)
    length = days_words(step.per_days)
    length = "day" if length == "1 day" else "week" if step.per_days == 7 else length
    return f"{count} every {length}" if length[0].isdigit() else f"{count} a {length}"


def _range(low: Fraction | None, high: Fraction) -> str:
    if low is None:
        return f"up to {figure(high)}"
    return figure(high) if low == high else f"{figure(low)} to {figure(high)}"


def _figure(value: Fraction) -> str:
    """A number for the eye: exact where it is short, else the fraction with its decimal."""
    exact = figure(value)
    return f"{exact} (about {float(value):.2f})" if "/" in exact else exact


def _a_day(dose: Dose, product: str) -> tuple[str, tuple[str, ...]]:
    if dose.per_day is None:
        return "", ()
    unit = unit_words(dose.per_day.unit, dose.per_day.high != 1) if dose.per_day.unit else ""
    total = _between(dose.per_day)
    working = [line for step in dose.steps for line in _working(step)]
    if len(dose.steps) > 1:
        working.append(f"Together: {total} {unit}".rstrip())
    for name, (least, most, of) in (ingredient_per_day(dose, product) or {}).items():
        both = _figure(most) if least == most else f"{_figure(least)} to {_figure(most)}"
        working.append(f"{_sentence(name)}: {both} {unit_words(of, most != 1)} a day")
    return f"{total} {unit} a day".replace("  ", " "), tuple(working)


def _working(step: Step) -> list[str]:
    """The sum of one step: "1 to 2 tablets x 4 to 6 = 4 to 12 a day, at most 8"."""
    amount, _ = step_per_day(step)
    if amount is None or step.high is None:
        return []
    each = amount_words(step.low, step.high, step.unit)
    if step.times_high is None or step.per_days is None:
        most = figure(amount.high)
        return [f"Taken when needed: nothing, up to the stated maximum of {most} in 24 hours"]
    sum_ = f"{each} \N{MULTIPLICATION SIGN} {_range(step.times_low, step.times_high)}"
    if step.per_days != 1:
        sum_ += f" \N{DIVISION SIGN} {figure(step.per_days)} days"
    if step.cycle_days is not None and step.duration_days is not None:
        sum_ += (
            f" \N{MULTIPLICATION SIGN} {figure(step.duration_days)} of every "
            f"{figure(step.cycle_days)} days"
        )
    plain, _ = step_per_day(changed(step, as_needed=False, max_per_day=None))
    lines = [f"{sum_} = {_between(plain or amount)} a day"]
    if step.max_per_day is not None:
        most = amount_words(step.max_per_day, step.max_per_day, step.max_unit)
        lines.append(f"At most {most} in 24 hours is stated")
    if step.as_needed:
        lines.append(f"Only when needed, so none on some days: {_between(amount)} a day")
    site = step.site or ""
    if site.startswith(("each ", "both ")):
        lines.append(f"This is for each of two places: {site}")
    return lines


def _between(amount: Amount) -> str:
    low, high = amount.low, amount.high
    return _figure(high) if low == high else f"{_figure(low)} to {_figure(high)}"


def _guard(product: str) -> str:
    view = view_of(product or None)
    if view is None or view.interval is None:
        return ""
    return f"It is taken once a {'week' if view.interval == 7 else 'month'}."
